#include "master/view.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/master_state.h"
#include "master/reads.h"
#include "master/view_parts.h"
#include "wire/jsonp.h"

/* Room for RecordIO's length in front of a record. */
#define RECORD_HEAD_SIZE 24
/* More is asked of memory at once than the last such answer took. */
#define SPARE_SIZE 4096
/* What an answer depends on: five tables, and what operators set for roles. */
#define VIEW_VERSIONS 7

/* --- an answer that several readers share --- */

enum answer_state {
    ANSWER_NONE,    /* nobody has rendered it */
    ANSWER_CLAIMED, /* somebody has, and puts it here */
    ANSWER_READY,
};

struct view_answer {
    atomic_size_t refs;
    atomic_int state; /* enum answer_state */
    struct buf body;  /* fixed once it is READY */
    /* loop only */
    uint64_t versions[VIEW_VERSIONS]; /* of the snapshot's tables and settings */
    struct buf head;                  /* what the loop wrote */
    int64_t used_ns;                  /* monotonic: last asked for */
};

static struct view_answer *answer_ref(struct view_answer *answer)
{
    if (answer != NULL) {
        atomic_fetch_add_explicit(&answer->refs, 1, memory_order_relaxed);
    }
    return answer;
}

static void answer_unref(struct view_answer *answer)
{
    if (answer != NULL && atomic_fetch_sub_explicit(&answer->refs, 1, memory_order_acq_rel) == 1) {
        buf_deinit(&answer->body);
        buf_deinit(&answer->head);
        free(answer);
    }
}

static void release_answer(void *owner)
{
    answer_unref(owner);
}

/* --- the job --- */

