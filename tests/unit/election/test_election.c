#include "../unit.h"

#include "common/xalloc.h"
#include "election/group.h"
#include "election/link.h"
#include "ensemble.h"

#define MASTER(n) (&(struct process_options){.id = (n), .contends = true, .joins = true})
#define AGENT(n) (&(struct process_options){.id = (n)})
#define GROUP_PATH ENSEMBLE_PATH "/" GROUP_NAME

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

static struct process *leader_of(void)
{
    for (int i = 0; i < ensemble.count; i++) {
        if (ensemble.processes[i].elected) {
            return &ensemble.processes[i];
        }
    }
    return NULL;
}

static void three_masters_and_an_agent(void)
{
    for (int i = 0; i < 3; i++) {
        ensemble_add(&ensemble, MASTER(i));
    }
    ensemble_add(&ensemble, AGENT(3));
    ensemble_settle(&ensemble);
    ensemble_assert_well(&ensemble);
}

/* --- in peace --- */

static void one_master_leads_and_all_know(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    assert_int_equal(ensemble_nodes(&ensemble, ENSEMBLE_PATH), 4);
    assert_int_equal(ensemble_nodes(&ensemble, GROUP_PATH), 3);
    for (int i = 0; i < 4; i++) {
        assert_true(ensemble.processes[i].error_count == 0);
    }
    /* Nothing moves while nothing happens. */
    int ops = ensemble.op_count;
    ensemble_run(&ensemble, NS_PER_DAY);
    assert_int_equal(ensemble.op_count, ops);
}

static void the_next_lowest_follows(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    for (int left = 3; left > 1; left--) {
        process_stop(leader_of()); /* its session is closed: at once */
        ensemble_settle(&ensemble);
        ensemble_assert_well(&ensemble);
    }
    process_stop(leader_of());
    ensemble_settle(&ensemble);
    assert_null(ensemble.processes[3].leader);
    process_start(&ensemble.processes[0]);
    ensemble_settle(&ensemble);
    ensemble_assert_well(&ensemble);
}

static void a_crash_is_noticed_when_the_session_ends(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    struct process *old = leader_of();
    process_kill(old);
    ensemble_run(&ensemble, ENSEMBLE_TIMEOUT_NS - NS_PER_SEC);
    assert_null(leader_of());
    ensemble_run(&ensemble, 2 * NS_PER_SEC);
    ensemble_assert_well(&ensemble);
    assert_ptr_not_equal(leader_of(), old);
}

/* Masters that come and go do not stir who only detects. */
static void an_agent_watches_the_leader_alone(void **state)
{
    (void)state;
    struct process *first = ensemble_add(&ensemble, MASTER(0));
    ensemble_settle(&ensemble);
    struct process *agent = ensemble_add(&ensemble, AGENT(1));
    ensemble_settle(&ensemble);
    int told = agent->leader_count;
    struct process *second = ensemble_add(&ensemble, MASTER(2));
    for (int i = 0; i < 200; i++) {
        (void)process_serve(second);
        (void)process_deliver(second);
        (void)process_reconnect(second);
        assert_true(list_is_empty(&agent->replies));
    }
    assert_int_equal(ensemble_nodes(&ensemble, ENSEMBLE_PATH), 3);
    process_stop(first);
    ensemble_settle(&ensemble);
    ensemble_assert_well(&ensemble);
    assert_int_equal(agent->leader_count, told + 1); /* straight to the next one */
}

static void an_agent_waits_for_the_first_master(void **state)
{
    (void)state;
    struct process *agent = ensemble_add(&ensemble, AGENT(0));
    ensemble_settle(&ensemble);
    assert_int_equal(ensemble_nodes(&ensemble, "/a"), 1); /* it made the path */
    assert_int_equal(agent->leader_count, 0);
    ensemble_add(&ensemble, MASTER(1));
    ensemble_settle(&ensemble);
    ensemble_assert_well(&ensemble);
}

static void nodes_belong_to_who_has_the_password(void **state)
{
    (void)state;
    ensemble_add(&ensemble, &(struct process_options){
                                .id = 0, .contends = true, .joins = true, .credentials = "a:b"});
    ensemble_settle(&ensemble);
    ensemble_assert_well(&ensemble);
    assert_true(ensemble_is_restricted(&ensemble, "/a"));
    assert_true(ensemble_is_restricted(&ensemble, ENSEMBLE_PATH));
    assert_true(ensemble_is_restricted(&ensemble, GROUP_PATH));
    assert_true(ensemble_is_restricted(&ensemble, ensemble_lowest(&ensemble)));
    assert_int_equal(ensemble_nodes(&ensemble, GROUP_PATH), 1);
    bool found = false;
    for (int n = 0; n < 10; n++) {
        char path[64];
        (void)snprintf(path, sizeof(path), GROUP_PATH "/%010d", n);
        found |= ensemble_is_restricted(&ensemble, path);
    }
    assert_true(found);
}

