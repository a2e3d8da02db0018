#include "cli/execute_scheduler.h"

#include <stdlib.h>

#include "common/list.h"
#include "common/xalloc.h"
#include "resources/resource_pb.h"
#include "wire/json.h"
#include "wire/message.h"

/* A running task that --kill_after is for. */
struct victim {
    struct list link;
    int64_t at_ns;
    char *task_id;
    char *agent_id;
};

struct execute_scheduler {
    struct execute_task task;
    const char *networks;
    int64_t kill_after_ns;
    char *framework_id; /* NULL before SUBSCRIBED */
    bool launched;
    size_t tasks_left;
    struct list victims; /* in order of time */
};

struct execute_scheduler *execute_scheduler_new(const struct execute_task *task,
                                                const char *networks, int64_t kill_after_ns)
{
    struct execute_scheduler *scheduler = xalloc(sizeof(*scheduler));
    scheduler->task = *task;
    scheduler->networks = networks;
    scheduler->kill_after_ns = kill_after_ns;
    scheduler->tasks_left = task->group != NULL ? task->group->n_tasks : 1;
    list_init(&scheduler->victims);
    return scheduler;
}

static void victim_free(struct victim *victim)
{
    list_remove(&victim->link);
    free(victim->task_id);
    free(victim->agent_id);
    free(victim);
}

struct execute_scheduler *execute_scheduler_free(struct execute_scheduler *scheduler)
{
    if (scheduler == NULL) {
        return NULL;
    }
    struct victim *victim;
    LIST_FOR_EACH (victim, &scheduler->victims, link) {
        victim_free(victim);
    }
    resources_deinit(&scheduler->task.wanted);
    free(scheduler->framework_id);
    free(scheduler);
    return NULL;
}

/* --- calls --- */

static Pb__Scheduler__Call *new_call(const struct execute_scheduler *scheduler,
                                     Pb__Scheduler__Call__Type type, struct arena *arena)
{
    Pb__Scheduler__Call *call = MESSAGE_NEW(Pb__Scheduler__Call, pb__scheduler__call, arena);
    call->has_type = true;
    call->type = type;
    if (scheduler->framework_id != NULL) {
        call->framework_id = MESSAGE_NEW(Pb__FrameworkID, pb__framework_id, arena);
        call->framework_id->value = scheduler->framework_id;
    }
    return call;
}

static Pb__Scheduler__Call *add_call(const struct execute_scheduler *scheduler,
                                     Pb__Scheduler__Call__Type type, struct arena *arena,
                                     struct execute_actions *actions)
{
    Pb__Scheduler__Call *call = new_call(scheduler, type, arena);
    MESSAGE_APPEND(arena, actions->count, actions->calls, call);
    return call;
}

Pb__Scheduler__Call *execute_scheduler_subscribe(struct execute_scheduler *scheduler,
                                                 struct arena *arena)
{
    Pb__Scheduler__Call *call = new_call(scheduler, PB__SCHEDULER__CALL__TYPE__SUBSCRIBE, arena);
    call->subscribe =
        MESSAGE_NEW(Pb__Scheduler__Call__Subscribe, pb__scheduler__call__subscribe, arena);
    call->subscribe->framework_info = MESSAGE_CLONE(scheduler->task.framework, arena);
    call->subscribe->framework_info->id = call->framework_id;
    return call;
}

/* --- offers --- */

/* What of the offer the task gets: of the role's own first, then unreserved. */
static void take_resources(const struct execute_scheduler *scheduler, struct resources *offered,
                           Pb__TaskInfo *task, struct arena *arena)
{
    struct resources wanted = RESOURCES_INIT;
    resources_add_pb(&wanted, task->resources, task->n_resources, NULL);
    const char *role = scheduler->task.framework->roles[0];
    if (strcmp(role, "*") != 0) {
        struct resource_reservation reservation = {.role = slice_from(role)};
        struct resources reserved;
        resources_push_reservation(&wanted, &reservation, &reserved);
        resources_deinit(&wanted);
        wanted = reserved;
    }
    struct resources found;
    bool enough = resources_find(offered, &wanted, &found);
    ASSERT(enough); /* the offer holds what all tasks want together */
    resources_subtract(offered, &found);
    resources_to_pb(&found, RESOURCE_FORMAT_POST, arena, &task->resources, &task->n_resources);
    resources_deinit(&found);
    resources_deinit(&wanted);
}

