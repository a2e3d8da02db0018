#include "harness.h"

#include <signal.h>

#include "executor/default_executor.h"

static void step(void *core, const struct now *now, const struct exec_event *event,
                 struct exec_effects *effects)
{
    default_executor_step(core, now, event, effects);
}

static int64_t deadline(const void *core)
{
    return default_executor_deadline(core);
}

static int setup(void **state)
{
    struct harness *h = xalloc(sizeof(*h));
    struct exec_options options = harness_options(true);
    h->core = default_executor_new(&options);
    h->step = step;
    h->deadline = deadline;
    harness_init(h);
    *state = h;
    tell(h, (struct exec_event){.type = EXEC_START});
    expect_call(h, EXEC_SUBSCRIBE);
    send_subscribed(h, true);
    return 0;
}

static int teardown(void **state)
{
    struct harness *h = *state;
    default_executor_free(h->core);
    harness_deinit(h);
    free(h);
    return 0;
}

struct agent_call {
    uint64_t token;
    Pb__Agent__Call *call;
};

static struct agent_call expect_agent_call(struct harness *h, Pb__Agent__Call__Type type)
{
    struct exec_effect *effect = expect(h, EXEC_AGENT_CALL);
    struct agent_call got = {.token = effect->token};
    struct err err;
    assert_int_equal(MESSAGE_DECODE(Pb__Agent__Call, pb__agent__call, blob_slice(effect->bytes),
                                    &h->arena, &got.call, &err),
                     0);
    exec_effect_free(effect);
    assert_int_equal(got.call->type, type);
    return got;
}

static void reply(struct harness *h, uint64_t token, int status, struct slice body)
{
    tell(h,
         (struct exec_event){.type = EXEC_REPLY, .token = token, .status = status, .bytes = body});
}

static void reply_ended(struct harness *h, uint64_t token, int wait_status)
{
    Pb__Agent__Response *answer = MESSAGE_NEW(Pb__Agent__Response, pb__agent__response, &h->arena);
    answer->has_type = true;
    answer->type = PB__AGENT__RESPONSE__TYPE__WAIT_CONTAINER;
    answer->wait_container = MESSAGE_NEW(Pb__Agent__Response__WaitContainer,
                                         pb__agent__response__wait_container, &h->arena);
    answer->wait_container->has_exit_status = true;
    answer->wait_container->exit_status = wait_status;
    reply(h, token, 200, message_encode_arena(&answer->base, &h->arena));
}

static void send_group(struct harness *h, Pb__TaskInfo *a, Pb__TaskInfo *b)
{
    Pb__Executor__Event *event = new_event(h, PB__EXECUTOR__EVENT__TYPE__LAUNCH_GROUP);
    event->launch_group =
        MESSAGE_NEW(Pb__Executor__Event__LaunchGroup, pb__executor__event__launch_group, &h->arena);
    Pb__TaskGroupInfo *group = MESSAGE_NEW(Pb__TaskGroupInfo, pb__task_group_info, &h->arena);
    event->launch_group->task_group = group;
    MESSAGE_APPEND(&h->arena, group->n_tasks, group->tasks, a);
    MESSAGE_APPEND(&h->arena, group->n_tasks, group->tasks, b);
    send_event(h, event);
}

/* Two tasks, running; the tokens of their waits. */
static void run_two(struct harness *h, uint64_t waits[2])
{
    uint64_t launches[2];
    send_group(h, new_task(h, "a", "one"), new_task(h, "b", "two"));
    for (int i = 0; i < 2; i++) {
        expect_update(h, PB__TASK_STATE__TASK_STARTING);
        struct agent_call launch = expect_agent_call(h, PB__AGENT__CALL__TYPE__LAUNCH_CONTAINER);
        launches[i] = launch.token;
        assert_string_equal(launch.call->launch_container->container_id->parent->value, "outer");
        const Pb__Environment *env = launch.call->launch_container->command->environment;
        assert_string_equal(env->variables[0]->name, "MESOS_CONTAINER_IP");
        assert_string_equal(env->variables[0]->value, "10.1.2.3");
    }
    reply(h, launches[0], 200, SLICE(""));
    expect_nothing(h); /* none runs before all are there */
    reply(h, launches[1], 200, SLICE(""));
    for (int i = 0; i < 2; i++) {
        struct exec_effect *link = expect(h, EXEC_LINK_TASK);
        assert_string_equal(link->name, i == 0 ? "a" : "b");
        exec_effect_free(link);
        expect_update(h, PB__TASK_STATE__TASK_RUNNING);
    }
    for (int i = 0; i < 2; i++) {
        waits[i] = expect_agent_call(h, PB__AGENT__CALL__TYPE__WAIT_CONTAINER).token;
    }
}

