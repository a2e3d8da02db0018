#include "sim/sim_fault.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/sim_disk.h"
#include "sim/sim_http.h"
#include "sim/sim_net.h"

static const char *const kind_names[SIM_FAULT_KINDS] = {
    [SIM_FAULT_CRASH] = "crash",
    [SIM_FAULT_PAUSE] = "pause",
    [SIM_FAULT_BREAK] = "break",
    [SIM_FAULT_CUT] = "cut",
    [SIM_FAULT_PARTITION] = "partition",
    [SIM_FAULT_DISK_FULL] = "disk full",
    [SIM_FAULT_CLOCK] = "clock jump",
    [SIM_FAULT_SPLIT] = "split",
    [SIM_FAULT_RATE] = "clock rate",
    [SIM_FAULT_WRITE_CRASH] = "crash at the next write",
    [SIM_FAULT_EXPIRE] = "expiry",
    [SIM_FAULT_STOP] = "end in order",
    [SIM_FAULT_LEADER] = "blow to the leader",
    [SIM_FAULT_WIPE] = "loss of the disk",
};

static int by_time(const void *a, const void *b)
{
    const struct sim_fault *x = a;
    const struct sim_fault *y = b;
    return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

/* A swarm: each seed leaves some kinds of faults out, so that the others are seen alone. */
static uint32_t draw_kinds(struct prng *prng, uint32_t allowed)
{
    uint32_t kinds = allowed & (uint32_t)prng_next(prng);
    return kinds != 0 ? kinds : allowed;
}

/* Any speed: a little off, a lot, or none. */
static int64_t draw_rate(struct prng *prng)
{
    switch (prng_below(prng, 4)) {
    case 0:
        return 0;
    case 1:
        return SIM_RATE_TRUE + (int64_t)prng_below(prng, 2001) - 1000;
    case 2:
        return (int64_t)prng_below(prng, (uint64_t)SIM_RATE_TRUE) + 1;
    default:
        return (int64_t)prng_below(prng, 9 * (uint64_t)SIM_RATE_TRUE) + SIM_RATE_TRUE;
    }
}

static void draw_more(struct sim_fault *fault, struct prng *prng)
{
    if (fault->kind == SIM_FAULT_SPLIT) {
        fault->nodes = prng_next(prng);
        fault->one_way = prng_below(prng, 4) == 0;
    } else if (fault->kind == SIM_FAULT_RATE) {
        fault->rate = draw_rate(prng);
    }
}

/* Kinds are drawn up to the last that is allowed, so that new ones change no older plan. */
static uint64_t kinds_bound(uint32_t allowed)
{
    uint64_t bound = 0;
    for (uint32_t kind = 0; kind < SIM_FAULT_KINDS; kind++) {
        bound = (allowed & (1u << kind)) != 0 ? kind + 1 : bound;
    }
    return bound;
}

void sim_plan_random(struct sim_plan *plan, const struct sim_plan_options *options)
{
    struct prng prng;
    uint64_t bound = kinds_bound(options->kinds);
    prng_seed(&prng, options->seed ^ UINT64_C(0xfa017));
    *plan = (struct sim_plan){.heal_ns = options->heal_ns};
    uint32_t kinds = draw_kinds(&prng, options->kinds);
    size_t count = (size_t)prng_below(&prng, options->count_max + 1);
    plan->faults = xcalloc(count, sizeof(struct sim_fault));
    while (plan->count < count && kinds != 0) {
        struct sim_fault *fault = &plan->faults[plan->count];
        fault->kind = (enum sim_fault_kind)prng_below(&prng, bound);
        if ((kinds & (1u << fault->kind)) == 0) {
            continue;
        }
        fault->at_ns = prng_duration_ns(&prng, options->heal_ns);
        /* Short ones are as likely as long ones. */
        fault->duration_ns =
            prng_duration_ns(&prng, options->duration_max_ns >> prng_below(&prng, 12));
        fault->a = (int)prng_below(&prng, (uint64_t)options->node_count);
        fault->b = (int)prng_below(&prng, (uint64_t)options->node_count);
        if (fault->kind == SIM_FAULT_CLOCK && prng_below(&prng, 2) == 0) {
            fault->duration_ns = -fault->duration_ns;
        }
        draw_more(fault, &prng);
        plan->count++;
    }
    qsort(plan->faults, plan->count, sizeof(struct sim_fault), by_time);
}

void sim_plan_deinit(struct sim_plan *plan)
{
    free(plan->faults);
    *plan = (struct sim_plan){0};
}

static void print_node(const struct sim *sim, int index, struct buf *out)
{
    if (sim != NULL && index < sim->node_count) {
        buf_append_text(out, sim->nodes[index]->name);
    } else {
        buf_printf(out, "node %d", index);
    }
}

void sim_plan_print(const struct sim_plan *plan, const struct sim *sim, struct buf *out)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct sim_fault *fault = &plan->faults[i];
        buf_printf(out, "  %10.6f s  %s of ", (double)fault->at_ns / 1e9, kind_names[fault->kind]);
        print_node(sim, fault->a, out);
        if (fault->kind == SIM_FAULT_BREAK || fault->kind == SIM_FAULT_CUT) {
            buf_append_text(out, " and ");
            print_node(sim, fault->b, out);
        }
        if (fault->kind == SIM_FAULT_SPLIT) {
            buf_printf(out, " (%llx%s)", (unsigned long long)fault->nodes,
                       fault->one_way ? ", one way" : "");
        } else if (fault->kind == SIM_FAULT_RATE) {
            buf_printf(out, " (%.6f)", (double)fault->rate / 1e6);
        }
        buf_printf(out, ", %.6f s\n", (double)fault->duration_ns / 1e9);
    }
}

