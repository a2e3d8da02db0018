#include "sim/cluster_story.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/cluster_nested.h"
#include "sim/sim_disk.h"
#include "sim/sim_http.h"
#include "sim/sim_net.h"

struct story {
    struct cluster *cluster;
    struct sim *sim;
    bool wire;       /* all messages are told */
    size_t told;     /* so much of the trace is told, or never will be */
    struct buf last; /* the last message told, without its time */
};

/* The words of a command that are not yet read. */
struct words {
    int count;
    char **at;
};

static const char *next_word(struct words *words)
{
    if (words->count == 0) {
        return NULL;
    }
    words->count--;
    return *words->at++;
}

static bool take_word(struct words *words, const char *word)
{
    if (words->count == 0 || strcmp(*words->at, word) != 0) {
        return false;
    }
    next_word(words);
    return true;
}

static int take_time(struct words *words, int64_t *ret_ns, struct err *err)
{
    const char *word = next_word(words);
    return word != NULL ? duration_parse(slice_from(word), ret_ns, err)
                        : err_set(err, -EINVAL, "a time is missing, such as 5secs");
}

static int take_number(struct words *words, double *ret_number, struct err *err)
{
    const char *word = next_word(words);
    char *end = NULL;
    double number = word != NULL ? strtod(word, &end) : -1;
    if (word == NULL || end == word || *end != '\0' || number < 0 || number > 1e6) {
        return err_set(err, -EINVAL, "a number is missing");
    }
    *ret_number = number;
    return 0;
}

static int take_task(struct story *story, struct words *words, struct cluster_task **ret_task,
                     struct err *err)
{
    const char *word = next_word(words);
    struct cluster_task *task =
        word != NULL ? cluster_find_task(story->cluster, slice_from(word)) : NULL;
    if (task == NULL) {
        return err_set(err, -EINVAL, "there is no task %s", word != NULL ? word : "");
    }
    *ret_task = task;
    return 0;
}

/* --- what happens to machines --- */

static int run(struct story *story, struct words *words, struct err *err)
{
    int64_t ns;
    int status = take_time(words, &ns, err);
    if (status == 0 && !sim_run(story->sim, story->sim->now_ns + ns)) {
        return err_set(err, -EINVAL, "%s", buf_text(&story->sim->failure));
    }
    return status;
}

static int crash(struct story *story UNUSED, struct sim_node *node, struct words *words UNUSED,
                 struct err *err UNUSED)
{
    sim_crash(node);
    return 0;
}

static int start(struct story *story, struct sim_node *node, struct words *words UNUSED,
                 struct err *err)
{
    if (sim_is_up(node)) {
        return err_set(err, -EINVAL, "%s is up", node->name);
    }
    sim_start(node);
    for (int i = 0; node == story->cluster->master && i < story->cluster->options.agents; i++) {
        cluster_agent_detects(story->cluster->agents[i]);
    }
    return 0;
}

/* Nothing passes between the node and all others. */
static int cut(struct story *story, struct sim_node *node, struct words *words, struct err *err)
{
    int64_t ns;
    int status = take_time(words, &ns, err);
    for (int i = 0; status == 0 && i < story->sim->node_count; i++) {
        if (story->sim->nodes[i]->host != node->host) {
            int64_t until_ns = story->sim->now_ns + ns;
            sim_network_cut(story->sim->network, node, story->sim->nodes[i], until_ns);
            sim_network_cut(story->sim->network, story->sim->nodes[i], node, until_ns);
        }
    }
    return status;
}

static int fill(struct story *story UNUSED, struct sim_node *node, struct words *words UNUSED,
                struct err *err UNUSED)
{
    sim_disk_set_full(node->disk, true);
    return 0;
}

static int clear(struct story *story UNUSED, struct sim_node *node, struct words *words UNUSED,
                 struct err *err UNUSED)
{
    sim_disk_set_full(node->disk, false);
    return 0;
}

/* An executor's process is killed: "kill executor-of t0". */
static int kill_executor(struct story *story, struct words *words, struct err *err)
{
    struct cluster_task *task;
    int status = take_word(words, "executor-of") ? take_task(story, words, &task, err)
                                                 : err_set(err, -EINVAL, "kill executor-of TASK");
    if (status != 0) {
        return status;
    }
    struct cluster_executor *of_pod = cluster_nested_executor(story->cluster, task);
    if (of_pod != NULL) {
        cluster_executor_exited(of_pod, SIGKILL);
        return 0;
    }
    for (int i = 0; i < CLUSTER_EXECUTORS_MAX; i++) {
        struct cluster_executor *executor = &story->cluster->executors[i];
        if (executor->state == CLUSTER_CONTAINER_RUNS &&
            strcmp(executor->executor_id, task->id) == 0) {
            cluster_executor_exited(executor, SIGKILL);
            return 0;
        }
    }
    return err_set(err, -EINVAL, "%s has no executor", task->id);
}

