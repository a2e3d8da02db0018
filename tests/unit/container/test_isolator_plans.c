/* The plans of single isolators: volumes, shared memory, limits, capabilities. */
#include "plan_kit.h"

#include <sys/resource.h>

static const struct launch_parent top = {
    .path = "p", .pid = 7, .directory = "/p", .own_cgroups = true};

#define BEFORE "cgroup /cg/freezer/mesos/c\njoin /cg/freezer/mesos/c tasks\n"
#define NESTED                                                                   \
    "cgroup /cg/freezer/mesos/p/mesos 0 1\ncgroup /cg/freezer/mesos/p/mesos/a\n" \
    "join /cg/freezer/mesos/p/mesos/a tasks\n"
#define CHILD "fork\nchdir /s\nsetuser\n"

struct volume {
    Pb__Volume message;
    Pb__Volume__Source source;
    Pb__Volume__Source__HostPath host_path;
    Pb__Volume__Source__SandboxPath sandbox_path;
    Pb__MountPropagation propagation;
};

static struct container_spec *with(struct volume **volumes, size_t count)
{
    Pb__ContainerInfo info = PB__CONTAINER_INFO__INIT;
    Pb__Volume *messages[4];
    for (size_t i = 0; i < count; i++) {
        messages[i] = &volumes[i]->message;
    }
    info.n_volumes = count;
    info.volumes = messages;
    struct container_spec *spec = paper_spec("true");
    paper_set_info(spec, &info);
    return spec;
}

static struct container_spec *with_one(struct volume *volume)
{
    return with(&volume, 1);
}

static void init(struct volume *v, const char *container_path, Pb__Volume__Source__Type type)
{
    *v = (struct volume){PB__VOLUME__INIT, PB__VOLUME__SOURCE__INIT,
                         PB__VOLUME__SOURCE__HOST_PATH__INIT,
                         PB__VOLUME__SOURCE__SANDBOX_PATH__INIT, PB__MOUNT_PROPAGATION__INIT};
    v->message.mode = PB__VOLUME__MODE__RW;
    v->message.container_path = (char *)(uintptr_t)container_path;
    v->message.source = &v->source;
    v->source.has_type = 1;
    v->source.type = type;
}

static void host_path(struct volume *v, const char *path, const char *container_path)
{
    init(v, container_path, PB__VOLUME__SOURCE__TYPE__HOST_PATH);
    v->source.host_path = &v->host_path;
    v->host_path.path = (char *)(uintptr_t)path;
}

static void sandbox_path(struct volume *v, Pb__Volume__Source__SandboxPath__Type type,
                         const char *path, const char *container_path)
{
    init(v, container_path, PB__VOLUME__SOURCE__TYPE__SANDBOX_PATH);
    v->source.sandbox_path = &v->sandbox_path;
    v->sandbox_path.has_type = 1;
    v->sandbox_path.type = type;
    v->sandbox_path.path = (char *)(uintptr_t)path;
}

static void test_host_paths(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "filesystem/linux");
    paper.options.host_path_volume_force_creation = "/ok";
    paper_start(&paper);
    struct volume v, w;
    host_path(&v, "/h", "in");
    v.message.mode = PB__VOLUME__MODE__RO;
    paper_expect(&paper, "c", with_one(&v), NULL,
                 BEFORE "source /h /ok\ntarget /s in /h\nstdio /s\nwait\nslave\n"
                        "mount /h /s/in 20481\n" CHILD); /* bind, recursive, read-only */
    host_path(&v, "/h", "/h");
    v.host_path.mount_propagation = &v.propagation;
    v.propagation.has_mode = 1;
    v.propagation.mode = PB__MOUNT_PROPAGATION__MODE__BIDIRECTIONAL;
    paper_expect(&paper, "c", with_one(&v), NULL,
                 BEFORE
                 "source /h /ok\nexists /h Mount point is an absolute path. It must exist if "
                 "the container shares the host filesystem\nshared /h\nstdio /s\nwait\n"
                 "slave\n" CHILD); /* in its own place: nothing to mount */
    host_path(&v, "h", "in");
    paper_refuses(&paper, "c", with_one(&v), NULL, "not absolute");
    host_path(&v, "/h", "in");
    v.message.host_path = (char[]){"/h"};
    paper_refuses(&paper, "c", with_one(&v), NULL, "Only one of them");
    init(&w, "in", PB__VOLUME__SOURCE__TYPE__SECRET);
    paper_refuses(&paper, "c", with_one(&w), NULL, "No isolator");
    isolators_deinit(&paper.isolators);
}

