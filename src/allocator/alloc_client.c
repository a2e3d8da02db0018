#include "allocator/alloc_client.h"

#include <stdlib.h>
#include <string.h>

#include "allocator/alloc.h"
#include "allocator/alloc_array.h"

/* --- what an offer must contain --- */

void alloc_minimum_deinit(struct alloc_minimum *minimum)
{
    for (size_t i = 0; i < minimum->count; i++) {
        quantities_deinit(&minimum->items[i]);
    }
    free(minimum->items);
    *minimum = (struct alloc_minimum){0};
}

void alloc_minimum_set(struct alloc_minimum *minimum, const struct quantities *items, size_t count)
{
    alloc_minimum_deinit(minimum);
    if (count == 0) {
        return;
    }
    minimum->items = xcalloc(count, sizeof(minimum->items[0]));
    minimum->count = count;
    for (size_t i = 0; i < count; i++) {
        quantities_copy(&items[i], &minimum->items[i]);
        minimum->has_extra |= items[i].extra.count != 0;
    }
}

bool alloc_minimum_is_near(const struct alloc_minimum *minimum,
                           const int64_t bounds[RESOURCE_NAMES_COMMON])
{
    for (size_t i = 0; i < minimum->count; i++) {
        const int64_t *wanted = minimum->items[i].common;
        bool is_near = true;
        for (int name = 0; name < RESOURCE_NAMES_COMMON; name++) {
            is_near = is_near && wanted[name] <= bounds[name];
        }
        if (is_near) {
            return true;
        }
    }
    return minimum->count == 0;
}

bool alloc_minimum_is_met(const struct alloc_minimum *minimum, const struct resources *r,
                          struct resource_names *names)
{
    for (size_t i = 0; i < minimum->count; i++) {
        if (resources_contain_quantities(r, &minimum->items[i], names)) {
            return true;
        }
    }
    return minimum->count == 0;
}

/* --- clients --- */

struct alloc_client *alloc_client_find(const struct alloc_framework *framework,
                                       const struct alloc_role *role)
{
    for (uint32_t i = 0; i < framework->client_count; i++) {
        if (framework->clients[i]->role == role) {
            return framework->clients[i];
        }
    }
    return NULL;
}

static void make_words(struct alloc *a, uint32_t id)
{
    uint32_t word = id / 64;
    if (word < a->active_words) {
        return;
    }
    uint32_t words = MAX(word + 1, a->active_words * 2);
    size_t added_size = (words - a->active_words) * sizeof(uint64_t);
    a->active = xrealloc(a->active, words, sizeof(uint64_t));
    memset(&a->active[a->active_words], 0, added_size);
    a->doubted = xrealloc(a->doubted, words, sizeof(uint64_t));
    memset(&a->doubted[a->active_words], 0, added_size);
    a->active_words = words;
}

struct alloc_client *alloc_client_get(struct alloc *a, struct alloc_framework *framework,
                                      struct alloc_role *role)
{
    struct alloc_client *client = alloc_client_find(framework, role);
    if (client != NULL) {
        return client;
    }
    client = xalloc(sizeof(*client));
    drf_node_init(&client->node);
    client->node.id = alloc_ids_take(&a->client_ids);
    client->node.number = framework->id;
    drf_table_set(&a->client_nodes, client->node.id, &client->node);
    make_words(a, client->node.id);
    client->framework = framework;
    client->role = role;
    role->client_count++;
    list_init(&client->filters);
    ALLOC_ROOM_FOR_ONE(framework->clients, framework->client_count, framework->client_capacity);
    framework->clients[framework->client_count++] = client;
    return client;
}

void alloc_client_refresh(struct alloc *a, struct alloc_client *client)
{
    bool is_active =
        client->is_subscribed && !client->is_suppressed && client->framework->is_active;
    if (is_active == client->is_active) {
        return;
    }
    client->is_active = is_active;
    a->active[client->node.id / 64] ^= UINT64_C(1) << client->node.id % 64;
    if (is_active) {
        drf_order_add(&client->role->clients, &client->node);
        alloc_role_activated(a, client->role);
        alloc_client_doubt(a, client);
        /* Agents that it has not seen sleep as well. */
        alloc_free_wake_all(&a->free);
    } else {
        drf_order_remove(&client->role->clients, &a->client_nodes, &client->node);
        alloc_role_deactivated(a, client->role);
    }
}

void alloc_client_set_minimum(struct alloc *a, struct alloc_client *client,
                              const struct allocator_offer_filter *filter)
{
    a->own_minimum_count -= client->has_minimum;
    alloc_minimum_deinit(&client->minimum);
    client->has_minimum = filter != NULL;
    if (filter != NULL) {
        alloc_minimum_set(&client->minimum, filter->min_allocatable, filter->count);
        a->own_minimum_count++;
    }
}

void alloc_client_doubt(struct alloc *a, struct alloc_client *client)
{
    /* Where headroom left too little for what it wanted then, no refusal was noted. */
    alloc_headroom_eased(a);
    if (client->may_be_refused) {
        client->may_be_refused = false;
        a->doubted[client->node.id / 64] |= UINT64_C(1) << client->node.id % 64;
        a->has_doubted = true;
    }
}

void alloc_client_settle_doubts(struct alloc *a)
{
    alloc_role_settle_eased(a);
    if (!a->has_doubted) {
        return;
    }
    a->has_doubted = false;
    for (uint32_t i = 0; i < a->agent_capacity; i++) {
        struct alloc_agent *agent = a->agents[i];
        if (agent != NULL && alloc_agent_forget_refusals_of(agent, a->doubted, a->active_words) &&
            agent->free_place != ALLOC_AGENT_NOT_FREE) {
            alloc_free_wake(&a->free, agent);
        }
    }
    memset(a->doubted, 0, a->active_words * sizeof(uint64_t));
}

static bool holds_something(const struct alloc_client *client)
{
    struct alloc_held *held;
    LIST_FOR_EACH (held, &client->framework->held, of_framework) {
        for (uint32_t i = 0; i < held->resources.count; i++) {
            if (slice_equal(alloc_ledger_role(&held->resources.items[i]), client->role->name)) {
                return true;
            }
        }
    }
    return false;
}

void alloc_client_tidy(struct alloc *a, struct alloc_client *client)
{
    if (client->is_subscribed || holds_something(client)) {
        return;
    }
    struct alloc_framework *framework = client->framework;
    struct alloc_role *role = client->role;
    alloc_filter_drop_client(a, client);
    alloc_client_refresh(a, client);
    alloc_client_set_minimum(a, client, NULL);
    alloc_client_doubt(a, client); /* the id will be another's */
    drf_table_set(&a->client_nodes, client->node.id, NULL);
    alloc_ids_give_back(&a->client_ids, client->node.id);
    for (uint32_t i = 0; i < framework->client_count; i++) {
        if (framework->clients[i] == client) {
            framework->clients[i] = framework->clients[--framework->client_count];
            break;
        }
    }
    drf_node_deinit(&client->node);
    free(client);
    role->client_count--;
    alloc_role_tidy(a, role);
}
