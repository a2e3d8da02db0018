#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
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

#define ISOLATION                                                                          \
    "cgroups/cpu,cgroups/mem,cgroups/pids,filesystem/linux,namespaces/pid,namespaces/ipc," \
    "posix/rlimits,linux/capabilities"
#define MB (INT64_C(1) << 20)
#define HOG "dd if=/dev/zero of=/dev/null bs=400000000 count=1"

#define EVENTUALLY(condition)                          \
    do {                                               \
        bool holds_ = (condition);                     \
        for (int i_ = 0; !holds_ && i_ < 2000; i_++) { \
            usleep(5000);                              \
            holds_ = (condition);                      \
        }                                              \
        assert_true(holds_);                           \
    } while (0)

static void begin(struct kit *kit, const char *isolation)
{
    kit_init(kit, "linux", isolation);
    chmod(kit->dir, 0755);
    kit_start(kit, NULL);
}

static void end(struct kit *kit)
{
    EVENTUALLY(kit_cgroups_left(kit) == 0);
    assert_int_equal(kit_mounts_left(kit), 0);
    kit_deinit(kit);
}

static const char *value(struct kit *kit, const char *controller, const char *id, const char *name)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", kit_cgroup(kit, controller, id), name);
    static char text[4][256];
    static int next;
    char *at = text[next++ % 4];
    snprintf(at, sizeof(text[0]), "%s", kit_read(path));
    at[strcspn(at, "\n")] = '\0';
    return at;
}

/* Asserts what "name=text" says of a container, which has another name and text on v2. */
static void holds(struct kit *kit, const char *id, const char *controller, const char *v1,
                  const char *v2)
{
    const char *expected = kit_is_v2() ? v2 : v1;
    const char *equals = strchr(expected, '=');
    CLEANUP(xfreep) char *name = xstrndup(expected, (size_t)(equals - expected));
    assert_string_equal(value(kit, controller, id, name), equals + 1);
}

/* What a command prints in a container with that spec; it must succeed. */
static const char *told(struct kit *kit, const char *path, struct container_spec *spec)
{
    kit_launch(kit, path, spec);
    struct container_report *report = kit_await(kit, CONTAINER_TERMINATED, path);
    if (report->status != 0) {
        fprintf(stderr, "%s: %s\n", path, kit_read(kit_file(kit, path, "stderr")));
    }
    assert_int_equal(report->status, 0);
    container_report_free(report);
    return kit_read(kit_file(kit, path, "stdout"));
}

static void told_nothing(struct kit *kit, const char *path, struct container_spec *spec)
{
    kit_launch(kit, path, spec);
    assert_int_equal(kit_terminated(kit, path), 0);
}

static void refused(struct kit *kit, const char *path, struct container_spec *spec, const char *why)
{
    kit_launch(kit, path, spec);
    struct container_report *report = kit_await(kit, CONTAINER_LAUNCH_FAILED, path);
    if (strstr(report->text, why) == NULL) {
        fail_msg("'%s' is not in '%s'", why, report->text);
    }
    container_report_free(report);
    container_report_free(kit_await(kit, CONTAINER_TERMINATED, path));
}

static struct blob *encode(Pb__ContainerInfo *info)
{
    info->type = PB__CONTAINER_INFO__TYPE__MESOS;
    return message_encode_blob(&info->base);
}

static struct container_spec *with_linux(struct container_spec *spec, Pb__LinuxInfo *linux_info)
{
    Pb__ContainerInfo info = PB__CONTAINER_INFO__INIT;
    info.linux_info = linux_info;
    spec->container_info = encode(&info);
    return spec;
}

/* What /proc/<pid>/cgroup says of a process in that container; the caller frees. */
static char *cgroup_line(struct kit *kit, const char *controller, const char *id)
{
    return kit_is_v2() ? xasprintf("0::/%s/%s/leaf\n", kit->cgroups_root, id)
                       : xasprintf(":%s:/%s/%s\n", controller, kit->cgroups_root, id);
}

/* --- cgroups --- */

static void test_amounts_are_written_and_updated(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    struct container_spec *spec = kit_spec(&kit, "c", "sleep 1000");
    spec->cpus_milli = 500;
    spec->mem_bytes = 96 * MB;
    kit_launch(&kit, "c", spec);
    kit_launched(&kit, "c");
    holds(&kit, "c", "cpu", "cpu.shares=512", "cpu.weight=50");
    holds(&kit, "c", "cpu", "cpu.cfs_quota_us=-1", "cpu.max=max 100000");
    holds(&kit, "c", "memory", "memory.limit_in_bytes=100663296", "memory.max=100663296");
    holds(&kit, "c", "memory", "memory.soft_limit_in_bytes=100663296", "memory.low=100663296");
    struct container_requests requests;
    container_requests_init(&requests);
    struct container_request *request = kit_request(&requests, CONTAINER_UPDATE, "c");
    request->spec = kit_spec(&kit, "c", "");
    request->spec->cpus_milli = 250;
    request->spec->cpus_limit_milli = 300;
    request->spec->mem_bytes = 64 * MB;
    request->token = 3;
    kit_send(&kit, &requests);
    struct container_report *report = kit_await(&kit, CONTAINER_UPDATED, "c");
    assert_int_equal(report->status, 0);
    assert_int_equal(report->token, 3);
    container_report_free(report);
    holds(&kit, "c", "cpu", "cpu.shares=256", "cpu.weight=25");
    holds(&kit, "c", "cpu", "cpu.cfs_quota_us=30000", "cpu.max=30000 100000");
    /* The hard limit is only raised. */
    holds(&kit, "c", "memory", "memory.limit_in_bytes=100663296", "memory.max=100663296");
    holds(&kit, "c", "memory", "memory.soft_limit_in_bytes=67108864", "memory.low=67108864");
    kit_destroy(&kit, "c");
    kit_terminated(&kit, "c");
    end(&kit);
}

