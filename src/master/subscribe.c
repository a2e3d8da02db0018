/* SUBSCRIBE in both APIs (facts/state_machines.md 4). */
#include <stdlib.h>
#include <string.h>

#include "master/calls.h"
#include "master/events.h"
#include "master/master_state.h"
#include "master/validate.h"

static bool is_new(const Pb__FrameworkInfo *info)
{
    return info->id == NULL || info->id->value[0] == '\0';
}

static void count(struct master *master, const Pb__FrameworkInfo *info)
{
    master_count(master, is_new(info) ? COUNTER_MESSAGES_REGISTER_FRAMEWORK
                                      : COUNTER_MESSAGES_REREGISTER_FRAMEWORK);
}

/* What can be said against it before the framework itself is looked at. */
static int check(struct master *master, const struct subscription *s,
                 struct framework_wants *ret_wants, struct err *err)
{
    bool known =
        !is_new(s->info) && master_find_framework(master, slice_from(s->info->id->value)) != NULL;
    if (!known && master->running_count >= master->options.max_frameworks) {
        return err_set(err, VALIDATE_E, "The master has too many frameworks");
    }
    int r = master_validate_framework(master, s->info, err);
    return r != 0 ? r : framework_wants_init(ret_wants, master, s->info, &s->wants, err);
}

/* User and checkpoint stay as they were, in silence; what else must not change is refused. */
static int check_known(const struct framework *framework, Pb__FrameworkInfo *info, struct err *err)
{
    info->user = framework->user;
    info->has_checkpoint = info->has_checkpoint || framework->checkpoint;
    info->checkpoint = framework->checkpoint;
    return master_validate_framework_update(framework, info, err);
}

static struct framework *add_new(struct master *master, const struct subscription *s,
                                 const struct framework_wants *wants)
{
    Pb__FrameworkID *id = s->info->id;
    Pb__FrameworkID fresh = PB__FRAMEWORK_ID__INIT;
    fresh.value = arena_printf(&master->arena, "%s-%04llu", master->id,
                               (unsigned long long)master->next_framework++);
    s->info->id = &fresh;
    struct framework *framework = master_framework_add(master, s->info);
    master_framework_update(master, framework, s->info, wants);
    s->info->id = id;
    master_log(master, LOG_LEVEL_INFO, "Subscribed framework %s (%s)", framework->id->data,
               framework->name);
    return framework;
}

static struct framework *find_or_recover(struct master *master, const Pb__FrameworkInfo *info)
{
    struct framework *framework = master_find_framework(master, slice_from(info->id->value));
    return framework != NULL ? framework : master_framework_add(master, info);
}

static void count_subscribe(struct framework *framework)
{
    framework->counts->calls[PB__SCHEDULER__CALL__TYPE__SUBSCRIBE]++;
}

static void start_heartbeat(struct master *master, struct framework *framework)
{
    master_event_heartbeat(master, framework);
    timers_set(&master->timers, &framework->heartbeat,
               time_add_ns(master->now.mono_ns, EVENTS_HEARTBEAT_NS));
}

/* --- over HTTP --- */

static void open_stream(struct master *master, struct framework *framework, uint64_t handle,
                        bool json, const char *stream_id)
{
    struct net_effect *effect =
        net_stream_open(&master->effects->net, handle, json ? HTTP_JSON : HTTP_PROTOBUF);
    net_add_header(effect, "Mesos-Stream-Id", stream_id);
    master_framework_connect_http(master, framework, handle, json, stream_id);
}

static void refuse(struct master *master, uint64_t handle, bool json, const char *stream_id,
                   const Pb__FrameworkInfo *info, const struct err *err)
{
    master_log(master, LOG_LEVEL_INFO, "Refusing subscription of framework '%s': %s", info->name,
               err->text);
    master_event_refuse_http(master, handle, json, stream_id, err->text);
}

