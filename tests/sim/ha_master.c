#include "sim/ha_master.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/protocol.h"
#include "wire/message.h"
#include "wire/pb.h"

#define FETCH_TIMEOUT_NS (60 * NS_PER_SEC) /* --registry_fetch_timeout, as it is by default */
#define STORE_TIMEOUT_NS (20 * NS_PER_SEC) /* --registry_store_timeout */
/* A supervisor starts again what ended. */
#define RESTART_MIN_NS (NS_PER_SEC / 2)
#define RESTART_MAX_NS (3 * NS_PER_SEC)

static int64_t now_ns(const struct ha_master *master)
{
    return sim_now(master->node).mono_ns;
}

/* --- the process's end --- */

static void come_back(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    if (!sim_is_up(node)) {
        sim_start(node);
    }
}

static void end(struct sim *sim, void *arg)
{
    struct sim_node *node = arg;
    struct ha_world *world = node->arg;
    if (world->zk != NULL) {
        sim_zk_leave(world->zk, node);
    }
    sim_crash(node);
    sim_schedule(sim, sim->now_ns + sim_draw_ns(sim, RESTART_MIN_NS, RESTART_MAX_NS), NULL,
                 come_back, node, NULL);
}

void ha_master_fail(struct ha_master *master, const char *why)
{
    struct sim *sim = master->world->sim;
    if (!master->is_ending) {
        sim_trace(sim, master->node, "gives up: %s", why != NULL ? why : "");
        master->is_ending = true;
        master->world->counts.lost++;
        sim_schedule(sim, sim->now_ns, master->node, end, master->node, NULL);
    }
}

/* --- the log --- */

static void on_stored(void *arg, const struct rlog_store_done *done)
{
    ha_master_step_log(arg, &(struct rlog_event){.type = RLOG_STORED, .stored = done});
}

static void tell_answers(struct sim *sim UNUSED, void *arg)
{
    struct ha_master *master = arg;
    struct rlog_answer *answer;
    master->is_told_later = false;
    while ((answer = rlog_effects_pop_answer(&master->effects)) != NULL) {
        ha_registry_take_answer(master, answer);
        rlog_answer_free(answer);
    }
}

static void die(struct sim *sim, void *arg)
{
    struct sim_node *node = arg;
    sim_trace(sim, node, "dies with a write under way");
    sim_crash(node);
    sim_schedule(sim, sim->now_ns + NS_PER_SEC, NULL, come_back, node, NULL);
}

static void watch_write(struct ha_master *master, const struct rlog_store_op *op)
{
    struct ha_world *world = master->world;
    int index = master->node->index;
    for (size_t i = 0; i < op->action_count; i++) {
        if (op->actions[i].learned) {
            rlog_laws_learned(&world->laws, &op->actions[i]);
        }
    }
    world->counts.writes[index]++;
    if (index == world->options.crash_node &&
        world->counts.writes[index] == world->options.crash_at) {
        sim_schedule(world->sim, world->sim->now_ns, master->node, die, master->node, NULL);
    }
}

/* The planted fault: it hears that all is written before it is. */
static void forget_to_write(struct ha_master *master)
{
    struct rlog_store_ops writes;
    struct rlog_store_ops others;
    struct rlog_store_op *op;
    rlog_store_ops_init(&writes);
    rlog_store_ops_init(&others);
    while ((op = rlog_store_ops_pop(&master->effects.store)) != NULL) {
        rlog_store_ops_put(op->type == RLOG_STORE_WRITE ? &writes : &others, op);
    }
    rlog_sim_store_perform(master->store, &others);
    while ((op = rlog_store_ops_pop(&writes)) != NULL) {
        struct rlog_store_done done = {.type = op->type, .token = op->token};
        rlog_store_op_free(op);
        on_stored(master, &done);
    }
}

static void perform_store(struct ha_master *master)
{
    const struct rlog_store_op *op;
    LIST_FOR_EACH (op, &master->effects.store.list, link) {
        if (op->type == RLOG_STORE_WRITE) {
            watch_write(master, op);
        }
    }
    if (master->world->options.planted == HA_FORGETFUL) {
        forget_to_write(master);
    } else {
        rlog_sim_store_perform(master->store, &master->effects.store);
    }
}

