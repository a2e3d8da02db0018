#include "master/registry_gc.h"

#include "common/xalloc.h"
#include "master/master_state.h"
#include "master/pending.h"
#include "master/tasks_lost.h"
#include "master/unreachable.h"

struct victims {
    struct blob **ids; /* heap, references */
    size_t count;
};

/* The oldest beyond the count, and all beyond the age; each list for itself. Those that are being
 * marked gone stay: whoever asked for that is told that it was done. */
static void choose(const struct master *master, const struct list *list, size_t count,
                   struct victims *victims)
{
    size_t left = count;
    struct departed *departed;
    LIST_FOR_EACH (departed, list, link) {
        bool too_many = left > master->options.registry_max_agent_count;
        bool too_old =
            master->now.wall_ns - departed->time_ns > master->options.registry_max_agent_age_ns;
        if ((too_many || too_old) && !departed->busy) {
            victims->ids = xrealloc(victims->ids, victims->count + 1, sizeof(victims->ids[0]));
            victims->ids[victims->count++] = blob_ref(departed->id);
            left--;
        }
    }
}

void master_registry_gc(struct master *master)
{
    timers_set(&master->timers, &master->registry_gc_timer,
               time_add_ns(master->now.mono_ns, master->options.registry_gc_interval_ns));
    struct victims victims = {0};
    choose(master, &master->unreachable, master->unreachable_count, &victims);
    choose(master, &master->gone, master->gone_count, &victims);
    if (victims.count == 0) {
        return;
    }
    struct pending *pending = master_pending_ask(master, REGISTRY_PRUNE, NULL, NULL);
    struct registry_op *op =
        LIST_ENTRY(master->effects->registry.list.prev, struct registry_op, link);
    op->agent_ids = xcalloc(victims.count, sizeof(op->agent_ids[0]));
    for (size_t i = 0; i < victims.count; i++) {
        op->agent_ids[i] = blob_ref(victims.ids[i]);
    }
    op->agent_id_count = victims.count;
    pending->agent_ids = victims.ids;
    pending->agent_id_count = victims.count;
}

void master_registry_gc_done(struct master *master, const struct pending *pending)
{
    for (size_t i = 0; i < pending->agent_id_count; i++) {
        struct slice id = blob_slice(pending->agent_ids[i]);
        struct departed *departed = master_find_departed(master, id);
        if (departed != NULL) {
            /* Its tasks are not known any more (facts/observed.md, high availability 14). */
            master_tasks_lost_forget(master, departed);
            master_departed_remove(master, departed);
        }
    }
    master_log(master, LOG_LEVEL_INFO, "Forgot %zu unreachable and gone agents",
               pending->agent_id_count);
}
