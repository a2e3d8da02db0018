/* Reading messages: kinds and values out of Pb__Resource, of either format. */
#include "resources/resource_pb.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "resources/resource_validate.h"
#include "wire/cursor.h"
#include "wire/message.h"

bool resource_pb_has_role(const Pb__Resource *pb)
{
    /* protobuf-c points unset fields at their default. */
    return pb->role != NULL && pb->role != pb__resource__role__default_value;
}

static struct resource_labels draft_labels(const Pb__Labels *labels, struct arena *arena)
{
    struct resource_labels draft = {.is_set = labels != NULL};
    if (labels != NULL && labels->n_labels != 0) {
        struct resource_label *items = arena_alloc_array(arena, labels->n_labels, sizeof(*items));
        for (size_t i = 0; i < labels->n_labels; i++) {
            items[i].key = slice_from(labels->labels[i]->key);
            items[i].value = slice_from(labels->labels[i]->value);
        }
        draft.items = items;
        draft.count = (uint32_t)labels->n_labels;
    }
    return draft;
}

static enum reservation_type reservation_type(const Pb__Resource__ReservationInfo *info)
{
    bool is_known = info->has_type && (info->type == PB__RESOURCE__RESERVATION_INFO__TYPE__STATIC ||
                                       info->type == PB__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC);
    return is_known ? (enum reservation_type)info->type : RESERVATION_UNKNOWN;
}

static struct slice text_or_empty(const char *text)
{
    return text != NULL ? slice_from(text) : SLICE("");
}

static void draft_reservations(const Pb__Resource *pb, struct resource_kind *draft,
                               struct arena *arena)
{
    struct resource_reservation *stack;
    if (pb->n_reservations != 0) {
        stack = arena_alloc_array(arena, pb->n_reservations, sizeof(*stack));
        for (size_t i = 0; i < pb->n_reservations; i++) {
            const Pb__Resource__ReservationInfo *info = pb->reservations[i];
            stack[i].type = reservation_type(info);
            stack[i].role = text_or_empty(info->role);
            stack[i].principal = slice_from(info->principal);
            stack[i].labels = draft_labels(info->labels, arena);
        }
        draft->reservation_count = (uint32_t)pb->n_reservations;
    } else {
        /* The older format: a role, and a reservation if it was made at run time. */
        struct slice role = slice_from(pb->role);
        if (pb->role == NULL || role_is_star(role)) {
            return;
        }
        stack = ARENA_NEW(arena, struct resource_reservation);
        stack->type = pb->reservation != NULL ? RESERVATION_DYNAMIC : RESERVATION_STATIC;
        stack->role = role;
        if (pb->reservation != NULL) {
            stack->principal = slice_from(pb->reservation->principal);
            stack->labels = draft_labels(pb->reservation->labels, arena);
        }
        draft->reservation_count = 1;
    }
    draft->reservations = stack;
}

static enum disk_source disk_source(const Pb__Resource__DiskInfo__Source *source)
{
    int type = (int)source->type;
    bool is_known = type > DISK_SOURCE_UNKNOWN && type <= DISK_SOURCE_RAW;
    return is_known ? (enum disk_source)type : DISK_SOURCE_UNKNOWN;
}

static const struct resource_disk *draft_disk(const Pb__Resource__DiskInfo *info,
                                              struct arena *arena)
{
    struct resource_disk *disk = ARENA_NEW(arena, struct resource_disk);
    const Pb__Resource__DiskInfo__Source *source = info->source;
    if (source != NULL) {
        disk->has_source = true;
        disk->source = disk_source(source);
        disk->has_path = source->path != NULL;
        disk->path_root = slice_from(disk->has_path ? source->path->root : NULL);
        disk->has_mount = source->mount != NULL;
        disk->mount_root = slice_from(disk->has_mount ? source->mount->root : NULL);
        disk->vendor = slice_from(source->vendor);
        disk->id = slice_from(source->id);
        disk->profile = slice_from(source->profile);
        disk->metadata = draft_labels(source->metadata, arena);
    }
    if (info->persistence != NULL) {
        disk->persistence_id = text_or_empty(info->persistence->id);
        disk->persistence_principal = slice_from(info->persistence->principal);
    }
    if (info->volume != NULL) {
        disk->volume = message_encode_arena(&info->volume->base, arena);
    }
    return disk;
}

static const struct resource_kind *kind_from_pb(const Pb__Resource *pb, enum value_type type,
                                                struct resource_kinds *pool)
{
    struct arena arena;
    struct resource_kind draft = {
        .type = type,
        .is_revocable = pb->revocable != NULL,
        .is_shared = pb->shared != NULL,
        .has_disk = pb->disk != NULL,
        .has_allocation = pb->allocation_info != NULL,
        .name = text_or_empty(pb->name),
    };
    arena_init(&arena, 0);
    if (pb->allocation_info != NULL) {
        draft.allocation_role = slice_from(pb->allocation_info->role);
    }
    if (pb->provider_id != NULL) {
        draft.provider_id = text_or_empty(pb->provider_id->value);
    }
    if (pb->disk != NULL) {
        draft.disk = draft_disk(pb->disk, &arena);
    }
    draft_reservations(pb, &draft, &arena);
    const struct resource_kind *kind = resource_kind_make(&draft, pool);
    arena_deinit(&arena);
    return kind;
}

