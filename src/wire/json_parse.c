/* JSON into messages, in one pass. */
#include "wire/json.h"

#include <math.h>
#include <string.h>

#include "wire/base64.h"
#include "wire/field_path.h"
#include "wire/json_number.h"
#include "wire/json_scan.h"
#include "wire/json_string.h"
#include "wire/layout.h"
#include "wire/message.h"
#include "wire/message_build.h"

/* Longest text in which an escape is undone to look for a name, a number or a word. */
#define WORD_SIZE_MAX JSON_NUMBER_SIZE_MAX

/* What goes down with the parser. */
struct parser {
    struct json_scan scan; /* where we are in the text */
    enum json_names names; /* of fields and enum values */
    struct arena *arena;   /* where the message is built */
    struct err *err;       /* may be NULL */
    bool unfinished;       /* fields are missing, or a map has several entries */
};

/* The message that is being filled. */
struct level {
    const struct layout *layout;           /* of the message */
    ProtobufCMessage *message;             /* so far */
    const struct field_path *path;         /* of the message; NULL = the outermost */
    unsigned depth;                        /* of messages; 0 = the outermost */
    uint64_t seen[LAYOUT_FIELDS_MAX / 64]; /* fields that were named already */
};

/* A value of any type, as it lies in a message. */
union value {
    uint32_t word;
    int32_t int32;
    uint64_t long_word;
    int64_t int64;
    float real32;
    double real64;
    protobuf_c_boolean boolean;
    char *text;
    ProtobufCBinaryData bytes;
    ProtobufCMessage *message;
};

/* --- errors --- */

static int invalid(struct parser *p, const struct field_path *path, const char *why)
{
    struct buf text = BUF_INIT;
    field_path_format(path, &text);
    if (text.size != 0) {
        (void)err_set(p->err, 0, "%.*s: %s", SLICE_ARGS(buf_slice(&text)), why);
    } else {
        (void)err_set(p->err, 0, "%s", why);
    }
    buf_deinit(&text);
    return JSON_E_INVALID;
}

static int too_large(struct parser *p)
{
    return err_set(p->err, JSON_E_BUDGET, "message needs more than %zu bytes of memory",
                   p->arena->budget_size);
}

/* The scanner stands where it does not get on. */
static int not_json(struct parser *p, const struct field_path *path)
{
    char c = json_scan_peek(&p->scan);
    if (p->scan.depth == JSON_DEPTH_MAX && (c == '{' || c == '[')) {
        (void)invalid(p, path, "JSON nested too deep");
    } else {
        (void)err_set(p->err, 0, "not JSON at byte %td of %td", p->scan.at - p->scan.start,
                      p->scan.end - p->scan.start);
    }
    return JSON_E_SYNTAX;
}

/* --- values --- */

/* Gives a field a value, or a repeated one one more. */
static int store(struct parser *p, const struct level *level, const struct layout_field *field,
                 const union value *value)
{
    char *to = layout_member(field, level->message);
    if (field->repeated) {
        if (!message_build_reserve(field, level->message, 1, p->arena)) {
            return too_large(p);
        }
        char *items = *(char **)(void *)to;
        to = items + (*layout_count(field, level->message))++ * field->item_size;
    } else {
        message_build_mark(field, level->message);
    }
    switch (field->item_size) {
    case 4:
        memcpy(to, value, 4);
        break;
    case 8:
        memcpy(to, value, 8);
        break;
    default:
        memcpy(to, value, sizeof(*value));
        break;
    }
    return 0;
}

/* The text of a short string. False if it is too long to be of interest. */
static bool read_word(const struct json_raw *raw, char text[WORD_SIZE_MAX], struct slice *ret)
{
    *ret = raw->text;
    if (raw->escaped) {
        if (raw->text.size > WORD_SIZE_MAX) {
            return false;
        }
        *ret = slice_make(text, json_string_unescape(raw->text, text));
    }
    return true;
}

