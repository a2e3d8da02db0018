#include "master/operation_apply.h"

#include "common/xalloc.h"
#include "master/filters.h"
#include "master/master_state.h"
#include "resources/resource_pb.h"
#include "wire/cursor.h"
#include "wire/message.h"

#define FIELD_CHECKPOINTED_RESOURCES 1 /* mesos.internal.CheckpointResourcesMessage */

/* --- planning --- */

int master_operation_check_agent(const struct agent *agent, struct err *err)
{
    if ((agent->capabilities & AGENT_RESOURCE_PROVIDER) == 0) {
        return 0; /* it is sent the outcome */
    }
    if (!agent->has_resource_version) {
        return err_set(err, OPERATION_APPLY_E, "Agent %s has not told its resource version",
                       agent->id->data);
    }
    if (agent->operation_count >= OPERATIONS_PER_AGENT_MAX) {
        return err_set(err, OPERATION_APPLY_E,
                       "Too many operations of agent %s have not been acknowledged",
                       agent->id->data);
    }
    return 0;
}

void master_operation_change_deinit(struct operation_change *change)
{
    resources_deinit(&change->consumed);
    resources_deinit(&change->converted);
    resources_deinit(&change->total);
}

int master_operation_plan(struct master *master, const struct agent *agent,
                          const Pb__Offer__Operation *op, struct operation_change *ret_change,
                          struct err *err)
{
    struct resource_conversions conversions;
    Pb__Offer__Operation *plain = MESSAGE_CLONE(op, &master->arena);
    resource_operation_strip_allocation(plain);
    if (resource_operation_convert(plain, &master->kinds, &conversions, err) != 0) {
        return OPERATION_APPLY_E;
    }
    struct operation_change change = {0};
    int r = 0;
    resources_copy(&agent->total, &change.total);
    for (size_t i = 0; i < conversions.count && r == 0; i++) {
        r = resource_conversion_apply(&conversions.items[i], &change.total, err);
        resources_add(&change.consumed, &conversions.items[i].consumed);
        resources_add(&change.converted, &conversions.items[i].converted);
    }
    resource_conversions_deinit(&conversions);
    if (r != 0) {
        master_operation_change_deinit(&change);
        return OPERATION_APPLY_E;
    }
    *ret_change = change;
    return 0;
}

/* What tasks and executors use; what is launched is in use from the moment it is accepted. */
static void used_of(struct master *master, const struct agent *agent,
                    struct resource_operation_context *context)
{
    size_t count = agent->task_count;
    const struct executor *executor;
    LIST_FOR_EACH (executor, &agent->executors, of_agent) {
        count++;
    }
    const struct resources **used =
        arena_alloc_array(&master->arena, count + 1, sizeof(const struct resources *));
    const struct task *task;
    LIST_FOR_EACH (task, &agent->tasks, of_agent) {
        used[context->used_count++] = &task->resources;
    }
    LIST_FOR_EACH (executor, &agent->executors, of_agent) {
        used[context->used_count++] = &executor->resources;
    }
    context->used = used;
}

static void describe_framework(struct master *master, const struct framework *framework,
                               struct resource_operation_context *context)
{
    struct slice *roles =
        arena_alloc_array(&master->arena, framework->role_count + 1, sizeof(roles[0]));
    for (size_t i = 0; i < framework->role_count; i++) {
        roles[i] = slice_from(framework->roles[i]);
    }
    context->is_framework = true;
    context->framework_id = blob_slice(framework->id);
    context->roles = roles;
    context->role_count = framework->role_count;
    context->can_share = (framework->capabilities & FRAMEWORK_SHARED) != 0;
}

int master_operation_validate(struct master *master, const struct agent *agent,
                              const struct framework *framework, const char *principal,
                              const Pb__Offer__Operation *op, struct err *err)
{
    CLEANUP(resources_deinit) struct resources checkpointed = RESOURCES_INIT;
    struct resource_operation_context context = {
        .principal = slice_from(principal),
        .agent_hierarchical_role = (agent->capabilities & AGENT_HIERARCHICAL_ROLE) != 0,
        .agent_reservation_refinement = (agent->capabilities & AGENT_REFINEMENT) != 0,
        .agent_resize_volume = (agent->capabilities & AGENT_RESIZE_VOLUME) != 0,
        .checkpointed = &checkpointed,
    };
    resources_checkpointed(&agent->total, &checkpointed);
    if (framework != NULL) {
        describe_framework(master, framework, &context);
    }
    if (op->type == PB__OFFER__OPERATION__TYPE__DESTROY) {
        used_of(master, agent, &context);
    }
    return resource_operation_validate(op, &context, err) != 0 ? OPERATION_APPLY_E : 0;
}

