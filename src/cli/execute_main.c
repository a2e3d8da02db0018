/* tepui-execute: runs one task, or one group of tasks, and tells how it goes (mesos-execute). */
#include <errno.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/execute_scheduler.h"
#include "common/xalloc.h"
#include "coord/peers_finder.h"
#include "coord/zk_election.h"
#include "election/peers_url.h"
#include "election/zk_url.h"
#include "net/client.h"
#include "wire/base64.h"
#include "wire/json.h"
#include "wire/message.h"

extern char **environ;

#define RETRY_NS NS_PER_SEC
#define EVENT_BUDGET_SIZE (64u << 20)
#define HEADERS_MAX 4
#define ZK_SESSION_TIMEOUT_NS (10 * NS_PER_SEC)
#define PATH "/master/api/v1/scheduler"

struct execute {
    const struct execute_flags *flags;
    struct execute_scheduler *scheduler;
    struct loop *loop;
    struct loop_timer retry;      /* subscribe again */
    struct loop_timer deadline;   /* of the scheduler */
    struct loop_task restart;     /* drop the clients, then subscribe again */
    struct zk_election *election; /* --master=zk://...: tells who leads; NULL = it is not */
    struct peers_finder *finder;  /* --master=peers://...: tells who leads; NULL = it is not */
    struct address master;
    bool has_master; /* it is known */
    bool is_new;     /* and was told since the last attempt: there is no waiting */
    struct client *stream;
    struct client *calls;
    char *stream_id;
    char *redirect;      /* Location of a 307 */
    char *authorization; /* "Basic ...", or NULL */
    size_t calls_under_way;
    int told; /* why the last stream ended, as it was printed; 0 = nothing was */
    bool is_json;
    bool done;
    int status;
};

static const char *content_type(const struct execute *execute)
{
    return execute->is_json ? "application/json" : "application/x-protobuf";
}

static void encode(const struct execute *execute, const Pb__Scheduler__Call *call, struct buf *out)
{
    if (execute->is_json) {
        json_print_message(&call->base, JSON_V1, out);
    } else {
        message_encode(&call->base, out);
    }
}

static void stop_if_done(struct execute *execute)
{
    /* The last acknowledgement is to arrive before the connection goes. */
    if (execute->done && execute->calls_under_way == 0) {
        loop_stop(execute->loop);
    }
}

static size_t put_headers(const struct execute *execute, struct net_header *headers, bool with_id)
{
    size_t count = 0;
    headers[count++] = (struct net_header){"Accept", (char *)(uintptr_t)content_type(execute)};
    if (with_id && execute->stream_id != NULL) {
        headers[count++] = (struct net_header){"Mesos-Stream-Id", execute->stream_id};
    }
    if (execute->authorization != NULL) {
        headers[count++] = (struct net_header){"Authorization", execute->authorization};
    }
    return count;
}

/* --- calls --- */

static void on_call_end(void *arg, int status, const struct http_head *head UNUSED,
                        struct slice body)
{
    struct execute *execute = arg;
    execute->calls_under_way--;
    if (status > 0 && status != 202) {
        fprintf(stderr, "The master answered a call with %d: %.*s\n", status, (int)body.size,
                body.data != NULL ? body.data : "");
    }
    stop_if_done(execute);
}

static void send_call(struct execute *execute, const Pb__Scheduler__Call *call)
{
    static const struct client_handler handler = {.on_end = on_call_end};
    struct net_header headers[HEADERS_MAX];
    CLEANUP(buf_deinit) struct buf body = BUF_INIT;
    encode(execute, call, &body);
    if (execute->calls != NULL && client_is_closed(execute->calls)) {
        execute->calls = client_free(execute->calls, false);
    }
    if (execute->calls == NULL) {
        execute->calls = client_new(execute->loop, &execute->master, false);
    }
    struct client_request request = {
        .method = "POST",
        .target = slice_from(PATH),
        .content_type = content_type(execute),
        .headers = headers,
        .header_count = put_headers(execute, headers, true),
        .body = buf_slice(&body),
        .handler = &handler,
        .arg = execute,
    };
    execute->calls_under_way++;
    client_send(execute->calls, &request);
}

