#include "agent/registration.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "agent/operation.h"
#include "agent/status.h"
#include "common/xalloc.h"
#include "resources/resource_pb.h"

/* --- asking --- */

/* To the older format, which masters before 1.4 understand as well; refined reservations have none,
 * and then all stays in the newer one. */
static void downgrade(ProtobufCMessage *message, struct arena *arena)
{
    if (resource_pb_downgrade_all(message, arena) != 0) {
        resource_pb_upgrade_all(message, arena);
    }
}

static void send_register(struct agent *agent)
{
    struct arena *arena = &agent->arena;
    Pb__Internal__RegisterSlaveMessage message = PB__INTERNAL__REGISTER_SLAVE_MESSAGE__INIT;
    message.slave = MESSAGE_CLONE(setup_info(agent), arena);
    message.version = (char *)(uintptr_t)agent->setup.config.build.version;
    message.n_agent_capabilities = agent->setup.capability_count;
    message.agent_capabilities = agent->setup.capabilities;
    message.resource_version_uuid = messages_uuid(&agent->resource_version, arena);
    agent_checkpointed_resources(agent, &message.checkpointed_resources,
                                 &message.n_checkpointed_resources);
    downgrade(&message.base, arena);
    agent_send_master(agent, "mesos.internal.RegisterSlaveMessage", &message.base);
}

static void add_task(struct agent *agent, const struct task *task, size_t *count, Pb__Task ***items)
{
    struct arena *arena = &agent->arena;
    struct buf bytes = BUF_INIT;
    task_encode(task, &bytes);
    Pb__Task *message = (Pb__Task *)messages_read(&pb__task__descriptor, buf_slice(&bytes), arena);
    buf_deinit(&bytes);
    MESSAGE_APPEND(arena, *count, *items, message);
}

static void add_tasks(struct agent *agent, const struct list *tasks, size_t *count,
                      Pb__Task ***items)
{
    struct task *task;
    LIST_FOR_EACH (task, tasks, link) {
        add_task(agent, task, count, items);
    }
}

static void add_executor(struct agent *agent, const struct executor *executor,
                         Pb__Internal__ReregisterSlaveMessage *message)
{
    struct arena *arena = &agent->arena;
    add_tasks(agent, &executor->launched, &message->n_tasks, &message->tasks);
    add_tasks(agent, &executor->terminated, &message->n_tasks, &message->tasks);
    add_tasks(agent, &executor->queued, &message->n_tasks, &message->tasks);
    /* The agent's own executors are not told of, nor those that are over. */
    if (!executor->is_command && executor->state != EXECUTOR_TERMINATED) {
        Pb__ExecutorInfo *info =
            MESSAGES_READ(Pb__ExecutorInfo, pb__executor_info, executor->info, arena);
        if (info->framework_id == NULL) {
            info->framework_id = messages_framework_id(executor->framework->id, arena);
        }
        MESSAGE_APPEND(arena, message->n_executor_infos, message->executor_infos, info);
    }
}

static void add_completed(struct agent *agent, const struct framework *framework,
                          Pb__Internal__ReregisterSlaveMessage *message)
{
    struct arena *arena = &agent->arena;
    Pb__Internal__Archive__Framework *archived =
        MESSAGE_NEW(Pb__Internal__Archive__Framework, pb__internal__archive__framework, arena);
    archived->framework_info =
        MESSAGES_READ(Pb__FrameworkInfo, pb__framework_info, framework->info, arena);
    if (framework->pid.id[0] != '\0') {
        char pid[UPID_TEXT_SIZE];
        upid_format(&framework->pid, pid);
        archived->pid = arena_strdup(arena, pid);
    }
    struct executor *executor;
    LIST_FOR_EACH (executor, &framework->completed, link) {
        add_tasks(agent, &executor->completed, &archived->n_tasks, &archived->tasks);
    }
    MESSAGE_APPEND(arena, message->n_completed_frameworks, message->completed_frameworks, archived);
}