static void test_swap_counts_if_asked_for(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "linux", ISOLATION);
    kit.options.cgroups_limit_swap = !kit_is_v2(); /* where it does not exist */
    kit.options.cgroups_enable_cfs = true;
    kit_start(&kit, NULL);
    struct container_spec *spec = kit_spec(&kit, "c", "sleep 1000");
    spec->mem_bytes = 4 * MB; /* no container has less than 32 MB */
    kit_launch(&kit, "c", spec);
    kit_launched(&kit, "c");
    holds(&kit, "c", "memory", "memory.limit_in_bytes=33554432", "memory.max=33554432");
    if (!kit_is_v2()) {
        holds(&kit, "c", "memory", "memory.memsw.limit_in_bytes=33554432", "");
    }
    holds(&kit, "c", "cpu", "cpu.cfs_quota_us=10000", "cpu.max=10000 100000");
    kit_destroy(&kit, "c");
    kit_terminated(&kit, "c");
    end(&kit);
}

static void out_of_memory(const char *isolation)
{
    struct kit kit;
    begin(&kit, isolation);
    struct container_spec *spec = kit_spec(&kit, "c", HOG);
    spec->mem_bytes = 32 * MB;
    kit_launch(&kit, "c", spec);
    struct container_report *report = kit_await(&kit, CONTAINER_TERMINATED, "c");
    assert_int_equal(report->limit, CONTAINER_LIMIT_MEMORY);
    assert_non_null(strstr(report->text, "Memory limit exceeded: Requested: 32MB"));
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    Pb__TaskResourceLimitation *limitation;
    assert_int_equal(MESSAGE_DECODE(Pb__TaskResourceLimitation, pb__task_resource_limitation,
                                    blob_slice(report->limitation), &arena, &limitation, NULL),
                     0);
    assert_int_equal(limitation->n_resources, 1);
    assert_string_equal(limitation->resources[0]->name, "mem");
    assert_true(limitation->resources[0]->scalar->value > 16);
    assert_true(limitation->resources[0]->scalar->value <= 32);
    container_report_free(report);
    report = kit_await(&kit, CONTAINER_LIMITED, "c");
    container_report_free(report);
    end(&kit);
}

static void test_out_of_memory_ends_the_container_and_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) { /* whichever comes first: the event, or the end that it brings */
        out_of_memory(ISOLATION);
        out_of_memory("cgroups/mem");
    }
}

static void test_out_of_memory_is_noticed_after_a_restart(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    kit_launch(&kit, "c", kit_spec(&kit, "c", "while [ ! -e go ]; do sleep 0.02; done; " HOG));
    kit_launched(&kit, "c");
    kit_stop(&kit);
    kit_start(&kit, (const char *const[]){"c", NULL});
    close(creat(kit_file(&kit, "c", "go"), 0644));
    struct container_report *report = kit_await(&kit, CONTAINER_TERMINATED, "c");
    assert_int_equal(report->limit, CONTAINER_LIMIT_MEMORY);
    container_report_free(report);
    end(&kit);
}

static void test_a_nested_container_has_limits_of_its_own_if_it_asks(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    struct container_spec *spec = kit_spec(&kit, "p", "sleep 1000");
    spec->mem_bytes = 256 * MB;
    kit_launch(&kit, "p", spec);
    kit_launched(&kit, "p");
    Pb__LinuxInfo linux_info = PB__LINUX_INFO__INIT;
    linux_info.has_share_cgroups = 1;
    linux_info.share_cgroups = 0;
    spec = with_linux(kit_spec(&kit, "p.a", "sleep 0.2; " HOG), &linux_info);
    spec->share_cgroups = false;
    kit_launch(&kit, "p.a", spec);
    kit_launched(&kit, "p.a");
    holds(&kit, "p/mesos/a", "memory", "memory.limit_in_bytes=67108864", "memory.max=67108864");
    kit_launch(&kit, "p.b", kit_spec(&kit, "p.b", "cat /proc/self/cgroup; sleep 1000"));
    kit_launched(&kit, "p.b");
    CLEANUP(xfreep) char *shared = cgroup_line(&kit, "memory", "p");
    CLEANUP(xfreep) char *own = cgroup_line(&kit, "freezer", "p/mesos/b");
    const char *cgroups = kit_read(kit_file(&kit, "p.b", "stdout"));
    assert_true(kit_is_v2() || strstr(cgroups, shared) != NULL);
    assert_non_null(strstr(cgroups, own));
    struct container_report *report = kit_await(&kit, CONTAINER_TERMINATED, "p.a");
    assert_int_equal(report->limit, CONTAINER_LIMIT_MEMORY);
    container_report_free(report);
    kit_destroy(&kit, "p");
    report = kit_await(&kit, CONTAINER_TERMINATED, "p");
    assert_int_equal(report->limit, CONTAINER_LIMIT_NONE);
    container_report_free(report);
    end(&kit);
}

