/* Agents as readers see them. */
#include <stdlib.h>

#include "master/fields.h"
#include "master/view_parts.h"
#include "resources/attributes.h"
#include "resources/resource_pb.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* By the bits of agent_record.capabilities. */
static const struct {
    uint32_t bit;
    const char *name;
    Pb__AgentInfo__Capability__Type type;
} capabilities[] = {
    {AGENT_MULTI_ROLE, "MULTI_ROLE", PB__AGENT_INFO__CAPABILITY__TYPE__MULTI_ROLE},
    {AGENT_HIERARCHICAL_ROLE, "HIERARCHICAL_ROLE",
     PB__AGENT_INFO__CAPABILITY__TYPE__HIERARCHICAL_ROLE},
    {AGENT_REFINEMENT, "RESERVATION_REFINEMENT",
     PB__AGENT_INFO__CAPABILITY__TYPE__RESERVATION_REFINEMENT},
    {AGENT_RESOURCE_PROVIDER, "RESOURCE_PROVIDER",
     PB__AGENT_INFO__CAPABILITY__TYPE__RESOURCE_PROVIDER},
    {AGENT_RESIZE_VOLUME, "RESIZE_VOLUME", PB__AGENT_INFO__CAPABILITY__TYPE__RESIZE_VOLUME},
    {AGENT_OPERATION_FEEDBACK, "AGENT_OPERATION_FEEDBACK",
     PB__AGENT_INFO__CAPABILITY__TYPE__AGENT_OPERATION_FEEDBACK},
    {AGENT_DRAINING, "AGENT_DRAINING", PB__AGENT_INFO__CAPABILITY__TYPE__AGENT_DRAINING},
    {AGENT_TASK_RESOURCE_LIMITS, "TASK_RESOURCE_LIMITS",
     PB__AGENT_INFO__CAPABILITY__TYPE__TASK_RESOURCE_LIMITS},
};

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_SEC;
}

/* --- the older endpoints --- */

/* Attributes are few, and were checked when the agent came. */
static void put_attributes(struct slice info, struct json_writer *w)
{
    CLEANUP(arena_deinit) struct arena arena;
    struct cursor cursor;
    struct cursor_field field;
    Pb__Attribute **items = NULL;
    size_t count = 0;
    arena_init(&arena, 0);
    cursor_init(&cursor, info);
    while (cursor_next(&cursor, &field)) {
        Pb__Attribute *attribute;
        if (field.number == FIELD_AGENT_INFO_ATTRIBUTES &&
            MESSAGE_DECODE(Pb__Attribute, pb__attribute, field.bytes, &arena, &attribute, NULL) ==
                0) {
            MESSAGE_APPEND(&arena, count, items, attribute);
        }
    }
    struct attributes attributes = {0};
    json_key(w, "attributes");
    if (attributes_from_pb(items, count, &attributes, NULL) != 0) {
        attributes = (struct attributes){0};
    }
    attributes_write_json(&attributes, w);
    attributes_deinit(&attributes);
}

void master_view_put_agent_info(const struct agent_record *record, struct json_writer *w)
{
    struct cursor cursor;
    struct cursor_field field;
    struct slice hostname = SLICE("");
    struct slice domain = {NULL, 0};
    int32_t port = AGENT_INFO_PORT;
    cursor_init(&cursor, blob_slice(record->info));
    while (cursor_next(&cursor, &field)) {
        if (field.number == FIELD_AGENT_INFO_HOSTNAME) {
            hostname = field.bytes;
        } else if (field.number == FIELD_AGENT_INFO_PORT) {
            port = (int32_t)field.value;
        } else if (field.number == FIELD_AGENT_INFO_DOMAIN) {
            domain = field.bytes;
        }
    }
    json_key_string(w, "id", blob_slice(record->id));
    json_key_string(w, "hostname", hostname);
    json_key_int(w, "port", port);
    put_attributes(blob_slice(record->info), w);
    if (domain.data != NULL) {
        json_key(w, "domain");
        json_message_bytes(w, &pb__domain_info__descriptor, domain, JSON_V0);
    }
}

static void put_resources(struct json_writer *w, const char *key, const struct resources *r)
{
    json_key(w, key);
    resources_write_json(r, w);
}

