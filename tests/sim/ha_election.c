/* Who leads in the world of high availability: by ZooKeeper, or among the masters. */
#include <stdlib.h>

#include "sim/ha_master.h"

#define ZK_PATH "/mesos"
#define ZK_NODES ZK_PATH "/json.info_"

/* --- who leads --- */

static void take_leader(struct ha_master *master, const struct blob *info)
{
    blob_unref(master->leader);
    master->leader = info != NULL ? blob_from(blob_slice(info)) : NULL;
}

static void lead(struct ha_master *master)
{
    sim_trace(master->world->sim, master->node, "is elected");
    master->is_elected = true;
    master->world->counts.elected++;
    ha_registry_ask(master, HA_RECOVER, 0);
}

/* --- by ZooKeeper --- */

static void step_election(struct ha_master *master, const struct zk_event *event);

static void on_zk(struct sim_node *node, const struct zk_event *event)
{
    step_election(ha_master_of(node), event);
}

/* Its node is the lowest that there is, unless the session is over and it does not know yet. */
static void check_elected(struct ha_master *master)
{
    struct ha_world *world = master->world;
    const char *own = sim_zk_own(world->zk, master->node, ZK_NODES);
    if (own != NULL && sim_zk_lower_count(world->zk, ZK_NODES, own) > 0) {
        rlog_laws_fail(&world->laws, "%s is elected, but '%s' is not the lowest node",
                       master->node->name, own);
    }
}

static void take_output(struct ha_master *master, const struct election_output *output)
{
    struct ha_world *world = master->world;
    switch (output->type) {
    case ELECTION_LEADER:
        take_leader(master, output->info);
        break;
    case ELECTION_ELECTED:
        check_elected(master);
        lead(master);
        break;
    case ELECTION_LOST:
        ha_master_fail(master, output->text);
        break;
    case ELECTION_FAILED:
        rlog_laws_fail(&world->laws, "%s cannot elect: %s", master->node->name, output->text);
        break;
    case ELECTION_MEMBERS:
        ha_master_step_log(master, &(struct rlog_event){.type = RLOG_MEMBERS,
                                                        .members = output->members,
                                                        .member_count = output->member_count});
        break;
    case ELECTION_LOG:
        sim_trace(world->sim, master->node, "%s", output->text);
        break;
    }
}

static void step_election(struct ha_master *master, const struct zk_event *event)
{
    struct election_effects effects;
    struct election_output *output;
    election_effects_init(&effects);
    election_step(master->election, sim_now(master->node), event, &effects);
    sim_zk_perform(master->world->zk, master->node, &effects.zk, on_zk);
    while ((output = election_output_pop(&effects)) != NULL) {
        take_output(master, output);
        election_output_free(output);
    }
    election_effects_deinit(&effects);
}

static void open_in_zookeeper(struct ha_master *master)
{
    struct ha_world *world = master->world;
    struct upid replica = {.id = "log-replica(1)", .address = master->node->address};
    char text[UPID_TEXT_SIZE];
    upid_format(&replica, text);
    struct zk_url url = {.hosts = "zk", .path = ZK_PATH};
    url.credentials = world->options.seed % 5 == 0 ? "user:password" : NULL;
    master->election = election_new(&(struct election_options){
        .url = &url,
        .session_timeout_ns = world->session_ns,
        .seed = prng_next(&world->sim->prng),
        .info = master->info,
        .replica = text,
    });
}

/* --- among themselves --- */

static void step_college(struct ha_master *master, const struct college_event *event);

static void perform_college(struct ha_master *master, struct college_effect *effect)
{
    struct net_effects net;
    switch (effect->type) {
    case COLLEGE_SEND:
        net_effects_init(&net);
        net_send(&net, COLLEGE_ACTOR, &effect->to, COLLEGE_MESSAGE_NAME, TAKE_PTR(effect->bytes));
        sim_perform_net(master->node, &net);
        break;
    case COLLEGE_CONTEND:
        sim_trace(master->world->sim, master->node, "contends");
        ha_registry_contend(master);
        break;
    case COLLEGE_RESIGN:
        ha_registry_resign(master);
        break;
    case COLLEGE_LEADER:
        take_leader(master, effect->bytes);
        break;
    case COLLEGE_ELECTED:
        lead(master);
        break;
    case COLLEGE_LOST:
        ha_master_fail(master, effect->text);
        break;
    case COLLEGE_ANSWER:
        WRONG("nobody has asked");
    }
}

static void step_college(struct ha_master *master, const struct college_event *event)
{
    struct college_effects effects;
    struct college_effect *effect;
    college_effects_init(&effects);
    college_step(master->college, sim_now(master->node).mono_ns, event, &effects);
    while ((effect = college_effects_pop(&effects)) != NULL) {
        perform_college(master, effect);
        college_effect_free(effect);
    }
}

void ha_master_promised(struct ha_master *master, uint64_t number)
{
    step_college(master, &(struct college_event){.type = COLLEGE_PROMISED, .number = number});
}

static void open_college(struct ha_master *master)
{
    struct ha_world *world = master->world;
    struct address others[HA_MASTERS_MAX];
    size_t count = 0;
    for (int i = 0; i < world->options.masters; i++) {
        if (i != master->node->index) {
            others[count++] = world->sim->nodes[i]->address;
        }
    }
    master->college = college_new(
        &(struct college_options){
            .self = master->node->address,
            .others = others,
            .other_count = count,
            .quorum = (size_t)world->options.masters / 2 + 1,
            .info = master->info,
            .lease_ns = world->lease_ns,
            .seed = prng_next(&world->sim->prng),
        },
        sim_now(master->node).mono_ns);
}

/* --- for the master --- */

void ha_election_open(struct ha_master *master)
{
    if (master->world->zk != NULL) {
        open_in_zookeeper(master);
    } else {
        open_college(master);
    }
}

int64_t ha_election_deadline(const struct ha_master *master)
{
    return master->college != NULL ? college_deadline(master->college)
                                   : election_deadline(master->election);
}

void ha_election_tick(struct ha_master *master)
{
    if (master->college != NULL) {
        step_college(master, &(struct college_event){.type = COLLEGE_TICK});
    } else {
        step_election(master, &(struct zk_event){.type = ZK_TICK});
    }
}

bool ha_election_take_net(struct ha_master *master, const struct net_event *net)
{
    if (net->type != NET_MESSAGE || strcmp(net->to, COLLEGE_ACTOR) != 0) {
        return false;
    }
    if (master->college != NULL && slice_is(net->name, COLLEGE_MESSAGE_NAME)) {
        step_college(master, &(struct college_event){
                                 .type = COLLEGE_MESSAGE, .from = &net->from, .bytes = net->body});
    }
    return true;
}

void ha_master_stop(struct ha_master *master)
{
    if (master->college != NULL && master->is_started) {
        step_college(master, &(struct college_event){.type = COLLEGE_END});
    }
    if (master->world->zk != NULL) {
        sim_zk_leave(master->world->zk, master->node);
    }
}
