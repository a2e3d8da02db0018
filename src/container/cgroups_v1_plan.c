#include <errno.h>
#include <stdlib.h>

#include "container/cgroups_plan.h"
#include "container/container_paths.h"

/* Devices that every container may use (what the original allows without being asked). */
static const char *const devices_allowed[] = {
    "c *:* m",     "b *:* m",                   /* make any node */
    "c 5:1 rwm",   "c 4:0 rwm", "c 4:1 rwm",    /* console, tty0, tty1 */
    "c 136:* rwm", "c 5:2 rwm", "c 10:200 rwm", /* pts, ptmx, net/tun */
    "c 1:3 rwm",   "c 1:5 rwm", "c 1:7 rwm",    /* null, zero, full */
    "c 5:0 rwm",   "c 1:9 rwm", "c 1:8 rwm",    /* tty, urandom, random */
};

#define V1_FOLDERS_MAX 32

/* The first process of a container is one thread yet. A thread that moves itself by "tasks" is
 * moved at once. A process, by "cgroup.procs", is moved when no fork is under way on the host; to
 * know that the kernel waits for a grace period of RCU, some 12 ms. */
#define JOIN_FILE "tasks"

/* The hierarchies a container is in: the freezer's, systemd's, those of the isolators; each
 * once. */
static size_t mounts_of(const struct cgroups_scope *scope, bool isolators_too,
                        const char *ret[V1_FOLDERS_MAX])
{
    size_t count = 0;
    const char *always[] = {"freezer", "name=systemd"};
    for (size_t i = 0; i < ELEMENTS(always); i++) {
        const char *mount = cgroups_plan_mount(scope->facts, always[i]);
        if (mount != NULL) {
            ret[count++] = mount;
        }
    }
    const char *name;
    for (size_t i = 0; isolators_too && (name = cgroups_plan_controller(scope, i)) != NULL; i++) {
        const char *mount = cgroups_plan_mount(scope->facts, name);
        bool there = mount == NULL;
        for (size_t j = 0; j < count; j++) {
            there = there || ret[j] == mount;
        }
        if (!there && count < V1_FOLDERS_MAX) {
            ret[count++] = mount;
        }
    }
    return count;
}

void cgroups_v1_plan_folders(const struct cgroups_scope *scope, const char *path, bool own_cgroups,
                             struct buf *out)
{
    const char *mounts[V1_FOLDERS_MAX];
    size_t count = mounts_of(scope, own_cgroups, mounts);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s/%s/", mounts[i], scope->facts->cgroups_root);
        container_paths_cgroup(path, out);
        buf_append_byte(out, '\n');
    }
}

/* Text of the folder in a plan's arena; NULL if the isolator is off or nothing is mounted. */
static const char *folder(const struct cgroups_scope *scope, const char *controller,
                          const char *path, struct plan *plan)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    if (!cgroups_plan_folder(scope, controller, path, &out)) {
        return NULL;
    }
    return plan_text(plan, "%s", buf_text(&out));
}

static void plan_cpu(const struct cgroups_scope *scope, const char *dir,
                     const struct container_spec *spec, struct plan *plan)
{
    bool low = spec->cpus_revocable && scope->options->revocable_cpu_low_priority;
    plan_write(plan, PLAN_WRITE, dir, "cpu.shares", cgroups_plan_shares(spec->cpus_milli, low));
    /* A limit of the task's own makes a quota even without the flag (containers 3). */
    if (spec->cpus_limit_milli == 0 && !scope->options->cgroups_enable_cfs) {
        return;
    }
    int64_t milli = spec->cpus_limit_milli != 0 ? spec->cpus_limit_milli : spec->cpus_milli;
    plan_write(plan, PLAN_WRITE, dir, "cpu.cfs_period_us", CGROUPS_CPU_PERIOD_US);
    plan_write(plan, PLAN_WRITE, dir, "cpu.cfs_quota_us",
               milli == INT64_MAX ? -1 : cgroups_plan_quota_us(milli));
}

static void plan_memory(const struct cgroups_scope *scope, const char *dir,
                        const struct container_spec *spec, bool update, struct plan *plan)
{
    int64_t soft = MAX(spec->mem_bytes, CGROUPS_MEM_BYTES_MIN);
    int64_t hard = soft;
    if (spec->mem_limit_bytes == INT64_MAX) {
        hard = -1;
    } else if (spec->mem_limit_bytes != 0) {
        hard = MAX(spec->mem_limit_bytes, CGROUPS_MEM_BYTES_MIN);
    }
    plan_write(plan, PLAN_WRITE, dir, "memory.soft_limit_in_bytes", soft);
    /* The hard limit is only raised once it was set: what is in use cannot be taken away. Neither
     * of the two may at any time be above the one with swap (containers 5). */
    bool swap = scope->options->cgroups_limit_swap;
    if (!update) {
        plan_write(plan, PLAN_WRITE, dir, "memory.limit_in_bytes", hard);
        if (swap) {
            plan_write(plan, PLAN_WRITE, dir, "memory.memsw.limit_in_bytes", hard);
        }
        return;
    }
    if (swap) {
        plan_write(plan, PLAN_RAISE, dir, "memory.memsw.limit_in_bytes", hard);
    }
    plan_write(plan, PLAN_RAISE, dir, "memory.limit_in_bytes", hard);
}

