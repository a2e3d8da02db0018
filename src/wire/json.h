/*
 * JSON, both ways, by descriptors and without a tree in between.
 *
 * Rules are those of the reference (facts/observed.md, golden/): enums as names, bytes in base64,
 * 64-bit integers as numbers, maps as objects, unset optional fields with a declared default are
 * printed (but for deprecated ones), other unset ones are not, empty repeated fields are not (but
 * for those of a few v1 answers, see layout.c), doubles as the shortest text that reads back the
 * same, and infinite ones as strings; members in the order in which the .proto file declares them.
 * Reading: unknown fields are ignored, null is unset, numbers and booleans may be given as strings,
 * integers may be written as 1.0, unknown values of optional enums are unset, of duplicate keys the
 * last counts; a missing required field or a wrong type is an error that names the path.
 */
#ifndef TEPUI_WIRE_JSON_H
#define TEPUI_WIRE_JSON_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"

/* Levels of nested objects and arrays that are read (the reference's limit, facts/observed.md). */
#define JSON_DEPTH_MAX 200

/* Which names 30 fields and 8 enum values go by (agent or slave). */
enum json_names { JSON_V0, JSON_V1 };

/* --- messages --- */

void json_print_message(const ProtobufCMessage *message, enum json_names names, struct buf *out);

/* The same text straight from the encoded bytes, which were made by us or have been checked. */
void json_print_bytes(const ProtobufCMessageDescriptor *desc, struct slice bytes,
                      enum json_names names, struct buf *out);

enum {
    JSON_E_SYNTAX = 1, /* not JSON, or nested too deep */
    JSON_E_INVALID,    /* JSON, but not this message: err names the path */
    JSON_E_BUDGET,     /* the arena's budget is used up */
};

/* 0 or JSON_E_*. Fields and enum values go by the names of `names` alone: those of the other
 * version are unknown ones. */
int json_parse_message(const ProtobufCMessageDescriptor *desc, struct slice text,
                       enum json_names names, struct arena *arena, ProtobufCMessage **ret_message,
                       struct err *err) WARN_UNUSED;
/* An array: the elements of the repeated field of that name, of a message that holds nothing else.
 * Some of the older endpoints take such bodies. */
int json_parse_list(const ProtobufCMessageDescriptor *desc, const char *field, struct slice text,
                    enum json_names names, struct arena *arena, ProtobufCMessage **ret_message,
                    struct err *err) WARN_UNUSED;

/* --- a writer for the older endpoints --- */

/* Commas are put by the writer; keys must be literals of plain characters. */
struct json_writer {
    struct buf *out;
    bool needs_comma;
};

void json_writer_init(struct json_writer *w, struct buf *out);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_key_slice(struct json_writer *w, struct slice key); /* escaped */
/* Two functions bear names that libjansson has, too: symbols of their own keep the two apart where
 * a program links both. */
void json_string(struct json_writer *w, struct slice s) __asm__("tepui_json_string");
void json_text(struct json_writer *w, const char *text); /* NULL gives null */
void json_int(struct json_writer *w, int64_t value);
void json_uint(struct json_writer *w, uint64_t value);
void json_double(struct json_writer *w, double value);
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w) __asm__("tepui_json_null");
void json_message(struct json_writer *w, const ProtobufCMessage *message, enum json_names names);
void json_message_bytes(struct json_writer *w, const ProtobufCMessageDescriptor *desc,
                        struct slice bytes, enum json_names names);
void json_raw(struct json_writer *w, struct slice json); /* a whole value, already text */

/* key and value at once */
void json_key_text(struct json_writer *w, const char *key, const char *text);
void json_key_string(struct json_writer *w, const char *key, struct slice s);
void json_key_int(struct json_writer *w, const char *key, int64_t value);
void json_key_double(struct json_writer *w, const char *key, double value);
void json_key_bool(struct json_writer *w, const char *key, bool value);

/* A quoted JSON string; bytes that are not UTF-8 are replaced. */
void json_quote(struct slice s, struct buf *out);

/* Resource amounts and other numbers: shortest text that reads back the same, "1.0" for whole
 * doubles as the reference writes them. */
void json_format_double(double value, struct buf *out);

#endif
