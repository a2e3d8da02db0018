/* The v1 calls that show whole state, in JSON and in protobuf. */
#include "master/fields.h"
#include "master/view_parts.h"
#include "wire/cursor.h"
#include "wire/pb.h"

/* mesos.master.Response */
enum {
    FIELD_RESPONSE_TYPE = 1,
    FIELD_RESPONSE_STATE = 9,
    FIELD_RESPONSE_AGENTS = 10,
    FIELD_RESPONSE_FRAMEWORKS = 11,
    FIELD_RESPONSE_EXECUTORS = 12,
    FIELD_RESPONSE_TASKS = 13,
    FIELD_RESPONSE_ROLES = 14,
    FIELD_RESPONSE_OPERATIONS = 20,
};
/* Response.GetState, GetAgents, GetFrameworks, GetExecutors, GetTasks */
enum {
    FIELD_STATE_TASKS = 1,
    FIELD_STATE_EXECUTORS = 2,
    FIELD_STATE_FRAMEWORKS = 3,
    FIELD_STATE_AGENTS = 4,
    FIELD_AGENTS_AGENTS = 1,
    FIELD_AGENTS_RECOVERED = 2,
    FIELD_FRAMEWORKS_FRAMEWORKS = 1,
    FIELD_FRAMEWORKS_COMPLETED = 2,
    FIELD_EXECUTORS_EXECUTORS = 1,
    FIELD_EXECUTOR_INFO = 1,
    FIELD_EXECUTOR_AGENT_ID = 2,
    FIELD_TASKS_TASKS = 2,
    FIELD_TASKS_COMPLETED = 3,
    FIELD_TASKS_UNREACHABLE = 5,
    FIELD_OPERATIONS_OPERATIONS = 1,
};
/* mesos.master.Event */
enum {
    FIELD_EVENT_SUBSCRIBED = 2,
    FIELD_SUBSCRIBED_STATE = 1,
    FIELD_SUBSCRIBED_HEARTBEAT = 2,
};

#define HEARTBEAT_SECONDS 15.0
/* How far ahead tasks are asked of memory, and how much of each. */
#define AHEAD 4
#define LINE_SIZE 64
#define LINES_AHEAD 5

/* A document under way. */
struct response {
    struct view_index *index;
    struct buf *out;
    struct buf scratch; /* a message being put together */
    bool json;
};

/* --- containers: large messages, or objects with arrays --- */

/* The size of a message that may be large is written in so many bytes, so that what follows need
 * not be moved once it is known. Readers take a number with leading zeros as any other. */
#define LARGE_SIZE_BYTES 5

static size_t begin_large(struct buf *out, uint32_t number)
{
    wire_put_tag(out, number, WIRE_BYTES);
    (void)buf_reserve(out, LARGE_SIZE_BYTES);
    out->size += LARGE_SIZE_BYTES;
    return out->size;
}

static void end_large(struct buf *out, size_t begun)
{
    uint64_t size = out->size - begun;
    ASSERT(size >> (7 * LARGE_SIZE_BYTES) == 0);
    for (size_t i = 0; i < LARGE_SIZE_BYTES; i++) {
        bool is_last = i + 1 == LARGE_SIZE_BYTES;
        out->data[begun - LARGE_SIZE_BYTES + i] =
            (char)((size >> (7 * i) & 0x7f) | (is_last ? 0 : 0x80));
    }
}

/* A message within a message: `"key":{` or tag and size. `is_first`: no comma before it. */
static size_t begin_part(struct response *r, const char *key, uint32_t number, bool is_first)
{
    if (r->json) {
        buf_printf(r->out, "%s\"%s\":{", is_first ? "" : ",", key);
        return 0;
    }
    return begin_large(r->out, number);
}

static void end_part(struct response *r, size_t begun)
{
    if (r->json) {
        buf_append_byte(r->out, '}');
    } else {
        end_large(r->out, begun);
    }
}