/* --- what is in the nodes --- */

static void older_formats_are_read_and_nonsense_is_no_leader(void **state)
{
    (void)state;
    ensemble_put(&ensemble, "/a", "");
    ensemble_put(&ensemble, ENSEMBLE_PATH, "");
    ensemble_put(&ensemble, ENSEMBLE_PATH "/0000000001", "master@10.9.9.9:5050");
    ensemble.next_number = 10;
    struct process *agent = ensemble_add(&ensemble, AGENT(0));
    struct process *master = ensemble_add(&ensemble, MASTER(1));
    ensemble_settle(&ensemble);
    assert_non_null(agent->leader);
    assert_int_equal(agent->error_count, 0);
    const char *nonsense[] = {ENSEMBLE_PATH "/json.info_0000000000", ENSEMBLE_PATH "/x_0000000000"};
    for (size_t i = 0; i < ELEMENTS(nonsense); i++) {
        int errors = agent->error_count;
        ensemble_put(&ensemble, nonsense[i], "{nonsense}");
        (void)ensemble_delete(&ensemble, ENSEMBLE_PATH "/0000000001");
        ensemble_settle(&ensemble);
        assert_null(agent->leader);
        assert_null(master->leader);
        assert_false(master->elected || master->lost || master->failed);
        assert_int_equal(agent->error_count, errors + 1);
        assert_true(ensemble_delete(&ensemble, nonsense[i]));
        ensemble_put(&ensemble, ENSEMBLE_PATH "/0000000001", "master@10.9.9.9:5050");
        process_kill(agent); /* it has not to look below what leads */
        process_start(agent);
        ensemble_settle(&ensemble);
        assert_non_null(agent->leader);
        assert_non_null(master->leader);
    }
    assert_true(ensemble_delete(&ensemble, ENSEMBLE_PATH "/0000000001"));
    ensemble_settle(&ensemble);
    ensemble_assert_well(&ensemble);
}

static void a_node_that_is_written_to_is_read_again(void **state)
{
    (void)state;
    ensemble_put(&ensemble, "/a", "");
    ensemble_put(&ensemble, ENSEMBLE_PATH, "");
    ensemble_put(&ensemble, ENSEMBLE_PATH "/0000000001", "not yet");
    struct process *agent = ensemble_add(&ensemble, AGENT(0));
    ensemble_settle(&ensemble);
    assert_null(agent->leader);
    ensemble_put(&ensemble, ENSEMBLE_PATH "/0000000001", "master@10.9.9.9:5050");
    ensemble_settle(&ensemble);
    assert_non_null(agent->leader);
    ensemble_put(&ensemble, ENSEMBLE_PATH "/0000000001", "nonsense");
    ensemble_settle(&ensemble);
    assert_null(agent->leader);
}

/* --- losing --- */

static void who_loses_its_node_leads_no_longer(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    struct process *old = leader_of();
    assert_true(ensemble_delete(&ensemble, ensemble_lowest(&ensemble)));
    ensemble_settle(&ensemble);
    assert_true(old->lost);
    assert_string_equal(old->why, "our node has vanished from ZooKeeper");
    assert_int_equal(ensemble_nodes(&ensemble, GROUP_PATH), 2); /* the session is closed */
    ensemble_assert_well(&ensemble);
}

static void a_lower_number_takes_over(void **state)
{
    (void)state;
    ensemble.next_number = 5;
    three_masters_and_an_agent();
    struct process *old = leader_of();
    ensemble_put(&ensemble, ENSEMBLE_PATH "/0000000001", "master@10.9.9.9:5050");
    ensemble_settle(&ensemble);
    assert_true(old->lost);
    assert_string_equal(old->why, "another master's node has a lower number");
    for (int i = 0; i < 4; i++) {
        if (&ensemble.processes[i] != old) { /* the agent by the end of the old one */
            assert_non_null(ensemble.processes[i].leader);
            assert_false(
                slice_equal(blob_slice(ensemble.processes[i].leader), blob_slice(old->info)));
        }
    }
}

