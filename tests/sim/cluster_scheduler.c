#include "sim/cluster_scheduler.h"

#include "sim/cluster.h"
#include "sim/sim_http.h"
#include "wire/message.h"

#define SCHEDULER_PATH "/master/api/v1/scheduler"
#define PROTOBUF "application/x-protobuf"

void scheduler_init(struct scheduler *scheduler, struct sim_node *node,
                    const struct address *master, const struct scheduler_info *info, char *id)
{
    *scheduler = (struct scheduler){
        .node = node,
        .master = *master,
        .info = *info,
        .id = id,
        .retry_ns = sim_now(node).mono_ns,
    };
    recordio_reader_init(&scheduler->reader, RECORDIO_RECORD_SIZE_MAX);
}

void scheduler_deinit(struct scheduler *scheduler)
{
    recordio_reader_deinit(&scheduler->reader);
}

/* --- calls --- */

static Pb__Scheduler__Call *new_call(struct scheduler *scheduler, Pb__Scheduler__Call__Type type,
                                     struct arena *arena)
{
    Pb__Scheduler__Call *call = MESSAGE_NEW(Pb__Scheduler__Call, pb__scheduler__call, arena);
    call->has_type = true;
    call->type = type;
    if (scheduler->id[0] != '\0') {
        call->framework_id = MESSAGE_NEW(Pb__FrameworkID, pb__framework_id, arena);
        call->framework_id->value = arena_strdup(arena, scheduler->id);
    }
    return call;
}

