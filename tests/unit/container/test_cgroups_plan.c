#include "plan_kit.h"

#include "container/cgroups_plan.h"

static const struct launch_parent top = {
    .path = "p", .pid = 7, .directory = "/p", .own_cgroups = true};

static void test_numbers_are_the_originals(void **state)
{
    (void)state;
    assert_int_equal(cgroups_plan_shares(500, false), 512);
    assert_int_equal(cgroups_plan_shares(600, false), 614);
    assert_int_equal(cgroups_plan_shares(1, false), 2);
    assert_int_equal(cgroups_plan_shares(500, true), 5);
    assert_int_equal(cgroups_plan_weight(500, false), 50);
    assert_int_equal(cgroups_plan_weight(1, false), 1);
    assert_int_equal(cgroups_plan_weight(1000000, false), 10000);
    assert_int_equal(cgroups_plan_weight(5000, true), 5);
    assert_int_equal(cgroups_plan_quota_us(500), 50000);
    assert_int_equal(cgroups_plan_quota_us(1), 1000);
}

static void test_v1_freezer_only(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "posix/cpu,posix/mem");
    paper_start(&paper);
    paper_expect(&paper, "c", paper_spec("true"), NULL,
                 "cgroup /cg/freezer/mesos/c\n"
                 "join /cg/freezer/mesos/c tasks\n"
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    isolators_deinit(&paper.isolators);
}

static void test_v1_of_a_top_level_container(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "cgroups/cpu,cgroups/mem,cgroups/cpuset,cgroups/pids");
    paper_start(&paper);
    paper_expect(&paper, "c", paper_spec("true"), NULL,
                 "cgroup /cg/freezer/mesos/c\n"
                 "cgroup /cg/cpu/mesos/c 1\n" /* cpu and cpuacct are one hierarchy */
                 "cgroup /cg/memory/mesos/c 1\n"
                 "cgroup /cg/pids/mesos/c 1\n"
                 "cgroup /cg/cpuset/mesos/c 1\n"
                 "copy /cg/cpuset/mesos/c cpuset.cpus\n"
                 "copy /cg/cpuset/mesos/c cpuset.mems\n"
                 "write /cg/cpu/mesos/c/cpu.shares 512\n"
                 "write /cg/memory/mesos/c/memory.soft_limit_in_bytes 67108864\n"
                 "write /cg/memory/mesos/c/memory.limit_in_bytes 67108864\n"
                 "join /cg/freezer/mesos/c tasks\n"
                 "join /cg/cpu/mesos/c tasks\n"
                 "join /cg/memory/mesos/c tasks\n"
                 "join /cg/pids/mesos/c tasks\n"
                 "join /cg/cpuset/mesos/c tasks\n"
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    isolators_deinit(&paper.isolators);
}

