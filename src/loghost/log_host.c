#include "loghost/log_host.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "logstore/log_store.h"

struct log_host {
    struct loop *loop;
    struct net_host *net;
    log_host_answer_fn *on_answer;
    void *arg;
    struct rlog *rlog;
    struct rlog_effects effects; /* answers in it wait for their task */
    struct log_store *store;
    struct event *stored;     /* the store has completions */
    struct loop_timer timer;  /* the core's deadline */
    struct loop_task answers; /* tells what is in effects */
};

static void step(struct log_host *host, const struct rlog_event *event)
{
    struct rlog_note *note;
    rlog_step(host->rlog, loop_now(host->loop).mono_ns, event, &host->effects);
    net_host_perform(host->net, &host->effects.net);
    log_store_submit(host->store, &host->effects.store);
    while ((note = rlog_effects_pop_note(&host->effects)) != NULL) {
        LOG_AT(note->level == RLOG_NOTE_WARNING ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s",
               note->text);
        rlog_note_free(note);
    }
    if (!list_is_empty(&host->effects.answers)) {
        loop_post(host->loop, &host->answers);
    }
    loop_timer_set(&host->timer, rlog_deadline(host->rlog));
}

static void tell_answers(struct loop_task *task)
{
    struct log_host *host = CONTAINER_OF(task, struct log_host, answers);
    struct rlog_answer *answer;
    while ((answer = rlog_effects_pop_answer(&host->effects)) != NULL) {
        host->on_answer(host->arg, answer);
        rlog_answer_free(answer);
    }
}

static void on_deadline(void *arg)
{
    step(arg, &(struct rlog_event){.type = RLOG_TICK});
}

static void on_stored(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct log_host *host = arg;
    const struct rlog_store_done *done;
    while ((done = log_store_take(host->store)) != NULL) {
        step(host, &(struct rlog_event){.type = RLOG_STORED, .stored = done});
    }
}

int log_host_new(const struct log_host_options *options, struct log_host **ret_host,
                 struct err *err)
{
    struct log_store_options store_options = {.path = options->path, .compacts = options->compacts};
    struct log_store *store;
    int status = log_store_start(&store_options, &store, err);
    if (status != 0) {
        return status;
    }
    struct log_host *host = xalloc(sizeof(*host));
    host->loop = options->loop;
    host->net = options->net;
    host->on_answer = options->on_answer;
    host->arg = options->arg;
    host->store = store;
    host->rlog = rlog_new(&(struct rlog_options){
        .quorum = options->quorum,
        .auto_initialize = options->auto_initialize,
        .self = options->self,
        .seed = options->seed,
    });
    rlog_effects_init(&host->effects);
    loop_timer_init(&host->timer, host->loop, on_deadline, host);
    loop_task_init(&host->answers, tell_answers);
    host->stored = event_new(loop_base(host->loop), log_store_fd(store), EV_READ | EV_PERSIST,
                             on_stored, host);
    ASSERT(host->stored != NULL && event_add(host->stored, NULL) == 0);
    step(host, &(struct rlog_event){.type = RLOG_START});
    *ret_host = host;
    return 0;
}

struct log_host *log_host_free(struct log_host *host)
{
    if (host != NULL) {
        event_free(host->stored);
        loop_timer_cancel(&host->timer);
        loop_task_cancel(&host->answers);
        log_store_free(host->store);
        rlog_effects_deinit(&host->effects);
        rlog_free(host->rlog);
        free(host);
    }
    return NULL;
}

void log_host_set_members(struct log_host *host, const struct upid *members, size_t count)
{
    step(host,
         &(struct rlog_event){.type = RLOG_MEMBERS, .members = members, .member_count = count});
}

void log_host_request(struct log_host *host, const struct rlog_event *request)
{
    step(host, request);
}

bool log_host_has_actor(const struct log_host *host, struct slice id)
{
    return rlog_has_actor(host->rlog, id);
}

bool log_host_take_net(struct log_host *host, const struct net_event *event)
{
    struct rlog_event taken = {.type = RLOG_NET, .net = event};
    if (event->type == NET_EXITED) {
        step(host, &taken); /* the address may be of interest to others, too */
        return false;
    }
    if (event->type != NET_MESSAGE || !log_host_has_actor(host, slice_from(event->to))) {
        return false;
    }
    step(host, &taken);
    return true;
}

const struct rlog *log_host_rlog(const struct log_host *host)
{
    return host->rlog;
}

bool log_host_compacts(char *const *envp)
{
    for (; envp != NULL && *envp != NULL; envp++) {
        if (strcmp(*envp, "MESOS_LOG_AUTO_COMPACT_DISABLED=1") == 0) {
            return false;
        }
    }
    return true;
}
