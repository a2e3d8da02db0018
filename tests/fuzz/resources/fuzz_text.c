/*
 * --resources, --attributes, and amounts of quota as text: whatever is accepted prints, and what it
 * means does not change by going through a message.
 */
#include "fuzz.h"

#include "resources/attributes.h"
#include "resources/resource_pb.h"
#include "resources/resource_validate.h"
#include "wire/message.h"

/* A refusal tells why. */
static void expect_reason(int r, const struct err *err)
{
    ASSERT(r == 0 || err->text[0] != '\0');
}

/* Are all amounts so small that doubles hold them? */
static bool is_exact(const struct resources *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->items[i].kind->type == VALUE_SCALAR &&
            r->items[i].value.scalar >= SCALAR_EXACT_MAX) {
            return false;
        }
    }
    return true;
}

static void check_resources(struct slice text)
{
    struct resources r;
    struct err err = {{0}};
    if (resources_parse_any(text, SLICE("*"), &r, &err) != 0) {
        return;
    }
    struct arena arena;
    Pb__Resource **items;
    size_t count;
    struct resources back = RESOURCES_INIT;
    arena_init(&arena, 0);
    resources_to_pb(&r, RESOURCE_FORMAT_POST, &arena, &items, &count);
    ASSERT(resource_validate_all(items, count, &err) == 0);
    resources_add_pb(&back, items, count, NULL);
    ASSERT(!is_exact(&r) || resources_equal(&r, &back));
    ASSERT(resources_text(&r, &arena) != NULL);
    resources_subtract(&back, &r);
    ASSERT(!is_exact(&r) || resources_is_empty(&back));
    resources_deinit(&back);
    resources_deinit(&r);
    arena_deinit(&arena);
    if (resources_parse(text, SLICE("role"), &r, &err) == 0) {
        resources_deinit(&r);
    }
}

static void check_attributes(struct slice text)
{
    struct attributes a;
    struct attributes back;
    struct err err = {{0}};
    if (attributes_parse(text, &a, &err) != 0) {
        return;
    }
    struct arena arena;
    Pb__Attribute **items;
    size_t count;
    arena_init(&arena, 0);
    attributes_to_pb(&a, &arena, &items, &count);
    int r = attributes_from_pb(items, count, &back, &err);
    ASSERT(r == 0 && attributes_equal(&a, &back));
    attributes_deinit(&back);
    attributes_deinit(&a);
    arena_deinit(&arena);
}

static void check_amounts(struct slice text)
{
    struct resource_names names;
    struct quantities q;
    struct resource_limits limits;
    struct err err = {{0}};
    resource_names_init(&names);
    if (quantities_parse(text, &names, &q, &err) == 0) {
        /* Amounts that are not repeated are limits too, and keep to themselves. */
        if (resource_limits_parse(text, &names, &limits, &err) == 0) {
            ASSERT(resource_limits_contain(&limits, &q));
            resource_limits_deinit(&limits);
        }
        quantities_deinit(&q);
    }
    resource_names_deinit(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Texts come from flags and files: without NUL. */
    if (size != 0 && memchr(data, '\0', size) != NULL) {
        return 0;
    }
    struct slice text = slice_make(data, size);
    struct err err = {{0}};
    check_resources(text);
    check_attributes(text);
    check_amounts(text);
    expect_reason(role_validate(text, &err), &err);
    expect_reason(role_validate_list(text, &err), &err);
    return 0;
}
