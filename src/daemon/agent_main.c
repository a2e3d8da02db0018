/* tepui-agent: the agent's core on the libevent host, with its files and its containers. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "container/containerizer_host.h"
#include "coord/peers_finder.h"
#include "daemon/agent_consoles.h"
#include "daemon/agent_flags.h"
#include "daemon/agent_jobs.h"
#include "daemon/agent_setup.h"
#include "daemon/container_gauges.h"
#include "daemon/system_gauges.h"
#include "daemon/version.h"
#include "daemon/zk_wiring.h"
#include "net/host.h"
#include "store/files.h"

#define WORKER_COUNT 2
/* For the master to take our last words. */
#define DRAIN_NS (2 * NS_PER_SEC)

extern char **environ;

struct daemon {
    struct loop *loop;
    struct workers *workers;
    struct net_host *host;
    struct files *files;
    struct containerizer_host *containers;
    struct agent_jobs jobs;
    struct agent_consoles consoles;
    struct list failed;           /* of struct container_report: launches that came to nothing */
    struct loop_task failed_task; /* tells them */
    struct agent *agent;
    struct agent_setup_result *setup;
    struct loop_timer timer;        /* the core's deadline */
    struct loop_task detect_task;   /* tells the master of --master */
    struct zk_wiring *zk;           /* --master=zk://...; NULL = it is not */
    struct peers_finder *peers;     /* --master=peers://...; NULL = it is not */
    struct event *files_event;      /* completions wait */
    struct event *containers_event; /* reports wait */
    struct loop_signal *signals[3];
    bool is_over; /* the core has said its last word */
    int exit_status;
};

/* --- the shell around the core --- */

static void drained(void *arg)
{
    struct daemon *daemon = arg;
    loop_stop(daemon->loop);
}

/* The loop goes on until what was written is taken. */
static void end(struct daemon *daemon, int status, const char *why)
{
    if (daemon->is_over) {
        return;
    }
    if (why != NULL && why[0] != '\0') {
        LOG_ERROR("%s", why);
    }
    daemon->is_over = true;
    daemon->exit_status = status;
    net_host_drain(daemon->host, DRAIN_NS, drained, daemon);
}

static void perform_ask(struct daemon *daemon, const struct agent_ask *ask)
{
    switch (ask->type) {
    case AGENT_ASK_USER:
        agent_jobs_find_user(&daemon->jobs, ask->text);
        break;
    case AGENT_ASK_DISK_USAGE:
        agent_jobs_disk_usage(&daemon->jobs, daemon->setup->work_dir);
        break;
    case AGENT_ASK_REDETECT:
        loop_post(daemon->loop, &daemon->detect_task);
        break;
    case AGENT_ASK_VERBOSITY:
        log_set_verbosity(ask->value);
        break;
    case AGENT_ASK_LOG:
        if (log_is_on((enum log_level)ask->value)) {
            log_write((enum log_level)ask->value, ask->file, ask->line, "%s", ask->text);
        }
        break;
    case AGENT_ASK_INPUT:
        agent_consoles_input(&daemon->consoles, ask);
        break;
    case AGENT_ASK_WINDOW:
        agent_consoles_window(&daemon->consoles, ask);
        break;
    case AGENT_ASK_EXIT:
        end(daemon, ask->value, ask->text);
        break;
    }
}

static void add_failed(struct daemon *daemon, enum container_report_type type, const char *path,
                       const char *text)
{
    struct container_report *report = container_report_new(type, path);
    report->text = xstrdup(text);
    list_push_back(&daemon->failed, &report->link);
    loop_post(daemon->loop, &daemon->failed_task);
}

/* Those that clients are attached to get pipes or a terminal first. */
static void submit_containers(struct daemon *daemon, struct container_requests *requests)
{
    struct container_requests ready;
    struct container_request *request;
    container_requests_init(&ready);
    while ((request = container_request_pop(requests)) != NULL) {
        struct err err = {""};
        if (request->type == CONTAINER_LAUNCH && request->spec->attached &&
            agent_consoles_prepare(&daemon->consoles, request, &err) != 0) {
            add_failed(daemon, CONTAINER_LAUNCH_FAILED, request->path, err.text);
            add_failed(daemon, CONTAINER_TERMINATED, request->path, err.text);
            container_request_free(request);
            continue;
        }
        list_push_back(&ready.list, &request->link);
    }
    containerizer_host_submit(daemon->containers, &ready);
}