static void test_folders_of_sandboxes(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "filesystem/linux");
    paper_start(&paper);
    Pb__Volume__Source__SandboxPath__Type self = PB__VOLUME__SOURCE__SANDBOX_PATH__TYPE__SELF;
    Pb__Volume__Source__SandboxPath__Type parent = PB__VOLUME__SOURCE__SANDBOX_PATH__TYPE__PARENT;
    struct volume v, h;
    sandbox_path(&v, parent, "common", "here");
    host_path(&h, "/h", "in");
    struct volume *both[] = {&h, &v};
    paper_expect(&paper, "p.a", with(both, 2), &top, /* by kind, whatever their order */
                 NESTED "folder /p common\ntarget /s here /p/common\n"
                        "source /h\ntarget /s in /h\nstdio /s\nwait\nslave\n"
                        "mount /p/common /s/here 20480\nmount /h /s/in 20480\n" CHILD);
    paper_refuses(&paper, "c", with_one(&v), NULL, "only works for nested");
    sandbox_path(&v, self, "kept", "/var/data");
    paper_expect(&paper, "c", with_one(&v), NULL,
                 BEFORE "folder /s kept\nexists /var/data Mount point is an absolute path. It must "
                        "exist if the container shares the host filesystem\nstdio /s\nwait\nslave\n"
                        "mount /s/kept /var/data 20480\n" CHILD);
    sandbox_path(&v, self, "kept", "here");
    paper_refuses(&paper, "c", with_one(&v), NULL, "relative");
    sandbox_path(&v, self, "/etc", "/here");
    paper_refuses(&paper, "c", with_one(&v), NULL, "absolute");
    sandbox_path(&v, PB__VOLUME__SOURCE__SANDBOX_PATH__TYPE__UNKNOWN, "x", "here");
    paper_refuses(&paper, "p.a", with_one(&v), &top, "Unknown SANDBOX_PATH");
    isolators_deinit(&paper.isolators);

    paper_init(&paper, CGROUPS_V1, "posix", "volume/sandbox_path"); /* links, without mounts */
    paper_start(&paper);
    sandbox_path(&v, parent, "common", "here");
    paper_expect(&paper, "p.a", with_one(&v), &top,
                 "folder /p common\nlink /p/common /s/here\nstdio /s\nwait\nsweep\n" CHILD);
    sandbox_path(&v, parent, "common", "/here");
    paper_refuses(&paper, "p.a", with_one(&v), &top, "absolute container path");
    isolators_deinit(&paper.isolators);
}

static void test_volumes_need_an_isolator(void **state)
{
    (void)state;
    struct paper paper;
    struct volume v;
    paper_init(&paper, CGROUPS_V1, "posix", NULL);
    paper_start(&paper);
    host_path(&v, "/h", "in");
    paper_refuses(&paper, "c", with_one(&v), NULL, "No isolator");
    paper_refuses(&paper, "p.a", with_one(&v), &top, "No isolator");
    isolators_deinit(&paper.isolators);
}

