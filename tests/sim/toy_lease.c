#include "sim/toy_lease.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/sim_disk.h"
#include "sim/sim_http.h"

#define LEASE_FILE "/lease"
#define SERVER_PORT 5050
#define CLIENT_PORT 6060
#define ASK_INTERVAL_NS NS_PER_SEC
#define WATCHERS_MAX 64

struct toy_world {
    struct toy_options options;
    struct sim *sim;
    char names[TOY_CLIENTS_MAX][16];
    uint64_t grants;               /* ever heard by a client */
    uint64_t grants_before_health; /* those of them before the end of faults */
};

/* --- the server --- */

struct server {
    struct net_effects net;
    struct store_ops store;
    struct upid holder;    /* none: id "" */
    int64_t until_ns;      /* the lease is taken */
    struct upid asking;    /* whom the write under way is for */
    struct blob *question; /* what it asked with: the answer says which question it is for */
    uint64_t writing;      /* token of the write under way; 0 = none */
    uint64_t next_token;
    uint64_t watchers[WATCHERS_MAX];
    size_t watcher_count;
};

static void *server_start(struct sim_node *node)
{
    struct toy_world *world = node->arg;
    struct server *server = xalloc(sizeof(*server));
    net_effects_init(&server->net);
    store_ops_init(&server->store);
    server->next_token = 1;
    CLEANUP(blob_unrefp) struct blob *written = sim_disk_read(node->disk, LEASE_FILE);
    if (written != NULL && upid_parse(blob_slice(written), &server->holder) &&
        !world->options.forgetful) {
        server->until_ns = sim_now(node).mono_ns + TOY_LEASE_NS;
    }
    return server;
}

static void server_stop(void *core)
{
    struct server *server = core;
    net_effects_deinit(&server->net);
    store_ops_deinit(&server->store);
    blob_unref(server->question);
    free(server);
}

static void server_perform(struct server *server, struct sim_node *node)
{
    sim_perform_store(node, &server->store);
    sim_perform_net(node, &server->net);
}

static void grant(struct server *server)
{
    char text[UPID_TEXT_SIZE];
    net_send(&server->net, "lease", &server->holder, "toy.Granted", blob_ref(server->question));
    upid_format(&server->holder, text);
    for (size_t i = 0; i < server->watcher_count; i++) {
        net_stream_write(&server->net, server->watchers[i], blob_from(slice_from(text)));
    }
}

static void server_ask(struct server *server, int64_t now_ns, const struct upid *from,
                       struct slice question)
{
    bool again = upid_equal(from, &server->holder);
    if (server->writing != 0 || (now_ns < server->until_ns && !again)) {
        return;
    }
    char text[UPID_TEXT_SIZE];
    upid_format(from, text);
    server->asking = *from;
    blob_unref(server->question);
    server->question = blob_from(question);
    server->until_ns = now_ns + TOY_LEASE_NS;
    server->writing = server->next_token++;
    store_replace(&server->store, server->writing, LEASE_FILE, blob_from(slice_from(text)));
}

static void server_http(struct server *server, const struct net_event *event)
{
    if (slice_is(event->request.path, "/watch") && server->watcher_count < WATCHERS_MAX) {
        net_stream_open(&server->net, event->handle, "text/plain");
        server->watchers[server->watcher_count++] = event->handle;
    } else {
        net_respond_text(&server->net, event->handle, 404, "there is only /watch");
    }
}

static void server_gone(struct server *server, uint64_t handle)
{
    for (size_t i = 0; i < server->watcher_count; i++) {
        if (server->watchers[i] == handle) {
            server->watchers[i] = server->watchers[--server->watcher_count];
            return;
        }
    }
}

static void server_on_net(void *core, struct sim_node *node, const struct net_event *event)
{
    struct server *server = core;
    switch (event->type) {
    case NET_MESSAGE:
        server_ask(server, sim_now(node).mono_ns, &event->from, event->body);
        break;
    case NET_REQUEST:
        server_http(server, event);
        break;
    case NET_GONE:
        server_gone(server, event->handle);
        break;
    case NET_BODY:
    case NET_EXITED:
    case NET_REPLY:
    case NET_TAKEN:
    case NET_WORKED:
        break;
    }
    server_perform(server, node);
}

static void server_on_store(void *core, struct sim_node *node, const struct store_done *done)
{
    struct server *server = core;
    ASSERT(done->token == server->writing);
    server->writing = 0;
    if (done->status == 0) {
        server->holder = server->asking;
        server->until_ns = sim_now(node).mono_ns + TOY_LEASE_NS;
        grant(server);
    } else {
        /* The file may be the new one all the same: nobody else before the lease would be over. */
        server->until_ns = sim_now(node).mono_ns + TOY_LEASE_NS;
        server->holder = (struct upid){.id = ""};
    }
    server_perform(server, node);
}

static const struct sim_program server_program = {
    .name = "lease server",
    .start = server_start,
    .stop = server_stop,
    .on_net = server_on_net,
    .on_store = server_on_store,
};

/* --- the clients --- */

struct client {
    struct toy_world *world;
    struct net_effects net;
    int64_t next_ns;   /* when to ask again */
    int64_t asked_ns;  /* last */
    uint64_t question; /* number of the last: answers to older ones do not count */
    int64_t until_ns;  /* holds the lease before */
    uint64_t watch;    /* the call that watches; 0 = none */
    bool linked;
};