/* The members of a repeated field: in JSON there even if empty (facts/observed.md, operator 7). */
static void begin_list(struct response *r, const char *key, bool is_first)
{
    if (r->json) {
        buf_printf(r->out, "%s\"%s\":[", is_first ? "" : ",", key);
    }
}

static void end_list(struct response *r)
{
    if (r->json) {
        /* Each element was written with a comma behind it. */
        if (r->out->data[r->out->size - 1] == ',') {
            r->out->size--;
        }
        buf_append_byte(r->out, ']');
    }
}

/* Puts what is in the scratch, an encoded message, into the list. */
static void put_scratch(struct response *r, uint32_t number, const ProtobufCMessageDescriptor *desc)
{
    if (r->json) {
        json_print_bytes(desc, buf_slice(&r->scratch), JSON_V1, r->out);
        buf_append_byte(r->out, ',');
    } else {
        wire_put_bytes(r->out, number, buf_slice(&r->scratch));
    }
    buf_clear(&r->scratch);
}

/* --- tasks --- */

static void put_task(struct response *r, uint32_t number, const struct task_record *record)
{
    if (r->json) {
        master_view_encode_task(record, &r->scratch);
        put_scratch(r, number, &pb__task__descriptor);
    } else {
        master_view_splice_task(record, number, r->out);
    }
}

/* Records lie all over memory: asked for in time, they are there when they are needed. */
static void prefetch(const struct view_tasks *tasks, size_t i)
{
    if (i + 2 * AHEAD < tasks->count) {
        const struct task_record *ahead = tasks->items[i + AHEAD].record;
        __builtin_prefetch(tasks->items[i + 2 * AHEAD].record);
        __builtin_prefetch(&tasks->items[i + 2 * AHEAD].record->framework);
        for (size_t line = 0; line < LINES_AHEAD; line++) {
            __builtin_prefetch((const char *)ahead->info + line * LINE_SIZE);
        }
        if (ahead->statuses != NULL) {
            __builtin_prefetch(ahead->statuses);
            __builtin_prefetch(ahead->statuses->data + LINE_SIZE);
        }
    }
}

static void put_tasks_of(struct response *r, const struct view_frameworks *frameworks,
                         enum task_place place, uint32_t number)
{
    for (size_t f = 0; f < frameworks->count; f++) {
        const struct view_tasks *tasks =
            view_index_tasks(r->index, frameworks->items[f]->slot, place);
        for (size_t i = 0; i < tasks->count; i++) {
            prefetch(tasks, i);
            put_task(r, number, tasks->items[i].record);
        }
    }
}

static void put_task_list(struct response *r, enum task_place place, const char *key,
                          uint32_t number)
{
    begin_list(r, key, place == TASK_ACTIVE);
    put_tasks_of(r, &r->index->running, place, number);
    put_tasks_of(r, &r->index->completed, place, number);
    end_list(r);
}

static void put_tasks(struct response *r)
{
    put_task_list(r, TASK_ACTIVE, "tasks", FIELD_TASKS_TASKS);
    put_task_list(r, TASK_PLACE_UNREACHABLE, "unreachable_tasks", FIELD_TASKS_UNREACHABLE);
    put_task_list(r, TASK_PLACE_COMPLETED, "completed_tasks", FIELD_TASKS_COMPLETED);
}

/* --- executors, frameworks, agents --- */

static void put_executors_of(struct response *r, const struct view_frameworks *frameworks)
{
    for (size_t f = 0; f < frameworks->count; f++) {
        const struct view_executors *executors = &r->index->executors[frameworks->items[f]->slot];
        for (size_t i = 0; i < executors->count; i++) {
            const struct executor_record *record = executors->items[i];
            wire_put_bytes(&r->scratch, FIELD_EXECUTOR_INFO, blob_slice(record->info));
            size_t begun = wire_begin(&r->scratch, FIELD_EXECUTOR_AGENT_ID);
            wire_put_bytes(&r->scratch, FIELD_ID_VALUE, blob_slice(record->agent_id));
            wire_end(&r->scratch, begun);
            put_scratch(r, FIELD_EXECUTORS_EXECUTORS,
                        &pb__master__response__get_executors__executor__descriptor);
        }
    }
}