static Pb__TaskInfo *place(const struct execute_scheduler *scheduler, const Pb__TaskInfo *wanted,
                           const Pb__Offer *offer, struct resources *offered, struct arena *arena)
{
    Pb__TaskInfo *task = MESSAGE_CLONE(wanted, arena);
    task->agent_id = offer->agent_id;
    take_resources(scheduler, offered, task, arena);
    return task;
}

static Pb__ExecutorInfo *default_executor(const struct execute_scheduler *scheduler,
                                          struct arena *arena)
{
    Pb__ExecutorInfo *executor = MESSAGE_NEW(Pb__ExecutorInfo, pb__executor_info, arena);
    executor->has_type = true;
    executor->type = PB__EXECUTOR_INFO__TYPE__DEFAULT;
    executor->executor_id = MESSAGE_NEW(Pb__ExecutorID, pb__executor_id, arena);
    executor->executor_id->value = arena_strdup(arena, "default-executor");
    executor->framework_id = MESSAGE_NEW(Pb__FrameworkID, pb__framework_id, arena);
    executor->framework_id->value = scheduler->framework_id;
    struct resources resources;
    struct err err;
    int status = resources_parse(SLICE("cpus:0.1;mem:32;disk:32"), SLICE("*"), &resources, &err);
    ASSERT(status == 0);
    resources_to_pb(&resources, RESOURCE_FORMAT_POST, arena, &executor->resources,
                    &executor->n_resources);
    resources_deinit(&resources);
    struct slice rest = slice_from(scheduler->networks);
    struct slice name;
    while (scheduler->networks != NULL && slice_split(&rest, ',', &name)) {
        if (executor->container == NULL) {
            executor->container = MESSAGE_NEW(Pb__ContainerInfo, pb__container_info, arena);
            executor->container->type = PB__CONTAINER_INFO__TYPE__MESOS;
        }
        Pb__NetworkInfo *network = MESSAGE_NEW(Pb__NetworkInfo, pb__network_info, arena);
        network->name = arena_strndup(arena, name.data, name.size);
        MESSAGE_APPEND(arena, executor->container->n_network_infos,
                       executor->container->network_infos, network);
    }
    return executor;
}

static void launch(struct execute_scheduler *scheduler, const Pb__Offer *offer,
                   struct resources *offered, struct arena *arena, struct execute_actions *actions)
{
    Pb__Scheduler__Call *call =
        add_call(scheduler, PB__SCHEDULER__CALL__TYPE__ACCEPT, arena, actions);
    call->accept = MESSAGE_NEW(Pb__Scheduler__Call__Accept, pb__scheduler__call__accept, arena);
    MESSAGE_APPEND(arena, call->accept->n_offer_ids, call->accept->offer_ids, offer->id);
    Pb__Offer__Operation *operation =
        MESSAGE_NEW(Pb__Offer__Operation, pb__offer__operation, arena);
    MESSAGE_APPEND(arena, call->accept->n_operations, call->accept->operations, operation);
    operation->has_type = true;
    const Pb__TaskGroupInfo *group = scheduler->task.group;
    if (group == NULL) {
        operation->type = PB__OFFER__OPERATION__TYPE__LAUNCH;
        operation->launch =
            MESSAGE_NEW(Pb__Offer__Operation__Launch, pb__offer__operation__launch, arena);
        Pb__TaskInfo *task = place(scheduler, scheduler->task.task, offer, offered, arena);
        MESSAGE_APPEND(arena, operation->launch->n_task_infos, operation->launch->task_infos, task);
        buf_printf(&actions->text, "Submitted task '%s' to agent '%s'\n", task->name,
                   offer->agent_id->value);
    } else {
        operation->type = PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP;
        Pb__Offer__Operation__LaunchGroup *launch_group = MESSAGE_NEW(
            Pb__Offer__Operation__LaunchGroup, pb__offer__operation__launch_group, arena);
        operation->launch_group = launch_group;
        launch_group->executor = default_executor(scheduler, arena);
        launch_group->task_group = MESSAGE_NEW(Pb__TaskGroupInfo, pb__task_group_info, arena);
        for (size_t i = 0; i < group->n_tasks; i++) {
            Pb__TaskInfo *task = place(scheduler, group->tasks[i], offer, offered, arena);
            MESSAGE_APPEND(arena, launch_group->task_group->n_tasks,
                           launch_group->task_group->tasks, task);
        }
        buf_printf(&actions->text, "Submitted a group of %zu tasks to agent '%s'\n", group->n_tasks,
                   offer->agent_id->value);
    }
    scheduler->launched = true;
}

