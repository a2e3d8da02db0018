/* A scripted framework over the v1 scheduler API: launches, kills, declines and reconciles at
 * random, and holds every update against what the executors have made. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "resources/resource_pb.h"
#include "sim/cluster.h"
#include "sim/sim_http.h"
#include "wire/message.h"
#include "wire/recordio.h"

#define SCHEDULER_PATH "/master/api/v1/scheduler"
#define RETRY_NS (500 * NS_PER_MS)
#define PROTOBUF "application/x-protobuf"

struct framework_core {
    struct cluster_framework *self;
    struct sim_node *node;
    uint64_t stream;    /* the call of the subscription; 0 = none */
    char stream_id[64]; /* "" before it is open */
    bool subscribed;
    struct recordio_reader reader;
    int64_t retry_ns; /* when to subscribe again; TIME_NEVER */
    int64_t act_ns;   /* when to do something at random */
    /* scenarios: the next launch */
    bool wants;
    int want_ms;
    int want_exit;
};

static void *start(struct sim_node *node)
{
    struct framework_core *core = xalloc(sizeof(*core));
    core->self = node->arg;
    core->node = node;
    recordio_reader_init(&core->reader, RECORDIO_RECORD_SIZE_MAX);
    core->retry_ns = sim_now(node).mono_ns;
    core->act_ns =
        core->self->cluster->options.manual ? TIME_NEVER : sim_now(node).mono_ns + 5 * NS_PER_SEC;
    return core;
}

static void stop(void *arg)
{
    struct framework_core *core = arg;
    recordio_reader_deinit(&core->reader);
    free(core);
}

static int64_t deadline(const void *arg)
{
    const struct framework_core *core = arg;
    return MIN(core->retry_ns, core->act_ns);
}

/* --- calls --- */

static Pb__Scheduler__Call *new_call(struct framework_core *core, Pb__Scheduler__Call__Type type,
                                     struct arena *arena)
{
    Pb__Scheduler__Call *call = MESSAGE_NEW(Pb__Scheduler__Call, pb__scheduler__call, arena);
    call->has_type = true;
    call->type = type;
    if (core->self->id[0] != '\0') {
        call->framework_id = MESSAGE_NEW(Pb__FrameworkID, pb__framework_id, arena);
        call->framework_id->value = arena_strdup(arena, core->self->id);
    }
    return call;
}

static uint64_t post(struct framework_core *core, const Pb__Scheduler__Call *call)
{
    CLEANUP(blob_unrefp) struct blob *body = message_encode_blob(&call->base);
    struct sim_http_request request = {
        .address = core->self->cluster->master->address,
        .method = "POST",
        .path = SCHEDULER_PATH,
        .content_type = PROTOBUF,
        .accept = PROTOBUF,
        .stream_id = core->stream_id[0] != '\0' ? core->stream_id : NULL,
        .body = blob_slice(body),
    };
    return sim_http_request(core->node, &request);
}

static void add_capability(Pb__FrameworkInfo *info, Pb__FrameworkInfo__Capability__Type type,
                           struct arena *arena)
{
    Pb__FrameworkInfo__Capability *capability =
        MESSAGE_NEW(Pb__FrameworkInfo__Capability, pb__framework_info__capability, arena);
    capability->has_type = true;
    capability->type = type;
    MESSAGE_APPEND(arena, info->n_capabilities, info->capabilities, capability);
}

static void subscribe(struct framework_core *core)
{
    const struct cluster_options *options = &core->self->cluster->options;
    struct arena arena;
    arena_init(&arena, 0);
    core->stream_id[0] = '\0';
    Pb__Scheduler__Call *call = new_call(core, PB__SCHEDULER__CALL__TYPE__SUBSCRIBE, &arena);
    call->subscribe =
        MESSAGE_NEW(Pb__Scheduler__Call__Subscribe, pb__scheduler__call__subscribe, &arena);
    Pb__FrameworkInfo *info = MESSAGE_NEW(Pb__FrameworkInfo, pb__framework_info, &arena);
    call->subscribe->framework_info = info;
    info->user = arena_strdup(&arena, "root");
    info->name = arena_strdup(&arena, core->self->name);
    info->id = call->framework_id;
    info->has_failover_timeout = true;
    info->failover_timeout = 3600;
    info->has_checkpoint = true;
    info->checkpoint = options->checkpoint;
    char *role = arena_strdup(&arena, "*");
    MESSAGE_APPEND(&arena, info->n_roles, info->roles, role);
    add_capability(info, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE, &arena);
    if (options->partition_aware) {
        add_capability(info, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE, &arena);
    }
    core->stream = post(core, call);
    recordio_reader_deinit(&core->reader);
    recordio_reader_init(&core->reader, RECORDIO_RECORD_SIZE_MAX);
    arena_deinit(&arena);
}

