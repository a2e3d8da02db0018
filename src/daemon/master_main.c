/* tepui-master: the master's core on the libevent host, with its registry. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "common/xalloc.h"
#include "daemon/college_wiring.h"
#include "daemon/heap_trim.h"
#include "daemon/master_flags.h"
#include "daemon/master_registry.h"
#include "daemon/master_setup.h"
#include "daemon/system_gauges.h"
#include "daemon/version.h"
#include "daemon/zk_wiring.h"
#include "loghost/log_host.h"
#include "net/host.h"
#include "store/file_reader.h"

#define WORKER_COUNT 2
/* For clients to take what was written when we end. */
#define DRAIN_NS (1 * NS_PER_SEC)
#define PEERS_LEASE_NS (3 * NS_PER_SEC)

extern char **environ;

struct daemon {
    struct loop *loop;
    struct workers *workers;
    struct net_host *host;
    struct metrics *metrics;
    struct master *master;
    struct master_registry *registry;
    struct zk_wiring *zk;           /* --zk; NULL = not given */
    struct college_others peers;    /* --peers */
    struct college_wiring *college; /* NULL = not given; without both it is alone, and leads */
    struct loop_timer timer;        /* the core's deadline */
    struct heap_trim trim;
    struct loop_signal *signals[2];
    int exit_status;
};

/* --- the shell around the core --- */

static void perform_logs(struct master_effects *effects)
{
    struct master_log *line;
    while ((line = master_effects_pop_log(effects)) != NULL) {
        if (log_is_on(line->level)) {
            log_write(line->level, line->file, line->line, "%s", line->text);
        }
        free(line->text);
        free(line);
    }
}

static void stop(void *arg)
{
    struct daemon *daemon = arg;
    LOG_INFO("Ending, on SIGTERM or SIGINT");
    if (daemon->college != NULL) {
        college_wiring_end(daemon->college);
    }
    loop_stop(daemon->loop);
}

static void step(struct daemon *daemon, const struct master_event *event);

/* A file that the core asked for, read by a worker. */
struct file_job {
    struct worker_job job;
    struct daemon *daemon;
    struct file_request *request; /* owned */
    struct file_result result;
};

static void read_file(struct worker_job *job)
{
    struct file_job *file = CONTAINER_OF(job, struct file_job, job);
    file_reader_perform(file->request, &file->result);
}

static void tell_file(struct worker_job *job)
{
    struct file_job *file = CONTAINER_OF(job, struct file_job, job);
    if (file->daemon->master != NULL) {
        step(file->daemon, &(struct master_event){.type = MASTER_FILE, .file = &file->result});
    }
    file_result_deinit(&file->result);
    file_request_free(file->request);
    free(file);
}

static void perform_files(struct daemon *daemon, struct master_effects *effects)
{
    struct file_request *request;
    while ((request = file_request_pop(&effects->files)) != NULL) {
        struct file_job *file = xalloc(sizeof(*file));
        file->job.run = read_file;
        file->job.done = tell_file;
        file->daemon = daemon;
        file->request = request;
        workers_submit(daemon->workers, &file->job);
    }
}

static int64_t clock_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * NS_PER_SEC + time.tv_nsec;
}

static void step(struct daemon *daemon, const struct master_event *event)
{
    struct master_effects effects;
    struct registry_op *op;
    if (daemon->exit_status != EXIT_SUCCESS) {
        return; /* another may lead by now */
    }
    master_effects_init(&effects);
    int64_t begun_ns = clock_ns();
    master_step(daemon->master, loop_now(daemon->loop), event, &effects);
    master_step_took(daemon->master, clock_ns() - begun_ns);
    while ((op = registry_ops_pop(&effects.registry)) != NULL) {
        master_registry_ask(daemon->registry, op);
    }
    net_host_perform(daemon->host, &effects.net);
    perform_files(daemon, &effects);
    if (effects.sets_verbosity) {
        log_set_verbosity(effects.verbosity);
    }
    perform_logs(&effects);
    if (effects.exits) {
        LOG_ERROR("%s", effects.exit_reason.text);
        daemon->exit_status = effects.exit_status;
        loop_stop(daemon->loop);
    }
    master_effects_deinit(&effects);
    loop_timer_set(&daemon->timer, master_deadline(daemon->master));
    heap_trim_later(&daemon->trim);
}

static void on_deadline(void *arg)
{
    step(arg, &(struct master_event){.type = MASTER_TICK});
}

static void on_registry(void *arg, const struct registry_event *event)
{
    step(arg, &(struct master_event){.type = MASTER_REGISTRY, .registry = event});
}

static void fail(struct daemon *daemon, const char *why)
{
    LOG_ERROR("%s", why);
    daemon->exit_status = EXIT_FAILURE;
    loop_stop(daemon->loop);
}

static void on_registry_failed(void *arg, const char *why)
{
    fail(arg, why);
}

static void on_net(void *arg, const struct net_event *event)
{
    struct daemon *daemon = arg;
    if (!college_wiring_take_net(daemon->college, event) &&
        !master_registry_take_net(daemon->registry, event)) {
        step(daemon, &(struct master_event){.type = MASTER_NET, .net = event});
    }
}

