/*
 * The isolators of --isolation: one table of Mesos' names, what each needs, and the function that
 * adds its steps to a container's plan. Their order is that of the table, whatever the flag's
 * (facts/observed.md, containers 8).
 */
#ifndef TEPUI_CONTAINER_ISOLATORS_H
#define TEPUI_CONTAINER_ISOLATORS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "container/containerizer_options.h"
#include "wire/pb.h"

struct launch;

enum isolator {
    ISOLATOR_FILESYSTEM_POSIX,
    ISOLATOR_FILESYSTEM_LINUX,
    ISOLATOR_POSIX_CPU,
    ISOLATOR_POSIX_MEM,
    ISOLATOR_POSIX_RLIMITS,
    ISOLATOR_CGROUPS_CPU,
    ISOLATOR_CGROUPS_MEM,
    ISOLATOR_CGROUPS_PIDS,
    ISOLATOR_CGROUPS_BLKIO,
    ISOLATOR_CGROUPS_CPUSET,
    ISOLATOR_CGROUPS_DEVICES,
    ISOLATOR_CGROUPS_HUGETLB,
    ISOLATOR_CGROUPS_NET_PRIO,
    ISOLATOR_CGROUPS_PERF_EVENT,
    ISOLATOR_LINUX_CAPABILITIES,
    ISOLATOR_LINUX_NNP,
    ISOLATOR_NAMESPACES_IPC,
    ISOLATOR_NAMESPACES_PID,
    ISOLATOR_VOLUME_SANDBOX_PATH,
    ISOLATOR_VOLUME_HOST_PATH,
    ISOLATOR_ENVIRONMENT_SECRET,
    ISOLATOR_COUNT,
};

/* The flags --launcher and --isolation, and those that belong to isolators, as read. */
struct isolators {
    uint64_t on;                  /* bit n: isolator n */
    bool is_linux;                /* the launcher */
    bool has_effective;           /* --effective_capabilities */
    bool has_bounding;            /* --bounding_capabilities */
    uint64_t effective;           /* bit n: the kernel's capability n */
    uint64_t bounding;            /* likewise */
    Pb__DeviceWhitelist *devices; /* --allowed_devices, or NULL; in the arena */
    struct arena arena;
};

/* Reads them: 0, or CONTAINERIZER_E_OPTIONS with what is wrong. */
int isolators_parse(const struct containerizer_options *options,
                    const struct containerizer_facts *facts, struct isolators *ret,
                    struct err *err) WARN_UNUSED;
void isolators_deinit(struct isolators *isolators); /* idempotent */

static inline bool isolators_have(const struct isolators *isolators, enum isolator isolator)
{
    return (isolators->on >> isolator & 1) != 0;
}

/* Lets every isolator that is on add its steps: 0, or -EINVAL with why the launch is refused. */
int isolators_plan(struct launch *launch, struct err *err) WARN_UNUSED;

#endif
