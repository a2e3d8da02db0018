/* ACCEPT of offers: their checks, and the operations one by one (facts/state_machines.md 6). */
#include "master/accept.h"

#include <stdlib.h>
#include <string.h>

#include "master/calls.h"
#include "master/filters.h"
#include "master/master_state.h"
#include "master/validate.h"
#include "resources/resource_operation.h"

/* --- the offers --- */

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_duplicates(struct master *master, const Pb__Scheduler__Call__Accept *call,
                            struct err *err)
{
    if (call->n_offer_ids == 0) {
        return err_set(err, VALIDATE_E, "No offers specified");
    }
    const char **ids = arena_alloc_array(&master->arena, call->n_offer_ids, sizeof(*ids));
    for (size_t i = 0; i < call->n_offer_ids; i++) {
        ids[i] = call->offer_ids[i]->value;
    }
    qsort(ids, call->n_offer_ids, sizeof(*ids), compare_ids);
    for (size_t i = 1; i < call->n_offer_ids; i++) {
        if (strcmp(ids[i - 1], ids[i]) == 0) {
            return err_set(err, VALIDATE_E, "Duplicate offer %s in offer list", ids[i]);
        }
    }
    return 0;
}

/* All offers are there, of this framework, of one role and of one agent. */
static int check_offers(struct master *master, const struct framework *framework,
                        const Pb__Scheduler__Call__Accept *call, struct err *err)
{
    int r = check_duplicates(master, call, err);
    const struct offer *first = NULL;
    for (size_t i = 0; r == 0 && i < call->n_offer_ids; i++) {
        const char *id = call->offer_ids[i]->value;
        const struct offer *offer = master_find_offer(master, slice_from(id));
        if (offer == NULL) {
            return err_set(err, VALIDATE_E, "Offer %s is no longer valid", id);
        }
        if (offer->framework != framework) {
            return err_set(err, VALIDATE_E,
                           "Offer %s has invalid framework %s while framework %s is expected", id,
                           offer->framework->id->data, framework->id->data);
        }
        first = first != NULL ? first : offer;
        if (!slice_equal(blob_slice(offer->record->role), blob_slice(first->record->role))) {
            return err_set(err, VALIDATE_E,
                           "Aggregated offers must be allocated to the same role. Offer %s uses "
                           "role '%s' but another is using role '%s'",
                           id, offer->record->role->data, first->record->role->data);
        }
        if (offer->agent != first->agent) {
            return err_set(err, VALIDATE_E,
                           "Aggregated offers must belong to one single agent. Offer %s uses "
                           "agent %s and agent %s",
                           id, offer->agent->id->data, first->agent->id->data);
        }
    }
    return r;
}

/* --- operations --- */

static bool is_type(const Pb__Offer__Operation *op, Pb__Offer__Operation__Type type)
{
    return op->has_type && op->type == type;
}

/* The tasks that an operation would launch; none for others. */
static void tasks_of(const Pb__Offer__Operation *op, Pb__TaskInfo *const **ret_tasks,
                     size_t *ret_count, int *ret_reason)
{
    *ret_tasks = NULL;
    *ret_count = 0;
    *ret_reason = REASON_TASK_INVALID;
    if (is_type(op, PB__OFFER__OPERATION__TYPE__LAUNCH) && op->launch != NULL) {
        *ret_tasks = op->launch->task_infos;
        *ret_count = op->launch->n_task_infos;
    } else if (is_type(op, PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP) && op->launch_group != NULL) {
        *ret_tasks = op->launch_group->task_group->tasks;
        *ret_count = op->launch_group->task_group->n_tasks;
        *ret_reason = REASON_TASK_GROUP_INVALID;
    }
}

/* One that changes resources: neither a launch nor of a type that is not known. */
static bool is_operation(const Pb__Offer__Operation *op)
{
    return op->has_type && op->type != PB__OFFER__OPERATION__TYPE__UNKNOWN &&
           op->type != PB__OFFER__OPERATION__TYPE__LAUNCH &&
           op->type != PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP;
}

/* One bad offer spoils the call: nothing is launched, and the good ones are free again
 * (facts/observed.md, allocator 14). */
static void refuse(struct master *master, struct framework *framework,
                   const Pb__Scheduler__Call__Accept *call, const struct err *err)
{
    for (size_t i = 0; i < call->n_offer_ids; i++) {
        struct offer *offer = master_find_offer(master, slice_from(call->offer_ids[i]->value));
        if (offer != NULL && offer->framework == framework) {
            master_offer_discard(master, offer, NULL);
        }
    }
    bool aware = (framework->capabilities & FRAMEWORK_PARTITION_AWARE) != 0;
    const char *message =
        arena_printf(&master->arena, "Task launched with invalid offers: %s", err->text);
    for (size_t i = 0; i < call->n_operations; i++) {
        Pb__TaskInfo *const *tasks;
        size_t count;
        int reason;
        tasks_of(call->operations[i], &tasks, &count, &reason);
        master_launch_refuse(master, framework, tasks, count,
                             aware ? TASK_STATE_DROPPED : TASK_STATE_LOST, REASON_INVALID_OFFERS,
                             message);
        if (is_operation(call->operations[i])) {
            master_accept_drop_operation(master, framework, call->operations[i], err->text);
        }
    }
}