static const struct ranges *ranges_from_pb(const Pb__Value__Ranges *pb)
{
    if (pb == NULL || pb->n_range == 0) {
        return NULL;
    }
    struct range few[8];
    struct range *items = few;
    if (pb->n_range > ELEMENTS(few)) {
        items = xcalloc(pb->n_range, sizeof(*items));
    }
    size_t count = 0;
    for (size_t i = 0; i < pb->n_range; i++) {
        if (pb->range[i]->begin <= pb->range[i]->end) {
            items[count++] = (struct range){pb->range[i]->begin, pb->range[i]->end};
        }
    }
    const struct ranges *ranges = ranges_new(items, count);
    if (items != few) {
        free(items);
    }
    return ranges;
}

static const struct item_set *set_from_pb(const Pb__Value__Set *pb)
{
    if (pb == NULL || pb->n_item == 0) {
        return NULL;
    }
    struct slice *items = xcalloc(pb->n_item, sizeof(*items));
    for (size_t i = 0; i < pb->n_item; i++) {
        items[i] = slice_from(pb->item[i]);
    }
    const struct item_set *set = item_set_new(items, pb->n_item);
    free(items);
    return set;
}

struct resource resource_from_pb(const Pb__Resource *pb, struct resource_kinds *pool)
{
    if (pb->type == PB__VALUE__TYPE__RANGES) {
        return resource_make_ranges(kind_from_pb(pb, VALUE_RANGES, pool),
                                    ranges_from_pb(pb->ranges));
    }
    if (pb->type == PB__VALUE__TYPE__SET) {
        return resource_make_set(kind_from_pb(pb, VALUE_SET, pool), set_from_pb(pb->set));
    }
    int64_t scalar = 0;
    if (pb->scalar != NULL && !scalar_from_double(pb->scalar->value, &scalar)) {
        scalar = pb->scalar->value < 0 ? INT64_MIN : INT64_MAX;
    }
    return resource_make_scalar(kind_from_pb(pb, VALUE_SCALAR, pool), scalar);
}

struct resource_text resource_pb_text(const Pb__Resource *pb)
{
    struct resource_text copy = {{0}};
    struct buf text = BUF_INIT;
    struct resource r = resource_from_pb(pb, NULL);
    resource_format(&r, false, &text);
    resource_deinit(&r);
    memcpy(copy.text, text.data, MIN(text.size, sizeof(copy.text) - 1));
    buf_deinit(&text);
    return copy;
}

void resources_add_pb_one(struct resources *r, const Pb__Resource *pb, struct resource_kinds *pool)
{
    if (resource_validate(pb, NULL) == 0) {
        resources_add_take(r, resource_from_pb(pb, pool));
    }
}

void resources_add_pb(struct resources *r, Pb__Resource *const *items, size_t count,
                      struct resource_kinds *pool)
{
    for (size_t i = 0; i < count; i++) {
        resources_add_pb_one(r, items[i], pool);
    }
}

void resources_add_bytes(struct resources *r, struct slice message, uint32_t number,
                         struct resource_kinds *pool)
{
    struct arena arena;
    struct cursor cursor;
    struct cursor_field field;
    arena_init(&arena, 0);
    cursor_init(&cursor, message);
    while (cursor_next(&cursor, &field)) {
        Pb__Resource *pb;
        if (field.number == number && field.type == WIRE_BYTES &&
            MESSAGE_DECODE(Pb__Resource, pb__resource, field.bytes, &arena, &pb, NULL) == 0) {
            resources_add_pb_one(r, pb, pool);
            arena_reset(&arena);
        }
    }
    arena_deinit(&arena);
}

bool resources_have_refinements(const struct resources *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (resource_has_refined_reservations(&r->items[i])) {
            return true;
        }
    }
    return false;
}

/* --- maps from names to amounts --- */

/* What every entry of a map<string, Value.Scalar> looks like. */
struct map_entry {
    ProtobufCMessage base;
    char *key;
    Pb__Value__Scalar *value;
};

_Static_assert(sizeof(struct map_entry) == sizeof(Pb__Quota__QuotaConfig__LimitsEntry) &&
                   offsetof(struct map_entry, key) ==
                       offsetof(Pb__Quota__QuotaConfig__LimitsEntry, key) &&
                   offsetof(struct map_entry, value) ==
                       offsetof(Pb__Quota__QuotaConfig__LimitsEntry, value),
               "map entries are laid out alike");

void quantities_add_map(struct quantities *q, const void *entries, size_t count,
                        struct resource_names *names)
{
    const struct map_entry *const *items = entries;
    for (size_t i = 0; i < count; i++) {
        int64_t amount;
        if (items[i]->value != NULL && scalar_from_double(items[i]->value->value, &amount) &&
            amount > 0) {
            uint32_t name = resource_names_intern(names, text_or_empty(items[i]->key));
            quantities_add_amount(q, name, amount);
        }
    }
}

void resource_limits_add_map(struct resource_limits *limits, const void *entries, size_t count,
                             struct resource_names *names)
{
    const struct map_entry *const *items = entries;
    for (size_t i = 0; i < count; i++) {
        int64_t amount;
        if (items[i]->value != NULL && scalar_from_double(items[i]->value->value, &amount) &&
            amount >= 0) {
            uint32_t name = resource_names_intern(names, text_or_empty(items[i]->key));
            resource_limits_set(limits, name, amount);
        }
    }
}
