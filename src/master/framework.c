#include "master/framework.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/sm.h"
#include "common/xalloc.h"
#include "master/calls.h"
#include "master/events.h"
#include "master/fields.h"
#include "master/framework_allocator.h"
#include "master/master_state.h"
#include "master/peer.h"
#include "master/texts.h"
#include "master/wants.h"
#include "wire/cursor.h"
#include "wire/message.h"

static const struct sm_state states[] = {
    [FRAMEWORK_RECOVERED] = {"RECOVERED", SM_TO(FRAMEWORK_ACTIVE) | SM_TO(FRAMEWORK_COMPLETED)},
    [FRAMEWORK_ACTIVE] = {"ACTIVE", SM_TO(FRAMEWORK_INACTIVE) | SM_TO(FRAMEWORK_DISCONNECTED) |
                                        SM_TO(FRAMEWORK_COMPLETED)},
    [FRAMEWORK_INACTIVE] = {"INACTIVE", SM_TO(FRAMEWORK_ACTIVE) | SM_TO(FRAMEWORK_DISCONNECTED) |
                                            SM_TO(FRAMEWORK_COMPLETED)},
    [FRAMEWORK_DISCONNECTED] = {"DISCONNECTED",
                                SM_TO(FRAMEWORK_ACTIVE) | SM_TO(FRAMEWORK_COMPLETED)},
    [FRAMEWORK_COMPLETED] = {"COMPLETED", 0},
};
static const struct sm_table machine = {"framework", states, ELEMENTS(states)};

static void move(struct framework *framework, enum framework_state to)
{
    framework->state = (enum framework_state)sm_move(&machine, (int)framework->state, (int)to);
}

/* --- records --- */

static void record_free(struct cow_value *value)
{
    struct framework_record *record = CONTAINER_OF(value, struct framework_record, value);
    blob_unref(record->info);
    blob_unref(record->id);
    blob_unref(record->name);
    blob_unref(record->suppressed);
    offer_constraints_unref(record->constraints);
    free(record);
}

static struct blob *suppressed_blob(const struct framework *framework)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    for (size_t i = 0; i < framework->suppressed_count; i++) {
        buf_append_text(&out, framework->suppressed[i]);
        buf_append_byte(&out, '\0');
    }
    return out.size > 0 ? blob_take(&out) : NULL;
}

static struct framework_record *record_new(const struct framework *framework)
{
    struct framework_record *record = xalloc(sizeof(*record));
    cow_value_init(&record->value, record_free);
    record->info = blob_ref(framework->info);
    record->id = blob_ref(framework->id);
    record->name = blob_from(slice_from(framework->name));
    record->suppressed = suppressed_blob(framework);
    record->constraints = offer_constraints_ref(framework->constraints);
    record->slot = framework->slot;
    record->state = framework->state;
    record->capabilities = framework->capabilities;
    record->order = framework->order;
    record->registered_ns = framework->registered_ns;
    record->reregistered_ns = framework->reregistered_ns;
    record->unregistered_ns = framework->unregistered_ns;
    if (framework->connection == CONNECTION_UPID) {
        upid_format(&framework->upid, record->pid);
    }
    return record;
}

void master_framework_publish(struct master *master, struct framework *framework)
{
    cow_table_put(&master->framework_records, framework->slot, &record_new(framework)->value);
}

struct framework_record *master_framework_record(const struct master *master,
                                                 const struct framework *framework)
{
    struct cow_value *value = cow_table_get(&master->framework_records, framework->slot);
    return CONTAINER_OF(value, struct framework_record, value);
}

static void note(struct master *master, struct framework *framework, enum change_type type)
{
    master_change_note(master, type, &master_framework_record(master, framework)->value, NULL);
}

/* --- FrameworkInfo --- */

