/*
 * What the agent has: the resources of its flags, with reservations and persistent volumes made
 * from them; the latter (checkpointed) are kept on disk, together with the operations that made
 * them as long as somebody still has to hear of these.
 *
 * A change is committed in one chain of file operations (docs/design/agent.md, checkpointed
 * resources): both target files; the folders of new volumes; the removal of old ones; and the
 * renames that make the targets what counts. The agent's own view changes at once: what is launched
 * on it waits for the store like everything else, since the store keeps the order. What others are
 * told of it waits for resource_state_is_settled.
 */
#ifndef TEPUI_AGENT_RESOURCE_STATE_H
#define TEPUI_AGENT_RESOURCE_STATE_H

#include "agent/gate.h"
#include "agent/volumes.h"
#include "common/tree.h"

struct agent;

struct resource_state {
    struct resources total;        /* as offered: flags, reservations, volumes */
    struct resources checkpointed; /* of these, what is not from the flags */
    struct resources written;      /* checkpointed as in the newest commit */
    struct blob *encoded;          /* the total, for views (ResourceState); NULL = not made */
    struct list writes;            /* of struct resource_write, on their way to the disk */
    bool is_interrupted;           /* recovered from a commit that was cut short */
};

/* A commit, or the folder of a volume within one. */
struct resource_write {
    struct list link;
    struct gate_wait wait;
    char *volume; /* heap; NULL = the commit itself */
    bool removes; /* the volume is destroyed */
};

void resource_state_init(struct agent *agent);
void resource_state_deinit(struct agent *agent);

/* Takes these for what is checkpointed. Unchanged on failure: VOLUMES_E_INVALID or
 * RESOURCE_OPERATION_E_INVALID, they do not go with the flags' resources. */
int resource_state_set(struct agent *agent, const struct resources *checkpointed,
                       struct err *err) WARN_UNUSED;
/* RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME, SHRINK_VOLUME; upgraded and valid. Unchanged on
 * failure, as above. */
int resource_state_apply(struct agent *agent, const Pb__Offer__Operation *op,
                         struct err *err) WARN_UNUSED;

/* Writes it all down, durably and as a whole. What is stored behind it waits for it. */
void resource_state_commit(struct agent *agent);
bool resource_state_is_settled(const struct agent *agent);
/* The write is done, or has failed: that ends the agent, and is tried again at its next start. */
void resource_state_written(struct agent *agent, struct resource_write *write);

/* What was found on disk, of a commit that was cut short too; that is then done to the end. Tells
 * in ret_operations (in the step's arena) what was checkpointed. -1 after an end of the process was
 * asked for. */
int resource_state_recover(struct agent *agent, const struct tree *meta,
                           Pb__Operation ***ret_operations, size_t *ret_count) WARN_UNUSED;
/* After operations have been recovered: a commit that was cut short is written again, and volumes
 * whose folders are gone are made again. */
void resource_state_finish_recovery(struct agent *agent);

/* Asserts: total and checkpointed are of one piece. */
void resource_state_check(const struct agent *agent);

/* A ResourceState with the total in it, and nothing else: a reference of the agent's. */
struct blob *resource_state_encoded(struct agent *agent);

#endif
