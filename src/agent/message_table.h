/*
 * The libprocess messages that the agent takes, as a table: name and handler.
 */
#ifndef TEPUI_AGENT_MESSAGE_TABLE_H
#define TEPUI_AGENT_MESSAGE_TABLE_H

struct agent;
struct net_event;

/* Unknown names are dropped, as the reference does (facts/observed.md, wire protocol 2). */
void message_table_dispatch(struct agent *agent, const struct net_event *event);

#endif
