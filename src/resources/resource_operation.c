#include "resources/resource_operation.h"

#include <stdlib.h>

#include "common/xalloc.h"

/* What protobuf-c calls the type, with an unset one as unknown. */
static int operation_type(const Pb__Offer__Operation *op)
{
    return op->has_type ? (int)op->type : PB__OFFER__OPERATION__TYPE__UNKNOWN;
}

/* --- lists of resources in an operation --- */

typedef int (*list_fn)(Pb__Resource *const *items, size_t count, void *arg);

static int visit_task(const Pb__TaskInfo *task, list_fn visit, void *arg)
{
    int r = visit(task->resources, task->n_resources, arg);
    if (r == 0 && task->executor != NULL) {
        r = visit(task->executor->resources, task->executor->n_resources, arg);
    }
    return r;
}

static int visit_launch_group(const Pb__Offer__Operation__LaunchGroup *group, list_fn visit,
                              void *arg)
{
    int r = 0;
    if (group->executor != NULL) {
        r = visit(group->executor->resources, group->executor->n_resources, arg);
    }
    size_t count = group->task_group != NULL ? group->task_group->n_tasks : 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        r = visit_task(group->task_group->tasks[i], visit, arg);
    }
    return r;
}

/* An optional single resource as a list. */
static int visit_one(Pb__Resource *const *place, list_fn visit, void *arg)
{
    return *place != NULL ? visit(place, 1, arg) : 0;
}

/* Every list, up to the first that is refused; the member of the type must be set. */
static int visit_lists(const Pb__Offer__Operation *op, list_fn visit, void *arg)
{
    int r = 0;
    switch (operation_type(op)) {
    case PB__OFFER__OPERATION__TYPE__LAUNCH:
        for (size_t i = 0; i < op->launch->n_task_infos && r == 0; i++) {
            r = visit_task(op->launch->task_infos[i], visit, arg);
        }
        return r;
    case PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP:
        return visit_launch_group(op->launch_group, visit, arg);
    case PB__OFFER__OPERATION__TYPE__RESERVE:
        return visit(op->reserve->resources, op->reserve->n_resources, arg);
    case PB__OFFER__OPERATION__TYPE__UNRESERVE:
        return visit(op->unreserve->resources, op->unreserve->n_resources, arg);
    case PB__OFFER__OPERATION__TYPE__CREATE:
        return visit(op->create->volumes, op->create->n_volumes, arg);
    case PB__OFFER__OPERATION__TYPE__DESTROY:
        return visit(op->destroy->volumes, op->destroy->n_volumes, arg);
    case PB__OFFER__OPERATION__TYPE__GROW_VOLUME:
        r = visit_one(&op->grow_volume->volume, visit, arg);
        return r != 0 ? r : visit_one(&op->grow_volume->addition, visit, arg);
    case PB__OFFER__OPERATION__TYPE__SHRINK_VOLUME:
        return visit_one(&op->shrink_volume->volume, visit, arg);
    case PB__OFFER__OPERATION__TYPE__CREATE_DISK:
        return visit_one(&op->create_disk->source, visit, arg);
    case PB__OFFER__OPERATION__TYPE__DESTROY_DISK:
        return visit_one(&op->destroy_disk->source, visit, arg);
    default:
        return 0;
    }
}

/* The member that goes with the type, and how errors call it. */
struct member {
    const void *value;    /* NULL: not set */
    const char *sentence; /* "A RESERVE offer operation must have the ..." */
};

#define MEMBER_MUST(article, type, field) \
    article " " type " offer operation must have the Offer.Operation." field " field set."

static struct member operation_member(const Pb__Offer__Operation *op)
{
    switch (operation_type(op)) {
    case PB__OFFER__OPERATION__TYPE__LAUNCH:
        return (struct member){op->launch, MEMBER_MUST("A", "LAUNCH", "launch")};
    case PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP:
        return (struct member){op->launch_group, MEMBER_MUST("A", "LAUNCH_GROUP", "launch_group")};
    case PB__OFFER__OPERATION__TYPE__RESERVE:
        return (struct member){op->reserve, MEMBER_MUST("A", "RESERVE", "reserve")};
    case PB__OFFER__OPERATION__TYPE__UNRESERVE:
        return (struct member){op->unreserve, MEMBER_MUST("An", "UNRESERVE", "unreserve")};
    case PB__OFFER__OPERATION__TYPE__CREATE:
        return (struct member){op->create, MEMBER_MUST("A", "CREATE", "create")};
    case PB__OFFER__OPERATION__TYPE__DESTROY:
        return (struct member){op->destroy, MEMBER_MUST("A", "DESTROY", "destroy")};
    case PB__OFFER__OPERATION__TYPE__GROW_VOLUME:
        return (struct member){op->grow_volume, MEMBER_MUST("A", "GROW_VOLUME", "grow_volume")};
    case PB__OFFER__OPERATION__TYPE__SHRINK_VOLUME:
        return (struct member){op->shrink_volume,
                               MEMBER_MUST("A", "SHRINK_VOLUME", "shrink_volume")};
    case PB__OFFER__OPERATION__TYPE__CREATE_DISK:
        return (struct member){op->create_disk, MEMBER_MUST("A", "CREATE_DISK", "create_disk")};
    case PB__OFFER__OPERATION__TYPE__DESTROY_DISK:
        return (struct member){op->destroy_disk, MEMBER_MUST("A", "DESTROY_DISK", "destroy_disk")};
    default:
        return (struct member){NULL, "Unknown offer operation"};
    }
}