/* --- offers --- */

static void add_scalar(Pb__TaskInfo *task, const char *name, double value, struct arena *arena)
{
    Pb__Resource *resource = MESSAGE_NEW(Pb__Resource, pb__resource, arena);
    resource->name = arena_strdup(arena, name);
    resource->type = PB__VALUE__TYPE__SCALAR;
    resource->scalar = MESSAGE_NEW(Pb__Value__Scalar, pb__value__scalar, arena);
    resource->scalar->value = value;
    resource->allocation_info =
        MESSAGE_NEW(Pb__Resource__AllocationInfo, pb__resource__allocation_info, arena);
    resource->allocation_info->role = arena_strdup(arena, "*");
    MESSAGE_APPEND(arena, task->n_resources, task->resources, resource);
}

static Pb__TaskInfo *new_task(struct framework_core *core, const Pb__Offer *offer,
                              struct arena *arena)
{
    struct cluster *cluster = core->self->cluster;
    struct prng *prng = &cluster->sim->prng;
    struct cluster_task *task = cluster_add_task(cluster, core->self->index);
    task->duration_ms = core->wants ? core->want_ms : (int)prng_below(prng, 20000) - 2000;
    task->exit_code = core->wants ? core->want_exit : prng_below(prng, 4) == 0;
    size_t size = MIN(strlen(offer->agent_id->value), sizeof(task->agent_id) - 1);
    memcpy(task->agent_id, offer->agent_id->value, size);
    core->wants = false;
    core->self->launched++;
    Pb__TaskInfo *info = MESSAGE_NEW(Pb__TaskInfo, pb__task_info, arena);
    info->name = arena_strdup(arena, task->id);
    info->task_id = MESSAGE_NEW(Pb__TaskID, pb__task_id, arena);
    info->task_id->value = arena_strdup(arena, task->id);
    info->agent_id = offer->agent_id;
    info->command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, arena);
    info->command->value = arena_strdup(arena, "run");
    add_scalar(info, "cpus", 0.5, arena);
    add_scalar(info, "mem", 128, arena);
    sim_trace(cluster->sim, core->node, "launches %s", task->id);
    return info;
}

static void accept_offer(struct framework_core *core, const Pb__Offer *offer, int tasks)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(core, PB__SCHEDULER__CALL__TYPE__ACCEPT, &arena);
    call->accept = MESSAGE_NEW(Pb__Scheduler__Call__Accept, pb__scheduler__call__accept, &arena);
    MESSAGE_APPEND(&arena, call->accept->n_offer_ids, call->accept->offer_ids, offer->id);
    Pb__Offer__Operation *operation =
        MESSAGE_NEW(Pb__Offer__Operation, pb__offer__operation, &arena);
    operation->has_type = true;
    operation->type = PB__OFFER__OPERATION__TYPE__LAUNCH;
    operation->launch =
        MESSAGE_NEW(Pb__Offer__Operation__Launch, pb__offer__operation__launch, &arena);
    for (int i = 0; i < tasks; i++) {
        Pb__TaskInfo *task = new_task(core, offer, &arena);
        MESSAGE_APPEND(&arena, operation->launch->n_task_infos, operation->launch->task_infos,
                       task);
    }
    MESSAGE_APPEND(&arena, call->accept->n_operations, call->accept->operations, operation);
    call->accept->filters = MESSAGE_NEW(Pb__Filters, pb__filters, &arena);
    call->accept->filters->has_refuse_seconds = true;
    call->accept->filters->refuse_seconds = 0;
    post(core, call);
    arena_deinit(&arena);
}

static void decline(struct framework_core *core, const Pb__Offer *offer)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(core, PB__SCHEDULER__CALL__TYPE__DECLINE, &arena);
    call->decline = MESSAGE_NEW(Pb__Scheduler__Call__Decline, pb__scheduler__call__decline, &arena);
    MESSAGE_APPEND(&arena, call->decline->n_offer_ids, call->decline->offer_ids, offer->id);
    call->decline->filters = MESSAGE_NEW(Pb__Filters, pb__filters, &arena);
    call->decline->filters->has_refuse_seconds = true;
    call->decline->filters->refuse_seconds =
        (double)prng_below(&core->node->sim->prng, 5000) / 1000.0;
    post(core, call);
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
    struct prng *prng = &cluster->sim->prng;
    int fits = room(offer);
    int left = cluster->options.tasks - core->self->launched;
    if (cluster->options.manual) {
        if (core->wants && fits > 0) {
            accept_offer(core, offer, 1);
        } else {
            decline(core, offer);
        }
        return;
    }
    int wanted = (int)prng_below(prng, 3) + 1;
    int tasks = MIN(MIN(fits, left), wanted);
    if (cluster->winding_down || tasks <= 0 || prng_below(prng, 4) == 0) {
        if (prng_below(prng, 8) != 0) {
            decline(core, offer);
        } /* else it is held */
        return;
    }
    accept_offer(core, offer, tasks);
}

