/*
 * The core against a host that is only a few flags: single stories, and every order of events with
 * every failure of what can fail (small enough to be tried completely, or many at random).
 */
#include "plan_kit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "common/prng.h"
#include "container/containerizer.h"

#define CONTAINERS_MAX 4
#define STEPS_MAX 200
#define FAILURES_MAX 2 /* in one run */

/* --- the host of these tests --- */

struct fake {
    char path[CONTAINER_PATH_SIZE];
    bool there;   /* SPAWN or ADOPT was done, CLEAN was not */
    bool alive;   /* its first process */
    bool fetcher; /* runs */
    bool prepared, released;
    bool spawn_pending, prepare_pending, fetch_pending, kill_pending, clean_pending;
    bool left; /* what KILLED is going to say */
    /* What was reported. */
    int launched, failed, terminated, limited;
    int status;
};

struct world {
    struct paper paper;
    struct containerizer *core;
    struct now now;
    struct fake fakes[CONTAINERS_MAX];
    size_t count;
    int updated, recovered, usage, status_reports, scans, forgotten, uncached;
    char cache_files[1024];        /* of the last FETCH */
    struct container_report *last; /* UPDATED, STATUS_RESULT: for a look */
    char order[256];               /* paths of TERMINATED, in order */
    bool with_stray;               /* KILL finds something left the first time */
};

static struct fake *fake_of(struct world *w, const char *path)
{
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->fakes[i].path, path) == 0) {
            return &w->fakes[i];
        }
    }
    assert_true(w->count < CONTAINERS_MAX);
    struct fake *fake = &w->fakes[w->count++];
    snprintf(fake->path, sizeof(fake->path), "%s", path);
    return fake;
}

static void take_report(struct world *w, struct container_report *report)
{
    if (report->type == CONTAINER_RECOVERED && report->path[0] == '\0') {
        w->recovered++;
        container_report_free(report);
        return;
    }
    struct fake *fake = fake_of(w, report->path);
    switch (report->type) {
    case CONTAINER_LAUNCHED:
        assert_true(fake->released && fake->launched == 0 && fake->failed == 0);
        fake->launched++;
        break;
    case CONTAINER_LAUNCH_FAILED:
        assert_true(fake->launched == 0 && fake->failed == 0);
        assert_non_null(report->text);
        fake->failed++;
        break;
    case CONTAINER_TERMINATED: {
        assert_false(fake->there); /* resources are not free before all is gone */
        assert_int_equal(fake->terminated, 0);
        fake->terminated++;
        fake->status = report->status;
        size_t used = strlen(w->order);
        (void)snprintf(w->order + used, sizeof(w->order) - used, "%.64s ", report->path);
        break;
    }
    case CONTAINER_LIMITED:
        fake->limited++;
        break;
    case CONTAINER_UPDATED:
        w->updated++;
        break;
    case CONTAINER_STATUS_RESULT:
        w->status_reports++;
        break;
    case CONTAINER_USAGE_RESULT:
        w->usage++;
        break;
    case CONTAINER_RECOVERED:
    case CONTAINER_FETCHING:
        break;
    }
    container_report_free(w->last);
    w->last = report;
}

static bool has_live_children(struct world *w, const char *path)
{
    size_t size = strlen(path);
    for (size_t i = 0; i < w->count; i++) {
        const struct fake *f = &w->fakes[i];
        if (f->there && strncmp(f->path, path, size) == 0 && f->path[size] == '.') {
            return true;
        }
    }
    return false;
}

