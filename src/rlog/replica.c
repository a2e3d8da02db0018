#include "rlog/replica.h"

#include "rlog/replica_internal.h"

/* --- positions --- */

bool rlog_replica_misses(const struct rlog_replica *replica, uint64_t position)
{
    if (replica->state != RLOG_REPLICA_READY) {
        return true;
    }
    if (position < replica->begin) {
        return false;
    }
    return position > replica->end || rlog_positions_has(&replica->holes, position) ||
           rlog_positions_has(&replica->unlearned, position);
}

static void add_between(const struct rlog_positions *set, uint64_t low, uint64_t high,
                        struct rlog_positions *positions)
{
    for (size_t i = 0; i < set->count; i++) {
        uint64_t first = MAX(low, set->ranges[i].low);
        uint64_t last = MIN(high, set->ranges[i].high);
        if (first <= last) {
            rlog_positions_add(positions, first, last);
        }
    }
}

void rlog_replica_missing(const struct rlog_replica *replica, uint64_t low, uint64_t high,
                          struct rlog_positions *positions)
{
    low = MAX(low, replica->begin);
    if (low > high) {
        return;
    }
    add_between(&replica->holes, low, high, positions);
    add_between(&replica->unlearned, low, high, positions);
    if (high > replica->end) {
        rlog_positions_add(positions, MAX(low, replica->end + 1), high);
    }
}

static void move_begin(struct rlog_replica *replica, uint64_t begin)
{
    if (begin > replica->begin) {
        replica->begin = begin;
        rlog_positions_remove(&replica->holes, 0, begin - 1);
        rlog_positions_remove(&replica->unlearned, 0, begin - 1);
    }
}

/* Writes an action, and sees what that does to the positions. Takes it over. */
static void persist(struct rlog_replica *replica, struct rlog_action *action)
{
    uint64_t position = action->position;
    rlog_positions_remove(&replica->holes, position, position);
    if (position > replica->end) {
        if (position > replica->end + 1) {
            rlog_positions_add(&replica->holes, replica->end + 1, position - 1);
        }
        replica->end = position;
    }
    if (action->learned) {
        rlog_positions_remove(&replica->unlearned, position, position);
    } else {
        rlog_positions_add(&replica->unlearned, position, position);
    }
    uint64_t begin = rlog_action_begin(action);
    uint64_t delete_to = rlog_action_delete_to(action);
    rlog_replica_put(replica, action);
    if (begin > replica->begin) {
        move_begin(replica, begin);
        rlog_replica_delete_to(replica, delete_to);
    }
}

/* --- promises --- */

static void reply_promise(struct rlog_replica *replica, const struct rlog_asker *asker,
                          enum rlog_vote vote, uint64_t proposal)
{
    struct rlog_message response = {
        .type = RLOG_PROMISE_RESPONSE, .vote = vote, .proposal = proposal};
    rlog_replica_reply(replica, asker, &response);
}

/* Takes the action over. */
static void reply_promise_action(struct rlog_replica *replica, const struct rlog_asker *asker,
                                 uint64_t proposal, struct rlog_action *action)
{
    struct rlog_message response = {
        .type = RLOG_PROMISE_RESPONSE,
        .vote = RLOG_ACCEPT,
        .proposal = proposal,
        .has_action = true,
        .action = *action,
    };
    rlog_replica_reply(replica, asker, &response);
}

static void reply_promise_position(struct rlog_replica *replica, const struct rlog_asker *asker,
                                   uint64_t proposal, uint64_t position)
{
    struct rlog_message response = {
        .type = RLOG_PROMISE_RESPONSE,
        .vote = RLOG_ACCEPT,
        .proposal = proposal,
        .has_position = true,
        .position = position,
    };
    rlog_replica_reply(replica, asker, &response);
}

/* For all positions that hold nothing: given once, the same number again is refused. */
static void promise_all(struct rlog_replica *replica, const struct rlog_asker *asker,
                        uint64_t proposal)
{
    if (proposal <= replica->promised) {
        reply_promise(replica, asker, RLOG_REJECT, replica->promised);
        return;
    }
    (void)rlog_replica_set_metadata(replica, replica->status, proposal);
    reply_promise_position(replica, asker, proposal, replica->end);
}