static void decline(struct execute_scheduler *scheduler, const Pb__Offer *offer,
                    struct arena *arena, struct execute_actions *actions)
{
    Pb__Scheduler__Call *call =
        add_call(scheduler, PB__SCHEDULER__CALL__TYPE__DECLINE, arena, actions);
    call->decline = MESSAGE_NEW(Pb__Scheduler__Call__Decline, pb__scheduler__call__decline, arena);
    MESSAGE_APPEND(arena, call->decline->n_offer_ids, call->decline->offer_ids, offer->id);
}

static void offers(struct execute_scheduler *scheduler, const Pb__Scheduler__Event__Offers *event,
                   struct arena *arena, struct execute_actions *actions)
{
    for (size_t i = 0; i < event->n_offers; i++) {
        const Pb__Offer *offer = event->offers[i];
        struct resources offered = RESOURCES_INIT;
        struct resources unreserved;
        resources_add_pb(&offered, offer->resources, offer->n_resources, NULL);
        resources_unallocate(&offered, NULL);
        resources_to_unreserved(&offered, &unreserved);
        if (!scheduler->launched && resources_contain(&unreserved, &scheduler->task.wanted)) {
            launch(scheduler, offer, &offered, arena, actions);
        } else {
            decline(scheduler, offer, arena, actions);
        }
        resources_deinit(&unreserved);
        resources_deinit(&offered);
    }
    if (scheduler->launched) {
        add_call(scheduler, PB__SCHEDULER__CALL__TYPE__SUPPRESS, arena, actions);
    }
}

/* --- updates --- */

static bool is_terminal(Pb__TaskState state)
{
    return state == PB__TASK_STATE__TASK_FINISHED || state == PB__TASK_STATE__TASK_FAILED ||
           state == PB__TASK_STATE__TASK_KILLED || state == PB__TASK_STATE__TASK_ERROR ||
           state == PB__TASK_STATE__TASK_LOST || state == PB__TASK_STATE__TASK_DROPPED ||
           state == PB__TASK_STATE__TASK_GONE || state == PB__TASK_STATE__TASK_GONE_BY_OPERATOR;
}

static const char *enum_name(const ProtobufCEnumDescriptor *desc, int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(desc, value);
    return found != NULL ? found->name : "?";
}

static void print_status(const Pb__TaskStatus *status, struct buf *out)
{
    buf_printf(out, "Received status update %s for task '%s'\n",
               enum_name(&pb__task_state__descriptor, (int)status->state), status->task_id->value);
    if (status->message != NULL) {
        buf_printf(out, "  message: '%s'\n", status->message);
    }
    if (status->has_source) {
        buf_printf(out, "  source: %s\n",
                   enum_name(&pb__task_status__source__descriptor, (int)status->source));
    }
    if (status->has_reason) {
        buf_printf(out, "  reason: %s\n",
                   enum_name(&pb__task_status__reason__descriptor, (int)status->reason));
    }
    if (status->has_healthy) {
        buf_printf(out, "  healthy?: %d\n", status->healthy);
    }
    if (status->check_status != NULL) {
        buf_append_text(out, "  check status: ");
        json_print_message(&status->check_status->base, JSON_V1, out);
        buf_append_byte(out, '\n');
    }
    if (status->limitation != NULL) {
        buf_append_text(out, "  resource limit violation: ");
        json_print_message(&status->limitation->base, JSON_V1, out);
        buf_append_byte(out, '\n');
    }
}