/* --- applying --- */

static void start_again(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    if (!sim_is_up(node)) {
        sim_start(node);
    }
}

static void true_again(struct sim *sim UNUSED, void *arg)
{
    sim_set_mono_rate(arg, SIM_RATE_TRUE);
}

static void space_again(struct sim *sim, void *arg)
{
    struct sim_node *node = arg;
    sim_trace(sim, node, "has space again");
    sim_disk_set_full(node->disk, false);
}

static void break_both(struct sim *sim, struct sim_node *a, struct sim_node *b)
{
    sim_network_break(sim->network, a, b);
    sim_network_break(sim->network, b, a);
    sim_http_break(sim->http, a, b);
    sim_http_break(sim->http, b, a);
}

static void partition(struct sim *sim, struct sim_node *node, int64_t until_ns)
{
    for (int i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i]->host != node->host) {
            sim_network_cut(sim->network, node, sim->nodes[i], until_ns);
            sim_network_cut(sim->network, sim->nodes[i], node, until_ns);
        }
    }
}

static bool is_among(const struct sim_fault *fault, const struct sim_node *node)
{
    return node->index < 64 && (fault->nodes >> node->index & 1) != 0;
}

static void split(struct sim *sim, const struct sim_fault *fault, int64_t until_ns)
{
    for (int i = 0; i < sim->node_count; i++) {
        for (int k = 0; k < sim->node_count; k++) {
            struct sim_node *from = sim->nodes[i];
            struct sim_node *to = sim->nodes[k];
            if (!is_among(fault, from) && is_among(fault, to)) {
                sim_network_cut(sim->network, from, to, until_ns);
                if (!fault->one_way) {
                    sim_network_cut(sim->network, to, from, until_ns);
                }
            }
        }
    }
}

