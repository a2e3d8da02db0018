#include "container/isolators.h"

#include "container/cgroups_plan.h"
#include "container/containerizer.h"
#include "container/launch_plan.h"
#include "wire/json.h"

enum need {
    NEED_ROOT = 1,
    NEED_LINUX = 2, /* the linux launcher */
    NEED_FILESYSTEM_LINUX = 4,
    NEED_V1 = 8, /* cgroup v1 */
};

typedef int plan_fn(struct launch *launch, struct err *err);

struct isolator_row {
    const char *name;
    plan_fn *plan;  /* NULL = no step of its own */
    unsigned needs; /* NEED_* */
};

static const struct isolator_row rows[ISOLATOR_COUNT] = {
    [ISOLATOR_FILESYSTEM_POSIX] = {"filesystem/posix", mounts_plan_filesystem_posix, 0},
    [ISOLATOR_FILESYSTEM_LINUX] = {"filesystem/linux", mounts_plan_filesystem_linux,
                                   NEED_ROOT | NEED_LINUX},
    [ISOLATOR_POSIX_CPU] = {"posix/cpu", NULL, 0},
    [ISOLATOR_POSIX_MEM] = {"posix/mem", NULL, 0},
    [ISOLATOR_POSIX_RLIMITS] = {"posix/rlimits", rlimits_plan, 0},
    /* The cgroups of all cgroups/ isolators are one matter: cgroups_plan(). */
    [ISOLATOR_CGROUPS_CPU] = {"cgroups/cpu", NULL, NEED_ROOT | NEED_LINUX},
    [ISOLATOR_CGROUPS_MEM] = {"cgroups/mem", NULL, NEED_ROOT | NEED_LINUX},
    [ISOLATOR_CGROUPS_PIDS] = {"cgroups/pids", NULL, NEED_ROOT | NEED_LINUX},
    [ISOLATOR_CGROUPS_BLKIO] = {"cgroups/blkio", NULL, NEED_ROOT | NEED_LINUX},
    [ISOLATOR_CGROUPS_CPUSET] = {"cgroups/cpuset", NULL, NEED_ROOT | NEED_LINUX},
    [ISOLATOR_CGROUPS_DEVICES] = {"cgroups/devices", NULL, NEED_ROOT | NEED_LINUX | NEED_V1},
    [ISOLATOR_CGROUPS_HUGETLB] = {"cgroups/hugetlb", NULL, NEED_ROOT | NEED_LINUX},
    [ISOLATOR_CGROUPS_NET_PRIO] = {"cgroups/net_prio", NULL, NEED_ROOT | NEED_LINUX | NEED_V1},
    [ISOLATOR_CGROUPS_PERF_EVENT] = {"cgroups/perf_event", NULL, NEED_ROOT | NEED_LINUX},
    [ISOLATOR_LINUX_CAPABILITIES] = {"linux/capabilities", caps_plan, NEED_ROOT},
    [ISOLATOR_LINUX_NNP] = {"linux/nnp", caps_plan_nnp, 0},
    [ISOLATOR_NAMESPACES_IPC] = {"namespaces/ipc", mounts_plan_ipc,
                                 NEED_ROOT | NEED_LINUX | NEED_FILESYSTEM_LINUX},
    [ISOLATOR_NAMESPACES_PID] = {"namespaces/pid", mounts_plan_pid,
                                 NEED_ROOT | NEED_LINUX | NEED_FILESYSTEM_LINUX},
    [ISOLATOR_VOLUME_SANDBOX_PATH] = {"volume/sandbox_path", volumes_plan_sandbox_path, 0},
    [ISOLATOR_VOLUME_HOST_PATH] = {"volume/host_path", volumes_plan_host_path,
                                   NEED_LINUX | NEED_FILESYSTEM_LINUX},
    [ISOLATOR_ENVIRONMENT_SECRET] = {"environment_secret", launch_plan_secrets, 0},
};

/* Of the original, and not built: refused by name, so that nobody believes to be isolated. */
static const char *const not_built[] = {
    "cgroups/all",       "cgroups/net_cls",
    "filesystem/shared", "appc/runtime",
    "docker/runtime",    "linux/devices",
    "docker/volume",     "volume/secret",
    "volume/csi",        "disk/du",
    "disk/xfs",          "linux/seccomp",
    "gpu/nvidia",        "network/port_mapping",
    "network/ports",
};

