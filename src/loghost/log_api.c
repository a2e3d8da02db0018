/*
 * The public library (tepui/log.h): a thread of its own runs loop, net host and log; callers hand
 * it their calls, and wait.
 */
#include "tepui/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/xalloc.h"
#include "loghost/log_host.h"

#define PEERS_MAX 64

/* Entries that have come, and were not given to the caller yet. */
struct piece {
    struct list link;
    struct rlog_entry *entries;
    size_t count;
};

/* One call; made by the caller, freed by whoever is the last to need it. */
struct call {
    struct list link;
    struct rlog_event request;
    struct upid members[PEERS_MAX]; /* MEMBERS */
    pthread_cond_t changed;
    bool is_done;
    bool is_abandoned; /* the caller has gone: the thread frees it */
    int status;
    struct err err;
    uint64_t position;
    uint64_t begin;
    uint64_t end;
    struct list pieces; /* READ */
};

struct tepui_log {
    struct loop *loop;
    struct workers *workers;
    struct net_host *net;
    struct log_host *host;
    struct loop_waker *waker;
    pthread_t thread;
    uint16_t port;

    pthread_mutex_t mutex; /* guards what follows, and all calls */
    struct list calls;     /* not handed to the log */
    struct list open;      /* handed over, and not answered */
    uint64_t next_token;
    bool is_closing;
    bool is_failed; /* the log is at its end */
    struct err failure;
};

static _Thread_local struct err last_error;

const char *tepui_log_error(void)
{
    return last_error.text;
}

/* --- calls --- */

static struct call *call_new(enum rlog_event_type type)
{
    struct call *call = xalloc(sizeof(*call));
    call->request.type = type;
    list_init(&call->link);
    list_init(&call->pieces);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&call->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return call;
}

static void piece_free(struct piece *piece)
{
    for (size_t i = 0; i < piece->count; i++) {
        blob_unref(piece->entries[i].bytes);
    }
    free(piece->entries);
    free(piece);
}

static struct call *call_free(struct call *call)
{
    struct list *link;
    while ((link = list_pop_front(&call->pieces)) != NULL) {
        piece_free(LIST_ENTRY(link, struct piece, link));
    }
    blob_unref(call->request.bytes);
    (void)pthread_cond_destroy(&call->changed);
    free(call);
    return NULL;
}

/* With the mutex held. */
static void finish(struct call *call, int status)
{
    list_remove(&call->link);
    if (call->is_abandoned) {
        call_free(call);
        return;
    }
    call->status = status;
    call->is_done = true;
    (void)pthread_cond_signal(&call->changed);
}

/* --- the thread --- */

static struct call *find_call(struct tepui_log *log, uint64_t token)
{
    struct call *call;
    LIST_FOR_EACH (call, &log->open, link) {
        if (call->request.token == token) {
            return call;
        }
    }
    return NULL;
}

static void fail_all(struct tepui_log *log, const struct rlog_answer *answer)
{
    log->is_failed = true;
    log->failure = answer->err;
    struct call *call;
    LIST_FOR_EACH (call, &log->open, link) {
        call->err = answer->err;
        finish(call, -EIO);
    }
}

static void take_piece(struct call *call, const struct rlog_answer *answer)
{
    struct piece *piece = xalloc(sizeof(*piece));
    piece->entries = xcalloc(answer->entry_count, sizeof(piece->entries[0]));
    for (size_t i = 0; i < answer->entry_count; i++) {
        piece->entries[i] =
            (struct rlog_entry){answer->entries[i].position, blob_ref(answer->entries[i].bytes)};
    }
    piece->count = answer->entry_count;
    list_push_back(&call->pieces, &piece->link);
}

static void on_answer(void *arg, const struct rlog_answer *answer)
{
    struct tepui_log *log = arg;
    (void)pthread_mutex_lock(&log->mutex);
    struct call *call = find_call(log, answer->token);
    if (answer->type == RLOG_ANSWER_FAILED) {
        fail_all(log, answer);
    } else if (call != NULL) {
        call->err = answer->err;
        call->position = answer->position;
        call->begin = answer->begin;
        call->end = answer->end;
        if (answer->entry_count > 0 && !call->is_abandoned) {
            take_piece(call, answer);
            (void)pthread_cond_signal(&call->changed);
        }
        if (answer->type != RLOG_ANSWER_ENTRIES || answer->last) {
            finish(call, answer->status);
        }
    }
    (void)pthread_mutex_unlock(&log->mutex);
}