static void apply(struct sim *sim, const struct sim_fault *fault)
{
    struct sim_node *a = sim->nodes[fault->a];
    struct sim_node *b = sim->nodes[fault->b];
    int64_t until_ns = time_add_ns(sim->now_ns, fault->duration_ns);
    sim_trace(sim, a, "fault: %s", kind_names[fault->kind]);
    switch (fault->kind) {
    case SIM_FAULT_CRASH:
        sim_crash(a);
        sim_schedule(sim, until_ns, NULL, start_again, a, NULL);
        break;
    case SIM_FAULT_PAUSE:
        /* Not beyond the healing: what waits by then must not be overtaken. */
        a->paused_until_ns = MAX(a->paused_until_ns, MIN(until_ns, sim->plan->heal_ns));
        break;
    case SIM_FAULT_BREAK:
        break_both(sim, a, b);
        break;
    case SIM_FAULT_CUT:
        if (a->host != b->host) {
            sim_network_cut(sim->network, a, b, until_ns);
        }
        break;
    case SIM_FAULT_PARTITION:
        partition(sim, a, until_ns);
        break;
    case SIM_FAULT_DISK_FULL:
        sim_disk_set_full(a->disk, true);
        sim_schedule(sim, until_ns, NULL, space_again, a, NULL);
        break;
    case SIM_FAULT_CLOCK:
        a->wall_offset_ns += fault->duration_ns;
        break;
    case SIM_FAULT_SPLIT:
        split(sim, fault, until_ns);
        break;
    case SIM_FAULT_RATE:
        sim_set_mono_rate(a, fault->rate);
        sim_schedule(sim, until_ns, NULL, true_again, a, NULL);
        break;
    case SIM_FAULT_WRITE_CRASH:
        sim_disk_crash_at_write(a->disk, fault->duration_ns);
        break;
    case SIM_FAULT_EXPIRE:
    case SIM_FAULT_STOP:
    case SIM_FAULT_LEADER:
    case SIM_FAULT_WIPE:
        if (sim->on_own_fault != NULL) {
            sim->on_own_fault(sim, a, fault);
        }
        break;
    case SIM_FAULT_KINDS:
        WRONG("not a fault");
    }
}

static void heal(struct sim *sim)
{
    sim_trace(sim, NULL, "all faults end");
    sim_network_heal(sim->network);
    for (int i = 0; i < sim->node_count; i++) {
        struct sim_node *node = sim->nodes[i];
        sim_disk_set_full(node->disk, false);
        sim_disk_crash_at_write(node->disk, -1);
        sim_set_mono_rate(node, SIM_RATE_TRUE);
        if (!sim_is_up(node) && !node->is_spare) {
            sim_start(node);
        }
    }
}

int64_t sim_fault_next(const struct sim *sim)
{
    if (sim->plan == NULL || sim->plan_next > sim->plan->count) {
        return TIME_NEVER;
    }
    return sim->plan_next < sim->plan->count ? sim->plan->faults[sim->plan_next].at_ns
                                             : sim->plan->heal_ns;
}

void sim_fault_apply(struct sim *sim)
{
    size_t next = sim->plan_next++;
    if (next < sim->plan->count) {
        apply(sim, &sim->plan->faults[next]);
    } else {
        heal(sim);
    }
}

void sim_fault_strike(struct sim *sim, const struct sim_fault *fault)
{
    apply(sim, fault);
}

/* --- shrinking: delta debugging by halves, then quarters, ... --- */

static struct sim_plan without(const struct sim_plan *plan, size_t from, size_t count)
{
    struct sim_plan less = {.heal_ns = plan->heal_ns, .count = plan->count - count};
    less.faults = xcalloc(less.count, sizeof(struct sim_fault));
    memcpy(less.faults, plan->faults, from * sizeof(struct sim_fault));
    memcpy(less.faults + from, plan->faults + from + count,
           (less.count - from) * sizeof(struct sim_fault));
    return less;
}

void sim_plan_shrink(struct sim_plan *plan, sim_fails_fn *fails, void *arg, int runs_max)
{
    size_t piece = (plan->count + 1) / 2;
    while (piece != 0 && plan->count != 0) {
        bool shrunk = false;
        for (size_t from = 0; from < plan->count && runs_max > 0;) {
            struct sim_plan less = without(plan, from, MIN(piece, plan->count - from));
            runs_max--;
            if (fails(arg, &less)) {
                sim_plan_deinit(plan);
                *plan = less;
                shrunk = true;
            } else {
                sim_plan_deinit(&less);
                from += piece;
            }
        }
        if (runs_max <= 0 || (piece == 1 && !shrunk)) {
            return;
        }
        piece = piece == 1 ? 1 : (piece + 1) / 2;
    }
}
