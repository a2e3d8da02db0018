/*
 * What must hold of the registry, whoever leads: everything that masters ask the log for, and are
 * told, comes here, and the first contradiction is kept.
 *
 * The log's positions are the order in which writes happened. Each decided write must be what its
 * operations make of the decided write before it, and nothing else: so no write is lost, none
 * happens twice, none is made up. An acknowledged write must be decided, with exactly the
 * operations that were answered by it, answered as a model of the registry says, and behind all
 * that was acknowledged before it was asked for. That is linearizability, of writes.
 *
 * A number of the log's promise belongs to one master. A write that was begun when a higher number
 * had been won is acknowledged only if a later coordinator found and decided it.
 */
#ifndef TEPUI_TESTS_SIM_HA_HISTORY_H
#define TEPUI_TESTS_SIM_HA_HISTORY_H

#include "sim/ha_state.h"
#include "sim/rlog_laws.h"

#define HA_OPS_MAX 64 /* asked of one master, and not answered */
#define HA_TERMS_MAX 4096

/* One entry that a master appends. */
struct ha_write {
    struct ha_write *next;
    struct blob *bytes; /* the entry: its version makes it unlike all others */
    uint64_t writer;
    uint64_t number;   /* of the promise; 0 = it was lost by then */
    bool is_outranked; /* a higher number had been won when it was begun */
    struct ha_op ops[HA_OPS_MAX];
    size_t op_count;        /* that may be in it: the first so many */
    uint64_t position;      /* where it was decided; 0 = not, as far as is known */
    struct ha_state before; /* decided: what was there in front of it */
    struct ha_state after;  /* decided */
    bool is_acknowledged;
};

/* Zeroed at the start. */
struct ha_history {
    struct rlog_laws *laws; /* of the log beneath; gets the failures */
    struct ha_write *writes;
    uint64_t next_position; /* decided positions below have been looked at */
    struct ha_state state;  /* by them */
    struct {
        uint64_t number;
        uint64_t writer;
    } terms[HA_TERMS_MAX];
    size_t term_count;
    uint64_t highest_number;
    uint64_t acknowledged_end;
    int decided, acknowledged, adopted; /* adopted: acknowledged though outranked */
};

void ha_history_deinit(struct ha_history *history);

/* A master has won the log's promise. */
void ha_history_won(struct ha_history *history, uint64_t number, uint64_t writer);
/* A master appends. The write is the history's. */
struct ha_write *ha_history_begin(struct ha_history *history, uint64_t writer, uint64_t number,
                                  struct blob *bytes, const struct ha_op *ops, size_t op_count);
/* Somebody may have learned of more positions. */
void ha_history_advance(struct ha_history *history);
/* The log said that it is written, at this position. */
void ha_history_written(struct ha_history *history, struct ha_write *write, uint64_t position);
/* Its first `count` operations were answered with that. */
void ha_history_answered(struct ha_history *history, struct ha_write *write, const bool *applied,
                         size_t count);
/* A master was told all that the registry holds, which must be as that write left it. */
void ha_history_recovered(struct ha_history *history, const struct ha_write *write,
                          const struct registry *registry);

#endif