static bool convert_number(const struct layout_field *field, const struct json_number *number,
                           union value *ret)
{
    int64_t signed_value;
    uint64_t unsigned_value;
    switch ((ProtobufCType)field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        if (!json_number_to_int64(number, INT32_MIN, INT32_MAX, &signed_value)) {
            return false;
        }
        ret->int32 = (int32_t)signed_value;
        return true;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return json_number_to_int64(number, INT64_MIN, INT64_MAX, &ret->int64);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        if (!json_number_to_uint64(number, UINT32_MAX, &unsigned_value)) {
            return false;
        }
        ret->word = (uint32_t)unsigned_value;
        return true;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return json_number_to_uint64(number, UINT64_MAX, &ret->long_word);
    case PROTOBUF_C_TYPE_FLOAT:
        ret->real32 = (float)number->real;
        return isinf(number->real) || !isinf(ret->real32);
    case PROTOBUF_C_TYPE_DOUBLE:
        ret->real64 = number->real;
        return true;
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    WRONG("not a number");
}

static bool is_number_type(const struct layout_field *field)
{
    return field->wire != WIRE_BYTES && field->type != PROTOBUF_C_TYPE_BOOL &&
           field->type != PROTOBUF_C_TYPE_ENUM;
}

static int store_number(struct parser *p, const struct level *level,
                        const struct layout_field *field, const struct field_path *path,
                        const struct json_number *number)
{
    union value value = {0};
    if (!convert_number(field, number, &value)) {
        return invalid(p, path, "the number is out of range");
    }
    return store(p, level, field, &value);
}

static int parse_number(struct parser *p, const struct level *level,
                        const struct layout_field *field, const struct field_path *path)
{
    struct json_number number;
    if (!json_number_read(&p->scan.at, p->scan.end, &number)) {
        return not_json(p, path);
    }
    if (!is_number_type(field)) {
        return invalid(p, path, "a JSON number is not expected");
    }
    return store_number(p, level, field, path, &number);
}

static int parse_bool(struct parser *p, const struct level *level, const struct layout_field *field,
                      const struct field_path *path)
{
    bool is_true = *p->scan.at == 't';
    union value value = {.boolean = is_true};
    if (!json_scan_word(&p->scan, is_true ? SLICE("true") : SLICE("false"))) {
        return not_json(p, path);
    }
    if (field->type != PROTOBUF_C_TYPE_BOOL) {
        return invalid(p, path, "a JSON boolean is not expected");
    }
    return store(p, level, field, &value);
}

/* --- strings --- */

static int parse_text(struct parser *p, const struct level *level, const struct layout_field *field,
                      const struct field_path *path, const struct json_raw *raw)
{
    union value value = {0};
    size_t size = raw->text.size;
    value.text = arena_alloc_raw(p->arena, size + 1);
    if (value.text == NULL) {
        return too_large(p);
    }
    if (raw->escaped) {
        size = json_string_unescape(raw->text, value.text);
        if (memchr(value.text, '\0', size) != NULL) {
            return invalid(p, path, "NUL in a string");
        }
    } else {
        memcpy(value.text, raw->text.data, size);
    }
    value.text[size] = '\0';
    return store(p, level, field, &value);
}

static int parse_bytes(struct parser *p, const struct level *level,
                       const struct layout_field *field, const struct field_path *path,
                       const struct json_raw *raw)
{
    union value value = {0};
    char *data = arena_alloc_raw(p->arena, base64_size_max(raw->text.size) + raw->text.size);
    if (data == NULL) {
        return too_large(p);
    }
    struct slice text = raw->text;
    if (raw->escaped) {
        text = slice_make(data, json_string_unescape(raw->text, data));
    }
    if (!base64_decode_loose(text, data, &value.bytes.len)) {
        return invalid(p, path, "not base64");
    }
    value.bytes.data = (uint8_t *)data;
    return store(p, level, field, &value);
}

/* An unknown name is as if the field were not there, unless it is required. */
static int parse_enum(struct parser *p, const struct level *level, const struct layout_field *field,
                      const struct field_path *path, struct slice name)
{
    int index = layout_enum_find_name(field->values, p->names, name);
    if (index < 0) {
        return field->required ? invalid(p, path, "the enum has no such value") : 0;
    }
    union value value = {.int32 = field->values->desc->values[index].value};
    return store(p, level, field, &value);
}

/* A number or a boolean that is given as a string. */
static int parse_quoted(struct parser *p, const struct level *level,
                        const struct layout_field *field, const struct field_path *path,
                        struct slice text)
{
    struct json_number number = {.type = JSON_NUMBER_REAL};
    struct json_scan inner;
    bool is_real = field->type == PROTOBUF_C_TYPE_DOUBLE || field->type == PROTOBUF_C_TYPE_FLOAT;
    json_scan_init(&inner, text);
    json_scan_skip_space(&inner);
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        bool is_true = json_scan_peek(&inner) == 't';
        union value value = {.boolean = is_true};
        if (!json_scan_word(&inner, is_true ? SLICE("true") : SLICE("false")) ||
            json_scan_peek(&inner) != '\0' || inner.at != inner.end) {
            return invalid(p, path, "the string is not a boolean");
        }
        return store(p, level, field, &value);
    }
    if (is_real && slice_is(text, "Infinity")) {
        number.real = (double)INFINITY;
    } else if (is_real && slice_is(text, "-Infinity")) {
        number.real = -(double)INFINITY;
    } else if (!json_number_read(&inner.at, inner.end, &number) || json_scan_peek(&inner) != '\0' ||
               inner.at != inner.end) {
        return invalid(p, path, "the string is not a number");
    }
    return store_number(p, level, field, path, &number);
}

