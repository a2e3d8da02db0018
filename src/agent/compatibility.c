#include "agent/compatibility.h"

#include <string.h>

#include "resources/attributes.h"
#include "resources/resource_pb.h"
#include "resources/resource_validate.h"
#include "wire/message.h"

/* Both infos, parsed. */
struct pair {
    struct resources previous;
    struct resources current;
    struct attributes previous_attributes;
    struct attributes current_attributes;
};

static int parse(struct pair *pair, const Pb__AgentInfo *previous, const Pb__AgentInfo *current,
                 struct err *err)
{
    resources_add_pb(&pair->previous, previous->resources, previous->n_resources, NULL);
    resources_add_pb(&pair->current, current->resources, current->n_resources, NULL);
    int status = attributes_from_pb(previous->attributes, previous->n_attributes,
                                    &pair->previous_attributes, err);
    if (status == 0) {
        status = attributes_from_pb(current->attributes, current->n_attributes,
                                    &pair->current_attributes, err);
    }
    return status != 0 ? COMPATIBILITY_E_REFUSED : 0;
}

static void pair_deinit(struct pair *pair)
{
    resources_deinit(&pair->previous);
    resources_deinit(&pair->current);
    attributes_deinit(&pair->previous_attributes);
    attributes_deinit(&pair->current_attributes);
}

static bool same_domain(const Pb__AgentInfo *a, const Pb__AgentInfo *b)
{
    if (a->domain == NULL || b->domain == NULL) {
        return a->domain == b->domain;
    }
    return message_equal(&a->domain->base, &b->domain->base);
}

static bool is_equal(const struct pair *pair, const Pb__AgentInfo *previous,
                     const Pb__AgentInfo *current)
{
    return strcmp(previous->hostname, current->hostname) == 0 && previous->port == current->port &&
           same_domain(previous, current) && resources_equal(&pair->previous, &pair->current) &&
           attributes_equal(&pair->previous_attributes, &pair->current_attributes);
}

static int check_additive(const struct pair *pair, const Pb__AgentInfo *previous,
                          const Pb__AgentInfo *current, struct err *err)
{
    if (strcmp(previous->hostname, current->hostname) != 0) {
        return err_set(err, COMPATIBILITY_E_REFUSED, "Hostname changed from %s to %s",
                       previous->hostname, current->hostname);
    }
    if (previous->port != current->port) {
        return err_set(err, COMPATIBILITY_E_REFUSED, "Port changed from %d to %d", previous->port,
                       current->port);
    }
    if (previous->domain != NULL && !same_domain(previous, current)) {
        return err_set(err, COMPATIBILITY_E_REFUSED, "Domain changed");
    }
    if (resource_validate_additive(&pair->previous, &pair->current, err) != 0 ||
        attributes_check_additive(&pair->previous_attributes, &pair->current_attributes, err) !=
            0) {
        return COMPATIBILITY_E_REFUSED;
    }
    return COMPATIBILITY_E_CHANGED;
}

int compatibility_check(enum agent_reconfiguration policy, const Pb__AgentInfo *previous,
                        const Pb__AgentInfo *current, struct err *err)
{
    struct pair pair = {0};
    int status = parse(&pair, previous, current, err);
    if (status == 0 && !is_equal(&pair, previous, current)) {
        switch (policy) {
        case AGENT_RECONFIGURE_EQUAL:
            status = err_set(err, COMPATIBILITY_E_REFUSED,
                             "the agent's hostname, port, domain, resources or attributes are not "
                             "those that it was registered with");
            break;
        case AGENT_RECONFIGURE_ADDITIVE:
            status = check_additive(&pair, previous, current, err);
            break;
        }
    }
    pair_deinit(&pair);
    if (status == COMPATIBILITY_E_REFUSED) {
        err_wrap(err, 0, "Incompatible agent info detected");
    }
    return status;
}
