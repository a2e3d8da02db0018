#include "agent/amounts.h"

#include <math.h>
#include <string.h>

#include "resources/scalar.h"

#define MB_BYTES (INT64_C(1) << 20)

/* Thousandths of a megabyte in bytes, held at the end of the range. */
static int64_t mb_to_bytes(int64_t mb_milli)
{
    if (mb_milli > INT64_MAX / MB_BYTES) {
        return INT64_MAX - 1; /* INT64_MAX is "infinite" */
    }
    return mb_milli * MB_BYTES / SCALAR_ONE;
}

void amounts_init(struct amounts *amounts)
{
    *amounts = (struct amounts){.cpus_limit_milli = -1, .mem_limit_bytes = -1};
}

void amounts_add_resources(struct amounts *amounts, Pb__Resource *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Pb__Resource *r = items[i];
        int64_t scalar;
        if (r->scalar == NULL || !scalar_from_double(r->scalar->value, &scalar) || scalar < 0) {
            continue;
        }
        if (strcmp(r->name, "cpus") == 0) {
            amounts->cpus_milli = scalar_add(amounts->cpus_milli, scalar);
            amounts->cpus_revocable = amounts->cpus_revocable || r->revocable != NULL;
        } else if (strcmp(r->name, "mem") == 0) {
            amounts->mem_bytes = scalar_add(amounts->mem_bytes, mb_to_bytes(scalar));
        } else if (strcmp(r->name, "disk") == 0) {
            amounts->disk_mb_milli = scalar_add(amounts->disk_mb_milli, scalar);
        } else if (strcmp(r->name, "gpus") == 0) {
            amounts->gpus_milli = scalar_add(amounts->gpus_milli, scalar);
        }
    }
}

/* A limit as a scalar; AMOUNT_INFINITE for infinity; -1 for what is none. */
static int64_t limit_from_double(double value)
{
    int64_t scalar;
    if (isinf(value) && value > 0) {
        return AMOUNT_INFINITE;
    }
    return scalar_from_double(value, &scalar) && scalar >= 0 ? scalar : -1;
}

void amounts_set_limits(struct amounts *amounts, const void *entries, size_t count)
{
    /* The entries of every map<string, Value.Scalar> have the same layout. */
    Pb__TaskInfo__LimitsEntry *const *items = entries;
    for (size_t i = 0; i < count; i++) {
        if (items[i]->value == NULL) {
            continue;
        }
        int64_t limit = limit_from_double(items[i]->value->value);
        if (strcmp(items[i]->key, "cpus") == 0) {
            amounts->cpus_limit_milli = limit;
        } else if (strcmp(items[i]->key, "mem") == 0) {
            amounts->mem_limit_bytes =
                limit < 0 || limit == AMOUNT_INFINITE ? limit : mb_to_bytes(limit);
        }
    }
}

void amounts_add(struct amounts *sum, const struct amounts *other)
{
    sum->cpus_milli = scalar_add(sum->cpus_milli, other->cpus_milli);
    sum->mem_bytes = scalar_add(sum->mem_bytes, other->mem_bytes);
    sum->disk_mb_milli = scalar_add(sum->disk_mb_milli, other->disk_mb_milli);
    sum->gpus_milli = scalar_add(sum->gpus_milli, other->gpus_milli);
    sum->cpus_revocable = sum->cpus_revocable || other->cpus_revocable;
}

static int64_t add_limit(int64_t sum, int64_t limit)
{
    return sum == AMOUNT_INFINITE || limit == AMOUNT_INFINITE ? AMOUNT_INFINITE
                                                              : scalar_add(sum, limit);
}

void amounts_limits_add_task(struct amounts_limits *limits, const struct amounts *task)
{
    if (task->cpus_limit_milli >= 0) {
        limits->has_cpus = true;
        limits->cpus_milli = add_limit(limits->cpus_milli, task->cpus_limit_milli);
    } else {
        limits->cpus_requests_milli = scalar_add(limits->cpus_requests_milli, task->cpus_milli);
    }
    if (task->mem_limit_bytes >= 0) {
        limits->has_mem = true;
        limits->mem_bytes = add_limit(limits->mem_bytes, task->mem_limit_bytes);
    } else {
        limits->mem_requests_bytes = scalar_add(limits->mem_requests_bytes, task->mem_bytes);
    }
}

void amounts_limits_finish(struct amounts_limits *limits, const struct amounts *executor,
                           bool enables_cfs)
{
    if (limits->has_cpus) {
        limits->cpus_milli = add_limit(limits->cpus_milli, executor->cpus_milli);
        if (limits->cpus_requests_milli > 0) {
            /* Without CFS those without a limit are not to be held to their request. */
            limits->cpus_milli =
                enables_cfs ? add_limit(limits->cpus_milli, limits->cpus_requests_milli) : 0;
        }
    }
    if (limits->has_mem) {
        limits->mem_bytes = add_limit(limits->mem_bytes, executor->mem_bytes);
        limits->mem_bytes = add_limit(limits->mem_bytes, limits->mem_requests_bytes);
    }
}