/* Accepted: they do nothing until somebody asks for an image or a network, which is refused
 * then. */
static const char *const idle[] = {"volume/image", "network/cni"};

/* Old names (facts/features.md A3). */
static const struct {
    const char *name;
    enum isolator is[2];
} aliases[] = {
    {"process", {ISOLATOR_POSIX_CPU, ISOLATOR_POSIX_MEM}},
    {"cgroups", {ISOLATOR_CGROUPS_CPU, ISOLATOR_CGROUPS_MEM}},
};

static uint64_t bit(enum isolator isolator)
{
    return UINT64_C(1) << isolator;
}

static int parse_name(struct slice name, struct isolators *isolators, struct err *err)
{
    for (size_t i = 0; i < ISOLATOR_COUNT; i++) {
        if (slice_is(name, rows[i].name)) {
            if ((isolators->on & bit((enum isolator)i)) != 0) {
                return err_set(err, CONTAINERIZER_E_OPTIONS,
                               "Duplicate entries found in --isolation flag: '%s'", rows[i].name);
            }
            isolators->on |= bit((enum isolator)i);
            return 0;
        }
    }
    for (size_t i = 0; i < ELEMENTS(aliases); i++) {
        if (slice_is(name, aliases[i].name)) {
            isolators->on |= bit(aliases[i].is[0]) | bit(aliases[i].is[1]);
            return 0;
        }
    }
    for (size_t i = 0; i < ELEMENTS(idle); i++) {
        if (slice_is(name, idle[i])) {
            return 0;
        }
    }
    for (size_t i = 0; i < ELEMENTS(not_built); i++) {
        if (slice_is(name, not_built[i])) {
            return err_set(err, CONTAINERIZER_E_OPTIONS, "Isolator '%s' is not supported yet",
                           not_built[i]);
        }
    }
    return err_set(err, CONTAINERIZER_E_OPTIONS, "Unknown or unsupported isolator '%.*s'",
                   SLICE_ARGS(name));
}

static int parse_names(const char *text, struct isolators *isolators, struct err *err)
{
    struct slice rest = slice_from(text);
    struct slice name;
    while (slice_split(&rest, ',', &name)) {
        name = slice_trim(name);
        int r = name.size != 0 ? parse_name(name, isolators, err) : 0;
        if (r != 0) {
            return r;
        }
    }
    uint64_t filesystems = bit(ISOLATOR_FILESYSTEM_POSIX) | bit(ISOLATOR_FILESYSTEM_LINUX);
    if ((isolators->on & filesystems) == filesystems) {
        return err_set(err, CONTAINERIZER_E_OPTIONS,
                       "Using multiple filesystem isolators simultaneously is disallowed");
    }
    /* Those that are on whether asked for or not (facts/features.md A2, multiple isolators). */
    if ((isolators->on & filesystems) == 0) {
        isolators->on |= bit(ISOLATOR_FILESYSTEM_POSIX);
    }
    if (isolators_have(isolators, ISOLATOR_FILESYSTEM_LINUX)) {
        isolators->on |= bit(ISOLATOR_VOLUME_SANDBOX_PATH) | bit(ISOLATOR_VOLUME_HOST_PATH);
    }
    isolators->on |= bit(ISOLATOR_ENVIRONMENT_SECRET);
    return 0;
}

static int check_needs(const struct containerizer_facts *facts, const struct isolators *isolators,
                       struct err *err)
{
    for (size_t i = 0; i < ISOLATOR_COUNT; i++) {
        const struct isolator_row *row = &rows[i];
        if (!isolators_have(isolators, (enum isolator)i)) {
            continue;
        }
        const char *lacks = NULL;
        if ((row->needs & NEED_ROOT) != 0 && facts->uid != 0) {
            lacks = "root privileges";
        } else if ((row->needs & NEED_LINUX) != 0 && !isolators->is_linux) {
            lacks = "the 'linux' launcher";
        } else if ((row->needs & NEED_FILESYSTEM_LINUX) != 0 &&
                   !isolators_have(isolators, ISOLATOR_FILESYSTEM_LINUX)) {
            lacks = "the 'filesystem/linux' isolator";
        } else if ((row->needs & NEED_V1) != 0 && facts->cgroups != CGROUPS_V1) {
            lacks = "cgroup v1";
        }
        if (lacks != NULL) {
            return err_set(err, CONTAINERIZER_E_OPTIONS, "Isolator '%s' requires %s", row->name,
                           lacks);
        }
    }
    return 0;
}