/* --- the agent is told --- */

void master_operation_send_checkpointed(struct master *master, const struct agent *agent)
{
    struct resources checkpointed;
    resources_checkpointed(&agent->total, &checkpointed);
    bool refined = (agent->capabilities & AGENT_REFINEMENT) != 0;
    if (refined || !resources_have_refinements(&checkpointed)) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT;
        resources_encode(&checkpointed, refined ? RESOURCE_FORMAT_POST : RESOURCE_FORMAT_PRE,
                         FIELD_CHECKPOINTED_RESOURCES, &out);
        master_send(master, &agent->upid, "mesos.internal.CheckpointResourcesMessage",
                    blob_from(buf_slice(&out)));
    } else {
        master_log(master, LOG_LEVEL_WARNING,
                   "Not telling agent %s what to store: it has refined reservations, which it does "
                   "not know",
                   agent->id->data);
    }
    resources_deinit(&checkpointed);
}

static void send_operation(struct master *master, const struct operation *operation,
                           const Pb__Offer__Operation *op)
{
    struct agent *agent = operation->agent;
    Pb__Internal__ApplyOperationMessage message = PB__INTERNAL__APPLY_OPERATION_MESSAGE__INIT;
    Pb__Internal__ResourceVersionUUID version = PB__INTERNAL__RESOURCE_VERSION_UUID__INIT;
    Pb__FrameworkID framework_id = PB__FRAMEWORK_ID__INIT;
    Pb__UUID uuid = PB__UUID__INIT;
    Pb__UUID version_uuid = PB__UUID__INIT;
    if (operation->record->framework_id != NULL) {
        framework_id.value = operation->record->framework_id->data;
        message.framework_id = &framework_id;
    }
    uuid.value = message_data(slice_make(operation->record->uuid.bytes, UUID_SIZE));
    version_uuid.value = message_data(slice_make(agent->resource_version.bytes, UUID_SIZE));
    version.uuid = &version_uuid;
    message.operation_info = (Pb__Offer__Operation *)(uintptr_t)op;
    message.operation_uuid = &uuid;
    message.resource_version_uuid = &version;
    MASTER_SEND(master, &agent->upid, "ApplyOperationMessage", &message);
}

static const char *type_name(Pb__Offer__Operation__Type type)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&pb__offer__operation__type__descriptor, (int)type);
    return value != NULL ? value->name : "UNKNOWN";
}

void master_operation_apply(struct master *master, struct agent *agent, struct framework *framework,
                            const Pb__Offer__Operation *op, struct operation_change *change)
{
    const char *who = framework != NULL ? framework->id->data : "an operator";
    master_agent_set_total(master, agent, &change->total);
    if ((agent->capabilities & AGENT_RESOURCE_PROVIDER) == 0) {
        master_log(master, LOG_LEVEL_INFO, "Telling agent %s (%s) to store what %s of %s made",
                   agent->id->data, agent->hostname, type_name(op->type), who);
        master_operation_send_checkpointed(master, agent);
        return;
    }
    struct operation_draft draft = {
        .agent = agent,
        .framework = framework,
        .framework_id = framework != NULL ? blob_slice(framework->id) : slice_make(NULL, 0),
        .info = op,
        .latest =
            master_operation_status(master, PB__OPERATION_STATE__OPERATION_PENDING,
                                    op->id != NULL ? op->id->value : NULL, NULL, agent->id->data),
    };
    uuid_random(&master->prng, &draft.uuid);
    struct operation *operation = master_operation_add(master, &draft);
    operation->is_assumed = true;
    char uuid[UUID_TEXT_SIZE];
    uuid_format(&draft.uuid, uuid);
    master_log(master, LOG_LEVEL_INFO, "Sending %s '%s' (uuid: %s) of %s to agent %s (%s)",
               type_name(op->type), op->id != NULL ? op->id->value : "", uuid, who, agent->id->data,
               agent->hostname);
    send_operation(master, operation, op);
}

