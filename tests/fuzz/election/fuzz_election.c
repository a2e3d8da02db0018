#include "fuzz.h"

#include "election/election.h"

/* Each event of a session is two bytes: what happens, and of what it tells. Servers that answer
 * anything to anything must not end the process, and nothing follows a last word. */

#define STEPS_MAX 512

struct world {
    struct election *election;
    int64_t now_ns;
    uint64_t last_op;
    bool leads;
    bool over;
};

static const char *const paths[] = {"/m",
                                    "/m/log_replicas",
                                    "/m/json.info_0000000001",
                                    "/m/log_replicas/0000000003",
                                    "/m/json.info_",
                                    "",
                                    "0000000001"};
static const char *const names[] = {"json.info_0000000001", "json.info_0000000002", "0000000003",
                                    "log_replicas",         "info_0000000000",      "x_0000000000"};
static const char *const datas[] = {"", "{}", "master@10.0.0.1:5050",
                                    "{\"id\":\"a\",\"ip\":1,\"port\":5050}"};

static void take_outputs(struct world *world, struct election_effects *effects)
{
    struct election_output *output;
    while ((output = election_output_pop(effects)) != NULL) {
        ASSERT(!world->over);
        if (output->type == ELECTION_ELECTED) {
            ASSERT(!world->leads);
            world->leads = true;
        } else if (output->type == ELECTION_LOST || output->type == ELECTION_FAILED) {
            ASSERT(output->type == ELECTION_FAILED || world->leads);
            world->over = true;
        }
        election_output_free(output);
    }
}

static void step(struct world *world, const struct zk_event *event)
{
    struct election_effects effects;
    struct zk_effect *effect;
    election_effects_init(&effects);
    election_step(world->election, (struct now){.mono_ns = world->now_ns}, event, &effects);
    while ((effect = zk_effects_pop(&effects.zk)) != NULL) {
        uint64_t session = election_session(world->election);
        ASSERT(effect->session == session ||
               (effect->type == ZK_CLOSE && effect->session == session - 1));
        ASSERT(effect->op == 0 || effect->op == world->last_op + 1);
        world->last_op = effect->op != 0 ? effect->op : world->last_op;
        zk_effect_free(effect);
    }
    take_outputs(world, &effects);
    ASSERT(world->over == election_is_over(world->election));
    ASSERT(world->over || election_deadline(world->election) > world->now_ns ||
           event->type != ZK_TICK);
    election_effects_deinit(&effects);
}

static void happen(struct world *world, uint8_t what, uint8_t of)
{
    const char *children[ELEMENTS(names)];
    struct zk_event event = {.type = (enum zk_event_type)(what & 7)};
    event.session = election_session(world->election) - ((what & 8) != 0 && (what & 16) != 0);
    event.timeout_ns = (of & 15) * NS_PER_SEC;
    event.op = world->last_op - (of & 3);
    event.error = (enum zk_error)((what >> 5) % (ZK_REFUSED + 1));
    event.path = paths[of % ELEMENTS(paths)];
    event.data = slice_from(datas[(of >> 2) % ELEMENTS(datas)]);
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        if ((of >> (2 + i)) & 1) {
            children[event.child_count++] = names[i];
        }
    }
    event.children = children;
    if (event.type == ZK_TICK) {
        world->now_ns += (of + 1) * (NS_PER_SEC / 8);
    }
    step(world, &event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zk_url url = {.hosts = "h:1", .path = "/m", .credentials = size % 2 != 0 ? "a:b" : NULL};
    struct blob *info = blob_from(SLICE("\x0a\x01"
                                        "a"
                                        "\x10\x01\x18\xba\x27"));
    struct world world = {.now_ns = NS_PER_SEC};
    world.election = election_new(&(struct election_options){
        .url = &url,
        .session_timeout_ns = 10 * NS_PER_SEC,
        .seed = size,
        .info = size % 3 != 0 ? info : NULL,
        .replica = size % 5 != 0 ? "log-replica(1)@10.0.0.1:5050" : NULL,
    });
    step(&world, &(struct zk_event){.type = ZK_TICK});
    for (size_t i = 0; i + 1 < size && i < 2 * STEPS_MAX; i += 2) {
        happen(&world, data[i], data[i + 1]);
    }
    election_free(world.election);
    blob_unref(info);
    return 0;
}
