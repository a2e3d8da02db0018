/* Elections with a real ZooKeeper: what the original's masters and agents would see of us. */
#include "../unit/unit.h"

#include <zookeeper/zookeeper.h>

#include "zookeeper_kit.h"

#define MEMBERS_MAX 4

static struct zkit kit;
static struct member_process members[MEMBERS_MAX];
static char path[32]; /* a new one for each test */
static int timeout_ms;

static int kit_up(void **state)
{
    (void)state;
    zkit_init(&kit, 1);
    return 0;
}

static int kit_down(void **state)
{
    (void)state;
    zkit_deinit(&kit);
    return 0;
}

static int set_up(void **state)
{
    static int number;
    (void)state;
    (void)snprintf(path, sizeof(path), "/test%d/mesos", ++number);
    timeout_ms = ZKIT_TIMEOUT_MS;
    return 0;
}

static void kill_members(void)
{
    for (int i = 0; i < MEMBERS_MAX; i++) {
        if (members[i].pid != 0) {
            member_signal(&members[i], SIGKILL);
            (void)member_end(&members[i]);
        }
    }
}

static int tear_down(void **state)
{
    (void)state;
    kill_members();
    return 0;
}

static struct member_process *start(int i, const char *kind)
{
    member_start(&members[i], zkit_url(&kit, NULL, path), timeout_ms, 6000 + i, kind);
    return &members[i];
}

static const char *below(const char *name)
{
    static char text[128];
    (void)snprintf(text, sizeof(text), "%s/%s", path, name);
    return text;
}

/* Two masters, the first of which leads, and an agent. */
static void start_three(void)
{
    (void)member_await(start(0, "master"), "elected");
    assert_string_equal(member_await(start(1, "master"), "leader "), "master@127.0.0.1:6000");
    assert_string_equal(member_await(start(2, "agent"), "leader "), "master@127.0.0.1:6000");
    assert_string_equal(member_await(&members[0], "members 6000 6001"), "");
    assert_string_equal(member_await(&members[1], "members 6000 6001"), "");
}

static void nodes_are_those_of_the_original(void **state)
{
    (void)state;
    timeout_ms = ZKIT_LONG_MS;
    start_three();
    const char *name = zkit_child(&kit, path, "json.info_");
    assert_non_null(name);
    assert_string_equal(name, "json.info_0000000001"); /* log_replicas came first */
    char node[128];
    (void)snprintf(node, sizeof(node), "%s", below(name));
    assert_true(zkit_is_ephemeral(&kit, node));
    const char *data = zkit_data(&kit, node);
    assert_non_null(strstr(data, "\"pid\":\"master@127.0.0.1:6000\""));
    assert_non_null(strstr(data, "\"ip\":16777343"));
    assert_string_equal(zkit_acl(&kit, node), "31:world:anyone");
    assert_int_equal(zkit_children(&kit, path), 3);
    (void)snprintf(node, sizeof(node), "%s", below("log_replicas"));
    assert_false(zkit_is_ephemeral(&kit, node));
    assert_int_equal(zkit_children(&kit, node), 2);
    name = zkit_child(&kit, node, "");
    assert_string_equal(name, "0000000000");
    (void)snprintf(node, sizeof(node), "%s/log_replicas/%s", path, name);
    assert_true(zkit_is_ephemeral(&kit, node));
    assert_string_equal(zkit_data(&kit, node), "log-replica(1)@127.0.0.1:6000");
}

static void who_ends_hands_over_at_once(void **state)
{
    (void)state;
    timeout_ms = ZKIT_LONG_MS;
    start_three();
    long start_ms = zkit_now_ms();
    member_signal(&members[0], SIGTERM);
    (void)member_await(&members[1], "elected");
    assert_true(zkit_now_ms() - start_ms < ZKIT_LONG_MS / 2);
    assert_string_equal(member_await(&members[2], "leader "), "master@127.0.0.1:6001");
    assert_int_equal(member_end(&members[0]), 0);
    assert_string_equal(member_await(&members[1], "members 6001"), "");
}

static void a_crash_is_noticed_by_the_session(void **state)
{
    (void)state;
    start_three();
    member_signal(&members[0], SIGKILL);
    assert_int_equal(member_end(&members[0]), 128 + SIGKILL);
    assert_string_equal(member_await(&members[2], "leader "), "master@127.0.0.1:6001");
    (void)member_await(&members[1], "elected");
    /* Back again, it follows. */
    assert_string_equal(member_await(start(0, "master"), "leader "), "master@127.0.0.1:6001");
    assert_false(member_tells(&members[0], "elected", 300));
}

