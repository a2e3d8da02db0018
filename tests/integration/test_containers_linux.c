#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container_kit.h"
#include "wire/message.h"
#include "wire/pb.h"

#define LINUX_ISOLATION "cgroups/cpu,cgroups/mem,cgroups/pids,filesystem/linux,namespaces/pid"
#define MANY 100

/* Waits until a condition holds, or fails. */
#define EVENTUALLY(condition)                          \
    do {                                               \
        bool holds_ = (condition);                     \
        for (int i_ = 0; !holds_ && i_ < 2000; i_++) { \
            usleep(5000);                              \
            holds_ = (condition);                      \
        }                                              \
        assert_true(holds_);                           \
    } while (0)

static void assert_nothing_left(struct kit *kit)
{
    EVENTUALLY(kit_cgroups_left(kit) == 0);
    assert_int_equal(kit_mounts_left(kit), 0);
    assert_int_equal(kit_processes(kit->dir), 0);
    CLEANUP(xfreep) char *containers = xasprintf("%s/containers/*", kit->runtime_dir);
    CLEANUP(xfreep) char *command = xasprintf("test -z \"$(ls -d %s 2>/dev/null)\"", containers);
    assert_int_equal(system(command), 0);
}

struct launcher {
    const char *launcher;
    const char *isolation;
    const char *hierarchy; /* NULL = the usual */
};

/* Those with a hierarchy are for hosts that have v2 beside v1, without controllers. */
static const struct launcher launchers[] = {
    {"posix", "posix/cpu,posix/mem,posix/rlimits", NULL},
    {"linux", "posix/cpu,posix/mem", NULL},
    {"linux", LINUX_ISOLATION, NULL},
    {"linux", "posix/cpu,posix/mem", "/sys/fs/cgroup/unified"},
    {"linux", "posix/cpu,posix/mem,filesystem/linux,namespaces/pid", "/sys/fs/cgroup/unified"},
};

static void init(struct kit *kit, const struct launcher *l)
{
    kit_init(kit, l->launcher, l->isolation);
    kit->options.cgroups_hierarchy = l->hierarchy;
}

/* --- a container's life, with every launcher --- */

static void a_command_runs_and_its_status_is_told(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "c1", kit_spec(&kit, "c1", "pwd; echo $PATH >&2; exit 3"));
    assert_true(kit_launched(&kit, "c1") > 0);
    struct container_report *report = kit_await(&kit, CONTAINER_TERMINATED, "c1");
    assert_true(report->has_status);
    assert_int_equal(report->status, W_EXITCODE(3, 0));
    assert_int_equal(report->limit, CONTAINER_LIMIT_NONE);
    container_report_free(report);
    CLEANUP(xfreep) char *pwd = xasprintf("%s\n", kit_file(&kit, "c1", ""));
    assert_string_equal(kit_read(kit_file(&kit, "c1", "stdout")), pwd);
    assert_string_equal(kit_read(kit_file(&kit, "c1", "stderr")),
                        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void a_command_inherits_nothing_but_its_stdio(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "c", kit_spec(&kit, "c", "ls /proc/$$/fd"));
    kit_launched(&kit, "c");
    assert_int_equal(kit_terminated(&kit, "c"), 0);
    assert_string_equal(kit_read(kit_file(&kit, "c", "stdout")), "0\n1\n2\n");
    kit_deinit(&kit);
}

/* Each cuts another tie: session, group, parent, terminal signals. */
#define STRAYS                                                                 \
    "sleep 7411 & setsid sleep 7411 & (setsid sh -c 'trap \"\" HUP TERM INT; " \
    "(setsid sleep 7411 < /dev/null > /dev/null 2>&1 &)' &); trap '' TERM; "

