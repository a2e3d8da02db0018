#include <errno.h>

#include "container/cgroups_plan.h"
#include "container/container_paths.h"

static const char *folder(const struct cgroups_scope *scope, const char *path, struct plan *plan)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    bool found = cgroups_plan_folder(scope, "freezer", path, &out);
    ASSERT(found);
    return plan_text(plan, "%s", buf_text(&out));
}

static void plan_cpu(const struct cgroups_scope *scope, const char *dir,
                     const struct container_spec *spec, struct plan *plan)
{
    bool low = spec->cpus_revocable && scope->options->revocable_cpu_low_priority;
    plan_write(plan, PLAN_WRITE, dir, "cpu.weight", cgroups_plan_weight(spec->cpus_milli, low));
    int64_t milli = spec->cpus_limit_milli;
    if (milli == 0) {
        milli = scope->options->cgroups_enable_cfs ? spec->cpus_milli : INT64_MAX;
    }
    struct plan_step *step = plan_addf(plan, PLAN_WRITE, "%s/cpu.max", dir);
    step->text[1] = milli == INT64_MAX
                        ? plan_text(plan, "max %d", CGROUPS_CPU_PERIOD_US)
                        : plan_text(plan, "%lld %d", (long long)cgroups_plan_quota_us(milli),
                                    CGROUPS_CPU_PERIOD_US);
}

static void plan_memory(const char *dir, const struct container_spec *spec, bool update,
                        struct plan *plan)
{
    int64_t soft = MAX(spec->mem_bytes, CGROUPS_MEM_BYTES_MIN);
    plan_write(plan, PLAN_WRITE, dir, "memory.low", soft);
    enum plan_step_type how = update ? PLAN_RAISE : PLAN_WRITE; /* as in v1: only raised later */
    if (spec->mem_limit_bytes == INT64_MAX) {
        plan_addf(plan, how, "%s/memory.max", dir)->text[1] = "max";
        return;
    }
    int64_t hard = spec->mem_limit_bytes != 0 ? spec->mem_limit_bytes : soft;
    plan_write(plan, how, dir, "memory.max", MAX(hard, CGROUPS_MEM_BYTES_MIN));
}

void cgroups_v2_plan_amounts(const struct cgroups_scope *scope, const char *path,
                             const struct container_spec *spec, bool update, struct plan *plan)
{
    const char *dir = folder(scope, path, plan);
    if (isolators_have(scope->isolators, ISOLATOR_CGROUPS_CPU)) {
        plan_cpu(scope, dir, spec, plan);
    }
    if (isolators_have(scope->isolators, ISOLATOR_CGROUPS_MEM)) {
        plan_memory(dir, spec, update, plan);
    }
}

/* "+cpu +memory", or NULL if no controller is needed. */
static const char *enabling(const struct cgroups_scope *scope, struct plan *plan)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    const char *name;
    for (size_t i = 0; (name = cgroups_plan_controller(scope, i)) != NULL; i++) {
        buf_printf(&out, "%s+%s", i != 0 ? " " : "", name);
    }
    return out.size != 0 ? plan_text(plan, "%s", buf_text(&out)) : NULL;
}

/* Controllers go down one level at a time: from the top-level container to the "mesos" that this
 * one is made in. */
static void enable_on_the_way(const struct cgroups_scope *scope, struct launch *launch,
                              const struct launch_parent *parent, const char *controllers)
{
    if (parent == NULL || controllers == NULL) {
        return;
    }
    enable_on_the_way(scope, launch, parent->parent, controllers);
    struct plan *plan = &launch->before;
    const char *dir = folder(scope, parent->path, plan);
    plan_addf(plan, PLAN_WRITE, "%s/cgroup.subtree_control", dir)->text[1] = controllers;
    plan_addf(plan, PLAN_WRITE, "%s/mesos/cgroup.subtree_control", dir)->text[1] = controllers;
}

int cgroups_v2_plan(struct launch *launch, struct err *err UNUSED)
{
    struct cgroups_scope scope = {launch->options, launch->facts, launch->isolators};
    struct plan *plan = &launch->before;
    const char *dir = folder(&scope, launch->path, plan);
    const char *leaf = plan_text(plan, "%s/leaf", dir);
    if (launch->parent != NULL) {
        const char *end = strrchr(dir, '/');
        plan_addf(plan, PLAN_CGROUP, "%.*s", (int)(end - dir), dir)->number[1] = 1;
        if (launch->own_cgroups) {
            enable_on_the_way(&scope, launch, launch->parent, enabling(&scope, plan));
        }
    }
    /* Those of a top-level container are made by who starts its first process, which is born there
     * (host_spawn_linux.c). */
    bool made = launch->parent == NULL;
    plan_add(plan, PLAN_CGROUP, dir, NULL)->number[1] = made;
    struct plan_step *step = plan_add(plan, PLAN_CGROUP, leaf, NULL);
    step->number[0] = 1;
    step->number[1] = made;
    if (launch->own_cgroups) {
        cgroups_v2_plan_amounts(&scope, launch->path, launch->spec, false, plan);
    }
    plan_add(plan, PLAN_JOIN, leaf, "cgroup.procs")->number[1] = made;
    return 0;
}