static int parse_launcher(const struct containerizer_options *options,
                          const struct containerizer_facts *facts, struct isolators *isolators,
                          struct err *err)
{
    bool possible = facts->uid == 0 && facts->cgroups != CGROUPS_NONE;
    if (options->launcher == NULL) {
        isolators->is_linux = possible;
        return 0;
    }
    if (strcmp(options->launcher, "posix") == 0) {
        isolators->is_linux = false;
        return 0;
    }
    if (strcmp(options->launcher, "linux") != 0) {
        return err_set(err, CONTAINERIZER_E_OPTIONS, "Unknown or unsupported launcher: %s",
                       options->launcher);
    }
    if (!possible) {
        return err_set(err, CONTAINERIZER_E_OPTIONS, "The 'linux' launcher requires %s",
                       facts->uid != 0 ? "root privileges" : "cgroups (a freezer, or cgroup2)");
    }
    isolators->is_linux = true;
    return 0;
}

static int parse_capabilities(const char *json, const char *flag, struct arena *arena,
                              bool *ret_has, uint64_t *ret_mask, struct err *err)
{
    if (json == NULL) {
        return 0;
    }
    ProtobufCMessage *message;
    if (json_parse_message(&pb__capability_info__descriptor, slice_from(json), JSON_V0, arena,
                           &message, err) != 0) {
        return err_wrap(err, CONTAINERIZER_E_OPTIONS, "--%s", flag);
    }
    *ret_has = true;
    *ret_mask = caps_plan_mask((const Pb__CapabilityInfo *)message);
    return 0;
}

static int parse_flags(const struct containerizer_options *options, struct isolators *isolators,
                       struct err *err)
{
    int r = parse_capabilities(options->effective_capabilities, "effective_capabilities",
                               &isolators->arena, &isolators->has_effective, &isolators->effective,
                               err);
    if (r == 0) {
        r = parse_capabilities(options->bounding_capabilities, "bounding_capabilities",
                               &isolators->arena, &isolators->has_bounding, &isolators->bounding,
                               err);
    }
    if (r != 0) {
        return r;
    }
    if (isolators->has_effective && isolators->has_bounding &&
        (isolators->effective & ~isolators->bounding) != 0) {
        return err_set(err, CONTAINERIZER_E_OPTIONS,
                       "--effective_capabilities are not a subset of --bounding_capabilities");
    }
    if (options->allowed_devices != NULL) {
        ProtobufCMessage *message;
        if (json_parse_message(&pb__device_whitelist__descriptor,
                               slice_from(options->allowed_devices), JSON_V0, &isolators->arena,
                               &message, err) != 0) {
            return err_wrap(err, CONTAINERIZER_E_OPTIONS, "--allowed_devices");
        }
        isolators->devices = (Pb__DeviceWhitelist *)message;
    }
    return 0;
}

int isolators_parse(const struct containerizer_options *options,
                    const struct containerizer_facts *facts, struct isolators *ret, struct err *err)
{
    struct isolators isolators = {0};
    arena_init(&isolators.arena, 0);
    int r = parse_launcher(options, facts, &isolators, err);
    if (r == 0) {
        r = parse_names(options->isolation != NULL ? options->isolation : "posix/cpu,posix/mem",
                        &isolators, err);
    }
    if (r == 0) {
        r = check_needs(facts, &isolators, err);
    }
    if (r == 0 && options->cgroups_limit_swap && facts->cgroups == CGROUPS_V2) {
        r = err_set(err, CONTAINERIZER_E_OPTIONS,
                    "--cgroups_limit_swap is not supported with cgroup v2");
    }
    if (r == 0) {
        r = parse_flags(options, &isolators, err);
    }
    if (r != 0) {
        isolators_deinit(&isolators);
        return r;
    }
    *ret = isolators;
    return 0;
}

void isolators_deinit(struct isolators *isolators)
{
    arena_deinit(&isolators->arena);
    *isolators = (struct isolators){0};
}

int isolators_plan(struct launch *launch, struct err *err)
{
    int r = launch->isolators->is_linux ? cgroups_plan(launch, err) : 0;
    for (size_t i = 0; r == 0 && i < ISOLATOR_COUNT; i++) {
        if (isolators_have(launch->isolators, (enum isolator)i) && rows[i].plan != NULL) {
            r = rows[i].plan(launch, err);
        }
    }
    return r;
}
