/* A master's registry in the world of high availability: the registrar, its clients, its laws. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/ha_master.h"

#define WORK_MAX_NS (20 * NS_PER_MS)

static void perform(struct ha_master *master, struct registrar_effects *effects);

static int64_t now_ns(const struct ha_master *master)
{
    return sim_now(master->node).mono_ns;
}

/* --- clients --- */

struct asked {
    struct ha_master *master;
    struct registry_op *op;
};

static void asked_free(void *arg)
{
    struct asked *asked = arg;
    registry_op_free(asked->op);
    free(asked);
}

/* As the daemon's loop hands operations over: not at once. */
static void take_asked(struct sim *sim UNUSED, void *arg)
{
    struct asked *asked = arg;
    struct ha_master *master = asked->master;
    struct registrar_effects effects;
    registrar_effects_init(&effects);
    registrar_ask(master->registrar, now_ns(master), TAKE_PTR(asked->op), &effects);
    asked_free(asked);
    perform(master, &effects);
}

void ha_registry_ask(struct ha_master *master, enum ha_op_type type, int agent)
{
    struct ha_world *world = master->world;
    ASSERT(master->op_count < HA_OPS_MAX);
    struct ha_op *op = &master->ops[master->op_count++];
    *op = (struct ha_op){
        .token = ++master->next_token,
        .type = type,
        .agent = agent,
        .stamp = ++world->next_stamp,
        .asked_at = world->history.acknowledged_end,
    };
    struct asked *asked = xalloc(sizeof(*asked));
    *asked = (struct asked){master, ha_op_make(op)};
    sim_schedule(world->sim, world->sim->now_ns, master->node, take_asked, asked, asked_free);
}

void ha_registry_act(struct ha_master *master)
{
    static const enum ha_op_type types[] = {
        HA_ADMIT,          HA_ADMIT,     HA_UPDATE, HA_MARK_UNREACHABLE,
        HA_MARK_REACHABLE, HA_MARK_GONE, HA_REMOVE, HA_PRUNE,
    };
    struct prng *prng = &master->world->sim->prng;
    size_t count = 1 + (size_t)prng_below(prng, 5);
    while (count-- > 0 && master->op_count < HA_OPS_MAX) {
        enum ha_op_type type = types[prng_below(prng, ELEMENTS(types))];
        ha_registry_ask(master, type, (int)prng_below(prng, HA_AGENTS));
    }
}

/* --- what is answered --- */

static void answered(struct ha_master *master, const bool *applied, size_t count)
{
    struct ha_world *world = master->world;
    if (count > 0 && master->written == NULL) {
        rlog_laws_fail(&world->laws, "%s answers without a write", master->node->name);
    } else if (count > 0) {
        ha_history_answered(&world->history, master->written, applied, count);
        if (world->is_final && master->ops[0].stamp >= world->final_stamp) {
            world->served_by = master->writer;
        }
    }
    master->written = NULL;
    world->counts.operations += (int)count;
    master->op_count -= count;
    memmove(master->ops, master->ops + count, master->op_count * sizeof(master->ops[0]));
}

static void take_one(struct ha_master *master, const struct registry_event *event,
                     const struct ha_op *op)
{
    struct ha_world *world = master->world;
    if (event->token != op->token) {
        rlog_laws_fail(&world->laws, "%s answers out of order", master->node->name);
    }
    if (event->type == REGISTRY_RECOVER) {
        if (master->written == NULL) {
            rlog_laws_fail(&world->laws, "%s leads without a write", master->node->name);
            return;
        }
        ha_history_recovered(&world->history, master->written, event->registry);
        sim_trace(world->sim, master->node, "serves");
        master->is_serving = true;
        world->counts.served++;
    }
}

static void take_answers(struct ha_master *master, struct registry_log_effects *effects)
{
    bool applied[HA_OPS_MAX];
    size_t count = 0;
    struct registry_log_answer *answer;
    while ((answer = registry_log_pop_answer(effects)) != NULL) {
        if (answer->event.status != 0) {
            ha_master_fail(master, answer->event.why);
        } else if (!master->is_ending) {
            ASSERT(count < master->op_count);
            take_one(master, &answer->event, &master->ops[count]);
            applied[count++] = answer->event.applied;
        }
        registry_log_answer_free(answer);
    }
    answered(master, applied, count);
}

/* --- effects --- */

