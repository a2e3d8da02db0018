/*
 * What schedulers ask for, on the parts of mesos.scheduler.Call: both APIs and the messages of
 * older drivers end here. The framework is connected, and the caller speaks for it.
 */
#ifndef TEPUI_MASTER_CALLS_H
#define TEPUI_MASTER_CALLS_H

#include "common/duration.h"
#include "common/err.h"
#include "master/wants.h"
#include "wire/pb.h"
#include "wire/upid.h"

struct master;
struct framework;

/* Tasks that a scheduler is told of before it has taken some of that. */
#define RECONCILE_BATCH_COUNT 1000
/* Bytes of ids that wait for their batch; beyond, all are told of at once, and what a stream may
 * leave unsent decides. */
#define RECONCILE_WAITING_SIZE_MAX ((size_t)16 << 20)
/* A v0 driver does not say what it has taken: the time between batches. */
#define RECONCILE_PAUSE_NS (1 * NS_PER_MS)

/* --- subscribing (subscribe.c) --- */

/* What both kinds of SUBSCRIBE say. */
struct subscription {
    Pb__FrameworkInfo *info;
    struct framework_wants_given wants;
    bool force; /* v0 */
};

/* Opens the stream of the handle: SUBSCRIBED, or ERROR and its end. */
void master_subscribe_http(struct master *master, uint64_t handle, bool json,
                           const struct subscription *subscription);
/* Answers with a registration, or a FrameworkErrorMessage. */
void master_subscribe_upid(struct master *master, const struct upid *from,
                           const struct subscription *subscription);

/* 0, or VALIDATE_E with what is wrong (update_framework.c). */
int master_update_framework(struct master *master, struct framework *framework,
                            const Pb__Scheduler__Call__UpdateFramework *call,
                            struct err *err) WARN_UNUSED;

/* --- all others; what is not possible is ignored, as in the reference --- */

void master_teardown(struct master *master, struct framework *framework);
void master_accept(struct master *master, struct framework *framework,
                   const Pb__Scheduler__Call__Accept *call);
void master_decline(struct master *master, struct framework *framework,
                    const Pb__Scheduler__Call__Decline *call);
void master_accept_inverse_offers(struct master *master, struct framework *framework,
                                  const Pb__Scheduler__Call__AcceptInverseOffers *call);
void master_decline_inverse_offers(struct master *master, struct framework *framework,
                                   const Pb__Scheduler__Call__DeclineInverseOffers *call);
void master_revive(struct master *master, struct framework *framework,
                   const Pb__Scheduler__Call__Revive *call);
void master_suppress(struct master *master, struct framework *framework,
                     const Pb__Scheduler__Call__Suppress *call);
void master_request(struct master *master, struct framework *framework);
void master_kill(struct master *master, struct framework *framework,
                 const Pb__Scheduler__Call__Kill *call);
void master_shutdown(struct master *master, struct framework *framework,
                     const Pb__Scheduler__Call__Shutdown *call);
void master_acknowledge(struct master *master, struct framework *framework,
                        const Pb__Scheduler__Call__Acknowledge *call);
void master_acknowledge_operation_status(
    struct master *master, struct framework *framework,
    const Pb__Scheduler__Call__AcknowledgeOperationStatus *call);
void master_reconcile_operations(struct master *master, struct framework *framework,
                                 const Pb__Scheduler__Call__ReconcileOperations *call);
/* Up to RECONCILE_BATCH_COUNT tasks are told of at once, of more as the scheduler takes it. */
void master_reconcile(struct master *master, struct framework *framework,
                      const Pb__Scheduler__Call__Reconcile *call);
/* NET_TAKEN, TIMER_RECONCILE: more of it, if there is. */
void master_reconcile_next(struct master *master, struct framework *framework);
/* Its scheduler has gone: nothing more of it. */
void master_reconcile_drop(struct master *master, struct framework *framework);
/* MESSAGE to an executor. */
void master_relay(struct master *master, struct framework *framework,
                  const Pb__Scheduler__Call__Message *call);

#endif
