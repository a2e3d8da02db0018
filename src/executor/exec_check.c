#include "executor/exec_check.h"

#include "wire/message.h"

void exec_check_init_none(struct exec_check *check)
{
    *check = (struct exec_check){.deadline_ns = TIME_NEVER};
}

/* Validation has refused what is negative or not a number. */
static int64_t seconds(double secs)
{
    int64_t ns;
    return duration_from_secs(secs, &ns) && ns > 0 ? ns : 0;
}

static enum exec_check_kind kind_of(int type)
{
    switch (type) {
    case PB__CHECK_INFO__TYPE__COMMAND:
        return EXEC_CHECK_COMMAND;
    case PB__CHECK_INFO__TYPE__HTTP:
        return EXEC_CHECK_HTTP;
    case PB__CHECK_INFO__TYPE__TCP:
        return EXEC_CHECK_TCP;
    default:
        return EXEC_CHECK_NONE;
    }
}

void exec_check_init(struct exec_check *check, const Pb__CheckInfo *info, struct arena *arena)
{
    exec_check_init_none(check);
    check->kind = kind_of(info->type);
    check->delay_ns = seconds(info->delay_seconds);
    check->interval_ns = seconds(info->interval_seconds);
    check->timeout_ns = seconds(info->timeout_seconds);
    if (check->kind == EXEC_CHECK_COMMAND) {
        check->command = info->command->command;
    } else if (check->kind == EXEC_CHECK_HTTP) {
        check->url = arena_printf(arena, "http://127.0.0.1:%u%s", info->http->port,
                                  info->http->path != NULL ? info->http->path : "");
    } else if (check->kind == EXEC_CHECK_TCP) {
        check->url = arena_printf(arena, "tcp://127.0.0.1:%u", info->tcp->port);
    }
}

void exec_check_init_health(struct exec_check *check, const Pb__HealthCheck *info,
                            struct arena *arena)
{
    exec_check_init_none(check);
    check->is_health = true;
    check->kind = kind_of(info->has_type          ? info->type
                          : info->command != NULL ? PB__HEALTH_CHECK__TYPE__COMMAND
                          : info->http != NULL    ? PB__HEALTH_CHECK__TYPE__HTTP
                                                  : PB__HEALTH_CHECK__TYPE__UNKNOWN);
    check->delay_ns = seconds(info->delay_seconds);
    check->interval_ns = seconds(info->interval_seconds);
    check->timeout_ns = seconds(info->timeout_seconds);
    check->grace_ns = seconds(info->grace_period_seconds);
    check->failures_max = info->consecutive_failures;
    if (check->kind == EXEC_CHECK_COMMAND) {
        check->command = info->command;
    } else if (check->kind == EXEC_CHECK_HTTP) {
        bool ipv6 = info->http->protocol == PB__NETWORK_INFO__PROTOCOL__IPv6;
        check->url = arena_printf(arena, "%s://%s:%u%s",
                                  info->http->scheme != NULL ? info->http->scheme : "http",
                                  ipv6 ? "[::1]" : "127.0.0.1", info->http->port,
                                  info->http->path != NULL ? info->http->path : "");
    } else if (check->kind == EXEC_CHECK_TCP) {
        bool ipv6 = info->tcp->protocol == PB__NETWORK_INFO__PROTOCOL__IPv6;
        check->url =
            arena_printf(arena, "tcp://%s:%u", ipv6 ? "[::1]" : "127.0.0.1", info->tcp->port);
    }
}

void exec_check_start(struct exec_check *check, int64_t now_ns)
{
    if (check->kind == EXEC_CHECK_NONE) {
        return;
    }
    ASSERT(check->state == EXEC_CHECK_IDLE);
    check->state = EXEC_CHECK_WAITING;
    check->started_ns = now_ns;
    check->deadline_ns = time_add_ns(now_ns, check->delay_ns);
}

bool exec_check_pause(struct exec_check *check)
{
    bool probing = check->state == EXEC_CHECK_PROBING;
    if (check->state != EXEC_CHECK_IDLE) {
        check->state = EXEC_CHECK_PAUSED;
    }
    check->deadline_ns = TIME_NEVER;
    return probing;
}