static int look(struct story *story, struct words *words UNUSED, struct err *err)
{
    if (!sim_is_up(story->cluster->master)) {
        return err_set(err, -EINVAL, "the master is down");
    }
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    cluster_master_look(story->cluster->master->core, &text);
    struct slice rest = buf_slice(&text);
    struct slice line;
    while (slice_split(&rest, '\n', &line)) {
        if (line.size != 0) {
            sim_trace(story->sim, story->cluster->master, "knows %.*s", SLICE_ARGS(line));
        }
    }
    return 0;
}

/* --- what frameworks are told --- */

static int subscribes(struct cluster_framework *framework, struct words *words, struct err *err)
{
    int64_t ns = 60 * NS_PER_SEC;
    const char *role = "*";
    framework->volatile_tasks = framework->unaware = false;
    while (words->count > 0) {
        if (take_word(words, "unaware")) {
            framework->unaware = true;
        } else if (take_word(words, "volatile")) {
            framework->volatile_tasks = true;
        } else if (take_word(words, "role")) {
            role = next_word(words);
        } else if (!take_word(words, "failover") || take_time(words, &ns, err) != 0) {
            return err_set(err, -EINVAL,
                           "subscribes [role ROLE] [failover TIME] [unaware] [volatile]");
        }
    }
    if (role == NULL || strlen(role) >= sizeof(framework->role) || sim_is_up(framework->node)) {
        return err_set(err, -EINVAL, "no such role, or %s is up", framework->name);
    }
    memcpy(framework->role, role, strlen(role) + 1);
    framework->failover_timeout_s = (double)ns / 1e9;
    sim_start(framework->node);
    return 0;
}

/* [for TIME] [exit CODE], of one task or of all. */
static int take_process(struct words *words, int *duration_ms, int *exit_code, bool *ret_taken,
                        struct err *err)
{
    int64_t ns;
    double code;
    int status = 0;
    *ret_taken = true;
    if (take_word(words, "for")) {
        status = take_time(words, &ns, err);
        *duration_ms = status == 0 ? (int)(ns / NS_PER_MS) : 0;
    } else if (take_word(words, "exit")) {
        status = take_number(words, &code, err);
        *exit_code = status == 0 ? (int)code : 0;
    } else {
        *ret_taken = false;
    }
    return status;
}

static int take_wish_option(struct words *words, struct story_wish *wish, struct err *err)
{
    if (take_word(words, "cpus")) {
        return take_number(words, &wish->cpus, err);
    }
    if (take_word(words, "mem")) {
        return take_number(words, &wish->mem, err);
    }
    if (take_word(words, "stubborn")) {
        wish->stubborn = true;
        return 0;
    }
    const char *name = take_word(words, "on") ? next_word(words) : NULL;
    if (name == NULL || strlen(name) >= sizeof(wish->agent)) {
        return err_set(err, -EINVAL,
                       "[COUNT] [for TIME] [exit CODE] [cpus N] [mem N] [on AGENT] [stubborn]");
    }
    memcpy(wish->agent, name, strlen(name) + 1);
    return 0;
}

/* Tasks of a group differ in how they end: "group for 5secs exit 1, for 9secs". */
static int launches(struct cluster_framework *framework, struct words *words, struct err *err)
{
    struct story_wish wish = {.count = 1, .cpus = 1, .mem = 128};
    int64_t count;
    if (words->count > 0 && slice_parse_int64(slice_from(*words->at), &count) && count > 0) {
        next_word(words);
        wish.count = (int)count;
    }
    wish.group = take_word(words, "group");
    for (size_t i = 0; i < STORY_GROUP_MAX; i++) {
        wish.duration_ms[i] = -1;
    }
    int nth = 0;
    while (words->count > 0) {
        bool taken;
        if (wish.group && take_word(words, "and")) {
            wish.count = ++nth + 1;
            if (wish.count > STORY_GROUP_MAX) {
                return err_set(err, -EINVAL, "a group has at most %d tasks", STORY_GROUP_MAX);
            }
            continue;
        }
        int status = take_process(words, &wish.duration_ms[nth], &wish.exit_code[nth], &taken, err);
        if (status == 0 && !taken) {
            status = take_wish_option(words, &wish, err);
        }
        if (status != 0) {
            return status;
        }
    }
    return story_framework_launch(framework, &wish) ? 0 : -ENOTCONN;
}

