#include "fuzz.h"

#include "descs.h"
#include "wire/json.h"
#include "wire/message.h"

/* What is written of a message reads back as the same message. */
static void check_message(const ProtobufCMessage *message)
{
    struct arena arena;
    struct buf encoded = BUF_INIT;
    struct buf text = BUF_INIT;
    struct buf again = BUF_INIT;
    ProtobufCMessage *copy;
    arena_init(&arena, 0);
    message_encode(message, &encoded);
    ASSERT(message_check(message->descriptor, buf_slice(&encoded), NULL) == 0);
    ASSERT(message_decode(message->descriptor, buf_slice(&encoded), &arena, &copy, NULL) == 0);
    ASSERT(message_equal(message, copy));
    ASSERT(message_equal(message, message_clone(message, &arena)));

    for (int names = JSON_V0; names <= JSON_V1; names++) {
        buf_clear(&text);
        buf_clear(&again);
        json_print_message(message, (enum json_names)names, &text);
        json_print_bytes(message->descriptor, buf_slice(&encoded), (enum json_names)names, &again);
        ASSERT(slice_equal(buf_slice(&text), buf_slice(&again)));
        int status = json_parse_message(message->descriptor, buf_slice(&text),
                                        (enum json_names)names, &arena, &copy, NULL);
        /* JSON counts levels of arrays, too; and it has no word for NaN. */
        ASSERT(status == 0 || status == JSON_E_SYNTAX ||
               (status == JSON_E_INVALID && strstr(buf_text(&text), "\"NaN\"") != NULL));
    }
    buf_deinit(&encoded);
    buf_deinit(&text);
    buf_deinit(&again);
    arena_deinit(&arena);
}

/* What was settled says the same, and has nothing left to settle. */
static void check_settled(const ProtobufCMessageDescriptor *desc, struct slice bytes,
                          const ProtobufCMessage *expected)
{
    struct arena arena;
    struct slice settled;
    struct slice again;
    ProtobufCMessage *message;
    arena_init(&arena, 0);
    ASSERT(message_settle(desc, bytes, &arena, &settled, NULL) == 0);
    ASSERT(message_decode(desc, settled, &arena, &message, NULL) == 0);
    ASSERT(message_equal(message, expected));
    ASSERT(message_settle(desc, settled, &arena, &again, NULL) == 0);
    ASSERT(again.data == settled.data && again.size == settled.size);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const ProtobufCMessageDescriptor *desc = choose_desc(data[0]);
    struct slice bytes = slice_make(data + 1, size - 1);
    struct arena arena;
    struct err of_check = {""};
    struct err err = {""};
    struct buf text = BUF_INIT;
    ProtobufCMessage *message;
    arena_init(&arena, FUZZ_BUDGET);
    int checked = message_check(desc, bytes, &of_check);
    int status = message_decode(desc, bytes, &arena, &message, &err);
    if (status != MESSAGE_E_BUDGET && checked != MESSAGE_E_BUDGET) {
        ASSERT(status == checked && strcmp(err.text, of_check.text) == 0);
    }
    if (status == 0 && checked == 0) {
        check_settled(desc, bytes, message);
    }
    if (status == 0) {
        check_message(message);
    } else {
        ASSERT(err.text[0] != '\0');
    }
    json_print_bytes(desc, bytes, JSON_V1, &text); /* whatever they are */
    buf_deinit(&text);
    arena_deinit(&arena);
    return 0;
}
