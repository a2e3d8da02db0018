#include "plan_kit.h"

#include <sched.h>

static const struct launch_parent top = {
    .path = "p", .pid = 7, .directory = "/p", .own_cgroups = true};

/* The whole plan of a spec, which is freed. */
static char *whole(struct paper *paper, const char *path, struct container_spec *spec,
                   const struct launch_parent *parent, struct launch_result *ret)
{
    struct err err = {0};
    if (launch_plan(&paper->options, &paper->facts, &paper->isolators, path, spec, parent, ret,
                    &err) != 0) {
        fail_msg("%s", err.text);
    }
    struct plan plan;
    struct buf out = BUF_INIT;
    assert_int_equal(plan_decode(blob_slice(ret->plan), &plan), 0);
    plan_format(&plan, &out);
    plan_deinit(&plan);
    container_spec_free(spec);
    char *text = xstrdup(buf_text(&out));
    buf_deinit(&out);
    return text;
}

static void add_env(struct container_spec *spec, const char *name, const char *value)
{
    spec->env = xrealloc(spec->env, spec->env_count + 1, sizeof(spec->env[0]));
    spec->env[spec->env_count++] = (struct container_env){xstrdup(name), xstrdup(value)};
}

static void test_with_the_posix_launcher(void **state)
{
    (void)state;
    struct paper paper;
    struct launch_result result;
    paper_init(&paper, CGROUPS_V1, "posix", NULL);
    paper_start(&paper);
    struct container_spec *spec = paper_spec("echo $A");
    spec->user = xstrdup("alice");
    add_env(spec, "A", "1");
    add_env(spec, "B", "x y");
    add_env(spec, "A", "2"); /* the later counts */
    char *text = whole(&paper, "c", spec, NULL, &result);
    assert_string_equal(text,
                        "user alice\nstdio /s\nwait\nsweep\nfork\nchdir /s\nsetuser\n"
                        "arg sh\narg -c\narg echo $A\n"
                        "env B=x y\nenv A=2\n"
                        "env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                        "exec /bin/sh "
                        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    assert_int_equal(result.clone_flags, 0);
    assert_false(result.own_pid_namespace);
    free(text);
    launch_result_deinit(&result);
    isolators_deinit(&paper.isolators);
}

static void test_with_namespaces(void **state)
{
    (void)state;
    struct paper paper;
    struct launch_result result;
    paper_init(&paper, CGROUPS_V1, "linux", "filesystem/linux,namespaces/pid,namespaces/ipc");
    paper_start(&paper);
    struct container_spec *spec = paper_spec("true");
    add_env(spec, "PATH", "/bin");
    spec->tty = true;
    char *text = whole(&paper, "c", spec, NULL, &result);
    assert_string_equal(text, "cgroup /cg/freezer/mesos/c\njoin /cg/freezer/mesos/c tasks\n"
                              "stdio /s\nwait\nslave\nmount proc /proc proc 14\ntty\nfork\n"
                              "chdir /s\nsetuser\narg sh\narg -c\narg true\nenv PATH=/bin\n"
                              "exec /bin/sh /bin\n");
    assert_int_equal(result.clone_flags, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC);
    assert_true(result.own_pid_namespace);
    free(text);
    launch_result_deinit(&result);
    isolators_deinit(&paper.isolators);
}

static void test_a_terminal_of_its_own(void **state)
{
    (void)state;
    struct paper paper;
    struct launch_result result;
    paper_init(&paper, CGROUPS_V1, "posix", NULL);
    paper_start(&paper);
    Pb__ContainerInfo info = PB__CONTAINER_INFO__INIT;
    Pb__TTYInfo terminal = PB__TTYINFO__INIT;
    Pb__TTYInfo__WindowSize size = PB__TTYINFO__WINDOW_SIZE__INIT;
    size.rows = 40;
    size.columns = UINT16_MAX + 1;
    terminal.window_size = &size;
    info.tty_info = &terminal;
    for (int is_task = 0; is_task < 2; is_task++) {
        struct container_spec *spec = paper_spec("true");
        spec->is_command_task = is_task != 0;
        paper_set_info(spec, &info);
        char *text = whole(&paper, "c", spec, NULL, &result);
        /* A command task takes it by itself: its executor does not want to be controlled. */
        assert_non_null(strstr(text, is_task ? "stdio /s\npty 40 65535\nwait\n"
                                             : "stdio /s\npty 40 65535 1\nwait\n"));
        free(text);
        launch_result_deinit(&result);
    }
    isolators_deinit(&paper.isolators);
}

static void test_a_nested_container_is_born_in_its_parents_namespaces(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V2, "linux", "filesystem/linux,namespaces/pid,namespaces/ipc");
    paper_start(&paper);
    struct launch_result result;
    char *text = whole(&paper, "p.a", paper_spec("true"), &top, &result);
    assert_non_null(strstr(text, "wait\nslave\nenter /proc/7/ns/ipc 134217728\n"
                                 "mount proc /proc proc 14\nfork\n"));
    assert_int_equal(result.enter_pid_of, 7);
    assert_int_equal(result.clone_flags, CLONE_NEWNS | CLONE_NEWPID);
    free(text);
    launch_result_deinit(&result);

    Pb__LinuxInfo share = PB__LINUX_INFO__INIT;
    share.has_share_pid_namespace = share.share_pid_namespace = 1;
    struct container_spec *spec = paper_spec("true");
    paper_set_linux(spec, &share);
    text = whole(&paper, "p.a", spec, &top, &result);
    assert_non_null(strstr(text, "mount proc /proc proc 14\n"));
    assert_int_equal(result.enter_pid_of, 7);
    assert_int_equal(result.clone_flags, CLONE_NEWNS);
    assert_false(result.own_pid_namespace);
    free(text);
    launch_result_deinit(&result);
    isolators_deinit(&paper.isolators);
}

