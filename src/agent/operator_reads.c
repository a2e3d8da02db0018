#include "agent/operator_reads.h"

#include <stdlib.h>

#include "agent/core.h"
#include "agent/messages.h"
#include "agent/operation.h"
#include "agent/view.h"
#include "common/xalloc.h"

/* Levels of SET_LOGGING_LEVEL, as the reference's. */
#define VERBOSITY_MAX 3

static Pb__Agent__Response *make(struct agent *agent, Pb__Agent__Response__Type type)
{
    Pb__Agent__Response *response =
        MESSAGE_NEW(Pb__Agent__Response, pb__agent__response, &agent->arena);
    response->has_type = 1;
    response->type = type;
    return response;
}

void operator_get_health(struct agent *agent, const struct operator_call *call)
{
    Pb__Agent__Response *response = make(agent, PB__AGENT__RESPONSE__TYPE__GET_HEALTH);
    response->get_health =
        MESSAGE_NEW(Pb__Agent__Response__GetHealth, pb__agent__response__get_health, &agent->arena);
    response->get_health->healthy = 1;
    operator_respond(agent, call->handle, call->json, response);
}

void operator_get_flags(struct agent *agent, const struct operator_call *call)
{
    struct arena *arena = &agent->arena;
    const struct agent_config *config = &agent->setup.config;
    Pb__Agent__Response *response = make(agent, PB__AGENT__RESPONSE__TYPE__GET_FLAGS);
    Pb__Agent__Response__GetFlags *flags = response->get_flags =
        MESSAGE_NEW(Pb__Agent__Response__GetFlags, pb__agent__response__get_flags, arena);
    for (size_t i = 0; i < config->flag_count; i++) {
        Pb__Flag *flag = MESSAGE_NEW(Pb__Flag, pb__flag, arena);
        flag->name = arena_strdup(arena, config->flags[i].name);
        flag->value = arena_strdup(arena, config->flags[i].value);
        MESSAGE_APPEND(arena, flags->n_flags, flags->flags, flag);
    }
    operator_respond(agent, call->handle, call->json, response);
}

