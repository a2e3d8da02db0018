#include "flags_case.h"

#include "common/duration.h"
#include "daemon/master_flags.h"

static struct master_flags values;
static struct arena arena;

static int run(char **arguments, int count, struct err *err)
{
    arena_reset(&arena);
    struct flags flags = {master_flags_table, master_flags_count, &values, NULL, NULL, &arena};
    struct flags_source source = {.argc = count, .argv = arguments};
    int r = flags_parse(&flags, &source, NULL, err);
    return r != 0 ? r : master_flags_validate(&values, err);
}

static const char *const usual[] = {"--ip=127.0.0.1", "--port=5050", "--work_dir=/w",
                                    "--registry=in_memory", NULL};

static void check(const struct flags_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        flags_case_check(run, usual, &cases[i]);
    }
}

#define CHECK(...)                                               \
    do {                                                         \
        static const struct flags_case cases_[] = {__VA_ARGS__}; \
        check(cases_, ELEMENTS(cases_));                         \
    } while (0)

static void test_what_it_starts_with(void **state)
{
    (void)state;
    CHECK({NULL, {"--ip=127.0.0.1"}}, {NULL, {"!ip", "!port"}}, {NULL, {"--port=0"}},
          {NULL, {"--port=65535"}}, {NULL, {"--advertise_ip=10.0.0.1", "--advertise_port=80"}},
          {NULL, {"!work_dir", "--registry=in_memory"}}, {NULL, {"--registry=replicated_log"}},
          {NULL, {"--registry=log_storage"}},
          {NULL, {"--registry=replicated_log", "--zk=zk://a:1,b:2/mesos", "--quorum=2"}},
          {NULL, {"--zk=zk://user:pa/ss@a:2181/mesos/x"}}, {NULL, {"--agent_ping_timeout=1secs"}},
          {NULL, {"--agent_ping_timeout=15mins"}}, {NULL, {"--max_agent_ping_timeouts=1"}},
          {NULL, {"--agent_reregister_timeout=10mins"}},
          {NULL, {"--slave_reregister_timeout=2hrs"}},
          {NULL, {"--recovery_agent_removal_limit=0%"}},
          {NULL, {"--recovery_slave_removal_limit=50%"}}, {NULL, {"--offer_timeout=1ns"}},
          {NULL, {"--role_sorter=random", "--framework_sorter=drf"}},
          {NULL, {"--allocator=HierarchicalDRF"}}, {NULL, {"--allocator=hierarchical"}},
          {NULL, {"--weights=a=1,b/c=2.5", "--roles=a,b/c"}}, {NULL, {"--weights=*=2"}},
          {NULL, {"--weights="}}, {NULL, {"--logging_level=WARNING"}}, {NULL, {"--hooks="}},
          {NULL, {"--http_framework_authenticators=basic"}}, {NULL, {"--no-root_submissions"}},
          {NULL, {"--authenticate_agents", "--credentials=/c"}});
    assert_true(values.authenticate_agents);
}

