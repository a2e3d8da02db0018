#include "master/unreachable.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/events.h"
#include "master/master_state.h"
#include "master/pending.h"
#include "master/register.h"
#include "master/tasks_lost.h"
#include "wire/message.h"

/* --- those who left --- */

struct departed *master_departed_add(struct master *master, struct blob *id, int kind,
                                     int64_t time_ns)
{
    struct departed *departed = xalloc(sizeof(*departed));
    departed->id = blob_ref(id);
    departed->kind = (enum departed_kind)kind;
    departed->time_ns = time_ns;
    list_init(&departed->tasks);
    map_add(&master->departed, &departed->by_id);
    switch (departed->kind) {
    case DEPARTED_UNREACHABLE:
        list_push_back(&master->unreachable, &departed->link);
        master->unreachable_count++;
        break;
    case DEPARTED_GONE:
        list_push_back(&master->gone, &departed->link);
        master->gone_count++;
        break;
    }
    return departed;
}

void master_departed_remove(struct master *master, struct departed *departed)
{
    ASSERT(list_is_empty(&departed->tasks));
    map_remove(&master->departed, &departed->by_id);
    list_remove(&departed->link);
    switch (departed->kind) {
    case DEPARTED_UNREACHABLE:
        master->unreachable_count--;
        break;
    case DEPARTED_GONE:
        master->gone_count--;
        break;
    }
    agent_drain_deinit(&departed->drain);
    blob_unref(departed->id);
    free(departed);
}

/* --- unreachable --- */

static void ask(struct master *master, struct agent *agent)
{
    agent->transition = AGENT_MARKING_UNREACHABLE;
    master_count(master, COUNTER_SLAVE_UNREACHABLE_COMPLETED);
    master_log(master, LOG_LEVEL_WARNING, "Marking agent %s (%s) unreachable: %s", agent->id->data,
               agent->hostname != NULL ? agent->hostname : "", agent->removal_why);
    struct pending *pending = master_pending_ask_now(master, REGISTRY_MARK_UNREACHABLE, agent->id);
    pending->why = agent->removal_why;
}

static bool rate_is_limited(const struct master *master)
{
    return master->options.agent_removal_count > 0;
}

/* One at once, then one every interval / count, without bursts (facts/observed.md, high
 * availability 18). */
void master_unreachable_next(struct master *master)
{
    while (!list_is_empty(&master->removals)) {
        if (rate_is_limited(master)) {
            if (master->now.mono_ns < master->next_removal_ns) {
                timers_set(&master->timers, &master->removal_timer, master->next_removal_ns);
                return;
            }
            master->next_removal_ns =
                time_add_ns(master->now.mono_ns, master->options.agent_removal_interval_ns /
                                                     master->options.agent_removal_count);
        }
        struct agent *agent = LIST_ENTRY(master->removals.next, struct agent, removal_link);
        list_remove(&agent->removal_link);
        agent->removal_queued = false;
        ask(master, agent);
    }
}

void master_unreachable_schedule(struct master *master, struct agent *agent, const char *why)
{
    if (agent->removal_queued || agent->transition != AGENT_SETTLED) {
        return;
    }
    agent->removal_queued = true;
    agent->removal_why = why;
    list_push_back(&master->removals, &agent->removal_link);
    master_count(master, COUNTER_SLAVE_UNREACHABLE_SCHEDULED);
    master_unreachable_next(master);
}

void master_unreachable_cancel(struct master *master, struct agent *agent)
{
    if (agent->removal_queued) {
        agent->removal_queued = false;
        list_remove(&agent->removal_link);
        master_count(master, COUNTER_SLAVE_UNREACHABLE_CANCELED);
    }
}

void master_unreachable_recovered(struct master *master)
{
    size_t missing = master->recovered_count;
    /* Exact: missing / known > limit. */
    if (missing > 0 &&
        (__int128)missing * 1000 >
            (__int128)master->known_agents * master->options.recovery_agent_removal_permille) {
        master->effects->exits = true;
        master->effects->exit_status = 1;
        err_set(&master->effects->exit_reason, 0,
                "Post-recovery agent removal limit exceeded: %zu of %zu agents did not "
                "re-register in time",
                missing, master->known_agents);
        return;
    }
    struct agent *agent;
    LIST_FOR_EACH (agent, &master->recovered, link) {
        master_unreachable_schedule(master, agent,
                                    "did not reregister in time after master failover");
    }
}

