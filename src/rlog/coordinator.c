#include "rlog/coordinator.h"

#include <errno.h>
#include <stdlib.h>

#include "common/sm.h"
#include "common/xalloc.h"
#include "rlog/network.h"
#include "rlog/rlog.h"

static const struct sm_state states[RLOG_COORDINATOR_STATES] = {
    [RLOG_COORDINATOR_INITIAL] = {"INITIAL", SM_TO(RLOG_COORDINATOR_WAITING)},
    [RLOG_COORDINATOR_WAITING] = {"WAITING", SM_TO(RLOG_COORDINATOR_PROMISING) |
                                                 SM_TO(RLOG_COORDINATOR_INITIAL)},
    [RLOG_COORDINATOR_PROMISING] = {"PROMISING", SM_TO(RLOG_COORDINATOR_WAITING) |
                                                     SM_TO(RLOG_COORDINATOR_CATCHING) |
                                                     SM_TO(RLOG_COORDINATOR_INITIAL)},
    [RLOG_COORDINATOR_CATCHING] = {"CATCHING", SM_TO(RLOG_COORDINATOR_ELECTED) |
                                                   SM_TO(RLOG_COORDINATOR_INITIAL)},
    [RLOG_COORDINATOR_ELECTED] = {"ELECTED", SM_TO(RLOG_COORDINATOR_INITIAL)},
};
static const struct sm_table table = {"log coordinator", states, RLOG_COORDINATOR_STATES};

static void move(struct rlog_coordinator *coordinator, enum rlog_coordinator_state to)
{
    coordinator->state =
        (enum rlog_coordinator_state)sm_move(&table, (int)coordinator->state, (int)to);
}

void rlog_coordinator_init(struct rlog_coordinator *coordinator)
{
    *coordinator = (struct rlog_coordinator){.state = RLOG_COORDINATOR_INITIAL};
    timer_init(&coordinator->timer, RLOG_TIMER_ELECTION, coordinator);
    rlog_round_init(&coordinator->round);
    rlog_catchup_init(&coordinator->catchup);
    list_init(&coordinator->queue);
}

static void write_free(struct rlog_write *write, const struct rlog_parts *parts)
{
    rlog_round_end(&write->round, parts);
    rlog_action_deinit(&write->action);
    list_remove(&write->link);
    free(write);
}

static void stop_electing(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    timers_cancel(parts->timers, &coordinator->timer);
    rlog_round_end(&coordinator->round, parts);
    rlog_catchup_stop(&coordinator->catchup, parts);
}

void rlog_coordinator_stop(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    struct rlog_write *write;
    stop_electing(coordinator, parts);
    if (coordinator->write != NULL) {
        write_free(TAKE_PTR(coordinator->write), parts);
    }
    LIST_FOR_EACH (write, &coordinator->queue, link) {
        write_free(write, parts);
    }
    coordinator->queue_count = 0;
}

static void answer_writes(const struct rlog_coordinator *coordinator,
                          const struct rlog_parts *parts, int status)
{
    const struct rlog_write *write;
    if (coordinator->write != NULL) {
        rlog_answer(parts->effects, RLOG_ANSWER_WRITTEN, coordinator->write->token, status);
    }
    LIST_FOR_EACH (write, &coordinator->queue, link) {
        rlog_answer(parts->effects, RLOG_ANSWER_WRITTEN, write->token, status);
    }
}

void rlog_coordinator_resign(struct rlog_coordinator *coordinator, const struct rlog_parts *parts,
                             int status)
{
    if (coordinator->state == RLOG_COORDINATOR_INITIAL) {
        return;
    }
    if (coordinator->state != RLOG_COORDINATOR_ELECTED) {
        rlog_answer(parts->effects, RLOG_ANSWER_ELECTED, coordinator->token, status);
    }
    answer_writes(coordinator, parts, status);
    rlog_coordinator_stop(coordinator, parts);
    move(coordinator, RLOG_COORDINATOR_INITIAL);
}

/* --- election --- */

