/* The table of endpoints, and those that fit in a few lines (facts/endpoints.csv). */
#include <stdlib.h>
#include <string.h>

#include "master/master_state.h"
#include "master/operator_call.h"
#include "master/scheduler_call.h"
#include "wire/json.h"
#include "wire/url.h"

static void on_health(struct master *master, const struct net_request *request)
{
    net_respond(&master->effects->net, request->handle, 200, NULL, NULL);
}

static void on_version(struct master *master, const struct net_request *request)
{
    const struct master_version *version = &master->options.version;
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &out);
    json_begin_object(&w);
    json_key_text(&w, "build_date", version->build_date);
    json_key_double(&w, "build_time", version->build_time);
    json_key_text(&w, "build_user", version->build_user);
    if (version->git_sha != NULL) {
        json_key_text(&w, "git_sha", version->git_sha);
    }
    json_key_text(&w, "version", version->version);
    json_end_object(&w);
    master_http_respond_json(master, request, &out);
}

static int compare_flags(const void *a, const void *b, void *table)
{
    const struct flag *flags = table;
    return strcmp(flags[*(const size_t *)a].name, flags[*(const size_t *)b].name);
}

void master_write_flags(const struct master *master, struct json_writer *w)
{
    const struct flags *flags = master->options.flags;
    json_begin_object(w);
    if (flags != NULL) {
        size_t *order = calloc(flags->count + 1, sizeof(order[0]));
        ASSERT(order != NULL);
        for (size_t i = 0; i < flags->count; i++) {
            order[i] = i;
        }
        qsort_r(order, flags->count, sizeof(order[0]), compare_flags,
                (void *)(uintptr_t)flags->table);
        for (size_t i = 0; i < flags->count; i++) {
            if (flags->texts[order[i]] != NULL) {
                json_key_slice(w, slice_from(flags->table[order[i]].name));
                json_text(w, flags->texts[order[i]]);
            }
        }
        free(order);
    }
    json_end_object(w);
}

static void on_flags(struct master *master, const struct net_request *request)
{
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &out);
    json_begin_object(&w);
    json_key(&w, "flags");
    master_write_flags(master, &w);
    json_end_object(&w);
    master_http_respond_json(master, request, &out);
}

static void on_redirect(struct master *master, const struct net_request *request)
{
    if (!slice_is(request->path, "/master/redirect")) {
        net_respond(&master->effects->net, request->handle, 404, NULL, NULL);
        return;
    }
    master_http_redirect(master, request);
}

/* POST /teardown with frameworkId=... in the body. */
static void on_teardown(struct master *master, const struct net_request *request)
{
    struct net_effects *net = &master->effects->net;
    struct url_params params;
    if (!url_parse_params(request->body, &master->arena, &params)) {
        net_respond_text(net, request->handle, 400, "Unable to decode query string");
        return;
    }
    const struct url_param *id = url_find(&params, "frameworkId");
    if (id == NULL) {
        net_respond_text(net, request->handle, 400,
                         "Missing 'frameworkId' query parameter in the request body");
        return;
    }
    struct framework *framework = master_find_framework(master, id->value);
    if (framework == NULL) {
        net_respond_text(net, request->handle, 400, "No framework found with specified ID");
        return;
    }
    master_framework_remove(master, framework);
    net_respond(net, request->handle, 200, NULL, NULL);
}

const struct http_endpoint master_http_endpoints[] = {
    {"/master/api/v1", HTTP_POST, HTTP_RECOVERED, master_operator_call},
    {"/master/api/v1/scheduler", HTTP_POST, HTTP_RECOVERED, master_scheduler_call},
    {"/master/flags", HTTP_GET, HTTP_ALWAYS, on_flags},
    {"/master/health", HTTP_ANY, HTTP_ALWAYS, on_health},
    {"/master/redirect", HTTP_ANY, HTTP_ALWAYS, on_redirect},
    {"/master/teardown", HTTP_POST, HTTP_LEADING, on_teardown},
    {"/version", HTTP_ANY, HTTP_ALWAYS, on_version},
    {NULL, 0, HTTP_ALWAYS, NULL},
};
