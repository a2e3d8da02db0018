/*
 * Names of roles: "*" or a path such as "eng/web/prod". A role's reservations may be used by its
 * descendants.
 */
#ifndef TEPUI_RESOURCES_ROLES_H
#define TEPUI_RESOURCES_ROLES_H

#include <stdbool.h>

#include "common/err.h"
#include "common/slice.h"

enum {
    ROLE_E_INVALID = 1, /* err tells why, in the reference's words */
};

/* 0 or ROLE_E_INVALID. */
int role_validate(struct slice role, struct err *err) WARN_UNUSED;
/* As role_validate, for each in a list separated by commas (--roles). */
int role_validate_list(struct slice list, struct err *err) WARN_UNUSED;

static inline bool role_is_star(struct slice role)
{
    return role.size == 1 && role.data[0] == '*';
}

/* "a/b" is a strict subrole of "a". */
bool role_is_strict_subrole(struct slice role, struct slice ancestor);
/* The same role or a strict subrole. */
bool role_is_within(struct slice role, struct slice ancestor);
/* "a/b/c" gives "a/b"; false for a top level role. Loop with it over all ancestors, nearest first.
 */
bool role_parent(struct slice role, struct slice *ret_parent);
/* "a/b/c" gives "a". */
struct slice role_top(struct slice role);

static inline bool role_is_nested(struct slice role)
{
    return slice_find(role, '/') >= 0;
}

#endif
