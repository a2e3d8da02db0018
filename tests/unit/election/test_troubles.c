/* What goes wrong in each place, in small worlds and in large ones: all ends well. */
#include "../unit.h"

#include "ensemble.h"

#define MASTER(n) (&(struct process_options){.id = (n), .contends = true, .joins = true})
#define AGENT(n) (&(struct process_options){.id = (n)})

static struct ensemble ensemble;

static int set_up(void **state)
{
    (void)state;
    ensemble_init(&ensemble, 7);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ensemble_deinit(&ensemble);
    return 0;
}

/* --- refusals --- */

static void refused_credentials_end_it(void **state)
{
    (void)state;
    struct process *agent = ensemble_add(&ensemble, AGENT(0));
    ensemble_settle(&ensemble);
    process_event(agent, &(struct zk_event){.type = ZK_AUTH_FAILED, .session = 1});
    assert_true(agent->failed);
    assert_string_equal(agent->why,
                        "Failed to authenticate with ZooKeeper: the credentials are refused");
    process_event(agent, &(struct zk_event){.type = ZK_TICK});
    assert_int_equal(election_deadline(agent->election), TIME_NEVER);
}

/* Whether there were so many operations. */
static bool run_with_trouble(enum trouble trouble, int at, uint64_t seed, int *failures)
{
    ensemble_deinit(&ensemble);
    ensemble_init(&ensemble, seed);
    ensemble.trouble = trouble;
    ensemble.trouble_at = at;
    ensemble_add(&ensemble, &(struct process_options){
                                .id = 0, .contends = true, .joins = true, .credentials = "a:b"});
    ensemble_add(&ensemble, MASTER(1));
    ensemble_add(&ensemble, AGENT(2));
    ensemble_run(&ensemble, 20 * NS_PER_SEC);
    int masters = 0;
    for (int i = 0; i < 3; i++) {
        const struct process *process = &ensemble.processes[i];
        masters += i < 2 && !process->failed;
        *failures += process->failed;
        assert_false(process->lost);
        assert_true(!process->failed || trouble >= TROUBLE_NO_NODE);
    }
    ensemble_run(&ensemble, ENSEMBLE_TIMEOUT_NS);
    ensemble_assert_well(&ensemble);
    /* No node that its maker does not know of. */
    assert_int_equal(ensemble_nodes(&ensemble, ENSEMBLE_PATH), masters + 1);
    return ensemble.op_count >= at;
}

/* What each operation does if it goes wrong in each way: nothing is forgotten for ever
 * (MESOS-9426), nobody leads without its node, and only refusals end a process. */
static void every_operation_goes_wrong_in_every_way(void **state)
{
    (void)state;
    int runs = 0, failures = 0;
    for (int trouble = TROUBLE_UNDONE; trouble < TROUBLE_COUNT; trouble++) {
        bool reached = true;
        for (int at = 1; reached; at++) {
            reached = false;
            for (uint64_t seed = 0; seed < 8; seed++) {
                reached |= run_with_trouble((enum trouble)trouble, at, seed, &failures);
                runs++;
            }
        }
    }
    assert_in_range(runs, 8 * 8 * 20, 8 * 8 * 80);
    assert_true(failures > 8 * 20);
}

/* A node that nobody knows of must not lead: the session goes, as soon as it can be closed. */
static void a_doubtful_node_goes_with_its_session(void **state)
{
    (void)state;
    ensemble.trouble = TROUBLE_BREAK_DONE;
    struct process *master = ensemble_add(&ensemble, MASTER(0));
    for (int i = 0; i < 100; i++) {
        bool creates = false;
        struct zk_effect *effect;
        LIST_FOR_EACH (effect, &master->requests, link) {
            creates |= effect->ephemeral && strstr(effect->text, "json.info_") != NULL;
        }
        if (creates && ensemble.trouble_at == 0) {
            ensemble.trouble_at = ensemble.op_count + 1;
        }
        (void)process_serve(master);
        (void)process_deliver(master);
        if (ensemble.trouble_at != 0) {
            break;
        }
        (void)process_reconnect(master);
    }
    assert_int_equal(ensemble_nodes(&ensemble, ENSEMBLE_PATH), 2); /* the node, and the group */
    while (process_deliver(master) || process_serve(master)) {
    }
    assert_int_equal(master->session, 1); /* nothing can close it yet */
    ensemble_run(&ensemble, 3 * NS_PER_SEC);
    assert_int_equal(master->session, 2);
    assert_int_equal(ensemble_nodes(&ensemble, ENSEMBLE_PATH), 2);
    ensemble_assert_well(&ensemble);
}

/* --- small worlds, whole --- */

/* Choices of a run, counted through like the digits of a number. */
struct choices {
    int made[64], bounds[64];
    int count, at;
};

