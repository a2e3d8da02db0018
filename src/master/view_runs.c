#include "master/view_runs.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "resources/resource_pb.h"
#include "resources/scalar.h"
#include "wire/cursor.h"
#include "wire/json.h"

/* mesos.Resource: allocation_info {role} */
enum { FIELD_RESOURCE_ALLOCATION_INFO = 11, FIELD_ALLOCATION_ROLE = 1 };

static struct slice run_key(const struct map_link *link)
{
    return CONTAINER_OF(link, struct view_run, by_bytes)->bytes;
}

void master_view_runs_init(struct view_runs *runs, uint64_t seed)
{
    *runs = (struct view_runs){0};
    map_init(&runs->map, run_key, seed);
    arena_init(&runs->arena, 0);
    resource_kinds_init(&runs->kinds);
}

void master_view_runs_deinit(struct view_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        resources_deinit(&runs->items[i]->resources);
        buf_deinit(&runs->items[i]->json);
        buf_deinit(&runs->items[i]->split);
    }
    free(runs->items);
    map_deinit(&runs->map);
    resource_kinds_deinit(&runs->kinds);
    arena_deinit(&runs->arena);
}

static bool is_plain(const struct resources *resources)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        const struct resource_kind *kind = resources->items[i].kind;
        if (kind->type != VALUE_SCALAR || kind->is_exclusive || kind->is_shared) {
            return false;
        }
    }
    return true;
}

static struct slice find_role(struct slice bytes)
{
    struct cursor cursor;
    struct cursor_field first;
    struct cursor_field role;
    cursor_init(&cursor, bytes);
    if (!cursor_next(&cursor, &first) ||
        !cursor_path(first.bytes,
                     (const uint32_t[]){FIELD_RESOURCE_ALLOCATION_INFO, FIELD_ALLOCATION_ROLE}, 2,
                     &role)) {
        return SLICE("");
    }
    return role.bytes;
}

static struct view_run *run_new(struct view_runs *runs, struct slice bytes, uint32_t number)
{
    struct view_run *run = ARENA_NEW(&runs->arena, struct view_run);
    run->bytes = bytes;
    resources_add_bytes(&run->resources, bytes, number, &runs->kinds);
    run->role = find_role(bytes);
    run->is_plain = is_plain(&run->resources);
    run->number = (uint32_t)runs->count;
    if (runs->count == runs->capacity) {
        runs->capacity = MAX(runs->capacity * 2, (size_t)64);
        runs->items = xrealloc(runs->items, runs->capacity, sizeof(runs->items[0]));
    }
    runs->items[runs->count++] = run;
    map_add(&runs->map, &run->by_bytes);
    return run;
}

struct view_run *master_view_run(struct view_runs *runs, struct slice bytes, uint32_t number)
{
    if (runs->last != NULL && slice_equal(runs->last->bytes, bytes)) {
        return runs->last;
    }
    struct map_link *link = map_find(&runs->map, bytes);
    runs->last =
        link != NULL ? CONTAINER_OF(link, struct view_run, by_bytes) : run_new(runs, bytes, number);
    return runs->last;
}

struct slice master_view_run_json(struct view_run *run)
{
    if (run->json.size == 0) {
        struct json_writer w;
        json_writer_init(&w, &run->json);
        resources_write_json(&run->resources, &w);
    }
    return buf_slice(&run->json);
}

void master_view_run_add(const struct view_run *run, uint64_t count, struct resources *sum)
{
    if (count == 1 || !run->is_plain) {
        for (uint64_t i = 0; i < count; i++) {
            resources_add(sum, &run->resources);
        }
        return;
    }
    for (uint32_t i = 0; i < run->resources.count; i++) {
        struct resource many = resource_copy(&run->resources.items[i]);
        if (__builtin_mul_overflow(many.value.scalar, (int64_t)count, &many.value.scalar)) {
            many.value.scalar = INT64_MAX;
        }
        resources_add_take(sum, many);
    }
}

struct slice master_view_run_find(struct slice message, uint32_t number)
{
    struct cursor cursor;
    struct cursor_field field;
    struct slice found = {NULL, 0};
    cursor_init(&cursor, message);
    while (cursor_next(&cursor, &field)) {
        if (field.number == number) {
            if (found.data == NULL) {
                found = field.whole;
            } else {
                found.size += field.whole.size;
            }
        } else if (found.data != NULL) {
            break;
        }
    }
    return found;
}
