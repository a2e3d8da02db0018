#include "election/link.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/sm.h"
#include "common/xalloc.h"

static const struct sm_state states[] = {
    [LINK_WAITING] = {"WAITING", SM_TO(LINK_CONNECTING) | SM_TO(LINK_ENDED)},
    [LINK_CONNECTING] = {"CONNECTING", SM_TO(LINK_WAITING) | SM_TO(LINK_AUTHENTICATING) |
                                           SM_TO(LINK_PREPARING) | SM_TO(LINK_ENDED)},
    [LINK_AUTHENTICATING] = {"AUTHENTICATING",
                             SM_TO(LINK_WAITING) | SM_TO(LINK_PREPARING) | SM_TO(LINK_ENDED)},
    [LINK_PREPARING] = {"PREPARING", SM_TO(LINK_WAITING) | SM_TO(LINK_PREPARING) |
                                         SM_TO(LINK_READY) | SM_TO(LINK_ENDED)},
    [LINK_READY] = {"READY", SM_TO(LINK_WAITING) | SM_TO(LINK_PREPARING) | SM_TO(LINK_ENDED)},
    [LINK_ENDED] = {"ENDED", 0},
};

static const struct sm_table table = {"link", states, ELEMENTS(states)};

static void move(struct link *link, enum link_state state)
{
    link->state = (enum link_state)sm_move(&table, (int)link->state, (int)state);
    link->op = 0;
    if (state == LINK_PREPARING) {
        link->prefix_size = strlen(link->path);
        link->makes = false;
    }
}

void link_init(struct link *link, const struct link_options *options)
{
    *link = (struct link){
        .hosts = xstrdup(options->url->hosts),
        .credentials =
            options->url->credentials != NULL ? xstrdup(options->url->credentials) : NULL,
        .path = xstrdup(options->path),
        .session_timeout_ns = options->session_timeout_ns,
        .state = LINK_WAITING,
        .open_ns = INT64_MIN,
        .next_open_ns = INT64_MIN,
        .give_up_ns = TIME_NEVER,
        .retry_ns = TIME_NEVER,
        .retry_wait_ns = LINK_RETRY_MIN_NS,
    };
    prng_seed(&link->prng, options->seed);
}

void link_deinit(struct link *link)
{
    free(link->hosts);
    free(link->credentials);
    free(link->path);
}

static bool has_session(const struct link *link)
{
    return link->state != LINK_WAITING && link->state != LINK_ENDED;
}

bool link_may_ask(const struct link *link)
{
    return link->state == LINK_READY && link->connected && !link->leaves &&
           link->retry_ns == TIME_NEVER;
}

struct zk_effect *link_ask(struct link *link, enum zk_effect_type type, char *text,
                           struct zk_effects *effects)
{
    ASSERT(has_session(link) && link->connected);
    return zk_effects_add(effects, type, link->session, ++link->last_op, text);
}

/* --- sessions --- */

static void wait_for_next(struct link *link, int64_t now_ns)
{
    move(link, LINK_WAITING);
    link->connected = false;
    link->leaves = false;
    link->give_up_ns = TIME_NEVER;
    link->retry_ns = TIME_NEVER;
    link->open_ns = MAX(now_ns, link->next_open_ns);
}

static void leave(struct link *link, int64_t now_ns, struct zk_effects *effects)
{
    zk_effects_add(effects, ZK_CLOSE, link->session, 0, NULL);
    wait_for_next(link, now_ns);
}

static void open_next(struct link *link, int64_t now_ns, struct zk_effects *effects)
{
    move(link, LINK_CONNECTING);
    link->session++;
    link->timeout_ns = link->session_timeout_ns;
    link->give_up_ns = time_add_ns(now_ns, link->session_timeout_ns);
    link->next_open_ns = time_add_ns(
        now_ns, LINK_OPEN_INTERVAL_NS + prng_duration_ns(&link->prng, LINK_OPEN_INTERVAL_NS));
    struct zk_effect *effect =
        zk_effects_add(effects, ZK_OPEN, link->session, 0, xstrdup(link->hosts));
    effect->timeout_ns = link->session_timeout_ns;
}

