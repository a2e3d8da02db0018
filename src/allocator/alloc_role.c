#include "allocator/alloc_role.h"

#include <stdlib.h>
#include <string.h>

#include "allocator/alloc.h"
#include "allocator/alloc_array.h"
#include "resources/roles.h"

/* --- the tree --- */

struct alloc_role *alloc_role_find(const struct alloc *a, struct slice name)
{
    struct map_link *link = map_find(&a->roles, name);
    return link != NULL ? CONTAINER_OF(link, struct alloc_role, link) : NULL;
}

static struct alloc_role *new_role(struct alloc *a, struct slice name, struct alloc_role *parent)
{
    struct alloc_role *role = xalloc(sizeof(*role));
    role->name = slice_make(xstrndup(name.data, name.size), name.size);
    role->is_nested = slice_find(role->name, '/') >= 0;
    role->index = alloc_ids_take(&a->role_ids);
    role->parent = parent;
    role->top = parent != NULL && parent->parent != NULL ? parent->top : role;
    resource_limits_init(&role->limits);
    drf_node_init(&role->tree);
    role->tree.name = role->name;
    role->tree.id = 2 * role->index;
    drf_table_set(&a->role_nodes, role->tree.id, &role->tree);
    drf_node_init(&role->self);
    /* Among its subroles it stands by the name "a/.". */
    char *self_name = xasprintf("%s/.", role->name.data);
    role->self.name = slice_from(self_name);
    role->self.id = 2 * role->index + 1;
    drf_table_set(&a->role_nodes, role->self.id, &role->self);
    if (role->index >= a->role_capacity) {
        a->role_capacity = MAX(16u, MAX(role->index + 1, a->role_capacity * 2));
        a->role_list = xrealloc(a->role_list, a->role_capacity, sizeof(struct alloc_role *));
    }
    a->role_list[role->index] = role;
    return role;
}

static void forget_eased(struct alloc *a, struct alloc_role *role)
{
    if (!role->is_eased) {
        return;
    }
    role->is_eased = false;
    uint32_t at = 0;
    while (a->eased[at] != role) {
        at++;
    }
    a->eased[at] = a->eased[--a->eased_count];
}

static void free_role(struct alloc *a, struct alloc_role *role)
{
    ASSERT(!role->tree.is_listed && !role->self.is_listed);
    forget_eased(a, role);
    a->role_list[role->index] = NULL;
    drf_table_set(&a->role_nodes, role->tree.id, NULL);
    drf_table_set(&a->role_nodes, role->self.id, NULL);
    alloc_ids_give_back(&a->role_ids, role->index);
    /* Offers of the last batch may still point to the name. */
    alloc_bury_name(a, (char *)role->name.data);
    free((char *)role->self.name.data);
    drf_node_deinit(&role->tree);
    drf_node_deinit(&role->self);
    drf_order_deinit(&role->order);
    drf_order_deinit(&role->clients);
    quantities_deinit(&role->guarantees);
    resource_limits_deinit(&role->limits);
    quantities_deinit(&role->used);
    quantities_deinit(&role->reserved);
    quantities_deinit(&role->unsatisfied);
    alloc_kinds_deinit(&role->kinds);
    free(role);
}

struct alloc_role *alloc_role_get(struct alloc *a, struct slice name)
{
    struct alloc_role *role = alloc_role_find(a, name);
    if (role != NULL) {
        return role;
    }
    struct alloc_role *parent = a->root;
    for (size_t i = 1; i <= name.size; i++) {
        if (i != name.size && name.data[i] != '/') {
            continue;
        }
        struct slice path = slice_make(name.data, i);
        role = alloc_role_find(a, path);
        if (role == NULL) {
            role = new_role(a, path, parent);
            parent->child_count++;
            map_add(&a->roles, &role->link);
        }
        parent = role;
    }
    ASSERT(role != NULL);
    return role;
}

static bool is_kept(const struct alloc_role *role)
{
    return role->child_count != 0 || role->client_count != 0 || role->has_quota ||
           role->tree.weight_milli != DRF_WEIGHT_ONE || !quantities_is_empty(&role->reserved);
}

void alloc_role_tidy(struct alloc *a, struct alloc_role *role)
{
    while (role->parent != NULL && !is_kept(role)) {
        struct alloc_role *parent = role->parent;
        parent->child_count--;
        map_remove(&a->roles, &role->link);
        free_role(a, role);
        role = parent;
    }
}

void alloc_role_init_root(struct alloc *a)
{
    a->root = new_role(a, SLICE(""), NULL);
}

