/*
 * Between the agent and a container's first process: descriptors, messages, signals.
 *
 * tepui-containerizer is started with a plan, a socket to the agent and the container's status
 * file. On the socket (SOCK_SEQPACKET) it says INIT_PREPARED or INIT_FAILED with a text, and waits
 * for INIT_RELEASE; the socket's end before that means that the agent is gone, and ends it.
 *
 * The status file gets the command's raw wait status in decimal, once, when it has ended.
 */
#ifndef TEPUI_CONTAINER_INIT_PROTOCOL_H
#define TEPUI_CONTAINER_INIT_PROTOCOL_H

#define INIT_PROGRAM "tepui-containerizer"

/* Descriptors it starts with, beside stdio. */
#define INIT_FD_PLAN 3
#define INIT_FD_AGENT 4
#define INIT_FD_STATUS 5

/* First bytes of messages. */
#define INIT_PREPARED 'P' /* to the agent */
#define INIT_FAILED 'F'   /* to the agent; the text follows */
#define INIT_RELEASE 'R'  /* to the container */

#define INIT_MESSAGE_SIZE_MAX 1024

/* Asks a first process that sweeps (PLAN_SWEEP) to kill the command and all that descends from it.
 * One of the last real-time signals, which no program sends by accident. */
#define INIT_SIGNAL_DESTROY 63

#endif
