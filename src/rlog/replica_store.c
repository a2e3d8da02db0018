#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/replica.h"
#include "rlog/replica_internal.h"

struct cached {
    struct map_link by_position;
    struct list link; /* by age */
    struct rlog_action action;
    uint64_t batch; /* the one that makes it durable */
    size_t slot;    /* its place in that batch, while it is collected */
    size_t size;    /* counted for it */
};

struct parked {
    struct list link;
    uint64_t token; /* of the read */
    uint64_t position;
    bool stale; /* the position has been written since */
    struct rlog_asker asker;
    struct rlog_message request;
};

static struct slice cached_key(const struct map_link *link)
{
    const struct cached *cached = CONTAINER_OF(link, struct cached, by_position);
    return slice_make(&cached->action.position, sizeof(cached->action.position));
}

void rlog_replica_init(struct rlog_replica *replica, uint64_t seed, uint64_t *next_token)
{
    *replica = (struct rlog_replica){
        .next_token = next_token,
        .cache_size_max = RLOG_REPLICA_CACHE_SIZE_MAX,
        .next_batch = 1,
    };
    map_init(&replica->cached, cached_key, seed);
    list_init(&replica->cache);
    list_init(&replica->replies);
    list_init(&replica->parked);
}

static void drop_cached(struct rlog_replica *replica, struct cached *cached)
{
    map_remove(&replica->cached, &cached->by_position);
    list_remove(&cached->link);
    replica->cache_size -= cached->size;
    rlog_action_deinit(&cached->action);
    free(cached);
}

static struct parked *parked_free(struct rlog_replica *replica, struct parked *parked)
{
    list_remove(&parked->link);
    replica->parked_count--;
    rlog_message_deinit(&parked->request);
    free(parked);
    return NULL;
}

struct rlog_reply *rlog_reply_free(struct rlog_reply *reply)
{
    if (reply != NULL) {
        rlog_message_deinit(&reply->message);
        free(reply);
    }
    return NULL;
}

void rlog_replica_forget(struct rlog_replica *replica)
{
    struct cached *cached;
    LIST_FOR_EACH (cached, &replica->cache, link) {
        drop_cached(replica, cached);
    }
    struct parked *parked;
    LIST_FOR_EACH (parked, &replica->parked, link) {
        parked_free(replica, parked);
    }
    struct list *link;
    while ((link = list_pop_front(&replica->replies)) != NULL) {
        rlog_reply_free(LIST_ENTRY(link, struct rlog_reply, link));
    }
    replica->reply_count = 0;
    replica->next = rlog_store_op_free(replica->next);
    replica->next_size = 0;
    rlog_positions_deinit(&replica->holes);
    rlog_positions_deinit(&replica->unlearned);
}

void rlog_replica_deinit(struct rlog_replica *replica)
{
    rlog_replica_forget(replica);
    map_deinit(&replica->cached);
}

/* --- memory of actions --- */

static struct cached *find_cached(const struct rlog_replica *replica, uint64_t position)
{
    struct map_link *link = map_find(&replica->cached, slice_make(&position, sizeof(position)));
    return link != NULL ? CONTAINER_OF(link, struct cached, by_position) : NULL;
}

const struct rlog_action *rlog_replica_cached(const struct rlog_replica *replica, uint64_t position)
{
    const struct cached *cached = find_cached(replica, position);
    return cached != NULL ? &cached->action : NULL;
}

static size_t action_size(const struct rlog_action *action)
{
    return sizeof(struct cached) + blob_slice(action->bytes).size;
}

/* Takes the action over, in place of an older one. */
static struct cached *cache(struct rlog_replica *replica, struct rlog_action *action,
                            uint64_t batch)
{
    struct cached *cached = find_cached(replica, action->position);
    if (cached == NULL) {
        cached = xalloc(sizeof(*cached));
        cached->action.position = action->position;
        map_add(&replica->cached, &cached->by_position);
    } else {
        list_remove(&cached->link);
        replica->cache_size -= cached->size;
        rlog_action_deinit(&cached->action);
    }
    list_push_back(&replica->cache, &cached->link);
    cached->action = *action;
    action->bytes = NULL;
    cached->batch = batch;
    cached->size = action_size(&cached->action);
    replica->cache_size += cached->size;
    return cached;
}

