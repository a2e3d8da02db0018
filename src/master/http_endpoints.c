/* The table of endpoints, and those that fit in a few lines (facts/endpoints.csv). */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "master/http_files.h"
#include "master/maintenance.h"
#include "master/master_state.h"
#include "master/metrics_view.h"
#include "master/operator_call.h"
#include "master/operator_operations.h"
#include "master/quota.h"
#include "master/reads.h"
#include "master/registry_view.h"
#include "master/scheduler_call.h"
#include "master/weights.h"
#include "wire/json.h"
#include "wire/url.h"

/* --- small ones --- */

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

void master_visit_flags(const struct master *master, flag_visit_fn *visit, void *arg)
{
    const struct flags *flags = master->options.flags;
    if (flags == NULL) {
        return;
    }
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    size_t *order = arena_alloc_array(&arena, flags->count + 1, sizeof(order[0]));
    for (size_t i = 0; i < flags->count; i++) {
        order[i] = i;
    }
    qsort_r(order, flags->count, sizeof(order[0]), compare_flags, (void *)(uintptr_t)flags->table);
    for (size_t i = 0; i < flags->count; i++) {
        buf_clear(&text);
        if (flags_format(flags, order[i], &text)) {
            visit(arg, flags->table[order[i]].name, buf_text(&text));
        }
    }
}

static void write_flag(void *arg, const char *name, const char *value)
{
    json_key_slice(arg, slice_from(name));
    json_text(arg, value);
}

