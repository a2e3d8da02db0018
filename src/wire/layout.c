#include "wire/layout.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "wire/base64.h"
#include "wire/pb.h"
#include "wire/v0_names.h"

/* Room for three times the descriptors that there are. Open addressing, never shrinks. */
#define MESSAGES_MAX 4096
#define ENUMS_MAX 512

/* Widest range of values of one enum that we spend a table on. */
#define ENUM_SPAN_MAX 4096

/* What makes JSON differ from what the descriptors say. */
enum json_rule {
    SILENT, /* the default of a deprecated field is not shown (the reference asks for the option,
               which is not in our .proto files since it would warn at each use) */
    ALWAYS, /* v1 answers show the array also when it is empty (facts/observed.md, operator API 7)
             */
};

struct json_exception {
    const ProtobufCMessageDescriptor *desc;
    const char *name;
    enum json_rule rule;
};

static const struct json_exception exceptions[] = {
    {&pb__framework_info__descriptor, "role", SILENT},
    {&pb__resource__descriptor, "role", SILENT},
    {&pb__agent__response__get_executors__descriptor, "executors", ALWAYS},
    {&pb__agent__response__get_executors__descriptor, "completed_executors", ALWAYS},
    {&pb__agent__response__get_frameworks__descriptor, "frameworks", ALWAYS},
    {&pb__agent__response__get_frameworks__descriptor, "completed_frameworks", ALWAYS},
    {&pb__agent__response__get_tasks__descriptor, "pending_tasks", ALWAYS},
    {&pb__agent__response__get_tasks__descriptor, "queued_tasks", ALWAYS},
    {&pb__agent__response__get_tasks__descriptor, "launched_tasks", ALWAYS},
    {&pb__agent__response__get_tasks__descriptor, "terminated_tasks", ALWAYS},
    {&pb__agent__response__get_tasks__descriptor, "completed_tasks", ALWAYS},
    {&pb__master__response__get_agents__descriptor, "agents", ALWAYS},
    {&pb__master__response__get_agents__descriptor, "recovered_agents", ALWAYS},
    {&pb__master__response__get_executors__descriptor, "executors", ALWAYS},
    {&pb__master__response__get_frameworks__descriptor, "frameworks", ALWAYS},
    {&pb__master__response__get_frameworks__descriptor, "completed_frameworks", ALWAYS},
    {&pb__master__response__get_tasks__descriptor, "tasks", ALWAYS},
    {&pb__master__response__get_tasks__descriptor, "completed_tasks", ALWAYS},
    {&pb__master__response__get_tasks__descriptor, "unreachable_tasks", ALWAYS},
};

