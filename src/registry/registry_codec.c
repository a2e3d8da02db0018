#include "registry/registry_codec.h"

#include "resources/resource_pb.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* Numbers of the wire (mesos.internal.Registry). */
enum {
    FIELD_MASTER = 1,
    FIELD_SLAVES = 2,
    FIELD_MACHINES = 3,
    FIELD_SCHEDULES = 4,
    FIELD_QUOTAS = 5,
    FIELD_WEIGHTS = 6,
    FIELD_UNREACHABLE = 7,
    FIELD_GONE = 8,
    FIELD_RESOURCE_PROVIDERS = 9,
    FIELD_MINIMUM_CAPABILITIES = 10,
    FIELD_QUOTA_CONFIGS = 11,
};
enum { MASTER_INFO = 1, LIST_SLAVES = 1, CAPABILITY_NAME = 1 };
enum { SLAVE_INFO = 1, SLAVE_DRAIN_INFO = 2, SLAVE_DEACTIVATED = 3 };
enum { DEPARTED_ID = 1, DEPARTED_TIMESTAMP = 2, DEPARTED_DRAIN_INFO = 3, DEPARTED_DEACTIVATED = 4 };
enum { ID_VALUE = 1, TIME_NANOSECONDS = 1 };

/* --- sizes --- */

/* A field with a number below 16 that holds so many bytes. */
static size_t field_size(size_t size)
{
    return 1 + varint_size(size) + size;
}

static size_t blob_field_size(const struct blob *blob)
{
    return blob != NULL ? field_size(blob->size) : 0;
}

static size_t time_size(int64_t time_ns)
{
    return 1 + varint_size((uint64_t)time_ns);
}

/* One entry of a list, without tag and size. */
static size_t entry_size(const struct registry_agent *agent)
{
    size_t size = blob_field_size(agent->drain_info) + (agent->deactivated ? 2 : 0) +
                  blob_slice(agent->rest).size;
    if (agent->state == REGISTRY_ADMITTED) {
        return size + field_size(agent->stored->size);
    }
    return size + field_size(field_size(agent->id->size)) + field_size(time_size(agent->time_ns));
}

static size_t list_size(const struct list *list)
{
    size_t size = 0;
    struct registry_agent *agent;
    LIST_FOR_EACH (agent, list, link) {
        size += field_size(entry_size(agent));
    }
    return size;
}

/* Lists are only there if they hold something. */
static size_t list_field_size(const struct list *list)
{
    return list_is_empty(list) ? 0 : field_size(list_size(list));
}

/* AgentInfo in the older format. Reservations that it cannot express stay as they are: masters that
 * know them read both. */
static struct blob *downgrade(struct blob *info, struct arena *arena)
{
    Pb__AgentInfo *pb;
    arena_reset(arena);
    if (MESSAGE_DECODE(Pb__AgentInfo, pb__agent_info, blob_slice(info), arena, &pb, NULL) != 0 ||
        resource_pb_downgrade_all(&pb->base, arena) != 0) {
        return blob_ref(info);
    }
    return message_encode_blob(&pb->base);
}

size_t registry_encoded_size(struct registry *registry)
{
    struct arena arena;
    struct registry_agent *agent;
    arena_init(&arena, REGISTRY_INFO_BUDGET_SIZE);
    LIST_FOR_EACH (agent, &registry->admitted, link) {
        if (agent->stored == NULL) {
            agent->stored = downgrade(agent->info, &arena);
        }
    }
    arena_deinit(&arena);
    size_t size = registry->master != NULL ? field_size(blob_field_size(registry->master)) : 0;
    size += list_field_size(&registry->admitted) + list_field_size(&registry->unreachable) +
            list_field_size(&registry->gone);
    for (size_t i = 0; i < REGISTRY_PARTS; i++) {
        size += blob_slice(registry->parts[i]).size;
    }
    return size;
}

/* --- encoding --- */

static void put_begin(struct buf *out, uint32_t number, size_t size)
{
    uint8_t *at = (uint8_t *)buf_reserve(out, 1 + VARINT_SIZE_MAX);
    uint8_t *end = varint_write(at + 1, size);
    *at = (uint8_t)(number << 3 | WIRE_BYTES);
    out->size += (size_t)(end - at);
}

