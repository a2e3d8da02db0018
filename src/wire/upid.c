#include "wire/upid.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "wire/url.h"

bool address_equal(const struct address *a, const struct address *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static bool parse_ip(struct slice text, bool bracketed, struct address *address)
{
    char copy[INET6_ADDRSTRLEN + 1];
    if (text.size == 0 || text.size >= sizeof(copy) || slice_find(text, '\0') >= 0) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    address->family = bracketed ? 6 : 4;
    return inet_pton(bracketed ? AF_INET6 : AF_INET, copy, address->ip) == 1;
}

bool address_parse(struct slice text, struct address *ret)
{
    struct address address = {0};
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    uint64_t port;
    if (colon == 0 || !slice_parse_uint64(slice_skip(text, colon), &port) || port > UINT16_MAX) {
        return false;
    }
    address.port = (uint16_t)port;
    struct slice ip = slice_make(text.data, colon - 1);
    bool bracketed = ip.size > 2 && ip.data[0] == '[' && ip.data[ip.size - 1] == ']';
    if (bracketed) {
        ip = slice_make(ip.data + 1, ip.size - 2);
    }
    if (!parse_ip(ip, bracketed, &address)) {
        return false;
    }
    *ret = address;
    return true;
}

void address_format_ip(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    if (address->family == 0) {
        (void)snprintf(text, ADDRESS_TEXT_SIZE, "0.0.0.0");
        return;
    }
    const char *done =
        inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->ip, text, ADDRESS_TEXT_SIZE);
    ASSERT(done != NULL);
}

void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    char ip[ADDRESS_TEXT_SIZE];
    address_format_ip(address, ip);
    bool brackets = address->family == 6;
    int size = snprintf(text, ADDRESS_TEXT_SIZE, "%s%s%s:%u", brackets ? "[" : "", ip,
                        brackets ? "]" : "", address->port);
    ASSERT(size > 0 && size < ADDRESS_TEXT_SIZE);
}

void address_to_sockaddr(const struct address *address, struct sockaddr_storage *ret,
                         socklen_t *ret_size)
{
    memset(ret, 0, sizeof(*ret));
    if (address->family == 6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        memcpy(&in6->sin6_addr, address->ip, sizeof(in6->sin6_addr));
        *ret_size = sizeof(*in6);
    } else {
        struct sockaddr_in *in = (struct sockaddr_in *)ret;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->ip, sizeof(in->sin_addr));
        *ret_size = sizeof(*in);
    }
}

bool address_from_sockaddr(const struct sockaddr *sockaddr, struct address *ret)
{
    struct address address = {0};
    if (sockaddr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sockaddr, sizeof(in));
        address.family = 4;
        address.port = ntohs(in.sin_port);
        memcpy(address.ip, &in.sin_addr, sizeof(in.sin_addr));
    } else if (sockaddr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sockaddr, sizeof(in6));
        address.port = ntohs(in6.sin6_port);
        /* A listener for both families shows IPv4 peers as ::ffff:a.b.c.d. */
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
            address.family = 4;
            memcpy(address.ip, in6.sin6_addr.s6_addr + 12, 4);
        } else {
            address.family = 6;
            memcpy(address.ip, &in6.sin6_addr, sizeof(in6.sin6_addr));
        }
    } else {
        return false;
    }
    *ret = address;
    return true;
}

static bool is_any(const struct address *address)
{
    static const uint8_t zero[sizeof(address->ip)];
    return address->port == 0 && memcmp(address->ip, zero, sizeof(zero)) == 0;
}

bool upid_parse(struct slice text, struct upid *ret)
{
    struct upid upid = {0};
    ptrdiff_t at = slice_find(text, '@');
    if (at < 0 || at > UPID_ID_SIZE_MAX ||
        !address_parse(slice_skip(text, (size_t)at + 1), &upid.address)) {
        return false;
    }
    if (at == 0 && !is_any(&upid.address)) {
        return false;
    }
    for (ptrdiff_t i = 0; i < at; i++) {
        /* It is written into paths and headers as it is. */
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 127) {
            return false;
        }
    }
    memcpy(upid.id, text.data, (size_t)at);
    *ret = upid;
    return true;
}