static void fork_bomb(const char *isolation)
{
    struct kit kit;
    begin(&kit, isolation);
    struct container_spec *spec =
        kit_spec(&kit, "c",
                 "while [ ! -e go ]; do sleep 0.02; done; "
                 "for n in 1 2 3; do setsid sh -c 'trap \"\" TERM; "
                 "while :; do sleep 7430 & done' 2> /dev/null & done; wait");
    spec->mem_bytes = 512 * MB;
    kit_launch(&kit, "c", spec);
    kit_launched(&kit, "c");
    CLEANUP(xfreep) char *max = xasprintf("%s/pids.max", kit_cgroup(&kit, "pids", "c"));
    int fd = open(max, O_WRONLY);
    assert_int_equal(write(fd, "300", 3), 3);
    close(fd);
    close(creat(kit_file(&kit, "c", "go"), 0644));
    EVENTUALLY(strtol(value(&kit, "pids", "c", "pids.current"), NULL, 10) >= 290);
    kit_destroy(&kit, "c");
    kit_terminated(&kit, "c");
    assert_int_equal(kit_processes("sleep 7430"), 0);
    end(&kit);
}

static void test_what_keeps_forking_is_killed_to_the_last(void **state)
{
    (void)state;
    fork_bomb("cgroups/pids");
    fork_bomb(ISOLATION);
}

static void freeze(struct kit *kit, const char *id)
{
    bool v2 = kit_is_v2();
    CLEANUP(xfreep)
    char *freezer =
        xasprintf("%s/%s", kit_cgroup(kit, "freezer", id), v2 ? "cgroup.freeze" : "freezer.state");
    CLEANUP(xfreep)
    char *events = xasprintf("%s/cgroup.events", kit_cgroup(kit, "freezer", id));
    const char *word = v2 ? "1" : "FROZEN";
    int fd = open(freezer, O_WRONLY);
    assert_int_equal(write(fd, word, strlen(word)), strlen(word));
    close(fd);
    if (v2) {
        EVENTUALLY(strstr(kit_read(events), "frozen 1") != NULL);
    } else {
        EVENTUALLY(strcmp(value(kit, "freezer", id, "freezer.state"), word) == 0);
    }
}

static void test_a_frozen_container_can_be_killed(void **state)
{
    (void)state;
    static const char *const isolations[] = {"cgroups/mem", ISOLATION};
    for (size_t i = 0; i < ELEMENTS(isolations); i++) {
        struct kit kit;
        begin(&kit, isolations[i]);
        kit_launch(&kit, "c", kit_spec(&kit, "c", "sleep 7431 & sleep 7431"));
        kit_launched(&kit, "c");
        EVENTUALLY(kit_processes("sleep 7431") >= 2);
        freeze(&kit, "c");
        kit_destroy(&kit, "c");
        kit_terminated(&kit, "c");
        assert_int_equal(kit_processes("sleep 7431"), 0);
        end(&kit);
    }
}

static void test_orphans_with_a_cgroup_only_are_ended(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, "cgroups/mem");
    kit_launch(&kit, "p", kit_spec(&kit, "p", "sleep 7432 & sleep 7432"));
    kit_launched(&kit, "p");
    kit_launch(&kit, "p.a", kit_spec(&kit, "p.a", "sleep 7432"));
    kit_launched(&kit, "p.a");
    kit_stop(&kit);
    CLEANUP(xfreep) char *forget = xasprintf("rm -r %s/containers", kit.runtime_dir);
    assert_int_equal(system(forget), 0);
    kit_start(&kit, NULL);
    EVENTUALLY(kit_processes("sleep 7432") == 0);
    end(&kit);
}

/* --- namespaces and sessions --- */

static void test_namespaces_are_of_its_own_or_shared_as_asked(void **state)
{
    (void)state;
    struct kit kit;
    char agents[64] = "";
    begin(&kit, ISOLATION);
    assert_true(readlink("/proc/self/ns/pid", agents, sizeof(agents) - 1) > 0);
    const char *seen = told(&kit, "a",
                            kit_spec(&kit, "a",
                                     "readlink /proc/self/ns/pid; ls /proc | "
                                     "grep -c '^[0-9]'; cat /proc/1/comm"));
    assert_null(strstr(seen, agents));
    assert_non_null(strstr(seen, "tepui-container"));
    Pb__LinuxInfo share = PB__LINUX_INFO__INIT;
    share.has_share_pid_namespace = share.share_pid_namespace = 1;
    struct container_spec *spec =
        with_linux(kit_spec(&kit, "b", "readlink /proc/self/ns/pid"), &share);
    assert_non_null(strstr(told(&kit, "b", spec), agents));

    kit_launch(&kit, "p", kit_spec(&kit, "p", "readlink /proc/self/ns/pid; sleep 1000"));
    kit_launched(&kit, "p");
    CLEANUP(xfreep) char *parents = xstrdup(kit_read(kit_file(&kit, "p", "stdout")));
    spec = with_linux(kit_spec(&kit, "p.a", "readlink /proc/self/ns/pid"), &share);
    assert_string_equal(told(&kit, "p.a", spec), parents);
    assert_string_not_equal(told(&kit, "p.b", kit_spec(&kit, "p.b", "readlink /proc/self/ns/pid")),
                            parents);
    kit_destroy(&kit, "p");
    kit_terminated(&kit, "p");
    end(&kit);
}

