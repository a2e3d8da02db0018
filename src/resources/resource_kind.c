#include "resources/resource_kind.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "resources/names.h"

/* --- comparison --- */

/* Optional texts: not set differs from empty. */
static bool text_equal(struct slice a, struct slice b)
{
    return (a.data == NULL) == (b.data == NULL) && slice_equal(a, b);
}

static bool label_equal(const struct resource_label *a, const struct resource_label *b)
{
    return slice_equal(a->key, b->key) && text_equal(a->value, b->value);
}

static int label_compare(const void *a, const void *b)
{
    const struct resource_label *left = a;
    const struct resource_label *right = b;
    int order = slice_compare(left->key, right->key);
    if (order != 0) {
        return order;
    }
    if (left->value.data == NULL || right->value.data == NULL) {
        return (left->value.data != NULL) - (right->value.data != NULL);
    }
    return slice_compare(left->value, right->value);
}

static bool label_arrays_equal(const struct resource_label *a, const struct resource_label *b,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!label_equal(&a[i], &b[i])) {
            return false;
        }
    }
    return true;
}

bool resource_labels_equal(const struct resource_labels *a, const struct resource_labels *b)
{
    if (a->is_set != b->is_set || a->count != b->count) {
        return false;
    }
    if (label_arrays_equal(a->items, b->items, a->count)) {
        return true;
    }
    size_t size = a->count * sizeof(a->items[0]);
    struct resource_label *left = xmemdup(a->items, size);
    struct resource_label *right = xmemdup(b->items, size);
    qsort(left, a->count, sizeof(left[0]), label_compare);
    qsort(right, b->count, sizeof(right[0]), label_compare);
    bool is_equal = label_arrays_equal(left, right, a->count);
    free(left);
    free(right);
    return is_equal;
}

bool resource_reservation_equal(const struct resource_reservation *a,
                                const struct resource_reservation *b)
{
    return a->type == b->type && slice_equal(a->role, b->role) &&
           text_equal(a->principal, b->principal) && resource_labels_equal(&a->labels, &b->labels);
}

/* How the volume is mounted, and who made it, does not tell two volumes apart. */
static bool disk_equal(const struct resource_disk *a, const struct resource_disk *b)
{
    if (a->has_source != b->has_source || !text_equal(a->persistence_id, b->persistence_id)) {
        return false;
    }
    return !a->has_source ||
           (a->source == b->source && a->has_path == b->has_path &&
            text_equal(a->path_root, b->path_root) && a->has_mount == b->has_mount &&
            text_equal(a->mount_root, b->mount_root) && text_equal(a->vendor, b->vendor) &&
            text_equal(a->id, b->id) && text_equal(a->profile, b->profile) &&
            resource_labels_equal(&a->metadata, &b->metadata));
}

/* All but the hash. */
static bool content_equal(const struct resource_kind *a, const struct resource_kind *b)
{
    if (a->type != b->type || a->is_revocable != b->is_revocable || a->is_shared != b->is_shared ||
        a->has_disk != b->has_disk || a->has_allocation != b->has_allocation ||
        a->reservation_count != b->reservation_count || !slice_equal(a->name, b->name) ||
        !text_equal(a->allocation_role, b->allocation_role) ||
        !text_equal(a->provider_id, b->provider_id)) {
        return false;
    }
    for (uint32_t i = 0; i < a->reservation_count; i++) {
        if (!resource_reservation_equal(&a->reservations[i], &b->reservations[i])) {
            return false;
        }
    }
    return !a->has_disk || disk_equal(a->disk, b->disk);
}

bool resource_kind_equal(const struct resource_kind *a, const struct resource_kind *b)
{
    return a == b || (a->hash == b->hash && content_equal(a, b));
}

/* --- hash --- */

static uint32_t hash_number(uint32_t hash, uint32_t number)
{
    hash = (hash ^ number) * 0x9e3779b1u;
    return hash ^ hash >> 15;
}

static uint32_t hash_text(uint32_t hash, struct slice text)
{
    if (text.data == NULL) {
        return hash_number(hash, 1);
    }
    hash = hash_number(hash, (uint32_t)text.size + 2);
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ (uint8_t)text.data[i]) * 16777619u;
    }
    return hash ^ hash >> 15;
}

static uint32_t hash_labels(uint32_t hash, const struct resource_labels *labels)
{
    /* A sum, since the order does not count. */
    uint32_t sum = labels->is_set;
    for (uint32_t i = 0; i < labels->count; i++) {
        sum += hash_text(hash_text(2166136261u, labels->items[i].key), labels->items[i].value);
    }
    return hash_number(hash, sum);
}