typedef void operation_fn(struct master *master, struct acceptance *a, Pb__Offer__Operation *op);

static const struct {
    Pb__Offer__Operation__Type type;
    operation_fn *perform;
} operations[] = {
    {PB__OFFER__OPERATION__TYPE__LAUNCH, master_launch_tasks},
    {PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP, master_launch_group},
};

static operation_fn *find_operation(const Pb__Offer__Operation *op)
{
    for (size_t i = 0; i < ELEMENTS(operations); i++) {
        if (is_type(op, operations[i].type)) {
            return operations[i].perform;
        }
    }
    return NULL;
}

static void perform(struct master *master, struct acceptance *a, Pb__Offer__Operation *op,
                    struct slice role)
{
    struct err err;
    Pb__TaskInfo *const *tasks;
    size_t count;
    int reason;
    if (is_operation(op)) {
        master_accept_operation(master, a, op, role);
        return;
    }
    operation_fn *fn = find_operation(op);
    if (fn == NULL) {
        /* What is not known is skipped; the others go on (facts/observed.md, scheduler 7). */
        master_log(master, LOG_LEVEL_WARNING, "Ignoring operation of type %d of framework %s",
                   op->has_type ? (int)op->type : 0, a->framework->id->data);
        return;
    }
    tasks_of(op, &tasks, &count, &reason);
    /* A resource that is not valid in itself makes every task of the launch an error. */
    if (resource_operation_upgrade(op, &master->arena, &err) != 0) {
        master_launch_refuse(master, a->framework, tasks, count, TASK_STATE_ERROR, reason,
                             err.text);
        return;
    }
    if (op->id != NULL) {
        master_launch_refuse(master, a->framework, tasks, count, TASK_STATE_ERROR, reason,
                             "The `id` field cannot be set on LAUNCH operations");
        return;
    }
    resource_operation_inject_allocation(op, role, &master->arena);
    a->framework->counts->operations[op->type]++;
    fn(master, a, op);
}

static void count(struct master *master, const Pb__Scheduler__Call__Accept *call)
{
    for (size_t i = 0; i < call->n_operations; i++) {
        const Pb__Offer__Operation *op = call->operations[i];
        if (is_type(op, PB__OFFER__OPERATION__TYPE__LAUNCH) && op->launch != NULL) {
            master_count(master, op->launch->n_task_infos > 0 ? COUNTER_MESSAGES_LAUNCH_TASKS
                                                              : COUNTER_MESSAGES_DECLINE_OFFERS);
        }
    }
}

static void recover(struct master *master, const struct acceptance *a,
                    const struct resources *resources, const struct allocator_refusal *refusal)
{
    if (!resources_is_empty(resources)) {
        master->allocator_ops->recover_resources(master->allocator, master->now.mono_ns,
                                                 a->framework->slot, a->agent->slot, resources,
                                                 refusal);
    }
}

/* What was offered and not used is declined; what operations made of it is not: it is free without
 * a filter (facts/state_machines.md 6). */
static void give_back(struct master *master, const struct acceptance *a,
                      const struct resources *offered, const Pb__Filters *filters)
{
    struct allocator_refusal refusal = master_filters_refusal(filters);
    struct resources declined;
    struct resources made;
    resources_copy(&a->remaining, &declined);
    resources_add(&declined, &a->resized);
    resources_copy(&declined, &made);
    resources_subtract(&made, offered);
    resources_subtract(&declined, &made);
    recover(master, a, &made, NULL);
    recover(master, a, &declined, &refusal);
    resources_deinit(&declined);
    resources_deinit(&made);
}

void master_accept(struct master *master, struct framework *framework,
                   const Pb__Scheduler__Call__Accept *call)
{
    struct err err;
    count(master, call);
    if (check_offers(master, framework, call, &err) != 0) {
        refuse(master, framework, call, &err);
        return;
    }
    struct offer *first = master_find_offer(master, slice_from(call->offer_ids[0]->value));
    struct acceptance a = {.framework = framework, .agent = first->agent};
    struct slice role = arena_slice(&master->arena, blob_slice(first->record->role));
    for (size_t i = 0; i < call->n_offer_ids; i++) {
        struct offer *offer = master_find_offer(master, slice_from(call->offer_ids[i]->value));
        struct resources one = master_offer_take(master, offer);
        resources_add(&a.remaining, &one);
        resources_deinit(&one);
    }
    struct resources offered;
    resources_copy(&a.remaining, &offered);
    framework->counts->offers_accepted += call->n_offer_ids;
    resources_shared(&a.remaining, &a.shared);
    for (size_t i = 0; i < call->n_operations; i++) {
        perform(master, &a, call->operations[i], role);
    }
    give_back(master, &a, &offered, call->filters);
    resources_deinit(&offered);
    resources_deinit(&a.remaining);
    resources_deinit(&a.resized);
    resources_deinit(&a.shared);
}
