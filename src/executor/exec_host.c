#include "executor/exec_host.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "executor/exec_probe.h"
#include "executor/exec_process.h"
#include "net/client.h"

#define PROTOBUF "application/x-protobuf"
#define HEADERS_MAX 4

struct agent_call {
    struct list link;
    struct exec_host *host;
    struct client *client;
    uint64_t token;
};

/* Something to be told to the core, from the loop. */
struct telling {
    struct list link; /* in the host */
    struct loop_task task;
    struct exec_host *host;
    struct exec_event event;
    struct blob *bytes; /* owned; event.bytes points into it */
};

struct exec_host {
    const struct exec_host_options *options;
    const struct exec_core_ops *ops;
    void *core;
    struct loop *loop;
    struct loop_timer timer;
    struct exec_processes *processes;
    struct exec_probes probes;
    struct client *stream; /* the subscription */
    struct client *calls;  /* other executor calls */
    struct list agent_calls;
    struct list tellings; /* not yet told */
    char *executor_path;  /* "/slave(1)/api/v1/executor" */
    char *agent_path;     /* "/slave(1)/api/v1" */
    char *authorization;  /* "Bearer ...", or NULL */
    int exit_status;
    bool quits;
};

static void perform(struct exec_host *host, struct exec_effects *effects);

static void step(struct exec_host *host, const struct exec_event *event)
{
    if (host->quits) {
        return;
    }
    struct now now = loop_now(host->loop);
    struct exec_effects effects;
    exec_effects_init(&effects);
    host->ops->step(host->core, &now, event, &effects);
    perform(host, &effects);
    exec_effects_deinit(&effects);
    loop_timer_set(&host->timer, host->ops->deadline(host->core));
}

static void telling_free(struct telling *telling)
{
    list_remove(&telling->link);
    loop_task_cancel(&telling->task);
    blob_unref(telling->bytes);
    free(telling);
}

static void run_telling(struct loop_task *task)
{
    struct telling *telling = CONTAINER_OF(task, struct telling, task);
    step(telling->host, &telling->event);
    telling_free(telling);
}

/* Cores are never re-entered: what is learned within a step is told by a later task. */
static void tell_later(struct exec_host *host, enum exec_event_type type, uint64_t token,
                       int status, struct slice bytes)
{
    struct telling *telling = xalloc(sizeof(*telling));
    telling->host = host;
    telling->bytes = blob_from(bytes);
    telling->event = (struct exec_event){type, token, status, blob_slice(telling->bytes)};
    loop_task_init(&telling->task, run_telling);
    list_push_back(&host->tellings, &telling->link);
    loop_post(host->loop, &telling->task);
}

/* --- the executor API --- */

static void disconnect(struct exec_host *host)
{
    bool was_connected = host->stream != NULL;
    host->stream = host->stream != NULL ? client_free(host->stream, true) : NULL;
    host->calls = host->calls != NULL ? client_free(host->calls, true) : NULL;
    if (was_connected) {
        tell_later(host, EXEC_DISCONNECTED, 0, 0, SLICE(""));
    }
}

static void on_stream_record(void *arg, struct slice record)
{
    struct exec_host *host = arg;
    step(host, &(struct exec_event){.type = EXEC_RECORD, .bytes = record});
}

static void on_stream_end(void *arg, int status, const struct http_head *head UNUSED,
                          struct slice body UNUSED)
{
    struct exec_host *host = arg;
    if (status > 0 && status != 200) {
        LOG_WARNING("The agent answered SUBSCRIBE with %d", status);
    }
    disconnect(host);
}

static void on_call_end(void *arg, int status, const struct http_head *head UNUSED,
                        struct slice body)
{
    struct exec_host *host = arg;
    if (status != 202) {
        LOG_WARNING("The agent answered a call with %d: %.*s", status,
                    (int)MIN(body.size, (size_t)200), body.data != NULL ? body.data : "");
        disconnect(host);
    }
}

static size_t put_headers(const struct exec_host *host, struct net_header *headers,
                          const char *accept)
{
    size_t count = 0;
    headers[count++] = (struct net_header){"Accept", (char *)(uintptr_t)accept};
    if (host->authorization != NULL) {
        headers[count++] = (struct net_header){"Authorization", host->authorization};
    }
    return count;
}

