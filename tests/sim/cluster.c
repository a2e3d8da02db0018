#include "sim/cluster.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/cluster_story.h"
#include "sim/sim_http.h"
#include "wire/pb.h"

#define FRAMEWORK_PORT 7070
#define EXECUTOR_PORT 8080
#define OPERATOR_PORT 6060
#define MAINTAINER_PORT 6061
#define RESERVER_PORT 6062
/* From the end of the faults to the end of new launches, to the last question, to the end. */
#define SETTLE_NS (60 * NS_PER_SEC)
#define ASK_NS (60 * NS_PER_SEC)
#define ANSWER_NS (30 * NS_PER_SEC)

void cluster_wrong(struct cluster *cluster, const char *fmt, ...)
{
    if (cluster->wrong[0] == '\0') {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(cluster->wrong, sizeof(cluster->wrong), fmt, args);
        va_end(args);
    }
}

struct cluster_task *cluster_find_task(struct cluster *cluster, struct slice id)
{
    int64_t number;
    if (id.size < 2 || id.data[0] != 't' || !slice_parse_int64(slice_skip(id, 1), &number) ||
        number < 0 || number >= cluster->task_count) {
        return NULL;
    }
    return &cluster->tasks[number];
}

struct cluster_task *cluster_add_task(struct cluster *cluster, int framework)
{
    ASSERT(cluster->task_count < CLUSTER_TASKS_MAX);
    struct cluster_task *task = &cluster->tasks[cluster->task_count];
    *task = (struct cluster_task){.framework = framework, .state = PB__TASK_STATE__TASK_STAGING};
    (void)snprintf(task->id, sizeof(task->id), "t%d", cluster->task_count++);
    return task;
}

/* --- what must hold after every step --- */

static const char *nothing_wrong(struct sim *sim UNUSED, void *arg)
{
    struct cluster *cluster = arg;
    return cluster->wrong[0] != '\0' ? cluster->wrong : NULL;
}

static const char *offers_add_up(struct sim *sim, void *arg)
{
    struct cluster *cluster = arg;
    /* In proportion to the cluster: not after every step. */
    if (sim->steps % 16 != 0 || !sim_is_up(cluster->master)) {
        return NULL;
    }
    return cluster_master_check(cluster->master->core);
}

static const char *agents_are_sound(struct sim *sim, void *arg)
{
    struct cluster *cluster = arg;
    if (sim->steps % 64 != 0) {
        return NULL;
    }
    for (int i = 0; i < cluster->options.agents; i++) {
        if (sim_is_up(cluster->agents[i])) {
            cluster_agent_check(cluster->agents[i]->core);
        }
    }
    return NULL;
}

/* --- the world --- */

static void add_frameworks(struct cluster *cluster)
{
    for (int i = 0; i < cluster->options.frameworks; i++) {
        struct cluster_framework *framework = &cluster->frameworks[i];
        framework->cluster = cluster;
        framework->index = i;
        (void)snprintf(framework->name, sizeof(framework->name), "f%d", i + 1);
        framework->node = sim_add_node(cluster->sim, framework->name,
                                       cluster->options.story ? &story_framework_program
                                                              : &cluster_framework_program,
                                       FRAMEWORK_PORT, framework);
        if (!cluster->options.story) {
            sim_start(framework->node);
        }
    }
}

static void add_executors(struct cluster *cluster)
{
    for (int i = 0; i < CLUSTER_EXECUTORS_MAX; i++) {
        struct cluster_executor *executor = &cluster->executors[i];
        executor->cluster = cluster;
        (void)snprintf(cluster->executor_names[i], sizeof(cluster->executor_names[i]), "e%d",
                       i + 1);
        executor->node = sim_add_node(cluster->sim, cluster->executor_names[i],
                                      &cluster_executor_program, EXECUTOR_PORT, executor);
        executor->node->is_spare = true;
    }
}

struct cluster *cluster_new(const struct cluster_options *options)
{
    ASSERT(options->agents <= CLUSTER_AGENTS_MAX && options->frameworks <= CLUSTER_FRAMEWORKS_MAX);
    struct cluster *cluster = xalloc(sizeof(*cluster));
    cluster->options = *options;
    cluster->operations = xcalloc(CLUSTER_OPERATIONS_MAX, sizeof(struct cluster_operation));
    cluster->tasks = xcalloc(CLUSTER_TASKS_MAX, sizeof(struct cluster_task));
    struct sim_options sim_options;
    if (options->story) {
        sim_options_default(&sim_options, options->seed);
    } else {
        sim_options_random(&sim_options, options->seed);
    }
    sim_options.keep_trace = options->keep_trace;
    cluster->sim = sim_new(&sim_options);
    cluster->master =
        sim_add_node(cluster->sim, "m", &cluster_master_program, CLUSTER_MASTER_PORT, cluster);
    sim_start(cluster->master);
    for (int i = 0; i < options->agents; i++) {
        (void)snprintf(cluster->agent_names[i], sizeof(cluster->agent_names[i]), "a%d", i + 1);
        cluster->agents[i] = sim_add_node(cluster->sim, cluster->agent_names[i],
                                          &cluster_agent_program, CLUSTER_AGENT_PORT, cluster);
        if (!options->story) {
            sim_start(cluster->agents[i]);
        }
    }
    add_frameworks(cluster);
    add_executors(cluster);
    if (options->operates) {
        cluster->operator_node =
            sim_add_node(cluster->sim, "op", &cluster_operator_program, OPERATOR_PORT, cluster);
        sim_start(cluster->operator_node);
    }
    if (options->maintains) {
        sim_start(sim_add_node(cluster->sim, "mt", &cluster_maintainer_program, MAINTAINER_PORT,
                               cluster));
    }
    if (options->reserves) {
        sim_start(
            sim_add_node(cluster->sim, "rs", &cluster_reserver_program, RESERVER_PORT, cluster));
    }
    sim_add_checker(cluster->sim, "the story", nothing_wrong, cluster);
    sim_add_checker(cluster->sim, "offers", offers_add_up, cluster);
    sim_add_checker(cluster->sim, "agents", agents_are_sound, cluster);
    return cluster;
}