static void a_follower_without_its_node_makes_another(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    for (int i = 0; i < 3; i++) {
        struct process *process = &ensemble.processes[i];
        char path[64];
        for (int n = 0; n < 10; n++) {
            (void)snprintf(path, sizeof(path), ENSEMBLE_PATH "/json.info_%010d", n);
            if (!process->elected && process_owns(process, path)) {
                assert_true(ensemble_delete(&ensemble, path));
                break;
            }
        }
        ensemble_settle(&ensemble);
        assert_int_equal(ensemble_nodes(&ensemble, ENSEMBLE_PATH), 4);
    }
    ensemble_assert_well(&ensemble);
}

static void a_replica_without_its_node_makes_another(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    char path[64];
    for (int n = 0; n < 10; n++) {
        (void)snprintf(path, sizeof(path), GROUP_PATH "/%010d", n);
        if (ensemble_delete(&ensemble, path)) {
            break;
        }
    }
    ensemble_settle(&ensemble);
    assert_int_equal(ensemble_nodes(&ensemble, GROUP_PATH), 3);
    ensemble_assert_well(&ensemble);
}

static void the_session_of_a_leader_expires(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    struct process *old = leader_of();
    assert_true(process_expire(old));
    ensemble_settle(&ensemble);
    assert_true(old->lost);
    assert_string_equal(old->why, "the session with ZooKeeper has expired");
    ensemble_assert_well(&ensemble);
}

static void the_session_of_a_follower_expires(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    struct process *leader = leader_of();
    for (int i = 0; i < 4; i++) {
        if (&ensemble.processes[i] != leader) {
            assert_true(process_expire(&ensemble.processes[i]));
        }
    }
    ensemble_settle(&ensemble);
    ensemble_run(&ensemble, 5 * NS_PER_SEC);
    assert_ptr_equal(leader_of(), leader);
    ensemble_assert_well(&ensemble);
    assert_int_equal(ensemble_nodes(&ensemble, ENSEMBLE_PATH), 4);
}

/* --- ZooKeeper is away --- */

static void a_short_absence_changes_nothing(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    struct process *leader = leader_of();
    int told = ensemble.processes[3].leader_count;
    ensemble_down(&ensemble);
    ensemble_run(&ensemble, ENSEMBLE_TIMEOUT_NS - 1);
    ensemble_up(&ensemble);
    ensemble_run(&ensemble, NS_PER_SEC);
    assert_ptr_equal(leader_of(), leader);
    ensemble_assert_well(&ensemble);
    assert_int_equal(ensemble.processes[3].leader_count, told);
    assert_int_equal(ensemble.open_count, 4);
}

static void a_long_one_ends_the_leader(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    struct process *old = leader_of();
    size_t members = ensemble.processes[(old - ensemble.processes + 1) % 3].member_count;
    ensemble_down(&ensemble);
    ensemble_run(&ensemble, ENSEMBLE_TIMEOUT_NS);
    assert_true(old->lost);
    assert_string_equal(old->why, "no connection to ZooKeeper for 10000 ms");
    for (int i = 0; i < 4; i++) {
        if (&ensemble.processes[i] != old) {
            assert_null(ensemble.processes[i].leader);
            assert_int_equal(ensemble.processes[i].member_count, i < 3 ? members : 0);
        }
    }
    ensemble_run(&ensemble, 10 * NS_PER_MIN);
    /* Each session is given its whole timeout. */
    assert_in_range(ensemble.open_count, 4 + 3 * 59, 4 + 3 * 61);
    ensemble_up(&ensemble);
    /* The sessions of before count anew from here. */
    ensemble_run(&ensemble, ENSEMBLE_TIMEOUT_NS + NS_PER_SEC);
    ensemble_assert_well(&ensemble);
}

static void hosts_that_are_unknown_are_tried_again(void **state)
{
    (void)state;
    ensemble.hosts_unknown = true;
    struct process *master = ensemble_add(&ensemble, MASTER(0));
    ensemble_run(&ensemble, NS_PER_MIN);
    assert_in_range(ensemble.open_count, 28, 61); /* once in one to two seconds */
    assert_false(master->failed);
    ensemble.hosts_unknown = false;
    ensemble_run(&ensemble, 3 * NS_PER_SEC);
    ensemble_assert_well(&ensemble);
}

