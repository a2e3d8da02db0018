/*
 * An offer operation as a peer could send it: whatever passes validation is read, converted,
 * applied and written again without loss. The first byte says what it is tried on.
 */
#include "fuzz.h"

#include "resources/resource_operation.h"
#include "wire/message.h"

/* Memory that one input may take; more is the decoder's business. */
#define BUDGET_SIZE (1u << 22)

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

static void check_list(Pb__Resource *const *items, size_t count)
{
    struct err err = {{0}};
    struct resources r = RESOURCES_INIT;
    struct resources back = RESOURCES_INIT;
    struct buf bytes = BUF_INIT;
    expect_reason(resource_validate_input(items, count, &err), &err);
    expect_reason(resource_validate_single_provider(items, count, &err), &err);
    expect_reason(resource_validate_persistent_volumes(items, count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        ASSERT(resource_pb_text(items[i]).text[0] != '\0');
    }
    resources_add_pb(&r, items, count, NULL);
    expect_reason(resource_validate_unique_persistence(&r, &err), &err);
    expect_reason(resource_validate_revocable_mix(&r, &err), &err);
    expect_reason(resource_validate_single_role(&r, &err), &err);
    resources_encode(&r, RESOURCE_FORMAT_ENDPOINT, 1, &bytes);
    resources_add_bytes(&back, buf_slice(&bytes), 1, NULL);
    ASSERT(r.count == back.count);
    for (uint32_t i = 0; i < r.count; i++) {
        ASSERT(!is_exact(&r) || resource_equal(&r.items[i], &back.items[i]));
        ASSERT(resource_kind_equal(r.items[i].kind, back.items[i].kind));
    }
    ASSERT(!is_exact(&r) || resources_contain(&r, &back));
    resources_subtract(&r, &r);
    resources_deinit(&r);
    resources_deinit(&back);
    buf_deinit(&bytes);
}

static void check_conversions(const Pb__Offer__Operation *op)
{
    struct resource_conversions conversions;
    struct resources r = RESOURCES_INIT;
    struct err err = {{0}};
    if (resource_operation_convert(op, NULL, &conversions, &err) != 0) {
        return;
    }
    for (size_t i = 0; i < conversions.count; i++) {
        resources_add(&r, &conversions.items[i].consumed);
    }
    expect_reason(resource_operation_apply(op, NULL, &r, &err), &err);
    resources_deinit(&r);
    resource_conversions_deinit(&conversions);
}

static void check_rules(const Pb__Offer__Operation *op, uint8_t choice)
{
    static const struct slice roles[] = {{"a", 1}, {"a/b", 3}};
    struct resource_operation_context context = {
        .is_framework = (choice & 1) != 0,
        .framework_id = SLICE("framework"),
        .roles = roles,
        .role_count = ELEMENTS(roles),
        .can_share = (choice & 2) != 0,
        .agent_hierarchical_role = (choice & 4) != 0,
        .agent_reservation_refinement = (choice & 8) != 0,
        .agent_resize_volume = (choice & 16) != 0,
    };
    struct err err = {{0}};
    if ((choice & 32) != 0) {
        context.principal = SLICE("p");
    }
    if (op->type != PB__OFFER__OPERATION__TYPE__LAUNCH &&
        op->type != PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP) {
        expect_reason(resource_operation_validate(op, &context, &err), &err);
    }
}

static void check_operation(Pb__Offer__Operation *op, uint8_t choice, struct arena *arena)
{
    struct err err = {{0}};
    struct slice provider;
    if (op->reserve != NULL) {
        check_list(op->reserve->resources, op->reserve->n_resources);
        check_list(op->reserve->source, op->reserve->n_source);
    }
    if (op->create != NULL) {
        check_list(op->create->volumes, op->create->n_volumes);
    }
    for (size_t i = 0; op->launch != NULL && i < op->launch->n_task_infos; i++) {
        expect_reason(resource_validate_task_and_executor(op->launch->task_infos[i], &err), &err);
    }
    if (resource_operation_upgrade(op, arena, &err) != 0) {
        ASSERT(err.text[0] != '\0');
        return;
    }
    check_rules(op, choice);
    check_conversions(op);
    expect_reason(resource_operation_provider(op, &provider, &err), &err);
    resource_operation_inject_allocation(op, SLICE("a"), arena);
    check_rules(op, choice);
    resource_operation_strip_allocation(op);
    if (resource_pb_downgrade_all(&op->base, arena) == 0) {
        /* What was valid is so in the older format. */
        ASSERT(resource_operation_upgrade(op, arena, &err) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena messages;
    struct arena more;
    Pb__Offer__Operation *op;
    if (size == 0) {
        return 0;
    }
    arena_init(&messages, BUDGET_SIZE);
    arena_init(&more, 0);
    if (MESSAGE_DECODE(Pb__Offer__Operation, pb__offer__operation, slice_make(data + 1, size - 1),
                       &messages, &op, NULL) == 0) {
        check_operation(op, data[0], &more);
    }
    arena_deinit(&messages);
    arena_deinit(&more);
    return 0;
}
