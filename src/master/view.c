#include "master/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/master_state.h"
#include "master/view_job.h"
#include "master/view_parts.h"
#include "wire/jsonp.h"

/* Room for RecordIO's length in front of a record. */
#define RECORD_HEAD_SIZE 24
/* More is asked of memory at once than is expected. */
#define SPARE_SIZE 4096

/* --- the job --- */

struct view {
    struct net_job job;      /* first: the worker's handle on it */
    struct view_query query; /* texts in the arena */
    struct master_snapshot snapshot;
    struct arena arena;
    struct view_input input;
    size_t size_hint; /* bytes that it is expected to take */
};

static void render(const struct view_input *input, struct buf *out)
{
    switch (input->query->kind) {
    case VIEW_STATE:
        master_view_write_state(input, out);
        break;
    case VIEW_STATE_SUMMARY:
        master_view_write_summary(input, out);
        break;
    case VIEW_SLAVES:
        master_view_write_slaves(input, out);
        break;
    case VIEW_FRAMEWORKS:
        master_view_write_frameworks(input, out);
        break;
    case VIEW_TASKS:
        master_view_write_tasks(input, out);
        break;
    case VIEW_CONSTRAINTS:
        master_view_write_constraints(input, out);
        break;
    case VIEW_ROLES:
        master_view_write_roles(input, out);
        break;
    case VIEW_GET_STATE:
    case VIEW_GET_AGENTS:
    case VIEW_GET_FRAMEWORKS:
    case VIEW_GET_EXECUTORS:
    case VIEW_GET_TASKS:
    case VIEW_GET_OPERATIONS:
    case VIEW_GET_ROLES:
    case VIEW_SUBSCRIBED:
        master_view_write_response(input, out);
        break;
    }
}

/* A record of the event stream: its length and a line feed stand in front of it. */
static void render_record(const struct view_input *input, struct buf *out)
{
    char head[RECORD_HEAD_SIZE];
    size_t start = out->size;
    (void)buf_reserve(out, RECORD_HEAD_SIZE);
    out->size += RECORD_HEAD_SIZE;
    render(input, out);
    size_t size = out->size - start - RECORD_HEAD_SIZE;
    int head_size = snprintf(head, sizeof(head), "%zu\n", size);
    memcpy(out->data + start, head, (size_t)head_size);
    memmove(out->data + start + head_size, out->data + start + RECORD_HEAD_SIZE, size);
    out->size = start + (size_t)head_size + size;
}

/* Zips the answer if it is worth it. */
static void zip(struct net_answer *answer)
{
    struct slice plain = slice_skip(buf_slice(&answer->body), BLOB_HEAD_SIZE);
    struct buf zipped = BUF_INIT;
    if (plain.size < HTTP_GZIP_SIZE_MIN) {
        return;
    }
    blob_begin(&zipped);
    if (http_gzip(plain, &zipped) != 0) {
        buf_deinit(&zipped); /* it goes out as it is */
        return;
    }
    answer->unzipped_size = plain.size;
    buf_deinit(&answer->body);
    answer->body = zipped;
}

static void run_view(struct net_job *job, struct net_answer *answer)
{
    struct view *view = CONTAINER_OF(job, struct view, job);
    const struct view_query *query = &view->query;
    struct buf *out = &answer->body;
    (void)buf_reserve(out, BLOB_HEAD_SIZE + view->size_hint + SPARE_SIZE);
    blob_begin(out);
    if (query->jsonp.data != NULL) {
        jsonp_begin(query->jsonp, out);
        render(&view->input, out);
        jsonp_end(out);
    } else if (query->kind == VIEW_SUBSCRIBED) {
        render_record(&view->input, out);
    } else {
        render(&view->input, out);
    }
    if (query->gzip) {
        zip(answer);
    }
}

static void free_view(struct net_job *job)
{
    struct view *view = CONTAINER_OF(job, struct view, job);
    master_snapshot_release(&view->snapshot);
    arena_deinit(&view->arena);
    free(view);
}

/* --- what only the loop knows --- */

static void put_leader(const struct master *master, struct json_writer *w)
{
    json_key_text(w, "leader", master->pid);
    json_key(w, "leader_info");
    json_begin_object(w);
    json_key_text(w, "id", master->id);
    json_key_text(w, "pid", master->pid);
    json_key_int(w, "port", master->options.address.port);
    json_key_text(w, "hostname", master->options.hostname);
    if (master->options.domain.data != NULL) {
        json_key(w, "domain");
        json_message_bytes(w, &pb__domain_info__descriptor, master->options.domain, JSON_V0);
    }
    json_end_object(w);
}

