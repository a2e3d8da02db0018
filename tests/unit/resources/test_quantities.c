#include "fixture.h"

#include "resources/quantities.h"

/* A table of names for each test. */
static int setup(void **state)
{
    static struct resource_names names;
    resource_names_init(&names);
    *state = &names;
    return 0;
}

static int teardown(void **state)
{
    resource_names_deinit(*state);
    return 0;
}

#define SCOPED_Q CLEANUP(quantities_deinit) struct quantities

static struct quantities parse(const char *text, struct resource_names *names)
{
    struct quantities q;
    struct err err = {{0}};
    if (quantities_parse(slice_from(text), names, &q, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return q;
}

static void assert_quantities(const struct quantities *q, const struct resource_names *names,
                              const char *expected)
{
    struct buf text = BUF_INIT;
    quantities_format(q, names, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_deinit(&text);
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", "{}"},
        {"cpus:10", "cpus:10"},
        {"cpus:10;ports:10;mem:512", "cpus:10; mem:512; ports:10"},
        {"cpus:3.14;disk:0", "cpus:3.14"},
        {"cpus:1;cpus:2;x:1;x:0.5", "cpus:3; x:1.5"},
        {" c p us : 1 0 ;;", "c p us:10"},
        {"zeta:1;alpha:2;cpus:3", "alpha:2; cpus:3; zeta:1"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_Q q = parse(cases[i].text, *state);
        assert_quantities(&q, *state, cases[i].expected);
    }
}

static void test_parse_errors(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"cpus:a", "only scalar values are allowed"},
        {"cpus:-1", "only scalar values are allowed"},
        {"ports:[1-2]", "only scalar values are allowed"},
        {"cpus", "missing or extra ':'"},
        {"cpus:1:2", "missing or extra ':'"},
        {"cpus: ", "Failed to parse ' ' to quantity"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct quantities q;
        struct err err = {{0}};
        assert_int_equal(quantities_parse(slice_from(cases[i].text), *state, &q, &err),
                         QUANTITIES_E_INVALID);
        if (strstr(err.text, cases[i].why) == NULL) {
            fail_msg("%s: '%s' instead of '%s'", cases[i].text, err.text, cases[i].why);
        }
    }
}

static void test_arithmetic(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        const char *sum;
        const char *difference;
        bool is_contained;
    } cases[] = {
        {"", "", "{}", "{}", true},
        {"cpus:1", "", "cpus:1", "cpus:1", true},
        {"", "cpus:1", "cpus:1", "{}", false},
        {"cpus:2;x:3", "cpus:1;x:3", "cpus:3; x:6", "cpus:1", true},
        {"cpus:2;x:3", "cpus:3;x:1", "cpus:5; x:4", "x:2", false},
        {"a:1;c:3", "b:2;c:1", "a:1; b:2; c:4", "a:1; c:2", false},
        {"a:1;b:2;c:3", "a:1;c:3", "a:2; b:2; c:6", "b:2", true},
        {"cpus:0.1", "cpus:0.3", "cpus:0.4", "{}", false},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_Q a = parse(cases[i].a, *state);
        SCOPED_Q b = parse(cases[i].b, *state);
        SCOPED_Q result;
        assert_int_equal(quantities_contain(&a, &b), cases[i].is_contained);
        quantities_copy(&a, &result);
        assert_true(quantities_equal(&a, &result));
        quantities_add(&result, &b);
        assert_quantities(&result, *state, cases[i].sum);
        quantities_subtract(&result, &b);
        assert_true(quantities_equal(&a, &result));
        quantities_subtract(&result, &b);
        assert_quantities(&result, *state, cases[i].difference);
        quantities_subtract(&result, &result);
        assert_true(quantities_is_empty(&result));
    }
}

static void test_set_and_walk(void **state)
{
    struct resource_names *names = *state;
    uint32_t x = resource_names_intern(names, SLICE("x"));
    uint32_t y = resource_names_intern(names, SLICE("y"));
    SCOPED_Q q = QUANTITIES_INIT;
    quantities_set(&q, y, 5);
    quantities_set(&q, x, 7);
    quantities_set(&q, RESOURCE_NAME_GPUS, 1000);
    quantities_set(&q, RESOURCE_NAME_NONE, 3);
    uint32_t place = 0;
    struct quantity quantity;
    assert_true(quantities_next(&q, &place, &quantity));
    assert_int_equal(quantity.name, RESOURCE_NAME_GPUS);
    assert_true(quantities_next(&q, &place, &quantity));
    assert_int_equal(quantity.name, x);
    assert_int_equal(quantity.amount, 7);
    assert_true(quantities_next(&q, &place, &quantity));
    assert_int_equal(quantity.name, y);
    assert_false(quantities_next(&q, &place, &quantity));

    quantities_set(&q, x, 0);
    assert_int_equal(quantities_get(&q, x), 0);
    assert_int_equal(quantities_get(&q, y), 5);
    quantities_add_amount(&q, y, INT64_MAX);
    assert_int_equal(quantities_get(&q, y), INT64_MAX);
    quantities_clear(&q);
    assert_true(quantities_is_empty(&q));
}

static void test_from_resources(void **state)
{
    SCOPED_RES r = res("cpus:1;cpus(a):2;mem:512;ports:[1-5,7-7];items:{a,b};foo:0.001");
    SCOPED_Q all = QUANTITIES_INIT;
    quantities_add_resources(&all, &r, *state);
    assert_quantities(&all, *state, "cpus:3; foo:0.001; items:2; mem:512; ports:6");
    SCOPED_Q scalars = QUANTITIES_INIT;
    quantities_add_scalars(&scalars, &r, *state);
    assert_quantities(&scalars, *state, "cpus:3; foo:0.001; mem:512");
    assert_true(resources_contain_quantities(&r, &all, *state));
    quantities_add_amount(&all, resource_names_find(*state, SLICE("ports")), 1);
    assert_false(resources_contain_quantities(&r, &all, *state));

    SCOPED_RES every = res("ports:[0-18446744073709551615]");
    SCOPED_Q q = QUANTITIES_INIT;
    quantities_add_resources(&q, &every, *state);
    assert_int_equal(quantities_get(&q, resource_names_find(*state, SLICE("ports"))), INT64_MAX);
}

/* --- limits --- */

#define SCOPED_LIMITS CLEANUP(resource_limits_deinit) struct resource_limits

static struct resource_limits parse_limits(const char *text, struct resource_names *names)
{
    struct resource_limits limits;
    struct err err = {{0}};
    if (resource_limits_parse(slice_from(text), names, &limits, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return limits;
}

static void test_limits_parse(void **state)
{
    SCOPED_LIMITS limits = parse_limits("x:0;cpus:10;mem:0", *state);
    struct buf text = BUF_INIT;
    resource_limits_format(&limits, *state, &text);
    assert_string_equal(buf_text(&text), "cpus:10; mem:0; x:0");
    buf_deinit(&text);
    assert_int_equal(resource_limits_get(&limits, RESOURCE_NAME_MEM), 0);
    assert_int_equal(resource_limits_get(&limits, RESOURCE_NAME_DISK), RESOURCE_LIMIT_NONE);
    assert_int_equal(resource_limits_get(&limits, 999), RESOURCE_LIMIT_NONE);

    struct resource_limits other;
    struct err err;
    assert_int_equal(resource_limits_parse(SLICE("cpus:1;cpus:1"), *state, &other, &err),
                     QUANTITIES_E_INVALID);
    assert_non_null(strstr(err.text, "duplicate names are not allowed"));
    assert_int_equal(resource_limits_parse(SLICE("cpus:inf"), *state, &other, &err),
                     QUANTITIES_E_INVALID);
    SCOPED_LIMITS empty = parse_limits("", *state);
    assert_true(resource_limits_is_empty(&empty));
}

static void test_limits_contain(void **state)
{
    static const struct {
        const char *limits;
        const char *quantities;
        bool is_contained;
    } cases[] = {
        {"", "cpus:100;x:1", true},       {"cpus:1", "", true},
        {"cpus:1", "cpus:1;mem:9", true}, {"cpus:1", "cpus:1.001", false},
        {"cpus:0", "cpus:0.001", false},  {"x:1;y:2", "y:2.5", false},
        {"x:1;y:2", "x:1;y:2;z:9", true},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_LIMITS limits = parse_limits(cases[i].limits, *state);
        SCOPED_Q q = parse(cases[i].quantities, *state);
        assert_int_equal(resource_limits_contain(&limits, &q), cases[i].is_contained);
    }
}

static void test_limits_contain_limits(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool is_contained;
    } cases[] = {
        {"", "", true},
        {"", "cpus:1", true},
        {"cpus:1", "", false},
        {"cpus:1", "cpus:1", true},
        {"cpus:1", "cpus:2", false},
        {"cpus:2;x:3", "cpus:1;x:3;mem:1", true},
        {"cpus:2;x:3", "cpus:1;mem:1", false},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_LIMITS a = parse_limits(cases[i].a, *state);
        SCOPED_LIMITS b = parse_limits(cases[i].b, *state);
        assert_int_equal(resource_limits_contain_limits(&a, &b), cases[i].is_contained);
        assert_int_equal(resource_limits_equal(&a, &b), strcmp(cases[i].a, cases[i].b) == 0);
    }
}

static void test_limits_subtract(void **state)
{
    SCOPED_LIMITS limits = parse_limits("cpus:5;x:2;y:3", *state);
    SCOPED_LIMITS copy;
    SCOPED_Q q = parse("cpus:7;x:0.5;mem:9;z:1", *state);
    resource_limits_copy(&limits, &copy);
    resource_limits_subtract(&copy, &q);
    SCOPED_LIMITS expected = parse_limits("cpus:0;x:1.5;y:3", *state);
    assert_true(resource_limits_equal(&copy, &expected));
    assert_false(resource_limits_equal(&limits, &expected));

    resource_limits_set(&copy, resource_names_find(*state, SLICE("x")), RESOURCE_LIMIT_NONE);
    resource_limits_set(&copy, RESOURCE_NAME_CPUS, RESOURCE_LIMIT_NONE);
    SCOPED_LIMITS only_y = parse_limits("y:3", *state);
    assert_true(resource_limits_equal(&copy, &only_y));
}

static void test_maps(void **state)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Quota__QuotaConfig *config =
        PB(Pb__Quota__QuotaConfig, pb__quota__quota_config,
           "{\"role\":\"a\",\"guarantees\":{\"cpus\":{\"value\":1.5},\"x\":{\"value\":-1},"
           "\"y\":{\"value\":2}},\"limits\":{\"mem\":{\"value\":0},\"y\":{\"value\":1e300}}}",
           &arena);
    SCOPED_Q q = QUANTITIES_INIT;
    quantities_add_map(&q, config->guarantees, config->n_guarantees, *state);
    assert_quantities(&q, *state, "cpus:1.5; y:2");
    SCOPED_LIMITS limits;
    resource_limits_init(&limits);
    resource_limits_add_map(&limits, config->limits, config->n_limits, *state);
    SCOPED_LIMITS expected = parse_limits("mem:0", *state);
    assert_true(resource_limits_equal(&limits, &expected));
    arena_deinit(&arena);
}

/* Sums and differences of random vectors against plain arrays. */
static void test_property(void **state)
{
    enum { NAMES = 9 };
    struct resource_names *names = *state;
    struct prng prng;
    prng_seed(&prng, 99);
    for (uint32_t i = RESOURCE_NAMES_COMMON; i < NAMES; i++) {
        char text[8];
        snprintf(text, sizeof(text), "k%u", i);
        assert_int_equal(resource_names_intern(names, slice_from(text)), i);
    }
    for (int round = 0; round < 2000; round++) {
        SCOPED_Q a = QUANTITIES_INIT;
        SCOPED_Q b = QUANTITIES_INIT;
        int64_t x[NAMES];
        int64_t y[NAMES];
        bool is_contained = true;
        for (uint32_t i = 0; i < NAMES; i++) {
            x[i] = prng_below(&prng, 3) != 0 ? (int64_t)prng_below(&prng, 10) : 0;
            y[i] = prng_below(&prng, 3) == 0 ? (int64_t)prng_below(&prng, 5) : 0;
            quantities_set(&a, i, x[i]);
            quantities_set(&b, i, y[i]);
            is_contained = is_contained && x[i] >= y[i];
        }
        assert_int_equal(quantities_contain(&a, &b), is_contained);
        quantities_add(&a, &b);
        for (uint32_t i = 0; i < NAMES; i++) {
            assert_int_equal(quantities_get(&a, i), x[i] + y[i]);
        }
        quantities_subtract(&a, &b);
        quantities_subtract(&a, &b);
        for (uint32_t i = 0; i < NAMES; i++) {
            assert_int_equal(quantities_get(&a, i), MAX(x[i] - y[i], 0));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parse_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arithmetic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_and_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_from_resources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_parse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_contain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_contain_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_subtract, setup, teardown),
        cmocka_unit_test_setup_teardown(test_maps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_property, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
