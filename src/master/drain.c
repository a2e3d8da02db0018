#include "master/drain.h"

#include "master/machine.h"
#include "master/master_state.h"
#include "master/registry_call.h"
#include "master/unreachable.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* mesos.DrainInfo, mesos.internal.DrainSlaveMessage, mesos.MachineID */
enum { INFO_STATE = 1, INFO_CONFIG = 2, MESSAGE_CONFIG = 1 };
enum { MACHINE_HOSTNAME = 1, MACHINE_IP = 2 };

/* --- what is kept --- */

/* Who has that id: an agent that is registered or waited for, or one that is unreachable. */
struct subject {
    struct agent *agent;       /* NULL = not such a one */
    struct departed *departed; /* NULL = not such a one */
    struct agent_drain *drain; /* of either; NULL = it is not known */
};

static struct subject find(const struct master *master, struct slice id)
{
    struct subject s = {master_find_agent(master, id), master_find_departed(master, id), NULL};
    if (s.departed != NULL) {
        /* It may be on its way back: what is wanted of it stays here until it is. */
        s.agent = NULL;
        s.drain = s.departed->kind == DEPARTED_UNREACHABLE ? &s.departed->drain : NULL;
    } else if (s.agent != NULL && s.agent->state != AGENT_ADMITTING) {
        s.drain = &s.agent->drain;
    }
    return s;
}

static struct blob *make_info(enum agent_drain_state state, struct slice config)
{
    struct buf out = BUF_INIT;
    wire_put_varint(&out, INFO_STATE,
                    state == DRAIN_DRAINED ? PB__DRAIN_STATE__DRAINED : PB__DRAIN_STATE__DRAINING);
    wire_put_bytes(&out, INFO_CONFIG, config);
    return blob_take(&out);
}

static bool marks_gone(struct master *master, struct slice config)
{
    Pb__DrainConfig *pb;
    return MESSAGE_DECODE(Pb__DrainConfig, pb__drain_config, config, &master->arena, &pb, NULL) ==
               0 &&
           pb->has_mark_gone && pb->mark_gone;
}

/* `config` is taken over. */
static void set_state(struct master *master, struct agent_drain *drain,
                      enum agent_drain_state state, struct blob *config)
{
    struct agent_drain before = agent_drain_take(drain);
    *drain = (struct agent_drain){
        .state = state,
        .deactivated = true,
        .marks_gone = marks_gone(master, blob_slice(config)),
        .config = config,
        .info = make_info(state, blob_slice(config)),
        .start_ns = before.start_ns,
    };
    agent_drain_deinit(&before);
}

struct agent_drain master_drain_recovered(struct master *master, const struct registry_agent *known)
{
    struct agent_drain drain = {.deactivated = known->deactivated};
    struct cursor_field state;
    struct cursor_field config;
    if (known->drain_info != NULL &&
        cursor_find(blob_slice(known->drain_info), INFO_STATE, &state) &&
        cursor_find(blob_slice(known->drain_info), INFO_CONFIG, &config)) {
        set_state(master, &drain,
                  state.value == PB__DRAIN_STATE__DRAINED ? DRAIN_DRAINED : DRAIN_DRAINING,
                  blob_from(config.bytes));
    }
    return drain;
}

/* --- its end --- */

void master_drain_check(struct master *master, struct agent *agent)
{
    struct agent_drain *drain = &agent->drain;
    if (drain->state != DRAIN_DRAINING || agent->state != AGENT_REGISTERED ||
        agent->task_count > 0 || agent->operation_count > 0 ||
        agent->transition == AGENT_MARKING_GONE || drain->is_ending) {
        return;
    }
    if (!drain->marks_gone) {
        drain->is_ending = true;
        (void)master_registry_call(master, REGISTRY_MARK_DRAINED, agent->id, NULL, 0);
    } else if (master_unreachable_mark_gone(master, blob_slice(agent->id), 0) == 0) {
        master_log(master, LOG_LEVEL_INFO, "Agent %s is drained and will be marked gone",
                   agent->id->data);
    } /* else it is asked again when what is under way is over, and the agent is back */
}

