#include "../unit.h"

#include "agent/amounts.h"
#include "agent/gate.h"
#include "agent/paths.h"
#include "common/arena.h"

static void waits_come_out_in_order_of_their_tokens(void **state)
{
    (void)state;
    struct gate gate;
    struct gate_wait a, b, c;
    gate_init(&gate);
    gate_wait_init(&a, GATE_TASK);
    gate_wait_init(&b, GATE_UPDATE);
    gate_wait_init(&c, GATE_EXECUTOR);
    uint64_t first = gate_token(&gate);
    gate_wait_for(&gate, &a, first);
    uint64_t second = gate_token(&gate);
    gate_wait_for(&gate, &b, second);
    uint64_t third = gate_token(&gate);
    gate_wait_for(&gate, &c, third);
    assert_null(gate_pop(&gate));
    /* All before a token are done with it; only its own has the status. */
    gate_done(&gate, second, -5);
    assert_ptr_equal(gate_pop(&gate), &a);
    assert_int_equal(a.status, 0);
    assert_ptr_equal(gate_pop(&gate), &b);
    assert_int_equal(b.status, -5);
    assert_null(gate_pop(&gate));
    assert_false(gate_is_waiting(&a));
    assert_true(gate_is_waiting(&c));
    gate_cancel(&c);
    gate_cancel(&c);
    gate_done(&gate, third, 0);
    assert_null(gate_pop(&gate));
}

static void paths_are_those_of_the_reference(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct run_ids ids = {.agent = "A", .framework = "F", .executor = "E", .container = "C"};
    assert_string_equal(paths_run(&arena, "/w", &ids),
                        "/w/slaves/A/frameworks/F/executors/E/runs/C");
    assert_string_equal(paths_latest_run(&arena, "/w", &ids),
                        "/w/slaves/A/frameworks/F/executors/E/runs/latest");
    assert_string_equal(paths_task(&arena, paths_meta(&arena, "/w"), &ids, "T"),
                        "/w/meta/slaves/A/frameworks/F/executors/E/runs/C/tasks/T");
    assert_string_equal(paths_virtual_run(&arena, &ids), "/frameworks/F/executors/E/runs/latest");
    assert_string_equal(paths_nested(&arena, "/s", "N"), "/s/containers/N");
    assert_string_equal(paths_standalone(&arena, "/w", "N"), "/w/containers/N");
    arena_deinit(&arena);
}

static void a_task_without_a_limit_counts_with_its_request(void **state)
{
    (void)state;
    struct amounts executor, limited, plain;
    struct amounts_limits limits = {0};
    amounts_init(&executor);
    amounts_init(&limited);
    amounts_init(&plain);
    executor.mem_bytes = 32;
    limited.mem_bytes = 100;
    limited.mem_limit_bytes = 200;
    plain.mem_bytes = 50;
    amounts_limits_add_task(&limits, &plain);
    amounts_limits_add_task(&limits, &limited);
    amounts_limits_finish(&limits, &executor, true);
    assert_int_equal(limits.mem_bytes, 32 + 200 + 50);
    /* And none at all if no task has one. */
    struct amounts_limits none = {0};
    amounts_limits_add_task(&none, &plain);
    amounts_limits_finish(&none, &executor, true);
    assert_int_equal(none.mem_bytes, 0);
}

static void one_infinite_limit_makes_all_infinite(void **state)
{
    (void)state;
    struct amounts executor, endless;
    struct amounts_limits limits = {0};
    amounts_init(&executor);
    amounts_init(&endless);
    endless.mem_limit_bytes = AMOUNT_INFINITE;
    amounts_limits_add_task(&limits, &endless);
    amounts_limits_finish(&limits, &executor, true);
    assert_true(limits.mem_bytes == AMOUNT_INFINITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_come_out_in_order_of_their_tokens),
        cmocka_unit_test(paths_are_those_of_the_reference),
        cmocka_unit_test(a_task_without_a_limit_counts_with_its_request),
        cmocka_unit_test(one_infinite_limit_makes_all_infinite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
