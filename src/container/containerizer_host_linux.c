#include "container/containerizer_host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/host_linux.h"
#include "container/init_protocol.h"

#define EVENTS_MAX 256 /* taken from epoll at once */

/* --- containers --- */

static struct slice key_of(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct hosted, link)->path);
}

struct hosted *host_find(struct containerizer_host *host, const char *path)
{
    struct map_link *link = map_find(&host->hosted, slice_from(path));
    return link != NULL ? CONTAINER_OF(link, struct hosted, link) : NULL;
}

static struct watch no_watch(enum watch_kind kind, struct hosted *owner)
{
    return (struct watch){.fd = -1, .kind = kind, .owner = owner};
}

struct hosted *host_add(struct containerizer_host *host, const char *path,
                        struct containerizer_place *place)
{
    struct hosted *hosted = xalloc(sizeof(*hosted));
    memcpy(hosted->path, path, strlen(path) + 1);
    hosted->place = *place;
    *place = (struct containerizer_place){0};
    hosted->process = no_watch(WATCH_PROCESS, hosted);
    hosted->agent = no_watch(WATCH_AGENT, hosted);
    hosted->fetching = no_watch(WATCH_FETCHER, hosted);
    hosted->left = no_watch(WATCH_LEFT, hosted);
    hosted->memory = no_watch(WATCH_MEMORY, hosted);
    for (int i = 0; i < HOST_PRESSURE_LEVELS; i++) {
        hosted->pressure[i] = -1;
    }
    list_init(&hosted->dead);
    map_add(&host->hosted, &hosted->link);
    return hosted;
}

void host_remove(struct containerizer_host *host, struct hosted *hosted)
{
    host_unwatch_limits(host, hosted);
    host_unwatch(host, &hosted->process);
    host_unwatch(host, &hosted->agent);
    host_unwatch(host, &hosted->fetching);
    host_unwatch(host, &hosted->left);
    map_remove(&host->hosted, &hosted->link);
    /* Events of this round may still point at it. */
    list_push_back(&host->graveyard, &hosted->dead);
}

static void bury(struct containerizer_host *host)
{
    struct list *link;
    while ((link = list_pop_front(&host->graveyard)) != NULL) {
        struct hosted *hosted = LIST_ENTRY(link, struct hosted, dead);
        containerizer_place_deinit(&hosted->place);
        free(hosted->cache_files);
        free(hosted);
    }
}

/* --- events --- */

struct containerizer_event *host_event(struct containerizer_host *host,
                                       enum containerizer_event_type type, const char *path)
{
    struct containerizer_event *event = containerizer_event_new(type, path);
    list_push_back(&host->events, &event->link);
    return event;
}

int host_watch(struct containerizer_host *host, struct watch *watch, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    ASSERT(watch->fd < 0);
    if (epoll_ctl(host->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    watch->fd = fd;
    return 0;
}

void host_unwatch(struct containerizer_host *host UNUSED, struct watch *watch)
{
    if (watch->fd >= 0) {
        epoll_ctl(host->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
        close(watch->fd);
        watch->fd = -1;
    }
}

static void wake(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof(one)); /* fails only if it is as awake as it can be */
    (void)n;
}

static void calm(int fd)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof(count));
    (void)n;
}

void host_warn(const struct containerizer_host *host, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = NULL;
    if (host->options.warn != NULL && vasprintf(&text, fmt, args) >= 0) {
        host->options.warn(text);
    }
    free(text);
    va_end(args);
}

void host_deliver(struct containerizer_host *host, struct container_report *report)
{
    pthread_mutex_lock(&host->lock);
    bool was_empty = list_is_empty(&host->outbox);
    list_push_back(&host->outbox, &report->link);
    pthread_mutex_unlock(&host->lock);
    if (was_empty) {
        wake(host->out);
    }
}

/* --- the loop --- */

static struct now read_clocks(void)
{
    struct timespec mono, wall;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct now){.mono_ns = mono.tv_sec * NS_PER_SEC + mono.tv_nsec,
                        .wall_ns = wall.tv_sec * NS_PER_SEC + wall.tv_nsec};
}

static void perform(struct containerizer_host *host, struct containerizer_effect *effect)
{
    struct hosted *hosted;
    switch (effect->type) {
    case CONTAINERIZER_REPORT:
        host_deliver(host, TAKE_PTR(effect->report));
        return;
    case CONTAINERIZER_SPAWN:
        host_spawn(host, effect);
        return;
    case CONTAINERIZER_ADOPT:
        host_adopt(host, effect);
        return;
    case CONTAINERIZER_FETCH:
        host_fetch(host, effect);
        return;
    case CONTAINERIZER_RELEASE:
        host_release(host, effect->path);
        return;
    case CONTAINERIZER_WATCH:
        hosted = host_find(host, effect->path);
        if (hosted != NULL) {
            host_watch_limits(host, hosted);
        }
        return;
    case CONTAINERIZER_SIGNAL:
        host_signal(host, effect->path, effect->signal);
        return;
    case CONTAINERIZER_KILL:
        host_kill(host, effect);
        return;
    case CONTAINERIZER_CLEAN:
        host_clean(host, effect);
        return;
    case CONTAINERIZER_UPDATE:
        host_update(host, effect);
        return;
    case CONTAINERIZER_USAGE:
        host_usage(host, effect);
        return;
    case CONTAINERIZER_SCAN:
        host_scan(host);
        return;
    case CONTAINERIZER_FORGET:
        host_forget(host, effect);
        return;
    case CONTAINERIZER_UNCACHE:
        host_uncache(effect->sandbox);
        return;
    }
}