static void test_persistent_volumes(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "own /v/one /s\nlink /v/one /s/data\nlink /v/two /s/more\nstdio /s\nwait\nsweep\n" CHILD,
        BEFORE "own /v/one /s\ntarget /s data /v/one\nmount /v/one /s/data 4096\n"
               "target /s more /v/two\nmount /v/two /s/more 4097\nstdio /s\nwait\nslave\n" CHILD,
    };
    for (int i = 0; i < 2; i++) {
        struct paper paper;
        paper_init(&paper, CGROUPS_V1, i == 0 ? "posix" : "linux",
                   i == 0 ? "posix/cpu" : "filesystem/linux");
        paper_start(&paper);
        struct container_spec *spec = paper_spec("true");
        spec->volumes = xcalloc(3, sizeof(spec->volumes[0]));
        spec->volumes[0] =
            (struct container_volume){xstrdup("/v/one"), xstrdup("data"), false, false};
        spec->volumes[1] =
            (struct container_volume){xstrdup("/v/two"), xstrdup("more"), true, true};
        spec->volumes[2] =
            (struct container_volume){xstrdup("/v/3"), xstrdup("a/slash"), false, false};
        spec->volume_count = 3;
        paper_expect(&paper, "c", spec, NULL, expected[i]);
        isolators_deinit(&paper.isolators);
    }
}

static void test_shared_memory(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "filesystem/linux,namespaces/ipc");
    paper_start(&paper);
    Pb__LinuxInfo info = PB__LINUX_INFO__INIT;
    info.has_ipc_mode = 1;
    info.ipc_mode = PB__LINUX_INFO__IPC_MODE__PRIVATE;
    info.has_shm_size = 1;
    info.shm_size = 5;
    struct container_spec *spec = paper_spec("true");
    paper_set_linux(spec, &info);
    paper_expect(&paper, "c", spec, NULL,
                 BEFORE "stdio /s\nwait\nslave\n"
                        "mount tmpfs /dev/shm tmpfs mode=1777,size=5242880 16777222\n" CHILD);
    struct launch_parent parent = top;
    parent.shm_is_own = true;
    info.has_shm_size = 0;
    info.ipc_mode = PB__LINUX_INFO__IPC_MODE__SHARE_PARENT;
    spec = paper_spec("true");
    paper_set_linux(spec, &info);
    paper_expect(&paper, "p.a", spec, &parent,
                 NESTED "stdio /s\nwait\nslave\nenter /proc/7/ns/ipc 134217728\n"
                        "borrow /proc/7/ns/mnt /dev/shm\n" CHILD);
    paper.options.disallow_sharing_agent_ipc_namespace = true;
    spec = paper_spec("true");
    paper_set_linux(spec, &info);
    paper_refuses(&paper, "c", spec, NULL, "not allowed");
    isolators_deinit(&paper.isolators);
}

static void test_the_operator_may_refuse_to_share_pids(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "linux", "filesystem/linux,namespaces/pid");
    paper.options.disallow_sharing_agent_pid_namespace = true;
    paper_start(&paper);
    Pb__LinuxInfo info = PB__LINUX_INFO__INIT;
    info.has_share_pid_namespace = info.share_pid_namespace = 1;
    struct container_spec *spec = paper_spec("true");
    paper_set_linux(spec, &info);
    paper_refuses(&paper, "c", spec, NULL, "not allowed");
    isolators_deinit(&paper.isolators);
}

static void test_rlimits(void **state)
{
    (void)state;
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "posix", "posix/rlimits");
    paper_start(&paper);
    Pb__RLimitInfo__RLimit one = PB__RLIMIT_INFO__RLIMIT__INIT, two = one;
    one.has_type = two.has_type = 1;
    one.type = PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_NOFILE;
    one.has_soft = one.has_hard = 1;
    one.soft = 10;
    one.hard = 20;
    two.type = PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_STACK;
    Pb__RLimitInfo__RLimit *both[] = {&one, &two};
    Pb__RLimitInfo limits = PB__RLIMIT_INFO__INIT;
    limits.n_rlimits = 2;
    limits.rlimits = both;
    Pb__ContainerInfo info = PB__CONTAINER_INFO__INIT;
    info.rlimit_info = &limits;
    struct container_spec *spec = paper_spec("true");
    paper_set_info(spec, &info);
    paper_expect(
        &paper, "c", spec, NULL,
        "stdio /s\nwait\nsweep\nfork\nrlimit 7 10 20\nrlimit 3 -1 -1\nchdir /s\nsetuser\n");
    one.soft = 30;
    spec = paper_spec("true");
    paper_set_info(spec, &info);
    paper_refuses(&paper, "c", spec, NULL, "above the hard");
    one.has_type = 0;
    spec = paper_spec("true");
    paper_set_info(spec, &info);
    paper_refuses(&paper, "c", spec, NULL, "Unknown resource limit");
    isolators_deinit(&paper.isolators);
}