static void perform(struct world *w, struct containerizer_effect *effect)
{
    if (effect->type == CONTAINERIZER_REPORT) {
        take_report(w, TAKE_PTR(effect->report));
        return;
    }
    if (effect->type == CONTAINERIZER_SCAN) {
        w->scans++;
        return;
    }
    if (effect->type == CONTAINERIZER_UNCACHE) {
        w->uncached++;
        return;
    }
    if (effect->type == CONTAINERIZER_FORGET) {
        w->forgotten++;
        return;
    }
    struct fake *fake = fake_of(w, effect->path);
    switch (effect->type) {
    case CONTAINERIZER_SPAWN:
        assert_false(fake->there);
        fake->there = fake->spawn_pending = true;
        break;
    case CONTAINERIZER_ADOPT:
        assert_false(fake->there);
        fake->there = fake->released = true;
        fake->alive = effect->pid != 0;
        break;
    case CONTAINERIZER_FETCH:
        assert_true(fake->prepared && !fake->released && effect->fetcher_info != NULL);
        fake->fetcher = fake->fetch_pending = true;
        snprintf(w->cache_files, sizeof(w->cache_files), "%s",
                 effect->cache_files != NULL ? effect->cache_files : "");
        break;
    case CONTAINERIZER_RELEASE:
        assert_true(fake->prepared && !fake->fetcher && !fake->released);
        fake->released = true;
        break;
    case CONTAINERIZER_WATCH:
        assert_true(fake->prepared || fake->released);
        break;
    case CONTAINERIZER_KILL:
        assert_true(fake->there && !fake->kill_pending && !fake->spawn_pending);
        fake->kill_pending = true;
        fake->left = fake->alive || (w->with_stray && effect->attempt == 0);
        fake->prepare_pending = false;
        break;
    case CONTAINERIZER_CLEAN:
        assert_true(fake->there && !fake->alive && !fake->fetcher && !fake->clean_pending);
        assert_false(has_live_children(w, effect->path));
        fake->clean_pending = true;
        break;
    case CONTAINERIZER_SIGNAL:
    case CONTAINERIZER_UPDATE:
    case CONTAINERIZER_USAGE:
        break;
    case CONTAINERIZER_REPORT:
    case CONTAINERIZER_SCAN:
    case CONTAINERIZER_FORGET:
    case CONTAINERIZER_UNCACHE:
        break;
    }
}

static void step(struct world *w, struct containerizer_event *event)
{
    struct containerizer_effects effects;
    containerizer_effects_init(&effects);
    containerizer_step(w->core, event, w->now, &effects);
    struct containerizer_effect *effect;
    while ((effect = containerizer_effects_pop(&effects)) != NULL) {
        perform(w, effect);
        containerizer_effect_free(effect);
    }
}

static struct containerizer_event *event_of(enum containerizer_event_type type, const char *path)
{
    return containerizer_event_new(type, path);
}

static struct container_request *request_of(enum container_request_type type, const char *path)
{
    struct container_requests requests;
    container_requests_init(&requests);
    container_request_add(&requests, type, path);
    return container_request_pop(&requests);
}

static void ask(struct world *w, struct container_request *request)
{
    struct containerizer_event *event = event_of(CONTAINERIZER_REQUEST, request->path);
    event->request = request;
    step(w, event);
}

static void ask_simple(struct world *w, enum container_request_type type, const char *path)
{
    ask(w, request_of(type, path));
}

static bool cached; /* whether URIs are to be kept */

static void launch(struct world *w, const char *path, bool with_uris)
{
    struct container_request *request = request_of(CONTAINER_LAUNCH, path);
    request->spec = paper_spec("true");
    if (with_uris) {
        Pb__CommandInfo__URI uri = PB__COMMAND_INFO__URI__INIT;
        uri.has_cache = uri.cache = cached;
        Pb__CommandInfo__URI *uris[] = {&uri};
        Pb__CommandInfo command = PB__COMMAND_INFO__INIT;
        uri.value = (char[]){"/file"};
        command.n_uris = 1;
        command.uris = uris;
        request->spec->fetch_command = message_encode_blob(&command.base);
    }
    ask(w, request);
}