static int validate_list(Pb__Resource *const *items, size_t count, void *arg)
{
    return resource_validate_all(items, count, arg);
}

int resource_operation_upgrade(Pb__Offer__Operation *op, struct arena *arena, struct err *err)
{
    struct member member = operation_member(op);
    if (member.value == NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "%s", member.sentence);
    }
    int r = visit_lists(op, validate_list, err);
    if (r == 0 && op->has_type && op->type == PB__OFFER__OPERATION__TYPE__RESERVE) {
        r = resource_validate_all(op->reserve->source, op->reserve->n_source, err);
    }
    if (r != 0) {
        return RESOURCE_OPERATION_E_INVALID;
    }
    resource_pb_upgrade_all(&op->base, arena);
    return 0;
}

/* Where an allocation is put in. */
struct injection {
    struct slice role;
    struct arena *arena;
};

static int inject_list(Pb__Resource *const *items, size_t count, void *arg)
{
    const struct injection *injection = arg;
    resource_pb_inject_allocation(items, count, injection->role, injection->arena);
    return 0;
}

void resource_operation_inject_allocation(Pb__Offer__Operation *op, struct slice role,
                                          struct arena *arena)
{
    struct injection injection = {role, arena};
    if (operation_member(op).value != NULL) {
        int r = visit_lists(op, inject_list, &injection);
        ASSERT(r == 0);
    }
}

static int strip_list(Pb__Resource *const *items, size_t count, UNUSED void *arg)
{
    resource_pb_strip_allocation(items, count);
    return 0;
}

void resource_operation_strip_allocation(Pb__Offer__Operation *op)
{
    if (operation_member(op).value != NULL) {
        int r = visit_lists(op, strip_list, NULL);
        ASSERT(r == 0);
    }
}

#define FOUND 1

static int first_of_list(Pb__Resource *const *items, size_t count, void *arg)
{
    Pb__Resource **first = arg;
    if (count == 0) {
        return 0;
    }
    *first = items[0];
    return FOUND;
}

int resource_operation_provider(const Pb__Offer__Operation *op, struct slice *ret_provider_id,
                                struct err *err)
{
    int type = operation_type(op);
    struct member member = operation_member(op);
    Pb__Resource *first = NULL;
    if (type == PB__OFFER__OPERATION__TYPE__LAUNCH) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "Unexpected LAUNCH operation");
    }
    if (type == PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "Unexpected LAUNCH_GROUP operation");
    }
    if (member.value == NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "%s", member.sentence);
    }
    if (visit_lists(op, first_of_list, &first) != FOUND) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "Operation contains no resources");
    }
    *ret_provider_id = slice_from(first->provider_id != NULL ? first->provider_id->value : NULL);
    return 0;
}

/* --- conversions --- */

void resource_conversions_deinit(struct resource_conversions *conversions)
{
    for (size_t i = 0; i < conversions->count; i++) {
        resources_deinit(&conversions->items[i].consumed);
        resources_deinit(&conversions->items[i].converted);
    }
    free(conversions->items);
    *conversions = (struct resource_conversions){0};
}

/* Adds an empty one. */
static struct resource_conversion *add_conversion(struct resource_conversions *conversions)
{
    conversions->items =
        xrealloc(conversions->items, conversions->count + 1, sizeof(conversions->items[0]));
    struct resource_conversion *added = &conversions->items[conversions->count++];
    *added = (struct resource_conversion){0};
    return added;
}

static int pop_reserved(const struct resources *reserved, struct resources *ret_popped,
                        struct err *err)
{
    for (uint32_t i = 0; i < reserved->count; i++) {
        if (!resource_is_reserved(&reserved->items[i])) {
            return err_set(err, RESOURCE_OPERATION_E_INVALID, "Resource %.*s is not reserved",
                           SLICE_ARGS(reserved->items[i].kind->name));
        }
    }
    resources_pop_reservation(reserved, ret_popped);
    return 0;
}