static int parse_word(struct parser *p, const struct level *level, const struct layout_field *field,
                      const struct field_path *path, const struct json_raw *raw)
{
    char text[WORD_SIZE_MAX];
    struct slice word;
    if (!read_word(raw, text, &word)) {
        word = slice_make(NULL, 0); /* no name, and no number, is as long */
    }
    return field->type == PROTOBUF_C_TYPE_ENUM ? parse_enum(p, level, field, path, word)
                                               : parse_quoted(p, level, field, path, word);
}

static int parse_string(struct parser *p, const struct level *level,
                        const struct layout_field *field, const struct field_path *path)
{
    struct json_raw raw;
    if (!json_scan_string(&p->scan, &raw)) {
        return not_json(p, path);
    }
    switch ((ProtobufCType)field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return parse_text(p, level, field, path, &raw);
    case PROTOBUF_C_TYPE_BYTES:
        return parse_bytes(p, level, field, path, &raw);
    case PROTOBUF_C_TYPE_MESSAGE:
        return invalid(p, path, "a JSON string is not expected");
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return parse_word(p, level, field, path, &raw);
    }
    WRONG("unknown type");
}

/* --- arrays and objects --- */

static int parse_value(struct parser *p, const struct level *level,
                       const struct layout_field *field, const struct field_path *path);
static int parse_members(struct parser *p, struct level *level);

/* As in the reference, arrays in an array are as if their brackets were not there. */
static int parse_array(struct parser *p, const struct level *level,
                       const struct layout_field *field, const struct field_path *path)
{
    bool is_first = true;
    bool more;
    if (!field->repeated) {
        return invalid(p, path, "a JSON array is not expected");
    }
    if (!json_scan_open(&p->scan)) {
        return not_json(p, path);
    }
    for (;;) {
        struct field_path inner = {path->up, path->name, *layout_count(field, level->message)};
        if (!json_scan_more(&p->scan, ']', &is_first, &more)) {
            return not_json(p, path);
        }
        if (!more) {
            return 0;
        }
        int status = parse_value(p, level, field, &inner);
        if (status != 0) {
            return status;
        }
    }
}

/* A new nested message, not yet stored. */
static int begin_message(struct parser *p, const struct level *up, const struct layout_field *field,
                         const struct field_path *path, struct level *ret)
{
    const struct layout *layout = layout_sub(field);
    *ret = (struct level){.layout = layout, .path = path, .depth = up->depth + 1};
    if (ret->depth > MESSAGE_DEPTH_MAX) {
        return invalid(p, path, "nested too deep");
    }
    ret->message = message_build_new(layout, p->arena);
    return ret->message != NULL ? 0 : too_large(p);
}