static void plan_devices(const struct cgroups_scope *scope, const char *dir, struct plan *plan)
{
    plan_addf(plan, PLAN_WRITE, "%s/devices.deny", dir)->text[1] = "a";
    for (size_t i = 0; i < ELEMENTS(devices_allowed); i++) {
        plan_addf(plan, PLAN_WRITE, "%s/devices.allow", dir)->text[1] = devices_allowed[i];
    }
    const Pb__DeviceWhitelist *more = scope->isolators->devices;
    for (size_t i = 0; more != NULL && i < more->n_allowed_devices; i++) {
        const Pb__DeviceAccess *access = more->allowed_devices[i];
        if (access->device->path != NULL) {
            struct plan_step *step = plan_add(plan, PLAN_DEVICE, dir, access->device->path);
            step->text[2] =
                plan_text(plan, "%s%s%s", access->access->read ? "r" : "",
                          access->access->write ? "w" : "", access->access->mknod ? "m" : "");
        }
    }
}

void cgroups_v1_plan_amounts(const struct cgroups_scope *scope, const char *path,
                             const struct container_spec *spec, bool update, struct plan *plan)
{
    const char *dir = folder(scope, "cpu", path, plan);
    if (dir != NULL) {
        plan_cpu(scope, dir, spec, plan);
    }
    dir = folder(scope, "memory", path, plan);
    if (dir != NULL) {
        plan_memory(scope, dir, spec, update, plan);
    }
}

/* The nearest container around this one that has cgroups of its own. */
static const char *sharing(const struct launch *launch)
{
    for (const struct launch_parent *p = launch->parent; p != NULL; p = p->parent) {
        if (p->own_cgroups) {
            return p->path;
        }
    }
    WRONG("a top-level container has cgroups of its own");
}

static void make(struct launch *launch, const char *dir, bool users)
{
    if (launch->parent != NULL) {
        /* "<id>/mesos", between a cgroup and those nested in it, may be there. */
        const char *end = strrchr(dir, '/');
        plan_addf(&launch->before, PLAN_CGROUP, "%.*s", (int)(end - dir), dir)->number[1] = 1;
    }
    plan_add(&launch->before, PLAN_CGROUP, dir, NULL)->number[0] = users;
}

int cgroups_v1_plan(struct launch *launch, struct err *err)
{
    struct cgroups_scope scope = {launch->options, launch->facts, launch->isolators};
    struct plan *plan = &launch->before;
    const char *name;
    for (size_t i = 0; (name = cgroups_plan_controller(&scope, i)) != NULL; i++) {
        if (cgroups_plan_mount(launch->facts, name) == NULL) {
            return err_set(err, -EINVAL, "The cgroup hierarchy of '%s' is not mounted", name);
        }
    }
    const char *mounts[V1_FOLDERS_MAX];
    size_t always = mounts_of(&scope, false, mounts);
    size_t count = mounts_of(&scope, true, mounts);
    CLEANUP(buf_deinit) struct buf cgroup = BUF_INIT;
    container_paths_cgroup(launch->path, &cgroup);
    CLEANUP(buf_deinit) struct buf shared = BUF_INIT;
    if (!launch->own_cgroups) {
        container_paths_cgroup(sharing(launch), &shared);
    }
    const char *joined[V1_FOLDERS_MAX];
    for (size_t i = 0; i < count; i++) {
        bool own = i < always || launch->own_cgroups;
        joined[i] = plan_text(plan, "%s/%s/%s", mounts[i], launch->facts->cgroups_root,
                              buf_text(own ? &cgroup : &shared));
        if (own) {
            make(launch, joined[i], i >= always);
        }
    }
    if (launch->own_cgroups) {
        const char *cpuset = folder(&scope, "cpuset", launch->path, plan);
        for (int level = launch->parent == NULL; cpuset != NULL && level < 2; level++) {
            /* Without these nothing may be in it; "mesos", in between, has them from its parent. */
            const char *end = strrchr(cpuset, '/');
            const char *dir =
                level == 0 ? plan_text(plan, "%.*s", (int)(end - cpuset), cpuset) : cpuset;
            plan_add(plan, PLAN_COPY, dir, "cpuset.cpus");
            plan_add(plan, PLAN_COPY, dir, "cpuset.mems");
        }
        cgroups_v1_plan_amounts(&scope, launch->path, launch->spec, false, plan);
        const char *devices = folder(&scope, "devices", launch->path, plan);
        if (devices != NULL) {
            plan_devices(&scope, devices, plan);
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct plan_step *step = plan_add(plan, PLAN_JOIN, joined[i], JOIN_FILE);
        /* One started when an isolator was off lives on without its cgroup (containers 10). */
        step->number[0] = i >= always && !launch->own_cgroups;
    }
    return 0;
}
