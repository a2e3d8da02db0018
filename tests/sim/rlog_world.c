#include "sim/rlog_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/rlog.h"
#include "sim/rlog_laws.h"
#include "sim/rlog_store.h"

#define PORT 5050
#define RESTART_NS NS_PER_SEC
/* After all faults: until somebody is elected, has written and has read. */
#define HEALTHY_NS (60 * NS_PER_SEC)
#define TOKEN_NONE 0

struct rlog_world {
    struct sim *sim;
    struct rlog_world_options options;
    char names[RLOG_WORLD_REPLICAS_MAX][16];
    int generation[RLOG_WORLD_REPLICAS_MAX]; /* of disks */
    struct rlog_laws laws;
    uint64_t truncated_to; /* highest that anybody asked for */
    uint64_t next_entry;
    struct rlog_world_counts counts;
    bool is_final; /* faults have ended: only the first that is up writes */
    int final_node;
    bool is_done;
};

/* A replica, and its client. */
struct core {
    struct rlog_world *world;
    struct sim_node *node;
    int index;
    struct rlog *rlog;
    struct rlog_effects effects;
    struct rlog_sim_store *store;
    bool is_started;
    int64_t next_ns; /* when the client does something */
    bool is_electing;
    uint64_t asked_end; /* highest position that had been acknowledged when it asked for that */
    bool is_elected;
    bool has_written; /* in the end */
    uint64_t next_token;
    uint64_t read_token; /* of a read under way */
    uint64_t read_next;  /* position that the next piece may begin at */
    uint64_t read_to;
    struct blob
        *writes[64]; /* by token % 64: what is being appended; the shared empty for others */
    uint64_t write_tokens[64];
};

/* --- effects --- */

static void perform(struct core *core);

static void step(struct core *core, const struct rlog_event *event)
{
    rlog_step(core->rlog, sim_now(core->node).mono_ns, event, &core->effects);
    perform(core);
}

static void on_stored(void *arg, const struct rlog_store_done *done)
{
    struct core *core = arg;
    struct rlog_event event = {.type = RLOG_STORED, .stored = done};
    step(core, &event);
}

static void come_back(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    if (!sim_is_up(node)) {
        sim_start(node);
    }
}

static void die(struct sim *sim, void *arg)
{
    struct sim_node *node = arg;
    sim_trace(sim, node, "dies with a write under way");
    sim_crash(node);
    sim_schedule(sim, sim->now_ns + RESTART_NS, NULL, come_back, node, NULL);
}

/* A forgetful one hears that all is written before it is, and so does not wait. */
static void forget_to_write(struct core *core)
{
    struct rlog_store_ops writes;
    rlog_store_ops_init(&writes);
    struct rlog_store_ops others;
    rlog_store_ops_init(&others);
    struct rlog_store_op *op;
    while ((op = rlog_store_ops_pop(&core->effects.store)) != NULL) {
        rlog_store_ops_put(op->type == RLOG_STORE_WRITE ? &writes : &others, op);
    }
    rlog_sim_store_perform(core->store, &others);
    while ((op = rlog_store_ops_pop(&writes)) != NULL) {
        struct rlog_store_done done = {.type = op->type, .token = op->token};
        rlog_store_op_free(op);
        on_stored(core, &done);
    }
}

static void perform_store(struct core *core)
{
    struct rlog_world *world = core->world;
    struct rlog_store_op *op;
    LIST_FOR_EACH (op, &core->effects.store.list, link) {
        if (op->type != RLOG_STORE_WRITE) {
            continue;
        }
        for (size_t i = 0; i < op->action_count; i++) {
            if (op->actions[i].learned) {
                rlog_laws_learned(&world->laws, &op->actions[i]);
            }
        }
        world->counts.writes[core->index]++;
        if (core->index == world->options.crash_node &&
            world->counts.writes[core->index] == world->options.crash_at) {
            sim_schedule(world->sim, world->sim->now_ns, core->node, die, core->node, NULL);
        }
    }
    if (world->options.forgetful && core->index > 0) {
        forget_to_write(core);
    } else {
        rlog_sim_store_perform(core->store, &core->effects.store);
    }
}

static void take_written(struct core *core, const struct rlog_answer *answer)
{
    struct rlog_world *world = core->world;
    size_t slot = answer->token % ELEMENTS(core->writes);
    ASSERT(core->write_tokens[slot] == answer->token);
    struct blob *bytes = TAKE_PTR(core->writes[slot]);
    core->write_tokens[slot] = TOKEN_NONE;
    if (answer->status != 0) {
        /* Truncating beyond what a stale coordinator knows is refused, and costs it nothing. */
        core->is_elected &= answer->status == -EINVAL;
        world->counts.lost += answer->status == RLOG_E_LOST;
        blob_unref(bytes);
        return;
    }
    rlog_laws_acknowledged(&world->laws, answer->position, bytes);
    core->has_written = world->is_final;
    world->counts.acknowledged++;
    sim_trace(world->sim, core->node, "wrote position %llu", (unsigned long long)answer->position);
}

