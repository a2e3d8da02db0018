#include "agent/usage.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent_container.h"
#include "agent/core.h"
#include "agent/endpoints.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "agent/operator_api.h"
#include "common/xalloc.h"
#include "wire/json.h"

static struct usage *usage_free(struct usage *usage)
{
    for (size_t i = 0; i < usage->entry_count; i++) {
        struct usage_entry *entry = &usage->entries[i];
        free(entry->path);
        free(entry->framework_id);
        free(entry->executor_id);
        free(entry->executor_name);
        free(entry->source);
        blob_unref(entry->status);
        blob_unref(entry->statistics);
    }
    free(usage->entries);
    free(usage->jsonp);
    timers_cancel(&usage->agent->timers, &usage->timer);
    list_remove(&usage->link);
    free(usage);
    return NULL;
}

/* --- answers --- */

static void put_text(struct json_writer *w, const char *key, const char *text)
{
    if (text != NULL) {
        json_key_text(w, key, text);
    }
}

static void put_message(struct json_writer *w, const char *key,
                        const ProtobufCMessageDescriptor *desc, const struct blob *bytes)
{
    if (bytes != NULL) {
        json_key(w, key);
        json_message_bytes(w, desc, blob_slice(bytes), JSON_V0);
    }
}

/* The last part of a path: a container is shown by its own id. */
static const char *own_id(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot + 1 : path;
}

static void respond_v0(struct usage *usage)
{
    struct buf body = BUF_INIT;
    struct json_writer writer;
    struct json_writer *w = &writer;
    json_writer_init(w, &body);
    json_begin_array(w);
    for (size_t i = 0; i < usage->entry_count; i++) {
        const struct usage_entry *entry = &usage->entries[i];
        json_begin_object(w);
        if (usage->form == USAGE_CONTAINERS) {
            json_key_text(w, "container_id", own_id(entry->path));
        }
        put_text(w, "executor_id", entry->executor_id);
        put_text(w, "executor_name", entry->executor_name);
        put_text(w, "framework_id", entry->framework_id);
        put_text(w, "source", entry->source);
        put_message(w, "statistics", &pb__resource_statistics__descriptor, entry->statistics);
        if (usage->form == USAGE_CONTAINERS) {
            put_message(w, "status", &pb__container_status__descriptor, entry->status);
        }
        json_end_object(w);
    }
    json_end_array(w);
    struct endpoint_call call = {.handle = usage->handle, .jsonp = usage->jsonp};
    endpoints_respond_json(usage->agent, &call, &body);
}

static void respond_v1(struct usage *usage)
{
    struct arena *arena = &usage->agent->arena;
    Pb__Agent__Response *response = MESSAGE_NEW(Pb__Agent__Response, pb__agent__response, arena);
    response->has_type = 1;
    response->type = PB__AGENT__RESPONSE__TYPE__GET_CONTAINERS;
    Pb__Agent__Response__GetContainers *told = response->get_containers =
        MESSAGE_NEW(Pb__Agent__Response__GetContainers, pb__agent__response__get_containers, arena);
    for (size_t i = 0; i < usage->entry_count; i++) {
        const struct usage_entry *entry = &usage->entries[i];
        Pb__Agent__Response__GetContainers__Container *one =
            MESSAGE_NEW(Pb__Agent__Response__GetContainers__Container,
                        pb__agent__response__get_containers__container, arena);
        if (entry->framework_id != NULL) {
            one->framework_id = messages_framework_id(entry->framework_id, arena);
            one->executor_id = messages_executor_id(entry->executor_id, arena);
            one->executor_name = entry->executor_name;
        }
        one->container_id = agent_container_id(own_id(entry->path), arena);
        if (entry->status != NULL) {
            one->container_status =
                MESSAGES_READ(Pb__ContainerStatus, pb__container_status, entry->status, arena);
        }
        if (entry->statistics != NULL) {
            one->resource_statistics = MESSAGES_READ(
                Pb__ResourceStatistics, pb__resource_statistics, entry->statistics, arena);
        }
        MESSAGE_APPEND(arena, told->n_containers, told->containers, one);
    }
    if (told->n_containers == 0) {
        response->get_containers = NULL; /* as the reference (facts/observed.md, operator API 7) */
    }
    operator_respond(usage->agent, usage->handle, usage->form == USAGE_V1_JSON, response);
}

static void respond(struct usage *usage)
{
    switch (usage->form) {
    case USAGE_STATISTICS:
    case USAGE_CONTAINERS:
        respond_v0(usage);
        break;
    case USAGE_V1_JSON:
    case USAGE_V1_PROTOBUF:
        respond_v1(usage);
        break;
    }
    usage_free(usage);
}

/* --- questions --- */

static void add_entry(struct usage *usage, const struct agent_container *container)
{
    usage->entries = xrealloc(usage->entries, usage->entry_count + 1, sizeof(usage->entries[0]));
    struct usage_entry *entry = &usage->entries[usage->entry_count++];
    *entry = (struct usage_entry){.path = xstrdup(container->path)};
    if (container->kind != AGENT_CONTAINER_EXECUTOR || container->executor == NULL) {
        return;
    }
    const struct executor *executor = container->executor;
    const Pb__ExecutorInfo *info =
        MESSAGES_READ(Pb__ExecutorInfo, pb__executor_info, executor->info, &usage->agent->arena);
    entry->framework_id = xstrdup(executor->framework->id);
    entry->executor_id = xstrdup(executor->id);
    entry->executor_name = xstrdup(info->name != NULL ? info->name : "");
    entry->source = xstrdup(info->source != NULL ? info->source : "");
}

