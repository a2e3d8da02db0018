/*
 * Finds the leader of masters that elect without ZooKeeper, for a process with a loop: machine
 * (election/finder.h), connections and timer in one. For agents and tools.
 *
 * Callbacks come on the loop, never from within peers_finder_new, and must not free the finder.
 */
#ifndef TEPUI_COORD_PEERS_FINDER_H
#define TEPUI_COORD_PEERS_FINDER_H

#include "common/err.h"
#include "election/leader_info.h"
#include "net/loop.h"

struct peers_finder_options {
    struct loop *loop;
    struct slice url; /* peers://... */
    uint64_t seed;
    /* Who leads now; NULL = nobody, or nobody knows. */
    void (*on_leader)(void *arg, const struct leader *leader);
    void *arg; /* for the callback */
};

struct peers_finder;

/* 0, or -EINVAL for a URL that is none. */
int peers_finder_new(const struct peers_finder_options *options, struct peers_finder **ret_finder,
                     struct err *err) WARN_UNUSED;
/* Waits for a look-up of names that is under way; NULL is fine. */
struct peers_finder *peers_finder_free(struct peers_finder *finder);

/* Tells the leader again, later, though it is the same. */
void peers_finder_tell_again(struct peers_finder *finder);

#endif