static void perform(struct execute *execute, struct execute_actions *actions)
{
    if (actions->text.size > 0) {
        fwrite(actions->text.data, 1, actions->text.size, actions->failed ? stderr : stdout);
        fflush(stdout);
    }
    for (size_t i = 0; i < actions->count; i++) {
        send_call(execute, actions->calls[i]);
    }
    if (actions->failed) {
        execute->status = EXIT_FAILURE;
        loop_stop(execute->loop);
    }
    execute->done |= actions->done;
    loop_timer_set(&execute->deadline, execute_scheduler_deadline(execute->scheduler));
    stop_if_done(execute);
    buf_deinit(&actions->text);
}

static void on_deadline(void *arg)
{
    struct execute *execute = arg;
    struct arena arena;
    arena_init(&arena, 0);
    struct execute_actions actions = {0};
    execute_scheduler_tick(execute->scheduler, loop_now(execute->loop).mono_ns, &arena, &actions);
    perform(execute, &actions);
    arena_deinit(&arena);
}

/* --- the stream --- */

static void on_head(void *arg, const struct http_head *head)
{
    struct execute *execute = arg;
    struct slice id = http_find_header(head, "Mesos-Stream-Id");
    if (head->status == 200) {
        execute->told = 0;
    }
    if (head->status == 200 && id.data != NULL) {
        free(execute->stream_id);
        execute->stream_id = xstrndup(id.data, id.size);
    }
    struct slice location = http_find_header(head, "Location");
    if (head->status == 307 && location.data != NULL) {
        free(execute->redirect);
        execute->redirect = xstrndup(location.data, location.size);
    }
}

static void on_event(void *arg, struct slice record)
{
    struct execute *execute = arg;
    struct arena arena;
    arena_init(&arena, EVENT_BUDGET_SIZE);
    struct arena step;
    arena_init(&step, 0);
    ProtobufCMessage *event;
    struct err err = {""};
    const ProtobufCMessageDescriptor *desc = &pb__scheduler__event__descriptor;
    int status = execute->is_json ? json_parse_message(desc, record, JSON_V1, &arena, &event, &err)
                                  : message_decode(desc, record, &arena, &event, &err);
    if (status != 0) {
        fprintf(stderr, "An event of the master is not understood: %s\n", err.text);
    } else {
        struct execute_actions actions = {0};
        execute_scheduler_event(execute->scheduler, loop_now(execute->loop).mono_ns,
                                (const Pb__Scheduler__Event *)event, &step, &actions);
        perform(execute, &actions);
    }
    arena_deinit(&step);
    arena_deinit(&arena);
}

static int resolve(const char *text, struct address *ret_address, struct err *err)
{
    if (address_parse(slice_from(text), ret_address)) {
        return 0;
    }
    if (strchr(text, ',') != NULL) {
        return err_set(err, -EINVAL,
                       "'%s' is a list without a scheme: peers://host:port,... or "
                       "zk://host:port,.../path",
                       text);
    }
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text) {
        return err_set(err, -EINVAL, "'%s' is not host:port", text);
    }
    CLEANUP(xfreep) char *host = xstrndup(text, (size_t)(colon - text));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int code = getaddrinfo(host, colon + 1, &hints, &found);
    if (code != 0) {
        return err_set(err, -EINVAL, "'%s' cannot be resolved: %s", text, gai_strerror(code));
    }
    bool good = address_from_sockaddr(found->ai_addr, ret_address);
    freeaddrinfo(found);
    return good ? 0 : err_set(err, -EINVAL, "'%s' has no address", text);
}

/* "//host:port/path", as masters send it. */
static void follow(struct execute *execute)
{
    const char *host = strstr(execute->redirect, "//");
    struct err err = {""};
    if (host != NULL) {
        CLEANUP(xfreep) char *authority = xstrndup(host + 2, strcspn(host + 2, "/"));
        if (resolve(authority, &execute->master, &err) != 0) {
            fprintf(stderr, "The master redirects to an address that is none: %s\n", err.text);
        }
    }
    free(execute->redirect);
    execute->redirect = NULL;
}

