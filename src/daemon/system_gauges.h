/*
 * Gauges of the machine, which both daemons show: system/load_1min, system/mem_free_bytes ...
 * (facts/metrics.csv). They read /proc when somebody looks.
 */
#ifndef TEPUI_DAEMON_SYSTEM_GAUGES_H
#define TEPUI_DAEMON_SYSTEM_GAUGES_H

#include "common/metrics.h"

void system_gauges_add(struct metrics *metrics);

#endif
