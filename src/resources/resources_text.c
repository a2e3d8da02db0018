/* Resources as text and as the JSON of the older endpoints. */
#include <stdlib.h>

#include "common/arena.h"
#include "common/xalloc.h"
#include "resources/resource_validate.h"
#include "wire/json.h"

/* One "name(role):value" as a resource, checked as resource_validate does with messages. */
static int parse_one(struct slice name, struct slice role, struct slice text,
                     struct resources *resources, struct err *err)
{
    struct value value;
    if (value_parse(text, &value, err) != 0) {
        return err_wrap(err, RESOURCES_E_INVALID, "Failed to parse resource %.*s value %.*s error",
                        SLICE_ARGS(name), SLICE_ARGS(text));
    }
    struct resource_reservation reservation = {.type = RESERVATION_STATIC, .role = role};
    struct resource_kind draft = {
        .type = value.type,
        .name = name,
        .reservations = &reservation,
        .reservation_count = role_is_star(role) ? 0 : 1,
    };
    int r = 0;
    if (value.type == VALUE_TEXT) {
        r = err_set(err, RESOURCES_E_INVALID, "Bad type for resource %.*s value %.*s type TEXT",
                    SLICE_ARGS(name), SLICE_ARGS(text));
    } else if (name.size == 0) {
        r = err_set(err, RESOURCES_E_INVALID, "Empty resource name");
    } else if (value.type == VALUE_SCALAR && value.real > 0 && value.scalar <= 0) {
        r = err_set(err, RESOURCES_E_INVALID, "Invalid scalar resource: value <= 0");
    } else if (role_validate(role, err) != 0) {
        r = RESOURCES_E_INVALID;
    }
    if (r == 0) {
        const struct resource_kind *kind = resource_kind_make(&draft, NULL);
        struct resource one = {.kind = kind, .hash = kind->hash, .shares = 1};
        switch (value.type) {
        case VALUE_SCALAR:
            one.value.scalar = value.scalar;
            break;
        case VALUE_RANGES:
            one.value.ranges = ranges_ref(value.ranges);
            break;
        case VALUE_SET:
            one.value.items = item_set_ref(value.items);
            break;
        case VALUE_TEXT:
            WRONG("refused above");
        }
        resources_add_take(resources, one);
    }
    value_deinit(&value);
    return r;
}

/* Cuts "a:b" in two; empty parts do not count. */
static bool split_pair(struct slice pair, struct slice *ret_key, struct slice *ret_value)
{
    struct slice pieces[2];
    size_t count = 0;
    struct slice piece;
    while (slice_split(&pair, ':', &piece)) {
        if (piece.size != 0) {
            if (count == ELEMENTS(pieces)) {
                return false;
            }
            pieces[count++] = piece;
        }
    }
    if (count != ELEMENTS(pieces)) {
        return false;
    }
    *ret_key = pieces[0];
    *ret_value = pieces[1];
    return true;
}

/* "name(role)", or a name with the default role. */
static bool split_role(struct slice key, struct slice default_role, struct slice *ret_name,
                       struct slice *ret_role)
{
    ptrdiff_t open = slice_find(key, '(');
    if (open < 0) {
        *ret_name = slice_trim(key);
        *ret_role = default_role;
        return true;
    }
    ptrdiff_t close = slice_find(key, ')');
    if (close < open) {
        return false;
    }
    *ret_name = slice_trim(slice_make(key.data, (size_t)open));
    *ret_role = slice_trim(slice_make(key.data + open + 1, (size_t)(close - open - 1)));
    return true;
}

/* The next part between ';' that is not empty, cut up. Returns 1 for one, 0 at the end, or
 * -RESOURCES_E_INVALID. */
static int next_simple(struct slice *rest, struct slice default_role, struct slice *ret_name,
                       struct slice *ret_role, struct slice *ret_value, struct err *err)
{
    struct slice token;
    struct slice key;
    do {
        if (!slice_split(rest, ';', &token)) {
            return 0;
        }
    } while (token.size == 0);
    if (!split_pair(token, &key, ret_value)) {
        return err_set(err, -RESOURCES_E_INVALID,
                       "Bad value for resources, missing or extra ':' in %.*s", SLICE_ARGS(token));
    }
    if (!split_role(key, default_role, ret_name, ret_role)) {
        return err_set(err, -RESOURCES_E_INVALID,
                       "Bad value for resources, mismatched parentheses in %.*s",
                       SLICE_ARGS(token));
    }
    return 1;
}

static int parse_simple(struct slice text, struct slice default_role, struct resources *resources,
                        struct err *err)
{
    struct slice name;
    struct slice role;
    struct slice value;
    int more;
    while ((more = next_simple(&text, default_role, &name, &role, &value, err)) > 0) {
        if (resources->count == RESOURCE_VALIDATE_COUNT_MAX) {
            return err_set(err, RESOURCES_E_INVALID, "More than %d resources",
                           RESOURCE_VALIDATE_COUNT_MAX);
        }
        int r = parse_one(name, role, value, resources, err);
        if (r != 0) {
            return r;
        }
    }
    return -more;
}