/* Once for each cause, however often it is tried. */
static void tell_why(struct execute *execute, int status, struct slice body)
{
    if (status == execute->told || status == 200 || status == 307 || status == -ECANCELED) {
        return;
    }
    execute->told = status;
    char master[ADDRESS_TEXT_SIZE];
    address_format(&execute->master, master);
    if (status < 0) {
        fprintf(stderr, "No connection to the master at %s: %s; trying again\n", master,
                strerror(-status));
    } else {
        fprintf(stderr, "The master at %s answers %d %.*s; trying again\n", master, status,
                (int)body.size, body.data != NULL ? body.data : "");
    }
}

static void on_stream_end(void *arg, int status, const struct http_head *head UNUSED,
                          struct slice body)
{
    struct execute *execute = arg;
    if (status == 400 || status == 401 || status == 403) {
        fprintf(stderr, "The master refuses: %d %.*s\n", status, (int)body.size,
                body.data != NULL ? body.data : "");
        execute->status = EXIT_FAILURE;
        loop_stop(execute->loop);
        return;
    }
    tell_why(execute, status, body);
    loop_post(execute->loop, &execute->restart);
}

static void subscribe(void *arg)
{
    static const struct client_handler handler = {
        .on_head = on_head, .on_piece = on_event, .on_end = on_stream_end};
    struct execute *execute = arg;
    if (!execute->has_master || execute->stream != NULL) {
        return; /* on_leader goes on */
    }
    struct net_header headers[HEADERS_MAX];
    struct arena arena;
    arena_init(&arena, 0);
    CLEANUP(buf_deinit) struct buf body = BUF_INIT;
    encode(execute, execute_scheduler_subscribe(execute->scheduler, &arena), &body);
    arena_deinit(&arena);
    execute->stream = client_new(execute->loop, &execute->master, false);
    struct client_request request = {
        .method = "POST",
        .target = slice_from(PATH),
        .content_type = content_type(execute),
        .headers = headers,
        .header_count = put_headers(execute, headers, false),
        .body = buf_slice(&body),
        .records = true,
        .handler = &handler,
        .arg = execute,
    };
    client_send(execute->stream, &request);
}

/* The stream has ended: to the master that leads now, at once if it was named. */
static void restart(struct loop_task *task)
{
    struct execute *execute = CONTAINER_OF(task, struct execute, restart);
    if (execute->stream != NULL) {
        execute->stream = client_free(execute->stream, true);
    }
    if (execute->calls != NULL) {
        execute->calls = client_free(execute->calls, false);
    }
    int64_t wait_ns = execute->is_new ? 0 : RETRY_NS;
    execute->is_new = false;
    if (execute->redirect != NULL) {
        follow(execute);
        wait_ns = 0;
    }
    loop_timer_set(&execute->retry, loop_now(execute->loop).mono_ns + wait_ns);
}

/* --- who leads, by ZooKeeper or by the masters themselves --- */

static void on_leader(void *arg, const struct leader *leader)
{
    struct execute *execute = arg;
    if (leader == NULL) {
        execute->has_master = execute->stream != NULL; /* while the stream lives, it leads for us */
        return;
    }
    if (execute->stream != NULL && address_equal(&execute->master, &leader->pid.address)) {
        return;
    }
    execute->master = leader->pid.address;
    execute->has_master = execute->is_new = true;
    loop_post(execute->loop, &execute->restart);
}

static void on_over(void *arg, bool led UNUSED, const char *why)
{
    struct execute *execute = arg;
    fprintf(stderr, "%s\n", why);
    execute->status = EXIT_FAILURE;
    loop_stop(execute->loop);
}

