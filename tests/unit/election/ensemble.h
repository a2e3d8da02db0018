/*
 * A model of a ZooKeeper ensemble, with processes that hold their elections in it. Requests and
 * answers wait in queues; whoever drives the test decides what moves next, and what breaks.
 *
 * The laws are checked at each step: who is told that it is elected has the lowest node, or its
 * session is over and it just does not know yet.
 */
#ifndef TEPUI_TESTS_UNIT_ELECTION_ENSEMBLE_H
#define TEPUI_TESTS_UNIT_ELECTION_ENSEMBLE_H

#include "common/prng.h"
#include "election/election.h"

#define ENSEMBLE_PROCESSES_MAX 8
#define ENSEMBLE_TIMEOUT_NS (10 * NS_PER_SEC)
#define ENSEMBLE_PATH "/a/mesos"

struct ensemble;

struct process_options {
    int id; /* names its info and its replica */
    bool contends;
    bool joins;              /* the log's group */
    const char *credentials; /* "user:password"; NULL = none */
};

struct process {
    struct ensemble *ensemble;
    struct process_options options;
    struct election *election; /* NULL = not running */
    struct blob *info;
    uint64_t session;     /* the newest that it opened */
    struct list requests; /* of struct zk_effect, not yet taken by the servers */
    struct list replies;  /* of struct reply, not yet taken by the process */

    /* what it was told last */
    struct blob *leader;
    bool elected, lost, failed;
    char *why; /* of lost and failed */
    struct upid *members;
    size_t member_count;
    int leader_count, elected_count, members_count, error_count;
};

/* How one operation goes wrong. */
enum trouble {
    TROUBLE_NONE,
    TROUBLE_UNDONE,       /* ZK_UNKNOWN, not done; the connection holds */
    TROUBLE_DONE,         /* ZK_UNKNOWN, but done */
    TROUBLE_BREAK_UNDONE, /* the connection breaks in front of it */
    TROUBLE_BREAK_DONE,   /* ... and behind it */
    TROUBLE_NO_NODE,
    TROUBLE_EXISTS,
    TROUBLE_NO_AUTH,
    TROUBLE_REFUSED,
    TROUBLE_COUNT,
};

struct ensemble {
    int64_t now_ns;
    struct prng prng;
    struct process processes[ENSEMBLE_PROCESSES_MAX];
    int count;
    struct list nodes;    /* of struct node, by path */
    struct list sessions; /* of struct session */
    uint64_t next_number; /* of a sequence: one for all */
    bool is_down;
    int op_count;   /* operations taken so far */
    int trouble_at; /* the operation (from 1) that goes wrong; 0 = none */
    enum trouble trouble;
    bool hosts_unknown; /* sessions cannot be opened */
    int open_count;
};

void ensemble_init(struct ensemble *ensemble, uint64_t seed);
void ensemble_deinit(struct ensemble *ensemble);

/* Adds a process and starts it. */
struct process *ensemble_add(struct ensemble *ensemble, const struct process_options *options);
void process_start(struct process *process);
/* A crash: the session lives on until it times out. */
void process_kill(struct process *process);
/* An end as it should be: the session is closed. */
void process_stop(struct process *process);

/* One thing at a time; false if there is nothing of the kind to do. */
bool process_serve(struct process *process);   /* the servers take a request */
bool process_deliver(struct process *process); /* the process takes a reply */
bool process_break(struct process *process, bool loses_replies);
bool process_reconnect(struct process *process);
bool process_expire(struct process *process);
/* Directly an event of some session, as if it had been under way for long. */
void process_event(struct process *process, const struct zk_event *event);

/* Everything that can move moves, at random, with time; connections come back. */
void ensemble_run(struct ensemble *ensemble, int64_t duration_ns);
/* The same without time. */
void ensemble_settle(struct ensemble *ensemble);
void ensemble_down(struct ensemble *ensemble);
void ensemble_up(struct ensemble *ensemble);

/* What is stored. */
const char *ensemble_lowest(const struct ensemble *ensemble); /* masters' node, or NULL */
int ensemble_nodes(const struct ensemble *ensemble, const char *parent);
void ensemble_put(struct ensemble *ensemble, const char *path, const char *data);
bool ensemble_delete(struct ensemble *ensemble, const char *path);
bool ensemble_is_restricted(const struct ensemble *ensemble, const char *path);
/* Whether that process's session made the node. */
bool process_owns(const struct process *process, const char *path);

/* Exactly one process leads, all know it, and the group is whole. */
void ensemble_assert_well(struct ensemble *ensemble);

#endif
