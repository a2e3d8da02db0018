/*
 * A log's store on a simulated disk: each batch is one frame, with a checksum, behind the others in
 * a file, as LevelDB's own log is. A crash may leave the last frame out, or torn; the next restore
 * cuts it off.
 */
#ifndef TEPUI_TESTS_SIM_RLOG_STORE_H
#define TEPUI_TESTS_SIM_RLOG_STORE_H

#include "rlog/storage.h"
#include "sim/sim.h"

struct rlog_sim_store;

typedef void rlog_sim_stored_fn(void *arg, const struct rlog_store_done *done);

/* `stored` is called with the end of each operation, in a later step of the node. */
struct rlog_sim_store *rlog_sim_store_new(struct sim_node *node, const char *path,
                                          rlog_sim_stored_fn *stored, void *arg) WARN_UNUSED;
struct rlog_sim_store *rlog_sim_store_free(struct rlog_sim_store *store);

void rlog_sim_store_perform(struct rlog_sim_store *store, struct rlog_store_ops *ops);
/* The end of a write to the disk. */
void rlog_sim_store_done(struct rlog_sim_store *store, const struct store_done *done);

/* What is durable: the record of a position, or NULL; the promise; how many batches. */
const struct rlog_action *rlog_sim_store_find(const struct rlog_sim_store *store,
                                              uint64_t position);
uint64_t rlog_sim_store_promised(const struct rlog_sim_store *store);
uint64_t rlog_sim_store_begin(const struct rlog_sim_store *store);
uint64_t rlog_sim_store_end(const struct rlog_sim_store *store); /* the highest position; or 0 */
/* Frames that were cut off at restores. */
int rlog_sim_store_torn_count(const struct rlog_sim_store *store);

#endif