static uint32_t kind_hash(const struct resource_kind *kind)
{
    uint32_t hash = hash_text(2166136261u, kind->name);
    hash = hash_number(hash, (uint32_t)kind->type << 4 | (uint32_t)kind->is_revocable << 3 |
                                 (uint32_t)kind->is_shared << 2 | (uint32_t)kind->has_disk << 1 |
                                 (uint32_t)kind->has_allocation);
    hash = hash_text(hash, kind->allocation_role);
    hash = hash_text(hash, kind->provider_id);
    hash = hash_number(hash, kind->reservation_count);
    for (uint32_t i = 0; i < kind->reservation_count; i++) {
        const struct resource_reservation *reservation = &kind->reservations[i];
        hash = hash_number(hash, reservation->type);
        hash = hash_text(hash, reservation->role);
        hash = hash_text(hash, reservation->principal);
        hash = hash_labels(hash, &reservation->labels);
    }
    if (kind->has_disk) {
        const struct resource_disk *disk = kind->disk;
        hash = hash_text(hash, disk->persistence_id);
        if (disk->has_source) {
            hash = hash_number(hash, disk->source);
            hash = hash_text(hash, disk->path_root);
            hash = hash_text(hash, disk->mount_root);
            hash = hash_text(hash, disk->vendor);
            hash = hash_text(hash, disk->id);
            hash = hash_text(hash, disk->profile);
            hash = hash_labels(hash, &disk->metadata);
        }
    }
    return hash;
}

/* --- storage: the struct, then arrays, then texts, all in one allocation --- */

/* Where copies go; with NULL places it only adds up sizes. */
struct packer {
    char *arrays; /* next free place for structs */
    char *texts;  /* next free place for texts */
    size_t arrays_size;
    size_t texts_size;
};

static struct slice pack_text(struct packer *packer, struct slice text)
{
    if (text.data == NULL) {
        return text;
    }
    packer->texts_size += text.size + 1;
    if (packer->texts == NULL) {
        return text;
    }
    char *at = packer->texts;
    memcpy(at, text.data, text.size);
    at[text.size] = '\0';
    packer->texts += text.size + 1;
    return slice_make(at, text.size);
}

/* Room for structs; NULL while only sizes are added up. */
static void *pack_array(struct packer *packer, size_t size)
{
    packer->arrays_size += size;
    if (packer->arrays == NULL) {
        return NULL;
    }
    void *at = packer->arrays;
    packer->arrays += size;
    return at;
}

static struct resource_labels pack_labels(struct packer *packer,
                                          const struct resource_labels *labels)
{
    struct resource_labels packed = {.count = labels->count, .is_set = labels->is_set};
    struct resource_label *items = pack_array(packer, labels->count * sizeof(*items));
    for (uint32_t i = 0; i < labels->count; i++) {
        struct resource_label label = {pack_text(packer, labels->items[i].key),
                                       pack_text(packer, labels->items[i].value)};
        if (items != NULL) {
            items[i] = label;
        }
    }
    packed.items = items;
    return packed;
}

static const struct resource_reservation *
pack_reservations(struct packer *packer, const struct resource_reservation *reservations,
                  uint32_t count)
{
    struct resource_reservation *items = pack_array(packer, count * sizeof(*items));
    for (uint32_t i = 0; i < count; i++) {
        struct resource_reservation reservation = {
            .type = reservations[i].type,
            .role = pack_text(packer, reservations[i].role),
            .principal = pack_text(packer, reservations[i].principal),
            .labels = pack_labels(packer, &reservations[i].labels),
        };
        if (items != NULL) {
            items[i] = reservation;
        }
    }
    return items;
}

static const struct resource_disk *pack_disk(struct packer *packer,
                                             const struct resource_disk *disk)
{
    struct resource_disk *packed = pack_array(packer, sizeof(*packed));
    struct resource_disk copy = {
        .has_source = disk->has_source,
        .source = disk->source,
        .has_path = disk->has_path,
        .path_root = pack_text(packer, disk->path_root),
        .has_mount = disk->has_mount,
        .mount_root = pack_text(packer, disk->mount_root),
        .vendor = pack_text(packer, disk->vendor),
        .id = pack_text(packer, disk->id),
        .profile = pack_text(packer, disk->profile),
        .metadata = pack_labels(packer, &disk->metadata),
        .persistence_id = pack_text(packer, disk->persistence_id),
        .persistence_principal = pack_text(packer, disk->persistence_principal),
        .volume = pack_text(packer, disk->volume),
    };
    if (packed != NULL) {
        *packed = copy;
    }
    return packed;
}

/* Puts copies of what the draft points to into *kind, or only adds up their sizes. */
static void pack_kind(struct packer *packer, const struct resource_kind *draft,
                      struct resource_kind *kind)
{
    kind->type = draft->type;
    kind->is_revocable = draft->is_revocable;
    kind->is_shared = draft->is_shared;
    kind->has_disk = draft->has_disk;
    kind->has_allocation = draft->has_allocation;
    kind->reservation_count = draft->reservation_count;
    if (draft->reservation_count != 0) {
        kind->reservations =
            pack_reservations(packer, draft->reservations, draft->reservation_count);
    }
    if (draft->has_disk) {
        kind->disk = pack_disk(packer, draft->disk);
    }
    kind->name = pack_text(packer, draft->name);
    kind->allocation_role = pack_text(packer, draft->allocation_role);
    kind->provider_id = pack_text(packer, draft->provider_id);
}

