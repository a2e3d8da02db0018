#include "rlog/catchup.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/network.h"

void rlog_catchup_init(struct rlog_catchup *catchup)
{
    *catchup = (struct rlog_catchup){.window = 1};
    list_init(&catchup->fills);
}

/* --- one position --- */

static void promise(struct rlog_fill *fill, const struct rlog_parts *parts)
{
    struct rlog_message request = {
        .type = RLOG_PROMISE_REQUEST,
        .proposal = fill->proposal,
        .has_position = true,
        .position = fill->position,
    };
    fill->state = RLOG_FILL_PROMISING;
    rlog_round_begin(&fill->round, parts, &request);
}

void rlog_fill_tick(struct rlog_fill *fill, const struct rlog_parts *parts)
{
    promise(fill, parts);
}

static void fill_begin(struct rlog_catchup *catchup, const struct rlog_parts *parts,
                       uint64_t position)
{
    struct rlog_fill *fill = xalloc(sizeof(*fill));
    fill->position = position;
    fill->proposal = catchup->proposal;
    timer_init(&fill->timer, RLOG_TIMER_FILL, fill);
    rlog_round_init(&fill->round);
    list_push_back(&catchup->fills, &fill->link);
    catchup->fill_count++;
    promise(fill, parts);
}

static void fill_end(struct rlog_catchup *catchup, const struct rlog_parts *parts,
                     struct rlog_fill *fill)
{
    rlog_round_end(&fill->round, parts);
    timers_cancel(parts->timers, &fill->timer);
    rlog_action_deinit(&fill->value);
    list_remove(&fill->link);
    catchup->fill_count--;
    free(fill);
}

static void pause_fill(struct rlog_fill *fill, const struct rlog_parts *parts)
{
    rlog_round_end(&fill->round, parts);
    fill->state = RLOG_FILL_WAITING;
    int64_t pause_ns =
        rlog_backoff_ns(parts->prng, RLOG_FILL_RETRY_NS, RLOG_FILL_RETRY_MAX_NS, fill->attempt++);
    timers_set(parts->timers, &fill->timer, parts->now_ns + pause_ns);
}

static void refused(struct rlog_fill *fill, const struct rlog_parts *parts)
{
    bool first = fill->attempt == 0 && fill->state == RLOG_FILL_PROMISING;
    fill->proposal = MAX(fill->proposal, fill->round.nack_proposal) + 1;
    if (first) {
        /* The number was a guess: no competition, no need to wait. */
        fill->attempt++;
        promise(fill, parts);
    } else {
        pause_fill(fill, parts);
    }
}

/* Our own replica and (round not NULL) those who lack it, or (NULL) all. If our replica does not
 * take it now, the fill is tried again. */
static void learn(struct rlog_fill *fill, const struct rlog_parts *parts,
                  const struct rlog_action *action, const struct rlog_round *round)
{
    rlog_network_tell(parts->network, parts, action, round);
    rlog_replica_learn(parts->replica, action);
    if (rlog_replica_misses(parts->replica, fill->position)) {
        pause_fill(fill, parts);
    }
}

static void promised(struct rlog_fill *fill, const struct rlog_parts *parts)
{
    struct rlog_action value = {.position = fill->position, .type = RLOG_ACTION_NOP};
    if (fill->round.has_action) {
        value = rlog_action_ref(&fill->round.action);
    }
    value.promised = value.performed = fill->proposal;
    rlog_action_deinit(&fill->value);
    fill->value = value;
    if (value.learned) {
        learn(fill, parts, &fill->value, &fill->round);
        return;
    }
    struct rlog_message request = {
        .type = RLOG_WRITE_REQUEST,
        .proposal = fill->proposal,
        .has_action = true,
        .action = rlog_action_ref(&value),
    };
    fill->state = RLOG_FILL_WRITING;
    rlog_round_begin(&fill->round, parts, &request);
}

/* True if it moved. */
static bool fill_advance(struct rlog_fill *fill, const struct rlog_parts *parts)
{
    switch (fill->round.outcome) {
    case RLOG_ROUND_IDLE:
    case RLOG_ROUND_RUNNING:
        return false;
    case RLOG_ROUND_REJECTED:
        refused(fill, parts);
        return true;
    case RLOG_ROUND_IGNORED:
        pause_fill(fill, parts);
        return true;
    case RLOG_ROUND_ACCEPTED:
        break;
    }
    if (fill->state == RLOG_FILL_PROMISING) {
        promised(fill, parts);
    } else {
        fill->value.learned = true;
        learn(fill, parts, &fill->value, NULL);
    }
    return true;
}

/* --- all positions --- */

void rlog_catchup_stop(struct rlog_catchup *catchup, const struct rlog_parts *parts)
{
    struct rlog_fill *fill;
    LIST_FOR_EACH (fill, &catchup->fills, link) {
        fill_end(catchup, parts, fill);
    }
    rlog_positions_deinit(&catchup->wanted);
    catchup->running = false;
}

void rlog_catchup_start(struct rlog_catchup *catchup, const struct rlog_parts *parts,
                        struct rlog_positions *positions, uint64_t proposal)
{
    rlog_catchup_stop(catchup, parts);
    catchup->running = true;
    catchup->wanted = *positions;
    *positions = (struct rlog_positions){0};
    catchup->window = 1;
    catchup->proposal = proposal;
}

/* Fills whose position is missed no more, by them or by other means. */
static bool end_done(struct rlog_catchup *catchup, const struct rlog_parts *parts)
{
    bool any = false;
    struct rlog_fill *fill;
    LIST_FOR_EACH (fill, &catchup->fills, link) {
        if (!rlog_replica_misses(parts->replica, fill->position)) {
            catchup->proposal = MAX(catchup->proposal, fill->proposal);
            catchup->window = MIN(catchup->window * 2, (size_t)RLOG_CATCHUP_WINDOW_MAX);
            fill_end(catchup, parts, fill);
            any = true;
        }
    }
    return any;
}

bool rlog_catchup_advance(struct rlog_catchup *catchup, const struct rlog_parts *parts)
{
    if (!catchup->running || parts->replica->state != RLOG_REPLICA_READY) {
        return false;
    }
    bool moved = end_done(catchup, parts);
    struct rlog_fill *fill;
    LIST_FOR_EACH (fill, &catchup->fills, link) {
        moved |= fill_advance(fill, parts);
    }
    while (catchup->fill_count < catchup->window && !rlog_positions_is_empty(&catchup->wanted)) {
        uint64_t begin = parts->replica->begin;
        if (begin > 0) {
            rlog_positions_remove(&catchup->wanted, 0, begin - 1);
            if (rlog_positions_is_empty(&catchup->wanted)) {
                break;
            }
        }
        uint64_t position = rlog_positions_last(&catchup->wanted);
        rlog_positions_remove(&catchup->wanted, position, position);
        if (rlog_replica_misses(parts->replica, position)) {
            fill_begin(catchup, parts, position);
            moved = true;
        }
    }
    if (catchup->fill_count == 0 && rlog_positions_is_empty(&catchup->wanted)) {
        catchup->running = false;
        moved = true;
    }
    return moved;
}