static void subscribe(struct exec_host *host, struct slice body)
{
    static const struct client_handler handler = {.on_piece = on_stream_record,
                                                  .on_end = on_stream_end};
    struct net_header headers[HEADERS_MAX];
    host->stream = host->stream != NULL ? client_free(host->stream, true) : NULL;
    host->stream = client_new(host->loop, &host->options->agent.address, false);
    struct client_request request = {
        .method = "POST",
        .target = slice_from(host->executor_path),
        .content_type = PROTOBUF,
        .headers = headers,
        .header_count = put_headers(host, headers, PROTOBUF),
        .body = body,
        .records = true,
        .handler = &handler,
        .arg = host,
    };
    client_send(host->stream, &request);
}

static void call_agent_as_executor(struct exec_host *host, struct slice body)
{
    static const struct client_handler handler = {.on_end = on_call_end};
    struct net_header headers[HEADERS_MAX];
    if (host->calls != NULL && client_is_closed(host->calls)) {
        host->calls = client_free(host->calls, true);
    }
    if (host->calls == NULL) {
        host->calls = client_new(host->loop, &host->options->agent.address, false);
    }
    struct client_request request = {
        .method = "POST",
        .target = slice_from(host->executor_path),
        .content_type = PROTOBUF,
        .headers = headers,
        .header_count = put_headers(host, headers, PROTOBUF),
        .body = body,
        .handler = &handler,
        .arg = host,
    };
    client_send(host->calls, &request);
}

/* --- the agent's own API --- */

static void agent_call_free(struct agent_call *call)
{
    list_remove(&call->link);
    client_free(call->client, true);
    free(call);
}

static void on_agent_call_end(void *arg, int status, const struct http_head *head UNUSED,
                              struct slice body)
{
    struct agent_call *call = arg;
    struct exec_host *host = call->host;
    uint64_t token = call->token;
    tell_later(host, EXEC_REPLY, token, status, body);
    agent_call_free(call);
}

/* The output of a check's session is of no use but to those who look for trouble. */
static void on_session_piece(void *arg UNUSED, struct slice piece UNUSED)
{
}

static void call_agent(struct exec_host *host, const struct exec_effect *effect)
{
    static const struct client_handler plain = {.on_end = on_agent_call_end};
    static const struct client_handler session = {.on_piece = on_session_piece,
                                                  .on_end = on_agent_call_end};
    bool is_session = effect->type == EXEC_AGENT_SESSION;
    struct net_header headers[HEADERS_MAX];
    struct agent_call *call = xalloc(sizeof(*call));
    call->host = host;
    call->token = effect->token;
    call->client = client_new(host->loop, &host->options->agent.address, true);
    list_push_back(&host->agent_calls, &call->link);
    struct client_request request = {
        .method = "POST",
        .target = slice_from(host->agent_path),
        .content_type = PROTOBUF,
        .headers = headers,
        .header_count = put_headers(host, headers, is_session ? "application/recordio" : PROTOBUF),
        .body = blob_slice(effect->bytes),
        .records = is_session,
        .handler = is_session ? &session : &plain,
        .arg = call,
    };
    if (is_session) {
        headers[request.header_count++] =
            (struct net_header){"Message-Accept", (char *)(uintptr_t)PROTOBUF};
    }
    client_send(call->client, &request);
}

/* --- processes and probes --- */

static void on_probed(void *arg, uint64_t token, int status)
{
    struct exec_host *host = arg;
    step(host, &(struct exec_event){.type = EXEC_PROBED, .token = token, .status = status});
}

/* An HTTP probe is a process that prints the status; its tokens are marked to tell them apart. */
#define HTTP_PROBE_TOKEN (UINT64_C(1) << 63)

static void on_exited(void *arg, uint64_t token, int wait_status, struct slice output)
{
    struct exec_host *host = arg;
    if ((token & HTTP_PROBE_TOKEN) == 0) {
        step(host,
             &(struct exec_event){.type = EXEC_EXITED, .token = token, .status = wait_status});
        return;
    }
    int64_t code;
    bool known = wait_status == 0 && slice_parse_int64(slice_trim(output), &code) && code >= 0 &&
                 code <= 999;
    on_probed(host, token & ~HTTP_PROBE_TOKEN, known ? (int)code : -EIO);
}

static void on_child_signal(void *arg)
{
    struct exec_host *host = arg;
    exec_processes_reap(host->processes, on_exited, host);
}

