/*
 * One replica on a store in memory, asked in plain words: for tests of its rules.
 */
#ifndef TEPUI_TESTS_UNIT_RLOG_ONE_REPLICA_H
#define TEPUI_TESTS_UNIT_RLOG_ONE_REPLICA_H

#include "fake_store.h"
#include "rlog/replica.h"

struct one_replica {
    uint64_t next_token;
    struct rlog_replica replica;
    struct fake_store store;
    struct rlog_store_ops ops; /* not performed yet */
    uint64_t next_number;      /* of the askers */
};

/* Restores what the store holds; VOTING if it holds nothing. */
void one_start(struct one_replica *one);
/* Drops what is in memory, and starts anew from the store. */
void one_restart(struct one_replica *one);
void one_deinit(struct one_replica *one);
/* Performs what the replica wants until it wants nothing more; restores after failures. */
void one_settle(struct one_replica *one);

struct rlog_message one_promise_all(uint64_t proposal);
struct rlog_message one_promise(uint64_t proposal, uint64_t position);
/* "" is a no-op, "<n" a TRUNCATE to n, else an APPEND. Owns its bytes. */
struct rlog_message one_write(uint64_t proposal, uint64_t position, const char *value);
struct rlog_action one_action(uint64_t proposal, uint64_t position, const char *value,
                              bool learned);

/* Asks without performing anything. The request is released. Returns the asker's number. */
uint64_t one_ask(struct one_replica *one, struct rlog_message request);
/* Asks, settles, and gives the answer; vote 0 if there was none. The answer is to be released. */
struct rlog_message one_answer(struct one_replica *one, struct rlog_message request);
/* The same, but only the vote. */
int one_vote(struct one_replica *one, struct rlog_message request);
void one_learn(struct one_replica *one, struct rlog_action action);

#endif
