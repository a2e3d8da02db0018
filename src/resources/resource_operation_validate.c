/* The rules of each offer operation. */
#include <string.h>

#include "resources/resource_operation.h"

static int refuse(int r, const char *context, struct err *err)
{
    return r != 0 ? err_wrap(err, RESOURCE_OPERATION_E_INVALID, "%s", context) : 0;
}

static struct resources resources_of(Pb__Resource *const *items, size_t count)
{
    struct resources resources = RESOURCES_INIT;
    resources_add_pb(&resources, items, count, NULL);
    return resources;
}

static const Pb__Resource__ReservationInfo *top_of(const Pb__Resource *pb)
{
    return pb->n_reservations != 0 ? pb->reservations[pb->n_reservations - 1] : NULL;
}

static bool is_dynamic(const Pb__Resource *pb)
{
    const Pb__Resource__ReservationInfo *top = top_of(pb);
    return top != NULL && top->has_type &&
           top->type == PB__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
}

/* Roles and refinements that the agent would not understand. */
static int check_agent(const Pb__Resource *pb, const char *what, const char *done,
                       const struct resource_operation_context *context, struct err *err)
{
    const Pb__Resource__ReservationInfo *top = top_of(pb);
    if (!context->agent_hierarchical_role && top != NULL && strchr(top->role, '/') != NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "%s %s with reservation for hierarchical role '%s' cannot be %s on an agent "
                       "without HIERARCHICAL_ROLE capability",
                       what, resource_pb_text(pb).text, top->role, done);
    }
    if (!context->agent_reservation_refinement && pb->n_reservations > 1) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "%s %s with reservation refinement cannot be %s on an agent without "
                       "RESERVATION_REFINEMENT capability",
                       what, resource_pb_text(pb).text, done);
    }
    return 0;
}

/* --- RESERVE --- */

/* All with the same stack of reservations. */
static int check_same_reservations(const struct resources *r, struct err *err)
{
    if (resources_is_empty(r)) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "Resource cannot be empty");
    }
    const struct resource_kind *first = r->items[0].kind;
    for (uint32_t i = 1; i < r->count; i++) {
        const struct resource_kind *kind = r->items[i].kind;
        if (kind->reservation_count != first->reservation_count ||
            resource_kind_common_reservations(kind, first) != first->reservation_count) {
            return err_set(err, RESOURCE_OPERATION_E_INVALID,
                           "Mixed reservations are not supported");
        }
    }
    return 0;
}

static int check_same_quantities(const struct resources *source, const struct resources *target,
                                 struct err *err)
{
    struct arena arena;
    struct resources from;
    struct resources to;
    int r = 0;
    arena_init(&arena, 0);
    resources_to_unreserved(source, &from);
    resources_to_unreserved(target, &to);
    if (!resources_equal(&from, &to)) {
        r = err_set(err, RESOURCE_OPERATION_E_INVALID,
                    "Source and target resources should refer to identical resource quantities: "
                    "%s vs. %s",
                    resources_text(&from, &arena), resources_text(&to, &arena));
    }
    resources_deinit(&from);
    resources_deinit(&to);
    arena_deinit(&arena);
    return r;
}

/* A reservation changed in place: from `source` to `resources`. */
static int check_source(const Pb__Offer__Operation__Reserve *reserve, struct err *err)
{
    struct resources source = resources_of(reserve->source, reserve->n_source);
    struct resources target = resources_of(reserve->resources, reserve->n_resources);
    int r = refuse(check_same_reservations(&source, err), "Invalid source", err);
    if (r == 0) {
        r = refuse(check_same_reservations(&target, err), "Invalid resources", err);
    }
    if (r == 0) {
        r = check_same_quantities(&source, &target, err);
    }
    resources_deinit(&source);
    resources_deinit(&target);
    return r;
}

static int check_reserve_principal(const Pb__Resource__ReservationInfo *top, struct slice principal,
                                   struct err *err)
{
    if (principal.data == NULL) {
        return 0;
    }
    if (top->principal == NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "A reserve operation was attempted by principal '%.*s', but there is a "
                       "reserved resource in the request with no principal set",
                       SLICE_ARGS(principal));
    }
    if (!slice_is(principal, top->principal)) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "A reserve operation was attempted by authenticated principal '%.*s', which "
                       "does not match a reserved resource in the request with principal '%s'",
                       SLICE_ARGS(principal), top->principal);
    }
    return 0;
}

