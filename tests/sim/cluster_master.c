/* The real master on a node of the simulator, with its registry in memory. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/master_state.h"
#include "registry/registry_memory.h"
#include "resources/roles.h"
#include "sim/cluster_story.h"

struct master_core {
    struct master *master;
    struct metrics *metrics;
    struct registry_memory *registry;
    struct sim_node *node;
    uint32_t incarnation;
    bool answering; /* an answer of the registry is scheduled */
};

static void step(struct master_core *core, const struct master_event *event);

static void *start(struct sim_node *node)
{
    struct master_core *core = xalloc(sizeof(*core));
    core->node = node;
    core->incarnation = node->incarnation;
    core->metrics = metrics_new();
    core->registry = registry_memory_new(node->sim->options.seed);
    struct master_options options = {
        .seed = prng_next(&node->sim->prng),
        .address = node->address,
        .hostname = "master",
        .version = {.version = "1.12.0"},
        .allocator = &allocator_hierarchical,
        .allocator_options = {.allocation_interval_ns = NS_PER_SEC, .seed = 1},
        .metrics = core->metrics,
        .constraint_limits = {4096, 100},
        .agent_ping_timeout_ns = 5 * NS_PER_SEC,
        .max_agent_ping_timeouts = 3,
        .agent_reregister_timeout_ns = 10 * NS_PER_MIN,
        .recovery_agent_removal_permille = 1000,
        .max_completed_frameworks = 50,
        .max_completed_tasks = 1000,
        .max_unreachable_tasks = 1000,
        .registry_gc_interval_ns = 15 * NS_PER_MIN,
        .registry_max_agent_age_ns = 2 * NS_PER_WEEK,
        .registry_max_agent_count = 102400,
        .root_submissions = true,
    };
    core->master = master_new(&options, sim_now(node));
    return core;
}

/* The first event after the start; the core is in the node only then. */
static void elect(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    step(node->core, &(struct master_event){.type = MASTER_ELECTED});
}

static void *start_and_elect(struct sim_node *node)
{
    void *core = start(node);
    sim_schedule(node->sim, node->sim->now_ns, node, elect, node, NULL);
    return core;
}

static void stop(void *arg)
{
    struct master_core *core = arg;
    master_free(core->master);
    metrics_free(core->metrics);
    registry_memory_free(core->registry);
    free(core);
}

static void answer(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    struct master_core *core = node->core;
    struct registry_event event;
    core->answering = false;
    if (registry_memory_next(core->registry, &event)) {
        step(core, &(struct master_event){.type = MASTER_REGISTRY, .registry = &event});
    }
}

/* One answer at a time, each after a disk's time. */
static void schedule_answer(struct master_core *core)
{
    struct sim *sim = core->node->sim;
    if (!core->answering) {
        core->answering = true;
        int64_t wait_ns = sim_draw_ns(sim, sim->options.disk_min_ns, sim->options.disk_max_ns);
        sim_schedule(sim, sim->now_ns + wait_ns, core->node, answer, core->node, NULL);
    }
}

static void die(struct sim *sim UNUSED, void *arg)
{
    sim_crash(arg);
}

static void start_again(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    if (!sim_is_up(node)) {
        sim_start(node);
    }
}

static void perform(struct master_core *core, struct master_effects *effects)
{
    struct registry_op *op;
    while ((op = registry_ops_pop(&effects->registry)) != NULL) {
        registry_memory_put(core->registry, op);
        schedule_answer(core);
    }
    sim_perform_net(core->node, &effects->net);
    struct master_log *line;
    while ((line = master_effects_pop_log(effects)) != NULL) {
        sim_trace(core->node->sim, core->node, "says: %s", line->text);
        free(line->text);
        free(line);
    }
    if (effects->exits) {
        sim_trace(core->node->sim, core->node, "exits: %s", effects->exit_reason.text);
        sim_schedule(core->node->sim, 0, core->node, die, core->node, NULL);
        sim_schedule(core->node->sim, core->node->sim->now_ns + NS_PER_SEC, NULL, start_again,
                     core->node, NULL);
    }
}

static void step(struct master_core *core, const struct master_event *event)
{
    struct master_effects effects;
    master_effects_init(&effects);
    master_step(core->master, sim_now(core->node), event, &effects);
    perform(core, &effects);
    /* A registry in memory has an answer as long as it was asked. */
    schedule_answer(core);
    master_effects_deinit(&effects);
}

static int64_t deadline(const void *core)
{
    return master_deadline(((const struct master_core *)core)->master);
}

static void on_tick(void *core, struct sim_node *node UNUSED)
{
    step(core, &(struct master_event){.type = MASTER_TICK});
}

static void on_net(void *core, struct sim_node *node UNUSED, const struct net_event *event)
{
    step(core, &(struct master_event){.type = MASTER_NET, .net = event});
}

const struct sim_program cluster_master_program = {
    .name = "master",
    .start = start_and_elect,
    .stop = stop,
    .deadline = deadline,
    .on_tick = on_tick,
    .on_net = on_net,
};

/* --- what must add up --- */

