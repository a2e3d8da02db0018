/* tepui local: its flags, and what it starts. */
#include "../unit.h"

#include "cli/local_plan.h"

static struct arena arena;
static struct local_flags values;

static int parse(const char *const *arguments, struct err *err)
{
    char *argv[8] = {(char *)(uintptr_t) "local"};
    int argc = 1;
    while (*arguments != NULL) {
        argv[argc++] = (char *)(uintptr_t)*arguments++;
    }
    struct flags flags = {
        .table = local_flags_table, .count = local_flags_count, .values = &values, .arena = &arena};
    struct flags_source source = {.argc = argc, .argv = argv};
    int r = flags_parse(&flags, &source, NULL, err);
    return r != 0 ? r : local_flags_check(&values, err);
}

static void refuse(const char *argument, const char *why)
{
    struct err err = {""};
    const char *const arguments[] = {argument, NULL};
    assert_true(parse(arguments, &err) < 0);
    if (strstr(err.text, why) == NULL) {
        fail_msg("%s: %s", argument, err.text);
    }
}

static void accept_all(const char *const *arguments)
{
    struct err err = {""};
    if (parse(arguments, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static void flags_have_limits(void **state)
{
    (void)state;
    accept_all((const char *const[]){NULL});
    assert_int_equal(values.num_agents, 1);
    assert_int_equal(values.port, 5050);
    assert_string_equal(values.ip, "127.0.0.1");
    assert_null(values.work_dir);
    accept_all((const char *const[]){"--num_slaves=64", "--port=65535", NULL});
    assert_int_equal(values.num_agents, LOCAL_AGENTS_MAX);
    accept_all((const char *const[]){"--num_agents=1", "--port=0", "--ip=0.0.0.0", NULL});
    refuse("--num_agents=0", "--num_agents: expected to be 1 to 64");
    refuse("--num_agents=65", "--num_agents: expected to be 1 to 64");
    refuse("--port=-1", "--port");
    refuse("--port=65536", "--port");
    refuse("--ip=localhost", "--ip: 'localhost' is not an IPv4 address");
    refuse("--work_dir=", "--work_dir");
    refuse("--quorum=1", "quorum");
}

static struct local_plan make(const char *const *envp)
{
    struct local_plan plan;
    local_plan_make(
        &(struct local_plan_options){.flags = &values, .work_dir = "/c", .port = 7, .envp = envp},
        &arena, &plan);
    return plan;
}

static const char *join(const char *const *texts)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    for (; *texts != NULL; texts++) {
        buf_printf(&out, "%s ", *texts);
    }
    return arena_strdup(&arena, buf_text(&out));
}

static void a_master_and_its_agents(void **state)
{
    (void)state;
    const char *const envp[] = {"HOME=/root", NULL};
    accept_all((const char *const[]){"--num_agents=2", NULL});
    struct local_plan plan = make(envp);
    assert_int_equal(plan.process_count, 3);
    assert_string_equal(plan.master, "127.0.0.1:7");
    assert_string_equal(plan.processes[0].name, "the master");
    assert_string_equal(plan.processes[0].log, "/c/logs/master");
    assert_string_equal(join(plan.processes[0].argv),
                        "tepui-master --ip=127.0.0.1 --port=7 --work_dir=/c/master "
                        "--hostname=127.0.0.1 ");
    assert_string_equal(plan.processes[2].name, "agent 1");
    assert_string_equal(plan.processes[2].log, "/c/logs/agent-1");
    assert_string_equal(join(plan.processes[2].argv),
                        "tepui-agent --master=127.0.0.1:7 --ip=127.0.0.1 --port=0 "
                        "--work_dir=/c/agents/1/work --runtime_dir=/c/agents/1/run "
                        "--fetcher_cache_dir=/c/agents/1/fetch --hostname=127.0.0.1 "
                        "--launcher=posix --isolation=posix/cpu,posix/mem "
                        "--no-systemd_enable_support --registration_backoff_factor=100ms ");
    assert_int_equal(plan.folder_count, 5);
    assert_string_equal(plan.folders[0], "/c");
    assert_string_equal(plan.folders[4], "/c/agents/1");
    assert_string_equal(plan.removed[1], "/c/agents/1/work/meta/slaves/latest");
}

/* What would make another cluster of them does not reach them; what tunes them does. */
static void variables_reach_them(void **state)
{
    (void)state;
    const char *const envp[] = {"MESOS_ZK=zk://a:1/m",
                                "MESOS_PEERS=a:1",
                                "LIBPROCESS_PORT=1",
                                "MESOS_WORK_DIR=/x",
                                "MESOS_LAUNCHER=linux",
                                "MESOS_ISOLATION=cgroups/cpu",
                                "MESOS_HOSTNAME=here",
                                "MESOS_RESOURCES=cpus:1",
                                "PATH=/bin",
                                NULL};
    accept_all((const char *const[]){NULL});
    struct local_plan plan = make(envp);
    assert_string_equal(join(plan.envp),
                        "MESOS_LAUNCHER=linux MESOS_ISOLATION=cgroups/cpu MESOS_HOSTNAME=here "
                        "MESOS_RESOURCES=cpus:1 PATH=/bin ");
    assert_null(strstr(join(plan.processes[0].argv), "--hostname"));
    assert_null(strstr(join(plan.processes[1].argv), "--launcher="));
    assert_null(strstr(join(plan.processes[1].argv), "--isolation"));
    assert_non_null(strstr(join(plan.processes[1].argv), "--no-systemd_enable_support"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(flags_have_limits),
        TEST(a_master_and_its_agents),
        TEST(variables_reach_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