void master_drain_ended(struct master *master, const struct pending *pending, bool applied)
{
    struct subject s = find(master, blob_slice(pending->agent_id));
    if (s.drain == NULL) {
        return; /* it has left */
    }
    s.drain->is_ending = false;
    if (!applied || s.drain->state != DRAIN_DRAINING) {
        return;
    }
    set_state(master, s.drain, DRAIN_DRAINED, blob_ref(s.drain->config));
    master_log(master, LOG_LEVEL_INFO, "Agent %s is drained", pending->agent_id->data);
    if (s.agent != NULL) {
        master_agent_publish(master, s.agent);
    }
}

/* --- draining --- */

static void tell(struct master *master, const struct agent *agent)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT;
    wire_put_bytes(&body, MESSAGE_CONFIG, blob_slice(agent->drain.config));
    master_send(master, &agent->upid, "mesos.internal.DrainSlaveMessage",
                blob_from(buf_slice(&body)));
}

void master_drain_returned(struct master *master, struct agent *agent)
{
    if (agent->drain.state == DRAIN_NONE) {
        return;
    }
    tell(master, agent); /* also if it is drained: what it was sent meanwhile is refused */
    if ((agent->capabilities & AGENT_RESOURCE_PROVIDER) == 0) {
        master_drain_check(master, agent);
    }
}

/* Answers like master_registry_call_done, but that an agent may have left meanwhile. */
static bool is_done(struct master *master, const struct pending *pending, bool applied)
{
    if (!applied && find(master, blob_slice(pending->agent_id)).drain == NULL) {
        net_respond_text(&master->effects->net, pending->handle, 409,
                         "Agent removed while processing the call");
        return false;
    }
    return master_registry_call_done(master, pending, applied);
}

void master_drain_begun(struct master *master, const struct pending *pending, bool applied)
{
    if (!is_done(master, pending, applied)) {
        return;
    }
    struct subject s = find(master, blob_slice(pending->agent_id));
    if (s.drain == NULL) {
        return;
    }
    set_state(master, s.drain, DRAIN_DRAINING, blob_ref(pending->request));
    if (s.agent == NULL || s.agent->state != AGENT_REGISTERED) {
        return;
    }
    master_log(master, LOG_LEVEL_INFO, "Agent %s drains; it has %zu tasks", pending->agent_id->data,
               s.agent->task_count);
    s.drain->start_ns = master->now.wall_ns;
    master_agent_deactivate(master, s.agent);
    tell(master, s.agent);
    master_drain_check(master, s.agent);
}

/* google.protobuf.Duration: 0, or -1 if it is none that an agent could be given. */
static int read_period(const Pb__Duration *period, int64_t *ret_ns)
{
    int64_t seconds = period->has_seconds ? period->seconds : 0;
    int64_t nanos = period->has_nanos ? period->nanos : 0;
    if (seconds < 0 || nanos < 0 || nanos >= NS_PER_SEC ||
        __builtin_mul_overflow(seconds, NS_PER_SEC, &seconds) ||
        __builtin_add_overflow(seconds, nanos, ret_ns)) {
        return -1;
    }
    return 0;
}

static void refuse(struct master *master, const struct operator_request *r, int status,
                   const char *why)
{
    net_respond_text(&master->effects->net, r->request->handle, status, "%s", why);
}

static bool is_being_marked_gone(const struct subject *s)
{
    return s->departed != NULL ? s->departed->busy
                               : s->agent != NULL && s->agent->transition == AGENT_MARKING_GONE;
}

/* Of those who are not registered nobody knows. False after an answer. */
static bool may_drain(struct master *master, const struct operator_request *r,
                      const struct agent *agent)
{
    struct net_effects *net = &master->effects->net;
    if (agent->machine->mode != MACHINE_UP) {
        struct cursor_field hostname = {0};
        struct cursor_field ip = {0};
        struct slice id = blob_slice(agent->machine->id);
        (void)cursor_find(id, MACHINE_HOSTNAME, &hostname);
        (void)cursor_find(id, MACHINE_IP, &ip);
        net_respond_text(net, r->request->handle, 400,
                         "Agent %s is part of a maintenance schedule under Machine %.*s (%.*s)",
                         agent->id->data, SLICE_ARGS(hostname.bytes), SLICE_ARGS(ip.bytes));
        return false;
    }
    if ((agent->capabilities & AGENT_DRAINING) == 0) {
        net_respond_text(net, r->request->handle, 400, "Agent %s is not capable of draining",
                         agent->id->data);
        return false;
    }
    return true;
}

