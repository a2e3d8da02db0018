#include "daemon/college_wiring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "coord/peers_lookup.h"
#include "election/leader_info.h"

struct college_wiring {
    struct college_wiring_options options;
    struct college *college;
    struct loop_timer timer; /* the machine's deadline */
};

/* --- the list of masters --- */

/* How many masters there are when --quorum of them are the least majority. */
#define ALL_OF(quorum) (2 * (quorum)-1)

static bool has_address(const struct peers_addresses *addresses, const struct address *address)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (address_equal(&addresses->items[i], address)) {
            return true;
        }
    }
    return false;
}

/* All addresses; whether a name stands for several, or may: one that stands alone. */
static int find_all(const struct peers_url *list, struct peers_addresses *all, bool *ret_several,
                    struct err *err)
{
    bool several = list->count == 1 && !peers_host_is_address(&list->hosts[0]);
    for (size_t i = 0; i < list->count; i++) {
        size_t count;
        int r = peers_lookup_host(&list->hosts[i], all, &count, err);
        if (r != 0) {
            return r;
        }
        several |= count > 1;
    }
    *ret_several = several;
    return all->more ? err_set(err, -EINVAL, "more than %d masters", COLLEGE_MAX) : 0;
}

static bool is_loopback(const struct address *address)
{
    static const uint8_t ip6[16] = {[15] = 1};
    return address->family == 4 ? address->ip[0] == 127
                                : memcmp(address->ip, ip6, sizeof(ip6)) == 0;
}

/* A host's own name is often 127.0.1.1 to itself: that would be one more master, which is us. */
static int check_reachable(const struct peers_addresses *all, const struct address *self,
                           struct err *err)
{
    for (size_t i = 0; i < all->count; i++) {
        if (is_loopback(&all->items[i]) != is_loopback(self)) {
            char other[ADDRESS_TEXT_SIZE];
            char own[ADDRESS_TEXT_SIZE];
            address_format(&all->items[i], other);
            address_format(self, own);
            return err_set(err, -EINVAL,
                           "%s and %s, which is this master's address, cannot reach one another: "
                           "give addresses, or --ip",
                           other, own);
        }
    }
    return 0;
}

/* A majority of too few would be none: what a name server knows must not decide it. */
static int find_quorum(int64_t quorum, size_t all, bool several, size_t *ret_quorum,
                       struct err *err)
{
    if (several && quorum < 0) {
        return err_set(err, -EINVAL,
                       "--peers: a name that stands for all masters needs --quorum, a majority of "
                       "them");
    }
    size_t found = quorum < 0 ? all / 2 + 1 : (size_t)quorum;
    if (several && all != ALL_OF(found)) {
        return err_set(err, -EINVAL,
                       "--peers: %zu masters are found, and --quorum=%zu is that of %zu", all,
                       found, ALL_OF(found));
    }
    if (found > all || found <= all / 2) {
        return err_set(err, -EINVAL, "--quorum: %zu is no majority of the %zu masters in --peers",
                       found, all);
    }
    *ret_quorum = found;
    return 0;
}

int college_others_parse(const char *text, int64_t quorum, const struct address *self,
                         struct college_others *ret_others, struct err *err)
{
    struct address items[COLLEGE_MAX];
    struct peers_addresses all = {.items = items, .max = ELEMENTS(items)};
    struct college_others others = {.count = 0};
    struct peers_url list;
    struct arena arena;
    bool several;
    arena_init(&arena, 0);
    int r = peers_url_parse_list(slice_from(text), &arena, &list, err);
    if (r == 0) {
        r = find_all(&list, &all, &several, err);
    }
    if (r == 0) {
        r = check_reachable(&all, self, err);
    }
    arena_deinit(&arena);
    if (r != 0) {
        return err_wrap(err, r, "--peers");
    }
    size_t all_count = all.count + !has_address(&all, self);
    if (all_count > COLLEGE_MAX) {
        return err_set(err, -EINVAL, "--peers: more than %d masters", COLLEGE_MAX);
    }
    for (size_t i = 0; i < all.count; i++) {
        if (!address_equal(&all.items[i], self)) {
            others.items[others.count++] = all.items[i];
        }
    }
    r = find_quorum(quorum, all_count, several, &others.quorum, err);
    if (r == 0) {
        *ret_others = others;
    }
    return r;
}

/* --- the shell around the machine --- */

static void send_message(struct college_wiring *wiring, struct college_effect *effect)
{
    struct net_effects net;
    net_effects_init(&net);
    net_send(&net, COLLEGE_ACTOR, &effect->to, COLLEGE_MESSAGE_NAME, TAKE_PTR(effect->bytes));
    net_host_perform(wiring->options.net, &net);
}

static void answer(struct college_wiring *wiring, struct college_effect *effect)
{
    struct net_effects net;
    net_effects_init(&net);
    if (effect->bytes != NULL) {
        net_respond(&net, effect->handle, 200, COLLEGE_QUESTION_TYPE, TAKE_PTR(effect->bytes));
    } else {
        net_respond_text(&net, effect->handle, 400, "Not a question for the leader.");
    }
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
    case COLLEGE_ANSWER:
        answer(wiring, effect);
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

static bool take_message(struct college_wiring *wiring, const struct net_event *event)
{
    if (strcmp(event->to, COLLEGE_ACTOR) != 0) {
        return false;
    }
    if (slice_is(event->name, COLLEGE_MESSAGE_NAME)) {
        step(wiring, &(struct college_event){
                         .type = COLLEGE_MESSAGE, .from = &event->from, .bytes = event->body});
    }
    return true;
}

static bool take_question(struct college_wiring *wiring, const struct net_request *request)
{
    if (!slice_is(request->path, COLLEGE_QUESTION_PATH)) {
        return false;
    }
    /* What cannot be a question is none, and is refused by the machine. */
    bool is_post = slice_is(request->head->method, "POST");
    step(wiring, &(struct college_event){.type = COLLEGE_QUESTION,
                                         .handle = request->handle,
                                         .bytes = is_post ? request->body : SLICE("")});
    return true;
}

static bool take_gone(struct college_wiring *wiring, uint64_t handle)
{
    if (!college_holds(wiring->college, handle)) {
        return false;
    }
    step(wiring, &(struct college_event){.type = COLLEGE_GONE, .handle = handle});
    return true;
}

bool college_wiring_take_net(struct college_wiring *wiring, const struct net_event *event)
{
    if (wiring == NULL) {
        return false;
    }
    switch (event->type) {
    case NET_MESSAGE:
        return take_message(wiring, event);
    case NET_REQUEST:
        return take_question(wiring, &event->request);
    case NET_GONE:
        return take_gone(wiring, event->handle);
    case NET_BODY:
    case NET_EXITED:
    case NET_REPLY:
    case NET_TAKEN:
    case NET_WORKED:
        return false;
    }
    WRONG("an event that is none");
}

/* --- life --- */

static void say_who(const struct college_wiring_options *options)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    for (size_t i = 0; i < options->others->count; i++) {
        char address[ADDRESS_TEXT_SIZE];
        address_format(&options->others->items[i], address);
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", address);
    }
    LOG_INFO("%zu masters elect their leader, %zu of them are a majority; the others are %s",
             options->others->count + 1, options->others->quorum,
             text.size > 0 ? buf_text(&text) : "none");
}

struct college_wiring *college_wiring_new(const struct college_wiring_options *options)
{
    struct college_wiring *wiring = xalloc(sizeof(*wiring));
    wiring->options = *options;
    say_who(options);
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
