/* The real agent on a node of the simulator; its meta folder is on the node's disk. */
#include "agent/agent.h"

#include <stdlib.h>

#include "agent/core.h"
#include "agent/operation.h"
#include "common/xalloc.h"
#include "sim/cluster.h"
#include "sim/sim_disk.h"

#define WORK_DIR "/work"
#define META_DIR WORK_DIR "/meta"

struct agent_core {
    struct agent *agent;
    struct sim_node *node;
};

static void step(struct agent_core *core, const struct agent_event *event);

static void *start(struct sim_node *node)
{
    struct agent_core *core = xalloc(sizeof(*core));
    core->node = node;
    cluster_forget_kept(node->arg, node);
    struct agent_config config = {
        .seed = prng_next(&node->sim->prng),
        .address = node->address,
        .hostname = node->name,
        .resources = "cpus:4;mem:4096;disk:4096;ports:[31000-32000]",
        .work_dir = WORK_DIR,
        .launcher_dir = "/bin",
        .command_executor = "/bin/tepui-executor",
        .default_executor = "/bin/tepui-default-executor",
        .sandbox_directory = "/mnt/mesos/sandbox",
        .strict = true,
        .switch_user = true,
        .registration_backoff_factor_ns =
            ((struct cluster *)node->arg)->options.story ? 40 * NS_PER_MS : NS_PER_SEC,
        .executor_registration_timeout_ns = NS_PER_MIN,
        .executor_reregistration_timeout_ns = 2 * NS_PER_SEC,
        .executor_shutdown_grace_period_ns = 5 * NS_PER_SEC,
        .recovery_timeout_ns = 15 * NS_PER_MIN,
        .gc_delay_ns = NS_PER_WEEK,
        .disk_watch_interval_ns = NS_PER_MIN,
        .gc_disk_headroom_ppm = 100000,
        .max_completed_executors_per_framework = 150,
        .build = {.version = "1.12.0"},
    };
    struct err err;
    int status = agent_new(&config, sim_now(node), &core->agent, &err);
    ASSERT(status == 0);
    return core;
}

/* --- what is on the disk --- */

struct reading {
    struct sim_disk *disk;
    struct tree *tree;
    char folder[1024]; /* absolute */
    size_t root_size;  /* bytes of the root and the slash behind it */
};

static void read_entry(void *arg, const char *name, enum sim_file_type type)
{
    struct reading *reading = arg;
    size_t size = strlen(reading->folder);
    ASSERT(size + strlen(name) + 2 < sizeof(reading->folder));
    reading->folder[size] = '/';
    memcpy(reading->folder + size + 1, name, strlen(name) + 1);
    const char *path = reading->folder + reading->root_size;
    if (type == SIM_FOLDER) {
        tree_add(reading->tree, TREE_FOLDER, path, SLICE(""));
        sim_disk_list(reading->disk, reading->folder, read_entry, reading);
    } else if (type == SIM_LINK) {
        tree_add(reading->tree, TREE_LINK, path,
                 slice_from(sim_disk_link(reading->disk, reading->folder)));
    } else {
        CLEANUP(blob_unrefp) struct blob *bytes = sim_disk_read(reading->disk, reading->folder);
        tree_add(reading->tree, TREE_FILE, path, blob_slice(bytes));
    }
    reading->folder[size] = '\0';
}

static void read_tree(struct sim_disk *disk, const char *root, struct tree *tree)
{
    struct reading reading = {.disk = disk, .tree = tree, .root_size = strlen(root) + 1};
    memcpy(reading.folder, root, strlen(root) + 1);
    tree_init(tree);
    sim_disk_list(disk, root, read_entry, &reading);
}

static void tell_master(struct agent_core *core)
{
    struct cluster *cluster = core->node->arg;
    struct agent_event event = {
        .type = AGENT_MASTER,
        .master = {.pid = {.id = "master", .address = cluster->master->address},
                   .hostname = "master",
                   .has_agent_update = true},
    };
    step(core, &event);
}

static void recover(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    struct agent_core *core = node->core;
    struct tree meta;
    struct tree sandboxes;
    read_tree(node->disk, META_DIR, &meta);
    tree_init(&sandboxes);
    struct agent_event event = {
        .type = AGENT_RECOVERED,
        .recovered = {.meta = &meta, .sandboxes = &sandboxes, .boot_id = "boot"},
    };
    step(core, &event);
    tree_deinit(&meta);
    tree_deinit(&sandboxes);
    if (node->core == core) {
        tell_master(core);
    }
}

static void *start_and_recover(struct sim_node *node)
{
    void *core = start(node);
    sim_schedule(node->sim, node->sim->now_ns, node, recover, node, NULL);
    return core;
}

static void stop(void *arg)
{
    struct agent_core *core = arg;
    agent_free(core->agent);
    free(core);
}

/* --- effects --- */

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

struct user_answer {
    struct sim_node *node;
    char *name;
};