static void add_use(const struct agent *agent, struct resources *sum)
{
    struct offer *offer;
    LIST_FOR_EACH (offer, &agent->offers, of_agent) {
        resources_add(sum, &offer->resources);
    }
    struct task *task;
    LIST_FOR_EACH (task, &agent->tasks, of_agent) {
        if (!resources_is_empty(&task->resources)) {
            resources_add(sum, &task->resources);
        }
    }
    struct executor *executor;
    LIST_FOR_EACH (executor, &agent->executors, of_agent) {
        resources_add(sum, &executor->resources);
    }
}

/* Reserved for the role or below it, by whomever it is used. */
static void count_reserved(const struct resources *resources, struct slice role,
                           struct resource_names *names, struct quantities *sum)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        if (resource_is_reserved(&resources->items[i]) &&
            resource_is_reserved_within(&resources->items[i], role)) {
            quantities_add_resource(sum, &resources->items[i], names);
        }
    }
}

static void add_within(const struct resources *resources, struct slice role,
                       struct resource_names *names, struct quantities *sum)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        if (resource_is_allocated_within(&resources->items[i], role)) {
            quantities_add_resource(sum, &resources->items[i], names);
        }
    }
}

/* Whether what the master has counted up of a top level role is what is there. */
static bool tally_adds_up(struct master *master, struct slice role)
{
    struct quantities sum = QUANTITIES_INIT;
    struct quantities used = QUANTITIES_INIT; /* of what is reserved */
    struct quantities counted;
    const struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        const struct task *task;
        LIST_FOR_EACH (task, &agent->tasks, of_agent) {
            add_within(&task->resources, role, &master->names, &sum);
            count_reserved(&task->resources, role, &master->names, &used);
        }
        const struct executor *executor;
        LIST_FOR_EACH (executor, &agent->executors, of_agent) {
            add_within(&executor->resources, role, &master->names, &sum);
            count_reserved(&executor->resources, role, &master->names, &used);
        }
        count_reserved(&agent->total, role, &master->names, &sum);
    }
    quantities_subtract(&sum, &used);
    master_role_tally_consumed(&master->role_tally, role, &counted);
    bool fits = quantities_equal(&sum, &counted);
    quantities_deinit(&sum);
    quantities_deinit(&used);
    quantities_deinit(&counted);
    return fits;
}

static bool tallies_add_up(struct master *master)
{
    const struct framework *framework;
    LIST_FOR_EACH (framework, &master->running, link) {
        for (size_t i = 0; i < framework->role_count; i++) {
            if (!tally_adds_up(master, role_top(slice_from(framework->roles[i])))) {
                return false;
            }
        }
    }
    return true;
}

/* Machines that drain have an unavailability, their agents' frameworks are asked once, and nothing
 * is said of others. */
static const char *check_maintenance(const struct master *master)
{
    struct agent *agent;
    struct machine *machine;
    LIST_FOR_EACH (machine, &master->machines.scheduled, link) {
        if (machine->mode == MACHINE_UP || machine->unavailability == NULL || machine->id == NULL) {
            return "a machine that is up is scheduled";
        }
    }
    LIST_FOR_EACH (agent, &master->registered, link) {
        bool drains = agent->machine->mode != MACHINE_UP;
        struct inverse_offer *offer;
        if (!drains &&
            (!list_is_empty(&agent->inverse_answers) || !list_is_empty(&agent->inverse_offers))) {
            return "frameworks are asked to leave a machine that is up";
        }
        if (agent->machine->mode == MACHINE_DOWN && agent->transition == AGENT_SETTLED) {
            return "an agent stays on a machine that is down";
        }
        LIST_FOR_EACH (offer, &agent->inverse_offers, of_agent) {
            struct inverse_offer *other;
            if (offer->framework->state != FRAMEWORK_ACTIVE || !agent->active) {
                return "somebody who is away is asked to leave";
            }
            LIST_FOR_EACH (other, &agent->inverse_offers, of_agent) {
                if (other != offer && other->framework == offer->framework) {
                    return "a framework is asked twice to leave";
                }
            }
        }
    }
    return NULL;
}

/* What was launched on the outcome of an operation that is void is void, too: until the agent tells
 * that it never came, it stands against what there is. */
static bool has_doubtful(const struct agent *agent)
{
    const struct task *task;
    LIST_FOR_EACH (task, &agent->tasks, of_agent) {
        if (task->record->state == TASK_STATE_STAGING) {
            return true;
        }
    }
    return !list_is_empty(&agent->executors);
}

/* Reservations and volumes are made of what there is: nothing is lost, nothing is made twice. */
static bool is_whole(const struct agent *agent)
{
    int64_t cpus = 0;
    int64_t mem = 0;
    int64_t disk = 0;
    return resources_get_scalar(&agent->total, SLICE("cpus"), &cpus) && cpus == 4000 &&
           resources_get_scalar(&agent->total, SLICE("mem"), &mem) && mem == 4096000 &&
           resources_get_scalar(&agent->total, SLICE("disk"), &disk) && disk == 4096000;
}