/* An array of Resource, read as the one field of a message that has just that. */
static int read_json(struct slice text, struct arena *arena,
                     const Pb__TaskResourceLimitation **ret_list, struct err *err)
{
    struct buf object = BUF_INIT;
    ProtobufCMessage *message;
    buf_append_text(&object, "{\"resources\":");
    buf_append_slice(&object, text);
    buf_append_byte(&object, '}');
    int r = json_parse_message(&pb__task_resource_limitation__descriptor, buf_slice(&object),
                               JSON_V0, arena, &message, err);
    buf_deinit(&object);
    if (r != 0) {
        return err_wrap(err, RESOURCES_E_INVALID,
                        "Some JSON resources were not formatted properly");
    }
    *ret_list = (const Pb__TaskResourceLimitation *)message;
    return 0;
}

static int parse_json(struct slice text, struct slice default_role, struct resources *resources,
                      struct err *err)
{
    struct arena arena;
    const Pb__TaskResourceLimitation *list;
    arena_init(&arena, 0);
    int r = read_json(text, &arena, &list, err);
    for (size_t i = 0; r == 0 && i < list->n_resources; i++) {
        Pb__Resource *pb = list->resources[i];
        if (!resource_pb_has_role(pb) && pb->n_reservations == 0) {
            pb->role = arena_strndup(&arena, default_role.data, default_role.size);
        }
    }
    if (r == 0) {
        r = resource_validate_all(list->resources, list->n_resources, err);
    }
    if (r == 0) {
        resources_add_pb(resources, list->resources, list->n_resources, NULL);
    }
    arena_deinit(&arena);
    return r != 0 ? RESOURCES_E_INVALID : 0;
}

static bool is_json(struct slice text)
{
    struct slice trimmed = slice_trim(text);
    return trimmed.size != 0 && trimmed.data[0] == '[';
}

static bool names_simple(struct slice text, struct slice name)
{
    struct slice found;
    struct slice role;
    struct slice value;
    while (next_simple(&text, SLICE("*"), &found, &role, &value, NULL) > 0) {
        if (slice_equal(found, name)) {
            return true;
        }
    }
    return false;
}

static bool names_json(struct slice text, struct slice name)
{
    struct arena arena;
    const Pb__TaskResourceLimitation *list;
    bool is_found = false;
    arena_init(&arena, 0);
    if (read_json(text, &arena, &list, NULL) == 0) {
        for (size_t i = 0; i < list->n_resources && !is_found; i++) {
            is_found = slice_is(name, list->resources[i]->name);
        }
    }
    arena_deinit(&arena);
    return is_found;
}

bool resources_text_names(struct slice text, struct slice name)
{
    return is_json(text) ? names_json(text, name) : names_simple(text, name);
}

int resources_parse_any(struct slice text, struct slice default_role,
                        struct resources *ret_resources, struct err *err)
{
    struct resources resources = RESOURCES_INIT;
    int r = is_json(text) ? parse_json(text, default_role, &resources, err)
                          : parse_simple(text, default_role, &resources, err);
    if (r != 0) {
        resources_deinit(&resources);
        return r;
    }
    *ret_resources = resources;
    return 0;
}

/* What only comes to be at run time cannot be given on the command line. */
static int check_command_line(const struct resources *r, struct err *err)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[i];
        if (resource_is_persistent_volume(one)) {
            return err_set(err, RESOURCES_E_INVALID,
                           "Persistent volumes cannot be specified at the command line");
        }
        if (one->kind->is_revocable) {
            return err_set(err, RESOURCES_E_INVALID,
                           "Revocable resources cannot be specified at the command line; do not "
                           "include a 'revocable' key in the resources JSON");
        }
        if (resource_is_dynamically_reserved(one)) {
            return err_set(err, RESOURCES_E_INVALID,
                           "Dynamic reservations cannot be specified at the command line; do not "
                           "include a reservation with DYNAMIC type in the resources JSON");
        }
        for (uint32_t j = 0; j < i; j++) {
            const struct resource_kind *other = r->items[j].kind;
            if (other->type != one->kind->type && slice_equal(other->name, one->kind->name)) {
                return err_set(err, RESOURCES_E_INVALID,
                               "Resources with the same name ('%.*s') but different types are not "
                               "allowed",
                               SLICE_ARGS(other->name));
            }
        }
    }
    return 0;
}

int resources_parse(struct slice text, struct slice default_role, struct resources *ret_resources,
                    struct err *err)
{
    struct resources resources;
    int r = resources_parse_any(text, default_role, &resources, err);
    if (r != 0) {
        return r;
    }
    r = check_command_line(&resources, err);
    if (r != 0) {
        resources_deinit(&resources);
        return r;
    }
    *ret_resources = resources;
    return 0;
}

