#include "sim/cluster_nested.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "container/container.h"
#include "wire/message.h"

#define LAUNCH_MAX_NS (50 * NS_PER_MS)
#define SIGNAL_MAX_NS (50 * NS_PER_MS)
#define STORY_WAIT_NS (10 * NS_PER_MS)

static struct cluster_nested *find(struct cluster *cluster, const struct sim_node *agent,
                                   const char *path)
{
    for (int i = 0; i < CLUSTER_NESTED_MAX; i++) {
        struct cluster_nested *nested = &cluster->nested[i];
        if (nested->state != CLUSTER_CONTAINER_FREE && nested->parent->agent == agent &&
            strcmp(nested->path, path) == 0) {
            return nested;
        }
    }
    return NULL;
}

static struct cluster_executor *find_parent(struct cluster *cluster, const struct sim_node *agent,
                                            const char *path)
{
    for (int i = 0; i < CLUSTER_EXECUTORS_MAX; i++) {
        struct cluster_executor *executor = &cluster->executors[i];
        size_t size = strlen(executor->path);
        if (executor->state == CLUSTER_CONTAINER_RUNS && executor->agent == agent &&
            strncmp(path, executor->path, size) == 0 && path[size] == '.') {
            return executor;
        }
    }
    return NULL;
}

static int64_t draw(struct cluster *cluster, int64_t max_ns)
{
    return cluster->options.story ? STORY_WAIT_NS : sim_draw_ns(cluster->sim, 0, max_ns);
}

/* TERMINATED, and the container is forgotten if there was an agent to hear it. */
static void tell_terminated(struct cluster_nested *nested)
{
    struct sim_node *agent = nested->parent->agent;
    if (sim_is_up(agent)) {
        struct container_report *report = container_report_new(CONTAINER_TERMINATED, nested->path);
        report->has_status = true;
        report->status = nested->status;
        cluster_agent_report(agent, report);
        nested->state = CLUSTER_CONTAINER_FREE;
    }
}

static void end(struct cluster_nested *nested, int status)
{
    nested->status = status;
    nested->state = CLUSTER_CONTAINER_ENDED;
    nested->life++;
    if (nested->task->runs) {
        nested->task->runs = false;
        sim_trace(nested->parent->agent->sim, nested->parent->node, "sees that %s ends",
                  nested->task->id);
    }
    tell_terminated(nested);
}

/* Something that happens to this life of a container. */
struct happening {
    struct cluster_nested *nested;
    uint32_t life;
    int status;
};

static void end_later(struct sim *sim UNUSED, void *arg)
{
    struct happening *happening = arg;
    if (happening->nested->life == happening->life) {
        end(happening->nested, happening->status);
    }
    free(happening);
}

static void end_in(struct cluster_nested *nested, int64_t in_ns, int status)
{
    struct sim *sim = nested->parent->agent->sim;
    struct happening *happening = xalloc(sizeof(*happening));
    *happening = (struct happening){nested, nested->life, status};
    sim_schedule(sim, sim->now_ns + in_ns, NULL, end_later, happening, free);
}

static void begin_later(struct sim *sim, void *arg)
{
    struct happening *happening = arg;
    struct cluster_nested *nested = happening->nested;
    if (nested->life == happening->life) {
        struct cluster_task *task = nested->task;
        task->runs = true;
        if (++task->starts > 1) {
            cluster_wrong(nested->parent->cluster, "task %s runs twice", task->id);
        }
        sim_trace(sim, nested->parent->node, "runs %s", task->id);
        struct container_report *report = container_report_new(CONTAINER_LAUNCHED, nested->path);
        report->pid = 5000 + (nested - nested->parent->cluster->nested);
        cluster_agent_report(nested->parent->agent, report);
        if (task->duration_ms >= 0) {
            end_in(nested, task->duration_ms * NS_PER_MS, task->exit_code << 8);
        }
    }
    free(happening);
}

/* The command is "run TASK". */
static struct cluster_task *task_of(struct cluster *cluster, const struct container_spec *spec)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__CommandInfo *command;
    struct err err;
    int status = MESSAGE_DECODE(Pb__CommandInfo, pb__command_info, blob_slice(spec->command),
                                &arena, &command, &err);
    ASSERT(status == 0 && command->value != NULL && strncmp(command->value, "run ", 4) == 0);
    struct cluster_task *task = cluster_find_task(cluster, slice_from(command->value + 4));
    ASSERT(task != NULL);
    arena_deinit(&arena);
    return task;
}

