#include "master/master.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/authenticate.h"
#include "master/calls.h"
#include "master/events.h"
#include "master/http_files.h"
#include "master/master_state.h"
#include "master/messages.h"
#include "master/metrics_view.h"
#include "master/observer.h"
#include "master/options.h"
#include "master/peer.h"
#include "master/pending.h"
#include "master/recover.h"
#include "master/registry_gc.h"
#include "master/subscribers.h"
#include "master/unreachable.h"
#include "wire/message.h"
#include "wire/route.h"

#define LOG_TEXT_SIZE 1024

/* --- effects --- */

void master_effects_init(struct master_effects *effects)
{
    *effects = (struct master_effects){0};
    registry_ops_init(&effects->registry);
    net_effects_init(&effects->net);
    file_requests_init(&effects->files);
    list_init(&effects->logs);
}

struct master_log *master_effects_pop_log(struct master_effects *effects)
{
    struct list *link = list_pop_front(&effects->logs);
    return link != NULL ? LIST_ENTRY(link, struct master_log, link) : NULL;
}

void master_effects_deinit(struct master_effects *effects)
{
    struct master_log *line;
    registry_ops_deinit(&effects->registry);
    net_effects_deinit(&effects->net);
    file_requests_deinit(&effects->files);
    while ((line = master_effects_pop_log(effects)) != NULL) {
        free(line->text);
        free(line);
    }
}

void master_log_at(struct master *master, enum log_level level, const char *file, int number,
                   const char *fmt, ...)
{
    char text[LOG_TEXT_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct master_log *line = xalloc(sizeof(*line));
    line->level = level;
    line->text = xstrdup(text);
    line->file = file;
    line->line = number;
    list_push_back(&master->effects->logs, &line->link);
}

void master_send(struct master *master, const struct upid *to, const char *name, struct blob *body)
{
    net_send(&master->effects->net, master->upid.id, to, name, body);
}

/* --- maps and lookups --- */

static struct slice framework_key(const struct map_link *link)
{
    return blob_slice(CONTAINER_OF(link, struct framework, by_id)->id);
}

static struct slice handle_key(const struct map_link *link)
{
    const struct framework *f = CONTAINER_OF(link, struct framework, by_connection);
    return slice_make(&f->handle, sizeof(f->handle));
}

static struct slice agent_key(const struct map_link *link)
{
    return blob_slice(CONTAINER_OF(link, struct agent, by_id)->id);
}

static struct slice pid_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct agent, by_pid)->pid);
}

static struct slice departed_key(const struct map_link *link)
{
    return blob_slice(CONTAINER_OF(link, struct departed, by_id)->id);
}

static struct slice offer_key(const struct map_link *link)
{
    return blob_slice(CONTAINER_OF(link, struct offer, by_id)->record->id);
}

static struct framework *find_any_framework(const struct master *master, struct slice id)
{
    struct map_link *link = map_find(&master->frameworks, id);
    return link != NULL ? CONTAINER_OF(link, struct framework, by_id) : NULL;
}

struct framework *master_find_framework(const struct master *master, struct slice id)
{
    struct framework *framework = find_any_framework(master, id);
    return framework != NULL && framework->state != FRAMEWORK_COMPLETED ? framework : NULL;
}

bool master_is_completed_framework(const struct master *master, struct slice id)
{
    const struct framework *framework = find_any_framework(master, id);
    return framework != NULL && framework->state == FRAMEWORK_COMPLETED;
}

struct agent *master_find_agent(const struct master *master, struct slice id)
{
    struct map_link *link = map_find(&master->agents, id);
    return link != NULL ? CONTAINER_OF(link, struct agent, by_id) : NULL;
}

struct agent *master_find_registered(const struct master *master, struct slice id)
{
    struct agent *agent = master_find_agent(master, id);
    return agent != NULL && agent->state == AGENT_REGISTERED ? agent : NULL;
}

struct departed *master_find_departed(const struct master *master, struct slice id)
{
    struct map_link *link = map_find(&master->departed, id);
    return link != NULL ? CONTAINER_OF(link, struct departed, by_id) : NULL;
}

struct offer *master_find_offer(const struct master *master, struct slice id)
{
    struct map_link *link = map_find(&master->offers, id);
    return link != NULL ? CONTAINER_OF(link, struct offer, by_id) : NULL;
}

struct task *master_find_task(const struct framework *framework, struct slice id)
{
    struct map_link *link = map_find(&framework->tasks, id);
    return link != NULL ? CONTAINER_OF(link, struct task, by_id) : NULL;
}

/* --- the step --- */