void master_write_flags(const struct master *master, struct json_writer *w)
{
    json_begin_object(w);
    master_visit_flags(master, write_flag, w);
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

static void on_logging_toggle(struct master *master, const struct net_request *request)
{
    struct net_effects *net = &master->effects->net;
    struct slice level_text = master_http_param(master, request->head->query, "level");
    struct slice duration_text = master_http_param(master, request->head->query, "duration");
    uint64_t level;
    int64_t duration_ns;
    struct err err;
    if (level_text.data == NULL && duration_text.data == NULL) {
        net_respond_text(net, request->handle, 200, "%d\n", master->reads->verbosity);
    } else if (level_text.data == NULL || duration_text.data == NULL) {
        net_respond_text(net, request->handle, 400,
                         "Expecting 'level=value' and 'duration=value' in query.\n");
    } else if (!slice_parse_uint64(level_text, &level) || level > HTTP_VERBOSITY_MAX) {
        net_respond_text(net, request->handle, 400, "Invalid level '%.*s'.\n",
                         SLICE_ARGS(level_text));
    } else if (duration_parse(duration_text, &duration_ns, &err) != 0) {
        net_respond_text(net, request->handle, 400, "%s.\n", err.text);
    } else {
        master_reads_set_verbosity(master, (int)level, duration_ns);
        net_respond(net, request->handle, 200, NULL, NULL);
    }
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

/* --- whole state --- */

/* The query with what all of them take. */
static struct view_query plain_query(const struct net_request *request, enum view_kind kind)
{
    return (struct view_query){
        .kind = kind,
        .json = true,
        .gzip = http_accepts_gzip(http_find_header(request->head, "Accept-Encoding")),
    };
}

/* The same, and as JSONP if that is asked for; false after an answer. */
static bool read_query(struct master *master, const struct net_request *request,
                       enum view_kind kind, struct view_query *ret_query)
{
    *ret_query = plain_query(request, kind);
    return master_http_jsonp(master, request, &ret_query->jsonp);
}

static void respond_view(struct master *master, const struct net_request *request,
                         enum view_kind kind)
{
    struct view_query query;
    if (read_query(master, request, kind, &query)) {
        master_view_respond(master, request->handle, &query);
    }
}

static void on_state(struct master *master, const struct net_request *request)
{
    respond_view(master, request, VIEW_STATE);
}

static void on_state_summary(struct master *master, const struct net_request *request)
{
    respond_view(master, request, VIEW_STATE_SUMMARY);
}

static void on_roles(struct master *master, const struct net_request *request)
{
    respond_view(master, request, VIEW_ROLES);
}

/* As in the reference: answered by every master, and not as JSONP. */
static void on_constraints(struct master *master, const struct net_request *request)
{
    struct view_query query = plain_query(request, VIEW_CONSTRAINTS);
    master_view_respond(master, request->handle, &query);
}

static void on_slaves(struct master *master, const struct net_request *request)
{
    struct view_query query;
    if (read_query(master, request, VIEW_SLAVES, &query)) {
        query.agent_id = master_http_param(master, request->head->query, "slave_id");
        master_view_respond(master, request->handle, &query);
    }
}

static void on_frameworks(struct master *master, const struct net_request *request)
{
    struct view_query query;
    if (read_query(master, request, VIEW_FRAMEWORKS, &query)) {
        query.framework_id = master_http_param(master, request->head->query, "framework_id");
        master_view_respond(master, request->handle, &query);
    }
}

/* A number of the query; what is none counts as not given, as in the reference. */
static size_t read_size(struct master *master, const struct net_request *request, const char *name,
                        size_t otherwise)
{
    int64_t value;
    struct slice text = master_http_param(master, request->head->query, name);
    return slice_parse_int64(text, &value) && value >= 0 && value <= INT_MAX ? (size_t)value
                                                                             : otherwise;
}

static void on_tasks(struct master *master, const struct net_request *request)
{
    struct slice string = request->head->query;
    struct view_query query;
    if (read_query(master, request, VIEW_TASKS, &query)) {
        query.limit = read_size(master, request, "limit", VIEW_TASKS_LIMIT);
        query.offset = read_size(master, request, "offset", 0);
        query.ascending = slice_is(master_http_param(master, string, "order"), "asc");
        query.framework_id = master_http_param(master, string, "framework_id");
        query.task_id = master_http_param(master, string, "task_id");
        master_view_respond(master, request->handle, &query);
    }
}

/* --- the table --- */

const struct http_endpoint master_http_endpoints[] = {
    {"/master", HTTP_GET, HTTP_ALWAYS, master_files_index},
    {"/master/api/v1", HTTP_POST, HTTP_RECOVERED, master_operator_call},
    {"/master/api/v1/scheduler", HTTP_POST, HTTP_RECOVERED, master_scheduler_call},
    {"/master/app", HTTP_GET, HTTP_ALWAYS, master_files_static},
    {"/master/assets", HTTP_GET, HTTP_ALWAYS, master_files_static},
    {"/master/create-volumes", HTTP_POST, HTTP_LEADING, master_operator_on_create_volumes},
    {"/master/destroy-volumes", HTTP_POST, HTTP_LEADING, master_operator_on_destroy_volumes},
    {"/master/flags", HTTP_GET, HTTP_ALWAYS, on_flags},
    {"/master/frameworks", HTTP_ANY, HTTP_LEADING, on_frameworks},
    {"/master/health", HTTP_ANY, HTTP_ALWAYS, on_health},
    {"/master/machine/down", HTTP_POST, HTTP_LEADING, master_maintenance_on_down},
    {"/master/machine/up", HTTP_POST, HTTP_LEADING, master_maintenance_on_up},
    {"/master/maintenance/schedule", HTTP_GET | HTTP_POST, HTTP_LEADING,
     master_maintenance_on_schedule},
    {"/master/maintenance/status", HTTP_GET, HTTP_LEADING, master_maintenance_on_status},
    {"/master/quota", HTTP_GET | HTTP_POST | HTTP_DELETE, HTTP_LEADING, master_quota_endpoint},
    {"/master/redirect", HTTP_ANY, HTTP_ALWAYS, on_redirect},
    {"/master/reserve", HTTP_POST, HTTP_LEADING, master_operator_on_reserve},
    {"/master/roles", HTTP_ANY, HTTP_LEADING, on_roles},
    {"/master/slaves", HTTP_ANY, HTTP_LEADING, on_slaves},
    {"/master/state", HTTP_ANY, HTTP_LEADING, on_state},
    {"/master/state-summary", HTTP_ANY, HTTP_LEADING, on_state_summary},
    {"/master/tasks", HTTP_ANY, HTTP_LEADING, on_tasks},
    {"/master/teardown", HTTP_POST, HTTP_LEADING, on_teardown},
    {"/master/unreserve", HTTP_POST, HTTP_LEADING, master_operator_on_unreserve},
    {"/master/weights", HTTP_GET | HTTP_PUT, HTTP_LEADING, master_weights_endpoint},
    {"/allocator/offer_constraints_debug", HTTP_ANY, HTTP_ALWAYS, on_constraints},
    {"/files/browse", HTTP_ANY, HTTP_ALWAYS, master_files_browse},
    {"/files/debug", HTTP_ANY, HTTP_ALWAYS, master_files_debug},
    {"/files/download", HTTP_ANY, HTTP_ALWAYS, master_files_download},
    {"/files/read", HTTP_ANY, HTTP_ALWAYS, master_files_read},
    {"/logging/toggle", HTTP_ANY, HTTP_ALWAYS, on_logging_toggle},
    {"/metrics/snapshot", HTTP_ANY, HTTP_ALWAYS, master_metrics_snapshot},
    {"/registrar(1)/registry", HTTP_ANY, HTTP_ALWAYS, master_registry_view},
    {"/system/stats.json", HTTP_ANY, HTTP_ALWAYS, master_metrics_system},
    {"/version", HTTP_ANY, HTTP_ALWAYS, on_version},
    {NULL, 0, HTTP_ALWAYS, NULL},
};
