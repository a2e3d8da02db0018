#include "master/reregister.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/drain.h"
#include "master/events.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "master/observer.h"
#include "master/operation_apply.h"
#include "master/peer.h"
#include "master/pending.h"
#include "master/register.h"
#include "master/tasks_lost.h"
#include "master/unreachable.h"
#include "resources/resource_pb.h"
#include "wire/cursor.h"
#include "wire/message.h"

static struct agent_self self_of(const struct reregistration *r,
                                 const struct resources *checkpointed)
{
    return (struct agent_self){
        .info = r->info,
        .checkpointed = checkpointed,
        .version = r->version,
        .capabilities = r->capabilities,
        .has_resource_version = r->has_resource_version,
        .resource_version = r->resource_version,
    };
}

static Pb__Internal__MasterSlaveConnection *connection(struct master *master)
{
    Pb__Internal__MasterSlaveConnection *c = MESSAGE_NEW(
        Pb__Internal__MasterSlaveConnection, pb__internal__master_slave_connection, &master->arena);
    c->has_total_ping_timeout_seconds = true;
    c->total_ping_timeout_seconds = master_agent_ping_timeout_seconds(master);
    return c;
}

static void shut_down_framework(struct master *master, const struct agent *agent, char *id)
{
    Pb__Internal__ShutdownFrameworkMessage message = PB__INTERNAL__SHUTDOWN_FRAMEWORK_MESSAGE__INIT;
    Pb__FrameworkID framework_id = PB__FRAMEWORK_ID__INIT;
    framework_id.value = id;
    message.framework_id = &framework_id;
    MASTER_SEND(master, &agent->upid, "ShutdownFrameworkMessage", &message);
}

static void kill_task(struct master *master, const struct agent *agent,
                      const struct framework *framework, struct slice id)
{
    Pb__Internal__KillTaskMessage message = PB__INTERNAL__KILL_TASK_MESSAGE__INIT;
    Pb__FrameworkID framework_id = PB__FRAMEWORK_ID__INIT;
    Pb__TaskID task_id = PB__TASK_ID__INIT;
    framework_id.value = framework->id->data;
    task_id.value = arena_strndup(&master->arena, id.data, id.size);
    message.framework_id = &framework_id;
    message.task_id = &task_id;
    MASTER_SEND(master, &agent->upid, "KillTaskMessage", &message);
}

/* Frameworks that the master knew before are told to the agent, others learned from it. */
static void learn_frameworks(struct master *master, const struct reregistration *r, bool *known)
{
    for (size_t i = 0; i < r->framework_count; i++) {
        struct slice id = r->frameworks[i].id;
        known[i] = master_find_framework(master, id) != NULL;
        if (!known[i] && !master_is_completed_framework(master, id) &&
            master->running_count < master->options.max_frameworks) {
            master_log(master, LOG_LEVEL_INFO, "Recovering framework %.*s from agent %.*s",
                       SLICE_ARGS(id), SLICE_ARGS(r->id));
            master_framework_add(master, r->frameworks[i].info);
        }
    }
}

static void tell_frameworks(struct master *master, const struct agent *agent,
                            const struct reregistration *r, const bool *known)
{
    for (size_t i = 0; i < r->framework_count; i++) {
        if (known[i]) {
            const struct framework *framework = master_find_framework(master, r->frameworks[i].id);
            master_framework_tell_agent(master, framework, &agent->upid);
        }
    }
}

/* --- an agent that the master gave up, or does not know --- */

/* The framework learns that its task is back (facts/state_machines.md 2.1). */
static void tell_of_return(struct master *master, const struct task *task, bool was_unreachable)
{
    const struct task_record *record = task->record;
    struct slice executor_id = {0};
    struct cursor_field field;
    if (record->has_executor &&
        cursor_path(blob_slice(record->info),
                    (const uint32_t[]){FIELD_TASK_EXECUTOR_ID, FIELD_ID_VALUE}, 2, &field)) {
        executor_id = field.bytes;
    }
    struct slice update =
        master_status_encode(master,
                             &(struct status_draft){
                                 .framework_id = blob_slice(task->framework->id),
                                 .task_id = task_record_id(record),
                                 .agent_id = blob_slice(task->agent->id),
                                 .executor_id = executor_id,
                                 .state = (enum task_state)record->state,
                                 .reason = REASON_AGENT_REREGISTERED,
                                 .message = was_unreachable ? "Unreachable agent re-reregistered"
                                                            : "Unknown agent reregistered",
                                 .kept = master_status_kept(master, record),
                             },
                             NULL);
    master_event_update(master, task->framework, update, NULL);
}

