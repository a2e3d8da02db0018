#include "harness.h"

#include <signal.h>

#include "executor/command_executor.h"

#define TASK_TOKEN 1

static void step(void *core, const struct now *now, const struct exec_event *event,
                 struct exec_effects *effects)
{
    command_executor_step(core, now, event, effects);
}

static int64_t deadline(const void *core)
{
    return command_executor_deadline(core);
}

static int setup(void **state)
{
    struct harness *h = xalloc(sizeof(*h));
    struct exec_options options = harness_options(true);
    h->core = command_executor_new(&options);
    h->step = step;
    h->deadline = deadline;
    harness_init(h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct harness *h = *state;
    command_executor_free(h->core);
    harness_deinit(h);
    free(h);
    return 0;
}

static void subscribe(struct harness *h, bool knows_killing)
{
    tell(h, (struct exec_event){.type = EXEC_START});
    Pb__Executor__Call *call = expect_call(h, EXEC_SUBSCRIBE);
    assert_int_equal(call->type, PB__EXECUTOR__CALL__TYPE__SUBSCRIBE);
    assert_string_equal(call->framework_id->value, "f");
    send_subscribed(h, knows_killing);
}

static void send_launch(struct harness *h, Pb__TaskInfo *task)
{
    Pb__Executor__Event *event = new_event(h, PB__EXECUTOR__EVENT__TYPE__LAUNCH);
    event->launch =
        MESSAGE_NEW(Pb__Executor__Event__Launch, pb__executor__event__launch, &h->arena);
    event->launch->task = task;
    send_event(h, event);
}

/* Up to a running task; its spawned command is returned in *ret_command if wanted. */
static void run(struct harness *h, Pb__TaskInfo *task)
{
    send_launch(h, task);
    expect_update(h, PB__TASK_STATE__TASK_STARTING);
    struct exec_effect *spawn = expect(h, EXEC_SPAWN);
    assert_int_equal(spawn->token, TASK_TOKEN);
    assert_true(spawn->command->shell);
    assert_string_equal(spawn->command->value, task->command->value);
    exec_effect_free(spawn);
    expect_update(h, PB__TASK_STATE__TASK_RUNNING);
}

static void exits(struct harness *h, int wait_status)
{
    tell(h, (struct exec_event){.type = EXEC_EXITED, .token = TASK_TOKEN, .status = wait_status});
}

static void expect_signal(struct harness *h, int signal_number)
{
    struct exec_effect *effect = expect(h, EXEC_SIGNAL);
    assert_int_equal(effect->signal, signal_number);
    exec_effect_free(effect);
}

static void a_task_runs_and_finishes(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    run(h, new_task(h, "t", "true"));
    exits(h, 0);
    Pb__TaskStatus *last = expect_update(h, PB__TASK_STATE__TASK_FINISHED);
    assert_string_equal(last->message, "Command exited with status 0");
    assert_false(last->has_reason);
    expect_nothing(h);
}

static void it_ends_when_all_is_acknowledged(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    send_launch(h, new_task(h, "t", "true"));
    Pb__TaskStatus *starting = expect_update(h, PB__TASK_STATE__TASK_STARTING);
    exec_effect_free(expect(h, EXEC_SPAWN));
    Pb__TaskStatus *running = expect_update(h, PB__TASK_STATE__TASK_RUNNING);
    exits(h, 3 << 8);
    Pb__TaskStatus *failed = expect_update(h, PB__TASK_STATE__TASK_FAILED);
    send_ack(h, starting);
    send_ack(h, failed);
    expect_nothing(h);
    send_ack(h, running);
    exec_effect_free(expect(h, EXEC_QUIT));
}

static void without_the_last_acknowledgement_it_ends_after_a_minute(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    run(h, new_task(h, "t", "true"));
    exits(h, 0);
    expect_update(h, PB__TASK_STATE__TASK_FINISHED);
    pass(h, 59);
    expect_nothing(h);
    pass(h, 2);
    exec_effect_free(expect(h, EXEC_QUIT));
}

/* The agent drops updates of a framework that is ending. */
static void after_a_shutdown_it_waits_no_minute(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    run(h, new_task(h, "t", "sleep 100"));
    send_event(h, new_event(h, PB__EXECUTOR__EVENT__TYPE__SHUTDOWN));
    struct exec_effect *kill = expect(h, EXEC_SIGNAL);
    exec_effect_free(kill);
    exits(h, SIGTERM);
    expect_update(h, PB__TASK_STATE__TASK_KILLED);
    pass(h, 0.9);
    expect_nothing(h);
    pass(h, 0.2);
    exec_effect_free(expect(h, EXEC_QUIT));
}

static void a_shutdown_ends_the_wait_of_an_ended_task(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    run(h, new_task(h, "t", "true"));
    exits(h, 0);
    expect_update(h, PB__TASK_STATE__TASK_FINISHED);
    pass(h, 5);
    send_event(h, new_event(h, PB__EXECUTOR__EVENT__TYPE__SHUTDOWN));
    pass(h, 0.9);
    expect_nothing(h);
    pass(h, 0.2);
    exec_effect_free(expect(h, EXEC_QUIT));
}

static void a_kill_is_sigterm_then_sigkill(void **state)
{
    struct harness *h = *state;
    subscribe(h, true);
    Pb__TaskInfo *task = new_task(h, "t", "sleep 100");
    task->kill_policy = kill_policy(h, 10);
    run(h, task);
    send_kill(h, "t", NULL);
    expect_update(h, PB__TASK_STATE__TASK_KILLING);
    expect_signal(h, SIGTERM);
    pass(h, 9.9);
    expect_nothing(h);
    pass(h, 0.2);
    expect_signal(h, SIGKILL);
    exits(h, SIGKILL);
    Pb__TaskStatus *last = expect_update(h, PB__TASK_STATE__TASK_KILLED);
    assert_string_equal(last->message, "Command terminated with signal Killed");
}

static void a_later_kill_shortens_the_grace_but_never_lengthens_it(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    run(h, new_task(h, "t", "sleep 100"));
    send_kill(h, "t", kill_policy(h, 10));
    expect_signal(h, SIGTERM);
    send_kill(h, "t", kill_policy(h, 100));
    pass(h, 4);
    expect_nothing(h);
    send_kill(h, "t", kill_policy(h, 5));
    pass(h, 0.9);
    expect_nothing(h);
    pass(h, 0.2);
    expect_signal(h, SIGKILL);
}

static void a_task_over_its_time_fails_and_is_not_killing(void **state)
{
    struct harness *h = *state;
    subscribe(h, true);
    Pb__TaskInfo *task = new_task(h, "t", "sleep 100");
    task->max_completion_time = MESSAGE_NEW(Pb__DurationInfo, pb__duration_info, &h->arena);
    task->max_completion_time->nanoseconds = 2 * NS_PER_SEC;
    run(h, task);
    pass(h, 2);
    expect_signal(h, SIGTERM);
    expect_signal(h, SIGKILL);
    exits(h, SIGKILL);
    Pb__TaskStatus *last = expect_update(h, PB__TASK_STATE__TASK_FAILED);
    assert_int_equal(last->reason, PB__TASK_STATUS__REASON__REASON_MAX_COMPLETION_TIME_REACHED);
}

static void what_is_not_acknowledged_is_told_again(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    run(h, new_task(h, "t", "true"));
    tell(h, (struct exec_event){.type = EXEC_DISCONNECTED});
    exits(h, 0);
    expect_nothing(h); /* kept for the next SUBSCRIBE */
    pass(h, 0.1);
    Pb__Executor__Call *call = expect_call(h, EXEC_SUBSCRIBE);
    assert_int_equal(call->subscribe->n_unacknowledged_updates, 3);
    assert_int_equal(call->subscribe->n_unacknowledged_tasks, 1);
    assert_int_equal(call->subscribe->unacknowledged_updates[2]->status->state,
                     PB__TASK_STATE__TASK_FINISHED);
    send_subscribed(h, false);
    for (size_t i = 0; i < 3; i++) {
        send_ack(h, call->subscribe->unacknowledged_updates[i]->status);
    }
    exec_effect_free(expect(h, EXEC_QUIT));
}

static void what_happens_while_it_subscribes_is_told_behind_it(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    run(h, new_task(h, "t", "true"));
    tell(h, (struct exec_event){.type = EXEC_DISCONNECTED});
    pass(h, 0.1);
    Pb__Executor__Call *call = expect_call(h, EXEC_SUBSCRIBE);
    assert_int_equal(call->subscribe->n_unacknowledged_updates, 2);
    exits(h, 0);
    expect_nothing(h); /* the answer is not there yet */
    send_subscribed(h, false);
    expect_update(h, PB__TASK_STATE__TASK_FINISHED);
    expect_nothing(h);

    /* Refused, it is a part of the next SUBSCRIBE, and not told twice. */
    tell(h, (struct exec_event){.type = EXEC_DISCONNECTED});
    pass(h, 0.1);
    call = expect_call(h, EXEC_SUBSCRIBE);
    assert_int_equal(call->subscribe->n_unacknowledged_updates, 3);
    send_subscribed(h, false);
    expect_nothing(h);
}

static void an_agent_that_stays_away_ends_the_task(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    run(h, new_task(h, "t", "sleep 1000"));
    tell(h, (struct exec_event){.type = EXEC_DISCONNECTED});
    bool signalled = false;
    for (int i = 0; i < 200 && !signalled; i++) {
        pass(h, 0.5);
        struct exec_effect *effect;
        while ((effect = next(h)) != NULL) {
            signalled |= effect->type == EXEC_SIGNAL;
            bool again = effect->type == EXEC_SUBSCRIBE;
            exec_effect_free(effect);
            if (again) {
                tell(h, (struct exec_event){.type = EXEC_DISCONNECTED});
            }
        }
    }
    assert_true(signalled);
    assert_true(h->now.mono_ns >= 160 * NS_PER_SEC); /* 60 s of recovery timeout */
}

static Pb__HealthCheck *health_check(struct harness *h, double interval, uint32_t failures)
{
    Pb__HealthCheck *check = MESSAGE_NEW(Pb__HealthCheck, pb__health_check, &h->arena);
    check->has_type = true;
    check->type = PB__HEALTH_CHECK__TYPE__TCP;
    check->tcp =
        MESSAGE_NEW(Pb__HealthCheck__TCPCheckInfo, pb__health_check__tcpcheck_info, &h->arena);
    check->tcp->port = 80;
    check->has_delay_seconds = check->has_interval_seconds = check->has_grace_period_seconds = true;
    check->delay_seconds = 0;
    check->interval_seconds = interval;
    check->grace_period_seconds = 0;
    check->has_consecutive_failures = true;
    check->consecutive_failures = failures;
    return check;
}

static void probe_answers(struct harness *h, int status)
{
    struct exec_effect *probe = expect(h, EXEC_PROBE_TCP);
    assert_string_equal(probe->target, "tcp://127.0.0.1:80");
    uint64_t token = probe->token;
    exec_effect_free(probe);
    tell(h, (struct exec_event){.type = EXEC_PROBED, .token = token, .status = status});
}

static void failures_in_a_row_end_the_task(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    Pb__TaskInfo *task = new_task(h, "t", "serve");
    task->health_check = health_check(h, 1, 2);
    run(h, task);
    pass(h, 0);
    probe_answers(h, 0);
    Pb__TaskStatus *status = expect_update(h, PB__TASK_STATE__TASK_RUNNING);
    assert_true(status->healthy);
    assert_int_equal(status->reason,
                     PB__TASK_STATUS__REASON__REASON_TASK_HEALTH_CHECK_STATUS_UPDATED);
    pass(h, 1);
    probe_answers(h, -111);
    assert_false(expect_update(h, PB__TASK_STATE__TASK_RUNNING)->healthy);
    pass(h, 1);
    probe_answers(h, 0); /* the count starts again */
    assert_true(expect_update(h, PB__TASK_STATE__TASK_RUNNING)->healthy);
    for (int i = 0; i < 2; i++) {
        pass(h, 1);
        probe_answers(h, -111);
        assert_false(expect_update(h, PB__TASK_STATE__TASK_RUNNING)->healthy);
    }
    expect_signal(h, SIGTERM);
    exits(h, SIGTERM);
    Pb__TaskStatus *last = expect_update(h, PB__TASK_STATE__TASK_KILLED);
    assert_true(last->has_healthy && !last->healthy);
    pass(h, 5);
    expect_nothing(h); /* no more probes */
}

static void a_command_check_tells_its_exit_code_once(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    Pb__TaskInfo *task = new_task(h, "t", "serve");
    Pb__CheckInfo *check = MESSAGE_NEW(Pb__CheckInfo, pb__check_info, &h->arena);
    check->has_type = true;
    check->type = PB__CHECK_INFO__TYPE__COMMAND;
    check->command = MESSAGE_NEW(Pb__CheckInfo__Command, pb__check_info__command, &h->arena);
    check->command->command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, &h->arena);
    check->command->command->value = arena_strdup(&h->arena, "test -e x");
    check->has_delay_seconds = check->has_timeout_seconds = true;
    check->delay_seconds = 0;
    check->timeout_seconds = 3;
    task->check = check;
    send_launch(h, task);
    Pb__TaskStatus *starting = expect_update(h, PB__TASK_STATE__TASK_STARTING);
    assert_non_null(starting->check_status->command);
    assert_false(starting->check_status->command->has_exit_code);
    exec_effect_free(expect(h, EXEC_SPAWN));
    expect_update(h, PB__TASK_STATE__TASK_RUNNING);
    for (int i = 0; i < 2; i++) {
        pass(h, i * 10);
        struct exec_effect *spawn = expect(h, EXEC_SPAWN);
        assert_true(spawn->to_stderr);
        uint64_t token = spawn->token;
        exec_effect_free(spawn);
        tell(h, (struct exec_event){.type = EXEC_EXITED, .token = token, .status = 1 << 8});
        if (i == 0) {
            Pb__TaskStatus *status = expect_update(h, PB__TASK_STATE__TASK_RUNNING);
            assert_int_equal(status->check_status->command->exit_code, 1);
        }
        expect_nothing(h); /* the same result is not told again */
    }
    pass(h, 10);
    exec_effect_free(expect(h, EXEC_SPAWN));
    pass(h, 3);
    exec_effect_free(expect(h, EXEC_ABANDON)); /* it takes too long: an empty result */
    assert_false(
        expect_update(h, PB__TASK_STATE__TASK_RUNNING)->check_status->command->has_exit_code);
}