void link_went_well(struct link *link)
{
    link->retry_wait_ns = LINK_RETRY_MIN_NS;
}

void link_pause(struct link *link, int64_t now_ns)
{
    if (link->retry_ns == TIME_NEVER) {
        link->retry_ns = time_add_ns(
            now_ns, link->retry_wait_ns + prng_duration_ns(&link->prng, link->retry_wait_ns / 2));
        link->retry_wait_ns = MIN(link->retry_wait_ns * 2, LINK_RETRY_MAX_NS);
    }
}

void link_prepare(struct link *link, int64_t now_ns)
{
    if (link->state == LINK_READY) {
        move(link, LINK_PREPARING);
        link_pause(link, now_ns);
    }
}

void link_leave(struct link *link)
{
    link->leaves = has_session(link);
}

void link_end(struct link *link, struct zk_effects *effects)
{
    if (has_session(link)) {
        zk_effects_add(effects, ZK_CLOSE, link->session, 0, NULL);
    }
    move(link, LINK_ENDED);
    link->connected = false;
    link->open_ns = link->give_up_ns = link->retry_ns = TIME_NEVER;
}

/* --- events --- */

static enum link_news fail(struct link *link, const char *what, const struct zk_event *event)
{
    (void)err_set(&link->why, 0, "%s: %s", what,
                  event->text != NULL ? event->text : zk_error_text(event->error));
    return LINK_FAILED;
}

static enum link_news connected(struct link *link, const struct zk_event *event)
{
    link->connected = true;
    link->timeout_ns = event->timeout_ns > 0 ? event->timeout_ns : link->session_timeout_ns;
    link->give_up_ns = TIME_NEVER;
    link->retry_ns = TIME_NEVER;
    link_went_well(link);
    if (link->state == LINK_CONNECTING) {
        move(link, link->credentials != NULL ? LINK_AUTHENTICATING : LINK_PREPARING);
    }
    return LINK_QUIET;
}

static enum link_news disconnected(struct link *link, int64_t now_ns)
{
    if (!link->connected) {
        return LINK_QUIET;
    }
    link->connected = false;
    link->op = 0;
    link->give_up_ns = time_add_ns(now_ns, link->timeout_ns);
    return LINK_BROKEN;
}

/* The size of the path without its last part. */
static size_t parent_size(const struct link *link)
{
    size_t size = link->prefix_size;
    while (link->path[size - 1] != '/') {
        size--;
    }
    return size - 1;
}

static void prepare_next(struct link *link)
{
    link->makes = true;
    if (link->path[link->prefix_size] == '\0') {
        move(link, LINK_READY);
        return;
    }
    link->prefix_size++;
    while (link->path[link->prefix_size] != '\0' && link->path[link->prefix_size] != '/') {
        link->prefix_size++;
    }
}

/* The path's parents are looked for from the end, and made from the first that is missing. */
static enum link_news prepared(struct link *link, int64_t now_ns, const struct zk_event *event)
{
    switch (event->error) {
    case ZK_OK:
        link_went_well(link);
        prepare_next(link);
        return LINK_QUIET;
    case ZK_NODE_EXISTS:
        prepare_next(link);
        return LINK_QUIET;
    case ZK_NO_NODE:
        if (link->makes) { /* the parent has vanished since */
            link_pause(link, now_ns);
            move(link, LINK_PREPARING);
        } else if (parent_size(link) == 0) {
            link->makes = true;
        } else {
            link->prefix_size = parent_size(link);
        }
        return LINK_QUIET;
    case ZK_UNKNOWN:
        link_pause(link, now_ns);
        return LINK_QUIET;
    case ZK_NO_AUTH:
    case ZK_REFUSED: {
        char what[ERR_TEXT_SIZE / 2];
        (void)snprintf(what, sizeof(what), "Failed to create '%.*s' in ZooKeeper",
                       (int)MIN(link->prefix_size, (size_t)200), link->path);
        return fail(link, what, event);
    }
    }
    WRONG("an error that is none");
}

