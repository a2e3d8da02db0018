/* A framework that does as a story tells it, and tells what it hears. */
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "resources/resource_pb.h"
#include "sim/cluster_scheduler.h"
#include "sim/cluster_story.h"
#include "wire/message.h"

struct held_offer {
    char id[96];
    char agent_id[64];
    char agent[16]; /* its name */
    int64_t cpus;   /* thousandths */
    int64_t mem;
};

struct story_core {
    struct scheduler scheduler;
    struct cluster_framework *self;
    struct sim_node *node;
    bool mute; /* acknowledges nothing */
    struct held_offer offers[STORY_OFFERS_MAX];
    size_t offer_count;
    struct story_wish wishes[STORY_WISHES_MAX];
    size_t wish_count;
};

static void on_event(void *arg, const Pb__Scheduler__Event *event, const char *broken);

static void *start(struct sim_node *node)
{
    struct story_core *core = xalloc(sizeof(*core));
    core->self = node->arg;
    core->node = node;
    struct scheduler_info info = {
        .name = core->self->name,
        .role = core->self->role,
        .failover_timeout_s = core->self->failover_timeout_s,
        .checkpoint = !core->self->volatile_tasks,
        .partition_aware = !core->self->unaware,
    };
    scheduler_init(&core->scheduler, node, &core->self->cluster->master->address, &info,
                   core->self->id);
    core->scheduler.on_event = on_event;
    core->scheduler.arg = core;
    return core;
}

static void stop(void *arg)
{
    struct story_core *core = arg;
    scheduler_deinit(&core->scheduler);
    free(core);
}

static int64_t deadline(const void *arg)
{
    return ((const struct story_core *)arg)->scheduler.retry_ns;
}

#define TELL(core, ...) sim_trace((core)->node->sim, (core)->node, __VA_ARGS__)

static void copy_text(char *to, size_t size, const char *from)
{
    int n = snprintf(to, size, "%s", from);
    ASSERT(n >= 0 && (size_t)n < size);
}

static void note_agent(struct cluster *cluster, const char *name, const char *id)
{
    for (int i = 0; i < cluster->options.agents; i++) {
        if (strcmp(cluster->agent_names[i], name) == 0) {
            copy_text(cluster->agent_ids[i], sizeof(cluster->agent_ids[i]), id);
        }
    }
}

static const char *agent_name(const struct cluster *cluster, const char *id)
{
    for (int i = 0; i < cluster->options.agents; i++) {
        if (strcmp(cluster->agent_ids[i], id) == 0) {
            return cluster->agent_names[i];
        }
    }
    return "that was never offered";
}

/* --- launching --- */

static Pb__TaskInfo *new_task(struct story_core *core, const struct held_offer *offer,
                              const struct story_wish *wish, int nth, struct arena *arena)
{
    struct cluster_task *task = cluster_add_task(core->self->cluster, core->self->index);
    int which = wish->group ? nth : 0;
    task->duration_ms = wish->duration_ms[which];
    task->exit_code = wish->exit_code[which];
    task->stubborn = wish->stubborn;
    copy_text(task->agent_id, sizeof(task->agent_id), offer->agent_id);
    TELL(core, "launches %s on %s", task->id, offer->agent);
    return scheduler_task_info(task->id, offer->agent_id, wish->cpus, wish->mem, core->self->role,
                               arena);
}

static int room(const struct held_offer *offer, const struct story_wish *wish)
{
    int64_t cpus = (int64_t)(wish->cpus * 1000);
    int64_t mem = (int64_t)(wish->mem * 1000);
    if (!wish->group) {
        return (int)MIN(offer->cpus / cpus, offer->mem / mem);
    }
    return offer->cpus >= cpus * wish->count + 100 && offer->mem >= mem * wish->count + 32000
               ? wish->count
               : 0;
}

static void drop_offer(struct story_core *core, size_t at)
{
    memmove(&core->offers[at], &core->offers[at + 1],
            (--core->offer_count - at) * sizeof(core->offers[0]));
}

/* All offers of the agent of the first, as one; their ids are in `ids`. */
static struct held_offer sum_offers(const struct story_core *core, const struct held_offer *first,
                                    size_t *ret_count, Pb__OfferID ***ids, struct arena *arena)
{
    struct held_offer sum = *first;
    sum.cpus = sum.mem = 0;
    for (size_t i = 0; i < core->offer_count; i++) {
        const struct held_offer *offer = &core->offers[i];
        if (strcmp(offer->agent_id, first->agent_id) == 0) {
            Pb__OfferID *id = MESSAGE_NEW(Pb__OfferID, pb__offer_id, arena);
            id->value = arena_strdup(arena, offer->id);
            MESSAGE_APPEND(arena, *ret_count, *ids, id);
            sum.cpus += offer->cpus;
            sum.mem += offer->mem;
        }
    }
    return sum;
}