static void user_answer_free(void *arg)
{
    struct user_answer *answer = arg;
    free(answer->name);
    free(answer);
}

static void answer_user(struct sim *sim UNUSED, void *arg)
{
    struct user_answer *answer = arg;
    struct agent_event event = {.type = AGENT_USER, .user = {.name = answer->name, .found = true}};
    step(answer->node->core, &event);
    user_answer_free(answer);
}

static void answer_usage(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    step(node->core, &(struct agent_event){.type = AGENT_DISK_USAGE, .usage_ppm = 100000});
}

static void answer_detect(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    tell_master(node->core);
}

static void ask(struct agent_core *core, const struct agent_ask *ask)
{
    struct sim_node *node = core->node;
    struct sim *sim = node->sim;
    switch (ask->type) {
    case AGENT_ASK_USER: {
        struct user_answer *answer = xalloc(sizeof(*answer));
        *answer = (struct user_answer){node, xstrdup(ask->text)};
        sim_schedule(sim, sim->now_ns, node, answer_user, answer, user_answer_free);
        break;
    }
    case AGENT_ASK_DISK_USAGE:
        sim_schedule(sim, sim->now_ns, node, answer_usage, node, NULL);
        break;
    case AGENT_ASK_REDETECT:
        sim_schedule(sim, sim->now_ns, node, answer_detect, node, NULL);
        break;
    case AGENT_ASK_LOG:
        sim_trace(sim, node, "says: %s", ask->text);
        break;
    case AGENT_ASK_EXIT:
        sim_trace(sim, node, "exits: %s", ask->text != NULL ? ask->text : "");
        sim_schedule(sim, sim->now_ns, node, die, node, NULL);
        sim_schedule(sim, sim->now_ns + NS_PER_SEC, NULL, start_again, node, NULL);
        break;
    case AGENT_ASK_VERBOSITY:
    case AGENT_ASK_INPUT:
    case AGENT_ASK_WINDOW:
        break;
    }
}

static void step(struct agent_core *core, const struct agent_event *event)
{
    struct agent_effects effects;
    agent_effects_init(&effects);
    agent_step(core->agent, event, sim_now(core->node), &effects);
    sim_perform_store(core->node, &effects.store);
    cluster_perform_containers(core->node, &effects.containers);
    sim_perform_net(core->node, &effects.net);
    struct agent_ask *wanted;
    while ((wanted = agent_ask_pop(&effects)) != NULL) {
        ask(core, wanted);
        agent_ask_free(wanted);
    }
    agent_effects_deinit(&effects);
}

static int64_t deadline(const void *core)
{
    return agent_deadline(((const struct agent_core *)core)->agent);
}

static void on_tick(void *core, struct sim_node *node UNUSED)
{
    step(core, &(struct agent_event){.type = AGENT_WAKE});
}

static void on_net(void *core, struct sim_node *node UNUSED, const struct net_event *event)
{
    step(core, &(struct agent_event){.type = AGENT_NET, .net = event});
}

static void on_store(void *core, struct sim_node *node UNUSED, const struct store_done *done)
{
    step(core, &(struct agent_event){.type = AGENT_STORED, .stored = *done});
}

const struct sim_program cluster_agent_program = {
    .name = "agent",
    .start = start_and_recover,
    .stop = stop,
    .deadline = deadline,
    .on_tick = on_tick,
    .on_net = on_net,
    .on_store = on_store,
};

/* --- reports of containers --- */

struct reporting {
    struct sim_node *node;
    struct container_report *report;
};

static void reporting_free(void *arg)
{
    struct reporting *reporting = arg;
    container_report_free(reporting->report);
    free(reporting);
}

static void give_report(struct sim *sim UNUSED, void *arg)
{
    struct reporting *reporting = arg;
    struct agent_event event = {.type = AGENT_CONTAINER, .container = reporting->report};
    step(reporting->node->core, &event);
    reporting_free(reporting);
}

void cluster_agent_report(struct sim_node *agent, struct container_report *report)
{
    struct reporting *reporting = xalloc(sizeof(*reporting));
    *reporting = (struct reporting){agent, report};
    if (sim_is_up(agent)) {
        sim_schedule(agent->sim, agent->sim->now_ns, agent, give_report, reporting, reporting_free);
    } else {
        reporting_free(reporting);
    }
}

void cluster_agent_detects(struct sim_node *node)
{
    if (sim_is_up(node)) {
        tell_master(node->core);
    }
}

void cluster_agent_check(void *core)
{
    agent_check(((struct agent_core *)core)->agent);
}

const struct resources *cluster_agent_total(void *core)
{
    return &((struct agent_core *)core)->agent->resources.total;
}

void cluster_agent_visit_operations(void *core, void (*visit)(void *arg, struct slice id),
                                    void *arg)
{
    const struct agent *agent = ((struct agent_core *)core)->agent;
    const struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        if (operation->id != NULL) {
            visit(arg, slice_from(operation->id));
        }
    }
}
