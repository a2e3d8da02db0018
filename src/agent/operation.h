/*
 * An operation that the master had the agent apply, and its one status: it is FINISHED or DROPPED
 * as soon as it comes. It is kept until that status is acknowledged: by the framework that gave it
 * an id, else by the master itself (facts: state machines, 9).
 *
 * The status is told until then, as status updates of tasks are: at once when it is stored, again
 * after 10 s, 20 s ... 10 min, and anew after each registration. A FINISHED one is checkpointed,
 * with the resources it made, and its update in operations/UUID/operation.updates; a DROPPED one is
 * not: whoever asks for it after a restart is told the same.
 */
#ifndef TEPUI_AGENT_OPERATION_H
#define TEPUI_AGENT_OPERATION_H

#include "agent/gate.h"
#include "common/blob.h"
#include "common/list.h"
#include "common/map.h"
#include "common/timers.h"
#include "common/uuid.h"
#include "wire/pb.h"

struct agent;

/* That one agent keeps at a time; those that are too many are dropped. */
#define OPERATIONS_MAX 4096

struct operation {
    struct map_link by_uuid; /* in the agent */
    struct list link;        /* in the agent, in order of arrival */
    struct agent *agent;
    struct uuid uuid;
    char *framework_id; /* heap; NULL = an operator asked for it */
    char *id;           /* heap; NULL = has none */
    struct blob *bytes; /* the whole Operation, with its status; never changes */
    struct uuid status_uuid;
    bool is_checkpointed;    /* in the ResourceState, and its update in a file */
    bool needs_record;       /* at recovery: its update is not in the file yet */
    struct gate_wait stored; /* while its update is being stored */
    struct timer timer;      /* it is told again */
    int64_t retry_ns;
};

/* What became of one. */
struct operation_outcome {
    Pb__OperationState state;
    const char *message;     /* NULL = none */
    struct uuid status_uuid; /* to be acknowledged with */
};

/* In the agent; `whole` needs framework_id (may be NULL), info and uuid (of UUID_SIZE bytes, not
 * known yet). */
struct operation *operation_new(struct agent *agent, const Pb__Operation *whole,
                                const struct operation_outcome *outcome);
/* One that was stored, status and all; NULL if it has none that is to be acknowledged. */
struct operation *operation_new_stored(struct agent *agent, const Pb__Operation *whole);
struct operation *operation_free(struct operation *operation);
void operation_drop_all(struct agent *agent);

struct operation *operation_find(const struct agent *agent, struct slice uuid);
/* By the framework and the id it gave. */
struct operation *operation_find_by_id(const struct agent *agent, const char *framework_id,
                                       const char *id);

/* The whole of it, in the step's arena. */
Pb__Operation *operation_describe(const struct operation *operation);
/* A status of this agent's. id, message and uuid may be NULL. */
Pb__OperationStatus *operation_make_status(struct agent *agent, Pb__OperationState state,
                                           const char *id, const char *message,
                                           const struct uuid *uuid);

/* Stores the update if it is to be checkpointed, then tells it until it is acknowledged. */
void operation_tell(struct operation *operation);
/* Its update is on disk. */
void operation_stored(struct operation *operation);
/* The time has come to tell it again. */
void operation_timer(struct operation *operation);
/* The status with that uuid is acknowledged: the operation is over. False if it is another. */
bool operation_acknowledge(struct operation *operation, struct slice status_uuid);
/* No longer known on disk: its folder goes. */
void operation_forget_files(struct agent *agent, const char *uuid_text);

/* Of all operations: with registration_*. */
void operation_pause_all(struct agent *agent);
void operation_resume_all(struct agent *agent);

#endif
