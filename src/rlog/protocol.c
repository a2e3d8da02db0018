#include "rlog/protocol.h"

#include <errno.h>

#include "common/arena.h"
#include "wire/message.h"

/* Memory that decoding may take beyond the bytes themselves. */
#define DECODE_SLACK_SIZE (64u << 10)

static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *desc;
} kinds[RLOG_MESSAGE_TYPES] = {
    [RLOG_PROMISE_REQUEST] = {"mesos.internal.log.PromiseRequest",
                              &pb__internal__log__promise_request__descriptor},
    [RLOG_PROMISE_RESPONSE] = {"mesos.internal.log.PromiseResponse",
                               &pb__internal__log__promise_response__descriptor},
    [RLOG_WRITE_REQUEST] = {"mesos.internal.log.WriteRequest",
                            &pb__internal__log__write_request__descriptor},
    [RLOG_WRITE_RESPONSE] = {"mesos.internal.log.WriteResponse",
                             &pb__internal__log__write_response__descriptor},
    [RLOG_LEARNED] = {"mesos.internal.log.LearnedMessage",
                      &pb__internal__log__learned_message__descriptor},
    [RLOG_RECOVER_REQUEST] = {"mesos.internal.log.RecoverRequest",
                              &pb__internal__log__recover_request__descriptor},
    [RLOG_RECOVER_RESPONSE] = {"mesos.internal.log.RecoverResponse",
                               &pb__internal__log__recover_response__descriptor},
};

void rlog_message_deinit(struct rlog_message *message)
{
    rlog_action_deinit(&message->action);
}

struct rlog_message rlog_message_ref(const struct rlog_message *message)
{
    struct rlog_message copy = *message;
    copy.action = rlog_action_ref(&message->action);
    return copy;
}

const char *rlog_message_name(enum rlog_message_type type)
{
    return kinds[type].name;
}

bool rlog_message_find(struct slice name, enum rlog_message_type *ret_type)
{
    for (int i = 0; i < RLOG_MESSAGE_TYPES; i++) {
        if (slice_is(name, kinds[i].name)) {
            *ret_type = (enum rlog_message_type)i;
            return true;
        }
    }
    return false;
}

bool rlog_message_is_request(enum rlog_message_type type)
{
    switch (type) {
    case RLOG_PROMISE_REQUEST:
    case RLOG_WRITE_REQUEST:
    case RLOG_RECOVER_REQUEST:
        return true;
    case RLOG_PROMISE_RESPONSE:
    case RLOG_WRITE_RESPONSE:
    case RLOG_LEARNED:
    case RLOG_RECOVER_RESPONSE:
        return false;
    }
    WRONG("rlog_message_type");
}

/* --- to bytes --- */

static struct blob *encode_promise_response(const struct rlog_message *message)
{
    Pb__Internal__Log__PromiseResponse pb = PB__INTERNAL__LOG__PROMISE_RESPONSE__INIT;
    struct rlog_action_pb action;
    pb.okay = message->vote == RLOG_ACCEPT;
    pb.has_type = true;
    pb.type = (Pb__Internal__Log__PromiseResponse__Type)message->vote;
    pb.proposal = message->proposal;
    pb.has_position = message->has_position;
    pb.position = message->position;
    if (message->has_action) {
        rlog_action_to_pb(&message->action, &action);
        pb.action = &action.action;
    }
    return message_encode_blob(&pb.base);
}

static struct blob *encode_write_request(const struct rlog_message *message)
{
    Pb__Internal__Log__WriteRequest pb = PB__INTERNAL__LOG__WRITE_REQUEST__INIT;
    struct rlog_action_pb action;
    rlog_action_to_pb(&message->action, &action);
    pb.proposal = message->proposal;
    pb.position = message->action.position;
    pb.has_learned = pb.learned = message->action.learned;
    pb.type = action.action.type;
    pb.nop = action.action.nop;
    pb.append = action.action.append;
    pb.truncate = action.action.truncate;
    return message_encode_blob(&pb.base);
}

struct blob *rlog_message_encode(const struct rlog_message *message)
{
    switch (message->type) {
    case RLOG_PROMISE_REQUEST: {
        Pb__Internal__Log__PromiseRequest pb = PB__INTERNAL__LOG__PROMISE_REQUEST__INIT;
        pb.proposal = message->proposal;
        pb.has_position = message->has_position;
        pb.position = message->position;
        return message_encode_blob(&pb.base);
    }
    case RLOG_PROMISE_RESPONSE:
        return encode_promise_response(message);
    case RLOG_WRITE_REQUEST:
        return encode_write_request(message);
    case RLOG_WRITE_RESPONSE: {
        Pb__Internal__Log__WriteResponse pb = PB__INTERNAL__LOG__WRITE_RESPONSE__INIT;
        pb.okay = message->vote == RLOG_ACCEPT;
        pb.has_type = true;
        pb.type = (Pb__Internal__Log__WriteResponse__Type)message->vote;
        pb.proposal = message->proposal;
        pb.position = message->position;
        return message_encode_blob(&pb.base);
    }
    case RLOG_LEARNED: {
        Pb__Internal__Log__LearnedMessage pb = PB__INTERNAL__LOG__LEARNED_MESSAGE__INIT;
        struct rlog_action_pb action;
        rlog_action_to_pb(&message->action, &action);
        pb.action = &action.action;
        return message_encode_blob(&pb.base);
    }
    case RLOG_RECOVER_REQUEST:
        return NULL;
    case RLOG_RECOVER_RESPONSE: {
        Pb__Internal__Log__RecoverResponse pb = PB__INTERNAL__LOG__RECOVER_RESPONSE__INIT;
        pb.status = (Pb__Internal__Log__Metadata__Status)message->status;
        pb.has_begin = pb.has_end = message->has_range;
        pb.begin = message->begin;
        pb.end = message->end;
        return message_encode_blob(&pb.base);
    }
    }
    WRONG("rlog_message_type");
}

