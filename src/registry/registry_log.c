#include "registry/registry_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/prng.h"
#include "common/sm.h"
#include "common/xalloc.h"
#include "registry/registry_log_job.h"
#include "registry/state_operation.h"

enum log_state {
    LOG_CLOSED,    /* nobody has asked for anything but to read */
    LOG_ELECTING,  /* to write */
    LOG_BOUNDING,  /* asks where the log begins */
    LOG_READING,   /* to its end */
    LOG_DECODING,  /* a worker decodes what was read */
    LOG_IDLE,      /* nothing waits */
    LOG_APPLYING,  /* a worker applies the batch */
    LOG_APPENDING, /* the log writes the batch */
    LOG_FAILED,    /* for good */
};

struct registry_log {
    struct registry_log_options options;
    struct prng prng;
    enum log_state state;
    int64_t deadline_ns; /* of reading, or of the batch */
    int64_t begun_ns;    /* when that began */
    char *why;           /* FAILED: heap */
    int status;          /* FAILED: negative */

    struct registry_ops waiting; /* asked, not begun */
    size_t waiting_count;        /* of them */
    struct registry_log_job job; /* with the batch under way */
    struct registry *registry;   /* the job's while one runs; NULL before it was decoded */
    int64_t fetched_ns;          /* how long reading took */

    /* what is in the log */
    uint64_t last;      /* position of the last that is decided, as of our election */
    uint64_t first;     /* position below which nothing is left */
    bool has_foreign;   /* other variables are in the log */
    uint64_t foreign;   /* the first position of one: is not truncated */
    bool has_diff;      /* the newest entry of the registry is a DIFF */
    uint64_t diff;      /* its position */
    uint64_t entry_at;  /* position of the newest snapshot */
    struct blob *entry; /* the newest snapshot, whole; NULL = none */
    struct slice value; /* the encoded registry in it */
    bool is_recovered;  /* `value` may be told */
};

/* --- effects --- */

static PRINTF_LIKE(3, 4) void note(struct registry_log_effects *effects, enum log_level level,
                                   const char *fmt, ...)
{
    struct registry_log_note *line = xalloc(sizeof(*line));
    struct err text;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text.text, sizeof(text.text), fmt, args);
    va_end(args);
    line->level = level;
    line->text = xstrdup(text.text);
    list_push_back(&effects->notes, &line->link);
}

static struct registry_log_request *request(struct registry_log_effects *effects,
                                            enum registry_log_request_type type)
{
    struct registry_log_request *wanted = xalloc(sizeof(*wanted));
    wanted->type = type;
    list_push_back(&effects->requests, &wanted->link);
    return wanted;
}

static struct registry_event *answer(const struct registry_log *log,
                                     struct registry_log_effects *effects,
                                     const struct registry_op *op)
{
    struct registry_log_answer *reply = xalloc(sizeof(*reply));
    reply->event = (struct registry_event){
        .type = op->type,
        .token = op->token,
        .size = log->is_recovered ? log->value.size : 0,
        .took_ns = -1,
    };
    list_push_back(&effects->answers, &reply->link);
    return &reply->event;
}

static void answer_failed(const struct registry_log *log, struct registry_log_effects *effects,
                          const struct registry_op *op)
{
    struct registry_event *event = answer(log, effects, op);
    struct registry_log_answer *reply = CONTAINER_OF(event, struct registry_log_answer, event);
    reply->why = xstrdup(log->why);
    event->status = log->status;
    event->why = reply->why;
}

static void answer_read(const struct registry_log *log, struct registry_log_effects *effects,
                        const struct registry_op *op)
{
    struct registry_event *event = answer(log, effects, op);
    struct registry_log_answer *reply = CONTAINER_OF(event, struct registry_log_answer, event);
    event->applied = true;
    if (log->is_recovered) {
        reply->value_owner = blob_ref(log->entry);
        event->value_owner = log->entry;
        event->value = log->value;
    }
}

/* --- states --- */

static const struct sm_state states[] = {
    [LOG_CLOSED] = {"CLOSED", SM_TO(LOG_ELECTING) | SM_TO(LOG_FAILED)},
    [LOG_ELECTING] = {"ELECTING", SM_TO(LOG_BOUNDING) | SM_TO(LOG_FAILED)},
    [LOG_BOUNDING] = {"BOUNDING", SM_TO(LOG_READING) | SM_TO(LOG_FAILED)},
    [LOG_READING] = {"READING", SM_TO(LOG_DECODING) | SM_TO(LOG_FAILED)},
    [LOG_DECODING] = {"DECODING", SM_TO(LOG_IDLE) | SM_TO(LOG_FAILED)},
    [LOG_IDLE] = {"IDLE", SM_TO(LOG_APPLYING) | SM_TO(LOG_FAILED)},
    [LOG_APPLYING] = {"APPLYING", SM_TO(LOG_APPENDING) | SM_TO(LOG_FAILED)},
    [LOG_APPENDING] = {"APPENDING", SM_TO(LOG_IDLE) | SM_TO(LOG_FAILED)},
    [LOG_FAILED] = {"FAILED", 0},
};
static const struct sm_table table = {"registry_log", states, ELEMENTS(states)};