enum origin {
    ORIGIN_REGISTRY,    /* recovered after a failover */
    ORIGIN_UNREACHABLE, /* given up by this master or one before */
    ORIGIN_UNKNOWN,     /* in no list */
};

static void add_executors(struct master *master, struct agent *agent,
                          const struct reregistration *r)
{
    for (size_t i = 0; i < r->executor_count; i++) {
        const Pb__ExecutorInfo *info = r->executors[i].info;
        struct framework *framework =
            master_find_framework(master, r->frameworks[r->executors[i].framework].id);
        if (framework != NULL) {
            struct resources resources = RESOURCES_INIT;
            resources_add_pb(&resources, info->resources, info->n_resources, &master->kinds);
            master_executor_add(master, framework, agent, message_encode_blob(&info->base),
                                &resources);
        }
    }
}

/* A task that is listed twice, or that another agent has: the allocator was told of its resources
 * with all others. */
static void forget_use(struct master *master, const struct framework *framework,
                       const struct agent *agent, const struct reregister_task *task)
{
    if (!master_task_state_is_terminal(task->parts.state) &&
        !resources_is_empty(&task->resources)) {
        master->allocator_ops->recover_resources(master->allocator, master->now.mono_ns,
                                                 framework->slot, agent->slot, &task->resources,
                                                 NULL);
    }
}

static void add_tasks(struct master *master, struct agent *agent, struct reregistration *r,
                      enum origin origin)
{
    for (size_t i = 0; i < r->task_count; i++) {
        struct reregister_task *reported = &r->tasks[i];
        struct framework *framework =
            master_find_framework(master, r->frameworks[reported->framework].id);
        if (framework == NULL) {
            continue; /* it is over, and is shut down below */
        }
        if (master_find_task(framework, reported->id) != NULL) {
            forget_use(master, framework, agent, reported);
            continue;
        }
        if (origin != ORIGIN_REGISTRY) {
            master_task_forget_given_up(master, framework, reported->id);
        }
        struct task *task =
            master_task_add(master, framework, agent, &reported->parts, &reported->resources);
        if (origin != ORIGIN_REGISTRY && framework_is_connected(framework->state)) {
            tell_of_return(master, task, origin == ORIGIN_UNREACHABLE);
        }
    }
}

/* Tasks of the past that the agent still remembers (Archive.Framework: info 1, tasks 3). */
static void add_completed(struct master *master, const struct reregistration *r)
{
    CLEANUP(master_task_memo_deinit) struct task_memo memo = {0};
    for (size_t i = 0; i < r->completed_count; i++) {
        Pb__Internal__Archive__Framework *archive;
        struct cursor cursor;
        struct cursor_field field;
        if (MESSAGE_DECODE(Pb__Internal__Archive__Framework, pb__internal__archive__framework,
                           r->completed[i], &master->input, &archive, NULL) != 0 ||
            archive->framework_info->id == NULL) {
            continue;
        }
        struct framework *framework =
            master_find_framework(master, slice_from(archive->framework_info->id->value));
        cursor_init(&cursor, r->completed[i]);
        while (framework != NULL && cursor_next(&cursor, &field)) {
            struct task_parts parts;
            if (field.number == 3 && master_task_parts_of_task(master, field.bytes, SLICE("*"),
                                                               &memo, &parts, NULL) == 0) {
                master_task_add_completed(master, framework, r->id, &parts);
            }
        }
    }
}

