#include "master/operator_reads.h"

#include "master/master_state.h"
#include "master/reads.h"
#include "wire/message.h"

/* A response of that type in the step's arena. */
static Pb__Master__Response *make(struct master *master, Pb__Master__Response__Type type)
{
    Pb__Master__Response *response =
        MESSAGE_NEW(Pb__Master__Response, pb__master__response, &master->arena);
    response->has_type = true;
    response->type = type;
    return response;
}

/* --- about the process --- */

void master_operator_get_health(struct master *master, const struct operator_request *r)
{
    Pb__Master__Response *response = make(master, PB__MASTER__RESPONSE__TYPE__GET_HEALTH);
    response->get_health = MESSAGE_NEW(Pb__Master__Response__GetHealth,
                                       pb__master__response__get_health, &master->arena);
    response->get_health->healthy = true;
    master_operator_respond(master, r, response);
}

struct flag_list {
    struct arena *arena;
    Pb__Master__Response__GetFlags *flags;
};

static void add_flag(void *arg, const char *name, const char *value)
{
    struct flag_list *list = arg;
    Pb__Flag *flag = MESSAGE_NEW(Pb__Flag, pb__flag, list->arena);
    flag->name = arena_strdup(list->arena, name);
    flag->value = arena_strdup(list->arena, value);
    MESSAGE_APPEND(list->arena, list->flags->n_flags, list->flags->flags, flag);
}

void master_operator_get_flags(struct master *master, const struct operator_request *r)
{
    Pb__Master__Response *response = make(master, PB__MASTER__RESPONSE__TYPE__GET_FLAGS);
    response->get_flags = MESSAGE_NEW(Pb__Master__Response__GetFlags,
                                      pb__master__response__get_flags, &master->arena);
    struct flag_list list = {&master->arena, response->get_flags};
    master_visit_flags(master, add_flag, &list);
    master_operator_respond(master, r, response);
}

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

void master_operator_get_version(struct master *master, const struct operator_request *r)
{
    const struct master_version *version = &master->options.version;
    Pb__Master__Response *response = make(master, PB__MASTER__RESPONSE__TYPE__GET_VERSION);
    Pb__VersionInfo *info = MESSAGE_NEW(Pb__VersionInfo, pb__version_info, &master->arena);
    info->version = text(version->version);
    info->build_date = text(version->build_date);
    info->build_user = text(version->build_user);
    info->git_sha = text(version->git_sha);
    info->has_build_time = true;
    info->build_time = version->build_time;
    response->get_version = MESSAGE_NEW(Pb__Master__Response__GetVersion,
                                        pb__master__response__get_version, &master->arena);
    response->get_version->version_info = info;
    master_operator_respond(master, r, response);
}

void master_operator_get_logging_level(struct master *master, const struct operator_request *r)
{
    Pb__Master__Response *response = make(master, PB__MASTER__RESPONSE__TYPE__GET_LOGGING_LEVEL);
    response->get_logging_level =
        MESSAGE_NEW(Pb__Master__Response__GetLoggingLevel, pb__master__response__get_logging_level,
                    &master->arena);
    response->get_logging_level->level = (uint32_t)master->reads->verbosity;
    master_operator_respond(master, r, response);
}

void master_operator_set_logging_level(struct master *master, const struct operator_request *r)
{
    const Pb__Master__Call__SetLoggingLevel *body = r->call->set_logging_level;
    if (body->level > HTTP_VERBOSITY_MAX || body->duration->nanoseconds < 0) {
        net_respond_text(&master->effects->net, r->request->handle, 400, "Invalid level '%u'",
                         body->level);
        return;
    }
    master_reads_set_verbosity(master, (int)body->level, body->duration->nanoseconds);
    net_respond(&master->effects->net, r->request->handle, 200, NULL, NULL);
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_SEC;
}

void master_operator_get_master(struct master *master, const struct operator_request *r)
{
    Pb__Master__Response *response = make(master, PB__MASTER__RESPONSE__TYPE__GET_MASTER);
    Pb__Master__Response__GetMaster *told = response->get_master = MESSAGE_NEW(
        Pb__Master__Response__GetMaster, pb__master__response__get_master, &master->arena);
    int failed = MESSAGE_DECODE(Pb__MasterInfo, pb__master_info, blob_slice(master->info),
                                &master->arena, &told->master_info, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    told->has_start_time = true;
    told->start_time = seconds(master->start_ns);
    told->has_elected_time = master->elected_ns != 0;
    told->elected_time = seconds(master->elected_ns);
    master_operator_respond(master, r, response);
}

/* --- whole state --- */

static void respond_view(struct master *master, const struct operator_request *r,
                         enum view_kind kind)
{
    master_view_respond(
        master, r->request->handle,
        &(struct view_query){
            .kind = kind,
            .json = r->accept == HTTP_MEDIA_JSON,
            .gzip = http_accepts_gzip(http_find_header(r->request->head, "Accept-Encoding")),
        });
}

void master_operator_get_state(struct master *master, const struct operator_request *r)
{
    respond_view(master, r, VIEW_GET_STATE);
}

void master_operator_get_agents(struct master *master, const struct operator_request *r)
{
    respond_view(master, r, VIEW_GET_AGENTS);
}

void master_operator_get_frameworks(struct master *master, const struct operator_request *r)
{
    respond_view(master, r, VIEW_GET_FRAMEWORKS);
}

void master_operator_get_executors(struct master *master, const struct operator_request *r)
{
    respond_view(master, r, VIEW_GET_EXECUTORS);
}

void master_operator_get_tasks(struct master *master, const struct operator_request *r)
{
    respond_view(master, r, VIEW_GET_TASKS);
}

void master_operator_get_roles(struct master *master, const struct operator_request *r)
{
    respond_view(master, r, VIEW_GET_ROLES);
}

void master_operator_get_operations(struct master *master, const struct operator_request *r)
{
    respond_view(master, r, VIEW_GET_OPERATIONS);
}