/* It was truncated; learned, so that the proposer does not try to write it. */
static void promise_truncated(struct rlog_replica *replica, const struct rlog_asker *asker,
                              const struct rlog_message *request)
{
    struct rlog_action action = {
        .position = request->position,
        .promised = replica->promised,
        .performed = replica->promised,
        .type = RLOG_ACTION_NOP,
        .learned = true,
        .tombstone = true,
    };
    reply_promise_action(replica, asker, request->proposal, &action);
}

/* A position that holds nothing is covered by the implicit promise. */
static void promise_empty(struct rlog_replica *replica, const struct rlog_asker *asker,
                          const struct rlog_message *request)
{
    if (request->proposal <= replica->promised) {
        reply_promise(replica, asker, RLOG_REJECT, replica->promised);
        return;
    }
    struct rlog_action action = {.position = request->position, .promised = request->proposal};
    persist(replica, &action);
    reply_promise_position(replica, asker, request->proposal, request->position);
}

static void promise_action(struct rlog_replica *replica, const struct rlog_asker *asker,
                           const struct rlog_message *request, const struct rlog_action *action)
{
    if (request->proposal <= action->promised) {
        reply_promise(replica, asker, RLOG_REJECT, action->promised);
        return;
    }
    struct rlog_action original = rlog_action_ref(action);
    /* What cannot change needs no promise: nothing is written (docs/design/rlog.md). */
    if (!original.learned) {
        struct rlog_action raised = rlog_action_ref(action);
        raised.promised = request->proposal;
        persist(replica, &raised);
    }
    reply_promise_action(replica, asker, request->proposal, &original);
}

/* --- writes --- */

static void reply_write(struct rlog_replica *replica, const struct rlog_asker *asker,
                        enum rlog_vote vote, uint64_t proposal, uint64_t position)
{
    struct rlog_message response = {
        .type = RLOG_WRITE_RESPONSE,
        .vote = vote,
        .proposal = proposal,
        .has_position = true,
        .position = position,
    };
    rlog_replica_reply(replica, asker, &response);
}

static void accept_write(struct rlog_replica *replica, const struct rlog_asker *asker,
                         const struct rlog_message *request, uint64_t promised)
{
    struct rlog_action action = rlog_action_ref(&request->action);
    /* Raised above what the original keeps, so that a former coordinator's write that was held up
     * does not replace this one (docs/design/rlog.md). */
    action.promised = MAX(promised, request->proposal);
    action.performed = request->proposal;
    persist(replica, &action);
    reply_write(replica, asker, RLOG_ACCEPT, request->proposal, request->action.position);
}

static void write_action(struct rlog_replica *replica, const struct rlog_asker *asker,
                         const struct rlog_message *request, const struct rlog_action *action)
{
    uint64_t position = request->action.position;
    if (request->proposal < action->promised) {
        reply_write(replica, asker, RLOG_REJECT, action->promised, position);
    } else if (!action->learned) {
        accept_write(replica, asker, request, action->promised);
    } else if (rlog_action_equal_value(action, &request->action)) {
        /* The learned message was quicker than the write (MESOS-1271). */
        reply_write(replica, asker, RLOG_ACCEPT, request->proposal, position);
    } else {
        /* Another value: it can only be known to a part of the replicas that this one was
         * truncated. With a higher number the proposer finds out. */
        reply_write(replica, asker, RLOG_REJECT, request->proposal, position);
    }
}

/* --- judging --- */

enum found {
    FOUND_TRUNCATED,
    FOUND_NOTHING,
    FOUND_ACTION,
    FOUND_UNREAD, /* there is an action, but not in memory */
};

static enum found find(const struct rlog_replica *replica, uint64_t position,
                       const struct rlog_action **ret_action)
{
    if (position < replica->begin) {
        return FOUND_TRUNCATED;
    }
    if (position > replica->end || rlog_positions_has(&replica->holes, position)) {
        return FOUND_NOTHING;
    }
    *ret_action = rlog_replica_cached(replica, position);
    return *ret_action != NULL ? FOUND_ACTION : FOUND_UNREAD;
}