/* The client of a stream has gone. */
static void gone(struct master *master, uint64_t handle)
{
    struct map_link *link = map_find(&master->by_handle, slice_make(&handle, sizeof(handle)));
    master_view_answers_gone(master, handle);
    if (link != NULL) {
        master_framework_disconnect(master, CONTAINER_OF(link, struct framework, by_connection));
    } else {
        (void)master_subscribers_gone(master, handle);
    }
}

/* The client of a stream has taken what it was sent. */
static void taken(struct master *master, uint64_t handle)
{
    struct map_link *link = map_find(&master->by_handle, slice_make(&handle, sizeof(handle)));
    if (link != NULL) {
        master_reconcile_next(master, CONTAINER_OF(link, struct framework, by_connection));
    }
}

static void on_net(struct master *master, const struct net_event *event)
{
    switch (event->type) {
    case NET_REQUEST:
        master_http_request(master, &event->request);
        break;
    case NET_MESSAGE:
        master_message(master, event);
        break;
    case NET_EXITED:
        master_peer_exited(master, &event->address);
        break;
    case NET_GONE:
        gone(master, event->handle);
        break;
    case NET_TAKEN:
        taken(master, event->handle);
        break;
    case NET_WORKED:
        master_view_answers_made(master, event->handle, event->made, event->unzipped_size);
        break;
    case NET_BODY:
    case NET_REPLY:
        break; /* nothing is streamed in, and nobody called */
    }
}

static void on_timer(struct master *master, struct timer *timer)
{
    switch ((enum master_timer)timer->kind) {
    case TIMER_HEARTBEAT: {
        struct framework *framework = timer->owner;
        master_event_heartbeat(master, framework);
        timers_set(&master->timers, timer, time_add_ns(master->now.mono_ns, EVENTS_HEARTBEAT_NS));
        break;
    }
    case TIMER_FAILOVER:
        master_framework_remove(master, timer->owner);
        break;
    case TIMER_RECONCILE:
        master_reconcile_next(master, timer->owner);
        break;
    case TIMER_PING:
        master_observer_timeout(master, timer->owner);
        break;
    case TIMER_REREGISTER:
        master_unreachable_schedule(master, timer->owner,
                                    "agent did not re-register within --agent_reregister_timeout "
                                    "after disconnecting");
        break;
    case TIMER_OFFER:
        master_offer_rescind(master, timer->owner);
        break;
    case TIMER_INVERSE_OFFER:
        master_inverse_offer_rescind(master, timer->owner);
        break;
    case TIMER_RECOVERED_AGENTS:
        master_unreachable_recovered(master);
        break;
    case TIMER_REMOVAL:
        master_unreachable_next(master);
        break;
    case TIMER_AUTHENTICATION:
        master_authenticate_timeout(master, timer);
        break;
    case TIMER_REGISTRY_GC:
        master_registry_gc(master);
        break;
    case TIMER_VIEWS:
        master_view_answers_look(master);
        break;
    case TIMER_METRICS:
        master_metrics_next(master);
        break;
    case TIMER_VERBOSITY:
        master_reads_reset_verbosity(master);
        break;
    case TIMER_SUBSCRIBER:
        master_subscribers_heartbeat(master, timer->owner);
        break;
    case TIMER_WHITELIST:
        master_whitelist_look(master);
        break;
    }
}

static void allocate(struct master *master)
{
    const struct allocator_ops *ops = master->allocator_ops;
    int64_t deadline_ns = ops->deadline(master->allocator);
    master->allocated = false;
    if (master->role == MASTER_SERVING && deadline_ns <= master->now.mono_ns) {
        struct allocator_batch batch;
        master->allocated = true;
        if (master->allocation_latency != NULL) {
            /* A run that was asked for in this step has no deadline of its own. */
            int64_t waited_ns = deadline_ns > 0 ? master->now.mono_ns - deadline_ns : 0;
            metric_record(master->allocation_latency, waited_ns, master->now.mono_ns);
        }
        ops->step(master->allocator, master->now.mono_ns, &batch);
        master_offer_batch(master, &batch);
        master_inverse_offer_batch(master, &batch);
    }
}

void master_step(struct master *master, struct now now, const struct master_event *event,
                 struct master_effects *effects)
{
    ASSERT(master->effects == NULL);
    master->now = now;
    master->effects = effects;
    switch (event->type) {
    case MASTER_NET:
        on_net(master, event->net);
        break;
    case MASTER_REGISTRY:
        master_pending_answer(master, event->registry);
        break;
    case MASTER_TICK:
        break;
    case MASTER_ELECTED:
        master_recover_elected(master);
        break;
    case MASTER_LEADER:
        master_recover_leader(master, event);
        break;
    case MASTER_FILE:
        if (event->file->token == WHITELIST_TOKEN) {
            master_whitelist_answer(master, event->file);
        } else {
            master_files_result(master, event->file);
        }
        break;
    }
    struct timer *timer;
    while ((timer = timers_pop(&master->timers, now.mono_ns)) != NULL) {
        on_timer(master, timer);
    }
    allocate(master);
    master_subscribers_tell(master);
    master_changes_clear(master);
    arena_reset(&master->arena);
    arena_reset(&master->input);
    master->effects = NULL;
}

