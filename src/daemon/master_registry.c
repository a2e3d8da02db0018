#include "daemon/master_registry.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "loghost/log_host.h"
#include "registry/registry_log.h"
#include "registry/registry_memory.h"

struct master_registry {
    struct master_registry_options options;
    struct registry_ops asked; /* oldest first */
    struct loop_task task;     /* posted while operations wait */

    struct registry_memory *memory; /* NULL unless in_memory */

    struct log_host *host;
    struct registry_log *log;
    struct loop_timer timer; /* the machine's deadline */
    uint64_t next_token;     /* of the log's requests */
    uint64_t append_token;   /* of the append under way */
    uint64_t elect_token;    /* of the registry's own election */
    uint64_t contend_token;  /* of the promise that was asked for; 0 = none */
    struct workers *workers; /* one thread: it owns the registry while a job runs */
    struct worker_job job;
    struct registry_log_job *work; /* of the job */
    bool is_closing;               /* ends of jobs change nothing any more */
};

/* --- the machine's effects --- */

static void step(struct master_registry *registry, const struct registry_log_event *event);

static void request(struct master_registry *registry, const struct registry_log_request *wanted)
{
    struct rlog_event event = {
        .token = ++registry->next_token,
        .bytes = wanted->bytes,
        .position = wanted->position,
        .to = wanted->to,
    };
    switch (wanted->type) {
    case REGISTRY_LOG_ELECT:
        event.type = RLOG_ELECT;
        registry->elect_token = event.token;
        break;
    case REGISTRY_LOG_BOUNDS:
        event.type = RLOG_BOUNDS;
        break;
    case REGISTRY_LOG_READ:
        event.type = RLOG_READ;
        break;
    case REGISTRY_LOG_APPEND:
        event.type = RLOG_APPEND;
        registry->append_token = event.token;
        break;
    case REGISTRY_LOG_TRUNCATE:
        event.type = RLOG_TRUNCATE;
        break;
    }
    log_host_request(registry->host, &event);
}

static void run_job(struct worker_job *job)
{
    struct master_registry *registry = CONTAINER_OF(job, struct master_registry, job);
    registry_log_work(registry->work);
}

static void job_done(struct worker_job *job)
{
    struct master_registry *registry = CONTAINER_OF(job, struct master_registry, job);
    if (!registry->is_closing) {
        step(registry, &(struct registry_log_event){.type = REGISTRY_LOG_WORKED});
    }
}

/* In the order that registry_log.h asks for. */
static void perform(struct master_registry *registry, struct registry_log_effects *effects)
{
    struct registry_log_answer *answer;
    struct registry_log_request *wanted;
    struct registry_log_note *note;
    while ((note = registry_log_pop_note(effects)) != NULL) {
        LOG_AT(note->level, "%s", note->text);
        registry_log_note_free(note);
    }
    while ((answer = registry_log_pop_answer(effects)) != NULL) {
        registry->options.on_answer(registry->options.arg, &answer->event);
        registry_log_answer_free(answer);
    }
    while ((wanted = registry_log_pop_request(effects)) != NULL) {
        request(registry, wanted);
        registry_log_request_free(wanted);
    }
    if (effects->job != NULL) {
        registry->work = effects->job;
        workers_submit(registry->workers, &registry->job);
    }
}

static void step(struct master_registry *registry, const struct registry_log_event *event)
{
    struct registry_log_effects effects;
    registry_log_effects_init(&effects);
    registry_log_step(registry->log, loop_now(registry->options.loop).mono_ns, event, &effects);
    perform(registry, &effects);
    registry_log_effects_deinit(&effects);
    loop_timer_set(&registry->timer, registry_log_deadline(registry->log));
}

static void on_deadline(void *arg)
{
    step(arg, &(struct registry_log_event){.type = REGISTRY_LOG_TICK});
}

/* --- what the log answers --- */

static const char *why_not(const struct rlog_answer *answer)
{
    if (answer->err.text[0] != '\0' || answer->status == 0) {
        return answer->err.text;
    }
    return answer->status == RLOG_E_LOST ? "another master writes the log now"
                                         : strerror(abs(answer->status));
}

static void tell_entries(struct master_registry *registry, const struct rlog_answer *answer)
{
    for (size_t i = 0; i < answer->entry_count; i++) {
        step(registry, &(struct registry_log_event){
                           .type = REGISTRY_LOG_ENTRY,
                           .position = answer->entries[i].position,
                           .bytes = answer->entries[i].bytes,
                       });
    }
    if (answer->last || answer->status != 0) {
        step(registry, &(struct registry_log_event){.type = REGISTRY_LOG_END,
                                                    .status = answer->status,
                                                    .why = why_not(answer)});
    }
}

static void take_promise(struct master_registry *registry, const struct rlog_answer *answer)
{
    uint64_t number = rlog_promise(log_host_rlog(registry->host));
    if (answer->token != registry->contend_token) {
        return; /* it was given up meanwhile */
    }
    registry->contend_token = 0;
    if (answer->status == 0 && number != 0) {
        registry->options.on_promise(registry->options.arg, number);
    }
}

