/*
 * Operations that agents have been sent: RESERVE, CREATE and the like (docs/design/operations.md).
 *
 *     PENDING -> FINISHED | FAILED | ERROR | DROPPED -> acknowledged, and removed
 *
 * All of them are speculative: the agent's total, and what the allocator knows, change when they
 * are accepted. An operation is its agent's; its framework, if it has one that is known, is linked.
 */
#ifndef TEPUI_MASTER_OPERATION_H
#define TEPUI_MASTER_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/buf.h"
#include "common/cow.h"
#include "common/err.h"
#include "common/list.h"
#include "common/map.h"
#include "common/uuid.h"
#include "wire/pb.h"

struct agent;
struct framework;
struct master;
struct resources;

/* Operations of one agent at a time: a framework that never acknowledges is bounded. */
#define OPERATIONS_PER_AGENT_MAX ((size_t)4096)
/* Statuses that are kept of one; the oldest leave. */
#define OPERATION_STATUSES_MAX ((size_t)16)

/* Immutable; replaced with each status. */
struct operation_record {
    struct cow_value value;
    struct blob *info;         /* encoded Offer.Operation, its resources in the newer format */
    struct blob *latest;       /* encoded OperationStatus */
    struct blob *statuses;     /* whole fields `statuses` of mesos.Operation; NULL = none yet */
    struct blob *framework_id; /* text; NULL = an operator's */
    struct blob *agent_id;     /* text */
    struct blob *id;           /* text: what the framework calls it; NULL = it wants no feedback */
    struct uuid uuid;
    Pb__Offer__Operation__Type type;
    Pb__OperationState state; /* of `latest` */
    size_t status_count;
};

/* Loop only. */
struct operation {
    struct map_link by_uuid;  /* master->operations */
    struct map_link by_id;    /* framework->operations, while is_named */
    struct list of_agent;     /* agent->operations, oldest first */
    struct list of_framework; /* framework->operation_order, or master->orphans: oldest first */
    struct agent *agent;
    struct framework *framework;     /* NULL: an operator's, or of a framework that is not known */
    struct operation_record *record; /* owned by the table of operations */
    uint32_t slot;                   /* in the table of operations */
    uint32_t mark;                   /* the last list of its agent that had it */
    bool is_named;                   /* the newest of its id */
    bool is_assumed;   /* the master's total has it, and no registration has confirmed that */
    int64_t learnt_ns; /* monotonic: when it was learnt from its agent, without its framework; 0 =
                          it waits for nobody */
};

/* What a new one is made of; borrowed. */
struct operation_draft {
    struct agent *agent;
    struct framework *framework; /* NULL = not known, or an operator's */
    struct slice framework_id;   /* data NULL = an operator's */
    const Pb__Offer__Operation *info;
    const Pb__OperationStatus *latest;
    Pb__OperationStatus *const *statuses;
    size_t status_count;
    struct uuid uuid; /* must be new (asserts) */
};

/* Appends the whole mesos.Operation. Any thread. */
void master_operation_encode(const struct operation_record *record, struct buf *out);
bool master_operation_state_is_terminal(Pb__OperationState state);
/* An OperationStatus in the step's arena; id and message may be NULL. */
Pb__OperationStatus *master_operation_status(struct master *master, Pb__OperationState state,
                                             const char *id, const char *message,
                                             const char *agent_id) WARN_UNUSED;

struct operation *master_operation_add(struct master *master, const struct operation_draft *draft);
/* NULL if the agent has none of that uuid, or the framework none of that id. */
struct operation *master_operation_find(const struct master *master, const struct agent *agent,
                                        struct slice uuid);
struct operation *master_operation_find_named(const struct framework *framework, struct slice id);
struct slice master_operation_key(const struct map_link *link);      /* of master->operations */
struct slice master_operation_name_key(const struct map_link *link); /* of framework->operations */
/* One more status; `latest` is the newest state known, which is kept once it is terminal. */
void master_operation_update(struct master *master, struct operation *operation,
                             const Pb__OperationStatus *status, const Pb__OperationStatus *latest);
void master_operation_remove(struct master *master, struct operation *operation);

/* Operations learnt before their framework are its own from now on. */
void master_operation_adopt(struct master *master, struct framework *framework);
/* The framework is over: nobody will acknowledge, so the master does. */
void master_operation_abandon(struct master *master, struct framework *framework);
/* The agent is removed: who gave an id is told that state (OPERATION_UNSUPPORTED: nobody is). */
void master_operation_lose_all(struct master *master, struct agent *agent, Pb__OperationState state,
                               const char *message);

#endif
