#include "sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/sim_disk.h"
#include "sim/sim_fault.h"
#include "sim/sim_http.h"
#include "sim/sim_net.h"

/* 2026-01-01, so that wall clocks look like wall clocks. */
#define SIM_WALL_START_NS (INT64_C(1767225600) * NS_PER_SEC)

#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

struct sim_entry {
    int64_t at_ns;
    uint64_t order; /* among equal times: first come, first served */
    struct sim_node *node;
    uint32_t incarnation; /* of the node when it was scheduled */
    sim_entry_fn *fn;
    void *arg;
    void (*free_fn)(void *arg);
};

void sim_options_default(struct sim_options *options, uint64_t seed)
{
    *options = (struct sim_options){
        .seed = seed,
        .latency_min_ns = NS_PER_MS,
        .latency_max_ns = NS_PER_MS,
        .disk_min_ns = 5 * NS_PER_MS,
        .disk_max_ns = 5 * NS_PER_MS,
        .notice_max_ns = 10 * NS_PER_MS,
        .connect_timeout_ns = 5 * NS_PER_SEC,
    };
}

void sim_options_random(struct sim_options *options, uint64_t seed)
{
    struct prng prng;
    prng_seed(&prng, seed ^ UINT64_C(0x5eed));
    sim_options_default(options, seed);
    bool slow_net = prng_below(&prng, 4) == 0;
    bool slow_disk = prng_below(&prng, 4) == 0;
    options->latency_min_ns = prng_duration_ns(&prng, NS_PER_MS);
    options->latency_max_ns =
        options->latency_min_ns + prng_duration_ns(&prng, (slow_net ? 800 : 20) * NS_PER_MS);
    options->disk_min_ns = prng_duration_ns(&prng, 2 * NS_PER_MS);
    options->disk_max_ns =
        options->disk_min_ns + prng_duration_ns(&prng, (slow_disk ? 2000 : 20) * NS_PER_MS);
    options->notice_max_ns =
        prng_duration_ns(&prng, (prng_below(&prng, 3) == 0 ? 30 : 1) * NS_PER_SEC);
    options->connect_timeout_ns = NS_PER_SEC + prng_duration_ns(&prng, 10 * NS_PER_SEC);
}

struct sim *sim_new(const struct sim_options *options)
{
    struct sim *sim = xalloc(sizeof(*sim));
    sim->options = *options;
    prng_seed(&sim->prng, options->seed);
    sim->trace_hash = FNV_OFFSET;
    sim->network = sim_network_new(sim);
    sim->http = sim_http_new(sim);
    return sim;
}

static void entry_free(struct sim_entry *entry)
{
    if (entry->free_fn != NULL) {
        entry->free_fn(entry->arg);
    }
    free(entry);
}

struct sim *sim_free(struct sim *sim)
{
    if (sim == NULL) {
        return NULL;
    }
    for (int i = 0; i < sim->node_count; i++) {
        struct sim_node *node = sim->nodes[i];
        if (node->core != NULL) {
            node->program->stop(node->core);
        }
        sim_disk_free(node->disk);
        free(node);
    }
    for (size_t i = 0; i < sim->queue_count; i++) {
        entry_free(sim->queue[i]);
    }
    free(sim->queue);
    sim_network_free(sim->network);
    sim_http_free(sim->http);
    buf_deinit(&sim->trace);
    buf_deinit(&sim->failure);
    free(sim);
    return NULL;
}

struct sim_node *sim_add_node(struct sim *sim, const char *name, const struct sim_program *program,
                              uint16_t port, void *arg)
{
    ASSERT(sim->node_count < SIM_NODES_MAX);
    struct sim_node *node = xalloc(sizeof(*node));
    node->sim = sim;
    node->program = program;
    node->arg = arg;
    node->name = name;
    node->index = sim->node_count;
    node->host = node;
    node->mono_rate = SIM_RATE_TRUE;
    node->address = (struct address){.family = 4, .port = port};
    node->address.ip[0] = 10;
    node->address.ip[2] = (uint8_t)((node->index + 1) >> 8);
    node->address.ip[3] = (uint8_t)(node->index + 1);
    node->disk = sim_disk_new(node);
    node->wall_offset_ns = SIM_WALL_START_NS;
    sim->nodes[sim->node_count++] = node;
    return node;
}