static void send_reregister(struct agent *agent)
{
    struct arena *arena = &agent->arena;
    Pb__Internal__ReregisterSlaveMessage message = PB__INTERNAL__REREGISTER_SLAVE_MESSAGE__INIT;
    message.slave = MESSAGE_CLONE(setup_info(agent), arena);
    message.version = (char *)(uintptr_t)agent->setup.config.build.version;
    message.n_agent_capabilities = agent->setup.capability_count;
    message.agent_capabilities = agent->setup.capabilities;
    message.resource_version_uuid = messages_uuid(&agent->resource_version, arena);
    agent_checkpointed_resources(agent, &message.checkpointed_resources,
                                 &message.n_checkpointed_resources);
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        Pb__FrameworkInfo *info =
            MESSAGES_READ(Pb__FrameworkInfo, pb__framework_info, framework->info, arena);
        MESSAGE_APPEND(arena, message.n_frameworks, message.frameworks, info);
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            add_executor(agent, executor, &message);
        }
    }
    LIST_FOR_EACH (framework, &agent->completed, link) {
        add_completed(agent, framework, &message);
    }
    downgrade(&message.base, arena);
    agent_send_master(agent, "mesos.internal.ReregisterSlaveMessage", &message.base);
}

static void set_register_timer(struct agent *agent, int64_t max_ns)
{
    agent->register_max_ns = MIN(max_ns, AGENT_REGISTER_INTERVAL_MAX);
    int64_t wait_ns = prng_duration_ns(&agent->prng, agent->register_max_ns);
    timers_set(&agent->timers, &agent->register_timer, time_add_ns(agent->now.mono_ns, wait_ns));
}

/* Another version for each registration: the master tells by it which of what is on its way was
 * decided on what it is told now (docs/design/operations.md). The first is random, the others count
 * on from it. */
static void draw_version(struct agent *agent)
{
    uint8_t *bytes = agent->resource_version.bytes;
    for (size_t i = UUID_SIZE; i-- > UUID_SIZE - sizeof(uint32_t) && ++bytes[i] == 0;) {
    }
}

/* Forgets that it is registered, and tries again after a random time up to b. */
static void begin(struct agent *agent)
{
    if (agent->state == AGENT_TERMINATING || agent->state == AGENT_RECOVERING) {
        return;
    }
    if (agent->state == AGENT_RUNNING) {
        agent_move(agent, AGENT_DISCONNECTED);
    }
    draw_version(agent);
    updates_pause(agent);
    operation_pause_all(agent);
    timers_cancel(&agent->timers, &agent->ping_timer);
    timers_cancel(&agent->timers, &agent->register_timer);
    if (agent->master.id[0] != '\0') {
        set_register_timer(agent, agent->setup.config.registration_backoff_factor_ns);
    }
}

static void link_master(struct agent *agent)
{
    if (!agent->linked) {
        net_link(&agent->effects->net, &agent->master.address);
        agent->linked = true;
    }
}

void registration_try(struct agent *agent)
{
    if (agent->master.id[0] == '\0' || agent->state != AGENT_DISCONNECTED) {
        return;
    }
    link_master(agent);
    if (!resource_state_is_settled(agent)) {
        agent->registers_settled = true; /* what is told of them must be true after a crash, too */
        return;
    }
    if (agent->id[0] == '\0') {
        send_register(agent);
    } else {
        send_reregister(agent);
    }
    set_register_timer(agent, agent->register_max_ns * 2);
}

void registration_detected(struct agent *agent, const struct agent_master_found *found)
{
    if (agent->master.id[0] != '\0' && agent->linked &&
        !address_equal(&agent->master.address, &found->pid.address)) {
        net_unlink(&agent->effects->net, &agent->master.address);
        agent->linked = false;
    }
    agent->master = found->pid;
    free(agent->master_hostname);
    agent->master_hostname = found->hostname != NULL ? xstrdup(found->hostname) : NULL;
    if (found->pid.id[0] == '\0') {
        agent_log(agent, LOG_LEVEL_INFO, "there is no leading master");
    } else {
        char pid[UPID_TEXT_SIZE];
        upid_format(&found->pid, pid);
        agent_log(agent, LOG_LEVEL_INFO, "the leading master is %s", pid);
        if (agent->requires_agent_update && !found->has_agent_update) {
            agent_exit(agent, 1,
                       "the agent's configuration has changed, and the master lacks the "
                       "capability AGENT_UPDATE");
            return;
        }
    }
    begin(agent);
}

void registration_settled(struct agent *agent)
{
    if (agent->registers_settled) {
        agent->registers_settled = false;
        registration_try(agent);
    }
    if (agent->updates_settled) {
        agent->updates_settled = false;
        if (agent->state == AGENT_RUNNING) {
            registration_send_update(agent);
        }
    }
}

