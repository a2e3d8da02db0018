#include "master/role_usage.h"

#include "master/master_state.h"
#include "resources/roles.h"

static struct slice entry_key(const struct map_link *link)
{
    return CONTAINER_OF(link, struct role_usage_entry, by_role)->role;
}

void master_role_usage_init(struct role_usage *usage)
{
    *usage = (struct role_usage){0};
    arena_init(&usage->arena, 0);
    map_init(&usage->map, entry_key, 0); /* operators choose the keys */
    list_init(&usage->order);
}

void master_role_usage_deinit(struct role_usage *usage)
{
    struct role_usage_entry *entry;
    LIST_FOR_EACH (entry, &usage->order, link) {
        quantities_deinit(&entry->consumed);
        quantities_deinit(&entry->offered);
        quantities_deinit(&entry->reserved);
        quantities_deinit(&entry->reserved_used);
    }
    quantities_deinit(&usage->capacity);
    map_deinit(&usage->map);
    arena_deinit(&usage->arena);
}

struct role_usage_entry *master_role_usage_find(const struct role_usage *usage, struct slice role)
{
    struct map_link *link = map_find(&usage->map, role);
    return link != NULL ? CONTAINER_OF(link, struct role_usage_entry, by_role) : NULL;
}

void master_role_usage_add(struct role_usage *usage, struct slice role)
{
    if (master_role_usage_find(usage, role) == NULL) {
        struct role_usage_entry *entry = ARENA_NEW(&usage->arena, struct role_usage_entry);
        entry->role = role;
        list_init(&entry->touched);
        map_add(&usage->map, &entry->by_role);
        list_push_back(&usage->order, &entry->link);
    }
}

/* --- one agent --- */

struct counting {
    struct role_usage *usage;
    struct resource_names *names;
    struct list touched; /* struct role_usage_entry.touched */
};

static void touch(struct counting *c, struct role_usage_entry *entry)
{
    if (list_is_empty(&entry->touched)) {
        list_push_back(&c->touched, &entry->touched);
    }
}

static struct role_usage_entry *entry_of(const struct counting *c, struct slice role)
{
    return master_role_usage_find(c->usage, role_top(role));
}

static struct role_usage_entry *entry_of_reservation(const struct counting *c,
                                                     const struct resource *one)
{
    return resource_is_reserved(one) ? entry_of(c, resource_reservation_role(one)) : NULL;
}

static void count_total(struct counting *c, const struct resources *total)
{
    for (uint32_t i = 0; i < total->count; i++) {
        const struct resource *one = &total->items[i];
        struct role_usage_entry *entry = entry_of_reservation(c, one);
        if (entry != NULL) {
            quantities_add_resource(&entry->reserved, one, c->names);
            touch(c, entry);
        }
        if (!one->kind->is_revocable && one->kind->type == VALUE_SCALAR) {
            quantities_add_resource(&c->usage->capacity, one, c->names);
        }
    }
}

static void count_used(struct counting *c, const struct resources *used)
{
    for (uint32_t i = 0; i < used->count; i++) {
        const struct resource *one = &used->items[i];
        struct role_usage_entry *entry = entry_of(c, one->kind->allocation_role);
        if (entry != NULL) {
            quantities_add_resource(&entry->consumed, one, c->names);
        }
        entry = entry_of_reservation(c, one);
        if (entry != NULL) {
            quantities_add_resource(&entry->reserved_used, one, c->names);
            touch(c, entry);
        }
    }
}

static void count_agent(struct counting *c, const struct agent *agent)
{
    count_total(c, &agent->total);
    const struct task *task;
    LIST_FOR_EACH (task, &agent->tasks, of_agent) {
        count_used(c, &task->resources);
    }
    const struct executor *executor;
    LIST_FOR_EACH (executor, &agent->executors, of_agent) {
        count_used(c, &executor->resources);
    }
    const struct offer *offer;
    LIST_FOR_EACH (offer, &agent->offers, of_agent) {
        struct role_usage_entry *entry = entry_of(c, blob_slice(offer->record->role));
        if (entry != NULL) {
            quantities_add_resources(&entry->offered, &offer->resources, c->names);
        }
    }
    struct role_usage_entry *entry;
    LIST_FOR_EACH (entry, &c->touched, touched) {
        list_remove(&entry->touched);
        quantities_subtract(&entry->reserved, &entry->reserved_used);
        quantities_add(&entry->consumed, &entry->reserved);
        quantities_clear(&entry->reserved);
        quantities_clear(&entry->reserved_used);
    }
}

void master_role_usage_count(struct master *master, struct role_usage *usage)
{
    struct counting c = {.usage = usage, .names = &master->names};
    list_init(&c.touched);
    const struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        count_agent(&c, agent);
    }
}
