#include "rlog/recovery.h"

#include "common/sm.h"
#include "rlog/network.h"
#include "rlog/rlog.h"

static const struct sm_state states[RLOG_RECOVERY_STATES] = {
    [RLOG_RECOVERY_IDLE] = {"IDLE", SM_TO(RLOG_RECOVERY_ASKING) | SM_TO(RLOG_RECOVERY_DONE)},
    [RLOG_RECOVERY_ASKING] = {"ASKING",
                              SM_TO(RLOG_RECOVERY_PAUSING) | SM_TO(RLOG_RECOVERY_SETTING) |
                                  SM_TO(RLOG_RECOVERY_ASKING) | SM_TO(RLOG_RECOVERY_IDLE)},
    [RLOG_RECOVERY_PAUSING] = {"PAUSING", SM_TO(RLOG_RECOVERY_ASKING) | SM_TO(RLOG_RECOVERY_IDLE)},
    [RLOG_RECOVERY_SETTING] = {"SETTING",
                               SM_TO(RLOG_RECOVERY_ASKING) | SM_TO(RLOG_RECOVERY_CATCHING) |
                                   SM_TO(RLOG_RECOVERY_DONE) | SM_TO(RLOG_RECOVERY_IDLE)},
    [RLOG_RECOVERY_CATCHING] = {"CATCHING",
                                SM_TO(RLOG_RECOVERY_PROBING) | SM_TO(RLOG_RECOVERY_IDLE)},
    [RLOG_RECOVERY_PROBING] = {"PROBING", SM_TO(RLOG_RECOVERY_SETTING) |
                                              SM_TO(RLOG_RECOVERY_PAUSING) |
                                              SM_TO(RLOG_RECOVERY_IDLE)},
    [RLOG_RECOVERY_DONE] = {"DONE", SM_TO(RLOG_RECOVERY_IDLE)},
};
static const struct sm_table table = {"log recovery", states, RLOG_RECOVERY_STATES};

static void move(struct rlog_recovery *recovery, enum rlog_recovery_state to)
{
    recovery->state = (enum rlog_recovery_state)sm_move(&table, (int)recovery->state, (int)to);
}

void rlog_recovery_init(struct rlog_recovery *recovery, bool auto_initialize)
{
    *recovery = (struct rlog_recovery){.auto_initialize = auto_initialize};
    timer_init(&recovery->timer, RLOG_TIMER_RECOVERY, recovery);
    rlog_round_init(&recovery->round);
    rlog_catchup_init(&recovery->catchup);
}

void rlog_recovery_stop(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    timers_cancel(parts->timers, &recovery->timer);
    rlog_round_end(&recovery->round, parts);
    rlog_catchup_stop(&recovery->catchup, parts);
    if (recovery->state != RLOG_RECOVERY_IDLE) {
        move(recovery, RLOG_RECOVERY_IDLE);
    }
}

static void ask(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    struct rlog_message request = {.type = RLOG_RECOVER_REQUEST};
    move(recovery, RLOG_RECOVERY_ASKING);
    rlog_round_begin(&recovery->round, parts, &request);
    timers_set(parts->timers, &recovery->timer, parts->now_ns + RLOG_RECOVERY_TIMEOUT_NS);
}

static void pause_recovery(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    move(recovery, RLOG_RECOVERY_PAUSING);
    rlog_round_end(&recovery->round, parts);
    int64_t pause_ns =
        rlog_backoff_ns(parts->prng, RLOG_RECOVERY_RETRY_NS, RLOG_RECOVERY_RETRY_NS, 0);
    timers_set(parts->timers, &recovery->timer, parts->now_ns + pause_ns);
}

static void set_status(struct rlog_recovery *recovery, const struct rlog_parts *parts,
                       enum rlog_status status, uint64_t promised)
{
    move(recovery, RLOG_RECOVERY_SETTING);
    timers_cancel(parts->timers, &recovery->timer);
    rlog_round_end(&recovery->round, parts);
    recovery->batch = rlog_replica_set_metadata(parts->replica, status, promised);
}

void rlog_recovery_start(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    rlog_recovery_stop(recovery, parts);
    if (parts->replica->status == RLOG_VOTING) {
        move(recovery, RLOG_RECOVERY_DONE);
    } else {
        ask(recovery, parts);
    }
}

void rlog_recovery_tick(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    if (recovery->state == RLOG_RECOVERY_ASKING || recovery->state == RLOG_RECOVERY_PAUSING) {
        ask(recovery, parts);
    }
}