void master_drain_agent(struct master *master, const struct operator_request *r)
{
    const Pb__Master__Call__DrainAgent *call = r->call->drain_agent;
    struct subject s = find(master, slice_from(call->agent_id->value));
    Pb__DrainConfig config = PB__DRAIN_CONFIG__INIT;
    Pb__DurationInfo period = PB__DURATION_INFO__INIT;
    if (s.agent != NULL && s.agent->state == AGENT_REGISTERED && !may_drain(master, r, s.agent)) {
        return;
    }
    if (s.drain == NULL) {
        refuse(master, r, 400, "Unknown agent");
        return;
    }
    if (is_being_marked_gone(&s)) {
        refuse(master, r, 409, "Agent is currently being marked gone");
        return;
    }
    if (call->max_grace_period != NULL) {
        if (read_period(call->max_grace_period, &period.nanoseconds) != 0) {
            refuse(master, r, 400, "Invalid 'max_grace_period'");
            return;
        }
        config.max_grace_period = &period;
    }
    config.has_mark_gone = true;
    config.mark_gone = call->has_mark_gone && call->mark_gone;
    (void)master_registry_call(master, REGISTRY_DRAIN_AGENT,
                               s.agent != NULL ? s.agent->id : s.departed->id,
                               message_encode_blob(&config.base), r->request->handle);
}

/* --- deactivation --- */

void master_drain_deactivate(struct master *master, const struct operator_request *r)
{
    struct subject s = find(master, slice_from(r->call->deactivate_agent->agent_id->value));
    if (s.drain == NULL) {
        refuse(master, r, 400, "Unknown agent");
        return;
    }
    (void)master_registry_call(master, REGISTRY_DEACTIVATE_AGENT,
                               s.agent != NULL ? s.agent->id : s.departed->id, NULL,
                               r->request->handle);
}

void master_drain_deactivated(struct master *master, const struct pending *pending, bool applied)
{
    if (!is_done(master, pending, applied)) {
        return;
    }
    struct subject s = find(master, blob_slice(pending->agent_id));
    if (s.drain != NULL) {
        s.drain->deactivated = true;
    }
    if (s.agent != NULL && s.agent->state == AGENT_REGISTERED) {
        master_agent_deactivate(master, s.agent);
    }
}

void master_drain_reactivate(struct master *master, const struct operator_request *r)
{
    struct subject s = find(master, slice_from(r->call->reactivate_agent->agent_id->value));
    if (s.drain == NULL || !s.drain->deactivated) {
        refuse(master, r, 400, "Agent is not deactivated");
    } else if (s.drain->state == DRAIN_DRAINING) {
        refuse(master, r, 400, "Agent is still in the DRAINING state");
    } else {
        (void)master_registry_call(master, REGISTRY_REACTIVATE_AGENT,
                                   s.agent != NULL ? s.agent->id : s.departed->id, NULL,
                                   r->request->handle);
    }
}

/* 409 for an agent that is not registered, though it is active when it comes (facts/
 * state_machines.md 3). */
void master_drain_reactivated(struct master *master, const struct pending *pending, bool applied)
{
    struct subject s = find(master, blob_slice(pending->agent_id));
    bool is_registered = s.agent != NULL && s.agent->state == AGENT_REGISTERED;
    if (applied && s.drain != NULL) {
        agent_drain_deinit(s.drain);
    }
    if (applied && is_registered) {
        net_respond(&master->effects->net, pending->handle, 200, NULL, NULL);
        master_agent_activate(master, s.agent);
    } else if (applied || s.drain == NULL) {
        net_respond_text(&master->effects->net, pending->handle, 409,
                         "Agent removed while processing the call");
    } else {
        (void)master_registry_call_done(master, pending, false);
    }
}