static void world_init(struct world *w, bool recovered)
{
    *w = (struct world){0};
    paper_init(&w->paper, CGROUPS_V1, "linux", "cgroups/cpu,cgroups/mem,filesystem/linux");
    w->paper.options.fetcher_cache_dir = "/cache";
    w->paper.options.fetcher_cache_size_bytes = 100;
    paper_start(&w->paper);
    w->core = containerizer_new(&w->paper.options, &w->paper.facts, &w->paper.isolators, 1);
    if (recovered) {
        ask_simple(w, CONTAINER_RECOVER, "");
        step(w, event_of(CONTAINERIZER_SCANNED, ""));
        assert_int_equal(w->recovered, 1);
    }
}

static void world_deinit(struct world *w)
{
    containerizer_free(w->core);
    isolators_deinit(&w->paper.isolators);
    container_report_free(w->last);
}

static void spawned(struct world *w, const char *path, bool fine)
{
    struct fake *fake = fake_of(w, path);
    struct containerizer_event *event = event_of(CONTAINERIZER_SPAWNED, path);
    fake->spawn_pending = false;
    event->pid = 7;
    if (fine) {
        fake->alive = fake->prepare_pending = true;
    } else {
        event->text = xstrdup("spawning failed");
    }
    step(w, event);
}

static void prepared(struct world *w, const char *path, bool fine)
{
    struct fake *fake = fake_of(w, path);
    struct containerizer_event *event = event_of(CONTAINERIZER_PREPARED, path);
    fake->prepare_pending = false;
    fake->prepared = true;
    event->text = fine ? NULL : xstrdup("preparing failed");
    step(w, event);
}

static void fetched(struct world *w, const char *path, bool fine)
{
    struct fake *fake = fake_of(w, path);
    struct containerizer_event *event = event_of(CONTAINERIZER_FETCHED, path);
    fake->fetch_pending = fake->fetcher = false;
    event->text = fine ? NULL : xstrdup("fetching failed");
    step(w, event);
}

/* With the size of what was downloaded into the cache, or because it misses files. */
static void fetched_to_cache(struct world *w, const char *path, int64_t size, bool missing)
{
    struct fake *fake = fake_of(w, path);
    struct containerizer_event *event = event_of(CONTAINERIZER_FETCHED, path);
    fake->fetch_pending = fake->fetcher = false;
    event->left = missing;
    event->blob = blob_new(&size, sizeof(size));
    step(w, event);
}

static void exited(struct world *w, const char *path, int status)
{
    struct fake *fake = fake_of(w, path);
    struct containerizer_event *event = event_of(CONTAINERIZER_EXITED, path);
    fake->alive = fake->prepare_pending = false;
    event->has_status = true;
    event->status = status;
    step(w, event);
}

static void killed(struct world *w, const char *path)
{
    struct fake *fake = fake_of(w, path);
    struct containerizer_event *event = event_of(CONTAINERIZER_KILLED, path);
    fake->kill_pending = false;
    event->left = fake->left;
    step(w, event);
}

static void cleaned(struct world *w, const char *path, bool left)
{
    struct fake *fake = fake_of(w, path);
    struct containerizer_event *event = event_of(CONTAINERIZER_CLEANED, path);
    fake->clean_pending = false;
    fake->there = left;
    event->left = left;
    step(w, event);
}

static void tick(struct world *w)
{
    int64_t deadline = containerizer_deadline(w->core);
    assert_true(deadline != TIME_NEVER);
    w->now.mono_ns = deadline;
    step(w, event_of(CONTAINERIZER_TICK, ""));
}

static void run_to_running(struct world *w, const char *path)
{
    launch(w, path, false);
    spawned(w, path, true);
    prepared(w, path, true);
    assert_int_equal(fake_of(w, path)->launched, 1);
}

static void end(struct world *w, const char *path)
{
    exited(w, path, SIGKILL);
    if (fake_of(w, path)->kill_pending) {
        killed(w, path);
    }
    if (fake_of(w, path)->kill_pending) {
        killed(w, path);
    }
}