static uint32_t capability_bit(Pb__FrameworkInfo__Capability__Type type)
{
    switch ((int)type) {
    case PB__FRAMEWORK_INFO__CAPABILITY__TYPE__REVOCABLE_RESOURCES:
        return FRAMEWORK_REVOCABLE;
    case PB__FRAMEWORK_INFO__CAPABILITY__TYPE__TASK_KILLING_STATE:
        return FRAMEWORK_KILLING_STATE;
    case PB__FRAMEWORK_INFO__CAPABILITY__TYPE__GPU_RESOURCES:
        return FRAMEWORK_GPU;
    case PB__FRAMEWORK_INFO__CAPABILITY__TYPE__SHARED_RESOURCES:
        return FRAMEWORK_SHARED;
    case PB__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE:
        return FRAMEWORK_PARTITION_AWARE;
    case PB__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE:
        return FRAMEWORK_MULTI_ROLE;
    case PB__FRAMEWORK_INFO__CAPABILITY__TYPE__RESERVATION_REFINEMENT:
        return FRAMEWORK_REFINEMENT;
    case PB__FRAMEWORK_INFO__CAPABILITY__TYPE__REGION_AWARE:
        return FRAMEWORK_REGION_AWARE;
    default:
        return 0; /* of a later version */
    }
}

uint32_t master_framework_capabilities(const Pb__FrameworkInfo *info)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < info->n_capabilities; i++) {
        if (info->capabilities[i]->has_type) {
            bits |= capability_bit(info->capabilities[i]->type);
        }
    }
    return bits;
}

static void replace_text(char **text, const char *with)
{
    char *old = *text;
    *text = with != NULL ? xstrdup(with) : NULL;
    free(old);
}

/* Takes over what decisions need; a failover timeout has been validated. */
static void set_info(struct framework *framework, const Pb__FrameworkInfo *info)
{
    blob_unref(framework->info);
    framework->info = message_encode_blob(&info->base);
    replace_text(&framework->name, info->name);
    replace_text(&framework->user, info->user);
    replace_text(&framework->principal, info->principal);
    framework->checkpoint = info->has_checkpoint && info->checkpoint;
    framework->capabilities = master_framework_capabilities(info);
    if (!duration_from_secs(info->has_failover_timeout ? info->failover_timeout : 0,
                            &framework->failover_timeout_ns)) {
        framework->failover_timeout_ns = 0;
    }
    char *const single[] = {info->role};
    bool multi = (framework->capabilities & FRAMEWORK_MULTI_ROLE) != 0;
    master_texts_free(framework->roles);
    framework->role_count = multi ? info->n_roles : 1;
    framework->roles = master_texts_copy(multi ? info->roles : single, framework->role_count);
}

static void set_suppressed(struct framework *framework, char *const *roles, size_t count)
{
    master_texts_free(framework->suppressed);
    framework->suppressed = master_texts_copy(roles, count);
    framework->suppressed_count = count;
}

bool master_framework_has_role(const struct framework *framework, const char *role)
{
    return master_texts_contain(framework->roles, framework->role_count, role);
}

/* --- adding and updating --- */

static void place_in_slot(struct master *master, struct framework *framework)
{
    struct framework_record *record = record_new(framework);
    framework->slot = cow_table_add(&master->framework_records, &record->value);
    record->slot = framework->slot;
    if (framework->slot >= master->framework_slots_size) {
        size_t size = MAX((size_t)framework->slot + 1, master->framework_slots_size * 2);
        master->framework_slots =
            xrealloc(master->framework_slots, size, sizeof(master->framework_slots[0]));
        for (size_t i = master->framework_slots_size; i < size; i++) {
            master->framework_slots[i] = NULL;
        }
        master->framework_slots_size = size;
    }
    master->framework_slots[framework->slot] = framework;
}

static struct slice task_key(const struct map_link *link)
{
    return task_record_id(CONTAINER_OF(link, struct task, by_id)->record);
}

static struct slice unreachable_key(const struct map_link *link)
{
    return CONTAINER_OF(link, struct unreachable_task, by_id)->id;
}