static void garbage_from_the_agent_is_survived(void **state)
{
    struct harness *h = *state;
    subscribe(h, false);
    tell(h, (struct exec_event){.type = EXEC_RECORD, .bytes = SLICE("\xff\xff\xff")});
    tell(h,
         (struct exec_event){.type = EXEC_RECORD, .bytes = SLICE("\x08\x02")}); /* LAUNCH, empty */
    send_kill(h, "nobody", NULL);
    expect_nothing(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_task_runs_and_finishes, setup, teardown),
        cmocka_unit_test_setup_teardown(it_ends_when_all_is_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_shutdown_it_waits_no_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(a_shutdown_ends_the_wait_of_an_ended_task, setup, teardown),
        cmocka_unit_test_setup_teardown(without_the_last_acknowledgement_it_ends_after_a_minute,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_kill_is_sigterm_then_sigkill, setup, teardown),
        cmocka_unit_test_setup_teardown(a_later_kill_shortens_the_grace_but_never_lengthens_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_over_its_time_fails_and_is_not_killing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_not_acknowledged_is_told_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_happens_while_it_subscribes_is_told_behind_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_agent_that_stays_away_ends_the_task, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_in_a_row_end_the_task, setup, teardown),
        cmocka_unit_test_setup_teardown(a_command_check_tells_its_exit_code_once, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage_from_the_agent_is_survived, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
