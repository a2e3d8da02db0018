/*
 * The master's HTTP endpoints: one table {path, methods, handler} (http_endpoints.c). The longest
 * prefix of whole path parts wins: /master/state/more is served by /master/state, as libprocess
 * does.
 *
 * A handler answers request->handle now or later, exactly once. Before any handler: 404 for unknown
 * paths; leader_only ones are redirected by a follower (307) and answered 503 before recovery
 * (facts/observed.md, high availability 7 and 8); then 405 with Allow for other methods.
 */
#ifndef TEPUI_MASTER_HTTP_H
#define TEPUI_MASTER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "wire/netio.h"

struct master;

#define HTTP_JSON "application/json"
#define HTTP_PROTOBUF "application/x-protobuf"
#define HTTP_JAVASCRIPT "text/javascript"
#define HTTP_TEXT "text/plain; charset=utf-8"

enum {
    HTTP_GET = 1 << 0,
    HTTP_POST = 1 << 1,
    HTTP_PUT = 1 << 2,
    HTTP_DELETE = 1 << 3,
    HTTP_ANY = 1 << 4
};

enum http_scope {
    HTTP_ALWAYS,    /* answered by every master at any time: /health, /version, ... */
    HTTP_LEADING,   /* a follower redirects; answered before recovery: the older pages */
    HTTP_RECOVERED, /* a follower redirects; 503 before recovery: /api/v1, /api/v1/scheduler */
};

typedef void http_handle_fn(struct master *master, const struct net_request *request);

struct http_endpoint {
    const char *path; /* routed: "/master/state" */
    uint32_t methods; /* HTTP_GET also takes HEAD */
    enum http_scope scope;
    http_handle_fn *handle;
};

/* Ends with a row whose path is NULL. */
extern const struct http_endpoint master_http_endpoints[];

/* Routes one request. */
void master_http_request(struct master *master, const struct net_request *request);

/* --- for handlers --- */

/* A decoded query or form value, in the step's arena; the empty slice with data NULL if absent. */
struct slice master_http_param(struct master *master, struct slice query, const char *name);
/* The function that the query's jsonp= names, data NULL if none. False after a 400: a name that is
 * none could make the answer foreign code. */
bool master_http_jsonp(struct master *master, const struct net_request *request,
                       struct slice *ret_jsonp) WARN_UNUSED;
/* A JSON answer, wrapped as jsonp(...) when the query asks for it. Takes the content of the
 * buffer. */
void master_http_respond_json(struct master *master, const struct net_request *request,
                              struct buf *json);
/* 307 to the leader, or 503 when there is none. */
void master_http_redirect(struct master *master, const struct net_request *request);

struct json_writer;

/* Levels of /logging/toggle and SET_LOGGING_LEVEL. */
#define HTTP_VERBOSITY_MAX 3

/* The flags in force, as /flags shows them, sorted by name. */
typedef void flag_visit_fn(void *arg, const char *name, const char *value);
void master_visit_flags(const struct master *master, flag_visit_fn *visit, void *arg);
/* {"name":"value"...}: the same. */
void master_write_flags(const struct master *master, struct json_writer *w);

/* The encoding of a request body or an answer. */
enum http_media { HTTP_MEDIA_NONE, HTTP_MEDIA_JSON, HTTP_MEDIA_PROTOBUF, HTTP_MEDIA_RECORDIO };

/* Content-Type as it must be written (compared whole; facts/observed.md, operator 10). */
enum http_media master_http_content(const struct net_request *request, bool *ret_present);
/* What Accept asks for: JSON if it allows that (or is absent), else protobuf, else NONE (406). */
enum http_media master_http_accept(const struct net_request *request);

#endif