static void close_stdio(struct container_stdio *stdio)
{
    close(stdio->fds[0]);
    close(stdio->fds[1]);
    free(stdio);
}

static void test_what_is_mounted_in_a_container_is_seen_by_a_session_only(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    struct container_spec *spec = kit_spec(&kit, "p",
                                           "mkdir here; mount -t tmpfs none here; "
                                           "echo seen > here/it; echo up; sleep 1000");
    spec->env = xcalloc(1, sizeof(spec->env[0]));
    spec->env[0] = (struct container_env){xstrdup("COLOUR"), xstrdup("blue")};
    spec->env_count = 1;
    kit_launch(&kit, "p", spec);
    kit_launched(&kit, "p");
    kit_read(kit_file(&kit, "p", "stdout"));
    assert_false(kit_exists(kit_file(&kit, "p", "here/it")));
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    spec = kit_spec(&kit, "p.s",
                    "cat here/it; echo $COLOUR; readlink /proc/self/ns/pid; "
                    "cat /proc/self/cgroup");
    spec->debug = true;
    spec->stdio = xalloc(sizeof(*spec->stdio));
    *spec->stdio = (struct container_stdio){
        .fds = {open("/dev/null", O_RDONLY), pipes[1], pipes[1]}, .free = close_stdio};
    kit_launch(&kit, "p.s", spec);
    kit_launched(&kit, "p.s");
    assert_int_equal(kit_terminated(&kit, "p.s"), 0);
    char text[512] = "", ns[64] = "", path[64];
    assert_true(read(pipes[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "seen\nblue\n"));
    CLEANUP(xfreep) char *cgroup = cgroup_line(&kit, "memory", kit_is_v2() ? "p/mesos/s" : "p");
    assert_non_null(strstr(text, cgroup));
    struct container_requests requests;
    container_requests_init(&requests);
    kit_request(&requests, CONTAINER_STATUS, "p")->token = 1;
    kit_send(&kit, &requests);
    struct container_report *report = kit_await(&kit, CONTAINER_STATUS_RESULT, "p");
    snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)report->pid);
    assert_true(readlink(path, ns, sizeof(ns) - 1) > 0);
    assert_non_null(strstr(text, ns));
    container_report_free(report);
    close(pipes[0]);
    kit_destroy(&kit, "p");
    kit_terminated(&kit, "p");
    assert_false(kit_exists(kit_file(&kit, "p", "here/it")));
    end(&kit);
}

static void test_a_session_ends_with_its_agent_and_its_container(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    kit_launch(&kit, "p", kit_spec(&kit, "p", "sleep 1000"));
    kit_launched(&kit, "p");
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? "p.s" : "p.t";
        struct container_spec *spec = kit_spec(&kit, path, "setsid sleep 7433 & sleep 7433");
        spec->debug = true;
        kit_launch(&kit, path, spec);
        kit_launched(&kit, path);
        EVENTUALLY(kit_processes("sleep 7433") >= 2);
        if (i == 0) {
            kit_stop(&kit);
            kit_start(&kit, (const char *const[]){"p", NULL});
            EVENTUALLY(kit_processes("sleep 7433") == 0);
        }
    }
    kit_destroy(&kit, "p");
    kit_terminated(&kit, "p.t");
    kit_terminated(&kit, "p");
    assert_int_equal(kit_processes("sleep 7433"), 0);
    end(&kit);
}

static void test_private_shared_memory_can_be_shared_with_children(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    Pb__LinuxInfo own = PB__LINUX_INFO__INIT;
    own.has_ipc_mode = 1;
    own.ipc_mode = PB__LINUX_INFO__IPC_MODE__PRIVATE;
    own.has_shm_size = 1;
    own.shm_size = 5;
    kit_launch(&kit, "p",
               with_linux(kit_spec(&kit, "p",
                                   "df -k --output=size /dev/shm | tail -1; echo it > "
                                   "/dev/shm/word; echo up > ready; sleep 1000"),
                          &own));
    kit_launched(&kit, "p");
    kit_read(kit_file(&kit, "p", "ready"));
    assert_non_null(strstr(kit_read(kit_file(&kit, "p", "stdout")), "5120"));
    assert_false(kit_exists("/dev/shm/word"));
    Pb__LinuxInfo parents = PB__LINUX_INFO__INIT;
    parents.has_ipc_mode = 1;
    parents.ipc_mode = PB__LINUX_INFO__IPC_MODE__SHARE_PARENT;
    assert_string_equal(
        told(&kit, "p.a", with_linux(kit_spec(&kit, "p.a", "cat /dev/shm/word"), &parents)),
        "it\n");
    refused(&kit, "q",
            with_linux(kit_spec(&kit, "q", "true"),
                       &(Pb__LinuxInfo){.base = parents.base,
                                        .has_ipc_mode = 1,
                                        .ipc_mode = PB__LINUX_INFO__IPC_MODE__SHARE_PARENT,
                                        .has_shm_size = 1,
                                        .shm_size = 5}),
            "/dev/shm");
    kit_destroy(&kit, "p");
    kit_terminated(&kit, "p");
    end(&kit);
}

