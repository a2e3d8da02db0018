/* /state and /tasks: whole documents of the older endpoints. */
#include <stdlib.h>

#include "master/fields.h"
#include "master/view_parts.h"
#include "wire/cursor.h"

/* --- /state --- */

static void put_agents(struct view_index *index, struct json_writer *w)
{
    json_key(w, "slaves");
    json_begin_array(w);
    for (size_t i = 0; i < index->registered.count; i++) {
        json_begin_object(w);
        master_view_put_agent(index, index->registered.items[i], w);
        json_end_object(w);
    }
    json_end_array(w);
    json_key(w, "recovered_slaves");
    json_begin_array(w);
    for (size_t i = 0; i < index->recovered.count; i++) {
        json_begin_object(w);
        master_view_put_agent_info(index->recovered.items[i], w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_nothing(const char *key, struct json_writer *w)
{
    json_key(w, key);
    json_begin_array(w);
    json_end_array(w);
}

void master_view_write_state(const struct view_input *input, struct buf *out)
{
    struct view_index index;
    struct json_writer w;
    master_view_index_init(&index, input->snapshot, VIEW_WANTS_ALL, input->seed);
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_raw(&w, input->head);
    put_agents(&index, &w);
    json_key(&w, "frameworks");
    master_view_put_framework_list(&index, input->query, &index.running, &w);
    json_key(&w, "completed_frameworks");
    master_view_put_framework_list(&index, input->query, &index.completed, &w);
    /* Neither exists any more; clients look for the names. */
    put_nothing("orphan_tasks", &w);
    put_nothing("unregistered_frameworks", &w);
    json_end_object(&w);
    master_view_index_deinit(&index);
}

/* --- /tasks --- */

/* A task that fits the query, with what it is ordered by: the time of its first status. */
struct found_task {
    const struct task_record *record;
    double time;   /* seconds; without a status the oldest of all */
    size_t number; /* keeps the order of equal ones */
};

struct found_tasks {
    struct found_task *items; /* in the index's arena */
    size_t count;
};

static double first_time(const struct task_record *record)
{
    struct cursor cursor;
    struct cursor_field status;
    struct cursor_field field;
    double time = -1;
    cursor_init(&cursor, blob_slice(record->statuses));
    if (cursor_next(&cursor, &status)) {
        time = 0;
        if (cursor_find(status.bytes, FIELD_STATUS_TIMESTAMP, &field)) {
            memcpy(&time, &field.value, sizeof(time));
        }
    }
    return time;
}

static int compare_ascending(const void *a, const void *b)
{
    const struct found_task *left = a;
    const struct found_task *right = b;
    if (left->time != right->time) {
        return left->time < right->time ? -1 : 1;
    }
    return left->number < right->number ? -1 : left->number > right->number;
}

static int compare_descending(const void *a, const void *b)
{
    const struct found_task *left = a;
    const struct found_task *right = b;
    if (left->time != right->time) {
        return left->time > right->time ? -1 : 1;
    }
    return left->number < right->number ? -1 : left->number > right->number;
}

static void find_tasks(const struct view_index *index, const struct view_query *query,
                       const struct view_frameworks *frameworks, struct found_tasks *found)
{
    for (size_t f = 0; f < frameworks->count; f++) {
        const struct framework_record *framework = frameworks->items[f];
        if (query->framework_id.data != NULL &&
            !slice_equal(query->framework_id, blob_slice(framework->id))) {
            continue;
        }
        for (int place = 0; place < VIEW_PLACES; place++) {
            const struct view_tasks *tasks =
                view_index_tasks(index, framework->slot, (enum task_place)place);
            for (size_t i = 0; i < tasks->count; i++) {
                const struct task_record *record = tasks->items[i].record;
                if (query->task_id.data != NULL &&
                    !slice_equal(query->task_id, task_record_id(record))) {
                    continue;
                }
                found->items[found->count] = (struct found_task){
                    .record = record,
                    .time = first_time(record),
                    .number = found->count,
                };
                found->count++;
            }
        }
    }
}

void master_view_write_tasks(const struct view_input *input, struct buf *out)
{
    const struct view_query *query = input->query;
    struct view_index index;
    master_view_index_init(&index, input->snapshot, VIEW_WANTS_TASKS, input->seed);
    struct found_tasks found = {
        .items = arena_alloc_array(&index.arena, input->snapshot->tasks.count + 1,
                                   sizeof(found.items[0])),
    };
    find_tasks(&index, query, &index.running, &found);
    find_tasks(&index, query, &index.completed, &found);
    qsort(found.items, found.count, sizeof(found.items[0]),
          query->ascending ? compare_ascending : compare_descending);
    size_t end = MIN(found.count, query->limit < found.count && query->offset < found.count
                                      ? query->offset + query->limit
                                      : found.count);
    buf_append_text(out, "{\"tasks\":[");
    for (size_t i = query->offset; i < end; i++) {
        const struct task_record *record = found.items[i].record;
        struct slice resources =
            master_view_run_find(blob_slice(record->info), FIELD_TASK_RESOURCES);
        if (i > query->offset) {
            buf_append_byte(out, ',');
        }
        master_view_put_task(record, master_view_run(&index.runs, resources, FIELD_TASK_RESOURCES),
                             out);
    }
    buf_append_text(out, "]}");
    master_view_index_deinit(&index);
}