static void test_what_it_does_not_start_with(void **state)
{
    (void)state;
    CHECK({"--port", {"--port=70000"}}, {"--port", {"--port=-1"}}, {"--port", {"--port=abc"}},
          {"--ip", {"--ip=999.1.1.1"}}, {"--ip", {"--ip=::1"}}, {"--ip", {"--ip="}},
          {"--advertise_ip", {"--advertise_ip=host"}}, {"--advertise_port", {"--advertise_port=x"}},
          {"--advertise_port", {"--advertise_port=65536"}},
          {"--logging_level", {"--logging_level=LOUD"}}, {"--logbufsecs", {"--logbufsecs=-1"}},
          {"--max_completed_frameworks", {"--max_completed_frameworks=-1"}},
          {"--registry_gc_interval", {"--registry_gc_interval=-1secs"}});
    CHECK({"--registry", {"--registry=stone tablets"}},
          {"--registry_strict", {"--registry_strict=true"}},
          {"--work_dir", {"!work_dir", "--registry=replicated_log"}},
          {"--work_dir", {"!work_dir", "!registry"}},
          {"--work_dir", {"--work_dir=", "--registry=replicated_log"}},
          {"--quorum", {"--registry=replicated_log", "--zk=zk://a:1/mesos"}},
          {"--quorum", {"--quorum=most"}}, {"--quorum", {"--quorum=0"}},
          {"--registry_fetch_timeout", {"--registry_fetch_timeout=soon"}});
    CHECK({"--peers: 'zk://a:1/m' has a scheme", {"--peers=zk://a:1/m"}},
          {"--peers: 'peers://a:1' has a scheme", {"--peers=peers://a:1"}},
          {"--peers: 'a' is not host:port", {"--peers=a,b:1"}}, {"--zk", {"--zk=peers://a:1,b:1"}});
    CHECK({"--zk", {"--zk=127.0.0.1:2181/mesos"}}, {"--zk", {"--zk=zk://127.0.0.1:1/"}},
          {"--zk", {"--zk=zk://127.0.0.1:1"}}, {"--zk", {"--zk=zk:///mesos"}},
          {"--zk", {"--zk=zk://a:1,/mesos"}}, {"--zk", {"--zk=zk://a/mesos"}},
          {"--zk", {"--zk=zk://a:0/mesos"}}, {"--zk", {"--zk=zk://a:x/mesos"}}, {"--zk", {"--zk="}},
          {"--zk", {"--zk=file:///no/such/file"}},
          {"--zk_session_timeout", {"--zk_session_timeout=10"}});
    CHECK({"--agent_ping_timeout", {"--agent_ping_timeout=999ms"}},
          {"--agent_ping_timeout", {"--agent_ping_timeout=16mins"}},
          {"--slave_ping_timeout", {"--slave_ping_timeout=10"}},
          {"--agent_ping_timeout", {"--agent_ping_timeout=10 parsecs"}},
          {"--max_agent_ping_timeouts", {"--max_agent_ping_timeouts=0"}},
          {"--max_agent_ping_timeouts", {"--max_agent_ping_timeouts=few"}},
          {"--agent_reregister_timeout", {"--agent_reregister_timeout=9mins"}},
          {"removal_limit", {"--recovery_agent_removal_limit=50"}},
          {"removal_limit", {"--recovery_agent_removal_limit=101%"}},
          {"removal_limit", {"--recovery_agent_removal_limit=-1%"}},
          {"removal_limit", {"--recovery_agent_removal_limit=some%"}},
          {"removal_limit", {"--recovery_agent_removal_limit=%"}});
    CHECK({"--offer_timeout", {"--offer_timeout=0secs"}},
          {"--offer_timeout", {"--offer_timeout=-1secs"}},
          {"--allocation_interval", {"--allocation_interval=often"}},
          {"--allocation_interval", {"--allocation_interval=0secs"}},
          {"--role_sorter", {"--role_sorter=fair"}},
          {"--framework_sorter", {"--framework_sorter=fair"}}, {"--weights", {"--weights=a"}},
          {"--weights", {"--weights=a=0"}}, {"--weights", {"--weights=a=-1"}},
          {"--weights", {"--weights=a=1=2"}}, {"--weights", {"--weights=a="}},
          {"--weights", {"--weights=a//b=1"}}, {"--weights", {"--weights=a=1,b"}},
          {"--weights", {"--weights=b=1", "--roles=a"}}, {"--roles", {"--roles=a//b"}},
          {"--roles", {"--roles=/a"}});
}

static void test_what_is_not_built_yet(void **state)
{
    (void)state;
    CHECK({"not supported yet: --allocator", {"--allocator=fair"}},
          {"not supported yet: --authenticators", {"--authenticators=other"}},
          {"not supported yet: --authorizers", {"--authorizers=other"}},
          {"not supported yet: --http_authenticators", {"--http_authenticators=other"}},
          {"not supported yet: --authenticate_frameworks", {"--authenticate"}},
          {"not supported yet: --authenticate_http_readwrite", {"--authenticate_http"}},
          {"not supported yet: --acls", {"--acls={}"}},
          {"not supported yet: --rate_limits", {"--rate_limits={\"limits\":[]}"}},
          {"not supported yet: --ip_discovery_command", {"--ip_discovery_command=echo"}},
          {"not supported yet: --master_detector", {"--master_detector=d"}});
    CHECK({"--domain", {"--domain={"}}, {"--modules", {"--modules=/no/such/file"}},
          {"--modules", {"--modules={"}}, {"--rate_limits", {"--rate_limits={"}},
          {"--firewall_rules", {"--firewall_rules={"}});
}

static void test_values(void **state)
{
    (void)state;
    struct err err;
    char *arguments[] = {(char *)(uintptr_t) "master", (char *)(uintptr_t) "--work_dir=/w"};
    assert_int_equal(run(arguments, 2, &err), 0);
    assert_string_equal(values.work_dir, "/w");
    assert_int_equal(values.port, 5050);
    assert_int_equal(values.agent_ping_timeout_ns, 15 * NS_PER_SEC);
    assert_int_equal(values.offer_constraints_re2_max_mem_bytes, 4096);
    assert_int_equal(values.offer_timeout_ns, FLAG_UNSET);
    assert_int_equal(values.quorum, FLAG_UNSET);
    assert_null(values.zk);
    assert_true(values.root_submissions);
    assert_string_equal(values.min_allocatable_resources, "cpus:0.01|mem:32");
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_starts_with),
        cmocka_unit_test(test_what_it_does_not_start_with),
        cmocka_unit_test(test_what_is_not_built_yet),
        cmocka_unit_test(test_values),
    };
    arena_init(&arena, 0);
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