/* Members reserved_resources and unreserved_resources of totals. */
static struct slice split_of(struct view_run *total)
{
    if (total->split.size == 0) {
        struct json_writer w;
        struct resources_by_role reserved;
        struct resources unreserved;
        json_writer_init(&w, &total->split);
        resources_reservations(&total->resources, &reserved);
        resources_unreserved(&total->resources, &unreserved);
        json_key(&w, "reserved_resources");
        json_begin_object(&w);
        for (size_t i = 0; i < reserved.count; i++) {
            json_key_slice(&w, reserved.items[i].role);
            resources_write_json(&reserved.items[i].resources, &w);
        }
        json_end_object(&w);
        put_resources(&w, "unreserved_resources", &unreserved);
        resources_by_role_deinit(&reserved);
        resources_deinit(&unreserved);
    }
    return buf_slice(&total->split);
}

void master_view_put_agent(struct view_index *index, const struct agent_record *record,
                           struct json_writer *w)
{
    struct view_run *total =
        master_view_run(&index->runs, blob_slice(record->total), FIELD_RESOURCES);
    const struct view_sums *sums = &index->agent_sums[record->slot];
    master_view_put_agent_info(record, w);
    json_key_text(w, "pid", record->pid);
    json_key_double(w, "registered_time", seconds(record->registered_ns));
    if (record->reregistered_ns != 0) {
        json_key_double(w, "reregistered_time", seconds(record->reregistered_ns));
    }
    json_key(w, "resources");
    json_raw(w, master_view_run_json(total));
    put_resources(w, "used_resources", &sums->used);
    put_resources(w, "offered_resources", &sums->offered);
    json_raw(w, split_of(total));
    json_key_bool(w, "active", record->active);
    json_key_bool(w, "deactivated", record->deactivated);
    if (record->drain_info != NULL) {
        json_key(w, "drain_info");
        json_message_bytes(w, &pb__drain_info__descriptor, blob_slice(record->drain_info), JSON_V0);
    }
    if (record->drain_start_ns != 0) {
        json_key_double(w, "estimated_drain_start_time_seconds", seconds(record->drain_start_ns));
    }
    json_key_string(w, "version", blob_slice(record->version));
    json_key(w, "capabilities");
    json_begin_array(w);
    for (size_t i = 0; i < ELEMENTS(capabilities); i++) {
        if ((record->capabilities & capabilities[i].bit) != 0) {
            json_text(w, capabilities[i].name);
        }
    }
    json_end_array(w);
}

/* Resources as messages, in the format that has both forms of reservations. */
static void put_full(struct json_writer *w, const struct resources *resources)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    json_begin_array(w);
    for (uint32_t i = 0; i < resources->count; i++) {
        buf_clear(&bytes);
        resource_encode(&resources->items[i], RESOURCE_FORMAT_ENDPOINT, &bytes);
        json_message_bytes(w, &pb__resource__descriptor, buf_slice(&bytes), JSON_V0);
    }
    json_end_array(w);
}

static void put_agent_in_full(struct view_index *index, const struct agent_record *record,
                              struct json_writer *w)
{
    const struct view_run *total =
        master_view_run(&index->runs, blob_slice(record->total), FIELD_RESOURCES);
    const struct view_sums *sums = &index->agent_sums[record->slot];
    struct resources_by_role reserved;
    struct resources unreserved;
    resources_reservations(&total->resources, &reserved);
    resources_unreserved(&total->resources, &unreserved);
    json_begin_object(w);
    master_view_put_agent(index, record, w);
    json_key(w, "reserved_resources_full");
    json_begin_object(w);
    for (size_t i = 0; i < reserved.count; i++) {
        json_key_slice(w, reserved.items[i].role);
        put_full(w, &reserved.items[i].resources);
    }
    json_end_object(w);
    json_key(w, "unreserved_resources_full");
    put_full(w, &unreserved);
    json_key(w, "used_resources_full");
    put_full(w, &sums->used);
    json_key(w, "offered_resources_full");
    put_full(w, &sums->offered);
    json_end_object(w);
    resources_by_role_deinit(&reserved);
    resources_deinit(&unreserved);
}

static bool is_wanted(const struct view_query *query, const struct agent_record *record)
{
    return query->agent_id.data == NULL || slice_equal(query->agent_id, blob_slice(record->id));
}

