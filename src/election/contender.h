/*
 * Our node among the masters'. Internal to src/election.
 */
#ifndef TEPUI_ELECTION_CONTENDER_H
#define TEPUI_ELECTION_CONTENDER_H

#include "election/link.h"

struct contender {
    struct blob *text; /* what the node holds, JSON; NULL = does not contend */
    uint64_t op;       /* of the CREATE; 0 = none */
    char *name;        /* of our node in this session, heap; NULL = there is none */
    bool elected;      /* the node has the lowest number; stays so until the end */
};

/* info: encoded MasterInfo, or NULL. */
void contender_init(struct contender *contender, const struct blob *info);
void contender_deinit(struct contender *contender);

/* The answer to what it asked; false, with link->why, if it can never contend. */
bool contender_done(struct contender *contender, struct link *link, int64_t now_ns,
                    const struct zk_event *event) WARN_UNUSED;
void contender_broken(struct contender *contender, struct link *link);
/* Session or node are gone. */
void contender_lost(struct contender *contender);
void contender_advance(struct contender *contender, struct link *link, const char *path,
                       struct zk_effects *effects);

#endif
