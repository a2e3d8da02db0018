#include "fuzz.h"

#include "wire/cursor.h"

/* The fields are the whole message, one after another, and each is found again by itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice message = slice_make(data, size);
    struct cursor cursor;
    struct cursor_field field;
    size_t walked = 0;
    cursor_init(&cursor, message);
    while (cursor_next(&cursor, &field)) {
        struct cursor_field again;
        ASSERT(field.number > 0 && field.number <= WIRE_NUMBER_MAX);
        ASSERT(field.whole.data == message.data + walked);
        ASSERT(field.bytes.size <= field.whole.size);
        walked += field.whole.size;
        ASSERT(cursor_find(field.whole, field.number, &again));
        ASSERT(again.value == field.value && again.type == field.type);
        (void)cursor_path(message, (uint32_t[]){field.number, 1}, 2, &again);
    }
    ASSERT(cursor.failed || walked == size);
    ASSERT(!cursor_next(&cursor, &field));
    return 0;
}
