#include "fuzz.h"

#include "rlog/protocol.h"

/* What peers send, and what is on disk, is decoded or refused; what was decoded encodes to
 * something that says the same. The first byte chooses. */
static void try_message(enum rlog_message_type type, struct slice bytes)
{
    struct rlog_message message;
    struct rlog_message again;
    struct err err = {""};
    if (rlog_message_decode(type, bytes, &message, &err) != 0) {
        ASSERT(err.text[0] != '\0');
        return;
    }
    struct blob *body = rlog_message_encode(&message);
    ASSERT(rlog_message_decode(type, blob_slice(body), &again, &err) == 0);
    struct blob *second = rlog_message_encode(&again);
    ASSERT(slice_equal(blob_slice(body), blob_slice(second)));
    ASSERT(!message.has_action || rlog_action_equal_value(&message.action, &again.action));
    blob_unref(body);
    blob_unref(second);
    rlog_message_deinit(&message);
    rlog_message_deinit(&again);
}

static void try_record(struct slice bytes)
{
    struct rlog_record record;
    struct rlog_record again;
    struct err err = {""};
    if (rlog_record_decode(bytes, &record, &err) != 0) {
        ASSERT(err.text[0] != '\0');
        return;
    }
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    if (record.type == RLOG_RECORD_ACTION) {
        ASSERT(record.action.position <= RLOG_POSITION_MAX);
        rlog_record_encode_action(&record.action, &out);
    } else {
        rlog_record_encode_metadata(record.status, record.promised, &out);
    }
    ASSERT(rlog_record_decode(buf_slice(&out), &again, &err) == 0);
    ASSERT(again.type == record.type && again.promised == record.promised);
    ASSERT(rlog_action_equal_value(&record.action, &again.action));
    rlog_action_deinit(&record.action);
    rlog_action_deinit(&again.action);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        struct slice bytes = slice_make(data + 1, size - 1);
        unsigned kind = data[0] % (RLOG_MESSAGE_TYPES + 1);
        if (kind < RLOG_MESSAGE_TYPES) {
            try_message((enum rlog_message_type)kind, bytes);
        } else {
            try_record(bytes);
        }
    }
    return 0;
}
