/* Tasks as readers see them: most of what a whole state costs is here. */
#include "master/fields.h"
#include "master/view_parts.h"
#include "wire/cursor.h"
#include "wire/pb.h"

#define PUT(out, literal) buf_append((out), (literal), sizeof(literal) - 1)

/* Numbers of fields that only this file looks at. */
enum {
    FIELD_CONTAINER_STATUS_NETWORKS = 1,
    FIELD_CONTAINER_STATUS_CGROUP = 2,
    FIELD_CONTAINER_STATUS_ID = 4,
    FIELD_NETWORK_GROUPS = 3,
    FIELD_NETWORK_LABELS = 4,
    FIELD_NETWORK_ADDRESSES = 5,
    FIELD_NETWORK_NAME = 6,
    FIELD_NETWORK_PORT_MAPPINGS = 7,
    FIELD_LABELS_LABELS = 1,
    FIELD_LIMIT_NAME = 1, /* an entry of a map */
    FIELD_LIMIT_SCALAR = 2,
    FIELD_SCALAR_VALUE = 1,
};

/* The text in an id. */
static struct slice id_text(struct slice id)
{
    struct cursor_field field;
    return cursor_find(id, FIELD_ID_VALUE, &field) ? field.bytes : SLICE("");
}

/* --- the older endpoints: statuses --- */

static void put_bytes(struct buf *out, const ProtobufCMessageDescriptor *desc, struct slice bytes)
{
    json_print_bytes(desc, bytes, JSON_V0, out);
}

void master_view_put_labels(struct slice labels, struct buf *out)
{
    struct cursor cursor;
    struct cursor_field field;
    char before = '[';
    cursor_init(&cursor, labels);
    while (cursor_next(&cursor, &field)) {
        if (field.number == FIELD_LABELS_LABELS) {
            buf_append_byte(out, before);
            put_bytes(out, &pb__label__descriptor, field.bytes);
            before = ',';
        }
    }
    if (before == '[') {
        buf_append_byte(out, '[');
    }
    buf_append_byte(out, ']');
}

/* All fields of that number as an array, if there are any: texts, or messages if there is a
 * descriptor. */
static void put_array(struct slice message, uint32_t number, const char *key,
                      const ProtobufCMessageDescriptor *desc, struct json_writer *w)
{
    struct cursor cursor;
    struct cursor_field field;
    bool is_open = false;
    cursor_init(&cursor, message);
    while (cursor_next(&cursor, &field)) {
        if (field.number != number) {
            continue;
        }
        if (!is_open) {
            json_key(w, key);
            json_begin_array(w);
            is_open = true;
        }
        if (desc != NULL) {
            json_message_bytes(w, desc, field.bytes, JSON_V0);
        } else {
            json_string(w, field.bytes);
        }
    }
    if (is_open) {
        json_end_array(w);
    }
}

static void put_network(struct slice network, struct json_writer *w)
{
    struct cursor_field field;
    json_begin_object(w);
    put_array(network, FIELD_NETWORK_GROUPS, "groups", NULL, w);
    if (cursor_find(network, FIELD_NETWORK_LABELS, &field)) {
        json_key(w, "labels");
        master_view_put_labels(field.bytes, w->out);
        w->needs_comma = true;
    }
    put_array(network, FIELD_NETWORK_ADDRESSES, "ip_addresses",
              &pb__network_info__ipaddress__descriptor, w);
    if (cursor_find(network, FIELD_NETWORK_NAME, &field)) {
        json_key_string(w, "name", field.bytes);
    }
    put_array(network, FIELD_NETWORK_PORT_MAPPINGS, "port_mappings",
              &pb__network_info__port_mapping__descriptor, w);
    json_end_object(w);
}

static void put_networks(struct slice status, struct json_writer *w)
{
    struct cursor cursor;
    struct cursor_field field;
    bool is_open = false;
    cursor_init(&cursor, status);
    while (cursor_next(&cursor, &field)) {
        if (field.number == FIELD_CONTAINER_STATUS_NETWORKS) {
            if (!is_open) {
                json_key(w, "network_infos");
                json_begin_array(w);
                is_open = true;
            }
            put_network(field.bytes, w);
        }
    }
    if (is_open) {
        json_end_array(w);
    }
}