static void judge_promise(struct rlog_replica *replica, const struct rlog_asker *asker,
                          const struct rlog_message *request, bool read, struct rlog_store_ops *ops)
{
    if (replica->status != RLOG_VOTING) {
        reply_promise(replica, asker, RLOG_IGNORED, request->proposal);
        return;
    }
    if (!request->has_position) {
        promise_all(replica, asker, request->proposal);
        return;
    }
    const struct rlog_action *action;
    switch (find(replica, request->position, &action)) {
    case FOUND_TRUNCATED:
        promise_truncated(replica, asker, request);
        break;
    case FOUND_NOTHING:
        promise_empty(replica, asker, request);
        break;
    case FOUND_ACTION:
        promise_action(replica, asker, request, action);
        break;
    case FOUND_UNREAD:
        if (!read) {
            rlog_replica_park(replica, asker, request, request->position, ops);
        }
        break;
    }
}

static void judge_write(struct rlog_replica *replica, const struct rlog_asker *asker,
                        const struct rlog_message *request, bool read, struct rlog_store_ops *ops)
{
    uint64_t position = request->action.position;
    if (replica->status != RLOG_VOTING) {
        reply_write(replica, asker, RLOG_IGNORED, request->proposal, position);
        return;
    }
    const struct rlog_action *action;
    switch (find(replica, position, &action)) {
    case FOUND_TRUNCATED:
        reply_write(replica, asker, RLOG_REJECT, MAX(request->proposal, replica->promised),
                    position);
        break;
    case FOUND_NOTHING:
        if (request->proposal < replica->promised) {
            reply_write(replica, asker, RLOG_REJECT, replica->promised, position);
        } else {
            accept_write(replica, asker, request, replica->promised);
        }
        break;
    case FOUND_ACTION:
        write_action(replica, asker, request, action);
        break;
    case FOUND_UNREAD:
        if (!read) {
            rlog_replica_park(replica, asker, request, position, ops);
        }
        break;
    }
}

static void judge_recover(struct rlog_replica *replica, const struct rlog_asker *asker)
{
    struct rlog_message response = {.type = RLOG_RECOVER_RESPONSE, .status = replica->status};
    if (replica->status == RLOG_VOTING) {
        response.has_range = true;
        response.begin = replica->begin;
        response.end = replica->end;
    }
    rlog_replica_reply(replica, asker, &response);
}

void rlog_replica_judge(struct rlog_replica *replica, const struct rlog_asker *asker,
                        const struct rlog_message *request, bool read, struct rlog_store_ops *ops)
{
    switch (request->type) {
    case RLOG_PROMISE_REQUEST:
        judge_promise(replica, asker, request, read, ops);
        break;
    case RLOG_WRITE_REQUEST:
        judge_write(replica, asker, request, read, ops);
        break;
    case RLOG_RECOVER_REQUEST:
        judge_recover(replica, asker);
        break;
    case RLOG_PROMISE_RESPONSE:
    case RLOG_WRITE_RESPONSE:
    case RLOG_LEARNED:
    case RLOG_RECOVER_RESPONSE:
        WRONG("not a request");
    }
}

static bool is_full(const struct rlog_replica *replica)
{
    return replica->reply_count >= RLOG_REPLICA_REPLIES_MAX ||
           replica->parked_count >= RLOG_REPLICA_PARKED_MAX ||
           replica->next_size >= RLOG_REPLICA_UNSTORED_SIZE_MAX;
}

void rlog_replica_request(struct rlog_replica *replica, const struct rlog_asker *asker,
                          const struct rlog_message *request, struct rlog_store_ops *ops)
{
    if (replica->state == RLOG_REPLICA_READY && !is_full(replica)) {
        rlog_replica_judge(replica, asker, request, false, ops);
    }
}

void rlog_replica_learn(struct rlog_replica *replica, const struct rlog_action *action)
{
    ASSERT(action->learned);
    if (replica->state != RLOG_REPLICA_READY || action->position < replica->begin ||
        replica->next_size >= RLOG_REPLICA_UNSTORED_SIZE_MAX) {
        return;
    }
    /* What is known already is not written again, unless it tells of a truncation. */
    if (rlog_replica_misses(replica, action->position) ||
        rlog_action_begin(action) > replica->begin) {
        struct rlog_action copy = rlog_action_ref(action);
        persist(replica, &copy);
    }
}
