/*
 * The metrics of each framework, master/frameworks/<name>/<id>/..., from its counts; and those of
 * principals. Internal to metrics_view.c; runs in workers.
 */
#ifndef TEPUI_MASTER_METRICS_FRAMEWORK_H
#define TEPUI_MASTER_METRICS_FRAMEWORK_H

#include "common/cow.h"
#include "common/metrics.h"
#include "master/counters.h"

#define METRICS_FRAMEWORK_PREFIX "master/frameworks/"

/* In order of their names. `counts` by slot. */
void master_metrics_framework_visit(const struct cow_snapshot *frameworks,
                                    struct framework_counts *const *counts, metrics_visit_fn *visit,
                                    void *arg);
/* frameworks/<principal>/messages_received and messages_processed, of drivers' messages. */
void master_metrics_principals_visit(const struct cow_snapshot *frameworks,
                                     struct framework_counts *const *counts,
                                     metrics_visit_fn *visit, void *arg);

#endif