static void put_container_status(struct slice status, struct buf *out)
{
    struct json_writer w;
    struct cursor_field field;
    json_writer_init(&w, out);
    json_begin_object(&w);
    if (cursor_find(status, FIELD_CONTAINER_STATUS_ID, &field)) {
        json_key(&w, "container_id");
        json_message_bytes(&w, &pb__container_id__descriptor, field.bytes, JSON_V0);
    }
    put_networks(status, &w);
    if (cursor_find(status, FIELD_CONTAINER_STATUS_CGROUP, &field)) {
        json_key(&w, "cgroup_info");
        json_message_bytes(&w, &pb__cgroup_info__descriptor, field.bytes, JSON_V0);
    }
    json_end_object(&w);
}

static void put_state(struct buf *out, uint64_t state)
{
    buf_append_text(out, master_task_state_name(
                             (enum task_state)(state < TASK_STATES ? state : TASK_STATE_UNKNOWN)));
}

/* The parts of a status that are shown. */
static void put_status(struct slice status, struct buf *out)
{
    struct cursor cursor;
    struct cursor_field field;
    struct slice labels = {NULL, 0};
    struct slice container = {NULL, 0};
    uint64_t state = TASK_STATE_STAGING;
    uint64_t bits = 0;
    int healthy = -1;
    double timestamp;
    cursor_init(&cursor, status);
    while (cursor_next(&cursor, &field)) {
        switch (field.number) {
        case FIELD_STATUS_STATE:
            state = field.value;
            break;
        case FIELD_STATUS_TIMESTAMP:
            bits = field.value;
            break;
        case FIELD_STATUS_HEALTHY:
            healthy = field.value != 0;
            break;
        case FIELD_STATUS_LABELS:
            labels = field.bytes;
            break;
        case FIELD_STATUS_CONTAINER_STATUS:
            container = field.bytes;
            break;
        default:
            break;
        }
    }
    memcpy(&timestamp, &bits, sizeof(timestamp));
    PUT(out, "{\"state\":\"");
    put_state(out, state);
    PUT(out, "\",\"timestamp\":");
    json_format_double(timestamp, out);
    if (labels.data != NULL) {
        PUT(out, ",\"labels\":");
        master_view_put_labels(labels, out);
    }
    if (container.data != NULL) {
        PUT(out, ",\"container_status\":");
        put_container_status(container, out);
    }
    if (healthy >= 0) {
        buf_append_text(out, healthy != 0 ? ",\"healthy\":true" : ",\"healthy\":false");
    }
    PUT(out, "}");
}

static void put_statuses(struct slice statuses, struct buf *out)
{
    struct cursor cursor;
    struct cursor_field field;
    bool is_first = true;
    PUT(out, ",\"statuses\":[");
    cursor_init(&cursor, statuses);
    while (cursor_next(&cursor, &field)) {
        if (!is_first) {
            PUT(out, ",");
        }
        is_first = false;
        put_status(field.bytes, out);
    }
    PUT(out, "]");
}

/* --- the older endpoints: a task --- */

/* What record->info holds. */
struct task_fields {
    struct slice name;
    struct slice id;
    struct slice executor_id;
    struct slice limits; /* whole fields, one behind the other */
    struct slice user;   /* this one and those below: data NULL = not set */
    struct slice labels;
    struct slice discovery;
    struct slice container;
    struct slice health_check;
};

static void read_fields(struct slice info, struct task_fields *fields)
{
    struct cursor cursor;
    struct cursor_field field;
    *fields = (struct task_fields){0};
    cursor_init(&cursor, info);
    while (cursor_next(&cursor, &field)) {
        switch (field.number) {
        case FIELD_TASK_NAME:
            fields->name = field.bytes;
            break;
        case FIELD_TASK_ID:
            fields->id = id_text(field.bytes);
            break;
        case FIELD_TASK_EXECUTOR_ID:
            fields->executor_id = id_text(field.bytes);
            break;
        case FIELD_TASK_LABELS:
            fields->labels = field.bytes;
            break;
        case FIELD_TASK_DISCOVERY:
            fields->discovery = field.bytes;
            break;
        case FIELD_TASK_CONTAINER:
            fields->container = field.bytes;
            break;
        case FIELD_TASK_USER:
            fields->user = field.bytes;
            break;
        case FIELD_TASK_HEALTH_CHECK:
            fields->health_check = field.bytes;
            break;
        case FIELD_TASK_LIMITS:
            if (fields->limits.data == NULL) {
                fields->limits = field.whole;
            } else {
                fields->limits.size += field.whole.size;
            }
            break;
        default:
            break;
        }
    }
}

