/*
 * Masters that elect among themselves, with a model of the log's promises, a network that loses and
 * holds up, and clocks that go as they like. True time passes in milliseconds.
 *
 * The laws are checked at each step: no number is led by twice, nobody leads without the promise,
 * and no write succeeds whose promise is lower than that of one before it.
 */
#ifndef TEPUI_TESTS_UNIT_ELECTION_COLLEGE_WORLD_H
#define TEPUI_TESTS_UNIT_ELECTION_COLLEGE_WORLD_H

#include "common/prng.h"
#include "election/college.h"

#define LEASE_NS (2 * NS_PER_SEC)
#define MASTERS_MAX 5

struct master {
    struct college *college; /* NULL = not running */
    struct blob *info;
    struct blob *leader; /* told last */
    bool leads, lost;
    bool contends;      /* asks the log for its promise */
    uint64_t writes_by; /* the promise that our coordinator has; 0 = none */
    int64_t try_ns;     /* the next attempt; true time */
    int64_t base_ns;    /* of its clock: true time t is base + t x rate / 1000 */
    int64_t rate;       /* permille; 0 = it stands */
    int elections;
    const char *why;
};

extern struct world {
    int count;
    int64_t now_ns; /* true time */
    struct prng prng;
    struct master masters[MASTERS_MAX];
    bool cut[MASTERS_MAX][MASTERS_MAX]; /* from, to */
    uint64_t promised[MASTERS_MAX];     /* by the replicas; they outlive processes */
    struct list letters;
    uint64_t written_by; /* the promise of the newest write that a quorum took */
    int write_count;
    uint64_t led_by[64]; /* numbers that were led by, each by one */
    int led_count;
    int sent;
    /* Of those who ask who leads; NULL = there are none. */
    void (*on_answer)(int i, const struct college_effect *effect);
    void (*on_stop)(int i); /* their connections break */
    void (*on_pass)(void);  /* a millisecond is over */
} world;

int world_quorum(void);
struct address world_address(int i);
/* What a master's clock shows. */
int64_t world_clock(const struct master *master);
struct blob *world_make_info(int i);

void world_begin(int count, uint64_t seed);
void world_end(void);
void world_start(int i);
void world_stop(int i); /* it crashes */
/* Nothing happens if it does not run. */
void world_step(int i, const struct college_event *event);
/* Who leads writes into the log now. */
void world_write(int i);
/* Time passes; with writes, who leads writes now and then. A supervisor starts again who has lost.
 */
void world_pass(int64_t duration_ns, bool writes);

/* Who leads; -1 = nobody. Not more than one. */
int world_leader(void);
/* Somebody leads, and all that run know it. */
void world_assert_well(void);

void world_cut_off(int i, bool cut);
/* Clocks of any speed, from anywhere. */
void world_let_clocks_go(void);
/* Something happens to links, processes or clocks, and some time passes. */
void world_disturb(void);
/* All links are whole, and all clocks go right. */
void world_heal(void);

#endif
