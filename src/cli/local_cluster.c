#include "cli/local_cluster.h"

#include <stdlib.h>
#include <string.h>

#include "common/sm.h"

static const struct sm_state states[] = {
    [LOCAL_IDLE] = {"IDLE", SM_TO(LOCAL_MASTER_STARTS) | SM_TO(LOCAL_AGENTS_STOP)},
    [LOCAL_MASTER_STARTS] = {"MASTER_STARTS", SM_TO(LOCAL_AGENTS_START) | SM_TO(LOCAL_AGENTS_STOP)},
    [LOCAL_AGENTS_START] = {"AGENTS_START", SM_TO(LOCAL_RUNS) | SM_TO(LOCAL_AGENTS_STOP)},
    [LOCAL_RUNS] = {"RUNS", SM_TO(LOCAL_AGENTS_STOP)},
    [LOCAL_AGENTS_STOP] = {"AGENTS_STOP", SM_TO(LOCAL_MASTER_STOPS)},
    [LOCAL_MASTER_STOPS] = {"MASTER_STOPS", SM_TO(LOCAL_OVER)},
    [LOCAL_OVER] = {"OVER", 0},
};

static const struct sm_table table = {"local cluster", states, ELEMENTS(states)};

static struct local_effect *put(struct local_effects *effects, enum local_effect_type type,
                                size_t process)
{
    ASSERT(effects->count < ELEMENTS(effects->items));
    struct local_effect *effect = &effects->items[effects->count++];
    *effect = (struct local_effect){.type = type, .process = process};
    return effect;
}

static void move(struct local_cluster *cluster, enum local_state state, int64_t until_ns)
{
    cluster->state = (enum local_state)sm_move(&table, (int)cluster->state, (int)state);
    cluster->until_ns = until_ns;
}

static bool is_ending(const struct local_cluster *cluster)
{
    return cluster->state == LOCAL_AGENTS_STOP || cluster->state == LOCAL_MASTER_STOPS;
}

static bool is_coming_up(const struct local_cluster *cluster)
{
    return cluster->state == LOCAL_MASTER_STARTS || cluster->state == LOCAL_AGENTS_START;
}

static void spawn(struct local_cluster *cluster, size_t process, struct local_effects *effects)
{
    cluster->lives[process] = true;
    put(effects, LOCAL_SPAWN, process);
}

/* --- the end --- */

static bool any_agent_lives(const struct local_cluster *cluster)
{
    for (size_t i = 1; i <= cluster->agent_count; i++) {
        if (cluster->lives[i]) {
            return true;
        }
    }
    return false;
}

static void stop_on(struct local_cluster *cluster, int64_t now_ns, struct local_effects *effects)
{
    if (cluster->state == LOCAL_AGENTS_STOP && !any_agent_lives(cluster)) {
        move(cluster, LOCAL_MASTER_STOPS, time_add_ns(now_ns, LOCAL_STOP_NS));
        if (cluster->lives[0]) {
            put(effects, LOCAL_TERM, 0);
        }
    }
    if (cluster->state == LOCAL_MASTER_STOPS && !cluster->lives[0]) {
        move(cluster, LOCAL_OVER, TIME_NEVER);
        put(effects, LOCAL_END, 0)->status = cluster->status;
    }
}

static void stop(struct local_cluster *cluster, int64_t now_ns, struct local_effects *effects)
{
    move(cluster, LOCAL_AGENTS_STOP, time_add_ns(now_ns, LOCAL_STOP_NS));
    for (size_t i = 1; i <= cluster->agent_count; i++) {
        if (cluster->lives[i]) {
            put(effects, LOCAL_LEAVE, i);
        }
    }
    stop_on(cluster, now_ns, effects);
}

static void fail(struct local_cluster *cluster, int64_t now_ns, struct local_effects *effects)
{
    cluster->status = EXIT_FAILURE;
    stop(cluster, now_ns, effects);
}

static void kill_all(struct local_cluster *cluster, struct local_effects *effects)
{
    cluster->until_ns = TIME_NEVER;
    for (size_t i = 0; i <= cluster->agent_count; i++) {
        if (cluster->lives[i]) {
            put(effects, LOCAL_KILL, i);
        }
    }
}

/* --- events --- */

