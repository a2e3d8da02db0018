#include "agent/agent.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_container.h"
#include "agent/console.h"
#include "agent/core.h"
#include "agent/endpoints.h"
#include "agent/executor_api.h"
#include "agent/framework.h"
#include "agent/message_table.h"
#include "agent/messages.h"
#include "agent/operation.h"
#include "agent/recovery.h"
#include "agent/registration.h"
#include "agent/sandboxes.h"
#include "agent/shutdown.h"
#include "agent/updates.h"
#include "agent/usage.h"
#include "agent/users.h"
#include "common/xalloc.h"
#include "resources/resource_pb.h"

static const struct sm_state states[] = {
    [AGENT_RECOVERING] = {"RECOVERING", SM_TO(AGENT_DISCONNECTED) | SM_TO(AGENT_TERMINATING)},
    [AGENT_DISCONNECTED] = {"DISCONNECTED", SM_TO(AGENT_RUNNING) | SM_TO(AGENT_TERMINATING)},
    [AGENT_RUNNING] = {"RUNNING", SM_TO(AGENT_DISCONNECTED) | SM_TO(AGENT_TERMINATING)},
    [AGENT_TERMINATING] = {"TERMINATING", 0},
};

static const struct sm_table machine = {"agent", states, ELEMENTS(states)};

/* --- effects --- */

void agent_effects_init(struct agent_effects *effects)
{
    net_effects_init(&effects->net);
    store_ops_init(&effects->store);
    container_requests_init(&effects->containers);
    file_requests_init(&effects->files);
    list_init(&effects->asks);
}

void agent_effects_deinit(struct agent_effects *effects)
{
    net_effects_deinit(&effects->net);
    store_ops_deinit(&effects->store);
    container_requests_deinit(&effects->containers);
    file_requests_deinit(&effects->files);
    struct agent_ask *ask;
    while ((ask = agent_ask_pop(effects)) != NULL) {
        agent_ask_free(ask);
    }
}

struct agent_ask *agent_ask_pop(struct agent_effects *effects)
{
    struct list *link = list_pop_front(&effects->asks);
    return link != NULL ? LIST_ENTRY(link, struct agent_ask, link) : NULL;
}

struct agent_ask *agent_ask_free(struct agent_ask *ask)
{
    if (ask != NULL) {
        blob_unref(ask->bytes);
        free(ask->text);
        free(ask);
    }
    return NULL;
}

/* --- what all files of the core use --- */

struct agent_ask *agent_ask(struct agent *agent, enum agent_ask_type type, int value,
                            const char *text)
{
    struct agent_ask *ask = xalloc(sizeof(*ask));
    ask->type = type;
    ask->value = value;
    ask->text = text != NULL ? xstrdup(text) : NULL;
    list_push_back(&agent->effects->asks, &ask->link);
    return ask;
}

static char *format(struct agent *agent, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    ASSERT(size >= 0);
    char *text = arena_alloc(&agent->arena, (size_t)size + 1);
    (void)vsnprintf(text, (size_t)size + 1, fmt, args);
    return text;
}

void agent_log_at(struct agent *agent, enum log_level level, const char *file, int line,
                  const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct agent_ask *ask = agent_ask(agent, AGENT_ASK_LOG, (int)level, format(agent, fmt, args));
    ask->file = file;
    ask->line = line;
    va_end(args);
}

void agent_exit(struct agent *agent, int status, const char *fmt, ...)
{
    if (agent->exiting) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    agent_ask(agent, AGENT_ASK_EXIT, status, fmt[0] != '\0' ? format(agent, fmt, args) : NULL);
    va_end(args);
    agent->exiting = true;
}

void agent_move(struct agent *agent, enum agent_state state)
{
    agent->state = (enum agent_state)sm_move(&machine, agent->state, state);
}

void agent_set_id(struct agent *agent, const char *id)
{
    char *copy = xstrdup(id);
    free(agent->id);
    agent->id = copy;
}

void agent_set_verbosity(struct agent *agent, int level, int64_t duration_ns)
{
    agent->verbosity = level;
    agent_ask(agent, AGENT_ASK_VERBOSITY, level, NULL);
    timers_set(&agent->timers, &agent->verbosity_timer,
               time_add_ns(agent->now.mono_ns, duration_ns));
}

