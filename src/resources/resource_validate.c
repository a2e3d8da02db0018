/* What makes a single resource valid, and lists of them. */
#include "resources/resource_validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

int resource_validate_id(struct slice id, struct err *err)
{
    if (id.size == 0) {
        return err_set(err, RESOURCE_VALIDATE_E, "ID must not be empty");
    }
    if (id.size > RESOURCE_VALIDATE_ID_MAX) {
        return err_set(err, RESOURCE_VALIDATE_E, "ID must not be greater than %d characters",
                       RESOURCE_VALIDATE_ID_MAX);
    }
    if (slice_is(id, ".") || slice_is(id, "..")) {
        return err_set(err, RESOURCE_VALIDATE_E, "'%.*s' is disallowed", SLICE_ARGS(id));
    }
    for (size_t i = 0; i < id.size; i++) {
        unsigned char c = (unsigned char)id.data[i];
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\') {
            return err_set(err, RESOURCE_VALIDATE_E, "'%.*s' contains invalid characters",
                           SLICE_ARGS(id));
        }
    }
    return 0;
}

int resource_validate_amount(double amount, struct err *err)
{
    switch (fpclassify(amount)) {
    case FP_INFINITE:
        return err_set(err, RESOURCE_VALIDATE_E, "Infinite values not supported");
    case FP_NAN:
        return err_set(err, RESOURCE_VALIDATE_E, "NaN not supported");
    case FP_SUBNORMAL:
        return err_set(err, RESOURCE_VALIDATE_E, "Subnormal values not supported");
    default:
        break;
    }
    if (amount < 0) {
        return err_set(err, RESOURCE_VALIDATE_E, "Negative values not supported");
    }
    return 0;
}

/* --- values --- */

static int validate_scalar(const Pb__Resource *pb, struct err *err)
{
    if (pb->scalar == NULL || pb->ranges != NULL || pb->set != NULL) {
        return err_set(err, RESOURCE_VALIDATE_E, "Invalid scalar resource");
    }
    /* No negative amounts, and none that would count as zero without being it. NaN, infinity and
     * what is too large are refused too. */
    int64_t scalar;
    double value = pb->scalar->value;
    if (value != 0 && (!scalar_from_double(value, &scalar) || scalar <= 0)) {
        return err_set(err, RESOURCE_VALIDATE_E,
                       value > 0 && value > 1 ? "Invalid scalar resource: value is too large"
                                              : "Invalid scalar resource: value <= 0");
    }
    return 0;
}

static int range_compare(const void *a, const void *b)
{
    const struct range *left = a;
    const struct range *right = b;
    return left->begin < right->begin ? -1 : left->begin > right->begin;
}

static int validate_ranges(const Pb__Resource *pb, struct err *err)
{
    if (pb->scalar != NULL || pb->ranges == NULL || pb->set != NULL) {
        return err_set(err, RESOURCE_VALIDATE_E, "Invalid ranges resource");
    }
    size_t count = pb->ranges->n_range;
    if (count > RANGES_COUNT_MAX) {
        return err_set(err, RESOURCE_VALIDATE_E, "Invalid ranges resource: more than %d ranges",
                       RANGES_COUNT_MAX);
    }
    struct range *items = xcalloc(count + 1, sizeof(*items));
    bool is_inverted = false;
    bool is_sorted = true;
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct range){pb->ranges->range[i]->begin, pb->ranges->range[i]->end};
        is_inverted = is_inverted || items[i].begin > items[i].end;
        is_sorted = is_sorted && (i == 0 || items[i - 1].begin <= items[i].begin);
    }
    if (!is_sorted) {
        qsort(items, count, sizeof(*items), range_compare);
    }
    bool overlaps = false;
    for (size_t i = 1; i < count; i++) {
        overlaps = overlaps || items[i].begin <= items[i - 1].end;
    }
    free(items);
    if (is_inverted) {
        return err_set(err, RESOURCE_VALIDATE_E, "Invalid ranges resource: begin > end");
    }
    if (overlaps) {
        return err_set(err, RESOURCE_VALIDATE_E, "Invalid ranges resource: overlapping ranges");
    }
    return 0;
}

