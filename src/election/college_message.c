#include "election/college_message.h"

#include "election/leader_info.h"

#define HEAD_SIZE 17

static void put_uint64(struct buf *out, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        buf_append_byte(out, (char)(value >> shift));
    }
}

static uint64_t get_uint64(const char *bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | (unsigned char)bytes[i];
    }
    return value;
}

struct blob *college_message_encode(const struct college_message *message)
{
    struct buf out = BUF_INIT;
    buf_append_byte(&out, (char)message->kind);
    put_uint64(&out, message->number);
    put_uint64(&out, message->stamp);
    buf_append_slice(&out, message->info);
    return blob_take(&out);
}

bool college_message_decode(struct slice bytes, struct college_message *ret_message)
{
    if (bytes.size < HEAD_SIZE || bytes.size > COLLEGE_MESSAGE_SIZE_MAX ||
        bytes.data[0] < COLLEGE_LEAD || bytes.data[0] > COLLEGE_WATCH) {
        return false;
    }
    struct college_message message = {
        .kind = (enum college_kind)bytes.data[0],
        .number = get_uint64(bytes.data + 1),
        .stamp = get_uint64(bytes.data + 9),
        .info = slice_skip(bytes, HEAD_SIZE),
    };
    struct leader leader;
    bool needs_info = message.kind == COLLEGE_LEAD;
    if (message.info.size > 0 ? !leader_info_read(message.info, &leader) : needs_info) {
        return false;
    }
    *ret_message = message;
    return true;
}