static int kills(struct story *story, struct cluster_framework *framework, struct words *words,
                 struct err *err)
{
    struct cluster_task *task;
    int64_t grace_ns = -1;
    int status = take_task(story, words, &task, err);
    if (status == 0 && take_word(words, "grace")) {
        status = take_time(words, &grace_ns, err);
    }
    return status != 0 ? status : story_framework_kill(framework, task, grace_ns) ? 0 : -ENOTCONN;
}

static int declines(struct cluster_framework *framework, struct words *words, struct err *err)
{
    int64_t ns;
    int status = take_word(words, "for") ? take_time(words, &ns, err)
                                         : err_set(err, -EINVAL, "declines for TIME");
    if (status == 0 && !story_framework_decline(framework, (double)ns / 1e9)) {
        status = -ENOTCONN;
    }
    return status;
}

static int tell_framework(struct story *story, struct cluster_framework *framework,
                          struct words *words, struct err *err)
{
    static const struct {
        const char *verb;
        Pb__Scheduler__Call__Type type;
    } calls[] = {
        {"revives", PB__SCHEDULER__CALL__TYPE__REVIVE},
        {"suppresses", PB__SCHEDULER__CALL__TYPE__SUPPRESS},
        {"tears-down", PB__SCHEDULER__CALL__TYPE__TEARDOWN},
    };
    bool fine = false;
    if (take_word(words, "subscribes")) {
        return subscribes(framework, words, err);
    }
    if (take_word(words, "launches")) {
        return launches(framework, words, err);
    }
    if (take_word(words, "kills")) {
        return kills(story, framework, words, err);
    }
    if (take_word(words, "declines")) {
        return declines(framework, words, err);
    }
    if (take_word(words, "reconciles")) {
        fine = story_framework_reconcile(framework);
    } else if (take_word(words, "acknowledges")) {
        fine = story_framework_acknowledges(framework, !take_word(words, "nothing"));
    } else {
        const char *verb = next_word(words);
        for (size_t i = 0; verb != NULL && i < ELEMENTS(calls); i++) {
            if (strcmp(calls[i].verb, verb) == 0) {
                fine = story_framework_call(framework, calls[i].type);
                verb = NULL;
            }
        }
        if (verb != NULL) {
            return err_set(err, -EINVAL, "%s: no verb of frameworks", verb);
        }
    }
    return fine ? 0 : -ENOTCONN;
}

/* --- the trace --- */

/* Messages that say nothing new in a story. */
static bool is_routine(const struct story *story, struct slice name)
{
    static const char *const always[] = {"PingSlaveMessage", "PongSlaveMessage"};
    static const char *const quiet[] = {
        "StatusUpdateMessage",
        "StatusUpdateAcknowledgementMessage",
        "UpdateSlaveMessage",
        "UpdateFrameworkMessage",
    };
    for (size_t i = 0; i < ELEMENTS(always); i++) {
        if (slice_is(name, always[i])) {
            return true;
        }
    }
    for (size_t i = 0; !story->wire && i < ELEMENTS(quiet); i++) {
        if (slice_is(name, quiet[i])) {
            return true;
        }
    }
    return false;
}

/* What it logs, what connections do, and requests, which show as calls where they are made. */
static bool is_noise(const struct story *story, struct slice text)
{
    return slice_starts_with(text, SLICE("says: ")) ||
           (slice_starts_with(text, SLICE("sees ")) &&
            !slice_starts_with(text, SLICE("sees that "))) ||
           (!story->wire && slice_starts_with(text, SLICE("calls ")));
}

/* One that is sent again and again is told once. */
static void append_message(struct story *story, double seconds, struct slice node,
                           struct slice from, struct slice name, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    buf_printf(&text, "%.*s < %.*s %.*s", SLICE_ARGS(node), SLICE_ARGS(from), SLICE_ARGS(name));
    if (!is_routine(story, name) && !slice_equal(buf_slice(&text), buf_slice(&story->last))) {
        buf_printf(out, "[%5.1f] %s\n", seconds, buf_text(&text));
        buf_clear(&story->last);
        buf_append_slice(&story->last, buf_slice(&text));
    }
}

/* "[ 12.345678] a1 < m mesos.internal.PingSlaveMessage" is told shorter, or not at all. */
static void append_line(struct story *story, struct slice line, struct buf *out)
{
    struct slice time;
    struct slice node;
    struct slice from;
    struct slice rest = line;
    double seconds;
    bool split = slice_split(&rest, ']', &time) && rest.size > 1;
    ASSERT(split && sscanf(time.data + 1, "%lf", &seconds) == 1);
    rest = slice_skip(rest, 1);
    split = slice_split(&rest, ' ', &node);
    ASSERT(split);
    if (is_noise(story, rest)) {
        return;
    }
    if (!slice_starts_with(rest, SLICE("< "))) {
        buf_clear(&story->last);
        buf_printf(out, "[%5.1f] %.*s %.*s\n", seconds, SLICE_ARGS(node), SLICE_ARGS(rest));
        return;
    }
    rest = slice_skip(rest, 2);
    split = slice_split(&rest, ' ', &from);
    ASSERT(split);
    if (slice_starts_with(rest, SLICE("mesos.internal."))) {
        append_message(story, seconds, node, from, slice_skip(rest, strlen("mesos.internal.")),
                       out);
    }
}