static void put_blob(struct buf *out, uint32_t number, const struct blob *blob)
{
    if (blob != NULL) {
        put_begin(out, number, blob->size);
        buf_append_slice(out, blob_slice(blob));
    }
}

static void put_entry(struct buf *out, const struct registry_agent *agent)
{
    bool admitted = agent->state == REGISTRY_ADMITTED;
    put_begin(out, LIST_SLAVES, entry_size(agent));
    if (admitted) {
        put_blob(out, SLAVE_INFO, agent->stored);
    } else {
        put_begin(out, DEPARTED_ID, field_size(agent->id->size));
        put_blob(out, ID_VALUE, agent->id);
        put_begin(out, DEPARTED_TIMESTAMP, time_size(agent->time_ns));
        wire_put_varint(out, TIME_NANOSECONDS, (uint64_t)agent->time_ns);
    }
    put_blob(out, admitted ? SLAVE_DRAIN_INFO : DEPARTED_DRAIN_INFO, agent->drain_info);
    if (agent->deactivated) {
        wire_put_varint(out, admitted ? SLAVE_DEACTIVATED : DEPARTED_DEACTIVATED, 1);
    }
    buf_append_slice(out, blob_slice(agent->rest));
}

static void put_list(struct buf *out, uint32_t number, const struct list *list)
{
    struct registry_agent *agent;
    if (list_is_empty(list)) {
        return;
    }
    put_begin(out, number, list_size(list));
    LIST_FOR_EACH (agent, list, link) {
        put_entry(out, agent);
    }
}

static void put_part(struct buf *out, const struct registry *registry, enum registry_part part)
{
    buf_append_slice(out, blob_slice(registry->parts[part]));
}

void registry_encode(const struct registry *registry, struct buf *out)
{
    if (registry->master != NULL) {
        put_begin(out, FIELD_MASTER, blob_field_size(registry->master));
        put_blob(out, MASTER_INFO, registry->master);
    }
    put_list(out, FIELD_SLAVES, &registry->admitted);
    put_part(out, registry, REGISTRY_MACHINES);
    put_part(out, registry, REGISTRY_SCHEDULES);
    put_part(out, registry, REGISTRY_QUOTAS);
    put_part(out, registry, REGISTRY_WEIGHTS);
    put_list(out, FIELD_UNREACHABLE, &registry->unreachable);
    put_list(out, FIELD_GONE, &registry->gone);
    put_part(out, registry, REGISTRY_RESOURCE_PROVIDERS);
    put_part(out, registry, REGISTRY_MINIMUM_CAPABILITIES);
    put_part(out, registry, REGISTRY_QUOTA_CONFIGS);
    put_part(out, registry, REGISTRY_UNKNOWN);
}

/* --- decoding: the bytes have been checked as a whole --- */

struct decoding {
    struct registry *registry;
    struct arena arena; /* one AgentInfo */
    struct buf parts[REGISTRY_PARTS];
    struct err *err;
};

static void set_blob(struct blob **at, struct slice bytes)
{
    blob_unref(*at);
    *at = blob_from(bytes);
}

/* What is in several pieces, as protobuf allows, adds up to something whole for message_check; no
 * master writes it so, and the last piece alone may lack what is required. */
static int damaged(struct decoding *d)
{
    return err_set(d->err, REGISTRY_E_DAMAGED, "an entry lacks what is required");
}

/* In the newer format, as masters keep it. 0 or REGISTRY_E_DAMAGED. */
static int upgrade(struct decoding *d, struct slice stored, struct blob **ret_id,
                   struct blob **ret_info)
{
    Pb__AgentInfo *pb;
    arena_reset(&d->arena);
    if (MESSAGE_DECODE(Pb__AgentInfo, pb__agent_info, stored, &d->arena, &pb, d->err) != 0) {
        return REGISTRY_E_DAMAGED;
    }
    if (pb->id == NULL) {
        return err_set(d->err, REGISTRY_E_DAMAGED, "the agent at %s:%d has no id", pb->hostname,
                       (int)pb->port);
    }
    resource_pb_upgrade_all(&pb->base, &d->arena);
    *ret_id = blob_from(slice_from(pb->id->value));
    *ret_info = message_encode_blob(&pb->base);
    return 0;
}