static void used_of(struct master *master, struct reregistration *r, const struct agent *agent,
                    struct allocator_used **ret_used, size_t *ret_count)
{
    struct allocator_used *used =
        arena_alloc_array(&master->arena, r->framework_count + 1, sizeof(used[0]));
    size_t count = 0;
    for (size_t i = 0; i < r->framework_count; i++) {
        const struct framework *framework = master_find_framework(master, r->frameworks[i].id);
        if (framework != NULL && !resources_is_empty(&r->frameworks[i].used)) {
            used[count++] = (struct allocator_used){
                .framework = framework->slot,
                .agent = agent->slot,
                .resources = &r->frameworks[i].used,
            };
        }
    }
    *ret_used = used;
    *ret_count = count;
}

static void log_return(struct master *master, const struct agent *agent,
                       const struct reregistration *r)
{
    master_log(master, LOG_LEVEL_INFO, "Re-registered agent %s at %s (%s) with %zu tasks",
               agent->id->data, agent->pid, agent->hostname, r->task_count);
}

static void readmit(struct master *master, struct agent *agent, const struct upid *from,
                    struct reregistration *r, enum origin origin)
{
    bool *known = arena_alloc_array(&master->arena, r->framework_count + 1, sizeof(known[0]));
    learn_frameworks(master, r, known);
    add_completed(master, r);
    struct agent_self self = self_of(r, &r->checkpointed);
    master_agent_set_upid(master, agent, from);
    master_agent_describe(master, agent, &self);
    struct allocator_used *used;
    size_t used_count;
    used_of(master, r, agent, &used, &used_count);
    agent->reregistered_ns = master->now.wall_ns;
    master_count(master, COUNTER_SLAVE_REREGISTRATIONS);
    master_agent_register(master, agent, used, used_count);
    add_executors(master, agent, r);
    add_tasks(master, agent, r, origin);
    log_return(master, agent, r);

    Pb__Internal__SlaveReregisteredMessage message = PB__INTERNAL__SLAVE_REREGISTERED_MESSAGE__INIT;
    Pb__AgentID id = PB__AGENT_ID__INIT;
    id.value = agent->id->data;
    message.slave_id = &id;
    message.connection = connection(master);
    MASTER_SEND(master, &agent->upid, "SlaveReregisteredMessage", &message);
    for (size_t i = 0; i < r->framework_count; i++) {
        if (master_is_completed_framework(master, r->frameworks[i].id)) {
            shut_down_framework(master, agent, r->frameworks[i].info->id->value);
        }
    }
    tell_frameworks(master, agent, r, known);
    master_drain_returned(master, agent);
}

/* Tasks that an agent had before it was unreachable, and has no more. A launch that it never
 * answered may have met the re-registration on the way, held back by the network: the task would
 * run in secret, beyond what the agent has. So it is killed: the kill comes after the launch. */
static void forget_missing(struct master *master, const struct agent *agent,
                           struct departed *departed)
{
    const struct unreachable_task *task;
    LIST_FOR_EACH (task, &departed->tasks, of_agent) {
        if (task->unheard) {
            kill_task(master, agent, task->framework, task->id);
        }
    }
    master_tasks_lost_forget(master, departed);
}

/* --- an agent that is registered --- */

static Pb__TaskStatus *question(struct master *master, const struct task *task)
{
    Pb__TaskStatus *status = MESSAGE_NEW(Pb__TaskStatus, pb__task_status, &master->arena);
    struct slice id = task_record_id(task->record);
    status->task_id = MESSAGE_NEW(Pb__TaskID, pb__task_id, &master->arena);
    status->task_id->value = arena_strndup(&master->arena, id.data, id.size);
    status->agent_id = MESSAGE_NEW(Pb__AgentID, pb__agent_id, &master->arena);
    status->agent_id->value = task->agent->id->data;
    status->state = (Pb__TaskState)master_task_forwarded_state(task->record);
    status->has_source = true;
    status->source = PB__TASK_STATUS__SOURCE__SOURCE_MASTER;
    status->message = arena_strdup(&master->arena, "Reconciliation request");
    status->has_reason = true;
    status->reason = PB__TASK_STATUS__REASON__REASON_RECONCILIATION;
    status->has_timestamp = true;
    status->timestamp = (double)master->now.wall_ns / (double)NS_PER_SEC;
    return status;
}