static void ask_all(struct usage *usage)
{
    struct agent *agent = usage->agent;
    for (size_t i = 0; i < usage->entry_count; i++) {
        const enum container_request_type types[] = {CONTAINER_STATUS, CONTAINER_USAGE};
        for (size_t j = 0; j < ELEMENTS(types); j++) {
            struct container_request *request = container_request_add(
                &agent->effects->containers, types[j], usage->entries[i].path);
            request->token = agent_token(agent);
            if (i == 0 && j == 0) {
                usage->first_token = request->token;
            }
            usage->missing_count++;
        }
    }
}

/* Which containers are asked for; ids may be NULL: any. */
struct selection {
    bool with_nested;
    bool with_standalone;
    const char *container_id;
    const char *framework_id;
    const char *executor_id;
};

static bool selects(const struct selection *selection, const struct agent_container *container)
{
    const struct executor *executor = container->executor;
    switch (container->kind) {
    case AGENT_CONTAINER_EXECUTOR:
        if (selection->framework_id != NULL &&
            (executor == NULL || strcmp(executor->framework->id, selection->framework_id) != 0)) {
            return false;
        }
        if (selection->executor_id != NULL &&
            (executor == NULL || strcmp(executor->id, selection->executor_id) != 0)) {
            return false;
        }
        break;
    case AGENT_CONTAINER_NESTED:
        if (!selection->with_nested) {
            return false;
        }
        break;
    case AGENT_CONTAINER_STANDALONE:
        if (!selection->with_standalone) {
            return false;
        }
        break;
    }
    return container->state == AGENT_CONTAINER_RUNNING &&
           (selection->container_id == NULL ||
            strcmp(container->path, selection->container_id) == 0);
}

static void begin(struct agent *agent, uint64_t handle, enum usage_form form, const char *jsonp,
                  const struct selection *selection)
{
    size_t count = 0;
    for (const struct list *link = agent->usages.next; link != &agent->usages; link = link->next) {
        count++;
    }
    if (count >= USAGE_QUESTIONS_MAX) {
        net_respond_text(&agent->effects->net, handle, 503, "Too many such questions at a time");
        return;
    }
    struct usage *usage = xalloc(sizeof(*usage));
    usage->agent = agent;
    usage->handle = handle;
    usage->form = form;
    usage->jsonp = jsonp != NULL ? xstrdup(jsonp) : NULL;
    timer_init(&usage->timer, TIMER_USAGE, usage);
    list_push_back(&agent->usages, &usage->link);
    struct agent_container *container;
    LIST_FOR_EACH (container, &agent->container_order, link) {
        if (selects(selection, container)) {
            add_entry(usage, container);
        }
    }
    if (usage->entry_count == 0) {
        respond(usage);
        return;
    }
    ask_all(usage);
    timers_set(&agent->timers, &usage->timer, time_add_ns(agent->now.mono_ns, USAGE_TIMEOUT_NS));
}

void usage_statistics(struct agent *agent, const struct endpoint_call *call)
{
    begin(agent, call->handle, USAGE_STATISTICS, call->jsonp, &(struct selection){0});
}

void usage_containers(struct agent *agent, const struct endpoint_call *call)
{
    struct selection selection = {.container_id = endpoints_param(agent, call, "container_id"),
                                  .framework_id = endpoints_param(agent, call, "framework_id"),
                                  .executor_id = endpoints_param(agent, call, "executor_id")};
    bool by_id = selection.container_id != NULL;
    bool by_owner = selection.framework_id != NULL || selection.executor_id != NULL;
    if ((by_id && by_owner) || (selection.executor_id != NULL && selection.framework_id == NULL)) {
        net_respond_text(&agent->effects->net, call->handle, 400,
                         "Supported query parameters are container_id only, framework_id only, or "
                         "executor_id and framework_id only");
        return;
    }
    begin(agent, call->handle, USAGE_CONTAINERS, call->jsonp, &selection);
}

void usage_get_containers(struct agent *agent, const struct operator_call *call)
{
    const Pb__Agent__Call__GetContainers *body = call->call->get_containers;
    struct selection selection = {.with_nested = body != NULL && body->show_nested,
                                  .with_standalone = body != NULL && body->show_standalone};
    begin(agent, call->handle, call->json ? USAGE_V1_JSON : USAGE_V1_PROTOBUF, NULL, &selection);
}

/* --- reports --- */

/* Completed with what the agent itself knows: the path as an id, the pid. */
static struct blob *complete_status(struct agent *agent, const struct container_report *report)
{
    const struct agent_container *container = agent_container_find(agent, report->path);
    if (container == NULL) {
        return blob_ref(report->message);
    }
    Pb__ContainerStatus *status = agent_container_status(agent, container, &agent->arena);
    return message_encode_blob(&status->base);
}

void usage_report(struct agent *agent, const struct container_report *report)
{
    struct usage *usage;
    LIST_FOR_EACH (usage, &agent->usages, link) {
        uint64_t end = usage->first_token + 2 * usage->entry_count;
        if (report->token < usage->first_token || report->token >= end) {
            continue;
        }
        size_t place = (size_t)(report->token - usage->first_token);
        struct usage_entry *entry = &usage->entries[place / 2];
        if (place % 2 == 0) {
            blob_unref(entry->status);
            entry->status = complete_status(agent, report);
        } else if (report->status == 0) {
            blob_unref(entry->statistics);
            entry->statistics = blob_ref(report->message);
        }
        if (--usage->missing_count == 0) {
            respond(usage);
        }
        return;
    }
}

void usage_timeout(struct usage *usage)
{
    respond(usage);
}

void usage_drop_all(struct agent *agent)
{
    struct usage *usage;
    LIST_FOR_EACH (usage, &agent->usages, link) {
        usage_free(usage);
    }
}
