/* A scripted framework: launches, kills, declines and reconciles at random, and holds every update
 * against what the executors have made. */
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "resources/resource_pb.h"
#include "sim/cluster.h"
#include "sim/cluster_scheduler.h"
#include "wire/message.h"

struct framework_core {
    struct scheduler scheduler;
    struct cluster_framework *self;
    struct sim_node *node;
    int64_t act_ns; /* when to do something at random */
};

static void on_event(void *arg, const Pb__Scheduler__Event *event, const char *broken);

static const char *role_of(const struct cluster *cluster)
{
    return cluster->options.reserves ? CLUSTER_ROLE : "*";
}

static void *start(struct sim_node *node)
{
    struct framework_core *core = xalloc(sizeof(*core));
    core->self = node->arg;
    core->node = node;
    const struct cluster_options *options = &core->self->cluster->options;
    struct scheduler_info info = {
        .name = core->self->name,
        .role = role_of(core->self->cluster),
        .refines = options->reserves,
        .failover_timeout_s = 3600,
        .checkpoint = options->checkpoint,
        .partition_aware = options->partition_aware,
    };
    if (options->constrains) {
        struct cluster_framework *self = core->self;
        (void)snprintf(self->avoids, sizeof(self->avoids), "(%s)+",
                       self->cluster->agent_names[self->index]);
        info.avoids = self->avoids;
    }
    scheduler_init(&core->scheduler, node, &core->self->cluster->master->address, &info,
                   core->self->id);
    core->scheduler.on_event = on_event;
    core->scheduler.arg = core;
    core->act_ns = sim_now(node).mono_ns + 5 * NS_PER_SEC;
    return core;
}

static void stop(void *arg)
{
    struct framework_core *core = arg;
    scheduler_deinit(&core->scheduler);
    free(core);
}

static int64_t deadline(const void *arg)
{
    const struct framework_core *core = arg;
    return MIN(core->scheduler.retry_ns, core->act_ns);
}

/* --- offers --- */

static Pb__TaskInfo *new_task(struct framework_core *core, const Pb__Offer *offer,
                              struct arena *arena)
{
    struct cluster *cluster = core->self->cluster;
    struct prng *prng = &cluster->sim->prng;
    struct cluster_task *task = cluster_add_task(cluster, core->self->index);
    task->duration_ms = (int)prng_below(prng, 20000) - 2000;
    task->exit_code = prng_below(prng, 4) == 0;
    size_t size = MIN(strlen(offer->agent_id->value), sizeof(task->agent_id) - 1);
    memcpy(task->agent_id, offer->agent_id->value, size);
    core->self->launched++;
    sim_trace(cluster->sim, core->node, "launches %s", task->id);
    return scheduler_task_info(task->id, task->agent_id, 0.5, 128, role_of(cluster), arena);
}

static void accept_offer(struct framework_core *core, const Pb__Offer *offer, int tasks)
{
    struct arena arena;
    arena_init(&arena, 0);
    size_t count = 0;
    Pb__TaskInfo **infos = NULL;
    for (int i = 0; i < tasks; i++) {
        Pb__TaskInfo *task = new_task(core, offer, &arena);
        MESSAGE_APPEND(&arena, count, infos, task);
    }
    Pb__OfferID *id = offer->id;
    Pb__ExecutorInfo *pod = NULL;
    if (prng_below(&core->node->sim->prng, 4) == 0) {
        pod = scheduler_pod_info(&core->scheduler, core->self->launched,
                                 role_of(core->self->cluster), &arena);
    }
    scheduler_accept(&core->scheduler, &id, 1, infos, count, pod);
    arena_deinit(&arena);
}

/* How many tasks of ours the offer has room for, at most three. */
static int room(const Pb__Offer *offer)
{
    struct resources offered = RESOURCES_INIT;
    resources_add_pb(&offered, offer->resources, offer->n_resources, NULL);
    int64_t cpus = 0;
    int64_t mem = 0;
    bool both = resources_get_scalar(&offered, SLICE("cpus"), &cpus) &&
                resources_get_scalar(&offered, SLICE("mem"), &mem);
    resources_deinit(&offered);
    return both ? (int)MIN(MIN(cpus / 700, mem / 200000), INT64_C(3)) : 0;
}

static void take_offer(struct framework_core *core, const Pb__Offer *offer)
{
    struct cluster *cluster = core->self->cluster;
    if (cluster->options.constrains &&
        strcmp(offer->hostname, cluster->agent_names[core->self->index]) == 0) {
        cluster_wrong(cluster, "%s was offered %s, which it avoids", core->self->name,
                      offer->hostname);
    }
    if (cluster->options.reserves &&
        cluster_operation_take_offer(core->self, &core->scheduler, offer)) {
        return;
    }
    struct prng *prng = &cluster->sim->prng;
    int left = cluster->options.tasks - core->self->launched;
    int wanted = (int)prng_below(prng, 3) + 1;
    int tasks = MIN(MIN(room(offer), left), wanted);
    if (cluster->winding_down || tasks <= 0 || prng_below(prng, 4) == 0) {
        if (prng_below(prng, 8) != 0) {
            scheduler_decline(&core->scheduler, offer->id, (double)prng_below(prng, 5000) / 1000.0);
        } /* else it is held */
        return;
    }
    accept_offer(core, offer, tasks);
}