/* --- from bytes --- */

/* Replicas before 0.26 only say whether it is okay. */
static enum rlog_vote vote_of(bool has_type, int type, bool okay)
{
    if (has_type) {
        return (enum rlog_vote)type;
    }
    return okay ? RLOG_ACCEPT : RLOG_REJECT;
}

static bool from_promise_response(const Pb__Internal__Log__PromiseResponse *pb,
                                  struct rlog_message *message)
{
    message->vote = vote_of(pb->has_type, (int)pb->type, pb->okay);
    message->proposal = pb->proposal;
    message->has_position = pb->has_position;
    message->position = pb->has_position ? pb->position : 0;
    message->has_action = pb->action != NULL;
    return (!pb->has_position || pb->position <= RLOG_POSITION_MAX) &&
           (pb->action == NULL || rlog_action_from_pb(pb->action, &message->action));
}

static bool from_write_request(const Pb__Internal__Log__WriteRequest *pb,
                               struct rlog_message *message)
{
    Pb__Internal__Log__Action action = PB__INTERNAL__LOG__ACTION__INIT;
    action.position = pb->position;
    action.has_performed = true;
    action.performed = pb->proposal;
    action.has_learned = pb->has_learned;
    action.learned = pb->learned;
    action.has_type = true;
    action.type = pb->type;
    action.nop = NULL; /* a tombstone is only ever learned */
    action.append = pb->append;
    action.truncate = pb->truncate;
    message->proposal = pb->proposal;
    message->has_action = true;
    return rlog_action_from_pb(&action, &message->action);
}

static bool from_recover_response(const Pb__Internal__Log__RecoverResponse *pb,
                                  struct rlog_message *message)
{
    message->status = (enum rlog_status)pb->status;
    message->has_range = pb->has_begin && pb->has_end;
    message->begin = pb->begin;
    message->end = pb->end;
    return message->status != RLOG_VOTING || (message->has_range && pb->end <= RLOG_POSITION_MAX);
}

static bool from_pb(const ProtobufCMessage *base, struct rlog_message *message)
{
    switch (message->type) {
    case RLOG_PROMISE_REQUEST: {
        const Pb__Internal__Log__PromiseRequest *pb = (const void *)base;
        message->proposal = pb->proposal;
        message->has_position = pb->has_position;
        message->position = pb->has_position ? pb->position : 0;
        return message->position <= RLOG_POSITION_MAX;
    }
    case RLOG_PROMISE_RESPONSE:
        return from_promise_response((const void *)base, message);
    case RLOG_WRITE_REQUEST:
        return from_write_request((const void *)base, message);
    case RLOG_WRITE_RESPONSE: {
        const Pb__Internal__Log__WriteResponse *pb = (const void *)base;
        message->vote = vote_of(pb->has_type, (int)pb->type, pb->okay);
        message->proposal = pb->proposal;
        message->has_position = true;
        message->position = pb->position;
        return true;
    }
    case RLOG_LEARNED: {
        const Pb__Internal__Log__LearnedMessage *pb = (const void *)base;
        message->has_action = true;
        return rlog_action_from_pb(pb->action, &message->action) && message->action.learned;
    }
    case RLOG_RECOVER_REQUEST:
        return true;
    case RLOG_RECOVER_RESPONSE:
        return from_recover_response((const void *)base, message);
    }
    WRONG("rlog_message_type");
}

int rlog_message_decode(enum rlog_message_type type, struct slice body,
                        struct rlog_message *ret_message, struct err *err)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, body.size + DECODE_SLACK_SIZE);
    ProtobufCMessage *pb;
    if (message_decode(kinds[type].desc, body, &arena, &pb, err) != 0) {
        return err_wrap(err, -EBADMSG, "%s", kinds[type].name);
    }
    struct rlog_message message = {.type = type};
    if (!from_pb(pb, &message)) {
        rlog_message_deinit(&message);
        return err_set(err, -EBADMSG, "%s: its fields do not go together", kinds[type].name);
    }
    *ret_message = message;
    return 0;
}
