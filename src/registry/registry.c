#include "registry/registry.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "registry/registry_drain.h"
#include "registry/registry_maintenance.h"
#include "registry/registry_parts.h"

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
        blob_unref(op->request);
        for (size_t i = 0; i < op->agent_id_count; i++) {
            blob_unref(op->agent_ids[i]);
        }
        free(op->agent_ids);
        free(op);
    }
    return NULL;
}

/* --- the state --- */

/* Tags, sizes and times around what an entry holds. */
#define ENTRY_OVERHEAD_SIZE 64
/* The same around the lists, and who leads. */
#define REGISTRY_OVERHEAD_SIZE 64

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
    registry->size_max = REGISTRY_OVERHEAD_SIZE;
    return registry;
}

static size_t size_of(const struct blob *blob)
{
    return blob != NULL ? blob->size : 0;
}

/* The most that an entry may take up. Each resource has three bytes more in the older format, which
 * names the role "*": a quarter of its size is on the safe side. */
static size_t entry_size_max(const struct registry_agent *agent)
{
    size_t info_size = MAX(size_of(agent->info) + size_of(agent->info) / 4, size_of(agent->stored));
    return ENTRY_OVERHEAD_SIZE + MAX(info_size, agent->id->size) + size_of(agent->drain_info) +
           size_of(agent->rest);
}

static void registry_forget(struct registry *registry, struct registry_agent *agent)
{
    if (!list_is_empty(&agent->link)) {
        registry->size_max -= entry_size_max(agent);
    }
    map_remove(&registry->agents, &agent->by_id);
    list_remove(&agent->link);
    blob_unref(agent->id);
    blob_unref(agent->info);
    blob_unref(agent->stored);
    blob_unref(agent->drain_info);
    blob_unref(agent->rest);
    free(agent);
}

static void forget_all(struct registry *registry, struct list *list)
{
    struct registry_agent *agent;
    LIST_FOR_EACH (agent, list, link) {
        registry_forget(registry, agent);
    }
}

struct registry *registry_free(struct registry *registry)
{
    if (registry != NULL) {
        forget_all(registry, &registry->admitted);
        forget_all(registry, &registry->unreachable);
        forget_all(registry, &registry->gone);
        map_deinit(&registry->agents);
        blob_unref(registry->master);
        for (size_t i = 0; i < REGISTRY_PARTS; i++) {
            blob_unref(registry->parts[i]);
        }
        free(registry);
    }
    return NULL;
}

struct registry_agent *registry_find(const struct registry *registry, struct slice agent_id)
{
    struct map_link *link = map_find(&registry->agents, agent_id);
    return link != NULL ? CONTAINER_OF(link, struct registry_agent, by_id) : NULL;
}

struct registry_agent *registry_add(struct registry *registry, struct blob *id)
{
    if (registry_find(registry, blob_slice(id)) != NULL) {
        blob_unref(id);
        return NULL;
    }
    struct registry_agent *agent = xalloc(sizeof(*agent));
    agent->id = id;
    list_init(&agent->link);
    map_add(&registry->agents, &agent->by_id);
    return agent;
}

