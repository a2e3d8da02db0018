#include "plan_kit.h"

#include "container/containerizer.h"

static void accepts(const char *launcher, const char *isolation)
{
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, launcher, isolation);
    paper_start(&paper);
    isolators_deinit(&paper.isolators);
}

static void refuses(struct paper *paper, const char *why)
{
    struct err err = {0};
    assert_int_equal(isolators_parse(&paper->options, &paper->facts, &paper->isolators, &err),
                     CONTAINERIZER_E_OPTIONS);
    if (strstr(err.text, why) == NULL) {
        fail_msg("'%s' is not in '%s'", why, err.text);
    }
}

static void refuses_isolation(const char *launcher, const char *isolation, const char *why)
{
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, launcher, isolation);
    refuses(&paper, why);
}

static void test_names(void **state)
{
    (void)state;
    accepts(NULL, NULL);
    accepts("posix", "posix/cpu,posix/mem");
    accepts("posix", "process");
    accepts("linux", "cgroups");
    accepts("linux", " cgroups/cpu , cgroups/mem,filesystem/linux,network/cni");
    refuses_isolation("linux", "cgroups/nonsense", "Unknown or unsupported isolator");
    refuses_isolation("linux", "disk/xfs", "not supported yet");
    refuses_isolation("linux", "posix/cpu,posix/cpu", "Duplicate");
    refuses_isolation("linux", "filesystem/linux,filesystem/posix", "multiple filesystem");
    refuses_isolation("windows", NULL, "launcher");
}

static void test_what_isolators_need(void **state)
{
    (void)state;
    refuses_isolation("posix", "cgroups/cpu", "'linux' launcher");
    refuses_isolation("linux", "namespaces/pid", "'filesystem/linux'");
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "posix", "linux/capabilities");
    paper.facts.uid = 1000;
    refuses(&paper, "root");
    paper_init(&paper, CGROUPS_V2, "linux", "cgroups/devices");
    refuses(&paper, "cgroup v1");
    paper_init(&paper, CGROUPS_NONE, "linux", NULL);
    refuses(&paper, "cgroups");
    paper_init(&paper, CGROUPS_V2, "linux", NULL);
    paper.options.cgroups_limit_swap = true;
    refuses(&paper, "cgroups_limit_swap");
}

static void test_the_launcher_is_what_the_host_can(void **state)
{
    (void)state;
    static const struct {
        enum containerizer_cgroups cgroups;
        uint32_t uid;
        bool is_linux;
    } cases[] = {{CGROUPS_V1, 0, true},
                 {CGROUPS_V2, 0, true},
                 {CGROUPS_NONE, 0, false},
                 {CGROUPS_V1, 1000, false}};
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct paper paper;
        paper_init(&paper, cases[i].cgroups, NULL, NULL);
        paper.facts.uid = cases[i].uid;
        paper_start(&paper);
        assert_int_equal(paper.isolators.is_linux, cases[i].is_linux);
        isolators_deinit(&paper.isolators);
    }
}

static void test_some_are_always_on(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "cgroups/cpu");
    paper_start(&paper);
    assert_true(isolators_have(&paper.isolators, ISOLATOR_FILESYSTEM_POSIX));
    assert_false(isolators_have(&paper.isolators, ISOLATOR_VOLUME_HOST_PATH));
    isolators_deinit(&paper.isolators);
    paper_init(&paper, CGROUPS_V1, "linux", "filesystem/linux");
    paper_start(&paper);
    assert_true(isolators_have(&paper.isolators, ISOLATOR_VOLUME_HOST_PATH));
    assert_true(isolators_have(&paper.isolators, ISOLATOR_VOLUME_SANDBOX_PATH));
    isolators_deinit(&paper.isolators);
}

static void test_capabilities_of_the_operator(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "linux/capabilities");
    paper.options.effective_capabilities = "{\"capabilities\": [\"CHOWN\", \"KILL\"]}";
    paper.options.bounding_capabilities = "{\"capabilities\": [\"CHOWN\"]}";
    refuses(&paper, "subset");
    paper.options.bounding_capabilities = "{\"capabilities\": ";
    refuses(&paper, "bounding_capabilities");
    paper.options.bounding_capabilities = NULL;
    paper_start(&paper);
    assert_int_equal(paper.isolators.effective, 1 | 1 << 5);
    isolators_deinit(&paper.isolators);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_isolators_need),
        cmocka_unit_test(test_the_launcher_is_what_the_host_can),
        cmocka_unit_test(test_some_are_always_on),
        cmocka_unit_test(test_capabilities_of_the_operator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
