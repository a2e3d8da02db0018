/* Writing resources: as encoded bytes by hand, and as Pb__Resource. */
#include "resources/resource_pb.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* --- bytes; the numbers are those of resources.proto, in ascending order --- */

static void put_optional(struct buf *out, uint32_t number, struct slice text)
{
    if (text.data != NULL) {
        wire_put_bytes(out, number, text);
    }
}

static void put_labels(struct buf *out, uint32_t number, const struct resource_labels *labels)
{
    if (!labels->is_set) {
        return;
    }
    size_t begun = wire_begin(out, number);
    for (uint32_t i = 0; i < labels->count; i++) {
        size_t label = wire_begin(out, 1);
        wire_put_bytes(out, 1, labels->items[i].key);
        put_optional(out, 2, labels->items[i].value);
        wire_end(out, label);
    }
    wire_end(out, begun);
}

static void put_value(struct buf *out, const struct resource *r)
{
    size_t begun;
    switch (r->kind->type) {
    case VALUE_SCALAR:
        begun = wire_begin(out, 3);
        wire_put_double(out, 1, scalar_to_double(r->value.scalar));
        wire_end(out, begun);
        break;
    case VALUE_RANGES:
        begun = wire_begin(out, 4);
        for (size_t i = 0; i < ranges_count(r->value.ranges); i++) {
            size_t range = wire_begin(out, 1);
            wire_put_varint(out, 1, r->value.ranges->items[i].begin);
            wire_put_varint(out, 2, r->value.ranges->items[i].end);
            wire_end(out, range);
        }
        wire_end(out, begun);
        break;
    case VALUE_SET:
        begun = wire_begin(out, 5);
        for (size_t i = 0; i < item_set_count(r->value.items); i++) {
            wire_put_bytes(out, 1, r->value.items->items[i]);
        }
        wire_end(out, begun);
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
}

/* A message with nothing but an optional text in field 1, if `is_set`. */
static void put_wrapped(struct buf *out, uint32_t number, bool is_set, struct slice text)
{
    if (is_set) {
        size_t begun = wire_begin(out, number);
        put_optional(out, 1, text);
        wire_end(out, begun);
    }
}

static void put_disk(struct buf *out, const struct resource_disk *disk)
{
    size_t begun = wire_begin(out, 7);
    if (disk->persistence_id.data != NULL) {
        size_t persistence = wire_begin(out, 1);
        wire_put_bytes(out, 1, disk->persistence_id);
        put_optional(out, 2, disk->persistence_principal);
        wire_end(out, persistence);
    }
    put_optional(out, 2, disk->volume);
    if (disk->has_source) {
        size_t source = wire_begin(out, 3);
        wire_put_varint(out, 1, disk->source);
        put_wrapped(out, 2, disk->has_path, disk->path_root);
        put_wrapped(out, 3, disk->has_mount, disk->mount_root);
        put_optional(out, 4, disk->id);
        put_labels(out, 5, &disk->metadata);
        put_optional(out, 6, disk->profile);
        put_optional(out, 7, disk->vendor);
        wire_end(out, source);
    }
    wire_end(out, begun);
}

/* In the older format the role stands beside it, and the type follows from its being there. */
static void put_reservation(struct buf *out, uint32_t number,
                            const struct resource_reservation *reservation, bool is_old_format)
{
    size_t begun = wire_begin(out, number);
    put_optional(out, 1, reservation->principal);
    put_labels(out, 2, &reservation->labels);
    if (!is_old_format) {
        wire_put_bytes(out, 3, reservation->role);
        wire_put_varint(out, 4, reservation->type);
    }
    wire_end(out, begun);
}

void resource_encode(const struct resource *r, enum resource_format format, struct buf *out)
{
    const struct resource_kind *kind = r->kind;
    uint32_t stack = kind->reservation_count;
    ASSERT(format != RESOURCE_FORMAT_PRE || stack <= 1);
    /* A refined reservation shows in the endpoints' format by its stack alone. */
    bool has_old = format != RESOURCE_FORMAT_POST && stack <= 1;

    wire_put_bytes(out, 1, kind->name);
    wire_put_varint(out, 2, kind->type);
    put_value(out, r);
    if (has_old) {
        wire_put_bytes(out, 6, stack == 0 ? SLICE("*") : kind->reservations[0].role);
    }
    if (kind->has_disk) {
        put_disk(out, kind->disk);
    }
    if (has_old && stack == 1 && kind->reservations[0].type == RESERVATION_DYNAMIC) {
        put_reservation(out, 8, &kind->reservations[0], true);
    }
    put_wrapped(out, 9, kind->is_revocable, (struct slice){NULL, 0});
    put_wrapped(out, 10, kind->is_shared, (struct slice){NULL, 0});
    put_wrapped(out, 11, kind->has_allocation, kind->allocation_role);
    put_wrapped(out, 12, kind->provider_id.data != NULL, kind->provider_id);
    if (format != RESOURCE_FORMAT_PRE) {
        for (uint32_t i = 0; i < stack; i++) {
            put_reservation(out, 13, &kind->reservations[i], false);
        }
    }
}

void resources_encode(const struct resources *r, enum resource_format format, uint32_t number,
                      struct buf *out)
{
    for (uint32_t i = 0; i < r->count; i++) {
        size_t begun = wire_begin(out, number);
        resource_encode(&r->items[i], format, out);
        wire_end(out, begun);
    }
}

/* --- messages --- */

static char *optional_text(struct slice text, struct arena *arena)
{
    return text.data != NULL ? arena_strndup(arena, text.data, text.size) : NULL;
}

static Pb__Labels *labels_to_pb(const struct resource_labels *labels, struct arena *arena)
{
    if (!labels->is_set) {
        return NULL;
    }
    Pb__Labels *pb = MESSAGE_NEW(Pb__Labels, pb__labels, arena);
    pb->n_labels = labels->count;
    pb->labels = arena_alloc_array(arena, labels->count, sizeof(pb->labels[0]));
    for (uint32_t i = 0; i < labels->count; i++) {
        pb->labels[i] = MESSAGE_NEW(Pb__Label, pb__label, arena);
        pb->labels[i]->key = optional_text(labels->items[i].key, arena);
        pb->labels[i]->value = optional_text(labels->items[i].value, arena);
    }
    return pb;
}

static Pb__Value__Ranges *ranges_to_pb(const struct ranges *ranges, struct arena *arena)
{
    Pb__Value__Ranges *pb = MESSAGE_NEW(Pb__Value__Ranges, pb__value__ranges, arena);
    pb->n_range = ranges_count(ranges);
    pb->range = arena_alloc_array(arena, pb->n_range, sizeof(pb->range[0]));
    for (size_t i = 0; i < pb->n_range; i++) {
        pb->range[i] = MESSAGE_NEW(Pb__Value__Range, pb__value__range, arena);
        pb->range[i]->begin = ranges->items[i].begin;
        pb->range[i]->end = ranges->items[i].end;
    }
    return pb;
}

static Pb__Value__Set *set_to_pb(const struct item_set *items, struct arena *arena)
{
    Pb__Value__Set *pb = MESSAGE_NEW(Pb__Value__Set, pb__value__set, arena);
    pb->n_item = item_set_count(items);
    pb->item = arena_alloc_array(arena, pb->n_item, sizeof(pb->item[0]));
    for (size_t i = 0; i < pb->n_item; i++) {
        pb->item[i] = optional_text(items->items[i], arena);
    }
    return pb;
}

static Pb__Resource__DiskInfo__Source *source_to_pb(const struct resource_disk *disk,
                                                    struct arena *arena)
{
    Pb__Resource__DiskInfo__Source *pb =
        MESSAGE_NEW(Pb__Resource__DiskInfo__Source, pb__resource__disk_info__source, arena);
    pb->type = (Pb__Resource__DiskInfo__Source__Type)disk->source;
    if (disk->has_path) {
        pb->path = MESSAGE_NEW(Pb__Resource__DiskInfo__Source__Path,
                               pb__resource__disk_info__source__path, arena);
        pb->path->root = optional_text(disk->path_root, arena);
    }
    if (disk->has_mount) {
        pb->mount = MESSAGE_NEW(Pb__Resource__DiskInfo__Source__Mount,
                                pb__resource__disk_info__source__mount, arena);
        pb->mount->root = optional_text(disk->mount_root, arena);
    }
    pb->vendor = optional_text(disk->vendor, arena);
    pb->id = optional_text(disk->id, arena);
    pb->profile = optional_text(disk->profile, arena);
    pb->metadata = labels_to_pb(&disk->metadata, arena);
    return pb;
}

static Pb__Resource__DiskInfo *disk_to_pb(const struct resource_disk *disk, struct arena *arena)
{
    Pb__Resource__DiskInfo *pb =
        MESSAGE_NEW(Pb__Resource__DiskInfo, pb__resource__disk_info, arena);
    if (disk->persistence_id.data != NULL) {
        pb->persistence = MESSAGE_NEW(Pb__Resource__DiskInfo__Persistence,
                                      pb__resource__disk_info__persistence, arena);
        pb->persistence->id = optional_text(disk->persistence_id, arena);
        pb->persistence->principal = optional_text(disk->persistence_principal, arena);
    }
    if (disk->volume.data != NULL) {
        int r = MESSAGE_DECODE(Pb__Volume, pb__volume, disk->volume, arena, &pb->volume, NULL);
        ASSERT(r == 0); /* we encoded it */
    }
    if (disk->has_source) {
        pb->source = source_to_pb(disk, arena);
    }
    return pb;
}

static Pb__Resource__ReservationInfo *
reservation_to_pb(const struct resource_reservation *reservation, bool is_old_format,
                  struct arena *arena)
{
    Pb__Resource__ReservationInfo *pb =
        MESSAGE_NEW(Pb__Resource__ReservationInfo, pb__resource__reservation_info, arena);
    pb->principal = optional_text(reservation->principal, arena);
    pb->labels = labels_to_pb(&reservation->labels, arena);
    if (!is_old_format) {
        pb->role = optional_text(reservation->role, arena);
        pb->has_type = 1;
        pb->type = (Pb__Resource__ReservationInfo__Type)reservation->type;
    }
    return pb;
}

static void value_to_pb(const struct resource *r, Pb__Resource *pb, struct arena *arena)
{
    switch (r->kind->type) {
    case VALUE_SCALAR:
        pb->type = PB__VALUE__TYPE__SCALAR;
        pb->scalar = MESSAGE_NEW(Pb__Value__Scalar, pb__value__scalar, arena);
        pb->scalar->value = scalar_to_double(r->value.scalar);
        return;
    case VALUE_RANGES:
        pb->type = PB__VALUE__TYPE__RANGES;
        pb->ranges = ranges_to_pb(r->value.ranges, arena);
        return;
    case VALUE_SET:
        pb->type = PB__VALUE__TYPE__SET;
        pb->set = set_to_pb(r->value.items, arena);
        return;
    case VALUE_TEXT:
        break;
    }
    WRONG("a resource with a text");
}

Pb__Resource *resource_to_pb(const struct resource *r, enum resource_format format,
                             struct arena *arena)
{
    const struct resource_kind *kind = r->kind;
    Pb__Resource *pb = MESSAGE_NEW(Pb__Resource, pb__resource, arena);
    pb->name = optional_text(kind->name, arena);
    value_to_pb(r, pb, arena);
    if (kind->has_disk) {
        pb->disk = disk_to_pb(kind->disk, arena);
    }
    if (kind->is_revocable) {
        pb->revocable =
            MESSAGE_NEW(Pb__Resource__RevocableInfo, pb__resource__revocable_info, arena);
    }
    if (kind->is_shared) {
        pb->shared = MESSAGE_NEW(Pb__Resource__SharedInfo, pb__resource__shared_info, arena);
    }
    if (kind->has_allocation) {
        pb->allocation_info =
            MESSAGE_NEW(Pb__Resource__AllocationInfo, pb__resource__allocation_info, arena);
        pb->allocation_info->role = optional_text(kind->allocation_role, arena);
    }
    if (kind->provider_id.data != NULL) {
        pb->provider_id = MESSAGE_NEW(Pb__ResourceProviderID, pb__resource_provider_id, arena);
        pb->provider_id->value = optional_text(kind->provider_id, arena);
    }
    pb->n_reservations = kind->reservation_count;
    pb->reservations =
        arena_alloc_array(arena, kind->reservation_count, sizeof(pb->reservations[0]));
    for (uint32_t i = 0; i < kind->reservation_count; i++) {
        pb->reservations[i] = reservation_to_pb(&kind->reservations[i], false, arena);
    }
    int refused = 0;
    switch (format) {
    case RESOURCE_FORMAT_PRE:
        refused = resource_pb_downgrade(pb, arena);
        break;
    case RESOURCE_FORMAT_POST:
        break;
    case RESOURCE_FORMAT_ENDPOINT:
        resource_pb_to_endpoint(pb, arena);
        break;
    }
    ASSERT(refused == 0);
    return pb;
}

void resources_to_pb(const struct resources *r, enum resource_format format, struct arena *arena,
                     Pb__Resource ***ret_items, size_t *ret_count)
{
    Pb__Resource **items = arena_alloc_array(arena, r->count, sizeof(*items));
    for (uint32_t i = 0; i < r->count; i++) {
        items[i] = resource_to_pb(&r->items[i], format, arena);
    }
    *ret_items = items;
    *ret_count = r->count;
}
