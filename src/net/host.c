#include "net/host.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/xalloc.h"
#include "wire/route.h"

/* How often it is looked whether all is sent, at the end. */
#define DRAIN_LOOK_NS (5 * NS_PER_MS)

#define ADDRESSES_MAX 16 /* listened on */

/* A message between actors of this process. */
struct local_message {
    struct loop_task task;
    struct list link; /* in the host */
    struct net_host *host;
    struct net_effect *effect; /* NET_SEND */
};

/* A request of ours: waiting its turn, or under way. */
struct call {
    struct list link; /* in host->waiting or host->calls */
    struct net_host *host;
    struct client *client;     /* NULL while it waits */
    struct net_effect *effect; /* NET_CALL */
};

/* What the core gave to a worker. */
struct work {
    struct worker_job job;
    struct list link;          /* in the host */
    struct net_host *host;     /* NULL: it has gone */
    struct net_effect *effect; /* NET_WORK */
    struct net_answer made;
};

struct net_host {
    struct loop *loop;
    const struct net_host_callbacks *callbacks;
    void *arg; /* for the callbacks */
    char *delegate;
    bool require_peer_match;
    struct routes routes;
    struct server *server;
    struct peers *peers;
    struct arena arena; /* of the request being told */

    struct address self; /* by which others know our actors */
    struct address bound[ADDRESSES_MAX];
    size_t bound_count;

    struct workers *workers;
    struct list works; /* under way */

    struct list locals; /* messages on their way within the process */
    struct list calls;  /* under way */
    size_t call_count;
    struct list waiting; /* calls that wait for others to end */

    struct loop_timer drain_timer;
    int64_t drain_deadline_ns;
    loop_fn *on_drained;
    void *drained_arg; /* for on_drained */
};

static void tell(struct net_host *host, const struct net_event *event)
{
    host->callbacks->on_event(host->arg, event);
}

/* --- what comes in --- */

static bool route(struct net_host *host, const struct http_head *head, struct slice *ret_path)
{
    arena_reset(&host->arena);
    return route_resolve(&host->routes, head->path, &host->arena, ret_path);
}

static enum server_intake on_head(void *arg, const struct http_head *head)
{
    struct net_host *host = arg;
    struct upid from;
    struct slice path;
    if (host->callbacks->streams == NULL || libprocess_is_message(head, &from) ||
        !route(host, head, &path)) {
        return SERVER_COLLECT;
    }
    return host->callbacks->streams(host->arg, head, path) ? SERVER_STREAM : SERVER_COLLECT;
}