static int validate_set(const Pb__Resource *pb, struct err *err)
{
    if (pb->scalar != NULL || pb->ranges != NULL || pb->set == NULL) {
        return err_set(err, RESOURCE_VALIDATE_E, "Invalid set resource");
    }
    size_t count = pb->set->n_item;
    if (count > ITEM_SET_COUNT_MAX) {
        return err_set(err, RESOURCE_VALIDATE_E, "Invalid set resource: more than %d elements",
                       ITEM_SET_COUNT_MAX);
    }
    struct slice *items = xcalloc(count + 1, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        items[i] = slice_from(pb->set->item[i]);
    }
    const struct item_set *set = item_set_new(items, count);
    size_t distinct = item_set_count(set);
    item_set_unref(set);
    free(items);
    if (distinct != count) {
        return err_set(err, RESOURCE_VALIDATE_E, "Invalid set resource: duplicated elements");
    }
    return 0;
}

static int validate_value(const Pb__Resource *pb, struct err *err)
{
    switch ((int)pb->type) {
    case VALUE_SCALAR:
        return validate_scalar(pb, err);
    case VALUE_RANGES:
        return validate_ranges(pb, err);
    case VALUE_SET:
        return validate_set(pb, err);
    case VALUE_TEXT:
        return err_set(err, RESOURCE_VALIDATE_E, "Unsupported resource type");
    default:
        return err_set(err, RESOURCE_VALIDATE_E, "Invalid resource type");
    }
}

/* --- disks --- */

static int validate_disk(const Pb__Resource *pb, struct err *err)
{
    if (strcmp(pb->name, "disk") != 0) {
        return err_set(err, RESOURCE_VALIDATE_E, "DiskInfo should not be set for %s resource",
                       pb->name);
    }
    const Pb__Resource__DiskInfo__Source *source = pb->disk->source;
    if (source == NULL) {
        return 0;
    }
    const char *type = source->type == PB__RESOURCE__DISK_INFO__SOURCE__TYPE__RAW ? "RAW" : "BLOCK";
    switch ((int)source->type) {
    case DISK_SOURCE_PATH:
    case DISK_SOURCE_MOUNT:
        return 0;
    case DISK_SOURCE_BLOCK:
    case DISK_SOURCE_RAW:
        if (source->mount != NULL) {
            return err_set(err, RESOURCE_VALIDATE_E, "Mount should not be set for %s disk source",
                           type);
        }
        if (source->path != NULL) {
            return err_set(err, RESOURCE_VALIDATE_E, "Path should not be set for %s disk source",
                           type);
        }
        return 0;
    case DISK_SOURCE_UNKNOWN:
    default:
        return err_set(err, RESOURCE_VALIDATE_E, "Unsupported 'DiskInfo.Source.Type' in 'UNKNOWN'");
    }
}

/* --- reservations --- */

static int validate_role(const char *role, struct err *err)
{
    return role_validate(slice_from(role), err) != 0 ? RESOURCE_VALIDATE_E : 0;
}

/* Role and reservation beside each other. */
static int validate_old_format(const Pb__Resource *pb, struct err *err)
{
    const char *role = pb->role != NULL ? pb->role : "*";
    int r = validate_role(role, err);
    if (r != 0 || pb->reservation == NULL) {
        return r;
    }
    if (pb->reservation->has_type) {
        return err_set(err, RESOURCE_VALIDATE_E,
                       "'Resource.ReservationInfo.type' must not be set for the "
                       "'Resource.reservation' field");
    }
    if (pb->reservation->role != NULL) {
        return err_set(err, RESOURCE_VALIDATE_E,
                       "'Resource.ReservationInfo.role' must not be set for the "
                       "'Resource.reservation' field");
    }
    if (strcmp(role, "*") == 0) {
        return err_set(err, RESOURCE_VALIDATE_E,
                       "Invalid reservation: role \"*\" cannot be dynamically reserved");
    }
    return 0;
}