/* --- volumes --- */

struct volume {
    Pb__Volume message;
    Pb__Volume__Source source;
    Pb__Volume__Source__HostPath host_path;
    Pb__Volume__Source__SandboxPath sandbox_path;
    Pb__MountPropagation propagation;
};

static void host_path(struct volume *v, char *path, char *container_path, bool read_only)
{
    *v = (struct volume){PB__VOLUME__INIT, PB__VOLUME__SOURCE__INIT,
                         PB__VOLUME__SOURCE__HOST_PATH__INIT,
                         PB__VOLUME__SOURCE__SANDBOX_PATH__INIT, PB__MOUNT_PROPAGATION__INIT};
    v->message.mode = read_only ? PB__VOLUME__MODE__RO : PB__VOLUME__MODE__RW;
    v->message.container_path = container_path;
    v->message.source = &v->source;
    v->source.has_type = 1;
    v->source.type = PB__VOLUME__SOURCE__TYPE__HOST_PATH;
    v->source.host_path = &v->host_path;
    v->host_path.path = path;
}

static struct container_spec *with_volume(struct container_spec *spec, struct volume *v)
{
    Pb__ContainerInfo info = PB__CONTAINER_INFO__INIT;
    Pb__Volume *volumes[] = {&v->message};
    info.n_volumes = 1;
    info.volumes = volumes;
    spec->container_info = encode(&info);
    return spec;
}

static void test_host_paths_are_volumes(void **state)
{
    (void)state;
    struct kit kit;
    struct volume v;
    begin(&kit, ISOLATION);
    CLEANUP(xfreep) char *place = xasprintf("%s/place", kit.dir);
    CLEANUP(xfreep) char *file = xasprintf("%s/file", place);
    CLEANUP(xfreep) char *missing = xasprintf("%s/missing", place);
    CLEANUP(xfreep) char *make = xasprintf("mkdir -p %s/below; echo word > %s", place, file);
    assert_int_equal(system(make), 0);
    host_path(&v, place, (char[]){"in"}, false);
    assert_string_equal(
        told(&kit, "a", with_volume(kit_spec(&kit, "a", "cat in/file; echo n > in/made"), &v)),
        "word\n");
    CLEANUP(xfreep) char *made = xasprintf("%s/made", place);
    assert_true(kit_exists(made));
    host_path(&v, file, (char[]){"deep/down/it"}, false);
    assert_string_equal(told(&kit, "b", with_volume(kit_spec(&kit, "b", "cat deep/down/it"), &v)),
                        "word\n");
    host_path(&v, missing, (char[]){"in"}, false);
    refused(&kit, "c", with_volume(kit_spec(&kit, "c", "true"), &v), "does not exist");
    host_path(&v, place, missing, false);
    refused(&kit, "d", with_volume(kit_spec(&kit, "d", "true"), &v), "must exist");
    host_path(&v, place, (char[]){"../out"}, false);
    refused(&kit, "e", with_volume(kit_spec(&kit, "e", "true"), &v), "out");
    host_path(&v, (char[]){"relative"}, (char[]){"in"}, false);
    refused(&kit, "f", with_volume(kit_spec(&kit, "f", "true"), &v), "not absolute");
    end(&kit);
}

static void test_read_only_holds_for_what_is_mounted_below_too(void **state)
{
    (void)state;
    struct kit kit;
    struct volume v;
    begin(&kit, ISOLATION);
    CLEANUP(xfreep) char *place = xasprintf("%s/place", kit.dir);
    CLEANUP(xfreep)
    char *make = xasprintf("mkdir -p %s/below && mount -t tmpfs none %s/below", place, place);
    CLEANUP(xfreep) char *undo = xasprintf("umount %s/below", place);
    assert_int_equal(system(make), 0);
    host_path(&v, place, (char[]){"in"}, true);
    assert_string_equal(told(&kit, "a",
                             with_volume(kit_spec(&kit, "a",
                                                  "touch in/x 2> /dev/null || echo no; touch "
                                                  "in/below/x 2> /dev/null || echo neither"),
                                         &v)),
                        "no\nneither\n");
    assert_int_equal(system(undo), 0);
    end(&kit);
}