/* --- updates --- */

static bool is_final(Pb__TaskState state)
{
    return state == PB__TASK_STATE__TASK_FINISHED || state == PB__TASK_STATE__TASK_FAILED ||
           state == PB__TASK_STATE__TASK_KILLED || state == PB__TASK_STATE__TASK_ERROR ||
           state == PB__TASK_STATE__TASK_GONE_BY_OPERATOR;
}

enum heard { HEARD_NEW, HEARD_AGAIN, HEARD_OF_OTHERS };

/* Updates that an executor has made come in that order; again at most if unacknowledged. */
static enum heard check_order(struct framework_core *core, struct cluster_task *task,
                              const Pb__TaskStatus *status)
{
    for (int i = 0; status->has_uuid && i < task->made_count; i++) {
        if (status->uuid.len != 16 || memcmp(task->made[i], status->uuid.data, 16) != 0) {
            continue;
        }
        if (i + 1 < task->heard) {
            /* The next one came, so this one's acknowledgement was taken. */
            cluster_wrong(core->self->cluster, "update %d of task %s came again after update %d",
                          i + 1, task->id, task->heard);
        }
        if (i < task->heard) {
            return HEARD_AGAIN;
        }
        if (i > task->heard) {
            cluster_wrong(core->self->cluster, "update %d of task %s came before update %d", i + 1,
                          task->id, task->heard + 1);
        }
        task->heard = i + 1;
        return HEARD_NEW;
    }
    return HEARD_OF_OTHERS;
}

/* An executor's last word is the last. Master and agent may be behind it: reconciliation tells what
 * was forwarded last (facts/state_machines.md 2.4). */
static void check_state(struct framework_core *core, struct cluster_task *task,
                        const Pb__TaskStatus *status)
{
    enum heard heard = check_order(core, task, status);
    if (heard == HEARD_NEW && task->ended) {
        cluster_wrong(core->self->cluster, "task %s changed after its end", task->id);
    }
    if (heard == HEARD_AGAIN || task->ended) {
        return;
    }
    task->state = (int)status->state;
    task->terminal |= is_final(status->state);
    task->ended = heard == HEARD_NEW && is_final(status->state);
}

static void acknowledge(struct framework_core *core, const Pb__TaskStatus *status)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(core, PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE, &arena);
    call->acknowledge =
        MESSAGE_NEW(Pb__Scheduler__Call__Acknowledge, pb__scheduler__call__acknowledge, &arena);
    call->acknowledge->agent_id = status->agent_id;
    call->acknowledge->task_id = status->task_id;
    call->acknowledge->uuid = status->uuid;
    post(core, call);
    arena_deinit(&arena);
}

static void update(struct framework_core *core, const Pb__TaskStatus *status)
{
    struct cluster *cluster = core->self->cluster;
    struct cluster_task *task = cluster_find_task(cluster, slice_from(status->task_id->value));
    const ProtobufCEnumValue *name =
        protobuf_c_enum_descriptor_get_value(&pb__task_state__descriptor, (int)status->state);
    const ProtobufCEnumValue *source = protobuf_c_enum_descriptor_get_value(
        &pb__task_status__source__descriptor, (int)status->source);
    sim_trace(cluster->sim, core->node, "hears %s is %s, from %s%s", status->task_id->value,
              name != NULL ? name->name : "?", source != NULL ? source->name + 7 : "?",
              status->has_uuid ? "" : ", not to be acknowledged");
    if (task == NULL) {
        cluster_wrong(cluster, "an update of a task that nobody launched: %s",
                      status->task_id->value);
        return;
    }
    check_state(core, task, status);
    task->answered |=
        status->has_reason && status->reason == PB__TASK_STATUS__REASON__REASON_RECONCILIATION;
    /* Now and then the acknowledgement is forgotten, and given when the update comes again. */
    bool forgets = !cluster->options.calm && !cluster->winding_down &&
                   prng_below(&cluster->sim->prng, 10) == 0;
    if (status->has_uuid && status->agent_id != NULL && !forgets) {
        acknowledge(core, status);
    }
}

/* --- the stream --- */

static void subscribed(struct framework_core *core, const Pb__Scheduler__Event__Subscribed *event)
{
    size_t size = strlen(event->framework_id->value);
    ASSERT(size < sizeof(core->self->id));
    memcpy(core->self->id, event->framework_id->value, size + 1);
    core->subscribed = true;
    sim_trace(core->node->sim, core->node, "is subscribed");
}

