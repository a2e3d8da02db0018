/*
 * What schedulers are told: a v1 event in the encoding of the stream, or the v0 message. To a
 * framework without a connection nothing is sent.
 */
#ifndef TEPUI_MASTER_EVENTS_H
#define TEPUI_MASTER_EVENTS_H

#include "common/slice.h"
#include "master/framework.h"
#include "wire/pb.h"

struct master;

/* Seconds between heartbeats, as SUBSCRIBED announces it. */
#define EVENTS_HEARTBEAT_NS (15 * NS_PER_SEC)

/* Framework and upid of one who is no framework yet, or not any more. */
void master_event_refuse_http(struct master *master, uint64_t handle, bool json,
                              const char *stream_id, const char *message);
void master_event_refuse_upid(struct master *master, const struct upid *to, const char *message);

/* v0: FrameworkReregisteredMessage if `again`, else FrameworkRegisteredMessage. */
void master_event_subscribed(struct master *master, struct framework *framework, bool again);
void master_event_heartbeat(struct master *master, struct framework *framework);
void master_event_error(struct master *master, struct framework *framework, const char *message);
/* Encoded Offers as fields 1 of `offers`, one behind the other; for v0 the pids of their agents. */
void master_event_offers(struct master *master, struct framework *framework, struct slice offers,
                         const char *const *pids, size_t count);
void master_event_rescind(struct master *master, struct framework *framework,
                          struct slice offer_id);
/* Encoded InverseOffers, likewise. */
void master_event_inverse_offers(struct master *master, struct framework *framework,
                                 struct slice offers, const char *const *pids, size_t count);
void master_event_rescind_inverse(struct master *master, struct framework *framework,
                                  struct slice offer_id);
/* An encoded StatusUpdate; acknowledgee is the pid of the agent, NULL for the master's own. */
void master_event_update(struct master *master, struct framework *framework, struct slice update,
                         const char *acknowledgee);
/* UPDATE_OPERATION_STATUS; drivers have no such thing, and are told nothing. */
void master_event_operation(struct master *master, struct framework *framework,
                            Pb__OperationStatus *status);
void master_event_message(struct master *master, struct framework *framework,
                          const Pb__Internal__ExecutorToFrameworkMessage *message);
void master_event_executor_exited(struct master *master, struct framework *framework,
                                  const Pb__Internal__ExitedExecutorMessage *message);
void master_event_agent_lost(struct master *master, struct framework *framework,
                             struct slice agent_id);

#endif