struct framework *master_framework_add(struct master *master, const Pb__FrameworkInfo *info)
{
    struct framework *framework = xalloc(sizeof(*framework));
    framework->master = master;
    framework->id = blob_from(slice_from(info->id->value));
    framework->state = FRAMEWORK_RECOVERED;
    framework->counts = xalloc(sizeof(*framework->counts));
    framework->order = master->next_order++;
    framework->registered_ns = master->now.wall_ns;
    list_init(&framework->link);
    list_init(&framework->at_address);
    list_init(&framework->offers);
    list_init(&framework->inverse_offers);
    list_init(&framework->inverse_answers);
    list_init(&framework->unreachable_order);
    list_init(&framework->operation_order);
    map_init(&framework->tasks, task_key, prng_next(&master->prng));
    map_init(&framework->unreachable, unreachable_key, prng_next(&master->prng));
    map_init(&framework->operations, master_operation_name_key, framework->tasks.seed[0]);
    timer_init(&framework->heartbeat, TIMER_HEARTBEAT, framework);
    timer_init(&framework->failover, TIMER_FAILOVER, framework);
    timer_init(&framework->reconcile, TIMER_RECONCILE, framework);
    set_info(framework, info);
    set_suppressed(framework, NULL, 0);

    map_add(&master->frameworks, &framework->by_id);
    list_push_back(&master->running, &framework->link);
    master->running_count++;
    place_in_slot(master, framework);

    master_framework_allocator_add(master, framework, info);
    framework->in_allocator = true;
    master_operation_adopt(master, framework);
    note(master, framework, CHANGE_FRAMEWORK_ADDED);
    return framework;
}

void master_framework_update(struct master *master, struct framework *framework,
                             const Pb__FrameworkInfo *info, const struct framework_wants *wants)
{
    struct offer_constraints *before = framework->constraints;
    set_info(framework, info);
    set_suppressed(framework, wants->suppressed, wants->suppressed_count);
    framework->constraints = offer_constraints_ref(wants->constraints);
    offer_constraints_unref(before);
    master_framework_allocator_update(master, framework, info);
    struct offer *offer;
    LIST_FOR_EACH (offer, &framework->offers, of_framework) {
        if (!master_framework_has_role(framework, offer->record->role->data)) {
            master_offer_rescind(master, offer);
        }
    }
    master_framework_publish(master, framework);
}

void master_framework_suppress(struct master *master, struct framework *framework,
                               char *const *roles, size_t count)
{
    char *const *items = count > 0 ? roles : framework->roles;
    size_t n = count > 0 ? count : framework->role_count;
    char **merged = xcalloc(framework->role_count + 1, sizeof(merged[0]));
    size_t merged_count = 0;
    for (size_t i = 0; i < framework->role_count; i++) {
        char *role = framework->roles[i];
        if (master_texts_contain(items, n, role) ||
            master_texts_contain(framework->suppressed, framework->suppressed_count, role)) {
            merged[merged_count++] = role;
        }
    }
    set_suppressed(framework, merged, merged_count);
    free(merged);
    char **names = master_texts_copy(roles, count);
    master->allocator_ops->suppress(master->allocator, master->now.mono_ns, framework->slot,
                                    (const char *const *)names);
    master_texts_free(names);
    master_framework_publish(master, framework);
}

void master_framework_revive(struct master *master, struct framework *framework, char *const *roles,
                             size_t count)
{
    char **left = xcalloc(framework->suppressed_count + 1, sizeof(left[0]));
    size_t left_count = 0;
    for (size_t i = 0; count > 0 && i < framework->suppressed_count; i++) {
        if (!master_texts_contain(roles, count, framework->suppressed[i])) {
            left[left_count++] = xstrdup(framework->suppressed[i]);
        }
    }
    set_suppressed(framework, left, left_count);
    master_texts_free(left);
    char **names = master_texts_copy(roles, count);
    master->allocator_ops->revive(master->allocator, master->now.mono_ns, framework->slot,
                                  (const char *const *)names);
    master_texts_free(names);
    master_framework_publish(master, framework);
}

/* --- the connection --- */