/* The fields of an entry behind those that are required. */
static void decode_rest(struct registry_agent *agent, struct slice entry)
{
    bool admitted = agent->state == REGISTRY_ADMITTED;
    bool gone = agent->state == REGISTRY_GONE;
    struct cursor cursor;
    struct cursor_field field;
    struct buf rest = BUF_INIT;
    cursor_init(&cursor, entry);
    while (cursor_next(&cursor, &field)) {
        if (field.number == (admitted ? SLAVE_INFO : DEPARTED_ID) ||
            (!admitted && field.number == DEPARTED_TIMESTAMP)) {
            continue;
        }
        if (!gone && field.number == (admitted ? SLAVE_DRAIN_INFO : DEPARTED_DRAIN_INFO)) {
            set_blob(&agent->drain_info, field.bytes);
        } else if (!gone && field.number == (admitted ? SLAVE_DEACTIVATED : DEPARTED_DEACTIVATED)) {
            agent->deactivated = field.value != 0;
        } else {
            buf_append_slice(&rest, field.whole);
        }
    }
    if (rest.size > 0) {
        agent->rest = blob_take(&rest);
    }
}

static int decode_admitted(struct decoding *d, struct slice entry)
{
    struct blob *id = NULL;
    struct blob *info = NULL;
    struct cursor_field field;
    if (!cursor_find(entry, SLAVE_INFO, &field)) {
        return damaged(d);
    }
    int r = upgrade(d, field.bytes, &id, &info);
    if (r != 0) {
        return r;
    }
    struct registry_agent *agent = registry_add(d->registry, id);
    if (agent == NULL) {
        blob_unref(info);
        return 0;
    }
    agent->state = REGISTRY_ADMITTED;
    agent->info = info;
    agent->stored = blob_from(field.bytes);
    decode_rest(agent, entry);
    registry_list(d->registry, agent);
    return 0;
}

/* Unreachable and gone ones. */
static int decode_departed(struct decoding *d, struct slice entry, enum registry_agent_state state)
{
    static const uint32_t to_id[] = {DEPARTED_ID, ID_VALUE};
    static const uint32_t to_time[] = {DEPARTED_TIMESTAMP, TIME_NANOSECONDS};
    struct cursor_field id;
    struct cursor_field time;
    if (!cursor_path(entry, to_id, 2, &id) || !cursor_path(entry, to_time, 2, &time)) {
        return damaged(d);
    }
    struct registry_agent *agent = registry_add(d->registry, blob_from(id.bytes));
    if (agent != NULL) {
        agent->state = state;
        agent->time_ns = (int64_t)time.value;
        decode_rest(agent, entry);
        registry_list(d->registry, agent);
    }
    return 0;
}

static int decode_list(struct decoding *d, struct slice value, uint32_t number,
                       enum registry_agent_state state)
{
    struct cursor lists;
    struct cursor entries;
    struct cursor_field list;
    struct cursor_field entry;
    int r = 0;
    cursor_init(&lists, value);
    while (cursor_next(&lists, &list)) {
        if (list.number != number) {
            continue;
        }
        cursor_init(&entries, list.bytes);
        while (r == 0 && cursor_next(&entries, &entry)) {
            if (entry.number != LIST_SLAVES) {
                continue;
            }
            r = state == REGISTRY_ADMITTED ? decode_admitted(d, entry.bytes)
                                           : decode_departed(d, entry.bytes, state);
        }
    }
    return r;
}

static enum registry_part part_of(uint32_t number)
{
    switch (number) {
    case FIELD_MACHINES:
        return REGISTRY_MACHINES;
    case FIELD_SCHEDULES:
        return REGISTRY_SCHEDULES;
    case FIELD_QUOTAS:
        return REGISTRY_QUOTAS;
    case FIELD_WEIGHTS:
        return REGISTRY_WEIGHTS;
    case FIELD_RESOURCE_PROVIDERS:
        return REGISTRY_RESOURCE_PROVIDERS;
    case FIELD_MINIMUM_CAPABILITIES:
        return REGISTRY_MINIMUM_CAPABILITIES;
    case FIELD_QUOTA_CONFIGS:
        return REGISTRY_QUOTA_CONFIGS;
    default:
        return REGISTRY_UNKNOWN;
    }
}

