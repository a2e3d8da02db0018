/*
 * The metrics registry: counters, gauges and timers by Mesos' names (facts/metrics.csv).
 *
 * Owned by one thread. A snapshot is what /metrics/snapshot shows: names and numbers, sorted by
 * name. A timer named x gives x_ms, the last duration, once there is one, and from two on
 * x_ms/{count,max,min,p25,p50,p75,p90,p95,p99,p999,p9999}, between samples by linear interpolation.
 */
#ifndef TEPUI_COMMON_METRICS_H
#define TEPUI_COMMON_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"

struct metrics;
struct metric;

/* Durations that a timer keeps. */
#define METRICS_SAMPLES_MAX 1000

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
/* A timer: the last duration, and the spread of those of the last hour. */
struct metric *metrics_add_timer(struct metrics *metrics, const char *name);
/* The same over another time; 0 = only the last duration is told. Of more than METRICS_SAMPLES_MAX
 * durations the older ones are thinned out, so that the window stays covered. */
struct metric *metrics_add_timer_window(struct metrics *metrics, const char *name,
                                        int64_t window_ns);
void metrics_remove(struct metrics *metrics, struct metric *metric);
struct metric *metrics_find(const struct metrics *metrics, const char *name); /* NULL if none */

void metric_add(struct metric *metric, int64_t amount); /* counters */
void metric_set(struct metric *metric, double value);   /* values */
/* Timers; now_ns is monotonic and drives the window. */
void metric_record(struct metric *metric, int64_t duration_ns, int64_t now_ns);
double metric_value(const struct metric *metric); /* of a timer: the last, in ms; 0 if none */

/* Called for each (name, value) in order of names; values that are not finite are left out. */
typedef void metrics_visit_fn(void *arg, const char *name, double value);
void metrics_visit(const struct metrics *metrics, metrics_visit_fn *visit, void *arg);

#endif