static bool has_actor(void *arg, struct slice id)
{
    const struct daemon *daemon = arg;
    return master_has_actor(id) || master_registry_has_actor(daemon->registry, id) ||
           college_wiring_has_actor(daemon->college, id);
}

static const struct net_host_callbacks callbacks = {.on_event = on_net, .has_actor = has_actor};

/* --- starting --- */

static uint64_t random_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        LOG_FATAL("getrandom: %s", strerror(errno));
    }
    return seed;
}

static int open_host(struct daemon *daemon, struct master_setup *setup, struct err *err)
{
    daemon->loop = loop_new();
    daemon->workers = workers_new(daemon->loop, WORKER_COUNT);
    daemon->host = net_host_new(&(struct net_host_options){
        .loop = daemon->loop,
        .workers = daemon->workers,
        .callbacks = &callbacks,
        .arg = daemon,
        .delegate = "master",
        .require_peer_match = setup->require_peer_match,
        .seed = random_seed(),
    });
    struct address bound;
    int r = net_host_listen(daemon->host, &setup->own.listen, &bound, err);
    if (r != 0) {
        return r;
    }
    if (setup->own.advertised.port == 0) {
        setup->own.advertised.port = bound.port;
    }
    net_host_set_self(daemon->host, &setup->own.advertised);
    return 0;
}

static void on_promise(void *arg, uint64_t number)
{
    struct daemon *daemon = arg;
    college_wiring_promised(daemon->college, number);
}

static int open_registry(struct daemon *daemon, const struct master_setup *setup,
                         const struct master_flags *values, struct err *err)
{
    struct master_registry_options options = {
        .loop = daemon->loop,
        .net = daemon->host,
        .metrics = daemon->metrics,
        .in_memory = strcmp(values->registry, "in_memory") == 0,
        .work_dir = values->work_dir,
        /* A master alone is its own majority. */
        .quorum = values->peers != NULL                      ? daemon->peers.quorum
                  : values->zk != NULL && values->quorum > 0 ? (size_t)values->quorum
                                                             : 1,
        .auto_initialize = values->log_auto_initialize,
        .compacts = log_host_compacts(environ),
        .self = setup->own.advertised,
        .fetch_timeout_ns = values->registry_fetch_timeout_ns,
        .store_timeout_ns = values->registry_store_timeout_ns,
        .seed = random_seed(),
        .on_answer = on_registry,
        .on_failed = on_registry_failed,
        .on_promise = on_promise,
        .arg = daemon,
    };
    return master_registry_new(&options, &daemon->registry, err);
}

static void on_election(void *arg, const struct master_event *event)
{
    step(arg, event);
}

static void on_members(void *arg, const struct upid *members, size_t count)
{
    struct daemon *daemon = arg;
    master_registry_set_members(daemon->registry, members, count);
}

static void on_election_failed(void *arg, const char *why)
{
    fail(arg, why);
}

static void contend(void *arg)
{
    struct daemon *daemon = arg;
    master_registry_contend(daemon->registry);
}

static void resign(void *arg)
{
    struct daemon *daemon = arg;
    master_registry_resign(daemon->registry);
}

/* --peers: the masters are the replicas of the log, and elect by it. */
static void start_college(struct daemon *daemon, const struct master_setup *setup,
                          const struct master_flags *values)
{
    struct upid replicas[COLLEGE_MAX];
    for (size_t i = 0; i < daemon->peers.count; i++) {
        replicas[i] = (struct upid){.id = "log-replica(1)", .address = daemon->peers.items[i]};
    }
    master_registry_set_members(daemon->registry, replicas, daemon->peers.count);
    struct college_wiring_options options = {
        .loop = daemon->loop,
        .net = daemon->host,
        .others = &daemon->peers,
        .self = setup->own.advertised,
        .info = master_info(daemon->master),
        .lease_ns = values->peers_lease_ns > 0 ? values->peers_lease_ns : PEERS_LEASE_NS,
        .seed = random_seed(),
        .arg = daemon,
        .step = on_election,
        .fail = on_election_failed,
        .contend = contend,
        .resign = resign,
    };
    daemon->college = college_wiring_new(&options);
}

/* Without --zk and --peers there is nobody else. */
static int start_election(struct daemon *daemon, const struct master_setup *setup,
                          const struct master_flags *values, struct err *err)
{
    if (values->peers != NULL) {
        start_college(daemon, setup, values);
        return 0;
    }
    if (values->zk == NULL) {
        step(daemon, &(struct master_event){.type = MASTER_ELECTED});
        return 0;
    }
    struct upid replica = {.id = "log-replica(1)", .address = setup->own.advertised};
    struct zk_wiring_options options = {
        .loop = daemon->loop,
        .flag = "--zk",
        .url = values->zk,
        .session_timeout_ns = values->zk_session_timeout_ns,
        .seed = random_seed(),
        .arg = daemon,
        .fail = on_election_failed,
        .info = master_info(daemon->master),
        .replica = strcmp(values->registry, "in_memory") == 0 ? NULL : &replica,
        .step_master = on_election,
        .members = on_members,
    };
    return zk_wiring_new(&options, &daemon->zk, err);
}