static void move(struct registry_log *log, enum log_state state)
{
    log->state = (enum log_state)sm_move(&table, (int)log->state, (int)state);
}

static void set_deadline(struct registry_log *log, int64_t now_ns, int64_t timeout_ns)
{
    log->begun_ns = now_ns;
    log->deadline_ns = time_add_ns(now_ns, timeout_ns);
}

/* Frees the batch and what was made of it; not while the job runs. */
static void drop_batch(struct registry_log *log)
{
    struct list *link;
    while ((link = list_pop_front(&log->job.batch)) != NULL) {
        registry_op_free(LIST_ENTRY(link, struct registry_op, link));
    }
    log->job.batch_count = 0;
    free(log->job.applied);
    log->job.applied = NULL;
    log->job.entry = blob_unref(log->job.entry);
}

/* Nobody knows any more what is in the log. The batch itself stays if a worker still has it. */
static PRINTF_LIKE(4, 5) void fail(struct registry_log *log, struct registry_log_effects *effects,
                                   int status, const char *fmt, ...)
{
    struct err text;
    struct registry_op *op;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text.text, sizeof(text.text), fmt, args);
    va_end(args);
    log->why = xstrdup(text.text);
    log->status = status < 0 ? status : -EIO;
    log->deadline_ns = TIME_NEVER;
    move(log, LOG_FAILED);
    LIST_FOR_EACH (op, &log->job.batch, link) {
        answer_failed(log, effects, op);
    }
    while ((op = registry_ops_pop(&log->waiting)) != NULL) {
        answer_failed(log, effects, op);
        registry_op_free(op);
    }
    log->waiting_count = 0;
    if (!log->job.is_running) {
        drop_batch(log);
    }
}

static void fail_of_time(struct registry_log *log, struct registry_log_effects *effects)
{
    CLEANUP(buf_deinit) struct buf time = BUF_INIT;
    bool stores = log->registry != NULL;
    duration_format(stores ? log->options.store_timeout_ns : log->options.fetch_timeout_ns, &time);
    fail(log, effects, -ETIMEDOUT, "The registry could not be %s within %s (%s)",
         stores ? "stored" : "read", buf_text(&time),
         stores ? "--registry_store_timeout" : "--registry_fetch_timeout");
}

static void start_job(struct registry_log *log, struct registry_log_effects *effects,
                      enum registry_log_job_type type)
{
    ASSERT(!log->job.is_running && effects->job == NULL);
    log->job.type = type;
    log->job.is_running = true;
    effects->job = &log->job;
}

/* --- reading --- */

static void recover(struct registry_log *log, int64_t now_ns, struct registry_log_effects *effects)
{
    move(log, LOG_ELECTING);
    set_deadline(log, now_ns, log->options.fetch_timeout_ns);
    request(effects, REGISTRY_LOG_ELECT);
}

static void elected(struct registry_log *log, const struct registry_log_event *event,
                    struct registry_log_effects *effects)
{
    move(log, LOG_BOUNDING);
    log->last = event->position;
    request(effects, REGISTRY_LOG_BOUNDS);
}

static void bounded(struct registry_log *log, const struct registry_log_event *event,
                    struct registry_log_effects *effects)
{
    move(log, LOG_READING);
    log->first = event->position;
    struct registry_log_request *read = request(effects, REGISTRY_LOG_READ);
    read->position = log->first;
    read->to = MAX(log->last, log->first);
}

static void forget_entry(struct registry_log *log)
{
    log->entry = blob_unref(log->entry);
    log->value = (struct slice){0};
    log->has_diff = false;
}