static struct blob *parents_launch_info(void)
{
    Pb__Environment__Variable a = PB__ENVIRONMENT__VARIABLE__INIT, b = a;
    a.name = (char[]){"A"};
    a.value = (char[]){"parent's"};
    b.name = (char[]){"B"};
    b.value = (char[]){"kept"};
    Pb__Environment__Variable *both[] = {&a, &b};
    Pb__Environment environment = PB__ENVIRONMENT__INIT;
    environment.n_variables = 2;
    environment.variables = both;
    Pb__Slave__ContainerLaunchInfo info = PB__SLAVE__CONTAINER_LAUNCH_INFO__INIT;
    info.environment = &environment;
    return message_encode_blob(&info.base);
}

static void test_a_session_is_in_its_parents_namespaces_with_its_variables(void **state)
{
    (void)state;
    struct paper paper;
    struct launch_result result;
    paper_init(&paper, CGROUPS_V1, "linux", "filesystem/linux,namespaces/pid,namespaces/ipc");
    paper_start(&paper);
    struct launch_parent parent = top;
    parent.is_command_task = true;
    parent.launch_info = parents_launch_info();
    struct container_spec *spec = paper_spec("true");
    spec->debug = true;
    add_env(spec, "A", "own");
    char *text = whole(&paper, "p.s", spec, &parent, &result);
    assert_non_null(strstr(text, "wait\nenter /proc/7/ns/ipc 134217728\n"
                                 "enter /proc/7/ns/mnt task 131072\nfork\nchdir /p\n"));
    assert_non_null(strstr(text, "env B=kept\nenv A=own\n"));
    assert_int_equal(result.clone_flags, 0);
    assert_int_equal(result.enter_pid_of, 7);
    free(text);
    launch_result_deinit(&result);
    blob_unref(parent.launch_info);
    spec = paper_spec("true");
    spec->debug = true;
    paper_refuses(&paper, "s", spec, NULL, "parent");
    isolators_deinit(&paper.isolators);
}

static void test_commands_without_a_shell(void **state)
{
    (void)state;
    struct paper paper;
    struct launch_result result;
    paper_init(&paper, CGROUPS_V1, "posix", NULL);
    paper_start(&paper);
    Pb__CommandInfo command = PB__COMMAND_INFO__INIT;
    char *arguments[] = {(char[]){"argv0"}, (char[]){"one two"}};
    command.has_shell = 1;
    command.shell = 0;
    command.value = (char[]){"./program"};
    command.n_arguments = 2;
    command.arguments = arguments;
    struct container_spec *spec = paper_spec("");
    blob_unref(spec->command);
    spec->command = message_encode_blob(&command.base);
    add_env(spec, "PATH", "/x");
    char *text = whole(&paper, "c", spec, NULL, &result);
    assert_non_null(
        strstr(text, "setuser\narg argv0\narg one two\nenv PATH=/x\nexec ./program /x\n"));
    free(text);
    launch_result_deinit(&result);
    command.n_arguments = 0;
    spec = paper_spec("");
    blob_unref(spec->command);
    spec->command = message_encode_blob(&command.base);
    text = whole(&paper, "c", spec, NULL, &result);
    assert_non_null(strstr(text, "setuser\narg ./program\n"));
    free(text);
    launch_result_deinit(&result);
    isolators_deinit(&paper.isolators);
}

