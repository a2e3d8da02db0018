/*
 * --peers: masters that elect their leader among themselves. The election's machine on the loop and
 * the net host; the log's promise is asked for through callbacks.
 */
#ifndef TEPUI_DAEMON_COLLEGE_WIRING_H
#define TEPUI_DAEMON_COLLEGE_WIRING_H

#include "election/college.h"
#include "master/master.h"
#include "net/host.h"

/* The masters of --peers, without ourselves. */
struct college_others {
    struct address items[COLLEGE_MAX - 1];
    size_t count;
    size_t quorum; /* of all of them with us */
};

/* "host:port,...", with or without ourselves; names are looked up: for the start. quorum: that of
 * --quorum, or negative for a majority. A name may have several addresses; then --quorum says how
 * many masters there must be, so that a name server that does not know all of them yet cannot make
 * a majority out of fewer. Loopback addresses go with loopback addresses alone. 0 or -EINVAL. */
int college_others_parse(const char *text, int64_t quorum, const struct address *self,
                         struct college_others *ret_others, struct err *err) WARN_UNUSED;

struct college_wiring_options {
    struct loop *loop;
    struct net_host *net;
    const struct college_others *others;
    struct address self;
    const struct blob *info; /* encoded MasterInfo */
    int64_t lease_ns;
    uint64_t seed;
    void *arg;                                                 /* for what follows */
    void (*step)(void *arg, const struct master_event *event); /* ELECTED, LEADER */
    void (*fail)(void *arg, const char *why); /* the process has to end with status 1 */
    void (*contend)(void *arg);               /* ask for the log's promise */
    void (*resign)(void *arg);                /* give it up */
};

struct college_wiring;

struct college_wiring *college_wiring_new(const struct college_wiring_options *options) WARN_UNUSED;
struct college_wiring *college_wiring_free(struct college_wiring *wiring); /* NULL is fine */

/* The log's promise is ours. */
void college_wiring_promised(struct college_wiring *wiring, uint64_t number);
/* This process ends: says so to the others. */
void college_wiring_end(struct college_wiring *wiring);

/* NULL has no actor, and takes nothing. Every event of the net host is to be given to it; true if
 * it was for the election. */
bool college_wiring_has_actor(const struct college_wiring *wiring, struct slice id);
bool college_wiring_take_net(struct college_wiring *wiring, const struct net_event *event);

#endif
