/*
 * Asking the registry, and what is to be done when it has answered.
 */
#ifndef TEPUI_MASTER_PENDING_H
#define TEPUI_MASTER_PENDING_H

#include "common/map.h"
#include "registry/registry.h"
#include "wire/upid.h"

struct master;

/* What waits for the registry's answer. */
struct pending {
    struct map_link by_token; /* master->pending */
    uint64_t token;
    enum registry_op_type type;
    struct blob *agent_id;   /* text; NULL where it is about no agent */
    struct blob *request;    /* what an operator asked for, as the registry was told: a message;
                                NULL = nothing (registry_call.h) */
    struct blob *message;    /* the ReregisterSlaveMessage that waits; NULL = none */
    struct upid from;        /* of the message */
    int64_t time_ns;         /* MARK_*: wall clock given to the registry */
    const char *why;         /* static text for updates and the log, or NULL */
    int counter;             /* REMOVE_AGENT: enum master_counter of the reason, or
                                REGISTER_UNCOUNTED */
    uint64_t handle;         /* a request to be answered when it is done; 0 = none */
    struct blob **agent_ids; /* PRUNE */
    size_t agent_id_count;
    struct blob *jsonp; /* READ: what wraps the answer; NULL = nothing */
};

/* Asks; the id is referenced, the info taken over (both may be NULL). The caller fills in the rest
 * of what waits before the step ends. */
struct pending *master_pending_ask(struct master *master, enum registry_op_type type,
                                   struct blob *agent_id, struct blob *agent_info);
/* The same at a time: `time_ns` is now. */
struct pending *master_pending_ask_now(struct master *master, enum registry_op_type type,
                                       struct blob *agent_id);
/* The answer has come. A failure to store ends the master. */
void master_pending_answer(struct master *master, const struct registry_event *event);
/* At the end of the master. */
void master_pending_drop_all(struct master *master);

struct slice master_pending_key(const struct map_link *link);

#endif
