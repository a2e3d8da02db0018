#include "rlog/rlog.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/coordinator.h"
#include "rlog/network.h"
#include "rlog/reader.h"
#include "rlog/recovery.h"

struct rlog {
    struct rlog_options options;
    struct upid self;
    struct prng prng;
    struct timers timers;
    uint64_t next_token; /* of storage operations; shared by replica and reader */
    struct rlog_replica replica;
    struct rlog_network network;
    struct rlog_recovery recovery;
    struct rlog_coordinator coordinator;
    struct rlog_reader reader;
    struct timer restore; /* after a failed write */
    unsigned restore_attempt;
    bool was_restored; /* once at least */
    bool is_failed;    /* for good */
};

struct rlog *rlog_new(const struct rlog_options *options)
{
    ASSERT(options->quorum > 0);
    struct rlog *rlog = xalloc(sizeof(*rlog));
    rlog->options = *options;
    rlog->self = (struct upid){.id = RLOG_REPLICA_ID, .address = options->self};
    rlog->next_token = 1;
    prng_seed(&rlog->prng, options->seed);
    timers_init(&rlog->timers);
    rlog_replica_init(&rlog->replica, prng_next(&rlog->prng), &rlog->next_token);
    rlog_network_init(&rlog->network, &rlog->self, prng_next(&rlog->prng));
    rlog_recovery_init(&rlog->recovery, options->auto_initialize);
    rlog_coordinator_init(&rlog->coordinator);
    rlog_reader_init(&rlog->reader);
    timer_init(&rlog->restore, RLOG_TIMER_RESTORE, rlog);
    return rlog;
}

static struct rlog_parts parts_of(struct rlog *rlog, int64_t now_ns, struct rlog_effects *effects)
{
    return (struct rlog_parts){
        .quorum = rlog->options.quorum,
        .replica = &rlog->replica,
        .network = &rlog->network,
        .timers = &rlog->timers,
        .prng = &rlog->prng,
        .now_ns = now_ns,
        .effects = effects,
    };
}

struct rlog *rlog_free(struct rlog *rlog)
{
    if (rlog != NULL) {
        struct rlog_parts parts = parts_of(rlog, 0, NULL);
        rlog_recovery_stop(&rlog->recovery, &parts);
        rlog_coordinator_stop(&rlog->coordinator, &parts);
        rlog_reader_stop(&rlog->reader, &parts);
        rlog_network_deinit(&rlog->network);
        rlog_replica_deinit(&rlog->replica);
        timers_deinit(&rlog->timers);
        free(rlog);
    }
    return NULL;
}

/* --- messages --- */

static void take_answer(struct rlog *rlog, const struct rlog_parts *parts, uint64_t number,
                        const struct rlog_message *message)
{
    struct rlog_ask *ask = rlog_network_find_ask(&rlog->network, number);
    if (ask != NULL) {
        rlog_round_answer(ask, parts, message);
    }
}

static void take_message(struct rlog *rlog, const struct rlog_parts *parts,
                         const struct net_event *event)
{
    enum rlog_message_type type;
    struct rlog_message message;
    struct err err = {""};
    struct slice to = slice_from(event->to);
    uint64_t number = 0;
    bool is_answer = rlog_network_parse_id(to, &number);
    if (!rlog_message_find(event->name, &type) || (!is_answer && !slice_is(to, RLOG_REPLICA_ID))) {
        return;
    }
    bool is_for_replica = rlog_message_is_request(type) || type == RLOG_LEARNED;
    if (is_answer == is_for_replica) {
        return;
    }
    if (rlog_message_decode(type, event->body, &message, &err) != 0) {
        rlog_note(parts->effects, RLOG_NOTE_WARNING, "a message of the log is dropped: %s",
                  err.text);
        return;
    }
    if (is_answer) {
        take_answer(rlog, parts, number, &message);
    } else if (type == RLOG_LEARNED) {
        rlog_replica_learn(&rlog->replica, &message.action);
    } else {
        struct rlog_asker asker = {.upid = event->from};
        rlog_replica_request(&rlog->replica, &asker, &message, &parts->effects->store);
    }
    rlog_message_deinit(&message);
}

static bool hand_over_locals(struct rlog *rlog, const struct rlog_parts *parts)
{
    bool any = false;
    struct rlog_local *local;
    while ((local = rlog_network_pop_local(&rlog->network)) != NULL) {
        struct rlog_asker asker = {.local = true, .number = local->number};
        rlog_replica_request(&rlog->replica, &asker, &local->message, &parts->effects->store);
        rlog_local_free(local);
        any = true;
    }
    return any;
}

