#include "master/http.h"

#include <string.h>

#include "master/audit.h"
#include "master/master_state.h"
#include "wire/json.h"
#include "wire/jsonp.h"
#include "wire/route.h"
#include "wire/url.h"

/* --- routing --- */

static const struct {
    const char *name;
    uint32_t bit;
} methods[] = {
    {"GET", HTTP_GET}, {"HEAD", HTTP_GET},      {"POST", HTTP_POST},
    {"PUT", HTTP_PUT}, {"DELETE", HTTP_DELETE},
};

static bool method_is_allowed(const struct http_endpoint *endpoint, struct slice method)
{
    if ((endpoint->methods & HTTP_ANY) != 0) {
        return true;
    }
    for (size_t i = 0; i < ELEMENTS(methods); i++) {
        if (slice_is(method, methods[i].name)) {
            return (endpoint->methods & methods[i].bit) != 0;
        }
    }
    return false;
}

static void refuse_method(struct master *master, const struct net_request *request,
                          const struct http_endpoint *endpoint)
{
    CLEANUP(buf_deinit) struct buf allowed = BUF_INIT;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    buf_append_text(&text, "Expecting one of { ");
    for (size_t i = 0; i < ELEMENTS(methods); i++) {
        if ((endpoint->methods & methods[i].bit) != 0 && strcmp(methods[i].name, "HEAD") != 0) {
            buf_printf(&text, "%s'%s'", allowed.size > 0 ? ", " : "", methods[i].name);
            buf_printf(&allowed, "%s%s", allowed.size > 0 ? ", " : "", methods[i].name);
        }
    }
    buf_printf(&text, " }, but received '%.*s'.", SLICE_ARGS(request->head->method));
    struct net_effect *effect = net_respond(&master->effects->net, request->handle, 405, HTTP_TEXT,
                                            blob_from(buf_slice(&text)));
    net_add_header(effect, "Allow", buf_text(&allowed));
}

static const struct http_endpoint *find_endpoint(struct slice path)
{
    do {
        for (size_t i = 0; master_http_endpoints[i].path != NULL; i++) {
            if (slice_is(path, master_http_endpoints[i].path)) {
                return &master_http_endpoints[i];
            }
        }
    } while (route_shorten(&path));
    return NULL;
}

/* Of the older endpoints; the API knows its calls by itself. */
static bool changes_something(const struct http_endpoint *endpoint, struct slice method)
{
    return endpoint->scope == HTTP_LEADING && (endpoint->methods & HTTP_ANY) == 0 &&
           !slice_is(method, "GET") && !slice_is(method, "HEAD");
}

void master_http_request(struct master *master, const struct net_request *request)
{
    const struct http_endpoint *endpoint = find_endpoint(request->path);
    if (endpoint == NULL) {
        net_respond(&master->effects->net, request->handle, 404, NULL, NULL);
        return;
    }
    /* A follower redirects before it looks at anything (facts/observed.md, high availability 7). */
    if (endpoint->scope != HTTP_ALWAYS && master->role == MASTER_FOLLOWING) {
        master_http_redirect(master, request);
        return;
    }
    if (endpoint->scope == HTTP_RECOVERED && master->role != MASTER_SERVING) {
        net_respond_text(&master->effects->net, request->handle, 503,
                         "Master has not finished recovery");
        return;
    }
    if (!method_is_allowed(endpoint, request->head->method)) {
        refuse_method(master, request, endpoint);
        return;
    }
    bool is_change = changes_something(endpoint, request->head->method);
    if (is_change) {
        master_audit_asked(master, request, endpoint->path);
    }
    endpoint->handle(master, request);
    if (is_change) {
        master_audit_refused(master, request, endpoint->path);
    }
}

/* --- for handlers --- */

/* What may stand in a path as it is (RFC 3986, 3.3), beside letters, digits and a few marks. */
#define PATH_KEEPS "/:@!$&'()*+,;="

/* "//host:port" of who leads, which may be this master. */
static void put_leader(const struct master *master, struct buf *out)
{
    char address[ADDRESS_TEXT_SIZE];
    if (master->role != MASTER_FOLLOWING) {
        buf_printf(out, "//%s:%u", master->options.hostname, master->options.address.port);
    } else if (master->leader_hostname != NULL) {
        buf_printf(out, "//%s:%u", master->leader_hostname, master->leader.port);
    } else {
        address_format(&master->leader, address);
        buf_printf(out, "//%s", address);
    }
}

void master_http_redirect(struct master *master, const struct net_request *request)
{
    struct net_effects *net = &master->effects->net;
    CLEANUP(buf_deinit) struct buf location = BUF_INIT;
    if (master->role == MASTER_FOLLOWING && master->leader.family == 0) {
        net_respond_text(net, request->handle, 503, "No leader elected");
        return;
    }
    put_leader(master, &location);
    /* /redirect leads to the bare host. */
    if (!slice_is(request->path, "/master/redirect")) {
        url_encode(request->path, PATH_KEEPS, &location);
        if (request->head->query.size > 0) {
            buf_append_byte(&location, '?');
            buf_append_slice(&location, request->head->query);
        }
    }
    struct net_effect *effect = net_respond(net, request->handle, 307, NULL, NULL);
    net_add_header(effect, "Location", buf_text(&location));
}

struct slice master_http_param(struct master *master, struct slice query, const char *name)
{
    struct url_params params;
    if (!url_parse_params(query, &master->arena, &params)) {
        return slice_make(NULL, 0);
    }
    const struct url_param *param = url_find(&params, name);
    return param != NULL ? param->value : slice_make(NULL, 0);
}

bool master_http_jsonp(struct master *master, const struct net_request *request,
                       struct slice *ret_jsonp)
{
    struct slice jsonp = master_http_param(master, request->head->query, "jsonp");
    if (jsonp.data != NULL && !jsonp_is_function(jsonp)) {
        net_respond_text(&master->effects->net, request->handle, 400,
                         "'jsonp' is not the name of a function");
        return false;
    }
    *ret_jsonp = jsonp;
    return true;
}

void master_http_respond_json(struct master *master, const struct net_request *request,
                              struct buf *json)
{
    struct slice jsonp;
    if (!master_http_jsonp(master, request, &jsonp)) {
        buf_deinit(json);
        return;
    }
    if (jsonp.data == NULL) {
        net_respond(&master->effects->net, request->handle, 200, HTTP_JSON, blob_take(json));
        return;
    }
    CLEANUP(buf_deinit) struct buf wrapped = BUF_INIT;
    jsonp_append(jsonp, buf_slice(json), &wrapped);
    buf_deinit(json);
    net_respond(&master->effects->net, request->handle, 200, HTTP_JAVASCRIPT, blob_take(&wrapped));
}

enum http_media master_http_content(const struct net_request *request, bool *ret_present)
{
    struct slice type = http_find_header(request->head, "Content-Type");
    *ret_present = type.data != NULL;
    if (slice_is(type, HTTP_JSON)) {
        return HTTP_MEDIA_JSON;
    }
    if (slice_is(type, HTTP_PROTOBUF)) {
        return HTTP_MEDIA_PROTOBUF;
    }
    return slice_is(type, "application/recordio") ? HTTP_MEDIA_RECORDIO : HTTP_MEDIA_NONE;
}

enum http_media master_http_accept(const struct net_request *request)
{
    struct slice accept = http_find_header(request->head, "Accept");
    if (http_accepts(accept, HTTP_JSON)) {
        return HTTP_MEDIA_JSON;
    }
    return http_accepts(accept, HTTP_PROTOBUF) ? HTTP_MEDIA_PROTOBUF : HTTP_MEDIA_NONE;
}