void registry_list(struct registry *registry, struct registry_agent *agent)
{
    ASSERT(list_is_empty(&agent->link));
    switch (agent->state) {
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
    registry->size_max += entry_size_max(agent);
}

static void replace(struct blob **at, struct blob *blob)
{
    struct blob *old = *at;
    *at = blob_ref(blob);
    blob_unref(old);
}

static void describe(struct registry_agent *agent, struct blob *info)
{
    replace(&agent->info, info);
    replace(&agent->stored, NULL);
}

/* Entering a list puts an agent at its end. Its info stays with admitted agents only; that it is
 * drained or deactivated goes with it, until it is gone. */
static void registry_move(struct registry *registry, struct registry_agent *agent,
                          enum registry_agent_state state, struct blob *info, int64_t time_ns)
{
    if (!list_is_empty(&agent->link)) {
        registry->size_max -= entry_size_max(agent);
        list_remove(&agent->link);
    }
    describe(agent, info);
    replace(&agent->rest, NULL);
    if (state == REGISTRY_GONE) {
        replace(&agent->drain_info, NULL);
        agent->deactivated = false;
    }
    agent->state = state;
    agent->time_ns = time_ns;
    registry_list(registry, agent);
}

static void replace_counted(struct registry *registry, struct blob **at, struct blob *blob)
{
    registry->size_max -= size_of(*at);
    replace(at, blob);
    registry->size_max += size_of(*at);
}

void registry_set_master(struct registry *registry, struct blob *info)
{
    replace_counted(registry, &registry->master, info);
}

void registry_set_part(struct registry *registry, enum registry_part part, struct blob *bytes)
{
    replace_counted(registry, &registry->parts[part], bytes);
}

bool registry_set_drain(struct registry *registry, struct registry_agent *agent,
                        struct blob *drain_info, bool deactivated)
{
    size_t old_size = size_of(agent->drain_info);
    size_t new_size = size_of(drain_info);
    if (new_size > old_size && registry->size_max + (new_size - old_size) > REGISTRY_SIZE_MAX) {
        registry->full_count++;
        return false;
    }
    registry->size_max = registry->size_max - old_size + new_size;
    replace(&agent->drain_info, drain_info);
    agent->deactivated = deactivated;
    return true;
}

/* --- performing --- */

/* Forgetting one entry leaves all others alone (facts/observed.md, high availability 14). */
static void registry_prune(struct registry *registry, const struct registry_op *op)
{
    for (size_t i = 0; i < op->agent_id_count; i++) {
        struct registry_agent *agent = registry_find(registry, blob_slice(op->agent_ids[i]));
        if (agent != NULL && agent->state != REGISTRY_ADMITTED) {
            registry_forget(registry, agent);
        }
    }
}

/* Whether there is room for an agent, or for more of it. What takes room away from others is not
 * let in, so that marking and removing go on working. */
static bool has_room(struct registry *registry, const struct registry_agent *agent,
                     const struct registry_op *op)
{
    struct registry_agent wanted = {.id = op->agent_id, .info = op->agent_info};
    size_t had = 0;
    if (agent != NULL) {
        wanted.drain_info = agent->drain_info;
        had = entry_size_max(agent);
    }
    if (registry->size_max - had + entry_size_max(&wanted) <= REGISTRY_SIZE_MAX) {
        return true;
    }
    registry->full_count++;
    return false;
}

static bool admit(struct registry *registry, struct registry_agent *agent,
                  const struct registry_op *op)
{
    if (!has_room(registry, agent, op)) {
        return false;
    }
    if (agent == NULL) {
        agent = registry_add(registry, blob_ref(op->agent_id));
    }
    registry_move(registry, agent, REGISTRY_ADMITTED, op->agent_info, 0);
    return true;
}

static bool update(struct registry *registry, struct registry_agent *agent,
                   const struct registry_op *op)
{
    if (slice_equal(blob_slice(agent->info), blob_slice(op->agent_info))) {
        return true;
    }
    if (!has_room(registry, agent, op)) {
        return false;
    }
    registry->size_max -= entry_size_max(agent);
    describe(agent, op->agent_info);
    registry->size_max += entry_size_max(agent);
    return true;
}

bool registry_apply(struct registry *registry, const struct registry_op *op)
{
    struct registry_agent *agent =
        op->agent_id != NULL ? registry_find(registry, blob_slice(op->agent_id)) : NULL;
    bool admitted = agent != NULL && agent->state == REGISTRY_ADMITTED;
    bool is_ours = agent != NULL && agent->state != REGISTRY_GONE;
    switch (op->type) {
    case REGISTRY_READ:
        break;
    case REGISTRY_RECOVER:
        registry_set_master(registry, op->agent_info);
        break;
    case REGISTRY_ADMIT_AGENT:
        if (agent != NULL || !admit(registry, agent, op)) {
            return false;
        }
        break;
    case REGISTRY_UPDATE_AGENT:
        return admitted && update(registry, agent, op);
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
        if ((agent != NULL && agent->state == REGISTRY_GONE) || !admit(registry, agent, op)) {
            return false;
        }
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
        registry_prune(registry, op);
        break;
    case REGISTRY_UPDATE_SCHEDULE:
        return registry_maintenance_update(registry, blob_slice(op->request));
    case REGISTRY_START_MAINTENANCE:
        return registry_maintenance_start(registry, blob_slice(op->request));
    case REGISTRY_STOP_MAINTENANCE:
        return registry_maintenance_stop(registry, blob_slice(op->request));
    case REGISTRY_UPDATE_WEIGHTS:
        return registry_parts_update_weights(registry, blob_slice(op->request));
    case REGISTRY_UPDATE_QUOTA:
        return registry_parts_update_quota(registry, blob_slice(op->request));
    case REGISTRY_DRAIN_AGENT:
        return is_ours && registry_drain_begin(registry, agent, blob_slice(op->request));
    case REGISTRY_MARK_DRAINED:
        return is_ours && registry_drain_end(registry, agent);
    case REGISTRY_DEACTIVATE_AGENT:
        return is_ours && registry_drain_deactivate(registry, agent);
    case REGISTRY_REACTIVATE_AGENT:
        return is_ours && registry_drain_reactivate(registry, agent);
    }
    return true;
}