static void spawn(struct exec_host *host, const struct exec_effect *effect)
{
    int status =
        exec_processes_spawn(host->processes, effect->token, effect->command,
                             effect->to_stderr ? EXEC_OUTPUT_TO_STDERR : EXEC_OUTPUT_INHERIT);
    if (status != 0) {
        LOG_ERROR("No process can be started: %s", strerror(-status));
        tell_later(host, EXEC_EXITED, effect->token, EXIT_FAILURE << 8, SLICE(""));
    }
}

static void probe_http(struct exec_host *host, const struct exec_effect *effect)
{
    CLEANUP(xfreep) char *program = xasprintf("%s/tepui-http-check", host->options->launcher_dir);
    /* A timeout of 0 is none. */
    CLEANUP(xfreep) char *timeout = xasprintf("%lld", (long long)(effect->timeout_ns / NS_PER_MS));
    char *arguments[] = {program, effect->target, timeout, NULL};
    struct exec_command command = {.value = program, .arguments = arguments};
    int status = exec_processes_spawn(host->processes, effect->token | HTTP_PROBE_TOKEN, &command,
                                      EXEC_OUTPUT_CAPTURE);
    if (status != 0) {
        tell_later(host, EXEC_PROBED, effect->token, status, SLICE(""));
    }
}

static void abandon(struct exec_host *host, uint64_t token)
{
    exec_processes_abandon(host->processes, token);
    exec_processes_abandon(host->processes, token | HTTP_PROBE_TOKEN);
    exec_probe_abandon(&host->probes, token);
    struct agent_call *call;
    LIST_FOR_EACH (call, &host->agent_calls, link) {
        if (call->token == token) {
            agent_call_free(call);
        }
    }
}

static void link_task(const struct exec_host *host, const struct exec_effect *effect)
{
    const char *sandbox = host->options->session.sandbox;
    CLEANUP(xfreep) char *folder = xasprintf("%s/tasks", sandbox);
    CLEANUP(xfreep) char *link = xasprintf("%s/%s", folder, effect->name);
    CLEANUP(xfreep) char *target = xasprintf("%s/%s", sandbox, effect->target);
    if ((mkdir(folder, 0755) != 0 && errno != EEXIST) || symlink(target, link) != 0) {
        LOG_ERROR("'%s' cannot be linked to '%s': %s", link, target, strerror(errno));
    }
}

/* --- effects --- */

static void perform_one(struct exec_host *host, const struct exec_effect *effect)
{
    switch (effect->type) {
    case EXEC_SUBSCRIBE:
        subscribe(host, blob_slice(effect->bytes));
        break;
    case EXEC_CALL:
        call_agent_as_executor(host, blob_slice(effect->bytes));
        break;
    case EXEC_AGENT_CALL:
    case EXEC_AGENT_SESSION:
        call_agent(host, effect);
        break;
    case EXEC_SPAWN:
        spawn(host, effect);
        break;
    case EXEC_SIGNAL:
        exec_processes_signal(host->processes, effect->token, effect->signal);
        break;
    case EXEC_PROBE_HTTP:
        probe_http(host, effect);
        break;
    case EXEC_PROBE_TCP:
        exec_probe_tcp(&host->probes, effect->token, effect->target);
        break;
    case EXEC_ABANDON:
        abandon(host, effect->token);
        break;
    case EXEC_LINK_TASK:
        link_task(host, effect);
        break;
    case EXEC_LOG:
        LOG_INFO("%s", effect->text);
        break;
    case EXEC_QUIT:
        host->quits = true;
        host->exit_status = effect->status;
        loop_stop(host->loop);
        break;
    }
}

static void perform(struct exec_host *host, struct exec_effects *effects)
{
    struct exec_effect *effect;
    while ((effect = exec_effect_pop(effects)) != NULL) {
        perform_one(host, effect);
        exec_effect_free(effect);
    }
}

static void on_timer(void *arg)
{
    step(arg, &(struct exec_event){.type = EXEC_TICK});
}

static void on_terminate(void *arg)
{
    step(arg, &(struct exec_event){.type = EXEC_TERMINATE});
}

static void deinit(struct exec_host *host)
{
    client_free(host->stream, true);
    client_free(host->calls, true);
    struct agent_call *call;
    LIST_FOR_EACH (call, &host->agent_calls, link) {
        agent_call_free(call);
    }
    struct telling *telling;
    LIST_FOR_EACH (telling, &host->tellings, link) {
        telling_free(telling);
    }
    exec_probes_deinit(&host->probes);
    exec_processes_free(host->processes);
    loop_timer_cancel(&host->timer);
    loop_free(host->loop);
    free(host->executor_path);
    free(host->agent_path);
    free(host->authorization);
}