static uint64_t post(struct scheduler *scheduler, const Pb__Scheduler__Call *call)
{
    const ProtobufCEnumValue *type = protobuf_c_enum_descriptor_get_value(
        &pb__scheduler__call__type__descriptor, (int)call->type);
    sim_trace(scheduler->node->sim, scheduler->node, "calls %s", type->name);
    CLEANUP(blob_unrefp) struct blob *body = message_encode_blob(&call->base);
    struct sim_http_request request = {
        .address = scheduler->master,
        .method = "POST",
        .path = SCHEDULER_PATH,
        .content_type = PROTOBUF,
        .accept = PROTOBUF,
        .stream_id = scheduler->stream_id[0] != '\0' ? scheduler->stream_id : NULL,
        .body = blob_slice(body),
    };
    return sim_http_request(scheduler->node, &request);
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

/* One group with one constraint: on no host that matches. */
static Pb__Scheduler__OfferConstraints *avoiding(const struct scheduler_info *info,
                                                 struct arena *arena)
{
    Pb__Scheduler__OfferConstraints *constraints =
        MESSAGE_NEW(Pb__Scheduler__OfferConstraints, pb__scheduler__offer_constraints, arena);
    Pb__Scheduler__OfferConstraints__RoleConstraintsEntry *entry =
        MESSAGE_NEW(Pb__Scheduler__OfferConstraints__RoleConstraintsEntry,
                    pb__scheduler__offer_constraints__role_constraints_entry, arena);
    Pb__Scheduler__OfferConstraints__RoleConstraints__Group *group =
        MESSAGE_NEW(Pb__Scheduler__OfferConstraints__RoleConstraints__Group,
                    pb__scheduler__offer_constraints__role_constraints__group, arena);
    Pb__Scheduler__AttributeConstraint *one =
        MESSAGE_NEW(Pb__Scheduler__AttributeConstraint, pb__scheduler__attribute_constraint, arena);
    one->selector = MESSAGE_NEW(Pb__Scheduler__AttributeConstraint__Selector,
                                pb__scheduler__attribute_constraint__selector, arena);
    one->selector->selector_case =
        PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__SELECTOR_PSEUDOATTRIBUTE_TYPE;
    one->selector->pseudoattribute_type =
        PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__HOSTNAME;
    one->predicate = MESSAGE_NEW(Pb__Scheduler__AttributeConstraint__Predicate,
                                 pb__scheduler__attribute_constraint__predicate, arena);
    one->predicate->predicate_case =
        PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__PREDICATE__PREDICATE_TEXT_NOT_MATCHES;
    one->predicate->text_not_matches =
        MESSAGE_NEW(Pb__Scheduler__AttributeConstraint__Predicate__TextNotMatches,
                    pb__scheduler__attribute_constraint__predicate__text_not_matches, arena);
    one->predicate->text_not_matches->regex = arena_strdup(arena, info->avoids);
    MESSAGE_APPEND(arena, group->n_attribute_constraints, group->attribute_constraints, one);
    entry->key = arena_strdup(arena, info->role);
    entry->value = MESSAGE_NEW(Pb__Scheduler__OfferConstraints__RoleConstraints,
                               pb__scheduler__offer_constraints__role_constraints, arena);
    MESSAGE_APPEND(arena, entry->value->n_groups, entry->value->groups, group);
    MESSAGE_APPEND(arena, constraints->n_role_constraints, constraints->role_constraints, entry);
    return constraints;
}

static void subscribe(struct scheduler *scheduler)
{
    struct arena arena;
    arena_init(&arena, 0);
    scheduler->stream_id[0] = '\0';
    Pb__Scheduler__Call *call = new_call(scheduler, PB__SCHEDULER__CALL__TYPE__SUBSCRIBE, &arena);
    call->subscribe =
        MESSAGE_NEW(Pb__Scheduler__Call__Subscribe, pb__scheduler__call__subscribe, &arena);
    Pb__FrameworkInfo *info = MESSAGE_NEW(Pb__FrameworkInfo, pb__framework_info, &arena);
    call->subscribe->framework_info = info;
    info->user = arena_strdup(&arena, "root");
    info->name = arena_strdup(&arena, scheduler->info.name);
    info->id = call->framework_id;
    info->has_failover_timeout = true;
    info->failover_timeout = scheduler->info.failover_timeout_s;
    info->has_checkpoint = true;
    info->checkpoint = scheduler->info.checkpoint;
    char *role = arena_strdup(&arena, scheduler->info.role);
    MESSAGE_APPEND(&arena, info->n_roles, info->roles, role);
    add_capability(info, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE, &arena);
    if (scheduler->info.partition_aware) {
        add_capability(info, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE, &arena);
    }
    if (scheduler->info.refines) {
        add_capability(info, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__RESERVATION_REFINEMENT, &arena);
    }
    if (scheduler->info.avoids != NULL) {
        call->subscribe->offer_constraints = avoiding(&scheduler->info, &arena);
    }
    scheduler->stream = post(scheduler, call);
    recordio_reader_deinit(&scheduler->reader);
    recordio_reader_init(&scheduler->reader, RECORDIO_RECORD_SIZE_MAX);
    arena_deinit(&arena);
}

void scheduler_accept(struct scheduler *scheduler, Pb__OfferID *const *offers, size_t offer_count,
                      Pb__TaskInfo *const *tasks, size_t task_count, Pb__ExecutorInfo *executor)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(scheduler, PB__SCHEDULER__CALL__TYPE__ACCEPT, &arena);
    call->accept = MESSAGE_NEW(Pb__Scheduler__Call__Accept, pb__scheduler__call__accept, &arena);
    call->accept->n_offer_ids = offer_count;
    call->accept->offer_ids = (Pb__OfferID **)(uintptr_t)offers;
    Pb__Offer__Operation *operation =
        MESSAGE_NEW(Pb__Offer__Operation, pb__offer__operation, &arena);
    operation->has_type = true;
    if (executor == NULL) {
        operation->type = PB__OFFER__OPERATION__TYPE__LAUNCH;
        operation->launch =
            MESSAGE_NEW(Pb__Offer__Operation__Launch, pb__offer__operation__launch, &arena);
        operation->launch->n_task_infos = task_count;
        operation->launch->task_infos = (Pb__TaskInfo **)(uintptr_t)tasks;
    } else {
        operation->type = PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP;
        operation->launch_group = MESSAGE_NEW(Pb__Offer__Operation__LaunchGroup,
                                              pb__offer__operation__launch_group, &arena);
        operation->launch_group->executor = executor;
        operation->launch_group->task_group =
            MESSAGE_NEW(Pb__TaskGroupInfo, pb__task_group_info, &arena);
        operation->launch_group->task_group->n_tasks = task_count;
        operation->launch_group->task_group->tasks = (Pb__TaskInfo **)(uintptr_t)tasks;
    }
    MESSAGE_APPEND(&arena, call->accept->n_operations, call->accept->operations, operation);
    call->accept->filters = MESSAGE_NEW(Pb__Filters, pb__filters, &arena);
    call->accept->filters->has_refuse_seconds = true;
    call->accept->filters->refuse_seconds = 0;
    post(scheduler, call);
    arena_deinit(&arena);
}