/* Forgets who the scheduler is; an older stream is ended. */
static void drop_connection(struct master *master, struct framework *framework)
{
    master_reconcile_drop(master, framework);
    switch (framework->connection) {
    case CONNECTION_HTTP:
        map_remove(&master->by_handle, &framework->by_connection);
        net_stream_close(&master->effects->net, framework->handle);
        timers_cancel(&master->timers, &framework->heartbeat);
        break;
    case CONNECTION_UPID:
        list_remove(&framework->at_address);
        break;
    case CONNECTION_NONE:
        break;
    }
    framework->connection = CONNECTION_NONE;
    framework->handle = 0;
    framework->upid = (struct upid){0};
    framework->stream_id[0] = '\0';
}

void master_framework_connect_http(struct master *master, struct framework *framework,
                                   uint64_t handle, bool json, const char *stream_id)
{
    drop_connection(master, framework);
    framework->connection = CONNECTION_HTTP;
    framework->handle = handle;
    framework->json = json;
    snprintf(framework->stream_id, sizeof(framework->stream_id), "%s", stream_id);
    map_add(&master->by_handle, &framework->by_connection);
    timers_cancel(&master->timers, &framework->failover);
}

void master_framework_connect_upid(struct master *master, struct framework *framework,
                                   const struct upid *upid)
{
    drop_connection(master, framework);
    framework->connection = CONNECTION_UPID;
    framework->upid = *upid;
    master_peer_link_framework(master, framework);
    timers_cancel(&master->timers, &framework->failover);
}

void master_framework_activate(struct master *master, struct framework *framework)
{
    if (framework->state != FRAMEWORK_ACTIVE) {
        move(framework, FRAMEWORK_ACTIVE);
        master->allocator_ops->activate_framework(master->allocator, master->now.mono_ns,
                                                  framework->slot);
    }
    master_framework_publish(master, framework);
}

void master_framework_take_offers_back(struct master *master, struct framework *framework,
                                       bool rescind)
{
    struct offer *offer;
    LIST_FOR_EACH (offer, &framework->offers, of_framework) {
        if (rescind) {
            master_offer_rescind(master, offer);
        } else {
            master_offer_discard(master, offer, NULL);
        }
    }
    master_inverse_offer_take_back(master, framework, rescind);
}

void master_framework_deactivate(struct master *master, struct framework *framework, bool rescind)
{
    ASSERT(framework->state == FRAMEWORK_ACTIVE);
    move(framework, FRAMEWORK_INACTIVE);
    master->allocator_ops->deactivate_framework(master->allocator, master->now.mono_ns,
                                                framework->slot);
    master_framework_take_offers_back(master, framework, rescind);
    master_framework_publish(master, framework);
}

void master_framework_disconnect(struct master *master, struct framework *framework)
{
    master_log(master, LOG_LEVEL_INFO, "Framework %s (%s) disconnected", framework->id->data,
               framework->name);
    if (framework->state == FRAMEWORK_ACTIVE) {
        master_framework_deactivate(master, framework, true);
    }
    move(framework, FRAMEWORK_DISCONNECTED);
    if (framework->connection == CONNECTION_HTTP) {
        drop_connection(master, framework);
    }
    timers_set(&master->timers, &framework->failover,
               time_add_ns(master->now.mono_ns, MAX(framework->failover_timeout_ns, 0)));
    master_framework_publish(master, framework);
}

const char *master_framework_pid(struct master *master, const struct framework *framework)
{
    if (framework->connection != CONNECTION_UPID) {
        return MASTER_NO_PID;
    }
    char text[UPID_TEXT_SIZE];
    upid_format(&framework->upid, text);
    return arena_strdup(&master->arena, text);
}

/* --- agents --- */

/* UpdateFrameworkMessage {framework_id = 1, pid = 2, framework_info = 3} */
static struct blob *update_message(struct master *master, const struct framework *framework)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    size_t begun = wire_begin(&out, 1);
    wire_put_bytes(&out, FIELD_ID_VALUE, blob_slice(framework->id));
    wire_end(&out, begun);
    wire_put_bytes(&out, 2, slice_from(master_framework_pid(master, framework)));
    wire_put_bytes(&out, 3, blob_slice(framework->info));
    return blob_take(&out);
}

