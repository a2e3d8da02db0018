#include "agent/gc.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "common/xalloc.h"

#define PPM INT64_C(1000000)

static struct slice entry_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct gc_entry, by_path)->path);
}

void gc_init(struct gc *gc, int64_t gc_delay_ns, uint64_t seed)
{
    *gc = (struct gc){.age_max_ns = gc_delay_ns};
    map_init(&gc->entries, entry_key, seed);
    list_init(&gc->waiting);
    list_init(&gc->removing);
}

static void entry_free(struct gc *gc, struct gc_entry *entry)
{
    map_remove(&gc->entries, &entry->by_path);
    list_remove(&entry->link);
    free(entry->path);
    free(entry->root);
    free(entry);
}

void gc_deinit(struct gc *gc)
{
    struct gc_entry *entry;
    LIST_FOR_EACH (entry, &gc->waiting, link) {
        entry_free(gc, entry);
    }
    LIST_FOR_EACH (entry, &gc->removing, link) {
        entry_free(gc, entry);
    }
    map_deinit(&gc->entries);
}

static void set_timer(struct agent *agent)
{
    struct gc *gc = &agent->gc;
    if (list_is_empty(&gc->waiting)) {
        timers_cancel(&agent->timers, &agent->gc_timer);
        return;
    }
    const struct gc_entry *oldest = LIST_ENTRY(gc->waiting.next, struct gc_entry, link);
    int64_t age_ns = MAX(agent->now.wall_ns - oldest->ended_ns, 0);
    int64_t left_ns = MAX(agent->setup.config.gc_delay_ns - age_ns, 0);
    timers_set(&agent->timers, &agent->gc_timer, time_add_ns(agent->now.mono_ns, left_ns));
}

/* Newest last: most come in order, so the place is found from the end. */
static void insert(struct gc *gc, struct gc_entry *entry)
{
    struct list *at = &gc->waiting;
    while (at->prev != &gc->waiting &&
           LIST_ENTRY(at->prev, struct gc_entry, link)->ended_ns > entry->ended_ns) {
        at = at->prev;
    }
    list_insert_before(at, &entry->link);
}

void gc_schedule_below(struct agent *agent, const char *root, const char *path, int64_t ended_ns)
{
    struct gc *gc = &agent->gc;
    struct map_link *link = map_find(&gc->entries, slice_from(path));
    struct gc_entry *entry;
    if (link != NULL) {
        entry = CONTAINER_OF(link, struct gc_entry, by_path);
        if (entry->token != 0) {
            return; /* it goes right now */
        }
        list_remove(&entry->link);
    } else {
        entry = xalloc(sizeof(*entry));
        entry->path = xstrdup(path);
        entry->root = root != NULL ? xstrdup(root) : NULL;
        map_add(&gc->entries, &entry->by_path);
    }
    entry->ended_ns = ended_ns;
    insert(gc, entry);
    set_timer(agent);
}

void gc_schedule(struct agent *agent, const char *path, int64_t ended_ns)
{
    gc_schedule_below(agent, NULL, path, ended_ns);
}

bool gc_is_scheduled(const struct agent *agent, const char *path)
{
    return map_find(&agent->gc.entries, slice_from(path)) != NULL;
}

void gc_unschedule(struct agent *agent, const char *path)
{
    struct map_link *link = map_find(&agent->gc.entries, slice_from(path));
    if (link != NULL) {
        struct gc_entry *entry = CONTAINER_OF(link, struct gc_entry, by_path);
        if (entry->token == 0) {
            entry_free(&agent->gc, entry);
            set_timer(agent);
        }
    }
}

static void remove_older(struct agent *agent, int64_t age_ns)
{
    struct gc *gc = &agent->gc;
    struct gc_entry *entry;
    LIST_FOR_EACH (entry, &gc->waiting, link) {
        if (agent->now.wall_ns - entry->ended_ns < age_ns) {
            break;
        }
        list_remove(&entry->link);
        list_push_back(&gc->removing, &entry->link);
        entry->token = gate_token(&agent->gate);
        struct store_op *op = store_remove(&agent->effects->store, entry->token, entry->path);
        op->root = entry->root != NULL ? xstrdup(entry->root) : NULL;
        op->durable = false;
    }
    set_timer(agent);
}

void gc_timer(struct agent *agent)
{
    remove_older(agent, agent->setup.config.gc_delay_ns);
}

void gc_disk_usage(struct agent *agent, int64_t usage_ppm)
{
    const struct agent_config *config = &agent->setup.config;
    if (usage_ppm >= 0) {
        int64_t part_ppm = MAX(PPM - config->gc_disk_headroom_ppm - usage_ppm, 0);
        agent->gc.age_max_ns = (int64_t)((__int128)config->gc_delay_ns * part_ppm / PPM);
        remove_older(agent, agent->gc.age_max_ns);
    }
    timers_set(&agent->timers, &agent->disk_timer,
               time_add_ns(agent->now.mono_ns, config->disk_watch_interval_ns));
}

bool gc_removed(struct agent *agent, uint64_t token, int status)
{
    struct gc_entry *entry;
    LIST_FOR_EACH (entry, &agent->gc.removing, link) {
        if (entry->token != token) {
            continue;
        }
        if (status == 0) {
            metric_add(agent->gauges.path_removals_succeeded, 1);
        } else {
            metric_add(agent->gauges.path_removals_failed, 1);
            agent_log(agent, LOG_LEVEL_WARNING, "'%s' cannot be removed: %s", entry->path,
                      strerror(-status));
        }
        entry_free(&agent->gc, entry);
        return true;
    }
    return false;
}