static char *maybe(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

void operator_get_version(struct agent *agent, const struct operator_call *call)
{
    struct arena *arena = &agent->arena;
    const struct agent_build *build = &agent->setup.config.build;
    Pb__Agent__Response *response = make(agent, PB__AGENT__RESPONSE__TYPE__GET_VERSION);
    response->get_version =
        MESSAGE_NEW(Pb__Agent__Response__GetVersion, pb__agent__response__get_version, arena);
    Pb__VersionInfo *info = response->get_version->version_info =
        MESSAGE_NEW(Pb__VersionInfo, pb__version_info, arena);
    info->version = arena_strdup(arena, build->version);
    info->build_date = maybe(arena, build->build_date);
    info->has_build_time = 1;
    info->build_time = build->build_time;
    info->build_user = maybe(arena, build->build_user);
    info->git_sha = maybe(arena, build->git_sha);
    info->git_branch = maybe(arena, build->git_branch);
    info->git_tag = maybe(arena, build->git_tag);
    operator_respond(agent, call->handle, call->json, response);
}

struct metrics_list {
    struct arena *arena;
    Pb__Agent__Response__GetMetrics *metrics;
};

static void add_metric(void *arg, const char *name, double value)
{
    struct metrics_list *list = arg;
    Pb__Metric *metric = MESSAGE_NEW(Pb__Metric, pb__metric, list->arena);
    metric->name = arena_strdup(list->arena, name);
    metric->has_value = 1;
    metric->value = value;
    MESSAGE_APPEND(list->arena, list->metrics->n_metrics, list->metrics->metrics, metric);
}

void operator_get_metrics(struct agent *agent, const struct operator_call *call)
{
    struct arena *arena = &agent->arena;
    Pb__Agent__Response *response = make(agent, PB__AGENT__RESPONSE__TYPE__GET_METRICS);
    response->get_metrics =
        MESSAGE_NEW(Pb__Agent__Response__GetMetrics, pb__agent__response__get_metrics, arena);
    struct metrics_list list = {arena, response->get_metrics};
    metrics_visit(agent->gauges.metrics, add_metric, &list);
    operator_respond(agent, call->handle, call->json, response);
}

void operator_get_logging_level(struct agent *agent, const struct operator_call *call)
{
    Pb__Agent__Response *response = make(agent, PB__AGENT__RESPONSE__TYPE__GET_LOGGING_LEVEL);
    response->get_logging_level =
        MESSAGE_NEW(Pb__Agent__Response__GetLoggingLevel, pb__agent__response__get_logging_level,
                    &agent->arena);
    response->get_logging_level->level = (uint32_t)agent->verbosity;
    operator_respond(agent, call->handle, call->json, response);
}

void operator_set_logging_level(struct agent *agent, const struct operator_call *call)
{
    const Pb__Agent__Call__SetLoggingLevel *body = call->call->set_logging_level;
    if (body->level > VERBOSITY_MAX || body->duration->nanoseconds < 0) {
        operator_fail(agent, call, 400, "Invalid level '%u'", body->level);
        return;
    }
    agent_set_verbosity(agent, (int)body->level, body->duration->nanoseconds);
    operator_respond_ok(agent, call);
}

static void render(struct agent *agent, const struct operator_call *call, enum view_content content)
{
    struct view *view = view_take(agent, content, call->json, NULL);
    net_render(&agent->effects->net, call->handle, &view->job);
}

void operator_get_state(struct agent *agent, const struct operator_call *call)
{
    render(agent, call, VIEW_GET_STATE);
}

void operator_get_tasks(struct agent *agent, const struct operator_call *call)
{
    render(agent, call, VIEW_GET_TASKS);
}

void operator_get_executors(struct agent *agent, const struct operator_call *call)
{
    render(agent, call, VIEW_GET_EXECUTORS);
}

void operator_get_frameworks(struct agent *agent, const struct operator_call *call)
{
    render(agent, call, VIEW_GET_FRAMEWORKS);
}

void operator_get_agent(struct agent *agent, const struct operator_call *call)
{
    struct arena *arena = &agent->arena;
    Pb__Agent__Response *response = make(agent, PB__AGENT__RESPONSE__TYPE__GET_AGENT);
    Pb__Agent__Response__GetAgent *told = response->get_agent =
        MESSAGE_NEW(Pb__Agent__Response__GetAgent, pb__agent__response__get_agent, arena);
    told->agent_info = setup_info(agent);
    told->agent_info->has_checkpoint = 0; /* only masters are told */
    if (agent->drain_config != NULL) {
        told->drain_config =
            MESSAGES_READ(Pb__DrainConfig, pb__drain_config, agent->drain_config, arena);
        told->estimated_drain_start_time = MESSAGE_NEW(Pb__TimeInfo, pb__time_info, arena);
        told->estimated_drain_start_time->nanoseconds = agent->drain_start_wall_ns;
    }
    operator_respond(agent, call->handle, call->json, response);
}

void operator_get_operations(struct agent *agent, const struct operator_call *call)
{
    Pb__Agent__Response *response = make(agent, PB__AGENT__RESPONSE__TYPE__GET_OPERATIONS);
    response->get_operations = MESSAGE_NEW(Pb__Agent__Response__GetOperations,
                                           pb__agent__response__get_operations, &agent->arena);
    const struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        MESSAGE_APPEND(&agent->arena, response->get_operations->n_operations,
                       response->get_operations->operations, operation_describe(operation));
    }
    operator_respond(agent, call->handle, call->json, response);
}

void operator_get_resource_providers(struct agent *agent, const struct operator_call *call)
{
    Pb__Agent__Response *response = make(agent, PB__AGENT__RESPONSE__TYPE__GET_RESOURCE_PROVIDERS);
    response->get_resource_providers =
        MESSAGE_NEW(Pb__Agent__Response__GetResourceProviders,
                    pb__agent__response__get_resource_providers, &agent->arena);
    operator_respond(agent, call->handle, call->json, response);
}
