#include "master/recover.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/drain.h"
#include "master/master_state.h"
#include "master/pending.h"
#include "master/quota.h"
#include "master/unreachable.h"
#include "master/weights.h"

void master_recover_elected(struct master *master)
{
    if (master->role != MASTER_FOLLOWING) {
        return;
    }
    master->role = MASTER_RECOVERING;
    master->elected_ns = master->now.wall_ns;
    master_log(master, LOG_LEVEL_INFO, "Elected as the leading master");
    master_pending_ask(master, REGISTRY_RECOVER, NULL, blob_ref(master->info));
}

static void recover_departed(struct master *master, const struct list *list, int kind)
{
    struct registry_agent *known;
    LIST_FOR_EACH (known, list, link) {
        master_departed_add(master, known->id, kind, known->time_ns)->drain =
            master_drain_recovered(master, known);
    }
}

void master_recover_done(struct master *master, const struct registry *registry)
{
    ASSERT(master->role == MASTER_RECOVERING);
    struct registry_agent *known;
    LIST_FOR_EACH (known, &registry->admitted, link) {
        struct agent *agent = master_agent_new(master, known->id, AGENT_RECOVERED);
        agent->drain = master_drain_recovered(master, known);
        master_agent_recovered(master, agent, known->info);
    }
    recover_departed(master, &registry->unreachable, DEPARTED_UNREACHABLE);
    recover_departed(master, &registry->gone, DEPARTED_GONE);
    master_machines_recovered(master, registry);
    master->known_agents = master->recovered_count;
    master->role = MASTER_SERVING;
    master_weights_recovered(master, registry);
    bool has_quota = master_quota_recovered(master, registry);
    master->allocator_ops->recover(master->allocator, master->now.mono_ns, master->recovered_count,
                                   has_quota);
    timers_set(&master->timers, &master->recovered_timer,
               time_add_ns(master->now.mono_ns, master->options.agent_reregister_timeout_ns));
    if (master->options.registry_gc_interval_ns > 0) {
        timers_set(&master->timers, &master->registry_gc_timer,
                   time_add_ns(master->now.mono_ns, master->options.registry_gc_interval_ns));
    }
    master_log(master, LOG_LEVEL_INFO, "Recovered %zu agents from the registry",
               master->recovered_count);
}

void master_recover_leader(struct master *master, const struct master_event *event)
{
    if (master->role != MASTER_FOLLOWING) {
        /* What it knows may be outdated from now on: a supervisor starts it anew. */
        master->effects->exits = true;
        master->effects->exit_status = 1;
        err_set(&master->effects->exit_reason, 0, "Lost leadership");
        return;
    }
    master->leader = event->leader != NULL ? *event->leader : (struct address){0};
    free(master->leader_hostname);
    master->leader_hostname =
        event->leader_hostname != NULL ? xstrdup(event->leader_hostname) : NULL;
}
