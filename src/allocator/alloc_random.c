#include "allocator/alloc_random.h"

#include <stdlib.h>

#include "allocator/alloc.h"
#include "allocator/alloc_array.h"

/* The whole; a leaf has its part of it, and at least 1. Some 2^20 leaves cannot overflow a sum. */
#define CHANCE_ALL (UINT64_C(1) << 40)

void alloc_random_deinit(struct alloc_random *random)
{
    free(random->leaves);
    free(random->ids);
    *random = (struct alloc_random){0};
}

/* The chance of a node is that of its parent, by weight among its active siblings. */
static uint64_t chance_of(const struct drf_node *node, const struct alloc_role *parent)
{
    __uint128_t product = (__uint128_t)parent->tree_chance * (uint64_t)node->weight_milli;
    uint64_t chance = (uint64_t)(product / parent->level_weight); /* at most tree_chance */
    return chance != 0 ? chance : 1;
}

/* Begins to walk through a role's order. */
static void enter(const struct alloc *a, struct alloc_role *role, uint64_t chance)
{
    role->cursor = 0;
    role->tree_chance = chance;
    role->level_weight = 0;
    for (uint32_t i = 0; i < role->order.count; i++) {
        role->level_weight += (uint64_t)a->role_nodes.nodes[role->order.ids[i]]->weight_milli;
    }
}

static void add_leaf(struct alloc_random *random, struct alloc_role *role, uint64_t chance)
{
    ALLOC_ROOM_FOR_ONE(random->leaves, random->leaf_count, random->capacity);
    random->leaves[random->leaf_count++] = (struct alloc_random_leaf){role, chance};
    random->total_chance += chance;
}

static void list_leaves(struct alloc *a)
{
    struct alloc_random *random = &a->random;
    random->leaf_count = 0;
    random->total_chance = 0;
    struct alloc_role *at = a->root;
    enter(a, at, CHANCE_ALL);
    for (;;) {
        if (at->cursor == at->order.count) {
            if (at->parent == NULL) {
                return;
            }
            at = at->parent;
            continue;
        }
        uint32_t id = at->order.ids[at->cursor++];
        struct alloc_role *role = a->role_list[id / 2];
        uint64_t chance = chance_of(a->role_nodes.nodes[id], at);
        if (id % 2 == 1 || role->listed_children == 0) {
            add_leaf(random, role, chance);
        } else {
            enter(a, role, chance);
            at = role;
        }
    }
}

void alloc_random_begin_roles(struct alloc *a)
{
    if (a->is_random_stale) {
        a->is_random_stale = false;
        list_leaves(a);
    }
    a->random.left_count = a->random.leaf_count;
    a->random.left_chance = a->random.total_chance;
}

struct alloc_role *alloc_random_next_role(struct alloc *a)
{
    struct alloc_random *random = &a->random;
    if (random->left_count == 0) {
        return NULL;
    }
    uint64_t draw = prng_below(&a->prng, random->left_chance);
    uint32_t at = 0;
    while (draw >= random->leaves[at].chance) {
        draw -= random->leaves[at++].chance;
    }
    struct alloc_random_leaf drawn = random->leaves[at];
    random->left_count--;
    random->left_chance -= drawn.chance;
    random->leaves[at] = random->leaves[random->left_count];
    random->leaves[random->left_count] = drawn;
    return drawn.role;
}

void alloc_random_begin_clients(struct alloc *a, const struct alloc_role *role)
{
    struct alloc_random *random = &a->random;
    random->id_count = 0;
    for (uint32_t i = 0; i < role->clients.count; i++) {
        ALLOC_ROOM_FOR_ONE(random->ids, random->id_count, random->id_capacity);
        random->ids[random->id_count++] = role->clients.ids[i];
    }
}

uint32_t alloc_random_next_client(struct alloc *a)
{
    struct alloc_random *random = &a->random;
    if (random->id_count == 0) {
        return UINT32_MAX;
    }
    uint32_t at = (uint32_t)prng_below(&a->prng, random->id_count);
    uint32_t id = random->ids[at];
    random->ids[at] = random->ids[--random->id_count];
    return id;
}
