/*
 * The master's gauges: numbers that are kept anyway, under Mesos' names (facts/metrics.csv).
 */
#ifndef TEPUI_MASTER_GAUGES_H
#define TEPUI_MASTER_GAUGES_H

#include "common/metrics.h"

struct master;

/* Calls `visit` for each; in constant time. */
void master_gauges_visit(const struct master *master, metrics_visit_fn *visit, void *arg);

#endif
