#include "election/zk_url.h"

#include <errno.h>

#include "common/buf.h"

/* Of a host in an error's text. */
#define SHOWN_SIZE_MAX 80

bool zk_url_is(struct slice text)
{
    return slice_starts_with(slice_trim(text), SLICE(ZK_URL_SCHEME));
}

static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        if ((unsigned char)s.data[i] <= ' ' || s.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* The index of the last c, or -1. */
static ptrdiff_t find_last(struct slice s, char c)
{
    for (size_t i = s.size; i > 0; i--) {
        if (s.data[i - 1] == c) {
            return (ptrdiff_t)i - 1;
        }
    }
    return -1;
}

static bool is_port(struct slice s)
{
    uint64_t port;
    return slice_parse_uint64(s, &port) && port > 0 && port <= UINT16_MAX;
}

/* Appends "host:port" to the list. */
static bool add_host(struct slice host, struct buf *out)
{
    bool bracketed = host.size > 0 && host.data[0] == '[';
    ptrdiff_t end = bracketed ? slice_find(host, ']') : -1;
    struct slice rest = slice_skip(host, bracketed && end > 0 ? (size_t)end + 1 : 0);
    ptrdiff_t colon = slice_find(rest, ':');
    if (bracketed && (end < 2 || (rest.size > 0 && colon != 0))) {
        return false;
    }
    if (host.size == 0 || has_control(host) || (!bracketed && colon == 0)) {
        return false;
    }
    if (out->size > 0) {
        buf_append_byte(out, ',');
    }
    buf_append_slice(out, host);
    return colon >= 0 && is_port(slice_skip(rest, (size_t)colon + 1));
}

static int parse_hosts(struct slice hosts, struct arena *arena, struct zk_url *url, struct err *err)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    struct slice host;
    size_t count = 0;
    while (slice_split(&hosts, ',', &host)) {
        host = slice_trim(host);
        if (!add_host(host, &out)) {
            return err_set(err, -EINVAL, "'%.*s' is not a host and a port",
                           (int)MIN(host.size, (size_t)SHOWN_SIZE_MAX), host.data);
        }
        if (++count > ZK_URL_HOSTS_MAX) {
            return err_set(err, -EINVAL, "more than %d hosts", ZK_URL_HOSTS_MAX);
        }
    }
    url->hosts = arena_strdup(arena, buf_text(&out));
    return 0;
}

/* ZooKeeper refuses empty parts and those of dots; one slash at the end is cut off. */
static int parse_path(struct slice path, struct arena *arena, struct zk_url *url, struct err *err)
{
    if (path.size > 1 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    if (path.size < 2) {
        return err_set(err, -EINVAL, "the URL needs a path other than /");
    }
    if (has_control(path)) {
        return err_set(err, -EINVAL, "the path has a space or a control character in it");
    }
    struct slice rest = slice_skip(path, 1);
    struct slice part;
    while (slice_split(&rest, '/', &part)) {
        if (part.size == 0 || slice_is(part, ".") || slice_is(part, "..")) {
            return err_set(err, -EINVAL, "the path has a part that is empty, . or ..");
        }
    }
    url->path = arena_strndup(arena, path.data, path.size);
    return 0;
}

int zk_url_parse(struct slice text, struct arena *arena, struct zk_url *ret_url, struct err *err)
{
    text = slice_trim(text);
    if (!zk_url_is(text)) {
        return err_set(err, -EINVAL, "the URL begins with " ZK_URL_SCHEME);
    }
    if (text.size > ZK_URL_SIZE_MAX) {
        return err_set(err, -EINVAL, "the URL is longer than %d bytes", ZK_URL_SIZE_MAX);
    }
    struct zk_url url = {0};
    struct slice rest = slice_skip(text, strlen(ZK_URL_SCHEME));
    ptrdiff_t at = find_last(rest, '@');
    if (at >= 0) {
        struct slice credentials = slice_make(rest.data, (size_t)at);
        if (slice_find(credentials, ':') <= 0 || slice_find(credentials, '\0') >= 0) {
            return err_set(err, -EINVAL, "what stands before the @ is not user:password");
        }
        url.credentials = arena_strndup(arena, rest.data, (size_t)at);
        rest = slice_skip(rest, (size_t)at + 1);
    }
    ptrdiff_t slash = slice_find(rest, '/');
    size_t hosts_size = slash < 0 ? rest.size : (size_t)slash;
    int r = parse_path(slice_skip(rest, hosts_size), arena, &url, err);
    if (r == 0) {
        r = parse_hosts(slice_make(rest.data, hosts_size), arena, &url, err);
    }
    if (r == 0) {
        *ret_url = url;
    }
    return r;
}