static bool has_rule(const ProtobufCMessageDescriptor *desc, const char *name, enum json_rule rule)
{
    for (size_t i = 0; i < ELEMENTS(exceptions); i++) {
        if (exceptions[i].desc == desc && exceptions[i].rule == rule &&
            strcmp(exceptions[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* --- enums --- */

/* The finished text, with bytes behind it that may be copied along. */
static struct slice take_text(struct buf *text)
{
    if (text->size != 0) {
        memset(buf_reserve(text, LAYOUT_TEXT_PAD), 0, LAYOUT_TEXT_PAD);
    }
    struct slice whole = buf_slice(text);
    *text = BUF_INIT;
    return whole;
}

static struct slice quote(const char *text)
{
    struct buf out = BUF_INIT;
    json_quote(slice_from(text), &out);
    return take_text(&out);
}

static struct layout_enum *enum_free(struct layout_enum *values)
{
    for (int names = JSON_V0; names <= JSON_V1; names++) {
        for (unsigned i = 0; i < values->desc->n_values; i++) {
            free((void *)(uintptr_t)values->texts[names][i].data);
        }
        free((void *)(uintptr_t)values->texts[names]);
    }
    free((void *)(uintptr_t)values->indices);
    free(values);
    return NULL;
}

static struct layout_enum *enum_new(const ProtobufCEnumDescriptor *desc)
{
    ASSERT(desc->n_values > 0);
    struct layout_enum *values = xalloc(sizeof(*values));
    values->desc = desc;
    values->first = desc->values[0].value;
    values->span = (uint32_t)desc->values[desc->n_values - 1].value - (uint32_t)values->first + 1;
    ASSERT(values->span != 0 && values->span <= ENUM_SPAN_MAX);
    uint16_t *indices = xcalloc(values->span, sizeof(*indices));
    struct slice *texts_v0 = xcalloc(desc->n_values, sizeof(*texts_v0));
    struct slice *texts_v1 = xcalloc(desc->n_values, sizeof(*texts_v1));
    for (unsigned i = 0; i < desc->n_values; i++) {
        indices[(uint32_t)desc->values[i].value - (uint32_t)values->first] = (uint16_t)(i + 1);
        texts_v0[i] = quote(v0_name_enum(desc, i));
        texts_v1[i] = quote(desc->values[i].name);
    }
    values->indices = indices;
    values->fallback = layout_enum_index(values, 0) >= 0 ? 0 : values->first;
    values->texts[JSON_V0] = texts_v0;
    values->texts[JSON_V1] = texts_v1;
    return values;
}

int layout_enum_find_name(const struct layout_enum *values, enum json_names names,
                          struct slice name)
{
    const ProtobufCEnumDescriptor *desc = values->desc;
    if (names == JSON_V0) {
        return v0_name_find_enum(desc, name.data, name.size);
    }
    unsigned low = 0;
    unsigned high = desc->n_value_names;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = slice_compare(name, slice_from(desc->values_by_name[middle].name));
        if (order == 0) {
            return (int)desc->values_by_name[middle].index;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return -1;
}

/* --- tables of what has been made --- */

/* Entries begin with a pointer to their descriptor, the key. These tables are the one thing in
 * wire/ that is written after the start; what is found in them depends on nothing but the
 * descriptor. */
struct entry {
    const void *desc;
};

static _Atomic(const struct entry *) messages[MESSAGES_MAX];
static _Atomic(const struct entry *) enums[ENUMS_MAX];

static size_t place_of(const void *desc, size_t size)
{
    return (size_t)(((uint64_t)(uintptr_t)desc >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
           (size - 1);
}

static const struct entry *table_find(_Atomic(const struct entry *) *table, size_t size,
                                      const void *desc)
{
    for (size_t at = place_of(desc, size);; at = (at + 1) & (size - 1)) {
        const struct entry *entry = atomic_load_explicit(&table[at], memory_order_acquire);
        if (entry == NULL || entry->desc == desc) {
            return entry;
        }
    }
}

/* Returns the entry that is in the table now: ours, or that of a thread that was faster. */
static const struct entry *table_add(_Atomic(const struct entry *) *table, size_t size,
                                     const struct entry *entry)
{
    size_t at = place_of(entry->desc, size);
    for (size_t tries = 0; tries < size; tries++, at = (at + 1) & (size - 1)) {
        const struct entry *there = NULL;
        if (atomic_compare_exchange_strong_explicit(&table[at], &there, entry, memory_order_acq_rel,
                                                    memory_order_acquire)) {
            return entry;
        }
        if (there->desc == entry->desc) {
            return there;
        }
    }
    WRONG("more descriptors than there are");
}

static const struct layout_enum *enum_of(const ProtobufCEnumDescriptor *desc)
{
    const struct entry *found = table_find(enums, ENUMS_MAX, desc);
    if (found == NULL) {
        struct layout_enum *made = enum_new(desc);
        found = table_add(enums, ENUMS_MAX, (const struct entry *)(const void *)made);
        if (found != (const struct entry *)(const void *)made) {
            (void)enum_free(made);
        }
    }
    return (const struct layout_enum *)(const void *)found;
}

/* --- fields --- */

static uint8_t wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return WIRE_VARINT;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_FIXED32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_FIXED64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    }
    WRONG("unknown type");
}

static uint16_t item_size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    }
    WRONG("unknown type");
}

/* Whether `camel` is `snake` in upper camel case, with `Entry` behind: the name that protoc gives
 * to the messages that map fields are made of. */
static bool is_entry_name(const char *camel, const char *snake)
{
    bool upper = true;
    for (; *snake != '\0'; snake++) {
        if (*snake == '_') {
            upper = true;
            continue;
        }
        char c = *snake;
        if (upper && c >= 'a' && c <= 'z') {
            c = (char)(c - 'a' + 'A');
        }
        upper = false;
        if (*camel++ != c) {
            return false;
        }
    }
    return strcmp(camel, "Entry") == 0;
}

static bool is_map(const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return false;
    }
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    return entry->n_fields == 2 && strcmp(entry->fields[0].name, "key") == 0 &&
           strcmp(entry->fields[1].name, "value") == 0 && entry->fields[0].id == 1 &&
           entry->fields[1].id == 2 && is_entry_name(entry->short_name, field->name);
}

/* The JSON text of a declared default. */
static void put_default(const struct layout_field *field, enum json_names names, struct buf *out)
{
    const void *value = field->desc->default_value;
    switch ((ProtobufCType)field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        buf_append_int64(out, *(const int32_t *)value);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        buf_append_uint64(out, *(const uint32_t *)value);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        buf_append_int64(out, *(const int64_t *)value);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        buf_append_uint64(out, *(const uint64_t *)value);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        json_format_double((double)*(const float *)value, out);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        json_format_double(*(const double *)value, out);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        buf_append_text(out, *(const protobuf_c_boolean *)value ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        buf_append_slice(
            out,
            field->values->texts[names][layout_enum_index(field->values, *(const int32_t *)value)]);
        break;
    case PROTOBUF_C_TYPE_STRING:
        json_quote(slice_from(value), out);
        break;
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *bytes = value;
        buf_append_byte(out, '"');
        base64_encode(slice_make(bytes->data, bytes->len), out);
        buf_append_byte(out, '"');
        break;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        WRONG("messages have no default");
    }
}

static struct slice key_text(const char *name)
{
    struct buf text = BUF_INIT;
    buf_append_byte(&text, ',');
    json_quote(slice_from(name), &text);
    buf_append_byte(&text, ':');
    return take_text(&text);
}

/* What JSON shows for a field that is not set. */
static struct slice unset_text(const ProtobufCMessageDescriptor *desc,
                               const struct layout_field *field, enum json_names names)
{
    struct buf text = BUF_INIT;
    if (field->repeated) {
        if (names == JSON_V1 && has_rule(desc, field->desc->name, ALWAYS)) {
            buf_append_slice(&text, field->key[names]);
            buf_append_text(&text, "[]");
        }
    } else if (!field->required && field->desc->default_value != NULL &&
               (field->desc->flags & PROTOBUF_C_FIELD_FLAG_DEPRECATED) == 0 &&
               !has_rule(desc, field->desc->name, SILENT)) {
        buf_append_slice(&text, field->key[names]);
        put_default(field, names, &text);
    }
    return take_text(&text);
}

static void field_init(const ProtobufCMessageDescriptor *desc, unsigned index,
                       struct layout_field *field)
{
    const ProtobufCFieldDescriptor *from = &desc->fields[index];
    ASSERT(from->label != PROTOBUF_C_LABEL_NONE); /* proto3: our files are all proto2 */
    field->desc = from;
    field->offset = from->offset;
    field->quantifier = from->quantifier_offset;
    field->index = (uint16_t)index;
    field->item_size = item_size_of(from->type);
    field->type = (uint8_t)from->type;
    field->wire = wire_of(from->type);
    field->required = from->label == PROTOBUF_C_LABEL_REQUIRED;
    field->repeated = from->label == PROTOBUF_C_LABEL_REPEATED;
    field->map = is_map(from);
    if (from->type == PROTOBUF_C_TYPE_ENUM) {
        field->values = enum_of(from->descriptor);
    }
    for (int names = JSON_V0; names <= JSON_V1; names++) {
        field->key[names] = key_text(names == JSON_V0 ? v0_name_field(desc, index) : from->name);
        field->unset[names] = unset_text(desc, field, (enum json_names)names);
    }
}

/* --- messages --- */

/* As protobuf-c's INIT macros have it. */
static void image_set(const struct layout_field *field, char *image)
{
    const ProtobufCFieldDescriptor *desc = field->desc;
    void *member = layout_member(field, image);
    if (field->repeated || field->oneof != 0) {
        return;
    }
    if (desc->default_value == NULL) {
        if (field->type == PROTOBUF_C_TYPE_ENUM) {
            *(int32_t *)member = field->values->fallback;
        }
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        memcpy(member, &desc->default_value, sizeof(char *));
    } else {
        memcpy(member, desc->default_value, field->item_size);
    }
}

static const void *make_image(const struct layout *layout)
{
    ProtobufCMessage *image = xalloc(layout->desc->sizeof_message);
    image->descriptor = layout->desc;
    for (unsigned i = 0; i < layout->count; i++) {
        image_set(&layout->fields[i], (char *)image);
    }
    return image;
}

static const uint16_t *make_numbers(struct layout *layout)
{
    uint32_t highest = layout->count != 0 ? layout->fields[layout->count - 1].desc->id : 0;
    layout->number_count = MIN(highest + 1, (uint32_t)LAYOUT_NUMBERS_MAX);
    uint16_t *numbers = xcalloc(layout->number_count, sizeof(*numbers));
    for (unsigned i = 0; i < layout->count; i++) {
        if (layout->fields[i].desc->id < layout->number_count) {
            numbers[layout->fields[i].desc->id] = (uint16_t)(i + 1);
        }
    }
    return numbers;
}

static uint32_t name_hash(struct slice name)
{
    if (name.size == 0) {
        return 0;
    }
    uint32_t hash = (uint32_t)name.size * 0x9e3779b1u;
    hash = (hash ^ (unsigned char)name.data[0]) * 0x85ebca6bu;
    hash = (hash ^ (unsigned char)name.data[name.size / 2]) * 0xc2b2ae35u;
    hash = (hash ^ (unsigned char)name.data[name.size - 1]) * 0x85ebca6bu;
    return hash ^ hash >> 15;
}

static const uint16_t *make_names(const struct layout *layout, enum json_names names)
{
    uint16_t *table = xcalloc(layout->name_mask + 1, sizeof(*table));
    for (unsigned i = 0; i < layout->count; i++) {
        uint32_t at = name_hash(layout_name(&layout->fields[i], names)) & layout->name_mask;
        while (table[at] != 0) {
            at = (at + 1) & layout->name_mask;
        }
        table[at] = (uint16_t)(i + 1);
    }
    return table;
}

static void number_required_and_oneofs(struct layout *layout)
{
    unsigned required = 0;
    uint32_t cases[LAYOUT_ONEOFS_MAX];
    unsigned oneofs = 0;
    for (unsigned i = 0; i < layout->count; i++) {
        struct layout_field *field = &layout->fields[i];
        if (field->required) {
            ASSERT(required < LAYOUT_REQUIRED_MAX);
            field->required_bit = (uint8_t)required;
            layout->required_mask |= 1u << required++;
        }
        if ((field->desc->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            unsigned at = 0;
            while (at < oneofs && cases[at] != field->quantifier) {
                at++;
            }
            if (at == oneofs) {
                ASSERT(oneofs < LAYOUT_ONEOFS_MAX);
                cases[oneofs++] = field->quantifier;
            }
            field->oneof = (uint8_t)(at + 1);
        }
    }
}

/* Members of structs stand as the .proto file has the fields, but for those of oneofs: such
 * messages are shown by numbers. */
static const uint16_t *make_declared(struct layout *layout)
{
    bool differs = false;
    for (unsigned i = 0; i < layout->count; i++) {
        if (layout->fields[i].oneof != 0) {
            return NULL;
        }
        differs = differs || (i > 0 && layout->fields[i].offset < layout->fields[i - 1].offset);
    }
    if (!differs) {
        return NULL;
    }
    uint16_t *order = xcalloc(layout->count, sizeof(*order));
    for (unsigned i = 0; i < layout->count; i++) {
        unsigned at = i;
        for (; at > 0 && layout->fields[order[at - 1]].offset > layout->fields[i].offset; at--) {
            order[at] = order[at - 1];
        }
        order[at] = (uint16_t)i;
    }
    for (unsigned rank = 0; rank < layout->count; rank++) {
        layout->fields[order[rank]].rank = (uint16_t)rank;
    }
    return order;
}

static struct layout *layout_new(const ProtobufCMessageDescriptor *desc)
{
    ASSERT(desc->magic == PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC);
    ASSERT(desc->n_fields <= LAYOUT_FIELDS_MAX);
    struct layout *layout = xalloc(sizeof(*layout) + desc->n_fields * sizeof(struct layout_field));
    layout->desc = desc;
    layout->count = desc->n_fields;
    for (unsigned i = 0; i < desc->n_fields; i++) {
        field_init(desc, i, &layout->fields[i]);
        layout->any_unset = layout->any_unset || layout->fields[i].unset[JSON_V0].size != 0 ||
                            layout->fields[i].unset[JSON_V1].size != 0;
    }
    number_required_and_oneofs(layout);
    layout->declared = make_declared(layout);
    layout->image = make_image(layout);
    layout->by_number = make_numbers(layout);
    uint32_t names_size = 4;
    while (names_size < 2 * layout->count) {
        names_size *= 2;
    }
    layout->name_mask = names_size - 1;
    layout->by_name[JSON_V0] = make_names(layout, JSON_V0);
    layout->by_name[JSON_V1] = make_names(layout, JSON_V1);
    return layout;
}

static struct layout *layout_free(struct layout *layout)
{
    for (int names = JSON_V0; names <= JSON_V1; names++) {
        for (unsigned i = 0; i < layout->count; i++) {
            free((void *)(uintptr_t)layout->fields[i].key[names].data);
            free((void *)(uintptr_t)layout->fields[i].unset[names].data);
        }
        free((void *)(uintptr_t)layout->by_name[names]);
    }
    free((void *)(uintptr_t)layout->by_number);
    free((void *)(uintptr_t)layout->declared);
    free((void *)(uintptr_t)layout->image);
    free(layout);
    return NULL;
}

const struct layout *layout_of(const ProtobufCMessageDescriptor *desc)
{
    const struct entry *found = table_find(messages, MESSAGES_MAX, desc);
    if (found == NULL) {
        struct layout *made = layout_new(desc);
        found = table_add(messages, MESSAGES_MAX, (const struct entry *)(const void *)made);
        if (found != (const struct entry *)(const void *)made) {
            (void)layout_free(made);
        }
    }
    return (const struct layout *)(const void *)found;
}

const struct layout *layout_make_sub(struct layout_field *field)
{
    ASSERT(field->type == PROTOBUF_C_TYPE_MESSAGE);
    const struct layout *sub = layout_of(field->desc->descriptor);
    atomic_store_explicit(&field->sub, sub, memory_order_release);
    return sub;
}

const struct layout_field *layout_search(const struct layout *layout, uint32_t number)
{
    uint32_t low = 0;
    uint32_t high = layout->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t id = layout->fields[middle].desc->id;
        if (id == number) {
            return &layout->fields[middle];
        }
        if (id < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct layout_field *layout_find_name(const struct layout *layout, enum json_names names,
                                            struct slice name)
{
    const uint16_t *table = layout->by_name[names];
    for (uint32_t at = name_hash(name) & layout->name_mask; table[at] != 0;
         at = (at + 1) & layout->name_mask) {
        const struct layout_field *field = &layout->fields[table[at] - 1];
        if (slice_equal(layout_name(field, names), name)) {
            return field;
        }
    }
    return NULL;
}

bool layout_is_set(const struct layout_field *field, const void *message)
{
    if (field->oneof != 0) {
        return *layout_case(field, message) == field->desc->id;
    }
    if (field->required) {
        return true;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text;
        memcpy(&text, layout_member(field, message), sizeof(text));
        return text != NULL && text != field->desc->default_value;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const void *sub;
        memcpy(&sub, layout_member(field, message), sizeof(sub));
        return sub != NULL;
    }
    return *layout_has(field, message) != 0;
}