/* Launches what fits on the agent; its offers are used up then. False if nothing does. */
static bool use_offer(struct story_core *core, const struct held_offer *first,
                      struct story_wish *wish)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    size_t id_count = 0;
    Pb__OfferID **ids = NULL;
    struct held_offer sum = sum_offers(core, first, &id_count, &ids, &arena);
    int count = MIN(room(&sum, wish), wish->count);
    if (count == 0 || (wish->agent[0] != '\0' && strcmp(wish->agent, sum.agent) != 0)) {
        return false;
    }
    size_t task_count = 0;
    Pb__TaskInfo **tasks = NULL;
    for (int i = 0; i < count; i++) {
        Pb__TaskInfo *task = new_task(core, &sum, wish, i, &arena);
        MESSAGE_APPEND(&arena, task_count, tasks, task);
    }
    core->self->launched++;
    Pb__ExecutorInfo *pod = NULL;
    if (wish->group) {
        pod = scheduler_pod_info(&core->scheduler, core->self->launched, core->self->role, &arena);
    }
    scheduler_accept(&core->scheduler, ids, id_count, tasks, task_count, pod);
    wish->count -= count;
    for (size_t at = 0; at < core->offer_count;) {
        if (strcmp(core->offers[at].agent_id, sum.agent_id) == 0) {
            drop_offer(core, at);
        } else {
            at++;
        }
    }
    return true;
}

static void use_offers(struct story_core *core)
{
    for (size_t i = 0; i < core->wish_count;) {
        struct story_wish *wish = &core->wishes[i];
        for (size_t at = 0; at < core->offer_count && wish->count > 0;) {
            at = use_offer(core, &core->offers[at], wish) ? 0 : at + 1;
        }
        if (wish->count > 0) {
            i++;
            continue;
        }
        memmove(wish, wish + 1, (--core->wish_count - i) * sizeof(*wish));
    }
}

/* --- what it hears --- */

static void take_offer(struct story_core *core, const Pb__Offer *message)
{
    ASSERT(core->offer_count < STORY_OFFERS_MAX);
    struct held_offer *offer = &core->offers[core->offer_count++];
    *offer = (struct held_offer){.cpus = 0};
    copy_text(offer->id, sizeof(offer->id), message->id->value);
    copy_text(offer->agent_id, sizeof(offer->agent_id), message->agent_id->value);
    copy_text(offer->agent, sizeof(offer->agent), message->hostname);
    note_agent(core->self->cluster, offer->agent, offer->agent_id);
    struct resources offered = RESOURCES_INIT;
    resources_add_pb(&offered, message->resources, message->n_resources, NULL);
    (void)resources_get_scalar(&offered, SLICE("cpus"), &offer->cpus);
    (void)resources_get_scalar(&offered, SLICE("mem"), &offer->mem);
    resources_deinit(&offered);
    TELL(core, "is offered %s: cpus:%g mem:%g", offer->agent, (double)offer->cpus / 1000,
         (double)offer->mem / 1000);
}

static void take_back(struct story_core *core, const Pb__OfferID *id)
{
    for (size_t at = 0; at < core->offer_count; at++) {
        if (strcmp(core->offers[at].id, id->value) == 0) {
            TELL(core, "hears that its offer of %s is taken back", core->offers[at].agent);
            drop_offer(core, at);
            return;
        }
    }
}

static const char *enum_name(const ProtobufCEnumDescriptor *desc, int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(desc, value);
    return found != NULL ? found->name : "?";
}

static void update(struct story_core *core, const Pb__TaskStatus *status)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    buf_printf(&text, "hears that %s is %s", status->task_id->value,
               enum_name(&pb__task_state__descriptor, (int)status->state));
    if (status->source != PB__TASK_STATUS__SOURCE__SOURCE_EXECUTOR) {
        const char *source = enum_name(&pb__task_status__source__descriptor, (int)status->source);
        buf_printf(&text, ", from the %s",
                   strcmp(source, "SOURCE_MASTER") == 0 ? "master" : "agent");
    }
    if (status->has_reason) {
        buf_printf(&text, ": %s",
                   enum_name(&pb__task_status__reason__descriptor, (int)status->reason));
    }
    if (status->state == PB__TASK_STATE__TASK_ERROR && status->message != NULL) {
        buf_printf(&text, ": %s", status->message);
    }
    TELL(core, "%s", buf_text(&text));
    cluster_hears(core->self->cluster, status);
    if (status->has_uuid && status->agent_id != NULL && !core->mute) {
        scheduler_acknowledge(&core->scheduler, status);
    }
}