void master_framework_tell_agent(struct master *master, const struct framework *framework,
                                 const struct upid *agent)
{
    master_send(master, agent, "mesos.internal.UpdateFrameworkMessage",
                update_message(master, framework));
}

void master_framework_broadcast(struct master *master, struct framework *framework)
{
    note(master, framework, CHANGE_FRAMEWORK_UPDATED);
    if (master->registered_count == 0) {
        return;
    }
    struct blob *body = update_message(master, framework);
    struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        master_send(master, &agent->upid, "mesos.internal.UpdateFrameworkMessage", blob_ref(body));
    }
    blob_unref(body);
}

/* --- the end --- */

static void tell_agents_of_end(struct master *master, const struct framework *framework)
{
    Pb__Internal__ShutdownFrameworkMessage message = PB__INTERNAL__SHUTDOWN_FRAMEWORK_MESSAGE__INIT;
    Pb__FrameworkID id = PB__FRAMEWORK_ID__INIT;
    id.value = framework->id->data;
    message.framework_id = &id;
    struct blob *body = message_encode_blob(&message.base);
    struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        master_send(master, &agent->upid, "mesos.internal.ShutdownFrameworkMessage",
                    blob_ref(body));
    }
    blob_unref(body);
}

/* The oldest leaves the completed ones when there are too many. */
static void complete(struct master *master, struct framework *framework)
{
    list_remove(&framework->link);
    master->running_count--;
    list_push_back(&master->completed, &framework->link);
    master->completed_count++;
    while (master->completed_count > master->options.max_completed_frameworks) {
        struct framework *oldest = LIST_ENTRY(master->completed.next, struct framework, link);
        master_framework_forget(master, oldest);
    }
}

void master_framework_remove(struct master *master, struct framework *framework)
{
    master_log(master, LOG_LEVEL_INFO, "Removing framework %s (%s)", framework->id->data,
               framework->name);
    if (framework->state == FRAMEWORK_ACTIVE) {
        master_framework_deactivate(master, framework, false);
    }
    tell_agents_of_end(master, framework);
    master_task_end_all(master, framework);
    struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &agent->executors, of_agent) {
            if (executor->framework == framework) {
                master_executor_remove(master, executor);
            }
        }
    }
    master_inverse_offer_forget_framework(master, framework);
    master_operation_abandon(master, framework);
    timers_cancel(&master->timers, &framework->failover);
    struct upid upid = framework->upid;
    bool was_upid = framework->connection == CONNECTION_UPID;
    drop_connection(master, framework);
    master->allocator_ops->remove_framework(master->allocator, master->now.mono_ns,
                                            framework->slot);
    framework->in_allocator = false;
    move(framework, FRAMEWORK_COMPLETED);
    if (was_upid) {
        /* Shown in the history with its last address. */
        framework->connection = CONNECTION_UPID;
        framework->upid = upid;
    }
    framework->unregistered_ns = master->now.wall_ns;
    framework->order = master->next_order++;
    master_framework_publish(master, framework);
    note(master, framework, CHANGE_FRAMEWORK_REMOVED);
    complete(master, framework);
}

void master_framework_forget(struct master *master, struct framework *framework)
{
    master_reconcile_drop(master, framework);
    master_task_forget_history(master, framework);
    if (framework->state == FRAMEWORK_COMPLETED) {
        master->completed_count--;
    } else {
        master->running_count--;
    }
    list_remove(&framework->link);
    list_remove(&framework->at_address);
    map_remove(&master->frameworks, &framework->by_id);
    cow_table_remove(&master->framework_records, framework->slot);
    master->framework_slots[framework->slot] = NULL;
    map_deinit(&framework->tasks);
    map_deinit(&framework->unreachable);
    map_deinit(&framework->operations);
    blob_unref(framework->id);
    blob_unref(framework->info);
    free(framework->name);
    free(framework->user);
    free(framework->principal);
    master_texts_free(framework->roles);
    master_texts_free(framework->suppressed);
    offer_constraints_unref(framework->constraints);
    free(framework->counts);
    free(framework);
}