static void put_optional(struct json_writer *w, const char *key, const char *text)
{
    if (text != NULL) {
        json_key_text(w, key, text);
    }
}

static void put_flag(const struct master *master, const char *name, struct json_writer *w)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    const struct flags *flags = master->options.flags;
    int index = flags != NULL ? flags_find(flags, name) : -1;
    if (index >= 0 && flags_format(flags, (size_t)index, &text)) {
        json_key_string(w, name, buf_slice(&text));
    }
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_SEC;
}

/* The members of /state in front of the tables. */
static void write_state_head(const struct master *master, struct buf *out)
{
    static const char *const capabilities[] = {"AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"};
    const struct master_version *version = &master->options.version;
    struct json_writer w;
    json_writer_init(&w, out);
    json_key_text(&w, "version", version->version);
    put_optional(&w, "git_sha", version->git_sha);
    json_key_text(&w, "build_date", version->build_date);
    json_key_double(&w, "build_time", version->build_time);
    json_key_text(&w, "build_user", version->build_user);
    json_key_double(&w, "start_time", seconds(master->start_ns));
    if (master->elected_ns != 0) {
        json_key_double(&w, "elected_time", seconds(master->elected_ns));
    }
    json_key_text(&w, "id", master->id);
    json_key_text(&w, "pid", master->pid);
    json_key_text(&w, "hostname", master->options.hostname);
    json_key(&w, "capabilities");
    json_begin_array(&w);
    for (size_t i = 0; i < ELEMENTS(capabilities); i++) {
        json_text(&w, capabilities[i]);
    }
    json_end_array(&w);
    json_key_double(&w, "activated_slaves", (double)master->active_count);
    json_key_double(&w, "deactivated_slaves",
                    (double)(master->registered_count - master->active_count));
    json_key_double(&w, "unreachable_slaves", (double)master->unreachable_count);
    if (master->options.domain.data != NULL) {
        json_key(&w, "domain");
        json_message_bytes(&w, &pb__domain_info__descriptor, master->options.domain, JSON_V0);
    }
    put_leader(master, &w);
    put_optional(&w, "cluster", master->options.cluster);
    put_flag(master, "log_dir", &w);
    put_flag(master, "external_log_file", &w);
    json_key(&w, "flags");
    master_write_flags(master, &w);
}

static void write_summary_head(const struct master *master, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_key_text(&w, "hostname", master->options.hostname);
    put_optional(&w, "cluster", master->options.cluster);
}

void master_view_write_head(const struct master *master, enum view_kind kind, struct buf *out)
{
    if (kind == VIEW_STATE) {
        write_state_head(master, out);
    } else if (kind == VIEW_STATE_SUMMARY) {
        write_summary_head(master, out);
    }
}

/* --- making a job --- */

static struct slice copy_slice(struct arena *arena, struct slice s)
{
    return s.data != NULL ? arena_slice(arena, s) : s;
}

/* --roles again as a list: it was split for others. */
static struct slice join_roles(const char *const *roles, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    for (size_t i = 0; roles != NULL && roles[i] != NULL; i++) {
        buf_append_text(&out, i > 0 ? "," : "");
        buf_append_text(&out, roles[i]);
    }
    return roles != NULL ? arena_slice(arena, buf_slice(&out)) : slice_make(NULL, 0);
}

struct net_job *master_view_job(struct master *master, const struct view_query *query,
                                struct slice head, size_t size_hint)
{
    struct view *view = xalloc(sizeof(*view));
    struct arena *arena = &view->arena;
    view->job = (struct net_job){run_view, free_view};
    arena_init(arena, 0);
    view->query = *query;
    view->query.jsonp = copy_slice(arena, query->jsonp);
    view->query.framework_id = copy_slice(arena, query->framework_id);
    view->query.agent_id = copy_slice(arena, query->agent_id);
    view->query.task_id = copy_slice(arena, query->task_id);
    view->size_hint = size_hint;
    master_snapshot_take(master, &view->snapshot);
    view->input = (struct view_input){
        .query = &view->query,
        .snapshot = &view->snapshot,
        .head = arena_slice(arena, head),
        .seed = prng_next(&master->prng),
    };
    if (query->kind == VIEW_ROLES || query->kind == VIEW_GET_ROLES) {
        view->input.whitelist = join_roles(master->options.roles, arena);
    }
    return &view->job;
}
