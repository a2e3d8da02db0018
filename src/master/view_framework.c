/* Frameworks as readers see them, with their offers and executors. */
#include <stdio.h>

#include "master/fields.h"
#include "master/view_parts.h"
#include "resources/resource_pb.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* How far ahead tasks are asked of memory. */
#define AHEAD 4

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_SEC;
}

static void put_resources(struct json_writer *w, const char *key, const struct resources *r)
{
    json_key(w, key);
    resources_write_json(r, w);
}

static const Pb__FrameworkInfo *read_info(const struct framework_record *record,
                                          struct arena *arena)
{
    Pb__FrameworkInfo *info;
    int failed = MESSAGE_DECODE(Pb__FrameworkInfo, pb__framework_info, blob_slice(record->info),
                                arena, &info, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    return info;
}

static const char *capability_name(const Pb__FrameworkInfo__Capability *capability)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&pb__framework_info__capability__type__descriptor,
                                             (int)(capability->has_type ? capability->type : 0));
    return value != NULL ? value->name : "UNKNOWN";
}

/* --- the older endpoints --- */

static void put_summary(const struct view_index *index, const struct framework_record *record,
                        const Pb__FrameworkInfo *info, struct json_writer *w)
{
    const struct view_sums *sums = &index->framework_sums[record->slot];
    json_key_string(w, "id", blob_slice(record->id));
    json_key_string(w, "name", blob_slice(record->name));
    if (record->pid[0] != '\0') {
        json_key_text(w, "pid", record->pid);
    }
    put_resources(w, "used_resources", &sums->used);
    put_resources(w, "offered_resources", &sums->offered);
    json_key(w, "capabilities");
    json_begin_array(w);
    for (size_t i = 0; i < info->n_capabilities; i++) {
        json_text(w, capability_name(info->capabilities[i]));
    }
    json_end_array(w);
    json_key_text(w, "hostname", info->hostname != NULL ? info->hostname : "");
    json_key_text(w, "webui_url", info->webui_url != NULL ? info->webui_url : "");
    json_key_bool(w, "active", record->state == FRAMEWORK_ACTIVE);
    json_key_bool(w, "connected", framework_is_connected(record->state));
    json_key_bool(w, "recovered", record->state == FRAMEWORK_RECOVERED);
}

void master_view_put_framework_summary(const struct view_index *index,
                                       const struct framework_record *record, struct json_writer *w)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    put_summary(index, record, read_info(record, &arena), w);
}

static void put_roles(const struct framework_record *record, const Pb__FrameworkInfo *info,
                      struct json_writer *w)
{
    if ((record->capabilities & FRAMEWORK_MULTI_ROLE) == 0) {
        json_key_text(w, "role", info->role != NULL ? info->role : "*");
        return;
    }
    json_key(w, "roles");
    json_begin_array(w);
    for (size_t i = 0; i < info->n_roles; i++) {
        json_text(w, info->roles[i]);
    }
    json_end_array(w);
}

static void put_tasks(struct view_index *index, uint32_t framework, enum task_place place,
                      const char *key, struct json_writer *w)
{
    const struct view_tasks *tasks = view_index_tasks(index, framework, place);
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < tasks->count; i++) {
        struct view_task *task = &tasks->items[i];
        if (i + AHEAD < tasks->count) {
            const struct task_record *ahead = tasks->items[i + AHEAD].record;
            __builtin_prefetch(ahead->info->data + 64);
            __builtin_prefetch(ahead->statuses);
        }
        if (task->run == NULL) {
            task->run = master_view_run(
                &index->runs,
                master_view_run_find(blob_slice(task->record->info), FIELD_TASK_RESOURCES),
                FIELD_TASK_RESOURCES);
        }
        if (i > 0) {
            buf_append_byte(w->out, ',');
        }
        master_view_put_task(task->record, task->run, w->out);
    }
    w->needs_comma = tasks->count > 0;
    json_end_array(w);
}

static void put_offer(struct view_index *index, const struct offer_record *offer,
                      struct json_writer *w)
{
    struct view_run *run =
        master_view_run(&index->runs, blob_slice(offer->resources), FIELD_OFFER_RESOURCES);
    json_begin_object(w);
    json_key_string(w, "id", blob_slice(offer->id));
    json_key_string(w, "framework_id", blob_slice(offer->framework_id));
    json_key(w, "allocation_info");
    json_begin_object(w);
    json_key_string(w, "role", blob_slice(offer->role));
    json_end_object(w);
    json_key_string(w, "slave_id", blob_slice(offer->agent_id));
    json_key(w, "resources");
    json_raw(w, master_view_run_json(run));
    json_end_object(w);
}

