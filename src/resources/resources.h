/*
 * A vector of resources, combined where possible: the reference's `Resources`.
 *
 * It holds only valid, non-empty resources; those of one kind are summed up in one entry, except
 * for exclusive disks and persistent volumes (one entry each) and shared volumes (one entry with a
 * count of copies). A zeroed struct is an empty vector; it may be moved by plain assignment. Copies
 * share kinds, ranges and sets.
 */
#ifndef TEPUI_RESOURCES_RESOURCES_H
#define TEPUI_RESOURCES_RESOURCES_H

#include "common/err.h"
#include "common/prng.h"
#include "resources/quantities.h"
#include "resources/resource.h"
#include "resources/resource_limits.h"

struct resources {
    struct resource *items; /* heap */
    uint32_t count;
    uint32_t capacity;
};

#define RESOURCES_INIT ((struct resources){0})

void resources_deinit(struct resources *r); /* idempotent; leaves it empty */
void resources_clear(struct resources *r);  /* keeps the memory */
/* ret_copy need not be initialized; so with every `ret_` vector below. */
void resources_copy(const struct resources *r, struct resources *ret_copy);
/* Empties *from into the result: `struct resources mine = resources_take(&theirs)`. */
struct resources resources_take(struct resources *from);
/* Replaces kinds by those of the pool, so that memory is shared. */
void resources_intern(struct resources *r, struct resource_kinds *pool);

static inline bool resources_is_empty(const struct resources *r)
{
    return r->count == 0;
}

/* --- arithmetic --- */

void resources_add(struct resources *a, const struct resources *b);
void resources_add_one(struct resources *a, const struct resource *b);
void resources_add_take(struct resources *a, struct resource b); /* takes over b */
/* Subtracting what is not there does nothing; what falls to zero or below is dropped. */
void resources_subtract(struct resources *a, const struct resources *b);
void resources_subtract_one(struct resources *a, const struct resource *b);

bool resources_contain(const struct resources *a, const struct resources *b);
bool resources_contain_one(const struct resources *a, const struct resource *b);
/* Of ranges and sets it counts how many there are. */
bool resources_contain_quantities(const struct resources *r, const struct quantities *q,
                                  struct resource_names *names);
bool resources_equal(const struct resources *a, const struct resources *b);
/* How many equal ones: copies of a shared resource, else 0 or 1. */
size_t resources_count_of(const struct resources *r, const struct resource *one);
/* The first of the same kind, whatever its value; NULL if there is none. */
const struct resource *resources_match(const struct resources *r, const struct resource *one);

/* --- selections: copies of the entries that fit --- */

typedef bool (*resource_predicate_fn)(const struct resource *r, const void *arg);

void resources_filter(const struct resources *r, resource_predicate_fn predicate, const void *arg,
                      struct resources *ret_selected);
void resources_reserved(const struct resources *r, struct resources *ret_selected);
void resources_reserved_to(const struct resources *r, struct slice role,
                           struct resources *ret_selected);
void resources_reserved_within(const struct resources *r, struct slice role,
                               struct resources *ret_selected);
void resources_unreserved(const struct resources *r, struct resources *ret_selected);
void resources_allocatable_to(const struct resources *r, struct slice role,
                              struct resources *ret_selected);
void resources_allocated_within(const struct resources *r, struct slice role,
                                struct resources *ret_selected);
void resources_persistent_volumes(const struct resources *r, struct resources *ret_selected);
void resources_revocable(const struct resources *r, struct resources *ret_selected);
void resources_nonrevocable(const struct resources *r, struct resources *ret_selected);
void resources_shared(const struct resources *r, struct resources *ret_selected);
void resources_nonshared(const struct resources *r, struct resources *ret_selected);
void resources_scalars(const struct resources *r, struct resources *ret_selected);
void resources_named(const struct resources *r, struct slice name, struct resources *ret_selected);
/* What the agent must write to its disk. */
void resources_checkpointed(const struct resources *r, struct resources *ret_selected);

