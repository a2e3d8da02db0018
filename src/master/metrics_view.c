#include "master/metrics_view.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "master/fields.h"
#include "master/gauges.h"
#include "master/master_state.h"
#include "master/metrics_framework.h"
#include "master/reads.h"
#include "master/view_parts.h"
#include "resources/resource_pb.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/jsonp.h"

#define PER_MILLION 1e6

/* /metrics/snapshot that waits for its turn. */
struct metrics_wait {
    struct list link; /* reads->metrics_waiting */
    uint64_t handle;
    char *jsonp; /* heap; NULL = none */
};

enum metrics_form { METRICS_OBJECT, METRICS_V1_JSON, METRICS_V1_PROTOBUF };

struct metrics_row {
    const char *name; /* in the arena, or static */
    double value;
};

/* A role that frameworks are in, as the allocator has it. */
struct metrics_role {
    const char *name; /* in the arena */
    double share;
    double filters;
};

struct metrics_view {
    struct net_job job;
    struct arena arena;
    enum metrics_form form;
    struct slice jsonp; /* data NULL = none */
    struct master_snapshot snapshot;
    struct metrics_row *rows; /* heap */
    size_t count;
    size_t capacity;
    struct metrics_role *roles; /* heap; a role once for each framework in it */
    size_t role_count;
    size_t role_capacity;
    bool per_framework;
    size_t registry_size;                /* bytes; 0 = not known */
    uint64_t seed;                       /* of indexes */
    struct framework_counts **counts;    /* by slot of frameworks; in the arena */
    double total[RESOURCE_NAMES_COMMON]; /* of the cluster, and what is in use */
    double used[RESOURCE_NAMES_COMMON];
};

/* --- on the loop: what there is --- */

static void add_static(struct metrics_view *view, const char *name, double value)
{
    if (view->count == view->capacity) {
        view->capacity = MAX(view->capacity * 2, (size_t)1024);
        view->rows = xrealloc(view->rows, view->capacity, sizeof(view->rows[0]));
    }
    view->rows[view->count++] = (struct metrics_row){name, value};
}

static void add_row(void *arg, const char *name, double value)
{
    struct metrics_view *view = arg;
    add_static(view, arena_strdup(&view->arena, name), value);
}

static void add_roles(struct metrics_view *view, const struct master *master,
                      const struct framework *framework)
{
    const struct allocator_ops *ops = master->allocator_ops;
    for (size_t i = 0; i < framework->role_count; i++) {
        const char *name = framework->roles[i];
        if (view->role_count == view->role_capacity) {
            view->role_capacity = MAX(view->role_capacity * 2, (size_t)64);
            view->roles = xrealloc(view->roles, view->role_capacity, sizeof(view->roles[0]));
        }
        view->roles[view->role_count++] = (struct metrics_role){
            .name = arena_strdup(&view->arena, name),
            .share = (double)ops->role_share_ppm(master->allocator, name) / PER_MILLION,
            .filters = (double)ops->role_filters_active(master->allocator, name),
        };
    }
}

static void take_counts(struct metrics_view *view, const struct framework *framework)
{
    view->counts[framework->slot] =
        arena_memdup(&view->arena, framework->counts, sizeof(*framework->counts));
}

static void take_frameworks(struct metrics_view *view, const struct master *master)
{
    view->counts = arena_alloc_array(&view->arena, view->snapshot.frameworks.slots + 1,
                                     sizeof(view->counts[0]));
    const struct framework *framework;
    LIST_FOR_EACH (framework, &master->running, link) {
        take_counts(view, framework);
        add_roles(view, master, framework);
    }
    LIST_FOR_EACH (framework, &master->completed, link) {
        take_counts(view, framework);
    }
}

/* --- in a worker: what follows from the records --- */

static void add_frameworks(struct metrics_view *view)
{
    size_t active = 0;
    size_t connected = 0;
    size_t all = 0;
    size_t slot = 0;
    struct cow_value *value;
    for (; (value = cow_snapshot_next(&view->snapshot.frameworks, &slot)) != NULL; slot++) {
        enum framework_state state = SNAPSHOT_RECORD(struct framework_record, value)->state;
        if (state != FRAMEWORK_COMPLETED) {
            all++;
            active += state == FRAMEWORK_ACTIVE;
            connected += framework_is_connected(state);
        }
    }
    add_static(view, "master/frameworks_active", (double)active);
    add_static(view, "master/frameworks_connected", (double)connected);
    add_static(view, "master/frameworks_disconnected", (double)(all - connected));
    add_static(view, "master/frameworks_inactive", (double)(all - active));
}

