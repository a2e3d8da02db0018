/* The real command and default executors on nodes of the simulator; the task's process is a timer.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "executor/command_executor.h"
#include "executor/default_executor.h"
#include "sim/cluster.h"
#include "sim/sim_http.h"
#include "wire/message.h"
#include "wire/recordio.h"

#define EXECUTOR_PATH "/slave(1)/api/v1/executor"
#define AGENT_PATH "/slave(1)/api/v1"
#define AGENT_CALLS_MAX 64

/* A call to the agent's API that is not answered yet. */
struct agent_call {
    uint64_t call; /* 0 = free */
    uint64_t token;
};

struct executor_core {
    struct command_executor *executor; /* one of the two */
    struct default_executor *pod;
    struct sim_node *node;
    uint64_t stream; /* the call of the subscription; 0 = none */
    struct recordio_reader reader;
    bool opened;         /* the stream was answered 200 */
    uint64_t task_token; /* of the process that runs; 0 = none */
    struct cluster_task *task;
    struct agent_call calls[AGENT_CALLS_MAX];
};

static void step(struct executor_core *core, const struct exec_event *event);

static void *start(struct sim_node *node)
{
    struct cluster_executor *arg = node->arg;
    struct executor_core *core = xalloc(sizeof(*core));
    core->node = node;
    recordio_reader_init(&core->reader, RECORDIO_RECORD_SIZE_MAX);
    struct exec_options options = {
        .framework_id = arg->framework_id,
        .executor_id = arg->executor_id,
        .sandbox = "/sandbox",
        .checkpoint = arg->checkpoint,
        .recovery_timeout_ns = 15 * NS_PER_MIN,
        .backoff_max_ns = arg->cluster->options.story ? 50 * NS_PER_MS : 2 * NS_PER_SEC,
        .shutdown_grace_ns = 5 * NS_PER_SEC,
        .container_ip = "10.0.0.1",
        .seed = prng_next(&node->sim->prng),
    };
    if (strncmp(arg->executor_id, CLUSTER_POD_PREFIX, strlen(CLUSTER_POD_PREFIX)) == 0) {
        core->pod = default_executor_new(&options);
    } else {
        core->executor = command_executor_new(&options);
    }
    return core;
}

static void begin(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    step(node->core, &(struct exec_event){.type = EXEC_START});
}

static void *start_and_subscribe(struct sim_node *node)
{
    void *core = start(node);
    sim_schedule(node->sim, node->sim->now_ns, node, begin, node, NULL);
    return core;
}

/* The executor's processes die with it. */
static void stop(void *arg)
{
    struct executor_core *core = arg;
    if (core->task != NULL) {
        core->task->runs = false;
    }
    command_executor_free(core->executor);
    default_executor_free(core->pod);
    recordio_reader_deinit(&core->reader);
    free(core);
}

/* --- the task's process --- */

struct ending {
    struct sim_node *node;
    uint64_t token;
    int status;
};

static void end_process(struct sim *sim, void *arg)
{
    struct ending *ending = arg;
    struct executor_core *core = ending->node->core;
    if (core->task_token == ending->token) {
        core->task_token = 0;
        core->task->runs = false;
        CLEANUP(buf_deinit) struct buf how = BUF_INIT;
        exec_describe_status(ending->status, &how);
        sim_trace(sim, core->node, "sees that %s %s", core->task->id, buf_text(&how));
        step(core, &(struct exec_event){
                       .type = EXEC_EXITED, .token = ending->token, .status = ending->status});
    }
    free(ending);
}

static void end_at(struct executor_core *core, int64_t in_ns, int status)
{
    struct ending *ending = xalloc(sizeof(*ending));
    *ending = (struct ending){core->node, core->task_token, status};
    sim_schedule(core->node->sim, core->node->sim->now_ns + in_ns, core->node, end_process, ending,
                 free);
}

static void spawn(struct executor_core *core, const struct exec_effect *effect)
{
    struct cluster_executor *arg = core->node->arg;
    /* A command task's executor is named after the task. */
    core->task = cluster_find_task(arg->cluster, slice_from(arg->executor_id));
    ASSERT(core->task != NULL);
    core->task_token = effect->token;
    core->task->runs = true;
    if (++core->task->starts > 1) {
        cluster_wrong(arg->cluster, "task %s runs twice", core->task->id);
    }
    sim_trace(core->node->sim, core->node, "runs %s", core->task->id);
    if (core->task->duration_ms >= 0) {
        end_at(core, core->task->duration_ms * NS_PER_MS, core->task->exit_code << 8);
    }
}

