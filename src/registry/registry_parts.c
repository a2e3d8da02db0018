#include "registry/registry_parts.h"

#include "common/arena.h"
#include "wire/cursor.h"

/* Numbers of the wire: mesos.internal.Registry, and what is in it. */
enum {
    FIELD_QUOTAS = 5,
    FIELD_WEIGHTS = 6,
    FIELD_MINIMUM_CAPABILITIES = 10,
    FIELD_QUOTA_CONFIGS = 11,
};
enum { ENTRY_INFO = 1, WEIGHT_INFO_ROLE = 2, QUOTA_INFO_ROLE = 1, CAPABILITY_NAME = 1 };
enum { CONFIG_ROLE = 1, CONFIG_GUARANTEES = 2, CONFIG_LIMITS = 3 };
enum { PAIR_VALUE = 2, SCALAR_VALUE = 1 };
/* Call.UpdateWeights, Call.UpdateQuota */
enum { CALL_WEIGHT_INFOS = 1, CALL_QUOTA_CONFIGS = 2 };

/* --- what is asked for, by role --- */

struct wish {
    struct map_link by_role; /* wishes->map */
    struct list link;        /* wishes->order */
    struct slice role;       /* in the request */
    struct slice info;       /* the message, in the request; data NULL = nothing is to be left */
    bool is_met;             /* it has the place of an older one */
};

struct wishes {
    struct map map;
    struct list order; /* struct wish, as in the request */
    struct arena arena;
};

static struct slice wish_key(const struct map_link *link)
{
    return CONTAINER_OF(link, struct wish, by_role)->role;
}

static struct wish *find_wish(const struct wishes *wishes, struct slice role)
{
    struct map_link *link = map_find(&wishes->map, role);
    return link != NULL ? CONTAINER_OF(link, struct wish, by_role) : NULL;
}

static struct slice text_at(struct slice message, const uint32_t *path, size_t depth)
{
    struct cursor_field field;
    return cursor_path(message, path, depth, &field) ? field.bytes : slice_make(NULL, 0);
}

/* An amount that rounds to nothing guarantees nothing. */
static bool is_some(struct slice pair)
{
    static const uint32_t path[] = {PAIR_VALUE, SCALAR_VALUE};
    struct cursor_field field;
    double value = 0;
    if (cursor_path(pair, path, 2, &field)) {
        memcpy(&value, &field.value, sizeof(value));
    }
    return value >= 0.0005;
}

static bool is_empty_config(struct slice config)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, config);
    while (cursor_next(&cursor, &field)) {
        if (field.number == CONFIG_LIMITS ||
            (field.number == CONFIG_GUARANTEES && is_some(field.bytes))) {
            return false;
        }
    }
    return true;
}

static void add_wish(struct wishes *wishes, struct slice role, struct slice info)
{
    struct wish *wish = find_wish(wishes, role);
    if (wish == NULL) {
        wish = ARENA_NEW(&wishes->arena, struct wish);
        wish->role = role;
        map_add(&wishes->map, &wish->by_role);
        list_push_back(&wishes->order, &wish->link);
    }
    wish->info = info;
}

/* `number`: of the field that is a wish; `role`: of the field in it that names the role. */
static void wishes_init(struct wishes *wishes, const struct registry *registry,
                        struct slice request, uint32_t number, uint32_t role)
{
    struct cursor cursor;
    struct cursor_field field;
    arena_init(&wishes->arena, 0);
    map_init(&wishes->map, wish_key, registry->agents.seed[0]);
    list_init(&wishes->order);
    cursor_init(&cursor, request);
    while (cursor_next(&cursor, &field)) {
        if (field.number == number) {
            bool drops = number == CALL_QUOTA_CONFIGS && is_empty_config(field.bytes);
            add_wish(wishes, text_at(field.bytes, &role, 1),
                     drops ? slice_make(NULL, 0) : field.bytes);
        }
    }
}

static void wishes_deinit(struct wishes *wishes)
{
    map_deinit(&wishes->map);
    arena_deinit(&wishes->arena);
}

/* --- changing a part --- */

bool registry_parts_replace(struct registry *registry, enum registry_part part, struct buf *bytes)
{
    struct slice old = blob_slice(registry->parts[part]);
    struct blob *blob = bytes->size > 0 ? blob_take(bytes) : NULL;
    size_t size = blob_slice(blob).size;
    buf_deinit(bytes);
    if (size > old.size && registry->size_max + (size - old.size) > REGISTRY_SIZE_MAX) {
        registry->full_count++;
        blob_unref(blob);
        return false;
    }
    if (!slice_equal(old, blob_slice(blob))) {
        registry_set_part(registry, part, blob);
    }
    blob_unref(blob);
    return true;
}

