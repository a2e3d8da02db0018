/*
 * Short ways to write resources down and to look at them, for the tests of this folder.
 */
#ifndef TEPUI_TESTS_UNIT_RESOURCES_FIXTURE_H
#define TEPUI_TESTS_UNIT_RESOURCES_FIXTURE_H

#include "../unit.h"

#include "resources/resource_operation.h"
#include "wire/json.h"
#include "wire/message.h"

/* From the text of --resources, without the checks of the command line. */
static inline struct resources res(const char *text)
{
    struct resources resources;
    struct err err = {{0}};
    int r = resources_parse_any(slice_from(text), SLICE("*"), &resources, &err);
    if (r != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return resources;
}

/* A message from its JSON. */
static inline ProtobufCMessage *pb_from_json(const ProtobufCMessageDescriptor *desc,
                                             const char *json, struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    struct err err = {{0}};
    int r = json_parse_message(desc, slice_from(json), JSON_V0, arena, &message, &err);
    if (r != 0) {
        fail_msg("%s: %s", json, err.text);
    }
    return message;
}

#define PB(type, name, json, arena) ((type *)pb_from_json(&name##__descriptor, (json), (arena)))
#define PB_RESOURCE(json, arena) PB(Pb__Resource, pb__resource, json, arena)

/* One resource from the JSON of a Resource. */
static inline struct resources res_json(const char *json)
{
    struct resources resources = RESOURCES_INIT;
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Resource *pb = PB_RESOURCE(json, &arena);
    struct err err = {{0}};
    if (resource_validate(pb, &err) != 0) {
        fail_msg("%s: %s", json, err.text);
    }
    resources_add_pb_one(&resources, pb, NULL);
    arena_deinit(&arena);
    return resources;
}

static inline void assert_text(const struct resources *r, const char *expected)
{
    struct buf text = BUF_INIT;
    resources_format(r, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_deinit(&text);
}

/* Equal to what the text says. */
static inline void assert_res(const struct resources *r, const char *expected)
{
    CLEANUP(resources_deinit) struct resources other = res(expected);
    if (!resources_equal(r, &other)) {
        struct buf text = BUF_INIT;
        resources_format(r, &text);
        fail_msg("expected %s, got %s", expected, buf_text(&text));
    }
}

static inline struct resources sum(const struct resources *a, const struct resources *b)
{
    struct resources result;
    resources_copy(a, &result);
    resources_add(&result, b);
    return result;
}

static inline struct resources difference(const struct resources *a, const struct resources *b)
{
    struct resources result;
    resources_copy(a, &result);
    resources_subtract(&result, b);
    return result;
}

static inline bool contains_text(const char *a, const char *b)
{
    CLEANUP(resources_deinit) struct resources left = res(a);
    CLEANUP(resources_deinit) struct resources right = res(b);
    return resources_contain(&left, &right);
}

static inline int64_t scalar_of(const struct resources *r, const char *name)
{
    int64_t scalar = -1;
    bool is_there = resources_get_scalar(r, slice_from(name), &scalar);
    return is_there ? scalar : -1;
}

#define SCOPED_RES CLEANUP(resources_deinit) struct resources

#endif