static void take_elected(struct core *core, const struct rlog_answer *answer)
{
    struct rlog_world *world = core->world;
    core->is_electing = false;
    if (answer->status != 0) {
        return;
    }
    core->is_elected = true;
    world->counts.elected++;
    sim_trace(world->sim, core->node, "is elected behind position %llu",
              (unsigned long long)answer->position);
    /* Another may have been elected, and have written, since the promises were given. */
    if (answer->position < core->asked_end) {
        rlog_laws_fail(&world->laws, "%s is elected at %llu, but %llu was acknowledged",
                       core->node->name, (unsigned long long)answer->position,
                       (unsigned long long)core->asked_end);
    }
}

/* Entries come in order; what was acknowledged in between must be among them. */
static void take_entries(struct core *core, const struct rlog_answer *answer)
{
    struct rlog_world *world = core->world;
    if (answer->token != core->read_token) {
        return;
    }
    if (answer->status != 0) {
        core->read_token = TOKEN_NONE;
        return;
    }
    const char *name = core->node->name;
    for (size_t i = 0; i < answer->entry_count; i++) {
        const struct rlog_entry *entry = &answer->entries[i];
        rlog_laws_skipped(&world->laws, core->read_next, entry->position, name);
        rlog_laws_read(&world->laws, entry, name);
        core->read_next = entry->position + 1;
    }
    if (answer->last) {
        rlog_laws_skipped(&world->laws, core->read_next, core->read_to + 1, name);
        core->read_token = TOKEN_NONE;
        world->counts.read++;
        world->is_done |= core->has_written && core->is_elected;
    }
}

static void read_all(struct core *core, const struct rlog_answer *answer)
{
    if (answer->token != core->read_token) {
        return;
    }
    ASSERT(answer->status == 0);
    struct rlog_event event = {
        .type = RLOG_READ, .token = core->read_token, .position = answer->begin, .to = answer->end};
    /* Behind what is decided our replica may hold what others tried to write. */
    if (core->has_written) {
        event.to = core->world->laws.acknowledged_end;
    }
    core->read_next = answer->begin;
    core->read_to = event.to;
    if (answer->begin > core->world->truncated_to) {
        rlog_laws_fail(&core->world->laws, "%s forgot more than it should", core->node->name);
    }
    step(core, &event);
}

static void take_answer(struct core *core, const struct rlog_answer *answer)
{
    switch (answer->type) {
    case RLOG_ANSWER_ELECTED:
        take_elected(core, answer);
        break;
    case RLOG_ANSWER_WRITTEN:
        take_written(core, answer);
        break;
    case RLOG_ANSWER_ENTRIES:
        take_entries(core, answer);
        break;
    case RLOG_ANSWER_BOUNDS:
        read_all(core, answer);
        break;
    case RLOG_ANSWER_CAUGHT_UP:
        core->world->counts.caught_up += answer->status == 0;
        break;
    case RLOG_ANSWER_FAILED:
        rlog_laws_fail(&core->world->laws, "%s gives up: %s", core->node->name, answer->err.text);
        break;
    }
}

static void perform(struct core *core)
{
    perform_store(core);
    struct net_effect *effect;
    LIST_FOR_EACH (effect, &core->effects.net.list, link) {
        if (effect->type == NET_SEND && !core->world->options.forgetful) {
            rlog_laws_message(&core->world->laws, effect, core->node->name, core->store);
        }
    }
    sim_perform_net(core->node, &core->effects.net);
    struct rlog_note *note;
    while ((note = rlog_effects_pop_note(&core->effects)) != NULL) {
        sim_trace(core->world->sim, core->node, "%s", note->text);
        rlog_note_free(note);
    }
    struct rlog_answer *answer;
    while ((answer = rlog_effects_pop_answer(&core->effects)) != NULL) {
        take_answer(core, answer);
        rlog_answer_free(answer);
    }
}

/* --- the client --- */

static void write_something(struct core *core, bool truncates)
{
    struct rlog_world *world = core->world;
    struct rlog_event event = {.type = RLOG_APPEND, .token = core->next_token};
    size_t slot = event.token % ELEMENTS(core->writes);
    if (core->write_tokens[slot] != TOKEN_NONE) {
        return;
    }
    core->next_token++;
    core->write_tokens[slot] = event.token;
    if (truncates) {
        uint64_t end = world->laws.acknowledged_end;
        event.type = RLOG_TRUNCATE;
        event.position = end > 10 ? end - prng_below(&world->sim->prng, 10) : 0;
        world->truncated_to = MAX(world->truncated_to, event.position);
        core->writes[slot] = blob_from(slice_from(""));
        step(core, &event);
        return;
    }
    struct buf text = BUF_INIT;
    buf_printf(&text, "entry %llu of %s", (unsigned long long)world->next_entry++,
               core->node->name);
    core->writes[slot] = blob_take(&text);
    event.bytes = core->writes[slot];
    step(core, &event);
}