/* Hands the next call to the log; false if there is none. */
static bool begin_call(struct tepui_log *log)
{
    (void)pthread_mutex_lock(&log->mutex);
    struct list *link = list_pop_front(&log->calls);
    struct call *call = link != NULL ? LIST_ENTRY(link, struct call, link) : NULL;
    struct rlog_event request = {.type = RLOG_TICK};
    struct upid members[PEERS_MAX];
    if (call != NULL) {
        call->request.token = log->next_token++;
        request = call->request;
        request.bytes = blob_ref(request.bytes); /* the call may be gone by then */
        memcpy(members, call->members, sizeof(members));
        list_push_back(&log->open, &call->link);
        if (log->is_failed) {
            call->err = log->failure;
            finish(call, -EIO);
            request.type = RLOG_TICK;
        } else if (request.type == RLOG_MEMBERS || request.type == RLOG_RESIGN) {
            finish(call, 0);
        }
    }
    (void)pthread_mutex_unlock(&log->mutex);
    if (call == NULL) {
        return false;
    }
    if (request.type == RLOG_MEMBERS) {
        log_host_set_members(log->host, members, request.member_count);
    } else if (request.type != RLOG_TICK) {
        log_host_request(log->host, &request);
    }
    blob_unref(request.bytes);
    return true;
}

static void on_wake(void *arg)
{
    struct tepui_log *log = arg;
    while (begin_call(log)) {
    }
    (void)pthread_mutex_lock(&log->mutex);
    bool is_closing = log->is_closing;
    (void)pthread_mutex_unlock(&log->mutex);
    if (is_closing) {
        loop_stop(log->loop);
    }
}

static void on_net(void *arg, const struct net_event *event)
{
    struct tepui_log *log = arg;
    if (log->host != NULL) {
        (void)log_host_take_net(log->host, event);
    }
    if (event->type == NET_REQUEST) {
        struct net_effects effects;
        net_effects_init(&effects);
        net_respond_text(&effects, event->handle, 404, "This is a replica of a log.");
        net_host_perform(log->net, &effects);
        net_effects_deinit(&effects);
    }
}

static bool has_actor(void *arg, struct slice id)
{
    const struct tepui_log *log = arg;
    return log->host != NULL && log_host_has_actor(log->host, id);
}

static void *run(void *arg)
{
    struct tepui_log *log = arg;
    loop_run(log->loop);
    return NULL;
}

/* --- opening and closing --- */

static uint64_t random_number(void)
{
    uint64_t number = 0;
    ASSERT(getrandom(&number, sizeof(number), 0) == (ssize_t)sizeof(number));
    return number;
}

static int parse_address(const char *text, const char *what, struct address *ret_address,
                         struct err *err)
{
    if (text == NULL || !address_parse(slice_from(text), ret_address)) {
        return err_set(err, -EINVAL, "%s: '%s' is not ip:port", what, text != NULL ? text : "");
    }
    return 0;
}

static int parse_peers(const char *const *peers, struct call *call, struct err *err)
{
    size_t count = 0;
    for (; peers != NULL && peers[count] != NULL; count++) {
        struct upid *member = &call->members[count];
        if (count == PEERS_MAX) {
            return err_set(err, -EINVAL, "more than %d peers", PEERS_MAX);
        }
        int status = parse_address(peers[count], "peers", &member->address, err);
        if (status != 0) {
            return status;
        }
        (void)snprintf(member->id, sizeof(member->id), "log-replica(1)");
    }
    call->request.members = call->members;
    call->request.member_count = count;
    return 0;
}

static void destroy(struct tepui_log *log)
{
    log->host = log_host_free(log->host);
    net_host_free(log->net);
    workers_free(log->workers);
    if (log->waker != NULL) {
        loop_waker_free(log->waker);
    }
    loop_free(log->loop);
    struct call *call;
    LIST_FOR_EACH (call, &log->open, link) {
        list_remove(&call->link);
        call_free(call);
    }
    LIST_FOR_EACH (call, &log->calls, link) {
        list_remove(&call->link);
        call_free(call);
    }
    (void)pthread_mutex_destroy(&log->mutex);
    free(log);
}

extern char **environ;

static int start(struct tepui_log *log, const struct tepui_log_options *options, struct err *err)
{
    static const struct net_host_callbacks callbacks = {.on_event = on_net, .has_actor = has_actor};
    struct address listen;
    struct address bound;
    struct log_host_options host_options = {
        .path = options->path,
        .compacts = log_host_compacts(environ),
        .quorum = options->quorum,
        .auto_initialize = options->auto_initialize,
        .seed = random_number(),
        .on_answer = on_answer,
        .arg = log,
    };
    int status = parse_address(options->listen, "listen", &listen, err);
    if (status == 0 && options->advertise != NULL) {
        status = parse_address(options->advertise, "advertise", &host_options.self, err);
    }
    if (status != 0) {
        return status;
    }
    log->loop = host_options.loop = loop_new();
    log->workers = workers_new(log->loop, 1);
    log->net = host_options.net = net_host_new(&(struct net_host_options){
        .loop = log->loop,
        .workers = log->workers,
        .callbacks = &callbacks,
        .arg = log,
        .seed = random_number(),
    });
    status = net_host_listen(log->net, &listen, &bound, err);
    if (status != 0) {
        return status;
    }
    log->port = bound.port;
    if (options->advertise == NULL) {
        host_options.self = bound;
    }
    net_host_set_self(log->net, &host_options.self);
    log->waker = loop_waker_new(log->loop, on_wake, log);
    status = log_host_new(&host_options, &log->host, err);
    return status != 0 ? status : -pthread_create(&log->thread, NULL, run, log);
}