static int choose(struct choices *choices, int bound)
{
    assert_true(choices->at < (int)ELEMENTS(choices->made));
    if (choices->at == choices->count) {
        choices->made[choices->count] = 0;
        choices->bounds[choices->count++] = bound;
    }
    assert_int_equal(choices->bounds[choices->at], bound);
    return choices->made[choices->at++];
}

static bool next_run(struct choices *choices)
{
    choices->at = 0;
    while (choices->count > 0) {
        if (++choices->made[choices->count - 1] < choices->bounds[choices->count - 1]) {
            return true;
        }
        choices->count--;
    }
    return false;
}

/* One of two masters and an agent suffers: at each of the first steps one of these happens to it.
 */
static void suffer(struct choices *choices, struct process *victim)
{
    switch (choose(choices, 6)) {
    case 0:
        (void)process_serve(victim);
        break;
    case 1:
        (void)process_deliver(victim);
        break;
    case 2:
        (void)process_break(victim, false);
        break;
    case 3:
        (void)process_break(victim, true);
        break;
    case 4:
        (void)process_reconnect(victim);
        break;
    case 5:
        (void)process_expire(victim);
        break;
    }
}

static void run_small_world(struct choices *choices, int prelude, int depth)
{
    ensemble_deinit(&ensemble);
    ensemble_init(&ensemble, 3);
    struct process *victim = ensemble_add(&ensemble, MASTER(0));
    for (int i = 0; i < prelude; i++) {
        if (!process_serve(victim) && !process_deliver(victim)) {
            (void)process_reconnect(victim);
        }
    }
    for (int i = 0; i < depth; i++) {
        suffer(choices, victim);
    }
    ensemble_add(&ensemble, MASTER(1));
    ensemble_add(&ensemble, AGENT(2));
    ensemble_run(&ensemble, 2 * ENSEMBLE_TIMEOUT_NS);
    for (int i = 0; i < 2; i++) { /* a supervisor's work */
        if (ensemble.processes[i].lost) {
            process_kill(&ensemble.processes[i]);
            process_start(&ensemble.processes[i]);
        }
        assert_false(ensemble.processes[i].failed);
    }
    ensemble_run(&ensemble, 2 * ENSEMBLE_TIMEOUT_NS);
    ensemble_assert_well(&ensemble);
    assert_int_equal(ensemble_nodes(&ensemble, ENSEMBLE_PATH), 3);
}

static void small_worlds_end_well(void **state)
{
    (void)state;
    int runs = 0;
    for (int prelude = 0; prelude <= 20; prelude += 2) {
        struct choices choices = {.count = 0};
        do {
            run_small_world(&choices, prelude, 4);
            runs++;
        } while (next_run(&choices));
    }
    assert_int_equal(runs, 11 * 6 * 6 * 6 * 6);
}

static void large_worlds_end_well(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        ensemble_deinit(&ensemble);
        ensemble_init(&ensemble, seed);
        for (int i = 0; i < 5; i++) {
            ensemble_add(&ensemble, MASTER(i));
        }
        ensemble_add(&ensemble, AGENT(5));
        for (int i = 0; i < 400; i++) {
            uint64_t drawn = prng_next(&ensemble.prng);
            struct process *process = &ensemble.processes[drawn % 6];
            switch ((drawn >> 32) % 12) {
            case 0:
                (void)process_break(process, drawn >> 63);
                break;
            case 1:
                (void)process_expire(process);
                break;
            case 2:
                ensemble_run(&ensemble, (int64_t)((drawn >> 40) % 1000) * NS_PER_MS);
                break;
            case 3:
                if ((drawn >> 40) % 8 == 0) {
                    process_kill(process);
                    process_start(process);
                }
                break;
            case 4:
                if (ensemble.is_down) {
                    ensemble_up(&ensemble);
                } else if ((drawn >> 40) % 8 == 0) {
                    ensemble_down(&ensemble);
                }
                break;
            case 5:
            case 6:
            case 7:
                (void)process_serve(process);
                break;
            case 8:
            case 9:
                (void)process_deliver(process);
                break;
            default:
                (void)process_reconnect(process);
                break;
            }
            if (process->lost) {
                process_kill(process);
                process_start(process);
            }
        }
        ensemble_up(&ensemble);
        ensemble_run(&ensemble, 2 * ENSEMBLE_TIMEOUT_NS);
        for (int i = 0; i < 5; i++) {
            if (ensemble.processes[i].lost) {
                process_kill(&ensemble.processes[i]);
                process_start(&ensemble.processes[i]);
            }
        }
        ensemble_run(&ensemble, 2 * ENSEMBLE_TIMEOUT_NS);
        ensemble_assert_well(&ensemble);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refused_credentials_end_it),
        TEST(every_operation_goes_wrong_in_every_way),
        TEST(a_doubtful_node_goes_with_its_session),
        TEST(small_worlds_end_well),
        TEST(large_worlds_end_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