static void all_that_descends_from_a_command_ends_with_it(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "c", kit_spec(&kit, "c", STRAYS "while [ ! -e end ]; do sleep 0.02; done"));
    kit_launched(&kit, "c");
    EVENTUALLY(kit_processes("sleep 7411") >= 3);
    int fd = creat(kit_file(&kit, "c", "end"), 0644);
    close(fd);
    assert_int_equal(kit_terminated(&kit, "c"), 0);
    assert_int_equal(kit_processes("sleep 7411"), 0);
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void destroy_ends_all_of_it(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "c", kit_spec(&kit, "c", STRAYS "touch ready; sleep 7411; sleep 7411"));
    kit_launched(&kit, "c");
    EVENTUALLY(kit_processes("sleep 7411") >= 4);
    kit_destroy(&kit, "c");
    assert_int_equal(kit_terminated(&kit, "c"), SIGKILL);
    assert_int_equal(kit_processes("sleep 7411"), 0);
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void a_first_process_killed_from_outside_leaves_nothing(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "c", kit_spec(&kit, "c", "sleep 7412 & sleep 7412"));
    pid_t pid = (pid_t)kit_launched(&kit, "c");
    EVENTUALLY(kit_processes("sleep 7412") >= 2);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(kit_terminated(&kit, "c"), SIGKILL);
    assert_int_equal(kit_processes("sleep 7412"), 0);
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void stopped_processes_are_killed_too(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "c", kit_spec(&kit, "c", "sleep 7413 & kill -STOP $!; echo up > ready; wait"));
    pid_t pid = (pid_t)kit_launched(&kit, "c");
    kit_read(kit_file(&kit, "c", "ready"));
    kill(pid, SIGSTOP);
    kit_destroy(&kit, "c");
    kit_terminated(&kit, "c");
    assert_int_equal(kit_processes("sleep 7413"), 0);
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void a_signal_reaches_the_command(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "c",
               kit_spec(&kit, "c",
                        "trap 'exit 9' TERM; echo up > ready; "
                        "while :; do sleep 0.02; done"));
    kit_launched(&kit, "c");
    kit_read(kit_file(&kit, "c", "ready"));
    struct container_requests requests;
    container_requests_init(&requests);
    kit_request(&requests, CONTAINER_KILL, "c")->signal = SIGTERM;
    kit_send(&kit, &requests);
    assert_int_equal(kit_terminated(&kit, "c"), W_EXITCODE(9, 0));
    kit_launch(&kit, "d", kit_spec(&kit, "d", "sleep 7414"));
    kit_launched(&kit, "d");
    kit_request(&requests, CONTAINER_KILL, "d")->signal = SIGKILL;
    kit_send(&kit, &requests);
    assert_int_equal(kit_terminated(&kit, "d"), SIGKILL);
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void it_can_be_destroyed_at_any_moment(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    for (int i = 0; i < 40; i++) {
        char path[32];
        snprintf(path, sizeof(path), "c%d", i);
        kit_launch(&kit, path, kit_spec(&kit, path, "sleep 7415 & sleep 7415"));
        usleep((useconds_t)(i * 150)); /* 0 to 6 ms into the launch */
        kit_destroy(&kit, path);
        kit_terminated(&kit, path);
    }
    assert_int_equal(kit_processes("sleep 7415"), 0);
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void a_container_outlives_its_agent(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "lives", kit_spec(&kit, "lives", "sleep 7416 & sleep 7416"));
    kit_launch(&kit, "ends",
               kit_spec(&kit, "ends", "while [ ! -e end ]; do sleep 0.02; done; exit 7"));
    kit_launch(&kit, "orphan", kit_spec(&kit, "orphan", "trap '' TERM; sleep 7417 & sleep 7417"));
    int64_t pid = kit_launched(&kit, "lives");
    kit_launched(&kit, "ends");
    kit_launched(&kit, "orphan");
    EVENTUALLY(kit_processes("sleep 7416") == 3 && kit_processes("sleep 7417") == 3);
    kit_stop(&kit);
    close(creat(kit_file(&kit, "ends", "end"), 0644));
    EVENTUALLY(kit_processes(kit_file(&kit, "ends", "")) == 0);
    usleep(50000);
    kit_start(&kit, (const char *const[]){"lives", "ends", "never", NULL});
    assert_int_equal(kit_terminated(&kit, "ends"), W_EXITCODE(7, 0));
    struct container_report *report = kit_await(&kit, CONTAINER_TERMINATED, "never");
    assert_false(report->has_status);
    container_report_free(report);
    EVENTUALLY(kit_processes("sleep 7417") == 0);
    assert_int_equal(kit_processes("sleep 7416"), 3);
    assert_int_equal(kill((pid_t)pid, 0), 0);
    kit_destroy(&kit, "lives");
    assert_int_equal(kit_terminated(&kit, "lives"), SIGKILL);
    assert_int_equal(kit_processes("sleep 7416"), 0);
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static struct blob *terminal_info(void)
{
    Pb__ContainerInfo info = PB__CONTAINER_INFO__INIT;
    Pb__TTYInfo terminal = PB__TTYINFO__INIT;
    Pb__TTYInfo__WindowSize size = PB__TTYINFO__WINDOW_SIZE__INIT;
    size.rows = 40;
    size.columns = 100;
    terminal.window_size = &size;
    info.type = PB__CONTAINER_INFO__TYPE__MESOS;
    info.tty_info = &terminal;
    return message_encode_blob(&info.base);
}

/* What it shows goes to its stdout, also while nobody is there but its first process. */
static void a_command_may_have_a_terminal(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    struct container_spec *spec = kit_spec(
        &kit, "c",
        "tty > told; stty size > size; touch ready; while [ ! -e go ]; do sleep 0.02; done; "
        "echo out; echo err >&2; echo forced > /dev/tty; sleep 7431 & exit 3");
    spec->container_info = terminal_info();
    kit_launch(&kit, "c", spec);
    kit_launched(&kit, "c");
    EVENTUALLY(kit_exists(kit_file(&kit, "c", "ready")));
    kit_stop(&kit);
    close(creat(kit_file(&kit, "c", "go"), 0644));
    EVENTUALLY(strstr(kit_read(kit_file(&kit, "c", "stdout")), "forced") != NULL);
    kit_start(&kit, (const char *const[]){"c", NULL});
    assert_int_equal(kit_terminated(&kit, "c"), W_EXITCODE(3, 0));
    assert_string_equal(kit_read(kit_file(&kit, "c", "stdout")), "out\r\nerr\r\nforced\r\n");
    assert_int_equal(strncmp(kit_read(kit_file(&kit, "c", "told")), "/dev/pts/", 9), 0);
    assert_string_equal(kit_read(kit_file(&kit, "c", "size")), "40 100\n");
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

/* More than a terminal or a pipe holds, up to the end. */
static void a_terminal_loses_nothing(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    struct container_spec *spec = kit_spec(&kit, "c", "seq 100000; echo end");
    spec->container_info = terminal_info();
    kit_launch(&kit, "c", spec);
    kit_launched(&kit, "c");
    assert_int_equal(kit_terminated(&kit, "c"), 0);
    struct stat st;
    assert_int_equal(stat(kit_file(&kit, "c", "stdout"), &st), 0);
    assert_int_equal(st.st_size, 588895 + 100000 + 5);
    kit_deinit(&kit);
}

/* The command ends, others go on writing: nobody waits for them. */
static void a_terminal_ends_with_its_command(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    struct container_spec *spec = kit_spec(&kit, "c", "yes & sleep 0.1; exit 3");
    spec->container_info = terminal_info();
    spec->is_command_task = true; /* the terminal controls nobody, so nothing is hung up */
    kit_launch(&kit, "c", spec);
    kit_launched(&kit, "c");
    assert_int_equal(kit_terminated(&kit, "c"), W_EXITCODE(3, 0));
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void nested_containers_end_before_their_parent(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "p", kit_spec(&kit, "p", "sleep 7418"));
    kit_launched(&kit, "p");
    kit_launch(&kit, "p.a", kit_spec(&kit, "p.a", "setsid sleep 7418 & sleep 7418"));
    kit_launch(&kit, "p.b", kit_spec(&kit, "p.b", "exit 4"));
    kit_launched(&kit, "p.a");
    assert_int_equal(kit_terminated(&kit, "p.b"), W_EXITCODE(4, 0));
    kit_launch(&kit, "p.a.x", kit_spec(&kit, "p.a.x", "sleep 7418"));
    kit_launched(&kit, "p.a.x");
    EVENTUALLY(kit_processes("sleep 7418") >= 4);
    kit_destroy(&kit, "p");
    static const char *const order[] = {"p.a.x", "p.a", "p"};
    for (size_t i = 0; i < ELEMENTS(order); i++) {
        struct container_report *report = kit_await(&kit, CONTAINER_TERMINATED, NULL);
        assert_string_equal(report->path, order[i]);
        container_report_free(report);
    }
    assert_int_equal(kit_processes("sleep 7418"), 0);
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void nested_containers_are_found_again(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "p", kit_spec(&kit, "p", "sleep 7419"));
    kit_launched(&kit, "p");
    kit_launch(&kit, "p.a", kit_spec(&kit, "p.a", "sleep 7419"));
    kit_launch(&kit, "p.b", kit_spec(&kit, "p.b", "exit 5"));
    int64_t pid = kit_launched(&kit, "p.a");
    kit_terminated(&kit, "p.b");
    kit_stop(&kit);
    kit_start(&kit, (const char *const[]){"p", NULL});
    struct container_report *report = kit_await(&kit, CONTAINER_RECOVERED, "p.a");
    assert_int_equal(report->pid, pid);
    container_report_free(report);
    container_report_free(kit_await(&kit, CONTAINER_RECOVERED, "p.b"));
    assert_int_equal(kit_terminated(&kit, "p.b"), W_EXITCODE(5, 0));
    struct container_requests requests;
    container_requests_init(&requests);
    kit_request(&requests, CONTAINER_REMOVE, "p.b")->token = 17;
    kit_request(&requests, CONTAINER_REMOVE, "p.a")->token = 18;
    kit_send(&kit, &requests);
    report = kit_await(&kit, CONTAINER_UPDATED, "p.b");
    assert_int_equal(report->token, 17);
    assert_int_equal(report->status, 0);
    container_report_free(report);
    assert_false(kit_exists(kit_file(&kit, "p.b", "")));
    report = kit_await(&kit, CONTAINER_UPDATED, "p.a");
    assert_true(report->status < 0);
    container_report_free(report);
    kit_destroy(&kit, "p");
    kit_terminated(&kit, "p.a");
    kit_terminated(&kit, "p");
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

/* What a task has put in the place of a folder in its sandbox does not lead root elsewhere. */
static void a_sandbox_is_not_removed_through_a_link(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "p", kit_spec(&kit, "p", "sleep 7419"));
    kit_launched(&kit, "p");
    kit_launch(&kit, "p.b", kit_spec(&kit, "p.b", "exit 0"));
    kit_terminated(&kit, "p.b");
    const char *outside = kit_file(&kit, "p", "outside");
    CLEANUP(xfreep)
    char *swap = xasprintf("cd %s && mv containers moved && mkdir -p outside/b && "
                           "echo kept > outside/b/file && ln -s outside containers",
                           kit_file(&kit, "p", ""));
    assert_int_equal(system(swap), 0);
    struct container_requests requests;
    container_requests_init(&requests);
    kit_request(&requests, CONTAINER_REMOVE, "p.b")->token = 17;
    kit_send(&kit, &requests);
    struct container_report *report = kit_await(&kit, CONTAINER_UPDATED, "p.b");
    assert_int_equal(report->status, 0); /* there is no sandbox of it any more */
    container_report_free(report);
    CLEANUP(xfreep) char *kept = xasprintf("%s/b/file", outside);
    assert_string_equal(kit_read(kept), "kept\n");
    kit_destroy(&kit, "p");
    kit_terminated(&kit, "p");
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

/* Nor is anything of it written there. */
static void a_sandbox_is_not_used_through_a_link(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "p", kit_spec(&kit, "p", "sleep 7419"));
    kit_launched(&kit, "p");
    struct container_spec *spec = kit_spec(&kit, "p.b", "exit 0");
    CLEANUP(xfreep)
    char *swap = xasprintf("cd %s && mv containers moved && ln -s moved containers",
                           kit_file(&kit, "p", ""));
    assert_int_equal(system(swap), 0);
    kit_launch(&kit, "p.b", spec);
    struct container_report *report = kit_await(&kit, CONTAINER_LAUNCH_FAILED, "p.b");
    assert_non_null(strstr(report->text, "Failed to open sandbox"));
    container_report_free(report);
    kit_terminated(&kit, "p.b");
    assert_false(kit_exists(kit_file(&kit, "p", "moved/b/stdout")));
    kit_destroy(&kit, "p");
    kit_terminated(&kit, "p");
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void many_at_once_leave_nothing(const struct launcher *l)
{
    struct kit kit;
    char path[32];
    init(&kit, l);
    kit_start(&kit, NULL);
    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "c%d", i);
        kit_launch(&kit, path, kit_spec(&kit, path, "sleep 7420 & sleep 7420"));
    }
    for (int i = 0; i < MANY; i++) {
        container_report_free(kit_await(&kit, CONTAINER_LAUNCHED, NULL));
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "c%d", i);
        kit_destroy(&kit, path);
    }
    for (int i = 0; i < MANY; i++) {
        container_report_free(kit_await(&kit, CONTAINER_TERMINATED, NULL));
    }
    assert_int_equal(kit_processes("sleep 7420"), 0);
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

static void usage_is_told(const struct launcher *l)
{
    struct kit kit;
    init(&kit, l);
    kit_start(&kit, NULL);
    kit_launch(&kit, "c",
               kit_spec(&kit, "c",
                        "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done; "
                        "echo up > ready; sleep 1000"));
    kit_launched(&kit, "c");
    kit_read(kit_file(&kit, "c", "ready"));
    struct container_requests requests;
    container_requests_init(&requests);
    kit_request(&requests, CONTAINER_USAGE, "c")->token = 5;
    kit_send(&kit, &requests);
    struct container_report *report = kit_await(&kit, CONTAINER_USAGE_RESULT, "c");
    assert_int_equal(report->token, 5);
    assert_int_equal(report->status, 0);
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    Pb__ResourceStatistics *usage;
    assert_int_equal(MESSAGE_DECODE(Pb__ResourceStatistics, pb__resource_statistics,
                                    blob_slice(report->message), &arena, &usage, NULL),
                     0);
    assert_true(usage->has_cpus_user_time_secs && usage->cpus_user_time_secs < 20);
    assert_true(usage->cpus_user_time_secs + usage->cpus_system_time_secs > 0);
    assert_true(usage->mem_rss_bytes > 100000 && usage->mem_rss_bytes < 64 << 20);
    assert_int_equal(usage->mem_limit_bytes, 64 << 20);
    container_report_free(report);
    kit_destroy(&kit, "c");
    kit_terminated(&kit, "c");
    kit_deinit(&kit);
}

/* --- users --- */

static void a_command_runs_as_its_user(const struct launcher *l)
{
    struct kit kit;
    if (geteuid() != 0) {
        return;
    }
    init(&kit, l);
    chmod(kit.dir, 0755);
    kit_start(&kit, NULL);
    struct container_spec *spec = kit_spec(&kit, "c", "id -un; id -G");
    spec->user = xstrdup("nobody");
    kit_launch(&kit, "c", spec);
    assert_int_equal(kit_terminated(&kit, "c"), 0);
    struct passwd *nobody = getpwnam("nobody");
    CLEANUP(xfreep) char *told = xasprintf("nobody\n%u\n", nobody->pw_gid);
    assert_string_equal(kit_read(kit_file(&kit, "c", "stdout")), told);
    struct stat st;
    assert_int_equal(stat(kit_file(&kit, "c", "stdout"), &st), 0);
    assert_int_equal(st.st_uid, nobody->pw_uid);
    spec = kit_spec(&kit, "d", "true");
    spec->user = xstrdup("nosuchuser");
    kit_launch(&kit, "d", spec);
    struct container_report *report = kit_await(&kit, CONTAINER_LAUNCH_FAILED, "d");
    assert_non_null(strstr(report->text, "nosuchuser"));
    container_report_free(report);
    kit_terminated(&kit, "d");
    assert_nothing_left(&kit);
    kit_deinit(&kit);
}

/* Without root there is the posix launcher only; cgroup2 is tried where it is beside v1. */
static bool is_possible(const struct launcher *l)
{
    if (strcmp(l->launcher, "posix") == 0) {
        return true;
    }
    if (l->hierarchy == NULL) {
        return kit_has_cgroups();
    }
    return geteuid() == 0 && !kit_is_v2() && kit_exists("/sys/fs/cgroup/unified/cgroup.procs");
}

#define WITH_EACH(name)                                    \
    static void test_##name(void **state)                  \
    {                                                      \
        (void)state;                                       \
        for (size_t i = 0; i < ELEMENTS(launchers); i++) { \
            if (is_possible(&launchers[i])) {              \
                name(&launchers[i]);                       \
            }                                              \
        }                                                  \
    }

WITH_EACH(a_command_runs_and_its_status_is_told)
WITH_EACH(a_command_inherits_nothing_but_its_stdio)
WITH_EACH(all_that_descends_from_a_command_ends_with_it)
WITH_EACH(destroy_ends_all_of_it)
WITH_EACH(a_first_process_killed_from_outside_leaves_nothing)
WITH_EACH(stopped_processes_are_killed_too)
WITH_EACH(a_signal_reaches_the_command)
WITH_EACH(it_can_be_destroyed_at_any_moment)
WITH_EACH(a_container_outlives_its_agent)
WITH_EACH(a_command_may_have_a_terminal)
WITH_EACH(a_terminal_loses_nothing)
WITH_EACH(a_terminal_ends_with_its_command)
WITH_EACH(nested_containers_end_before_their_parent)
WITH_EACH(nested_containers_are_found_again)
WITH_EACH(a_sandbox_is_not_removed_through_a_link)
WITH_EACH(a_sandbox_is_not_used_through_a_link)
WITH_EACH(many_at_once_leave_nothing)
WITH_EACH(usage_is_told)
WITH_EACH(a_command_runs_as_its_user)

/* --- where cgroups are --- */

/* The v2 hierarchy, whatever else there is. */
static const char *v2_mount(void)
{
    return kit_is_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
}

static void put(const char *dir, pid_t pid)
{
    CLEANUP(xfreep) char *command = xasprintf("echo %d > %s/cgroup.procs", (int)pid, dir);
    assert_int_equal(system(command), 0);
}

static void assert_in(pid_t pid, const char *cgroup)
{
    CLEANUP(xfreep)
    char *command = xasprintf("grep -q -x 0::/%s /proc/%d/cgroup", cgroup, (int)pid);
    assert_int_equal(system(command), 0);
}

static void refuses(struct kit *kit, const char *root, const char *why)
{
    struct err err = {0};
    kit->options.cgroups_root = root;
    assert_int_not_equal(containerizer_host_start(&kit->options, &kit->host, &err), 0);
    assert_non_null(strstr(err.text, why));
}

/* As packaging/tepui-agent.service has it: a unit of the agent's, and one of containers beside it,
 * which a process holds. */
static void test_a_root_is_found_from_the_agents_own_cgroup(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *procs = xasprintf("%s/cgroup.procs", v2_mount());
    if (geteuid() != 0 || !kit_exists(procs)) {
        skip();
    }
    struct kit kit;
    kit_init(&kit, "linux", "posix/cpu,posix/mem");
    kit.options.cgroups_hierarchy = v2_mount();
    CLEANUP(xfreep) char *top = xasprintf("%s/%s", v2_mount(), kit.cgroups_root);
    CLEANUP(xfreep) char *own = xasprintf("%s/own", top);
    CLEANUP(xfreep) char *beside = xasprintf("%s/beside", top);
    assert_int_equal(mkdir(top, 0755) | mkdir(own, 0755), 0);
    put(own, getpid());
    refuses(&kit, "../../../out", "leads out of the hierarchy");
    refuses(&kit, "../beside", "no cgroup");
    assert_int_equal(mkdir(beside, 0755), 0);
    pid_t holder = fork();
    if (holder == 0) {
        pause();
        _exit(0);
    }
    put(beside, holder);
    kit.options.cgroups_root = "../beside";
    kit_start(&kit, NULL);
    CLEANUP(xfreep) char *own_name = xasprintf("%s/own", kit.cgroups_root);
    CLEANUP(xfreep) char *leaf_name = xasprintf("%s/beside/agent", kit.cgroups_root);
    assert_in(getpid(), own_name);
    assert_in(holder, leaf_name);
    kit_launch(&kit, "c", kit_spec(&kit, "c", "cat /proc/self/cgroup; sleep 7421"));
    kit_launched(&kit, "c");
    CLEANUP(xfreep) char *line = xasprintf("0::/%s/beside/c/leaf\n", kit.cgroups_root);
    assert_non_null(strstr(kit_read(kit_file(&kit, "c", "stdout")), line));
    kit_destroy(&kit, "c");
    kit_terminated(&kit, "c");
    kit_stop(&kit);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    put(v2_mount(), getpid());
    CLEANUP(xfreep) char *undo = xasprintf("rmdir %s/agent %s %s", beside, beside, own);
    assert_int_equal(system(undo), 0);
    kit_deinit(&kit);
    rmdir(top);
}

/* An argument is a pattern of the tests to run. */
int main(int argc, char **argv)
{
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_runs_and_its_status_is_told),
        cmocka_unit_test(test_a_command_inherits_nothing_but_its_stdio),
        cmocka_unit_test(test_all_that_descends_from_a_command_ends_with_it),
        cmocka_unit_test(test_destroy_ends_all_of_it),
        cmocka_unit_test(test_a_first_process_killed_from_outside_leaves_nothing),
        cmocka_unit_test(test_stopped_processes_are_killed_too),
        cmocka_unit_test(test_a_signal_reaches_the_command),
        cmocka_unit_test(test_it_can_be_destroyed_at_any_moment),
        cmocka_unit_test(test_a_container_outlives_its_agent),
        cmocka_unit_test(test_a_command_may_have_a_terminal),
        cmocka_unit_test(test_a_terminal_loses_nothing),
        cmocka_unit_test(test_a_terminal_ends_with_its_command),
        cmocka_unit_test(test_nested_containers_end_before_their_parent),
        cmocka_unit_test(test_nested_containers_are_found_again),
        cmocka_unit_test(test_a_sandbox_is_not_removed_through_a_link),
        cmocka_unit_test(test_a_sandbox_is_not_used_through_a_link),
        cmocka_unit_test(test_many_at_once_leave_nothing),
        cmocka_unit_test(test_usage_is_told),
        cmocka_unit_test(test_a_command_runs_as_its_user),
        cmocka_unit_test(test_a_root_is_found_from_the_agents_own_cgroup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