static void failure(struct story_core *core, const Pb__Scheduler__Event__Failure *event)
{
    if (event->executor_id != NULL) {
        TELL(core, "hears that executor %s has ended with wait status %d",
             event->executor_id->value, event->has_status ? event->status : -1);
        return;
    }
    TELL(core, "hears that agent %s is lost",
         agent_name(core->self->cluster, event->agent_id->value));
}

static void on_event(void *arg, const Pb__Scheduler__Event *event, const char *broken)
{
    struct story_core *core = arg;
    if (broken != NULL) {
        cluster_wrong(core->self->cluster, "a stream makes no sense: %s", broken);
    } else if (event->subscribed != NULL) {
        TELL(core, "is subscribed");
    } else if (event->offers != NULL) {
        for (size_t i = 0; i < event->offers->n_offers; i++) {
            take_offer(core, event->offers->offers[i]);
        }
        use_offers(core);
    } else if (event->rescind != NULL) {
        take_back(core, event->rescind->offer_id);
    } else if (event->update != NULL) {
        update(core, event->update->status);
    } else if (event->failure != NULL) {
        failure(core, event->failure);
    } else if (event->error != NULL) {
        TELL(core, "hears an error: %s", event->error->message);
        core->scheduler.over = true; /* as schedulers do */
    }
}

static void on_http(void *arg, struct sim_node *node UNUSED, const struct sim_http_event *event)
{
    struct story_core *core = arg;
    bool was_subscribed = core->scheduler.subscribed;
    scheduler_http(&core->scheduler, event);
    if (was_subscribed && !core->scheduler.subscribed) {
        TELL(core, "is not subscribed any more");
        core->offer_count = 0;
    }
}

static void on_tick(void *arg, struct sim_node *node UNUSED)
{
    struct story_core *core = arg;
    scheduler_tick(&core->scheduler);
}

const struct sim_program story_framework_program = {
    .name = "framework",
    .start = start,
    .stop = stop,
    .deadline = deadline,
    .on_tick = on_tick,
    .on_http = on_http,
};

/* --- what it is told --- */

static struct story_core *core_of(struct cluster_framework *framework)
{
    struct story_core *core = framework->node->core;
    return core != NULL && core->scheduler.subscribed ? core : NULL;
}

bool story_framework_launch(struct cluster_framework *framework, const struct story_wish *wish)
{
    struct story_core *core = core_of(framework);
    if (core == NULL || core->wish_count == STORY_WISHES_MAX) {
        return false;
    }
    core->wishes[core->wish_count++] = *wish;
    use_offers(core);
    return true;
}

bool story_framework_decline(struct cluster_framework *framework, double refuse_s)
{
    struct story_core *core = core_of(framework);
    if (core == NULL) {
        return false;
    }
    for (size_t i = 0; i < core->offer_count; i++) {
        Pb__OfferID id = PB__OFFER_ID__INIT;
        id.value = core->offers[i].id;
        TELL(core, "declines %s for %g s", core->offers[i].agent, refuse_s);
        scheduler_decline(&core->scheduler, &id, refuse_s);
    }
    core->offer_count = 0;
    return true;
}

bool story_framework_call(struct cluster_framework *framework, Pb__Scheduler__Call__Type type)
{
    struct story_core *core = core_of(framework);
    if (core != NULL) {
        scheduler_simple(&core->scheduler, type);
        core->scheduler.over |= type == PB__SCHEDULER__CALL__TYPE__TEARDOWN;
    }
    return core != NULL;
}

bool story_framework_kill(struct cluster_framework *framework, const struct cluster_task *task,
                          int64_t grace_ns)
{
    struct story_core *core = core_of(framework);
    if (core != NULL) {
        scheduler_kill(&core->scheduler, task->id, task->agent_id, grace_ns);
    }
    return core != NULL;
}

bool story_framework_reconcile(struct cluster_framework *framework)
{
    struct story_core *core = core_of(framework);
    if (core != NULL) {
        cluster_reconcile(framework, &core->scheduler);
    }
    return core != NULL;
}

bool story_framework_acknowledges(struct cluster_framework *framework, bool acknowledges)
{
    struct story_core *core = core_of(framework);
    if (core != NULL) {
        core->mute = !acknowledges;
    }
    return core != NULL;
}