static void step(struct containerizer_host *host, struct containerizer_event *event)
{
    struct containerizer_effects effects;
    containerizer_effects_init(&effects);
    containerizer_step(host->core, event, read_clocks(), &effects);
    struct containerizer_effect *effect;
    while ((effect = containerizer_effects_pop(&effects)) != NULL) {
        perform(host, effect);
        containerizer_effect_free(effect);
    }
}

/* Until nothing is to be said to the core any more. */
static void settle(struct containerizer_host *host)
{
    for (;;) {
        struct list *link = list_pop_front(&host->events);
        if (link != NULL) {
            step(host, LIST_ENTRY(link, struct containerizer_event, link));
        } else if (host->to_scan_count != 0) {
            host_kill_scanned(host);
        } else {
            return;
        }
    }
}

static void append(struct list *to, struct list *from)
{
    struct list *link;
    while ((link = list_pop_front(from)) != NULL) {
        list_push_back(to, link);
    }
}

static bool take_inbox(struct containerizer_host *host)
{
    struct container_requests requests;
    container_requests_init(&requests);
    calm(host->wake.fd);
    pthread_mutex_lock(&host->lock);
    append(&requests.list, &host->inbox.list);
    append(&host->events, &host->completed);
    bool stopping = host->stopping;
    pthread_mutex_unlock(&host->lock);
    struct container_request *request;
    while ((request = container_request_pop(&requests)) != NULL) {
        host_event(host, CONTAINERIZER_REQUEST, request->path)->request = request;
    }
    return !stopping;
}

static void left_stirred(struct containerizer_host *host, struct hosted *hosted)
{
    host_unwatch(host, &hosted->left);
    host_event(host, CONTAINERIZER_STIRRED, hosted->path);
}

static bool happened(struct containerizer_host *host, struct watch *watch)
{
    if (watch->fd < 0) {
        return true; /* gone earlier in this round */
    }
    switch (watch->kind) {
    case WATCH_INBOX:
        return take_inbox(host);
    case WATCH_PROCESS:
        host_process_ended(host, watch->owner);
        return true;
    case WATCH_AGENT:
        host_agent_readable(host, watch->owner);
        return true;
    case WATCH_FETCHER:
        host_fetcher_ended(host, watch->owner);
        return true;
    case WATCH_LEFT:
        left_stirred(host, watch->owner);
        return true;
    case WATCH_MEMORY:
        host_memory_event(host, watch->owner);
        return true;
    }
    WRONG("an unknown watch");
}

static int timeout_ms(const struct containerizer_host *host)
{
    int64_t deadline_ns = containerizer_deadline(host->core);
    if (deadline_ns == TIME_NEVER) {
        return -1;
    }
    int64_t left_ns = deadline_ns - read_clocks().mono_ns;
    return left_ns <= 0 ? 0 : (int)MIN((left_ns + NS_PER_MS - 1) / NS_PER_MS, 60000);
}

/* Memory events go first: a limit is told before the end that it brought. */
static bool take_events(struct containerizer_host *host, struct epoll_event *events, int count)
{
    bool going_on = true;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < count; i++) {
            struct watch *watch = events[i].data.ptr;
            if ((watch->kind == WATCH_MEMORY) == (pass == 0)) {
                going_on = happened(host, watch) && going_on;
            }
        }
    }
    return going_on;
}

static void *run(void *arg)
{
    struct containerizer_host *host = arg;
    static const char name[] = "containerizer";
    pthread_setname_np(pthread_self(), name);
    bool going_on = true;
    while (going_on) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(host->epoll, events, EVENTS_MAX, timeout_ms(host));
        going_on = take_events(host, events, MAX(count, 0));
        if (containerizer_deadline(host->core) <= read_clocks().mono_ns) {
            host_event(host, CONTAINERIZER_TICK, "");
        }
        settle(host);
        bury(host);
        pthread_mutex_lock(&host->lock);
        host->counts = containerizer_counts(host->core);
        pthread_mutex_unlock(&host->lock);
    }
    return NULL;
}

/* --- for the daemon --- */

