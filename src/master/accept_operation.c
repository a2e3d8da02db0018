/* RESERVE, CREATE and the like in an ACCEPT (docs/design/operations.md). */
#include "master/accept.h"
#include "master/events.h"
#include "master/master_state.h"
#include "master/operation_apply.h"
#include "resources/resource_operation.h"

/* --- what is refused --- */

void master_accept_drop_operation(struct master *master, struct framework *framework,
                                  const Pb__Offer__Operation *op, const char *message)
{
    master_log(master, LOG_LEVEL_WARNING, "Dropping operation '%s' of framework %s: %s",
               op->id != NULL ? op->id->value : "", framework->id->data, message);
    master_count_operation_begun(master, op->type);
    master_count_operation(master, op->type, PB__OPERATION_STATE__OPERATION_ERROR, 1);
    if (op->id != NULL) {
        master_event_operation(master, framework,
                               master_operation_status(master, PB__OPERATION_STATE__OPERATION_ERROR,
                                                       op->id->value, message, NULL));
    }
}

#define NO_FEEDBACK                                                                            \
    "Operation on agent default resources requested feedback, but agent %s does not have the " \
    "required AGENT_OPERATION_FEEDBACK and RESOURCE_PROVIDER capabilities"

/* Could there be feedback? False after the scheduler was told that there cannot. */
static bool check_feedback(struct master *master, const struct acceptance *a,
                           const Pb__Offer__Operation *op)
{
    const uint32_t needed = AGENT_OPERATION_FEEDBACK | AGENT_RESOURCE_PROVIDER;
    if (op->id == NULL) {
        return true;
    }
    if (a->framework->connection != CONNECTION_HTTP) {
        /* Which makes the driver abort, as in the reference. */
        master_event_error(master, a->framework,
                           "The 'id' field was set in an offer operation, but operation feedback "
                           "is not supported for the SchedulerDriver API; please use the HTTP "
                           "scheduler API for this feature");
        return false;
    }
    if ((a->agent->capabilities & needed) != needed) {
        master_accept_drop_operation(master, a->framework, op,
                                     arena_printf(&master->arena, NO_FEEDBACK, a->agent->id->data));
        return false;
    }
    return true;
}

/* In itself, and its rules: on success its resources are in the newer format, and allocated. */
static int validate(struct master *master, const struct acceptance *a, Pb__Offer__Operation *op,
                    struct slice role, struct err *err)
{
    int r = resource_operation_upgrade(op, &master->arena, err);
    if (r == 0 && op->reserve != NULL && op->reserve->n_source > 0) {
        r = err_set(err, OPERATION_APPLY_E,
                    "Reservation updates are not yet implemented for the scheduler API.");
    }
    if (r != 0) {
        return err_wrap(err, r, "Operation attempted with invalid resources");
    }
    resource_operation_inject_allocation(op, role, &master->arena);
    if (master_operation_validate(master, a->agent, a->framework, a->framework->principal, op,
                                  err) != 0) {
        return err_set(err, OPERATION_APPLY_E, "%s; on agent %s at %s (%s)",
                       arena_strdup(&master->arena, err->text), a->agent->id->data, a->agent->pid,
                       a->agent->hostname);
    }
    return master_operation_check_agent(a->agent, err);
}

/* --- doing it --- */

static bool is_resize(const Pb__Offer__Operation *op)
{
    return op->type == PB__OFFER__OPERATION__TYPE__GROW_VOLUME ||
           op->type == PB__OFFER__OPERATION__TYPE__SHRINK_VOLUME;
}

/* The offered resources as they are after it. What a resize makes cannot be used by the next
 * operation (facts/state_machines.md 9). */
static int convert(const struct acceptance *a, const Pb__Offer__Operation *op,
                   const struct resource_conversions *conversions, struct resources *ret_remaining,
                   struct resources *ret_resized, struct err *err)
{
    struct resources remaining;
    struct resources resized;
    int r = 0;
    resources_copy(&a->remaining, &remaining);
    resources_copy(&a->resized, &resized);
    for (size_t i = 0; i < conversions->count && r == 0; i++) {
        r = resource_conversion_apply(&conversions->items[i], &remaining, err);
        if (r == 0 && is_resize(op)) {
            resources_subtract(&remaining, &conversions->items[i].converted);
            resources_add(&resized, &conversions->items[i].converted);
        }
    }
    if (r != 0) {
        resources_deinit(&remaining);
        resources_deinit(&resized);
        return r;
    }
    *ret_remaining = remaining;
    *ret_resized = resized;
    return 0;
}

static void replace(struct resources *old, struct resources *with)
{
    resources_deinit(old);
    *old = resources_take(with);
}

static int perform(struct master *master, struct acceptance *a, const Pb__Offer__Operation *op,
                   struct err *err)
{
    struct resource_conversions conversions;
    struct resources remaining;
    struct resources resized;
    struct operation_change change;
    if (resource_operation_convert(op, &master->kinds, &conversions, err) != 0) {
        return OPERATION_APPLY_E;
    }
    int r = convert(a, op, &conversions, &remaining, &resized, err);
    if (r == 0) {
        r = master_operation_plan(master, a->agent, op, &change, err);
        if (r != 0) {
            resources_deinit(&remaining);
            resources_deinit(&resized);
        }
    }
    if (r != 0) {
        resource_conversions_deinit(&conversions);
        return r;
    }
    replace(&a->remaining, &remaining);
    replace(&a->resized, &resized);
    resources_deinit(&a->shared);
    resources_shared(&a->remaining, &a->shared);
    if (op->type == PB__OFFER__OPERATION__TYPE__DESTROY) {
        /* Copies of a shared volume that others are offered. */
        master_operation_rescind_holders(master, a->agent, &change.consumed);
    }
    for (size_t i = 0; i < conversions.count; i++) {
        master->allocator_ops->update_allocation(
            master->allocator, master->now.mono_ns, a->framework->slot, a->agent->slot,
            &conversions.items[i].consumed, &conversions.items[i].converted);
    }
    resource_conversions_deinit(&conversions);
    master_operation_apply(master, a->agent, a->framework, op, &change);
    master_operation_change_deinit(&change);
    return 0;
}

void master_accept_operation(struct master *master, struct acceptance *a, Pb__Offer__Operation *op,
                             struct slice role)
{
    struct err err;
    int r = validate(master, a, op, role, &err);
    if (r == 0 && !check_feedback(master, a, op)) {
        return;
    }
    if (r == 0) {
        r = perform(master, a, op, &err);
    }
    if (r != 0) {
        master_accept_drop_operation(master, a->framework, op, err.text);
        return;
    }
    a->framework->counts->operations[op->type]++;
}