static void who_stood_still_for_too_long_has_lost(void **state)
{
    (void)state;
    start_three();
    member_signal(&members[0], SIGSTOP);
    (void)member_await(&members[1], "elected");
    member_signal(&members[0], SIGCONT);
    (void)member_await(&members[0], "over lost: ");
    assert_int_equal(member_end(&members[0]), 1);
}

static void with_a_password_nodes_are_ones_own(void **state)
{
    (void)state;
    timeout_ms = ZKIT_LONG_MS;
    member_start(&members[0], zkit_url(&kit, "ada:lovelace", path), timeout_ms, 6000, "master");
    (void)member_await(&members[0], "elected");
    const char *name = zkit_child(&kit, path, "json.info_");
    char node[128];
    (void)snprintf(node, sizeof(node), "%s", below(name));
    assert_int_equal(strncmp(zkit_acl(&kit, node), "1:world:anyone,31:digest:ada:", 29), 0);
    assert_int_equal(strncmp(zkit_acl(&kit, path), "1:world:anyone,31:digest:ada:", 29), 0);
    assert_int_equal(zkit_delete(&kit, NULL, node), ZNOAUTH);
    assert_int_equal(zkit_delete(&kit, "ada:byron", node), ZNOAUTH);
    /* Everybody may read: agents without the password detect. */
    assert_string_equal(member_await(start(1, "agent"), "leader "), "master@127.0.0.1:6000");
    assert_int_equal(zkit_delete(&kit, "ada:lovelace", node), ZOK);
    assert_string_equal(member_await(&members[0], "over lost: "),
                        "our node has vanished from ZooKeeper");
    assert_string_equal(member_await(&members[1], "leader "), "none");
}

static void a_path_of_somebody_else_is_refused(void **state)
{
    (void)state;
    char parent[32];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    *strrchr(parent, '/') = '\0';
    zkit_create(&kit, "eve:secret", parent, "");
    const char *why = member_await(start(0, "master"), "over failed: ");
    assert_non_null(strstr(why, "not authenticated"));
    assert_int_equal(member_end(&members[0]), 1);
}

static void a_short_absence_changes_nothing(void **state)
{
    (void)state;
    start_three();
    zkit_freeze(&kit.servers[0], true);
    zkit_sleep_ms(ZKIT_TIMEOUT_MS / 2);
    zkit_freeze(&kit.servers[0], false);
    assert_false(member_tells(&members[0], "over", ZKIT_TIMEOUT_MS));
    assert_false(member_tells(&members[2], "leader", 100));
    assert_int_equal(zkit_children(&kit, path), 3);
}

static void a_long_one_ends_the_leader(void **state)
{
    (void)state;
    start_three();
    zkit_stop(&kit.servers[0]);
    (void)member_await(&members[0], "over lost: no connection to ZooKeeper for 4000 ms");
    assert_string_equal(member_await(&members[1], "leader "), "none");
    assert_string_equal(member_await(&members[2], "leader "), "none");
    assert_int_equal(member_end(&members[0]), 1);
    zkit_start(&kit.servers[0]);
    (void)member_await(&members[1], "elected");
    /* At first the old leader's node is still there: its session goes on where it stood. */
    (void)member_await(&members[2], "leader master@127.0.0.1:6001");
}

static void who_starts_first_waits(void **state)
{
    (void)state;
    zkit_stop(&kit.servers[0]);
    (void)start(0, "agent");
    (void)start(1, "master");
    assert_false(member_tells(&members[0], "", ZKIT_TIMEOUT_MS + 1000));
    zkit_start(&kit.servers[0]);
    (void)member_await(&members[1], "elected");
    assert_string_equal(member_await(&members[0], "leader "), "master@127.0.0.1:6001");
}