static void put_limits(struct slice limits, struct buf *out)
{
    struct json_writer w;
    struct cursor cursor;
    struct cursor_field entry;
    PUT(out, ",\"limits\":");
    json_writer_init(&w, out);
    json_begin_object(&w);
    cursor_init(&cursor, limits);
    while (cursor_next(&cursor, &entry)) {
        struct cursor_field name;
        struct cursor_field value;
        double amount = 0;
        if (!cursor_find(entry.bytes, FIELD_LIMIT_NAME, &name)) {
            name.bytes = SLICE("");
        }
        if (cursor_path(entry.bytes, (const uint32_t[]){FIELD_LIMIT_SCALAR, FIELD_SCALAR_VALUE}, 2,
                        &value)) {
            memcpy(&amount, &value.value, sizeof(amount));
        }
        json_key_slice(&w, name.bytes);
        json_double(&w, amount);
    }
    json_end_object(&w);
}

void master_view_put_task(const struct task_record *record, struct view_run *run, struct buf *out)
{
    struct task_fields fields;
    read_fields(blob_slice(record->info), &fields);
    PUT(out, "{\"id\":");
    json_quote(fields.id, out);
    PUT(out, ",\"name\":");
    json_quote(fields.name, out);
    PUT(out, ",\"framework_id\":");
    json_quote(blob_slice(record->framework_id), out);
    PUT(out, ",\"executor_id\":");
    json_quote(fields.executor_id, out);
    PUT(out, ",\"slave_id\":");
    json_quote(blob_slice(record->agent_id), out);
    PUT(out, ",\"state\":\"");
    put_state(out, record->state);
    PUT(out, "\",\"resources\":");
    buf_append_slice(out, master_view_run_json(run));
    if (fields.limits.data != NULL) {
        put_limits(fields.limits, out);
    }
    PUT(out, ",\"role\":");
    json_quote(run->role, out);
    put_statuses(blob_slice(record->statuses), out);
    if (fields.user.data != NULL) {
        PUT(out, ",\"user\":");
        json_quote(fields.user, out);
    }
    if (fields.labels.data != NULL) {
        PUT(out, ",\"labels\":");
        master_view_put_labels(fields.labels, out);
    }
    if (fields.discovery.data != NULL) {
        PUT(out, ",\"discovery\":");
        put_bytes(out, &pb__discovery_info__descriptor, fields.discovery);
    }
    if (fields.container.data != NULL) {
        PUT(out, ",\"container\":");
        put_bytes(out, &pb__container_info__descriptor, fields.container);
    }
    if (fields.health_check.data != NULL) {
        PUT(out, ",\"health_check\":");
        put_bytes(out, &pb__health_check__descriptor, fields.health_check);
    }
    PUT(out, "}");
}

/* --- v1 --- */

static void put_id(struct buf *out, uint32_t number, struct slice id)
{
    size_t begun = wire_begin(out, number);
    wire_put_bytes(out, FIELD_ID_VALUE, id);
    wire_end(out, begun);
}

/* What a record's info is made of, by where it belongs in a whole mesos.Task. */
enum group {
    GROUP_NAME,     /* name, task_id */
    GROUP_EXECUTOR, /* executor_id */
    GROUP_RESOURCES,
    GROUP_REST, /* labels and all behind them */
    GROUPS,
};

static enum group group_of(uint32_t number)
{
    if (number <= FIELD_TASK_ID) {
        return GROUP_NAME;
    }
    if (number >= FIELD_TASK_LABELS) {
        return GROUP_REST;
    }
    return number == FIELD_TASK_RESOURCES ? GROUP_RESOURCES : GROUP_EXECUTOR;
}

static void put_group(struct slice info, enum group group, struct buf *out)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, info);
    while (cursor_next(&cursor, &field)) {
        if (group_of(field.number) == group) {
            buf_append_slice(out, field.whole);
        }
    }
}

/* Finds the groups, as far as each stands together; `ret_apart` tells of those that do not: an
 * agent may list a task's fields in any order. */
