/*
 * The metrics registry: counters, gauges and timers by Mesos' names (facts/metrics.csv).
 *
 * Owned by one thread. A snapshot is written as the flat JSON object of /metrics/snapshot, sorted by
 * name; a timer named x gives x_ms and x_ms/{count,min,max,p50,p90,p95,p99,p999,p9999,p25,p75}.
 */
#ifndef TEPUI_COMMON_METRICS_H
#define TEPUI_COMMON_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"

struct metrics;
struct metric;

/* Reads a gauge's value at the moment of a snapshot. */
typedef double metrics_gauge_fn(const void *arg);

struct metrics *metrics_new(void) WARN_UNUSED;
struct metrics *metrics_free(struct metrics *metrics);

/* Names must be new (asserts). The metric lives as long as the registry or until removed. */
struct metric *metrics_add_counter(struct metrics *metrics, const char *name);
struct metric *metrics_add_gauge(struct metrics *metrics, const char *name, metrics_gauge_fn *read,
                                 const void *arg);
/* A gauge whose value is set by metric_set. */
struct metric *metrics_add_value(struct metrics *metrics, const char *name);
/* A timer: durations of the last `window_ns` (as the reference: 1 hour, at most 1,000 samples kept). */
struct metric *metrics_add_timer(struct metrics *metrics, const char *name);
void metrics_remove(struct metrics *metrics, struct metric *metric);
struct metric *metrics_find(const struct metrics *metrics, const char *name); /* NULL if none */

void metric_add(struct metric *metric, int64_t amount);  /* counters */
void metric_set(struct metric *metric, double value);    /* values */
void metric_record(struct metric *metric, int64_t duration_ns, int64_t now_ns); /* timers */
double metric_value(const struct metric *metric);

/* Called for each (name, value) in order of names. */
typedef void metrics_visit_fn(void *arg, const char *name, double value);
void metrics_visit(const struct metrics *metrics, metrics_visit_fn *visit, void *arg);

#endif