/* Of a registry in memory: what it would hold of the agents, but for a few bytes each. */
static void add_registry_size(struct metrics_view *view)
{
    size_t size = 0;
    size_t slot = 0;
    struct cow_value *value;
    for (; (value = cow_snapshot_next(&view->snapshot.agents, &slot)) != NULL; slot++) {
        size += SNAPSHOT_RECORD(struct agent_record, value)->info->size;
    }
    add_static(view, "registrar/registry_size_bytes",
               (double)(view->registry_size > 0 ? view->registry_size : size));
}

static void add_allocated(struct metrics_view *view)
{
    struct resources offered = RESOURCES_INIT;
    size_t slot = 0;
    struct cow_value *value;
    for (; (value = cow_snapshot_next(&view->snapshot.offers, &slot)) != NULL; slot++) {
        resources_add_bytes(&offered,
                            blob_slice(SNAPSHOT_RECORD(struct offer_record, value)->resources),
                            FIELD_OFFER_RESOURCES, NULL);
    }
    static const uint32_t kinds[] = {RESOURCE_NAME_CPUS, RESOURCE_NAME_MEM, RESOURCE_NAME_DISK};
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        struct slice name = resource_name_common_text(kinds[i]);
        int64_t amount = 0;
        (void)resources_get_scalar(&offered, name, &amount);
        const char *prefix =
            arena_printf(&view->arena, "allocator/mesos/resources/%.*s", SLICE_ARGS(name));
        add_static(view, arena_printf(&view->arena, "%s/total", prefix), view->total[kinds[i]]);
        add_static(view, arena_printf(&view->arena, "%s/offered_or_allocated", prefix),
                   view->used[kinds[i]] + scalar_to_double(amount));
    }
    resources_deinit(&offered);
}

static int compare_roles(const void *a, const void *b)
{
    return strcmp(((const struct metrics_role *)a)->name, ((const struct metrics_role *)b)->name);
}

static void add_allocator_roles(struct metrics_view *view)
{
    if (view->role_count > 0) {
        qsort(view->roles, view->role_count, sizeof(view->roles[0]), compare_roles);
    }
    for (size_t i = 0; i < view->role_count; i++) {
        const struct metrics_role *role = &view->roles[i];
        if (i > 0 && strcmp(role->name, role[-1].name) == 0) {
            continue;
        }
        add_static(
            view,
            arena_printf(&view->arena, "allocator/mesos/roles/%s/shares/dominant", role->name),
            role->share);
        add_static(
            view,
            arena_printf(&view->arena, "allocator/mesos/offer_filters/roles/%s/active", role->name),
            role->filters);
    }
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct metrics_row *)a)->name, ((const struct metrics_row *)b)->name);
}

/* --- writing --- */

struct metrics_writer {
    enum metrics_form form;
    struct buf *out;
    struct json_writer w;
};

/* mesos.Metric, GetMetrics and Response */
enum {
    FIELD_METRIC_NAME = 1,
    FIELD_METRIC_VALUE = 2,
    FIELD_METRICS_METRICS = 1,
    FIELD_RESPONSE_TYPE = 1,
    FIELD_RESPONSE_METRICS = 5,
};

static void write_metric(void *arg, const char *name, double value)
{
    struct metrics_writer *writer = arg;
    switch (writer->form) {
    case METRICS_OBJECT:
        json_key_slice(&writer->w, slice_from(name));
        json_double(&writer->w, value);
        break;
    case METRICS_V1_JSON:
        json_begin_object(&writer->w);
        json_key_text(&writer->w, "name", name);
        json_key_double(&writer->w, "value", value);
        json_end_object(&writer->w);
        break;
    case METRICS_V1_PROTOBUF: {
        size_t begun = wire_begin(writer->out, FIELD_METRICS_METRICS);
        wire_put_bytes(writer->out, FIELD_METRIC_NAME, slice_from(name));
        wire_put_double(writer->out, FIELD_METRIC_VALUE, value);
        wire_end(writer->out, begun);
        break;
    }
    }
}

/* The names of frameworks stand together, among the others in order. */
static void write_rows(struct metrics_view *view, struct metrics_writer *writer)
{
    bool frameworks_written = !view->per_framework;
    qsort(view->rows, view->count, sizeof(view->rows[0]), compare_rows);
    for (size_t i = 0; i < view->count; i++) {
        if (!frameworks_written && strcmp(view->rows[i].name, METRICS_FRAMEWORK_PREFIX) > 0) {
            frameworks_written = true;
            master_metrics_framework_visit(&view->snapshot.frameworks, view->counts, write_metric,
                                           writer);
        }
        write_metric(writer, view->rows[i].name, view->rows[i].value);
    }
}