void scheduler_operate(struct scheduler *scheduler, Pb__OfferID *offer,
                       Pb__Offer__Operation *const *operations, size_t count)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(scheduler, PB__SCHEDULER__CALL__TYPE__ACCEPT, &arena);
    call->accept = MESSAGE_NEW(Pb__Scheduler__Call__Accept, pb__scheduler__call__accept, &arena);
    MESSAGE_APPEND(&arena, call->accept->n_offer_ids, call->accept->offer_ids, offer);
    call->accept->operations = (Pb__Offer__Operation **)(uintptr_t)operations;
    call->accept->n_operations = count;
    call->accept->filters = MESSAGE_NEW(Pb__Filters, pb__filters, &arena);
    call->accept->filters->has_refuse_seconds = true;
    call->accept->filters->refuse_seconds = 0;
    post(scheduler, call);
    arena_deinit(&arena);
}

void scheduler_acknowledge_operation(struct scheduler *scheduler, const Pb__OperationStatus *status)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call =
        new_call(scheduler, PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE_OPERATION_STATUS, &arena);
    Pb__Scheduler__Call__AcknowledgeOperationStatus *part =
        MESSAGE_NEW(Pb__Scheduler__Call__AcknowledgeOperationStatus,
                    pb__scheduler__call__acknowledge_operation_status, &arena);
    part->agent_id = status->agent_id;
    part->operation_id = status->operation_id;
    part->uuid = status->uuid->value;
    call->acknowledge_operation_status = part;
    post(scheduler, call);
    arena_deinit(&arena);
}

void scheduler_decline(struct scheduler *scheduler, Pb__OfferID *offer, double refuse_s)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(scheduler, PB__SCHEDULER__CALL__TYPE__DECLINE, &arena);
    call->decline = MESSAGE_NEW(Pb__Scheduler__Call__Decline, pb__scheduler__call__decline, &arena);
    MESSAGE_APPEND(&arena, call->decline->n_offer_ids, call->decline->offer_ids, offer);
    call->decline->filters = MESSAGE_NEW(Pb__Filters, pb__filters, &arena);
    call->decline->filters->has_refuse_seconds = true;
    call->decline->filters->refuse_seconds = refuse_s;
    post(scheduler, call);
    arena_deinit(&arena);
}

void scheduler_answer_inverse(struct scheduler *scheduler, Pb__OfferID *offer, bool accepts,
                              double refuse_s)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Filters *filters = MESSAGE_NEW(Pb__Filters, pb__filters, &arena);
    filters->has_refuse_seconds = true;
    filters->refuse_seconds = refuse_s;
    Pb__Scheduler__Call *call =
        new_call(scheduler,
                 accepts ? PB__SCHEDULER__CALL__TYPE__ACCEPT_INVERSE_OFFERS
                         : PB__SCHEDULER__CALL__TYPE__DECLINE_INVERSE_OFFERS,
                 &arena);
    if (accepts) {
        Pb__Scheduler__Call__AcceptInverseOffers *part =
            MESSAGE_NEW(Pb__Scheduler__Call__AcceptInverseOffers,
                        pb__scheduler__call__accept_inverse_offers, &arena);
        MESSAGE_APPEND(&arena, part->n_inverse_offer_ids, part->inverse_offer_ids, offer);
        part->filters = filters;
        call->accept_inverse_offers = part;
    } else {
        Pb__Scheduler__Call__DeclineInverseOffers *part =
            MESSAGE_NEW(Pb__Scheduler__Call__DeclineInverseOffers,
                        pb__scheduler__call__decline_inverse_offers, &arena);
        MESSAGE_APPEND(&arena, part->n_inverse_offer_ids, part->inverse_offer_ids, offer);
        part->filters = filters;
        call->decline_inverse_offers = part;
    }
    post(scheduler, call);
    arena_deinit(&arena);
}

