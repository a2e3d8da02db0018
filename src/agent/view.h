/*
 * A picture of the agent's state for a worker to render: references to encoded messages, which
 * never change, and copies of a few texts. Taken in one pass over executors and tasks, in the loop;
 * what is costly, turning it to text, is the worker's.
 */
#ifndef TEPUI_AGENT_VIEW_H
#define TEPUI_AGENT_VIEW_H

#include "agent/config.h"
#include "agent/task.h"
#include "wire/netio.h"

struct agent;

enum view_content {
    VIEW_STATE,     /* /state, v0 */
    VIEW_GET_STATE, /* v1 from here on */
    VIEW_GET_TASKS,
    VIEW_GET_EXECUTORS,
    VIEW_GET_FRAMEWORKS,
};

/* Tasks by phase. */
struct view_tasks {
    struct blob **items; /* Task; references */
    size_t count;
};

struct view_executor {
    struct blob *info; /* ExecutorInfo; a reference */
    const char *id;
    const char *container;
    const char *directory;
    struct view_tasks tasks[TASK_COMPLETED + 1];
};

struct view_executors {
    struct view_executor *items;
    size_t count;
};

struct view_framework {
    struct blob *info; /* FrameworkInfo; a reference */
    const char *id;
    struct view_executors executors;
    struct view_executors completed;
};

struct view_frameworks {
    struct view_framework *items;
    size_t count;
};

struct view {
    struct net_job job; /* first: the worker's handle on it */
    struct arena arena; /* owns all arrays and text */
    enum view_content content;
    bool json;                       /* v1: JSON, else protobuf */
    const char *jsonp;               /* v0: function name, or NULL */
    const struct agent_setup *setup; /* lives as long as the agent, and does not change */
    const char *id;
    const char *pid;
    const char *master_hostname; /* NULL = none */
    int64_t start_wall_ns;
    struct blob *drain_config; /* NULL = not draining */
    int64_t drain_start_wall_ns;
    struct blob *resource_state; /* the total, as a ResourceState */
    struct view_frameworks running;
    struct view_frameworks completed;
};

/* To be handed to net_render. */
struct view *view_take(struct agent *agent, enum view_content content, bool json,
                       const char *jsonp);

/* Renderings, for the worker. */
void view_write_state(const struct view *view, struct buf *out);
void view_write_response_json(const struct view *view, struct buf *out);
void view_write_response_bytes(const struct view *view, struct buf *out);

#endif