/* Other variables than the registry are nothing that any master writes; they stay all the same. */
static void read_entry(struct registry_log *log, const struct registry_log_event *event,
                       struct registry_log_effects *effects)
{
    struct state_operation operation;
    struct err err;
    if (state_operation_decode(blob_slice(event->bytes), &operation, &err) != 0) {
        fail(log, effects, -EBADMSG, "The log's position %llu is damaged: %s",
             (unsigned long long)event->position, err.text);
        return;
    }
    if (!slice_is(operation.name, REGISTRY_LOG_NAME)) {
        if (!log->has_foreign) {
            log->has_foreign = true;
            log->foreign = event->position;
            note(effects, LOG_LEVEL_WARNING,
                 "The log holds another variable, '%.*s': nothing is truncated from there on",
                 (int)MIN(operation.name.size, (size_t)64), operation.name.data);
        }
        return;
    }
    switch (operation.type) {
    case STATE_SNAPSHOT:
        forget_entry(log);
        log->entry = blob_ref(event->bytes);
        log->entry_at = event->position;
        log->value = operation.value;
        break;
    case STATE_DIFF:
        log->has_diff = true;
        log->diff = event->position;
        break;
    case STATE_EXPUNGE:
        forget_entry(log);
        break;
    }
}

static void read_all(struct registry_log *log, struct registry_log_effects *effects)
{
    if (log->has_diff) {
        fail(log, effects, -ENOTSUP,
             "The registry ends with a change in svndiff format (position %llu of the log), which "
             "this master cannot read. Let a master of Apache Mesos 1.x lead once with this log: "
             "it writes the registry anew, as a whole",
             (unsigned long long)log->diff);
        return;
    }
    const struct registry_op *op = LIST_ENTRY(log->waiting.list.next, struct registry_op, link);
    move(log, LOG_DECODING);
    log->job.value = log->value;
    log->job.master_info = blob_ref(op->agent_info);
    log->job.seed = prng_next(&log->prng);
    start_job(log, effects, REGISTRY_LOG_JOB_DECODE);
}

/* --- writing --- */

static void begin_batch(struct registry_log *log, int64_t now_ns,
                        struct registry_log_effects *effects)
{
    struct registry_op *op;
    if (log->state != LOG_IDLE || log->waiting_count == 0) {
        return;
    }
    while ((op = registry_ops_pop(&log->waiting)) != NULL) {
        list_push_back(&log->job.batch, &op->link);
    }
    log->job.batch_count = log->waiting_count;
    log->waiting_count = 0;
    log->job.registry = log->registry;
    uuid_random(&log->prng, &log->job.uuid);
    move(log, LOG_APPLYING);
    set_deadline(log, now_ns, log->options.store_timeout_ns);
    start_job(log, effects, REGISTRY_LOG_JOB_APPLY);
}

static void decoded(struct registry_log *log, int64_t now_ns, struct registry_log_effects *effects)
{
    if (log->job.status != 0) {
        fail(log, effects, -EBADMSG, "%s", log->job.err.text);
        return;
    }
    log->registry = log->job.registry;
    log->fetched_ns = now_ns - log->begun_ns;
    note(effects, LOG_LEVEL_INFO, "Read the registry (%zu bytes, %zu agents) in %lld ms",
         log->value.size, log->registry->agents.count, (long long)(log->fetched_ns / NS_PER_MS));
    move(log, LOG_IDLE);
}

/* `took_ns`: of the write. */
static void answer_batch(struct registry_log *log, int64_t took_ns,
                         struct registry_log_effects *effects)
{
    size_t i = 0;
    struct registry_op *op;
    LIST_FOR_EACH (op, &log->job.batch, link) {
        struct registry_event *event = answer(log, effects, op);
        event->applied = log->job.applied[i++];
        if (op->type == REGISTRY_RECOVER) {
            event->registry = log->registry;
            event->took_ns = log->fetched_ns;
        } else {
            event->took_ns = took_ns;
            took_ns = -1;
        }
    }
    drop_batch(log);
    log->deadline_ns = TIME_NEVER;
    move(log, LOG_IDLE);
}

static void applied(struct registry_log *log, struct registry_log_effects *effects)
{
    if (log->job.full_count > 0) {
        note(effects, LOG_LEVEL_WARNING,
             "The registry is full (%zu MiB): %zu operations were refused", REGISTRY_SIZE_MAX >> 20,
             log->job.full_count);
    }
    move(log, LOG_APPENDING);
    request(effects, REGISTRY_LOG_APPEND)->bytes = blob_ref(log->job.entry);
}

static void written(struct registry_log *log, int64_t now_ns,
                    const struct registry_log_event *event, struct registry_log_effects *effects)
{
    forget_entry(log);
    log->entry = TAKE_PTR(log->job.entry);
    log->entry_at = event->position;
    log->value = slice_skip(blob_slice(log->entry), log->job.value_offset);
    log->is_recovered = true;
    uint64_t keep = log->has_foreign ? MIN(log->entry_at, log->foreign) : log->entry_at;
    if (keep > log->first) {
        log->first = keep;
        request(effects, REGISTRY_LOG_TRUNCATE)->position = keep;
    }
    answer_batch(log, now_ns - log->begun_ns, effects);
}

