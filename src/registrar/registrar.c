#include "registrar/registrar.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

struct registrar {
    struct registry_log *registry;
    uint64_t next_token;    /* of the log's requests */
    uint64_t append_token;  /* of the append under way */
    uint64_t elect_token;   /* of the registry's own election */
    uint64_t contend_token; /* of the promise that was asked for; 0 = none */
};

/* --- effects --- */

void registrar_effects_init(struct registrar_effects *effects)
{
    registry_log_effects_init(&effects->registry);
    list_init(&effects->requests);
    effects->promised = 0;
    effects->is_failed = false;
}

void registrar_effects_deinit(struct registrar_effects *effects)
{
    struct registrar_request *request;
    while ((request = registrar_pop_request(effects)) != NULL) {
        registrar_request_free(request);
    }
    registry_log_effects_deinit(&effects->registry);
}

struct registrar_request *registrar_pop_request(struct registrar_effects *effects)
{
    struct list *link = list_pop_front(&effects->requests);
    return link != NULL ? LIST_ENTRY(link, struct registrar_request, link) : NULL;
}

struct registrar_request *registrar_request_free(struct registrar_request *request)
{
    if (request != NULL) {
        blob_unref(request->event.bytes);
        free(request);
    }
    return NULL;
}

/* Returns its token. */
static uint64_t put(struct registrar *registrar, struct registrar_effects *effects,
                    const struct rlog_event *event)
{
    struct registrar_request *request = xalloc(sizeof(*request));
    request->event = *event;
    request->event.token = ++registrar->next_token;
    list_push_back(&effects->requests, &request->link);
    return request->event.token;
}

/* --- the registry's machine --- */

static void translate(struct registrar *registrar, struct registry_log_request *wanted,
                      struct registrar_effects *effects)
{
    struct rlog_event event = {
        .bytes = TAKE_PTR(wanted->bytes), .position = wanted->position, .to = wanted->to};
    switch (wanted->type) {
    case REGISTRY_LOG_ELECT:
        event.type = RLOG_ELECT;
        registrar->elect_token = put(registrar, effects, &event);
        return;
    case REGISTRY_LOG_BOUNDS:
        event.type = RLOG_BOUNDS;
        break;
    case REGISTRY_LOG_READ:
        event.type = RLOG_READ;
        break;
    case REGISTRY_LOG_APPEND:
        event.type = RLOG_APPEND;
        registrar->append_token = put(registrar, effects, &event);
        return;
    case REGISTRY_LOG_TRUNCATE:
        event.type = RLOG_TRUNCATE;
        break;
    }
    (void)put(registrar, effects, &event);
}

static void step(struct registrar *registrar, int64_t now_ns,
                 const struct registry_log_event *event, struct registrar_effects *effects)
{
    struct registry_log_request *wanted;
    registry_log_step(registrar->registry, now_ns, event, &effects->registry);
    while ((wanted = registry_log_pop_request(&effects->registry)) != NULL) {
        translate(registrar, wanted, effects);
        registry_log_request_free(wanted);
    }
}

void registrar_ask(struct registrar *registrar, int64_t now_ns, struct registry_op *op,
                   struct registrar_effects *effects)
{
    step(registrar, now_ns, &(struct registry_log_event){.type = REGISTRY_LOG_ASK, .op = op},
         effects);
}

void registrar_worked(struct registrar *registrar, int64_t now_ns,
                      struct registrar_effects *effects)
{
    step(registrar, now_ns, &(struct registry_log_event){.type = REGISTRY_LOG_WORKED}, effects);
}

void registrar_tick(struct registrar *registrar, int64_t now_ns, struct registrar_effects *effects)
{
    step(registrar, now_ns, &(struct registry_log_event){.type = REGISTRY_LOG_TICK}, effects);
}

int64_t registrar_deadline(const struct registrar *registrar)
{
    return registry_log_deadline(registrar->registry);
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

static void tell_entries(struct registrar *registrar, int64_t now_ns,
                         const struct rlog_answer *answer, struct registrar_effects *effects)
{
    for (size_t i = 0; i < answer->entry_count; i++) {
        step(registrar, now_ns,
             &(struct registry_log_event){
                 .type = REGISTRY_LOG_ENTRY,
                 .position = answer->entries[i].position,
                 .bytes = answer->entries[i].bytes,
             },
             effects);
    }
    if (answer->last || answer->status != 0) {
        step(registrar, now_ns,
             &(struct registry_log_event){
                 .type = REGISTRY_LOG_END, .status = answer->status, .why = why_not(answer)},
             effects);
    }
}

static void take_promise(struct registrar *registrar, const struct rlog_answer *answer,
                         uint64_t promise, struct registrar_effects *effects)
{
    if (answer->token != registrar->contend_token) {
        return; /* it was given up meanwhile */
    }
    registrar->contend_token = 0;
    if (answer->status == 0) {
        effects->promised = promise; /* 0 if it is lost by now */
    }
}

void registrar_take_answer(struct registrar *registrar, int64_t now_ns,
                           const struct rlog_answer *answer, uint64_t promise,
                           struct registrar_effects *effects)
{
    struct registry_log_event event = {
        .status = answer->status, .why = why_not(answer), .position = answer->position};
    switch (answer->type) {
    case RLOG_ANSWER_ELECTED:
        if (answer->token != registrar->elect_token) {
            take_promise(registrar, answer, promise, effects);
            return;
        }
        event.type = REGISTRY_LOG_ELECTED;
        break;
    case RLOG_ANSWER_BOUNDS:
        event.type = REGISTRY_LOG_BOUNDED;
        event.position = answer->begin;
        break;
    case RLOG_ANSWER_ENTRIES:
        tell_entries(registrar, now_ns, answer, effects);
        return;
    case RLOG_ANSWER_WRITTEN:
        if (answer->token != registrar->append_token) {
            return; /* a truncation: whether it came to be is all the same */
        }
        event.type = REGISTRY_LOG_WRITTEN;
        break;
    case RLOG_ANSWER_CAUGHT_UP:
        return;
    case RLOG_ANSWER_FAILED:
        effects->is_failed = true;
        effects->why = answer->err;
        return;
    }
    step(registrar, now_ns, &event, effects);
}

/* --- the promise --- */

void registrar_contend(struct registrar *registrar, struct registrar_effects *effects)
{
    registrar->contend_token = put(registrar, effects, &(struct rlog_event){.type = RLOG_ELECT});
}

void registrar_resign(struct registrar *registrar, struct registrar_effects *effects)
{
    registrar->contend_token = 0;
    (void)put(registrar, effects, &(struct rlog_event){.type = RLOG_RESIGN});
}

/* --- life --- */

struct registrar *registrar_new(const struct registry_log_options *options)
{
    struct registrar *registrar = xalloc(sizeof(*registrar));
    registrar->registry = registry_log_new(options);
    return registrar;
}

struct registrar *registrar_free(struct registrar *registrar)
{
    if (registrar != NULL) {
        registry_log_free(registrar->registry);
        free(registrar);
    }
    return NULL;
}