void sim_add_checker(struct sim *sim, const char *name, sim_check_fn *check, void *arg)
{
    ASSERT(sim->checker_count < SIM_CHECKERS_MAX);
    sim->checkers[sim->checker_count++] = (struct sim_checker){name, check, arg};
}

struct sim_node *sim_find_node(struct sim *sim, const char *name)
{
    for (int i = 0; i < sim->node_count; i++) {
        if (strcmp(sim->nodes[i]->name, name) == 0) {
            return sim->nodes[i];
        }
    }
    return NULL;
}

struct sim_node *sim_find_address(struct sim *sim, const struct address *address)
{
    for (int i = 0; i < sim->node_count; i++) {
        if (address_equal(&sim->nodes[i]->address, address)) {
            return sim->nodes[i];
        }
    }
    return NULL;
}

static int64_t scale(int64_t ns, int64_t by, int64_t of)
{
    return (int64_t)((__int128)ns * by / of);
}

static int64_t mono_ns(const struct sim_node *node)
{
    return node->mono_began_ns +
           scale(node->sim->now_ns - node->mono_since_ns, node->mono_rate, SIM_RATE_TRUE);
}

struct now sim_now(const struct sim_node *node)
{
    return (struct now){mono_ns(node), node->sim->now_ns + node->wall_offset_ns};
}

void sim_set_mono_rate(struct sim_node *node, int64_t rate)
{
    node->mono_began_ns = mono_ns(node);
    node->mono_since_ns = node->sim->now_ns;
    node->mono_rate = rate;
}

/* The virtual time at which the node's clock shows a deadline. */
static int64_t due_ns(const struct sim_node *node, int64_t deadline_ns)
{
    if (deadline_ns == TIME_NEVER) {
        return TIME_NEVER;
    }
    if (deadline_ns < node->mono_began_ns) {
        return node->mono_since_ns;
    }
    int64_t left_ns = deadline_ns - node->mono_began_ns;
    if (node->mono_rate == SIM_RATE_TRUE) {
        return node->mono_since_ns + left_ns;
    }
    if (left_ns == 0 || node->mono_rate == 0) {
        return left_ns == 0 ? node->mono_since_ns : TIME_NEVER;
    }
    /* Rounded up, so that the deadline has come by then. */
    __int128 wait_ns = (__int128)left_ns * SIM_RATE_TRUE / node->mono_rate + 1;
    return wait_ns > INT64_MAX / 2 ? TIME_NEVER : node->mono_since_ns + (int64_t)wait_ns;
}

void sim_start(struct sim_node *node)
{
    ASSERT(node->core == NULL);
    node->incarnation++;
    node->paused_until_ns = 0;
    /* It starts anew with each boot in real life. */
    node->mono_began_ns = node->sim->now_ns + sim_draw_ns(node->sim, 0, 1000 * NS_PER_SEC);
    node->mono_since_ns = node->sim->now_ns;
    sim_trace(node->sim, node, "starts");
    node->core = node->program->start(node);
    ASSERT(node->core != NULL);
}

void sim_crash(struct sim_node *node)
{
    if (node->core == NULL) {
        return;
    }
    sim_trace(node->sim, node, "ends");
    node->program->stop(node->core);
    node->core = NULL;
    node->incarnation++;
    sim_disk_crash(node->disk);
    sim_network_node_down(node->sim->network, node);
    sim_http_node_down(node->sim->http, node);
}

/* --- the queue --- */