void scheduler_simple(struct scheduler *scheduler, Pb__Scheduler__Call__Type type)
{
    struct arena arena;
    arena_init(&arena, 0);
    post(scheduler, new_call(scheduler, type, &arena));
    arena_deinit(&arena);
}

static Pb__TaskID *new_task_id(const char *id, struct arena *arena)
{
    Pb__TaskID *message = MESSAGE_NEW(Pb__TaskID, pb__task_id, arena);
    message->value = arena_strdup(arena, id);
    return message;
}

static Pb__AgentID *new_agent_id(const char *id, struct arena *arena)
{
    Pb__AgentID *message = MESSAGE_NEW(Pb__AgentID, pb__agent_id, arena);
    message->value = arena_strdup(arena, id);
    return message;
}

void scheduler_kill(struct scheduler *scheduler, const char *task_id, const char *agent_id,
                    int64_t grace_ns)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(scheduler, PB__SCHEDULER__CALL__TYPE__KILL, &arena);
    call->kill = MESSAGE_NEW(Pb__Scheduler__Call__Kill, pb__scheduler__call__kill, &arena);
    call->kill->task_id = new_task_id(task_id, &arena);
    call->kill->agent_id = new_agent_id(agent_id, &arena);
    if (grace_ns >= 0) {
        call->kill->kill_policy = MESSAGE_NEW(Pb__KillPolicy, pb__kill_policy, &arena);
        call->kill->kill_policy->grace_period =
            MESSAGE_NEW(Pb__DurationInfo, pb__duration_info, &arena);
        call->kill->kill_policy->grace_period->nanoseconds = grace_ns;
    }
    post(scheduler, call);
    arena_deinit(&arena);
}

void scheduler_acknowledge(struct scheduler *scheduler, const Pb__TaskStatus *status)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(scheduler, PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE, &arena);
    call->acknowledge =
        MESSAGE_NEW(Pb__Scheduler__Call__Acknowledge, pb__scheduler__call__acknowledge, &arena);
    call->acknowledge->agent_id = status->agent_id;
    call->acknowledge->task_id = status->task_id;
    call->acknowledge->uuid = status->uuid;
    post(scheduler, call);
    arena_deinit(&arena);
}

void scheduler_reconcile(struct scheduler *scheduler, const struct scheduler_task *tasks,
                         size_t count)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Call *call = new_call(scheduler, PB__SCHEDULER__CALL__TYPE__RECONCILE, &arena);
    call->reconcile =
        MESSAGE_NEW(Pb__Scheduler__Call__Reconcile, pb__scheduler__call__reconcile, &arena);
    for (size_t i = 0; i < count; i++) {
        Pb__Scheduler__Call__Reconcile__Task *asked = MESSAGE_NEW(
            Pb__Scheduler__Call__Reconcile__Task, pb__scheduler__call__reconcile__task, &arena);
        asked->task_id = new_task_id(tasks[i].task_id, &arena);
        asked->agent_id = new_agent_id(tasks[i].agent_id, &arena);
        MESSAGE_APPEND(&arena, call->reconcile->n_tasks, call->reconcile->tasks, asked);
    }
    post(scheduler, call);
    arena_deinit(&arena);
}

/* --- the stream --- */

static void note_subscribed(struct scheduler *scheduler,
                            const Pb__Scheduler__Event__Subscribed *event)
{
    size_t size = strlen(event->framework_id->value);
    ASSERT(size < 64);
    memcpy(scheduler->id, event->framework_id->value, size + 1);
    scheduler->subscribed = true;
}

static bool on_record(void *arg, struct slice record)
{
    struct scheduler *scheduler = arg;
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Scheduler__Event *event;
    struct err err;
    int status =
        MESSAGE_DECODE(Pb__Scheduler__Event, pb__scheduler__event, record, &arena, &event, &err);
    if (status != 0) {
        scheduler->on_event(scheduler->arg, NULL, err.text);
    } else {
        if (event->subscribed != NULL) {
            note_subscribed(scheduler, event->subscribed);
        }
        scheduler->on_event(scheduler->arg, event, NULL);
    }
    arena_deinit(&arena);
    return true;
}

