#include "master/executor.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "wire/cursor.h"

static void record_free(struct cow_value *value)
{
    struct executor_record *record = CONTAINER_OF(value, struct executor_record, value);
    blob_unref(record->info);
    blob_unref(record->framework_id);
    blob_unref(record->agent_id);
    free(record);
}

static struct executor_record *record_new(const struct framework *framework,
                                          const struct agent *agent, struct blob *info)
{
    struct executor_record *record = xalloc(sizeof(*record));
    cow_value_init(&record->value, record_free);
    record->info = info;
    record->framework_id = blob_ref(framework->id);
    record->agent_id = blob_ref(agent->id);
    record->framework = framework->slot;
    record->agent = agent->slot;
    struct cursor_field id;
    bool found = cursor_path(blob_slice(info),
                             (const uint32_t[]){FIELD_EXECUTOR_INFO_ID, FIELD_ID_VALUE}, 2, &id);
    ASSERT(found);
    record->id_at = (uint32_t)(id.bytes.data - info->data);
    record->id_size = (uint32_t)id.bytes.size;
    return record;
}

struct executor *master_executor_add(struct master *master, struct framework *framework,
                                     struct agent *agent, struct blob *info,
                                     struct resources *resources)
{
    struct executor *executor = xalloc(sizeof(*executor));
    executor->framework = framework;
    executor->agent = agent;
    executor->record = record_new(framework, agent, info);
    executor->resources = resources_take(resources);
    resources_intern(&executor->resources, &master->kinds);
    master_usage_add(master, &executor->resources);
    executor->slot = cow_table_add(&master->executor_records, &executor->record->value);
    list_push_back(&agent->executors, &executor->of_agent);
    framework->executor_count++;
    return executor;
}

void master_executor_remove(struct master *master, struct executor *executor)
{
    master_usage_release(master, executor->framework, executor->agent, &executor->resources);
    executor->framework->executor_count--;
    list_remove(&executor->of_agent);
    cow_table_remove(&master->executor_records, executor->slot);
    free(executor);
}

struct executor *master_executor_find(const struct agent *agent, const struct framework *framework,
                                      struct slice id)
{
    struct executor *executor;
    LIST_FOR_EACH (executor, &agent->executors, of_agent) {
        if (executor->framework == framework &&
            slice_equal(executor_record_id(executor->record), id)) {
            return executor;
        }
    }
    return NULL;
}
