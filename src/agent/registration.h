/*
 * The agent and its master: detection, link, registration with back-off, pings.
 */
#ifndef TEPUI_AGENT_REGISTRATION_H
#define TEPUI_AGENT_REGISTRATION_H

#include "agent/agent.h"

/* The detector tells of a leader, or of none. */
void registration_detected(struct agent *agent, const struct agent_master_found *found);
/* What was being stored about resources is: tells what waited for that. */
void registration_settled(struct agent *agent);
/* Registers anew: the master takes for true what is not. */
void registration_again(struct agent *agent);
/* Recovery is over: begins with what was detected meanwhile. */
void registration_start(struct agent *agent);
/* The link to an address is broken. */
void registration_exited(struct agent *agent, const struct address *address);
/* Timers: another try; no ping in time. */
void registration_try(struct agent *agent);
void registration_ping_timeout(struct agent *agent);
/* Tells the master what we have: UpdateSlaveMessage. */
void registration_send_update(struct agent *agent);
/* slave.info is stored. */
void registration_id_stored(struct agent *agent);

/* Messages of the master. */
struct net_event;
void registration_registered(struct agent *agent, const struct net_event *event);
void registration_reregistered(struct agent *agent, const struct net_event *event);
void registration_ping(struct agent *agent, const struct net_event *event);

#endif