static bool has_role(const struct resource_operation_context *context, const char *role)
{
    for (size_t i = 0; i < context->role_count; i++) {
        if (slice_is(context->roles[i], role)) {
            return true;
        }
    }
    return false;
}

/* A framework may reserve what is allocated to one of its roles, for that role; an operator only
 * what is allocated to nobody (facts/state_machines.md, 11). */
static int check_reserve_allocation(const Pb__Resource *pb, const char *reserved_to,
                                    const struct resource_operation_context *context,
                                    struct err *err)
{
    const char *allocated_to = pb->allocation_info != NULL ? pb->allocation_info->role : NULL;
    if (!context->is_framework) {
        if (pb->allocation_info != NULL) {
            return err_set(err, RESOURCE_OPERATION_E_INVALID,
                           "A reserve operation was attempted with an allocated resource, but the "
                           "operator API only allows reservations to be made to unallocated "
                           "resources");
        }
        return 0;
    }
    if (allocated_to == NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "A reserve operation was attempted on unallocated resource %s, but "
                       "frameworks can only perform reservations on allocated resources",
                       resource_pb_text(pb).text);
    }
    if (strcmp(allocated_to, reserved_to) != 0) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "A reserve operation was attempted for a resource with role '%s', but the "
                       "resource was allocated to role '%s'",
                       reserved_to, allocated_to);
    }
    if (!has_role(context, allocated_to)) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "A reserve operation was attempted for a resource allocated to role '%s', "
                       "but the framework does not have that role",
                       allocated_to);
    }
    return 0;
}

static int check_reserved(const Pb__Resource *pb, const struct resource_operation_context *context,
                          struct err *err)
{
    if (!is_dynamic(pb)) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "Resource %s is not dynamically reserved",
                       resource_pb_text(pb).text);
    }
    const Pb__Resource__ReservationInfo *top = top_of(pb);
    int r = check_agent(pb, "Resource", "reserved", context, err);
    if (r == 0) {
        r = check_reserve_principal(top, context->principal, err);
    }
    return r != 0 ? r : check_reserve_allocation(pb, top->role, context, err);
}

/* What a framework names must all be allocated to one role. */
static int check_single_role(Pb__Resource *const *items, size_t count, const char *what,
                             const struct resource_operation_context *context, struct err *err)
{
    if (!context->is_framework) {
        return 0;
    }
    struct resources resources = resources_of(items, count);
    int r = refuse(resource_validate_single_role(&resources, err), what, err);
    resources_deinit(&resources);
    return r;
}

static int validate_reserve(const Pb__Offer__Operation__Reserve *reserve,
                            const struct resource_operation_context *context, struct err *err)
{
    int r = refuse(resource_validate_input(reserve->resources, reserve->n_resources, err),
                   "Invalid resources", err);
    if (r == 0) {
        r = refuse(resource_validate_input(reserve->source, reserve->n_source, err),
                   "Invalid source", err);
    }
    if (r == 0 && reserve->n_source != 0) {
        r = check_source(reserve, err);
    }
    if (r == 0) {
        r = refuse(resource_validate_single_provider(reserve->resources, reserve->n_resources, err),
                   "Invalid resources", err);
    }
    for (size_t i = 0; i < reserve->n_resources && r == 0; i++) {
        r = check_reserved(reserve->resources[i], context, err);
    }
    if (r == 0) {
        r = check_single_role(reserve->resources, reserve->n_resources,
                              "Invalid reservation resources", context, err);
    }
    return r;
}

/* --- UNRESERVE --- */

