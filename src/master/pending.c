#include "master/pending.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/audit.h"
#include "master/drain.h"
#include "master/maintenance.h"
#include "master/master_state.h"
#include "master/quota.h"
#include "master/recover.h"
#include "master/register.h"
#include "master/registry_gc.h"
#include "master/registry_view.h"
#include "master/reregister.h"
#include "master/unreachable.h"
#include "master/weights.h"

struct slice master_pending_key(const struct map_link *link)
{
    const struct pending *pending = CONTAINER_OF(link, struct pending, by_token);
    return slice_make(&pending->token, sizeof(pending->token));
}

struct pending *master_pending_ask(struct master *master, enum registry_op_type type,
                                   struct blob *agent_id, struct blob *agent_info)
{
    struct pending *pending = xalloc(sizeof(*pending));
    pending->token = ++master->next_token;
    pending->type = type;
    pending->agent_id = blob_ref(agent_id);
    map_add(&master->pending, &pending->by_token);
    registry_ask(&master->effects->registry, type, pending->token, blob_ref(agent_id), agent_info);
    return pending;
}

struct pending *master_pending_ask_now(struct master *master, enum registry_op_type type,
                                       struct blob *agent_id)
{
    struct pending *pending = master_pending_ask(master, type, agent_id, NULL);
    struct registry_op *op =
        LIST_ENTRY(master->effects->registry.list.prev, struct registry_op, link);
    op->time_ns = master->now.wall_ns;
    pending->time_ns = master->now.wall_ns;
    return pending;
}

static void pending_free(struct pending *pending)
{
    blob_unref(pending->agent_id);
    blob_unref(pending->request);
    blob_unref(pending->message);
    for (size_t i = 0; i < pending->agent_id_count; i++) {
        blob_unref(pending->agent_ids[i]);
    }
    free(pending->agent_ids);
    blob_unref(pending->jsonp);
    free(pending);
}

/* State that could not be stored must not be acted on; the next leader reads what is there
 * (facts/observed.md, high availability 11). */
static void fail(struct master *master, const struct registry_event *event)
{
    master->effects->exits = true;
    master->effects->exit_status = 1;
    err_set(&master->effects->exit_reason, event->status, "%s",
            event->why != NULL ? event->why : "The registry failed to store an operation");
}

/* One operation tells of the write that it was a part of, for all of them. */
static void measure(struct master *master, const struct registry_event *event)
{
    struct metric *metric =
        event->type == REGISTRY_RECOVER ? master->state_fetch : master->state_store;
    if (metric != NULL && event->type != REGISTRY_READ && event->took_ns >= 0) {
        metric_record(metric, event->took_ns, master->now.mono_ns);
    }
    if (event->size > 0) {
        master->registry_size = event->size;
    }
}

void master_pending_answer(struct master *master, const struct registry_event *event)
{
    struct map_link *link =
        map_find(&master->pending, slice_make(&event->token, sizeof(event->token)));
    if (link == NULL) {
        return;
    }
    struct pending *pending = CONTAINER_OF(link, struct pending, by_token);
    map_remove(&master->pending, link);
    if (event->status == 0) {
        measure(master, event);
    } else {
        fail(master, event);
        pending_free(pending);
        return;
    }
    master_audit_stored(master, pending, event->applied);
    switch (pending->type) {
    case REGISTRY_RECOVER:
        master_recover_done(master, event->registry);
        break;
    case REGISTRY_ADMIT_AGENT:
        master_register_admitted(master, pending, event->applied);
        break;
    case REGISTRY_UPDATE_AGENT:
    case REGISTRY_MARK_REACHABLE:
        master_reregister_stored(master, pending, event->applied);
        break;
    case REGISTRY_MARK_UNREACHABLE:
        master_unreachable_marked(master, pending, event->applied);
        break;
    case REGISTRY_MARK_GONE:
        master_unreachable_gone(master, pending, event->applied);
        break;
    case REGISTRY_REMOVE_AGENT:
        master_register_removed(master, pending, event->applied);
        break;
    case REGISTRY_PRUNE:
        master_registry_gc_done(master, pending);
        break;
    case REGISTRY_READ:
        master_registry_view_read(master, pending, event);
        break;
    case REGISTRY_UPDATE_SCHEDULE:
    case REGISTRY_START_MAINTENANCE:
    case REGISTRY_STOP_MAINTENANCE:
        master_maintenance_stored(master, pending, event->applied);
        break;
    case REGISTRY_UPDATE_WEIGHTS:
        master_weights_stored(master, pending, event->applied);
        break;
    case REGISTRY_UPDATE_QUOTA:
        master_quota_stored(master, pending, event->applied);
        break;
    case REGISTRY_DRAIN_AGENT:
        master_drain_begun(master, pending, event->applied);
        break;
    case REGISTRY_MARK_DRAINED:
        master_drain_ended(master, pending, event->applied);
        break;
    case REGISTRY_DEACTIVATE_AGENT:
        master_drain_deactivated(master, pending, event->applied);
        break;
    case REGISTRY_REACTIVATE_AGENT:
        master_drain_reactivated(master, pending, event->applied);
        break;
    }
    pending_free(pending);
}

void master_pending_drop_all(struct master *master)
{
    struct map_link *link;
    while ((link = map_first(&master->pending)) != NULL) {
        map_remove(&master->pending, link);
        pending_free(CONTAINER_OF(link, struct pending, by_token));
    }
}
