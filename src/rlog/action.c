#include "rlog/action.h"

#include <errno.h>

#include "common/arena.h"
#include "wire/message.h"

/* Memory that decoding may take beyond the bytes themselves. */
#define DECODE_SLACK_SIZE (64u << 10)

void rlog_action_deinit(struct rlog_action *action)
{
    action->bytes = blob_unref(action->bytes);
}

struct rlog_action rlog_action_ref(const struct rlog_action *action)
{
    struct rlog_action copy = *action;
    copy.bytes = blob_ref(action->bytes);
    return copy;
}

bool rlog_action_equal_value(const struct rlog_action *a, const struct rlog_action *b)
{
    return a->type == b->type && a->tombstone == b->tombstone && a->to == b->to &&
           slice_equal(blob_slice(a->bytes), blob_slice(b->bytes));
}

uint64_t rlog_action_begin(const struct rlog_action *action)
{
    if (action->learned && action->type == RLOG_ACTION_TRUNCATE) {
        /* It does not forget itself, or the log would end before it begins. */
        return MIN(action->to, action->position);
    }
    return action->learned && action->tombstone ? action->position + 1 : 0;
}

uint64_t rlog_action_delete_to(const struct rlog_action *action)
{
    uint64_t begin = rlog_action_begin(action);
    return action->tombstone ? MIN(begin, action->position) : begin;
}

const char *rlog_status_name(enum rlog_status status)
{
    switch (status) {
    case RLOG_VOTING:
        return "VOTING";
    case RLOG_RECOVERING:
        return "RECOVERING";
    case RLOG_STARTING:
        return "STARTING";
    case RLOG_EMPTY:
        return "EMPTY";
    }
    WRONG("rlog_status");
}

void rlog_action_to_pb(const struct rlog_action *action, struct rlog_action_pb *ret_pb)
{
    Pb__Internal__Log__Action *pb = &ret_pb->action;
    *pb = (Pb__Internal__Log__Action)PB__INTERNAL__LOG__ACTION__INIT;
    pb->position = action->position;
    pb->promised = action->promised;
    pb->has_performed = pb->has_type = action->type != RLOG_ACTION_NONE;
    pb->performed = action->performed;
    pb->has_learned = pb->learned = action->learned;
    switch (action->type) {
    case RLOG_ACTION_NONE:
        break;
    case RLOG_ACTION_NOP:
        pb->type = PB__INTERNAL__LOG__ACTION__TYPE__NOP;
        ret_pb->nop = (Pb__Internal__Log__Action__Nop)PB__INTERNAL__LOG__ACTION__NOP__INIT;
        ret_pb->nop.has_tombstone = ret_pb->nop.tombstone = action->tombstone;
        pb->nop = &ret_pb->nop;
        break;
    case RLOG_ACTION_APPEND:
        pb->type = PB__INTERNAL__LOG__ACTION__TYPE__APPEND;
        ret_pb->append = (Pb__Internal__Log__Action__Append)PB__INTERNAL__LOG__ACTION__APPEND__INIT;
        ret_pb->append.bytes = message_data(blob_slice(action->bytes));
        pb->append = &ret_pb->append;
        break;
    case RLOG_ACTION_TRUNCATE:
        pb->type = PB__INTERNAL__LOG__ACTION__TYPE__TRUNCATE;
        ret_pb->truncate =
            (Pb__Internal__Log__Action__Truncate)PB__INTERNAL__LOG__ACTION__TRUNCATE__INIT;
        ret_pb->truncate.to = action->to;
        pb->truncate = &ret_pb->truncate;
        break;
    }
}