void registration_again(struct agent *agent)
{
    if (agent->state == AGENT_RUNNING) {
        begin(agent);
    }
}

void registration_start(struct agent *agent)
{
    begin(agent);
}

void registration_exited(struct agent *agent, const struct address *address)
{
    if (agent->master.id[0] == '\0' || !address_equal(address, &agent->master.address)) {
        return;
    }
    agent->linked = false;
    if (agent->state == AGENT_RUNNING) {
        agent_log(agent, LOG_LEVEL_WARNING, "the connection to the master is broken");
        begin(agent);
    }
}

/* --- being registered --- */

static void set_ping_timer(struct agent *agent)
{
    timers_set(&agent->timers, &agent->ping_timer,
               time_add_ns(agent->now.mono_ns, agent->ping_timeout_ns));
}

void registration_ping_timeout(struct agent *agent)
{
    agent_log(agent, LOG_LEVEL_WARNING, "the master has not pinged in time");
    agent_ask(agent, AGENT_ASK_REDETECT, 0, NULL);
    /* The link may be half open: a new one. */
    net_unlink(&agent->effects->net, &agent->master.address);
    agent->linked = false;
    begin(agent);
}

static void set_connection(struct agent *agent,
                           const Pb__Internal__MasterSlaveConnection *connection)
{
    agent->ping_timeout_ns = AGENT_PING_TIMEOUT_NS;
    int64_t ns;
    if (connection != NULL && connection->has_total_ping_timeout_seconds &&
        duration_from_secs(connection->total_ping_timeout_seconds, &ns) && ns > 0) {
        agent->ping_timeout_ns = ns;
    }
}

static void add_operations(struct agent *agent, Pb__Internal__UpdateSlaveMessage__Operations *to)
{
    const struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        MESSAGE_APPEND(&agent->arena, to->n_operations, to->operations,
                       operation_describe(operation));
    }
}

void registration_send_update(struct agent *agent)
{
    struct arena *arena = &agent->arena;
    if (!resource_state_is_settled(agent)) {
        agent->updates_settled = true;
        return;
    }
    Pb__Internal__UpdateSlaveMessage message = PB__INTERNAL__UPDATE_SLAVE_MESSAGE__INIT;
    Pb__Internal__UpdateSlaveMessage__Operations operations =
        PB__INTERNAL__UPDATE_SLAVE_MESSAGE__OPERATIONS__INIT;
    Pb__Internal__UpdateSlaveMessage__ResourceProviders providers =
        PB__INTERNAL__UPDATE_SLAVE_MESSAGE__RESOURCE_PROVIDERS__INIT;
    message.slave_id = messages_agent_id(agent->id, arena);
    message.has_update_oversubscribed_resources = 1;
    message.update_oversubscribed_resources = 0;
    add_operations(agent, &operations);
    message.operations = &operations;
    message.resource_version_uuid = messages_uuid(&agent->resource_version, arena);
    message.resource_providers = &providers;
    agent_send_master(agent, "mesos.internal.UpdateSlaveMessage", &message.base);
}

static void enter_running(struct agent *agent)
{
    /* The answer comes over the master's own connection: ours may have broken meanwhile. */
    link_master(agent);
    agent_move(agent, AGENT_RUNNING);
    timers_cancel(&agent->timers, &agent->register_timer);
    set_ping_timer(agent);
    updates_resume(agent);
    operation_resume_all(agent);
}

/* The id is kept, so that a restarted agent is the same one. */
static void store_id(struct agent *agent, const char *id)
{
    struct arena *arena = &agent->arena;
    free(agent->id);
    agent->id = xstrdup(id);
    const char *folder = paths_agent(arena, agent->setup.meta_dir, id);
    uint64_t token = gate_token(&agent->gate);
    struct blob *info = message_encode_blob(&setup_info(agent)->base);
    agent_store_message(agent, paths_join(arena, folder, "slave.info"), info, 0);
    blob_unref(info);
    struct store_op *op =
        store_symlink(&agent->effects->store, token,
                      arena_printf(arena, "%s/slaves/latest", agent->setup.meta_dir), folder);
    op->durable = true;
    gate_wait_for(&agent->gate, &agent->id_wait, token);
}

