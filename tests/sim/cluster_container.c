/* Fake containers: each is an executor on a node of its own, which lives on when the agent dies. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "common/xalloc.h"
#include "container/container.h"
#include "sim/cluster_nested.h"

#define LAUNCH_MAX_NS (50 * NS_PER_MS)
#define DESTROY_MAX_NS (20 * NS_PER_MS)
#define STORY_WAIT_NS (10 * NS_PER_MS)

static struct cluster_executor *find(struct cluster *cluster, const struct sim_node *agent,
                                     const char *path)
{
    for (int i = 0; i < CLUSTER_EXECUTORS_MAX; i++) {
        struct cluster_executor *executor = &cluster->executors[i];
        if (executor->state != CLUSTER_CONTAINER_FREE && executor->agent == agent &&
            strcmp(executor->path, path) == 0) {
            return executor;
        }
    }
    return NULL;
}

static struct cluster_executor *find_free(struct cluster *cluster)
{
    for (int i = 0; i < CLUSTER_EXECUTORS_MAX; i++) {
        if (cluster->executors[i].state == CLUSTER_CONTAINER_FREE) {
            return &cluster->executors[i];
        }
    }
    return NULL;
}

void cluster_forget_kept(struct cluster *cluster, const struct sim_node *agent)
{
    for (int i = 0; i < CLUSTER_EXECUTORS_MAX; i++) {
        if (cluster->executors[i].agent == agent) {
            cluster->executors[i].kept = false;
        }
    }
}

static const char *variable(const struct container_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->env_count; i++) {
        if (strcmp(spec->env[i].name, name) == 0) {
            return spec->env[i].value;
        }
    }
    return "";
}

/* TERMINATED, and the container is forgotten if there was an agent to hear it. */
static void tell_terminated(struct cluster_executor *executor, bool has_status)
{
    if (!sim_is_up(executor->agent)) {
        return;
    }
    struct container_report *report = container_report_new(CONTAINER_TERMINATED, executor->path);
    report->has_status = has_status;
    report->status = has_status ? executor->status : -1;
    cluster_agent_report(executor->agent, report);
    executor->state = CLUSTER_CONTAINER_FREE;
}

void cluster_executor_exited(struct cluster_executor *executor, int wait_status)
{
    executor->state = CLUSTER_CONTAINER_ENDED;
    executor->status = wait_status;
    sim_crash(executor->node);
    cluster_nested_end_all(executor);
    tell_terminated(executor, true);
}

static void begin(struct sim *sim UNUSED, void *arg)
{
    struct cluster_executor *executor = arg;
    if (executor->state != CLUSTER_CONTAINER_RUNS || sim_is_up(executor->node)) {
        return; /* destroyed meanwhile */
    }
    sim_start(executor->node);
    struct container_report *report = container_report_new(CONTAINER_LAUNCHED, executor->path);
    report->pid = 1000 + executor->node->index;
    cluster_agent_report(executor->agent, report);
}

static void fail_launch(struct sim_node *agent, const char *path)
{
    struct container_report *report = container_report_new(CONTAINER_LAUNCH_FAILED, path);
    report->text = xstrdup("the world has run out of containers");
    cluster_agent_report(agent, report);
    cluster_agent_report(agent, container_report_new(CONTAINER_TERMINATED, path));
}

static void copy_text(char *to, size_t size, const char *from)
{
    int n = snprintf(to, size, "%s", from);
    ASSERT(n >= 0 && (size_t)n < size);
}

static void launch(struct cluster *cluster, struct sim_node *agent,
                   const struct container_request *request)
{
    struct sim *sim = agent->sim;
    struct cluster_executor *executor = find_free(cluster);
    bool fails = !cluster->options.story && prng_below(&sim->prng, 50) == 0;
    if (executor == NULL || fails) {
        fail_launch(agent, request->path);
        return;
    }
    executor->state = CLUSTER_CONTAINER_RUNS;
    executor->agent = agent;
    executor->kept = true;
    executor->node->host = agent->host;
    copy_text(executor->path, sizeof(executor->path), request->path);
    copy_text(executor->framework_id, sizeof(executor->framework_id),
              variable(request->spec, "MESOS_FRAMEWORK_ID"));
    copy_text(executor->executor_id, sizeof(executor->executor_id),
              variable(request->spec, "MESOS_EXECUTOR_ID"));
    executor->checkpoint = strcmp(variable(request->spec, "MESOS_CHECKPOINT"), "1") == 0;
    int64_t wait_ns = cluster->options.story ? STORY_WAIT_NS : sim_draw_ns(sim, 0, LAUNCH_MAX_NS);
    sim_schedule(sim, sim->now_ns + wait_ns, NULL, begin, executor, NULL);
}