static void signal_process(struct executor_core *core, int signal_number)
{
    if (core->task_token == 0) {
        return;
    }
    struct sim *sim = core->node->sim;
    const struct cluster_executor *arg = core->node->arg;
    bool story = arg->cluster->options.story;
    sim_trace(sim, core->node, "sends signal %d to %s", signal_number, core->task->id);
    /* At random one in five ignores SIGTERM. */
    bool ignores =
        signal_number != SIGKILL && (story ? core->task->stubborn : prng_below(&sim->prng, 5) == 0);
    if (!ignores) {
        end_at(core, story ? 10 * NS_PER_MS : sim_draw_ns(sim, 0, 50 * NS_PER_MS), signal_number);
    }
}

/* --- calls --- */

static void post(struct executor_core *core, struct blob *body, bool subscribes)
{
    struct cluster_executor *arg = core->node->arg;
    struct sim_http_request request = {
        .address = arg->agent->address,
        .method = "POST",
        .path = EXECUTOR_PATH,
        .content_type = "application/x-protobuf",
        .accept = "application/x-protobuf",
        .body = blob_slice(body),
    };
    uint64_t call = sim_http_request(core->node, &request);
    if (subscribes) {
        if (core->stream != 0) {
            sim_http_close(core->node, core->stream);
        }
        core->stream = call;
        core->opened = false;
        recordio_reader_deinit(&core->reader);
        recordio_reader_init(&core->reader, RECORDIO_RECORD_SIZE_MAX);
    }
}

/* The world writes down which updates a task has made, and in which order. */
static void note_update(struct executor_core *core, struct slice bytes)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Executor__Call *call;
    struct err err;
    int status = MESSAGE_DECODE(Pb__Executor__Call, pb__executor__call, bytes, &arena, &call, &err);
    ASSERT(status == 0);
    const ProtobufCEnumValue *type = protobuf_c_enum_descriptor_get_value(
        &pb__executor__call__type__descriptor, (int)call->type);
    sim_trace(core->node->sim, core->node, "calls %s", type->name);
    struct cluster_executor *arg = core->node->arg;
    const Pb__TaskStatus *const *statuses = NULL;
    size_t count = 0;
    const Pb__TaskStatus *all[CLUSTER_UPDATES_MAX];
    if (call->update != NULL) {
        all[count++] = call->update->status;
    } else if (call->subscribe != NULL) {
        for (size_t i = 0; i < call->subscribe->n_unacknowledged_updates; i++) {
            ASSERT(count < CLUSTER_UPDATES_MAX);
            all[count++] = call->subscribe->unacknowledged_updates[i]->status;
        }
    }
    statuses = all;
    for (size_t i = 0; i < count; i++) {
        struct cluster_task *task =
            cluster_find_task(arg->cluster, slice_from(statuses[i]->task_id->value));
        ASSERT(task != NULL && statuses[i]->uuid.len == 16);
        bool known = false;
        for (int j = 0; j < task->made_count; j++) {
            known |= memcmp(task->made[j], statuses[i]->uuid.data, 16) == 0;
        }
        if (!known) {
            ASSERT(task->made_count < CLUSTER_UPDATES_MAX);
            memcpy(task->made[task->made_count++], statuses[i]->uuid.data, 16);
        }
    }
    arena_deinit(&arena);
}

static void call_agent(struct executor_core *core, const struct exec_effect *effect)
{
    struct cluster_executor *arg = core->node->arg;
    struct agent_call *call = core->calls;
    while (call->call != 0) {
        ASSERT(++call < core->calls + AGENT_CALLS_MAX);
    }
    struct sim_http_request request = {
        .address = arg->agent->address,
        .method = "POST",
        .path = AGENT_PATH,
        .content_type = "application/x-protobuf",
        .accept = "application/x-protobuf",
        .body = blob_slice(effect->bytes),
    };
    *call = (struct agent_call){sim_http_request(core->node, &request), effect->token};
}

