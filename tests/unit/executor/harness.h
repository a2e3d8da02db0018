/* Drives an executor's core: events in, effects kept for a test to look at. */
#ifndef TEPUI_TESTS_UNIT_EXECUTOR_HARNESS_H
#define TEPUI_TESTS_UNIT_EXECUTOR_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/xalloc.h"
#include "executor/exec_session.h"
#include "wire/message.h"

struct harness {
    void *core;
    void (*step)(void *core, const struct now *now, const struct exec_event *event,
                 struct exec_effects *effects);
    int64_t (*deadline)(const void *core);
    struct now now;
    struct exec_effects effects; /* not looked at yet */
    struct arena arena;          /* of what was decoded */
};

static inline struct exec_options harness_options(bool checkpoint)
{
    return (struct exec_options){
        .framework_id = "f",
        .executor_id = "e",
        .sandbox = "/sandbox",
        .checkpoint = checkpoint,
        .recovery_timeout_ns = 60 * NS_PER_SEC,
        .backoff_max_ns = 2 * NS_PER_SEC,
        .shutdown_grace_ns = 5 * NS_PER_SEC,
        .container_ip = "10.1.2.3",
        .seed = 7,
    };
}

static inline void harness_init(struct harness *h)
{
    exec_effects_init(&h->effects);
    arena_init(&h->arena, 0);
    h->now = (struct now){100 * NS_PER_SEC, 1000 * NS_PER_SEC};
}

static inline void harness_deinit(struct harness *h)
{
    exec_effects_deinit(&h->effects);
    arena_deinit(&h->arena);
}

static inline void tell(struct harness *h, struct exec_event event)
{
    h->step(h->core, &h->now, &event, &h->effects);
}

/* The next effect, log lines left out; NULL if none. Lives until the harness ends. */
static inline struct exec_effect *next(struct harness *h)
{
    struct exec_effect *effect;
    while ((effect = exec_effect_pop(&h->effects)) != NULL && effect->type == EXEC_LOG) {
        exec_effect_free(effect);
    }
    return effect;
}

static inline void expect_nothing(struct harness *h)
{
    assert_null(next(h));
}

/* The next effect must be of this type; the caller frees it. */
static inline struct exec_effect *expect(struct harness *h, enum exec_effect_type type)
{
    struct exec_effect *effect = next(h);
    assert_non_null(effect);
    assert_int_equal(effect->type, type);
    return effect;
}

static inline Pb__Executor__Call *expect_call(struct harness *h, enum exec_effect_type type)
{
    struct exec_effect *effect = expect(h, type);
    Pb__Executor__Call *call;
    struct err err;
    assert_int_equal(MESSAGE_DECODE(Pb__Executor__Call, pb__executor__call,
                                    blob_slice(effect->bytes), &h->arena, &call, &err),
                     0);
    exec_effect_free(effect);
    return call;
}

/* The next effect is an UPDATE with this state; its status is returned. */
static inline Pb__TaskStatus *expect_update(struct harness *h, Pb__TaskState state)
{
    Pb__Executor__Call *call = expect_call(h, EXEC_CALL);
    assert_int_equal(call->type, PB__EXECUTOR__CALL__TYPE__UPDATE);
    assert_int_equal(call->update->status->state, state);
    assert_int_equal(call->update->status->uuid.len, UUID_SIZE);
    assert_string_equal(call->update->status->executor_id->value, "e");
    return call->update->status;
}

/* Lets time pass up to `seconds` from now, waking the core at each of its deadlines. */
static inline void pass(struct harness *h, double seconds)
{
    int64_t until_ns = h->now.mono_ns + (int64_t)(seconds * (double)NS_PER_SEC);
    while (h->deadline(h->core) <= until_ns) {
        int64_t at_ns = MAX(h->deadline(h->core), h->now.mono_ns);
        h->now.wall_ns += at_ns - h->now.mono_ns;
        h->now.mono_ns = at_ns;
        tell(h, (struct exec_event){.type = EXEC_TICK});
    }
    h->now.wall_ns += until_ns - h->now.mono_ns;
    h->now.mono_ns = until_ns;
}

static inline Pb__Executor__Event *new_event(struct harness *h, Pb__Executor__Event__Type type)
{
    Pb__Executor__Event *event = MESSAGE_NEW(Pb__Executor__Event, pb__executor__event, &h->arena);
    event->has_type = true;
    event->type = type;
    return event;
}