void master_view_write_slaves(const struct view_input *input, struct buf *out)
{
    struct view_index index;
    struct json_writer w;
    master_view_index_init(&index, input->snapshot, VIEW_WANTS_ALL, input->seed);
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_key(&w, "slaves");
    json_begin_array(&w);
    for (size_t i = 0; i < index.registered.count; i++) {
        if (is_wanted(input->query, index.registered.items[i])) {
            put_agent_in_full(&index, index.registered.items[i], &w);
        }
    }
    json_end_array(&w);
    json_key(&w, "recovered_slaves");
    json_begin_array(&w);
    for (size_t i = 0; i < index.recovered.count; i++) {
        if (is_wanted(input->query, index.recovered.items[i])) {
            json_begin_object(&w);
            master_view_put_agent_info(index.recovered.items[i], &w);
            json_end_object(&w);
        }
    }
    json_end_array(&w);
    json_end_object(&w);
    master_view_index_deinit(&index);
}

/* --- v1 --- */

/* Response.GetAgents.Agent */
enum {
    FIELD_AGENT_INFO = 1,
    FIELD_AGENT_ACTIVE = 2,
    FIELD_AGENT_VERSION = 3,
    FIELD_AGENT_PID = 4,
    FIELD_AGENT_REGISTERED = 5,
    FIELD_AGENT_REREGISTERED = 6,
    FIELD_AGENT_TOTAL = 7,
    FIELD_AGENT_ALLOCATED = 8,
    FIELD_AGENT_OFFERED = 9,
    FIELD_AGENT_CAPABILITIES = 10,
    FIELD_AGENT_DEACTIVATED = 12,
    FIELD_AGENT_DRAIN_INFO = 13,
    FIELD_AGENT_DRAIN_START = 14,
    FIELD_TIME_NANOSECONDS = 1,
    FIELD_CAPABILITY_TYPE = 1,
};

static void put_time(struct buf *out, uint32_t number, int64_t ns)
{
    size_t begun = wire_begin(out, number);
    wire_put_varint(out, FIELD_TIME_NANOSECONDS, (uint64_t)ns);
    wire_end(out, begun);
}

/* The index knows what is used and offered, and has parsed totals like this before. */
static void put_resource_lists(struct view_index *index, const struct agent_record *record,
                               struct buf *out)
{
    const struct view_run *total =
        master_view_run(&index->runs, blob_slice(record->total), FIELD_RESOURCES);
    const struct view_sums *sums = &index->agent_sums[record->slot];
    resources_encode(&total->resources, RESOURCE_FORMAT_ENDPOINT, FIELD_AGENT_TOTAL, out);
    resources_encode(&sums->used, RESOURCE_FORMAT_ENDPOINT, FIELD_AGENT_ALLOCATED, out);
    resources_encode(&sums->offered, RESOURCE_FORMAT_ENDPOINT, FIELD_AGENT_OFFERED, out);
}

static void put_total(const struct agent_record *record, struct buf *out)
{
    struct resources total = RESOURCES_INIT;
    resources_add_bytes(&total, blob_slice(record->total), FIELD_RESOURCES, NULL);
    resources_encode(&total, RESOURCE_FORMAT_ENDPOINT, FIELD_AGENT_TOTAL, out);
    resources_deinit(&total);
}

void master_view_encode_agent(struct view_index *index, const struct agent_record *record,
                              struct buf *out)
{
    wire_put_bytes(out, FIELD_AGENT_INFO, blob_slice(record->info));
    wire_put_varint(out, FIELD_AGENT_ACTIVE, record->active);
    wire_put_bytes(out, FIELD_AGENT_VERSION, blob_slice(record->version));
    wire_put_bytes(out, FIELD_AGENT_PID, slice_from(record->pid));
    put_time(out, FIELD_AGENT_REGISTERED, record->registered_ns);
    if (record->reregistered_ns != 0) {
        put_time(out, FIELD_AGENT_REREGISTERED, record->reregistered_ns);
    }
    if (index != NULL) {
        put_resource_lists(index, record, out);
    } else {
        put_total(record, out);
    }
    for (size_t i = 0; i < ELEMENTS(capabilities); i++) {
        if ((record->capabilities & capabilities[i].bit) != 0) {
            size_t begun = wire_begin(out, FIELD_AGENT_CAPABILITIES);
            wire_put_varint(out, FIELD_CAPABILITY_TYPE, (uint64_t)capabilities[i].type);
            wire_end(out, begun);
        }
    }
    wire_put_varint(out, FIELD_AGENT_DEACTIVATED, record->deactivated);
    if (record->drain_info != NULL) {
        wire_put_bytes(out, FIELD_AGENT_DRAIN_INFO, blob_slice(record->drain_info));
    }
    if (record->drain_start_ns != 0) {
        put_time(out, FIELD_AGENT_DRAIN_START, record->drain_start_ns);
    }
}