static void watch_request(struct ha_master *master, const struct rlog_event *event)
{
    if (event->type == RLOG_APPEND) {
        master->append_token = event->token;
        master->write =
            ha_history_begin(&master->world->history, master->writer, rlog_promise(master->rlog),
                             event->bytes, master->ops, master->op_count);
    } else if (event->type == RLOG_TRUNCATE) {
        master->truncations[event->token % HA_TRUNCATIONS_MAX].token = event->token;
        master->truncations[event->token % HA_TRUNCATIONS_MAX].to = event->position;
    }
}

static void worked(struct sim *sim UNUSED, void *arg)
{
    struct ha_master *master = arg;
    struct registrar_effects effects;
    registrar_effects_init(&effects);
    registry_log_work(TAKE_PTR(master->job));
    registrar_worked(master->registrar, now_ns(master), &effects);
    perform(master, &effects);
}

static void perform(struct ha_master *master, struct registrar_effects *effects)
{
    struct sim *sim = master->world->sim;
    struct registrar_request *request;
    struct registry_log_note *note;
    while ((note = registry_log_pop_note(&effects->registry)) != NULL) {
        sim_trace(sim, master->node, "%s", note->text);
        registry_log_note_free(note);
    }
    take_answers(master, &effects->registry);
    while ((request = registrar_pop_request(effects)) != NULL) {
        watch_request(master, &request->event);
        ha_master_step_log(master, &request->event);
        registrar_request_free(request);
    }
    if (effects->registry.job != NULL) {
        master->job = effects->registry.job;
        sim_schedule(sim, sim->now_ns + sim_draw_ns(sim, 0, WORK_MAX_NS), master->node, worked,
                     master, NULL);
    }
    if (effects->promised != 0) {
        ha_master_promised(master, effects->promised);
    }
    if (effects->is_failed) {
        rlog_laws_fail(&master->world->laws, "%s has no log any more: %s", master->node->name,
                       effects->why.text);
    }
    registrar_effects_deinit(effects);
}

/* --- events --- */

/* What the log says is written is decided: nobody may ever learn anything else. */
static void check_written(struct ha_master *master, const struct rlog_answer *answer)
{
    struct ha_world *world = master->world;
    size_t slot = answer->token % HA_TRUNCATIONS_MAX;
    struct rlog_action action = {.position = answer->position, .learned = true};
    if (answer->status != 0) {
        return;
    }
    if (answer->token == master->truncations[slot].token) {
        action.type = RLOG_ACTION_TRUNCATE;
        action.to = master->truncations[slot].to;
        rlog_laws_learned(&world->laws, &action);
        rlog_laws_acknowledged(&world->laws, answer->position, blob_from(slice_from("")));
    } else if (answer->token == master->append_token) {
        action.type = RLOG_ACTION_APPEND;
        action.bytes = master->write->bytes;
        rlog_laws_learned(&world->laws, &action);
        rlog_laws_acknowledged(&world->laws, answer->position, blob_ref(master->write->bytes));
        ha_history_written(&world->history, master->write, answer->position);
        master->written = master->write;
        sim_trace(world->sim, master->node, "wrote position %llu by %llu",
                  (unsigned long long)answer->position, (unsigned long long)master->write->number);
    }
}

void ha_registry_take_answer(struct ha_master *master, const struct rlog_answer *answer)
{
    struct registrar_effects effects;
    struct rlog_answer heard = *answer;
    if (answer->type == RLOG_ANSWER_WRITTEN) {
        if (master->world->options.planted == HA_DEAF && answer->status == RLOG_E_LOST) {
            heard.status = 0;
        }
        check_written(master, &heard);
    }
    registrar_effects_init(&effects);
    registrar_take_answer(master->registrar, now_ns(master), &heard, rlog_promise(master->rlog),
                          &effects);
    perform(master, &effects);
}

void ha_registry_tick(struct ha_master *master)
{
    struct registrar_effects effects;
    registrar_effects_init(&effects);
    registrar_tick(master->registrar, now_ns(master), &effects);
    perform(master, &effects);
}

void ha_registry_contend(struct ha_master *master)
{
    struct registrar_effects effects;
    registrar_effects_init(&effects);
    registrar_contend(master->registrar, &effects);
    perform(master, &effects);
}

void ha_registry_resign(struct ha_master *master)
{
    struct registrar_effects effects;
    registrar_effects_init(&effects);
    registrar_resign(master->registrar, &effects);
    perform(master, &effects);
}