/* Whether the event was about such a call. */
static bool take_reply(struct executor_core *core, const struct sim_http_event *event)
{
    for (size_t i = 0; i < AGENT_CALLS_MAX; i++) {
        if (core->calls[i].call == event->call) {
            bool answered = event->type == SIM_HTTP_ANSWER;
            uint64_t token = core->calls[i].token;
            core->calls[i].call = 0;
            step(core, &(struct exec_event){.type = EXEC_REPLY,
                                            .token = token,
                                            .status = answered ? event->status : -ECONNRESET,
                                            .bytes = event->body});
            return true;
        }
    }
    return false;
}

static void perform(struct executor_core *core, const struct exec_effect *effect)
{
    switch (effect->type) {
    case EXEC_SUBSCRIBE:
    case EXEC_CALL:
        note_update(core, blob_slice(effect->bytes));
        post(core, effect->bytes, effect->type == EXEC_SUBSCRIBE);
        break;
    case EXEC_SPAWN:
        spawn(core, effect);
        break;
    case EXEC_SIGNAL:
        signal_process(core, effect->signal);
        break;
    case EXEC_LOG:
        sim_trace(core->node->sim, core->node, "says: %s", effect->text);
        break;
    case EXEC_AGENT_CALL:
        call_agent(core, effect);
        break;
    case EXEC_AGENT_SESSION:
    case EXEC_PROBE_HTTP:
    case EXEC_PROBE_TCP:
    case EXEC_ABANDON:
    case EXEC_LINK_TASK:
    case EXEC_QUIT:
        break; /* checks are not played here; QUIT is seen by the caller */
    }
}

struct quitting {
    struct sim_node *node;
    int status;
};

static void quit(struct sim *sim UNUSED, void *arg)
{
    struct quitting *quitting = arg;
    cluster_executor_exited(quitting->node->arg, quitting->status);
    free(quitting);
}

static void step(struct executor_core *core, const struct exec_event *event)
{
    struct now now = sim_now(core->node);
    struct exec_effects effects;
    exec_effects_init(&effects);
    if (core->pod != NULL) {
        default_executor_step(core->pod, &now, event, &effects);
    } else {
        command_executor_step(core->executor, &now, event, &effects);
    }
    struct exec_effect *effect;
    while ((effect = exec_effect_pop(&effects)) != NULL) {
        perform(core, effect);
        if (effect->type == EXEC_QUIT) {
            struct quitting *quitting = xalloc(sizeof(*quitting));
            *quitting = (struct quitting){core->node, effect->status << 8};
            sim_schedule(core->node->sim, 0, core->node, quit, quitting, free);
        }
        exec_effect_free(effect);
    }
    exec_effects_deinit(&effects);
}

static int64_t deadline(const void *arg)
{
    const struct executor_core *core = arg;
    return core->pod != NULL ? default_executor_deadline(core->pod)
                             : command_executor_deadline(core->executor);
}

static void on_tick(void *core, struct sim_node *node UNUSED)
{
    step(core, &(struct exec_event){.type = EXEC_TICK});
}

static bool on_record(void *arg, struct slice record)
{
    step(arg, &(struct exec_event){.type = EXEC_RECORD, .bytes = record});
    return true;
}

static void disconnect(struct executor_core *core)
{
    if (core->stream != 0) {
        sim_http_close(core->node, core->stream);
        core->stream = 0;
        step(core, &(struct exec_event){.type = EXEC_DISCONNECTED});
    }
}

static void on_http(void *arg, struct sim_node *node UNUSED, const struct sim_http_event *event)
{
    struct executor_core *core = arg;
    if (take_reply(core, event)) {
        return;
    }
    if (event->call != core->stream) {
        /* Another call: what is not taken counts as a disconnection (executor/exec_host.h). */
        if (event->type == SIM_HTTP_CLOSED ||
            (event->type == SIM_HTTP_ANSWER && event->status != 202)) {
            disconnect(core);
        }
        return;
    }
    switch (event->type) {
    case SIM_HTTP_OPENED:
        core->opened = true;
        break;
    case SIM_HTTP_PIECE: {
        struct err err;
        int status = recordio_reader_feed(&core->reader, event->body, on_record, core, &err);
        ASSERT(status == 0);
        break;
    }
    case SIM_HTTP_ANSWER:
    case SIM_HTTP_CLOSED:
        disconnect(core);
        break;
    }
}

const struct sim_program cluster_executor_program = {
    .name = "executor",
    .start = start_and_subscribe,
    .stop = stop,
    .deadline = deadline,
    .on_tick = on_tick,
    .on_http = on_http,
};