static int validate_stack(const Pb__Resource *pb, struct err *err)
{
    for (size_t i = 0; i < pb->n_reservations; i++) {
        const Pb__Resource__ReservationInfo *info = pb->reservations[i];
        if (!info->has_type) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "Invalid reservation: 'Resource.ReservationInfo.type' field must be "
                           "set.");
        }
        if (info->role == NULL) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "Invalid reservation: 'Resource.ReservationInfo.role' field must be "
                           "set.");
        }
        int r = validate_role(info->role, err);
        if (r != 0) {
            return r;
        }
        if (strcmp(info->role, "*") == 0) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "Invalid reservation: role \"*\" cannot be reserved");
        }
    }
    /* Each refines the one below it (facts/state_machines.md, 11). */
    for (size_t i = 1; i < pb->n_reservations; i++) {
        const Pb__Resource__ReservationInfo *info = pb->reservations[i];
        const char *below = pb->reservations[i - 1]->role;
        if (info->type == PB__RESOURCE__RESERVATION_INFO__TYPE__STATIC) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "Invalid refined reservation: A refined reservation cannot be STATIC");
        }
        if (!role_is_strict_subrole(slice_from(info->role), slice_from(below))) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "Invalid refined reservation: role '%s' is not a refinement of '%s'",
                           info->role, below);
        }
    }
    return 0;
}

static bool pb_labels_equal(const Pb__Labels *a, const Pb__Labels *b)
{
    /* Not set and empty are the same here. */
    size_t count = a != NULL ? a->n_labels : 0;
    if (count != (b != NULL ? b->n_labels : 0)) {
        return false;
    }
    struct resource_label *items = xcalloc(count * 2 + 1, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        items[i].key = slice_from(a->labels[i]->key);
        items[i].value = slice_from(a->labels[i]->value);
        items[count + i].key = slice_from(b->labels[i]->key);
        items[count + i].value = slice_from(b->labels[i]->value);
    }
    struct resource_labels left = {items, (uint32_t)count, true};
    struct resource_labels right = {items + count, (uint32_t)count, true};
    bool is_equal = resource_labels_equal(&left, &right);
    free(items);
    return is_equal;
}

static int validate_dynamic_pair(const Pb__Resource *pb, const Pb__Resource__ReservationInfo *info,
                                 struct err *err)
{
    const Pb__Resource__ReservationInfo *old = pb->reservation;
    if (resource_pb_has_role(pb) != (old != NULL)) {
        return err_set(err, RESOURCE_VALIDATE_E,
                       "Invalid resource format: 'Resource.role' and 'Resource.reservation' must "
                       "either be both set or both not set if the single reservation in "
                       "'Resource.reservations' is DYNAMIC");
    }
    if (old == NULL) {
        return 0;
    }
    const char *old_principal = old->principal != NULL ? old->principal : "";
    const char *principal = info->principal != NULL ? info->principal : "";
    if (strcmp(old_principal, principal) != 0) {
        return err_set(err, RESOURCE_VALIDATE_E,
                       "Invalid resource format: 'Resource.reservation.principal' field with '%s' "
                       "does not match the principal '%s' in 'Resource.reservations'",
                       old_principal, principal);
    }
    if (!pb_labels_equal(old->labels, info->labels)) {
        return err_set(err, RESOURCE_VALIDATE_E,
                       "Invalid resource format: 'Resource.reservation.labels' field does not "
                       "match the labels in 'Resource.reservations'");
    }
    return 0;
}