static void perform_net(struct ha_master *master)
{
    struct ha_world *world = master->world;
    const struct net_effect *effect;
    LIST_FOR_EACH (effect, &master->effects.net.list, link) {
        if (effect->type == NET_SEND && world->options.planted == HA_SOUND) {
            rlog_laws_message(&world->laws, effect, master->node->name, master->store);
        }
    }
    sim_perform_net(master->node, &master->effects.net);
}

void ha_master_step_log(struct ha_master *master, const struct rlog_event *event)
{
    struct ha_world *world = master->world;
    struct rlog_note *note;
    rlog_step(master->rlog, now_ns(master), event, &master->effects);
    perform_store(master);
    perform_net(master);
    while ((note = rlog_effects_pop_note(&master->effects)) != NULL) {
        sim_trace(world->sim, master->node, "%s", note->text);
        rlog_note_free(note);
    }
    uint64_t number = rlog_promise(master->rlog);
    if (number != 0 && number != master->number) {
        ha_history_won(&world->history, number, master->writer);
    }
    master->number = number;
    if (!list_is_empty(&master->effects.answers) && !master->is_told_later) {
        master->is_told_later = true;
        sim_schedule(world->sim, world->sim->now_ns, master->node, tell_answers, master, NULL);
    }
}

/* The planted fault: whatever was promised, a write is by a number that is high enough. */
static void take_any_write(struct ha_master *master, const struct net_event *net,
                           struct rlog_message *message)
{
    struct net_event event = *net;
    message->proposal = MAX(message->proposal, rlog_sim_store_promised(master->store));
    message->action.performed = MAX(message->action.performed, message->proposal);
    CLEANUP(blob_unrefp) struct blob *raised = rlog_message_encode(message);
    event.body = blob_slice(raised);
    ha_master_step_log(master, &(struct rlog_event){.type = RLOG_NET, .net = &event});
}

/* And the promise is given to everybody, and forgotten. */
static void promise_all(struct ha_master *master, const struct net_event *net, uint64_t proposal)
{
    struct net_effects effects;
    struct rlog_message promise = {.type = RLOG_PROMISE_RESPONSE,
                                   .vote = RLOG_ACCEPT,
                                   .proposal = proposal,
                                   .has_position = true,
                                   .position = rlog_sim_store_end(master->store)};
    net_effects_init(&effects);
    net_send(&effects, net->to, &net->from, rlog_message_name(promise.type),
             rlog_message_encode(&promise));
    sim_perform_net(master->node, &effects);
}

static void take_log_message(struct ha_master *master, const struct net_event *net)
{
    enum rlog_message_type type;
    struct rlog_message message;
    struct err err;
    if (master->world->options.planted != HA_PROMISELESS || net->type != NET_MESSAGE ||
        !rlog_message_find(net->name, &type) ||
        rlog_message_decode(type, net->body, &message, &err) != 0) {
        ha_master_step_log(master, &(struct rlog_event){.type = RLOG_NET, .net = net});
        return;
    }
    if (type == RLOG_WRITE_REQUEST) {
        take_any_write(master, net, &message);
    } else if (type == RLOG_PROMISE_REQUEST && !message.has_position &&
               rlog_is_recovered(master->rlog)) {
        promise_all(master, net, message.proposal);
    } else {
        ha_master_step_log(master, &(struct rlog_event){.type = RLOG_NET, .net = net});
    }
    rlog_message_deinit(&message);
}

/* --- the program --- */

static struct blob *make_info(const struct ha_master *master)
{
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    Pb__Address address = PB__ADDRESS__INIT;
    struct upid pid = {.id = "master", .address = master->node->address};
    char text[UPID_TEXT_SIZE];
    CLEANUP(xfreep) char *id = xasprintf("m-%llu", (unsigned long long)master->writer);
    CLEANUP(xfreep) char *ip = xasprintf("10.0.0.%d", master->node->index + 1);
    upid_format(&pid, text);
    info.id = id;
    info.pid = text;
    info.ip = 1;
    info.port = address.port = master->node->address.port;
    info.hostname = address.hostname = address.ip = ip;
    info.address = &address;
    return message_encode_blob(&info.base);
}