static void test_what_cannot_be_launched_is_refused(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "posix", NULL);
    paper_start(&paper);
    struct container_spec *spec = paper_spec("");
    blob_unref(spec->command);
    spec->command = blob_from(SLICE(""));
    paper_refuses(&paper, "c", spec, NULL, "Shell command is not specified");
    spec = paper_spec("");
    blob_unref(spec->command);
    spec->command = blob_from(SLICE("\xff"));
    paper_refuses(&paper, "c", spec, NULL, "Failed to parse");
    spec = paper_spec("true");
    spec->rootfs = xstrdup("/image");
    paper_refuses(&paper, "c", spec, NULL, "root filesystems");
    spec = paper_spec("true");
    Pb__ContainerInfo info = PB__CONTAINER_INFO__INIT;
    Pb__NetworkInfo network = PB__NETWORK_INFO__INIT;
    Pb__NetworkInfo *networks[] = {&network};
    network.name = (char[]){"bridge"};
    info.n_network_infos = 1;
    info.network_infos = networks;
    paper_set_info(spec, &info);
    paper_refuses(&paper, "c", spec, NULL, "bridge");
    spec = paper_spec("true");
    Pb__ContainerInfo docker = PB__CONTAINER_INFO__INIT;
    docker.type = PB__CONTAINER_INFO__TYPE__DOCKER;
    spec->container_info = message_encode_blob(&docker.base);
    paper_refuses(&paper, "c", spec, NULL, "MESOS");
    Pb__Secret secret = PB__SECRET__INIT;
    Pb__Secret__Reference reference = PB__SECRET__REFERENCE__INIT;
    Pb__Environment__Variable variable = PB__ENVIRONMENT__VARIABLE__INIT;
    Pb__Environment__Variable *variables[] = {&variable};
    Pb__Environment environment = PB__ENVIRONMENT__INIT;
    Pb__CommandInfo command = PB__COMMAND_INFO__INIT;
    reference.name = (char[]){"vault"};
    secret.has_type = 1;
    secret.type = PB__SECRET__TYPE__REFERENCE;
    secret.reference = &reference;
    variable.name = (char[]){"TOKEN"};
    variable.has_type = 1;
    variable.type = PB__ENVIRONMENT__VARIABLE__TYPE__SECRET;
    variable.secret = &secret;
    environment.n_variables = 1;
    environment.variables = variables;
    command.value = (char[]){"true"};
    command.environment = &environment;
    spec = paper_spec("true");
    blob_unref(spec->command);
    spec->command = message_encode_blob(&command.base);
    paper_refuses(&paper, "c", spec, NULL, "TOKEN");
    char *large = xalloc(PLAN_SIZE_MAX + 1);
    memset(large, 'x', PLAN_SIZE_MAX);
    paper_refuses(&paper, "c", paper_spec(large), NULL, "too large");
    free(large);
    isolators_deinit(&paper.isolators);
}

static void test_what_is_written_down_is_the_originals(void **state)
{
    (void)state;
    struct paper paper;
    struct launch_result result;
    paper_init(&paper, CGROUPS_V1, "linux", "filesystem/linux,namespaces/pid");
    paper_start(&paper);
    struct container_spec *spec = paper_spec("true");
    spec->user = xstrdup("alice");
    Pb__LinuxInfo linux_info = PB__LINUX_INFO__INIT;
    paper_set_linux(spec, &linux_info);
    add_env(spec, "A", "1");
    free(whole(&paper, "c", spec, NULL, &result));
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    Pb__Slave__ContainerConfig *config;
    Pb__Slave__ContainerLaunchInfo *info;
    assert_int_equal(MESSAGE_DECODE(Pb__Slave__ContainerConfig, pb__slave__container_config,
                                    blob_slice(result.config), &arena, &config, NULL),
                     0);
    assert_string_equal(config->directory, "/s");
    assert_string_equal(config->user, "alice");
    assert_string_equal(config->command_info->value, "true");
    assert_non_null(config->container_info->linux_info);
    assert_int_equal(config->container_class, PB__SLAVE__CONTAINER_CLASS__DEFAULT);
    assert_int_equal(MESSAGE_DECODE(Pb__Slave__ContainerLaunchInfo,
                                    pb__slave__container_launch_info,
                                    blob_slice(result.launch_info), &arena, &info, NULL),
                     0);
    assert_int_equal(info->environment->n_variables, 2);
    assert_string_equal(info->environment->variables[0]->name, "A");
    assert_int_equal(info->n_clone_namespaces, 2);
    assert_int_equal(info->clone_namespaces[1], CLONE_NEWPID);
    assert_string_equal(info->working_directory, "/s");
    assert_string_equal(info->command->value, "true");
    launch_result_deinit(&result);
    isolators_deinit(&paper.isolators);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_the_posix_launcher),
        cmocka_unit_test(test_with_namespaces),
        cmocka_unit_test(test_a_terminal_of_its_own),
        cmocka_unit_test(test_a_nested_container_is_born_in_its_parents_namespaces),
        cmocka_unit_test(test_a_session_is_in_its_parents_namespaces_with_its_variables),
        cmocka_unit_test(test_commands_without_a_shell),
        cmocka_unit_test(test_what_cannot_be_launched_is_refused),
        cmocka_unit_test(test_what_is_written_down_is_the_originals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