/* Both formats at once are fine as long as they say the same. */
static int validate_both_formats(const Pb__Resource *pb, struct err *err)
{
    const Pb__Resource__ReservationInfo *info = pb->reservations[0];
    if (pb->n_reservations > 1) {
        if (resource_pb_has_role(pb) || pb->reservation != NULL) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "Invalid resource format: '%s' must not be set if there is more than "
                           "one reservation in 'Resource.reservations'",
                           resource_pb_has_role(pb) ? "Resource.role" : "Resource.reservation");
        }
        return 0;
    }
    if (resource_pb_has_role(pb) && strcmp(pb->role, info->role) != 0) {
        return err_set(err, RESOURCE_VALIDATE_E,
                       "Invalid resource format: 'Resource.role' field with '%s' does not match "
                       "the role '%s' in 'Resource.reservations'",
                       pb->role, info->role);
    }
    switch ((int)info->type) {
    case RESERVATION_STATIC:
        if (pb->reservation != NULL) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "Invalid resource format: 'Resource.reservation' must not be set if "
                           "the single reservation in 'Resource.reservations' is STATIC");
        }
        return 0;
    case RESERVATION_DYNAMIC:
        return validate_dynamic_pair(pb, info, err);
    default:
        return err_set(err, RESOURCE_VALIDATE_E, "Unsupported 'Resource.ReservationInfo.Type'");
    }
}

static int validate_reservations(const Pb__Resource *pb, struct err *err)
{
    if (pb->n_reservations == 0) {
        return validate_old_format(pb, err);
    }
    int r = validate_stack(pb, err);
    return r != 0 ? r : validate_both_formats(pb, err);
}

/* --- one, and lists --- */

int resource_validate(const Pb__Resource *pb, struct err *err)
{
    if (pb->name == NULL || pb->name[0] == '\0') {
        return err_set(err, RESOURCE_VALIDATE_E, "Empty resource name");
    }
    int r = validate_value(pb, err);
    if (r == 0 && pb->disk != NULL) {
        r = validate_disk(pb, err);
    }
    if (r == 0) {
        r = validate_reservations(pb, err);
    }
    if (r != 0 || pb->shared == NULL) {
        return r;
    }
    if (strcmp(pb->name, "disk") != 0) {
        return err_set(err, RESOURCE_VALIDATE_E, "Resource %s cannot be shared", pb->name);
    }
    if (pb->disk == NULL || pb->disk->persistence == NULL) {
        return err_set(err, RESOURCE_VALIDATE_E, "Only persistent volumes can be shared");
    }
    return 0;
}

int resource_validate_all(Pb__Resource *const *items, size_t count, struct err *err)
{
    if (count > RESOURCE_VALIDATE_COUNT_MAX) {
        return err_set(err, RESOURCE_VALIDATE_E, "More than %d resources in one list",
                       RESOURCE_VALIDATE_COUNT_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        int r = resource_validate(items[i], err);
        if (r != 0) {
            return err_wrap(err, r, "Resource '%s' is invalid", resource_pb_text(items[i]).text);
        }
    }
    return 0;
}

int resource_validate_gpus(const struct resources *r, struct err *err)
{
    int64_t gpus;
    if (resources_get_scalar(r, SLICE("gpus"), &gpus) && gpus % SCALAR_ONE != 0) {
        return err_set(err, RESOURCE_VALIDATE_E, "The 'gpus' resource must be an unsigned integer");
    }
    return 0;
}

static bool is_unreserved(const Pb__Resource *pb)
{
    return pb->n_reservations == 0 && (pb->role == NULL || strcmp(pb->role, "*") == 0);
}

int resource_validate_disk_info(Pb__Resource *const *items, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const Pb__Resource__DiskInfo *disk = items[i]->disk;
        if (disk == NULL) {
            continue;
        }
        const char *why = NULL;
        if (disk->persistence == NULL) {
            if (disk->volume != NULL) {
                why = "Non-persistent volume not supported";
            } else if (disk->source == NULL) {
                why = "DiskInfo is set but empty";
            }
        } else if (items[i]->revocable != NULL) {
            why = "Persistent volumes cannot be created from revocable resources";
        } else if (is_unreserved(items[i])) {
            why = "Persistent volumes cannot be created from unreserved resources";
        } else if (disk->volume == NULL) {
            why = "Expecting 'volume' to be set for persistent volume";
        } else if (disk->volume->host_path != NULL) {
            why = "Expecting 'host_path' to be unset for persistent volume";
        } else {
            int r = resource_validate_id(slice_from(disk->persistence->id), err);
            if (r != 0) {
                return err_wrap(err, r, "Invalid persistence ID for persistent volume");
            }
        }
        if (why != NULL) {
            return err_set(err, RESOURCE_VALIDATE_E, "%s", why);
        }
    }
    return 0;
}