static int convert_reserve(const Pb__Offer__Operation__Reserve *reserve,
                           struct resource_kinds *pool, struct resource_conversions *conversions,
                           struct err *err)
{
    struct resource_conversion *conversion = add_conversion(conversions);
    resources_add_pb(&conversion->converted, reserve->resources, reserve->n_resources, pool);
    if (reserve->n_source != 0) {
        resources_add_pb(&conversion->consumed, reserve->source, reserve->n_source, pool);
        return 0;
    }
    return pop_reserved(&conversion->converted, &conversion->consumed, err);
}

static int convert_unreserve(const Pb__Offer__Operation__Unreserve *unreserve,
                             struct resource_kinds *pool, struct resource_conversions *conversions,
                             struct err *err)
{
    for (size_t i = 0; i < unreserve->n_resources; i++) {
        struct resource_conversion *conversion = add_conversion(conversions);
        resources_add_pb_one(&conversion->consumed, unreserve->resources[i], pool);
        int r = pop_reserved(&conversion->consumed, &conversion->converted, err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* The plain disk of a volume, as one resource. */
static struct resource plain_disk(const struct resource *volume, struct resource_kinds *pool)
{
    struct resource plain = resource_copy(volume);
    resource_set_kind(&plain, resource_kind_without_volume(volume->kind, pool));
    plain.shares = 1;
    return plain;
}

static void convert_volumes(Pb__Resource *const *volumes, size_t count, bool is_create,
                            struct resource_kinds *pool, struct resource_conversions *conversions)
{
    for (size_t i = 0; i < count; i++) {
        struct resource_conversion *conversion = add_conversion(conversions);
        struct resource volume = resource_from_pb(volumes[i], pool);
        struct resource plain = plain_disk(&volume, pool);
        resources_add_take(is_create ? &conversion->consumed : &conversion->converted, plain);
        resources_add_take(is_create ? &conversion->converted : &conversion->consumed, volume);
        conversion->must_vanish = !is_create;
    }
}

static int check_resize(const Pb__Resource *volume, const void *other, struct err *err)
{
    if (volume == NULL || other == NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "Operation contains no resources");
    }
    if (volume->provider_id != NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Operation not supported for resource provider");
    }
    if (volume->type != PB__VALUE__TYPE__SCALAR) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "Volume is not a scalar");
    }
    return 0;
}

static int convert_grow(const Pb__Offer__Operation__GrowVolume *grow, struct resource_kinds *pool,
                        struct resource_conversions *conversions, struct err *err)
{
    int r = check_resize(grow->volume, grow->addition, err);
    if (r != 0) {
        return r;
    }
    struct resource_conversion *conversion = add_conversion(conversions);
    struct resource volume = resource_from_pb(grow->volume, pool);
    struct resource addition = resource_from_pb(grow->addition, pool);
    struct resource grown = resource_copy(&volume);
    if (addition.kind->type == VALUE_SCALAR) {
        grown.value.scalar = scalar_add(grown.value.scalar, addition.value.scalar);
    }
    resources_add_take(&conversion->consumed, volume);
    resources_add_take(&conversion->consumed, addition);
    resources_add_take(&conversion->converted, grown);
    return 0;
}

static int convert_shrink(const Pb__Offer__Operation__ShrinkVolume *shrink,
                          struct resource_kinds *pool, struct resource_conversions *conversions,
                          struct err *err)
{
    int64_t less;
    int r = check_resize(shrink->volume, shrink->subtract, err);
    if (r != 0) {
        return r;
    }
    struct resource volume = resource_from_pb(shrink->volume, pool);
    if (!scalar_from_double(shrink->subtract->value, &less) || less <= 0 ||
        less >= volume.value.scalar) {
        resource_deinit(&volume);
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Value of 'ShrinkVolume.subtract' must be between zero and the size of the "
                       "volume");
    }
    struct resource_conversion *conversion = add_conversion(conversions);
    struct resource freed = plain_disk(&volume, pool);
    struct resource shrunk = resource_copy(&volume);
    freed.value.scalar = less;
    shrunk.value.scalar -= less;
    resources_add_take(&conversion->consumed, volume);
    resources_add_take(&conversion->converted, shrunk);
    resources_add_take(&conversion->converted, freed);
    return 0;
}