/* Resources by role, ascending by role. */
struct resources_of_role {
    struct slice role; /* lives as long as the resources beside it */
    struct resources resources;
};

struct resources_by_role {
    struct resources_of_role *items; /* heap */
    size_t count;
};

void resources_by_role_deinit(struct resources_by_role *by_role);
const struct resources *resources_by_role_find(const struct resources_by_role *by_role,
                                               struct slice role); /* NULL if not there */
/* The reserved ones by their reservation's role. */
void resources_reservations(const struct resources *r, struct resources_by_role *ret_by_role);
/* By the role they are allocated to; all must be allocated (asserts). */
void resources_allocations(const struct resources *r, struct resources_by_role *ret_by_role);

/* --- changes of kind; the pool may be NULL --- */

void resources_allocate(struct resources *r, struct slice role, struct resource_kinds *pool);
void resources_unallocate(struct resources *r, struct resource_kinds *pool);
/* Every entry must be reserved (asserts). */
void resources_pop_reservation(const struct resources *r, struct resources *ret_popped);
void resources_push_reservation(const struct resources *r,
                                const struct resource_reservation *reservation,
                                struct resources *ret_pushed);
void resources_to_unreserved(const struct resources *r, struct resources *ret_unreserved);
/* Name and amount of scalars, all traits dropped. */
void resources_strip(const struct resources *r, struct resources *ret_stripped);

/* --- values over all entries of a name --- */

/* False if there is none of the name and type. */
bool resources_get_scalar(const struct resources *r, struct slice name, int64_t *ret_scalar);
/* An owned reference; NULL if there are none. */
const struct ranges *resources_get_ranges(const struct resources *r, struct slice name) WARN_UNUSED;
const struct item_set *resources_get_set(const struct resources *r, struct slice name) WARN_UNUSED;

/* --- finding and cutting --- */

/* As much as `targets`, of their own role first, then unreserved, then of any role. False (and
 * nothing returned) if there is not enough. */
bool resources_find(const struct resources *r, const struct resources *targets,
                    struct resources *ret_found);
/* At most `target` of each kind; kinds not in it are dropped. Entries are tried in a random order
 * when there is a prng (NULL = as they stand). */
void resources_shrink(const struct resources *r, const struct quantities *target,
                      struct resource_names *names, struct prng *prng,
                      struct resources *ret_shrunk);
/* The same by limits; kinds without a limit stay whole. */
void resources_shrink_to_limits(const struct resources *r, const struct resource_limits *limits,
                                struct resource_names *names, struct prng *prng,
                                struct resources *ret_shrunk);

/* --- text --- */

enum {
    RESOURCES_E_INVALID = 1, /* err tells why */
};

/* --resources: `cpus:4;mem(role):2048;ports:[1-10];disks:{a,b}` or a JSON array of Resource.
 * Without a role they get `default_role`. Volumes, revocable and dynamically reserved ones are
 * refused, and one name with two types. 0 or RESOURCES_E_INVALID. */
int resources_parse(struct slice text, struct slice default_role, struct resources *ret_resources,
                    struct err *err) WARN_UNUSED;
/* The same without the last checks, for tests and tools. */
int resources_parse_any(struct slice text, struct slice default_role,
                        struct resources *ret_resources, struct err *err) WARN_UNUSED;
/* Is the name given in the text, if only with zero? Then it is not to be detected. */
bool resources_text_names(struct slice text, struct slice name);
/* "cpus:4; mem(reservations: [(STATIC,role)]):2048"; "{}" when empty. */
void resources_format(const struct resources *r, struct buf *out);
/* The same in the arena, for messages. */
struct arena;
const char *resources_text(const struct resources *r, struct arena *arena) WARN_UNUSED;

struct json_writer;

/* The object of the older endpoints: {"disk":0.0,"mem":64.0,"gpus":0.0,"cpus":0.5,
 * "ports":"[31000-31001]","cpus_revocable":1.0}. */
void resources_write_json(const struct resources *r, struct json_writer *w);

#endif
