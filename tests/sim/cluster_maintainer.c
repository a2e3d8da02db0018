/* An operator who schedules maintenance of agents' machines at random, takes them down and brings
 * them up, whatever happens to the calls. When the run ends, all machines are up again. */
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/cluster.h"
#include "sim/sim_http.h"

#define TIDY_NS (5 * NS_PER_SEC)

struct maintainer_core {
    struct cluster *cluster;
    struct sim_node *node;
    int64_t act_ns; /* when to do something */
};

static void *start(struct sim_node *node)
{
    struct maintainer_core *core = xalloc(sizeof(*core));
    core->cluster = node->arg;
    core->node = node;
    core->act_ns = sim_now(node).mono_ns + 10 * NS_PER_SEC;
    return core;
}

static void stop(void *core)
{
    free(core);
}

static int64_t deadline(const void *core)
{
    return ((const struct maintainer_core *)core)->act_ns;
}

static void post(struct maintainer_core *core, const char *path, struct buf *body)
{
    sim_trace(core->node->sim, core->node, "posts %s %s", path, buf_text(body));
    sim_http_request(core->node, &(struct sim_http_request){
                                     .address = core->cluster->master->address,
                                     .method = "POST",
                                     .path = path,
                                     .body = buf_slice(body),
                                 });
}

/* Names are written in either case: they are the same. */
static void put_machine(struct maintainer_core *core, struct buf *out, const struct sim_node *agent)
{
    char ip[ADDRESS_TEXT_SIZE];
    address_format_ip(&agent->address, ip);
    bool upper = prng_below(&core->node->sim->prng, 2) == 0;
    buf_printf(out, "{\"hostname\":\"%c%s\",\"ip\":\"%s\"}", upper ? 'A' : 'a', agent->name + 1,
               ip);
}

/* A window for each machine; bits of `agents` say which. */
static void post_schedule(struct maintainer_core *core, uint64_t agents)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT;
    bool more = false;
    buf_append_text(&body, "{\"windows\":[");
    for (int i = 0; i < core->cluster->options.agents; i++) {
        if ((agents >> i & 1) != 0) {
            buf_append_text(&body, more ? ",{\"machine_ids\":[" : "{\"machine_ids\":[");
            put_machine(core, &body, core->cluster->agents[i]);
            buf_printf(&body, "],\"unavailability\":{\"start\":{\"nanoseconds\":%lld}}}",
                       (long long)core->node->sim->now_ns);
            more = true;
        }
    }
    buf_append_text(&body, "]}");
    post(core, "/master/maintenance/schedule", &body);
}

static void post_machine(struct maintainer_core *core, const char *path, int agent)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT;
    buf_append_text(&body, "[");
    put_machine(core, &body, core->cluster->agents[agent]);
    buf_append_text(&body, "]");
    post(core, path, &body);
}

static void act(struct maintainer_core *core)
{
    struct prng *prng = &core->node->sim->prng;
    int agents = core->cluster->options.agents;
    int agent = (int)prng_below(prng, (uint64_t)agents);
    switch (prng_below(prng, 5)) {
    case 0:
        post_machine(core, "/master/machine/down", agent);
        break;
    case 1:
    case 2:
        post_machine(core, "/master/machine/up", agent);
        break;
    default:
        post_schedule(core, prng_below(prng, UINT64_C(1) << agents));
        break;
    }
}

static void on_tick(void *arg, struct sim_node *node)
{
    struct maintainer_core *core = arg;
    int64_t now_ns = sim_now(node).mono_ns;
    if (now_ns < core->act_ns) {
        return;
    }
    if (!core->cluster->winding_down) {
        core->act_ns = now_ns + NS_PER_SEC + sim_draw_ns(node->sim, 0, 8 * NS_PER_SEC);
        act(core);
        return;
    }
    core->act_ns = now_ns + TIDY_NS;
    for (int i = 0; i < core->cluster->options.agents; i++) {
        post_machine(core, "/master/machine/up", i);
    }
    post_schedule(core, 0);
}

/* What comes too late, or too early, is refused. */
static void on_http(void *arg, struct sim_node *node UNUSED, const struct sim_http_event *event)
{
    struct maintainer_core *core = arg;
    if (event->type == SIM_HTTP_ANSWER && event->status != 200 && event->status != 400 &&
        event->status != 503) {
        cluster_wrong(core->cluster, "a maintainer is answered %d: %.*s", event->status,
                      SLICE_ARGS(event->body));
    }
}

const struct sim_program cluster_maintainer_program = {
    .name = "maintainer",
    .start = start,
    .stop = stop,
    .deadline = deadline,
    .on_tick = on_tick,
    .on_http = on_http,
};
