#include "flags_case.h"

#include "common/duration.h"
#include "daemon/agent_flags.h"

static struct agent_flags values;
static struct arena arena;

static int run(char **arguments, int count, struct err *err)
{
    arena_reset(&arena);
    struct flags flags = {agent_flags_table, agent_flags_count, &values, NULL, NULL, &arena};
    struct flags_source source = {.argc = count, .argv = arguments};
    int r = flags_parse(&flags, &source, NULL, err);
    return r != 0 ? r : agent_flags_validate(&values, err);
}

static const char *const usual[] = {"--ip=127.0.0.1", "--work_dir=/w", "--master=127.0.0.1:5050",
                                    NULL};

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
    CHECK({NULL, {"--ip=127.0.0.1"}}, {NULL, {"--master=host.example:1"}},
          {NULL, {"--master= 127.0.0.1:5050\n"}}, {NULL, {"--master=zk://a:1,b:2/mesos"}},
          {NULL, {"--master=peers://a:1,b:2,c:3"}}, {NULL, {"--master= peers://a:1/\n"}},
          {NULL, {"--master=zk://u:p@a:1/mesos"}}, {NULL, {"--launcher=linux"}},
          {NULL, {"--launcher=posix"}}, {NULL, {"--containerizers=mesos"}},
          {NULL, {"--recover=cleanup"}}, {NULL, {"--reconfiguration_policy=additive"}},
          {NULL, {"--registration_backoff_factor=1mins"}},
          {NULL, {"--executor_reregistration_timeout=15secs"}}, {NULL, {"--gc_disk_headroom=0"}},
          {NULL, {"--gc_disk_headroom=1.0"}}, {NULL, {"--fetcher_cache_size=0B"}},
          {NULL, {"--executor_environment_variables={\"A\":\"b\"}"}},
          {NULL, {"--default_role=a/b"}}, {NULL, {"--http_authenticators=basic"}},
          {NULL, {"--no-switch_user"}}, {NULL, {"--docker=/usr/bin/docker"}},
          {NULL, {"--network_link_speed=10MB"}}, {NULL, {"--image_providers="}},
          {NULL, {"--authenticatee=crammd5"}}, {NULL, {"--xfs_project_range=[1-2]"}});
}

static void test_what_it_does_not_start_with(void **state)
{
    (void)state;
    CHECK({"--master", {"!master"}}, {"--master", {"--master="}},
          {"--master", {"--master=nonsense"}}, {"--master", {"--master=127.0.0.1:x"}},
          {"--master", {"--master=127.0.0.1:0"}}, {"--master", {"--master=:5050"}},
          {"--master", {"--master=127.0.0.1:65536"}}, {"--master", {"--master=zk://a:1/"}},
          {"--master: 'peers://a:1,zk://b:1/m' mixes", {"--master=peers://a:1,zk://b:1/m"}},
          {"--master", {"--master=zk://b:1/m,peers://a:1"}}, {"--master", {"--master=peers://a"}},
          {"is a list without a scheme", {"--master=a:1,b:1"}},
          {"--master", {"--master=file:///no/such/file"}}, {"--work_dir", {"!work_dir"}},
          {"--work_dir", {"--work_dir="}}, {"--runtime_dir", {"--runtime_dir="}},
          {"--port", {"--port=70000"}}, {"--ip", {"--ip=x"}},
          {"--advertise_port", {"--advertise_port=-1"}});
    CHECK({"--launcher", {"--launcher=rocket"}}, {"--containerizers", {"--containerizers=crate"}},
          {"--containerizers", {"--containerizers="}},
          {"--containerizers", {"--containerizers=mesos,"}}, {"--recover", {"--recover=perhaps"}},
          {"--reconfiguration_policy", {"--reconfiguration_policy=sideways"}},
          {"--registration_backoff_factor", {"--registration_backoff_factor=2mins"}},
          {"--executor_reregistration_timeout", {"--executor_reregistration_timeout=16secs"}},
          {"--gc_disk_headroom", {"--gc_disk_headroom=1.5"}},
          {"--gc_disk_headroom", {"--gc_disk_headroom=-0.5"}}, {"--gc_delay", {"--gc_delay=later"}},
          {"--gc_delay", {"--gc_delay=-1secs"}},
          {"--fetcher_cache_size", {"--fetcher_cache_size=2 apples"}},
          {"--executor_environment_variables", {"--executor_environment_variables={"}},
          {"--executor_environment_variables", {"--executor_environment_variables=[]"}},
          {"--default_role", {"--default_role=a//b"}},
          {"--logging_level", {"--logging_level=debug"}});
    char path[200] = "--domain_socket_location=/";
    size_t prefix_size = strlen(path) - 1;
    memset(path + prefix_size, '/', 108);
    path[prefix_size + 108] = '\0';
    flags_case_check(run, usual, &(struct flags_case){"--domain_socket_location", {path}});
    path[prefix_size + 107] = '\0';
    flags_case_check(run, usual, &(struct flags_case){NULL, {path}});
}

static void test_what_is_not_built_yet(void **state)
{
    (void)state;
    CHECK({"not supported yet: --containerizers=docker", {"--containerizers=mesos,docker"}},
          {"not supported yet: --authenticatee", {"--authenticatee=other"}},
          {"not supported yet: --credential", {"--credential=/dev/null"}},
          {"not supported yet: --agent_features", {"--agent_features={\"capabilities\":[]}"}},
          {"not supported yet: --default_container_info", {"--default_container_info={}"}},
          {"not supported yet: --image_providers", {"--image_providers=DOCKER"}},
          {"not supported yet: --resource_estimator", {"--resource_estimator=r"}},
          {"not supported yet: --qos_controller", {"--qos_controller=q"}},
          {"not supported yet: --container_logger", {"--container_logger=c"}},
          {"not supported yet: --secret_resolver", {"--secret_resolver=s"}},
          {"not supported yet: --jwt_secret_key", {"--executor_secret_key=/k"}},
          {"not supported yet: --network_cni_config_dir", {"--network_cni_config_dir=/n"}},
          {"not supported yet: --authenticate_http_readonly", {"--authenticate_http_readonly"}});
    CHECK({"--docker_config", {"--docker_config={"}},
          {"--default_container_info", {"--default_container_info={"}},
          {"--allowed_devices", {"--allowed_devices=x"}});
}

static void test_values(void **state)
{
    (void)state;
    struct err err;
    char *arguments[] = {(char *)(uintptr_t) "agent", (char *)(uintptr_t) "--work_dir=/w",
                         (char *)(uintptr_t) "--master=a:1"};
    assert_int_equal(run(arguments, 3, &err), 0);
    assert_int_equal(values.port, 5051);
    assert_null(values.launcher);
    assert_string_equal(values.runtime_dir, "/var/run/mesos");
    assert_string_equal(values.frameworks_home, "");
    assert_int_equal(values.gc_delay_ns, NS_PER_WEEK);
    assert_int_equal(values.fetcher_cache_size_bytes, INT64_C(2) << 30);
    assert_int_equal(values.executor_reregistration_retry_interval_ns, FLAG_UNSET);
    assert_int_equal(values.egress_burst_bytes, FLAG_UNSET);
    assert_true(values.gc_disk_headroom == 0.1);
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