void scheduler_http(struct scheduler *scheduler, const struct sim_http_event *event)
{
    if (event->call != scheduler->stream) {
        return;
    }
    struct err err;
    switch (event->type) {
    case SIM_HTTP_OPENED:
        ASSERT(event->stream_id.size < sizeof(scheduler->stream_id));
        memcpy(scheduler->stream_id, event->stream_id.data, event->stream_id.size);
        scheduler->stream_id[event->stream_id.size] = '\0';
        break;
    case SIM_HTTP_PIECE:
        if (recordio_reader_feed(&scheduler->reader, event->body, on_record, scheduler, &err) !=
            0) {
            scheduler->on_event(scheduler->arg, NULL, err.text);
        }
        break;
    case SIM_HTTP_ANSWER:
    case SIM_HTTP_CLOSED:
        scheduler->stream = 0;
        scheduler->subscribed = false;
        scheduler->retry_ns =
            scheduler->over ? TIME_NEVER : sim_now(scheduler->node).mono_ns + SCHEDULER_RETRY_NS;
        break;
    }
}

void scheduler_tick(struct scheduler *scheduler)
{
    if (sim_now(scheduler->node).mono_ns >= scheduler->retry_ns) {
        scheduler->retry_ns = TIME_NEVER;
        subscribe(scheduler);
    }
}

/* --- parts of messages --- */

Pb__Resource *scheduler_scalar(const char *name, double value, const char *role,
                               struct arena *arena)
{
    Pb__Resource *resource = MESSAGE_NEW(Pb__Resource, pb__resource, arena);
    resource->name = arena_strdup(arena, name);
    resource->type = PB__VALUE__TYPE__SCALAR;
    resource->scalar = MESSAGE_NEW(Pb__Value__Scalar, pb__value__scalar, arena);
    resource->scalar->value = value;
    resource->allocation_info =
        MESSAGE_NEW(Pb__Resource__AllocationInfo, pb__resource__allocation_info, arena);
    resource->allocation_info->role = arena_strdup(arena, role);
    return resource;
}

Pb__TaskInfo *scheduler_task_info(const char *id, const char *agent_id, double cpus, double mem,
                                  const char *role, struct arena *arena)
{
    Pb__TaskInfo *info = MESSAGE_NEW(Pb__TaskInfo, pb__task_info, arena);
    info->name = arena_strdup(arena, id);
    info->task_id = new_task_id(id, arena);
    info->agent_id = new_agent_id(agent_id, arena);
    info->command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, arena);
    info->command->value = arena_printf(arena, "run %s", id);
    Pb__Resource *resource = scheduler_scalar("cpus", cpus, role, arena);
    MESSAGE_APPEND(arena, info->n_resources, info->resources, resource);
    resource = scheduler_scalar("mem", mem, role, arena);
    MESSAGE_APPEND(arena, info->n_resources, info->resources, resource);
    return info;
}

Pb__ExecutorInfo *scheduler_pod_info(const struct scheduler *scheduler, int number,
                                     const char *role, struct arena *arena)
{
    static const struct {
        const char *name;
        double value;
    } own[] = {{"cpus", 0.1}, {"mem", 32}, {"disk", 32}};
    Pb__ExecutorInfo *info = MESSAGE_NEW(Pb__ExecutorInfo, pb__executor_info, arena);
    info->has_type = true;
    info->type = PB__EXECUTOR_INFO__TYPE__DEFAULT;
    info->executor_id = MESSAGE_NEW(Pb__ExecutorID, pb__executor_id, arena);
    info->executor_id->value = arena_printf(arena, CLUSTER_POD_PREFIX "%d", number);
    info->framework_id = MESSAGE_NEW(Pb__FrameworkID, pb__framework_id, arena);
    info->framework_id->value = arena_strdup(arena, scheduler->id);
    for (size_t i = 0; i < ELEMENTS(own); i++) {
        Pb__Resource *resource = scheduler_scalar(own[i].name, own[i].value, role, arena);
        MESSAGE_APPEND(arena, info->n_resources, info->resources, resource);
    }
    return info;
}
