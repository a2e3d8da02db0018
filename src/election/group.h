/*
 * The replicas of the log: our node among them, and their UPIDs. Internal to src/election.
 */
#ifndef TEPUI_ELECTION_GROUP_H
#define TEPUI_ELECTION_GROUP_H

#include "common/list.h"
#include "election/link.h"
#include "wire/upid.h"

/* Nodes that are looked at; further ones are passed over. The log is made for a handful. */
#define GROUP_MEMBERS_MAX 64
/* Below the masters' path. */
#define GROUP_NAME "log_replicas"

struct group_member {
    struct list link;
    char *name;   /* of the node; heap */
    bool is_read; /* the data is known */
    bool is_good; /* and was a UPID */
    struct upid pid;
};

struct group {
    char *path;    /* of the group, heap; NULL = not in it */
    char *own_pid; /* what our node holds, heap */

    /* of this session */
    char *own_name;               /* of our node, heap; NULL = none, or not known */
    uint64_t create_op;           /* being waited for; 0 = none */
    bool is_stale;                /* the list has to be read */
    bool is_new;                  /* listed since group_take_news */
    uint64_t list_op;             /* being waited for; 0 = none */
    uint64_t data_op;             /* likewise, of `reading` */
    struct group_member *reading; /* NULL = it has gone meanwhile, or none */

    struct list members; /* in the order of their coming */
    size_t member_count;
    struct upid *told; /* what group_take_news gave last; heap, sorted */
    size_t told_count;
};

/* base: the masters' path. pid: of our replica; NULL = takes no part. */
void group_init(struct group *group, const char *base, const char *pid);
void group_deinit(struct group *group);

bool group_done(struct group *group, struct link *link, int64_t now_ns,
                const struct zk_event *event) WARN_UNUSED;
void group_watch(struct group *group, const char *path);
void group_broken(struct group *group);
/* The session is gone; the members that were known stay. */
void group_lost(struct group *group);
void group_advance(struct group *group, struct link *link, struct zk_effects *effects);

/* True, once after each change, when all members have been read: group->told has their UPIDs, each
 * once. */
bool group_take_news(struct group *group) WARN_UNUSED;

#endif