static bool send_replies(struct rlog *rlog, const struct rlog_parts *parts)
{
    bool any = false;
    struct rlog_reply *reply;
    while ((reply = rlog_replica_pop_reply(&rlog->replica)) != NULL) {
        if (reply->asker.local) {
            take_answer(rlog, parts, reply->asker.number, &reply->message);
        } else {
            net_send(&parts->effects->net, RLOG_REPLICA_ID, &reply->asker.upid,
                     rlog_message_name(reply->message.type), rlog_message_encode(&reply->message));
        }
        rlog_reply_free(reply);
        any = true;
    }
    return any;
}

/* --- the store --- */

static void give_up(struct rlog *rlog, const struct rlog_parts *parts, int status)
{
    rlog->is_failed = true;
    struct rlog_answer *answer = rlog_answer(parts->effects, RLOG_ANSWER_FAILED, 0, status);
    err_set(&answer->err, 0, "the log cannot be used: %s", rlog->replica.error);
    rlog_recovery_stop(&rlog->recovery, parts);
    rlog_coordinator_resign(&rlog->coordinator, parts, -EIO);
}

static void store_failed(struct rlog *rlog, const struct rlog_parts *parts, int status)
{
    /* A store that was never read, or is damaged, does not get better by waiting. */
    if (!rlog->was_restored || rlog->replica.state == RLOG_REPLICA_DAMAGED) {
        give_up(rlog, parts, status);
        return;
    }
    int64_t pause_ns = rlog_backoff_ns(&rlog->prng, RLOG_RESTORE_RETRY_NS,
                                       RLOG_RESTORE_RETRY_MAX_NS, rlog->restore_attempt++);
    rlog_note(parts->effects, RLOG_NOTE_WARNING,
              "the log's store failed, and is read again in %lld ms: %s",
              (long long)(pause_ns / NS_PER_MS), rlog->replica.error);
    timers_set(&rlog->timers, &rlog->restore, parts->now_ns + pause_ns);
}

static void take_stored(struct rlog *rlog, const struct rlog_parts *parts,
                        const struct rlog_store_done *done)
{
    if (!rlog_replica_stored(&rlog->replica, done, &parts->effects->store)) {
        (void)rlog_reader_stored(&rlog->reader, parts, done);
        return;
    }
    if (done->type == RLOG_STORE_READ) {
        return;
    }
    if (done->status != 0) {
        store_failed(rlog, parts, done->status);
    } else if (done->type == RLOG_STORE_RESTORE) {
        rlog->was_restored = true;
        uint64_t missing = rlog_positions_number(&rlog->replica.holes) +
                           rlog_positions_number(&rlog->replica.unlearned);
        rlog_note(parts->effects, RLOG_NOTE_INFO,
                  "the log's replica is %s, with positions %llu to %llu, %llu of them missing",
                  rlog_status_name(rlog->replica.status), (unsigned long long)rlog->replica.begin,
                  (unsigned long long)rlog->replica.end, (unsigned long long)missing);
        rlog_recovery_start(&rlog->recovery, parts);
        rlog_coordinator_restored(&rlog->coordinator, parts);
    } else {
        rlog->restore_attempt = 0;
    }
}

/* --- time --- */

static void fire(struct rlog *rlog, const struct rlog_parts *parts, const struct timer *timer)
{
    switch ((enum rlog_timer_kind)timer->kind) {
    case RLOG_TIMER_ROUND:
        rlog_round_tick(timer->owner, parts);
        break;
    case RLOG_TIMER_FILL:
        rlog_fill_tick(timer->owner, parts);
        break;
    case RLOG_TIMER_RECOVERY:
        rlog_recovery_tick(&rlog->recovery, parts);
        break;
    case RLOG_TIMER_ELECTION:
        break; /* that it is not set any more is what the coordinator waits for */
    case RLOG_TIMER_RESTORE:
        rlog_replica_restore(&rlog->replica, &parts->effects->store);
        break;
    case RLOG_TIMER_LINK:
        rlog_network_tick(&rlog->network, parts);
        break;
    }
}

/* --- requests --- */

static void append(struct rlog *rlog, const struct rlog_parts *parts,
                   const struct rlog_event *event)
{
    if (event->bytes->size > RLOG_ENTRY_SIZE_MAX) {
        rlog_answer(parts->effects, RLOG_ANSWER_WRITTEN, event->token, -EMSGSIZE);
        return;
    }
    struct rlog_action action = {.type = RLOG_ACTION_APPEND, .bytes = blob_ref(event->bytes)};
    rlog_coordinator_write(&rlog->coordinator, parts, event->token, &action);
}