struct view {
    struct net_job job;      /* first: the worker's handle on it */
    struct view_query query; /* texts in the arena */
    struct master_snapshot snapshot;
    struct arena arena;
    struct view_input input;
    struct view_answer *answer; /* a reference; NULL = not shared */
    size_t size_hint;           /* bytes that the last such answer took */
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

static bool is_older(enum view_kind kind)
{
    return kind <= VIEW_ROLES;
}

/* The document: shared if it can be, else in *own. */
static struct slice make_body(struct view *view, struct buf *own)
{
    struct view_answer *answer = view->answer;
    if (answer != NULL &&
        atomic_load_explicit(&answer->state, memory_order_acquire) == ANSWER_READY) {
        return buf_slice(&answer->body);
    }
    (void)buf_reserve(own, view->size_hint);
    render(&view->input, own);
    int none = ANSWER_NONE;
    if (answer == NULL || !atomic_compare_exchange_strong(&answer->state, &none, ANSWER_CLAIMED)) {
        return buf_slice(own);
    }
    answer->body = *own;
    *own = BUF_INIT;
    atomic_store_explicit(&answer->state, ANSWER_READY, memory_order_release);
    return buf_slice(&answer->body);
}

static void run_view(struct net_job *job, struct net_answer *answer)
{
    struct view *view = CONTAINER_OF(job, struct view, job);
    struct buf own = BUF_INIT;
    answer->status = 200;
    answer->content_type =
        is_older(view->query.kind) || view->query.json ? HTTP_JSON : HTTP_PROTOBUF;
    struct slice body = make_body(view, &own);
    if (view->query.jsonp.data != NULL) {
        answer->content_type = HTTP_JAVASCRIPT;
        jsonp_append(view->query.jsonp, body, &answer->body);
        buf_deinit(&own);
    } else if (own.data != NULL) {
        answer->body = own;
    } else {
        answer->shared = body;
        answer->release = release_answer;
        answer->owner = answer_ref(view->answer);
    }
}

static void free_heap(void *owner)
{
    free(owner);
}

/* A record of the event stream: its length and a line feed stand in front of it. */
static void run_record(struct net_job *job, struct net_answer *answer)
{
    struct view *view = CONTAINER_OF(job, struct view, job);
    struct buf out = BUF_INIT;
    char head[RECORD_HEAD_SIZE];
    (void)buf_reserve(&out, view->size_hint + RECORD_HEAD_SIZE);
    out.size = RECORD_HEAD_SIZE;
    render(&view->input, &out);
    int size = snprintf(head, sizeof(head), "%zu\n", out.size - RECORD_HEAD_SIZE);
    size_t start = RECORD_HEAD_SIZE - (size_t)size;
    memcpy(out.data + start, head, (size_t)size);
    answer->shared = slice_skip(buf_slice(&out), start);
    answer->release = free_heap;
    answer->owner = out.data;
}

static void free_view(struct net_job *job)
{
    struct view *view = CONTAINER_OF(job, struct view, job);
    answer_unref(view->answer);
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

static void write_head(const struct master *master, enum view_kind kind, struct buf *out)
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

static struct view *view_new(struct master *master, const struct view_query *query)
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
    master_snapshot_take(master, &view->snapshot);
    view->input = (struct view_input){
        .query = &view->query,
        .snapshot = &view->snapshot,
        .seed = prng_next(&master->prng),
    };
    if (query->kind == VIEW_ROLES || query->kind == VIEW_GET_ROLES) {
        view->input.whitelist = join_roles(master->options.roles, arena);
    }
    return view;
}

/* --- sharing --- */

static bool is_shareable(const struct view_query *query)
{
    return query->kind != VIEW_TASKS && query->kind != VIEW_SUBSCRIBED &&
           query->framework_id.data == NULL && query->agent_id.data == NULL;
}

static void versions_of(const struct master_snapshot *snapshot, uint64_t versions[VIEW_VERSIONS])
{
    versions[0] = snapshot->frameworks.version;
    versions[1] = snapshot->agents.version;
    versions[2] = snapshot->tasks.version;
    versions[3] = snapshot->executors.version;
    versions[4] = snapshot->offers.version;
    versions[5] = snapshot->roles.version;
    versions[6] = snapshot->operations.version;
}

/* The answer of before if nothing has changed since, else a new one to be filled. */
static void share_answer(struct master *master, struct view *view, struct buf *head)
{
    struct view_answer **kept = &master->reads->views.answers[view->query.kind][view->query.json];
    struct view_answer *answer = *kept;
    uint64_t versions[VIEW_VERSIONS];
    versions_of(&view->snapshot, versions);
    if (answer != NULL &&
        atomic_load_explicit(&answer->state, memory_order_acquire) == ANSWER_READY) {
        view->size_hint = answer->body.size + SPARE_SIZE;
    }
    if (answer != NULL && memcmp(answer->versions, versions, sizeof(versions)) == 0 &&
        slice_equal(buf_slice(&answer->head), buf_slice(head))) {
        master_count(master, COUNTER_HTTP_CACHE_HITS);
        buf_deinit(head);
    } else {
        answer_unref(answer);
        answer = xalloc(sizeof(*answer));
        atomic_init(&answer->refs, 1);
        atomic_init(&answer->state, ANSWER_NONE);
        memcpy(answer->versions, versions, sizeof(versions));
        answer->head = *head;
        *head = BUF_INIT;
        *kept = answer;
    }
    answer->used_ns = master->now.mono_ns;
    view->answer = answer_ref(answer);
    view->input.head = buf_slice(&answer->head);
    master_reads_keep_views(master);
}

void master_view_respond(struct master *master, uint64_t handle, const struct view_query *query)
{
    CLEANUP(buf_deinit) struct buf head = BUF_INIT;
    struct view *view = view_new(master, query);
    write_head(master, query->kind, &head);
    if (is_shareable(query)) {
        share_answer(master, view, &head);
    } else {
        view->input.head = arena_slice(&view->arena, buf_slice(&head));
    }
    net_render(&master->effects->net, handle, &view->job);
}

struct net_job *master_view_subscribed(struct master *master, bool json)
{
    struct view *view =
        view_new(master, &(struct view_query){.kind = VIEW_SUBSCRIBED, .json = json});
    view->job.run = run_record;
    return &view->job;
}

int64_t master_view_cache_expire(struct view_cache *cache, int64_t now_ns)
{
    int64_t next_ns = TIME_NEVER;
    for (size_t kind = 0; kind < VIEW_KINDS; kind++) {
        for (size_t json = 0; json < 2; json++) {
            struct view_answer **kept = &cache->answers[kind][json];
            if (*kept == NULL) {
                continue;
            }
            if (atomic_load_explicit(&(*kept)->refs, memory_order_relaxed) > 1) {
                (*kept)->used_ns = now_ns; /* being rendered or sent: it is in memory anyway */
            }
            int64_t end_ns = time_add_ns((*kept)->used_ns, VIEW_KEPT_NS);
            if (end_ns <= now_ns) {
                answer_unref(*kept);
                *kept = NULL;
            } else {
                next_ns = MIN(next_ns, end_ns);
            }
        }
    }
    return next_ns;
}

void master_view_cache_deinit(struct view_cache *cache)
{
    for (size_t kind = 0; kind < VIEW_KINDS; kind++) {
        for (size_t json = 0; json < 2; json++) {
            answer_unref(TAKE_PTR(cache->answers[kind][json]));
        }
    }
}
