#include "rlog/round.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/network.h"
#include "rlog/rlog.h"

int64_t rlog_backoff_ns(struct prng *prng, int64_t base_ns, int64_t max_ns, unsigned attempt)
{
    int64_t pause_ns = base_ns;
    while (attempt-- > 0 && pause_ns < max_ns) {
        pause_ns *= 2;
    }
    pause_ns = MIN(pause_ns, max_ns);
    return pause_ns + prng_duration_ns(prng, pause_ns);
}

void rlog_round_init(struct rlog_round *round)
{
    *round = (struct rlog_round){.outcome = RLOG_ROUND_IDLE};
    list_init(&round->link);
    list_init(&round->asks);
    timer_init(&round->timer, RLOG_TIMER_ROUND, round);
}

/* Nobody is asked any more; late answers find no ask. */
static void stop(struct rlog_round *round, const struct rlog_parts *parts)
{
    timers_cancel(parts->timers, &round->timer);
    list_remove(&round->link);
    round->body = blob_unref(round->body);
}

static void drop_asks(struct rlog_round *round, const struct rlog_parts *parts)
{
    struct rlog_ask *ask;
    LIST_FOR_EACH (ask, &round->asks, link) {
        map_remove(&parts->network->asks, &ask->by_number);
        list_remove(&ask->link);
        free(ask);
    }
    round->ask_count = 0;
}

void rlog_round_end(struct rlog_round *round, const struct rlog_parts *parts)
{
    stop(round, parts);
    drop_asks(round, parts);
    rlog_message_deinit(&round->request);
    rlog_action_deinit(&round->action);
    rlog_round_init(round);
}

static void send_request(struct rlog_round *round, const struct rlog_parts *parts,
                         const struct rlog_ask *ask)
{
    if (ask->local) {
        struct rlog_local *local = xalloc(sizeof(*local));
        local->number = ask->number;
        local->message = rlog_message_ref(&round->request);
        list_push_back(&parts->network->locals, &local->link);
        return;
    }
    if (round->body == NULL) {
        round->body = rlog_message_encode(&round->request);
    }
    char from[UPID_ID_SIZE_MAX + 1];
    (void)snprintf(from, sizeof(from), RLOG_REQUEST_ID, (unsigned long long)ask->number);
    net_send(&parts->effects->net, from, &ask->to, rlog_message_name(round->request.type),
             blob_ref(round->body));
}

static struct rlog_ask *find_ask(const struct rlog_round *round, const struct rlog_member *member)
{
    struct rlog_ask *ask;
    LIST_FOR_EACH (ask, &round->asks, link) {
        if (upid_equal(&ask->to, &member->upid)) {
            return ask;
        }
    }
    return NULL;
}

static struct rlog_ask *add_ask(struct rlog_round *round, const struct rlog_parts *parts,
                                const struct rlog_member *member)
{
    struct rlog_ask *ask = xalloc(sizeof(*ask));
    ask->round = round;
    ask->number = parts->network->next_number++;
    ask->to = member->upid;
    ask->local = member->local;
    list_push_back(&round->asks, &ask->link);
    map_add(&parts->network->asks, &ask->by_number);
    round->ask_count++;
    return ask;
}

/* Asks who was not asked and, if `again`, who has not answered. */
static void ask_members(struct rlog_round *round, const struct rlog_parts *parts, bool again)
{
    struct rlog_network *network = parts->network;
    /* With less than a quorum there is nothing to be decided. */
    if (network->member_count < parts->quorum) {
        return;
    }
    for (size_t i = 0; i < network->member_count; i++) {
        struct rlog_ask *ask = find_ask(round, &network->members[i]);
        if (ask == NULL) {
            send_request(round, parts, add_ask(round, parts, &network->members[i]));
        } else if (again && !ask->answered) {
            if (!ask->local && !ask->ignored && round->attempt > 1) {
                rlog_network_reconnect(network, parts, &ask->to);
            }
            send_request(round, parts, ask);
        }
    }
}

static void set_timer(struct rlog_round *round, const struct rlog_parts *parts)
{
    int64_t pause_ns = rlog_backoff_ns(parts->prng, RLOG_ROUND_RESEND_NS, RLOG_ROUND_RESEND_MAX_NS,
                                       round->attempt);
    timers_set(parts->timers, &round->timer, parts->now_ns + pause_ns);
}

void rlog_round_begin(struct rlog_round *round, const struct rlog_parts *parts,
                      struct rlog_message *request)
{
    rlog_round_end(round, parts);
    round->request = *request;
    round->outcome = RLOG_ROUND_RUNNING;
    list_push_back(&parts->network->rounds, &round->link);
    set_timer(round, parts);
    ask_members(round, parts, false);
}

