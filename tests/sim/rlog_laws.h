/*
 * What must hold of a log whatever happens to its replicas: everything that anybody says or learns
 * is told here, and the first contradiction is kept.
 *
 * What was acknowledged is never lost; no position has two values, nor one proposal number of a
 * position; no replica says that it promised or accepted what is not on its disk.
 */
#ifndef TEPUI_TESTS_SIM_RLOG_LAWS_H
#define TEPUI_TESTS_SIM_RLOG_LAWS_H

#include "rlog/rlog.h"
#include "sim/rlog_store.h"

#define RLOG_LAWS_POSITIONS_MAX 16384

/* A value that was proposed for a position with a number. */
struct rlog_proposed {
    struct rlog_proposed *next;
    uint64_t proposal;
    struct rlog_action value;
};

/* What is known of a position, whoever knows it. */
struct rlog_place {
    bool is_decided;
    struct rlog_action value;       /* decided: learned by somebody */
    struct blob *acknowledged;      /* what a client was told is there; empty for a truncation */
    struct rlog_proposed *proposed; /* all that was; the newest first; heap */
};

/* Zeroed at the start. */
struct rlog_laws {
    struct rlog_place places[RLOG_LAWS_POSITIONS_MAX];
    uint64_t acknowledged_end; /* highest position that was acknowledged */
    char failure[256];         /* the first contradiction; "" = none */
};

void rlog_laws_deinit(struct rlog_laws *laws);
void rlog_laws_fail(struct rlog_laws *laws, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Somebody sends a message; `store` is what it has on disk. */
void rlog_laws_message(struct rlog_laws *laws, const struct net_effect *effect, const char *name,
                       const struct rlog_sim_store *store);
void rlog_laws_learned(struct rlog_laws *laws, const struct rlog_action *action);
/* Takes the reference over. */
void rlog_laws_acknowledged(struct rlog_laws *laws, uint64_t position, struct blob *bytes);
/* A reader got nothing from `from` to before `to`; and got an entry. */
void rlog_laws_skipped(struct rlog_laws *laws, uint64_t from, uint64_t to, const char *name);
void rlog_laws_read(struct rlog_laws *laws, const struct rlog_entry *entry, const char *name);

#endif
