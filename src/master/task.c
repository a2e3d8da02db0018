#include "master/task.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/drain.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "wire/cursor.h"

/* --- records --- */

static void record_free(struct cow_value *value)
{
    struct task_record *record = CONTAINER_OF(value, struct task_record, value);
    blob_unref(record->info);
    blob_unref(record->statuses);
    blob_unref(record->framework_id);
    blob_unref(record->agent_id);
    free(record);
}

/* Takes over info and statuses. The id's place in info is found once, here. */
static struct task_record *record_new(struct master *master, const struct framework *framework,
                                      struct blob *agent_id, struct task_parts *parts)
{
    struct task_record *record = xalloc(sizeof(*record));
    cow_value_init(&record->value, record_free);
    record->order = master->next_order++;
    record->info = TAKE_PTR(parts->info);
    record->statuses = TAKE_PTR(parts->statuses);
    record->framework_id = blob_ref(framework->id);
    record->agent_id = blob_ref(agent_id);
    record->framework = framework->slot;
    record->state = (uint8_t)parts->state;
    record->has_status_update = parts->has_status_update;
    record->status_update_state = (uint8_t)parts->status_update_state;
    record->status_update_uuid = parts->status_update_uuid;
    struct cursor_field id;
    bool found = cursor_path(blob_slice(record->info),
                             (const uint32_t[]){FIELD_TASK_ID, FIELD_ID_VALUE}, 2, &id);
    ASSERT(found);
    record->id_at = (uint32_t)(id.bytes.data - record->info->data);
    record->id_size = (uint32_t)id.bytes.size;
    struct cursor_field executor;
    record->has_executor = cursor_find(blob_slice(record->info), FIELD_TASK_EXECUTOR_ID, &executor);
    return record;
}

static struct task_record *record_copy(const struct task_record *record)
{
    struct task_record *copy = xmemdup(record, sizeof(*record));
    cow_value_init(&copy->value, record_free);
    copy->info = blob_ref(record->info);
    copy->statuses = blob_ref(record->statuses);
    copy->framework_id = blob_ref(record->framework_id);
    copy->agent_id = blob_ref(record->agent_id);
    return copy;
}

static struct task_record *record_at(const struct master *master, uint32_t slot)
{
    struct cow_value *value = cow_table_get(&master->task_records, slot);
    ASSERT(value != NULL);
    return CONTAINER_OF(value, struct task_record, value);
}

/* --- counting --- */

static void count_state(struct master *master, struct framework *framework, uint8_t state,
                        int change)
{
    master->task_counts[state] += (size_t)change;
    framework->counts->tasks_active[state] += (uint64_t)(int64_t)change;
}

static const struct {
    enum task_state state;
    enum master_counter counter;
} terminal_counters[] = {
    {TASK_STATE_FINISHED, COUNTER_TASKS_FINISHED},
    {TASK_STATE_FAILED, COUNTER_TASKS_FAILED},
    {TASK_STATE_KILLED, COUNTER_TASKS_KILLED},
    {TASK_STATE_LOST, COUNTER_TASKS_LOST},
    {TASK_STATE_ERROR, COUNTER_TASKS_ERROR},
    {TASK_STATE_DROPPED, COUNTER_TASKS_DROPPED},
    {TASK_STATE_GONE, COUNTER_TASKS_GONE},
    {TASK_STATE_GONE_BY_OPERATOR, COUNTER_TASKS_GONE_BY_OPERATOR},
};

void master_task_count_end(struct master *master, enum task_state state, int source, int reason)
{
    for (size_t i = 0; i < ELEMENTS(terminal_counters); i++) {
        if (terminal_counters[i].state == state) {
            master_count(master, terminal_counters[i].counter);
        }
    }
    master_count_task(master, state, source, reason);
}

/* --- resources --- */

void master_usage_add(struct master *master, const struct resources *resources)
{
    master_role_tally_use(&master->role_tally, resources, true, &master->names);
    for (uint32_t i = 0; i < resources->count; i++) {
        const struct resource *r = &resources->items[i];
        quantities_add_resource(r->kind->is_revocable ? &master->used_revocable : &master->used, r,
                                &master->names);
    }
}