static void step(void *arg, const struct agent_event *event)
{
    struct daemon *daemon = arg;
    if (daemon->is_over || daemon->agent == NULL) {
        return;
    }
    struct agent_effects effects;
    agent_effects_init(&effects);
    agent_step(daemon->agent, event, loop_now(daemon->loop), &effects);
    files_submit(daemon->files, &effects.store);
    net_host_perform(daemon->host, &effects.net);
    submit_containers(daemon, &effects.containers);
    struct file_request *request;
    while ((request = file_request_pop(&effects.files)) != NULL) {
        agent_jobs_read_file(&daemon->jobs, request);
    }
    struct agent_ask *ask;
    while ((ask = agent_ask_pop(&effects)) != NULL) {
        perform_ask(daemon, ask);
        agent_ask_free(ask);
    }
    agent_effects_deinit(&effects);
    loop_timer_set(&daemon->timer, daemon->is_over ? TIME_NEVER : agent_deadline(daemon->agent));
}

static void on_deadline(void *arg)
{
    step(arg, &(struct agent_event){.type = AGENT_WAKE});
}

static void on_net(void *arg, const struct net_event *event)
{
    step(arg, &(struct agent_event){.type = AGENT_NET, .net = event});
}

static bool has_actor(void *arg, struct slice id)
{
    (void)arg;
    return agent_has_actor(id);
}

/* Input for containers may come for as long as they live. */
static bool streams(void *arg, const struct http_head *head, struct slice path)
{
    (void)arg;
    return slice_is(path, "/" AGENT_ACTOR "/api/v1") &&
           slice_is(http_find_header(head, "Content-Type"), "application/recordio");
}

static const struct net_host_callbacks callbacks = {
    .on_event = on_net, .has_actor = has_actor, .streams = streams};

static void pause_body(void *arg, uint64_t handle, bool paused)
{
    struct daemon *daemon = arg;
    net_host_pause_body(daemon->host, handle, paused);
}

static void on_files(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct daemon *daemon = arg;
    struct store_done done;
    while (files_take(daemon->files, &done)) {
        step(daemon, &(struct agent_event){.type = AGENT_STORED, .stored = done});
    }
}

static void tell_report(struct daemon *daemon, struct container_report *report)
{
    agent_consoles_report(&daemon->consoles, report);
    step(daemon, &(struct agent_event){.type = AGENT_CONTAINER, .container = report});
    container_report_free(report);
}

static void on_containers(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct daemon *daemon = arg;
    struct container_report *report;
    while ((report = containerizer_host_take(daemon->containers)) != NULL) {
        tell_report(daemon, report);
    }
}

static void on_failed(struct loop_task *task)
{
    struct daemon *daemon = CONTAINER_OF(task, struct daemon, failed_task);
    struct list *link;
    while ((link = list_pop_front(&daemon->failed)) != NULL) {
        tell_report(daemon, LIST_ENTRY(link, struct container_report, link));
    }
}

static void on_detect(struct loop_task *task)
{
    struct daemon *daemon = CONTAINER_OF(task, struct daemon, detect_task);
    if (daemon->zk != NULL) {
        zk_wiring_tell_again(daemon->zk);
        return;
    }
    if (daemon->peers != NULL) {
        peers_finder_tell_again(daemon->peers);
        return;
    }
    step(daemon, &(struct agent_event){.type = AGENT_MASTER, .master = daemon->setup->master});
}

/* SIGTERM is like a crash: containers live on, and nobody is told. */
static void on_term(void *arg)
{
    struct daemon *daemon = arg;
    LOG_INFO("Ending, on SIGTERM or SIGINT; executors and tasks run on");
    daemon->is_over = true;
    loop_stop(daemon->loop);
}

static void on_leave(void *arg)
{
    step(arg, &(struct agent_event){.type = AGENT_LEAVE});
}

/* --- starting --- */

static uint64_t random_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        LOG_FATAL("getrandom: %s", strerror(errno));
    }
    return seed;
}

