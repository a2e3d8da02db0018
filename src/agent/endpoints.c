#include "agent/endpoints.h"

#include <string.h>

#include "agent/core.h"
#include "agent/executor_api.h"
#include "agent/operator_api.h"
#include "agent/sandboxes.h"
#include "agent/usage.h"
#include "agent/view.h"
#include "wire/json.h"
#include "wire/jsonp.h"
#include "wire/route.h"

/* --- answers --- */

bool endpoints_method_is(struct agent *agent, const struct net_request *request, const char *method)
{
    if (slice_is(request->head->method, method)) {
        return true;
    }
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    buf_printf(&text, "Expecting one of { '%s' }, but received '%.*s'", method,
               SLICE_ARGS(request->head->method));
    struct net_effect *effect =
        net_respond(&agent->effects->net, request->handle, 405, "text/plain; charset=utf-8",
                    blob_from(buf_slice(&text)));
    net_add_header(effect, "Allow", method);
    return false;
}

const char *endpoints_param(struct agent *agent, const struct endpoint_call *call, const char *name)
{
    const struct url_param *param = url_find(&call->params, name);
    return param != NULL ? arena_strndup(&agent->arena, param->value.data, param->value.size)
                         : NULL;
}

void endpoints_wrap_jsonp(const char *jsonp, struct buf *json)
{
    struct buf wrapped = BUF_INIT;
    jsonp_append(slice_from(jsonp), buf_slice(json), &wrapped);
    buf_deinit(json);
    *json = wrapped;
}

void endpoints_respond_json(struct agent *agent, const struct endpoint_call *call, struct buf *json)
{
    if (call->jsonp != NULL) {
        endpoints_wrap_jsonp(call->jsonp, json);
    }
    net_respond(&agent->effects->net, call->handle, 200,
                call->jsonp != NULL ? MEDIA_JAVASCRIPT : MEDIA_JSON, blob_take(json));
}

/* --- small endpoints --- */

static void health(struct agent *agent, const struct endpoint_call *call)
{
    net_respond(&agent->effects->net, call->handle, 200, NULL, NULL);
}

static void state(struct agent *agent, const struct endpoint_call *call)
{
    if (agent->state == AGENT_RECOVERING) {
        net_respond_text(&agent->effects->net, call->handle, 503,
                         "Agent has not finished recovery");
        return;
    }
    struct view *view = view_take(agent, VIEW_STATE, true, call->jsonp);
    net_render(&agent->effects->net, call->handle, &view->job);
}

static void flags(struct agent *agent, const struct endpoint_call *call)
{
    const struct agent_config *config = &agent->setup.config;
    struct buf body = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    json_key(&w, "flags");
    json_begin_object(&w);
    for (size_t i = 0; i < config->flag_count; i++) {
        json_key_slice(&w, slice_from(config->flags[i].name));
        json_text(&w, config->flags[i].value);
    }
    json_end_object(&w);
    json_end_object(&w);
    endpoints_respond_json(agent, call, &body);
}

static void put_text(struct json_writer *w, const char *key, const char *text)
{
    if (text != NULL) {
        json_key_text(w, key, text);
    }
}

static void version(struct agent *agent, const struct endpoint_call *call)
{
    const struct agent_build *build = &agent->setup.config.build;
    struct buf body = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    json_key_text(&w, "build_date", build->build_date != NULL ? build->build_date : "");
    json_key_double(&w, "build_time", build->build_time);
    json_key_text(&w, "build_user", build->build_user != NULL ? build->build_user : "");
    put_text(&w, "git_branch", build->git_branch);
    put_text(&w, "git_sha", build->git_sha);
    put_text(&w, "git_tag", build->git_tag);
    json_key_text(&w, "version", build->version);
    json_end_object(&w);
    endpoints_respond_json(agent, call, &body);
}

static void put_metric(void *arg, const char *name, double value)
{
    json_key_slice(arg, slice_from(name));
    json_double(arg, value);
}

static void metrics(struct agent *agent, const struct endpoint_call *call)
{
    struct buf body = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    metrics_visit(agent->gauges.metrics, put_metric, &w);
    json_end_object(&w);
    endpoints_respond_json(agent, call, &body);
}

/* The gauges of the system, by their own names. */
struct system_stats {
    struct json_writer *w;
};

static void put_system_stat(void *arg, const char *name, double value)
{
    static const struct {
        const char *metric;
        const char *key;
        bool is_count;
    } rows[] = {
        {"system/load_15min", "avg_load_15min", false},
        {"system/load_1min", "avg_load_1min", false},
        {"system/load_5min", "avg_load_5min", false},
        {"system/cpus_total", "cpus_total", true},
        {"system/mem_free_bytes", "mem_free_bytes", true},
        {"system/mem_total_bytes", "mem_total_bytes", true},
    };
    struct system_stats *stats = arg;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        if (strcmp(rows[i].metric, name) == 0) {
            if (rows[i].is_count) {
                json_key_int(stats->w, rows[i].key, (int64_t)value);
            } else {
                json_key_double(stats->w, rows[i].key, value);
            }
        }
    }
}