uint64_t agent_token(struct agent *agent)
{
    return ++agent->next_token;
}

void agent_send(struct agent *agent, const struct upid *to, const char *name,
                const ProtobufCMessage *message)
{
    net_send(&agent->effects->net, AGENT_ACTOR, to, name, message_encode_blob(message));
}

void agent_send_master(struct agent *agent, const char *name, const ProtobufCMessage *message)
{
    if (agent->master.id[0] != '\0') {
        agent_send(agent, &agent->master, name, message);
    }
}

void agent_send_exited(struct agent *agent, const char *framework_id, const char *executor_id,
                       int status)
{
    struct arena *arena = &agent->arena;
    Pb__Internal__ExitedExecutorMessage message = PB__INTERNAL__EXITED_EXECUTOR_MESSAGE__INIT;
    message.slave_id = messages_agent_id(agent->id, arena);
    message.framework_id = messages_framework_id(framework_id, arena);
    message.executor_id = messages_executor_id(executor_id, arena);
    message.status = status;
    agent_send_master(agent, "mesos.internal.ExitedExecutorMessage", &message.base);
}

bool agent_is_master(struct agent *agent, const struct upid *from, const char *what)
{
    if (agent->master.id[0] != '\0' && upid_equal(from, &agent->master)) {
        return true;
    }
    char pid[UPID_TEXT_SIZE];
    upid_format(from, pid);
    agent_log(agent, LOG_LEVEL_WARNING, "ignoring %s of %s, which is not the master", what, pid);
    return false;
}

ProtobufCMessage *agent_read(struct agent *agent, const ProtobufCMessageDescriptor *desc,
                             const struct net_event *event)
{
    ProtobufCMessage *message = NULL;
    struct err err = {""};
    if (message_decode(desc, event->body, &agent->input, &message, &err) != 0) {
        agent_log(agent, LOG_LEVEL_WARNING, "ignoring a malformed %.*s: %s",
                  SLICE_ARGS(event->name), err.text);
        return NULL;
    }
    return message;
}

Pb__AgentInfo *setup_info(struct agent *agent)
{
    return config_info(&agent->setup, agent->id, &agent->arena);
}

Pb__Task *agent_describe_task(struct agent *agent, struct task *task)
{
    return MESSAGES_READ(Pb__Task, pb__task, task_whole(task), &agent->arena);
}

void agent_checkpointed_resources(struct agent *agent, Pb__Resource ***ret_items, size_t *ret_count)
{
    resources_to_pb(&agent->resources.checkpointed, RESOURCE_FORMAT_POST, &agent->arena, ret_items,
                    ret_count);
}

void agent_put_size(struct buf *out, size_t size)
{
    ASSERT(size <= UINT32_MAX);
    for (int shift = 0; shift < 32; shift += 8) {
        buf_append_byte(out, (char)(size >> shift & 0xff));
    }
}

void agent_store_message(struct agent *agent, const char *path, const struct blob *message,
                         uint64_t token)
{
    struct buf bytes = BUF_INIT;
    agent_put_size(&bytes, message->size);
    buf_append_slice(&bytes, blob_slice(message));
    store_replace(&agent->effects->store, token, path, blob_take(&bytes))->durable = true;
}

void agent_check_drained(struct agent *agent)
{
    if (agent->drain_config == NULL || agent->frameworks.count > 0 || agent->operations.count > 0) {
        return;
    }
    agent_log(agent, LOG_LEVEL_INFO, "finished draining");
    agent->drain_config = blob_unref(agent->drain_config);
    agent->drain_marks_gone = false;
    const char *folder = paths_agent(&agent->arena, agent->setup.meta_dir, agent->id);
    store_remove(&agent->effects->store, 0, paths_join(&agent->arena, folder, "drain.config"));
}

void agent_check_end(struct agent *agent)
{
    if (agent->state == AGENT_TERMINATING && agent->frameworks.count == 0) {
        agent_exit(agent, 0, "%s", "");
    }
}

/* --- life --- */

static struct slice framework_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct framework, by_id)->id);
}

static struct slice container_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct agent_container, by_path)->path);
}

static struct slice stream_key(const struct map_link *link)
{
    const struct stream *stream = CONTAINER_OF(link, struct stream, by_key);
    return slice_make(stream->key, stream->key_size);
}

