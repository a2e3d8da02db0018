/* An operator who reserves and makes volumes at random, in any order, whatever becomes of the
 * calls. */
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/cluster.h"
#include "sim/sim_http.h"

#define RESERVER_PATH "/master/api/v1"
#define JSON "application/json"
#define LATER_NS (3 * NS_PER_SEC)
#define VOLUMES 3 /* different ones */

#define RESERVED "\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"" CLUSTER_ROLE "\"}]"
#define SCALAR(name, value) \
    "{\"name\":\"" name "\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" value "}," RESERVED "}"
#define VOLUME                                                                          \
    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":%d}," RESERVED        \
    ",\"disk\":{\"persistence\":{\"id\":\"v%d\"},\"volume\":{\"container_path\":\"p\"," \
    "\"mode\":\"RW\"}}}"

struct reserver_core {
    struct cluster *cluster;
    struct sim_node *node;
    int64_t act_ns;
};

static void *start(struct sim_node *node)
{
    struct reserver_core *core = xalloc(sizeof(*core));
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
    return ((const struct reserver_core *)arg)->act_ns;
}

static void post(struct reserver_core *core, const char *type, const char *part, const char *id,
                 const char *more)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT;
    buf_printf(&body, "{\"type\":\"%s\",\"%s\":{\"agent_id\":{\"value\":\"%s\"},%s}}", type, part,
               id, more);
    sim_trace(core->node->sim, core->node, "%s %s", type, id);
    sim_http_request(core->node, &(struct sim_http_request){
                                     .address = core->cluster->master->address,
                                     .method = "POST",
                                     .path = RESERVER_PATH,
                                     .content_type = JSON,
                                     .accept = JSON,
                                     .body = buf_slice(&body),
                                 });
}

static void act_on_volume(struct reserver_core *core, const char *id)
{
    struct prng *prng = &core->node->sim->prng;
    char text[512];
    int number = (int)prng_below(prng, VOLUMES);
    int size = 64 + 64 * (int)prng_below(prng, 2);
    switch (prng_below(prng, 4)) {
    case 0:
        (void)snprintf(text, sizeof(text),
                       "\"volume\":" VOLUME ",\"addition\":" SCALAR("disk", "64"), size, number);
        post(core, "GROW_VOLUME", "grow_volume", id, text);
        break;
    case 1:
        (void)snprintf(text, sizeof(text), "\"volume\":" VOLUME ",\"subtract\":{\"value\":64}",
                       size, number);
        post(core, "SHRINK_VOLUME", "shrink_volume", id, text);
        break;
    case 2:
        (void)snprintf(text, sizeof(text), "\"volumes\":[" VOLUME "]", size, number);
        post(core, "DESTROY_VOLUMES", "destroy_volumes", id, text);
        break;
    default:
        (void)snprintf(text, sizeof(text), "\"volumes\":[" VOLUME "]", size, number);
        post(core, "CREATE_VOLUMES", "create_volumes", id, text);
        break;
    }
}

static void act(struct reserver_core *core, const char *id)
{
    static const char *const resources[] = {
        "\"resources\":[" SCALAR("cpus", "0.5") "]",
        "\"resources\":[" SCALAR("disk", "128") "]",
        "\"resources\":[" SCALAR("cpus", "0.2") "," SCALAR("disk", "64") "]",
    };
    struct prng *prng = &core->node->sim->prng;
    const char *what = resources[prng_below(prng, ELEMENTS(resources))];
    switch (prng_below(prng, 4)) {
    case 0:
        post(core, "UNRESERVE_RESOURCES", "unreserve_resources", id, what);
        break;
    case 1:
        post(core, "RESERVE_RESOURCES", "reserve_resources", id, what);
        break;
    default:
        act_on_volume(core, id);
        break;
    }
}

static void on_tick(void *arg, struct sim_node *node)
{
    struct reserver_core *core = arg;
    char id[64];
    core->act_ns = sim_now(node).mono_ns + sim_draw_ns(node->sim, NS_PER_MS, LATER_NS);
    if (!core->cluster->winding_down && sim_is_up(core->cluster->master) &&
        cluster_master_pick_agent(core->cluster->master->core, prng_next(&node->sim->prng), false,
                                  id)) {
        act(core, id);
    }
}

/* Most of it is refused: what is not there, or is in use, or comes while nobody leads. */
static void on_http(void *arg, struct sim_node *node, const struct sim_http_event *event)
{
    struct reserver_core *core = arg;
    if (event->type != SIM_HTTP_ANSWER) {
        return;
    }
    sim_trace(node->sim, node, "is answered %d", event->status);
    if (event->status != 202 && event->status != 400 && event->status != 409 &&
        event->status != 503) {
        cluster_wrong(core->cluster, "a reserver is answered %d: %.*s", event->status,
                      SLICE_ARGS(event->body));
    }
}

const struct sim_program cluster_reserver_program = {
    .name = "reserver",
    .start = start,
    .stop = stop,
    .deadline = deadline,
    .on_tick = on_tick,
    .on_http = on_http,
};
