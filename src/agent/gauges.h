/*
 * The agent's metrics, by Mesos' names (facts/metrics.csv). Counters are kept here; gauges are read
 * from the agent when somebody looks.
 */
#ifndef TEPUI_AGENT_GAUGES_H
#define TEPUI_AGENT_GAUGES_H

#include "common/metrics.h"

struct agent;

struct gauges {
    struct metrics *metrics;
    struct metric *container_launch_errors;
    struct metric *executors_terminated;
    struct metric *executors_preempted;
    struct metric *recovery_errors;
    struct metric *recovery_time_secs;
    struct metric *tasks_failed, *tasks_finished, *tasks_gone, *tasks_killed, *tasks_lost;
    struct metric *valid_status_updates, *invalid_status_updates;
    struct metric *valid_framework_messages, *invalid_framework_messages;
    struct metric *path_removals_succeeded, *path_removals_failed;
};

void gauges_init(struct agent *agent);
void gauges_deinit(struct agent *agent);

#endif
