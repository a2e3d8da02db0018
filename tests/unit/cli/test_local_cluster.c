/* The life of a local cluster, step by step. */
#include "../unit.h"

#include "cli/local_cluster.h"

static struct local_cluster cluster;
static int64_t now_ns;
static struct buf told;

static const char *step(const struct local_event *event)
{
    static const char *const names[] = {"spawn", "probe", "ready", "ended", "left",
                                        "late",  "leave", "term",  "kill",  "end"};
    struct local_effects effects;
    buf_clear(&told);
    local_cluster_step(&cluster, now_ns, event, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct local_effect *effect = &effects.items[i];
        int number = effect->type == LOCAL_END ? effect->status : (int)effect->process;
        buf_printf(&told, "%s %d; ", names[effect->type], number);
    }
    return buf_text(&told);
}

static const char *tick(void)
{
    now_ns = MAX(now_ns, local_cluster_deadline(&cluster));
    return step(&(struct local_event){.type = LOCAL_TICK});
}

static const char *answer(int64_t active)
{
    return step(&(struct local_event){.type = LOCAL_ANSWER, .active = active});
}

static const char *exited(size_t process)
{
    return step(&(struct local_event){.type = LOCAL_EXITED, .process = process});
}

static const char *stop(void)
{
    return step(&(struct local_event){.type = LOCAL_STOP});
}

static const char *hurry(void)
{
    return step(&(struct local_event){.type = LOCAL_HURRY});
}