/* It leaves, it cannot, or it says nothing. */
static void take_inverse_offer(struct framework_core *core, const Pb__InverseOffer *offer)
{
    struct prng *prng = &core->node->sim->prng;
    uint64_t choice = prng_below(prng, 3);
    if (offer->agent_id == NULL) {
        cluster_wrong(core->self->cluster, "an inverse offer of no agent");
    }
    if (choice != 2) {
        scheduler_answer_inverse(&core->scheduler, offer->id, choice == 0,
                                 (double)prng_below(prng, 5000) / 1000.0);
    }
}

/* --- updates --- */

static void update(struct framework_core *core, const Pb__TaskStatus *status)
{
    struct cluster *cluster = core->self->cluster;
    const ProtobufCEnumValue *name =
        protobuf_c_enum_descriptor_get_value(&pb__task_state__descriptor, (int)status->state);
    const ProtobufCEnumValue *source = protobuf_c_enum_descriptor_get_value(
        &pb__task_status__source__descriptor, (int)status->source);
    sim_trace(cluster->sim, core->node, "hears %s is %s, from %s%s", status->task_id->value,
              name != NULL ? name->name : "?", source != NULL ? source->name + 7 : "?",
              status->has_uuid ? "" : ", not to be acknowledged");
    cluster_hears(cluster, status);
    /* Now and then the acknowledgement is forgotten, and given when the update comes again. */
    bool forgets = !cluster->winding_down && prng_below(&cluster->sim->prng, 10) == 0;
    if (status->has_uuid && status->agent_id != NULL && !forgets) {
        scheduler_acknowledge(&core->scheduler, status);
    }
}

static void on_event(void *arg, const Pb__Scheduler__Event *event, const char *broken)
{
    struct framework_core *core = arg;
    if (broken != NULL) {
        cluster_wrong(core->self->cluster, "a stream makes no sense: %s", broken);
    } else if (event->subscribed != NULL) {
        sim_trace(core->node->sim, core->node, "is subscribed");
    } else if (event->offers != NULL) {
        for (size_t i = 0; i < event->offers->n_offers; i++) {
            take_offer(core, event->offers->offers[i]);
        }
    } else if (event->inverse_offers != NULL) {
        for (size_t i = 0; i < event->inverse_offers->n_inverse_offers; i++) {
            take_inverse_offer(core, event->inverse_offers->inverse_offers[i]);
        }
    } else if (event->update != NULL) {
        update(core, event->update->status);
    } else if (event->update_operation_status != NULL) {
        cluster_operation_hears(core->self, &core->scheduler,
                                event->update_operation_status->status);
    } else if (event->error != NULL) {
        sim_trace(core->node->sim, core->node, "hears an error: %s", event->error->message);
    }
}

static void on_http(void *arg, struct sim_node *node UNUSED, const struct sim_http_event *event)
{
    struct framework_core *core = arg;
    scheduler_http(&core->scheduler, event);
}

/* --- at random --- */

void cluster_framework_reconcile(struct cluster_framework *framework)
{
    struct framework_core *core = framework->node->core;
    if (core != NULL && core->scheduler.subscribed) {
        cluster_reconcile(framework, &core->scheduler);
    }
}

static void act(struct framework_core *core)
{
    struct cluster *cluster = core->self->cluster;
    struct prng *prng = &cluster->sim->prng;
    if (cluster->task_count == 0 || cluster->winding_down) {
        return;
    }
    struct cluster_task *task = &cluster->tasks[prng_below(prng, (uint64_t)cluster->task_count)];
    switch (prng_below(prng, 4)) {
    case 0:
        cluster_framework_reconcile(core->self);
        break;
    case 1:
    case 2:
        if (task->framework == core->self->index && !task->terminal && core->scheduler.subscribed) {
            sim_trace(cluster->sim, core->node, "kills %s", task->id);
            scheduler_kill(&core->scheduler, task->id, task->agent_id, -1);
        }
        break;
    default:
        break;
    }
}

static void on_tick(void *arg, struct sim_node *node)
{
    struct framework_core *core = arg;
    int64_t now_ns = sim_now(node).mono_ns;
    scheduler_tick(&core->scheduler);
    if (now_ns >= core->act_ns) {
        core->act_ns = now_ns + NS_PER_SEC + sim_draw_ns(node->sim, 0, 5 * NS_PER_SEC);
        act(core);
    }
}

const struct sim_program cluster_framework_program = {
    .name = "framework",
    .start = start,
    .stop = stop,
    .deadline = deadline,
    .on_tick = on_tick,
    .on_http = on_http,
};