struct cluster *cluster_free(struct cluster *cluster)
{
    if (cluster != NULL) {
        sim_free(cluster->sim);
        free(cluster->tasks);
        free(cluster->operations);
        free(cluster);
    }
    return NULL;
}

void cluster_plan(struct sim_plan *plan, const struct cluster_options *options, int64_t faults_ns)
{
    struct sim_plan_options wanted = {
        .seed = options->seed,
        .node_count = 1 + options->agents + options->frameworks,
        .heal_ns = faults_ns,
        .count_max = 30,
        .kinds = SIM_FAULTS_COMMON,
        .duration_max_ns = 40 * NS_PER_SEC,
    };
    sim_plan_random(plan, &wanted);
}

/* --- the end: everything is known --- */

static void ask_all(struct cluster *cluster)
{
    for (int i = 0; i < cluster->options.frameworks; i++) {
        cluster_framework_reconcile(&cluster->frameworks[i]);
    }
}

static bool is_over(int state)
{
    switch ((Pb__TaskState)state) {
    case PB__TASK_STATE__TASK_STAGING:
    case PB__TASK_STATE__TASK_STARTING:
    case PB__TASK_STATE__TASK_RUNNING:
    case PB__TASK_STATE__TASK_KILLING:
        return false;
    case PB__TASK_STATE__TASK_FINISHED:
    case PB__TASK_STATE__TASK_FAILED:
    case PB__TASK_STATE__TASK_KILLED:
    case PB__TASK_STATE__TASK_ERROR:
    case PB__TASK_STATE__TASK_LOST:
    case PB__TASK_STATE__TASK_DROPPED:
    case PB__TASK_STATE__TASK_UNREACHABLE:
    case PB__TASK_STATE__TASK_GONE:
    case PB__TASK_STATE__TASK_GONE_BY_OPERATOR:
    case PB__TASK_STATE__TASK_UNKNOWN:
    case _PB__TASK_STATE_IS_INT_SIZE:
        return true;
    }
    return true;
}

/* What an agent waits to have acknowledged has been told. */
static void was_heard(void *arg, struct slice id)
{
    struct cluster *cluster = arg;
    int64_t number;
    bool valid = slice_parse_int64(slice_skip(id, 1), &number);
    if (!valid || number < 0 || number >= cluster->operation_count ||
        cluster->operations[number].state == 0) {
        cluster_wrong(cluster, "nobody was told of operation %.*s", SLICE_ARGS(id));
    }
}

/* Master and agents agree on what there is. */
static void check_totals(struct cluster *cluster)
{
    for (int i = 0; i < cluster->options.agents && sim_is_up(cluster->master); i++) {
        struct sim_node *agent = cluster->agents[i];
        if (!sim_is_up(agent)) {
            continue;
        }
        if (!cluster_master_has_total(cluster->master->core, agent->name,
                                      cluster_agent_total(agent->core))) {
            cluster_wrong(cluster, "the master has another total of %s than that", agent->name);
        }
        cluster_agent_visit_operations(agent->core, was_heard, cluster);
    }
}

static void check_end(struct cluster *cluster)
{
    for (int i = 0; i < cluster->task_count; i++) {
        const struct cluster_task *task = &cluster->tasks[i];
        if (!task->terminal && !task->answered) {
            cluster_wrong(cluster, "nobody told of task %s in the end", task->id);
        } else if (task->runs && is_over(task->state)) {
            cluster_wrong(cluster, "task %s runs, but is said to be over", task->id);
        } else if (!task->runs && !is_over(task->state)) {
            cluster_wrong(cluster, "task %s does not run, but is said to", task->id);
        }
    }
    if (cluster->options.reserves) {
        check_totals(cluster);
    }
    char id[64];
    if (cluster->options.operates && sim_is_up(cluster->master) &&
        cluster_master_pick_agent(cluster->master->core, 0, true, id)) {
        cluster_wrong(cluster, "agent %s cannot be used again", id);
    }
    if (cluster->wrong[0] != '\0' && cluster->sim->failure.size == 0) {
        buf_printf(&cluster->sim->failure, "in the end: %s", cluster->wrong);
        sim_trace(cluster->sim, NULL, "FAILED in the end: %s", cluster->wrong);
    }
}

bool cluster_run(struct cluster *cluster, const struct sim_plan *plan, int64_t faults_ns)
{
    struct sim *sim = cluster->sim;
    sim->plan = plan;
    if (!sim_run(sim, faults_ns)) {
        return false;
    }
    cluster->winding_down = true;
    if (!sim_run(sim, sim->now_ns + SETTLE_NS)) {
        return false;
    }
    /* Asked twice: the first may cross an agent that is just coming back. */
    ask_all(cluster);
    if (!sim_run(sim, sim->now_ns + ASK_NS)) {
        return false;
    }
    ask_all(cluster);
    if (!sim_run(sim, sim->now_ns + ANSWER_NS)) {
        return false;
    }
    check_end(cluster);
    return sim->failure.size == 0;
}
