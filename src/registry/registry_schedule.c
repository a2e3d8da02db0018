#include "registry/registry_schedule.h"

#include <ctype.h>

/* Numbers of the wire. */
enum { SCHEDULE_WINDOWS = 1, WINDOW_MACHINE_IDS = 1, WINDOW_UNAVAILABILITY = 2 };
enum { ID_HOSTNAME = 1, ID_IP = 2 };

static void put_part(struct slice id, uint32_t number, struct buf *out)
{
    struct cursor_field field;
    if (cursor_find(id, number, &field)) {
        buf_append_text(out, "+"); /* one that is empty is not one that is not there */
        buf_append_slice(out, field.bytes);
    }
    buf_append_slice(out, slice_make("", 1));
}

void registry_schedule_key(struct slice id, struct buf *out)
{
    size_t begun = out->size;
    put_part(id, ID_HOSTNAME, out);
    for (size_t i = begun; i < out->size; i++) {
        out->data[i] = (char)tolower((unsigned char)out->data[i]);
    }
    put_part(id, ID_IP, out);
}

struct registry_schedule_walk registry_schedule_begin(struct slice schedule)
{
    struct registry_schedule_walk walk = {0};
    cursor_init(&walk.windows, schedule);
    return walk;
}

bool registry_schedule_next(struct registry_schedule_walk *walk, struct slice *ret_id)
{
    struct cursor_field field;
    for (;;) {
        while (cursor_next(&walk->machines, &field)) {
            if (field.number == WINDOW_MACHINE_IDS) {
                *ret_id = field.bytes;
                return true;
            }
        }
        if (!cursor_next(&walk->windows, &field)) {
            return false;
        }
        if (field.number == SCHEDULE_WINDOWS) {
            struct cursor_field unavailability = {0};
            (void)cursor_find(field.bytes, WINDOW_UNAVAILABILITY, &unavailability);
            walk->unavailability = unavailability.bytes;
            cursor_init(&walk->machines, field.bytes);
        }
    }
}

static void cut_window(struct slice window, registry_schedule_leaves_fn *leaves, void *arg,
                       struct buf *out)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT;
    CLEANUP(buf_deinit) struct buf left = BUF_INIT;
    struct cursor cursor;
    struct cursor_field field;
    bool has_machines = false;
    cursor_init(&cursor, window);
    while (cursor_next(&cursor, &field)) {
        if (field.number == WINDOW_MACHINE_IDS) {
            buf_clear(&key);
            registry_schedule_key(field.bytes, &key);
            if (leaves(arg, buf_slice(&key))) {
                continue;
            }
            has_machines = true;
        }
        buf_append_slice(&left, field.whole);
    }
    if (has_machines) {
        wire_put_bytes(out, SCHEDULE_WINDOWS, buf_slice(&left));
    }
}

void registry_schedule_cut(struct slice schedule, registry_schedule_leaves_fn *leaves, void *arg,
                           struct buf *out)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, schedule);
    while (cursor_next(&cursor, &field)) {
        if (field.number == SCHEDULE_WINDOWS) {
            cut_window(field.bytes, leaves, arg, out);
        }
    }
}
