/*
 * Answers that show the whole state: a worker renders them from a snapshot (design.md, decision 2).
 * The loop pays for the snapshot (constant) and for what only it knows: flags, counts, times.
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

/* /tasks shows so many unless told otherwise. */
#define VIEW_TASKS_LIMIT 100

struct view_query {
    enum view_kind kind;
    bool json;                 /* v1: JSON, else protobuf */
    bool gzip;                 /* the client accepts zipped answers */
    struct slice jsonp;        /* name of a function; data NULL = none */
    struct slice framework_id; /* FRAMEWORKS, TASKS: only of this one; data NULL = all */
    struct slice agent_id;     /* SLAVES: only this one; data NULL = all */
    struct slice task_id;      /* TASKS: only this one; data NULL = all */
    size_t offset;             /* TASKS */
    size_t limit;              /* TASKS */
    bool ascending;            /* TASKS: oldest first */
};

/* Answers the request, when there is room (view_answers.h). Slices are copied. */
void master_view_respond(struct master *master, uint64_t handle, const struct view_query *query);
/* Likewise calls master_subscribers_open(), and sends the first record of the stream. */
void master_view_subscribe(struct master *master, uint64_t handle, bool json);

#endif