static inline void send_event(struct harness *h, const Pb__Executor__Event *event)
{
    struct slice bytes = message_encode_arena(&event->base, &h->arena);
    tell(h, (struct exec_event){.type = EXEC_RECORD, .bytes = bytes});
}

static inline Pb__TaskID *task_id(struct harness *h, const char *value)
{
    Pb__TaskID *id = MESSAGE_NEW(Pb__TaskID, pb__task_id, &h->arena);
    id->value = arena_strdup(&h->arena, value);
    return id;
}

static inline void send_subscribed(struct harness *h, bool knows_killing)
{
    struct arena *a = &h->arena;
    Pb__Executor__Event *event = new_event(h, PB__EXECUTOR__EVENT__TYPE__SUBSCRIBED);
    Pb__Executor__Event__Subscribed *s =
        MESSAGE_NEW(Pb__Executor__Event__Subscribed, pb__executor__event__subscribed, a);
    event->subscribed = s;
    s->executor_info = MESSAGE_NEW(Pb__ExecutorInfo, pb__executor_info, a);
    s->executor_info->executor_id = MESSAGE_NEW(Pb__ExecutorID, pb__executor_id, a);
    s->executor_info->executor_id->value = arena_strdup(a, "e");
    s->framework_info = MESSAGE_NEW(Pb__FrameworkInfo, pb__framework_info, a);
    s->framework_info->user = arena_strdup(a, "root");
    s->framework_info->name = arena_strdup(a, "test");
    if (knows_killing) {
        Pb__FrameworkInfo__Capability *capability =
            MESSAGE_NEW(Pb__FrameworkInfo__Capability, pb__framework_info__capability, a);
        capability->has_type = true;
        capability->type = PB__FRAMEWORK_INFO__CAPABILITY__TYPE__TASK_KILLING_STATE;
        MESSAGE_APPEND(a, s->framework_info->n_capabilities, s->framework_info->capabilities,
                       capability);
    }
    s->agent_info = MESSAGE_NEW(Pb__AgentInfo, pb__agent_info, a);
    s->agent_info->hostname = arena_strdup(a, "host");
    s->container_id = MESSAGE_NEW(Pb__ContainerID, pb__container_id, a);
    s->container_id->value = arena_strdup(a, "outer");
    send_event(h, event);
}

static inline Pb__TaskInfo *new_task(struct harness *h, const char *id, const char *command)
{
    struct arena *a = &h->arena;
    Pb__TaskInfo *task = MESSAGE_NEW(Pb__TaskInfo, pb__task_info, a);
    task->name = arena_strdup(a, id);
    task->task_id = task_id(h, id);
    task->agent_id = MESSAGE_NEW(Pb__AgentID, pb__agent_id, a);
    task->agent_id->value = arena_strdup(a, "agent");
    task->command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, a);
    task->command->value = arena_strdup(a, command);
    return task;
}

static inline Pb__KillPolicy *kill_policy(struct harness *h, double grace_secs)
{
    Pb__KillPolicy *policy = MESSAGE_NEW(Pb__KillPolicy, pb__kill_policy, &h->arena);
    policy->grace_period = MESSAGE_NEW(Pb__DurationInfo, pb__duration_info, &h->arena);
    policy->grace_period->nanoseconds = (int64_t)(grace_secs * (double)NS_PER_SEC);
    return policy;
}

static inline void send_kill(struct harness *h, const char *id, Pb__KillPolicy *policy)
{
    Pb__Executor__Event *event = new_event(h, PB__EXECUTOR__EVENT__TYPE__KILL);
    event->kill = MESSAGE_NEW(Pb__Executor__Event__Kill, pb__executor__event__kill, &h->arena);
    event->kill->task_id = task_id(h, id);
    event->kill->kill_policy = policy;
    send_event(h, event);
}

static inline void send_ack(struct harness *h, const Pb__TaskStatus *status)
{
    Pb__Executor__Event *event = new_event(h, PB__EXECUTOR__EVENT__TYPE__ACKNOWLEDGED);
    event->acknowledged = MESSAGE_NEW(Pb__Executor__Event__Acknowledged,
                                      pb__executor__event__acknowledged, &h->arena);
    event->acknowledged->task_id = status->task_id;
    event->acknowledged->uuid = status->uuid;
    send_event(h, event);
}

#endif