/* --- stories --- */

static void test_a_life(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    launch(&w, "c", true);
    assert_string_equal(containerizer_state(w.core, "c"), "SPAWNING");
    spawned(&w, "c", true);
    assert_string_equal(containerizer_state(w.core, "c"), "PREPARING");
    prepared(&w, "c", true);
    assert_string_equal(containerizer_state(w.core, "c"), "FETCHING");
    fetched(&w, "c", true);
    assert_string_equal(containerizer_state(w.core, "c"), "RUNNING");
    exited(&w, "c", 3 << 8);
    assert_string_equal(containerizer_state(w.core, "c"), "KILLING");
    killed(&w, "c");
    assert_string_equal(containerizer_state(w.core, "c"), "CLEANING");
    cleaned(&w, "c", true);
    tick(&w);
    cleaned(&w, "c", false);
    assert_null(containerizer_state(w.core, "c"));
    assert_int_equal(fake_of(&w, "c")->terminated, 1);
    assert_int_equal(fake_of(&w, "c")->status, 3 << 8);
    world_deinit(&w);
}

static void test_attempts_to_kill_are_repeated_ever_later(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    run_to_running(&w, "c");
    ask_simple(&w, CONTAINER_DESTROY, "c");
    int64_t before_ns = 0;
    for (int i = 0; i < 12; i++) {
        killed(&w, "c");
        int64_t wait_ns = containerizer_deadline(w.core) - w.now.mono_ns;
        assert_true(wait_ns >= before_ns && wait_ns <= 2 * NS_PER_SEC);
        before_ns = wait_ns;
        tick(&w);
    }
    killed(&w, "c");
    step(&w, event_of(CONTAINERIZER_STIRRED, "c")); /* no need to wait */
    assert_true(fake_of(&w, "c")->kill_pending);
    killed(&w, "c");
    end(&w, "c");
    cleaned(&w, "c", false);
    assert_int_equal(fake_of(&w, "c")->terminated, 1);
    world_deinit(&w);
}

static void test_a_limit_ends_it_and_is_told(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    run_to_running(&w, "c");
    struct containerizer_event *event = event_of(CONTAINERIZER_LIMIT, "c");
    event->limit = CONTAINER_LIMIT_MEMORY;
    event->text = xstrdup("too much");
    event->blob = blob_from(SLICE("limitation"));
    step(&w, event);
    assert_int_equal(fake_of(&w, "c")->limited, 1);
    killed(&w, "c");
    end(&w, "c");
    cleaned(&w, "c", false);
    assert_int_equal(w.last->type, CONTAINER_TERMINATED);
    assert_int_equal(w.last->limit, CONTAINER_LIMIT_MEMORY);
    assert_string_equal(w.last->text, "too much");
    assert_true(slice_is(blob_slice(w.last->limitation), "limitation"));
    world_deinit(&w);
}

static void test_what_was_asked_for_is_no_limit(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    run_to_running(&w, "c");
    ask_simple(&w, CONTAINER_DESTROY, "c");
    struct containerizer_event *event = event_of(CONTAINERIZER_LIMIT, "c");
    event->limit = CONTAINER_LIMIT_MEMORY;
    step(&w, event);
    assert_int_equal(fake_of(&w, "c")->limited, 0);
    world_deinit(&w);
}

static void test_launches_that_are_refused(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    launch(&w, "a b", false);
    assert_int_equal(fake_of(&w, "a b")->failed + fake_of(&w, "a b")->terminated, 2);
    launch(&w, "p.a", false); /* no such parent */
    assert_int_equal(fake_of(&w, "p.a")->failed + fake_of(&w, "p.a")->terminated, 2);
    run_to_running(&w, "c");
    launch(&w, "c.x", false);
    spawned(&w, "c.x", true);
    ask_simple(&w, CONTAINER_DESTROY, "c");
    assert_string_equal(containerizer_state(w.core, "c.x"), "KILLING");
    world_deinit(&w);
}