const char *cluster_master_check(void *arg)
{
    struct master_core *core = arg;
    struct agent *agent;
    bool reserves = ((const struct cluster *)core->node->arg)->options.reserves;
    if (!tallies_add_up(core->master)) {
        return "what a role holds is counted wrong";
    }
    LIST_FOR_EACH (agent, &core->master->registered, link) {
        struct resources sum = RESOURCES_INIT;
        add_use(agent, &sum);
        resources_unallocate(&sum, NULL);
        bool fits = (reserves && has_doubtful(agent)) || resources_contain(&agent->total, &sum);
        resources_deinit(&sum);
        if (!fits) {
            return "more is offered and used than an agent has";
        }
        if (!is_whole(agent)) {
            return "an agent's total is more or less than its machine";
        }
        if (agent->active != (agent->connected && !agent->drain.deactivated)) {
            return "an agent is active that should not be, or the other way round";
        }
        if (!agent->active && !list_is_empty(&agent->offers)) {
            return "an agent is offered that is not to be used";
        }
    }
    return check_maintenance(core->master);
}

/* --- what an operator sees --- */

static void look_at_task(const struct master *master, uint32_t slot, struct buf *out)
{
    struct cow_value *value = cow_table_get(&master->task_records, slot);
    const struct task_record *record = CONTAINER_OF(value, struct task_record, value);
    buf_printf(out, " %.*s %s", SLICE_ARGS(task_record_id(record)),
               master_task_state_name((enum task_state)record->state) + strlen("TASK_"));
}

static void look_at_agent(const struct master *master, struct agent *agent, struct buf *out)
{
    CLEANUP(resources_deinit) struct resources sum = RESOURCES_INIT;
    int64_t cpus = 0;
    int64_t mem = 0;
    add_use(agent, &sum);
    (void)resources_get_scalar(&sum, SLICE("cpus"), &cpus);
    (void)resources_get_scalar(&sum, SLICE("mem"), &mem);
    buf_printf(out, "%s%s: cpus:%g mem:%g offered or used;", agent->hostname,
               agent->connected ? "" : " (disconnected)", (double)cpus / 1000, (double)mem / 1000);
    struct task *task;
    LIST_FOR_EACH (task, &agent->tasks, of_agent) {
        look_at_task(master, task->slot, out);
    }
    buf_append_byte(out, '\n');
}

static void look_at_framework(const struct master *master, const struct framework *framework,
                              struct buf *out)
{
    static const char *const states[] = {
        [FRAMEWORK_RECOVERED] = "recovered", [FRAMEWORK_ACTIVE] = "active",
        [FRAMEWORK_INACTIVE] = "inactive",   [FRAMEWORK_DISCONNECTED] = "disconnected",
        [FRAMEWORK_COMPLETED] = "completed",
    };
    buf_printf(out, "%s (%s)", framework->name, states[framework->state]);
    const struct unreachable_task *task;
    const char *before = "; unreachable:";
    LIST_FOR_EACH (task, &framework->unreachable_order, link) {
        buf_append_text(out, before);
        look_at_task(master, task->slot, out);
        before = "";
    }
    const struct task_ring *ring = &framework->completed_tasks;
    for (size_t i = 0; i < ring->count; i++) {
        uint32_t slot = master_task_ring_at(ring, i);
        if (slot != TASK_RING_NONE) {
            buf_append_text(out, i == 0 ? "; over:" : "");
            look_at_task(master, slot, out);
        }
    }
    buf_append_byte(out, '\n');
}

void cluster_master_look(const void *arg, struct buf *out)
{
    const struct master_core *core = arg;
    struct agent *agent;
    LIST_FOR_EACH (agent, &core->master->registered, link) {
        look_at_agent(core->master, agent, out);
    }
    if (core->master->unreachable_count != 0) {
        buf_printf(out, "unreachable agents: %zu\n", core->master->unreachable_count);
    }
    const struct list *lists[] = {&core->master->running, &core->master->completed};
    for (size_t i = 0; i < ELEMENTS(lists); i++) {
        const struct framework *framework;
        LIST_FOR_EACH (framework, lists[i], link) {
            look_at_framework(core->master, framework, out);
        }
    }
}

bool cluster_master_has_total(void *arg, const char *name, const struct resources *total)
{
    const struct master *master = ((struct master_core *)arg)->master;
    const struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        if (strcmp(agent->hostname, name) == 0) {
            return resources_equal(&agent->total, total);
        }
    }
    return false;
}

bool cluster_master_pick_agent(void *arg, uint64_t drawn, bool deactivated, char ret_id[64])
{
    const struct master *master = ((struct master_core *)arg)->master;
    const struct agent *agent;
    size_t count = 0;
    for (int round = 0; round < 2; round++) {
        uint64_t wanted = count > 0 ? drawn % count : 0;
        count = 0;
        LIST_FOR_EACH (agent, &master->registered, link) {
            if (deactivated && !agent->drain.deactivated) {
                continue;
            }
            if (round == 1 && count == wanted) {
                ASSERT(agent->id->size < 64);
                memcpy(ret_id, agent->id->data, agent->id->size + 1);
                return true;
            }
            count++;
        }
    }
    return false;
}