static void masters_of_before_are_read(void **state)
{
    (void)state;
    char parent[32];
    timeout_ms = ZKIT_LONG_MS;
    (void)snprintf(parent, sizeof(parent), "%s", path);
    *strrchr(parent, '/') = '\0';
    zkit_create(&kit, NULL, parent, "");
    zkit_create(&kit, NULL, path, "");
    zkit_create(&kit, NULL, below("0000000000"), "master@10.9.9.9:5050");
    zkit_create(&kit, NULL, below("json.info_0000000001"), "{bad}");
    assert_string_equal(member_await(start(0, "agent"), "leader "), "master@10.9.9.9:5050");
    assert_int_equal(zkit_delete(&kit, NULL, below("0000000000")), ZOK);
    assert_string_equal(member_await(&members[0], "leader "), "none");
    assert_int_equal(zkit_delete(&kit, NULL, below("json.info_0000000001")), ZOK);
    (void)member_await(start(1, "master"), "elected");
    assert_string_equal(member_await(&members[0], "leader "), "master@127.0.0.1:6001");
}

/* The name leads to another server, and has no address at all for a while (MESOS-4546, 1523). */
static void hosts_that_change_are_found(void **state)
{
    (void)state;
    char hosts[64], url[128];
    (void)snprintf(hosts, sizeof(hosts), "%s/hosts", kit.dir);
    (void)snprintf(url, sizeof(url), "zk://zk.test:%d%s", kit.servers[0].port, path);
    assert_int_equal(setenv("ZK_MEMBER_HOSTS", hosts, 1), 0);
    member_start(&members[0], url, timeout_ms, 6000, "master");
    assert_false(member_tells(&members[0], "", 1500));
    FILE *file = fopen(hosts, "w");
    fputs("127.0.0.1\n", file);
    (void)fclose(file);
    (void)member_await(&members[0], "elected");
    member_start(&members[1], url, timeout_ms, 6001, "agent");
    assert_string_equal(member_await(&members[1], "leader "), "master@127.0.0.1:6000");

    struct zkit other = {.count = 1};
    memcpy(&other, &kit, sizeof(kit));
    other.servers[1] = (struct zkit_server){0};
    zkit_add(&other, "127.0.0.2");
    file = fopen(hosts, "w");
    fputs("127.0.0.2\n", file);
    (void)fclose(file);
    zkit_stop(&kit.servers[0]);
    /* Elsewhere nobody knows of the session. */
    (void)member_await(&members[0], "over lost: ");
    assert_string_equal(member_await(&members[1], "leader "), "none");
    member_start(&members[2], url, timeout_ms, 6002, "master");
    (void)member_await(&members[2], "elected");
    assert_string_equal(member_await(&members[1], "leader "), "master@127.0.0.1:6002");
    kill_members();
    zkit_stop(&other.servers[1]);
    assert_int_equal(unsetenv("ZK_MEMBER_HOSTS"), 0);
    zkit_start(&kit.servers[0]);
}

/* Its session lives: it is told who comes and goes. */
static void is_told_of_others(struct member_process *member)
{
    (void)start(3, "master");
    assert_string_equal(member_await(member, "members 6000 6001 6003"), "");
    member_signal(&members[3], SIGTERM);
    assert_string_equal(member_await(member, "members 6000 6001"), "");
    assert_int_equal(member_end(&members[3]), 0);
}

static void one_of_three_servers_may_be_lost(void **state)
{
    (void)state;
    struct zkit single = kit;
    zkit_init(&kit, 3);
    timeout_ms = ZKIT_LONG_MS;
    start_three();
    for (int i = 0; i < 3; i++) { /* each in turn, so that all have to move */
        zkit_stop(&kit.servers[i]);
        is_told_of_others(&members[0]);
        assert_false(member_tells(&members[2], "leader none", 10));
        zkit_start(&kit.servers[i]);
    }
    assert_int_equal(zkit_children(&kit, path), 3);
    member_signal(&members[0], SIGTERM);
    (void)member_await(&members[1], "elected");
    kill_members();
    zkit_deinit(&kit);
    kit = single;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nodes_are_those_of_the_original),
        TEST(who_ends_hands_over_at_once),
        TEST(a_crash_is_noticed_by_the_session),
        TEST(who_stood_still_for_too_long_has_lost),
        TEST(with_a_password_nodes_are_ones_own),
        TEST(a_path_of_somebody_else_is_refused),
        TEST(a_short_absence_changes_nothing),
        TEST(a_long_one_ends_the_leader),
        TEST(who_starts_first_waits),
        TEST(masters_of_before_are_read),
        TEST(hosts_that_change_are_found),
        TEST(one_of_three_servers_may_be_lost),
    };
    return cmocka_run_group_tests(tests, kit_up, kit_down);
}
