/*
 * How much of the resources that containers and gauges count: sums over all roles and reservations.
 */
#ifndef TEPUI_AGENT_AMOUNTS_H
#define TEPUI_AGENT_AMOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/pb.h"

/* No bound, of a limit. */
#define AMOUNT_INFINITE INT64_MAX

struct amounts {
    int64_t cpus_milli;
    int64_t mem_bytes;
    int64_t disk_mb_milli; /* thousandths of a megabyte */
    int64_t gpus_milli;
    /* limits of a task; -1 = none given */
    int64_t cpus_limit_milli;
    int64_t mem_limit_bytes;
    bool cpus_revocable; /* some of the cpus are */
};

void amounts_init(struct amounts *amounts);
void amounts_add_resources(struct amounts *amounts, Pb__Resource *const *items, size_t count);
/* The limits of a task: a map of names to amounts, infinity included. */
void amounts_set_limits(struct amounts *amounts, const void *entries, size_t count);
void amounts_add(struct amounts *sum, const struct amounts *other);

/*
 * The limits of a container from those of the executor and its tasks, as the reference computes
 * them: once a task has a limit, what has none counts with its request. 0 = none.
 */
struct amounts_limits {
    int64_t cpus_milli; /* 0 = none, AMOUNT_INFINITE */
    int64_t mem_bytes;
    bool has_cpus, has_mem;      /* some task has one */
    int64_t cpus_requests_milli; /* of tasks without a limit */
    int64_t mem_requests_bytes;
};

void amounts_limits_add_task(struct amounts_limits *limits, const struct amounts *task);
void amounts_limits_finish(struct amounts_limits *limits, const struct amounts *executor,
                           bool enables_cfs);

#endif