static void find_groups(struct slice info, struct slice groups[GROUPS], bool ret_apart[GROUPS])
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, info);
    while (cursor_next(&cursor, &field)) {
        enum group group = group_of(field.number);
        struct slice *slice = &groups[group];
        if (slice->data == NULL) {
            *slice = field.whole;
        } else if (slice->data + slice->size == field.whole.data) {
            slice->size += field.whole.size;
        } else {
            ret_apart[group] = true;
        }
    }
}

void master_view_encode_task(const struct task_record *record, struct buf *out)
{
    struct slice info = blob_slice(record->info);
    struct slice groups[GROUPS] = {{NULL, 0}};
    bool apart[GROUPS] = {false};
    find_groups(info, groups, apart);
    for (enum group group = GROUP_NAME; group < GROUPS; group++) {
        if (apart[group]) {
            put_group(info, group, out);
        } else {
            buf_append_slice(out, groups[group]);
        }
        switch (group) {
        case GROUP_NAME:
            put_id(out, FIELD_TASK_FRAMEWORK_ID, blob_slice(record->framework_id));
            break;
        case GROUP_EXECUTOR:
            put_id(out, FIELD_TASK_AGENT_ID, blob_slice(record->agent_id));
            wire_put_varint(out, FIELD_TASK_STATE, record->state);
            break;
        case GROUP_RESOURCES:
            buf_append_slice(out, blob_slice(record->statuses));
            if (record->has_status_update) {
                wire_put_varint(out, FIELD_TASK_UPDATE_STATE, record->status_update_state);
                wire_put_bytes(out, FIELD_TASK_UPDATE_UUID,
                               slice_make(record->status_update_uuid.bytes, UUID_SIZE));
            }
            break;
        case GROUP_REST:
        case GROUPS:
            break;
        }
    }
}

/* Of a message that holds one text. */
static size_t id_field_size(struct slice id)
{
    size_t inner = 1 + varint_size(id.size) + id.size;
    return 1 + varint_size(inner) + inner;
}

static size_t task_size(const struct task_record *record)
{
    size_t size = record->info->size + blob_slice(record->statuses).size;
    size += id_field_size(blob_slice(record->framework_id));
    size += id_field_size(blob_slice(record->agent_id));
    size += 1 + varint_size(record->state);
    if (record->has_status_update) {
        size += 1 + varint_size(record->status_update_state);
        size += 1 + varint_size(UUID_SIZE) + UUID_SIZE;
    }
    return size;
}

static uint8_t *write_tag(uint8_t *at, uint32_t number, enum wire_type type)
{
    return varint_write(at, (uint64_t)number << 3 | type);
}

static uint8_t *write_slice(uint8_t *at, struct slice s)
{
    if (s.size > 0) {
        memcpy(at, s.data, s.size);
    }
    return at + s.size;
}

static uint8_t *write_bytes(uint8_t *at, uint32_t number, struct slice bytes)
{
    at = varint_write(write_tag(at, number, WIRE_BYTES), bytes.size);
    return write_slice(at, bytes);
}

static uint8_t *write_id(uint8_t *at, uint32_t number, struct slice id)
{
    at = varint_write(write_tag(at, number, WIRE_BYTES), 1 + varint_size(id.size) + id.size);
    return write_bytes(at, FIELD_ID_VALUE, id);
}

void master_view_splice_task(const struct task_record *record, uint32_t number, struct buf *out)
{
    size_t size = task_size(record);
    uint8_t *at = (uint8_t *)buf_reserve(out, size + 2 * VARINT_SIZE_MAX);
    at = varint_write(write_tag(at, number, WIRE_BYTES), size);
    uint8_t *begun = at;
    at = write_slice(at, blob_slice(record->info));
    at = write_id(at, FIELD_TASK_FRAMEWORK_ID, blob_slice(record->framework_id));
    at = write_id(at, FIELD_TASK_AGENT_ID, blob_slice(record->agent_id));
    at = varint_write(write_tag(at, FIELD_TASK_STATE, WIRE_VARINT), record->state);
    at = write_slice(at, blob_slice(record->statuses));
    if (record->has_status_update) {
        at = varint_write(write_tag(at, FIELD_TASK_UPDATE_STATE, WIRE_VARINT),
                          record->status_update_state);
        at = write_bytes(at, FIELD_TASK_UPDATE_UUID,
                         slice_make(record->status_update_uuid.bytes, UUID_SIZE));
    }
    ASSERT((size_t)(at - begun) == size);
    out->size = (size_t)((char *)at - out->data);
}