static struct containerizer_host *free_host(struct containerizer_host *host)
{
    host->core = containerizer_free(host->core);
    struct map_link *link;
    while ((link = map_first(&host->hosted)) != NULL) {
        host_remove(host, CONTAINER_OF(link, struct hosted, link));
    }
    bury(host);
    map_deinit(&host->hosted);
    isolators_deinit(&host->isolators);
    struct list *event;
    append(&host->events, &host->completed);
    while ((event = list_pop_front(&host->events)) != NULL) {
        containerizer_event_free(LIST_ENTRY(event, struct containerizer_event, link));
    }
    struct container_report *report;
    while ((report = containerizer_host_take(host)) != NULL) {
        container_report_free(report);
    }
    container_requests_deinit(&host->inbox);
    host_unwatch(host, &host->wake);
    int fds[] = {host->epoll, host->pid_namespace, host->out, host->program};
    for (size_t i = 0; i < ELEMENTS(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    for (size_t i = 0; i < host->string_count; i++) {
        free(host->strings[i]);
    }
    free(host->fetcher);
    free(host->cache_dir);
    pthread_cond_destroy(&host->jobs_done);
    pthread_mutex_destroy(&host->lock);
    free(host);
    return NULL;
}

static struct containerizer_host *new_host(const struct containerizer_options *options)
{
    struct containerizer_host *host = xalloc(sizeof(*host));
    host->options = *options;
    map_init(&host->hosted, key_of, (uint64_t)(uintptr_t)host);
    list_init(&host->graveyard);
    list_init(&host->events);
    list_init(&host->outbox);
    list_init(&host->completed);
    container_requests_init(&host->inbox);
    pthread_mutex_init(&host->lock, NULL);
    pthread_cond_init(&host->jobs_done, NULL);
    host->fetcher = xasprintf("%s/tepui-fetcher", options->launcher_dir);
    host->wake = no_watch(WATCH_INBOX, NULL);
    host->epoll = host->pid_namespace = host->out = host->program = -1;
    return host;
}

/* What we hand to it is for this very version: when the programs are replaced, ours stays. */
static int open_program(struct containerizer_host *host, struct err *err)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/" INIT_PROGRAM, host->options.launcher_dir);
    host->program = open(path, O_PATH | O_CLOEXEC);
    return host->program >= 0 ? 0 : err_errno(err, "Failed to open '%s'", path);
}

static int open_descriptors(struct containerizer_host *host, struct err *err)
{
    host->epoll = epoll_create1(EPOLL_CLOEXEC);
    host->out = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (host->epoll < 0 || host->out < 0 || fd < 0) {
        return err_errno(err, "Failed to create descriptors");
    }
    int r = host_watch(host, &host->wake, fd, EPOLLIN);
    errno = -r;
    return r == 0 ? 0 : err_errno(err, "Failed to watch a descriptor");
}

/* Signals are for the daemon's own thread. */
static int start_thread(struct containerizer_host *host, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&host->thread, NULL, run, host);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return error == 0 ? 0 : err_errno(err, "Failed to start the containerizer's thread");
}

int containerizer_host_start(const struct containerizer_options *options,
                             struct containerizer_host **ret_host, struct err *err)
{
    struct containerizer_host *host = new_host(options);
    int r = open_descriptors(host, err);
    if (r == 0) {
        r = open_program(host, err);
    }
    if (r == 0) {
        r = host_find_facts(host, err);
    }
    if (r == 0) {
        r = isolators_parse(&host->options, &host->facts, &host->isolators, err);
    }
    if (r == 0) {
        r = host_prepare(host, err);
    }
    if (r == 0) {
        host_open_cache(host);
        host->core = containerizer_new(&host->options, &host->facts, &host->isolators,
                                       (uint64_t)read_clocks().mono_ns);
        host->counts = containerizer_counts(host->core);
        r = start_thread(host, err);
    }
    if (r != 0) {
        free_host(host);
        return r;
    }
    *ret_host = host;
    return 0;
}

struct containerizer_host *containerizer_host_free(struct containerizer_host *host)
{
    if (host == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&host->lock);
    host->stopping = true;
    pthread_mutex_unlock(&host->lock);
    wake(host->wake.fd);
    pthread_join(host->thread, NULL);
    pthread_mutex_lock(&host->lock);
    while (host->job_count != 0) {
        pthread_cond_wait(&host->jobs_done, &host->lock);
    }
    pthread_mutex_unlock(&host->lock);
    return free_host(host);
}

void containerizer_host_submit(struct containerizer_host *host, struct container_requests *requests)
{
    if (list_is_empty(&requests->list)) {
        return;
    }
    pthread_mutex_lock(&host->lock);
    append(&host->inbox.list, &requests->list);
    pthread_mutex_unlock(&host->lock);
    wake(host->wake.fd);
}

int containerizer_host_fd(const struct containerizer_host *host)
{
    return host->out;
}

struct container_report *containerizer_host_take(struct containerizer_host *host)
{
    pthread_mutex_lock(&host->lock);
    struct list *link = list_pop_front(&host->outbox);
    if (link == NULL) {
        calm(host->out);
    }
    pthread_mutex_unlock(&host->lock);
    return link != NULL ? LIST_ENTRY(link, struct container_report, link) : NULL;
}

struct containerizer_counts containerizer_host_counts(struct containerizer_host *host)
{
    pthread_mutex_lock(&host->lock);
    struct containerizer_counts counts = host->counts;
    pthread_mutex_unlock(&host->lock);
    return counts;
}
