/*
 * The v1 executor API: calls in, and events on the stream that SUBSCRIBE opens.
 */
#ifndef TEPUI_AGENT_EXECUTOR_API_H
#define TEPUI_AGENT_EXECUTOR_API_H

#include "wire/netio.h"

struct agent;
struct executor;

void executor_api_request(struct agent *agent, const struct net_request *request);
/* The client of a stream has gone. */
void executor_api_gone(struct agent *agent, uint64_t handle);
/* HEARTBEAT on its stream. */
void executor_api_heartbeat(struct executor *executor);

#endif