static void write_answer(struct metrics_view *view, struct buf *out)
{
    struct metrics_writer writer = {.form = view->form, .out = out};
    json_writer_init(&writer.w, out);
    switch (view->form) {
    case METRICS_OBJECT:
        json_begin_object(&writer.w);
        write_rows(view, &writer);
        json_end_object(&writer.w);
        break;
    case METRICS_V1_JSON:
        buf_append_text(out, "{\"type\":\"GET_METRICS\",\"get_metrics\":{\"metrics\":[");
        write_rows(view, &writer);
        buf_append_text(out, "]}}");
        break;
    case METRICS_V1_PROTOBUF: {
        wire_put_varint(out, FIELD_RESPONSE_TYPE, PB__MASTER__RESPONSE__TYPE__GET_METRICS);
        size_t begun = wire_begin(out, FIELD_RESPONSE_METRICS);
        write_rows(view, &writer);
        wire_end(out, begun);
        break;
    }
    }
}

static void run(struct net_job *job, struct net_answer *answer)
{
    struct metrics_view *view = CONTAINER_OF(job, struct metrics_view, job);
    struct buf out = BUF_INIT;
    add_frameworks(view);
    add_registry_size(view);
    add_allocated(view);
    add_allocator_roles(view);
    master_view_visit_quotas(&(struct view_input){.snapshot = &view->snapshot, .seed = view->seed},
                             add_row, view);
    master_metrics_principals_visit(&view->snapshot.frameworks, view->counts, add_row, view);
    write_answer(view, &out);
    answer->status = 200;
    answer->content_type = view->form == METRICS_V1_PROTOBUF ? HTTP_PROTOBUF : HTTP_JSON;
    if (view->jsonp.data != NULL) {
        answer->content_type = HTTP_JAVASCRIPT;
        jsonp_append(view->jsonp, buf_slice(&out), &answer->body);
        buf_deinit(&out);
    } else {
        answer->body = out;
    }
}

static void free_view(struct net_job *job)
{
    struct metrics_view *view = CONTAINER_OF(job, struct metrics_view, job);
    master_snapshot_release(&view->snapshot);
    free(view->rows);
    free(view->roles);
    arena_deinit(&view->arena);
    free(view);
}

static void respond(struct master *master, uint64_t handle, enum metrics_form form,
                    const char *jsonp)
{
    struct metrics_view *view = xalloc(sizeof(*view));
    view->job = (struct net_job){run, free_view};
    arena_init(&view->arena, 0);
    view->form = form;
    view->jsonp =
        jsonp != NULL ? slice_from(arena_strdup(&view->arena, jsonp)) : slice_make(NULL, 0);
    view->per_framework = master->options.publish_framework_metrics;
    view->registry_size = master->registry_size;
    view->seed = prng_next(&master->prng);
    for (uint32_t i = 0; i < RESOURCE_NAMES_COMMON; i++) {
        view->total[i] = scalar_to_double(quantities_get(&master->total, i));
        view->used[i] = scalar_to_double(quantities_get(&master->used, i));
    }
    master_snapshot_take(master, &view->snapshot);
    take_frameworks(view, master);
    master_gauges_visit(master, add_row, view);
    if (master->options.metrics != NULL) {
        metrics_visit(master->options.metrics, add_row, view);
    }
    net_render(&master->effects->net, handle, &view->job);
}

/* --- the endpoint --- */

static void wait_free(struct master *master, struct metrics_wait *wait)
{
    list_remove(&wait->link);
    master->reads->metrics_waiting_count--;
    free(wait->jsonp);
    free(wait);
}

/* Whether the rate allows for one now. */
static bool take_turn(struct master *master)
{
    struct reads *reads = master->reads;
    int64_t count = master->options.metrics_rate_count;
    if (count == 0) {
        return true;
    }
    if (reads->metrics_next_ns > master->now.mono_ns) {
        return false;
    }
    reads->metrics_next_ns =
        time_add_ns(master->now.mono_ns, master->options.metrics_rate_interval_ns / count);
    return true;
}

void master_metrics_next(struct master *master)
{
    struct reads *reads = master->reads;
    while (!list_is_empty(&reads->metrics_waiting) && take_turn(master)) {
        struct metrics_wait *wait =
            LIST_ENTRY(reads->metrics_waiting.next, struct metrics_wait, link);
        respond(master, wait->handle, METRICS_OBJECT, wait->jsonp);
        wait_free(master, wait);
    }
    if (!list_is_empty(&reads->metrics_waiting)) {
        timers_set(&master->timers, &reads->metrics_timer, reads->metrics_next_ns);
    }
}