static int run(struct daemon *daemon, struct master_setup *setup, const struct flags *flags,
               struct err *err)
{
    const struct master_flags *values = flags->values;
    int r = open_host(daemon, setup, err);
    if (r != 0) {
        return r;
    }
    if (values->peers != NULL) {
        r = college_others_parse(values->peers, values->quorum, &setup->own.advertised,
                                 &daemon->peers, err);
        if (r != 0) {
            return r;
        }
    }
    daemon->metrics = metrics_new();
    system_gauges_add(daemon->metrics);
    setup->options.address = setup->own.advertised;
    setup->options.seed = random_seed();
    setup->options.flags = flags;
    setup->options.metrics = daemon->metrics;
    r = open_registry(daemon, setup, values, err);
    if (r != 0) {
        return r;
    }
    daemon->master = master_new(&setup->options, loop_now(daemon->loop));
    loop_timer_init(&daemon->timer, daemon->loop, on_deadline, daemon);
    heap_trim_init(&daemon->trim, daemon->loop);
    daemon->signals[0] = loop_signal_new(daemon->loop, SIGTERM, stop, daemon);
    daemon->signals[1] = loop_signal_new(daemon->loop, SIGINT, stop, daemon);
    LOG_INFO("Master %s (%s) started on %s", master_id(daemon->master), setup->own.hostname,
             master_pid(daemon->master));
    r = start_election(daemon, setup, values, err);
    if (r == 0) {
        loop_run(daemon->loop);
    }
    return r;
}

static void drained(void *arg)
{
    loop_stop(arg);
}

static void close_all(struct daemon *daemon)
{
    if (daemon->master != NULL) {
        loop_timer_cancel(&daemon->timer);
        heap_trim_cancel(&daemon->trim);
        net_host_drain(daemon->host, DRAIN_NS, drained, daemon->loop);
        loop_run(daemon->loop);
        loop_signal_free(daemon->signals[0]);
        loop_signal_free(daemon->signals[1]);
        loop_timer_cancel(&daemon->timer);
        heap_trim_cancel(&daemon->trim);
    }
    daemon->zk = zk_wiring_free(daemon->zk); /* after the last words: the next leads at once */
    daemon->college = college_wiring_free(daemon->college);
    daemon->registry = master_registry_free(daemon->registry);
    net_host_free(daemon->host);
    daemon->master = master_free(daemon->master);
    metrics_free(daemon->metrics);
    if (daemon->workers != NULL) {
        workers_free(daemon->workers);
    }
    if (daemon->loop != NULL) {
        loop_free(daemon->loop);
    }
}

/* --- flags --- */

static int check(const struct master_flags *values, struct err *err)
{
    int r = master_flags_validate(values, err);
    if (r != 0) {
        return r;
    }
    return 0;
}

static int open_log(const struct master_flags *values, struct err *err)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"INFO", LOG_LEVEL_INFO},
        {"WARNING", LOG_LEVEL_WARNING},
        {"ERROR", LOG_LEVEL_ERROR},
    };
    struct log_options options = {
        .program = "tepui-master",
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

static int make_work_dir(const char *work_dir, struct err *err)
{
    if (work_dir != NULL && mkdir(work_dir, 0755) != 0 && errno != EEXIST) {
        return err_errno(err, "--work_dir=%s", work_dir);
    }
    return 0;
}

static int complain(const struct err *err)
{
    fprintf(stderr, "tepui-master: %s\n", err->text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct err err;
    struct arena arena;
    struct master_flags values = {0};
    struct flags flags = {.table = master_flags_table,
                          .count = master_flags_count,
                          .values = &values,
                          .arena = &arena};
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    arena_init(&arena, 0);
    if (flags_parse(
            &flags,
            &(struct flags_source){.argc = argc, .argv = argv, .envp = environ, .prefix = "MESOS_"},
            &text, &err) != 0) {
        return complain(&err);
    }
    fputs(buf_text(&text), stderr);
    if (values.help) {
        buf_clear(&text);
        flags_usage(&flags, "tepui-master", "The master of a cluster.", &text);
        fputs(buf_text(&text), stdout);
        return EXIT_SUCCESS;
    }
    if (values.version) {
        puts("tepui-master " VERSION_TEXT);
        return EXIT_SUCCESS;
    }
    struct master_setup setup;
    struct daemon daemon = {0};
    if (check(&values, &err) != 0 || master_setup(&values, &arena, &setup, &err) != 0 ||
        open_log(&values, &err) != 0 || make_work_dir(values.work_dir, &err) != 0) {
        return complain(&err);
    }
    if (run(&daemon, &setup, &flags, &err) != 0) {
        LOG_ERROR("%s", err.text);
        daemon.exit_status = EXIT_FAILURE;
    }
    close_all(&daemon);
    log_close();
    arena_deinit(&arena);
    return daemon.exit_status;
}