static void usage_subtract(struct master *master, const struct resources *resources)
{
    master_role_tally_use(&master->role_tally, resources, false, &master->names);
    for (uint32_t i = 0; i < resources->count; i++) {
        const struct resource *r = &resources->items[i];
        struct quantities amount = QUANTITIES_INIT;
        quantities_add_resource(&amount, r, &master->names);
        quantities_subtract(r->kind->is_revocable ? &master->used_revocable : &master->used,
                            &amount);
        quantities_deinit(&amount);
    }
}

/* What a task or an executor held is free again. */
void master_usage_release(struct master *master, const struct framework *framework,
                          const struct agent *agent, struct resources *resources)
{
    usage_subtract(master, resources);
    if (framework->in_allocator && agent->in_allocator && !resources_is_empty(resources)) {
        master->allocator_ops->recover_resources(master->allocator, master->now.mono_ns,
                                                 framework->slot, agent->slot, resources, NULL);
    }
    resources_deinit(resources);
}

/* --- the life of an active task --- */

static bool is_over(uint8_t state)
{
    return master_task_state_is_terminal((enum task_state)state) || state == TASK_STATE_UNREACHABLE;
}

struct task *master_task_add(struct master *master, struct framework *framework,
                             struct agent *agent, struct task_parts *parts,
                             struct resources *resources)
{
    struct task *task = xalloc(sizeof(*task));
    task->framework = framework;
    task->agent = agent;
    task->record = record_new(master, framework, agent->id, parts);
    task->record->place = TASK_ACTIVE;
    task->record->agent = agent->slot;
    if (is_over(task->record->state)) {
        resources_deinit(resources);
    } else {
        task->resources = resources_take(resources);
        resources_intern(&task->resources, &master->kinds);
        master_usage_add(master, &task->resources);
    }
    task->slot = cow_table_add(&master->task_records, &task->record->value);
    map_add(&framework->tasks, &task->by_id);
    list_push_back(&agent->tasks, &task->of_agent);
    agent->task_count++;
    count_state(master, framework, task->record->state, 1);
    master_change_note(master, CHANGE_TASK_ADDED, &task->record->value, NULL);
    return task;
}

/* Puts a changed record in the place of the old one. The map's key moves with it. */
static void replace(struct master *master, struct task *task, struct task_record *record)
{
    task->record = record;
    cow_table_put(&master->task_records, task->slot, &record->value);
}

void master_task_update(struct master *master, struct task *task, const struct task_update *update)
{
    struct task_record *record = record_copy(task->record);
    uint8_t before = record->state;
    if (update->forwarded) {
        record->has_status_update = true;
        record->status_update_state = (uint8_t)update->state;
        record->status_update_uuid = update->uuid;
    }
    /* A state that is terminal never changes (facts/state_machines.md 2). */
    if (!master_task_state_is_terminal((enum task_state)before)) {
        record->state = (uint8_t)update->latest;
    }
    bool is_new_state;
    struct blob *statuses = master_status_append(record->statuses, update->status, &is_new_state);
    blob_unref(record->statuses);
    record->statuses = statuses;
    replace(master, task, record);

    if (record->state != before) {
        count_state(master, task->framework, before, -1);
        count_state(master, task->framework, record->state, 1);
        if (master_task_state_is_terminal((enum task_state)record->state)) {
            task->framework->counts->tasks_terminal[record->state]++;
        }
    }
    if (is_new_state || update->reason == REASON_TASK_CHECK_STATUS_UPDATED ||
        update->reason == REASON_TASK_HEALTH_CHECK_STATUS_UPDATED) {
        master_change_note(master, CHANGE_TASK_UPDATED, &record->value,
                           master->watched ? blob_from(update->status) : NULL);
    }
    if (!is_over(before) && is_over(record->state)) {
        master_task_count_end(master, update->state, update->source, update->reason);
        master_usage_release(master, task->framework, task->agent, &task->resources);
    }
}

/* --- the history --- */

/* The newest of the history. */
static void put_completed(struct master *master, struct framework *framework,
                          const struct task_record *record, uint32_t slot)
{
    size_t most = master->options.max_completed_tasks;
    uint32_t oldest = slot;
    if (most > 0) {
        oldest =
            master_task_ring_put(&framework->completed_tasks, most, slot, task_record_id(record));
    }
    if (oldest != TASK_RING_NONE) {
        cow_table_remove(&master->task_records, oldest);
    }
}

