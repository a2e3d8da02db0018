#include "coord/zk_election.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "coord/zk_client.h"
#include "election/election.h"

struct zk_election {
    struct loop *loop;
    const struct zk_election_callbacks *callbacks;
    void *arg;
    struct election *machine;
    struct zk_client *client;
    struct loop_timer timer; /* the machine's deadline */
    struct loop_task again;  /* posted to tell the leader again */
    struct leader leader;    /* told last */
    bool has_leader;
};

static void tell_leader(struct zk_election *election)
{
    election->callbacks->on_leader(election->arg, election->has_leader ? &election->leader : NULL);
}

static void take_leader(struct zk_election *election, const struct blob *info)
{
    election->has_leader = info != NULL && leader_info_read(blob_slice(info), &election->leader);
    if (election->has_leader) {
        char pid[UPID_TEXT_SIZE];
        upid_format(&election->leader.pid, pid);
        LOG_INFO("A new leading master (UPID=%s) is detected", pid);
    } else {
        LOG_INFO("No leading master is known");
    }
    tell_leader(election);
}

static void take_output(struct zk_election *election, const struct election_output *output)
{
    const struct zk_election_callbacks *callbacks = election->callbacks;
    switch (output->type) {
    case ELECTION_LEADER:
        take_leader(election, output->info);
        break;
    case ELECTION_ELECTED:
        callbacks->on_elected(election->arg);
        break;
    case ELECTION_LOST:
    case ELECTION_FAILED:
        callbacks->on_over(election->arg, output->type == ELECTION_LOST, output->text);
        break;
    case ELECTION_MEMBERS:
        callbacks->on_members(election->arg, output->members, output->member_count);
        break;
    case ELECTION_LOG:
        LOG_AT(output->level, "%s", output->text);
        break;
    }
}

static void step(void *arg, const struct zk_event *event)
{
    struct zk_election *election = arg;
    struct election_effects effects;
    struct election_output *output;
    election_effects_init(&effects);
    election_step(election->machine, loop_now(election->loop), event, &effects);
    zk_client_perform(election->client, &effects.zk);
    loop_timer_set(&election->timer, election_deadline(election->machine));
    while ((output = election_output_pop(&effects)) != NULL) {
        take_output(election, output);
        election_output_free(output);
    }
    election_effects_deinit(&effects);
}

static void on_deadline(void *arg)
{
    step(arg, &(struct zk_event){.type = ZK_TICK});
}

static void on_again(struct loop_task *task)
{
    tell_leader(CONTAINER_OF(task, struct zk_election, again));
}

void zk_election_tell_again(struct zk_election *election)
{
    loop_post(election->loop, &election->again);
}

int zk_election_new(const struct zk_election_options *options, struct zk_election **ret_election,
                    struct err *err)
{
    struct arena arena;
    struct zk_url url;
    arena_init(&arena, 0);
    int r = zk_url_parse(options->url, &arena, &url, err);
    if (r != 0) {
        arena_deinit(&arena);
        return r;
    }
    LOG_INFO("Looking for ZooKeeper at %s, for %s", url.hosts, url.path);
    char replica[UPID_TEXT_SIZE];
    if (options->replica != NULL) {
        upid_format(options->replica, replica);
    }
    struct zk_election *election = xalloc(sizeof(*election));
    election->loop = options->loop;
    election->callbacks = options->callbacks;
    election->arg = options->arg;
    election->machine = election_new(&(struct election_options){
        .url = &url,
        .session_timeout_ns = options->session_timeout_ns,
        .seed = options->seed,
        .info = options->info,
        .replica = options->replica != NULL ? replica : NULL,
    });
    election->client = zk_client_new(options->loop, step, election);
    loop_task_init(&election->again, on_again);
    loop_timer_init(&election->timer, options->loop, on_deadline, election);
    loop_timer_set(&election->timer, election_deadline(election->machine));
    arena_deinit(&arena);
    *ret_election = election;
    return 0;
}

struct zk_election *zk_election_free(struct zk_election *election)
{
    if (election != NULL) {
        loop_timer_cancel(&election->timer);
        loop_task_cancel(&election->again);
        zk_client_free(election->client);
        election_free(election->machine);
        free(election);
    }
    return NULL;
}