void master_step_took(struct master *master, int64_t duration_ns)
{
    if (master->allocated && master->allocation_run != NULL) {
        metric_record(master->allocation_run, duration_ns, master->now.mono_ns);
    }
    master->allocated = false;
}

int64_t master_deadline(const struct master *master)
{
    int64_t deadline_ns = timers_deadline(&master->timers);
    if (master->role == MASTER_SERVING) {
        deadline_ns = MIN(deadline_ns, master->allocator_ops->deadline(master->allocator));
    }
    return deadline_ns;
}

/* --- creation --- */

static struct blob *make_info(struct master *master)
{
    static const Pb__MasterInfo__Capability__Type types[] = {
        PB__MASTER_INFO__CAPABILITY__TYPE__AGENT_UPDATE,
        PB__MASTER_INFO__CAPABILITY__TYPE__AGENT_DRAINING,
        PB__MASTER_INFO__CAPABILITY__TYPE__QUOTA_V2,
    };
    const struct address *address = &master->options.address;
    char ip[ADDRESS_TEXT_SIZE];
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    Pb__Address public_address = PB__ADDRESS__INIT;
    address_format_ip(address, ip);
    info.id = master->id;
    if (address->family == 4) {
        /* Four bytes in the order of the network, read as a number (facts/observed.md). */
        memcpy(&info.ip, address->ip, sizeof(info.ip));
    }
    info.port = address->port;
    info.pid = master->pid;
    info.hostname = (char *)(uintptr_t)master->options.hostname;
    info.version = (char *)(uintptr_t)master->options.version.version;
    public_address.hostname = info.hostname;
    public_address.ip = ip;
    public_address.port = address->port;
    info.address = &public_address;
    if (master->options.domain.data != NULL) {
        int failed = MESSAGE_DECODE(Pb__DomainInfo, pb__domain_info, master->options.domain,
                                    &master->arena, &info.domain, NULL);
        ASSERT(failed == 0);
    }
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        Pb__MasterInfo__Capability *capability =
            MESSAGE_NEW(Pb__MasterInfo__Capability, pb__master_info__capability, &master->arena);
        capability->has_type = true;
        capability->type = types[i];
        MESSAGE_APPEND(&master->arena, info.n_capabilities, info.capabilities, capability);
    }
    struct blob *blob = message_encode_blob(&info.base);
    arena_reset(&master->arena);
    return blob;
}

static void init_tables(struct master *master)
{
    cow_table_init(&master->framework_records);
    cow_table_init(&master->agent_records);
    cow_table_init(&master->offer_records);
    cow_table_init(&master->task_records);
    cow_table_init(&master->executor_records);
    cow_table_init(&master->operation_records);
    map_init(&master->frameworks, framework_key, prng_next(&master->prng));
    map_init(&master->by_handle, handle_key, prng_next(&master->prng));
    map_init(&master->agents, agent_key, prng_next(&master->prng));
    map_init(&master->agents_by_pid, pid_key, prng_next(&master->prng));
    map_init(&master->departed, departed_key, prng_next(&master->prng));
    map_init(&master->peers, master_peer_key, prng_next(&master->prng));
    master->authenticator = master_authenticate_new(prng_next(&master->prng));
    map_init(&master->offers, offer_key, prng_next(&master->prng));
    map_init(&master->operations, master_operation_key, master->offers.seed[1]);
    map_init(&master->inverse_offers, master_inverse_offer_key, master->offers.seed[0]);
    master_machines_init(&master->machines, master->agents.seed[0]);
    map_init(&master->pending, master_pending_key, prng_next(&master->prng));
    list_init(&master->running);
    list_init(&master->completed);
    list_init(&master->admitting);
    list_init(&master->registered);
    list_init(&master->recovered);
    list_init(&master->removals);
    list_init(&master->unreachable);
    list_init(&master->gone);
    list_init(&master->orphans);
    timers_init(&master->timers);
    timer_init(&master->recovered_timer, TIMER_RECOVERED_AGENTS, NULL);
    timer_init(&master->removal_timer, TIMER_REMOVAL, NULL);
    timer_init(&master->registry_gc_timer, TIMER_REGISTRY_GC, NULL);
    resource_names_init(&master->names);
    master_role_tally_init(&master->role_tally, master->frameworks.seed[0]);
    resource_kinds_init(&master->kinds);
}

