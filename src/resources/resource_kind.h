/*
 * The kind of a resource: all that makes some cpus different from other cpus except how many there
 * are: name, type, reservations, disk, provider, revocable, shared, to which role it is allocated.
 *
 * Kinds are immutable and atomically counted, so that vectors of resources are cheap to copy and
 * may be read by workers. Two kinds that mean the same are equal (a comparison of hashes, then of
 * content); if they come from one pool they are nearly always the same pointer, which is quicker.
 *
 * Optional texts are slices whose data is NULL when the field is not set. Kinds know only the newer
 * format of reservations (the stack); resource_pb.h converts.
 */
#ifndef TEPUI_RESOURCES_RESOURCE_KIND_H
#define TEPUI_RESOURCES_RESOURCE_KIND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"
#include "resources/value.h"

struct resource_label {
    struct slice key;
    struct slice value; /* data NULL = not set */
};

struct resource_labels {
    const struct resource_label *items; /* as they came; comparison does not see the order */
    uint32_t count;
    bool is_set; /* the message is present, even if empty */
};

/* Numbers as in ReservationInfo.Type. */
enum reservation_type { RESERVATION_UNKNOWN = 0, RESERVATION_STATIC = 1, RESERVATION_DYNAMIC = 2 };

struct resource_reservation {
    enum reservation_type type;
    struct slice role;
    struct slice principal; /* optional */
    struct resource_labels labels;
};

/* Numbers as in DiskInfo.Source.Type. */
enum disk_source {
    DISK_SOURCE_UNKNOWN = 0,
    DISK_SOURCE_PATH = 1,
    DISK_SOURCE_MOUNT = 2,
    DISK_SOURCE_BLOCK = 3,
    DISK_SOURCE_RAW = 4,
};

struct resource_disk {
    bool has_source;
    enum disk_source source; /* the following, up to metadata, only with a source */
    bool has_path;
    struct slice path_root; /* optional */
    bool has_mount;
    struct slice mount_root; /* optional */
    struct slice vendor;     /* optional */
    struct slice id;         /* optional */
    struct slice profile;    /* optional */
    struct resource_labels metadata;
    struct slice persistence_id; /* set: a persistent volume */
    /* Carried along, but not part of the identity (facts/observed.md, allocator 18). */
    struct slice persistence_principal; /* optional */
    struct slice volume;                /* optional: an encoded Volume */
};

struct resource_kind {
    atomic_uint refs;     /* managed by resource_kind_*; ignored in drafts */
    uint32_t hash;        /* of the identity; ignored in drafts */
    uint32_t common_name; /* RESOURCE_NAME_CPUS ... or _NONE; ignored in drafts */
    bool is_exclusive;    /* MOUNT, BLOCK, identified RAW, persistent volume: only as a whole;
                             ignored in drafts */
    enum value_type type; /* not VALUE_TEXT */
    bool is_revocable;
    bool is_shared;
    bool has_disk;
    bool has_allocation;
    struct slice name;
    struct slice allocation_role;                    /* optional, with has_allocation */
    struct slice provider_id;                        /* optional */
    const struct resource_reservation *reservations; /* each refines the one before it */
    uint32_t reservation_count;                      /* 0 = unreserved */
    const struct resource_disk *disk;                /* with has_disk */
};

/* A pool of kinds, for a core that keeps many resources: equal kinds are stored once. Kinds that
 * nobody else holds are dropped now and then. Only the pool's owner's thread may use it. */
struct resource_kinds {
    const struct resource_kind **slots; /* open addressing; NULL = free */
    uint32_t capacity;                  /* a power of two, or 0 */
    uint32_t count;
    uint32_t sweep_count; /* count at which unused ones are looked for */
};

void resource_kinds_init(struct resource_kinds *kinds);
void resource_kinds_deinit(struct resource_kinds *kinds);
/* Drops what nobody else holds. */
void resource_kinds_sweep(struct resource_kinds *kinds);

/* A kind with the content of the draft (a struct on the stack whose slices and arrays are only
 * borrowed): from the pool if there is one (NULL = none), else new. Returns a new reference. */
const struct resource_kind *resource_kind_make(const struct resource_kind *draft,
                                               struct resource_kinds *pool) WARN_UNUSED;
const struct resource_kind *resource_kind_ref(const struct resource_kind *kind);
void resource_kind_unref(const struct resource_kind *kind); /* NULL is fine */

bool resource_kind_equal(const struct resource_kind *a, const struct resource_kind *b);
bool resource_labels_equal(const struct resource_labels *a, const struct resource_labels *b);
bool resource_reservation_equal(const struct resource_reservation *a,
                                const struct resource_reservation *b);

/* --- changed copies; each returns a new reference --- */

const struct resource_kind *resource_kind_allocated(const struct resource_kind *kind,
                                                    struct slice role,
                                                    struct resource_kinds *pool) WARN_UNUSED;
const struct resource_kind *resource_kind_unallocated(const struct resource_kind *kind,
                                                      struct resource_kinds *pool) WARN_UNUSED;
/* With the first `count` reservations only. */
const struct resource_kind *
resource_kind_with_reservations(const struct resource_kind *kind, uint32_t count,
                                struct resource_kinds *pool) WARN_UNUSED;
const struct resource_kind *
resource_kind_with_pushed(const struct resource_kind *kind,
                          const struct resource_reservation *reservation,
                          struct resource_kinds *pool) WARN_UNUSED;
/* The disk that a persistent volume lies on: no persistence, volume and sharing. */
const struct resource_kind *resource_kind_without_volume(const struct resource_kind *kind,
                                                         struct resource_kinds *pool) WARN_UNUSED;

/* How many reservations at the beginning of both stacks are equal. */
uint32_t resource_kind_common_reservations(const struct resource_kind *a,
                                           const struct resource_kind *b);

/* "disk(allocated: a)(reservations: [(DYNAMIC,a,ops)])[MOUNT:/d,v1:data]<SHARED>": the reference's
 * form, without the value. */
void resource_kind_format(const struct resource_kind *kind, struct buf *out);

#endif