void exec_check_resume(struct exec_check *check, int64_t now_ns)
{
    if (check->state == EXEC_CHECK_PAUSED) {
        check->state = EXEC_CHECK_WAITING;
        check->deadline_ns = now_ns;
    }
}

enum exec_check_action exec_check_step(struct exec_check *check, int64_t now_ns)
{
    if (now_ns < check->deadline_ns) {
        return EXEC_CHECK_NOTHING;
    }
    if (check->state == EXEC_CHECK_WAITING) {
        check->state = EXEC_CHECK_PROBING;
        /* A timeout of 0 is none. */
        check->deadline_ns =
            check->timeout_ns != 0 ? time_add_ns(now_ns, check->timeout_ns) : TIME_NEVER;
        return EXEC_CHECK_PROBE;
    }
    ASSERT(check->state == EXEC_CHECK_PROBING);
    check->deadline_ns = TIME_NEVER;
    return EXEC_CHECK_TIMED_OUT;
}

static bool is_good(const struct exec_check *check, struct exec_check_result result)
{
    switch (check->kind) {
    case EXEC_CHECK_COMMAND:
        return result.known && result.value == 0;
    case EXEC_CHECK_HTTP:
        return result.known && result.value >= 200 && result.value < 400;
    case EXEC_CHECK_TCP:
        return result.known && result.value == 1;
    case EXEC_CHECK_NONE:
        break;
    }
    WRONG("a result without a check");
}

static struct exec_check_verdict judge_health(struct exec_check *check, int64_t now_ns, bool good)
{
    if (good) {
        bool tell = !check->had_success || check->failures > 0;
        check->had_success = true;
        check->failures = 0;
        return (struct exec_check_verdict){.tell = tell, .healthy = true};
    }
    if (!check->had_success && check->grace_ns > 0 &&
        now_ns - check->started_ns <= check->grace_ns) {
        return (struct exec_check_verdict){0};
    }
    check->failures++;
    /* With 0 the first failure kills, as in the reference. */
    return (struct exec_check_verdict){.tell = true,
                                       .kill = check->failures >= check->failures_max};
}

struct exec_check_verdict exec_check_take(struct exec_check *check, int64_t now_ns,
                                          struct exec_check_result result)
{
    ASSERT(check->state == EXEC_CHECK_PROBING);
    check->state = EXEC_CHECK_WAITING;
    check->deadline_ns = time_add_ns(now_ns, check->interval_ns);
    if (check->is_health) {
        return judge_health(check, now_ns, is_good(check, result));
    }
    bool same =
        check->has_result == result.known && (!result.known || check->last_result == result.value);
    check->has_result = result.known;
    check->last_result = result.value;
    return (struct exec_check_verdict){.tell = !same};
}

Pb__CheckStatusInfo *exec_check_status(const struct exec_check *check, bool with_result,
                                       struct arena *arena)
{
    Pb__CheckStatusInfo *status = MESSAGE_NEW(Pb__CheckStatusInfo, pb__check_status_info, arena);
    bool known = with_result && check->has_result;
    status->has_type = true;
    switch (check->kind) {
    case EXEC_CHECK_COMMAND:
        status->type = PB__CHECK_INFO__TYPE__COMMAND;
        status->command =
            MESSAGE_NEW(Pb__CheckStatusInfo__Command, pb__check_status_info__command, arena);
        status->command->has_exit_code = known;
        status->command->exit_code = check->last_result;
        break;
    case EXEC_CHECK_HTTP:
        status->type = PB__CHECK_INFO__TYPE__HTTP;
        status->http = MESSAGE_NEW(Pb__CheckStatusInfo__Http, pb__check_status_info__http, arena);
        status->http->has_status_code = known;
        status->http->status_code = (uint32_t)check->last_result;
        break;
    case EXEC_CHECK_TCP:
        status->type = PB__CHECK_INFO__TYPE__TCP;
        status->tcp = MESSAGE_NEW(Pb__CheckStatusInfo__Tcp, pb__check_status_info__tcp, arena);
        status->tcp->has_succeeded = known;
        status->tcp->succeeded = check->last_result == 1;
        break;
    case EXEC_CHECK_NONE:
        WRONG("the status of no check");
    }
    return status;
}