static void forget_unreachable(struct master *master, struct unreachable_task *task,
                               bool keep_record)
{
    struct framework *framework = task->framework;
    if (record_at(master, task->slot)->state == TASK_STATE_UNREACHABLE) {
        count_state(master, framework, TASK_STATE_UNREACHABLE, -1);
    }
    if (!keep_record) {
        cow_table_remove(&master->task_records, task->slot);
    }
    map_remove(&framework->unreachable, &task->by_id);
    list_remove(&task->link);
    list_remove(&task->of_agent);
    blob_unref(task->info);
    free(task);
}

/* Whether nobody but the master itself has said anything of it. */
static bool is_unheard(const struct task_record *record)
{
    struct cursor cursor;
    struct cursor_field status;
    cursor_init(&cursor, record->statuses != NULL ? blob_slice(record->statuses) : SLICE(""));
    while (cursor_next(&cursor, &status)) {
        struct cursor_field source;
        if (!cursor_find(status.bytes, FIELD_STATUS_SOURCE, &source) ||
            source.value != SOURCE_MASTER) {
            return false;
        }
    }
    return true;
}

static void add_unreachable(struct master *master, struct framework *framework,
                            const struct task_record *record, uint32_t slot)
{
    struct unreachable_task *task = xalloc(sizeof(*task));
    task->info = blob_ref(record->info);
    task->id = task_record_id(record);
    task->slot = slot;
    task->framework = framework;
    task->unheard = is_unheard(record);
    struct departed *departed = master_find_departed(master, blob_slice(record->agent_id));
    ASSERT(departed != NULL && departed->kind == DEPARTED_UNREACHABLE);
    list_push_back(&departed->tasks, &task->of_agent);
    map_add(&framework->unreachable, &task->by_id);
    list_push_back(&framework->unreachable_order, &task->link);
    while (framework->unreachable.count > master->options.max_unreachable_tasks) {
        struct unreachable_task *oldest =
            LIST_ENTRY(framework->unreachable_order.next, struct unreachable_task, link);
        forget_unreachable(master, oldest, false);
    }
}

struct unreachable_task *master_task_find_unreachable(const struct framework *framework,
                                                      struct slice id)
{
    struct map_link *link = map_find(&framework->unreachable, id);
    return link != NULL ? CONTAINER_OF(link, struct unreachable_task, by_id) : NULL;
}

void master_task_forget_unreachable(struct master *master, struct unreachable_task *task)
{
    forget_unreachable(master, task, false);
}

void master_task_remove(struct master *master, struct task *task, bool unreachable)
{
    struct framework *framework = task->framework;
    if (!is_over(task->record->state)) {
        master_usage_release(master, framework, task->agent, &task->resources);
    }
    map_remove(&framework->tasks, &task->by_id);
    list_remove(&task->of_agent);
    task->agent->task_count--;

    struct task_record *record = record_copy(task->record);
    record->place = unreachable ? TASK_PLACE_UNREACHABLE : TASK_PLACE_COMPLETED;
    record->order = master->next_order++;
    replace(master, task, record);
    /* Those of frameworks that are not partition aware are LOST, and not counted any more. */
    if (!unreachable || record->state != TASK_STATE_UNREACHABLE) {
        count_state(master, framework, record->state, -1);
    }
    if (unreachable) {
        add_unreachable(master, framework, record, task->slot);
    } else {
        put_completed(master, framework, record, task->slot);
    }
    resources_deinit(&task->resources);
    free(task);
}

void master_task_add_completed(struct master *master, struct framework *framework,
                               struct slice agent_id, struct task_parts *parts)
{
    struct blob *id = blob_from(agent_id);
    struct task_record *record = record_new(master, framework, id, parts);
    blob_unref(id);
    record->place = TASK_PLACE_COMPLETED;
    uint32_t slot = cow_table_add(&master->task_records, &record->value);
    put_completed(master, framework, record, slot);
}