static void *client_start(struct sim_node *node)
{
    struct client *client = xalloc(sizeof(*client));
    client->world = node->arg;
    net_effects_init(&client->net);
    client->question = (uint64_t)node->incarnation << 32;
    client->next_ns = sim_now(node).mono_ns + sim_draw_ns(node->sim, 0, ASK_INTERVAL_NS);
    return client;
}

static void client_stop(void *core)
{
    struct client *client = core;
    net_effects_deinit(&client->net);
    free(client);
}

static int64_t client_deadline(const void *core)
{
    return ((const struct client *)core)->next_ns;
}

static void client_on_tick(void *core, struct sim_node *node)
{
    struct client *client = core;
    struct upid server = {.id = "lease", .address = node->sim->nodes[0]->address};
    int64_t now_ns = sim_now(node).mono_ns;
    client->next_ns = now_ns + ASK_INTERVAL_NS + sim_draw_ns(node->sim, 0, ASK_INTERVAL_NS);
    if (!client->linked) {
        client->linked = true;
        net_link(&client->net, &server.address);
    }
    if (client->watch == 0) {
        struct sim_http_request request = {
            .address = server.address, .method = "GET", .path = "/watch"};
        client->watch = sim_http_request(node, &request);
    }
    client->asked_ns = now_ns;
    client->question++;
    net_send(&client->net, "client", &server, "toy.Ask",
             blob_new(&client->question, sizeof(client->question)));
    sim_perform_net(node, &client->net);
}

static void client_on_net(void *core, struct sim_node *node, const struct net_event *event)
{
    struct client *client = core;
    if (event->type == NET_EXITED) {
        client->linked = false;
    } else if (event->type == NET_MESSAGE &&
               slice_equal(event->body, slice_make(&client->question, sizeof(client->question)))) {
        client->until_ns = client->asked_ns + TOY_LEASE_NS;
        client->world->grants++;
        sim_trace(node->sim, node, "holds the lease");
    }
}

static void client_on_http(void *core, struct sim_node *node, const struct sim_http_event *event)
{
    struct client *client = core;
    if (event->call != client->watch) {
        return;
    }
    if (event->type == SIM_HTTP_CLOSED || event->type == SIM_HTTP_ANSWER) {
        client->watch = 0;
    } else if (event->type == SIM_HTTP_PIECE) {
        sim_trace(node->sim, node, "hears that %.*s holds it", SLICE_ARGS(event->body));
    }
}

static const struct sim_program client_program = {
    .name = "lease client",
    .start = client_start,
    .stop = client_stop,
    .deadline = client_deadline,
    .on_tick = client_on_tick,
    .on_net = client_on_net,
    .on_http = client_on_http,
};

/* --- the world --- */

static const char *one_holder(struct sim *sim, void *arg UNUSED)
{
    int holders = 0;
    for (int i = 1; i < sim->node_count; i++) {
        const struct client *client = sim->nodes[i]->core;
        holders += client != NULL && sim_now(sim->nodes[i]).mono_ns < client->until_ns;
    }
    return holders > 1 ? "two clients hold the lease" : NULL;
}

struct toy_world *toy_world_new(const struct toy_options *options)
{
    ASSERT(options->clients >= 1 && options->clients <= TOY_CLIENTS_MAX);
    struct toy_world *world = xalloc(sizeof(*world));
    world->options = *options;
    struct sim_options sim_options;
    if (options->calm) {
        sim_options_default(&sim_options, options->seed);
    } else {
        sim_options_random(&sim_options, options->seed);
    }
    sim_options.keep_trace = options->keep_trace;
    world->sim = sim_new(&sim_options);
    sim_start(sim_add_node(world->sim, "s", &server_program, SERVER_PORT, world));
    for (int i = 0; i < options->clients; i++) {
        (void)snprintf(world->names[i], sizeof(world->names[i]), "c%d", i + 1);
        sim_start(sim_add_node(world->sim, world->names[i], &client_program, CLIENT_PORT, world));
    }
    sim_add_checker(world->sim, "one holder", one_holder, NULL);
    return world;
}

struct toy_world *toy_world_free(struct toy_world *world)
{
    if (world != NULL) {
        sim_free(world->sim);
        free(world);
    }
    return NULL;
}

struct sim *toy_world_sim(struct toy_world *world)
{
    return world->sim;
}

void toy_plan(struct sim_plan *plan, const struct toy_options *options, int64_t duration_ns)
{
    struct sim_plan_options wanted = {
        .seed = options->seed,
        .node_count = options->clients + 1,
        .heal_ns = duration_ns / 2,
        .count_max = 40,
        .kinds = SIM_FAULTS_COMMON,
        .duration_max_ns = 20 * NS_PER_SEC,
    };
    sim_plan_random(plan, &wanted);
}

bool toy_world_run(struct toy_world *world, const struct sim_plan *plan, int64_t duration_ns)
{
    struct sim *sim = world->sim;
    sim->plan = plan;
    if (!sim_run(sim, duration_ns / 2)) {
        return false;
    }
    world->grants_before_health = world->grants;
    if (!sim_run(sim, duration_ns)) {
        return false;
    }
    if (world->grants == world->grants_before_health) {
        buf_append_text(&sim->failure, "nobody got the lease after all faults had ended");
    }
    return sim->failure.size == 0;
}