static bool kind_is_exclusive(const struct resource_kind *kind)
{
    if (!kind->has_disk) {
        return false;
    }
    const struct resource_disk *disk = kind->disk;
    if (disk->persistence_id.data != NULL) {
        return true;
    }
    if (!disk->has_source) {
        return false;
    }
    switch (disk->source) {
    case DISK_SOURCE_UNKNOWN:
    case DISK_SOURCE_PATH:
        return false;
    case DISK_SOURCE_MOUNT:
    case DISK_SOURCE_BLOCK:
        return true;
    case DISK_SOURCE_RAW:
        return disk->id.data != NULL;
    }
    return false;
}

static const struct resource_kind *kind_new(const struct resource_kind *draft, uint32_t hash)
{
    struct packer sizes = {0};
    struct resource_kind measured = {0};
    pack_kind(&sizes, draft, &measured);

    struct resource_kind *kind = xalloc(sizeof(*kind) + sizes.arrays_size + sizes.texts_size);
    struct packer packer = {.arrays = (char *)(kind + 1)};
    packer.texts = packer.arrays + sizes.arrays_size;
    pack_kind(&packer, draft, kind);
    atomic_init(&kind->refs, 1);
    kind->hash = hash;
    kind->common_name = resource_name_common(kind->name);
    kind->is_exclusive = kind_is_exclusive(kind);
    return kind;
}

/* Counts are the one thing that changes; the content does not. */
static atomic_uint *kind_refs(const struct resource_kind *kind)
{
    return &((struct resource_kind *)(uintptr_t)kind)->refs;
}

const struct resource_kind *resource_kind_ref(const struct resource_kind *kind)
{
    atomic_fetch_add_explicit(kind_refs(kind), 1, memory_order_relaxed);
    return kind;
}

void resource_kind_unref(const struct resource_kind *kind)
{
    if (kind != NULL && atomic_fetch_sub_explicit(kind_refs(kind), 1, memory_order_acq_rel) == 1) {
        free((void *)(uintptr_t)kind);
    }
}

/* --- the pool --- */

#define SWEEP_COUNT_MIN 256

void resource_kinds_init(struct resource_kinds *kinds)
{
    *kinds = (struct resource_kinds){.sweep_count = SWEEP_COUNT_MIN};
}

void resource_kinds_deinit(struct resource_kinds *kinds)
{
    for (uint32_t i = 0; i < kinds->capacity; i++) {
        resource_kind_unref(kinds->slots[i]);
    }
    free(kinds->slots);
    resource_kinds_init(kinds);
}

/* The slot of an equal kind, or the free one where it belongs. What the volume of a persistent
 * volume looks like is no part of the identity, but must not be replaced by another's. */
static uint32_t kinds_slot(const struct resource_kinds *kinds, const struct resource_kind *kind,
                           uint32_t hash)
{
    uint32_t mask = kinds->capacity - 1;
    uint32_t at = hash & mask;
    while (kinds->slots[at] != NULL) {
        const struct resource_kind *there = kinds->slots[at];
        if (there->hash == hash && content_equal(there, kind) &&
            (!kind->has_disk ||
             (text_equal(there->disk->volume, kind->disk->volume) &&
              text_equal(there->disk->persistence_principal, kind->disk->persistence_principal)))) {
            break;
        }
        at = (at + 1) & mask;
    }
    return at;
}

static void kinds_resize(struct resource_kinds *kinds, uint32_t capacity)
{
    const struct resource_kind **old = kinds->slots;
    uint32_t old_capacity = kinds->capacity;
    kinds->slots = xcalloc(capacity, sizeof(kinds->slots[0]));
    kinds->capacity = capacity;
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i] != NULL) {
            kinds->slots[kinds_slot(kinds, old[i], old[i]->hash)] = old[i];
        }
    }
    free(old);
}

void resource_kinds_sweep(struct resource_kinds *kinds)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < kinds->capacity; i++) {
        const struct resource_kind *kind = kinds->slots[i];
        if (kind != NULL && atomic_load_explicit(kind_refs(kind), memory_order_acquire) == 1) {
            resource_kind_unref(kind);
            kinds->slots[i] = NULL;
        } else if (kind != NULL) {
            kept++;
        }
    }
    kinds->count = kept;
    kinds->sweep_count = MAX(SWEEP_COUNT_MIN, kept * 2);
    if (kinds->capacity != 0) {
        /* Runs of slots now have holes: lay them out again. */
        kinds_resize(kinds, kinds->capacity);
    }
}

const struct resource_kind *resource_kind_make(const struct resource_kind *draft,
                                               struct resource_kinds *pool)
{
    uint32_t hash = kind_hash(draft);
    if (pool == NULL) {
        return kind_new(draft, hash);
    }
    if (pool->count >= pool->sweep_count) {
        resource_kinds_sweep(pool);
    }
    if (pool->count >= pool->capacity / 2) {
        kinds_resize(pool, pool->capacity != 0 ? pool->capacity * 2 : 64);
    }
    uint32_t at = kinds_slot(pool, draft, hash);
    if (pool->slots[at] == NULL) {
        pool->slots[at] = kind_new(draft, hash);
        pool->count++;
    }
    return resource_kind_ref(pool->slots[at]);
}