void alloc_role_deinit_all(struct alloc *a)
{
    for (uint32_t i = 0; i < a->role_ids.next; i++) {
        struct alloc_role *role = a->role_list[i];
        if (role != NULL) {
            role->tree.is_listed = false;
            role->self.is_listed = false;
            free_role(a, role);
        }
    }
    free(a->role_list);
    alloc_ids_deinit(&a->role_ids);
    drf_table_deinit(&a->role_nodes);
}

/* --- quota --- */

/* Lists the role among the unsatisfied ones, or not. */
static void list_unsatisfied(struct alloc *a, struct alloc_role *role)
{
    bool is_unsatisfied = role->clients.count != 0 && !quantities_is_empty(&role->unsatisfied);
    if (is_unsatisfied == role->is_unsatisfied) {
        return;
    }
    role->is_unsatisfied = is_unsatisfied;
    if (is_unsatisfied) {
        ALLOC_ROOM_FOR_ONE(a->unsatisfied, a->unsatisfied_count, a->unsatisfied_capacity);
        role->unsatisfied_place = a->unsatisfied_count;
        a->unsatisfied[a->unsatisfied_count++] = role;
    } else {
        struct alloc_role *last = a->unsatisfied[--a->unsatisfied_count];
        a->unsatisfied[role->unsatisfied_place] = last;
        last->unsatisfied_place = role->unsatisfied_place;
    }
}

/* Its limits leave more room than before: what its clients could not have, they may now. */
static void ease(struct alloc *a, struct alloc_role *role)
{
    if (role->has_limits && !role->is_eased) {
        role->is_eased = true;
        ALLOC_ROOM_FOR_ONE(a->eased, a->eased_count, a->eased_capacity);
        a->eased[a->eased_count++] = role;
    }
}

void alloc_role_settle_eased(struct alloc *a)
{
    for (uint32_t i = 0; i < a->eased_count; i++) {
        struct alloc_role *role = a->eased[i];
        role->is_eased = false;
        for (uint32_t j = 0; j < role->clients.count; j++) {
            struct drf_node *node = a->client_nodes.nodes[role->clients.ids[j]];
            alloc_client_doubt(a, CONTAINER_OF(node, struct alloc_client, node));
        }
    }
    a->eased_count = 0;
}

/* After a change of guarantees, used or reserved. Headroom is required for top level roles only:
 * others cannot have quota (facts/state_machines.md, 10). */
static void refresh_unsatisfied(struct alloc *a, struct alloc_role *role)
{
    if (!role->has_guarantees && quantities_is_empty(&role->unsatisfied)) {
        return;
    }
    bool is_top = role->parent == a->root;
    if (is_top) {
        quantities_subtract(&a->headroom_required, &role->unsatisfied);
    }
    quantities_clear(&role->unsatisfied);
    quantities_add(&role->unsatisfied, &role->guarantees);
    quantities_subtract(&role->unsatisfied, &role->used);
    quantities_subtract(&role->unsatisfied, &role->reserved);
    if (is_top) {
        quantities_add(&a->headroom_required, &role->unsatisfied);
    }
    list_unsatisfied(a, role);
}

void alloc_role_set_quota(struct alloc *a, struct alloc_role *role,
                          const struct quantities *guarantees, const struct resource_limits *limits)
{
    bool had_quota = role->has_quota;
    ease(a, role);
    quantities_deinit(&role->guarantees);
    resource_limits_deinit(&role->limits);
    quantities_copy(guarantees, &role->guarantees);
    resource_limits_copy(limits, &role->limits);
    role->has_guarantees = !quantities_is_empty(guarantees);
    role->has_limits = !resource_limits_is_empty(limits);
    role->has_quota = role->has_guarantees || role->has_limits;
    a->quota_count = a->quota_count - had_quota + role->has_quota;
    refresh_unsatisfied(a, role);
}

void alloc_role_measure_headroom(struct alloc *a)
{
    memset(a->headroom_extra, 0, sizeof(a->headroom_extra));
    for (uint32_t i = 0; a->quota_count != 0 && i < a->role_ids.next; i++) {
        const struct alloc_role *role = a->role_list[i];
        if (role == NULL || role->parent != a->root || role->active_count == 0) {
            continue;
        }
        for (int name = 0; name < RESOURCE_NAMES_COMMON; name++) {
            a->headroom_extra[name] = MAX(a->headroom_extra[name], role->unsatisfied.common[name]);
        }
    }
}

void alloc_role_room(const struct alloc_role *role, struct resource_limits *ret_room)
{
    resource_limits_copy(&role->limits, ret_room);
    resource_limits_subtract(ret_room, &role->used);
    resource_limits_subtract(ret_room, &role->reserved);
}

