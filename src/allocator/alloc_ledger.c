#include "allocator/alloc_ledger.h"

#include "allocator/alloc.h"

struct slice alloc_ledger_role(const struct resource *r)
{
    ASSERT(r->kind->has_allocation && r->kind->allocation_role.data != NULL);
    return r->kind->allocation_role;
}

/* --- shared resources count once: for a client, and for a role, on each agent --- */

static bool is_held_by_any(const struct alloc_agent *agent, const struct resource *r)
{
    for (uint32_t i = 0; i < agent->held_count; i++) {
        const struct alloc_held *held = agent->held[i];
        if (held->framework != NULL && resources_count_of(&held->resources, r) != 0) {
            return true;
        }
    }
    return false;
}

/* What an entry adds to the client and to the role; `held` is as it is without the entry. */
static void count_entry(struct alloc *a, const struct alloc_held *held, const struct resource *r,
                        struct quantities *client, struct alloc_role_amounts *role)
{
    const struct resource_kind *kind = r->kind;
    if (kind->type != VALUE_SCALAR) {
        return;
    }
    if (!kind->is_shared || resources_count_of(&held->resources, r) == 0) {
        quantities_add_resource(client, r, a->names);
    }
    if (kind->is_shared && is_held_by_any(held->agent, r)) {
        return;
    }
    quantities_add_resource(&role->all, r, a->names);
    if (kind->reservation_count == 0 && !kind->is_revocable) {
        quantities_add_resource(&role->quota, r, a->names);
    }
}

/* --- books of clients and roles, role by role --- */

enum entry { ENTRY_ADD, ENTRY_GRANT, ENTRY_SUBTRACT };

static void enter_amounts(struct alloc *a, struct alloc_client *client,
                          const struct quantities *sum, const struct alloc_role_amounts *amounts,
                          enum entry entry)
{
    switch (entry) {
    case ENTRY_ADD:
    case ENTRY_GRANT:
        quantities_add(&client->node.allocated, sum);
        client->node.grants += entry == ENTRY_GRANT;
        alloc_role_add(a, client->role, amounts, entry == ENTRY_GRANT);
        break;
    case ENTRY_SUBTRACT:
        quantities_subtract(&client->node.allocated, sum);
        alloc_role_subtract(a, client->role, amounts);
        break;
    }
    drf_order_touch(&client->role->clients, &client->node);
}

/* Entries of r from `first` on that are allocated to the same role as that. */
static void enter_role(struct alloc *a, const struct alloc_held *held, const struct resources *r,
                       uint32_t first, enum entry entry)
{
    struct slice name = alloc_ledger_role(&r->items[first]);
    CLEANUP(quantities_deinit) struct quantities sum = QUANTITIES_INIT;
    CLEANUP(alloc_role_amounts_deinit) struct alloc_role_amounts amounts = {0};
    for (uint32_t i = first; i < r->count; i++) {
        if (i == first || slice_equal(alloc_ledger_role(&r->items[i]), name)) {
            count_entry(a, held, &r->items[i], &sum, &amounts);
        }
    }
    struct alloc_role *role = alloc_role_get(a, name);
    struct alloc_client *client = alloc_client_get(a, held->framework, role);
    enter_amounts(a, client, &sum, &amounts, entry);
}

static bool is_first_of_role(const struct resources *r, uint32_t at)
{
    struct slice name = alloc_ledger_role(&r->items[at]);
    for (uint32_t i = 0; i < at; i++) {
        if (slice_equal(alloc_ledger_role(&r->items[i]), name)) {
            return false;
        }
    }
    return true;
}

/* `held` is as it is without r. */
static void enter(struct alloc *a, const struct alloc_held *held, const struct resources *r,
                  enum entry entry)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (is_first_of_role(r, i)) {
            enter_role(a, held, r, i, entry);
        }
    }
}