static bool same_ip(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static void on_message(struct net_host *host, const struct server_request *request,
                       const struct upid *from)
{
    struct net_event event = {.type = NET_MESSAGE, .from = *from, .body = request->body};
    if (!libprocess_parse_path(request->head->path, event.to, &event.name) ||
        !host->callbacks->has_actor(host->arg, slice_from(event.to))) {
        server_respond_empty(host->server, request->handle, 404);
        return;
    }
    if (host->require_peer_match && !same_ip(&from->address, &request->peer)) {
        /* observed.md, wire protocol 2 */
        char claimed[UPID_TEXT_SIZE];
        char peer[ADDRESS_TEXT_SIZE];
        upid_format(from, claimed);
        address_format_ip(&request->peer, peer);
        char *text = xasprintf("A message from %s came from %s", claimed, peer);
        server_respond_text(host->server, request->handle, 400, text);
        free(text);
        return;
    }
    server_keep(host->server, request->handle);
    server_respond_empty(host->server, request->handle, 202);
    tell(host, &event);
}

static void on_request(void *arg, const struct server_request *request)
{
    struct net_host *host = arg;
    struct upid from;
    if (libprocess_is_message(request->head, &from)) {
        on_message(host, request, &from);
        return;
    }
    struct net_event event = {
        .type = NET_REQUEST,
        .handle = request->handle,
        .request = {.handle = request->handle,
                    .head = request->head,
                    .body = request->body,
                    .peer = request->peer,
                    .streaming = request->streaming},
    };
    if (!route(host, request->head, &event.request.path)) {
        server_respond_empty(host->server, request->handle, 404);
        return;
    }
    tell(host, &event);
}

static void on_body(void *arg, uint64_t handle, struct slice piece, bool ended)
{
    struct net_event event = {.type = NET_BODY, .handle = handle, .body = piece, .ended = ended};
    tell(arg, &event);
}

static void on_gone(void *arg, uint64_t handle)
{
    struct net_event event = {.type = NET_GONE, .handle = handle};
    tell(arg, &event);
}

static void on_taken(void *arg, uint64_t handle)
{
    struct net_event event = {.type = NET_TAKEN, .handle = handle};
    tell(arg, &event);
}

static const struct server_handlers server_handlers = {on_head, on_request, on_body, on_gone,
                                                       on_taken};

static void on_exited(void *arg, const struct address *address)
{
    struct net_event event = {.type = NET_EXITED, .address = *address};
    tell(arg, &event);
}

/* --- messages within the process --- */

static bool is_ours(const struct net_host *host, const struct address *address)
{
    bool ours = address_equal(address, &host->self);
    for (size_t i = 0; i < host->bound_count && !ours; i++) {
        ours = address_equal(address, &host->bound[i]);
    }
    return ours;
}

static void free_local(struct local_message *local)
{
    loop_task_cancel(&local->task);
    list_remove(&local->link);
    net_effect_free(local->effect);
    free(local);
}

static void deliver_local(struct loop_task *task)
{
    struct local_message *local = CONTAINER_OF(task, struct local_message, task);
    struct net_host *host = local->host;
    struct net_effect *effect = local->effect;
    struct net_event event = {
        .type = NET_MESSAGE,
        .body = blob_slice(effect->body),
        .from = {.address = host->self},
        .name = slice_from(effect->name),
    };
    memcpy(event.from.id, effect->route->from_id, sizeof(event.from.id));
    memcpy(event.to, effect->route->to.id, sizeof(event.to));
    if (host->callbacks->has_actor(host->arg, slice_from(event.to))) {
        tell(host, &event);
    }
    free_local(local);
}

/* Takes the effect over if the message goes to the process itself. */
static void send_message(struct net_host *host, struct net_effect *effect)
{
    if (!is_ours(host, &effect->route->to.address)) {
        struct upid from = {.address = host->self};
        memcpy(from.id, effect->route->from_id, sizeof(from.id));
        peers_send(host->peers, &from, &effect->route->to, slice_from(effect->name), effect->body);
        net_effect_free(effect);
        return;
    }
    struct local_message *local = xalloc(sizeof(*local));
    local->host = host;
    local->effect = effect;
    loop_task_init(&local->task, deliver_local);
    list_push_back(&host->locals, &local->link);
    loop_post(host->loop, &local->task);
}

/* --- requests of ours --- */

static void free_call(struct call *call)
{
    list_remove(&call->link);
    client_free(call->client, true);
    net_effect_free(call->effect);
    free(call);
}

static void begin_calls(struct net_host *host);

static void on_reply(void *arg, int status, const struct http_head *head, struct slice body)
{
    struct call *call = arg;
    struct net_host *host = call->host;
    struct net_event event = {
        .type = NET_REPLY,
        .handle = call->effect->handle,
        .status = status,
        .head = head,
        .body = body,
    };
    host->call_count--;
    tell(host, &event);
    free_call(call);
    begin_calls(host);
}

static void begin_calls(struct net_host *host)
{
    static const struct client_handler handler = {.on_end = on_reply};
    while (host->call_count < NET_HOST_CALLS_MAX && !list_is_empty(&host->waiting)) {
        struct call *call = LIST_ENTRY(list_pop_front(&host->waiting), struct call, link);
        struct net_effect *effect = call->effect;
        list_push_back(&host->calls, &call->link);
        host->call_count++;
        call->client = client_new(host->loop, &effect->route->to.address, true);
        struct client_request request = {
            .method = effect->name,
            .target = slice_from(effect->path),
            .content_type = effect->content_type,
            .headers = effect->headers,
            .header_count = effect->header_count,
            .body = blob_slice(effect->body),
            .timeout_ns = NET_HOST_CALL_TIMEOUT_NS,
            .size_max = NET_HOST_CALL_SIZE_MAX,
            .handler = &handler,
            .arg = call,
        };
        client_send(call->client, &request);
    }
}

static void add_call(struct net_host *host, struct net_effect *effect)
{
    struct call *call = xalloc(sizeof(*call));
    call->host = host;
    call->effect = effect;
    list_push_back(&host->waiting, &call->link);
    begin_calls(host);
}

/* --- work for workers --- */

static void run_work(struct worker_job *job)
{
    struct work *work = CONTAINER_OF(job, struct work, job);
    struct net_job *mine = TAKE_PTR(work->effect->job);
    mine->run(mine, &work->made);
    mine->free(mine); /* here: what a snapshot holds is let go of off the loop */
}

static void free_work(struct work *work)
{
    list_remove(&work->link);
    net_answer_deinit(&work->made);
    net_effect_free(work->effect);
    free(work);
}

static void work_done(struct worker_job *job)
{
    struct work *work = CONTAINER_OF(job, struct work, job);
    struct net_event event = {
        .type = NET_WORKED,
        .handle = work->effect->handle,
        .made = &work->made.body,
        .unzipped_size = work->made.unzipped_size,
    };
    if (work->host != NULL) {
        tell(work->host, &event);
    }
    free_work(work);
}

static void begin_work(struct net_host *host, struct net_effect *effect)
{
    struct work *work = xalloc(sizeof(*work));
    work->host = host;
    work->effect = effect;
    work->job.run = run_work;
    work->job.done = work_done;
    list_push_back(&host->works, &work->link);
    workers_submit(host->workers, &work->job);
}

static void leave_works(struct net_host *host)
{
    struct work *work;
    LIST_FOR_EACH (work, &host->works, link) {
        if (workers_cancel(host->workers, &work->job)) {
            free_work(work);
        } else {
            list_remove(&work->link);
            work->host = NULL;
        }
    }
}

/* --- effects --- */

static void perform(struct net_host *host, struct net_effect *effect)
{
    const struct address *to = effect->route != NULL ? &effect->route->to.address : NULL;
    switch (effect->type) {
    case NET_RESPOND:
    case NET_RENDER:
    case NET_STREAM_OPEN:
    case NET_STREAM_FIRST:
    case NET_STREAM_WRITE:
    case NET_STREAM_CLOSE:
    case NET_STREAM_MARK:
    case NET_HANGUP:
        server_perform(host->server, effect);
        return;
    case NET_WORK:
        begin_work(host, effect);
        return;
    case NET_HURRY:
        server_hurry(host->server);
        break;
    case NET_SEND:
        send_message(host, effect);
        return;
    case NET_CALL:
        add_call(host, effect);
        return;
    case NET_LINK:
        if (!is_ours(host, to)) { /* the process itself is never told that it has ended */
            peers_link(host->peers, to, effect->reconnect);
        }
        break;
    case NET_UNLINK:
        peers_unlink(host->peers, to);
        break;
    }
    net_effect_free(effect);
}

void net_host_perform(struct net_host *host, struct net_effects *effects)
{
    struct net_effect *effect;
    while ((effect = net_effects_pop(effects)) != NULL) {
        perform(host, effect);
    }
}

void net_host_pause_body(struct net_host *host, uint64_t handle, bool paused)
{
    server_pause_body(host->server, handle, paused);
}

/* --- the host --- */

static bool has_actor(void *arg, struct slice id)
{
    struct net_host *host = arg;
    return host->callbacks->has_actor(host->arg, id);
}

static void on_drain_timer(void *arg)
{
    struct net_host *host = arg;
    int64_t now_ns = loop_now(host->loop).mono_ns;
    bool sent = server_unsent_size(host->server) == 0 && peers_unsent_size(host->peers) == 0 &&
                list_is_empty(&host->locals);
    if (sent || now_ns >= host->drain_deadline_ns) {
        host->on_drained(host->drained_arg);
    } else {
        loop_timer_set(&host->drain_timer, now_ns + DRAIN_LOOK_NS);
    }
}

struct net_host *net_host_new(const struct net_host_options *options)
{
    struct net_host *host = xalloc(sizeof(*host));
    host->loop = options->loop;
    host->callbacks = options->callbacks;
    host->arg = options->arg;
    host->delegate = options->delegate != NULL ? xstrdup(options->delegate) : NULL;
    host->require_peer_match = options->require_peer_match;
    host->routes = (struct routes){.delegate = host->delegate, .has = has_actor, .arg = host};
    arena_init(&host->arena, 0);
    host->workers = options->workers;
    list_init(&host->works);
    list_init(&host->locals);
    list_init(&host->calls);
    list_init(&host->waiting);
    loop_timer_init(&host->drain_timer, host->loop, on_drain_timer, host);
    host->server = server_new(&(struct server_options){
        .loop = options->loop,
        .workers = options->workers,
        .handlers = &server_handlers,
        .arg = host,
        .limits = options->server_limits,
    });
    host->peers = peers_new(&(struct peers_options){
        .loop = options->loop,
        .on_exited = on_exited,
        .arg = host,
        .limits = options->peers_limits,
        .seed = options->seed,
    });
    return host;
}

struct net_host *net_host_free(struct net_host *host)
{
    if (host == NULL) {
        return NULL;
    }
    struct call *call;
    LIST_FOR_EACH (call, &host->calls, link) {
        free_call(call);
    }
    LIST_FOR_EACH (call, &host->waiting, link) {
        free_call(call);
    }
    struct local_message *local;
    LIST_FOR_EACH (local, &host->locals, link) {
        free_local(local);
    }
    leave_works(host);
    loop_timer_cancel(&host->drain_timer);
    server_free(host->server);
    peers_free(host->peers);
    arena_deinit(&host->arena);
    free(host->delegate);
    free(host);
    return NULL;
}

int net_host_listen(struct net_host *host, const struct address *address, struct address *ret_bound,
                    struct err *err)
{
    ASSERT(host->bound_count < ADDRESSES_MAX);
    struct address bound;
    int r = server_listen(host->server, address, &bound, err);
    if (r == 0) {
        host->bound[host->bound_count++] = bound;
        *ret_bound = bound;
    }
    return r;
}

void net_host_set_self(struct net_host *host, const struct address *self)
{
    host->self = *self;
}

void net_host_drain(struct net_host *host, int64_t timeout_ns, loop_fn *fn, void *arg)
{
    int64_t now_ns = loop_now(host->loop).mono_ns;
    server_stop_listening(host->server);
    host->on_drained = fn;
    host->drained_arg = arg;
    host->drain_deadline_ns = time_add_ns(now_ns, timeout_ns);
    loop_timer_set(&host->drain_timer, now_ns);
}

struct server *net_host_server(struct net_host *host)
{
    return host->server;
}

struct peers *net_host_peers(struct net_host *host)
{
    return host->peers;
}
