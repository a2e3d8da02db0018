/*
 * A set of positions of the log, kept as ranges: cheap for the many that lie side by side.
 */
#ifndef TEPUI_RLOG_POSITIONS_H
#define TEPUI_RLOG_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The highest position: one less than what LevelDB's key can tell. */
#define RLOG_POSITION_MAX (UINT64_MAX - 2)

struct rlog_range {
    uint64_t low;  /* first position */
    uint64_t high; /* last position, at least low */
};

struct rlog_positions {
    struct rlog_range *ranges; /* ascending, with at least one position between them */
    size_t count;
    size_t capacity;
};

/* Zeroed is the empty set. */
void rlog_positions_deinit(struct rlog_positions *set); /* back to the empty set */
/* Positions low to high, both included; high is at most RLOG_POSITION_MAX (asserts). */
void rlog_positions_add(struct rlog_positions *set, uint64_t low, uint64_t high);
void rlog_positions_remove(struct rlog_positions *set, uint64_t low, uint64_t high);
void rlog_positions_add_all(struct rlog_positions *set, const struct rlog_positions *other);
bool rlog_positions_has(const struct rlog_positions *set, uint64_t position);
static inline bool rlog_positions_is_empty(const struct rlog_positions *set)
{
    return set->count == 0;
}

/* The highest position; the set must not be empty (asserts). */
uint64_t rlog_positions_last(const struct rlog_positions *set);
/* How many positions are in it; held at UINT64_MAX. */
uint64_t rlog_positions_number(const struct rlog_positions *set);

#endif
