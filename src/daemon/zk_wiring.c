#include "daemon/zk_wiring.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/xalloc.h"

struct zk_wiring {
    struct zk_wiring_options options;
    struct upid self; /* a master's own; unset for agents */
    struct zk_election *election;
};

static void tell_master(struct zk_wiring *wiring, const struct leader *leader)
{
    struct master_event event = {.type = MASTER_LEADER};
    if (leader != NULL) {
        if (address_equal(&leader->pid.address, &wiring->self.address)) {
            return; /* on_elected follows */
        }
        event.leader = &leader->pid.address;
        event.leader_hostname = leader->hostname;
    }
    wiring->options.step_master(wiring->options.arg, &event);
}

static void tell_agent(struct zk_wiring *wiring, const struct leader *leader)
{
    struct agent_event event = {.type = AGENT_MASTER};
    if (leader != NULL) {
        event.master.pid = leader->pid;
        event.master.hostname = leader->hostname;
        event.master.has_agent_update = leader->has_agent_update;
    }
    wiring->options.step_agent(wiring->options.arg, &event);
}

static void on_leader(void *arg, const struct leader *leader)
{
    struct zk_wiring *wiring = arg;
    if (wiring->options.step_master != NULL) {
        tell_master(wiring, leader);
    } else {
        tell_agent(wiring, leader);
    }
}

static void on_elected(void *arg)
{
    struct zk_wiring *wiring = arg;
    wiring->options.step_master(wiring->options.arg,
                                &(struct master_event){.type = MASTER_ELECTED});
}

static void on_members(void *arg, const struct upid *members, size_t count)
{
    struct zk_wiring *wiring = arg;
    wiring->options.members(wiring->options.arg, members, count);
}

static void on_over(void *arg, bool led, const char *why)
{
    struct zk_wiring *wiring = arg;
    char text[ERR_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "%s%s", led ? "Lost leadership: " : "", why);
    wiring->options.fail(wiring->options.arg, text);
}

static const struct zk_election_callbacks callbacks = {
    .on_leader = on_leader, .on_elected = on_elected, .on_members = on_members, .on_over = on_over};

int zk_wiring_new(const struct zk_wiring_options *options, struct zk_wiring **ret_wiring,
                  struct err *err)
{
    struct zk_wiring *wiring = xalloc(sizeof(*wiring));
    struct leader self;
    wiring->options = *options;
    if (options->info != NULL && leader_info_read(blob_slice(options->info), &self)) {
        wiring->self = self.pid;
    }
    int r = zk_election_new(
        &(struct zk_election_options){
            .loop = options->loop,
            .url = slice_from(options->url),
            .session_timeout_ns = options->session_timeout_ns,
            .seed = options->seed,
            .info = options->info,
            .replica = options->replica,
            .callbacks = &callbacks,
            .arg = wiring,
        },
        &wiring->election, err);
    if (r != 0) {
        free(wiring);
        return err_wrap(err, r, "%s", options->flag);
    }
    *ret_wiring = wiring;
    return 0;
}

struct zk_wiring *zk_wiring_free(struct zk_wiring *wiring)
{
    if (wiring != NULL) {
        zk_election_free(wiring->election);
        free(wiring);
    }
    return NULL;
}

void zk_wiring_tell_again(struct zk_wiring *wiring)
{
    zk_election_tell_again(wiring->election);
}