int exec_host_run(const struct exec_host_options *options, const struct exec_core_ops *ops,
                  void *core)
{
    struct exec_host host = {.options = options, .ops = ops, .core = core, .loop = loop_new()};
    list_init(&host.agent_calls);
    list_init(&host.tellings);
    host.executor_path = xasprintf("/%s/api/v1/executor", options->agent.id);
    host.agent_path = xasprintf("/%s/api/v1", options->agent.id);
    host.authorization = options->token != NULL ? xasprintf("Bearer %s", options->token) : NULL;
    host.processes = exec_processes_new(options->environment);
    exec_probes_init(&host.probes, host.loop, on_probed, &host);
    loop_timer_init(&host.timer, host.loop, on_timer, &host);
    struct loop_signal *child = loop_signal_new(host.loop, SIGCHLD, on_child_signal, &host);
    struct loop_signal *terminate = loop_signal_new(host.loop, SIGTERM, on_terminate, &host);
    step(&host, &(struct exec_event){.type = EXEC_START});
    loop_run(host.loop);
    loop_signal_free(child);
    loop_signal_free(terminate);
    deinit(&host);
    return host.exit_status;
}

/* --- the environment --- */

static const char *find_variable(char *const *environment, const char *name)
{
    size_t size = strlen(name);
    for (char *const *at = environment; *at != NULL; at++) {
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=') {
            return *at + size + 1;
        }
    }
    return NULL;
}

static int read_duration(char *const *environment, const char *name, int64_t default_ns,
                         int64_t *ret_ns, struct err *err)
{
    const char *text = find_variable(environment, name);
    *ret_ns = default_ns;
    if (text != NULL && duration_parse(slice_from(text), ret_ns, err) != 0) {
        return err_wrap(err, -EINVAL, "%s", name);
    }
    return 0;
}

int exec_host_options_from_env(struct exec_host_options *options, char *const *environment,
                               struct err *err)
{
    *options = (struct exec_host_options){.environment = environment};
    struct exec_options *session = &options->session;
    const char *pid = find_variable(environment, "MESOS_SLAVE_PID");
    session->framework_id = find_variable(environment, "MESOS_FRAMEWORK_ID");
    session->executor_id = find_variable(environment, "MESOS_EXECUTOR_ID");
    session->sandbox = find_variable(environment, "MESOS_SANDBOX");
    if (session->sandbox == NULL) {
        session->sandbox = find_variable(environment, "MESOS_DIRECTORY");
    }
    if (pid == NULL || session->framework_id == NULL || session->executor_id == NULL ||
        session->sandbox == NULL) {
        return err_set(
            err, -EINVAL,
            "MESOS_SLAVE_PID, MESOS_FRAMEWORK_ID, MESOS_EXECUTOR_ID and MESOS_SANDBOX are "
            "expected in the environment: this program is started by an agent");
    }
    if (!upid_parse(slice_from(pid), &options->agent)) {
        return err_set(err, -EINVAL, "MESOS_SLAVE_PID '%s' is not a UPID", pid);
    }
    const char *checkpoint = find_variable(environment, "MESOS_CHECKPOINT");
    session->checkpoint = checkpoint != NULL && strcmp(checkpoint, "1") == 0;
    session->container_ip = find_variable(environment, "LIBPROCESS_IP");
    if (session->container_ip == NULL) {
        static char text[ADDRESS_TEXT_SIZE];
        address_format_ip(&options->agent.address, text);
        session->container_ip = text;
    }
    options->token = find_variable(environment, "MESOS_EXECUTOR_AUTHENTICATION_TOKEN");
    int status = read_duration(environment, "MESOS_RECOVERY_TIMEOUT", 15 * NS_PER_MIN,
                               &session->recovery_timeout_ns, err);
    if (status == 0) {
        status = read_duration(environment, "MESOS_SUBSCRIPTION_BACKOFF_MAX", 2 * NS_PER_SEC,
                               &session->backoff_max_ns, err);
    }
    if (status == 0) {
        status = read_duration(environment, "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", 5 * NS_PER_SEC,
                               &session->shutdown_grace_ns, err);
    }
    return status;
}