/* MESOS-7387: before there is a session, the flag's timeout holds; then the negotiated one. */
static void the_timeout_is_the_negotiated_one(void **state)
{
    (void)state;
    struct process *agent = ensemble_add(&ensemble, AGENT(0));
    int64_t start_ns = ensemble.now_ns;
    assert_int_equal(election_deadline(agent->election), start_ns + ENSEMBLE_TIMEOUT_NS);
    process_event(agent, &(struct zk_event){
                             .type = ZK_CONNECTED, .session = 1, .timeout_ns = 4 * NS_PER_SEC});
    assert_int_equal(election_deadline(agent->election), TIME_NEVER);
    process_event(agent, &(struct zk_event){.type = ZK_CONNECTING, .session = 1});
    assert_int_equal(election_deadline(agent->election), start_ns + 4 * NS_PER_SEC);
    process_event(agent, &(struct zk_event){.type = ZK_CONNECTING, .session = 1});
    assert_int_equal(election_deadline(agent->election), start_ns + 4 * NS_PER_SEC);
}

/* --- old sessions (MESOS-1265) --- */

static void an_event_of_an_old_session_does_nothing(void **state)
{
    (void)state;
    struct process *agent = ensemble_add(&ensemble, AGENT(0));
    struct process *master = ensemble_add(&ensemble, MASTER(1));
    ensemble_settle(&ensemble);
    assert_true(process_expire(agent));
    ensemble_run(&ensemble, 3 * NS_PER_SEC);
    ensemble_assert_well(&ensemble);
    assert_int_equal(election_session(agent->election), 2);
    assert_int_equal(election_session(master->election), 1);
    struct process *both[] = {agent, master};
    const char *children[] = {"0000000000"};
    for (size_t i = 0; i < ELEMENTS(both); i++) {
        uint64_t session = election_session(both[i]->election);
        int told = both[i]->leader_count;
        int64_t deadline_ns = election_deadline(both[i]->election);
        for (int type = ZK_OPEN_FAILED; type <= ZK_WATCH; type++) {
            for (int error = ZK_OK; error <= ZK_REFUSED; error++) {
                for (uint64_t op = 0; op < 40; op++) {
                    struct zk_event event = {.type = (enum zk_event_type)type,
                                             .error = (enum zk_error)error,
                                             .op = op,
                                             .path = ENSEMBLE_PATH,
                                             .children = children,
                                             .child_count = 1};
                    event.session = session - 1;
                    process_event(both[i], &event);
                    event.session = session + 1;
                    process_event(both[i], &event);
                }
            }
        }
        assert_int_equal(both[i]->leader_count, told);
        assert_int_equal(election_session(both[i]->election), session);
        assert_int_equal(election_deadline(both[i]->election), deadline_ns);
        assert_true(list_is_empty(&both[i]->requests));
    }
    ensemble_assert_well(&ensemble);
}

/* Between two sessions there is none whose events could act. */
static void nothing_acts_between_two_sessions(void **state)
{
    (void)state;
    struct process *agent = ensemble_add(&ensemble, AGENT(0));
    ensemble_settle(&ensemble);
    process_event(agent, &(struct zk_event){.type = ZK_EXPIRED, .session = 1});
    assert_int_equal(election_deadline(agent->election) > ensemble.now_ns, 1);
    while (process_serve(agent)) {
    }
    int ops = ensemble.op_count;
    process_event(agent, &(struct zk_event){.type = ZK_CONNECTED, .session = 1});
    process_event(agent, &(struct zk_event){.type = ZK_WATCH, .session = 1, .path = ENSEMBLE_PATH});
    process_event(agent, &(struct zk_event){.type = ZK_EXPIRED, .session = 1});
    while (process_serve(agent)) {
    }
    assert_int_equal(ensemble.op_count, ops);
    assert_int_equal(agent->session, 1);
}

/* --- pauses --- */

static void retries_wait_longer_and_longer(void **state)
{
    (void)state;
    struct process *agent = ensemble_add(&ensemble, AGENT(0));
    while (process_serve(agent) || process_reconnect(agent) || process_deliver(agent)) {
        if (!list_is_empty(&agent->requests) && agent->session == 1 && ensemble.op_count == 0) {
            break;
        }
    }
    int64_t waits[12];
    for (size_t i = 0; i < ELEMENTS(waits); i++) {
        uint64_t op = i + 1;
        process_event(agent, &(struct zk_event){
                                 .type = ZK_DONE, .session = 1, .op = op, .error = ZK_UNKNOWN});
        waits[i] = election_deadline(agent->election) - ensemble.now_ns;
        ensemble.now_ns += waits[i];
        process_event(agent, &(struct zk_event){.type = ZK_TICK});
    }
    for (size_t i = 0; i < ELEMENTS(waits); i++) {
        int64_t base_ns = MIN(LINK_RETRY_MIN_NS << i, LINK_RETRY_MAX_NS);
        assert_in_range(waits[i], base_ns, base_ns + base_ns / 2);
    }
}