static void end(struct sim *sim UNUSED, void *arg)
{
    struct cluster_executor *executor = arg;
    if (executor->state == CLUSTER_CONTAINER_RUNS) {
        cluster_executor_exited(executor, SIGKILL);
    }
}

static void destroy(struct cluster_executor *executor)
{
    struct sim *sim = executor->agent->sim;
    int64_t wait_ns =
        executor->cluster->options.story ? STORY_WAIT_NS : sim_draw_ns(sim, 0, DESTROY_MAX_NS);
    sim_schedule(sim, sim->now_ns + wait_ns, NULL, end, executor, NULL);
}

/* The last request of a recovery: what nobody named is an orphan. */
static void recovered(struct cluster *cluster, struct sim_node *agent)
{
    for (int i = 0; i < CLUSTER_EXECUTORS_MAX; i++) {
        struct cluster_executor *executor = &cluster->executors[i];
        if (executor->agent != agent || executor->state == CLUSTER_CONTAINER_FREE) {
            continue;
        }
        if (!executor->kept) {
            sim_crash(executor->node);
            executor->state = CLUSTER_CONTAINER_FREE;
            cluster_nested_end_all(executor);
        } else if (executor->state == CLUSTER_CONTAINER_ENDED) {
            tell_terminated(executor, true);
        } else if (!sim_is_up(executor->node)) {
            /* The agent died between fork and report. */
            executor->status = SIGKILL;
            executor->state = CLUSTER_CONTAINER_ENDED;
            tell_terminated(executor, true);
        }
    }
    cluster_nested_tell_found(cluster, agent);
    cluster_agent_report(agent, container_report_new(CONTAINER_RECOVERED, ""));
    cluster_nested_tell_ended(cluster, agent);
}

static void recover_one(struct cluster *cluster, struct sim_node *agent, const char *path)
{
    struct cluster_executor *executor = find(cluster, agent, path);
    if (executor != NULL) {
        executor->kept = true;
    } else {
        cluster_agent_report(agent, container_report_new(CONTAINER_TERMINATED, path));
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

static void perform(struct cluster *cluster, struct sim_node *agent,
                    const struct container_request *request)
{
    if (strchr(request->path, '.') != NULL) {
        cluster_nested_perform(cluster, agent, request);
        return;
    }
    struct cluster_executor *executor = find(cluster, agent, request->path);
    switch (request->type) {
    case CONTAINER_RECOVER:
        if (request->path[0] == '\0') {
            recovered(cluster, agent);
        } else {
            recover_one(cluster, agent, request->path);
        }
        break;
    case CONTAINER_LAUNCH:
        launch(cluster, agent, request);
        break;
    case CONTAINER_UPDATE:
        answer(agent, CONTAINER_UPDATED, request, executor != NULL ? 0 : -ENOENT);
        break;
    case CONTAINER_DESTROY:
        if (executor != NULL) {
            destroy(executor);
        }
        break;
    case CONTAINER_USAGE:
        answer(agent, CONTAINER_USAGE_RESULT, request, -ENOENT);
        break;
    case CONTAINER_STATUS:
        answer(agent, CONTAINER_STATUS_RESULT, request, -ENOENT);
        break;
    case CONTAINER_KILL:
    case CONTAINER_REMOVE:
    case CONTAINER_WATCH_ONLY:
        break;
    }
}

void cluster_perform_containers(struct sim_node *agent, struct container_requests *requests)
{
    struct container_request *request;
    while ((request = container_request_pop(requests)) != NULL) {
        perform(agent->arg, agent, request);
        container_request_free(request);
    }
}