static void launch(struct cluster *cluster, struct sim_node *agent,
                   const struct container_request *request)
{
    struct cluster_executor *parent = find_parent(cluster, agent, request->path);
    struct cluster_nested *nested = cluster->nested;
    while (nested < cluster->nested + CLUSTER_NESTED_MAX &&
           nested->state != CLUSTER_CONTAINER_FREE) {
        nested++;
    }
    bool fails = !cluster->options.story && prng_below(&cluster->sim->prng, 50) == 0;
    if (parent == NULL || nested == cluster->nested + CLUSTER_NESTED_MAX || fails) {
        struct container_report *report =
            container_report_new(CONTAINER_LAUNCH_FAILED, request->path);
        report->text = xstrdup("there is no room, or no parent");
        cluster_agent_report(agent, report);
        cluster_agent_report(agent, container_report_new(CONTAINER_TERMINATED, request->path));
        return;
    }
    uint32_t life = nested->life + 1;
    *nested = (struct cluster_nested){
        .parent = parent,
        .state = CLUSTER_CONTAINER_RUNS,
        .life = life,
        .task = task_of(cluster, request->spec),
    };
    ASSERT(strlen(request->path) < sizeof(nested->path));
    memcpy(nested->path, request->path, strlen(request->path) + 1);
    struct happening *happening = xalloc(sizeof(*happening));
    *happening = (struct happening){nested, life, 0};
    sim_schedule(cluster->sim, cluster->sim->now_ns + draw(cluster, LAUNCH_MAX_NS), NULL,
                 begin_later, happening, free);
}

static void signal_process(struct cluster_nested *nested, int signal_number)
{
    struct cluster *cluster = nested->parent->cluster;
    sim_trace(cluster->sim, nested->parent->node, "sees that %s is sent signal %d",
              nested->task->id, signal_number);
    bool ignores =
        signal_number != SIGKILL &&
        (cluster->options.story ? nested->task->stubborn : prng_below(&cluster->sim->prng, 5) == 0);
    if (!ignores) {
        end_in(nested, draw(cluster, SIGNAL_MAX_NS), signal_number);
    }
}

static void answer(struct sim_node *agent, enum container_report_type type,
                   const struct container_request *request, int status)
{
    struct container_report *report = container_report_new(type, request->path);
    report->token = request->token;
    report->status = status;
    cluster_agent_report(agent, report);
}

void cluster_nested_perform(struct cluster *cluster, struct sim_node *agent,
                            const struct container_request *request)
{
    struct cluster_nested *nested = find(cluster, agent, request->path);
    bool runs = nested != NULL && nested->state == CLUSTER_CONTAINER_RUNS;
    switch (request->type) {
    case CONTAINER_LAUNCH:
        launch(cluster, agent, request);
        break;
    case CONTAINER_KILL:
        if (runs) {
            signal_process(nested, request->signal);
        }
        break;
    case CONTAINER_DESTROY:
        if (runs) {
            end_in(nested, draw(cluster, SIGNAL_MAX_NS), SIGKILL);
        }
        break;
    case CONTAINER_UPDATE:
        answer(agent, CONTAINER_UPDATED, request, runs ? 0 : -ENOENT);
        break;
    case CONTAINER_REMOVE:
        answer(agent, CONTAINER_UPDATED, request, 0);
        break;
    case CONTAINER_USAGE:
        answer(agent, CONTAINER_USAGE_RESULT, request, -ENOENT);
        break;
    case CONTAINER_STATUS:
        answer(agent, CONTAINER_STATUS_RESULT, request, -ENOENT);
        break;
    case CONTAINER_RECOVER:
    case CONTAINER_WATCH_ONLY:
        break;
    }
}

void cluster_nested_end_all(struct cluster_executor *executor)
{
    for (int i = 0; i < CLUSTER_NESTED_MAX; i++) {
        struct cluster_nested *nested = &executor->cluster->nested[i];
        if (nested->parent != executor || nested->state == CLUSTER_CONTAINER_FREE) {
            continue;
        }
        if (nested->state == CLUSTER_CONTAINER_RUNS) {
            end(nested, SIGKILL);
        }
        nested->state = CLUSTER_CONTAINER_FREE; /* it goes with its parent */
    }
}

void cluster_nested_tell_found(struct cluster *cluster, struct sim_node *agent)
{
    for (int i = 0; i < CLUSTER_NESTED_MAX; i++) {
        struct cluster_nested *nested = &cluster->nested[i];
        if (nested->state != CLUSTER_CONTAINER_FREE && nested->parent->agent == agent) {
            struct container_report *report =
                container_report_new(CONTAINER_RECOVERED, nested->path);
            report->pid = nested->state == CLUSTER_CONTAINER_RUNS ? 5000 + i : 0;
            cluster_agent_report(agent, report);
        }
    }
}

void cluster_nested_tell_ended(struct cluster *cluster, struct sim_node *agent)
{
    for (int i = 0; i < CLUSTER_NESTED_MAX; i++) {
        struct cluster_nested *nested = &cluster->nested[i];
        if (nested->state == CLUSTER_CONTAINER_ENDED && nested->parent->agent == agent) {
            tell_terminated(nested);
        }
    }
}

struct cluster_executor *cluster_nested_executor(struct cluster *cluster,
                                                 const struct cluster_task *task)
{
    for (int i = 0; i < CLUSTER_NESTED_MAX; i++) {
        if (cluster->nested[i].state == CLUSTER_CONTAINER_RUNS && cluster->nested[i].task == task) {
            return cluster->nested[i].parent;
        }
    }
    return NULL;
}