static int set_up(void **state)
{
    (void)state;
    now_ns = NS_PER_SEC;
    local_cluster_init(&cluster, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_deinit(&told);
    return 0;
}

static void come_up(void)
{
    assert_string_equal(step(&(struct local_event){.type = LOCAL_TICK}), "spawn 0; probe 0; ");
    assert_string_equal(answer(0), "spawn 1; spawn 2; ");
    assert_string_equal(tick(), "probe 0; ");
    assert_string_equal(answer(2), "ready 0; ");
}

static void it_comes_up_one_after_the_other(void **state)
{
    (void)state;
    assert_string_equal(step(&(struct local_event){.type = LOCAL_TICK}), "spawn 0; probe 0; ");
    int64_t begun_ns = now_ns;
    assert_string_equal(answer(-1), ""); /* it does not answer yet */
    assert_string_equal(tick(), "probe 0; ");
    assert_int_equal(now_ns, begun_ns + LOCAL_PROBE_NS);
    assert_string_equal(answer(0), "spawn 1; spawn 2; ");
    assert_string_equal(tick(), "probe 0; ");
    assert_string_equal(answer(1), "");
    assert_string_equal(tick(), "probe 0; ");
    assert_string_equal(answer(2), "ready 0; ");
    assert_int_equal(local_cluster_deadline(&cluster), TIME_NEVER);
}

static void it_ends_agents_first(void **state)
{
    (void)state;
    come_up();
    assert_string_equal(stop(), "leave 1; leave 2; ");
    assert_string_equal(exited(2), "");
    assert_string_equal(exited(1), "term 0; ");
    assert_string_equal(exited(0), "end 0; ");
    assert_string_equal(stop(), "");
    assert_int_equal(local_cluster_deadline(&cluster), TIME_NEVER);
}

static void who_does_not_end_is_killed(void **state)
{
    (void)state;
    come_up();
    (void)stop();
    int64_t begun_ns = now_ns;
    (void)exited(1);
    assert_string_equal(tick(), "kill 0; kill 2; ");
    assert_int_equal(now_ns, begun_ns + LOCAL_STOP_NS);
    assert_string_equal(exited(0), "");
    assert_string_equal(exited(2), "end 0; ");
    /* The master as well. */
    local_cluster_init(&cluster, 2);
    come_up();
    (void)stop();
    (void)exited(1);
    assert_string_equal(exited(2), "term 0; ");
    assert_string_equal(tick(), "kill 0; ");
    assert_string_equal(exited(0), "end 0; ");
}

static void who_insists_is_obeyed_at_once(void **state)
{
    (void)state;
    come_up();
    (void)stop();
    assert_string_equal(stop(), "");
    assert_string_equal(hurry(), "kill 0; kill 1; kill 2; ");
    (void)exited(0);
    (void)exited(1);
    assert_string_equal(exited(2), "end 0; ");
    local_cluster_init(&cluster, 2);
    come_up();
    assert_string_equal(hurry(), "leave 1; leave 2; kill 0; kill 1; kill 2; ");
}

static void it_ends_with_any_of_them(void **state)
{
    (void)state;
    come_up();
    assert_string_equal(exited(1), "ended 1; leave 2; ");
    assert_string_equal(exited(2), "term 0; ");
    assert_string_equal(exited(0), "end 1; ");
    local_cluster_init(&cluster, 2);
    come_up();
    assert_string_equal(exited(0), "ended 0; leave 1; leave 2; ");
    (void)exited(1);
    assert_string_equal(exited(2), "end 1; ");
    /* Also before it is up: the master's port is taken. */
    local_cluster_init(&cluster, 2);
    (void)step(&(struct local_event){.type = LOCAL_TICK});
    assert_string_equal(exited(0), "ended 0; end 1; ");
}

static const char *left(size_t process)
{
    return step(&(struct local_event){.type = LOCAL_EXITED, .process = process, .in_order = true});
}

static void an_agent_that_is_sent_away_goes_alone(void **state)
{
    (void)state;
    come_up();
    assert_string_equal(left(2), "left 2; ");
    assert_string_equal(left(1), "left 1; ");
    assert_string_equal(stop(), "term 0; ");
    assert_string_equal(exited(0), "end 0; ");
    local_cluster_init(&cluster, 2);
    come_up();
    (void)left(1);
    assert_string_equal(left(0), "ended 0; leave 2; "); /* the master is not sent away */
    /* Nor is anybody before all are there: whoever ends then did not come up. */
    local_cluster_init(&cluster, 2);
    (void)step(&(struct local_event){.type = LOCAL_TICK});
    (void)answer(0);
    assert_string_equal(left(1), "ended 1; leave 2; ");
}

static void it_does_not_wait_for_ever(void **state)
{
    (void)state;
    int64_t begun_ns = now_ns;
    (void)step(&(struct local_event){.type = LOCAL_TICK});
    do {
        (void)answer(-1);
    } while (strcmp(tick(), "probe 0; ") == 0);
    assert_string_equal(buf_text(&told), "late 0; term 0; ");
    assert_int_equal(now_ns, begun_ns + LOCAL_START_NS);
    assert_string_equal(exited(0), "end 1; ");
}

static void it_can_be_stopped_at_any_moment(void **state)
{
    (void)state;
    assert_string_equal(stop(), "end 0; "); /* nothing was begun */
    local_cluster_init(&cluster, 2);
    (void)step(&(struct local_event){.type = LOCAL_TICK});
    assert_string_equal(stop(), "term 0; ");
    assert_string_equal(answer(0), "");
    assert_string_equal(exited(0), "end 0; ");
    local_cluster_init(&cluster, 2);
    (void)step(&(struct local_event){.type = LOCAL_TICK});
    (void)answer(0);
    assert_string_equal(stop(), "leave 1; leave 2; ");
}

/* As many effects as there can be. */
static void so_many_agents(void **state)
{
    (void)state;
    local_cluster_init(&cluster, LOCAL_AGENTS_MAX);
    (void)step(&(struct local_event){.type = LOCAL_TICK});
    (void)answer(0);
    (void)exited(1);
    assert_non_null(strstr(buf_text(&told), "ended 1; leave 2; "));
    assert_non_null(strstr(buf_text(&told), "leave 64; "));
    local_cluster_init(&cluster, LOCAL_AGENTS_MAX);
    (void)step(&(struct local_event){.type = LOCAL_TICK});
    (void)answer(0);
    assert_non_null(strstr(hurry(), "leave 64; kill 0; "));
    assert_non_null(strstr(buf_text(&told), "kill 64; "));
}

static void metrics_tell_how_many_are_active(void **state)
{
    (void)state;
    assert_int_equal(
        local_cluster_parse_active(SLICE("{\"a\":1,\"master/slaves_active\":12,\"b\":3}")), 12);
    assert_int_equal(local_cluster_parse_active(SLICE("{\"master/slaves_active\":0.0}")), 0);
    assert_int_equal(local_cluster_parse_active(SLICE("{\"master/slaves_active\":")), -1);
    assert_int_equal(local_cluster_parse_active(SLICE("{\"master/slaves_active\":-1}")), -1);
    assert_int_equal(local_cluster_parse_active(SLICE("{\"master/slaves_active\":x}")), -1);
    assert_int_equal(local_cluster_parse_active(SLICE("{\"master/slaves_inactive\":1}")), -1);
    assert_int_equal(local_cluster_parse_active(SLICE("")), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_up_one_after_the_other),
        TEST(it_ends_agents_first),
        TEST(who_does_not_end_is_killed),
        TEST(who_insists_is_obeyed_at_once),
        TEST(it_ends_with_any_of_them),
        TEST(it_does_not_wait_for_ever),
        TEST(an_agent_that_is_sent_away_goes_alone),
        TEST(it_does_not_wait_for_ever),
        TEST(it_can_be_stopped_at_any_moment),
        TEST(so_many_agents),
        TEST(metrics_tell_how_many_are_active),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