static Pb__Internal__ReconcileTasksMessage *questions_new(struct master *master,
                                                          const struct framework *framework)
{
    Pb__Internal__ReconcileTasksMessage *message = MESSAGE_NEW(
        Pb__Internal__ReconcileTasksMessage, pb__internal__reconcile_tasks_message, &master->arena);
    int failed = MESSAGE_DECODE(Pb__FrameworkInfo, pb__framework_info, blob_slice(framework->info),
                                &master->arena, &message->framework, NULL);
    ASSERT(failed == 0);
    message->framework_id = message->framework->id;
    return message;
}

/* Tasks that the agent does not list may be on their way to it: it is asked. */
static void send_reregistered(struct master *master, struct agent *agent, uint32_t mark)
{
    Pb__Internal__SlaveReregisteredMessage message = PB__INTERNAL__SLAVE_REREGISTERED_MESSAGE__INIT;
    Pb__AgentID id = PB__AGENT_ID__INIT;
    id.value = agent->id->data;
    message.slave_id = &id;
    message.connection = connection(master);
    struct task *task;
    LIST_FOR_EACH (task, &agent->tasks, of_agent) {
        if (task->mark == mark) {
            continue;
        }
        Pb__Internal__ReconcileTasksMessage *questions = NULL;
        for (size_t i = 0; i < message.n_reconciliations; i++) {
            if (slice_is(blob_slice(task->framework->id),
                         message.reconciliations[i]->framework_id->value)) {
                questions = message.reconciliations[i];
            }
        }
        if (questions == NULL) {
            questions = questions_new(master, task->framework);
            MESSAGE_APPEND(&master->arena, message.n_reconciliations, message.reconciliations,
                           questions);
        }
        MESSAGE_APPEND(&master->arena, questions->n_statuses, questions->statuses,
                       question(master, task));
    }
    MASTER_SEND(master, &agent->upid, "SlaveReregisteredMessage", &message);
}

static void drop_unlisted_executors(struct master *master, struct agent *agent,
                                    const struct reregistration *r)
{
    struct executor *executor;
    LIST_FOR_EACH (executor, &agent->executors, of_agent) {
        bool listed = false;
        for (size_t i = 0; i < r->executor_count && !listed; i++) {
            listed = slice_equal(r->frameworks[r->executors[i].framework].id,
                                 blob_slice(executor->framework->id)) &&
                     slice_is(executor_record_id(executor->record),
                              r->executors[i].info->executor_id->value);
        }
        if (!listed) {
            master_executor_remove(master, executor);
        }
    }
}

/* Tasks that were to be killed and are not, or were given up when the connection broke (those of
 * frameworks that do not checkpoint), and frameworks that are over and still run. What was given up
 * is said to be lost, and its resources are offered again: it must not run on. */
static void settle_tasks(struct master *master, const struct agent *agent,
                         const struct reregistration *r)
{
    bool *told = arena_alloc_array(&master->arena, r->framework_count + 1, sizeof(told[0]));
    for (size_t i = 0; i < r->task_count; i++) {
        const struct reregister_framework *f = &r->frameworks[r->tasks[i].framework];
        const struct framework *framework = master_find_framework(master, f->id);
        if (framework == NULL) {
            if (!told[r->tasks[i].framework] && master_is_completed_framework(master, f->id)) {
                told[r->tasks[i].framework] = true;
                shut_down_framework(master, agent, f->info->id->value);
            }
            continue;
        }
        const struct task *task = master_find_task(framework, r->tasks[i].id);
        if ((task == NULL || task->killing) &&
            !master_task_state_is_terminal(r->tasks[i].parts.state)) {
            kill_task(master, agent, framework, r->tasks[i].id);
        }
    }
}

/* Whose word counts: that of an agent that knows operations, with a resource version that is new
 * here. With the same one it only repeats itself, and perhaps not the newest; and one that knows
 * nothing of operations is told what it has (docs/design/operations.md). */
static bool is_version(bool is_known, const struct uuid *known, const struct reregistration *r)
{
    return is_known && r->has_resource_version &&
           memcmp(known, &r->resource_version, sizeof(*known)) == 0;
}