static void test_mounts_go_both_ways_if_asked_for(void **state)
{
    (void)state;
    struct kit kit;
    struct volume v;
    begin(&kit, ISOLATION);
    CLEANUP(xfreep) char *place = xasprintf("%s/place", kit.dir);
    CLEANUP(xfreep)
    char *make =
        xasprintf("mkdir %s && mount -t tmpfs none %s && mount --make-shared %s && mkdir %s/below",
                  place, place, place, place);
    CLEANUP(xfreep) char *undo = xasprintf("umount -R %s", place);
    CLEANUP(xfreep)
    char *command =
        xasprintf("mount -t tmpfs none %s/below && touch %s/below/inside && echo up; sleep 1000",
                  place, place);
    CLEANUP(xfreep) char *inside = xasprintf("%s/below/inside", place);
    assert_int_equal(system(make), 0);
    host_path(&v, place, place, false);
    v.host_path.mount_propagation = &v.propagation;
    v.propagation.has_mode = 1;
    v.propagation.mode = PB__MOUNT_PROPAGATION__MODE__BIDIRECTIONAL;
    kit_launch(&kit, "a", with_volume(kit_spec(&kit, "a", command), &v));
    kit_launched(&kit, "a");
    kit_read(kit_file(&kit, "a", "stdout"));
    assert_true(kit_exists(inside));
    kit_destroy(&kit, "a");
    kit_terminated(&kit, "a");
    assert_int_equal(system(undo), 0);
    end(&kit);
}

static void sandbox_path(struct volume *v, int type, char *path, char *container_path)
{
    host_path(v, NULL, container_path, false);
    v->source.type = PB__VOLUME__SOURCE__TYPE__SANDBOX_PATH;
    v->source.host_path = NULL;
    v->source.sandbox_path = &v->sandbox_path;
    v->sandbox_path.has_type = 1;
    v->sandbox_path.type = (Pb__Volume__Source__SandboxPath__Type)type;
    v->sandbox_path.path = path;
}

static void test_nested_containers_share_a_folder_of_their_parent(void **state)
{
    (void)state;
    struct kit kit;
    struct volume v;
    begin(&kit, ISOLATION);
    kit_launch(&kit, "p", kit_spec(&kit, "p", "sleep 1000"));
    kit_launched(&kit, "p");
    int parent = PB__VOLUME__SOURCE__SANDBOX_PATH__TYPE__PARENT;
    sandbox_path(&v, parent, (char[]){"common/one"}, (char[]){"here"});
    told(&kit, "p.a", with_volume(kit_spec(&kit, "p.a", "echo hello > here/word; echo"), &v));
    assert_string_equal(kit_read(kit_file(&kit, "p", "common/one/word")), "hello\n");
    assert_string_equal(told(&kit, "p.b", with_volume(kit_spec(&kit, "p.b", "cat here/word"), &v)),
                        "hello\n");
    refused(&kit, "q", with_volume(kit_spec(&kit, "q", "true"), &v), "only works for nested");
    sandbox_path(&v, PB__VOLUME__SOURCE__SANDBOX_PATH__TYPE__SELF, (char[]){"kept"},
                 (char[]){"here"});
    refused(&kit, "r", with_volume(kit_spec(&kit, "r", "true"), &v), "relative");
    sandbox_path(&v, parent, (char[]){"../../etc/made"}, (char[]){"here"});
    refused(&kit, "p.c", with_volume(kit_spec(&kit, "p.c", "true"), &v), "made");
    kit_destroy(&kit, "p");
    kit_terminated(&kit, "p");
    end(&kit);
}

static void set_volume(struct container_spec *spec, const char *source, const char *path)
{
    spec->volumes = xcalloc(1, sizeof(spec->volumes[0]));
    spec->volumes[0].source = xstrdup(source);
    spec->volumes[0].container_path = xstrdup(path);
    spec->volume_count = 1;
}

static void test_persistent_volumes_are_seen_on_the_host_too(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    CLEANUP(xfreep) char *one = xasprintf("%s/one", kit.dir);
    CLEANUP(xfreep) char *two = xasprintf("%s/two", kit.dir);
    assert_int_equal(mkdir(one, 0755) | mkdir(two, 0755), 0);
    struct container_spec *spec = kit_spec(&kit, "c",
                                           "echo 1 > data/word; while [ ! -d more ]; do "
                                           "sleep 0.02; done; sleep 0.2; echo 2 > "
                                           "more/word; echo up; sleep 1000");
    set_volume(spec, one, "data");
    kit_launch(&kit, "c", spec);
    kit_launched(&kit, "c");
    assert_string_equal(kit_read(kit_file(&kit, "c", "data/word")), "1\n");
    struct container_requests requests;
    container_requests_init(&requests);
    struct container_request *request = kit_request(&requests, CONTAINER_UPDATE, "c");
    request->spec = kit_spec(&kit, "c", "");
    set_volume(request->spec, two, "more");
    kit_send(&kit, &requests);
    struct container_report *report = kit_await(&kit, CONTAINER_UPDATED, "c");
    assert_int_equal(report->status, 0);
    container_report_free(report);
    kit_read(kit_file(&kit, "c", "stdout"));
    CLEANUP(xfreep) char *word = xasprintf("%s/word", two);
    assert_string_equal(kit_read(word), "2\n");
    assert_false(kit_exists(kit_file(&kit, "c", "data")));
    kit_stop(&kit); /* also what an agent does not know is unmounted with its container */
    kit_start(&kit, NULL);
    EVENTUALLY(kit_cgroups_left(&kit) == 0);
    assert_true(kit_exists(word));
    end(&kit);
}

