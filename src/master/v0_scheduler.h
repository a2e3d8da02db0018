/*
 * Schedulers that speak by messages: mesos.scheduler.Call of drivers of Mesos 1.x, and one message
 * a kind of older ones and of mesos-go's. Only the pid that a framework registered from speaks for
 * it.
 */
#ifndef TEPUI_MASTER_V0_SCHEDULER_H
#define TEPUI_MASTER_V0_SCHEDULER_H

#include "wire/pb.h"
#include "wire/upid.h"

struct master;

void master_v0_call(struct master *master, const struct upid *from,
                    const Pb__SchedulerV0__Call *call);

void master_v0_register(struct master *master, const struct upid *from,
                        const Pb__Internal__RegisterFrameworkMessage *message);
void master_v0_reregister(struct master *master, const struct upid *from,
                          const Pb__Internal__ReregisterFrameworkMessage *message);
void master_v0_unregister(struct master *master, const struct upid *from,
                          const Pb__Internal__UnregisterFrameworkMessage *message);
void master_v0_deactivate(struct master *master, const struct upid *from,
                          const Pb__Internal__DeactivateFrameworkMessage *message);
void master_v0_request(struct master *master, const struct upid *from,
                       const Pb__Internal__ResourceRequestMessage *message);
void master_v0_launch(struct master *master, const struct upid *from,
                      const Pb__Internal__LaunchTasksMessage *message);
void master_v0_revive(struct master *master, const struct upid *from,
                      const Pb__Internal__ReviveOffersMessage *message);
void master_v0_kill(struct master *master, const struct upid *from,
                    const Pb__Internal__KillTaskMessage *message);
void master_v0_acknowledge(struct master *master, const struct upid *from,
                           const Pb__Internal__StatusUpdateAcknowledgementMessage *message);
void master_v0_message(struct master *master, const struct upid *from,
                       const Pb__Internal__FrameworkToExecutorMessage *message);
void master_v0_reconcile(struct master *master, const struct upid *from,
                         const Pb__Internal__ReconcileTasksMessage *message);

#endif
