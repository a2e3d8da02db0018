#include "master/registry_call.h"

#include "master/master_state.h"

bool master_registry_call_ready(struct master *master, const struct net_request *request)
{
    if (master->role == MASTER_SERVING) {
        return true;
    }
    net_respond_text(&master->effects->net, request->handle, 503,
                     "Master has not finished recovery");
    return false;
}

struct pending *master_registry_call(struct master *master, enum registry_op_type type,
                                     struct blob *agent_id, struct blob *request, uint64_t handle)
{
    struct pending *pending = master_pending_ask(master, type, agent_id, NULL);
    struct registry_op *op =
        LIST_ENTRY(master->effects->registry.list.prev, struct registry_op, link);
    op->request = blob_ref(request);
    pending->request = request;
    pending->handle = handle;
    return pending;
}

bool master_registry_call_done(struct master *master, const struct pending *pending, bool applied)
{
    if (pending->handle == 0) {
        return applied;
    }
    if (applied) {
        net_respond(&master->effects->net, pending->handle, 200, NULL, NULL);
    } else {
        net_respond_text(&master->effects->net, pending->handle, 500,
                         "The registry has no room for this (it may have %zu MiB)",
                         REGISTRY_SIZE_MAX >> 20);
    }
    return applied;
}
