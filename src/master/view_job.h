/*
 * How an answer of whole state is made: what only the loop knows is written there, the rest by a
 * worker from a snapshot. Internal to view.c and view_answers.c.
 */
#ifndef TEPUI_MASTER_VIEW_JOB_H
#define TEPUI_MASTER_VIEW_JOB_H

#include "master/view.h"

/* Appends the members that the loop writes: of STATE and STATE_SUMMARY; none for others. */
void master_view_write_head(const struct master *master, enum view_kind kind, struct buf *out);
/* A job that makes the answer of the state as it is now, as the bytes of a blob (blob_begin).
 * Texts are copied. `size_hint`: bytes that it is expected to take. */
struct net_job *master_view_job(struct master *master, const struct view_query *query,
                                struct slice head, size_t size_hint) WARN_UNUSED;

#endif