static int parse_message(struct parser *p, const struct level *level,
                         const struct layout_field *field, const struct field_path *path)
{
    struct level inner;
    int status = begin_message(p, level, field, path, &inner);
    if (status != 0) {
        return status;
    }
    union value value = {.message = inner.message};
    status = store(p, level, field, &value);
    return status != 0 ? status : parse_members(p, &inner);
}

/* The key of a map's entry, which is a string whatever its type. */
static int parse_map_key(struct parser *p, const struct level *entry, const struct field_path *path,
                         const struct json_raw *raw)
{
    const struct layout_field *key = &entry->layout->fields[0];
    return key->type == PROTOBUF_C_TYPE_STRING ? parse_text(p, entry, key, path, raw)
                                               : parse_word(p, entry, key, path, raw);
}

static int parse_map(struct parser *p, const struct level *level, const struct layout_field *field,
                     const struct field_path *path)
{
    bool is_first = true;
    bool more;
    if (!json_scan_open(&p->scan)) {
        return not_json(p, path);
    }
    for (;;) {
        struct json_raw raw;
        struct level entry;
        if (!json_scan_more(&p->scan, '}', &is_first, &more)) {
            return not_json(p, path);
        }
        if (!more) {
            return 0;
        }
        if (!json_scan_key(&p->scan, &raw)) {
            return not_json(p, path);
        }
        struct field_path inner = {path, raw.text, FIELD_PATH_SINGULAR};
        int status = begin_message(p, level, field, &inner, &entry);
        if (status == 0) {
            status = parse_map_key(p, &entry, &inner, &raw);
        }
        if (status == 0) {
            status = parse_value(p, &entry, &entry.layout->fields[1], &inner);
        }
        if (status == 0) {
            union value value = {.message = entry.message};
            status = store(p, level, field, &value);
        }
        if (status != 0) {
            return status;
        }
        p->unfinished = p->unfinished || *layout_count(field, level->message) > 1;
    }
}

static int parse_value(struct parser *p, const struct level *level,
                       const struct layout_field *field, const struct field_path *path)
{
    switch (json_scan_peek(&p->scan)) {
    case '"':
        return parse_string(p, level, field, path);
    case '{':
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            return invalid(p, path, "a JSON object is not expected");
        }
        return field->map ? parse_map(p, level, field, path) : parse_message(p, level, field, path);
    case '[':
        return parse_array(p, level, field, path);
    case 't':
    case 'f':
        return parse_bool(p, level, field, path);
    case 'n':
        return json_scan_word(&p->scan, SLICE("null")) ? 0 : not_json(p, path);
    default:
        return parse_number(p, level, field, path);
    }
}

/* --- messages --- */

static const struct layout_field *find_field(const struct parser *p, const struct layout *layout,
                                             const struct json_raw *raw)
{
    char text[WORD_SIZE_MAX];
    struct slice name;
    return read_word(raw, text, &name) ? layout_find_name(layout, p->names, name) : NULL;
}

/* Forgets a value that is given again. */
static void unset(const struct layout_field *field, const struct layout *layout,
                  ProtobufCMessage *message)
{
    if (field->oneof != 0) {
        uint32_t *number = layout_case(field, message);
        *number = *number == field->desc->id ? 0 : *number;
        return;
    }
    if (field->repeated) {
        *layout_count(field, message) = 0;
    } else if (field->required) {
        message->n_unknown_fields |= 1u << field->required_bit;
    } else if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE) {
        *layout_has(field, message) = 0;
    }
    memcpy(layout_member(field, message), layout_member(field, layout->image),
           field->repeated ? sizeof(void *) : field->item_size);
}

/* Whether another member of the same oneof is set whose name comes later in the alphabet: the
 * reference sets members in that order, so it stays. */
static bool is_outranked(const struct parser *p, const struct level *level,
                         const struct layout_field *field)
{
    uint32_t number = *layout_case(field, level->message);
    const struct layout_field *other = number != 0 ? layout_find(level->layout, number) : NULL;
    return other != NULL &&
           slice_compare(layout_name(other, p->names), layout_name(field, p->names)) > 0;
}