void master_subscribe_http(struct master *master, uint64_t handle, bool json,
                           const struct subscription *s)
{
    CLEANUP(framework_wants_deinit) struct framework_wants wants = {0};
    struct err err;
    struct uuid uuid;
    char stream_id[UUID_TEXT_SIZE];
    uuid_random(&master->prng, &uuid);
    uuid_format(&uuid, stream_id);
    count(master, s->info);
    if (check(master, s, &wants, &err) != 0) {
        refuse(master, handle, json, stream_id, s->info, &err);
        return;
    }
    if (is_new(s->info)) {
        struct framework *framework = add_new(master, s, &wants);
        count_subscribe(framework);
        open_stream(master, framework, handle, json, stream_id);
        master_framework_activate(master, framework);
        master_event_subscribed(master, framework, false);
        start_heartbeat(master, framework);
        return;
    }
    struct framework *framework = find_or_recover(master, s->info);
    if (check_known(framework, s->info, &err) != 0) {
        refuse(master, handle, json, stream_id, s->info, &err);
        return;
    }
    count_subscribe(framework);
    bool recovered = framework->state == FRAMEWORK_RECOVERED;
    if (framework_is_connected(framework->state)) {
        master_event_error(master, framework, "Framework failed over");
    }
    master_framework_update(master, framework, s->info, &wants);
    framework->reregistered_ns = master->now.wall_ns;
    if (recovered) {
        framework->registered_ns = master->now.wall_ns;
    }
    master_log(master, LOG_LEVEL_INFO, "Subscribed framework %s (%s) again", framework->id->data,
               framework->name);
    open_stream(master, framework, handle, json, stream_id);
    /* What the instance before was offered is not rescinded: it just vanishes (facts/observed.md,
     * scheduler 5). */
    master_framework_take_offers_back(master, framework, false);
    master_framework_activate(master, framework);
    master_event_subscribed(master, framework, false);
    start_heartbeat(master, framework);
    master_framework_broadcast(master, framework);
}

/* --- by messages --- */

/* The framework whose driver is there; NULL if none. */
static struct framework *find_by_upid(const struct master *master, const struct upid *upid)
{
    struct framework *framework;
    LIST_FOR_EACH (framework, &master->running, link) {
        if (framework->connection == CONNECTION_UPID && upid_equal(&framework->upid, upid)) {
            return framework;
        }
    }
    return NULL;
}

static void take_over(struct master *master, struct framework *framework, const struct upid *from)
{
    bool other = framework->connection != CONNECTION_UPID || !upid_equal(&framework->upid, from);
    if (other && framework_is_connected(framework->state)) {
        master_event_error(master, framework, "Framework failed over");
    }
    master_framework_connect_upid(master, framework, from);
    master_framework_take_offers_back(master, framework, false);
    master_framework_activate(master, framework);
    master_event_subscribed(master, framework, false);
}

/* The same driver again: it may have answered offers into a broken connection, so these are
 * rescinded. */
static void come_back(struct master *master, struct framework *framework, const struct upid *from)
{
    master_framework_take_offers_back(master, framework, true);
    master_framework_connect_upid(master, framework, from);
    master_framework_activate(master, framework);
    master_event_subscribed(master, framework, true);
}

static void subscribe_known(struct master *master, const struct upid *from,
                            const struct subscription *s, const struct framework_wants *wants)
{
    struct err err;
    const struct framework *there = find_by_upid(master, from);
    if (there != NULL && framework_is_connected(there->state) &&
        !slice_is(blob_slice(there->id), s->info->id->value)) {
        return; /* an answer would go to the one that is connected */
    }
    struct framework *framework = find_or_recover(master, s->info);
    if (check_known(framework, s->info, &err) != 0) {
        master_event_refuse_upid(master, from, err.text);
        return;
    }
    bool recovered = framework->state == FRAMEWORK_RECOVERED;
    bool same = framework->connection == CONNECTION_UPID && upid_equal(&framework->upid, from);
    if (!recovered && !same && !s->force) {
        master_event_refuse_upid(master, from, "Framework failed over");
        return;
    }
    count_subscribe(framework);
    master_framework_update(master, framework, s->info, wants);
    framework->reregistered_ns = master->now.wall_ns;
    master_log(master, LOG_LEVEL_INFO, "Subscribed framework %s (%s) again", framework->id->data,
               framework->name);
    if (recovered) {
        framework->registered_ns = master->now.wall_ns;
        take_over(master, framework, from);
    } else if (s->force) {
        take_over(master, framework, from);
    } else {
        come_back(master, framework, from);
    }
    master_framework_broadcast(master, framework);
}

void master_subscribe_upid(struct master *master, const struct upid *from,
                           const struct subscription *s)
{
    CLEANUP(framework_wants_deinit) struct framework_wants wants = {0};
    struct err err;
    count(master, s->info);
    if (check(master, s, &wants, &err) != 0) {
        master_log(master, LOG_LEVEL_INFO, "Refusing subscription of framework '%s': %s",
                   s->info->name, err.text);
        master_event_refuse_upid(master, from, err.text);
        return;
    }
    if (!is_new(s->info)) {
        subscribe_known(master, from, s, &wants);
        return;
    }
    struct framework *framework = find_by_upid(master, from);
    if (framework != NULL) {
        master_event_subscribed(master, framework, false); /* it asks again */
        return;
    }
    framework = add_new(master, s, &wants);
    count_subscribe(framework);
    master_framework_connect_upid(master, framework, from);
    master_framework_activate(master, framework);
    master_event_subscribed(master, framework, false);
}