static void take_event(struct rlog *rlog, const struct rlog_parts *parts,
                       const struct rlog_event *event)
{
    switch (event->type) {
    case RLOG_START:
        rlog_replica_restore(&rlog->replica, &parts->effects->store);
        break;
    case RLOG_NET:
        if (event->net->type == NET_MESSAGE) {
            take_message(rlog, parts, event->net);
        } else if (event->net->type == NET_EXITED) {
            rlog_network_exited(&rlog->network, parts, &event->net->address);
        }
        break;
    case RLOG_STORED:
        take_stored(rlog, parts, event->stored);
        break;
    case RLOG_MEMBERS: {
        size_t left_out =
            rlog_network_set_members(&rlog->network, parts, event->members, event->member_count);
        if (rlog->network.member_count + left_out > 2 * rlog->options.quorum - 1) {
            rlog_note(parts->effects, RLOG_NOTE_WARNING,
                      "the log has %zu replicas, which is too many for a quorum of %zu",
                      rlog->network.member_count + left_out, rlog->options.quorum);
        }
        break;
    }
    case RLOG_TICK:
        break;
    case RLOG_ELECT:
        rlog_coordinator_elect(&rlog->coordinator, parts, event->token);
        break;
    case RLOG_RESIGN:
        rlog_coordinator_resign(&rlog->coordinator, parts, -ECANCELED);
        break;
    case RLOG_APPEND:
        append(rlog, parts, event);
        break;
    case RLOG_TRUNCATE: {
        struct rlog_action action = {.type = RLOG_ACTION_TRUNCATE, .to = event->position};
        rlog_coordinator_write(&rlog->coordinator, parts, event->token, &action);
        break;
    }
    case RLOG_READ:
        rlog_reader_read(&rlog->reader, parts, RLOG_READ_ENTRIES, event->token, event->position,
                         event->to);
        break;
    case RLOG_BOUNDS:
        rlog_reader_read(&rlog->reader, parts, RLOG_READ_BOUNDS, event->token, 0, 0);
        break;
    case RLOG_CATCHUP:
        rlog_reader_catchup(&rlog->reader, parts, event->token);
        break;
    }
}

void rlog_step(struct rlog *rlog, int64_t now_ns, const struct rlog_event *event,
               struct rlog_effects *effects)
{
    struct rlog_parts parts = parts_of(rlog, now_ns, effects);
    if (rlog->is_failed) {
        return;
    }
    take_event(rlog, &parts, event);
    struct timer *timer;
    while ((timer = timers_pop(&rlog->timers, now_ns)) != NULL) {
        fire(rlog, &parts, timer);
    }
    /* Each part goes on as far as it can; what one does may let another go on. */
    bool moved = true;
    while (moved) {
        bool recovered = rlog->recovery.state == RLOG_RECOVERY_DONE;
        moved = hand_over_locals(rlog, &parts);
        moved |= send_replies(rlog, &parts);
        moved |= rlog_recovery_advance(&rlog->recovery, &parts);
        moved |= rlog_coordinator_advance(&rlog->coordinator, &parts, recovered);
        moved |= rlog_reader_advance(&rlog->reader, &parts, recovered);
    }
    rlog_replica_flush(&rlog->replica, &effects->store);
}

int64_t rlog_deadline(const struct rlog *rlog)
{
    return timers_deadline(&rlog->timers);
}

bool rlog_has_actor(const struct rlog *rlog, struct slice id)
{
    uint64_t number;
    if (rlog_network_parse_id(id, &number)) {
        return rlog_network_find_ask(&rlog->network, number) != NULL;
    }
    return slice_is(id, RLOG_REPLICA_ID);
}

bool rlog_is_recovered(const struct rlog *rlog)
{
    return rlog->recovery.state == RLOG_RECOVERY_DONE;
}

size_t rlog_member_count(const struct rlog *rlog)
{
    return rlog->network.member_count;
}

uint64_t rlog_promise(const struct rlog *rlog)
{
    const struct rlog_coordinator *coordinator = &rlog->coordinator;
    return coordinator->state == RLOG_COORDINATOR_ELECTED ? coordinator->proposal : 0;
}

enum rlog_status rlog_status(const struct rlog *rlog)
{
    return rlog->was_restored ? rlog->replica.status : RLOG_EMPTY;
}