static void on_log(void *arg, const struct rlog_answer *answer)
{
    struct master_registry *registry = arg;
    if (answer->type == RLOG_ANSWER_ELECTED && answer->token != registry->elect_token) {
        take_promise(registry, answer);
        return;
    }
    struct registry_log_event event = {
        .status = answer->status, .why = why_not(answer), .position = answer->position};
    switch (answer->type) {
    case RLOG_ANSWER_ELECTED:
        event.type = REGISTRY_LOG_ELECTED;
        step(registry, &event);
        break;
    case RLOG_ANSWER_BOUNDS:
        event.type = REGISTRY_LOG_BOUNDED;
        event.position = answer->begin;
        step(registry, &event);
        break;
    case RLOG_ANSWER_ENTRIES:
        tell_entries(registry, answer);
        break;
    case RLOG_ANSWER_WRITTEN:
        if (answer->token == registry->append_token) { /* else a truncation */
            event.type = REGISTRY_LOG_WRITTEN;
            step(registry, &event);
        }
        break;
    case RLOG_ANSWER_CAUGHT_UP:
        break;
    case RLOG_ANSWER_FAILED:
        registry->options.on_failed(registry->options.arg, answer->err.text);
        break;
    }
}

/* --- asking --- */

/* In memory one answer a round: it, too, answers later. */
static void answer_from_memory(struct master_registry *registry)
{
    struct registry_op *op;
    struct registry_event event;
    while ((op = registry_ops_pop(&registry->asked)) != NULL) {
        registry_memory_put(registry->memory, op);
    }
    if (registry_memory_next(registry->memory, &event)) {
        loop_post(registry->options.loop, &registry->task);
        registry->options.on_answer(registry->options.arg, &event);
    }
}

static void on_asked(struct loop_task *task)
{
    struct master_registry *registry = CONTAINER_OF(task, struct master_registry, task);
    struct registry_op *op;
    if (registry->memory != NULL) {
        answer_from_memory(registry);
        return;
    }
    while ((op = registry_ops_pop(&registry->asked)) != NULL) {
        step(registry, &(struct registry_log_event){.type = REGISTRY_LOG_ASK, .op = op});
    }
}

void master_registry_ask(struct master_registry *registry, struct registry_op *op)
{
    list_push_back(&registry->asked.list, &op->link);
    loop_post(registry->options.loop, &registry->task);
}

void master_registry_contend(struct master_registry *registry)
{
    registry->contend_token = ++registry->next_token;
    log_host_request(registry->host,
                     &(struct rlog_event){.type = RLOG_ELECT, .token = registry->contend_token});
}

void master_registry_resign(struct master_registry *registry)
{
    registry->contend_token = 0;
    log_host_request(registry->host,
                     &(struct rlog_event){.type = RLOG_RESIGN, .token = ++registry->next_token});
}

void master_registry_set_members(struct master_registry *registry, const struct upid *members,
                                 size_t count)
{
    if (registry->host != NULL) {
        log_host_set_members(registry->host, members, count);
    }
}

bool master_registry_has_actor(const struct master_registry *registry, struct slice id)
{
    return registry != NULL && registry->host != NULL && log_host_has_actor(registry->host, id);
}

bool master_registry_take_net(struct master_registry *registry, const struct net_event *event)
{
    return registry->host != NULL && log_host_take_net(registry->host, event);
}

/* --- opening and closing --- */

static double log_recovered(const void *arg)
{
    const struct master_registry *registry = arg;
    return rlog_is_recovered(log_host_rlog(registry->host)) ? 1 : 0;
}

static double log_ensemble_size(const void *arg)
{
    const struct master_registry *registry = arg;
    return (double)rlog_member_count(log_host_rlog(registry->host));
}

static int open_log(struct master_registry *registry, struct err *err)
{
    const struct master_registry_options *options = &registry->options;
    CLEANUP(buf_deinit) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/replicated_log", options->work_dir);
    struct log_host_options host = {
        .loop = options->loop,
        .net = options->net,
        .path = buf_text(&path),
        .compacts = options->compacts,
        .quorum = options->quorum,
        .auto_initialize = options->auto_initialize,
        .self = options->self,
        .seed = options->seed,
        .on_answer = on_log,
        .arg = registry,
    };
    int r = log_host_new(&host, &registry->host, err);
    if (r != 0) {
        return r;
    }
    registry->log = registry_log_new(&(struct registry_log_options){
        .fetch_timeout_ns = options->fetch_timeout_ns,
        .store_timeout_ns = options->store_timeout_ns,
        .seed = options->seed,
    });
    registry->workers = workers_new(options->loop, 1);
    registry->job = (struct worker_job){.run = run_job, .done = job_done};
    (void)metrics_add_gauge(options->metrics, "registrar/log/recovered", log_recovered, registry);
    (void)metrics_add_gauge(options->metrics, "registrar/log/ensemble_size", log_ensemble_size,
                            registry);
    return 0;
}

int master_registry_new(const struct master_registry_options *options,
                        struct master_registry **ret_registry, struct err *err)
{
    struct master_registry *registry = xalloc(sizeof(*registry));
    registry->options = *options;
    registry_ops_init(&registry->asked);
    loop_task_init(&registry->task, on_asked);
    loop_timer_init(&registry->timer, options->loop, on_deadline, registry);
    if (options->in_memory) {
        registry->memory = registry_memory_new(options->seed);
    } else {
        int r = open_log(registry, err);
        if (r != 0) {
            master_registry_free(registry);
            return r;
        }
    }
    *ret_registry = registry;
    return 0;
}

struct master_registry *master_registry_free(struct master_registry *registry)
{
    if (registry != NULL) {
        registry->is_closing = true;
        loop_task_cancel(&registry->task);
        loop_timer_cancel(&registry->timer);
        if (registry->workers != NULL) {
            workers_free(registry->workers);
        }
        log_host_free(registry->host);
        registry_log_free(registry->log);
        registry_memory_free(registry->memory);
        registry_ops_deinit(&registry->asked);
        free(registry);
    }
    return NULL;
}
