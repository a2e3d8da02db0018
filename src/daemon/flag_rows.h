/*
 * Flags as rows: each flag is said once, in an .inc file, and becomes a member of the program's
 * struct and a row of its table.
 *
 *     FLAG(type, name, default, support, help, ...)
 *
 * The type is one of enum flag_type without FLAG_; what follows the help are further members of
 * struct flag (.alias, .off_text, .required). The member is called as the flag is; durations end in
 * _ns, sizes in _bytes.
 */
#ifndef TEPUI_DAEMON_FLAG_ROWS_H
#define TEPUI_DAEMON_FLAG_ROWS_H

#include "common/flags.h"

#define FLAG_FIELD_BOOL(name) name
#define FLAG_FIELD_INT(name) name
#define FLAG_FIELD_DOUBLE(name) name
#define FLAG_FIELD_STRING(name) name
#define FLAG_FIELD_PATH(name) name
#define FLAG_FIELD_JSON(name) name
#define FLAG_FIELD_DURATION(name) name##_ns
#define FLAG_FIELD_BYTES(name) name##_bytes

#define FLAG_CTYPE_BOOL bool
#define FLAG_CTYPE_INT int64_t
#define FLAG_CTYPE_DOUBLE double
#define FLAG_CTYPE_STRING const char *
#define FLAG_CTYPE_PATH const char *
#define FLAG_CTYPE_JSON const char *
#define FLAG_CTYPE_DURATION int64_t
#define FLAG_CTYPE_BYTES int64_t

/* For `#define FLAG FLAG_MEMBER` in a struct. */
#define FLAG_MEMBER(type_, name_, ...) FLAG_CTYPE_##type_ FLAG_FIELD_##type_(name_);

/* For `#define FLAG(...) FLAG_ROW(struct x, __VA_ARGS__)` in a table. */
#define FLAG_ROW(owner_, type_, name_, default_, support_, help_, ...) \
    {.name = #name_,                                                   \
     .type = FLAG_##type_,                                             \
     .default_text = (default_),                                       \
     .support = (support_),                                            \
     .help = (help_),                                                  \
     .offset = offsetof(owner_, FLAG_FIELD_##type_(name_)),            \
     __VA_ARGS__},

#endif