void registration_id_stored(struct agent *agent)
{
    agent->id_stored = true;
}

void registration_registered(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__SlaveRegisteredMessage *message = AGENT_READ(
        Pb__Internal__SlaveRegisteredMessage, pb__internal__slave_registered_message, agent, event);
    if (message == NULL || !agent_is_master(agent, &event->from, "SlaveRegisteredMessage")) {
        return;
    }
    const char *id = message->slave_id->value;
    switch (agent->state) {
    case AGENT_DISCONNECTED:
        if (agent->id[0] != '\0' && strcmp(agent->id, id) != 0) {
            agent_exit(agent, 1, "registered with the wrong id %s (expected %s)", id, agent->id);
            return;
        }
        agent_log(agent, LOG_LEVEL_INFO, "registered as %s", id);
        set_connection(agent, message->connection);
        if (agent->id[0] == '\0') {
            store_id(agent, id);
        }
        enter_running(agent);
        registration_send_update(agent);
        break;
    case AGENT_RUNNING:
        if (strcmp(agent->id, id) != 0) {
            agent_exit(agent, 1, "registered with the wrong id %s (expected %s)", id, agent->id);
            return;
        }
        set_connection(agent, message->connection);
        registration_send_update(agent);
        break;
    case AGENT_TERMINATING:
    case AGENT_RECOVERING:
        break;
    }
}

/* Tasks that only the master has are declared lost (facts: state machines, 2.2). */
static void reconcile(struct agent *agent, const Pb__Internal__ReconcileTasksMessage *reconcile)
{
    const struct framework *framework = framework_find(agent, reconcile->framework_id->value);
    bool aware = false;
    for (size_t i = 0; reconcile->framework != NULL && i < reconcile->framework->n_capabilities;
         i++) {
        const Pb__FrameworkInfo__Capability *capability = reconcile->framework->capabilities[i];
        aware |= capability->has_type &&
                 capability->type == PB__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE;
    }
    for (size_t i = 0; i < reconcile->n_statuses; i++) {
        const char *task_id = reconcile->statuses[i]->task_id->value;
        if (framework != NULL && framework_find_task(framework, task_id) != NULL) {
            continue;
        }
        status_from_agent_unknown(
            agent, &(struct status_options){
                       .framework_id = reconcile->framework_id->value,
                       .task_id = task_id,
                       .state = aware ? PB__TASK_STATE__TASK_DROPPED : PB__TASK_STATE__TASK_LOST,
                       .reason = PB__TASK_STATUS__REASON__REASON_RECONCILIATION,
                       .message = "Reconciliation: task unknown to the agent",
                   });
    }
}

void registration_reregistered(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__SlaveReregisteredMessage *message =
        AGENT_READ(Pb__Internal__SlaveReregisteredMessage, pb__internal__slave_reregistered_message,
                   agent, event);
    if (message == NULL || !agent_is_master(agent, &event->from, "SlaveReregisteredMessage") ||
        agent->state == AGENT_TERMINATING || agent->state == AGENT_RECOVERING) {
        return;
    }
    if (strcmp(message->slave_id->value, agent->id) != 0) {
        agent_exit(agent, 1, "registered again with the wrong id %s (expected %s)",
                   message->slave_id->value, agent->id);
        return;
    }
    set_connection(agent, message->connection);
    if (agent->state == AGENT_DISCONNECTED) {
        agent_log(agent, LOG_LEVEL_INFO, "registered again as %s", agent->id);
        enter_running(agent);
    }
    registration_send_update(agent);
    for (size_t i = 0; i < message->n_reconciliations; i++) {
        reconcile(agent, message->reconciliations[i]);
    }
}

void registration_ping(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__PingSlaveMessage *message =
        AGENT_READ(Pb__Internal__PingSlaveMessage, pb__internal__ping_slave_message, agent, event);
    if (message == NULL) {
        return;
    }
    Pb__Internal__PongSlaveMessage pong = PB__INTERNAL__PONG_SLAVE_MESSAGE__INIT;
    agent_send(agent, &event->from, "mesos.internal.PongSlaveMessage", &pong.base);
    if (agent->state != AGENT_RUNNING) {
        return;
    }
    set_ping_timer(agent);
    if (!message->connected) {
        agent_log(agent, LOG_LEVEL_WARNING, "the master takes this agent for disconnected");
        begin(agent);
    }
}
