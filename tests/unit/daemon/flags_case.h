/*
 * Command lines that a program takes or refuses, with what it says of them.
 */
#ifndef TEPUI_TESTS_UNIT_DAEMON_FLAGS_CASE_H
#define TEPUI_TESTS_UNIT_DAEMON_FLAGS_CASE_H

#include "../unit.h"

#include "common/flags.h"

/* Parses and validates the arguments, which end with NULL. */
typedef int flags_case_fn(char **arguments, int count, struct err *err);

#define FLAGS_CASE_ARGUMENTS_MAX 12

struct flags_case {
    const char *what;                                /* in the message, NULL = accepted */
    const char *arguments[FLAGS_CASE_ARGUMENTS_MAX]; /* beside the usual ones */
};

/* Does the case name the flag, as --name=value, or as !name, which leaves it out? */
static inline bool flags_case_replaces(const struct flags_case *c, const char *usual)
{
    struct slice name = slice_make(usual + 2, strcspn(usual, "=") - 2);
    for (const char *const *own = c->arguments; *own != NULL; own++) {
        struct slice own_name = slice_make(*own, strcspn(*own, "="));
        if (slice_equal(slice_skip(own_name, (*own)[0] == '!' ? 1 : 2), name)) {
            return true;
        }
    }
    return false;
}

/* The case's own arguments stand for usual ones of the same name. */
static inline void flags_case_check(flags_case_fn *run, const char *const *usual,
                                    const struct flags_case *c)
{
    char *arguments[2 * FLAGS_CASE_ARGUMENTS_MAX] = {(char *)(uintptr_t) "program"};
    int count = 1;
    for (; *usual != NULL; usual++) {
        if (!flags_case_replaces(c, *usual)) {
            arguments[count++] = (char *)(uintptr_t)*usual;
        }
    }
    for (const char *const *own = c->arguments; *own != NULL; own++) {
        if ((*own)[0] != '!') {
            arguments[count++] = (char *)(uintptr_t)*own;
        }
    }
    struct err err = {""};
    int r = run(arguments, count, &err);
    if (c->what == NULL ? r != 0 : r >= 0 || strstr(err.text, c->what) == NULL) {
        fail_msg("%s: expected %s, got %d '%s'", c->arguments[0],
                 c->what != NULL ? c->what : "no error", r, err.text);
    }
}

#endif
