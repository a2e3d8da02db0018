#include "allocator/alloc_client.h"

#include <stdlib.h>

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

static void set_active_bit(struct alloc *a, uint32_t id, bool is_active)
{
    uint32_t word = id / 64;
    if (word >= a->active_words) {
        uint32_t words = MAX(word + 1, a->active_words * 2);
        a->active = xrealloc(a->active, words, sizeof(uint64_t));
        memset(&a->active[a->active_words], 0, (words - a->active_words) * sizeof(uint64_t));
        a->active_words = words;
    }
    uint64_t bit = UINT64_C(1) << id % 64;
    a->active[word] = is_active ? a->active[word] | bit : a->active[word] & ~bit;
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
    set_active_bit(a, client->node.id, is_active);
    if (is_active) {
        drf_order_add(&client->role->clients, &client->node);
        alloc_role_activated(a, client->role);
        alloc_client_reconsider(a, client);
    } else {
        drf_order_remove(&client->role->clients, &a->client_nodes, &client->node);
        alloc_role_deactivated(a, client->role);
    }
}

void alloc_client_reconsider(struct alloc *a, struct alloc_client *client)
{
    if (client->may_be_refused) {
        client->may_be_refused = false;
        for (uint32_t i = 0; i < a->agent_capacity; i++) {
            if (a->agents[i] != NULL) {
                alloc_agent_forget_refusal(a->agents[i], client->node.id);
            }
        }
    }
    if (client->is_active) {
        alloc_free_wake_all(&a->free);
    }
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
    /* The id will be another's. */
    alloc_client_reconsider(a, client);
    drf_table_set(&a->client_nodes, client->node.id, NULL);
    alloc_ids_give_back(&a->client_ids, client->node.id);
    for (uint32_t i = 0; i < framework->client_count; i++) {
        if (framework->clients[i] == client) {
            framework->clients[i] = framework->clients[--framework->client_count];
            break;
        }
    }
    alloc_minimum_deinit(&client->minimum);
    drf_node_deinit(&client->node);
    free(client);
    role->client_count--;
    alloc_role_tidy(a, role);
}