static int open_host(struct daemon *daemon, struct err *err)
{
    struct own_address *own = &daemon->setup->own;
    struct address bound;
    daemon->loop = loop_new();
    daemon->workers = workers_new(daemon->loop, WORKER_COUNT);
    daemon->consoles = (struct agent_consoles){
        .base = loop_base(daemon->loop), .on_event = step, .pause = pause_body, .arg = daemon};
    agent_consoles_init(&daemon->consoles);
    list_init(&daemon->failed);
    loop_task_init(&daemon->failed_task, on_failed);
    daemon->jobs = (struct agent_jobs){.workers = daemon->workers, .on_event = step, .arg = daemon};
    daemon->host = net_host_new(&(struct net_host_options){
        .loop = daemon->loop,
        .workers = daemon->workers,
        .callbacks = &callbacks,
        .arg = daemon,
        .delegate = AGENT_ACTOR,
        .require_peer_match = daemon->setup->require_peer_match,
        .seed = random_seed(),
    });
    int r = net_host_listen(daemon->host, &own->listen, &bound, err);
    if (r != 0) {
        return r;
    }
    if (own->advertised.port == 0) {
        own->advertised.port = bound.port;
    }
    net_host_set_self(daemon->host, &own->advertised);
    return 0;
}

static struct event *watch(struct daemon *daemon, int fd, event_callback_fn fn)
{
    struct event *event = event_new(loop_base(daemon->loop), fd, EV_READ | EV_PERSIST, fn, daemon);
    ASSERT(event != NULL);
    int r = event_add(event, NULL);
    ASSERT(r == 0);
    return event;
}

/* The core, its files and its containers. */
static int open_core(struct daemon *daemon, struct err *err)
{
    struct agent_config *config = &daemon->setup->config;
    config->address = daemon->setup->own.advertised;
    config->seed = random_seed();
    int r = agent_new(config, loop_now(daemon->loop), &daemon->agent, err);
    if (r != 0) {
        return -EINVAL;
    }
    r = containerizer_host_start(&daemon->setup->containers, &daemon->containers, err);
    if (r != 0) {
        return r < 0 ? r : -EINVAL;
    }
    char trash[4096];
    (void)snprintf(trash, sizeof(trash), "%s/.trash", daemon->setup->work_dir);
    r = files_start(trash, &daemon->files, err);
    if (r != 0) {
        return r;
    }
    system_gauges_add(agent_metrics(daemon->agent));
    container_gauges_add(agent_metrics(daemon->agent), daemon->containers);
    loop_timer_init(&daemon->timer, daemon->loop, on_deadline, daemon);
    loop_task_init(&daemon->detect_task, on_detect);
    daemon->files_event = watch(daemon, files_fd(daemon->files), on_files);
    daemon->containers_event =
        watch(daemon, containerizer_host_fd(daemon->containers), on_containers);
    daemon->signals[0] = loop_signal_new(daemon->loop, SIGTERM, on_term, daemon);
    daemon->signals[1] = loop_signal_new(daemon->loop, SIGINT, on_term, daemon);
    daemon->signals[2] = loop_signal_new(daemon->loop, SIGUSR1, on_leave, daemon);
    return 0;
}

static void on_zk_failed(void *arg, const char *why)
{
    end(arg, EXIT_FAILURE, why);
}

static void on_leader(void *arg, const struct leader *leader)
{
    struct agent_event event = {.type = AGENT_MASTER};
    if (leader != NULL) {
        event.master.pid = leader->pid;
        event.master.hostname = leader->hostname;
        event.master.has_agent_update = leader->has_agent_update;
    }
    step(arg, &event);
}

/* Who leads: the one of --master, or whom ZooKeeper tells, or the masters themselves. */
static int start_detection(struct daemon *daemon, struct err *err)
{
    if (daemon->setup->peers != NULL) {
        struct peers_finder_options finder = {
            .loop = daemon->loop,
            .url = slice_from(daemon->setup->peers),
            .seed = random_seed(),
            .on_leader = on_leader,
            .arg = daemon,
        };
        return peers_finder_new(&finder, &daemon->peers, err);
    }
    if (daemon->setup->zk == NULL) {
        loop_post(daemon->loop, &daemon->detect_task);
        return 0;
    }
    struct zk_wiring_options options = {
        .loop = daemon->loop,
        .flag = "--master",
        .url = daemon->setup->zk,
        .session_timeout_ns = daemon->setup->zk_session_timeout_ns,
        .seed = random_seed(),
        .arg = daemon,
        .fail = on_zk_failed,
        .step_agent = step,
    };
    return zk_wiring_new(&options, &daemon->zk, err);
}