static int validate_unreserve(const Pb__Offer__Operation__Unreserve *unreserve, struct err *err)
{
    Pb__Resource *const *items = unreserve->resources;
    size_t count = unreserve->n_resources;
    int r = resource_validate_input(items, count, err);
    if (r == 0) {
        r = resource_validate_single_provider(items, count, err);
    }
    if (r != 0) {
        return refuse(r, "Invalid resources", err);
    }
    /* Who may unreserve what of whom is for the ACLs to say. */
    for (size_t i = 0; i < count; i++) {
        if (!is_dynamic(items[i])) {
            return err_set(err, RESOURCE_OPERATION_E_INVALID,
                           "Resource %s is not dynamically reserved",
                           resource_pb_text(items[i]).text);
        }
        if (items[i]->disk != NULL && items[i]->disk->persistence != NULL) {
            return err_set(err, RESOURCE_OPERATION_E_INVALID,
                           "A dynamically reserved persistent volume %s cannot be unreserved "
                           "directly. Please destroy the persistent volume first then unreserve "
                           "the resource",
                           resource_pb_text(items[i]).text);
        }
    }
    return 0;
}

/* --- CREATE and DESTROY --- */

static int check_volumes(Pb__Resource *const *volumes, size_t count, struct err *err)
{
    int r = resource_validate_input(volumes, count, err);
    if (r == 0) {
        r = resource_validate_single_provider(volumes, count, err);
    }
    if (r != 0) {
        return refuse(r, "Invalid resources", err);
    }
    return refuse(resource_validate_persistent_volumes(volumes, count, err),
                  "Not a persistent volume", err);
}

static int check_create_principal(const Pb__Resource__DiskInfo__Persistence *persistence,
                                  struct slice principal, struct err *err)
{
    if (principal.data == NULL) {
        return 0;
    }
    if (persistence->principal == NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Create volume operation attempted by principal '%.*s', but there is a "
                       "volume in the operation with no principal set in 'disk.persistence'",
                       SLICE_ARGS(principal));
    }
    if (!slice_is(principal, persistence->principal)) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Create volume operation attempted by authenticated principal '%.*s', which "
                       "does not match a volume in the operation with principal '%s' set in "
                       "'disk.persistence'",
                       SLICE_ARGS(principal), persistence->principal);
    }
    return 0;
}

static int check_created(const Pb__Resource *volume,
                         const struct resource_operation_context *context, struct err *err)
{
    if (context->is_framework && volume->shared != NULL && !context->can_share) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Create volume operation for '%s' has been attempted by framework '%.*s' "
                       "with no SHARED_RESOURCES capability",
                       resource_pb_text(volume).text, SLICE_ARGS(context->framework_id));
    }
    int r = check_agent(volume, "Volume", "created", context, err);
    return r != 0 ? r : check_create_principal(volume->disk->persistence, context->principal, err);
}

static int validate_create(const Pb__Offer__Operation__Create *create,
                           const struct resource_operation_context *context, struct err *err)
{
    int r = check_volumes(create->volumes, create->n_volumes, err);
    if (r != 0) {
        return r;
    }
    struct resources all = resources_of(create->volumes, create->n_volumes);
    if (context->checkpointed != NULL) {
        resources_add(&all, context->checkpointed);
    }
    r = resource_validate_unique_persistence(&all, err);
    resources_deinit(&all);
    if (r != 0) {
        return RESOURCE_OPERATION_E_INVALID;
    }
    for (size_t i = 0; i < create->n_volumes && r == 0; i++) {
        r = check_created(create->volumes[i], context, err);
    }
    if (r == 0) {
        r = check_single_role(create->volumes, create->n_volumes, "Invalid volume resources",
                              context, err);
    }
    return r;
}

/* Is any of the volumes among what a framework's tasks and executors use? */
static bool is_any_used(const struct resources *volumes, const struct resources *used)
{
    struct resources unallocated;
    bool is_used = false;
    resources_copy(used, &unallocated);
    resources_unallocate(&unallocated, NULL);
    for (uint32_t i = 0; i < volumes->count && !is_used; i++) {
        is_used = resources_contain_one(&unallocated, &volumes->items[i]);
    }
    resources_deinit(&unallocated);
    return is_used;
}