/* Oldest first, as long as they are durable. */
static void trim_cache(struct rlog_replica *replica)
{
    struct cached *cached;
    LIST_FOR_EACH (cached, &replica->cache, link) {
        if (replica->cache_size <= replica->cache_size_max) {
            break;
        }
        if (cached->batch <= replica->durable_batch) {
            drop_cached(replica, cached);
        }
    }
}

/* --- writes --- */

static struct rlog_store_op *next_op(struct rlog_replica *replica)
{
    if (replica->next == NULL) {
        replica->next = rlog_store_op_new(RLOG_STORE_WRITE, (*replica->next_token)++);
    }
    return replica->next;
}

void rlog_replica_put(struct rlog_replica *replica, struct rlog_action *action)
{
    struct rlog_store_op *op = next_op(replica);
    struct cached *older = find_cached(replica, action->position);
    bool again = older != NULL && older->batch == replica->next_batch;
    size_t slot = again ? older->slot : 0;
    struct rlog_action copy = rlog_action_ref(action);
    replica->next_size += action_size(action);
    if (again) {
        rlog_action_deinit(&op->actions[slot]);
        op->actions[slot] = copy;
    } else {
        slot = rlog_store_op_add(op, &copy);
    }
    struct parked *parked;
    LIST_FOR_EACH (parked, &replica->parked, link) {
        parked->stale |= parked->position == action->position;
    }
    cache(replica, action, replica->next_batch)->slot = slot;
}

void rlog_replica_delete_to(struct rlog_replica *replica, uint64_t to)
{
    struct rlog_store_op *op = next_op(replica);
    op->delete_to = MAX(op->delete_to, to);
    /* A clean one may go; one that is still to be written keeps its slot, and is deleted there. */
    struct cached *cached;
    LIST_FOR_EACH (cached, &replica->cache, link) {
        if (cached->action.position < to && cached->batch <= replica->durable_batch) {
            drop_cached(replica, cached);
        }
    }
}

uint64_t rlog_replica_set_metadata(struct rlog_replica *replica, enum rlog_status status,
                                   uint64_t promised)
{
    ASSERT(replica->state == RLOG_REPLICA_READY);
    struct rlog_store_op *op = next_op(replica);
    op->has_metadata = true;
    op->status = replica->status = status;
    op->promised = replica->promised = promised;
    return replica->next_batch;
}

void rlog_replica_flush(struct rlog_replica *replica, struct rlog_store_ops *ops)
{
    if (replica->next == NULL || replica->writing) {
        return;
    }
    replica->token = replica->next->token;
    rlog_store_ops_put(ops, TAKE_PTR(replica->next));
    replica->next_size = 0;
    replica->next_batch++;
    replica->writing = true;
}

/* --- the gate --- */

uint64_t rlog_replica_last_batch(const struct rlog_replica *replica)
{
    return replica->next != NULL ? replica->next_batch : replica->next_batch - 1;
}

bool rlog_replica_is_durable(const struct rlog_replica *replica, uint64_t batch)
{
    return batch <= replica->durable_batch;
}

void rlog_replica_reply(struct rlog_replica *replica, const struct rlog_asker *asker,
                        struct rlog_message *message)
{
    struct rlog_reply *reply = xalloc(sizeof(*reply));
    reply->after = rlog_replica_last_batch(replica);
    reply->asker = *asker;
    reply->message = *message;
    list_push_back(&replica->replies, &reply->link);
    replica->reply_count++;
}

struct rlog_reply *rlog_replica_pop_reply(struct rlog_replica *replica)
{
    if (list_is_empty(&replica->replies)) {
        return NULL;
    }
    struct rlog_reply *reply = LIST_ENTRY(replica->replies.next, struct rlog_reply, link);
    if (!rlog_replica_is_durable(replica, reply->after)) {
        return NULL;
    }
    list_remove(&reply->link);
    replica->reply_count--;
    return reply;
}