void master_metrics_snapshot(struct master *master, const struct net_request *request)
{
    struct reads *reads = master->reads;
    struct err err;
    struct slice jsonp;
    int64_t timeout_ns;
    struct slice timeout = master_http_param(master, request->head->query, "timeout");
    if (timeout.data != NULL && duration_parse(timeout, &timeout_ns, &err) != 0) {
        net_respond_text(&master->effects->net, request->handle, 400,
                         "Invalid timeout '%.*s': %s.\n", SLICE_ARGS(timeout), err.text);
        return;
    }
    if (!master_http_jsonp(master, request, &jsonp)) {
        return;
    }
    if (reads->metrics_waiting_count >= METRICS_WAITING_MAX) {
        net_respond_text(&master->effects->net, request->handle, 503,
                         "Too many requests wait for metrics");
        return;
    }
    struct metrics_wait *wait = xalloc(sizeof(*wait));
    wait->handle = request->handle;
    wait->jsonp = jsonp.data != NULL ? xstrndup(jsonp.data, jsonp.size) : NULL;
    list_push_back(&reads->metrics_waiting, &wait->link);
    reads->metrics_waiting_count++;
    master_metrics_next(master);
}

void master_metrics_call(struct master *master, const struct operator_request *r)
{
    respond(master, r->request->handle,
            r->accept == HTTP_MEDIA_JSON ? METRICS_V1_JSON : METRICS_V1_PROTOBUF, NULL);
}

void master_metrics_drop_waiting(struct master *master)
{
    struct list *waiting = &master->reads->metrics_waiting;
    while (!list_is_empty(waiting)) {
        wait_free(master, LIST_ENTRY(waiting->next, struct metrics_wait, link));
    }
}

/* --- the machine --- */

void master_metrics_system(struct master *master, const struct net_request *request)
{
    static const struct {
        const char *metric;
        const char *key;
        bool is_whole;
    } rows[] = {
        {"system/load_15min", "avg_load_15min", false},
        {"system/load_1min", "avg_load_1min", false},
        {"system/load_5min", "avg_load_5min", false},
        {"system/cpus_total", "cpus_total", true},
        {"system/mem_free_bytes", "mem_free_bytes", true},
        {"system/mem_total_bytes", "mem_total_bytes", true},
    };
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &out);
    json_begin_object(&w);
    for (size_t i = 0; master->options.metrics != NULL && i < ELEMENTS(rows); i++) {
        const struct metric *metric = metrics_find(master->options.metrics, rows[i].metric);
        if (metric == NULL) {
            continue;
        }
        if (rows[i].is_whole) {
            json_key_int(&w, rows[i].key, (int64_t)metric_value(metric));
        } else {
            json_key_double(&w, rows[i].key, metric_value(metric));
        }
    }
    json_end_object(&w);
    master_http_respond_json(master, request, &out);
}

/* --- counters --- */

/* What an operation can become, and which there are (facts/metrics.csv); "" is all of them. */
static void add_operation_counters(struct metrics *metrics)
{
    static const char *const types[] = {"",         "create/",        "create_disk/",
                                        "destroy/", "destroy_disk/",  "grow_volume/",
                                        "reserve/", "shrink_volume/", "unreserve/"};
    static const char *const states[] = {"dropped",          "error",   "failed",     "finished",
                                         "gone_by_operator", "pending", "recovering", "total",
                                         "unreachable"};
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        for (size_t j = 0; j < ELEMENTS(states); j++) {
            char *name = xasprintf("master/operations/%s%s", types[i], states[j]);
            (void)metrics_add_counter(metrics, name);
            free(name);
        }
    }
}

void master_metrics_init(struct master *master)
{
    static const char *const names[COUNTERS_COUNT] = {
#define MASTER_COUNTER_NAME(symbol, name) name,
        MASTER_COUNTERS(MASTER_COUNTER_NAME)
#undef MASTER_COUNTER_NAME
    };
    struct metrics *metrics = master->options.metrics;
    if (metrics == NULL) {
        return;
    }
    for (size_t i = 0; i < COUNTERS_COUNT; i++) {
        master->counters[i] = metrics_add_counter(metrics, names[i]);
    }
    add_operation_counters(metrics);
    master->allocation_run = metrics_add_timer(metrics, "allocator/mesos/allocation_run");
    master->allocation_latency =
        metrics_add_timer(metrics, "allocator/mesos/allocation_run_latency");
    master->state_fetch = metrics_add_timer(metrics, "registrar/state_fetch");
    master->state_store = metrics_add_timer(metrics, "registrar/state_store");
}