static struct slice operation_key(const struct map_link *link)
{
    return slice_make(CONTAINER_OF(link, struct operation, by_uuid)->uuid.bytes, UUID_SIZE);
}

static void init_timers(struct agent *agent)
{
    timers_init(&agent->timers);
    timer_init(&agent->register_timer, TIMER_REGISTER, agent);
    timer_init(&agent->ping_timer, TIMER_PING, agent);
    timer_init(&agent->reconnect_timer, TIMER_RECONNECT, agent);
    timer_init(&agent->reregister_timer, TIMER_REREGISTER, agent);
    timer_init(&agent->gc_timer, TIMER_GC, agent);
    timer_init(&agent->disk_timer, TIMER_DISK, agent);
    timer_init(&agent->verbosity_timer, TIMER_VERBOSITY, agent);
    timers_set(&agent->timers, &agent->disk_timer, agent->start_mono_ns);
}

int agent_new(const struct agent_config *config, struct now now, struct agent **ret_agent,
              struct err *err)
{
    struct agent *agent = xalloc(sizeof(*agent));
    int status = config_setup(&agent->setup, config, err);
    if (status != 0) {
        config_deinit(&agent->setup);
        free(agent);
        return status;
    }
    memcpy(agent->self.id, AGENT_ACTOR, sizeof(AGENT_ACTOR));
    agent->self.address = config->address;
    agent->start_wall_ns = now.wall_ns;
    agent->start_mono_ns = now.mono_ns;
    agent->now = now;
    agent->id = xstrdup("");
    agent->state = AGENT_RECOVERING;
    agent->streams_paused = true;
    agent->ping_timeout_ns = AGENT_PING_TIMEOUT_NS;
    prng_seed(&agent->prng, config->seed);
    uuid_random(&agent->prng, &agent->resource_version);
    map_init(&agent->frameworks, framework_key, prng_next(&agent->prng));
    map_init(&agent->containers, container_key, prng_next(&agent->prng));
    uint64_t seed = prng_next(&agent->prng);
    map_init(&agent->streams, stream_key, seed);
    map_init(&agent->operations, operation_key, seed);
    list_init(&agent->operation_order);
    resource_state_init(agent);
    list_init(&agent->framework_order);
    list_init(&agent->completed);
    list_init(&agent->container_order);
    list_init(&agent->stream_order);
    list_init(&agent->users);
    list_init(&agent->usages);
    list_init(&agent->looks);
    list_init(&agent->consoles);
    list_init(&agent->inputs);
    gate_init(&agent->gate);
    gate_wait_init(&agent->id_wait, GATE_AGENT_ID);
    gc_init(&agent->gc, config->gc_delay_ns, prng_next(&agent->prng));
    arena_init(&agent->arena, 0);
    arena_init(&agent->input, AGENT_MESSAGE_BUDGET);
    init_timers(agent);
    gauges_init(agent);
    *ret_agent = agent;
    return 0;
}

static void free_frameworks(struct list *frameworks)
{
    struct framework *framework;
    LIST_FOR_EACH (framework, frameworks, link) {
        framework_free(framework);
    }
}

struct agent *agent_free(struct agent *agent)
{
    if (agent == NULL) {
        return NULL;
    }
    struct agent_effects dropped; /* what is answered on the way out is heard by nobody */
    agent_effects_init(&dropped);
    agent->effects = &dropped;
    updates_drop_all(agent);
    operation_drop_all(agent);
    usage_drop_all(agent);
    sandboxes_drop_all(agent);
    users_drop_all(agent);
    free_frameworks(&agent->framework_order);
    free_frameworks(&agent->completed);
    struct agent_container *container;
    LIST_FOR_EACH (container, &agent->container_order, link) {
        agent_container_free(agent, container);
    }
    console_drop_all(agent);
    agent_effects_deinit(&dropped);
    map_deinit(&agent->frameworks);
    map_deinit(&agent->containers);
    map_deinit(&agent->streams);
    map_deinit(&agent->operations);
    gc_deinit(&agent->gc);
    timers_deinit(&agent->timers);
    gauges_deinit(agent);
    blob_unref(agent->drain_config);
    resource_state_deinit(agent);
    config_deinit(&agent->setup);
    arena_deinit(&agent->arena);
    arena_deinit(&agent->input);
    free(agent->master_hostname);
    free(agent->id);
    free(agent);
    return NULL;
}