static void put_executors(struct response *r)
{
    begin_list(r, "executors", true);
    put_executors_of(r, &r->index->running);
    put_executors_of(r, &r->index->completed);
    end_list(r);
}

/* The list is not there if it is empty (facts/observed.md, operator 7). */
static void put_operations(struct response *r)
{
    const struct cow_snapshot *operations = &r->index->snapshot->operations;
    size_t slot = 0;
    struct cow_value *value;
    if (operations->count == 0) {
        return;
    }
    begin_list(r, "operations", true);
    for (; (value = cow_snapshot_next(operations, &slot)) != NULL; slot++) {
        master_operation_encode(SNAPSHOT_RECORD(struct operation_record, value), &r->scratch);
        put_scratch(r, FIELD_OPERATIONS_OPERATIONS, &pb__operation__descriptor);
    }
    end_list(r);
}

static void put_framework_list(struct response *r, const struct view_frameworks *frameworks,
                               const char *key, uint32_t number)
{
    begin_list(r, key, number == FIELD_FRAMEWORKS_FRAMEWORKS);
    for (size_t i = 0; i < frameworks->count; i++) {
        master_view_encode_framework(r->index, frameworks->items[i], &r->scratch);
        put_scratch(r, number, &pb__master__response__get_frameworks__framework__descriptor);
    }
    end_list(r);
}

static void put_frameworks(struct response *r)
{
    put_framework_list(r, &r->index->running, "frameworks", FIELD_FRAMEWORKS_FRAMEWORKS);
    put_framework_list(r, &r->index->completed, "completed_frameworks", FIELD_FRAMEWORKS_COMPLETED);
}

static void put_agents(struct response *r)
{
    begin_list(r, "agents", true);
    for (size_t i = 0; i < r->index->registered.count; i++) {
        master_view_encode_agent(r->index, r->index->registered.items[i], &r->scratch);
        put_scratch(r, FIELD_AGENTS_AGENTS, &pb__master__response__get_agents__agent__descriptor);
    }
    end_list(r);
    begin_list(r, "recovered_agents", false);
    for (size_t i = 0; i < r->index->recovered.count; i++) {
        buf_append_slice(&r->scratch, blob_slice(r->index->recovered.items[i]->info));
        put_scratch(r, FIELD_AGENTS_RECOVERED, &pb__agent_info__descriptor);
    }
    end_list(r);
}

static void put_state(struct response *r)
{
    size_t begun = begin_part(r, "get_tasks", FIELD_STATE_TASKS, true);
    put_tasks(r);
    end_part(r, begun);
    begun = begin_part(r, "get_executors", FIELD_STATE_EXECUTORS, false);
    put_executors(r);
    end_part(r, begun);
    begun = begin_part(r, "get_frameworks", FIELD_STATE_FRAMEWORKS, false);
    put_frameworks(r);
    end_part(r, begun);
    begun = begin_part(r, "get_agents", FIELD_STATE_AGENTS, false);
    put_agents(r);
    end_part(r, begun);
}

/* --- roles: a message of its own, which is small --- */

static void put_roles(const struct view_input *input, struct response *r)
{
    master_view_encode_roles(input, &r->scratch);
    if (r->json) {
        buf_append_text(r->out, "{\"type\":\"GET_ROLES\",\"get_roles\":");
        json_print_bytes(&pb__master__response__get_roles__descriptor, buf_slice(&r->scratch),
                         JSON_V1, r->out);
        buf_append_byte(r->out, '}');
        return;
    }
    wire_put_varint(r->out, FIELD_RESPONSE_TYPE, PB__MASTER__RESPONSE__TYPE__GET_ROLES);
    wire_put_bytes(r->out, FIELD_RESPONSE_ROLES, buf_slice(&r->scratch));
}

