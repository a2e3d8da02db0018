/*
 * Gauges of the agent's containers: containerizer/... (facts/metrics.csv). They are read from the
 * containerizer when somebody looks.
 */
#ifndef TEPUI_DAEMON_CONTAINER_GAUGES_H
#define TEPUI_DAEMON_CONTAINER_GAUGES_H

#include "common/metrics.h"

struct containerizer_host;

/* The containerizer must outlive the registry. */
void container_gauges_add(struct metrics *metrics, struct containerizer_host *containers);

#endif