static void *core_start(struct sim_node *node)
{
    struct ha_world *world = node->arg;
    struct ha_master *master = xalloc(sizeof(*master));
    master->world = world;
    master->node = node;
    master->writer = ++world->next_writer;
    master->info = make_info(master);
    master->rlog = rlog_new(&(struct rlog_options){
        .quorum = (size_t)world->options.masters / 2 + 1,
        .auto_initialize = true,
        .self = node->address,
        .seed = prng_next(&world->sim->prng),
    });
    rlog_effects_init(&master->effects);
    master->store =
        rlog_sim_store_new(node, node->index == world->wiped ? "/new" : "/old", on_stored, master);
    master->registrar = registrar_new(&(struct registry_log_options){
        .fetch_timeout_ns = FETCH_TIMEOUT_NS,
        .store_timeout_ns = STORE_TIMEOUT_NS,
        .seed = prng_next(&world->sim->prng),
    });
    ha_election_open(master);
    master->next_ns = now_ns(master);
    world->counts.started++;
    return master;
}

static void core_stop(void *arg)
{
    struct ha_master *master = arg;
    master->world->counts.torn += rlog_sim_store_torn_count(master->store);
    election_free(master->election);
    college_free(master->college);
    registrar_free(master->registrar);
    rlog_effects_deinit(&master->effects);
    rlog_free(master->rlog);
    rlog_sim_store_free(master->store);
    blob_unref(master->leader);
    blob_unref(master->info);
    free(master);
}

static int64_t core_deadline(const void *arg)
{
    const struct ha_master *master = arg;
    int64_t deadline_ns = MIN(rlog_deadline(master->rlog), registrar_deadline(master->registrar));
    deadline_ns = MIN(deadline_ns, master->next_ns);
    return MIN(deadline_ns, ha_election_deadline(master));
}

static void begin(struct ha_master *master)
{
    const struct ha_world *world = master->world;
    struct upid members[HA_MASTERS_MAX];
    master->is_started = true;
    ha_master_step_log(master, &(struct rlog_event){.type = RLOG_START});
    if (master->college == NULL) {
        return; /* ZooKeeper tells the members */
    }
    for (int i = 0; i < world->options.masters; i++) {
        members[i] =
            (struct upid){.id = "log-replica(1)", .address = world->sim->nodes[i]->address};
    }
    ha_master_step_log(master,
                       &(struct rlog_event){.type = RLOG_MEMBERS,
                                            .members = members,
                                            .member_count = (size_t)world->options.masters});
}

static void core_on_tick(void *arg, struct sim_node *node)
{
    struct ha_master *master = arg;
    struct sim *sim = master->world->sim;
    if (!master->is_started) {
        begin(master);
    }
    if (rlog_deadline(master->rlog) <= now_ns(master)) {
        ha_master_step_log(master, &(struct rlog_event){.type = RLOG_TICK});
    }
    if (registrar_deadline(master->registrar) <= now_ns(master)) {
        ha_registry_tick(master);
    }
    if (ha_election_deadline(master) <= now_ns(master)) {
        ha_election_tick(master);
    }
    if (master->next_ns <= sim_now(node).mono_ns) {
        master->next_ns = sim_now(node).mono_ns + sim_draw_ns(sim, 0, master->world->think_ns);
        if (master->is_serving && !master->is_ending) {
            ha_registry_act(master);
        }
    }
}

static void core_on_net(void *arg, struct sim_node *node UNUSED, const struct net_event *net)
{
    struct ha_master *master = arg;
    if (!master->is_started) {
        return;
    }
    if (!ha_election_take_net(master, net)) {
        take_log_message(master, net);
    }
}

static void core_on_store(void *arg, struct sim_node *node UNUSED, const struct store_done *done)
{
    struct ha_master *master = arg;
    rlog_sim_store_done(master->store, done);
}

const struct sim_program ha_master_program = {
    .name = "master",
    .start = core_start,
    .stop = core_stop,
    .deadline = core_deadline,
    .on_tick = core_on_tick,
    .on_net = core_on_net,
    .on_store = core_on_store,
};