/* --- the machine --- */

struct registry_log *registry_log_new(const struct registry_log_options *options)
{
    struct registry_log *log = xalloc(sizeof(*log));
    log->options = *options;
    log->deadline_ns = TIME_NEVER;
    prng_seed(&log->prng, options->seed);
    registry_ops_init(&log->waiting);
    list_init(&log->job.batch);
    return log;
}

struct registry_log *registry_log_free(struct registry_log *log)
{
    if (log != NULL) {
        if (log->job.registry != log->registry) {
            registry_free(log->job.registry); /* decoded, and nobody was told */
        }
        drop_batch(log);
        registry_ops_deinit(&log->waiting);
        registry_free(log->registry);
        blob_unref(log->job.master_info);
        blob_unref(log->entry);
        free(log->why);
        free(log);
    }
    return NULL;
}

static void ask(struct registry_log *log, int64_t now_ns, struct registry_op *op,
                struct registry_log_effects *effects)
{
    if (op->type == REGISTRY_READ) {
        answer_read(log, effects, op);
        registry_op_free(op);
        return;
    }
    if (log->state == LOG_FAILED) {
        answer_failed(log, effects, op);
        registry_op_free(op);
        return;
    }
    list_push_back(&log->waiting.list, &op->link);
    log->waiting_count++;
    if (log->state == LOG_CLOSED) {
        ASSERT(op->type == REGISTRY_RECOVER); /* first of all operations */
        recover(log, now_ns, effects);
    }
}

static void worked(struct registry_log *log, int64_t now_ns, struct registry_log_effects *effects)
{
    ASSERT(log->job.is_running);
    log->job.is_running = false;
    switch (log->job.type) {
    case REGISTRY_LOG_JOB_DECODE:
        if (log->state == LOG_FAILED) {
            registry_free(TAKE_PTR(log->job.registry));
        } else {
            decoded(log, now_ns, effects);
        }
        break;
    case REGISTRY_LOG_JOB_APPLY:
        if (log->state == LOG_FAILED) {
            drop_batch(log);
        } else {
            applied(log, effects);
        }
        break;
    }
}

/* What the log says: an answer that nobody waits for any more is passed over. */
static void on_log(struct registry_log *log, int64_t now_ns, const struct registry_log_event *event,
                   enum log_state expected, struct registry_log_effects *effects)
{
    if (log->state != expected) {
        return;
    }
    if (event->status != 0) {
        fail(log, effects, event->status, "The registry could not be %s: %s",
             expected == LOG_APPENDING ? "stored" : "read",
             event->why != NULL && event->why[0] != '\0' ? event->why : "the log failed");
        return;
    }
    switch (event->type) {
    case REGISTRY_LOG_ELECTED:
        elected(log, event, effects);
        break;
    case REGISTRY_LOG_BOUNDED:
        bounded(log, event, effects);
        break;
    case REGISTRY_LOG_ENTRY:
        read_entry(log, event, effects);
        break;
    case REGISTRY_LOG_END:
        read_all(log, effects);
        break;
    case REGISTRY_LOG_WRITTEN:
        written(log, now_ns, event, effects);
        break;
    case REGISTRY_LOG_ASK:
    case REGISTRY_LOG_WORKED:
    case REGISTRY_LOG_TICK:
        WRONG("registry_log_event_type");
    }
}

void registry_log_step(struct registry_log *log, int64_t now_ns,
                       const struct registry_log_event *event, struct registry_log_effects *effects)
{
    switch (event->type) {
    case REGISTRY_LOG_ASK:
        ask(log, now_ns, event->op, effects);
        break;
    case REGISTRY_LOG_ELECTED:
        on_log(log, now_ns, event, LOG_ELECTING, effects);
        break;
    case REGISTRY_LOG_BOUNDED:
        on_log(log, now_ns, event, LOG_BOUNDING, effects);
        break;
    case REGISTRY_LOG_ENTRY:
    case REGISTRY_LOG_END:
        on_log(log, now_ns, event, LOG_READING, effects);
        break;
    case REGISTRY_LOG_WRITTEN:
        on_log(log, now_ns, event, LOG_APPENDING, effects);
        break;
    case REGISTRY_LOG_WORKED:
        worked(log, now_ns, effects);
        break;
    case REGISTRY_LOG_TICK:
        if (now_ns >= log->deadline_ns) {
            fail_of_time(log, effects);
        }
        break;
    }
    begin_batch(log, now_ns, effects);
}

int64_t registry_log_deadline(const struct registry_log *log)
{
    return log->deadline_ns;
}