struct master *master_new(const struct master_options *options, struct now now)
{
    struct master *master = xalloc(sizeof(*master));
    struct uuid uuid;
    master->options = *options;
    if (options->authentication_timeout_ns == 0) {
        master->options.authentication_timeout_ns = 15 * NS_PER_SEC;
    }
    if (options->max_agents == 0) {
        master->options.max_agents = MASTER_AGENTS_MAX;
    }
    if (options->max_frameworks == 0) {
        master->options.max_frameworks = MASTER_FRAMEWORKS_MAX;
    }
    master->now = now;
    master->start_ns = now.wall_ns;
    prng_seed(&master->prng, options->seed);
    arena_init(&master->arena, 0);
    arena_init(&master->input, MASTER_INPUT_SIZE_MAX);
    uuid_random(&master->prng, &uuid);
    uuid_format(&uuid, master->id);
    snprintf(master->upid.id, sizeof(master->upid.id), "master");
    master->upid.address = options->address;
    upid_format(&master->upid, master->pid);
    master->info = make_info(master);
    init_tables(master);
    master->reads = master_reads_new(master);
    master_whitelist_init(master);
    master_metrics_init(master);
    master_options_start_allocator(master);
    return master;
}

/* --- the end: everything is dropped in silence --- */

static void drop_agent(struct master *master, struct agent *agent)
{
    struct executor *executor;
    LIST_FOR_EACH (executor, &agent->executors, of_agent) {
        master_executor_remove(master, executor);
    }
    struct offer *offer;
    LIST_FOR_EACH (offer, &agent->offers, of_agent) {
        master_offer_discard(master, offer, NULL);
    }
    struct task *task;
    LIST_FOR_EACH (task, &agent->tasks, of_agent) {
        master_task_remove(master, task, false);
    }
    if (agent->state == AGENT_REGISTERED) {
        master_agent_remove(master, agent, &(struct agent_end){.message = ""});
    } else {
        master_agent_drop(master, agent);
    }
}

struct master *master_free(struct master *master)
{
    if (master == NULL) {
        return NULL;
    }
    struct master_effects unused;
    master_effects_init(&unused);
    master->effects = &unused;
    master->watched = false;
    struct map_link *link;
    while ((link = map_first(&master->agents)) != NULL) {
        drop_agent(master, CONTAINER_OF(link, struct agent, by_id));
    }
    while ((link = map_first(&master->frameworks)) != NULL) {
        struct framework *framework = CONTAINER_OF(link, struct framework, by_id);
        if (framework->connection == CONNECTION_HTTP) {
            map_remove(&master->by_handle, &framework->by_connection);
        }
        timers_cancel(&master->timers, &framework->heartbeat);
        timers_cancel(&master->timers, &framework->failover);
        master_framework_forget(master, framework);
    }
    while ((link = map_first(&master->departed)) != NULL) {
        master_departed_remove(master, CONTAINER_OF(link, struct departed, by_id));
    }
    while ((link = map_first(&master->peers)) != NULL) {
        master_peer_free(master, CONTAINER_OF(link, struct peer, by_address));
    }
    master->authenticator = master_authenticate_free(master, master->authenticator);
    master_pending_drop_all(master);
    master_machines_deinit(&master->machines);
    master->reads = master_reads_free(master);
    master_whitelist_deinit(master);
    master_effects_deinit(&unused);
    master->allocator_ops->destroy(master->allocator);
    cow_table_deinit(&master->framework_records);
    cow_table_deinit(&master->agent_records);
    cow_table_deinit(&master->offer_records);
    cow_table_deinit(&master->task_records);
    cow_table_deinit(&master->executor_records);
    cow_table_deinit(&master->operation_records);
    timers_deinit(&master->timers);
    role_settings_unref(&master->roles);
    master_role_tally_deinit(&master->role_tally);
    quantities_deinit(&master->total);
    quantities_deinit(&master->total_revocable);
    quantities_deinit(&master->used);
    quantities_deinit(&master->used_revocable);
    resource_names_deinit(&master->names);
    resource_kinds_deinit(&master->kinds);
    blob_unref(master->info);
    free(master->leader_hostname);
    free(master->framework_slots);
    free(master->agent_slots);
    free(master->changes);
    arena_deinit(&master->arena);
    arena_deinit(&master->input);
    free(master);
    return NULL;
}

bool master_has_actor(struct slice id)
{
    if (slice_is(id, "master") || master_observer_is(id) || master_authenticate_is_session(id)) {
        return true;
    }
    for (size_t i = 0; master_http_endpoints[i].path != NULL; i++) {
        if (slice_equal(route_actor(slice_from(master_http_endpoints[i].path)), id)) {
            return true;
        }
    }
    return false;
}

const char *master_id(const struct master *master)
{
    return master->id;
}

const char *master_pid(const struct master *master)
{
    return master->pid;
}

struct blob *master_info(const struct master *master)
{
    return master->info;
}