/* What the answers so far say; true if that decides. */
static bool decide(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    const struct rlog_round *round = &recovery->round;
    const struct rlog_replica *replica = parts->replica;
    size_t all = 2 * parts->quorum - 1;
    if (round->voting_count >= parts->quorum) {
        if (round->low > round->high) {
            return false;
        }
        recovery->low = round->low;
        recovery->high = round->high;
        set_status(recovery, parts, RLOG_RECOVERING, replica->promised);
        return true;
    }
    if (!recovery->auto_initialize) {
        if (round->empty_count >= all && !recovery->saw_all_empty) {
            recovery->saw_all_empty = true;
            rlog_note(parts->effects, RLOG_NOTE_WARNING,
                      "the log is not initialized on any replica: run tepui-log initialize "
                      "--path=PATH on each");
        }
        return false;
    }
    if (replica->status == RLOG_EMPTY && round->empty_count + round->starting_count >= all) {
        set_status(recovery, parts, RLOG_STARTING, replica->promised);
        return true;
    }
    if (replica->status == RLOG_STARTING && round->starting_count + round->voting_count >= all) {
        set_status(recovery, parts, RLOG_VOTING, replica->promised);
        return true;
    }
    return false;
}

static void status_is_set(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    enum rlog_status status = parts->replica->status;
    rlog_note(parts->effects, RLOG_NOTE_INFO, "the log's replica is %s", rlog_status_name(status));
    switch (status) {
    case RLOG_VOTING:
        move(recovery, RLOG_RECOVERY_DONE);
        break;
    case RLOG_RECOVERING: {
        struct rlog_positions missing = {0};
        rlog_replica_missing(parts->replica, recovery->low, recovery->high, &missing);
        rlog_note(parts->effects, RLOG_NOTE_INFO, "the log catches up %llu positions up to %llu",
                  (unsigned long long)rlog_positions_number(&missing),
                  (unsigned long long)recovery->high);
        move(recovery, RLOG_RECOVERY_CATCHING);
        rlog_catchup_start(&recovery->catchup, parts, &missing, 0);
        break;
    }
    case RLOG_STARTING:
        ask(recovery, parts);
        break;
    case RLOG_EMPTY:
        WRONG("nobody becomes EMPTY");
    }
}

/* An implicit promise number 0 is refused by everybody who votes, naming the promise given. */
static void probe(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    struct rlog_message request = {.type = RLOG_PROMISE_REQUEST, .proposal = 0};
    move(recovery, RLOG_RECOVERY_PROBING);
    rlog_round_begin(&recovery->round, parts, &request);
}

static bool advance_probing(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    const struct rlog_round *round = &recovery->round;
    switch (round->outcome) {
    case RLOG_ROUND_IDLE:
    case RLOG_ROUND_RUNNING:
        return false;
    case RLOG_ROUND_IGNORED:
        pause_recovery(recovery, parts);
        return true;
    case RLOG_ROUND_ACCEPTED:
    case RLOG_ROUND_REJECTED:
        set_status(recovery, parts, RLOG_VOTING,
                   MAX(parts->replica->promised, round->nack_proposal));
        return true;
    }
    WRONG("rlog_outcome");
}

bool rlog_recovery_advance(struct rlog_recovery *recovery, const struct rlog_parts *parts)
{
    if (parts->replica->state != RLOG_REPLICA_READY) {
        return false;
    }
    switch (recovery->state) {
    case RLOG_RECOVERY_IDLE:
    case RLOG_RECOVERY_PAUSING:
    case RLOG_RECOVERY_DONE:
        return false;
    case RLOG_RECOVERY_ASKING:
        if (decide(recovery, parts)) {
            return true;
        }
        if (rlog_round_is_complete(&recovery->round)) {
            pause_recovery(recovery, parts);
            return true;
        }
        return false;
    case RLOG_RECOVERY_SETTING:
        if (!rlog_replica_is_durable(parts->replica, recovery->batch)) {
            return false;
        }
        status_is_set(recovery, parts);
        return true;
    case RLOG_RECOVERY_CATCHING: {
        bool moved = rlog_catchup_advance(&recovery->catchup, parts);
        if (!recovery->catchup.running) {
            probe(recovery, parts);
            return true;
        }
        return moved;
    }
    case RLOG_RECOVERY_PROBING:
        return advance_probing(recovery, parts);
    }
    WRONG("rlog_recovery_state");
}
