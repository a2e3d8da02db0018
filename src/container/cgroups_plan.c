#include "container/cgroups_plan.h"

#include <errno.h>

#include "container/container_paths.h"

#define SHARES_PER_CPU 1024
#define SHARES_PER_CPU_LOW 10
#define SHARES_MIN 2
#define WEIGHT_PER_CPU 100
#define WEIGHT_PER_CPU_LOW 1
#define WEIGHT_MIN 1
#define WEIGHT_MAX 10000 /* the kernel's */

/* v2's name NULL: counts without a controller, or is not there. */
static const struct {
    enum isolator isolator;
    const char *v1;
    const char *v2;
} controllers[] = {
    {ISOLATOR_CGROUPS_CPU, "cpu", "cpu"},
    {ISOLATOR_CGROUPS_CPU, "cpuacct", NULL},
    {ISOLATOR_CGROUPS_MEM, "memory", "memory"},
    {ISOLATOR_CGROUPS_PIDS, "pids", "pids"},
    {ISOLATOR_CGROUPS_BLKIO, "blkio", "io"},
    {ISOLATOR_CGROUPS_CPUSET, "cpuset", "cpuset"},
    {ISOLATOR_CGROUPS_DEVICES, "devices", NULL},
    {ISOLATOR_CGROUPS_HUGETLB, "hugetlb", "hugetlb"},
    {ISOLATOR_CGROUPS_NET_PRIO, "net_prio", NULL},
    {ISOLATOR_CGROUPS_PERF_EVENT, "perf_event", NULL},
};

const char *cgroups_plan_controller(const struct cgroups_scope *scope, size_t index)
{
    for (size_t i = 0; i < ELEMENTS(controllers); i++) {
        const char *name =
            scope->facts->cgroups == CGROUPS_V1 ? controllers[i].v1 : controllers[i].v2;
        if (name != NULL && isolators_have(scope->isolators, controllers[i].isolator) &&
            index-- == 0) {
            return name;
        }
    }
    return NULL;
}

int64_t cgroups_plan_shares(int64_t cpus_milli, bool low_priority)
{
    int64_t per_cpu = low_priority ? SHARES_PER_CPU_LOW : SHARES_PER_CPU;
    return MAX(cpus_milli * per_cpu / 1000, SHARES_MIN);
}

int64_t cgroups_plan_weight(int64_t cpus_milli, bool low_priority)
{
    int64_t per_cpu = low_priority ? WEIGHT_PER_CPU_LOW : WEIGHT_PER_CPU;
    return MIN(MAX(cpus_milli * per_cpu / 1000, WEIGHT_MIN), WEIGHT_MAX);
}

int64_t cgroups_plan_quota_us(int64_t cpus_milli)
{
    return MAX(cpus_milli * (CGROUPS_CPU_PERIOD_US / 1000), CGROUPS_CPU_QUOTA_US_MIN);
}

const char *cgroups_plan_mount(const struct containerizer_facts *facts, const char *controller)
{
    if (facts->cgroups == CGROUPS_V2) {
        return facts->hierarchy_count != 0 ? facts->hierarchies[0].path : NULL;
    }
    for (size_t i = 0; i < facts->hierarchy_count; i++) {
        struct slice rest = slice_from(facts->hierarchies[i].controllers);
        struct slice name;
        while (slice_split(&rest, ',', &name)) {
            if (slice_is(name, controller)) {
                return facts->hierarchies[i].path;
            }
        }
    }
    return NULL;
}

bool cgroups_plan_folder(const struct cgroups_scope *scope, const char *controller,
                         const char *path, struct buf *out)
{
    bool on = strcmp(controller, "freezer") == 0;
    for (size_t i = 0; i < ELEMENTS(controllers); i++) {
        on = on || (strcmp(controllers[i].v1, controller) == 0 &&
                    isolators_have(scope->isolators, controllers[i].isolator));
    }
    const char *mount = on ? cgroups_plan_mount(scope->facts, controller) : NULL;
    if (mount == NULL) {
        return false;
    }
    buf_printf(out, "%s/%s/", mount, scope->facts->cgroups_root);
    container_paths_cgroup(path, out);
    return true;
}

static int64_t oom_score(const struct container_spec *spec, int64_t node_mem_bytes)
{
    int64_t request = MAX(spec->mem_bytes, CGROUPS_MEM_BYTES_MIN);
    if (node_mem_bytes <= 0 || request >= node_mem_bytes) {
        return 0;
    }
    return 1000 - (int64_t)((__int128)1000 * request / node_mem_bytes);
}

int cgroups_plan(struct launch *launch, struct err *err)
{
    const struct container_spec *spec = launch->spec;
    bool mem = isolators_have(launch->isolators, ISOLATOR_CGROUPS_MEM);
    if (launch->own_cgroups && mem && spec->mem_bytes == 0) {
        return err_set(err, -EINVAL, "No memory resource given");
    }
    if (launch->own_cgroups && isolators_have(launch->isolators, ISOLATOR_CGROUPS_CPU) &&
        spec->cpus_milli == 0) {
        return err_set(err, -EINVAL, "No cpus resource given");
    }
    int r = launch->facts->cgroups == CGROUPS_V1 ? cgroups_v1_plan(launch, err)
                                                 : cgroups_v2_plan(launch, err);
    /* What may take more than it was promised goes first when the node runs out of memory, but
     * executors do not (facts/observed.md, containers 7). */
    if (r == 0 && launch->own_cgroups && mem && spec->mem_limit_bytes > spec->mem_bytes &&
        (spec->is_command_task || launch->parent != NULL)) {
        plan_add(&launch->before, PLAN_OOM, NULL, NULL)->number[0] =
            oom_score(spec, launch->facts->node_mem_bytes);
    }
    return r;
}

void cgroups_plan_update(const struct cgroups_scope *scope, const char *path,
                         const struct container_spec *spec, struct plan *plan)
{
    if (scope->facts->cgroups == CGROUPS_V1) {
        cgroups_v1_plan_amounts(scope, path, spec, true, plan);
    } else {
        cgroups_v2_plan_amounts(scope, path, spec, true, plan);
    }
}

void cgroups_plan_folders(const struct cgroups_scope *scope, const char *path, bool own_cgroups,
                          struct buf *out)
{
    if (!scope->isolators->is_linux) {
        return;
    }
    if (scope->facts->cgroups == CGROUPS_V1) {
        cgroups_v1_plan_folders(scope, path, own_cgroups, out);
        return;
    }
    cgroups_plan_folder(scope, "freezer", path, out);
    buf_append_byte(out, '\n');
}
