/*
 * Interned names of resource kinds ("cpus", "mem", ...): small numbers that quantities are kept by.
 * A table belongs to one core; numbers of two tables must not be mixed, but for the common ones.
 */
#ifndef TEPUI_RESOURCES_NAMES_H
#define TEPUI_RESOURCES_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/slice.h"

/* The names that nearly every cluster has; the same numbers in every table. */
enum {
    RESOURCE_NAME_CPUS = 0,
    RESOURCE_NAME_MEM = 1,
    RESOURCE_NAME_DISK = 2,
    RESOURCE_NAME_GPUS = 3,
    RESOURCE_NAMES_COMMON = 4, /* how many these are */
    RESOURCE_NAME_NONE = UINT32_MAX,
};

/* Names in one table; they are never forgotten. */
#define RESOURCE_NAMES_MAX 65536

struct resource_names {
    struct slice *texts;     /* by number; each an allocation of its own, with a terminator */
    uint32_t *hashes;        /* by number */
    uint32_t count;          /* numbers given out */
    uint32_t capacity;       /* of texts and hashes */
    uint32_t *slots;         /* open addressing: number + 1, 0 = free */
    uint32_t slots_capacity; /* a power of two */
};

void resource_names_init(struct resource_names *names);
void resource_names_deinit(struct resource_names *names);

/* The number, given out if the name is new; RESOURCE_NAME_NONE when the table is full. */
uint32_t resource_names_intern(struct resource_names *names, struct slice text) WARN_UNUSED;
/* RESOURCE_NAME_NONE if it is not there. */
uint32_t resource_names_find(const struct resource_names *names, struct slice text) WARN_UNUSED;
/* Lives as long as the table. */
struct slice resource_names_text(const struct resource_names *names, uint32_t name);

/* RESOURCE_NAME_CPUS ... of a common name, else RESOURCE_NAME_NONE. Needs no table. */
uint32_t resource_name_common(struct slice text);
struct slice resource_name_common_text(uint32_t name); /* name < RESOURCE_NAMES_COMMON */

#endif