static void test_updates_wait_until_cgroups_are_made(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    launch(&w, "c", false);
    for (uint64_t token = 1; token <= 2; token++) { /* the newest counts, the other is answered */
        struct container_request *request = request_of(CONTAINER_UPDATE, "c");
        request->spec = paper_spec("");
        request->token = token;
        ask(&w, request);
    }
    assert_int_equal(w.updated, 1);
    assert_int_equal(w.last->token, 1);
    spawned(&w, "c", true);
    prepared(&w, "c", true);
    struct containerizer_event *event = event_of(CONTAINERIZER_UPDATED, "c");
    event->token = 2;
    step(&w, event);
    assert_int_equal(w.updated, 2);
    assert_int_equal(w.last->token, 2);
    ask_simple(&w, CONTAINER_DESTROY, "c");
    struct container_request *request = request_of(CONTAINER_UPDATE, "c");
    request->spec = paper_spec("");
    ask(&w, request);
    assert_int_equal(w.last->status, -ESRCH);
    world_deinit(&w);
}

static void test_nested_ones_are_remembered_until_removed(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    run_to_running(&w, "p");
    run_to_running(&w, "p.a");
    struct container_request *request = request_of(CONTAINER_REMOVE, "p.a");
    ask(&w, request);
    assert_int_equal(w.last->status, -EBUSY);
    exited(&w, "p.a", 0);
    killed(&w, "p.a");
    cleaned(&w, "p.a", false);
    assert_string_equal(containerizer_state(w.core, "p.a"), "ENDED");
    ask_simple(&w, CONTAINER_STATUS, "p.a");
    assert_int_equal(w.status_reports, 1);
    ask_simple(&w, CONTAINER_REMOVE, "p.a");
    assert_int_equal(w.forgotten, 1);
    assert_null(containerizer_state(w.core, "p.a"));
    ask_simple(&w, CONTAINER_REMOVE, "p.a");
    assert_int_equal(w.last->status, -ENOENT);
    world_deinit(&w);
}

static void test_children_end_first(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    run_to_running(&w, "p");
    run_to_running(&w, "p.a");
    run_to_running(&w, "p.a.x");
    ask_simple(&w, CONTAINER_DESTROY, "p");
    static const char *const paths[] = {"p", "p.a", "p.a.x"};
    for (size_t i = 0; i < ELEMENTS(paths); i++) { /* all are killed at once */
        assert_true(fake_of(&w, paths[i])->kill_pending);
        killed(&w, paths[i]);
        end(&w, paths[i]);
    }
    assert_false(fake_of(&w, "p")->clean_pending);
    assert_false(fake_of(&w, "p.a")->clean_pending);
    cleaned(&w, "p.a.x", false);
    cleaned(&w, "p.a", false);
    cleaned(&w, "p", false);
    assert_string_equal(w.order, "p.a.x p.a p ");
    assert_int_equal(containerizer_count(w.core), 0);
    world_deinit(&w);
}

/* --- the cache --- */