static struct container_spec *with_capabilities(Pb__CapabilityInfo__Capability *effective,
                                                size_t effective_count,
                                                Pb__CapabilityInfo__Capability *bounding,
                                                size_t bounding_count)
{
    Pb__CapabilityInfo e = PB__CAPABILITY_INFO__INIT, b = e;
    Pb__LinuxInfo info = PB__LINUX_INFO__INIT;
    e.capabilities = effective;
    e.n_capabilities = effective_count;
    b.capabilities = bounding;
    b.n_capabilities = bounding_count;
    info.effective_capabilities = effective != NULL ? &e : NULL;
    info.bounding_capabilities = bounding != NULL ? &b : NULL;
    struct container_spec *spec = paper_spec("true");
    paper_set_linux(spec, &info);
    return spec;
}

static void test_capabilities(void **state)
{
    (void)state;
    Pb__CapabilityInfo__Capability few[] = {PB__CAPABILITY_INFO__CAPABILITY__CHOWN,
                                            PB__CAPABILITY_INFO__CAPABILITY__KILL,
                                            PB__CAPABILITY_INFO__CAPABILITY__NET_RAW};
    struct paper paper;
    paper_init(&paper, CGROUPS_V1, "posix", "linux/capabilities,linux/nnp");
    paper_start(&paper);
#define START "stdio /s\nwait\nsweep\n" CHILD
    paper_expect(&paper, "c", paper_spec("true"), NULL, START "nnp\n");
    paper_expect(&paper, "c", with_capabilities(few, 2, NULL, 0), NULL,
                 START "caps 33 33 3\nnnp\n");
    paper_expect(&paper, "c", with_capabilities(few, 1, few, 2), NULL, START "caps 1 33 3\nnnp\n");
    paper_expect(&paper, "c", with_capabilities(NULL, 0, few, 2), NULL, START "caps 0 33 2\nnnp\n");
    paper_refuses(&paper, "c", with_capabilities(few, 2, few, 1), NULL, "not among the bounding");
    isolators_deinit(&paper.isolators);
    paper.options.bounding_capabilities = "{\"capabilities\": [\"CHOWN\", \"KILL\"]}";
    paper.options.effective_capabilities = "{\"capabilities\": [\"CHOWN\"]}";
    paper_start(&paper);
    paper_expect(&paper, "c", paper_spec("true"), NULL, START "caps 1 33 3\nnnp\n");
    paper_expect(&paper, "c", with_capabilities(few + 1, 1, NULL, 0), NULL,
                 START "caps 32 33 3\nnnp\n");
    paper_refuses(&paper, "c", with_capabilities(few, 3, NULL, 0), NULL, "not among the bounding");
    paper_refuses(&paper, "c", with_capabilities(NULL, 0, few, 3), NULL, "operator");
    isolators_deinit(&paper.isolators);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_paths),
        cmocka_unit_test(test_folders_of_sandboxes),
        cmocka_unit_test(test_volumes_need_an_isolator),
        cmocka_unit_test(test_persistent_volumes),
        cmocka_unit_test(test_shared_memory),
        cmocka_unit_test(test_the_operator_may_refuse_to_share_pids),
        cmocka_unit_test(test_rlimits),
        cmocka_unit_test(test_capabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
