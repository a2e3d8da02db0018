/*
 * The random sorters: roles by a weighted shuffle, frameworks of a role by a plain one. Drawn one
 * by one, since mostly the first takes all.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_RANDOM_H
#define TEPUI_ALLOCATOR_ALLOC_RANDOM_H

#include <stdint.h>

struct alloc;
struct alloc_role;

/* A role with active clients, and its part of the whole by weights along the tree. */
struct alloc_random_leaf {
    struct alloc_role *role;
    uint64_t chance; /* > 0 */
};

struct alloc_random {
    struct alloc_random_leaf *leaves; /* heap; those drawn in this visit stand behind left_count */
    uint32_t leaf_count;
    uint32_t capacity;
    uint32_t left_count;   /* not drawn yet */
    uint64_t left_chance;  /* sum of theirs */
    uint64_t total_chance; /* of all */
    uint32_t *ids;         /* clients of the role under way; heap */
    uint32_t id_count;     /* not drawn yet */
    uint32_t id_capacity;
};

void alloc_random_deinit(struct alloc_random *random);
/* Begins a new draw of roles. */
void alloc_random_begin_roles(struct alloc *a);
/* NULL when all were drawn. */
struct alloc_role *alloc_random_next_role(struct alloc *a);
/* The same for the clients of a role: an id, or UINT32_MAX. */
void alloc_random_begin_clients(struct alloc *a, const struct alloc_role *role);
uint32_t alloc_random_next_client(struct alloc *a);

#endif