void resources_format(const struct resources *r, struct buf *out)
{
    if (r->count == 0) {
        buf_append_text(out, "{}");
        return;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        buf_append_text(out, i > 0 ? "; " : "");
        resource_format(&r->items[i], false, out);
    }
}

const char *resources_text(const struct resources *r, struct arena *arena)
{
    struct buf text = BUF_INIT;
    resources_format(r, &text);
    const char *copy = arena_strndup(arena, text.data, text.size);
    buf_deinit(&text);
    return copy;
}

/* --- JSON --- */

/* The sum of all resources that go by one key. */
struct json_sum {
    struct slice name;
    bool is_revocable;
    enum value_type type;
    int64_t scalar;               /* thousandths */
    const struct ranges *ranges;  /* owned reference */
    const struct item_set *items; /* owned reference */
};

static int json_sum_compare(const void *a, const void *b)
{
    const struct json_sum *left = a;
    const struct json_sum *right = b;
    if (left->type != right->type) {
        return left->type < right->type ? -1 : 1;
    }
    int order = slice_compare(left->name, right->name);
    return order != 0 ? order : (int)left->is_revocable - (int)right->is_revocable;
}

static void json_sum_add(struct json_sum *sum, const struct resource *one)
{
    const struct ranges *ranges = sum->ranges;
    const struct item_set *items = sum->items;
    switch (sum->type) {
    case VALUE_SCALAR:
        sum->scalar = scalar_add(sum->scalar, one->value.scalar);
        break;
    case VALUE_RANGES:
        sum->ranges = ranges_add(ranges, one->value.ranges);
        ranges_unref(ranges);
        break;
    case VALUE_SET:
        sum->items = item_set_add(items, one->value.items);
        item_set_unref(items);
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
}

/* Sums by name, revocable and type, sorted: scalars first. Returns how many. */
static size_t json_sums(const struct resources *r, struct json_sum *sums)
{
    size_t count = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource_kind *kind = r->items[i].kind;
        size_t at = 0;
        while (at < count &&
               (sums[at].type != kind->type || sums[at].is_revocable != kind->is_revocable ||
                !slice_equal(sums[at].name, kind->name))) {
            at++;
        }
        if (at == count) {
            sums[count++] = (struct json_sum){
                .name = kind->name, .is_revocable = kind->is_revocable, .type = kind->type};
        }
        json_sum_add(&sums[at], &r->items[i]);
    }
    qsort(sums, count, sizeof(sums[0]), json_sum_compare);
    return count;
}

static void json_sum_write(const struct json_sum *sum, struct json_writer *w, struct buf *text)
{
    buf_clear(text);
    buf_append_slice(text, sum->name);
    buf_append_text(text, sum->is_revocable ? "_revocable" : "");
    json_key_slice(w, buf_slice(text));
    buf_clear(text);
    switch (sum->type) {
    case VALUE_SCALAR:
        json_double(w, scalar_to_double(sum->scalar));
        break;
    case VALUE_RANGES:
        ranges_format(sum->ranges, text);
        json_string(w, buf_slice(text));
        ranges_unref(sum->ranges);
        break;
    case VALUE_SET:
        item_set_format(sum->items, text);
        json_string(w, buf_slice(text));
        item_set_unref(sum->items);
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
}

static bool json_sum_is_common(const struct json_sum *sum)
{
    return sum->type == VALUE_SCALAR && !sum->is_revocable &&
           resource_name_common(sum->name) != RESOURCE_NAME_NONE;
}

void resources_write_json(const struct resources *r, struct json_writer *w)
{
    /* These are always there, in the order of the reference. */
    static const uint32_t always[] = {RESOURCE_NAME_DISK, RESOURCE_NAME_MEM, RESOURCE_NAME_GPUS,
                                      RESOURCE_NAME_CPUS};
    struct json_sum *sums = xcalloc((size_t)r->count + 1, sizeof(*sums));
    size_t count = json_sums(r, sums);
    struct buf text = BUF_INIT;
    json_begin_object(w);
    for (size_t i = 0; i < ELEMENTS(always); i++) {
        int64_t scalar = 0;
        for (size_t j = 0; j < count; j++) {
            if (json_sum_is_common(&sums[j]) &&
                slice_equal(sums[j].name, resource_name_common_text(always[i]))) {
                scalar = sums[j].scalar;
            }
        }
        json_key_slice(w, resource_name_common_text(always[i]));
        json_double(w, scalar_to_double(scalar));
    }
    for (size_t j = 0; j < count; j++) {
        if (!json_sum_is_common(&sums[j])) {
            json_sum_write(&sums[j], w, &text);
        }
    }
    json_end_object(w);
    buf_deinit(&text);
    free(sums);
}