bool alloc_role_may_use(const struct alloc_role *role, const struct resource_kind *kind)
{
    if (kind->reservation_count == 0) {
        return true;
    }
    /* Reservations are for the role and all below it. */
    struct slice owner = kind->reservations[kind->reservation_count - 1].role;
    return role_is_within(role->name, owner);
}

/* --- books --- */

void alloc_role_amounts_deinit(struct alloc_role_amounts *amounts)
{
    quantities_deinit(&amounts->all);
    quantities_deinit(&amounts->quota);
}

void alloc_role_add(struct alloc *a, struct alloc_role *role,
                    const struct alloc_role_amounts *amounts, bool is_grant)
{
    quantities_add(&role->self.allocated, &amounts->all);
    role->self.grants += is_grant;
    drf_order_touch(&role->order, &role->self);
    for (; role->parent != NULL; role = role->parent) {
        quantities_add(&role->tree.allocated, &amounts->all);
        role->tree.grants += is_grant;
        drf_order_touch(&role->parent->order, &role->tree);
        quantities_add(&role->used, &amounts->quota);
        refresh_unsatisfied(a, role);
    }
}

void alloc_role_subtract(struct alloc *a, struct alloc_role *role,
                         const struct alloc_role_amounts *amounts)
{
    quantities_subtract(&role->self.allocated, &amounts->all);
    drf_order_touch(&role->order, &role->self);
    for (; role->parent != NULL; role = role->parent) {
        quantities_subtract(&role->tree.allocated, &amounts->all);
        drf_order_touch(&role->parent->order, &role->tree);
        ease(a, role);
        quantities_subtract(&role->used, &amounts->quota);
        refresh_unsatisfied(a, role);
    }
}

static bool is_counted_reservation(const struct resource *r)
{
    return resource_is_reserved(r) && r->kind->type == VALUE_SCALAR;
}

void alloc_role_add_reservations(struct alloc *a, const struct resources *total)
{
    for (uint32_t i = 0; i < total->count; i++) {
        const struct resource *r = &total->items[i];
        if (!is_counted_reservation(r)) {
            continue;
        }
        CLEANUP(quantities_deinit) struct quantities q = QUANTITIES_INIT;
        quantities_add_resource(&q, r, a->names);
        struct alloc_role *role = alloc_role_get(a, resource_reservation_role(r));
        for (; role->parent != NULL; role = role->parent) {
            quantities_add(&role->reserved, &q);
            refresh_unsatisfied(a, role);
        }
    }
}

void alloc_role_subtract_reservations(struct alloc *a, const struct resources *total)
{
    for (uint32_t i = 0; i < total->count; i++) {
        const struct resource *r = &total->items[i];
        if (!is_counted_reservation(r)) {
            continue;
        }
        CLEANUP(quantities_deinit) struct quantities q = QUANTITIES_INIT;
        quantities_add_resource(&q, r, a->names);
        struct alloc_role *owner = alloc_role_find(a, resource_reservation_role(r));
        ASSERT(owner != NULL);
        for (struct alloc_role *role = owner; role->parent != NULL; role = role->parent) {
            ease(a, role);
            quantities_subtract(&role->reserved, &q);
            refresh_unsatisfied(a, role);
        }
        alloc_role_tidy(a, owner);
    }
}

/* --- fairness --- */

void alloc_role_set_weight(struct alloc *a, struct alloc_role *role, int64_t weight_milli)
{
    role->tree.weight_milli = MAX(weight_milli, 1);
    drf_order_touch(&role->parent->order, &role->tree);
    a->is_random_stale = true;
}

void alloc_role_activated(struct alloc *a, struct alloc_role *role)
{
    a->is_random_stale = true;
    list_unsatisfied(a, role);
    if (role->clients.count == 1) {
        drf_order_add(&role->order, &role->self);
    }
    for (; role->parent != NULL; role = role->parent) {
        if (role->active_count++ == 0) {
            drf_order_add(&role->parent->order, &role->tree);
            role->parent->listed_children++;
        }
    }
    a->active_count++;
}

void alloc_role_deactivated(struct alloc *a, struct alloc_role *role)
{
    a->is_random_stale = true;
    list_unsatisfied(a, role);
    if (role->clients.count == 0) {
        drf_order_remove(&role->order, &a->role_nodes, &role->self);
    }
    for (; role->parent != NULL; role = role->parent) {
        if (--role->active_count == 0) {
            drf_order_remove(&role->parent->order, &a->role_nodes, &role->tree);
            role->parent->listed_children--;
        }
    }
    a->active_count--;
}
