#include "election/election.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "election/contender.h"
#include "election/detector.h"
#include "election/group.h"

struct election {
    char *path; /* of the masters' nodes */
    struct link link;
    struct contender contender;
    struct detector detector;
    struct group group;

    struct blob *told;  /* the leader that was told last; NULL = none */
    bool told_none_why; /* and so was why there is none, though there is a node */
};

/* --- outputs --- */

void election_effects_init(struct election_effects *effects)
{
    zk_effects_init(&effects->zk);
    list_init(&effects->outputs);
}

void election_effects_deinit(struct election_effects *effects)
{
    struct election_output *output;
    zk_effects_deinit(&effects->zk);
    while ((output = election_output_pop(effects)) != NULL) {
        election_output_free(output);
    }
}

struct election_output *election_output_pop(struct election_effects *effects)
{
    struct list *link = list_pop_front(&effects->outputs);
    return link != NULL ? LIST_ENTRY(link, struct election_output, link) : NULL;
}

struct election_output *election_output_free(struct election_output *output)
{
    if (output != NULL) {
        list_remove(&output->link);
        blob_unref(output->info);
        free(output->text);
        free(output->members);
        free(output);
    }
    return NULL;
}

static struct election_output *put(struct election_effects *effects, enum election_output_type type)
{
    struct election_output *output = xalloc(sizeof(*output));
    output->type = type;
    list_push_back(&effects->outputs, &output->link);
    return output;
}

static void PRINTF_LIKE(3, 4)
    say(struct election_effects *effects, enum log_level level, const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE * 2];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct election_output *output = put(effects, ELECTION_LOG);
    output->level = level;
    output->text = xstrdup(text);
}

static void tell_leader(struct election *election, struct election_effects *effects)
{
    struct blob *leader = election->detector.leader;
    bool same = leader == NULL || election->told == NULL
                    ? leader == election->told
                    : slice_equal(blob_slice(leader), blob_slice(election->told));
    if (!same) {
        blob_unref(election->told);
        election->told = blob_ref(leader);
        put(effects, ELECTION_LEADER)->info = blob_ref(leader);
    }
    bool has_why = election->detector.why_none.text[0] != '\0';
    if (has_why && !election->told_none_why) {
        say(effects, LOG_LEVEL_ERROR, "The first node, '%s/%s', holds no master's info: %s",
            election->path, election->detector.lowest, election->detector.why_none.text);
    }
    election->told_none_why = has_why;
}

static void end(struct election *election, struct election_effects *effects,
                enum election_output_type type, const char *why)
{
    link_end(&election->link, &effects->zk);
    put(effects, type)->text = xstrdup(why);
}

/* --- steps --- */

static void lost(struct election *election, struct election_effects *effects)
{
    bool led = election->contender.elected;
    say(effects, LOG_LEVEL_WARNING, "%s", election->link.why.text);
    contender_lost(&election->contender);
    detector_lost(&election->detector);
    group_lost(&election->group);
    if (led) {
        end(election, effects, ELECTION_LOST, election->link.why.text);
    }
}

static void broken(struct election *election)
{
    contender_broken(&election->contender, &election->link);
    detector_broken(&election->detector);
    group_broken(&election->group);
}

static void take_news(struct election *election, enum link_news news,
                      struct election_effects *effects)
{
    switch (news) {
    case LINK_QUIET:
        return;
    case LINK_BROKEN:
        say(effects, LOG_LEVEL_INFO, "Lost the connection to ZooKeeper, looking for another");
        broken(election);
        return;
    case LINK_LOST:
        lost(election, effects);
        return;
    case LINK_FAILED:
        end(election, effects, ELECTION_FAILED, election->link.why.text);
        return;
    }
    WRONG("news that are none");
}