/* --- events --- */

static void on_net(struct agent *agent, const struct net_event *event)
{
    switch (event->type) {
    case NET_REQUEST:
        endpoints_request(agent, &event->request);
        break;
    case NET_GONE:
        executor_api_gone(agent, event->handle);
        console_gone(agent, event->handle);
        break;
    case NET_MESSAGE:
        if (strcmp(event->to, AGENT_ACTOR) == 0) {
            message_table_dispatch(agent, event);
        }
        break;
    case NET_EXITED:
        registration_exited(agent, &event->address);
        break;
    case NET_BODY:
        console_body(agent, event->handle, event->body, event->ended);
        break;
    case NET_REPLY: /* the agent makes no calls */
    case NET_TAKEN: /* and marks no streams */
    case NET_WORKED:
        break;
    }
}

static void release(struct agent *agent, struct gate_wait *wait)
{
    switch (wait->kind) {
    case GATE_EXECUTOR:
        executor_folders_made(CONTAINER_OF(wait, struct executor, folders), wait->status);
        break;
    case GATE_TASK:
        executor_deliver(CONTAINER_OF(wait, struct task, stored)->executor);
        break;
    case GATE_UPDATE:
        updates_stored(CONTAINER_OF(wait, struct update, stored));
        break;
    case GATE_STREAM:
        updates_acknowledged(CONTAINER_OF(wait, struct stream, acknowledged));
        break;
    case GATE_AGENT_ID:
        registration_id_stored(agent);
        break;
    case GATE_RESOURCES:
        resource_state_written(agent, CONTAINER_OF(wait, struct resource_write, wait));
        break;
    case GATE_OPERATION:
        operation_stored(CONTAINER_OF(wait, struct operation, stored));
        break;
    case GATE_SANDBOX:
        agent_container_folder_made(agent, CONTAINER_OF(wait, struct agent_container, folder),
                                    wait->status);
        break;
    }
}

static void on_stored(struct agent *agent, const struct store_done *done)
{
    /* A sandbox that cannot be made only fails its launch; what cannot be checkpointed ends us: we
     * could not keep our promises after a restart. */
    bool is_tolerated = done->token != 0 && gc_removed(agent, done->token, done->status);
    if (done->token != 0) {
        gate_done(&agent->gate, done->token, done->status);
    }
    struct gate_wait *wait;
    while ((wait = gate_pop(&agent->gate)) != NULL) {
        is_tolerated |=
            wait->status != 0 && (wait->kind == GATE_EXECUTOR || wait->kind == GATE_SANDBOX);
        if (wait->status == 0 || is_tolerated || wait->kind == GATE_RESOURCES) {
            release(agent, wait);
        }
    }
    if (done->status != 0 && !is_tolerated) {
        agent_exit(agent, 1, "Failed to write to '%s': %s; the agent ends, tasks run on",
                   agent->setup.meta_dir, strerror(-done->status));
    }
}

static void on_timer(struct agent *agent, const struct timer *timer)
{
    switch ((enum agent_timer)timer->kind) {
    case TIMER_REGISTER:
        registration_try(agent);
        break;
    case TIMER_PING:
        registration_ping_timeout(agent);
        break;
    case TIMER_RECONNECT:
        recovery_ask_again(agent);
        break;
    case TIMER_REREGISTER:
        recovery_give_up(agent);
        break;
    case TIMER_GC:
        gc_timer(agent);
        break;
    case TIMER_DISK:
        agent_ask(agent, AGENT_ASK_DISK_USAGE, 0, NULL);
        break;
    case TIMER_VERBOSITY:
        agent->verbosity = 0;
        agent_ask(agent, AGENT_ASK_VERBOSITY, 0, NULL);
        break;
    case TIMER_REGISTERING:
        executor_registering_timeout(timer->owner);
        break;
    case TIMER_SHUTDOWN:
        executor_shutdown_timeout(timer->owner);
        break;
    case TIMER_HEARTBEAT:
        executor_api_heartbeat(timer->owner);
        break;
    case TIMER_UPDATE:
        updates_timer(timer->owner);
        break;
    case TIMER_USAGE:
        usage_timeout(timer->owner);
        break;
    case TIMER_CONSOLE:
        console_heartbeat(timer->owner);
        break;
    case TIMER_CONSOLE_INPUT:
        console_input_timeout(timer->owner);
        break;
    case TIMER_OPERATION:
        operation_timer(timer->owner);
        break;
    case TIMER_ENDED:
        agent_container_free_tree(agent, timer->owner);
        break;
    }
}