void rlog_coordinator_elect(struct rlog_coordinator *coordinator, const struct rlog_parts *parts,
                            uint64_t token)
{
    switch (coordinator->state) {
    case RLOG_COORDINATOR_INITIAL:
        coordinator->token = token;
        coordinator->attempt = 0;
        move(coordinator, RLOG_COORDINATOR_WAITING);
        break;
    case RLOG_COORDINATOR_WAITING:
    case RLOG_COORDINATOR_PROMISING:
    case RLOG_COORDINATOR_CATCHING:
        rlog_answer(parts->effects, RLOG_ANSWER_ELECTED, token, -EALREADY);
        break;
    case RLOG_COORDINATOR_ELECTED:
        rlog_answer(parts->effects, RLOG_ANSWER_ELECTED, token, 0)->position =
            coordinator->index - 1;
        break;
    }
}

static void promise(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    uint64_t promised = parts->replica->promised;
    if (!coordinator->keeps_proposal || coordinator->proposal <= promised) {
        coordinator->proposal = MAX(coordinator->proposal, promised) + 1;
    }
    struct rlog_message request = {.type = RLOG_PROMISE_REQUEST, .proposal = coordinator->proposal};
    move(coordinator, RLOG_COORDINATOR_PROMISING);
    rlog_round_begin(&coordinator->round, parts, &request);
}

static void try_again(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    coordinator->keeps_proposal = !coordinator->round.rejected && !coordinator->round.any_accepted;
    coordinator->proposal = MAX(coordinator->proposal, coordinator->round.nack_proposal);
    rlog_round_end(&coordinator->round, parts);
    move(coordinator, RLOG_COORDINATOR_WAITING);
    int64_t pause_ns = rlog_backoff_ns(parts->prng, RLOG_ELECTION_RETRY_NS,
                                       RLOG_ELECTION_RETRY_MAX_NS, coordinator->attempt++);
    timers_set(parts->timers, &coordinator->timer, parts->now_ns + pause_ns);
}

/* Everything up to there must be learned before our own replica tells the truth. False if it is
 * already. */
static bool catch_up(struct rlog_coordinator *coordinator, const struct rlog_parts *parts,
                     uint64_t high)
{
    struct rlog_positions missing = {0};
    rlog_replica_missing(parts->replica, 0, high, &missing);
    if (rlog_positions_is_empty(&missing)) {
        rlog_positions_deinit(&missing);
        return false;
    }
    /* One higher than what was just promised for all positions (MESOS-1165). */
    rlog_catchup_start(&coordinator->catchup, parts, &missing, coordinator->proposal + 1);
    return true;
}

static void promised(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    coordinator->index = coordinator->round.end;
    coordinator->keeps_proposal = false;
    rlog_round_end(&coordinator->round, parts);
    move(coordinator, RLOG_COORDINATOR_CATCHING);
}

static bool advance_catching(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    if (parts->replica->state != RLOG_REPLICA_READY) {
        return false;
    }
    if (coordinator->catchup.running) {
        return rlog_catchup_advance(&coordinator->catchup, parts);
    }
    /* Asked again at the end: a failed store may have made our replica forget what it learned. */
    if (catch_up(coordinator, parts, coordinator->index)) {
        return true;
    }
    move(coordinator, RLOG_COORDINATOR_ELECTED);
    rlog_note(parts->effects, RLOG_NOTE_INFO,
              "elected to write the log with proposal %llu behind position %llu",
              (unsigned long long)coordinator->proposal, (unsigned long long)coordinator->index);
    rlog_answer(parts->effects, RLOG_ANSWER_ELECTED, coordinator->token, 0)->position =
        coordinator->index++;
    return true;
}

static bool advance_promising(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    switch (coordinator->round.outcome) {
    case RLOG_ROUND_IDLE:
    case RLOG_ROUND_RUNNING:
        return false;
    case RLOG_ROUND_REJECTED:
    case RLOG_ROUND_IGNORED:
        try_again(coordinator, parts);
        return true;
    case RLOG_ROUND_ACCEPTED:
        if (parts->replica->state != RLOG_REPLICA_READY) {
            return false;
        }
        promised(coordinator, parts);
        return true;
    }
    WRONG("rlog_outcome");
}

void rlog_coordinator_restored(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    if (coordinator->state != RLOG_COORDINATOR_ELECTED) {
        return;
    }
    uint64_t next =
        coordinator->write != NULL ? coordinator->write->action.position : coordinator->index;
    (void)catch_up(coordinator, parts, next - 1);
}

/* --- writing --- */

