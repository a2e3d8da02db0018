/*
 * Command-line flags as a table: Mesos' names, types, defaults and help once, from which parsing,
 * --help, /flags and the operator's manual are made.
 *
 * Sources, later ones win: defaults, MESOS_<NAME> in the environment (a prefix given by the
 * caller), the command line as --name=value, --name, --no-name. A value file:///path is read from
 * the file (facts/features.md M1). Unknown flags on the command line are an error that names the
 * flag; unknown variables are ignored; a known variable with a bad value is an error
 * (facts/observed.md). Names are taken in any case. A flag may stand only once on the command line,
 * under any name. Deprecated aliases are accepted and warned of.
 *
 * The values land in a struct of the program's own; each row says at which offset and of which
 * type.
 */
#ifndef TEPUI_COMMON_FLAGS_H
#define TEPUI_COMMON_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"

/* What a whole number, duration or size holds that was not given and has no default. */
#define FLAG_UNSET INT64_MIN

enum flag_type {
    FLAG_BOOL,     /* bool: --name, --no-name, --name=true|1|false|0 */
    FLAG_INT,      /* int64_t */
    FLAG_DOUBLE,   /* double */
    FLAG_STRING,   /* const char *, NULL when neither given nor defaulted; file:// is read */
    FLAG_PATH,     /* const char *: as FLAG_STRING but file:// is only stripped, not read */
    FLAG_DURATION, /* int64_t nanoseconds */
    FLAG_BYTES,    /* int64_t bytes */
    FLAG_JSON,     /* const char *: JSON text (inline, an absolute path, or file://), checked to be
                      well-formed; NULL when not given */
};

/* What becomes of a flag whose feature is not built yet. */
enum flag_support {
    FLAG_SUPPORTED, /* used */
    FLAG_UNUSED,    /* only names a place or tunes a thing that nothing uses yet: accepted */
    FLAG_OFF_ONLY,  /* a value that differs from the default is refused: "not supported yet: --x" */
};

struct flag {
    const char *name;
    const char *alias;        /* deprecated name, or NULL */
    const char *default_text; /* parsed like a given value; NULL = none */
    const char *help;
    const char *off_text; /* FLAG_OFF_ONLY: one more accepted value besides the default, or NULL */
    size_t offset;        /* of the member in the program's struct */
    enum flag_type type;
    enum flag_support support;
    bool required;
};

struct flags {
    const struct flag *table;
    size_t count;
    void *values;        /* the program's struct */
    bool *given;         /* by index: set by environment or command line; in the arena */
    const char **texts;  /* by index: the text of the value in force (as given, before file:// was
                            read), NULL = none */
    struct arena *arena; /* owns all text */
};

struct flags_source {
    int argc;
    char **argv;        /* argv[0] is skipped */
    char **envp;        /* "NAME=value", NULL-terminated; may be NULL */
    const char *prefix; /* "MESOS_" */
    int *ret_rest;      /* if not NULL, positional arguments are allowed, and this is set to the
                           index of the first (argc if none); else they are an error */
};

/* Sets table, count, values and arena before; the rest, and every value, is set here. The arena is
 * without budget, and all text in the values lives in it or in the table, argv and envp.
 * Returns 0, or -EINVAL (or the -errno of a file) with a message that names the flag. `warnings`
 * (may be NULL) gets one line for each deprecated form used. --help and --version are ordinary bool
 * flags of the table; where one of them is on, no flag is required and none is refused as not
 * supported. */
int flags_parse(struct flags *flags, const struct flags_source *source, struct buf *warnings,
                struct err *err) WARN_UNUSED;

/* Index in the table, or -1. */
int flags_find(const struct flags *flags, const char *name);
bool flags_given(const struct flags *flags, const char *name);

/* The value in force as /flags shows it: numbers, durations and sizes in their shortest form, text
 * as it was given (so a value read from a file shows as file://, and no secret gets out). False if
 * the flag has no value. */
bool flags_format(const struct flags *flags, size_t index, struct buf *out) WARN_UNUSED;

/* Text for --help. */
void flags_usage(const struct flags *flags, const char *program, const char *about,
                 struct buf *out);

#endif
