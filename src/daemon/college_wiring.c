#include "daemon/college_wiring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "daemon/own_address.h"
#include "election/leader_info.h"

struct college_wiring {
    struct college_wiring_options options;
    struct college *college;
    struct loop_timer timer; /* the machine's deadline */
};

/* --- the list of masters --- */

static bool has_address(const struct college_others *others, const struct address *address)
{
    for (size_t i = 0; i < others->count; i++) {
        if (address_equal(&others->items[i], address)) {
            return true;
        }
    }
    return false;
}

int college_others_parse(const char *text, int64_t quorum, const struct address *self,
                         struct college_others *ret_others, struct err *err)
{
    struct college_others others = {0};
    struct slice rest = slice_from(text);
    struct slice part;
    while (slice_split(&rest, ',', &part)) {
        struct address address;
        int r = own_address_resolve(slice_trim(part), &address, err);
        if (r != 0) {
            return err_wrap(err, r, "--peers");
        }
        if (address_equal(&address, self) || has_address(&others, &address)) {
            continue;
        }
        if (others.count == COLLEGE_MAX - 1) {
            return err_set(err, -EINVAL, "--peers: more than %d masters", COLLEGE_MAX);
        }
        others.items[others.count++] = address;
    }
    size_t all = others.count + 1;
    others.quorum = quorum < 0 ? all / 2 + 1 : (size_t)quorum;
    if (others.quorum > all || others.quorum <= all / 2) {
        return err_set(err, -EINVAL, "--quorum: %zu is no majority of the %zu masters in --peers",
                       others.quorum, all);
    }
    *ret_others = others;
    return 0;
}

/* --- the shell around the machine --- */

static void send_message(struct college_wiring *wiring, struct college_effect *effect)
{
    struct net_effects net;
    net_effects_init(&net);
    net_send(&net, COLLEGE_ACTOR, &effect->to, COLLEGE_MESSAGE_NAME, TAKE_PTR(effect->bytes));
    net_host_perform(wiring->options.net, &net);
}

static void tell_leader(struct college_wiring *wiring, const struct blob *info)
{
    struct master_event event = {.type = MASTER_LEADER};
    struct leader leader;
    if (info != NULL && leader_info_read(blob_slice(info), &leader)) {
        if (address_equal(&leader.pid.address, &wiring->options.self)) {
            return; /* COLLEGE_ELECTED follows */
        }
        char pid[UPID_TEXT_SIZE];
        upid_format(&leader.pid, pid);
        LOG_INFO("A new leading master (UPID=%s) is detected", pid);
        event.leader = &leader.pid.address;
        event.leader_hostname = leader.hostname;
    } else {
        LOG_INFO("No leading master is known");
    }
    wiring->options.step(wiring->options.arg, &event);
}

static void lost(struct college_wiring *wiring, const char *why)
{
    char text[ERR_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "Lost leadership: %s", why);
    wiring->options.fail(wiring->options.arg, text);
}

static void perform(struct college_wiring *wiring, struct college_effect *effect)
{
    void *arg = wiring->options.arg;
    switch (effect->type) {
    case COLLEGE_SEND:
        send_message(wiring, effect);
        break;
    case COLLEGE_CONTEND:
        LOG_INFO("No master leads; contending for the log's promise");
        wiring->options.contend(arg);
        break;
    case COLLEGE_RESIGN:
        wiring->options.resign(arg);
        break;
    case COLLEGE_LEADER:
        tell_leader(wiring, effect->bytes);
        break;
    case COLLEGE_ELECTED:
        wiring->options.step(arg, &(struct master_event){.type = MASTER_ELECTED});
        break;
    case COLLEGE_LOST:
        lost(wiring, effect->text);
        break;
    }
}

static void step(struct college_wiring *wiring, const struct college_event *event)
{
    struct college_effects effects;
    struct college_effect *effect;
    college_effects_init(&effects);
    college_step(wiring->college, loop_now(wiring->options.loop).mono_ns, event, &effects);
    loop_timer_set(&wiring->timer, college_deadline(wiring->college));
    while ((effect = college_effects_pop(&effects)) != NULL) {
        perform(wiring, effect);
        college_effect_free(effect);
    }
}

static void on_deadline(void *arg)
{
    step(arg, &(struct college_event){.type = COLLEGE_TICK});
}

void college_wiring_promised(struct college_wiring *wiring, uint64_t number)
{
    step(wiring, &(struct college_event){.type = COLLEGE_PROMISED, .number = number});
}

void college_wiring_end(struct college_wiring *wiring)
{
    step(wiring, &(struct college_event){.type = COLLEGE_END});
}

bool college_wiring_has_actor(const struct college_wiring *wiring, struct slice id)
{
    return wiring != NULL && slice_is(id, COLLEGE_ACTOR);
}

bool college_wiring_take_net(struct college_wiring *wiring, const struct net_event *event)
{
    if (wiring == NULL || event->type != NET_MESSAGE || strcmp(event->to, COLLEGE_ACTOR) != 0) {
        return false;
    }
    if (slice_is(event->name, COLLEGE_MESSAGE_NAME)) {
        step(wiring, &(struct college_event){
                         .type = COLLEGE_MESSAGE, .from = &event->from, .bytes = event->body});
    }
    return true;
}

/* --- life --- */

struct college_wiring *college_wiring_new(const struct college_wiring_options *options)
{
    struct college_wiring *wiring = xalloc(sizeof(*wiring));
    wiring->options = *options;
    wiring->college = college_new(
        &(struct college_options){
            .self = options->self,
            .others = options->others->items,
            .other_count = options->others->count,
            .quorum = options->others->quorum,
            .info = options->info,
            .lease_ns = options->lease_ns,
            .seed = options->seed,
        },
        loop_now(options->loop).mono_ns);
    loop_timer_init(&wiring->timer, options->loop, on_deadline, wiring);
    loop_timer_set(&wiring->timer, college_deadline(wiring->college));
    return wiring;
}

struct college_wiring *college_wiring_free(struct college_wiring *wiring)
{
    if (wiring != NULL) {
        loop_timer_cancel(&wiring->timer);
        college_free(wiring->college);
        free(wiring);
    }
    return NULL;
}