static void ask(struct core *core, enum rlog_event_type type)
{
    struct rlog_event event = {.type = type, .token = core->next_token++};
    if (type == RLOG_BOUNDS) {
        core->read_token = event.token;
    }
    if (type == RLOG_ELECT) {
        core->is_electing = true;
        core->asked_end = core->world->laws.acknowledged_end;
    }
    step(core, &event);
}

static void act(struct core *core)
{
    struct prng *prng = &core->world->sim->prng;
    uint64_t dice = prng_below(prng, 20);
    if (core->is_elected && dice < 14) {
        int count = 1 + (int)prng_below(prng, 6);
        while (count-- > 0) {
            write_something(core, prng_below(prng, 8) == 0);
        }
    } else if (core->is_elected && dice == 14) {
        core->is_elected = false;
        ask(core, RLOG_RESIGN);
    } else if (!core->is_elected && !core->is_electing && dice < 5) {
        ask(core, RLOG_ELECT);
    } else if (dice == 15) {
        ask(core, RLOG_CATCHUP);
    } else if (dice > 15 && core->read_token == TOKEN_NONE) {
        ask(core, RLOG_BOUNDS);
    }
}

/* After the faults: one is elected, writes, and reads everything. */
static void act_finally(struct core *core)
{
    if (core->index != core->world->final_node) {
        if (core->is_elected || core->is_electing) {
            core->is_elected = core->is_electing = false;
            ask(core, RLOG_RESIGN);
        }
        return;
    }
    if (!core->is_elected) {
        if (!core->is_electing) {
            ask(core, RLOG_ELECT);
        }
        return;
    }
    /* Entries that are not decided yet cannot be read: one after the other. */
    for (size_t i = 0; i < ELEMENTS(core->writes); i++) {
        if (core->write_tokens[i] != TOKEN_NONE) {
            return;
        }
    }
    if (!core->has_written) {
        write_something(core, false);
    } else if (core->read_token == TOKEN_NONE) {
        ask(core, RLOG_BOUNDS);
    }
}

/* --- the program --- */

static void *core_start(struct sim_node *node)
{
    struct rlog_world *world = node->arg;
    struct core *core = xalloc(sizeof(*core));
    core->world = world;
    core->node = node;
    core->index = node->index;
    core->next_token = 1;
    struct rlog_options options = {
        .quorum = (size_t)world->options.replicas / 2 + 1,
        .auto_initialize = true,
        .self = node->address,
        .seed = prng_next(&world->sim->prng),
    };
    core->rlog = rlog_new(&options);
    rlog_effects_init(&core->effects);
    CLEANUP(xfreep) char *path = xasprintf("/log.%d", world->generation[core->index]);
    core->store = rlog_sim_store_new(node, path, on_stored, core);
    core->next_ns = sim_now(node).mono_ns;
    return core;
}

static void core_stop(void *arg)
{
    struct core *core = arg;
    core->world->counts.torn += rlog_sim_store_torn_count(core->store);
    rlog_effects_deinit(&core->effects);
    rlog_free(core->rlog);
    rlog_sim_store_free(core->store);
    for (size_t i = 0; i < ELEMENTS(core->writes); i++) {
        blob_unref(core->writes[i]);
    }
    free(core);
}

static int64_t core_deadline(const void *arg)
{
    const struct core *core = arg;
    return MIN(core->next_ns, rlog_deadline(core->rlog));
}

static void begin(struct core *core)
{
    struct upid members[RLOG_WORLD_REPLICAS_MAX];
    for (int i = 0; i < core->world->options.replicas; i++) {
        members[i] =
            (struct upid){.id = "log-replica(1)", .address = core->world->sim->nodes[i]->address};
    }
    struct rlog_event start = {.type = RLOG_START};
    struct rlog_event joined = {.type = RLOG_MEMBERS,
                                .members = members,
                                .member_count = (size_t)core->world->options.replicas};
    core->is_started = true;
    step(core, &start);
    step(core, &joined);
}

static void core_on_tick(void *arg, struct sim_node *node)
{
    struct core *core = arg;
    struct rlog_world *world = core->world;
    struct rlog_event tick = {.type = RLOG_TICK};
    if (!core->is_started) {
        begin(core);
    }
    step(core, &tick);
    if (sim_now(node).mono_ns < core->next_ns) {
        return;
    }
    core->next_ns = sim_now(node).mono_ns + sim_draw_ns(world->sim, NS_PER_SEC / 10, NS_PER_SEC);
    if (world->is_final) {
        act_finally(core);
    } else if (!world->options.one_client || core->index == 0) {
        act(core);
    }
}

