/*
 * What a step changed, in order: for those who watch (the operators' event stream). Handlers note a
 * change where they make it; master_step hands the list on at its end and drops it.
 */
#ifndef TEPUI_MASTER_CHANGE_H
#define TEPUI_MASTER_CHANGE_H

#include "common/blob.h"
#include "common/cow.h"

struct master;

enum change_type {
    CHANGE_TASK_ADDED,        /* record: struct task_record */
    CHANGE_TASK_UPDATED,      /* record, and status: the update itself; for the removal of a
                                 framework and the loss of an agent too */
    CHANGE_FRAMEWORK_ADDED,   /* record: struct framework_record */
    CHANGE_FRAMEWORK_UPDATED, /* record */
    CHANGE_FRAMEWORK_REMOVED, /* record */
    CHANGE_AGENT_ADDED,       /* record: struct agent_record */
    CHANGE_AGENT_REMOVED,     /* record; not for unreachable and gone agents (facts/observed.md,
                                 operator 5) */
};

struct change {
    enum change_type type;
    struct cow_value *record; /* a reference, by type */
    struct blob *status;      /* TASK_UPDATED: encoded TaskStatus; else NULL */
};

/* Nothing is kept while nobody watches (master->watched is false). Takes over the status. */
void master_change_note(struct master *master, enum change_type type, struct cow_value *record,
                        struct blob *status);
void master_changes_clear(struct master *master);

#endif