void upid_format(const struct upid *upid, char text[UPID_TEXT_SIZE])
{
    char address[ADDRESS_TEXT_SIZE];
    address_format(&upid->address, address);
    int size = snprintf(text, UPID_TEXT_SIZE, "%s@%s", upid->id, address);
    ASSERT(size > 0 && size < UPID_TEXT_SIZE);
}

bool upid_equal(const struct upid *a, const struct upid *b)
{
    return address_equal(&a->address, &b->address) && strcmp(a->id, b->id) == 0;
}

bool upid_is_none(const struct upid *upid)
{
    return upid->id[0] == '\0' || upid->address.family == 0 || is_any(&upid->address);
}

static void put_headers(const struct upid *from, const struct upid *to, struct slice name,
                        struct buf *out)
{
    char sender[UPID_TEXT_SIZE];
    char host[ADDRESS_TEXT_SIZE];
    upid_format(from, sender);
    address_format(&to->address, host);

    buf_append_text(out, "POST /");
    if (to->id[0] != '\0') {
        buf_append_text(out, to->id); /* ids go out unescaped, observed.md wire 1 */
        buf_append_byte(out, '/');
    }
    buf_append_slice(out, name);
    buf_append_text(out, " HTTP/1.1\r\nUser-Agent: libprocess/");
    buf_append_text(out, sender);
    buf_append_text(out, "\r\nLibprocess-From: ");
    buf_append_text(out, sender);
    buf_append_text(out, "\r\nConnection: Keep-Alive\r\nHost: ");
    buf_append_text(out, host);
}

void libprocess_put_message_head(const struct upid *from, const struct upid *to, struct slice name,
                                 size_t body_size, struct buf *out)
{
    ASSERT(body_size != 0);
    put_headers(from, to, name, out);
    buf_printf(out, "\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", body_size);
}

void libprocess_put_message(const struct upid *from, const struct upid *to, struct slice name,
                            struct slice body, struct buf *out)
{
    if (body.size == 0) {
        put_headers(from, to, name, out);
        buf_append_text(out, "\r\n\r\n"); /* no body headers at all, observed.md wire 1 */
        return;
    }
    libprocess_put_message_head(from, to, name, body.size, out);
    buf_append_slice(out, body);
    buf_append_text(out, LIBPROCESS_MESSAGE_END);
}

bool libprocess_is_message(const struct http_head *head, struct upid *ret_from)
{
    static const struct slice prefix = {"libprocess/", sizeof("libprocess/") - 1};
    if (!slice_is(head->method, "POST")) {
        return false;
    }
    /* The explicit header wins over the agent's name (the reference's parse()). */
    struct slice from = http_find_header(head, "Libprocess-From");
    if (from.data == NULL) {
        from = http_find_header(head, "User-Agent");
        if (from.data == NULL || !slice_starts_with(from, prefix)) {
            return false;
        }
        from = slice_skip(from, prefix.size);
    }
    if (!upid_parse(slice_trim(from), ret_from)) {
        *ret_from = (struct upid){0};
    }
    return true;
}

bool libprocess_parse_path(struct slice path, char ret_id[UPID_ID_SIZE_MAX + 1],
                           struct slice *ret_name)
{
    if (path.size == 0 || path.data[0] != '/') {
        return false;
    }
    path = slice_skip(path, 1);
    ptrdiff_t slash = slice_find(path, '/');
    size_t size = slash >= 0 ? (size_t)slash : path.size;
    char id[UPID_ID_SIZE_MAX + 1];
    size_t at = 0;
    for (size_t i = 0; i < size; i++) {
        int value = (unsigned char)path.data[i];
        if (value == '%') {
            int high = size - i > 2 ? url_hex_digit(path.data[i + 1]) : -1;
            int low = high >= 0 ? url_hex_digit(path.data[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            value = high * 16 + low;
            i += 2;
        }
        if (value == 0 || at == UPID_ID_SIZE_MAX) {
            return false;
        }
        id[at++] = (char)value;
    }
    if (at == 0) {
        return false;
    }
    memcpy(ret_id, id, at);
    ret_id[at] = '\0';
    *ret_name = slash >= 0 ? slice_skip(path, size + 1) : SLICE("");
    return true;
}
