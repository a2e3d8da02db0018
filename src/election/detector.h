/*
 * The leader's node: which one it is, and what is in it. Internal to src/election.
 */
#ifndef TEPUI_ELECTION_DETECTOR_H
#define TEPUI_ELECTION_DETECTOR_H

#include "election/leader_info.h"
#include "election/link.h"

enum detector_wish {
    DETECTOR_NOTHING,  /* wait until a watch fires */
    DETECTOR_CHILDREN, /* the list of nodes */
    DETECTOR_DATA,     /* what is in the lowest node */
};

struct detector {
    bool watches_list;        /* for who contends: each change of the list is seen */
    enum detector_wish wish;  /* what is to be asked next */
    enum detector_wish asked; /* what is being waited for ... */
    uint64_t op;              /* ... by this number; 0 = nothing */
    bool watched;             /* the list that was asked for last is watched */
    bool is_empty;            /* the newest list had no master's node */
    char *lowest;             /* its lowest node's name, heap; NULL = none, or none known */
    bool is_read;             /* what is in the lowest node is known */
    bool own_is_there;        /* our node was in the newest list */
    struct blob *leader;      /* encoded MasterInfo; NULL = none */
    struct err why_none;      /* of a lowest node that holds no MasterInfo; "" = it does */
};

void detector_init(struct detector *detector, bool watches_list);
void detector_deinit(struct detector *detector);

/* The answer to what it asked; own: our node's name, or NULL. False, with link->why, if it can
 * never detect. */
bool detector_done(struct detector *detector, struct link *link, int64_t now_ns,
                   const struct zk_event *event, const char *own) WARN_UNUSED;
void detector_watch(struct detector *detector, const char *base, const char *path);
/* The list is read again. */
void detector_look(struct detector *detector);
void detector_broken(struct detector *detector);
/* The session is gone: no leader is known. */
void detector_lost(struct detector *detector);
void detector_advance(struct detector *detector, struct link *link, const char *path,
                      struct zk_effects *effects);

/* The list is as new as can be known. */
bool detector_is_sure(const struct detector *detector);

#endif