static void dispatch(struct agent *agent, const struct agent_event *event)
{
    switch (event->type) {
    case AGENT_WAKE:
        break;
    case AGENT_NET:
        on_net(agent, event->net);
        break;
    case AGENT_STORED:
        on_stored(agent, &event->stored);
        break;
    case AGENT_CONTAINER:
        agent_container_report(agent, event->container);
        break;
    case AGENT_RECOVERED:
        recovery_begin(agent, &event->recovered);
        break;
    case AGENT_MASTER:
        registration_detected(agent, &event->master);
        break;
    case AGENT_LEAVE:
        shutdown_leave(agent);
        break;
    case AGENT_USER:
        users_answer(agent, event->user.name,
                     &(struct user_found){event->user.found, event->user.uid, event->user.gid});
        break;
    case AGENT_DISK_USAGE:
        gc_disk_usage(agent, event->usage_ppm);
        break;
    case AGENT_FILE:
        sandboxes_result(agent, event->file);
        break;
    case AGENT_OUTPUT:
        console_output(agent, event->output);
        break;
    }
}

void agent_step(struct agent *agent, const struct agent_event *event, struct now now,
                struct agent_effects *effects)
{
    if (agent->exiting) {
        return;
    }
    agent->now = now;
    agent->effects = effects;
    dispatch(agent, event);
    struct timer *timer;
    while (!agent->exiting && (timer = timers_pop(&agent->timers, now.mono_ns)) != NULL) {
        on_timer(agent, timer);
    }
    recovery_check(agent);
    agent->effects = NULL;
    arena_reset(&agent->arena);
    arena_reset(&agent->input);
}

int64_t agent_deadline(const struct agent *agent)
{
    return agent->exiting ? TIME_NEVER : timers_deadline(&agent->timers);
}

bool agent_has_actor(struct slice id)
{
    return endpoints_has_actor(id);
}

struct metrics *agent_metrics(struct agent *agent)
{
    return agent->gauges.metrics;
}

const char *agent_id(const struct agent *agent)
{
    return agent->id;
}

const char *agent_state_name(const struct agent *agent)
{
    return sm_name(&machine, agent->state);
}

/* --- invariants --- */

static size_t check_tasks(const struct executor *executor, const struct list *tasks,
                          enum task_phase phase)
{
    size_t count = 0;
    struct task *task;
    LIST_FOR_EACH (task, tasks, link) {
        ASSERT(task->executor == executor && task->phase == phase);
        ASSERT((task->info != NULL) == (phase == TASK_QUEUED));
        ASSERT(phase == TASK_COMPLETED || phase == TASK_TERMINATED ||
               !task_state_is_terminal(task->state));
        count++;
    }
    return count;
}

void agent_check(const struct agent *agent)
{
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        ASSERT(framework_find(agent, framework->id) == framework);
        ASSERT(!list_is_empty(&framework->executor_order));
        size_t task_count = 0;
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            ASSERT(executor->framework == framework);
            ASSERT(framework_find_executor(framework, executor->id) == executor);
            ASSERT(executor->state != EXECUTOR_TERMINATED ||
                   (executor->container == NULL && executor_has_tasks(executor)));
            task_count += check_tasks(executor, &executor->queued, TASK_QUEUED);
            task_count += check_tasks(executor, &executor->launched, TASK_LAUNCHED);
            task_count += check_tasks(executor, &executor->terminated, TASK_TERMINATED);
            size_t completed = check_tasks(executor, &executor->completed, TASK_COMPLETED);
            ASSERT(completed == executor->completed_count);
        }
        ASSERT(task_count == framework->tasks.count);
    }
    resource_state_check(agent);
    ASSERT(agent->state != AGENT_RUNNING || (agent->id[0] != '\0' && agent->linked));
    ASSERT(agent->state == AGENT_RUNNING || agent->state == AGENT_TERMINATING ||
           agent->streams_paused);
}
