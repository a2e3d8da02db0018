#include "sim/ha_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/ha_master.h"

#define PORT 5050
#define SERVERS 3
#define FAULTS_MAX 160

struct ha_options ha_options_of(uint64_t seed)
{
    return (struct ha_options){
        .seed = seed,
        .masters = seed % 3 == 0 ? 5 : 3,
        .zookeeper = seed % 2 == 0,
    };
}

/* --- laws --- */

static const char *check(struct sim *sim UNUSED, void *arg)
{
    struct ha_world *world = arg;
    ha_history_advance(&world->history);
    return world->laws.failure[0] != '\0' ? world->laws.failure : NULL;
}

/* --- the world --- */

static void come_back(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    if (!sim_is_up(node)) {
        sim_start(node);
    }
}

static struct sim_node *find_leader(const struct ha_world *world)
{
    struct sim_node *leader = NULL;
    uint64_t newest = 0;
    for (int i = 0; i < world->options.masters; i++) {
        const struct ha_master *master = ha_master_of(world->sim->nodes[i]);
        if (master != NULL && master->number > newest) {
            newest = master->number;
            leader = world->sim->nodes[i];
        }
    }
    return leader;
}

/* It dies at once or within a write, stands still, or is alone with one other master: what it
 * writes from then on one replica has, and the next leader does not know of. */
static void strike_leader(struct sim *sim, struct ha_world *world, const struct sim_fault *fault)
{
    struct sim_node *leader = find_leader(world);
    struct sim_fault blow = *fault;
    if (leader == NULL) {
        return;
    }
    blow.a = leader->index;
    switch (fault->duration_ns % 4) {
    case 0:
        blow.kind = SIM_FAULT_CRASH;
        break;
    case 1:
        blow.kind = SIM_FAULT_WRITE_CRASH;
        break;
    case 2:
        blow.kind = SIM_FAULT_PAUSE;
        break;
    default:
        blow.kind = SIM_FAULT_SPLIT;
        blow.nodes = UINT64_C(1) << leader->index | UINT64_C(1) << fault->a;
        break;
    }
    sim_fault_strike(sim, &blow);
}

/* A disk may be lost once, and only while all other masters vote: what two of them knew alone,
 * nobody could say any more. */
static bool may_lose_disk(const struct ha_world *world, const struct sim_node *node)
{
    for (int i = 0; i < world->options.masters; i++) {
        const struct ha_master *master = ha_master_of(world->sim->nodes[i]);
        if (i != node->index && (master == NULL || !rlog_is_recovered(master->rlog))) {
            return false;
        }
    }
    return world->wiped < 0;
}

static void end_for(struct sim *sim, struct sim_node *node, int64_t duration_ns)
{
    sim_crash(node);
    sim_schedule(sim, sim->now_ns + duration_ns, NULL, come_back, node, NULL);
}

static void on_own_fault(struct sim *sim, struct sim_node *node, const struct sim_fault *fault)
{
    struct ha_world *world = sim->world;
    if (fault->kind == SIM_FAULT_LEADER) {
        strike_leader(sim, world, fault);
        return;
    }
    if (node->index >= world->options.masters || !sim_is_up(node) ||
        node->paused_until_ns > sim->now_ns) {
        return;
    }
    if (fault->kind == SIM_FAULT_STOP) {
        ha_master_stop(ha_master_of(node));
        end_for(sim, node, fault->duration_ns);
    } else if (fault->kind == SIM_FAULT_WIPE) {
        if (may_lose_disk(world, node)) {
            world->wiped = node->index;
            end_for(sim, node, fault->duration_ns);
        }
    } else if (world->zk != NULL) {
        sim_zk_expire(world->zk, node);
        if (fault->duration_ns % 2 != 0) {
            sim_zk_break_at_create(world->zk, node); /* in its next session */
        }
    }
}