static void put_command(const Pb__CommandInfo *command, struct json_writer *w)
{
    json_key(w, "command");
    json_begin_object(w);
    if (command != NULL && command->has_shell) {
        json_key_bool(w, "shell", command->shell);
    }
    if (command != NULL && command->value != NULL) {
        json_key_text(w, "value", command->value);
    }
    json_key(w, "argv");
    json_begin_array(w);
    for (size_t i = 0; command != NULL && i < command->n_arguments; i++) {
        json_text(w, command->arguments[i]);
    }
    json_end_array(w);
    if (command != NULL && command->environment != NULL) {
        json_key(w, "environment");
        json_message(w, &command->environment->base, JSON_V0);
    }
    json_key(w, "uris");
    json_begin_array(w);
    for (size_t i = 0; command != NULL && i < command->n_uris; i++) {
        json_begin_object(w);
        json_key_text(w, "value", command->uris[i]->value);
        json_key_bool(w, "executable", command->uris[i]->executable);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_executor(struct view_index *index, const struct executor_record *record,
                         struct json_writer *w)
{
    CLEANUP(arena_deinit) struct arena arena;
    Pb__ExecutorInfo *info;
    arena_init(&arena, 0);
    int failed = MESSAGE_DECODE(Pb__ExecutorInfo, pb__executor_info, blob_slice(record->info),
                                &arena, &info, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    struct view_run *run = master_view_run(
        &index->runs, master_view_run_find(blob_slice(record->info), FIELD_EXECUTOR_INFO_RESOURCES),
        FIELD_EXECUTOR_INFO_RESOURCES);
    json_begin_object(w);
    json_key_string(w, "executor_id", executor_record_id(record));
    json_key_text(w, "name", info->name != NULL ? info->name : "");
    json_key_string(w, "framework_id", blob_slice(record->framework_id));
    put_command(info->command, w);
    json_key(w, "resources");
    json_raw(w, master_view_run_json(run));
    if (info->n_resources > 0) {
        json_key_string(w, "role", run->role);
    }
    if (info->labels != NULL) {
        json_key(w, "labels");
        json_begin_array(w);
        for (size_t i = 0; i < info->labels->n_labels; i++) {
            json_message(w, &info->labels->labels[i]->base, JSON_V0);
        }
        json_end_array(w);
    }
    if (info->has_type) {
        const ProtobufCEnumValue *type = protobuf_c_enum_descriptor_get_value(
            &pb__executor_info__type__descriptor, (int)info->type);
        json_key_text(w, "type", type != NULL ? type->name : "UNKNOWN");
    }
    json_key_string(w, "slave_id", blob_slice(record->agent_id));
    json_end_object(w);
}

static struct slice constraints_of(const struct framework_record *record)
{
    return record->constraints != NULL ? offer_constraints_bytes(record->constraints) : SLICE("");
}

void master_view_put_framework(struct view_index *index, const struct framework_record *record,
                               struct json_writer *w)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    const Pb__FrameworkInfo *info = read_info(record, &arena);
    const struct view_sums *sums = &index->framework_sums[record->slot];
    struct resources both;
    put_summary(index, record, info, w);
    json_key_text(w, "user", info->user);
    json_key_double(w, "failover_timeout", info->failover_timeout);
    json_key_bool(w, "checkpoint", info->checkpoint);
    json_key_double(w, "registered_time", seconds(record->registered_ns));
    json_key_double(w, "unregistered_time", seconds(record->unregistered_ns));
    if (info->principal != NULL) {
        json_key_text(w, "principal", info->principal);
    }
    resources_copy(&sums->used, &both);
    resources_add(&both, &sums->offered);
    put_resources(w, "resources", &both);
    resources_deinit(&both);
    if (record->reregistered_ns != 0) {
        json_key_double(w, "reregistered_time", seconds(record->reregistered_ns));
    }
    put_roles(record, info, w);
    put_tasks(index, record->slot, TASK_ACTIVE, "tasks", w);
    put_tasks(index, record->slot, TASK_PLACE_UNREACHABLE, "unreachable_tasks", w);
    put_tasks(index, record->slot, TASK_PLACE_COMPLETED, "completed_tasks", w);
    json_key(w, "offers");
    json_begin_array(w);
    for (size_t i = 0; i < index->offers[record->slot].count; i++) {
        put_offer(index, index->offers[record->slot].items[i], w);
    }
    json_end_array(w);
    json_key(w, "executors");
    json_begin_array(w);
    for (size_t i = 0; i < index->executors[record->slot].count; i++) {
        put_executor(index, index->executors[record->slot].items[i], w);
    }
    json_end_array(w);
    if (info->labels != NULL) {
        json_key(w, "labels");
        json_begin_array(w);
        for (size_t i = 0; i < info->labels->n_labels; i++) {
            json_message(w, &info->labels->labels[i]->base, JSON_V0);
        }
        json_end_array(w);
    }
    json_key(w, "offer_constraints");
    json_message_bytes(w, &pb__scheduler__offer_constraints__descriptor, constraints_of(record),
                       JSON_V0);
}

void master_view_put_framework_list(struct view_index *index, const struct view_query *query,
                                    const struct view_frameworks *list, struct json_writer *w)
{
    json_begin_array(w);
    for (size_t i = 0; i < list->count; i++) {
        const struct framework_record *record = list->items[i];
        if (query->framework_id.data == NULL ||
            slice_equal(query->framework_id, blob_slice(record->id))) {
            json_begin_object(w);
            master_view_put_framework(index, record, w);
            json_end_object(w);
        }
    }
    json_end_array(w);
}

void master_view_write_frameworks(const struct view_input *input, struct buf *out)
{
    struct view_index index;
    struct json_writer w;
    master_view_index_init(&index, input->snapshot, VIEW_WANTS_ALL, input->seed);
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_key(&w, "frameworks");
    master_view_put_framework_list(&index, input->query, &index.running, &w);
    json_key(&w, "completed_frameworks");
    master_view_put_framework_list(&index, input->query, &index.completed, &w);
    json_key(&w, "unregistered_frameworks");
    json_begin_array(&w);
    json_end_array(&w);
    json_end_object(&w);
    master_view_index_deinit(&index);
}

/* --- v1 --- */

/* Response.GetFrameworks.Framework */
enum {
    FIELD_FRAMEWORK_INFO = 1,
    FIELD_FRAMEWORK_ACTIVE = 2,
    FIELD_FRAMEWORK_CONNECTED = 3,
    FIELD_FRAMEWORK_REGISTERED = 4,
    FIELD_FRAMEWORK_REREGISTERED = 5,
    FIELD_FRAMEWORK_UNREGISTERED = 6,
    FIELD_FRAMEWORK_OFFERS = 7,
    FIELD_FRAMEWORK_ALLOCATED = 9,
    FIELD_FRAMEWORK_OFFERED = 10,
    FIELD_FRAMEWORK_RECOVERED = 11,
    FIELD_FRAMEWORK_CONSTRAINTS = 12,
    FIELD_TIME_NANOSECONDS = 1,
    FIELD_URL_SCHEME = 1,
    FIELD_URL_ADDRESS = 2,
    FIELD_URL_PATH = 3,
    FIELD_ADDRESS_HOSTNAME = 1,
    FIELD_ADDRESS_IP = 2,
    FIELD_ADDRESS_PORT = 3,
    FIELD_ALLOCATION_ROLE = 1,
};

static void put_time(struct buf *out, uint32_t number, int64_t ns)
{
    size_t begun = wire_begin(out, number);
    wire_put_varint(out, FIELD_TIME_NANOSECONDS, (uint64_t)ns);
    wire_end(out, begun);
}

static void put_id(struct buf *out, uint32_t number, struct slice id)
{
    size_t begun = wire_begin(out, number);
    wire_put_bytes(out, FIELD_ID_VALUE, id);
    wire_end(out, begun);
}

static void put_url(const struct agent_record *agent, struct slice hostname, struct buf *out)
{
    struct upid upid;
    char ip[ADDRESS_TEXT_SIZE];
    char path[UPID_ID_SIZE_MAX + 2];
    if (!upid_parse(slice_from(agent->pid), &upid)) {
        return; /* an agent that is not back yet has none */
    }
    address_format_ip(&upid.address, ip);
    (void)snprintf(path, sizeof(path), "/%s", upid.id);
    size_t url = wire_begin(out, FIELD_OFFER_URL);
    wire_put_bytes(out, FIELD_URL_SCHEME, SLICE("http"));
    size_t address = wire_begin(out, FIELD_URL_ADDRESS);
    wire_put_bytes(out, FIELD_ADDRESS_HOSTNAME, hostname);
    wire_put_bytes(out, FIELD_ADDRESS_IP, slice_from(ip));
    wire_put_varint(out, FIELD_ADDRESS_PORT, upid.address.port);
    wire_end(out, address);
    wire_put_bytes(out, FIELD_URL_PATH, slice_from(path));
    wire_end(out, url);
}

/* Fields of the agent's info, as fields of the offer. */
static void put_from_agent(struct slice info, uint32_t from, uint32_t to, struct buf *out)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, info);
    while (cursor_next(&cursor, &field)) {
        if (field.number == from) {
            wire_put_bytes(out, to, field.bytes);
        }
    }
}