static bool is_told_by_agent(const struct agent *agent, const struct reregistration *r)
{
    bool is_repetition = is_version(agent->has_resource_version, &agent->resource_version, r);
    return (r->capabilities & AGENT_RESOURCE_PROVIDER) != 0 && !is_repetition;
}

/* Takes over what it says of itself. What was assumed and is not so is offered no more. */
static void describe_anew(struct master *master, struct agent *agent,
                          const struct reregistration *r)
{
    struct resources checkpointed;
    struct resources before;
    resources_copy(&agent->total, &before);
    if (is_told_by_agent(agent, r)) {
        resources_copy(&r->checkpointed, &checkpointed);
        master_operation_confirm_all(agent);
    } else {
        resources_checkpointed(&agent->total, &checkpointed);
    }
    struct agent_self self = self_of(r, &checkpointed);
    master_agent_describe(master, agent, &self);
    if (!resources_equal(&agent->total, &before)) {
        master_agent_rescind_offers(master, agent);
    }
    resources_deinit(&checkpointed);
    resources_deinit(&before);
}

static void welcome_back(struct master *master, struct agent *agent, const struct upid *from,
                         struct reregistration *r)
{
    bool *known = arena_alloc_array(&master->arena, r->framework_count + 1, sizeof(known[0]));
    master_agent_set_upid(master, agent, from);
    master_peer_link_agent(master, agent, !agent->connected);
    struct blob *before = blob_ref(agent->info);
    agent->operations_listed = false;
    describe_anew(master, agent, r);
    agent->reregistered_ns = master->now.wall_ns;
    master_agent_changed(master, agent, !slice_equal(blob_slice(before), blob_slice(agent->info)));
    blob_unref(before);

    uint32_t mark = ++master->next_mark;
    for (size_t i = 0; i < r->task_count; i++) {
        const struct framework *framework =
            master_find_framework(master, r->frameworks[r->tasks[i].framework].id);
        struct task *task = framework != NULL ? master_find_task(framework, r->tasks[i].id) : NULL;
        if (task != NULL && task->agent == agent) {
            task->mark = mark;
        }
    }
    send_reregistered(master, agent, mark);
    drop_unlisted_executors(master, agent, r);
    settle_tasks(master, agent, r);
    if (!agent->connected) {
        master_agent_reconnect(master, agent);
        master_observer_returned(agent);
        log_return(master, agent, r);
    }
    master_unreachable_cancel(master, agent);
    learn_frameworks(master, r, known);
    tell_frameworks(master, agent, r, known);
    if ((agent->capabilities & AGENT_RESOURCE_PROVIDER) == 0) {
        master_operation_send_checkpointed(master, agent);
    }
    master_drain_returned(master, agent);
}

/* --- the message, and the registry's answer --- */

static void ask_registry(struct master *master, enum registry_op_type type, struct agent *agent,
                         struct blob *info, struct slice message, const struct upid *from)
{
    struct pending *pending = master_pending_ask(master, type, agent->id, info);
    pending->message = blob_from(message);
    pending->from = *from;
}