void master_unreachable_marked(struct master *master, const struct pending *pending, bool applied)
{
    struct agent *agent = master_find_agent(master, blob_slice(pending->agent_id));
    if (agent == NULL || !applied) {
        return;
    }
    ASSERT(agent->transition == AGENT_MARKING_UNREACHABLE);
    master_count(master, COUNTER_SLAVE_REMOVALS);
    master_count(master, COUNTER_SLAVE_REMOVALS_UNHEALTHY);
    struct departed *departed =
        master_departed_add(master, pending->agent_id, DEPARTED_UNREACHABLE, pending->time_ns);
    departed->drain = agent_drain_take(&agent->drain);
    departed->drain.is_ending = false;
    departed->drain.start_ns = 0;
    departed->has_resource_version = agent->has_resource_version;
    departed->resource_version = agent->resource_version;
    if (agent->state == AGENT_RECOVERED) {
        master_count(master, COUNTER_RECOVERY_SLAVE_REMOVALS);
        master_agent_drop(master, agent);
        master_agent_tell_lost(master, blob_slice(pending->agent_id));
    } else {
        master_agent_remove(master, agent,
                            &(struct agent_end){
                                .unreachable = true,
                                .unreachable_time_ns = pending->time_ns,
                                .message = pending->why,
                            });
    }
}

/* --- gone --- */

int master_unreachable_mark_gone(struct master *master, struct slice id, uint64_t handle)
{
    struct agent *agent = master_find_agent(master, id);
    struct departed *departed = master_find_departed(master, id);
    struct blob *known;
    if (departed != NULL) {
        if (departed->kind == DEPARTED_GONE) {
            return UNREACHABLE_E_ALREADY;
        }
        if (departed->busy) {
            return UNREACHABLE_E_BUSY;
        }
        departed->busy = true;
        known = departed->id;
    } else if (agent != NULL && agent->state != AGENT_ADMITTING) {
        if (agent->transition != AGENT_SETTLED) {
            return UNREACHABLE_E_BUSY;
        }
        master_unreachable_cancel(master, agent);
        agent->transition = AGENT_MARKING_GONE;
        known = agent->id;
    } else {
        return UNREACHABLE_E_UNKNOWN;
    }
    struct pending *pending = master_pending_ask_now(master, REGISTRY_MARK_GONE, known);
    pending->handle = handle;
    return 0;
}

void master_unreachable_gone(struct master *master, const struct pending *pending, bool applied)
{
    static const char message[] = "Agent has been marked gone";
    struct slice id = blob_slice(pending->agent_id);
    struct agent *agent = master_find_agent(master, id);
    struct departed *departed = master_find_departed(master, id);
    bool is_gone = applied || (departed != NULL && departed->kind == DEPARTED_GONE);
    if (pending->handle != 0 && !is_gone) {
        /* The registry has forgotten it meanwhile: it may come back. */
        net_respond_text(&master->effects->net, pending->handle, 404, "Agent '%s' not found",
                         pending->agent_id->data);
    } else if (pending->handle != 0) {
        net_respond(&master->effects->net, pending->handle, 200, NULL, NULL);
    }
    if (!applied) {
        return;
    }
    if (departed != NULL) {
        master_tasks_lost_gone(master, departed, message);
        master_departed_remove(master, departed);
    } else if (agent != NULL && agent->state == AGENT_RECOVERED) {
        master_agent_drop(master, agent);
    } else if (agent != NULL) {
        master_register_shut_down(master, &agent->upid, message);
        master_agent_remove(master, agent, &(struct agent_end){.gone = true, .message = message});
    }
    master_departed_add(master, pending->agent_id, DEPARTED_GONE, pending->time_ns);
}