static int find_master(struct execute *execute, struct err *err)
{
    static const struct zk_election_callbacks callbacks = {.on_leader = on_leader,
                                                           .on_over = on_over};
    struct slice text = slice_from(execute->flags->master);
    int r;
    if (zk_url_is(text)) {
        r = zk_election_new(
            &(struct zk_election_options){
                .loop = execute->loop,
                .url = text,
                .session_timeout_ns = ZK_SESSION_TIMEOUT_NS,
                .seed = (uint64_t)getpid(),
                .callbacks = &callbacks,
                .arg = execute,
            },
            &execute->election, err);
    } else if (peers_url_is(text)) {
        r = peers_finder_new(
            &(struct peers_finder_options){
                .loop = execute->loop,
                .url = text,
                .seed = (uint64_t)getpid(),
                .on_leader = on_leader,
                .arg = execute,
            },
            &execute->finder, err);
    } else {
        r = resolve(execute->flags->master, &execute->master, err);
        execute->has_master = r == 0;
    }
    return r == 0 ? 0 : err_wrap(err, r, "--master");
}

static char *basic_authorization(const char *principal, const char *secret)
{
    CLEANUP(xfreep) char *pair = xasprintf("%s:%s", principal, secret);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    buf_append_text(&text, "Basic ");
    base64_encode(slice_from(pair), &text);
    return xstrdup(buf_text(&text));
}

static void deinit(struct execute *execute)
{
    zk_election_free(execute->election);
    peers_finder_free(execute->finder);
    client_free(execute->stream, true);
    client_free(execute->calls, true);
    loop_timer_cancel(&execute->retry);
    loop_timer_cancel(&execute->deadline);
    loop_task_cancel(&execute->restart);
    loop_free(execute->loop);
    execute_scheduler_free(execute->scheduler);
    free(execute->stream_id);
    free(execute->redirect);
    free(execute->authorization);
}

static int run(const struct execute_flags *flags, const struct execute_task *task, struct err *err)
{
    struct execute execute = {.flags = flags, .is_json = strcmp(flags->content_type, "json") == 0};
    execute.loop = loop_new();
    execute.scheduler = execute_scheduler_new(task, flags->networks, flags->kill_after_ns);
    loop_timer_init(&execute.retry, execute.loop, subscribe, &execute);
    loop_timer_init(&execute.deadline, execute.loop, on_deadline, &execute);
    loop_task_init(&execute.restart, restart);
    int status = find_master(&execute, err);
    if (status != 0) {
        deinit(&execute);
        return status;
    }
    if (flags->principal != NULL && flags->secret != NULL) {
        execute.authorization = basic_authorization(flags->principal, flags->secret);
    }
    subscribe(&execute);
    loop_run(execute.loop);
    deinit(&execute);
    return execute.status;
}

static void print_usage(const struct flags *flags, FILE *file)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    flags_usage(flags, "tepui-execute", "Runs one task, or one group of tasks, on a cluster.",
                &text);
    fwrite(text.data, 1, text.size, file);
}

int main(int argc, char **argv)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    struct execute_flags values = {.kill_after_ns = INT64_MIN};
    struct flags flags = {.table = execute_flags_table,
                          .count = execute_flags_count,
                          .values = &values,
                          .arena = &arena};
    struct flags_source source = {.argc = argc, .argv = argv, .envp = environ, .prefix = "MESOS_"};
    struct err err = {""};
    int status = flags_parse(&flags, &source, NULL, &err);
    if (status == 0 && values.help) {
        print_usage(&flags, stdout);
        return EXIT_SUCCESS;
    }
    if (status == 0 && !flags_given(&flags, "kill_after")) {
        values.kill_after_ns = INT64_MIN;
    }
    if (status == 0) {
        status = execute_flags_check(&values, &err);
    }
    const struct passwd *user = getpwuid(geteuid());
    struct execute_task task;
    if (status == 0) {
        status = execute_task_build(&values, user != NULL ? user->pw_name : "nobody", &arena, &task,
                                    &err);
    }
    if (status == 0) {
        status = run(&values, &task, &err);
        if (status >= 0) {
            return status;
        }
    }
    fprintf(stderr, "tepui-execute: %s\n(see tepui-execute --help)\n", err.text);
    return EXIT_FAILURE;
}
