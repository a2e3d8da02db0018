/* What roles hold, counted up. */
#include "../unit.h"

#include "master/role_tally.h"
#include "resources/resources.h"

static struct role_tally tally;
static struct resource_names names;

static int begin(void **state)
{
    (void)state;
    resource_names_init(&names);
    master_role_tally_init(&tally, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    master_role_tally_deinit(&tally);
    resource_names_deinit(&names);
    return 0;
}

static struct resources parse(const char *text)
{
    struct resources r;
    struct err err = {""};
    if (resources_parse(slice_from(text), SLICE("*"), &r, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return r;
}

static void count_total(const char *text, bool add)
{
    struct resources r = parse(text);
    master_role_tally_total(&tally, &r, add, &names);
    resources_deinit(&r);
}

static void count_use(const char *text, const char *role, bool add)
{
    struct resources r = parse(text);
    resources_allocate(&r, slice_from(role), NULL);
    master_role_tally_use(&tally, &r, add, &names);
    resources_deinit(&r);
}

static void assert_consumed(const char *role, const char *expected)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    struct quantities consumed;
    master_role_tally_consumed(&tally, slice_from(role), &consumed);
    quantities_format(&consumed, &names, &text);
    assert_string_equal(buf_text(&text), expected);
    quantities_deinit(&consumed);
}

static void test_subroles_count_for_the_one_on_top(void **state)
{
    (void)state;
    count_use("cpus:1;ports:[1-2]", "a", true);
    count_use("cpus:2;mem:64", "a/b/c", true);
    count_use("cpus:4", "ab", true);
    assert_consumed("a", "cpus:3; mem:64; ports:2");
    assert_consumed("ab", "cpus:4");
    assert_consumed("a/b", "{}");
    count_use("cpus:2;mem:64", "a/b/c", false);
    assert_consumed("a", "cpus:1; ports:2");
    count_use("cpus:1;ports:[1-2]", "a", false);
    count_use("cpus:4", "ab", false);
    assert_int_equal(tally.entries.count, 0);
}

static void test_what_is_reserved_counts_once(void **state)
{
    (void)state;
    count_total("cpus(a):4;cpus(a/b):1;cpus:8;ports:[1-9]", true);
    assert_consumed("a", "cpus:5");
    count_use("cpus(a):3;cpus:2", "a/b", true);
    assert_consumed("a", "cpus:7");
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    quantities_format(&tally.capacity, &names, &text);
    assert_string_equal(buf_text(&text), "cpus:13");
    count_use("cpus(a):3;cpus:2", "a/b", false);
    count_total("cpus(a):4;cpus(a/b):1;cpus:8;ports:[1-9]", false);
    assert_true(quantities_is_empty(&tally.capacity));
    assert_int_equal(tally.entries.count, 0);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(test_subroles_count_for_the_one_on_top),
        ONE(test_what_is_reserved_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
