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
    }
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
        map_add(&usage->map, &entry->by_role);
        list_push_back(&usage->order, &entry->link);
    }
}

static void count_offers(struct master *master, struct role_usage *usage, const struct agent *agent)
{
    const struct offer *offer;
    LIST_FOR_EACH (offer, &agent->offers, of_agent) {
        struct role_usage_entry *entry =
            master_role_usage_find(usage, role_top(blob_slice(offer->record->role)));
        if (entry != NULL) {
            quantities_add_resources(&entry->offered, &offer->resources, &master->names);
        }
    }
}

void master_role_usage_count(struct master *master, struct role_usage *usage)
{
    struct role_usage_entry *entry;
    LIST_FOR_EACH (entry, &usage->order, link) {
        master_role_tally_consumed(&master->role_tally, entry->role, &entry->consumed);
    }
    const struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        count_offers(master, usage, agent);
    }
}
