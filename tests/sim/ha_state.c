#include "sim/ha_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/xalloc.h"
#include "registry/registry_codec.h"
#include "registry/state_operation.h"
#include "wire/message.h"
#include "wire/pb.h"

#define ID_PREFIX "agent-"
#define ABSENT 0
#define ADMITTED (1 + REGISTRY_ADMITTED)
#define UNREACHABLE (1 + REGISTRY_UNREACHABLE)
#define GONE (1 + REGISTRY_GONE)

/* --- what operations do --- */

bool ha_state_apply(struct ha_state *state, const struct ha_op *op, bool *ret_changed)
{
    int *at = &state->agents[op->agent].state;
    bool fits = true;
    int next = *at;
    switch (op->type) {
    case HA_RECOVER:
        state->leader = op->stamp;
        *ret_changed = true;
        return true;
    case HA_ADMIT:
        fits = *at == ABSENT;
        next = ADMITTED;
        break;
    case HA_UPDATE:
        fits = *at == ADMITTED;
        next = ADMITTED;
        break;
    case HA_MARK_UNREACHABLE:
        fits = *at == ADMITTED;
        next = UNREACHABLE;
        break;
    case HA_MARK_REACHABLE:
        *ret_changed = *at == ABSENT || *at == UNREACHABLE;
        if (*ret_changed) {
            *at = ADMITTED;
            state->agents[op->agent].stamp = op->stamp;
        }
        return *at != GONE;
    case HA_MARK_GONE:
        fits = *at == ADMITTED || *at == UNREACHABLE;
        next = GONE;
        break;
    case HA_REMOVE:
        fits = *at == ADMITTED;
        next = ABSENT;
        break;
    case HA_PRUNE:
        *ret_changed = *at == UNREACHABLE || *at == GONE;
        if (*ret_changed) {
            *at = ABSENT;
            state->agents[op->agent].stamp = 0;
        }
        return true;
    case HA_OP_TYPES:
        WRONG("no operation of ours");
    }
    *ret_changed = fits;
    if (fits) {
        *at = next;
        state->agents[op->agent].stamp = next == ABSENT ? 0 : op->stamp;
    }
    return fits;
}

bool ha_state_equal(const struct ha_state *a, const struct ha_state *b)
{
    for (int i = 0; i < HA_AGENTS; i++) {
        if (a->agents[i].state != b->agents[i].state || a->agents[i].stamp != b->agents[i].stamp) {
            return false;
        }
    }
    return a->leader == b->leader;
}

/* --- to and from the real one --- */

static struct blob *text_of(const char *prefix, uint64_t number)
{
    CLEANUP(xfreep) char *text = xasprintf("%s%llu", prefix, (unsigned long long)number);
    return blob_from(slice_from(text));
}

static struct blob *make_agent_info(const struct ha_op *op)
{
    Pb__AgentInfo info = PB__AGENT_INFO__INIT;
    Pb__AgentID id = PB__AGENT_ID__INIT;
    CLEANUP(xfreep) char *name = xasprintf(ID_PREFIX "%d", op->agent);
    CLEANUP(xfreep) char *hostname = xasprintf("%llu", (unsigned long long)op->stamp);
    id.value = name;
    info.id = &id;
    info.hostname = hostname;
    return message_encode_blob(&info.base);
}

static struct blob *make_master_info(const struct ha_op *op)
{
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    CLEANUP(xfreep) char *id = xasprintf("%llu", (unsigned long long)op->stamp);
    info.id = id;
    return message_encode_blob(&info.base);
}