/* --- limits, capabilities, users --- */

static void test_resource_limits_are_the_commands(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    Pb__RLimitInfo__RLimit files = PB__RLIMIT_INFO__RLIMIT__INIT,
                           stack = PB__RLIMIT_INFO__RLIMIT__INIT;
    files.has_type = stack.has_type = 1;
    files.type = PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_NOFILE;
    files.has_soft = files.has_hard = 1;
    files.soft = 100;
    files.hard = 200;
    stack.type = PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_STACK;
    Pb__RLimitInfo__RLimit *both[] = {&files, &stack};
    Pb__RLimitInfo rlimits = PB__RLIMIT_INFO__INIT;
    rlimits.n_rlimits = 2;
    rlimits.rlimits = both;
    Pb__ContainerInfo info = PB__CONTAINER_INFO__INIT;
    info.rlimit_info = &rlimits;
    struct container_spec *spec = kit_spec(&kit, "c", "ulimit -Sn; ulimit -Hn; ulimit -Ss");
    spec->container_info = encode(&info);
    assert_string_equal(told(&kit, "c", spec), "100\n200\nunlimited\n");
    files.has_soft = 0;
    spec = kit_spec(&kit, "d", "true");
    spec->container_info = encode(&info);
    refused(&kit, "d", spec, "resource limit");
    end(&kit);
}

static void test_capabilities_are_as_asked(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    Pb__CapabilityInfo__Capability few[] = {PB__CAPABILITY_INFO__CAPABILITY__CHOWN,
                                            PB__CAPABILITY_INFO__CAPABILITY__NET_RAW};
    Pb__CapabilityInfo effective = PB__CAPABILITY_INFO__INIT;
    effective.n_capabilities = 2;
    effective.capabilities = few;
    Pb__LinuxInfo linux_info = PB__LINUX_INFO__INIT;
    linux_info.effective_capabilities = &effective;
    const char *sets = "CapInh:\t0000000000002001\nCapPrm:\t0000000000002001\n"
                       "CapEff:\t0000000000002001\nCapBnd:\t0000000000002001\n"
                       "CapAmb:\t0000000000002001\n";
    const char *command = "grep ^Cap /proc/self/status";
    assert_string_equal(told(&kit, "a", with_linux(kit_spec(&kit, "a", command), &linux_info)),
                        sets);
    struct container_spec *spec = with_linux(kit_spec(&kit, "b", command), &linux_info);
    spec->user = xstrdup("nobody");
    assert_string_equal(told(&kit, "b", spec), sets);
    Pb__CapabilityInfo bounding = PB__CAPABILITY_INFO__INIT;
    bounding.n_capabilities = 1;
    bounding.capabilities = few;
    linux_info.bounding_capabilities = &bounding;
    refused(&kit, "c", with_linux(kit_spec(&kit, "c", "true"), &linux_info),
            "not among the bounding");
    end(&kit);
}

/* --- fetching, and what fails late --- */

static struct blob *fetch_command(const char *uri, bool cache)
{
    Pb__CommandInfo__URI item = PB__COMMAND_INFO__URI__INIT;
    item.has_cache = item.cache = cache;
    item.value = (char *)(uintptr_t)uri;
    Pb__CommandInfo__URI *uris[] = {&item};
    Pb__CommandInfo command = PB__COMMAND_INFO__INIT;
    command.n_uris = 1;
    command.uris = uris;
    return message_encode_blob(&command.base);
}

static void test_files_are_fetched_before_the_command_runs(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    CLEANUP(xfreep) char *file = xasprintf("%s/part", kit.dir);
    CLEANUP(xfreep) char *make = xasprintf("echo fetched > %s", file);
    assert_int_equal(system(make), 0);
    struct container_spec *spec = kit_spec(&kit, "a", "cat part; stat -c %U part");
    spec->fetch_command = fetch_command(file, false);
    spec->fetch_owner = xstrdup("nobody");
    CLEANUP(xfreep) char *own = xasprintf("chown nobody %s", spec->directory);
    assert_int_equal(system(own), 0);
    assert_non_null(strstr(told(&kit, "a", spec), "fetched\nnobody\n"));
    container_report_free(kit_await(&kit, CONTAINER_FETCHING, "a"));
    spec = kit_spec(&kit, "b", "true");
    spec->fetch_command = fetch_command("/nonexistent/file", false);
    refused(&kit, "b", spec, "Failed to fetch");
    end(&kit);
}

/* The client is found by --hadoop_home, and gets signals as any other process. */
static void test_hadoop_fetches_what_nobody_else_can(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "linux", ISOLATION);
    CLEANUP(xfreep) char *home = xasprintf("%s/hadoop", kit.dir);
    CLEANUP(xfreep)
    char *make = xasprintf("mkdir -p %s/bin && printf '%%s\\n' '#!/bin/sh' "
                           "'(echo \"$1 $2 $3\"; grep SigBlk /proc/self/status) >\"$4\"' "
                           ">%s/bin/hadoop && chmod +x %s/bin/hadoop",
                           home, home, home);
    assert_int_equal(system(make), 0);
    kit.options.hadoop_home = home;
    kit_start(&kit, NULL);
    struct container_spec *spec = kit_spec(&kit, "a", "cat part");
    spec->fetch_command = fetch_command("hdfs://name:9000/part", false);
    spec->fetch_owner = xstrdup("root");
    assert_non_null(strstr(told(&kit, "a", spec), "fs -copyToLocal hdfs://name:9000/part\n"
                                                  "SigBlk:\t0000000000000000\n"));
    end(&kit);
}