static void tick(struct local_cluster *cluster, int64_t now_ns, struct local_effects *effects)
{
    switch (cluster->state) {
    case LOCAL_IDLE:
        move(cluster, LOCAL_MASTER_STARTS, time_add_ns(now_ns, LOCAL_START_NS));
        cluster->probe_ns = now_ns;
        spawn(cluster, 0, effects);
        break;
    case LOCAL_MASTER_STARTS:
    case LOCAL_AGENTS_START:
        if (cluster->until_ns <= now_ns) {
            put(effects, LOCAL_LATE, 0);
            fail(cluster, now_ns, effects);
        }
        break;
    case LOCAL_AGENTS_STOP:
    case LOCAL_MASTER_STOPS:
        if (cluster->until_ns <= now_ns) {
            kill_all(cluster, effects);
        }
        break;
    case LOCAL_RUNS:
    case LOCAL_OVER:
        break;
    }
    if (is_coming_up(cluster) && !cluster->asks && cluster->probe_ns <= now_ns) {
        cluster->asks = true;
        put(effects, LOCAL_PROBE, 0);
    }
}

static void take_answer(struct local_cluster *cluster, int64_t now_ns, int64_t active,
                        struct local_effects *effects)
{
    cluster->asks = false;
    cluster->probe_ns = time_add_ns(now_ns, LOCAL_PROBE_NS);
    if (cluster->state == LOCAL_MASTER_STARTS && active >= 0) {
        move(cluster, LOCAL_AGENTS_START, time_add_ns(now_ns, LOCAL_START_NS));
        for (size_t i = 1; i <= cluster->agent_count; i++) {
            spawn(cluster, i, effects);
        }
    } else if (cluster->state == LOCAL_AGENTS_START && active >= (int64_t)cluster->agent_count) {
        move(cluster, LOCAL_RUNS, TIME_NEVER);
        put(effects, LOCAL_READY, 0);
    }
}

static void exited(struct local_cluster *cluster, int64_t now_ns, size_t process, bool in_order,
                   struct local_effects *effects)
{
    cluster->lives[process] = false;
    if (is_ending(cluster)) {
        stop_on(cluster, now_ns, effects);
    } else if (cluster->state == LOCAL_RUNS && process > 0 && in_order) {
        put(effects, LOCAL_LEFT, process);
    } else {
        put(effects, LOCAL_ENDED, process);
        fail(cluster, now_ns, effects);
    }
}

void local_cluster_step(struct local_cluster *cluster, int64_t now_ns,
                        const struct local_event *event, struct local_effects *effects)
{
    effects->count = 0;
    if (cluster->state == LOCAL_OVER) {
        return;
    }
    switch (event->type) {
    case LOCAL_TICK:
        tick(cluster, now_ns, effects);
        return;
    case LOCAL_ANSWER:
        take_answer(cluster, now_ns, event->active, effects);
        return;
    case LOCAL_EXITED:
        exited(cluster, now_ns, event->process, event->in_order, effects);
        return;
    case LOCAL_STOP:
        if (!is_ending(cluster)) {
            stop(cluster, now_ns, effects);
        }
        return;
    case LOCAL_HURRY:
        if (!is_ending(cluster)) {
            stop(cluster, now_ns, effects);
        }
        kill_all(cluster, effects);
        return;
    }
    WRONG("an event that is none");
}

int64_t local_cluster_deadline(const struct local_cluster *cluster)
{
    return is_coming_up(cluster) && !cluster->asks ? MIN(cluster->until_ns, cluster->probe_ns)
                                                   : cluster->until_ns;
}

void local_cluster_init(struct local_cluster *cluster, size_t agent_count)
{
    ASSERT(agent_count >= 1 && agent_count <= LOCAL_AGENTS_MAX);
    *cluster = (struct local_cluster){.agent_count = agent_count, .until_ns = TIME_NEVER};
}

int64_t local_cluster_parse_active(struct slice metrics)
{
    struct slice key = SLICE("\"master/slaves_active\":");
    for (size_t i = 0; i + key.size <= metrics.size; i++) {
        struct slice rest = slice_skip(metrics, i);
        if (!slice_starts_with(rest, key)) {
            continue;
        }
        rest = slice_skip(rest, key.size);
        size_t size = 0;
        while (size < rest.size && rest.data[size] != ',' && rest.data[size] != '}') {
            size++;
        }
        double value;
        if (slice_parse_double(slice_make(rest.data, size), &value) && value >= 0 &&
            value <= INT32_MAX) {
            return (int64_t)value;
        }
        return -1;
    }
    return -1;
}