static int validate_destroy(const Pb__Offer__Operation__Destroy *destroy,
                            const struct resource_operation_context *context, struct err *err)
{
    static const struct resources none;
    const struct resources *checkpointed =
        context->checkpointed != NULL ? context->checkpointed : &none;
    int r = check_volumes(destroy->volumes, destroy->n_volumes, err);
    if (r != 0) {
        return r;
    }
    /* Allocated in an offer, not so for an operator: compare without. */
    struct resources volumes = resources_of(destroy->volumes, destroy->n_volumes);
    resources_unallocate(&volumes, NULL);
    for (uint32_t i = 0; i < volumes.count && r == 0; i++) {
        if (!resource_has_provider(&volumes.items[i]) &&
            !resources_contain_one(checkpointed, &volumes.items[i])) {
            r = err_set(err, RESOURCE_OPERATION_E_INVALID, "Persistent volumes not found");
        }
    }
    for (size_t i = 0; i < context->used_count && r == 0; i++) {
        if (is_any_used(&volumes, context->used[i])) {
            r = err_set(err, RESOURCE_OPERATION_E_INVALID, "Persistent volumes in use");
        }
    }
    resources_deinit(&volumes);
    return r;
}

/* --- GROW_VOLUME and SHRINK_VOLUME --- */

static int64_t scalar_of(const Pb__Value__Scalar *pb)
{
    int64_t scalar;
    return pb != NULL && scalar_from_double(pb->value, &scalar) ? scalar : 0;
}

/* Would the volume's disk and the addition be one resource? */
static bool fits_volume(const Pb__Resource *volume, const Pb__Resource *addition)
{
    struct resource grown = resource_from_pb(volume, NULL);
    struct resource more = resource_from_pb(addition, NULL);
    resource_set_kind(&grown, resource_kind_without_volume(grown.kind, NULL));
    bool fits = resource_is_addable(&grown, &more);
    resource_deinit(&grown);
    resource_deinit(&more);
    return fits;
}

static int validate_grow(const Pb__Offer__Operation__GrowVolume *grow,
                         const struct resource_operation_context *context, struct err *err)
{
    int r = refuse(resource_validate(grow->volume, err),
                   "Invalid resource in the 'GrowVolume.volume' field", err);
    if (r == 0) {
        r = refuse(resource_validate(grow->addition, err),
                   "Invalid resource in the 'GrowVolume.addition' field", err);
    }
    if (r != 0) {
        return r;
    }
    if (scalar_of(grow->addition->scalar) <= 0) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "The size of 'GrowVolume.addition' field must be greater than zero");
    }
    if (grow->volume->provider_id != NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Growing a volume from a resource provider is not supported");
    }
    r = refuse(resource_validate_persistent_volumes(&grow->volume, 1, err),
               "Invalid persistent volume in the 'GrowVolume.volume' field", err);
    if (r != 0) {
        return r;
    }
    if (grow->volume->shared != NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Growing a shared persistent volume is not supported");
    }
    if (!fits_volume(grow->volume, grow->addition)) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Incompatible resources in the 'GrowVolume.volume' and "
                       "'GrowVolume.addition' fields");
    }
    if (!context->agent_resize_volume) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Volume %s cannot be grown on an agent without RESIZE_VOLUME capability",
                       resource_pb_text(grow->volume).text);
    }
    return 0;
}

static bool is_mount(const Pb__Resource *pb)
{
    return pb->disk != NULL && pb->disk->source != NULL &&
           pb->disk->source->type == PB__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT;
}

static int validate_shrink(const Pb__Offer__Operation__ShrinkVolume *shrink,
                           const struct resource_operation_context *context, struct err *err)
{
    const Pb__Resource *volume = shrink->volume;
    int r = refuse(resource_validate(volume, err),
                   "Invalid resource in the 'ShrinkVolume.volume' field", err);
    if (r != 0) {
        return r;
    }
    const char *why = NULL;
    if (scalar_of(shrink->subtract) <= 0) {
        why = "Value of 'ShrinkVolume.subtract' must be greater than zero";
    } else if (scalar_of(volume->scalar) <= scalar_of(shrink->subtract)) {
        why = "Value of 'ShrinkVolume.subtract' must be smaller than the size of "
              "'ShrinkVolume.volume'";
    } else if (volume->provider_id != NULL) {
        why = "Shrinking a volume from a resource provider is not supported";
    } else if (is_mount(volume)) {
        why = "Shrinking a volume on a MOUNT disk is not supported";
    }
    if (why != NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "%s", why);
    }
    r = refuse(resource_validate_persistent_volumes(&shrink->volume, 1, err),
               "Invalid persistent volume in the 'ShrinkVolume.volume' field", err);
    if (r != 0) {
        return r;
    }
    if (volume->shared != NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Shrinking a shared persistent volume is not supported");
    }
    if (!context->agent_resize_volume) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Volume %s cannot be shrunk on an agent without RESIZE_VOLUME capability",
                       resource_pb_text(volume).text);
    }
    return 0;
}

