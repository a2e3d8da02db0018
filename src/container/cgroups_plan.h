/*
 * Which cgroups a container has, and what is written into them, on v1 and on v2
 * (facts/observed.md, containers 2 to 7).
 *
 * v1: <hierarchy>/<root>/<id>, nested <id>/mesos/<child>: always in the freezer's hierarchy (and in
 * systemd's, if it runs here), and in those of the isolators unless the parent's are shared.
 * v2: one folder a container in the one hierarchy, whose processes are in its "leaf" (a cgroup with
 * controlled children may hold none), nested ones likewise below "mesos".
 */
#ifndef TEPUI_CONTAINER_CGROUPS_PLAN_H
#define TEPUI_CONTAINER_CGROUPS_PLAN_H

#include "container/isolators.h"
#include "container/launch_plan.h"

#define CGROUPS_MEM_BYTES_MIN (INT64_C(32) << 20)
#define CGROUPS_CPU_PERIOD_US 100000
#define CGROUPS_CPU_QUOTA_US_MIN 1000

/* What the version-specific halves share. */
struct cgroups_scope {
    const struct containerizer_options *options;
    const struct containerizer_facts *facts;
    const struct isolators *isolators;
};

/* Everything about cgroups that a launch needs: 0 or -EINVAL. */
int cgroups_plan(struct launch *launch, struct err *err) WARN_UNUSED;

/* Shares, quota and memory limits for new amounts of a container with its own cgroups. */
void cgroups_plan_update(const struct cgroups_scope *scope, const char *path,
                         const struct container_spec *spec, struct plan *plan);

/* The folders a container has of its own, one a line; the one that processes are killed by
 * first. */
void cgroups_plan_folders(const struct cgroups_scope *scope, const char *path, bool own_cgroups,
                          struct buf *out);

/* The folder of a container in the hierarchy of a controller, by v1's name ("memory", "cpu",
 * "cpuacct"); false if the isolator that counts it is off. */
bool cgroups_plan_folder(const struct cgroups_scope *scope, const char *controller,
                         const char *path, struct buf *out);

/* The mount of a v1 controller, or of the v2 hierarchy; NULL if it is not mounted. */
const char *cgroups_plan_mount(const struct containerizer_facts *facts, const char *controller);

/* Controllers (names of the version's own) that the isolators need; NULL behind the last. */
const char *cgroups_plan_controller(const struct cgroups_scope *scope, size_t index);

/* Numbers, by the original's rules. */
int64_t cgroups_plan_shares(int64_t cpus_milli, bool low_priority);
int64_t cgroups_plan_weight(int64_t cpus_milli, bool low_priority);
int64_t cgroups_plan_quota_us(int64_t cpus_milli);

/* --- the two halves --- */

int cgroups_v1_plan(struct launch *launch, struct err *err) WARN_UNUSED;
void cgroups_v1_plan_amounts(const struct cgroups_scope *scope, const char *path,
                             const struct container_spec *spec, bool update, struct plan *plan);
void cgroups_v1_plan_folders(const struct cgroups_scope *scope, const char *path, bool own_cgroups,
                             struct buf *out);
int cgroups_v2_plan(struct launch *launch, struct err *err) WARN_UNUSED;
void cgroups_v2_plan_amounts(const struct cgroups_scope *scope, const char *path,
                             const struct container_spec *spec, bool update, struct plan *plan);

#endif