static void test_a_file_is_downloaded_for_one_and_the_others_wait(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    cached = true;
    for (int i = 0; i < 3; i++) {
        const char *path = (const char *[]){"a", "b", "c"}[i];
        launch(&w, path, true);
        spawned(&w, path, true);
        prepared(&w, path, true);
    }
    assert_string_equal(w.cache_files, "D /cache/c1-file\n");
    assert_false(fake_of(&w, "b")->fetcher || fake_of(&w, "c")->fetcher);
    fetched(&w, "a", false); /* it failed: the next one tries */
    assert_int_equal(w.uncached, 1);
    assert_true(fake_of(&w, "b")->fetcher && !fake_of(&w, "c")->fetcher);
    assert_string_equal(w.cache_files, "D /cache/c2-file\n");
    ask_simple(&w, CONTAINER_DESTROY, "b");
    fetched(&w, "b", false); /* killed with its container: and the next */
    assert_string_equal(w.cache_files, "D /cache/c3-file\n");
    fetched_to_cache(&w, "c", 60, false);
    assert_int_equal(fake_of(&w, "c")->launched, 1);
    assert_int_equal(containerizer_counts(w.core).cache_used_bytes, 60);
    launch(&w, "d", true);
    spawned(&w, "d", true);
    prepared(&w, "d", true);
    assert_string_equal(w.cache_files, "R /cache/c3-file\n");
    fetched_to_cache(&w, "d", 0, true); /* somebody has removed it: it is downloaded anew */
    assert_string_equal(w.cache_files, "D /cache/c4-file\n");
    assert_int_equal(containerizer_counts(w.core).cache_used_bytes, 0);
    fetched_to_cache(&w, "d", 101, false); /* more than the cache takes */
    assert_int_equal(fake_of(&w, "d")->launched, 1);
    struct containerizer_counts counts = containerizer_counts(w.core);
    assert_int_equal(counts.cache_used_bytes, 0);
    assert_int_equal(counts.fetches_succeeded, 2);
    assert_int_equal(counts.fetches_failed, 1);
    cached = false;
    world_deinit(&w);
}

/* --- recovery --- */

static struct containerizer_event *found_of(const char *path, int64_t pid, bool alive)
{
    struct containerizer_event *event = event_of(CONTAINERIZER_FOUND, path);
    event->found.pid = pid;
    event->found.alive = alive;
    event->found.has_status = true;
    event->found.status = 5 << 8;
    return event;
}

static void expect(struct world *w, const char *path)
{
    struct container_request *request = request_of(CONTAINER_RECOVER, path);
    request->keep = true;
    ask(w, request);
}

static void test_what_is_known_is_kept_and_orphans_are_ended(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    expect(&w, "known");
    expect(&w, "gone");
    launch(&w, "new", false); /* waits */
    ask_simple(&w, CONTAINER_RECOVER, "");
    assert_int_equal(w.scans, 1);
    assert_null(containerizer_state(w.core, "new"));
    step(&w, found_of("known", 7, true));
    step(&w, found_of("orphan", 8, true));
    step(&w, event_of(CONTAINERIZER_SCANNED, ""));
    assert_int_equal(w.recovered, 1);
    assert_string_equal(containerizer_state(w.core, "known"), "RUNNING");
    assert_string_equal(containerizer_state(w.core, "orphan"), "KILLING");
    assert_string_equal(containerizer_state(w.core, "new"), "SPAWNING");
    assert_string_equal(w.order, "gone ");
    killed(&w, "orphan");
    end(&w, "orphan");
    cleaned(&w, "orphan", false);
    assert_int_equal(fake_of(&w, "orphan")->terminated, 0); /* nobody knows it */
    world_deinit(&w);
}

static void test_what_ended_meanwhile_is_told(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    expect(&w, "c");
    ask_simple(&w, CONTAINER_RECOVER, "");
    step(&w, found_of("c", 7, false));
    step(&w, event_of(CONTAINERIZER_SCANNED, ""));
    killed(&w, "c");
    cleaned(&w, "c", false);
    assert_int_equal(fake_of(&w, "c")->status, 5 << 8);
    world_deinit(&w);
}

static void test_nested_and_standalone_ones_are_found(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    expect(&w, "p");
    ask_simple(&w, CONTAINER_RECOVER, "");
    struct containerizer_event *event = found_of("s", 3, true);
    event->found.standalone = true;
    step(&w, event);
    step(&w, found_of("p", 4, true));
    step(&w, found_of("p.a", 5, true));
    event = found_of("p.s", 6, true); /* a session: ends with its agent */
    event->found.force_destroy = true;
    step(&w, event);
    step(&w, event_of(CONTAINERIZER_SCANNED, ""));
    assert_string_equal(containerizer_state(w.core, "s"), "RUNNING");
    assert_string_equal(containerizer_state(w.core, "p.a"), "RUNNING");
    assert_string_equal(containerizer_state(w.core, "p.s"), "KILLING");
    world_deinit(&w);
}