static void append_trace(struct story *story, struct buf *out)
{
    struct slice rest = slice_skip(buf_slice(&story->sim->trace), story->told);
    struct slice line;
    story->told = story->sim->trace.size;
    while (slice_split(&rest, '\n', &line)) {
        if (line.size != 0) {
            append_line(story, line, out);
        }
    }
}

/* --- the world --- */

static void *create(int argc, char **argv, struct err *err)
{
    int64_t agents;
    bool wire = argc == 2 && strcmp(argv[1], "wire") == 0;
    if (argc < 1 || argc > 1 + wire || !slice_parse_int64(slice_from(argv[0]), &agents) ||
        agents < 1 || agents > CLUSTER_AGENTS_MAX) {
        err_set(err, -EINVAL, "world cluster AGENTS [wire], 1 to %d", CLUSTER_AGENTS_MAX);
        return NULL;
    }
    struct cluster_options options = {
        .seed = 1,
        .agents = (int)agents,
        .frameworks = CLUSTER_FRAMEWORKS_MAX,
        .story = true,
        .keep_trace = true,
    };
    struct story *story = xalloc(sizeof(*story));
    story->cluster = cluster_new(&options);
    story->sim = story->cluster->sim;
    story->wire = wire;
    /* One after the other, so that their ids tell who is who. */
    for (int i = 0; i < options.agents; i++) {
        bool fine = sim_run(story->sim, story->sim->now_ns + NS_PER_SEC / 2);
        sim_start(story->cluster->agents[i]);
        fine = fine && sim_run(story->sim, story->sim->now_ns + NS_PER_SEC / 2);
        ASSERT(fine);
    }
    story->told = wire ? 0 : story->sim->trace.size;
    return story;
}

static void destroy(void *state)
{
    struct story *story = state;
    cluster_free(story->cluster);
    buf_deinit(&story->last);
    free(story);
}

static struct cluster_framework *find_framework(struct story *story, const char *name)
{
    for (int i = 0; i < story->cluster->options.frameworks; i++) {
        if (strcmp(story->cluster->frameworks[i].name, name) == 0) {
            return &story->cluster->frameworks[i];
        }
    }
    return NULL;
}

static int command(struct story *story, struct words *words, struct err *err)
{
    static const struct {
        const char *verb;
        int (*run)(struct story *story, struct words *words, struct err *err);
    } verbs[] = {{"run", run}, {"kill", kill_executor}, {"look", look}};
    static const struct {
        const char *verb;
        int (*run)(struct story *story, struct sim_node *node, struct words *words,
                   struct err *err);
    } node_verbs[] = {
        {"crash", crash}, {"start", start}, {"cut", cut}, {"fill", fill}, {"clear", clear},
    };
    const char *first = next_word(words);
    struct cluster_framework *framework = find_framework(story, first);
    if (framework != NULL) {
        int status = tell_framework(story, framework, words, err);
        return status == -ENOTCONN ? err_set(err, -EINVAL, "%s is not subscribed", first) : status;
    }
    for (size_t i = 0; i < ELEMENTS(verbs); i++) {
        if (strcmp(verbs[i].verb, first) == 0) {
            return verbs[i].run(story, words, err);
        }
    }
    const char *name = next_word(words);
    struct sim_node *node = name != NULL ? sim_find_node(story->sim, name) : NULL;
    for (size_t i = 0; node != NULL && i < ELEMENTS(node_verbs); i++) {
        if (strcmp(node_verbs[i].verb, first) == 0) {
            return node_verbs[i].run(story, node, words, err);
        }
    }
    return err_set(err, -EINVAL, "%s: unknown, or the name of a node is missing", first);
}

static int run_command(void *state, int argc, char **argv, struct buf *out, struct err *err)
{
    struct story *story = state;
    struct words words = {argc, argv};
    int status = command(story, &words, err);
    append_trace(story, out);
    if (status == 0 && words.count != 0) {
        return err_set(err, -EINVAL, "%s: too many words", *words.at);
    }
    return status;
}

const struct scenario_world cluster_story_world = {
    .name = "cluster",
    .create = create,
    .destroy = destroy,
    .run = run_command,
};