/* --- CREATE_DISK and DESTROY_DISK --- */

static bool is_disk(const Pb__Resource *pb, int type)
{
    return pb->disk != NULL && pb->disk->source != NULL && (int)pb->disk->source->type == type;
}

static int check_provided(const Pb__Resource *source, struct err *err)
{
    int r = refuse(resource_validate_input((Pb__Resource *const[]){(Pb__Resource *)source}, 1, err),
                   "Invalid resource", err);
    if (r == 0 && source->provider_id == NULL) {
        r = err_set(err, RESOURCE_OPERATION_E_INVALID,
                    "'source' is not managed by a resource provider");
    }
    return r;
}

static int validate_create_disk(const Pb__Offer__Operation__CreateDisk *create, struct err *err)
{
    int r = check_provided(create->source, err);
    if (r != 0) {
        return r;
    }
    const char *why = NULL;
    int target = (int)create->target_type;
    if (!is_disk(create->source, DISK_SOURCE_RAW)) {
        why = "'source' is not a RAW disk resource";
    } else if (target != DISK_SOURCE_MOUNT && target != DISK_SOURCE_BLOCK) {
        why = "'target_type' is neither MOUNT or BLOCK";
    } else if (create->source->disk->source->profile != NULL && create->target_profile != NULL) {
        why = "'target_profile' must not be set when 'source' has a profile";
    } else if (create->source->disk->source->profile == NULL && create->target_profile == NULL) {
        why = "'target_profile' must be set when 'source' has no profile";
    }
    return why != NULL ? err_set(err, RESOURCE_OPERATION_E_INVALID, "%s", why) : 0;
}

static int validate_destroy_disk(const Pb__Offer__Operation__DestroyDisk *destroy, struct err *err)
{
    const Pb__Resource *source = destroy->source;
    int r = check_provided(source, err);
    if (r != 0) {
        return r;
    }
    if (!is_disk(source, DISK_SOURCE_MOUNT) && !is_disk(source, DISK_SOURCE_BLOCK) &&
        !is_disk(source, DISK_SOURCE_RAW)) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "'source' is neither a MOUNT, BLOCK or RAW disk resource");
    }
    if (source->disk->source->id == NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID, "'source' is not backed by a CSI volume");
    }
    if (source->disk->persistence != NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "A disk resource containing a persistent volume %s cannot be destroyed "
                       "directly. Please destroy the persistent volume first then destroy the disk "
                       "resource",
                       resource_pb_text(source).text);
    }
    return 0;
}

int resource_operation_validate(const Pb__Offer__Operation *op,
                                const struct resource_operation_context *context, struct err *err)
{
    switch (op->has_type ? (int)op->type : PB__OFFER__OPERATION__TYPE__UNKNOWN) {
    case PB__OFFER__OPERATION__TYPE__RESERVE:
        return validate_reserve(op->reserve, context, err);
    case PB__OFFER__OPERATION__TYPE__UNRESERVE:
        return validate_unreserve(op->unreserve, err);
    case PB__OFFER__OPERATION__TYPE__CREATE:
        return validate_create(op->create, context, err);
    case PB__OFFER__OPERATION__TYPE__DESTROY:
        return validate_destroy(op->destroy, context, err);
    case PB__OFFER__OPERATION__TYPE__GROW_VOLUME:
        return validate_grow(op->grow_volume, context, err);
    case PB__OFFER__OPERATION__TYPE__SHRINK_VOLUME:
        return validate_shrink(op->shrink_volume, context, err);
    case PB__OFFER__OPERATION__TYPE__CREATE_DISK:
        return validate_create_disk(op->create_disk, err);
    case PB__OFFER__OPERATION__TYPE__DESTROY_DISK:
        return validate_destroy_disk(op->destroy_disk, err);
    default:
        WRONG("not an operation on resources: resource_operation_upgrade refuses it");
    }
}