static void core_on_net(void *arg, struct sim_node *node UNUSED, const struct net_event *net)
{
    struct core *core = arg;
    struct rlog_event event = {.type = RLOG_NET, .net = net};
    if (core->is_started) {
        step(core, &event);
    }
}

static void core_on_store(void *arg, struct sim_node *node UNUSED, const struct store_done *done)
{
    struct core *core = arg;
    rlog_sim_store_done(core->store, done);
}

static const struct sim_program program = {
    .name = "log replica",
    .start = core_start,
    .stop = core_stop,
    .deadline = core_deadline,
    .on_tick = core_on_tick,
    .on_net = core_on_net,
    .on_store = core_on_store,
};

/* --- the world --- */

static const char *check(struct sim *sim UNUSED, void *arg)
{
    const struct rlog_world *world = arg;
    return world->laws.failure[0] != '\0' ? world->laws.failure : NULL;
}

struct rlog_world *rlog_world_new(const struct rlog_world_options *options)
{
    ASSERT(options->replicas <= RLOG_WORLD_REPLICAS_MAX);
    struct rlog_world *world = xalloc(sizeof(*world));
    world->options = *options;
    struct sim_options sim_options;
    if (options->calm) {
        sim_options_default(&sim_options, options->seed);
    } else {
        sim_options_random(&sim_options, options->seed);
    }
    sim_options.keep_trace = options->keep_trace;
    world->sim = sim_new(&sim_options);
    for (int i = 0; i < options->replicas; i++) {
        (void)snprintf(world->names[i], sizeof(world->names[i]), "r%d", i + 1);
        sim_start(sim_add_node(world->sim, world->names[i], &program, PORT, world));
    }
    sim_add_checker(world->sim, "the log", check, world);
    return world;
}

struct rlog_world *rlog_world_free(struct rlog_world *world)
{
    if (world != NULL) {
        sim_free(world->sim);
        rlog_laws_deinit(&world->laws);
        free(world);
    }
    return NULL;
}

struct sim *rlog_world_sim(struct rlog_world *world)
{
    return world->sim;
}

void rlog_world_plan(struct sim_plan *plan, const struct rlog_world_options *options,
                     int64_t faults_ns)
{
    struct sim_plan_options wanted = {
        .seed = options->seed,
        .node_count = options->replicas,
        .heal_ns = faults_ns,
        .count_max = 40,
        .kinds = SIM_FAULTS_COMMON,
        .duration_max_ns = 20 * NS_PER_SEC,
    };
    sim_plan_random(plan, &wanted);
}

static bool is_done(struct sim *sim UNUSED, void *arg)
{
    return ((struct rlog_world *)arg)->is_done;
}

bool rlog_world_run(struct rlog_world *world, const struct sim_plan *plan, int64_t faults_ns)
{
    struct sim *sim = world->sim;
    sim->plan = plan;
    if (!sim_run(sim, sim->now_ns + faults_ns)) {
        return false;
    }
    world->is_final = true;
    world->final_node = (int)(world->options.seed % (uint64_t)world->options.replicas);
    if (!sim_run_until(sim, sim->now_ns + HEALTHY_NS, is_done, world)) {
        if (sim->failure.size == 0) {
            buf_append_text(&sim->failure, "nothing could be written after all faults had ended");
        }
        return false;
    }
    return true;
}

static bool has_begun(struct sim *sim UNUSED, void *arg)
{
    const struct rlog_world *world = arg;
    for (int i = 0; i < world->options.replicas; i++) {
        if (!rlog_world_is_recovered(world, i)) {
            return false;
        }
    }
    return world->counts.acknowledged >= 10;
}

bool rlog_world_begin(struct rlog_world *world)
{
    return sim_run_until(world->sim, world->sim->now_ns + HEALTHY_NS, has_begun, world);
}

void rlog_world_wipe(struct rlog_world *world, int index)
{
    struct sim_node *node = world->sim->nodes[index];
    sim_crash(node);
    world->generation[index]++;
    sim_schedule(world->sim, world->sim->now_ns + 10 * RESTART_NS, NULL, come_back, node, NULL);
}

bool rlog_world_is_recovered(const struct rlog_world *world, int index)
{
    const struct core *core = world->sim->nodes[index]->core;
    return core != NULL && rlog_is_recovered(core->rlog);
}

struct rlog_world_counts rlog_world_counts(const struct rlog_world *world)
{
    struct rlog_world_counts counts = world->counts;
    for (int i = 0; i < world->options.replicas; i++) {
        const struct core *core = world->sim->nodes[i]->core;
        counts.torn += core != NULL ? rlog_sim_store_torn_count(core->store) : 0;
    }
    return counts;
}