static void test_what_was_fetched_once_is_in_the_cache(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "linux", ISOLATION);
    CLEANUP(xfreep) char *cache = xasprintf("%s/cache", kit.dir);
    CLEANUP(xfreep) char *file = xasprintf("%s/part", kit.dir);
    CLEANUP(xfreep) char *make = xasprintf("echo once > %s; mkdir -p %s", file, cache);
    CLEANUP(xfreep) char *change = xasprintf("echo twice > %s", file);
    CLEANUP(xfreep) char *empty = xasprintf("rm -r %s/*/*", cache);
    kit.options.fetcher_cache_dir = cache;
    kit.options.fetcher_cache_size_bytes = 1 << 20;
    kit_start(&kit, NULL);
    assert_int_equal(system(make), 0);
    static const char *const seen[] = {"once\n", "once\n", "twice\n"};
    for (int i = 0; i < 3; i++) {
        char path[2] = {(char)('a' + i), '\0'};
        struct container_spec *spec = kit_spec(&kit, path, "cat part >&2");
        spec->fetch_command = fetch_command(file, true);
        told_nothing(&kit, path, spec);
        assert_non_null(strstr(kit_read(kit_file(&kit, path, "stderr")), seen[i]));
        assert_int_equal(containerizer_host_counts(kit.host).cache_used_bytes, i < 2 ? 5 : 6);
        assert_int_equal(system(i == 0 ? change : i == 1 ? empty : "true"), 0);
    }
    end(&kit);
}

static void test_a_fetch_ends_with_its_container(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    CLEANUP(xfreep) char *fifo = xasprintf("%s/fifo", kit.dir);
    assert_int_equal(mkfifo(fifo, 0644), 0); /* reading it never ends */
    struct container_spec *spec = kit_spec(&kit, "a", "true");
    spec->fetch_command = fetch_command(fifo, false);
    kit_launch(&kit, "a", spec);
    container_report_free(kit_await(&kit, CONTAINER_FETCHING, "a"));
    CLEANUP(xfreep) char *fetcher = xasprintf("%s/tepui-fetcher", kit.options.launcher_dir);
    EVENTUALLY(kit_processes(fetcher) >= 1);
    kit_destroy(&kit, "a");
    container_report_free(kit_await(&kit, CONTAINER_LAUNCH_FAILED, "a"));
    kit_terminated(&kit, "a");
    assert_int_equal(kit_processes(fetcher), 0);
    end(&kit);
}

static void test_a_missing_program_is_no_failed_launch(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, ISOLATION);
    struct container_spec *spec = kit_spec(&kit, "a", "");
    Pb__CommandInfo command = PB__COMMAND_INFO__INIT;
    command.has_shell = 1;
    command.shell = 0;
    command.value = (char[]){"no-such-program"};
    blob_unref(spec->command);
    spec->command = message_encode_blob(&command.base);
    kit_launch(&kit, "a", spec);
    kit_launched(&kit, "a");
    assert_int_equal(kit_terminated(&kit, "a"), W_EXITCODE(1, 0));
    assert_non_null(strstr(kit_read(kit_file(&kit, "a", "stderr")), "no-such-program"));
    end(&kit);
}

static int skip_elsewhere(void **state)
{
    (void)state;
    if (!kit_has_cgroups()) {
        skip();
    }
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(test_##name, skip_elsewhere)

/* An argument is a pattern of the tests to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(amounts_are_written_and_updated),
        TEST(swap_counts_if_asked_for),
        TEST(out_of_memory_ends_the_container_and_is_told),
        TEST(out_of_memory_is_noticed_after_a_restart),
        TEST(a_nested_container_has_limits_of_its_own_if_it_asks),
        TEST(what_keeps_forking_is_killed_to_the_last),
        TEST(a_frozen_container_can_be_killed),
        TEST(orphans_with_a_cgroup_only_are_ended),
        TEST(namespaces_are_of_its_own_or_shared_as_asked),
        TEST(what_is_mounted_in_a_container_is_seen_by_a_session_only),
        TEST(a_session_ends_with_its_agent_and_its_container),
        TEST(private_shared_memory_can_be_shared_with_children),
        TEST(host_paths_are_volumes),
        TEST(read_only_holds_for_what_is_mounted_below_too),
        TEST(mounts_go_both_ways_if_asked_for),
        TEST(nested_containers_share_a_folder_of_their_parent),
        TEST(persistent_volumes_are_seen_on_the_host_too),
        TEST(resource_limits_are_the_commands),
        TEST(capabilities_are_as_asked),
        TEST(files_are_fetched_before_the_command_runs),
        TEST(hadoop_fetches_what_nobody_else_can),
        TEST(what_was_fetched_once_is_in_the_cache),
        TEST(a_fetch_ends_with_its_container),
        TEST(a_missing_program_is_no_failed_launch),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