bool rlog_action_from_pb(const Pb__Internal__Log__Action *pb, struct rlog_action *ret_action)
{
    struct rlog_action action = {
        .position = pb->position,
        .promised = pb->promised,
        .performed = pb->has_performed ? pb->performed : 0,
        .learned = pb->has_learned && pb->learned,
    };
    if (pb->position > RLOG_POSITION_MAX || pb->has_performed != pb->has_type) {
        return false;
    }
    if (!pb->has_type) {
        *ret_action = action;
        return !action.learned;
    }
    switch (pb->type) {
    case PB__INTERNAL__LOG__ACTION__TYPE__NOP:
        action.type = RLOG_ACTION_NOP;
        action.tombstone = pb->nop != NULL && pb->nop->has_tombstone && pb->nop->tombstone;
        break;
    case PB__INTERNAL__LOG__ACTION__TYPE__APPEND:
        action.type = RLOG_ACTION_APPEND;
        if (pb->append == NULL) {
            return false;
        }
        action.bytes = blob_from(message_bytes(pb->append->bytes));
        break;
    case PB__INTERNAL__LOG__ACTION__TYPE__TRUNCATE:
        action.type = RLOG_ACTION_TRUNCATE;
        if (pb->truncate == NULL) {
            return false;
        }
        action.to = pb->truncate->to;
        break;
    case _PB__INTERNAL__LOG__ACTION__TYPE_IS_INT_SIZE:
        return false;
    }
    *ret_action = action;
    return true;
}

void rlog_record_encode_action(const struct rlog_action *action, struct buf *out)
{
    struct rlog_action_pb pb;
    rlog_action_to_pb(action, &pb);
    Pb__Internal__Log__Record record = PB__INTERNAL__LOG__RECORD__INIT;
    record.type = PB__INTERNAL__LOG__RECORD__TYPE__ACTION;
    record.action = &pb.action;
    message_encode(&record.base, out);
}

void rlog_record_encode_metadata(enum rlog_status status, uint64_t promised, struct buf *out)
{
    Pb__Internal__Log__Metadata metadata = PB__INTERNAL__LOG__METADATA__INIT;
    metadata.status = (Pb__Internal__Log__Metadata__Status)status;
    metadata.promised = promised;
    Pb__Internal__Log__Record record = PB__INTERNAL__LOG__RECORD__INIT;
    record.type = PB__INTERNAL__LOG__RECORD__TYPE__METADATA;
    record.metadata = &metadata;
    message_encode(&record.base, out);
}

static bool from_record(const Pb__Internal__Log__Record *record, struct rlog_record *ret_record)
{
    *ret_record = (struct rlog_record){.type = RLOG_RECORD_METADATA};
    switch (record->type) {
    case PB__INTERNAL__LOG__RECORD__TYPE__PROMISE:
        ret_record->status = RLOG_VOTING;
        ret_record->promised = record->promise != NULL ? record->promise->proposal : 0;
        return record->promise != NULL;
    case PB__INTERNAL__LOG__RECORD__TYPE__METADATA:
        if (record->metadata == NULL) {
            return false;
        }
        ret_record->status = (enum rlog_status)record->metadata->status;
        ret_record->promised = record->metadata->promised;
        return true;
    case PB__INTERNAL__LOG__RECORD__TYPE__ACTION:
        ret_record->type = RLOG_RECORD_ACTION;
        return record->action != NULL && rlog_action_from_pb(record->action, &ret_record->action);
    case _PB__INTERNAL__LOG__RECORD__TYPE_IS_INT_SIZE:
        return false;
    }
    return false;
}

int rlog_record_decode(struct slice bytes, struct rlog_record *ret_record, struct err *err)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, bytes.size + DECODE_SLACK_SIZE);
    Pb__Internal__Log__Record *pb;
    struct rlog_record record;
    if (MESSAGE_DECODE(Pb__Internal__Log__Record, pb__internal__log__record, bytes, &arena, &pb,
                       err) != 0) {
        return err_wrap(err, -EBADMSG, "a record cannot be read");
    }
    if (!from_record(pb, &record)) {
        return err_set(err, -EBADMSG, "a record's type does not fit its content");
    }
    *ret_record = record;
    return 0;
}
