/* Between replica.c (the rules) and replica_store.c (writes, reads, the gate). */
#ifndef TEPUI_RLOG_REPLICA_INTERNAL_H
#define TEPUI_RLOG_REPLICA_INTERNAL_H

#include "rlog/replica.h"

/* Forgets everything that was in memory: behind a failure, and at the end. */
void rlog_replica_forget(struct rlog_replica *replica);

/* The action in memory, or NULL. */
const struct rlog_action *rlog_replica_cached(const struct rlog_replica *replica,
                                              uint64_t position);
/* Puts an action into the next batch and into memory; takes it over. The sets are not changed. */
void rlog_replica_put(struct rlog_replica *replica, struct rlog_action *action);
/* Positions below are deleted by the next batch, and leave memory. */
void rlog_replica_delete_to(struct rlog_replica *replica, uint64_t to);

/* Takes over the message's reference. */
void rlog_replica_reply(struct rlog_replica *replica, const struct rlog_asker *asker,
                        struct rlog_message *message);

/* Puts a request aside until its action has been read. */
void rlog_replica_park(struct rlog_replica *replica, const struct rlog_asker *asker,
                       const struct rlog_message *request, uint64_t position,
                       struct rlog_store_ops *ops);
/* Judges a request; parks it if its action is not in memory, unless it was `read` for already. */
void rlog_replica_judge(struct rlog_replica *replica, const struct rlog_asker *asker,
                        const struct rlog_message *request, bool read, struct rlog_store_ops *ops);

#endif
