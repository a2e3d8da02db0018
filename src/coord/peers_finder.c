#include "coord/peers_finder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "coord/peers_lookup.h"
#include "election/college_message.h"
#include "election/finder.h"
#include "net/client.h"
#include "net/workers.h"

/* The connection to one master, and the question that is under way on it. */
struct line {
    struct peers_finder *finder;
    struct address address; /* family 0 = the line is free */
    struct client *client;  /* NULL = not connected */
    uint64_t token;         /* of the question; 0 = none */
};

struct peers_finder {
    struct peers_finder_options options;
    struct arena arena; /* of the URL's texts */
    struct peers_url url;
    struct finder *machine;
    struct loop_timer timer; /* the machine's deadline */
    struct loop_task again;  /* posted to tell the leader again */
    struct line lines[FINDER_MASTERS_MAX];
    struct workers *workers;
    struct worker_job job; /* looks the names up */
    struct {               /* belongs to the worker while it runs */
        struct address items[FINDER_MASTERS_MAX + 1];
        struct peers_addresses addresses;
        struct err err;
        int status;
    } found;
    struct leader leader; /* told last */
    bool has_leader;
    bool is_closing;
};

static void step(struct peers_finder *finder, const struct finder_event *event);

/* --- who leads --- */

static void tell_leader(struct peers_finder *finder)
{
    finder->options.on_leader(finder->options.arg, finder->has_leader ? &finder->leader : NULL);
}

static void take_leader(struct peers_finder *finder, const struct blob *info)
{
    finder->has_leader = info != NULL && leader_info_read(blob_slice(info), &finder->leader);
    if (finder->has_leader) {
        char pid[UPID_TEXT_SIZE];
        upid_format(&finder->leader.pid, pid);
        LOG_INFO("A new leading master (UPID=%s) is detected", pid);
    } else {
        LOG_INFO("No leading master is known");
    }
    tell_leader(finder);
}

static void on_again(struct loop_task *task)
{
    tell_leader(CONTAINER_OF(task, struct peers_finder, again));
}

void peers_finder_tell_again(struct peers_finder *finder)
{
    loop_post(finder->options.loop, &finder->again);
}

/* --- names --- */

static void look_up(struct worker_job *job)
{
    struct peers_finder *finder = CONTAINER_OF(job, struct peers_finder, job);
    finder->found.addresses = (struct peers_addresses){.items = finder->found.items,
                                                       .max = ELEMENTS(finder->found.items)};
    finder->found.status =
        peers_lookup_any(&finder->url, &finder->found.addresses, &finder->found.err);
}

static void looked_up(struct worker_job *job)
{
    struct peers_finder *finder = CONTAINER_OF(job, struct peers_finder, job);
    if (finder->is_closing) {
        return;
    }
    struct finder_event event = {
        .type = finder->found.status == 0 ? FINDER_ADDRESSES : FINDER_UNKNOWN,
        .addresses = finder->found.items,
        .count = finder->found.addresses.count,
        .text = finder->found.err.text,
    };
    step(finder, &event);
}

/* --- questions --- */

static void on_end(void *arg, int status, const struct http_head *head UNUSED, struct slice body)
{
    struct line *line = arg;
    uint64_t token = line->token;
    if (token == 0 || line->finder->is_closing) {
        return;
    }
    line->token = 0;
    if (status == 200) {
        step(line->finder,
             &(struct finder_event){.type = FINDER_ANSWER, .token = token, .bytes = body});
        return;
    }
    char why[128];
    if (status == 404 || status == 405) {
        (void)snprintf(why, sizeof(why), "it does not elect by --peers (HTTP status %d)", status);
    } else if (status > 0) {
        (void)snprintf(why, sizeof(why), "HTTP status %d", status);
    } else {
        (void)snprintf(why, sizeof(why), "%s", strerror(-status));
    }
    /* What went wrong may go wrong again on this connection. */
    line->client = client_free(line->client, true);
    step(line->finder, &(struct finder_event){.type = FINDER_FAILED, .token = token, .text = why});
}

static struct line *find_line(struct peers_finder *finder, const struct address *address)
{
    for (size_t i = 0; i < ELEMENTS(finder->lines); i++) {
        if (address_equal(&finder->lines[i].address, address)) {
            return &finder->lines[i];
        }
    }
    return NULL;
}