void rlog_round_ask(struct rlog_round *round, const struct rlog_parts *parts)
{
    ask_members(round, parts, false);
}

void rlog_round_tick(struct rlog_round *round, const struct rlog_parts *parts)
{
    round->attempt++;
    set_timer(round, parts);
    ask_members(round, parts, true);
}

bool rlog_round_is_complete(const struct rlog_round *round)
{
    return round->ask_count > 0 && round->answered_count == round->ask_count;
}

/* --- answers --- */

static void count_promise(struct rlog_ask *ask, const struct rlog_message *message)
{
    struct rlog_round *round = ask->round;
    round->any_accepted = true;
    if (!round->request.has_position) {
        round->end = MAX(round->end, message->position);
        return;
    }
    ask->lacks = !message->has_action || !message->action.learned;
    if (!message->has_action || message->action.type == RLOG_ACTION_NONE) {
        return;
    }
    bool better = !round->has_action || message->action.learned ||
                  message->action.performed > round->action.performed;
    if (better) {
        rlog_action_deinit(&round->action);
        round->action = rlog_action_ref(&message->action);
        round->has_action = true;
    }
}

static void count_recover(struct rlog_round *round, const struct rlog_message *message)
{
    switch (message->status) {
    case RLOG_VOTING:
        round->low = round->voting_count == 0 ? message->begin : MIN(round->low, message->begin);
        round->high = MAX(round->high, message->end);
        round->voting_count++;
        break;
    case RLOG_RECOVERING:
        break;
    case RLOG_STARTING:
        round->starting_count++;
        break;
    case RLOG_EMPTY:
        round->empty_count++;
        break;
    }
}

static void count_vote(struct rlog_ask *ask, const struct rlog_parts *parts,
                       const struct rlog_message *message)
{
    struct rlog_round *round = ask->round;
    if (message->vote == RLOG_REJECT) {
        round->rejected = true;
        round->nack_proposal = MAX(round->nack_proposal, message->proposal);
    } else if (message->type == RLOG_PROMISE_RESPONSE) {
        count_promise(ask, message);
    }
    if (round->has_action && round->action.learned) {
        /* It was decided: no quorum is needed (docs/design/rlog.md, the parts). */
        round->outcome = RLOG_ROUND_ACCEPTED;
    } else if (round->answered_count >= parts->quorum) {
        round->outcome = round->rejected ? RLOG_ROUND_REJECTED : RLOG_ROUND_ACCEPTED;
    }
}

/* What a replica that was asked this may say. */
static bool fits(const struct rlog_round *round, const struct rlog_message *message)
{
    switch (round->request.type) {
    case RLOG_PROMISE_REQUEST:
        if (message->type != RLOG_PROMISE_RESPONSE) {
            return false;
        }
        if (message->vote != RLOG_ACCEPT) {
            return true;
        }
        if (message->proposal != round->request.proposal) {
            return false;
        }
        if (!round->request.has_position) {
            return message->has_position;
        }
        return !message->has_action || message->action.position == round->request.position;
    case RLOG_WRITE_REQUEST:
        return message->type == RLOG_WRITE_RESPONSE &&
               message->position == round->request.action.position;
    case RLOG_RECOVER_REQUEST:
        return message->type == RLOG_RECOVER_RESPONSE;
    case RLOG_PROMISE_RESPONSE:
    case RLOG_WRITE_RESPONSE:
    case RLOG_LEARNED:
    case RLOG_RECOVER_RESPONSE:
        break;
    }
    WRONG("not a request");
}

void rlog_round_answer(struct rlog_ask *ask, const struct rlog_parts *parts,
                       const struct rlog_message *message)
{
    struct rlog_round *round = ask->round;
    if (round->outcome != RLOG_ROUND_RUNNING || ask->answered || !fits(round, message)) {
        return;
    }
    if (message->type == RLOG_RECOVER_RESPONSE) {
        ask->answered = true;
        round->answered_count++;
        count_recover(round, message);
        return;
    }
    if (message->vote == RLOG_IGNORED) {
        round->ignored_count += !ask->ignored;
        ask->ignored = true;
        if (round->ignored_count >= parts->quorum) {
            round->outcome = RLOG_ROUND_IGNORED;
        }
    } else {
        round->ignored_count -= ask->ignored;
        ask->ignored = false;
        ask->answered = true;
        round->answered_count++;
        count_vote(ask, parts, message);
    }
    if (round->outcome != RLOG_ROUND_RUNNING) {
        stop(round, parts);
    }
}
