/* The names that fields and enum values have in v0 JSON.
 *
 * One set of messages serves both versions of the API, under the names of v1. v0 says slave where
 * v1 says agent, in 30 fields and 8 enum values; all others are called the same. Which names apply
 * is chosen where JSON is read or written, by the path of the request; nothing else needs to know.
 *
 * The names are static and end with NUL. Nothing here allocates or fails; all of it may be called
 * from any thread. A descriptor that is not ours is taken as one without differences. */
#ifndef TEPUI_WIRE_V0_NAMES_H
#define TEPUI_WIRE_V0_NAMES_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

/* The v0 name of field desc->fields[field_index], which must exist. */
const char *v0_name_field(const ProtobufCMessageDescriptor *desc, unsigned field_index);

/* The index into desc->fields of the field that v0 calls name (name_len bytes, no NUL needed), or
 * -1. A name that only v1 has is not found. */
int v0_name_find_field(const ProtobufCMessageDescriptor *desc, const char *name, size_t name_len);

/* The v0 name of desc->values[value_index], which must exist. */
const char *v0_name_enum(const ProtobufCEnumDescriptor *desc, unsigned value_index);

/* The index into desc->values of the value that v0 calls name, or -1. Aliases are found, too. */
int v0_name_find_enum(const ProtobufCEnumDescriptor *desc, const char *name, size_t name_len);

#endif
