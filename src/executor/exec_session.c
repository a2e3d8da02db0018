#include "executor/exec_session.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "wire/message.h"

#define BACKOFF_MIN_NS (50 * NS_PER_MS)
#define BACKOFF_MAX_NS (500 * NS_PER_MS)

/* An update (an encoded Call.Update) or a task (an encoded TaskInfo) that the agent may not know.
 */
struct unacked {
    struct list link;
    char *task_id;
    struct blob *uuid; /* NULL for a task */
    struct blob *bytes;
    bool told; /* an update: in the last SUBSCRIBE, or since */
};

void exec_session_init(struct exec_session *session, const struct exec_options *options,
                       struct timers *timers)
{
    *session = (struct exec_session){.options = *options, .timers = timers};
    session->backoff_ns = BACKOFF_MIN_NS;
    prng_seed(&session->prng, options->seed);
    timer_init(&session->retry, EXEC_TIMER_RETRY, session);
    timer_init(&session->give_up, EXEC_TIMER_GIVE_UP, session);
    list_init(&session->updates);
    list_init(&session->tasks);
}

static void unacked_free(struct unacked *unacked)
{
    list_remove(&unacked->link);
    free(unacked->task_id);
    blob_unref(unacked->uuid);
    blob_unref(unacked->bytes);
    free(unacked);
}

void exec_session_deinit(struct exec_session *session)
{
    struct unacked *unacked;
    LIST_FOR_EACH (unacked, &session->updates, link) {
        unacked_free(unacked);
    }
    LIST_FOR_EACH (unacked, &session->tasks, link) {
        unacked_free(unacked);
    }
}

static struct unacked *remember(struct list *list, const char *task_id, struct blob *uuid,
                                struct blob *bytes)
{
    struct unacked *unacked = xalloc(sizeof(*unacked));
    unacked->task_id = xstrdup(task_id);
    unacked->uuid = uuid;
    unacked->bytes = bytes;
    list_push_back(list, &unacked->link);
    return unacked;
}

/* --- calls --- */

static Pb__Executor__Call *new_call(struct exec_session *session, Pb__Executor__Call__Type type,
                                    struct arena *arena)
{
    Pb__Executor__Call *call = MESSAGE_NEW(Pb__Executor__Call, pb__executor__call, arena);
    call->framework_id = MESSAGE_NEW(Pb__FrameworkID, pb__framework_id, arena);
    call->framework_id->value = arena_strdup(arena, session->options.framework_id);
    call->executor_id = MESSAGE_NEW(Pb__ExecutorID, pb__executor_id, arena);
    call->executor_id->value = arena_strdup(arena, session->options.executor_id);
    call->has_type = true;
    call->type = type;
    return call;
}

/* What we encoded ourselves always decodes. */
static ProtobufCMessage *decode_own(const ProtobufCMessageDescriptor *desc, struct blob *bytes,
                                    struct arena *arena)
{
    ProtobufCMessage *message;
    struct err err;
    int status = message_decode(desc, blob_slice(bytes), arena, &message, &err);
    ASSERT(status == 0);
    return message;
}

void exec_session_subscribe(struct exec_session *session, struct exec_effects *effects)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Executor__Call *call = new_call(session, PB__EXECUTOR__CALL__TYPE__SUBSCRIBE, &arena);
    Pb__Executor__Call__Subscribe *subscribe =
        MESSAGE_NEW(Pb__Executor__Call__Subscribe, pb__executor__call__subscribe, &arena);
    call->subscribe = subscribe;
    struct unacked *unacked;
    LIST_FOR_EACH (unacked, &session->updates, link) {
        Pb__Executor__Call__Update *update = (Pb__Executor__Call__Update *)decode_own(
            &pb__executor__call__update__descriptor, unacked->bytes, &arena);
        MESSAGE_APPEND(&arena, subscribe->n_unacknowledged_updates,
                       subscribe->unacknowledged_updates, update);
        unacked->told = true;
    }
    LIST_FOR_EACH (unacked, &session->tasks, link) {
        Pb__TaskInfo *task =
            (Pb__TaskInfo *)decode_own(&pb__task_info__descriptor, unacked->bytes, &arena);
        MESSAGE_APPEND(&arena, subscribe->n_unacknowledged_tasks, subscribe->unacknowledged_tasks,
                       task);
    }
    session->state = EXEC_SESSION_ASKING;
    exec_effect_add_bytes(effects, EXEC_SUBSCRIBE, 0, message_encode_blob(&call->base));
    arena_deinit(&arena);
}

static void tell_update(struct exec_session *session, struct unacked *unacked,
                        struct exec_effects *effects)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Executor__Call *call = new_call(session, PB__EXECUTOR__CALL__TYPE__UPDATE, &arena);
    call->update = (Pb__Executor__Call__Update *)decode_own(&pb__executor__call__update__descriptor,
                                                            unacked->bytes, &arena);
    exec_effect_add_bytes(effects, EXEC_CALL, 0, message_encode_blob(&call->base));
    unacked->told = true;
    arena_deinit(&arena);
}

