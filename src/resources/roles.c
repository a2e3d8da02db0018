#include "resources/roles.h"

int role_validate(struct slice role, struct err *err)
{
    if (role_is_star(role)) {
        return 0;
    }
    if (role.size == 0) {
        return err_set(err, ROLE_E_INVALID, "Role names cannot be the empty string");
    }
    if (role.data[0] == '/') {
        return err_set(err, ROLE_E_INVALID, "Role '%.*s' cannot start with a slash",
                       SLICE_ARGS(role));
    }
    if (role.data[role.size - 1] == '/') {
        return err_set(err, ROLE_E_INVALID, "Role '%.*s' cannot end with a slash",
                       SLICE_ARGS(role));
    }
    struct slice rest = role;
    struct slice part;
    while (slice_split(&rest, '/', &part)) {
        if (part.size == 0) {
            return err_set(err, ROLE_E_INVALID, "Role '%.*s' cannot contain two adjacent slashes",
                           SLICE_ARGS(role));
        }
        if (slice_is(part, ".") || slice_is(part, "..") || slice_is(part, "*")) {
            return err_set(err, ROLE_E_INVALID, "Role '%.*s' cannot include '%.*s' as a component",
                           SLICE_ARGS(role), SLICE_ARGS(part));
        }
        if (part.data[0] == '-') {
            return err_set(err, ROLE_E_INVALID,
                           "Role component '%.*s' is invalid because it starts with a dash",
                           SLICE_ARGS(part));
        }
        for (size_t i = 0; i < part.size; i++) {
            char c = part.data[i];
            if ((c >= '\t' && c <= '\r') || c == ' ' || c == 0x7f) {
                return err_set(err, ROLE_E_INVALID,
                               "Role component '%.*s' is invalid because it contains backspace or "
                               "whitespace",
                               SLICE_ARGS(part));
            }
        }
    }
    return 0;
}

int role_validate_list(struct slice list, struct err *err)
{
    struct slice role;
    while (slice_split(&list, ',', &role)) {
        int r = role.size != 0 ? role_validate(role, err) : 0;
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

bool role_is_strict_subrole(struct slice role, struct slice ancestor)
{
    return role.size > ancestor.size && role.data[ancestor.size] == '/' &&
           slice_starts_with(role, ancestor);
}

bool role_is_within(struct slice role, struct slice ancestor)
{
    return slice_equal(role, ancestor) || role_is_strict_subrole(role, ancestor);
}

bool role_parent(struct slice role, struct slice *ret_parent)
{
    for (size_t i = role.size; i > 0; i--) {
        if (role.data[i - 1] == '/') {
            *ret_parent = slice_make(role.data, i - 1);
            return true;
        }
    }
    return false;
}

struct slice role_top(struct slice role)
{
    ptrdiff_t at = slice_find(role, '/');
    return at < 0 ? role : slice_make(role.data, (size_t)at);
}
