#include "plan_kit.h"

#include <errno.h>

static void fill(struct plan *plan)
{
    plan_init(plan);
    plan_add(plan, PLAN_WRITE, "/a/b", "value");
    struct plan_step *step = plan_addf(plan, PLAN_MOUNT, "%s%d", "source", 1);
    step->text[1] = plan_text(plan, "/target %s", "with space");
    step->text[3] = "";
    step->number[0] = INT64_MIN;
    step->number[2] = INT64_MAX;
    plan_write(plan, PLAN_RAISE, "/dir", "name", -1);
    for (int i = 0; i < 1000; i++) {
        plan_add(plan, PLAN_ENV, "A=b", NULL)->number[1] = i * 1000003;
    }
}

static void test_a_plan_comes_back_as_it_went(void **state)
{
    (void)state;
    struct plan plan, back;
    fill(&plan);
    struct buf bytes = BUF_INIT, before = BUF_INIT, after = BUF_INIT;
    plan_encode(&plan, &bytes);
    assert_int_equal(plan_decode(buf_slice(&bytes), &back), 0);
    assert_int_equal(back.count, plan.count);
    for (size_t i = 0; i < plan.count; i++) {
        const struct plan_step *a = &plan.steps[i], *b = &back.steps[i];
        assert_int_equal(a->type, b->type);
        assert_memory_equal(a->number, b->number, sizeof(a->number));
        for (int t = 0; t < PLAN_TEXTS; t++) {
            assert_int_equal(a->text[t] == NULL, b->text[t] == NULL);
            assert_true(a->text[t] == NULL || strcmp(a->text[t], b->text[t]) == 0);
        }
    }
    plan_format(&plan, &before);
    plan_format(&back, &after);
    assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
    buf_deinit(&bytes);
    buf_deinit(&before);
    buf_deinit(&after);
    plan_deinit(&plan);
    plan_deinit(&back);
}

static void test_steps_read_as_lines(void **state)
{
    (void)state;
    struct plan plan;
    plan_init(&plan);
    plan_add(&plan, PLAN_WAIT, NULL, NULL);
    plan_add(&plan, PLAN_JOIN, "/cg", NULL)->number[0] = 1;
    plan_add(&plan, PLAN_RLIMIT, NULL, NULL)->number[1] = 7;
    struct buf out = BUF_INIT;
    plan_format(&plan, &out);
    assert_string_equal(buf_text(&out), "wait\njoin /cg 1\nrlimit 0 7\n");
    buf_deinit(&out);
    plan_deinit(&plan);
}

/* Cut anywhere, or with any byte changed, it is refused or read as another plan; never more. */
static void test_broken_plans_are_refused(void **state)
{
    (void)state;
    struct plan plan, back;
    plan_init(&plan);
    plan_add(&plan, PLAN_WRITE, "/a/b", "value")->number[0] = 300;
    plan_add(&plan, PLAN_EXEC, "/bin/sh", NULL);
    struct buf bytes = BUF_INIT;
    plan_encode(&plan, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_int_equal(plan_decode(slice_make(bytes.data, size), &back), -EBADMSG);
    }
    buf_append_byte(&bytes, 0);
    assert_int_equal(plan_decode(buf_slice(&bytes), &back), -EBADMSG);
    bytes.size--;
    for (size_t i = 0; i < bytes.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
            if (plan_decode(buf_slice(&bytes), &back) == 0) {
                assert_true(i >= 8);
                plan_deinit(&back);
            }
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
        }
    }
    buf_deinit(&bytes);
    plan_deinit(&plan);
}

static void test_the_number_of_steps_is_limited(void **state)
{
    (void)state;
    struct plan plan, back;
    plan_init(&plan);
    for (int i = 0; i < PLAN_STEPS_MAX; i++) {
        plan_add(&plan, PLAN_WAIT, NULL, NULL);
    }
    struct buf bytes = BUF_INIT;
    plan_encode(&plan, &bytes);
    assert_int_equal(plan_decode(buf_slice(&bytes), &back), 0);
    plan_deinit(&back);
    plan_add(&plan, PLAN_WAIT, NULL, NULL);
    buf_clear(&bytes);
    plan_encode(&plan, &bytes);
    assert_int_equal(plan_decode(buf_slice(&bytes), &back), -EBADMSG);
    buf_deinit(&bytes);
    plan_deinit(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_comes_back_as_it_went),
        cmocka_unit_test(test_steps_read_as_lines),
        cmocka_unit_test(test_broken_plans_are_refused),
        cmocka_unit_test(test_the_number_of_steps_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