struct registry_op *ha_op_make(const struct ha_op *op)
{
    static const enum registry_op_type types[HA_OP_TYPES] = {
        [HA_RECOVER] = REGISTRY_RECOVER,
        [HA_ADMIT] = REGISTRY_ADMIT_AGENT,
        [HA_UPDATE] = REGISTRY_UPDATE_AGENT,
        [HA_MARK_UNREACHABLE] = REGISTRY_MARK_UNREACHABLE,
        [HA_MARK_REACHABLE] = REGISTRY_MARK_REACHABLE,
        [HA_MARK_GONE] = REGISTRY_MARK_GONE,
        [HA_REMOVE] = REGISTRY_REMOVE_AGENT,
        [HA_PRUNE] = REGISTRY_PRUNE,
    };
    struct registry_ops ops;
    bool describes = op->type == HA_ADMIT || op->type == HA_UPDATE || op->type == HA_MARK_REACHABLE;
    bool names = op->type != HA_RECOVER && op->type != HA_PRUNE;
    registry_ops_init(&ops);
    struct registry_op *made = registry_ask(&ops, types[op->type], op->token,
                                            names ? text_of(ID_PREFIX, (uint64_t)op->agent) : NULL,
                                            describes                ? make_agent_info(op)
                                            : op->type == HA_RECOVER ? make_master_info(op)
                                                                     : NULL);
    made->time_ns = (int64_t)op->stamp;
    if (op->type == HA_PRUNE) {
        made->agent_ids = xcalloc(1, sizeof(made->agent_ids[0]));
        made->agent_ids[0] = text_of(ID_PREFIX, (uint64_t)op->agent);
        made->agent_id_count = 1;
    }
    return registry_ops_pop(&ops);
}

static bool read_stamp(const char *text, uint64_t *ret_stamp)
{
    return text != NULL && slice_parse_uint64(slice_from(text), ret_stamp);
}

static bool read_agent(const struct registry_agent *agent, struct arena *arena,
                       struct ha_state *state)
{
    struct slice id = blob_slice(agent->id);
    size_t prefix_size = strlen(ID_PREFIX);
    uint64_t index;
    struct err err;
    if (id.size <= prefix_size || memcmp(id.data, ID_PREFIX, prefix_size) != 0 ||
        !slice_parse_uint64(slice_skip(id, prefix_size), &index) || index >= HA_AGENTS) {
        return false;
    }
    state->agents[index].state = 1 + (int)agent->state;
    state->agents[index].stamp = (uint64_t)agent->time_ns;
    if (agent->state != REGISTRY_ADMITTED) {
        return true;
    }
    Pb__AgentInfo *info;
    return MESSAGE_DECODE(Pb__AgentInfo, pb__agent_info, blob_slice(agent->info), arena, &info,
                          &err) == 0 &&
           read_stamp(info->hostname, &state->agents[index].stamp);
}

static bool read_all(const struct list *agents, struct arena *arena, struct ha_state *state)
{
    const struct registry_agent *agent;
    LIST_FOR_EACH (agent, agents, link) {
        if (!read_agent(agent, arena, state)) {
            return false;
        }
    }
    return true;
}

bool ha_state_read(const struct registry *registry, struct ha_state *ret_state)
{
    struct ha_state state = {0};
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    Pb__MasterInfo *master = NULL;
    bool fine = read_all(&registry->admitted, &arena, &state) &&
                read_all(&registry->unreachable, &arena, &state) &&
                read_all(&registry->gone, &arena, &state) &&
                (registry->master == NULL ||
                 (MESSAGE_DECODE(Pb__MasterInfo, pb__master_info, blob_slice(registry->master),
                                 &arena, &master, &err) == 0 &&
                  read_stamp(master->id, &state.leader)));
    arena_deinit(&arena);
    if (fine) {
        *ret_state = state;
    }
    return fine;
}

bool ha_state_decode(struct slice entry, struct ha_state *ret_state)
{
    struct state_operation operation;
    struct registry *registry;
    struct err err;
    if (state_operation_decode(entry, &operation, &err) != 0 || operation.type != STATE_SNAPSHOT ||
        registry_decode(operation.value, 1, &registry, &err) != 0) {
        return false;
    }
    bool fine = ha_state_read(registry, ret_state);
    registry_free(registry);
    return fine;
}