void exec_session_subscribed(struct exec_session *session,
                             const Pb__Executor__Event__Subscribed *event,
                             struct exec_effects *effects)
{
    session->state = EXEC_SESSION_SUBSCRIBED;
    struct unacked *unacked;
    LIST_FOR_EACH (unacked, &session->updates, link) {
        if (!unacked->told) { /* it was made while SUBSCRIBE was under way */
            tell_update(session, unacked, effects);
        }
    }
    session->backoff_ns = BACKOFF_MIN_NS;
    timers_cancel(session->timers, &session->retry);
    timers_cancel(session->timers, &session->give_up);
    const Pb__FrameworkInfo *framework = event->framework_info;
    session->knows_killing = false;
    for (size_t i = 0; i < framework->n_capabilities; i++) {
        session->knows_killing |= framework->capabilities[i]->type ==
                                  PB__FRAMEWORK_INFO__CAPABILITY__TYPE__TASK_KILLING_STATE;
    }
}

bool exec_session_disconnected(struct exec_session *session, int64_t now_ns)
{
    bool was_subscribed = session->state == EXEC_SESSION_SUBSCRIBED;
    session->state = EXEC_SESSION_AWAY;
    if (was_subscribed && !session->options.checkpoint) {
        return false;
    }
    if (!timer_is_set(&session->give_up)) {
        timers_set(session->timers, &session->give_up,
                   time_add_ns(now_ns, session->options.recovery_timeout_ns));
    }
    timers_set(session->timers, &session->retry,
               now_ns + session->backoff_ns / 2 +
                   prng_duration_ns(&session->prng, session->backoff_ns / 2));
    session->backoff_ns =
        MIN(session->backoff_ns * 2, MIN(session->options.backoff_max_ns, BACKOFF_MAX_NS));
    session->backoff_ns = MAX(session->backoff_ns, BACKOFF_MIN_NS);
    return true;
}

void exec_session_add_task(struct exec_session *session, const Pb__TaskInfo *task)
{
    (void)remember(&session->tasks, task->task_id->value, NULL, message_encode_blob(&task->base));
}

Pb__TaskStatus *exec_session_status(struct exec_session *session, const struct now *now,
                                    const char *task_id, Pb__TaskState state, struct arena *arena)
{
    Pb__TaskStatus *status = MESSAGE_NEW(Pb__TaskStatus, pb__task_status, arena);
    status->task_id = MESSAGE_NEW(Pb__TaskID, pb__task_id, arena);
    status->task_id->value = arena_strdup(arena, task_id);
    status->state = state;
    status->executor_id = MESSAGE_NEW(Pb__ExecutorID, pb__executor_id, arena);
    status->executor_id->value = arena_strdup(arena, session->options.executor_id);
    status->has_source = true;
    status->source = PB__TASK_STATUS__SOURCE__SOURCE_EXECUTOR;
    status->has_timestamp = true;
    status->timestamp = (double)now->wall_ns / (double)NS_PER_SEC;
    struct uuid uuid;
    uuid_random(&session->prng, &uuid);
    status->has_uuid = true;
    status->uuid = message_data(slice_make(arena_memdup(arena, uuid.bytes, UUID_SIZE), UUID_SIZE));
    return status;
}

void exec_session_update(struct exec_session *session, Pb__TaskStatus *status,
                         struct exec_effects *effects)
{
    Pb__Executor__Call__Update update = PB__EXECUTOR__CALL__UPDATE__INIT;
    update.status = status;
    struct unacked *unacked =
        remember(&session->updates, status->task_id->value, blob_from(message_bytes(status->uuid)),
                 message_encode_blob(&update.base));
    if (session->state == EXEC_SESSION_SUBSCRIBED) {
        tell_update(session, unacked, effects);
    }
}

void exec_session_acknowledged(struct exec_session *session,
                               const Pb__Executor__Event__Acknowledged *event)
{
    struct slice uuid = message_bytes(event->uuid);
    struct unacked *unacked;
    LIST_FOR_EACH (unacked, &session->updates, link) {
        if (slice_equal(blob_slice(unacked->uuid), uuid)) {
            unacked_free(unacked);
        }
    }
    LIST_FOR_EACH (unacked, &session->tasks, link) {
        if (strcmp(unacked->task_id, event->task_id->value) == 0) {
            unacked_free(unacked);
        }
    }
}

bool exec_session_is_settled(const struct exec_session *session)
{
    return list_is_empty(&session->updates);
}

/* --- commands --- */

static void add_env(struct exec_command *command, const char *name, const char *value)
{
    command->env[command->env_count++] = (struct exec_env){xstrdup(name), xstrdup(value)};
}

struct exec_command *exec_session_command(const Pb__CommandInfo *info, const struct exec_env *extra,
                                          size_t extra_count)
{
    struct exec_command *command = xalloc(sizeof(*command));
    command->shell = info->shell;
    command->value = xstrdup(info->value != NULL ? info->value : "");
    command->arguments = xcalloc(info->n_arguments + 2, sizeof(char *));
    for (size_t i = 0; i < info->n_arguments; i++) {
        command->arguments[i] = xstrdup(info->arguments[i]);
    }
    if (info->n_arguments == 0) {
        command->arguments[0] = xstrdup(command->value);
    }
    size_t variables = info->environment != NULL ? info->environment->n_variables : 0;
    command->env = xcalloc(variables + extra_count, sizeof(struct exec_env));
    for (size_t i = 0; i < variables; i++) {
        const Pb__Environment__Variable *variable = info->environment->variables[i];
        /* Secrets by reference are resolved by the agent; one that is left has no value. */
        if (variable->value != NULL) {
            add_env(command, variable->name, variable->value);
        }
    }
    for (size_t i = 0; i < extra_count; i++) {
        add_env(command, extra[i].name, extra[i].value);
    }
    return command;
}