static void add_victim(struct execute_scheduler *scheduler, int64_t now_ns,
                       const Pb__TaskStatus *status)
{
    struct victim *victim = xalloc(sizeof(*victim));
    victim->at_ns = time_add_ns(now_ns, scheduler->kill_after_ns);
    victim->task_id = xstrdup(status->task_id->value);
    victim->agent_id = xstrdup(status->agent_id->value);
    list_push_back(&scheduler->victims, &victim->link);
}

static void update(struct execute_scheduler *scheduler, int64_t now_ns, Pb__TaskStatus *status,
                   struct arena *arena, struct execute_actions *actions)
{
    print_status(status, &actions->text);
    if (status->has_uuid && status->agent_id != NULL) {
        Pb__Scheduler__Call *call =
            add_call(scheduler, PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE, arena, actions);
        call->acknowledge =
            MESSAGE_NEW(Pb__Scheduler__Call__Acknowledge, pb__scheduler__call__acknowledge, arena);
        call->acknowledge->agent_id = status->agent_id;
        call->acknowledge->task_id = status->task_id;
        call->acknowledge->uuid = status->uuid;
    }
    if (status->state == PB__TASK_STATE__TASK_RUNNING && scheduler->kill_after_ns != INT64_MIN &&
        status->agent_id != NULL) {
        add_victim(scheduler, now_ns, status);
    }
    if (is_terminal(status->state)) {
        scheduler->tasks_left -= scheduler->tasks_left != 0;
        actions->done = scheduler->tasks_left == 0;
    }
}

void execute_scheduler_event(struct execute_scheduler *scheduler, int64_t now_ns,
                             const Pb__Scheduler__Event *event, struct arena *arena,
                             struct execute_actions *actions)
{
    if (event->subscribed != NULL) {
        free(scheduler->framework_id);
        scheduler->framework_id = xstrdup(event->subscribed->framework_id->value);
        buf_printf(&actions->text, "Subscribed with ID %s\n", scheduler->framework_id);
    } else if (event->offers != NULL) {
        offers(scheduler, event->offers, arena, actions);
    } else if (event->update != NULL) {
        update(scheduler, now_ns, event->update->status, arena, actions);
    } else if (event->error != NULL) {
        buf_printf(&actions->text, "Received an ERROR event: %s\n", event->error->message);
        actions->failed = true;
    }
}

int64_t execute_scheduler_deadline(const struct execute_scheduler *scheduler)
{
    return list_is_empty(&scheduler->victims)
               ? TIME_NEVER
               : LIST_ENTRY(scheduler->victims.next, struct victim, link)->at_ns;
}

void execute_scheduler_tick(struct execute_scheduler *scheduler, int64_t now_ns,
                            struct arena *arena, struct execute_actions *actions)
{
    struct victim *victim;
    LIST_FOR_EACH (victim, &scheduler->victims, link) {
        if (victim->at_ns > now_ns) {
            break;
        }
        buf_printf(&actions->text, "Asked to kill task '%s' on agent '%s'\n", victim->task_id,
                   victim->agent_id);
        Pb__Scheduler__Call *call =
            add_call(scheduler, PB__SCHEDULER__CALL__TYPE__KILL, arena, actions);
        call->kill = MESSAGE_NEW(Pb__Scheduler__Call__Kill, pb__scheduler__call__kill, arena);
        call->kill->task_id = MESSAGE_NEW(Pb__TaskID, pb__task_id, arena);
        call->kill->task_id->value = arena_strdup(arena, victim->task_id);
        call->kill->agent_id = MESSAGE_NEW(Pb__AgentID, pb__agent_id, arena);
        call->kill->agent_id->value = arena_strdup(arena, victim->agent_id);
        victim_free(victim);
    }
}
