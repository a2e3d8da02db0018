#include "registry/registry_drain.h"

#include "registry/registry_parts.h"
#include "wire/cursor.h"
#include "wire/pb.h"

/* mesos.DrainInfo */
enum { INFO_STATE = 1, INFO_CONFIG = 2 };

static bool is_draining(const struct registry_agent *agent)
{
    struct cursor_field state;
    return cursor_find(blob_slice(agent->drain_info), INFO_STATE, &state) &&
           state.value == PB__DRAIN_STATE__DRAINING;
}

static struct blob *make_info(Pb__DrainState state, struct slice config)
{
    struct buf out = BUF_INIT;
    wire_put_varint(&out, INFO_STATE, (uint64_t)state);
    wire_put_bytes(&out, INFO_CONFIG, config);
    return blob_take(&out);
}

static bool any_deactivated(const struct list *list)
{
    const struct registry_agent *agent;
    LIST_FOR_EACH (agent, list, link) {
        if (agent->deactivated) {
            return true;
        }
    }
    return false;
}

static bool set(struct registry *registry, struct registry_agent *agent, struct blob *drain_info,
                bool deactivated)
{
    if (agent->deactivated == deactivated &&
        slice_equal(blob_slice(agent->drain_info), blob_slice(drain_info))) {
        return true;
    }
    if (!registry_set_drain(registry, agent, drain_info, deactivated)) {
        return false;
    }
    registry_parts_require(registry, SLICE("AGENT_DRAINING"),
                           any_deactivated(&registry->admitted) ||
                               any_deactivated(&registry->unreachable));
    return true;
}

static bool drain(struct registry *registry, struct registry_agent *agent, Pb__DrainState state,
                  struct slice config)
{
    struct blob *info = make_info(state, config);
    bool fitted = set(registry, agent, info, true);
    blob_unref(info);
    return fitted;
}

bool registry_drain_begin(struct registry *registry, struct registry_agent *agent,
                          struct slice config)
{
    return drain(registry, agent, PB__DRAIN_STATE__DRAINING, config);
}

bool registry_drain_end(struct registry *registry, struct registry_agent *agent)
{
    struct cursor_field config;
    return is_draining(agent) && cursor_find(blob_slice(agent->drain_info), INFO_CONFIG, &config) &&
           drain(registry, agent, PB__DRAIN_STATE__DRAINED, config.bytes);
}

bool registry_drain_deactivate(struct registry *registry, struct registry_agent *agent)
{
    return set(registry, agent, agent->drain_info, true);
}

bool registry_drain_reactivate(struct registry *registry, struct registry_agent *agent)
{
    return set(registry, agent, NULL, false);
}