static void a_new_connection_ends_a_pause(void **state)
{
    (void)state;
    ensemble.trouble = TROUBLE_UNDONE;
    ensemble.trouble_at = 2;
    struct process *agent = ensemble_add(&ensemble, AGENT(0));
    ensemble_settle(&ensemble);
    assert_int_equal(ensemble.op_count, 2);
    assert_true(process_break(agent, false));
    ensemble_settle(&ensemble);
    assert_true(ensemble.op_count > 2);
    assert_int_equal(election_deadline(agent->election), TIME_NEVER);
}

/* --- the path vanishes --- */

static void a_path_that_vanishes_is_made_again(void **state)
{
    (void)state;
    ensemble_add(&ensemble, AGENT(0));
    ensemble_settle(&ensemble);
    assert_true(ensemble_delete(&ensemble, ENSEMBLE_PATH));
    assert_true(ensemble_delete(&ensemble, "/a"));
    struct process *master = ensemble_add(&ensemble, MASTER(1));
    ensemble_settle(&ensemble);
    ensemble_run(&ensemble, 5 * NS_PER_SEC);
    assert_true(master->elected);
    /* The agent's watch went with the old path; it looks again at the next event. */
    assert_true(process_break(&ensemble.processes[0], false));
    ensemble_run(&ensemble, 5 * NS_PER_SEC);
    ensemble_assert_well(&ensemble);
}

/* --- the group --- */

static void what_is_no_upid_is_passed_over(void **state)
{
    (void)state;
    three_masters_and_an_agent();
    ensemble_put(&ensemble, GROUP_PATH "/0000000100", "nonsense");
    ensemble_put(&ensemble, GROUP_PATH "/0000000101", "");
    ensemble_put(&ensemble, GROUP_PATH "/text", "log-replica(1)@10.9.9.9:5050");
    ensemble_settle(&ensemble);
    ensemble_assert_well(&ensemble);
    ensemble_put(&ensemble, GROUP_PATH "/0000000102", "log-replica(1)@10.9.9.9:5050");
    ensemble_put(&ensemble, GROUP_PATH "/0000000103", "log-replica(1)@10.9.9.9:5050");
    ensemble_settle(&ensemble);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ensemble.processes[i].member_count, 4);
        assert_true(ensemble.processes[i].members_count <= 6);
    }
}

static void members_are_limited(void **state)
{
    (void)state;
    struct process *master = ensemble_add(&ensemble, MASTER(0));
    ensemble_settle(&ensemble);
    for (int i = 0; i < GROUP_MEMBERS_MAX; i++) {
        char path[64], pid[64];
        (void)snprintf(path, sizeof(path), GROUP_PATH "/%010d", 100 + i);
        (void)snprintf(pid, sizeof(pid), "log-replica(1)@10.8.0.%d:5050", i);
        ensemble_put(&ensemble, path, pid);
        ensemble_settle(&ensemble);
        assert_int_equal(master->member_count, MIN(i + 2, GROUP_MEMBERS_MAX));
    }
    assert_true(ensemble_delete(&ensemble, GROUP_PATH "/0000000100"));
    ensemble_settle(&ensemble);
    assert_int_equal(master->member_count, GROUP_MEMBERS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_master_leads_and_all_know),
        TEST(the_next_lowest_follows),
        TEST(a_crash_is_noticed_when_the_session_ends),
        TEST(an_agent_watches_the_leader_alone),
        TEST(an_agent_waits_for_the_first_master),
        TEST(nodes_belong_to_who_has_the_password),
        TEST(older_formats_are_read_and_nonsense_is_no_leader),
        TEST(a_node_that_is_written_to_is_read_again),
        TEST(who_loses_its_node_leads_no_longer),
        TEST(a_lower_number_takes_over),
        TEST(a_follower_without_its_node_makes_another),
        TEST(a_replica_without_its_node_makes_another),
        TEST(the_session_of_a_leader_expires),
        TEST(the_session_of_a_follower_expires),
        TEST(a_short_absence_changes_nothing),
        TEST(a_long_one_ends_the_leader),
        TEST(hosts_that_are_unknown_are_tried_again),
        TEST(the_timeout_is_the_negotiated_one),
        TEST(an_event_of_an_old_session_does_nothing),
        TEST(nothing_acts_between_two_sessions),
        TEST(retries_wait_longer_and_longer),
        TEST(a_new_connection_ends_a_pause),
        TEST(a_path_that_vanishes_is_made_again),
        TEST(what_is_no_upid_is_passed_over),
        TEST(members_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