static int convert(const Pb__Offer__Operation *op, struct resource_kinds *pool,
                   struct resource_conversions *conversions, struct err *err)
{
    struct member member = operation_member(op);
    if (member.value == NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "%s", member.sentence);
    }
    switch (operation_type(op)) {
    case PB__OFFER__OPERATION__TYPE__RESERVE:
        return convert_reserve(op->reserve, pool, conversions, err);
    case PB__OFFER__OPERATION__TYPE__UNRESERVE:
        return convert_unreserve(op->unreserve, pool, conversions, err);
    case PB__OFFER__OPERATION__TYPE__CREATE:
        convert_volumes(op->create->volumes, op->create->n_volumes, true, pool, conversions);
        return 0;
    case PB__OFFER__OPERATION__TYPE__DESTROY:
        convert_volumes(op->destroy->volumes, op->destroy->n_volumes, false, pool, conversions);
        return 0;
    case PB__OFFER__OPERATION__TYPE__GROW_VOLUME:
        return convert_grow(op->grow_volume, pool, conversions, err);
    case PB__OFFER__OPERATION__TYPE__SHRINK_VOLUME:
        return convert_shrink(op->shrink_volume, pool, conversions, err);
    default:
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "Operation not supported");
    }
}

int resource_operation_convert(const Pb__Offer__Operation *op, struct resource_kinds *pool,
                               struct resource_conversions *ret_conversions, struct err *err)
{
    struct resource_conversions conversions = {0};
    int r = convert(op, pool, &conversions, err);
    if (r != 0) {
        resource_conversions_deinit(&conversions);
        return r;
    }
    *ret_conversions = conversions;
    return 0;
}

static int refuse_missing(const struct resources *r, const struct resources *consumed,
                          struct err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    err_set(err, RESOURCE_OPERATION_E_INVALID, "%s does not contain %s", resources_text(r, &arena),
            resources_text(consumed, &arena));
    arena_deinit(&arena);
    return RESOURCE_OPERATION_E_INVALID;
}

int resource_conversion_apply(const struct resource_conversion *conversion, struct resources *r,
                              struct err *err)
{
    if (!resources_contain(r, &conversion->consumed)) {
        return refuse_missing(r, &conversion->consumed, err);
    }
    for (uint32_t i = 0; conversion->must_vanish && i < conversion->consumed.count; i++) {
        const struct resource *volume = &conversion->consumed.items[i];
        if (resources_count_of(r, volume) > (size_t)volume->shares) {
            return err_set(err, RESOURCE_OPERATION_E_INVALID,
                           "Persistent volume '%.*s' cannot be removed due to additional shared "
                           "copies",
                           SLICE_ARGS(volume->kind->disk->persistence_id));
        }
    }
    resources_subtract(r, &conversion->consumed);
    resources_add(r, &conversion->converted);
    return 0;
}

int resource_operation_apply(const Pb__Offer__Operation *op, struct resource_kinds *pool,
                             struct resources *r, struct err *err)
{
    struct resource_conversions conversions;
    int result = resource_operation_convert(op, pool, &conversions, err);
    if (result != 0) {
        return err_wrap(err, result, "Cannot get conversions");
    }
    struct resources changed;
    resources_copy(r, &changed);
    for (size_t i = 0; i < conversions.count && result == 0; i++) {
        result = resource_conversion_apply(&conversions.items[i], &changed, err);
    }
    resource_conversions_deinit(&conversions);
    if (result == 0) {
        resources_deinit(r);
        *r = resources_take(&changed);
    }
    resources_deinit(&changed);
    return result;
}

/* --- what the agent has on disk --- */

/* What a checkpointed resource was made from: only flags can make static reservations, so what is
 * above the lowest reservation, and any volume, came later. */
static struct resource origin_of(const struct resource *r)
{
    struct resource origin = resource_copy(r);
    origin.shares = 1;
    if (resource_is_dynamically_reserved(r)) {
        uint32_t kept = r->kind->reservations[0].type == RESERVATION_STATIC ? 1 : 0;
        resource_set_kind(&origin, resource_kind_with_reservations(origin.kind, kept, NULL));
    }
    if (resource_is_persistent_volume(r)) {
        resource_set_kind(&origin, resource_kind_without_volume(origin.kind, NULL));
    }
    return origin;
}

int resource_operation_restore(const struct resources *total, const struct resources *checkpointed,
                               struct resources *ret_total, struct err *err)
{
    struct resources restored;
    int r = 0;
    resources_copy(total, &restored);
    for (uint32_t i = 0; i < checkpointed->count && r == 0; i++) {
        const struct resource *one = &checkpointed->items[i];
        struct resources origin = RESOURCES_INIT;
        if (!resource_needs_checkpoint(one)) {
            r = err_set(err, RESOURCE_OPERATION_E_INVALID, "Unexpected checkpointed resources %.*s",
                        SLICE_ARGS(one->kind->name));
            break;
        }
        resources_add_take(&origin, origin_of(one));
        if (!resources_contain(&restored, &origin)) {
            r = refuse_missing(&restored, &origin, err);
            err_wrap(err, r, "Incompatible agent resources");
        } else {
            resources_subtract(&restored, &origin);
            resources_add_one(&restored, one);
        }
        resources_deinit(&origin);
    }
    if (r != 0) {
        resources_deinit(&restored);
        return r;
    }
    *ret_total = restored;
    return 0;
}