int tepui_log_open(const struct tepui_log_options *options, struct tepui_log **ret_log, char *error,
                   size_t error_size)
{
    struct err err = {""};
    struct call *peers = call_new(RLOG_MEMBERS);
    int status = parse_peers(options->peers, peers, &err);
    if (status == 0 && (options->quorum == 0 || options->path == NULL)) {
        status = err_set(&err, -EINVAL, "quorum and path are needed");
    }
    struct tepui_log *log = xalloc(sizeof(*log));
    list_init(&log->calls);
    list_init(&log->open);
    log->next_token = 1;
    (void)pthread_mutex_init(&log->mutex, NULL);
    if (status == 0) {
        status = start(log, options, &err);
    }
    list_push_back(&log->calls, &peers->link);
    peers->is_abandoned = true;
    if (status != 0) {
        if (error != NULL) {
            (void)snprintf(error, error_size, "%s", err.text);
        }
        destroy(log);
        return status;
    }
    loop_waker_wake(log->waker);
    *ret_log = log;
    return 0;
}

void tepui_log_close(struct tepui_log *log)
{
    if (log != NULL) {
        (void)pthread_mutex_lock(&log->mutex);
        log->is_closing = true;
        (void)pthread_mutex_unlock(&log->mutex);
        loop_waker_wake(log->waker);
        (void)pthread_join(log->thread, NULL);
        destroy(log);
    }
}

uint16_t tepui_log_port(const struct tepui_log *log)
{
    return log->port;
}

/* --- the callers' side --- */

struct deadline {
    bool is_set;
    struct timespec at;
};

static struct deadline deadline_of(int timeout_ms)
{
    struct deadline deadline = {.is_set = timeout_ms >= 0};
    if (deadline.is_set) {
        (void)clock_gettime(CLOCK_MONOTONIC, &deadline.at);
        int64_t ns = deadline.at.tv_nsec + (int64_t)(timeout_ms % 1000) * NS_PER_MS;
        deadline.at.tv_sec += timeout_ms / 1000 + ns / NS_PER_SEC;
        deadline.at.tv_nsec = ns % NS_PER_SEC;
    }
    return deadline;
}

/* Hands a call over. With the mutex held. */
static void submit(struct tepui_log *log, struct call *call)
{
    list_push_back(&log->calls, &call->link);
    loop_waker_wake(log->waker);
}

/* Waits until there is something new; -ETIMEDOUT. With the mutex held. */
static int await(struct tepui_log *log, struct call *call, const struct deadline *deadline)
{
    while (!call->is_done && list_is_empty(&call->pieces)) {
        int status = deadline->is_set
                         ? pthread_cond_timedwait(&call->changed, &log->mutex, &deadline->at)
                         : pthread_cond_wait(&call->changed, &log->mutex);
        if (status == ETIMEDOUT) {
            return -ETIMEDOUT;
        }
    }
    return 0;
}

static bool is_write(enum rlog_event_type type)
{
    return type == RLOG_ELECT || type == RLOG_APPEND || type == RLOG_TRUNCATE;
}

/* The end of a call for its caller: frees it, now or when it is answered. With the mutex held. */
static void leave(struct tepui_log *log, struct call *call)
{
    if (call->is_done) {
        call_free(call);
        return;
    }
    /* What becomes of a write is open, so the promise is given up (MESOS-1038). */
    if (is_write(call->request.type)) {
        struct call *resign = call_new(RLOG_RESIGN);
        resign->is_abandoned = true;
        submit(log, resign);
    }
    call->is_abandoned = true;
}

static int note_failure(int status, const struct err *err, const char *what)
{
    static const char *const texts[] = {
        [TEPUI_LOG_E_LOST] = "the promise to write is not held",
        [TEPUI_LOG_E_RANGE] = "there are no such positions",
        [TEPUI_LOG_E_PENDING] = "not all of these positions are known here",
    };
    const char *text = err->text;
    if (text[0] == '\0' && status > 0 && (size_t)status < ELEMENTS(texts)) {
        text = texts[status];
    } else if (text[0] == '\0') {
        text = strerror(-status);
    }
    return err_set(&last_error, status, "%s: %s", what, text);
}