static void take_event(struct election *election, int64_t now_ns, const struct zk_event *event,
                       struct election_effects *effects)
{
    struct link *link = &election->link;
    switch (event->type) {
    case ZK_CONNECTED:
        say(effects, LOG_LEVEL_INFO, "Connected to ZooKeeper, session timeout %lld ms",
            (long long)(link->timeout_ns / NS_PER_MS));
        return;
    case ZK_WATCH:
        detector_watch(&election->detector, election->path, event->path);
        group_watch(&election->group, event->path);
        return;
    case ZK_DONE:
        if (!contender_done(&election->contender, link, now_ns, event) ||
            !detector_done(&election->detector, link, now_ns, event, election->contender.name) ||
            !group_done(&election->group, link, now_ns, event)) {
            end(election, effects, ELECTION_FAILED, link->why.text);
        }
        return;
    case ZK_TICK:
    case ZK_OPEN_FAILED:
    case ZK_CONNECTING:
    case ZK_EXPIRED:
    case ZK_AUTH_FAILED:
        return;
    }
    WRONG("an event that is none");
}

/* What the newest list means for us. */
static void judge(struct election *election, struct election_effects *effects)
{
    struct contender *contender = &election->contender;
    struct detector *detector = &election->detector;
    if (contender->name == NULL || !detector_is_sure(detector)) {
        return;
    }
    bool leads = detector->own_is_there && detector->lowest != NULL &&
                 strcmp(detector->lowest, contender->name) == 0;
    if (contender->elected && !leads) {
        end(election, effects, ELECTION_LOST,
            detector->own_is_there ? "another master's node has a lower number"
                                   : "our node has vanished from ZooKeeper");
        return;
    }
    if (!detector->own_is_there) {
        say(effects, LOG_LEVEL_WARNING, "Our node '%s' has vanished from ZooKeeper; making another",
            contender->name);
        contender_lost(contender);
    } else if (leads && !contender->elected && detector->is_read) {
        contender->elected = true;
        put(effects, ELECTION_ELECTED);
    }
}

static void advance(struct election *election, int64_t now_ns, struct election_effects *effects)
{
    take_news(election, link_advance(&election->link, now_ns, &effects->zk), effects);
    contender_advance(&election->contender, &election->link, election->path, &effects->zk);
    detector_advance(&election->detector, &election->link, election->path, &effects->zk);
    group_advance(&election->group, &election->link, &effects->zk);
}

void election_step(struct election *election, struct now now, const struct zk_event *event,
                   struct election_effects *effects)
{
    struct link *link = &election->link;
    if (!link_hears(link, event)) {
        return;
    }
    enum link_news news = link_step(link, now.mono_ns, event, &effects->zk);
    take_news(election, news, effects);
    if (news == LINK_QUIET && link->state != LINK_ENDED) {
        take_event(election, now.mono_ns, event, effects);
    }
    if (link->state != LINK_ENDED) {
        tell_leader(election, effects);
        judge(election, effects);
    }
    if (link->state != LINK_ENDED) {
        advance(election, now.mono_ns, effects);
    }
    if (link->state != LINK_ENDED && group_take_news(&election->group)) {
        struct election_output *output = put(effects, ELECTION_MEMBERS);
        output->member_count = election->group.told_count;
        output->members =
            xmemdup(election->group.told, (output->member_count + 1) * sizeof(struct upid));
    }
}

int64_t election_deadline(const struct election *election)
{
    return link_deadline(&election->link);
}

uint64_t election_session(const struct election *election)
{
    return election->link.session;
}

bool election_is_over(const struct election *election)
{
    return election->link.state == LINK_ENDED;
}

/* --- life --- */

struct election *election_new(const struct election_options *options)
{
    struct election *election = xalloc(sizeof(*election));
    election->path = xstrdup(options->url->path);
    contender_init(&election->contender, options->info);
    detector_init(&election->detector, options->info != NULL);
    group_init(&election->group, election->path, options->replica);
    link_init(&election->link,
              &(struct link_options){
                  .url = options->url,
                  .path = options->replica != NULL ? election->group.path : election->path,
                  .session_timeout_ns = options->session_timeout_ns,
                  .seed = options->seed,
              });
    return election;
}

struct election *election_free(struct election *election)
{
    if (election != NULL) {
        blob_unref(election->told);
        contender_deinit(&election->contender);
        detector_deinit(&election->detector);
        group_deinit(&election->group);
        link_deinit(&election->link);
        free(election->path);
        free(election);
    }
    return NULL;
}
