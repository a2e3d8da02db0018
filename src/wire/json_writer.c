#include "wire/json.h"

#include "wire/json_number.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

/* Before a value: the comma that separates it from the last one. */
static void begin_value(struct json_writer *w)
{
    if (w->needs_comma) {
        buf_append_byte(w->out, ',');
    }
    w->needs_comma = true;
}

static void open(struct json_writer *w, char bracket)
{
    begin_value(w);
    buf_append_byte(w->out, bracket);
    w->needs_comma = false;
}

static void close(struct json_writer *w, char bracket)
{
    buf_append_byte(w->out, bracket);
    w->needs_comma = true;
}

void json_begin_object(struct json_writer *w)
{
    open(w, '{');
}

void json_end_object(struct json_writer *w)
{
    close(w, '}');
}

void json_begin_array(struct json_writer *w)
{
    open(w, '[');
}

void json_end_array(struct json_writer *w)
{
    close(w, ']');
}

void json_key(struct json_writer *w, const char *key)
{
    size_t size = strlen(key);
    char *to = buf_reserve(w->out, size + 4);
    char *start = to;
    if (w->needs_comma) {
        *to++ = ',';
    }
    *to++ = '"';
    memcpy(to, key, size);
    to += size;
    *to++ = '"';
    *to++ = ':';
    w->out->size += (size_t)(to - start);
    w->needs_comma = false;
}

void json_key_slice(struct json_writer *w, struct slice key)
{
    begin_value(w);
    json_quote(key, w->out);
    buf_append_byte(w->out, ':');
    w->needs_comma = false;
}

void json_string(struct json_writer *w, struct slice s)
{
    begin_value(w);
    json_quote(s, w->out);
}

void json_text(struct json_writer *w, const char *text)
{
    if (text == NULL) {
        json_null(w);
    } else {
        json_string(w, slice_from(text));
    }
}

void json_int(struct json_writer *w, int64_t value)
{
    begin_value(w);
    char *to = buf_reserve(w->out, JSON_NUMBER_TEXT_SIZE);
    w->out->size += (size_t)(json_number_put_int64(to, value) - to);
}

void json_uint(struct json_writer *w, uint64_t value)
{
    begin_value(w);
    char *to = buf_reserve(w->out, JSON_NUMBER_TEXT_SIZE);
    w->out->size += (size_t)(json_number_put_uint64(to, value) - to);
}

void json_double(struct json_writer *w, double value)
{
    begin_value(w);
    json_format_double(value, w->out);
}

void json_bool(struct json_writer *w, bool value)
{
    json_raw(w, value ? SLICE("true") : SLICE("false"));
}

void json_null(struct json_writer *w)
{
    json_raw(w, SLICE("null"));
}

void json_message(struct json_writer *w, const ProtobufCMessage *message, enum json_names names)
{
    begin_value(w);
    json_print_message(message, names, w->out);
}

void json_message_bytes(struct json_writer *w, const ProtobufCMessageDescriptor *desc,
                        struct slice bytes, enum json_names names)
{
    begin_value(w);
    json_print_bytes(desc, bytes, names, w->out);
}

void json_raw(struct json_writer *w, struct slice json)
{
    begin_value(w);
    buf_append_slice(w->out, json);
}

void json_key_text(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_text(w, text);
}

void json_key_string(struct json_writer *w, const char *key, struct slice s)
{
    json_key(w, key);
    json_string(w, s);
}

void json_key_int(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_int(w, value);
}

void json_key_double(struct json_writer *w, const char *key, double value)
{
    json_key(w, key);
    json_double(w, value);
}

void json_key_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}