/* Reads a value into a message that is thrown away. */
static int parse_aside(struct parser *p, const struct level *level,
                       const struct layout_field *field, const struct field_path *path)
{
    struct level aside = *level;
    aside.message = message_build_new(level->layout, p->arena);
    return aside.message != NULL ? parse_value(p, &aside, field, path) : too_large(p);
}

static int parse_member(struct parser *p, struct level *level, const struct layout_field *field)
{
    struct field_path path = {level->path, layout_name(field, p->names), FIELD_PATH_SINGULAR};
    uint64_t bit = UINT64_C(1) << (field->index & 63);
    if ((level->seen[field->index >> 6] & bit) != 0) {
        unset(field, level->layout, level->message);
    }
    level->seen[field->index >> 6] |= bit;
    if (field->oneof != 0 && is_outranked(p, level, field)) {
        return parse_aside(p, level, field, &path);
    }
    return parse_value(p, level, field, &path);
}

/* The object at the scanner, which begins with '{'. */
static int parse_members(struct parser *p, struct level *level)
{
    bool is_first = true;
    bool more;
    if (!json_scan_open(&p->scan)) {
        return not_json(p, level->path);
    }
    for (;;) {
        struct json_raw raw;
        if (!json_scan_more(&p->scan, '}', &is_first, &more)) {
            return not_json(p, level->path);
        }
        if (!more) {
            p->unfinished = p->unfinished || level->message->n_unknown_fields != 0;
            return 0;
        }
        if (!json_scan_key(&p->scan, &raw)) {
            return not_json(p, level->path);
        }
        const struct layout_field *field = find_field(p, level->layout, &raw);
        if (field == NULL) {
            if (!json_scan_skip(&p->scan)) {
                return not_json(p, level->path);
            }
            continue;
        }
        int status = parse_member(p, level, field);
        if (status != 0) {
            return status;
        }
    }
}

/* The text begins with `opening`, and a message for it is there. */
static int begin(struct parser *p, struct level *level, struct slice text, char opening)
{
    json_scan_init(&p->scan, text);
    if (json_scan_peek(&p->scan) != opening) {
        return json_scan_skip(&p->scan) ? invalid(p, NULL,
                                                  opening == '{' ? "a JSON object is expected"
                                                                 : "a JSON array is expected")
                                        : not_json(p, NULL);
    }
    level->message = message_build_new(level->layout, p->arena);
    return level->message != NULL ? 0 : too_large(p);
}

/* Nothing follows, and nothing is missing. */
static int finish(struct parser *p, const struct level *level, ProtobufCMessage **ret_message)
{
    json_scan_skip_space(&p->scan);
    if (p->scan.at != p->scan.end) {
        return not_json(p, NULL);
    }
    if (p->unfinished && !message_build_finish(level->message, p->names, p->err)) {
        return JSON_E_INVALID;
    }
    *ret_message = level->message;
    return 0;
}

int json_parse_message(const ProtobufCMessageDescriptor *desc, struct slice text,
                       enum json_names names, struct arena *arena, ProtobufCMessage **ret_message,
                       struct err *err)
{
    struct parser p = {.names = names, .arena = arena, .err = err};
    struct level level = {.layout = layout_of(desc)};
    int status = begin(&p, &level, text, '{');
    if (status == 0) {
        status = parse_members(&p, &level);
    }
    return status != 0 ? status : finish(&p, &level, ret_message);
}

int json_parse_list(const ProtobufCMessageDescriptor *desc, const char *field, struct slice text,
                    enum json_names names, struct arena *arena, ProtobufCMessage **ret_message,
                    struct err *err)
{
    struct parser p = {.names = names, .arena = arena, .err = err};
    struct level level = {.layout = layout_of(desc)};
    const struct layout_field *list = layout_find_name(level.layout, names, slice_from(field));
    ASSERT(list != NULL && list->repeated);
    int status = begin(&p, &level, text, '[');
    if (status == 0) {
        struct field_path path = {NULL, layout_name(list, names), FIELD_PATH_SINGULAR};
        status = parse_array(&p, &level, list, &path);
        p.unfinished = p.unfinished || level.message->n_unknown_fields != 0;
    }
    return status != 0 ? status : finish(&p, &level, ret_message);
}