/* Clients that were there only for what is released may go. */
static void tidy(struct alloc *a, struct alloc_framework *framework, const struct resources *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (!is_first_of_role(r, i)) {
            continue;
        }
        struct alloc_role *role = alloc_role_find(a, alloc_ledger_role(&r->items[i]));
        struct alloc_client *client = role != NULL ? alloc_client_find(framework, role) : NULL;
        if (client != NULL) {
            alloc_client_tidy(a, client);
        }
    }
}

/* --- moves --- */

void alloc_ledger_hold(struct alloc *a, struct alloc_agent *agent, uint32_t framework_id,
                       const struct resources *r, bool is_grant)
{
    if (resources_is_empty(r)) {
        return;
    }
    struct alloc_held *held = alloc_agent_held(agent, framework_id);
    if (held == NULL) {
        held = alloc_agent_add_held(a, agent, framework_id);
    }
    if (held->framework != NULL) {
        enter(a, held, r, is_grant ? ENTRY_GRANT : ENTRY_ADD);
    }
    resources_add(&held->resources, r);
}

void alloc_ledger_grant(struct alloc *a, struct alloc_agent *agent, struct alloc_client *client,
                        const struct resources *r)
{
    struct alloc_held *held = alloc_agent_held(agent, client->framework->id);
    if (held == NULL) {
        held = alloc_agent_add_held(a, agent, client->framework->id);
    }
    CLEANUP(quantities_deinit) struct quantities sum = QUANTITIES_INIT;
    CLEANUP(alloc_role_amounts_deinit) struct alloc_role_amounts amounts = {0};
    for (uint32_t i = 0; i < r->count; i++) {
        count_entry(a, held, &r->items[i], &sum, &amounts);
    }
    enter_amounts(a, client, &sum, &amounts, ENTRY_GRANT);
    resources_add(&held->resources, r);
}

/* Amounts always add up. Numbers and items do not where an agent came back with a total that has
 * what is in use, and it was taken twice: in one range or set it is there once. */
static void check_held(const struct alloc_held *held, const struct resources *r)
{
    if (resources_contain(&held->resources, r)) {
        return;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        ASSERT(r->items[i].kind->type != VALUE_SCALAR ||
               resources_contain_one(&held->resources, &r->items[i]));
    }
}

void alloc_ledger_release(struct alloc *a, struct alloc_held *held, const struct resources *r)
{
    check_held(held, r);
    struct alloc_framework *framework = held->framework;
    resources_subtract(&held->resources, r);
    if (framework != NULL) {
        enter(a, held, r, ENTRY_SUBTRACT);
    }
    if (resources_is_empty(&held->resources)) {
        alloc_agent_remove_held(held->agent, held);
    }
    if (framework != NULL) {
        tidy(a, framework, r);
    }
}

void alloc_ledger_adopt(struct alloc *a, struct alloc_framework *framework)
{
    struct list *link;
    while ((link = list_pop_front(alloc_framework_orphans(a, framework->id))) != NULL) {
        struct alloc_held *held = LIST_ENTRY(link, struct alloc_held, of_framework);
        struct resources r = resources_take(&held->resources);
        held->framework = framework;
        list_push_back(&framework->held, &held->of_framework);
        enter(a, held, &r, ENTRY_GRANT);
        held->resources = r;
    }
}

static void release_whole(struct alloc *a, struct alloc_held *held)
{
    CLEANUP(resources_deinit) struct resources all = RESOURCES_INIT;
    resources_copy(&held->resources, &all);
    alloc_ledger_release(a, held, &all);
}

void alloc_ledger_release_framework(struct alloc *a, struct alloc_framework *framework)
{
    while (!list_is_empty(&framework->held)) {
        struct alloc_held *held = LIST_ENTRY(framework->held.next, struct alloc_held, of_framework);
        struct alloc_agent *agent = held->agent;
        release_whole(a, held);
        alloc_agent_recompute(a, agent);
    }
}

void alloc_ledger_release_agent(struct alloc *a, struct alloc_agent *agent)
{
    while (agent->held_count != 0) {
        release_whole(a, agent->held[agent->held_count - 1]);
    }
}
