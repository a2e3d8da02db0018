#include "registry/registry.h"

#include <stdlib.h>

#include "common/xalloc.h"

/* --- operations --- */

void registry_ops_init(struct registry_ops *ops)
{
    list_init(&ops->list);
}

void registry_ops_deinit(struct registry_ops *ops)
{
    struct registry_op *op;
    while ((op = registry_ops_pop(ops)) != NULL) {
        registry_op_free(op);
    }
}

struct registry_op *registry_ask(struct registry_ops *ops, enum registry_op_type type,
                                 uint64_t token, struct blob *agent_id, struct blob *agent_info)
{
    struct registry_op *op = xalloc(sizeof(*op));
    op->type = type;
    op->token = token;
    op->agent_id = agent_id;
    op->agent_info = agent_info;
    list_push_back(&ops->list, &op->link);
    return op;
}

struct registry_op *registry_ops_pop(struct registry_ops *ops)
{
    struct list *link = list_pop_front(&ops->list);
    return link != NULL ? LIST_ENTRY(link, struct registry_op, link) : NULL;
}

struct registry_op *registry_op_free(struct registry_op *op)
{
    if (op != NULL) {
        blob_unref(op->agent_id);
        blob_unref(op->agent_info);
        for (size_t i = 0; i < op->agent_id_count; i++) {
            blob_unref(op->agent_ids[i]);
        }
        free(op->agent_ids);
        free(op);
    }
    return NULL;
}

/* --- the state --- */

static struct slice registry_key(const struct map_link *link)
{
    const struct registry_agent *agent = CONTAINER_OF(link, struct registry_agent, by_id);
    return blob_slice(agent->id);
}

struct registry *registry_new(uint64_t seed)
{
    struct registry *registry = xalloc(sizeof(*registry));
    map_init(&registry->agents, registry_key, seed);
    list_init(&registry->admitted);
    list_init(&registry->unreachable);
    list_init(&registry->gone);
    return registry;
}

static void registry_forget(struct registry *registry, struct registry_agent *agent)
{
    map_remove(&registry->agents, &agent->by_id);
    list_remove(&agent->link);
    blob_unref(agent->id);
    blob_unref(agent->info);
    free(agent);
}

struct registry *registry_free(struct registry *registry)
{
    if (registry != NULL) {
        struct map_link *link;
        while ((link = map_first(&registry->agents)) != NULL) {
            registry_forget(registry, CONTAINER_OF(link, struct registry_agent, by_id));
        }
        map_deinit(&registry->agents);
        free(registry);
    }
    return NULL;
}

struct registry_agent *registry_find(const struct registry *registry, struct slice agent_id)
{
    struct map_link *link = map_find(&registry->agents, agent_id);
    return link != NULL ? CONTAINER_OF(link, struct registry_agent, by_id) : NULL;
}

static struct registry_agent *registry_add(struct registry *registry, struct blob *id)
{
    struct registry_agent *agent = xalloc(sizeof(*agent));
    agent->id = blob_ref(id);
    list_init(&agent->link);
    map_add(&registry->agents, &agent->by_id);
    return agent;
}

/* Entering a list puts an agent at its end; its info stays with admitted agents only. */
static void registry_move(struct registry *registry, struct registry_agent *agent,
                          enum registry_agent_state state, struct blob *info, int64_t time_ns)
{
    struct blob *old = agent->info;
    agent->info = blob_ref(info);
    blob_unref(old);
    agent->state = state;
    agent->time_ns = time_ns;
    list_remove(&agent->link);
    switch (state) {
    case REGISTRY_ADMITTED:
        list_push_back(&registry->admitted, &agent->link);
        break;
    case REGISTRY_UNREACHABLE:
        list_push_back(&registry->unreachable, &agent->link);
        break;
    case REGISTRY_GONE:
        list_push_back(&registry->gone, &agent->link);
        break;
    }
}

/* Forgetting one entry leaves all others alone (facts/observed.md, high availability 14). */
static bool registry_prune(struct registry *registry, const struct registry_op *op)
{
    bool changed = false;
    for (size_t i = 0; i < op->agent_id_count; i++) {
        struct registry_agent *agent = registry_find(registry, blob_slice(op->agent_ids[i]));
        if (agent != NULL && agent->state != REGISTRY_ADMITTED) {
            registry_forget(registry, agent);
            changed = true;
        }
    }
    return changed;
}

bool registry_apply(struct registry *registry, const struct registry_op *op, bool *ret_changed)
{
    struct registry_agent *agent =
        op->agent_id != NULL ? registry_find(registry, blob_slice(op->agent_id)) : NULL;
    bool admitted = agent != NULL && agent->state == REGISTRY_ADMITTED;
    *ret_changed = false;
    switch (op->type) {
    case REGISTRY_RECOVER:
        return true;
    case REGISTRY_ADMIT_AGENT:
        if (agent != NULL) {
            return false;
        }
        agent = registry_add(registry, op->agent_id);
        registry_move(registry, agent, REGISTRY_ADMITTED, op->agent_info, 0);
        break;
    case REGISTRY_UPDATE_AGENT:
        if (!admitted) {
            return false;
        }
        if (slice_equal(blob_slice(agent->info), blob_slice(op->agent_info))) {
            return true;
        }
        blob_unref(agent->info);
        agent->info = blob_ref(op->agent_info);
        break;
    case REGISTRY_MARK_UNREACHABLE:
        if (!admitted) {
            return false;
        }
        registry_move(registry, agent, REGISTRY_UNREACHABLE, NULL, op->time_ns);
        break;
    case REGISTRY_MARK_REACHABLE:
        /* One that is admitted already is left as it is; an unknown one may have been pruned. */
        if (admitted) {
            return true;
        }
        if (agent == NULL) {
            agent = registry_add(registry, op->agent_id);
        } else if (agent->state == REGISTRY_GONE) {
            return false;
        }
        registry_move(registry, agent, REGISTRY_ADMITTED, op->agent_info, 0);
        break;
    case REGISTRY_MARK_GONE:
        if (agent == NULL || agent->state == REGISTRY_GONE) {
            return false;
        }
        registry_move(registry, agent, REGISTRY_GONE, NULL, op->time_ns);
        break;
    case REGISTRY_REMOVE_AGENT:
        if (!admitted) {
            return false;
        }
        registry_forget(registry, agent);
        break;
    case REGISTRY_PRUNE:
        *ret_changed = registry_prune(registry, op);
        return true;
    }
    *ret_changed = true;
    return true;
}
