#include "../unit.h"

#include <math.h>

#include "common/duration.h"
#include "common/metrics.h"

struct seen {
    struct buf text; /* "name=value " for each, in order */
};

static void see(void *arg, const char *name, double value)
{
    struct seen *seen = arg;
    buf_printf(&seen->text, "%s=%g ", name, value);
}

static void check_snapshot(const struct metrics *metrics, const char *expected)
{
    struct seen seen = {BUF_INIT};
    metrics_visit(metrics, see, &seen);
    assert_string_equal(buf_text(&seen.text), expected);
    buf_deinit(&seen.text);
}

static double read_number(const void *arg)
{
    return *(const double *)arg;
}

static void test_a_snapshot_is_in_order_of_names(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    check_snapshot(metrics, "");
    double number = 2.5;
    struct metric *counter = metrics_add_counter(metrics, "master/b");
    struct metric *value = metrics_add_value(metrics, "master/a");
    (void)metrics_add_gauge(metrics, "system/c", read_number, &number);
    metric_add(counter, 3);
    metric_add(counter, -1);
    metric_set(value, 7);
    check_snapshot(metrics, "master/a=7 master/b=2 system/c=2.5 ");
    number = -1;
    assert_true(metric_value(metrics_find(metrics, "system/c")) == -1);
    assert_true(metric_value(counter) == 2);
    assert_ptr_equal(metrics_find(metrics, "master/a"), value);
    assert_null(metrics_find(metrics, "master"));
    assert_null(metrics_find(metrics, "z"));
    metrics_remove(metrics, counter);
    check_snapshot(metrics, "master/a=7 system/c=-1 ");
    assert_null(metrics_find(metrics, "master/b"));
    (void)metrics_add_counter(metrics, "master/b");
    check_snapshot(metrics, "master/a=7 master/b=0 system/c=-1 ");
    assert_null(metrics_free(metrics));
    assert_null(metrics_free(NULL));
}

static void test_what_is_no_number_is_left_out(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *value = metrics_add_value(metrics, "x");
    metric_set(value, NAN);
    check_snapshot(metrics, "");
    metric_set(value, INFINITY);
    check_snapshot(metrics, "");
    metric_set(value, 1);
    check_snapshot(metrics, "x=1 ");
    metrics_free(metrics);
}

static void test_a_timer(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *timer = metrics_add_timer(metrics, "run");
    assert_ptr_equal(metrics_find(metrics, "run_ms"), timer);
    check_snapshot(metrics, "");
    metric_record(timer, 4 * NS_PER_MS, 0);
    check_snapshot(metrics, "run_ms=4 ");
    metric_record(timer, 2500 * NS_PER_US, 1);
    check_snapshot(metrics, "run_ms=2.5 run_ms/count=2 run_ms/max=4 run_ms/min=2.5 "
                            "run_ms/p25=2.875 run_ms/p50=3.25 run_ms/p75=3.625 run_ms/p90=3.85 "
                            "run_ms/p95=3.925 run_ms/p99=3.985 run_ms/p999=3.9985 "
                            "run_ms/p9999=3.99985 ");
    metrics_free(metrics);
}

/* The example of the original's own tests: 0 .. 10 in any order. */
static void test_percentiles_are_interpolated(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *timer = metrics_add_timer(metrics, "t");
    static const int values[] = {5, 3, 9, 0, 10, 7, 1, 8, 2, 6, 4};
    for (size_t i = 0; i < ELEMENTS(values); i++) {
        metric_record(timer, values[i] * NS_PER_MS, (int64_t)i);
    }
    check_snapshot(metrics, "t_ms=4 t_ms/count=11 t_ms/max=10 t_ms/min=0 t_ms/p25=2.5 t_ms/p50=5 "
                            "t_ms/p75=7.5 t_ms/p90=9 t_ms/p95=9.5 t_ms/p99=9.9 t_ms/p999=9.99 "
                            "t_ms/p9999=9.999 ");
    metrics_free(metrics);
}

static void test_a_timer_without_a_window(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *timer = metrics_add_timer_window(metrics, "fetch", 0);
    metric_record(timer, NS_PER_MS, 0);
    metric_record(timer, 2 * NS_PER_MS, 1);
    check_snapshot(metrics, "fetch_ms=2 ");
    metrics_free(metrics);
}

struct spread {
    double count; /* of the timer named t */
    double min;
    double max;
};

static void see_spread(void *arg, const char *name, double value)
{
    struct spread *spread = arg;
    if (strcmp(name, "t_ms/count") == 0) {
        spread->count = value;
    } else if (strcmp(name, "t_ms/min") == 0) {
        spread->min = value;
    } else if (strcmp(name, "t_ms/max") == 0) {
        spread->max = value;
    }
}