/* --- reads --- */

void rlog_replica_park(struct rlog_replica *replica, const struct rlog_asker *asker,
                       const struct rlog_message *request, uint64_t position,
                       struct rlog_store_ops *ops)
{
    struct rlog_store_op *op = rlog_store_op_new(RLOG_STORE_READ, (*replica->next_token)++);
    op->from = op->to = position;
    struct parked *parked = xalloc(sizeof(*parked));
    parked->token = op->token;
    parked->position = position;
    parked->asker = *asker;
    parked->request = rlog_message_ref(request);
    list_push_back(&replica->parked, &parked->link);
    replica->parked_count++;
    rlog_store_ops_put(ops, op);
}

static void read_done(struct rlog_replica *replica, struct parked *parked,
                      const struct rlog_store_done *done, struct rlog_store_ops *ops)
{
    if (done->status == 0 && done->action_count == 1 && !parked->stale &&
        find_cached(replica, parked->position) == NULL) {
        struct rlog_action copy = rlog_action_ref(&done->actions[0]);
        cache(replica, &copy, 0);
    }
    /* If it cannot be read the request is dropped, as the original does. */
    if (done->status == 0) {
        rlog_replica_judge(replica, &parked->asker, &parked->request, !parked->stale, ops);
    }
    parked_free(replica, parked);
    trim_cache(replica);
}

/* --- restoring --- */

void rlog_replica_restore(struct rlog_replica *replica, struct rlog_store_ops *ops)
{
    ASSERT(!replica->writing && replica->state != RLOG_REPLICA_RESTORING);
    replica->state = RLOG_REPLICA_RESTORING;
    replica->token = (*replica->next_token)++;
    rlog_store_ops_put(ops, rlog_store_op_new(RLOG_STORE_RESTORE, replica->token));
}

static void restored(struct rlog_replica *replica, const struct rlog_restored *found)
{
    replica->state = RLOG_REPLICA_READY;
    replica->status = found->status;
    replica->promised = found->promised;
    replica->begin = found->begin;
    replica->end = found->end;
    /* In a new log position 0 is a hole, which the first coordinator fills with a no-op. */
    if (found->begin <= found->end) {
        rlog_positions_add(&replica->holes, found->begin, found->end);
    }
    rlog_positions_add_all(&replica->unlearned, &found->unlearned);
    if (found->begin > 0) {
        rlog_positions_remove(&replica->unlearned, 0, found->begin - 1);
    }
    const struct rlog_positions *known[] = {&found->learned, &found->unlearned};
    for (size_t k = 0; k < ELEMENTS(known); k++) {
        for (size_t i = 0; i < known[k]->count; i++) {
            rlog_positions_remove(&replica->holes, known[k]->ranges[i].low,
                                  known[k]->ranges[i].high);
        }
    }
}

static void failed(struct rlog_replica *replica, const struct rlog_store_done *done)
{
    rlog_replica_forget(replica);
    replica->state = done->status == -EBADMSG ? RLOG_REPLICA_DAMAGED : RLOG_REPLICA_FAILED;
    (void)snprintf(replica->error, sizeof(replica->error), "%s",
                   done->text != NULL ? done->text : strerror(-done->status));
}

bool rlog_replica_stored(struct rlog_replica *replica, const struct rlog_store_done *done,
                         struct rlog_store_ops *ops)
{
    if (done->type == RLOG_STORE_READ) {
        struct parked *parked;
        LIST_FOR_EACH (parked, &replica->parked, link) {
            if (parked->token == done->token) {
                read_done(replica, parked, done, ops);
                return true;
            }
        }
        return false;
    }
    ASSERT(done->token == replica->token);
    replica->token = 0;
    replica->writing = false;
    if (done->status != 0) {
        failed(replica, done);
    } else if (done->type == RLOG_STORE_RESTORE) {
        /* What was collected before a failure was never written: nobody waits for it any more. */
        replica->durable_batch = replica->next_batch - 1;
        restored(replica, done->restored);
    } else {
        replica->durable_batch = replica->next_batch - 1;
        trim_cache(replica);
    }
    return true;
}