static void expect_kill(struct harness *h, int signal_number)
{
    struct agent_call kill = expect_agent_call(h, PB__AGENT__CALL__TYPE__KILL_CONTAINER);
    assert_int_equal(kill.call->kill_container->signal, signal_number);
}

static void a_task_that_finishes_leaves_the_other_alone(void **state)
{
    struct harness *h = *state;
    uint64_t waits[2];
    run_two(h, waits);
    reply_ended(h, waits[0], 0);
    assert_string_equal(expect_update(h, PB__TASK_STATE__TASK_FINISHED)->message,
                        "Command exited with status 0");
    expect_nothing(h);
}

static void a_task_that_fails_takes_the_other_with_it(void **state)
{
    struct harness *h = *state;
    uint64_t waits[2];
    run_two(h, waits);
    reply_ended(h, waits[0], 1 << 8);
    expect_update(h, PB__TASK_STATE__TASK_FAILED);
    expect_update(h, PB__TASK_STATE__TASK_KILLING);
    expect_kill(h, SIGTERM);
    reply_ended(h, waits[1], SIGTERM);
    Pb__TaskStatus *last = expect_update(h, PB__TASK_STATE__TASK_KILLED);
    assert_string_equal(last->task_id->value, "b");
    expect_nothing(h);
}

/* The agent drops updates of a framework that is ending. */
static void after_a_shutdown_it_waits_no_minute(void **state)
{
    struct harness *h = *state;
    uint64_t waits[2];
    run_two(h, waits);
    reply_ended(h, waits[0], 0);
    expect_update(h, PB__TASK_STATE__TASK_FINISHED);
    reply_ended(h, waits[1], 0);
    expect_update(h, PB__TASK_STATE__TASK_FINISHED);
    pass(h, 5);
    expect_nothing(h);
    send_event(h, new_event(h, PB__EXECUTOR__EVENT__TYPE__SHUTDOWN));
    pass(h, 0.9);
    expect_nothing(h);
    pass(h, 0.2);
    exec_effect_free(expect(h, EXEC_QUIT));
}

static void it_ends_with_the_last_acknowledgement(void **state)
{
    struct harness *h = *state;
    uint64_t waits[2];
    run_two(h, waits);
    reply_ended(h, waits[0], 0);
    Pb__TaskStatus *a = expect_update(h, PB__TASK_STATE__TASK_FINISHED);
    reply_ended(h, waits[1], 0);
    Pb__TaskStatus *b = expect_update(h, PB__TASK_STATE__TASK_FINISHED);
    send_ack(h, a);
    send_ack(h, b);
    expect_nothing(h); /* STARTING and RUNNING are not acknowledged */
    pass(h, 61);
    exec_effect_free(expect(h, EXEC_QUIT));
}

static void a_kill_while_launching_is_kept(void **state)
{
    struct harness *h = *state;
    send_group(h, new_task(h, "a", "one"), new_task(h, "b", "two"));
    expect_update(h, PB__TASK_STATE__TASK_STARTING);
    uint64_t first = expect_agent_call(h, PB__AGENT__CALL__TYPE__LAUNCH_CONTAINER).token;
    expect_update(h, PB__TASK_STATE__TASK_STARTING);
    uint64_t second = expect_agent_call(h, PB__AGENT__CALL__TYPE__LAUNCH_CONTAINER).token;
    send_kill(h, "a", NULL);
    expect_nothing(h);
    reply(h, first, 200, SLICE(""));
    reply(h, second, 200, SLICE(""));
    int killed = 0;
    struct exec_effect *effect;
    while ((effect = next(h)) != NULL) {
        Pb__Agent__Call *call;
        struct err err;
        if (effect->type == EXEC_AGENT_CALL &&
            MESSAGE_DECODE(Pb__Agent__Call, pb__agent__call, blob_slice(effect->bytes), &h->arena,
                           &call, &err) == 0) {
            killed += call->type == PB__AGENT__CALL__TYPE__KILL_CONTAINER;
        }
        exec_effect_free(effect);
    }
    assert_int_equal(killed, 1);
}

static void a_launch_that_is_refused_fails_the_group(void **state)
{
    struct harness *h = *state;
    send_group(h, new_task(h, "a", "one"), new_task(h, "b", "two"));
    expect_update(h, PB__TASK_STATE__TASK_STARTING);
    uint64_t first = expect_agent_call(h, PB__AGENT__CALL__TYPE__LAUNCH_CONTAINER).token;
    expect_update(h, PB__TASK_STATE__TASK_STARTING);
    uint64_t second = expect_agent_call(h, PB__AGENT__CALL__TYPE__LAUNCH_CONTAINER).token;
    reply(h, second, 500, SLICE("no such file"));
    reply(h, first, 200, SLICE(""));
    exec_effect_free(expect(h, EXEC_LINK_TASK));
    expect_update(h, PB__TASK_STATE__TASK_RUNNING);
    Pb__TaskStatus *failed = expect_update(h, PB__TASK_STATE__TASK_FAILED);
    assert_string_equal(failed->message, "no such file");
    expect_update(h, PB__TASK_STATE__TASK_KILLING);
    expect_kill(h, SIGTERM);
}