static bool same_ip(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* Whether it is to be heard now; one that is gone is ended. */
static bool may_return(struct master *master, const struct upid *from, struct slice id)
{
    const struct agent *agent = master_find_agent(master, id);
    const struct departed *departed = master_find_departed(master, id);
    if (departed != NULL && departed->kind == DEPARTED_GONE) {
        master_register_shut_down(master, from, "Agent has been marked gone");
        return false;
    }
    bool busy =
        (departed != NULL && departed->busy) ||
        (agent != NULL && (agent->state == AGENT_ADMITTING || agent->transition != AGENT_SETTLED));
    return !busy;
}

static void handle(struct master *master, const struct upid *from, struct slice message,
                   struct reregistration *r)
{
    struct agent *agent = master_find_agent(master, r->id);
    struct blob *info = message_encode_blob(&r->info->base);
    bool same = agent != NULL && slice_equal(blob_slice(agent->info), blob_slice(info));
    if (agent == NULL && master->agents.count >= master->options.max_agents) {
        master_log(master, LOG_LEVEL_WARNING, "Ignoring agent %.*s: there are too many",
                   SLICE_ARGS(r->id));
    } else if (agent == NULL) {
        struct blob *id = blob_from(r->id);
        agent = master_agent_new(master, id, AGENT_ADMITTING);
        blob_unref(id);
        ask_registry(master, REGISTRY_MARK_REACHABLE, agent, TAKE_PTR(info), message, from);
    } else if (agent->state == AGENT_REGISTERED &&
               (!same_ip(&agent->upid.address, &from->address) ||
                strcmp(agent->hostname, r->info->hostname) != 0)) {
        master_register_shut_down(master, from,
                                  "Agent attempted to reregister with different IP / hostname");
    } else if (!same) {
        agent->transition = AGENT_UPDATING;
        ask_registry(master, REGISTRY_UPDATE_AGENT, agent, TAKE_PTR(info), message, from);
    } else if (agent->state == AGENT_RECOVERED) {
        master_unreachable_cancel(master, agent);
        readmit(master, agent, from, r, ORIGIN_REGISTRY);
    } else {
        welcome_back(master, agent, from, r);
    }
    blob_unref(info);
}

void master_reregister_agent(struct master *master, const struct upid *from, struct slice message)
{
    struct reregistration r;
    struct err err;
    struct cursor_field id;
    master_count(master, COUNTER_MESSAGES_REREGISTER_SLAVE);
    /* SlaveInfo.id.value: most of those who are not heard now need not be taken apart. */
    if (!cursor_path(message, (const uint32_t[]){2, 6, FIELD_ID_VALUE}, 3, &id) ||
        !may_return(master, from, id.bytes)) {
        return;
    }
    if (master_reregister_parse(master, message, &r, &err) != 0) {
        char pid[UPID_TEXT_SIZE];
        upid_format(from, pid);
        master_log(master, LOG_LEVEL_WARNING, "Dropping invalid re-registration of agent at %s: %s",
                   pid, err.text);
        return;
    }
    if (!master_machine_refuses(master, from, r.info->hostname) &&
        master_register_serves(master, from, r.version, r.info)) {
        handle(master, from, message, &r);
    }
    master_reregister_deinit(&r);
}

void master_reregister_stored(struct master *master, const struct pending *pending, bool applied)
{
    struct reregistration r;
    struct slice id = blob_slice(pending->agent_id);
    struct agent *agent = master_find_agent(master, id);
    if (agent == NULL) {
        return;
    }
    struct departed *departed = master_find_departed(master, id);
    if (agent->state == AGENT_ADMITTING && !applied) {
        if (departed != NULL && departed->kind == DEPARTED_GONE) {
            master_register_shut_down(master, &pending->from, "Agent has been marked gone");
        }
        master_agent_drop(master, agent);
        return;
    }
    if (agent->state != AGENT_ADMITTING) {
        ASSERT(agent->transition == AGENT_UPDATING);
        agent->transition = AGENT_SETTLED;
    }
    /* It was taken apart once before, so it can be again. */
    int failed = master_reregister_parse(master, blob_slice(pending->message), &r, NULL);
    ASSERT(failed == 0);
    switch (agent->state) {
    case AGENT_ADMITTING: {
        enum origin origin = departed != NULL ? ORIGIN_UNREACHABLE : ORIGIN_UNKNOWN;
        if (departed != NULL) {
            agent->drain = agent_drain_take(&departed->drain);
        }
        readmit(master, agent, &pending->from, &r, origin);
        if (departed != NULL) {
            forget_missing(master, agent, departed);
            if (is_version(departed->has_resource_version, &departed->resource_version, &r)) {
                /* It is about to be sent what was decided before it was given up, and does it. */
                master_observer_send_away(master, agent);
            }
            master_departed_remove(master, departed);
        }
        break;
    }
    case AGENT_RECOVERED:
        master_unreachable_cancel(master, agent);
        readmit(master, agent, &pending->from, &r, ORIGIN_REGISTRY);
        break;
    case AGENT_REGISTERED:
        welcome_back(master, agent, &pending->from, &r);
        break;
    }
    master_machine_check(master, agent);
    master_reregister_deinit(&r);
}