static void encode_offer(const struct view_index *index, const struct offer_record *offer,
                         struct buf *out)
{
    const struct agent_record *agent = index->agent_at[offer->agent];
    const struct view_executors *executors = &index->executors[offer->framework];
    struct slice info = blob_slice(agent->info);
    struct cursor_field hostname;
    if (!cursor_find(info, FIELD_AGENT_INFO_HOSTNAME, &hostname)) {
        hostname.bytes = SLICE("");
    }
    put_id(out, FIELD_OFFER_ID, blob_slice(offer->id));
    put_id(out, FIELD_OFFER_FRAMEWORK_ID, blob_slice(offer->framework_id));
    put_id(out, FIELD_OFFER_AGENT_ID, blob_slice(offer->agent_id));
    wire_put_bytes(out, FIELD_OFFER_HOSTNAME, hostname.bytes);
    buf_append_slice(out, blob_slice(offer->resources));
    for (size_t i = 0; i < executors->count; i++) {
        if (executors->items[i]->agent == offer->agent) {
            put_id(out, FIELD_OFFER_EXECUTOR_IDS, executor_record_id(executors->items[i]));
        }
    }
    put_from_agent(info, FIELD_AGENT_INFO_ATTRIBUTES, FIELD_OFFER_ATTRIBUTES, out);
    put_url(agent, hostname.bytes, out);
    size_t begun = wire_begin(out, FIELD_OFFER_ALLOCATION_INFO);
    wire_put_bytes(out, FIELD_ALLOCATION_ROLE, blob_slice(offer->role));
    wire_end(out, begun);
    put_from_agent(info, FIELD_AGENT_INFO_DOMAIN, FIELD_OFFER_DOMAIN, out);
}