struct ha_world *ha_world_new(const struct ha_options *options)
{
    ASSERT(options->masters <= HA_MASTERS_MAX);
    struct ha_world *world = xalloc(sizeof(*world));
    struct sim_options sim_options;
    world->options = *options;
    world->history.laws = &world->laws;
    world->wiped = -1;
    if (options->calm) {
        sim_options_default(&sim_options, options->seed);
    } else {
        sim_options_random(&sim_options, options->seed);
    }
    sim_options.keep_trace = options->keep_trace;
    world->sim = sim_new(&sim_options);
    world->sim->on_own_fault = on_own_fault;
    world->sim->world = world;
    world->think_ns = NS_PER_SEC >> prng_below(&world->sim->prng, 6);
    world->lease_ns = sim_draw_ns(world->sim, 3 * NS_PER_SEC, 6 * NS_PER_SEC);
    world->session_ns = sim_draw_ns(world->sim, 6 * NS_PER_SEC, 15 * NS_PER_SEC);
    for (int i = 0; i < options->masters; i++) {
        (void)snprintf(world->names[i], sizeof(world->names[i]), "m%d", i + 1);
        (void)sim_add_node(world->sim, world->names[i], &ha_master_program, PORT, world);
    }
    if (options->zookeeper) {
        int64_t lag_ns = sim_draw_ns(world->sim, 0, NS_PER_SEC);
        lag_ns <<= prng_below(&world->sim->prng, 3);
        world->zk = sim_zk_new(world->sim, &(struct sim_zk_options){
                                               .servers = SERVERS,
                                               .lag_max_ns = lag_ns,
                                               .counts_down = options->planted == HA_DOWNWARD,
                                           });
    }
    for (int i = 0; i < options->masters; i++) {
        sim_start(world->sim->nodes[i]);
    }
    sim_add_checker(world->sim, "high availability", check, world);
    return world;
}

struct ha_world *ha_world_free(struct ha_world *world)
{
    if (world != NULL) {
        sim_zk_free(world->zk);
        sim_free(world->sim);
        ha_history_deinit(&world->history);
        rlog_laws_deinit(&world->laws);
        free(world);
    }
    return NULL;
}

struct sim *ha_world_sim(struct ha_world *world)
{
    return world->sim;
}

void ha_world_plan(struct sim_plan *plan, const struct ha_options *options)
{
    /* Many faults, or so few that there is calm between them. */
    size_t count_max = options->seed % 4 == 0 ? FAULTS_MAX : FAULTS_MAX / 4;
    sim_plan_random(plan, &(struct sim_plan_options){
                              .seed = options->seed,
                              .node_count = options->masters + (options->zookeeper ? SERVERS : 0),
                              .heal_ns = HA_FAULTS_NS,
                              .count_max = count_max,
                              .kinds = SIM_FAULTS_ALL,
                              .duration_max_ns = 20 * NS_PER_SEC,
                          });
}

/* Who served since the faults have ended leads still, and all know it. */
static bool is_well(struct sim *sim, void *arg)
{
    const struct ha_world *world = arg;
    const struct ha_master *leader = NULL;
    for (int i = 0; i < world->options.masters && world->served_by != 0; i++) {
        const struct ha_master *master = ha_master_of(sim->nodes[i]);
        if (master != NULL && master->writer == world->served_by && !master->is_ending) {
            leader = master;
        }
    }
    for (int i = 0; i < world->options.masters && leader != NULL; i++) {
        const struct ha_master *master = ha_master_of(sim->nodes[i]);
        if (master == NULL || master->leader == NULL ||
            !slice_equal(blob_slice(master->leader), blob_slice(leader->info))) {
            return false;
        }
    }
    return leader != NULL;
}

bool ha_world_run(struct ha_world *world, const struct sim_plan *plan, int64_t faults_ns)
{
    struct sim *sim = world->sim;
    sim->plan = plan;
    if (!sim_run(sim, sim->now_ns + faults_ns)) {
        return false;
    }
    world->is_final = true;
    world->final_ns = sim->now_ns;
    world->final_stamp = world->next_stamp + 1;
    if (!sim_run_until(sim, sim->now_ns + HA_HEALTHY_NS, is_well, world)) {
        if (sim->failure.size == 0) {
            buf_append_text(&sim->failure, "nobody serves after all faults had ended");
        }
        return false;
    }
    world->counts.healed_ns = sim->now_ns - world->final_ns;
    return true;
}

struct ha_counts ha_world_counts(const struct ha_world *world)
{
    struct ha_counts counts = world->counts;
    counts.decided = world->history.decided;
    counts.acknowledged = world->history.acknowledged;
    counts.adopted = world->history.adopted;
    for (int i = 0; i < world->options.masters; i++) {
        const struct ha_master *master = ha_master_of(world->sim->nodes[i]);
        counts.torn += master != NULL ? rlog_sim_store_torn_count(master->store) : 0;
    }
    if (world->wiped >= 0) {
        const struct ha_master *master = ha_master_of(world->sim->nodes[world->wiped]);
        counts.wiped += master != NULL && rlog_is_recovered(master->rlog);
    }
    if (world->zk != NULL) {
        counts.expired = sim_zk_counts(world->zk).expired;
        counts.doubtful = sim_zk_counts(world->zk).doubtful;
        counts.stale = sim_zk_counts(world->zk).stale;
    }
    return counts;
}
