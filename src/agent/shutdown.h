/*
 * Ends that others ask for: of executors, of frameworks, of the agent.
 */
#ifndef TEPUI_AGENT_SHUTDOWN_H
#define TEPUI_AGENT_SHUTDOWN_H

struct agent;
struct net_event;

void shutdown_executor(struct agent *agent, const struct net_event *event);
void shutdown_framework(struct agent *agent, const struct net_event *event);
/* ShutdownMessage: ends everything, then the process. */
void shutdown_agent(struct agent *agent, const struct net_event *event);
/* SIGUSR1: the same, and the master is told first. */
void shutdown_leave(struct agent *agent);
/* Everything here ends; the process with the last of it. */
void shutdown_everything(struct agent *agent);

#endif