static int run(struct daemon *daemon, struct err *err)
{
    int r = open_host(daemon, err);
    if (r == 0) {
        r = open_core(daemon, err);
    }
    if (r != 0) {
        return r;
    }
    char address[ADDRESS_TEXT_SIZE];
    address_format(&daemon->setup->own.advertised, address);
    LOG_INFO("Agent started on %s (%s)", address, daemon->setup->own.hostname);
    agent_jobs_recover(&daemon->jobs, daemon->setup->work_dir);
    r = start_detection(daemon, err);
    if (r != 0) {
        return r;
    }
    on_deadline(daemon);
    loop_run(daemon->loop);
    return 0;
}

static void close_all(struct daemon *daemon)
{
    for (size_t i = 0; i < ELEMENTS(daemon->signals); i++) {
        if (daemon->signals[i] != NULL) {
            loop_signal_free(daemon->signals[i]);
        }
    }
    if (daemon->files_event != NULL) {
        event_free(daemon->files_event);
    }
    if (daemon->containers_event != NULL) {
        event_free(daemon->containers_event);
    }
    if (daemon->loop != NULL && daemon->files_event != NULL) {
        loop_timer_cancel(&daemon->timer);
        loop_task_cancel(&daemon->detect_task);
        loop_task_cancel(&daemon->failed_task);
        agent_consoles_deinit(&daemon->consoles);
    }
    daemon->is_over = true;
    daemon->zk = zk_wiring_free(daemon->zk);
    daemon->peers = peers_finder_free(daemon->peers);
    files_free(daemon->files);
    containerizer_host_free(daemon->containers);
    net_host_free(daemon->host);
    if (daemon->workers != NULL) {
        workers_free(daemon->workers);
    }
    agent_free(daemon->agent);
    if (daemon->loop != NULL) {
        loop_free(daemon->loop);
    }
}

/* --- flags --- */

static int open_log(const struct agent_flags *values, struct err *err)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"INFO", LOG_LEVEL_INFO}, {"WARNING", LOG_LEVEL_WARNING}, {"ERROR", LOG_LEVEL_ERROR}};
    struct log_options options = {
        .program = "tepui-agent",
        .dir = values->log_dir,
        .level = LOG_LEVEL_INFO,
        .quiet = values->quiet,
        .flush_interval_secs = (int)values->logbufsecs,
    };
    for (size_t i = 0; i < ELEMENTS(levels); i++) {
        if (strcmp(levels[i].name, values->logging_level) == 0) {
            options.level = levels[i].level;
        }
    }
    return log_open(&options, err);
}

static int complain(const struct err *err)
{
    fprintf(stderr, "tepui-agent: %s\n", err->text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct err err = {""};
    struct arena arena;
    struct agent_flags values = {0};
    struct flags flags = {
        .table = agent_flags_table, .count = agent_flags_count, .values = &values, .arena = &arena};
    struct flags_source source = {.argc = argc, .argv = argv, .envp = environ, .prefix = "MESOS_"};
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    arena_init(&arena, 0);
    if (flags_parse(&flags, &source, &text, &err) != 0) {
        return complain(&err);
    }
    fputs(buf_text(&text), stderr);
    if (values.help) {
        buf_clear(&text);
        flags_usage(&flags, "tepui-agent", "Runs the tasks of one machine.", &text);
        fputs(buf_text(&text), stdout);
        return EXIT_SUCCESS;
    }
    if (values.version) {
        puts("tepui-agent " VERSION_TEXT);
        return EXIT_SUCCESS;
    }
    struct agent_setup_result setup;
    struct daemon daemon = {.setup = &setup};
    if (agent_flags_validate(&values, &err) != 0 || open_log(&values, &err) != 0 ||
        agent_setup_make(&values, &flags, &arena, &setup, &err) != 0) {
        return complain(&err);
    }
    if (run(&daemon, &err) != 0) {
        LOG_ERROR("%s", err.text);
        daemon.exit_status = EXIT_FAILURE;
    }
    close_all(&daemon);
    log_close();
    arena_deinit(&arena);
    return daemon.exit_status;
}
