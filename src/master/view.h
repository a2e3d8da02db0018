/*
 * Answers that show the whole state: a worker renders them from a snapshot (design.md, decision 2).
 * The loop pays for the snapshot (constant) and for what only it knows: flags, counts, times.
 *
 * An answer is kept for a moment: as long as nothing changes, whoever asks for the same shares it
 * (the reference answers equal requests that wait together once). Its bytes are counted, not
 * copied.
 */
#ifndef TEPUI_MASTER_VIEW_H
#define TEPUI_MASTER_VIEW_H

#include "master/http.h"
#include "master/snapshot.h"

struct master;

enum view_kind {
    VIEW_STATE, /* the older endpoints */
    VIEW_STATE_SUMMARY,
    VIEW_SLAVES,
    VIEW_FRAMEWORKS,
    VIEW_TASKS,
    VIEW_CONSTRAINTS,
    VIEW_ROLES,
    VIEW_GET_STATE, /* v1 */
    VIEW_GET_AGENTS,
    VIEW_GET_FRAMEWORKS,
    VIEW_GET_EXECUTORS,
    VIEW_GET_TASKS,
    VIEW_GET_OPERATIONS,
    VIEW_GET_ROLES,
    VIEW_SUBSCRIBED, /* the first record of the operators' event stream */
};
#define VIEW_KINDS (VIEW_SUBSCRIBED + 1)

/* How long an answer is kept behind its last use: asked for, being rendered, being sent. */
#define VIEW_KEPT_NS NS_PER_SEC
/* /tasks shows so many unless told otherwise. */
#define VIEW_TASKS_LIMIT 100

struct view_query {
    enum view_kind kind;
    bool json;                 /* v1: JSON, else protobuf */
    struct slice jsonp;        /* name of a function; data NULL = none */
    struct slice framework_id; /* FRAMEWORKS, TASKS: only of this one; data NULL = all */
    struct slice agent_id;     /* SLAVES: only this one; data NULL = all */
    struct slice task_id;      /* TASKS: only this one; data NULL = all */
    size_t offset;             /* TASKS */
    size_t limit;              /* TASKS */
    bool ascending;            /* TASKS: oldest first */
};

/* Answers the request by a worker. Slices are copied. */
void master_view_respond(struct master *master, uint64_t handle, const struct view_query *query);
/* A job that renders the first record of a stream. */
struct net_job *master_view_subscribed(struct master *master, bool json) WARN_UNUSED;

/* --- answers that are kept; part of struct reads --- */

struct view_answer;

struct view_cache {
    struct view_answer *answers[VIEW_KINDS][2]; /* by kind, and whether it is JSON; NULL = none */
};

/* Drops those that were not used for VIEW_KEPT_NS; returns when to come again, TIME_NEVER if none
 * is left. */
int64_t master_view_cache_expire(struct view_cache *cache, int64_t now_ns);
void master_view_cache_deinit(struct view_cache *cache);

#endif