static void test_nested_orphans_without_their_parent(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    ask_simple(&w, CONTAINER_RECOVER, "");
    step(&w, found_of("p.a", 0, false)); /* only a cgroup was left */
    step(&w, event_of(CONTAINERIZER_SCANNED, ""));
    killed(&w, "p.a");
    killed(&w, "p");
    cleaned(&w, "p.a", false);
    cleaned(&w, "p", false);
    assert_int_equal(containerizer_count(w.core), 0);
    assert_string_equal(w.order, "");
    world_deinit(&w);
}

static void test_a_process_may_be_watched_only(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    struct container_request *request = request_of(CONTAINER_WATCH_ONLY, "c");
    request->pid = 77;
    ask(&w, request);
    assert_true(fake_of(&w, "c")->alive);
    struct containerizer_event *event = event_of(CONTAINERIZER_EXITED, "c");
    fake_of(&w, "c")->alive = false;
    step(&w, event);
    fake_of(&w, "c")->there = false; /* nothing is to be cleaned */
    killed(&w, "c");
    assert_int_equal(fake_of(&w, "c")->terminated, 1);
    assert_int_equal(fake_of(&w, "c")->status, -1);
    world_deinit(&w);
}

/* --- every order, every failure --- */

/* Digits of a number that counts all choices through; once it is past, all were made. */
struct choices {
    uint8_t digits[STEPS_MAX], bases[STEPS_MAX];
    size_t used, count;
    struct prng *random; /* instead, if not NULL */
};

static uint32_t choose(struct choices *c, uint32_t base)
{
    if (c->random != NULL) {
        return (uint32_t)prng_below(c->random, base);
    }
    assert_true(c->used < STEPS_MAX);
    if (c->used == c->count) {
        c->digits[c->count++] = 0;
    }
    c->bases[c->used] = (uint8_t)base;
    return c->digits[c->used++];
}

static bool next_choices(struct choices *c)
{
    while (c->count > 0) {
        if (++c->digits[c->count - 1] < c->bases[c->count - 1]) {
            c->used = 0;
            return true;
        }
        c->count--;
    }
    return false;
}

enum action { SPAWN, PREPARE, FETCH, EXIT, KILL, CLEAN, DESTROY, ACTIONS };

static bool can(const struct fake *f, enum action action)
{
    const bool pending[] = {f->spawn_pending, f->prepare_pending && f->alive,
                            f->fetch_pending, f->alive, /* it may die at any moment */
                            f->kill_pending,  f->clean_pending};
    return action < DESTROY && pending[action];
}

/* One more event in the order of the choices; false if nothing is left to happen. */
static bool happen(struct world *w, struct choices *c, int *failures, bool *destroyed)
{
    struct {
        struct fake *fake;
        enum action action;
    } all[CONTAINERS_MAX * ACTIONS];
    uint32_t count = 0;
    for (size_t i = 0; i < w->count; i++) {
        for (int a = 0; a < ACTIONS; a++) {
            if (can(&w->fakes[i], (enum action)a)) {
                all[count].fake = &w->fakes[i];
                all[count++].action = (enum action)a;
            }
        }
    }
    if (!*destroyed) {
        all[count].fake = &w->fakes[0];
        all[count++].action = DESTROY;
    }
    if (count == 0) {
        if (containerizer_deadline(w->core) == TIME_NEVER) {
            return false;
        }
        tick(w);
        return true;
    }
    uint32_t which = count > 1 ? choose(c, count) : 0;
    const char *path = all[which].fake->path;
    bool fine = true;
    enum action action = all[which].action;
    bool fallible = action == SPAWN || action == PREPARE || action == FETCH || action == CLEAN;
    if (fallible && *failures < FAILURES_MAX) {
        fine = choose(c, 2) == 0;
        *failures += !fine;
    }
    if (action == SPAWN) {
        spawned(w, path, fine);
    } else if (action == PREPARE) {
        prepared(w, path, fine);
    } else if (action == FETCH) {
        fetched(w, path, fine);
    } else if (action == EXIT) {
        exited(w, path, SIGKILL);
    } else if (action == KILL) {
        killed(w, path);
    } else if (action == CLEAN) {
        cleaned(w, path, !fine);
    } else {
        *destroyed = true;
        ask_simple(w, CONTAINER_DESTROY, path);
    }
    return true;
}

