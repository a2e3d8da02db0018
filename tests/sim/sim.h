/*
 * The simulator: a whole cluster in one process, on virtual time, reproducible from a seed.
 *
 * Nodes are processes-to-be: each has an address, a disk, clocks, and a core behind
 * `struct sim_program`. The loop takes the earliest thing that is due (a delivery, a completion, a
 * node's own deadline, a fault), sets the time, and lets one node make one step; then the checkers
 * look at the world. What a node wants done comes as effects of the vocabularies that the daemons
 * use (wire/netio.h, common/storeio.h), performed by sim_net, sim_http and sim_disk.
 *
 * Everything random is drawn from the seed: latencies from one stream, faults as a plan made before
 * the run (sim_fault.h), so that a failing plan can be shrunk without changing anything else. The
 * same seed gives the same trace, and the same trace hash.
 */
#ifndef TEPUI_TESTS_SIM_SIM_H
#define TEPUI_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/duration.h"
#include "common/list.h"
#include "common/prng.h"
#include "common/storeio.h"
#include "wire/netio.h"

#define SIM_NODES_MAX 512
#define SIM_CHECKERS_MAX 32

struct sim;
struct sim_node;
struct sim_disk;

/* What an HTTP client is told (sim_http.h). */
enum sim_http_event_type {
    SIM_HTTP_ANSWER, /* the whole answer: status, body */
    SIM_HTTP_OPENED, /* a stream began: status, headers */
    SIM_HTTP_PIECE,  /* one chunk of a stream */
    SIM_HTTP_CLOSED, /* the stream ended, or the connection broke, or there was none to be had */
};

struct sim_http_event {
    enum sim_http_event_type type;
    uint64_t call;          /* as sim_http_request returned it */
    int status;             /* ANSWER, OPENED */
    struct slice body;      /* ANSWER, PIECE */
    struct slice stream_id; /* OPENED: the header Mesos-Stream-Id, if any */
    bool broken;            /* CLOSED: not in order */
};

/*
 * A program: what runs on a node while it is up. `start` makes the core anew, from what is on the
 * disk; `stop` drops it (a crash: nothing is told to it). All calls get the node for performing
 * effects. Events that a program has no function for are dropped.
 */
struct sim_program {
    const char *name;
    void *(*start)(struct sim_node *node);
    void (*stop)(void *core);
    int64_t (*deadline)(const void *core); /* monotonic, by this node's clock */
    void (*on_tick)(void *core, struct sim_node *node);
    void (*on_net)(void *core, struct sim_node *node, const struct net_event *event);
    void (*on_store)(void *core, struct sim_node *node, const struct store_done *done);
    void (*on_http)(void *core, struct sim_node *node, const struct sim_http_event *event);
};

struct sim_node {
    struct sim *sim;
    const struct sim_program *program;
    void *arg;        /* the world's own: options for start */
    const char *name; /* "m1"; in traces */
    int index;        /* in sim->nodes */
    struct address address;
    bool is_spare;        /* started by others only, not at the end of the faults */
    uint32_t incarnation; /* counts starts; deliveries to an older one are dropped */
    void *core;           /* NULL while down */
    struct sim_disk *disk;
    int64_t wall_offset_ns; /* wall clock - virtual time: skewed by faults */
    /* the monotonic clock: began + (now - since) * rate, whatever that has to do with the time */
    int64_t mono_began_ns;
    int64_t mono_since_ns;
    int64_t mono_rate;           /* ppm: 1000000 = as it should be, 0 = it stands */
    const struct sim_node *host; /* the machine: faults of the network are between machines */
    int64_t paused_until_ns;     /* stopped (SIGSTOP, a long GC): nothing is delivered before */
};

/* Looks at the world after each step; returns NULL, or what is wrong (static or sim-owned text). */
typedef const char *sim_check_fn(struct sim *sim, void *arg);

struct sim_checker {
    const char *name;
    sim_check_fn *check;
    void *arg;
};

struct sim_network;
struct sim_http;
struct sim_plan;
struct sim_fault;

/* A fault of a kind that only the world knows how to apply. */
typedef void sim_fault_fn(struct sim *sim, struct sim_node *node, const struct sim_fault *fault);