void rlog_coordinator_write(struct rlog_coordinator *coordinator, const struct rlog_parts *parts,
                            uint64_t token, struct rlog_action *action)
{
    int status = 0;
    if (coordinator->state != RLOG_COORDINATOR_ELECTED) {
        status = RLOG_E_LOST;
    } else if ((coordinator->write != NULL) + coordinator->queue_count >= RLOG_WRITES_MAX) {
        status = -EAGAIN;
    } else if (action->type == RLOG_ACTION_TRUNCATE && action->to > coordinator->index) {
        status = -EINVAL;
    }
    if (status != 0) {
        rlog_action_deinit(action);
        rlog_answer(parts->effects, RLOG_ANSWER_WRITTEN, token, status);
        return;
    }
    struct rlog_write *write = xalloc(sizeof(*write));
    write->token = token;
    write->action = *action;
    action->bytes = NULL;
    rlog_round_init(&write->round);
    list_push_back(&coordinator->queue, &write->link);
    coordinator->queue_count++;
}

/* Only when the write before it is decided. Otherwise another coordinator, elected without the
 * replicas that have both, might decide the first position anew, and a third one would find the
 * second, as it was, behind it: an entry that knows nothing of the one in front of it. */
static bool begin_write(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    if (coordinator->queue_count == 0) {
        return false;
    }
    struct rlog_write *write =
        LIST_ENTRY(list_pop_front(&coordinator->queue), struct rlog_write, link);
    coordinator->queue_count--;
    coordinator->write = write;
    write->action.position = coordinator->index++;
    write->action.promised = write->action.performed = coordinator->proposal;
    struct rlog_message request = {
        .type = RLOG_WRITE_REQUEST,
        .proposal = coordinator->proposal,
        .has_action = true,
        .action = rlog_action_ref(&write->action),
    };
    rlog_round_begin(&write->round, parts, &request);
    return true;
}

static void written(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    struct rlog_write *write = TAKE_PTR(coordinator->write);
    write->action.learned = true;
    rlog_network_tell(parts->network, parts, &write->action, NULL);
    rlog_replica_learn(parts->replica, &write->action);
    rlog_answer(parts->effects, RLOG_ANSWER_WRITTEN, write->token, 0)->position =
        write->action.position;
    write_free(write, parts);
}

static void refused(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    const struct rlog_write *write = coordinator->write;
    coordinator->proposal = MAX(coordinator->proposal, write->round.nack_proposal);
    rlog_note(parts->effects, RLOG_NOTE_WARNING,
              "the log's promise was lost: position %llu was refused, %llu is promised",
              (unsigned long long)write->action.position,
              (unsigned long long)write->round.nack_proposal);
    rlog_coordinator_resign(coordinator, parts, RLOG_E_LOST);
}

static bool advance_writes(struct rlog_coordinator *coordinator, const struct rlog_parts *parts)
{
    if (coordinator->write == NULL) {
        return begin_write(coordinator, parts);
    }
    switch (coordinator->write->round.outcome) {
    case RLOG_ROUND_IDLE:
    case RLOG_ROUND_RUNNING:
        return false;
    case RLOG_ROUND_ACCEPTED:
        written(coordinator, parts);
        return true;
    case RLOG_ROUND_REJECTED:
    case RLOG_ROUND_IGNORED:
        refused(coordinator, parts);
        return true;
    }
    WRONG("rlog_outcome");
}

bool rlog_coordinator_advance(struct rlog_coordinator *coordinator, const struct rlog_parts *parts,
                              bool recovered)
{
    switch (coordinator->state) {
    case RLOG_COORDINATOR_INITIAL:
        return false;
    case RLOG_COORDINATOR_WAITING:
        if (!recovered || timer_is_set(&coordinator->timer) ||
            parts->replica->state != RLOG_REPLICA_READY) {
            return false;
        }
        promise(coordinator, parts);
        return true;
    case RLOG_COORDINATOR_PROMISING:
        return advance_promising(coordinator, parts);
    case RLOG_COORDINATOR_CATCHING:
        return advance_catching(coordinator, parts);
    case RLOG_COORDINATOR_ELECTED: {
        bool moved = rlog_catchup_advance(&coordinator->catchup, parts);
        return advance_writes(coordinator, parts) || moved;
    }
    }
    WRONG("rlog_coordinator_state");
}
