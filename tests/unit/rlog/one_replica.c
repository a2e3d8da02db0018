#include "one_replica.h"

#include <stdlib.h>

static void start(struct one_replica *one)
{
    one->next_token = 1;
    rlog_replica_init(&one->replica, 1, &one->next_token);
    rlog_store_ops_init(&one->ops);
    rlog_replica_restore(&one->replica, &one->ops);
    one_settle(one);
}

void one_start(struct one_replica *one)
{
    *one = (struct one_replica){.next_number = 1};
    start(one);
    (void)rlog_replica_set_metadata(&one->replica, RLOG_VOTING, 0);
    one_settle(one);
}

void one_restart(struct one_replica *one)
{
    size_t cache_size_max = one->replica.cache_size_max;
    rlog_replica_deinit(&one->replica);
    rlog_store_ops_deinit(&one->ops);
    start(one);
    one->replica.cache_size_max = cache_size_max;
}

void one_deinit(struct one_replica *one)
{
    rlog_replica_deinit(&one->replica);
    rlog_store_ops_deinit(&one->ops);
    fake_store_deinit(&one->store);
}

void one_settle(struct one_replica *one)
{
    for (;;) {
        rlog_replica_flush(&one->replica, &one->ops);
        struct rlog_store_op *op = rlog_store_ops_pop(&one->ops);
        if (op == NULL && one->replica.state == RLOG_REPLICA_FAILED) {
            rlog_replica_restore(&one->replica, &one->ops);
            op = rlog_store_ops_pop(&one->ops);
        }
        if (op == NULL) {
            return;
        }
        struct fake_done done;
        fake_store_perform(&one->store, op, &done);
        (void)rlog_replica_stored(&one->replica, &done.done, &one->ops);
        fake_done_deinit(&done);
    }
}

struct rlog_message one_promise_all(uint64_t proposal)
{
    return (struct rlog_message){.type = RLOG_PROMISE_REQUEST, .proposal = proposal};
}

struct rlog_message one_promise(uint64_t proposal, uint64_t position)
{
    return (struct rlog_message){.type = RLOG_PROMISE_REQUEST,
                                 .proposal = proposal,
                                 .has_position = true,
                                 .position = position};
}

struct rlog_action one_action(uint64_t proposal, uint64_t position, const char *value, bool learned)
{
    struct rlog_action action = {
        .position = position,
        .promised = proposal,
        .performed = proposal,
        .type = RLOG_ACTION_APPEND,
        .learned = learned,
    };
    if (value[0] == '\0') {
        action.type = RLOG_ACTION_NOP;
    } else if (value[0] == '<') {
        action.type = RLOG_ACTION_TRUNCATE;
        action.to = strtoull(value + 1, NULL, 10);
    } else {
        action.bytes = blob_from(slice_from(value));
    }
    return action;
}

struct rlog_message one_write(uint64_t proposal, uint64_t position, const char *value)
{
    return (struct rlog_message){
        .type = RLOG_WRITE_REQUEST,
        .proposal = proposal,
        .has_action = true,
        .action = one_action(proposal, position, value, false),
    };
}

uint64_t one_ask(struct one_replica *one, struct rlog_message request)
{
    struct rlog_asker asker = {.local = true, .number = one->next_number++};
    rlog_replica_request(&one->replica, &asker, &request, &one->ops);
    rlog_message_deinit(&request);
    return asker.number;
}

struct rlog_message one_answer(struct one_replica *one, struct rlog_message request)
{
    struct rlog_message answer = {.type = RLOG_PROMISE_RESPONSE};
    uint64_t number = one_ask(one, request);
    one_settle(one);
    struct rlog_reply *reply;
    while ((reply = rlog_replica_pop_reply(&one->replica)) != NULL) {
        if (reply->asker.number == number) {
            answer = rlog_message_ref(&reply->message);
        }
        rlog_reply_free(reply);
    }
    return answer;
}

int one_vote(struct one_replica *one, struct rlog_message request)
{
    struct rlog_message answer = one_answer(one, request);
    rlog_message_deinit(&answer);
    return (int)answer.vote;
}

void one_learn(struct one_replica *one, struct rlog_action action)
{
    rlog_replica_learn(&one->replica, &action);
    rlog_action_deinit(&action);
}