static enum link_news done(struct link *link, int64_t now_ns, const struct zk_event *event)
{
    if (link->op == 0 || event->op != link->op) {
        return LINK_QUIET;
    }
    link->op = 0;
    if (link->state == LINK_PREPARING) {
        return prepared(link, now_ns, event);
    }
    ASSERT(link->state == LINK_AUTHENTICATING);
    switch (event->error) {
    case ZK_OK:
        move(link, LINK_PREPARING);
        return LINK_QUIET;
    case ZK_UNKNOWN:
        link_pause(link, now_ns);
        return LINK_QUIET;
    case ZK_NO_NODE:
    case ZK_NODE_EXISTS:
    case ZK_NO_AUTH:
    case ZK_REFUSED:
        return fail(link, "Failed to authenticate with ZooKeeper", event);
    }
    WRONG("an error that is none");
}

static enum link_news tick(struct link *link, int64_t now_ns, struct zk_effects *effects)
{
    if (link->retry_ns <= now_ns) {
        link->retry_ns = TIME_NEVER;
    }
    if (has_session(link) && !link->connected && link->give_up_ns <= now_ns) {
        (void)err_set(&link->why, 0, "no connection to ZooKeeper for %lld ms",
                      (long long)(link->timeout_ns / NS_PER_MS));
        leave(link, now_ns, effects);
        return LINK_LOST;
    }
    return LINK_QUIET;
}

bool link_hears(const struct link *link, const struct zk_event *event)
{
    if (event->type == ZK_TICK) {
        return link->state != LINK_ENDED;
    }
    return has_session(link) && event->session == link->session; /* MESOS-1265 */
}

enum link_news link_step(struct link *link, int64_t now_ns, const struct zk_event *event,
                         struct zk_effects *effects)
{
    switch (event->type) {
    case ZK_TICK:
        return tick(link, now_ns, effects);
    case ZK_OPEN_FAILED:
        (void)err_set(&link->why, 0, "no session with ZooKeeper: %s",
                      event->text != NULL ? event->text : "unknown");
        wait_for_next(link, now_ns);
        return LINK_LOST;
    case ZK_CONNECTED:
        return connected(link, event);
    case ZK_CONNECTING:
        return disconnected(link, now_ns);
    case ZK_EXPIRED:
        (void)err_set(&link->why, 0, "the session with ZooKeeper has expired");
        leave(link, now_ns, effects);
        return LINK_LOST;
    case ZK_AUTH_FAILED:
        return fail(link, "Failed to authenticate with ZooKeeper",
                    &(struct zk_event){.text = "the credentials are refused"});
    case ZK_DONE:
        return done(link, now_ns, event);
    case ZK_WATCH:
        return LINK_QUIET;
    }
    WRONG("an event that is none");
}

enum link_news link_advance(struct link *link, int64_t now_ns, struct zk_effects *effects)
{
    bool left = link->leaves && link->connected;
    if (left) {
        (void)err_set(&link->why, 0, "nobody knows what the session with ZooKeeper holds");
        leave(link, now_ns, effects);
    }
    if (link->state == LINK_WAITING && link->open_ns <= now_ns) {
        open_next(link, now_ns, effects);
    }
    if (!link->connected || link->op != 0 || link->retry_ns != TIME_NEVER) {
        return left ? LINK_LOST : LINK_QUIET;
    }
    if (link->state == LINK_AUTHENTICATING) {
        link->op = link_ask(link, ZK_ADD_AUTH, xstrdup(link->credentials), effects)->op;
    } else if (link->state == LINK_PREPARING) {
        struct zk_effect *effect = link_ask(link, link->makes ? ZK_CREATE : ZK_EXISTS,
                                            xstrndup(link->path, link->prefix_size), effects);
        effect->restricted = link->makes && link->credentials != NULL;
        link->op = effect->op;
    }
    return LINK_QUIET;
}

int64_t link_deadline(const struct link *link)
{
    int64_t deadline_ns = link->state == LINK_WAITING ? link->open_ns : TIME_NEVER;
    deadline_ns = MIN(deadline_ns, link->give_up_ns);
    return link->connected ? MIN(deadline_ns, link->retry_ns) : deadline_ns;
}
