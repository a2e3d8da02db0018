#include "fuzz.h"

#include <string.h>

#include "descs.h"
#include "wire/json.h"
#include "wire/message.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* A text that is taken, printed and taken again is the same message; and so are its bytes. */
static void check_message(const ProtobufCMessage *message, enum json_names names)
{
    struct arena arena;
    struct buf encoded = BUF_INIT;
    struct buf text = BUF_INIT;
    struct buf again = BUF_INIT;
    ProtobufCMessage *copy;
    arena_init(&arena, 0);
    json_print_message(message, names, &text);
    message_encode(message, &encoded);
    ASSERT(message_check(message->descriptor, buf_slice(&encoded), NULL) == 0);
    ASSERT(message_decode(message->descriptor, buf_slice(&encoded), &arena, &copy, NULL) == 0);
    json_print_message(copy, names, &again);
    ASSERT(slice_equal(buf_slice(&text), buf_slice(&again)));
    buf_clear(&again);
    json_print_bytes(message->descriptor, buf_slice(&encoded), names, &again);
    ASSERT(slice_equal(buf_slice(&text), buf_slice(&again)));

    /* Arrays that were left out in the text count as levels when they are printed. Keys of a map
     * that differ in bytes that are no UTF-8 are printed alike, and are one when they are taken
     * again. */
    int status =
        json_parse_message(message->descriptor, buf_slice(&text), names, &arena, &copy, NULL);
    ASSERT(status == 0 || status == JSON_E_SYNTAX);
    if (status == 0) {
        buf_clear(&again);
        json_print_message(copy, names, &again);
        ASSERT(slice_equal(buf_slice(&text), buf_slice(&again)) ||
               strstr(buf_text(&text), REPLACEMENT) != NULL);
    }
    buf_deinit(&encoded);
    buf_deinit(&text);
    buf_deinit(&again);
    arena_deinit(&arena);
}

/* An array that is taken is what it would be as a field's value. */
static void check_list(struct slice text)
{
    const ProtobufCMessageDescriptor *desc = &pb__master__call__start_maintenance__descriptor;
    struct arena arena;
    struct err err = {""};
    struct buf whole = BUF_INIT;
    ProtobufCMessage *list;
    ProtobufCMessage *same;
    arena_init(&arena, FUZZ_BUDGET);
    int status = json_parse_list(desc, "machines", text, JSON_V1, &arena, &list, &err);
    ASSERT(status == 0 || err.text[0] != '\0');
    buf_printf(&whole, "{\"machines\":%.*s}", SLICE_ARGS(text));
    if (status == 0 &&
        json_parse_message(desc, buf_slice(&whole), JSON_V1, &arena, &same, &err) == 0) {
        ASSERT(message_equal(list, same));
    } else {
        /* One level more, or too little memory for both. */
        ASSERT(status != 0 || strstr(err.text, "deep") != NULL ||
               strstr(err.text, "memory") != NULL);
    }
    buf_deinit(&whole);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    check_list(slice_make(data + 1, size - 1));
    const ProtobufCMessageDescriptor *desc = choose_desc(data[0] & 0x7f);
    enum json_names names = data[0] < 0x80 ? JSON_V1 : JSON_V0;
    struct arena arena;
    struct err err = {""};
    ProtobufCMessage *message;
    arena_init(&arena, FUZZ_BUDGET);
    int status =
        json_parse_message(desc, slice_make(data + 1, size - 1), names, &arena, &message, &err);
    if (status == 0) {
        check_message(message, names);
    } else {
        ASSERT(err.text[0] != '\0');
    }
    arena_deinit(&arena);
    return 0;
}