static void a_task_that_ignores_sigterm_gets_sigkill(void **state)
{
    struct harness *h = *state;
    uint64_t waits[2];
    run_two(h, waits);
    send_kill(h, "a", kill_policy(h, 1));
    expect_update(h, PB__TASK_STATE__TASK_KILLING);
    struct agent_call term = expect_agent_call(h, PB__AGENT__CALL__TYPE__KILL_CONTAINER);
    reply(h, term.token, 200, SLICE(""));
    pass(h, 1);
    struct agent_call kill = expect_agent_call(h, PB__AGENT__CALL__TYPE__KILL_CONTAINER);
    assert_int_equal(kill.call->kill_container->signal, SIGKILL);
    reply(h, kill.token, 503, SLICE("not now")); /* tried again */
    pass(h, 1);
    expect_kill(h, SIGKILL);
}

static void waits_are_asked_again_when_the_agent_is_back(void **state)
{
    struct harness *h = *state;
    uint64_t waits[2];
    run_two(h, waits);
    reply(h, waits[0], -104, SLICE(""));
    reply(h, waits[1], -104, SLICE(""));
    tell(h, (struct exec_event){.type = EXEC_DISCONNECTED});
    pass(h, 0.1);
    Pb__Executor__Call *call = expect_call(h, EXEC_SUBSCRIBE);
    assert_int_equal(call->subscribe->n_unacknowledged_tasks, 2);
    send_subscribed(h, true);
    expect_agent_call(h, PB__AGENT__CALL__TYPE__WAIT_CONTAINER);
    uint64_t second = expect_agent_call(h, PB__AGENT__CALL__TYPE__WAIT_CONTAINER).token;
    reply(h, second, 404, SLICE(""));
    assert_string_equal(expect_update(h, PB__TASK_STATE__TASK_FAILED)->task_id->value, "b");
}

static void waits_that_a_recovering_agent_refuses_are_asked_again(void **state)
{
    struct harness *h = *state;
    uint64_t waits[2];
    run_two(h, waits);
    tell(h, (struct exec_event){.type = EXEC_DISCONNECTED});
    reply(h, waits[0], -104, SLICE(""));
    reply(h, waits[1], -104, SLICE(""));
    pass(h, 0.1);
    expect_call(h, EXEC_SUBSCRIBE);
    send_subscribed(h, true);
    for (int i = 0; i < 2; i++) {
        waits[i] = expect_agent_call(h, PB__AGENT__CALL__TYPE__WAIT_CONTAINER).token;
    }
    reply(h, waits[0], 503, SLICE("Agent has not finished recovery"));
    reply(h, waits[1], 503, SLICE("Agent has not finished recovery"));
    expect_nothing(h);
    pass(h, 1.1);
    reply_ended(h, expect_agent_call(h, PB__AGENT__CALL__TYPE__WAIT_CONTAINER).token, 0);
    expect_agent_call(h, PB__AGENT__CALL__TYPE__WAIT_CONTAINER);
    assert_string_equal(expect_update(h, PB__TASK_STATE__TASK_FINISHED)->task_id->value, "a");
}

static void a_shutdown_kills_all_with_three_seconds(void **state)
{
    struct harness *h = *state;
    uint64_t waits[2];
    run_two(h, waits);
    send_event(h, new_event(h, PB__EXECUTOR__EVENT__TYPE__SHUTDOWN));
    for (int i = 0; i < 2; i++) {
        expect_update(h, PB__TASK_STATE__TASK_KILLING);
        expect_kill(h, SIGTERM);
    }
    pass(h, 2.9);
    expect_nothing(h);
    pass(h, 0.2);
    expect_kill(h, SIGKILL);
    expect_kill(h, SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_task_that_finishes_leaves_the_other_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_task_that_fails_takes_the_other_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_shutdown_it_waits_no_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(it_ends_with_the_last_acknowledgement, setup, teardown),
        cmocka_unit_test_setup_teardown(a_kill_while_launching_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_launch_that_is_refused_fails_the_group, setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_that_ignores_sigterm_gets_sigkill, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_that_a_recovering_agent_refuses_are_asked_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(waits_are_asked_again_when_the_agent_is_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_shutdown_kills_all_with_three_seconds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