/* How the entries of a part are built: {info {role}}, or directly the info. */
struct shape {
    enum registry_part part;
    uint32_t number;      /* of the field of Registry */
    const uint32_t *role; /* path to the role's name in an entry */
    size_t role_depth;
    bool is_wrapped; /* the info is in a field ENTRY_INFO of the entry */
};

static void put_wish(struct buf *out, const struct shape *shape, struct wish *wish)
{
    if (wish->is_met || wish->info.data == NULL) {
        return; /* one of several entries of the role is enough */
    }
    wish->is_met = true;
    if (!shape->is_wrapped) {
        wire_put_bytes(out, shape->number, wish->info);
        return;
    }
    size_t begun = wire_begin(out, shape->number);
    wire_put_bytes(out, ENTRY_INFO, wish->info);
    wire_end(out, begun);
}

/* The part as it is wished: in its places what was there, behind it what is new. */
static void grant(const struct registry *registry, const struct shape *shape,
                  const struct wishes *wishes, struct buf *out)
{
    struct cursor cursor;
    struct cursor_field field;
    struct wish *wish;
    cursor_init(&cursor, blob_slice(registry->parts[shape->part]));
    while (cursor_next(&cursor, &field)) {
        wish = find_wish(wishes, text_at(field.bytes, shape->role, shape->role_depth));
        if (wish == NULL) {
            buf_append_slice(out, field.whole);
        } else {
            put_wish(out, shape, wish);
        }
    }
    LIST_FOR_EACH (wish, &wishes->order, link) {
        put_wish(out, shape, wish);
    }
}

bool registry_parts_update_weights(struct registry *registry, struct slice request)
{
    static const uint32_t role[] = {ENTRY_INFO, WEIGHT_INFO_ROLE};
    static const struct shape shape = {REGISTRY_WEIGHTS, FIELD_WEIGHTS, role, 2, true};
    struct buf out = BUF_INIT;
    struct wishes wishes;
    wishes_init(&wishes, registry, request, CALL_WEIGHT_INFOS, WEIGHT_INFO_ROLE);
    grant(registry, &shape, &wishes, &out);
    wishes_deinit(&wishes);
    return registry_parts_replace(registry, REGISTRY_WEIGHTS, &out);
}

/* Those in their older form that nobody has changed since. */
static void drop_older_quotas(struct registry *registry, const struct wishes *wishes)
{
    static const uint32_t role[] = {ENTRY_INFO, QUOTA_INFO_ROLE};
    struct buf out = BUF_INIT;
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, blob_slice(registry->parts[REGISTRY_QUOTAS]));
    while (cursor_next(&cursor, &field)) {
        if (find_wish(wishes, text_at(field.bytes, role, 2)) == NULL) {
            buf_append_slice(&out, field.whole);
        }
    }
    bool fitted = registry_parts_replace(registry, REGISTRY_QUOTAS, &out);
    ASSERT(fitted); /* it has not grown */
}

bool registry_parts_update_quota(struct registry *registry, struct slice request)
{
    static const uint32_t role[] = {CONFIG_ROLE};
    static const struct shape shape = {REGISTRY_QUOTA_CONFIGS, FIELD_QUOTA_CONFIGS, role, 1, false};
    struct buf out = BUF_INIT;
    struct wishes wishes;
    wishes_init(&wishes, registry, request, CALL_QUOTA_CONFIGS, CONFIG_ROLE);
    grant(registry, &shape, &wishes, &out);
    bool fitted = registry_parts_replace(registry, REGISTRY_QUOTA_CONFIGS, &out);
    if (fitted) {
        drop_older_quotas(registry, &wishes);
        registry_parts_require(registry, SLICE("QUOTA_V2"),
                               registry->parts[REGISTRY_QUOTA_CONFIGS] != NULL);
    }
    wishes_deinit(&wishes);
    return fitted;
}

/* --- minimum capabilities --- */

void registry_parts_require(struct registry *registry, struct slice capability, bool needed)
{
    struct buf out = BUF_INIT;
    struct cursor cursor;
    struct cursor_field field;
    struct cursor_field name;
    bool is_there = false;
    cursor_init(&cursor, blob_slice(registry->parts[REGISTRY_MINIMUM_CAPABILITIES]));
    while (cursor_next(&cursor, &field)) {
        bool is_it =
            cursor_find(field.bytes, CAPABILITY_NAME, &name) && slice_equal(name.bytes, capability);
        if (!is_it || needed) {
            buf_append_slice(&out, field.whole);
        }
        is_there = is_there || is_it;
    }
    if (needed && !is_there) {
        size_t begun = wire_begin(&out, FIELD_MINIMUM_CAPABILITIES);
        wire_put_bytes(&out, CAPABILITY_NAME, capability);
        wire_end(&out, begun);
    }
    struct blob *bytes = out.size > 0 ? blob_take(&out) : NULL;
    registry_set_part(registry, REGISTRY_MINIMUM_CAPABILITIES, bytes);
    blob_unref(bytes);
    buf_deinit(&out);
}
