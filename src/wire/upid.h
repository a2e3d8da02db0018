/*
 * Addresses of libprocess actors, "id@ip:port", and the framing of messages between them:
 * POST /<id>/<message name>, the sender in headers, answered 202 (facts/observed.md, wire
 * protocol).
 */
#ifndef TEPUI_WIRE_UPID_H
#define TEPUI_WIRE_UPID_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"
#include "wire/http.h"

#define UPID_ID_SIZE_MAX 255
#define UPID_TEXT_SIZE (UPID_ID_SIZE_MAX + 64) /* with the terminator */

/* An IPv4 or IPv6 address with a port; comparable with memcmp (unused bytes are zero). */
struct address {
    uint8_t family; /* 4, 6, or 0 = none */
    uint8_t unused;
    uint16_t port;  /* host order */
    uint8_t ip[16]; /* network order; IPv4 in the first 4 bytes */
};

#define ADDRESS_TEXT_SIZE 64

bool address_equal(const struct address *a, const struct address *b);
/* "ip:port", IPv6 in brackets. */
bool address_parse(struct slice text, struct address *ret) WARN_UNUSED;
void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE]);
void address_format_ip(const struct address *address, char text[ADDRESS_TEXT_SIZE]);
void address_to_sockaddr(const struct address *address, struct sockaddr_storage *ret,
                         socklen_t *ret_size);
bool address_from_sockaddr(const struct sockaddr *sockaddr, struct address *ret);

struct upid {
    char id[UPID_ID_SIZE_MAX + 1]; /* "" with address.family 0: no actor */
    struct address address;
};

/* "id@ip:port"; the id must not be empty unless the address is 0.0.0.0:0 (an HTTP framework). */
bool upid_parse(struct slice text, struct upid *ret) WARN_UNUSED;
void upid_format(const struct upid *upid, char text[UPID_TEXT_SIZE]);
bool upid_equal(const struct upid *a, const struct upid *b);
/* No peer: unset, or an HTTP framework's "@0.0.0.0:0". */
bool upid_is_none(const struct upid *upid);

/* Writes a whole request; a message without bytes has no body headers at all, as the reference
 * does. */
void libprocess_put_message(const struct upid *from, const struct upid *to, struct slice name,
                            struct slice body, struct buf *out);

/* The same up to where the body begins, for a body that is put out without being copied; its size
 * is not 0, and behind it comes LIBPROCESS_MESSAGE_END. */
void libprocess_put_message_head(const struct upid *from, const struct upid *to, struct slice name,
                                 size_t body_size, struct buf *out);
#define LIBPROCESS_MESSAGE_END "\r\n0\r\n\r\n"

/* Whether a request is a message (its method is POST and one of the two headers names a sender),
 * and of whom: from User-Agent "libprocess/<upid>" or Libprocess-From. */
bool libprocess_is_message(const struct http_head *head, struct upid *ret_from);
/* Parts of the path "/<id>/<name>", the id percent-decoded. */
bool libprocess_parse_path(struct slice path, char ret_id[UPID_ID_SIZE_MAX + 1],
                           struct slice *ret_name) WARN_UNUSED;

#endif