/* --- documents --- */

static void put_subscribed(struct response *r)
{
    size_t begun = begin_part(r, "get_state", FIELD_SUBSCRIBED_STATE, true);
    put_state(r);
    end_part(r, begun);
    if (r->json) {
        buf_append_text(r->out, ",\"heartbeat_interval_seconds\":");
        json_format_double(HEARTBEAT_SECONDS, r->out);
    } else {
        wire_put_double(r->out, FIELD_SUBSCRIBED_HEARTBEAT, HEARTBEAT_SECONDS);
    }
}

struct document {
    const char *type;
    const char *part;
    uint32_t type_number;
    uint32_t number; /* of the part */
    unsigned wants;  /* of the index */
    void (*put)(struct response *r);
};

static const struct document *document_of(enum view_kind kind)
{
    static const struct document documents[VIEW_KINDS] = {
        [VIEW_GET_STATE] = {"GET_STATE", "get_state", PB__MASTER__RESPONSE__TYPE__GET_STATE,
                            FIELD_RESPONSE_STATE, VIEW_WANTS_ALL, put_state},
        [VIEW_GET_AGENTS] = {"GET_AGENTS", "get_agents", PB__MASTER__RESPONSE__TYPE__GET_AGENTS,
                             FIELD_RESPONSE_AGENTS, VIEW_WANTS_ALL, put_agents},
        [VIEW_GET_FRAMEWORKS] = {"GET_FRAMEWORKS", "get_frameworks",
                                 PB__MASTER__RESPONSE__TYPE__GET_FRAMEWORKS,
                                 FIELD_RESPONSE_FRAMEWORKS, VIEW_WANTS_ALL, put_frameworks},
        [VIEW_GET_EXECUTORS] = {"GET_EXECUTORS", "get_executors",
                                PB__MASTER__RESPONSE__TYPE__GET_EXECUTORS, FIELD_RESPONSE_EXECUTORS,
                                VIEW_WANTS_EXECUTORS, put_executors},
        [VIEW_GET_TASKS] = {"GET_TASKS", "get_tasks", PB__MASTER__RESPONSE__TYPE__GET_TASKS,
                            FIELD_RESPONSE_TASKS, VIEW_WANTS_TASKS, put_tasks},
        [VIEW_GET_OPERATIONS] = {"GET_OPERATIONS", "get_operations",
                                 PB__MASTER__RESPONSE__TYPE__GET_OPERATIONS,
                                 FIELD_RESPONSE_OPERATIONS, 0, put_operations},
        [VIEW_SUBSCRIBED] = {"SUBSCRIBED", "subscribed", PB__MASTER__EVENT__TYPE__SUBSCRIBED,
                             FIELD_EVENT_SUBSCRIBED, VIEW_WANTS_ALL, put_subscribed},
    };
    ASSERT(documents[kind].put != NULL);
    return &documents[kind];
}

void master_view_write_response(const struct view_input *input, struct buf *out)
{
    struct view_index index;
    struct response r = {.index = &index, .out = out, .json = input->query->json};
    if (input->query->kind == VIEW_GET_ROLES) {
        put_roles(input, &r);
        buf_deinit(&r.scratch);
        return;
    }
    const struct document *document = document_of(input->query->kind);
    master_view_index_init(&index, input->snapshot, document->wants, input->seed);
    if (r.json) {
        buf_printf(out, "{\"type\":\"%s\",", document->type);
    } else {
        wire_put_varint(out, FIELD_RESPONSE_TYPE, document->type_number);
    }
    size_t begun = begin_part(&r, document->part, document->number, true);
    document->put(&r);
    end_part(&r, begun);
    if (r.json) {
        buf_append_byte(out, '}');
    }
    buf_deinit(&r.scratch);
    master_view_index_deinit(&index);
}