static struct spread spread_of(const struct metrics *metrics)
{
    struct spread spread = {0};
    metrics_visit(metrics, see_spread, &spread);
    return spread;
}

static void test_what_is_older_than_the_window_goes(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *timer = metrics_add_timer_window(metrics, "t", 100);
    for (int64_t i = 0; i < 300; i++) {
        metric_record(timer, i * NS_PER_MS, i);
    }
    struct spread spread = spread_of(metrics);
    assert_true(spread.count == 101);
    assert_true(spread.min == 199);
    assert_true(spread.max == 299);
    metric_record(timer, 5 * NS_PER_MS, 100000);
    assert_true(spread_of(metrics).count == 0); /* one is not enough to tell of */
    metrics_free(metrics);
}

/* Of many durations the newest all stay, the older ones get fewer, the oldest stays. */
static void test_too_many_durations_are_thinned_out(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *timer = metrics_add_timer_window(metrics, "t", INT64_C(1000000));
    for (int64_t i = 0; i < METRICS_SAMPLES_MAX; i++) {
        metric_record(timer, i * NS_PER_MS, i);
    }
    assert_true(spread_of(metrics).count == METRICS_SAMPLES_MAX);
    for (int64_t i = METRICS_SAMPLES_MAX; i < 20 * METRICS_SAMPLES_MAX; i++) {
        metric_record(timer, i * NS_PER_MS, i);
        if (i % 997 == 0) {
            struct spread spread = spread_of(metrics);
            assert_true(spread.count == METRICS_SAMPLES_MAX);
            assert_true(spread.min == 0);
            assert_true(spread.max == (double)i);
        }
    }
    metrics_free(metrics);
}

static void test_thinning_and_the_window_together(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *timer = metrics_add_timer_window(metrics, "t", 5000);
    for (int64_t i = 0; i < 50000; i++) {
        metric_record(timer, i * NS_PER_MS, i);
    }
    struct spread spread = spread_of(metrics);
    assert_true(spread.count > METRICS_SAMPLES_MAX / 2.0 && spread.count <= METRICS_SAMPLES_MAX);
    assert_true(spread.min >= 44999 && spread.min < 45200);
    assert_true(spread.max == 49999);
    metrics_free(metrics);
}

static void test_names_that_interleave(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *timer = metrics_add_timer(metrics, "t");
    (void)metrics_add_counter(metrics, "t_ms-x"); /* '-' comes before '/' */
    (void)metrics_add_counter(metrics, "t_ms/p");
    metric_record(timer, NS_PER_MS, 0);
    metric_record(timer, NS_PER_MS, 1);
    check_snapshot(metrics,
                   "t_ms=1 t_ms-x=0 t_ms/count=2 t_ms/max=1 t_ms/min=1 t_ms/p=0 t_ms/p25=1 "
                   "t_ms/p50=1 t_ms/p75=1 t_ms/p90=1 t_ms/p95=1 t_ms/p99=1 t_ms/p999=1 "
                   "t_ms/p9999=1 ");
    metrics_free(metrics);
}

static void test_many(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    for (int i = 0; i < 5000; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "m%d", i * 7919 % 5000);
        metric_add(metrics_add_counter(metrics, name), i);
    }
    for (int i = 0; i < 5000; i += 2) {
        char name[32];
        (void)snprintf(name, sizeof(name), "m%d", i * 7919 % 5000);
        struct metric *metric = metrics_find(metrics, name);
        assert_true(metric_value(metric) == i);
        metrics_remove(metrics, metric);
        assert_null(metrics_find(metrics, name));
    }
    metrics_free(metrics);
}

static void add_twice(void)
{
    struct metrics *metrics = metrics_new();
    (void)metrics_add_counter(metrics, "x");
    (void)metrics_add_value(metrics, "x");
}

static void set_a_counter(void)
{
    metric_set(metrics_add_counter(metrics_new(), "x"), 1);
}

static void test_mistakes_of_ours(void **state)
{
    (void)state;
    unit_assert_aborts(add_twice, "assertion failed");
    unit_assert_aborts(set_a_counter, "METRIC_VALUE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_is_in_order_of_names),
        cmocka_unit_test(test_what_is_no_number_is_left_out),
        cmocka_unit_test(test_a_timer),
        cmocka_unit_test(test_percentiles_are_interpolated),
        cmocka_unit_test(test_a_timer_without_a_window),
        cmocka_unit_test(test_what_is_older_than_the_window_goes),
        cmocka_unit_test(test_too_many_durations_are_thinned_out),
        cmocka_unit_test(test_thinning_and_the_window_together),
        cmocka_unit_test(test_names_that_interleave),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_mistakes_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
