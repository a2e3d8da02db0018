/* The lease service as a world for scenarios: "> world lease 3". */
#include "sim/toy_world.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/sim_disk.h"
#include "sim/sim_http.h"
#include "sim/sim_net.h"
#include "sim/toy_lease.h"

struct lease {
    struct toy_world *world;
    struct sim *sim;
};

static void *lease_create(int argc, char **argv, struct err *err)
{
    int64_t clients;
    if (argc != 1 || !slice_parse_int64(slice_from(argv[0]), &clients) || clients < 1 ||
        clients > TOY_CLIENTS_MAX) {
        err_set(err, -EINVAL, "world lease CLIENTS, 1 to %d", TOY_CLIENTS_MAX);
        return NULL;
    }
    struct toy_options options = {
        .seed = 1, .clients = (int)clients, .calm = true, .keep_trace = true};
    struct lease *lease = xalloc(sizeof(*lease));
    lease->world = toy_world_new(&options);
    lease->sim = toy_world_sim(lease->world);
    return lease;
}

static void lease_destroy(void *state)
{
    struct lease *lease = state;
    toy_world_free(lease->world);
    free(lease);
}

static int run_for(struct lease *lease, const char *time, struct err *err)
{
    int64_t duration_ns;
    int status = duration_parse(slice_from(time), &duration_ns, err);
    if (status == 0) {
        sim_run(lease->sim, lease->sim->now_ns + duration_ns);
    }
    return status;
}

static int cut(struct lease *lease, struct sim_node *a, const char *other, const char *time,
               struct err *err)
{
    struct sim_node *b = sim_find_node(lease->sim, other);
    int64_t duration_ns;
    if (b == NULL) {
        return err_set(err, -EINVAL, "there is no node %s", other);
    }
    int status = duration_parse(slice_from(time), &duration_ns, err);
    if (status == 0) {
        sim_network_cut(lease->sim->network, a, b, lease->sim->now_ns + duration_ns);
    }
    return status;
}

static int command(struct lease *lease, int argc, char **argv, struct err *err)
{
    if (argc == 2 && strcmp(argv[0], "run") == 0) {
        return run_for(lease, argv[1], err);
    }
    struct sim_node *node = argc >= 2 ? sim_find_node(lease->sim, argv[1]) : NULL;
    if (node == NULL) {
        return err_set(err, -EINVAL, "run TIME | crash NODE | start NODE | cut NODE NODE TIME");
    }
    if (strcmp(argv[0], "crash") == 0) {
        sim_crash(node);
        return 0;
    }
    if (strcmp(argv[0], "start") == 0 && !sim_is_up(node)) {
        sim_start(node);
        return 0;
    }
    if (strcmp(argv[0], "cut") == 0 && argc == 4) {
        return cut(lease, node, argv[2], argv[3], err);
    }
    return err_set(err, -EINVAL, "%s: unknown, or it does not fit", argv[0]);
}

static int lease_run(void *state, int argc, char **argv, struct buf *out, struct err *err)
{
    struct lease *lease = state;
    size_t before = lease->sim->trace.size;
    int status = command(lease, argc, argv, err);
    buf_append_slice(out, slice_skip(buf_slice(&lease->sim->trace), before));
    return status;
}

const struct scenario_world toy_lease_world = {
    .name = "lease",
    .create = lease_create,
    .destroy = lease_destroy,
    .run = lease_run,
};