void master_task_forget_given_up(struct master *master, struct framework *framework,
                                 struct slice id)
{
    struct unreachable_task *task = master_task_find_unreachable(framework, id);
    if (task != NULL) {
        forget_unreachable(master, task, false);
    }
    struct task_ring *ring = &framework->completed_tasks;
    size_t i = 0;
    while ((i = master_task_ring_find(ring, i, id)) < ring->count) {
        uint32_t slot = master_task_ring_at(ring, i);
        if (slice_equal(task_record_id(record_at(master, slot)), id)) {
            cow_table_remove(&master->task_records, slot);
            master_task_ring_take(ring, i);
        }
        i++;
    }
}

void master_task_forget_history(struct master *master, struct framework *framework)
{
    struct task_ring *ring = &framework->completed_tasks;
    for (size_t i = 0; i < ring->count; i++) {
        uint32_t slot = master_task_ring_at(ring, i);
        if (slot != TASK_RING_NONE) {
            cow_table_remove(&master->task_records, slot);
        }
    }
    master_task_ring_deinit(ring);
    while (!list_is_empty(&framework->unreachable_order)) {
        struct unreachable_task *task =
            LIST_ENTRY(framework->unreachable_order.next, struct unreachable_task, link);
        forget_unreachable(master, task, false);
    }
}

/* --- the end of a framework --- */

static struct slice killed_status(struct master *master, const struct framework *framework,
                                  const struct task_record *record)
{
    struct cursor_field executor_id = {0};
    if (record->has_executor) {
        bool found = cursor_path(blob_slice(record->info),
                                 (const uint32_t[]){FIELD_TASK_EXECUTOR_ID, FIELD_ID_VALUE}, 2,
                                 &executor_id);
        ASSERT(found);
    }
    struct slice status;
    master_status_encode(
        master,
        &(struct status_draft){
            .framework_id = blob_slice(framework->id),
            .task_id = task_record_id(record),
            .agent_id = blob_slice(record->agent_id),
            .executor_id = executor_id.bytes,
            .state = TASK_STATE_KILLED,
            .reason = REASON_FRAMEWORK_REMOVED,
            .message = arena_printf(&master->arena, "Framework %s removed", framework->id->data),
        },
        &status);
    return status;
}

void master_task_end_unreachable(struct master *master, struct unreachable_task *task,
                                 struct slice status, enum task_state state)
{
    struct framework *framework = task->framework;
    uint32_t slot = task->slot;
    struct task_record *record = record_copy(record_at(master, slot));
    forget_unreachable(master, task, true);
    if (!master_task_state_is_terminal((enum task_state)record->state)) {
        record->state = (uint8_t)state;
        framework->counts->tasks_terminal[state]++;
    }
    bool is_new_state;
    struct blob *statuses = master_status_append(record->statuses, status, &is_new_state);
    blob_unref(record->statuses);
    record->statuses = statuses;
    record->place = TASK_PLACE_COMPLETED;
    record->order = master->next_order++;
    cow_table_put(&master->task_records, slot, &record->value);
    master_change_note(master, CHANGE_TASK_UPDATED, &record->value,
                       master->watched ? blob_from(status) : NULL);
    put_completed(master, framework, record, slot);
}

void master_task_end_all(struct master *master, struct framework *framework)
{
    struct map_link *link;
    while ((link = map_first(&framework->tasks)) != NULL) {
        struct task *task = CONTAINER_OF(link, struct task, by_id);
        struct agent *agent = task->agent;
        struct slice status = killed_status(master, framework, task->record);
        master_task_update(master, task,
                           &(struct task_update){
                               .status = status,
                               .state = TASK_STATE_KILLED,
                               .latest = TASK_STATE_KILLED,
                               .source = SOURCE_MASTER,
                               .reason = REASON_FRAMEWORK_REMOVED,
                           });
        master_task_remove(master, task, false);
        master_drain_check(master, agent);
    }
    struct unreachable_task *unreachable;
    LIST_FOR_EACH (unreachable, &framework->unreachable_order, link) {
        struct slice status =
            killed_status(master, framework, record_at(master, unreachable->slot));
        master_task_end_unreachable(master, unreachable, status, TASK_STATE_KILLED);
    }
}