static int decode_parts(struct decoding *d, struct slice value)
{
    int r = 0;
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, value);
    while (cursor_next(&cursor, &field)) {
        if (field.number == FIELD_MASTER) {
            struct cursor_field info;
            if (!cursor_find(field.bytes, MASTER_INFO, &info)) {
                r = damaged(d);
                continue;
            }
            struct blob *master = blob_from(info.bytes);
            registry_set_master(d->registry, master);
            blob_unref(master);
        } else if (field.number != FIELD_SLAVES && field.number != FIELD_UNREACHABLE &&
                   field.number != FIELD_GONE) {
            buf_append_slice(&d->parts[part_of(field.number)], field.whole);
        }
    }
    for (size_t i = 0; i < REGISTRY_PARTS; i++) {
        if (d->parts[i].size > 0) {
            struct blob *bytes = blob_take(&d->parts[i]);
            registry_set_part(d->registry, (enum registry_part)i, bytes);
            blob_unref(bytes);
        }
        buf_deinit(&d->parts[i]);
    }
    return r;
}

int registry_decode(struct slice value, uint64_t seed, struct registry **ret_registry,
                    struct err *err)
{
    if (message_check(&pb__internal__registry__descriptor, value, err) != 0) {
        return err_wrap(err, REGISTRY_E_DAMAGED, "The registry is damaged");
    }
    struct decoding d = {.registry = registry_new(seed), .err = err};
    arena_init(&d.arena, REGISTRY_INFO_BUDGET_SIZE);
    int r = decode_parts(&d, value);
    /* What comes first counts: an operator's word that an agent is gone is final. */
    if (r == 0) {
        r = decode_list(&d, value, FIELD_GONE, REGISTRY_GONE);
    }
    if (r == 0) {
        r = decode_list(&d, value, FIELD_SLAVES, REGISTRY_ADMITTED);
    }
    if (r == 0) {
        r = decode_list(&d, value, FIELD_UNREACHABLE, REGISTRY_UNREACHABLE);
    }
    arena_deinit(&d.arena);
    if (r != 0) {
        registry_free(d.registry);
        return err_wrap(err, r, "The registry is damaged");
    }
    *ret_registry = d.registry;
    return 0;
}

/* --- capabilities --- */

/* Whether MasterInfo lists a capability of that name. */
static bool has_capability(const Pb__MasterInfo *info, struct slice name)
{
    for (size_t i = 0; i < info->n_capabilities; i++) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
            &pb__master_info__capability__type__descriptor, info->capabilities[i]->type);
        if (value != NULL && info->capabilities[i]->has_type && slice_is(name, value->name)) {
            return true;
        }
    }
    return false;
}

int registry_check_capabilities(const struct registry *registry, struct slice master_info,
                                struct err *err)
{
    Pb__MasterInfo *info;
    CLEANUP(arena_deinit) struct arena arena;
    CLEANUP(buf_deinit) struct buf missing = BUF_INIT;
    struct cursor cursor;
    struct cursor_field field;
    arena_init(&arena, 0);
    int failed = MESSAGE_DECODE(Pb__MasterInfo, pb__master_info, master_info, &arena, &info, NULL);
    ASSERT(failed == 0); /* it is our own */
    cursor_init(&cursor, blob_slice(registry->parts[REGISTRY_MINIMUM_CAPABILITIES]));
    while (cursor_next(&cursor, &field)) {
        struct cursor_field name = {0};
        (void)cursor_find(field.bytes, CAPABILITY_NAME, &name);
        if (!has_capability(info, name.bytes)) {
            buf_append_text(&missing, missing.size > 0 ? ", " : "");
            buf_append_slice(&missing, name.bytes);
        }
    }
    if (missing.size == 0) {
        return 0;
    }
    return err_set(err, REGISTRY_E_CAPABILITIES,
                   "The registry needs capabilities that this master does not have: %s. It was "
                   "last written by a newer master, which has to lead, or to give up what needs "
                   "them",
                   buf_text(&missing));
}