/* Knobs that do not shrink: drawn from the seed by sim_options_random, or set by a scenario. */
struct sim_options {
    uint64_t seed;
    int64_t latency_min_ns; /* of a delivery */
    int64_t latency_max_ns;
    int64_t disk_min_ns; /* of a group of store operations */
    int64_t disk_max_ns;
    int64_t notice_max_ns; /* a broken connection is noticed within this, each side by itself */
    int64_t connect_timeout_ns; /* to a peer that cannot be reached */
    bool keep_trace;            /* keep the text, besides its hash */
};

struct sim {
    struct sim_options options;
    int64_t now_ns;   /* virtual time since the start */
    struct prng prng; /* latencies and the like */
    struct sim_node *nodes[SIM_NODES_MAX];
    int node_count;
    struct sim_checker checkers[SIM_CHECKERS_MAX];
    int checker_count;
    struct sim_entry **queue; /* heap of what is due, earliest first */
    size_t queue_count;
    size_t queue_capacity;
    uint64_t next_order;
    uint64_t steps; /* made so far */
    uint64_t trace_hash;
    struct buf trace;   /* text, if kept */
    struct buf failure; /* what a checker said; empty = fine */
    struct sim_network *network;
    struct sim_http *http;
    const struct sim_plan *plan; /* faults; NULL = none */
    size_t plan_next;            /* first fault that is not yet applied */
    sim_fault_fn *on_own_fault;  /* SIM_FAULT_EXPIRE, SIM_FAULT_STOP; NULL = there are none */
    void *world;                 /* for it */
};

void sim_options_default(struct sim_options *options, uint64_t seed);
/* Draws latencies of a slow or a quick network and disk. */
void sim_options_random(struct sim_options *options, uint64_t seed);

struct sim *sim_new(const struct sim_options *options) WARN_UNUSED;
struct sim *sim_free(struct sim *sim);

/* A node that is down. Its address is 10.0.0.<index + 1>:<port>. */
struct sim_node *sim_add_node(struct sim *sim, const char *name, const struct sim_program *program,
                              uint16_t port, void *arg);
void sim_add_checker(struct sim *sim, const char *name, sim_check_fn *check, void *arg);
struct sim_node *sim_find_node(struct sim *sim, const char *name); /* NULL if none */
struct sim_node *sim_find_address(struct sim *sim, const struct address *address);

/* Boots a node that is down. */
void sim_start(struct sim_node *node);
/* The process dies: connections break, unsynced writes are at the disk's mercy. No-op if down. */
void sim_crash(struct sim_node *node);

static inline bool sim_is_up(const struct sim_node *node)
{
    return node->core != NULL;
}

struct now sim_now(const struct sim_node *node);
/* From now on the node's monotonic clock runs at this rate (ppm), on from what it shows. */
void sim_set_mono_rate(struct sim_node *node, int64_t rate);

/* Runs until `until_ns`, or until a checker complains (then false, and sim->failure says what). */
bool sim_run(struct sim *sim, int64_t until_ns);
/* Runs until `done` says so, at the latest until `until_ns`; false if it did not, or a checker
 * complained. */
bool sim_run_until(struct sim *sim, int64_t until_ns, bool (*done)(struct sim *sim, void *arg),
                   void *arg);

/* Performs effects of a node in order; they are emptied. */
void sim_perform_net(struct sim_node *node, struct net_effects *effects);
void sim_perform_store(struct sim_node *node, struct store_ops *ops);

/* One line of the story, "[ 12.345] m1 text"; `node` may be NULL. Cheap when no text is kept, but
 * always hashed. */
void sim_trace(struct sim *sim, const struct sim_node *node, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* --- for the parts of the simulator --- */

#define SIM_RATE_TRUE INT64_C(1000000)

typedef void sim_entry_fn(struct sim *sim, void *arg);

/* Calls fn(arg) at `at_ns`. `free_fn` (may be NULL) releases arg instead if the simulation ends, or
 * if the node (may be NULL) is by then another incarnation. */
void sim_schedule(struct sim *sim, int64_t at_ns, struct sim_node *node, sim_entry_fn *fn,
                  void *arg, void (*free_fn)(void *arg));
int64_t sim_draw_ns(struct sim *sim, int64_t min_ns, int64_t max_ns);

#endif
