#include "allocator/alloc_framework.h"

#include <stdlib.h>

#include "allocator/alloc.h"

struct alloc_framework *alloc_framework_find(const struct alloc *a, uint32_t id)
{
    return id < a->framework_capacity ? a->frameworks[id] : NULL;
}

static bool is_listed(const char *const *names, struct slice name)
{
    for (; names != NULL && *names != NULL; names++) {
        if (slice_is(name, *names)) {
            return true;
        }
    }
    return false;
}

static void set_minimum(struct alloc *a, struct alloc_client *client,
                        const struct allocator_framework *info)
{
    alloc_client_set_minimum(a, client, NULL);
    for (size_t i = 0; i < info->offer_filter_count; i++) {
        const struct allocator_offer_filter *filter = &info->offer_filters[i];
        if (slice_is(client->role->name, filter->role)) {
            alloc_client_set_minimum(a, client, filter);
        }
    }
}

static void suppress(struct alloc *a, struct alloc_client *client)
{
    client->is_suppressed = true;
    alloc_client_refresh(a, client);
}

/* Its filters go too, and so does what it refused of inverse offers (by the caller). */
static void revive(struct alloc *a, struct alloc_client *client)
{
    alloc_filter_drop_client(a, client);
    alloc_client_doubt(a, client);
    client->is_suppressed = false;
    alloc_client_refresh(a, client);
}

/* A role that it is, or is again, subscribed to. */
static void subscribe(struct alloc *a, struct alloc_framework *framework, struct slice name,
                      const struct allocator_framework *info)
{
    struct alloc_client *client = alloc_client_get(a, framework, alloc_role_get(a, name));
    bool is_suppressed = is_listed(info->suppressed_roles, name);
    if (!client->is_subscribed) {
        client->is_subscribed = true;
        client->is_suppressed = is_suppressed;
    } else if (is_suppressed && !client->is_suppressed) {
        suppress(a, client);
    } else if (!is_suppressed && client->is_suppressed) {
        alloc_inverse_forget(a, framework->id, false);
        revive(a, client);
    }
    set_minimum(a, client, info);
    alloc_client_doubt(a, client);
    alloc_client_refresh(a, client);
}

static void unsubscribe(struct alloc *a, struct alloc_client *client)
{
    client->is_subscribed = false;
    client->is_suppressed = false;
    alloc_filter_drop_client(a, client);
    alloc_client_refresh(a, client);
    alloc_client_tidy(a, client);
}

void alloc_framework_update(struct alloc *a, struct alloc_framework *framework,
                            const struct allocator_framework *info)
{
    framework->capabilities = info->capabilities;
    framework->constraint = info->constraint;
    framework->constraint_arg = info->constraint_arg;
    for (const char *const *name = info->roles; *name != NULL; name++) {
        subscribe(a, framework, slice_from(*name), info);
    }
    for (uint32_t i = framework->client_count; i > 0; i--) {
        struct alloc_client *client = framework->clients[i - 1];
        if (client->is_subscribed && !is_listed(info->roles, client->role->name)) {
            unsubscribe(a, client);
        }
    }
}

struct list *alloc_framework_orphans(struct alloc *a, uint32_t id)
{
    if (id >= a->orphan_capacity) {
        uint32_t capacity = MAX(MAX(64u, id + 1), a->orphan_capacity * 2);
        a->orphans = xrealloc(a->orphans, capacity, sizeof(struct list *));
        for (uint32_t i = a->orphan_capacity; i < capacity; i++) {
            a->orphans[i] = NULL;
        }
        a->orphan_capacity = capacity;
    }
    if (a->orphans[id] == NULL) {
        a->orphans[id] = xalloc(sizeof(struct list));
        list_init(a->orphans[id]);
    }
    return a->orphans[id];
}

struct alloc_framework *alloc_framework_new(struct alloc *a, uint32_t id,
                                            const struct allocator_framework *info)
{
    if (id >= a->framework_capacity) {
        uint32_t capacity = MAX(MAX(64u, id + 1), a->framework_capacity * 2);
        a->frameworks = xrealloc(a->frameworks, capacity, sizeof(struct alloc_framework *));
        for (uint32_t i = a->framework_capacity; i < capacity; i++) {
            a->frameworks[i] = NULL;
        }
        a->framework_capacity = capacity;
    }
    ASSERT(a->frameworks[id] == NULL);
    struct alloc_framework *framework = xalloc(sizeof(*framework));
    framework->id = id;
    framework->is_active = info->active;
    list_init(&framework->held);
    a->frameworks[id] = framework;
    alloc_framework_update(a, framework, info);
    return framework;
}

void alloc_framework_free(struct alloc *a, struct alloc_framework *framework)
{
    ASSERT(list_is_empty(&framework->held));
    while (framework->client_count != 0) {
        unsubscribe(a, framework->clients[framework->client_count - 1]);
    }
    a->frameworks[framework->id] = NULL;
    free(framework->clients);
    free(framework);
}

void alloc_framework_set_active(struct alloc *a, struct alloc_framework *framework, bool is_active)
{
    framework->is_active = is_active;
    for (uint32_t i = 0; i < framework->client_count; i++) {
        struct alloc_client *client = framework->clients[i];
        if (!is_active) {
            /* facts/observed.md, allocator 11 */
            alloc_filter_drop_client(a, client);
        }
        alloc_client_refresh(a, client);
    }
    if (!is_active) {
        alloc_inverse_forget(a, framework->id, false);
    }
}

void alloc_framework_suppress(struct alloc *a, struct alloc_framework *framework,
                              const char *const *roles)
{
    bool is_all = roles == NULL || *roles == NULL;
    for (uint32_t i = 0; i < framework->client_count; i++) {
        struct alloc_client *client = framework->clients[i];
        if (client->is_subscribed && (is_all || is_listed(roles, client->role->name))) {
            suppress(a, client);
        }
    }
}

void alloc_framework_revive(struct alloc *a, struct alloc_framework *framework,
                            const char *const *roles)
{
    bool is_all = roles == NULL || *roles == NULL;
    alloc_inverse_forget(a, framework->id, false);
    for (uint32_t i = 0; i < framework->client_count; i++) {
        struct alloc_client *client = framework->clients[i];
        if (client->is_subscribed && (is_all || is_listed(roles, client->role->name))) {
            revive(a, client);
        }
    }
}
