#include "daemon/flags_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "election/peers_url.h"
#include "election/zk_url.h"

#define PORT_MAX 65535

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

int flags_check_zk(const char *flag, const char *text, struct err *err)
{
    if (text == NULL) {
        return 0;
    }
    struct arena arena;
    struct zk_url url;
    arena_init(&arena, 0);
    int r = zk_url_parse(slice_from(text), &arena, &url, err);
    arena_deinit(&arena);
    return r == 0 ? 0 : err_wrap(err, r, "--%s", flag);
}

int flags_check_peers(const char *flag, const char *text, bool is_url, struct err *err)
{
    if (text == NULL) {
        return 0;
    }
    struct arena arena;
    struct peers_url url;
    arena_init(&arena, 0);
    int r = is_url ? peers_url_parse(slice_from(text), &arena, &url, err)
                   : peers_url_parse_list(slice_from(text), &arena, &url, err);
    arena_deinit(&arena);
    return r == 0 ? 0 : err_wrap(err, r, "--%s", flag);
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