static void check_all_ended(struct world *w, size_t launches)
{
    assert_int_equal(w->count, launches);
    for (size_t i = 0; i < w->count; i++) {
        const struct fake *f = &w->fakes[i];
        assert_false(f->there || f->alive || f->fetcher);
        assert_int_equal(f->launched + f->failed, 1);
        assert_int_equal(f->terminated, 1);
    }
    assert_int_equal(containerizer_count(w->core), 0);
}

static void test_one_container_in_every_order_with_every_failure(void **state)
{
    (void)state;
    size_t runs = 0;
    for (int kind = 0; kind < 4; kind++) {
        struct choices choices = {0};
        do {
            struct world w;
            int failures = 0;
            bool destroyed = false;
            world_init(&w, true);
            w.with_stray = (kind & 2) != 0;
            launch(&w, "c", (kind & 1) != 0);
            int steps = 0;
            while (happen(&w, &choices, &failures, &destroyed)) {
                assert_true(++steps < STEPS_MAX);
            }
            check_all_ended(&w, 1);
            world_deinit(&w);
            runs++;
        } while (next_choices(&choices));
    }
    print_message("%zu runs\n", runs);
    assert_true(runs > 100);
}

static void test_nested_containers_at_random(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct prng random;
        prng_seed(&random, seed);
        struct choices choices = {.random = &random};
        struct world w;
        int failures = 0;
        bool destroyed = false;
        world_init(&w, true);
        w.with_stray = seed % 2 == 0;
        run_to_running(&w, "p");
        launch(&w, "p.a", true);
        size_t launches = 2;
        int steps = 0;
        while (happen(&w, &choices, &failures, &destroyed)) {
            const char *at = containerizer_state(w.core, "p.a");
            if (launches == 2 && at != NULL && strcmp(at, "RUNNING") == 0) {
                launch(&w, "p.a.x", seed % 3 == 0);
                launches++;
            }
            assert_true(++steps < STEPS_MAX);
        }
        check_all_ended(&w, launches);
        world_deinit(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_life),
        cmocka_unit_test(test_attempts_to_kill_are_repeated_ever_later),
        cmocka_unit_test(test_a_limit_ends_it_and_is_told),
        cmocka_unit_test(test_what_was_asked_for_is_no_limit),
        cmocka_unit_test(test_launches_that_are_refused),
        cmocka_unit_test(test_updates_wait_until_cgroups_are_made),
        cmocka_unit_test(test_nested_ones_are_remembered_until_removed),
        cmocka_unit_test(test_children_end_first),
        cmocka_unit_test(test_a_file_is_downloaded_for_one_and_the_others_wait),
        cmocka_unit_test(test_what_is_known_is_kept_and_orphans_are_ended),
        cmocka_unit_test(test_what_ended_meanwhile_is_told),
        cmocka_unit_test(test_nested_and_standalone_ones_are_found),
        cmocka_unit_test(test_nested_orphans_without_their_parent),
        cmocka_unit_test(test_a_process_may_be_watched_only),
        cmocka_unit_test(test_one_container_in_every_order_with_every_failure),
        cmocka_unit_test(test_nested_containers_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
