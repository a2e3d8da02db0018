/* Kinds as text, as the reference prints them. */
#include "resources/resource_kind.h"
#include "wire/cursor.h"

static void format_labels(const struct resource_labels *labels, struct buf *out)
{
    buf_append_byte(out, '{');
    for (uint32_t i = 0; i < labels->count; i++) {
        buf_append_text(out, i > 0 ? ", " : "");
        buf_append_slice(out, labels->items[i].key);
        if (labels->items[i].value.data != NULL) {
            buf_append_text(out, ": ");
            buf_append_slice(out, labels->items[i].value);
        }
    }
    buf_append_byte(out, '}');
}

static const char *reservation_type_name(enum reservation_type type)
{
    switch (type) {
    case RESERVATION_UNKNOWN:
        return "UNKNOWN";
    case RESERVATION_STATIC:
        return "STATIC";
    case RESERVATION_DYNAMIC:
        return "DYNAMIC";
    }
    return "UNKNOWN";
}

static void format_reservation(const struct resource_reservation *reservation, struct buf *out)
{
    buf_printf(out, "(%s,%.*s", reservation_type_name(reservation->type),
               SLICE_ARGS(reservation->role));
    if (reservation->principal.data != NULL) {
        buf_append_byte(out, ',');
        buf_append_slice(out, reservation->principal);
    }
    if (reservation->labels.is_set) {
        buf_append_byte(out, ',');
        format_labels(&reservation->labels, out);
    }
    buf_append_byte(out, ')');
}

static const char *disk_source_name(enum disk_source source)
{
    switch (source) {
    case DISK_SOURCE_UNKNOWN:
        return "UNKNOWN";
    case DISK_SOURCE_PATH:
        return "PATH";
    case DISK_SOURCE_MOUNT:
        return "MOUNT";
    case DISK_SOURCE_BLOCK:
        return "BLOCK";
    case DISK_SOURCE_RAW:
        return "RAW";
    }
    return "UNKNOWN";
}

static void format_source(const struct resource_disk *disk, struct buf *out)
{
    buf_append_text(out, disk_source_name(disk->source));
    if (disk->source == DISK_SOURCE_UNKNOWN) {
        return;
    }
    if (disk->id.data != NULL || disk->profile.data != NULL) {
        buf_printf(out, "(%.*s,%.*s,%.*s)", SLICE_ARGS(disk->vendor), SLICE_ARGS(disk->id),
                   SLICE_ARGS(disk->profile));
    } else if (disk->source == DISK_SOURCE_MOUNT && disk->mount_root.data != NULL) {
        buf_printf(out, ":%.*s", SLICE_ARGS(disk->mount_root));
    } else if (disk->source == DISK_SOURCE_PATH && disk->path_root.data != NULL) {
        buf_printf(out, ":%.*s", SLICE_ARGS(disk->path_root));
    }
}

/* "container", or "host:container:rw": fields 1, 2 and 3 of Volume. */
static void format_volume(struct slice volume, struct buf *out)
{
    struct cursor_field container;
    struct cursor_field host;
    struct cursor_field mode;
    bool has_host = cursor_find(volume, 2, &host);
    if (has_host) {
        buf_append_slice(out, host.bytes);
        buf_append_byte(out, ':');
    }
    if (cursor_find(volume, 1, &container)) {
        buf_append_slice(out, container.bytes);
    }
    if (has_host && cursor_find(volume, 3, &mode)) {
        buf_append_text(out, mode.value == 2 ? ":ro" : ":rw");
    }
}

static void format_disk(const struct resource_disk *disk, struct buf *out)
{
    if (disk->has_source) {
        format_source(disk, out);
    }
    if (disk->persistence_id.data != NULL) {
        buf_append_text(out, disk->has_source ? "," : "");
        buf_append_slice(out, disk->persistence_id);
    }
    if (disk->volume.data != NULL) {
        buf_append_byte(out, ':');
        format_volume(disk->volume, out);
    }
}

void resource_kind_format(const struct resource_kind *kind, struct buf *out)
{
    buf_append_slice(out, kind->name);
    if (kind->has_allocation) {
        buf_printf(out, "(allocated: %.*s)", SLICE_ARGS(kind->allocation_role));
    }
    if (kind->reservation_count != 0) {
        buf_append_text(out, "(reservations: [");
        for (uint32_t i = 0; i < kind->reservation_count; i++) {
            buf_append_text(out, i > 0 ? "," : "");
            format_reservation(&kind->reservations[i], out);
        }
        buf_append_text(out, "])");
    }
    if (kind->has_disk) {
        buf_append_byte(out, '[');
        format_disk(kind->disk, out);
        buf_append_byte(out, ']');
    }
    buf_append_text(out, kind->is_revocable ? "{REV}" : "");
    buf_append_text(out, kind->is_shared ? "<SHARED>" : "");
}