static void test_v1_of_nested_containers(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "cgroups/mem");
    paper_start(&paper);
    paper_expect(&paper, "p.a", paper_spec("true"), &top,
                 "cgroup /cg/freezer/mesos/p/mesos 0 1\n"
                 "cgroup /cg/freezer/mesos/p/mesos/a\n"
                 "join /cg/freezer/mesos/p/mesos/a tasks\n"
                 "join /cg/memory/mesos/p tasks 1\n"
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    Pb__LinuxInfo own = PB__LINUX_INFO__INIT;
    own.has_share_cgroups = 1;
    own.share_cgroups = 0;
    struct container_spec *spec = paper_spec("true");
    paper_set_linux(spec, &own);
    spec->share_cgroups = false;
    spec->mem_limit_bytes = 4096 * INT64_C(1048576);
    paper_expect(&paper, "p.a", spec, &top,
                 "cgroup /cg/freezer/mesos/p/mesos 0 1\n"
                 "cgroup /cg/freezer/mesos/p/mesos/a\n"
                 "cgroup /cg/memory/mesos/p/mesos 0 1\n"
                 "cgroup /cg/memory/mesos/p/mesos/a 1\n"
                 "write /cg/memory/mesos/p/mesos/a/memory.soft_limit_in_bytes 67108864\n"
                 "write /cg/memory/mesos/p/mesos/a/memory.limit_in_bytes 4294967296\n"
                 "join /cg/freezer/mesos/p/mesos/a tasks\n"
                 "join /cg/memory/mesos/p/mesos/a tasks\n"
                 "oom 993\n" /* 1000 - 1000 * 64 MB / 8 GB */
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    struct paper sets;
    paper_init(&sets, CGROUPS_V1, "linux", "cgroups/cpuset");
    paper_start(&sets);
    spec = paper_spec("true");
    paper_set_linux(spec, &own);
    spec->share_cgroups = false;
    paper_expect(&sets, "p.a", spec, &top,
                 "cgroup /cg/freezer/mesos/p/mesos 0 1\n"
                 "cgroup /cg/freezer/mesos/p/mesos/a\n"
                 "cgroup /cg/cpuset/mesos/p/mesos 0 1\n"
                 "cgroup /cg/cpuset/mesos/p/mesos/a 1\n"
                 "copy /cg/cpuset/mesos/p/mesos cpuset.cpus\n"
                 "copy /cg/cpuset/mesos/p/mesos cpuset.mems\n"
                 "copy /cg/cpuset/mesos/p/mesos/a cpuset.cpus\n"
                 "copy /cg/cpuset/mesos/p/mesos/a cpuset.mems\n"
                 "join /cg/freezer/mesos/p/mesos/a tasks\n"
                 "join /cg/cpuset/mesos/p/mesos/a tasks\n"
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    isolators_deinit(&sets.isolators);
    /* One that shares is in the cgroups of the nearest that does not. */
    struct launch_parent nested = {.parent = &top, .path = "p.a", .pid = 8, .directory = "/p/a"};
    paper_expect(&paper, "p.a.b", paper_spec("true"), &nested,
                 "cgroup /cg/freezer/mesos/p/mesos/a/mesos 0 1\n"
                 "cgroup /cg/freezer/mesos/p/mesos/a/mesos/b\n"
                 "join /cg/freezer/mesos/p/mesos/a/mesos/b tasks\n"
                 "join /cg/memory/mesos/p tasks 1\n"
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    isolators_deinit(&paper.isolators);
}

static void expect_amounts(struct paper *paper, const struct container_spec *spec, bool update,
                           const char *expected)
{
    struct cgroups_scope scope = {&paper->options, &paper->facts, &paper->isolators};
    struct plan plan;
    plan_init(&plan);
    if (update) {
        cgroups_plan_update(&scope, "c", spec, &plan);
    } else if (paper->facts.cgroups == CGROUPS_V1) {
        cgroups_v1_plan_amounts(&scope, "c", spec, false, &plan);
    } else {
        cgroups_v2_plan_amounts(&scope, "c", spec, false, &plan);
    }
    struct buf out = BUF_INIT;
    plan_format(&plan, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_deinit(&out);
    plan_deinit(&plan);
}

static void test_v1_amounts(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "cgroups/cpu,cgroups/mem");
    paper_start(&paper);
    struct container_spec spec = {.cpus_milli = 500, .mem_bytes = 4 << 20};
    expect_amounts(&paper, &spec, false,
                   "write /cg/cpu/mesos/c/cpu.shares 512\n"
                   "write /cg/memory/mesos/c/memory.soft_limit_in_bytes 33554432\n"
                   "write /cg/memory/mesos/c/memory.limit_in_bytes 33554432\n");
    /* A limit makes a quota without the flag; infinity writes -1. */
    spec.cpus_limit_milli = 1500;
    spec.mem_limit_bytes = 64 << 20;
    expect_amounts(&paper, &spec, false,
                   "write /cg/cpu/mesos/c/cpu.shares 512\n"
                   "write /cg/cpu/mesos/c/cpu.cfs_period_us 100000\n"
                   "write /cg/cpu/mesos/c/cpu.cfs_quota_us 150000\n"
                   "write /cg/memory/mesos/c/memory.soft_limit_in_bytes 33554432\n"
                   "write /cg/memory/mesos/c/memory.limit_in_bytes 67108864\n");
    spec.cpus_limit_milli = spec.mem_limit_bytes = INT64_MAX;
    paper.options.cgroups_limit_swap = true;
    expect_amounts(&paper, &spec, false,
                   "write /cg/cpu/mesos/c/cpu.shares 512\n"
                   "write /cg/cpu/mesos/c/cpu.cfs_period_us 100000\n"
                   "write /cg/cpu/mesos/c/cpu.cfs_quota_us -1\n"
                   "write /cg/memory/mesos/c/memory.soft_limit_in_bytes 33554432\n"
                   "write /cg/memory/mesos/c/memory.limit_in_bytes -1\n"
                   "write /cg/memory/mesos/c/memory.memsw.limit_in_bytes -1\n");
    spec =
        (struct container_spec){.cpus_milli = 250, .mem_bytes = 128 << 20, .cpus_revocable = true};
    paper.options.cgroups_enable_cfs = true;
    paper.options.revocable_cpu_low_priority = true;
    expect_amounts(&paper, &spec, true, /* raising, that with swap goes first */
                   "write /cg/cpu/mesos/c/cpu.shares 2\n"
                   "write /cg/cpu/mesos/c/cpu.cfs_period_us 100000\n"
                   "write /cg/cpu/mesos/c/cpu.cfs_quota_us 25000\n"
                   "write /cg/memory/mesos/c/memory.soft_limit_in_bytes 134217728\n"
                   "raise /cg/memory/mesos/c/memory.memsw.limit_in_bytes 134217728\n"
                   "raise /cg/memory/mesos/c/memory.limit_in_bytes 134217728\n");
    isolators_deinit(&paper.isolators);
}

static void test_v2_amounts(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V2, "linux", "cgroups/cpu,cgroups/mem");
    paper_start(&paper);
    struct container_spec spec = {.cpus_milli = 500, .mem_bytes = 4 << 20};
    expect_amounts(&paper, &spec, false,
                   "write /cg/mesos/c/cpu.weight 50\n"
                   "write /cg/mesos/c/cpu.max max 100000\n"
                   "write /cg/mesos/c/memory.low 33554432\n"
                   "write /cg/mesos/c/memory.max 33554432\n");
    spec.cpus_limit_milli = 1500;
    spec.mem_limit_bytes = INT64_MAX;
    expect_amounts(&paper, &spec, true,
                   "write /cg/mesos/c/cpu.weight 50\n"
                   "write /cg/mesos/c/cpu.max 150000 100000\n"
                   "write /cg/mesos/c/memory.low 33554432\n"
                   "raise /cg/mesos/c/memory.max max\n");
    isolators_deinit(&paper.isolators);
}

static void test_v2_of_containers(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V2, "linux", "cgroups/cpu,cgroups/pids,cgroups/perf_event");
    paper_start(&paper);
    paper_expect(&paper, "c", paper_spec("true"), NULL,
                 "cgroup /cg/mesos/c 0 1\n"
                 "cgroup /cg/mesos/c/leaf 1 1\n"
                 "write /cg/mesos/c/cpu.weight 50\n"
                 "write /cg/mesos/c/cpu.max max 100000\n"
                 "join /cg/mesos/c/leaf cgroup.procs 0 1\n"
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    paper_expect(&paper, "p.a", paper_spec("true"), &top,
                 "cgroup /cg/mesos/p/mesos 0 1\n"
                 "cgroup /cg/mesos/p/mesos/a\n"
                 "cgroup /cg/mesos/p/mesos/a/leaf 1\n"
                 "join /cg/mesos/p/mesos/a/leaf cgroup.procs\n"
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    Pb__LinuxInfo own = PB__LINUX_INFO__INIT;
    own.has_share_cgroups = 1;
    own.share_cgroups = 0;
    struct container_spec *spec = paper_spec("true");
    paper_set_linux(spec, &own);
    spec->share_cgroups = false;
    paper_expect(&paper, "p.a", spec, &top, /* controllers come down to it */
                 "cgroup /cg/mesos/p/mesos 0 1\n"
                 "write /cg/mesos/p/cgroup.subtree_control +cpu +pids\n"
                 "write /cg/mesos/p/mesos/cgroup.subtree_control +cpu +pids\n"
                 "cgroup /cg/mesos/p/mesos/a\n"
                 "cgroup /cg/mesos/p/mesos/a/leaf 1\n"
                 "write /cg/mesos/p/mesos/a/cpu.weight 50\n"
                 "write /cg/mesos/p/mesos/a/cpu.max max 100000\n"
                 "join /cg/mesos/p/mesos/a/leaf cgroup.procs\n"
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    isolators_deinit(&paper.isolators);
}

static void expect_folders(struct paper *paper, const char *path, bool own, const char *expected)
{
    struct cgroups_scope scope = {&paper->options, &paper->facts, &paper->isolators};
    struct buf out = BUF_INIT;
    cgroups_plan_folders(&scope, path, own, &out);
    assert_string_equal(out.size != 0 ? buf_text(&out) : "", expected);
    buf_deinit(&out);
}

static void test_folders(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "cgroups/cpu,cgroups/mem");
    paper_start(&paper);
    expect_folders(
        &paper, "p.a", true,
        "/cg/freezer/mesos/p/mesos/a\n/cg/cpu/mesos/p/mesos/a\n/cg/memory/mesos/p/mesos/a\n");
    expect_folders(&paper, "p.a", false, "/cg/freezer/mesos/p/mesos/a\n");
    isolators_deinit(&paper.isolators);
    paper_init(&paper, CGROUPS_V2, "linux", "cgroups/cpu");
    paper_start(&paper);
    expect_folders(&paper, "p.a", false, "/cg/mesos/p/mesos/a\n");
    isolators_deinit(&paper.isolators);
    paper_init(&paper, CGROUPS_V1, "posix", NULL);
    paper_start(&paper);
    expect_folders(&paper, "c", true, "");
    isolators_deinit(&paper.isolators);
}

static void test_systemd_knows_the_processes(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", NULL);
    paper.facts.hierarchies[paper.facts.hierarchy_count++] =
        (struct containerizer_hierarchy){"name=systemd", "/cg/systemd"};
    paper_start(&paper);
    paper_expect(&paper, "c", paper_spec("true"), NULL,
                 "cgroup /cg/freezer/mesos/c\n"
                 "cgroup /cg/systemd/mesos/c\n"
                 "join /cg/freezer/mesos/c tasks\n"
                 "join /cg/systemd/mesos/c tasks\n"
                 "stdio /s\nwait\nfork\nchdir /s\nsetuser\n");
    isolators_deinit(&paper.isolators);
}

static void test_devices(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "cgroups/devices");
    paper.options.allowed_devices = "{\"allowed_devices\": [{\"device\": {\"path\": "
                                    "\"/dev/kmsg\"}, \"access\": {\"read\": true}}]}";
    paper_start(&paper);
    struct launch_result result;
    struct container_spec *spec = paper_spec("true");
    assert_int_equal(
        launch_plan(&paper.options, &paper.facts, &paper.isolators, "c", spec, NULL, &result, NULL),
        0);
    char *text = paper_text(result.plan);
    assert_non_null(strstr(text, "write /cg/devices/mesos/c/devices.deny a\n"));
    assert_non_null(strstr(text, "write /cg/devices/mesos/c/devices.allow c 1:3 rwm\n"));
    assert_non_null(strstr(text, "device /cg/devices/mesos/c /dev/kmsg r\n"));
    free(text);
    launch_result_deinit(&result);
    container_spec_free(spec);
    isolators_deinit(&paper.isolators);
}

static void test_amounts_must_be_given(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "cgroups/cpu,cgroups/mem");
    paper_start(&paper);
    struct container_spec *spec = paper_spec("true");
    spec->mem_bytes = 0;
    paper_refuses(&paper, "c", spec, NULL, "No memory");
    spec = paper_spec("true");
    spec->cpus_milli = 0;
    paper_refuses(&paper, "c", spec, NULL, "No cpus");
    isolators_deinit(&paper.isolators);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_the_originals),
        cmocka_unit_test(test_v1_freezer_only),
        cmocka_unit_test(test_v1_of_a_top_level_container),
        cmocka_unit_test(test_v1_of_nested_containers),
        cmocka_unit_test(test_v1_amounts),
        cmocka_unit_test(test_v2_amounts),
        cmocka_unit_test(test_v2_of_containers),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_systemd_knows_the_processes),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_amounts_must_be_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