static void hang_up(struct line *line)
{
    line->token = 0;
    if (line->client != NULL) {
        line->client = client_free(line->client, true);
    }
}

static void ask(struct peers_finder *finder, const struct finder_effect *effect)
{
    static const struct client_handler handler = {.on_end = on_end};
    static const struct address none;
    struct line *line = find_line(finder, &effect->to);
    if (line == NULL) {
        line = find_line(finder, &none);
        ASSERT(line != NULL); /* the machine asks no more than there are */
        line->address = effect->to;
    }
    ASSERT(line->token == 0);
    if (line->client != NULL && client_is_closed(line->client)) {
        hang_up(line);
    }
    if (line->client == NULL) {
        line->client = client_new(finder->options.loop, &line->address, false);
    }
    line->token = effect->token;
    struct client_request request = {
        .method = "POST",
        .target = SLICE(COLLEGE_QUESTION_PATH),
        .content_type = COLLEGE_QUESTION_TYPE,
        .body = blob_slice(effect->bytes),
        .timeout_ns = effect->timeout_ns,
        .size_max = COLLEGE_MESSAGE_SIZE_MAX,
        .handler = &handler,
        .arg = line,
    };
    client_send(line->client, &request);
}

/* --- the machine --- */

static void perform(struct peers_finder *finder, const struct finder_effect *effect)
{
    switch (effect->type) {
    case FINDER_LOOK:
        workers_submit(finder->workers, &finder->job);
        break;
    case FINDER_ASK:
        ask(finder, effect);
        break;
    case FINDER_DROP: {
        struct line *line = find_line(finder, &effect->to);
        if (line != NULL) {
            hang_up(line);
            line->address = (struct address){0};
        }
        break;
    }
    case FINDER_LEADER:
        take_leader(finder, effect->bytes);
        break;
    case FINDER_LOG:
        LOG_AT(effect->level, "%s", effect->text.text);
        break;
    }
}

static void step(struct peers_finder *finder, const struct finder_event *event)
{
    struct finder_effects effects;
    struct finder_effect *effect;
    finder_effects_init(&effects);
    finder_step(finder->machine, loop_now(finder->options.loop).mono_ns, event, &effects);
    loop_timer_set(&finder->timer, finder_deadline(finder->machine));
    while ((effect = finder_effects_pop(&effects)) != NULL) {
        perform(finder, effect);
        finder_effect_free(effect);
    }
}

static void on_deadline(void *arg)
{
    step(arg, &(struct finder_event){.type = FINDER_TICK});
}

/* --- life --- */

int peers_finder_new(const struct peers_finder_options *options, struct peers_finder **ret_finder,
                     struct err *err)
{
    struct peers_finder *finder = xalloc(sizeof(*finder));
    arena_init(&finder->arena, 0);
    int r = peers_url_parse(options->url, &finder->arena, &finder->url, err);
    if (r != 0) {
        arena_deinit(&finder->arena);
        free(finder);
        return r;
    }
    finder->options = *options;
    finder->machine = finder_new(options->seed);
    for (size_t i = 0; i < ELEMENTS(finder->lines); i++) {
        finder->lines[i].finder = finder;
    }
    finder->workers = workers_new(options->loop, 1);
    finder->job = (struct worker_job){.run = look_up, .done = looked_up};
    loop_task_init(&finder->again, on_again);
    loop_timer_init(&finder->timer, options->loop, on_deadline, finder);
    loop_timer_set(&finder->timer, finder_deadline(finder->machine));
    *ret_finder = finder;
    return 0;
}

struct peers_finder *peers_finder_free(struct peers_finder *finder)
{
    if (finder != NULL) {
        finder->is_closing = true;
        loop_timer_cancel(&finder->timer);
        loop_task_cancel(&finder->again);
        workers_free(finder->workers);
        for (size_t i = 0; i < ELEMENTS(finder->lines); i++) {
            hang_up(&finder->lines[i]);
        }
        finder_free(finder->machine);
        arena_deinit(&finder->arena);
        free(finder);
    }
    return NULL;
}