static void encode_holdings(const struct view_index *index, const struct framework_record *record,
                            struct buf *out)
{
    const struct view_offers *offers = &index->offers[record->slot];
    const struct view_sums *sums = &index->framework_sums[record->slot];
    for (size_t i = 0; i < offers->count; i++) {
        size_t begun = wire_begin(out, FIELD_FRAMEWORK_OFFERS);
        encode_offer(index, offers->items[i], out);
        wire_end(out, begun);
    }
    resources_encode(&sums->used, RESOURCE_FORMAT_ENDPOINT, FIELD_FRAMEWORK_ALLOCATED, out);
    resources_encode(&sums->offered, RESOURCE_FORMAT_ENDPOINT, FIELD_FRAMEWORK_OFFERED, out);
}

/* As the reference: events tell of an end that has not come as of time 0, answers leave it out. */
void master_view_encode_framework(const struct view_index *index,
                                  const struct framework_record *record, struct buf *out)
{
    int64_t reregistered_ns =
        record->reregistered_ns != 0 ? record->reregistered_ns : record->registered_ns;
    wire_put_bytes(out, FIELD_FRAMEWORK_INFO, blob_slice(record->info));
    wire_put_varint(out, FIELD_FRAMEWORK_ACTIVE, record->state == FRAMEWORK_ACTIVE);
    wire_put_varint(out, FIELD_FRAMEWORK_CONNECTED, framework_is_connected(record->state));
    put_time(out, FIELD_FRAMEWORK_REGISTERED, record->registered_ns);
    put_time(out, FIELD_FRAMEWORK_REREGISTERED, reregistered_ns);
    if (index == NULL || record->unregistered_ns != 0) {
        put_time(out, FIELD_FRAMEWORK_UNREGISTERED, record->unregistered_ns);
    }
    if (index != NULL) {
        encode_holdings(index, record, out);
    }
    wire_put_varint(out, FIELD_FRAMEWORK_RECOVERED, record->state == FRAMEWORK_RECOVERED);
    if (index != NULL) {
        wire_put_bytes(out, FIELD_FRAMEWORK_CONSTRAINTS, constraints_of(record));
    }
}