static bool is_dynamic(const Pb__Resource *pb)
{
    if (pb->n_reservations == 0) {
        return !is_unreserved(pb) && pb->reservation != NULL;
    }
    const Pb__Resource__ReservationInfo *last = pb->reservations[pb->n_reservations - 1];
    return last->has_type && last->type == PB__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
}

int resource_validate_dynamic_reservations(Pb__Resource *const *items, size_t count,
                                           struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i]->revocable != NULL && is_dynamic(items[i])) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "Dynamically reserved resource %s cannot be created from revocable "
                           "resources",
                           resource_pb_text(items[i]).text);
        }
    }
    return 0;
}

int resource_validate_input(Pb__Resource *const *items, size_t count, struct err *err)
{
    int r = resource_validate_all(items, count, err);
    if (r != 0) {
        return err_wrap(err, r, "Invalid resources");
    }
    struct resources resources = RESOURCES_INIT;
    resources_add_pb(&resources, items, count, NULL);
    r = resource_validate_gpus(&resources, err);
    resources_deinit(&resources);
    if (r != 0) {
        return err_wrap(err, r, "Invalid 'gpus' resource");
    }
    r = resource_validate_disk_info(items, count, err);
    if (r != 0) {
        return err_wrap(err, r, "Invalid DiskInfo");
    }
    r = resource_validate_dynamic_reservations(items, count, err);
    return r != 0 ? err_wrap(err, r, "Invalid ReservationInfo") : 0;
}

int resource_validate_persistent_volumes(Pb__Resource *const *items, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const Pb__Resource__DiskInfo *disk = items[i]->disk;
        if (disk == NULL) {
            return err_set(err, RESOURCE_VALIDATE_E, "Resource %s does not have DiskInfo",
                           resource_pb_text(items[i]).text);
        }
        const char *why = NULL;
        if (disk->persistence == NULL) {
            why = "'persistence' is not set in DiskInfo";
        } else if (disk->volume == NULL) {
            why = "Expecting 'volume' to be set for persistent volume";
        } else if (disk->volume->mode == PB__VOLUME__MODE__RO) {
            why = "Read-only persistent volume not supported";
        }
        if (why != NULL) {
            return err_set(err, RESOURCE_VALIDATE_E, "%s", why);
        }
    }
    return 0;
}

int resource_validate_single_provider(Pb__Resource *const *items, size_t count, struct err *err)
{
    if (count == 0) {
        return err_set(err, RESOURCE_VALIDATE_E, "There are no resources");
    }
    const char *first = items[0]->provider_id != NULL ? items[0]->provider_id->value : NULL;
    for (size_t i = 1; i < count; i++) {
        const char *other = items[i]->provider_id != NULL ? items[i]->provider_id->value : NULL;
        if ((first == NULL) != (other == NULL)) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "Some resources have a resource provider and some do not");
        }
        if (first != NULL && strcmp(first, other) != 0) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "The resources have multiple resource providers: %s, %s", first, other);
        }
    }
    return 0;
}
