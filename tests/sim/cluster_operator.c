/* An operator who drains, deactivates and reactivates agents at random, and in the end wants all of
 * them back. */
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/cluster.h"
#include "sim/sim_http.h"

#define OPERATOR_PATH "/master/api/v1"
#define JSON "application/json"
#define LATER_NS (5 * NS_PER_SEC)

struct operator_core {
    struct cluster *cluster;
    struct sim_node *node;
    int64_t act_ns;
};

static void *start(struct sim_node *node)
{
    struct operator_core *core = xalloc(sizeof(*core));
    core->cluster = node->arg;
    core->node = node;
    core->act_ns = sim_now(node).mono_ns + LATER_NS;
    return core;
}

static void stop(void *core)
{
    free(core);
}

static int64_t deadline(const void *arg)
{
    return ((const struct operator_core *)arg)->act_ns;
}

static void post(struct operator_core *core, const char *type, const char *part, const char *id,
                 const char *more)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT;
    buf_printf(&body, "{\"type\":\"%s\",\"%s\":{\"agent_id\":{\"value\":\"%s\"}%s}}", type, part,
               id, more);
    sim_trace(core->node->sim, core->node, "%s %s", type, id);
    sim_http_request(core->node, &(struct sim_http_request){
                                     .address = core->cluster->master->address,
                                     .method = "POST",
                                     .path = OPERATOR_PATH,
                                     .content_type = JSON,
                                     .accept = JSON,
                                     .body = buf_slice(&body),
                                 });
}

static void act_at_random(struct operator_core *core)
{
    struct prng *prng = &core->node->sim->prng;
    char id[64];
    if (!cluster_master_pick_agent(core->cluster->master->core, prng_next(prng), false, id)) {
        return;
    }
    switch (prng_below(prng, 4)) {
    case 0:
        post(core, "DRAIN_AGENT", "drain_agent", id,
             prng_below(prng, 2) == 0 ? "" : ",\"max_grace_period\":{\"seconds\":1}");
        break;
    case 1:
        post(core, "DEACTIVATE_AGENT", "deactivate_agent", id, "");
        break;
    default:
        post(core, "REACTIVATE_AGENT", "reactivate_agent", id, "");
        break;
    }
}

static void on_tick(void *arg, struct sim_node *node)
{
    struct operator_core *core = arg;
    struct cluster *cluster = core->cluster;
    char id[64];
    core->act_ns = sim_now(node).mono_ns + NS_PER_SEC + sim_draw_ns(node->sim, 0, LATER_NS);
    if (!sim_is_up(cluster->master)) {
        return;
    }
    if (!cluster->winding_down) {
        act_at_random(core);
    } else if (cluster_master_pick_agent(cluster->master->core, 0, true, id)) {
        post(core, "REACTIVATE_AGENT", "reactivate_agent", id, "");
    }
}

static void on_http(void *core UNUSED, struct sim_node *node UNUSED,
                    const struct sim_http_event *event UNUSED)
{
    /* It looks at what comes of it, not at what is said. */
}

const struct sim_program cluster_operator_program = {
    .name = "operator",
    .start = start,
    .stop = stop,
    .deadline = deadline,
    .on_tick = on_tick,
    .on_http = on_http,
};
