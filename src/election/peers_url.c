#include "election/peers_url.h"

#include <errno.h>

/* Of what is wrong, in an error's text. */
#define SHOWN_SIZE_MAX 80

bool peers_url_is(struct slice text)
{
    return slice_starts_with(slice_trim(text), SLICE(PEERS_URL_SCHEME));
}

static int refuse(struct slice text, const char *why, struct err *err)
{
    return err_set(err, -EINVAL, "'%.*s' %s", (int)MIN(text.size, (size_t)SHOWN_SIZE_MAX),
                   text.data != NULL ? text.data : "", why);
}

static bool contains(struct slice text, const char *part)
{
    struct slice wanted = slice_from(part);
    for (size_t i = 0; i + wanted.size <= text.size; i++) {
        if (slice_starts_with(slice_skip(text, i), wanted)) {
            return true;
        }
    }
    return false;
}

static bool is_host(struct slice host, bool bracketed)
{
    for (size_t i = 0; i < host.size; i++) {
        unsigned char c = (unsigned char)host.data[i];
        bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
        if (!is_name && !(bracketed && (c == ':' || c == '%'))) {
            return false;
        }
    }
    return host.size > 0 && host.size <= PEERS_URL_HOST_SIZE_MAX;
}

static bool parse_host(struct slice text, struct arena *arena, struct peers_host *ret_host)
{
    size_t colon = text.size;
    uint64_t port;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 || !slice_parse_uint64(slice_skip(text, colon), &port) || port == 0 ||
        port > UINT16_MAX) {
        return false;
    }
    struct slice host = slice_make(text.data, colon - 1);
    bool bracketed = host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    if (bracketed) {
        host = slice_make(host.data + 1, host.size - 2);
    }
    if (!is_host(host, bracketed)) {
        return false;
    }
    ret_host->name = arena_strndup(arena, host.data, host.size);
    ret_host->port = (uint16_t)port;
    return true;
}

int peers_url_parse_list(struct slice text, struct arena *arena, struct peers_url *ret_url,
                         struct err *err)
{
    struct peers_url url = {.count = 0};
    struct slice rest = slice_trim(text);
    struct slice host;
    if (contains(rest, "://")) {
        return refuse(rest, "has a scheme; host:port,host:port,... is expected", err);
    }
    while (slice_split(&rest, ',', &host)) {
        if (url.count == PEERS_URL_HOSTS_MAX) {
            return err_set(err, -EINVAL, "more than %d hosts", PEERS_URL_HOSTS_MAX);
        }
        host = slice_trim(host);
        if (!parse_host(host, arena, &url.hosts[url.count++])) {
            return refuse(host, "is not host:port", err);
        }
    }
    if (url.count == 0) {
        return err_set(err, -EINVAL, "no host is named");
    }
    *ret_url = url;
    return 0;
}

int peers_url_parse(struct slice text, struct arena *arena, struct peers_url *ret_url,
                    struct err *err)
{
    text = slice_trim(text);
    if (!peers_url_is(text)) {
        return err_set(err, -EINVAL, "the URL begins with " PEERS_URL_SCHEME);
    }
    struct slice list = slice_skip(text, sizeof(PEERS_URL_SCHEME) - 1);
    if (contains(list, "://")) {
        return refuse(text, "mixes ways to find the leader: peers:// stands alone, with host:port",
                      err);
    }
    if (list.size > 0 && list.data[list.size - 1] == '/') {
        list.size--;
    }
    if (slice_find(list, '/') >= 0 || slice_find(list, '@') >= 0) {
        return refuse(
            text, "has a path or a password, of which masters without ZooKeeper have none", err);
    }
    return peers_url_parse_list(list, arena, ret_url, err);
}