/* What an answer says, 0 where it says nothing. */
struct said {
    uint64_t position;
    uint64_t begin;
    uint64_t end;
};

/* Makes a call that has one answer. */
static int make(struct tepui_log *log, struct call *call, int timeout_ms, const char *what,
                struct said *ret_said)
{
    struct deadline deadline = deadline_of(timeout_ms);
    (void)pthread_mutex_lock(&log->mutex);
    submit(log, call);
    int status = await(log, call, &deadline);
    struct err err = {""};
    if (status == 0) {
        status = call->status;
        err = call->err;
        *ret_said = (struct said){call->position, call->begin, call->end};
    }
    leave(log, call);
    (void)pthread_mutex_unlock(&log->mutex);
    return status != 0 ? note_failure(status, &err, what) : 0;
}

int tepui_log_set_peers(struct tepui_log *log, const char *const *peers)
{
    struct call *call = call_new(RLOG_MEMBERS);
    struct err err = {""};
    struct said answer = {0};
    int status = parse_peers(peers, call, &err);
    if (status != 0) {
        call_free(call);
        return note_failure(status, &err, "set_peers");
    }
    return make(log, call, -1, "set_peers", &answer);
}

int tepui_log_start(struct tepui_log *log, int timeout_ms, uint64_t *ret_position)
{
    struct said answer = {0};
    int status = make(log, call_new(RLOG_ELECT), timeout_ms, "start", &answer);
    if (status == 0 && ret_position != NULL) {
        *ret_position = answer.position;
    }
    return status;
}

int tepui_log_append(struct tepui_log *log, const void *bytes, size_t size, int timeout_ms,
                     uint64_t *ret_position)
{
    struct call *call = call_new(RLOG_APPEND);
    struct said answer = {0};
    call->request.bytes = blob_new(bytes, size);
    int status = make(log, call, timeout_ms, "append", &answer);
    if (status == 0 && ret_position != NULL) {
        *ret_position = answer.position;
    }
    return status;
}

int tepui_log_truncate(struct tepui_log *log, uint64_t to, int timeout_ms, uint64_t *ret_position)
{
    struct call *call = call_new(RLOG_TRUNCATE);
    struct said answer = {0};
    call->request.position = to;
    int status = make(log, call, timeout_ms, "truncate", &answer);
    if (status == 0 && ret_position != NULL) {
        *ret_position = answer.position;
    }
    return status;
}

int tepui_log_bounds(struct tepui_log *log, int timeout_ms, uint64_t *ret_begin, uint64_t *ret_end)
{
    struct said answer = {0};
    int status = make(log, call_new(RLOG_BOUNDS), timeout_ms, "bounds", &answer);
    if (status == 0) {
        *ret_begin = answer.begin;
        *ret_end = answer.end;
    }
    return status;
}

int tepui_log_catchup(struct tepui_log *log, int timeout_ms, uint64_t *ret_position)
{
    struct said answer = {0};
    int status = make(log, call_new(RLOG_CATCHUP), timeout_ms, "catchup", &answer);
    if (status == 0 && ret_position != NULL) {
        *ret_position = answer.position;
    }
    return status;
}

/* Gives entries to the caller, without the mutex. */
static int give(struct piece *piece, tepui_log_entry_fn *fn, void *arg)
{
    int status = 0;
    for (size_t i = 0; i < piece->count && status == 0; i++) {
        const struct rlog_entry *entry = &piece->entries[i];
        status = fn(arg, entry->position, entry->bytes->data, entry->bytes->size);
    }
    piece_free(piece);
    return status;
}

int tepui_log_read(struct tepui_log *log, uint64_t from, uint64_t to, int timeout_ms,
                   tepui_log_entry_fn *fn, void *arg)
{
    struct deadline deadline = deadline_of(timeout_ms);
    struct call *call = call_new(RLOG_READ);
    struct err err = {""};
    int given = 0;
    call->request.position = from;
    call->request.to = to;
    (void)pthread_mutex_lock(&log->mutex);
    submit(log, call);
    int status = await(log, call, &deadline);
    while (status == 0 && given == 0 && !list_is_empty(&call->pieces)) {
        struct piece *piece = LIST_ENTRY(list_pop_front(&call->pieces), struct piece, link);
        (void)pthread_mutex_unlock(&log->mutex);
        given = give(piece, fn, arg);
        (void)pthread_mutex_lock(&log->mutex);
        status = given == 0 ? await(log, call, &deadline) : 0;
    }
    if (status == 0 && given == 0) {
        status = call->status;
        err = call->err;
    }
    leave(log, call);
    (void)pthread_mutex_unlock(&log->mutex);
    if (given != 0) {
        return given;
    }
    return status != 0 ? note_failure(status, &err, "read") : 0;
}
