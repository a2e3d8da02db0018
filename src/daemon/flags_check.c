#include "daemon/flags_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/log.h"

#define PORT_MAX 65535
#define ZK_SCHEME "zk://"

int flags_check_numbers(const struct flag *table, size_t count, const void *values, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].type != FLAG_INT && table[i].type != FLAG_DURATION &&
            table[i].type != FLAG_BYTES) {
            continue;
        }
        int64_t value;
        memcpy(&value, (const char *)values + table[i].offset, sizeof(value));
        if (value < 0 && value != FLAG_UNSET) {
            return err_set(err, -EINVAL, "--%s: a value below zero makes no sense", table[i].name);
        }
    }
    return 0;
}

int flags_check_range(const char *flag, int64_t value, int64_t least, int64_t most,
                      const char *range, struct err *err)
{
    if (value < least || value > most) {
        return err_set(err, -EINVAL, "--%s: expected to be %s", flag, range);
    }
    return 0;
}

int flags_check_choice(const char *flag, const char *value, const char *const *choices,
                       struct err *err)
{
    for (const char *const *choice = choices; value != NULL && *choice != NULL; choice++) {
        if (strcmp(value, *choice) == 0) {
            return 0;
        }
    }
    return value == NULL ? 0 : err_set(err, -EINVAL, "--%s: '%.80s' is unknown", flag, value);
}

int flags_check_ipv4(const char *flag, const char *text, struct err *err)
{
    struct in_addr address;
    if (text != NULL && inet_pton(AF_INET, text, &address) != 1) {
        return err_set(err, -EINVAL, "--%s: '%.80s' is not an IPv4 address", flag, text);
    }
    return 0;
}

int flags_check_port(const char *flag, int64_t port, struct err *err)
{
    return flags_check_range(flag, port, 0, PORT_MAX, "a port, 0 to 65535", err);
}

int flags_check_port_text(const char *flag, const char *text, struct err *err)
{
    int64_t port;
    if (text == NULL) {
        return 0;
    }
    if (!slice_parse_int64(slice_from(text), &port)) {
        return err_set(err, -EINVAL, "--%s: '%.80s' is not a port", flag, text);
    }
    return flags_check_port(flag, port, err);
}

static bool is_host_and_port(struct slice text)
{
    ptrdiff_t colon = slice_find(text, ':');
    uint64_t port;
    return colon > 0 && slice_parse_uint64(slice_skip(text, (size_t)colon + 1), &port) &&
           port > 0 && port <= PORT_MAX;
}

/* The part behind the last c, or all of it. */
static struct slice behind_last(struct slice s, char c)
{
    size_t at = s.size;
    while (at > 0 && s.data[at - 1] != c) {
        at--;
    }
    return slice_skip(s, at);
}

int flags_check_zk(const char *flag, const char *text, struct err *err)
{
    struct slice url = slice_trim(slice_from(text));
    if (text == NULL) {
        return 0;
    }
    if (!slice_starts_with(url, SLICE(ZK_SCHEME))) {
        return err_set(err, -EINVAL, "--%s: the URL begins with " ZK_SCHEME, flag);
    }
    struct slice rest = slice_skip(url, strlen(ZK_SCHEME));
    /* A password may hold slashes, so the servers begin behind the last '@'. */
    struct slice servers = behind_last(rest, '@');
    ptrdiff_t slash = slice_find(servers, '/');
    if (slash < 0 || servers.size - (size_t)slash < 2) {
        return err_set(err, -EINVAL, "--%s: the URL needs a path other than /", flag);
    }
    servers.size = (size_t)slash;
    struct slice server;
    while (slice_split(&servers, ',', &server)) {
        if (!is_host_and_port(server)) {
            return err_set(err, -EINVAL, "--%s: '%.*s' is not a host and a port", flag,
                           (int)MIN(server.size, (size_t)80), server.data);
        }
    }
    return 0;
}

int flags_check_logging_level(const char *text, struct err *err)
{
    enum log_level level;
    if (!log_level_parse(text, &level)) {
        return err_set(err, -EINVAL, "--logging_level: '%.80s' is not INFO, WARNING or ERROR",
                       text);
    }
    return 0;
}