static bool is_before(const struct sim_entry *a, const struct sim_entry *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void swap(struct sim *sim, size_t a, size_t b)
{
    struct sim_entry *entry = sim->queue[a];
    sim->queue[a] = sim->queue[b];
    sim->queue[b] = entry;
}

static void push(struct sim *sim, struct sim_entry *entry)
{
    if (sim->queue_count == sim->queue_capacity) {
        sim->queue_capacity = MAX(sim->queue_capacity * 2, (size_t)64);
        sim->queue = xrealloc(sim->queue, sim->queue_capacity, sizeof(struct sim_entry *));
    }
    size_t at = sim->queue_count++;
    sim->queue[at] = entry;
    while (at != 0 && is_before(sim->queue[at], sim->queue[(at - 1) / 2])) {
        swap(sim, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

void sim_schedule(struct sim *sim, int64_t at_ns, struct sim_node *node, sim_entry_fn *fn,
                  void *arg, void (*free_fn)(void *arg))
{
    struct sim_entry *entry = xalloc(sizeof(*entry));
    *entry = (struct sim_entry){
        MAX(at_ns, sim->now_ns),
        sim->next_order++,
        node,
        node != NULL ? node->incarnation : 0,
        fn,
        arg,
        free_fn,
    };
    push(sim, entry);
}

static struct sim_entry *pop(struct sim *sim)
{
    struct sim_entry *top = sim->queue[0];
    sim->queue[0] = sim->queue[--sim->queue_count];
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < sim->queue_count; child++) {
            if (is_before(sim->queue[child], sim->queue[least])) {
                least = child;
            }
        }
        if (least == at) {
            return top;
        }
        swap(sim, at, least);
        at = least;
    }
}

int64_t sim_draw_ns(struct sim *sim, int64_t min_ns, int64_t max_ns)
{
    return min_ns + (max_ns > min_ns ? prng_duration_ns(&sim->prng, max_ns - min_ns) : 0);
}

/* --- the loop --- */

/* The node whose own deadline comes first, and when (in virtual time). */
static struct sim_node *next_tick(struct sim *sim, int64_t *ret_at_ns)
{
    struct sim_node *first = NULL;
    *ret_at_ns = TIME_NEVER;
    for (int i = 0; i < sim->node_count; i++) {
        struct sim_node *node = sim->nodes[i];
        if (node->core == NULL || node->program->deadline == NULL) {
            continue;
        }
        int64_t at_ns = due_ns(node, node->program->deadline(node->core));
        if (at_ns != TIME_NEVER) {
            at_ns = MAX(at_ns, node->paused_until_ns);
        }
        if (at_ns < *ret_at_ns) {
            *ret_at_ns = at_ns;
            first = node;
        }
    }
    return first;
}

static void run_entry(struct sim *sim, struct sim_entry *entry)
{
    struct sim_node *node = entry->node;
    if (node != NULL && node->incarnation != entry->incarnation) {
        entry_free(entry);
        return;
    }
    if (node != NULL && node->paused_until_ns > sim->now_ns) {
        /* What comes to a stopped process waits in its sockets. Its order keeps the FIFO. */
        entry->at_ns = node->paused_until_ns;
        push(sim, entry);
        return;
    }
    entry->fn(sim, entry->arg);
    free(entry);
}

static bool check(struct sim *sim)
{
    for (int i = 0; i < sim->checker_count; i++) {
        const char *wrong = sim->checkers[i].check(sim, sim->checkers[i].arg);
        if (wrong != NULL) {
            buf_printf(&sim->failure, "at %.6f s, step %llu: %s: %s", (double)sim->now_ns / 1e9,
                       (unsigned long long)sim->steps, sim->checkers[i].name, wrong);
            sim_trace(sim, NULL, "FAILED %s: %s", sim->checkers[i].name, wrong);
            return false;
        }
    }
    return true;
}

/* One step; false if nothing is due until then. */
static bool step(struct sim *sim, int64_t until_ns)
{
    int64_t tick_ns;
    struct sim_node *ticking = next_tick(sim, &tick_ns);
    int64_t entry_ns = sim->queue_count != 0 ? sim->queue[0]->at_ns : TIME_NEVER;
    int64_t fault_ns = sim_fault_next(sim);
    int64_t first_ns = MIN(MIN(tick_ns, entry_ns), fault_ns);
    if (first_ns > until_ns || first_ns == TIME_NEVER) {
        sim->now_ns = MAX(sim->now_ns, until_ns);
        return false;
    }
    sim->now_ns = MAX(sim->now_ns, first_ns);
    sim->steps++;
    if (fault_ns == first_ns) {
        sim_fault_apply(sim);
    } else if (entry_ns == first_ns) {
        run_entry(sim, pop(sim));
    } else {
        ticking->program->on_tick(ticking->core, ticking);
    }
    return true;
}

bool sim_run_until(struct sim *sim, int64_t until_ns, bool (*done)(struct sim *sim, void *arg),
                   void *arg)
{
    while (sim->failure.size == 0) {
        if (done != NULL && done(sim, arg)) {
            return true;
        }
        if (!step(sim, until_ns)) {
            return done == NULL;
        }
        check(sim);
    }
    return false;
}

bool sim_run(struct sim *sim, int64_t until_ns)
{
    return sim_run_until(sim, until_ns, NULL, NULL);
}

/* --- effects --- */

/* What a worker does; it takes no time. */
struct sim_work {
    struct sim_node *node;
    uint64_t token;
    struct net_answer made;
};

static void free_work(void *arg)
{
    struct sim_work *work = arg;
    net_answer_deinit(&work->made);
    free(work);
}

static void tell_worked(struct sim *sim UNUSED, void *arg)
{
    struct sim_work *work = arg;
    struct net_event event = {
        .type = NET_WORKED,
        .handle = work->token,
        .made = &work->made.body,
        .unzipped_size = work->made.unzipped_size,
    };
    work->node->program->on_net(work->node->core, work->node, &event);
    free_work(work);
}

static void work(struct sim_node *node, const struct net_effect *effect)
{
    struct sim_work *work = xalloc(sizeof(*work));
    work->node = node;
    work->token = effect->handle;
    effect->job->run(effect->job, &work->made);
    sim_schedule(node->sim, node->sim->now_ns, node, tell_worked, work, free_work);
}

void sim_perform_net(struct sim_node *node, struct net_effects *effects)
{
    struct net_effect *effect;
    while ((effect = net_effects_pop(effects)) != NULL) {
        switch (effect->type) {
        case NET_SEND:
        case NET_LINK:
        case NET_UNLINK:
            sim_network_perform(node->sim->network, node, effect);
            break;
        case NET_RESPOND:
        case NET_RENDER:
        case NET_STREAM_OPEN:
        case NET_STREAM_FIRST:
        case NET_STREAM_WRITE:
        case NET_STREAM_CLOSE:
        case NET_STREAM_MARK:
        case NET_HANGUP:
        case NET_CALL:
            sim_http_perform(node->sim->http, node, effect);
            break;
        case NET_WORK:
            work(node, effect);
            break;
        case NET_HURRY: /* all clients read all that they are sent */
            break;
        }
        net_effect_free(effect);
    }
}

void sim_perform_store(struct sim_node *node, struct store_ops *ops)
{
    sim_disk_perform(node->disk, ops);
}

/* --- the trace --- */

void sim_trace(struct sim *sim, const struct sim_node *node, const char *fmt, ...)
{
    char line[1024];
    int n = snprintf(line, sizeof(line), "[%10.6f] %s ", (double)sim->now_ns / 1e9,
                     node != NULL ? node->name : "-");
    ASSERT(n > 0 && (size_t)n < sizeof(line));
    va_list args;
    va_start(args, fmt);
    int more = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, args);
    va_end(args);
    ASSERT(more >= 0);
    size_t size = MIN((size_t)n + (size_t)more, sizeof(line) - 1);
    for (size_t i = 0; i < size; i++) {
        sim->trace_hash = (sim->trace_hash ^ (uint8_t)line[i]) * FNV_PRIME;
    }
    if (sim->options.keep_trace) {
        buf_append(&sim->trace, line, size);
        buf_append_byte(&sim->trace, '\n');
    }
}
