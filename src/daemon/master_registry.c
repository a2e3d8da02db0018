#include "daemon/master_registry.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "loghost/log_host.h"
#include "registrar/registrar.h"
#include "registry/registry_memory.h"

struct master_registry {
    struct master_registry_options options;
    struct registry_ops asked; /* oldest first */
    struct loop_task task;     /* posted while operations wait */

    struct registry_memory *memory; /* NULL unless in_memory */

    struct log_host *host;
    struct registrar *registrar;
    struct loop_timer timer; /* the machine's deadline */
    struct workers *workers; /* one thread: it owns the registry while a job runs */
    struct worker_job job;
    struct registry_log_job *work; /* of the job */
    bool is_closing;               /* ends of jobs change nothing any more */
};

/* --- the machine's effects --- */

static void run_job(struct worker_job *job)
{
    struct master_registry *registry = CONTAINER_OF(job, struct master_registry, job);
    registry_log_work(registry->work);
}

/* In the order that registrar.h asks for; empties the effects. */
static void perform(struct master_registry *registry, struct registrar_effects *effects)
{
    const struct master_registry_options *options = &registry->options;
    struct registry_log_answer *answer;
    struct registrar_request *request;
    struct registry_log_note *note;
    loop_timer_set(&registry->timer, registrar_deadline(registry->registrar));
    while ((note = registry_log_pop_note(&effects->registry)) != NULL) {
        LOG_AT(note->level, "%s", note->text);
        registry_log_note_free(note);
    }
    while ((answer = registry_log_pop_answer(&effects->registry)) != NULL) {
        options->on_answer(options->arg, &answer->event);
        registry_log_answer_free(answer);
    }
    while ((request = registrar_pop_request(effects)) != NULL) {
        log_host_request(registry->host, &request->event);
        registrar_request_free(request);
    }
    if (effects->registry.job != NULL) {
        registry->work = effects->registry.job;
        workers_submit(registry->workers, &registry->job);
    }
    if (effects->promised != 0) {
        options->on_promise(options->arg, effects->promised);
    }
    if (effects->is_failed) {
        options->on_failed(options->arg, effects->why.text);
    }
    registrar_effects_deinit(effects);
}

static int64_t now_ns(const struct master_registry *registry)
{
    return loop_now(registry->options.loop).mono_ns;
}

static void job_done(struct worker_job *job)
{
    struct master_registry *registry = CONTAINER_OF(job, struct master_registry, job);
    struct registrar_effects effects;
    if (!registry->is_closing) {
        registrar_effects_init(&effects);
        registrar_worked(registry->registrar, now_ns(registry), &effects);
        perform(registry, &effects);
    }
}

static void on_deadline(void *arg)
{
    struct master_registry *registry = arg;
    struct registrar_effects effects;
    registrar_effects_init(&effects);
    registrar_tick(registry->registrar, now_ns(registry), &effects);
    perform(registry, &effects);
}

static void on_log(void *arg, const struct rlog_answer *answer)
{
    struct master_registry *registry = arg;
    struct registrar_effects effects;
    registrar_effects_init(&effects);
    registrar_take_answer(registry->registrar, now_ns(registry), answer,
                          rlog_promise(log_host_rlog(registry->host)), &effects);
    perform(registry, &effects);
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
        struct registrar_effects effects;
        registrar_effects_init(&effects);
        registrar_ask(registry->registrar, now_ns(registry), op, &effects);
        perform(registry, &effects);
    }
}

void master_registry_ask(struct master_registry *registry, struct registry_op *op)
{
    list_push_back(&registry->asked.list, &op->link);
    loop_post(registry->options.loop, &registry->task);
}

void master_registry_contend(struct master_registry *registry)
{
    struct registrar_effects effects;
    registrar_effects_init(&effects);
    registrar_contend(registry->registrar, &effects);
    perform(registry, &effects);
}

void master_registry_resign(struct master_registry *registry)
{
    struct registrar_effects effects;
    registrar_effects_init(&effects);
    registrar_resign(registry->registrar, &effects);
    perform(registry, &effects);
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
    registry->registrar = registrar_new(&(struct registry_log_options){
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
        registrar_free(registry->registrar);
        registry_memory_free(registry->memory);
        registry_ops_deinit(&registry->asked);
        free(registry);
    }
    return NULL;
}
