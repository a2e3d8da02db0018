/*
 * Fake containers of the tasks of pods: each runs one process, which is a timer, inside an
 * executor's container and ends with it.
 */
#ifndef TEPUI_TESTS_SIM_CLUSTER_NESTED_H
#define TEPUI_TESTS_SIM_CLUSTER_NESTED_H

#include "sim/cluster.h"

struct container_request;

/* A request about a container inside another. */
void cluster_nested_perform(struct cluster *cluster, struct sim_node *agent,
                            const struct container_request *request);
/* The executor's container ends, and all in it; told to the agent if it is up. */
void cluster_nested_end_all(struct cluster_executor *executor);
/* A recovering agent is told of all that are in the executors that it named; and, when that is
 * done, of those that have ended. */
void cluster_nested_tell_found(struct cluster *cluster, struct sim_node *agent);
void cluster_nested_tell_ended(struct cluster *cluster, struct sim_node *agent);
/* The executor in whose container the task runs; NULL if it does not. */
struct cluster_executor *cluster_nested_executor(struct cluster *cluster,
                                                 const struct cluster_task *task);

#endif