static void system_stats(struct agent *agent, const struct endpoint_call *call)
{
    struct buf body = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    struct system_stats stats = {&w};
    metrics_visit(agent->gauges.metrics, put_system_stat, &stats);
    json_end_object(&w);
    endpoints_respond_json(agent, call, &body);
}

static void logging_toggle(struct agent *agent, const struct endpoint_call *call)
{
    const char *level_text = endpoints_param(agent, call, "level");
    const char *duration_text = endpoints_param(agent, call, "duration");
    uint64_t level;
    int64_t duration_ns;
    struct err err = {""};
    if (level_text == NULL && duration_text == NULL) {
        net_respond_text(&agent->effects->net, call->handle, 200, "%d\n", agent->verbosity);
    } else if (level_text == NULL || duration_text == NULL) {
        net_respond_text(&agent->effects->net, call->handle, 400,
                         "Expecting 'level=value' and 'duration=value' in query.\n");
    } else if (!slice_parse_uint64(slice_from(level_text), &level) || level > 3) {
        net_respond_text(&agent->effects->net, call->handle, 400, "Invalid level '%s'.\n",
                         level_text);
    } else if (duration_parse(slice_from(duration_text), &duration_ns, &err) != 0) {
        net_respond_text(&agent->effects->net, call->handle, 400, "%s.\n", err.text);
    } else {
        agent_set_verbosity(agent, (int)level, duration_ns);
        net_respond(&agent->effects->net, call->handle, 200, NULL, NULL);
    }
}

static void containerizer_debug(struct agent *agent, const struct endpoint_call *call)
{
    struct buf body = BUF_INIT;
    buf_append_text(&body, "{\"pending\":[]}");
    endpoints_respond_json(agent, call, &body);
}

/* --- the table --- */

typedef void endpoint_handle_fn(struct agent *agent, const struct endpoint_call *call);
typedef void endpoint_api_fn(struct agent *agent, const struct net_request *request);

struct endpoint_row {
    const char *path;
    endpoint_handle_fn *handle; /* or: */
    endpoint_api_fn *api;       /* a whole API of its own */
    bool only_get;
};

static const struct endpoint_row rows[] = {
    {"/slave(1)/api/v1", NULL, operator_api_request, false},
    {"/slave(1)/api/v1/executor", NULL, executor_api_request, false},
    {"/slave(1)/state", state, NULL, false},
    {"/slave(1)/flags", flags, NULL, true},
    {"/slave(1)/health", health, NULL, false},
    {"/slave(1)/containers", usage_containers, NULL, true},
    {"/slave(1)/monitor/statistics", usage_statistics, NULL, true},
    {"/slave(1)/containerizer/debug", containerizer_debug, NULL, true},
    {"/files/browse", sandboxes_browse, NULL, false},
    {"/files/browse.json", sandboxes_browse, NULL, false},
    {"/files/read", sandboxes_read, NULL, false},
    {"/files/read.json", sandboxes_read, NULL, false},
    {"/files/download", sandboxes_download, NULL, false},
    {"/files/download.json", sandboxes_download, NULL, false},
    {"/files/debug", sandboxes_debug, NULL, false},
    {"/files/debug.json", sandboxes_debug, NULL, false},
    {"/metrics/snapshot", metrics, NULL, false},
    {"/version", version, NULL, false},
    {"/system/stats.json", system_stats, NULL, false},
    {"/logging/toggle", logging_toggle, NULL, false},
};

static const char *const actors[] = {AGENT_ACTOR, "files",  "metrics",
                                     "version",   "system", "logging"};

bool endpoints_has_actor(struct slice id)
{
    for (size_t i = 0; i < ELEMENTS(actors); i++) {
        if (slice_is(id, actors[i])) {
            return true;
        }
    }
    return false;
}

static const struct endpoint_row *find_row(struct slice path)
{
    do {
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
            if (slice_is(path, rows[i].path)) {
                return &rows[i];
            }
        }
    } while (route_shorten(&path));
    return NULL;
}

void endpoints_request(struct agent *agent, const struct net_request *request)
{
    const struct endpoint_row *row = find_row(request->path);
    if (row == NULL) {
        net_respond(&agent->effects->net, request->handle, 404, NULL, NULL);
        return;
    }
    if (row->api != NULL) {
        row->api(agent, request);
        return;
    }
    if (row->only_get && !slice_is(request->head->method, "HEAD") &&
        !endpoints_method_is(agent, request, "GET")) {
        return;
    }
    struct endpoint_call call = {.request = request, .handle = request->handle};
    if (!url_parse_params(request->head->query, &agent->arena, &call.params)) {
        net_respond_text(&agent->effects->net, request->handle, 400, "Failed to parse the query");
        return;
    }
    call.jsonp = endpoints_param(agent, &call, "jsonp");
    if (call.jsonp != NULL && !jsonp_is_function(slice_from(call.jsonp))) {
        net_respond_text(&agent->effects->net, request->handle, 400,
                         "'jsonp' is not the name of a function");
        return;
    }
    row->handle(agent, &call);
}
