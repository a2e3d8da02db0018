/* DECLINE, REVIVE, SUPPRESS, REQUEST, TEARDOWN: calls about offers, and the end of them. */
#include "master/calls.h"
#include "master/filters.h"
#include "master/master_state.h"

void master_decline(struct master *master, struct framework *framework,
                    const Pb__Scheduler__Call__Decline *call)
{
    master_count(master, COUNTER_MESSAGES_DECLINE_OFFERS);
    struct allocator_refusal refusal = master_filters_refusal(call->filters);
    for (size_t i = 0; i < call->n_offer_ids; i++) {
        struct offer *offer = master_find_offer(master, slice_from(call->offer_ids[i]->value));
        /* Only the owner declines (facts/observed.md, scheduler 17). */
        if (offer != NULL && offer->framework == framework) {
            framework->counts->offers_declined++;
            master_offer_discard(master, offer, &refusal);
        }
    }
}

/* One bad role, and the whole call is ignored (facts/observed.md, scheduler 9). */
static bool roles_are_its_own(struct master *master, const struct framework *framework,
                              char *const *roles, size_t count, const char *call)
{
    for (size_t i = 0; i < count; i++) {
        if (!master_framework_has_role(framework, roles[i])) {
            master_log(master, LOG_LEVEL_WARNING,
                       "Dropping %s call of framework %s: '%s' is not one of its roles", call,
                       framework->id->data, roles[i]);
            return false;
        }
    }
    return true;
}

void master_revive(struct master *master, struct framework *framework,
                   const Pb__Scheduler__Call__Revive *call)
{
    char *const *roles = call != NULL ? call->roles : NULL;
    size_t count = call != NULL ? call->n_roles : 0;
    master_count(master, COUNTER_MESSAGES_REVIVE_OFFERS);
    if (roles_are_its_own(master, framework, roles, count, "REVIVE")) {
        master_framework_revive(master, framework, roles, count);
    }
}

void master_suppress(struct master *master, struct framework *framework,
                     const Pb__Scheduler__Call__Suppress *call)
{
    char *const *roles = call != NULL ? call->roles : NULL;
    size_t count = call != NULL ? call->n_roles : 0;
    master_count(master, COUNTER_MESSAGES_SUPPRESS_OFFERS);
    if (roles_are_its_own(master, framework, roles, count, "SUPPRESS")) {
        master_framework_suppress(master, framework, roles, count);
    }
}

/* The built-in allocator never heeded requests (facts/features.md M2). */
void master_request(struct master *master, struct framework *framework)
{
    (void)framework;
    master_count(master, COUNTER_MESSAGES_RESOURCE_REQUEST);
}

void master_teardown(struct master *master, struct framework *framework)
{
    master_count(master, COUNTER_MESSAGES_UNREGISTER_FRAMEWORK);
    master_framework_remove(master, framework);
}