/* --- free resources --- */

/* An offer's resources as the agent has them. */
static void unallocated_of(struct master *master, const struct offer *offer,
                           struct resources *ret_plain)
{
    resources_copy(&offer->resources, ret_plain);
    resources_unallocate(ret_plain, &master->kinds);
}

/* They are not to go to somebody else before the operation has them. */
static void rescind(struct master *master, struct offer *offer)
{
    struct allocator_refusal refusal = master_filters_refusal(NULL);
    master_offer_rescind_for(master, offer, &refusal);
}

bool master_operation_convert_free(struct master *master, struct agent *agent,
                                   const struct resources *consumed,
                                   const struct resources *converted)
{
    const struct allocator_ops *ops = master->allocator_ops;
    CLEANUP(resources_deinit) struct resources required = RESOURCES_INIT;
    resources_copy(consumed, &required);
    bool done = ops->update_available(master->allocator, master->now.mono_ns, agent->slot, consumed,
                                      converted);
    struct offer *offer;
    LIST_FOR_EACH (offer, &agent->offers, of_agent) {
        struct resources offered;
        struct resources left;
        if (done) {
            break;
        }
        unallocated_of(master, offer, &offered);
        resources_copy(&required, &left);
        resources_subtract(&left, &offered);
        resources_deinit(&offered);
        if (resources_equal(&left, &required)) {
            resources_deinit(&left);
            continue;
        }
        resources_deinit(&required);
        required = resources_take(&left);
        rescind(master, offer);
        done = ops->update_available(master->allocator, master->now.mono_ns, agent->slot, consumed,
                                     converted);
    }
    return done;
}

void master_operation_rescind_holders(struct master *master, struct agent *agent,
                                      const struct resources *volumes)
{
    struct offer *offer;
    LIST_FOR_EACH (offer, &agent->offers, of_agent) {
        struct resources offered;
        bool holds = false;
        unallocated_of(master, offer, &offered);
        for (uint32_t i = 0; i < volumes->count && !holds; i++) {
            holds = resources_count_of(&offered, &volumes->items[i]) > 0;
        }
        resources_deinit(&offered);
        if (holds) {
            master_offer_rescind(master, offer);
        }
    }
}

/* --- what did not happen --- */

void master_operation_confirm_all(struct agent *agent)
{
    struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operations, of_agent) {
        operation->is_assumed = false;
    }
}

void master_operation_undo(struct master *master, struct operation *operation)
{
    struct agent *agent = operation->agent;
    Pb__Offer__Operation *op;
    struct resource_conversions conversions;
    struct operation_change back = {0};
    if (!operation->is_assumed) {
        return;
    }
    operation->is_assumed = false;
    int failed = MESSAGE_DECODE(Pb__Offer__Operation, pb__offer__operation,
                                blob_slice(operation->record->info), &master->arena, &op, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    resource_operation_strip_allocation(op);
    failed = resource_operation_convert(op, &master->kinds, &conversions, NULL);
    ASSERT(failed == 0); /* it was when it was applied */
    for (size_t i = 0; i < conversions.count; i++) {
        resources_add(&back.converted, &conversions.items[i].consumed);
        resources_add(&back.consumed, &conversions.items[i].converted);
    }
    resource_conversions_deinit(&conversions);
    if (resources_contain(&agent->total, &back.consumed) &&
        master_operation_convert_free(master, agent, &back.consumed, &back.converted)) {
        resources_copy(&agent->total, &back.total);
        resources_subtract(&back.total, &back.consumed);
        resources_add(&back.total, &back.converted);
        master_agent_set_total(master, agent, &back.total);
    } else {
        master_log(master, LOG_LEVEL_WARNING,
                   "Agent %s did not perform %s of %s, whose outcome is in use: its resources are "
                   "wrong here until it registers again",
                   agent->id->data, type_name(operation->record->type),
                   operation->record->framework_id != NULL ? operation->record->framework_id->data
                                                           : "an operator");
    }
    master_operation_change_deinit(&back);
}
