/*
 * The metrics of the master, /metrics/snapshot and GET_METRICS (facts/metrics.csv).
 *
 * Counters live in the daemon's registry; gauges are read from struct master when somebody asks.
 * What there is for each framework and each role is not in the registry: it is written by the
 * worker that renders the answer, so that frameworks come and go at no cost.
 */
#ifndef TEPUI_MASTER_METRICS_VIEW_H
#define TEPUI_MASTER_METRICS_VIEW_H

#include <stdbool.h>

#include "master/http.h"
#include "master/operator_call.h"

struct master;

/* Requests that wait because of the rate limit; beyond it they are answered 503. */
#define METRICS_WAITING_MAX 1000

/* The counters and timers of the master, in options.metrics. */
void master_metrics_init(struct master *master);

/* GET /metrics/snapshot: at most so often as options.metrics_rate_* say. */
void master_metrics_snapshot(struct master *master, const struct net_request *request);
/* TIMER_METRICS. */
void master_metrics_next(struct master *master);
/* The call GET_METRICS, which has no limit. */
void master_metrics_call(struct master *master, const struct operator_request *r);
/* GET /system/stats.json: the daemon's gauges of the machine. */
void master_metrics_system(struct master *master, const struct net_request *request);
/* At the end of the master. */
void master_metrics_drop_waiting(struct master *master);

#endif