static bool on_record(void *arg, struct slice record)
{
    struct framework_core *core = arg;
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Event *event;
    struct err err;
    int status =
        MESSAGE_DECODE(Pb__Scheduler__Event, pb__scheduler__event, record, &arena, &event, &err);
    if (status != 0) {
        cluster_wrong(core->self->cluster, "an event cannot be decoded: %s", err.text);
    } else if (event->subscribed != NULL) {
        subscribed(core, event->subscribed);
    } else if (event->offers != NULL) {
        for (size_t i = 0; i < event->offers->n_offers; i++) {
            take_offer(core, event->offers->offers[i]);
        }
    } else if (event->update != NULL) {
        update(core, event->update->status);
    } else if (event->error != NULL) {
        sim_trace(core->node->sim, core->node, "hears an error: %s", event->error->message);
    }
    arena_deinit(&arena);
    return true;
}

static void on_http(void *arg, struct sim_node *node, const struct sim_http_event *event)
{
    struct framework_core *core = arg;
    if (event->call != core->stream) {
        return;
    }
    struct err err;
    switch (event->type) {
    case SIM_HTTP_OPENED:
        ASSERT(event->stream_id.size < sizeof(core->stream_id));
        memcpy(core->stream_id, event->stream_id.data, event->stream_id.size);
        core->stream_id[event->stream_id.size] = '\0';
        break;
    case SIM_HTTP_PIECE:
        if (recordio_reader_feed(&core->reader, event->body, on_record, core, &err) != 0) {
            cluster_wrong(core->self->cluster, "a stream without records: %s", err.text);
        }
        break;
    case SIM_HTTP_ANSWER:
    case SIM_HTTP_CLOSED:
        core->stream = 0;
        core->subscribed = false;
        core->retry_ns = sim_now(node).mono_ns + RETRY_NS;
        break;
    }
}

/* --- at random --- */

void cluster_framework_kill(struct cluster_framework *framework, struct cluster_task *task)
{
    struct framework_core *core = framework->node->core;
    if (core == NULL || !core->subscribed) {
        return;
    }
    struct arena arena;
    arena_init(&arena, 0);
    sim_trace(core->node->sim, core->node, "kills %s", task->id);
    Pb__Scheduler__Call *call = new_call(core, PB__SCHEDULER__CALL__TYPE__KILL, &arena);
    call->kill = MESSAGE_NEW(Pb__Scheduler__Call__Kill, pb__scheduler__call__kill, &arena);
    call->kill->task_id = MESSAGE_NEW(Pb__TaskID, pb__task_id, &arena);
    call->kill->task_id->value = arena_strdup(&arena, task->id);
    call->kill->agent_id = MESSAGE_NEW(Pb__AgentID, pb__agent_id, &arena);
    call->kill->agent_id->value = arena_strdup(&arena, task->agent_id);
    post(core, call);
    arena_deinit(&arena);
}

void cluster_framework_reconcile(struct cluster_framework *framework)
{
    struct framework_core *core = framework->node->core;
    struct cluster *cluster = framework->cluster;
    if (core == NULL || !core->subscribed) {
        return;
    }
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(core, PB__SCHEDULER__CALL__TYPE__RECONCILE, &arena);
    call->reconcile =
        MESSAGE_NEW(Pb__Scheduler__Call__Reconcile, pb__scheduler__call__reconcile, &arena);
    for (int i = 0; i < cluster->task_count; i++) {
        struct cluster_task *task = &cluster->tasks[i];
        if (task->framework != framework->index || task->terminal) {
            continue;
        }
        Pb__Scheduler__Call__Reconcile__Task *asked = MESSAGE_NEW(
            Pb__Scheduler__Call__Reconcile__Task, pb__scheduler__call__reconcile__task, &arena);
        asked->task_id = MESSAGE_NEW(Pb__TaskID, pb__task_id, &arena);
        asked->task_id->value = arena_strdup(&arena, task->id);
        asked->agent_id = MESSAGE_NEW(Pb__AgentID, pb__agent_id, &arena);
        asked->agent_id->value = arena_strdup(&arena, task->agent_id);
        MESSAGE_APPEND(&arena, call->reconcile->n_tasks, call->reconcile->tasks, asked);
    }
    if (call->reconcile->n_tasks != 0) {
        post(core, call);
    }
    arena_deinit(&arena);
}

void cluster_framework_want(struct cluster_framework *framework, int duration_ms, int exit_code)
{
    struct framework_core *core = framework->node->core;
    if (core != NULL) {
        core->wants = true;
        core->want_ms = duration_ms;
        core->want_exit = exit_code;
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
        if (task->framework == core->self->index && !task->terminal) {
            cluster_framework_kill(core->self, task);
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
    if (now_ns >= core->retry_ns) {
        core->retry_ns = TIME_NEVER;
        subscribe(core);
    }
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
