#include "coord/zk_client.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

#include "common/log.h"
#include "common/xalloc.h"

#define SESSION_MAGIC 0x5a4b5345u
#define CALL_MAGIC 0x5a4b434cu
/* For the thread to end: libzookeeper gives a CLOSE three seconds, a resolver takes longer. */
#define END_TIMEOUT_SECS 5
/* Names are resolved when a connection is looked for, not while there is one. */
#define RESOLVE_ON_LOSS (-1)

struct zk_client {
    zk_client_fn *fn;
    void *arg;
    pthread_t thread;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t more;   /* effects, or the end */
    struct loop_waker *waker;
    struct list effects; /* of struct zk_effect */
    struct list events;  /* of struct queued */
    bool ends;           /* no more events: the loop may be gone */

    /* the thread's own */
    struct session *session; /* NULL = none */
};

/* What libzookeeper hands back with the events of a session. */
struct session {
    uint32_t magic;
    struct zk_client *client;
    uint64_t number;
    zhandle_t *handle;
    struct list calls; /* under way; under the client's mutex */
};

/* ... and with the answer to an operation. */
struct call {
    uint32_t magic;
    struct list link; /* in the session */
    struct session *session;
    uint64_t op;
};

/* An event with what it points to. */
struct queued {
    struct list link;
    struct zk_event event;
    char *text, *path; /* heap */
    char *data;        /* heap */
    char **children;   /* heap */
};

/* --- events --- */

static struct queued *queued_new(const struct session *session, enum zk_event_type type)
{
    struct queued *queued = xalloc(sizeof(*queued));
    queued->event.type = type;
    queued->event.session = session->number;
    return queued;
}

static void queued_free(struct queued *queued)
{
    for (size_t i = 0; i < queued->event.child_count; i++) {
        free(queued->children[i]);
    }
    free(queued->children);
    free(queued->text);
    free(queued->path);
    free(queued->data);
    free(queued);
}

/* By any thread. */
static void put(struct zk_client *client, struct queued *queued)
{
    (void)pthread_mutex_lock(&client->mutex);
    if (client->ends) {
        (void)pthread_mutex_unlock(&client->mutex);
        queued_free(queued);
        return;
    }
    queued->event.text = queued->text;
    queued->event.path = queued->path;
    queued->event.children = (const char *const *)queued->children;
    list_push_back(&client->events, &queued->link);
    loop_waker_wake(client->waker);
    (void)pthread_mutex_unlock(&client->mutex);
}

static struct queued *take(struct zk_client *client)
{
    (void)pthread_mutex_lock(&client->mutex);
    struct list *link = list_pop_front(&client->events);
    (void)pthread_mutex_unlock(&client->mutex);
    return link != NULL ? LIST_ENTRY(link, struct queued, link) : NULL;
}

static void on_wake(void *arg)
{
    struct zk_client *client = arg;
    struct queued *queued;
    while ((queued = take(client)) != NULL) {
        client->fn(client->arg, &queued->event);
        queued_free(queued);
    }
}

/* --- what libzookeeper tells, in its threads --- */

static void on_session_event(struct session *session, zhandle_t *handle, int state)
{
    struct queued *queued;
    if (state == ZOO_CONNECTED_STATE) {
        queued = queued_new(session, ZK_CONNECTED);
        queued->event.timeout_ns = zoo_recv_timeout(handle) * NS_PER_MS;
    } else if (state == ZOO_EXPIRED_SESSION_STATE) {
        queued = queued_new(session, ZK_EXPIRED);
    } else if (state == ZOO_AUTH_FAILED_STATE) {
        queued = queued_new(session, ZK_AUTH_FAILED);
    } else if (state == ZOO_CONNECTING_STATE || state == ZOO_NOTCONNECTED_STATE) {
        queued = queued_new(session, ZK_CONNECTING);
    } else {
        return; /* on the way to one of these */
    }
    put(session->client, queued);
}

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    struct session *session;
    CAST_OBJ(session, context, SESSION_MAGIC);
    if (type == ZOO_SESSION_EVENT) {
        on_session_event(session, handle, state);
    } else if (path != NULL) {
        struct queued *queued = queued_new(session, ZK_WATCH);
        queued->path = xstrdup(path);
        put(session->client, queued);
    }
}

static enum zk_error error_of(int code)
{
    switch (code) {
    case ZOK:
        return ZK_OK;
    case ZNONODE:
        return ZK_NO_NODE;
    case ZNODEEXISTS:
        return ZK_NODE_EXISTS;
    case ZNOAUTH:
        return ZK_NO_AUTH;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSESSIONEXPIRED:
    case ZSESSIONMOVED:
    case ZINVALIDSTATE: /* of a session that is over: its event follows */
    case ZCLOSING:
    case ZTHROTTLEDOP:
        return ZK_UNKNOWN;
    default:
        return ZK_REFUSED;
    }
}

static void free_call(struct call *call)
{
    struct zk_client *client = call->session->client;
    (void)pthread_mutex_lock(&client->mutex);
    list_remove(&call->link);
    (void)pthread_mutex_unlock(&client->mutex);
    OBJ_DEAD(call);
    free(call);
}

/* The answer to an operation, to be put; frees the call. */
static struct queued *answer(const void *data, int code, struct session **ret_session)
{
    struct call *call;
    CAST_OBJ(call, (void *)(uintptr_t)data, CALL_MAGIC);
    struct queued *queued = queued_new(call->session, ZK_DONE);
    queued->event.op = call->op;
    queued->event.error = error_of(code);
    if (queued->event.error == ZK_REFUSED) {
        queued->text = xstrdup(zerror(code));
    }
    *ret_session = call->session;
    free_call(call);
    return queued;
}

static void on_void(int code, const void *data)
{
    struct session *session;
    struct queued *queued = answer(data, code, &session);
    put(session->client, queued);
}

static void on_stat(int code, const struct Stat *stat UNUSED, const void *data)
{
    on_void(code, data);
}

static void on_string(int code, const char *value, const void *data)
{
    struct session *session;
    struct queued *queued = answer(data, code, &session);
    if (code == ZOK && value != NULL) {
        queued->path = xstrdup(value);
    }
    put(session->client, queued);
}

static void on_strings(int code, const struct String_vector *values, const void *data)
{
    struct session *session;
    struct queued *queued = answer(data, code, &session);
    if (code == ZOK && values != NULL && values->count > 0) {
        size_t count = (size_t)values->count;
        queued->children = xcalloc(count, sizeof(char *));
        for (size_t i = 0; i < count; i++) {
            queued->children[i] = xstrdup(values->data[i]);
        }
        queued->event.child_count = count;
    }
    put(session->client, queued);
}

static void on_data(int code, const char *value, int size, const struct Stat *stat UNUSED,
                    const void *data)
{
    struct session *session;
    struct queued *queued = answer(data, code, &session);
    if (code == ZOK && size > 0) {
        queued->data = xmemdup(value, (size_t)size);
        queued->event.data = slice_make(queued->data, (size_t)size);
    }
    put(session->client, queued);
}

/* "<time>:<pid>(<thread>):ZOO_<level>@<function>@<line>: <text>". While no server can be reached
 * there are several a second; what matters of them the election says itself. */
static void on_log(const char *line)
{
    const char *at = strstr(line, ":ZOO_");
    const char *text = at != NULL ? strstr(at, ": ") : NULL;
    LOG_DEBUG("libzookeeper: %s", text != NULL ? text + 2 : line);
}

/* --- what the thread does --- */

static void close_session(struct zk_client *client)
{
    struct session *session = TAKE_PTR(client->session);
    if (session != NULL) {
        struct call *call;
        /* Tells the servers if it is connected, and completes most of what is under way. */
        (void)zookeeper_close(session->handle);
        LIST_FOR_EACH (call, &session->calls, link) {
            free_call(call);
        }
        OBJ_DEAD(session);
        free(session);
    }
}

static void open_session(struct zk_client *client, const struct zk_effect *effect)
{
    struct session *session = xalloc(sizeof(*session));
    int64_t timeout_ms = MAX(MIN(effect->timeout_ns / NS_PER_MS, (int64_t)INT32_MAX), (int64_t)1);
    OBJ_INIT(session, SESSION_MAGIC);
    session->client = client;
    session->number = effect->session;
    list_init(&session->calls);
    close_session(client);
    session->handle =
        zookeeper_init2(effect->text, on_event, (int)timeout_ms, NULL, session, 0, on_log);
    if (session->handle == NULL) {
        struct queued *queued = queued_new(session, ZK_OPEN_FAILED);
        queued->text = xasprintf("%s: %s", effect->text, strerror(errno));
        put(client, queued);
        free(session);
        return;
    }
    (void)zoo_set_servers_resolution_delay(session->handle, RESOLVE_ON_LOSS);
    client->session = session;
}

static int create(zhandle_t *handle, const struct zk_effect *effect, struct call *call)
{
    struct ACL restricted[] = {{ZOO_PERM_READ, ZOO_ANYONE_ID_UNSAFE}, {ZOO_PERM_ALL, ZOO_AUTH_IDS}};
    const struct ACL_vector acl = {ELEMENTS(restricted), restricted};
    struct slice data = blob_slice(effect->data);
    return zoo_acreate(handle, effect->text, data.size > 0 ? data.data : "", (int)data.size,
                       effect->restricted ? &acl : &ZOO_OPEN_ACL_UNSAFE,
                       effect->ephemeral ? ZOO_EPHEMERAL | ZOO_SEQUENCE : 0, on_string, call);
}

static int begin(zhandle_t *handle, const struct zk_effect *effect, struct call *call)
{
    switch (effect->type) {
    case ZK_ADD_AUTH:
        return zoo_add_auth(handle, "digest", effect->text, (int)strlen(effect->text), on_void,
                            call);
    case ZK_EXISTS:
        return zoo_aexists(handle, effect->text, 0, on_stat, call);
    case ZK_CREATE:
        return create(handle, effect, call);
    case ZK_GET_CHILDREN:
        return zoo_aget_children(handle, effect->text, effect->watch, on_strings, call);
    case ZK_GET_DATA:
        return zoo_aget(handle, effect->text, effect->watch, on_data, call);
    case ZK_OPEN:
    case ZK_CLOSE:
        break;
    }
    WRONG("an effect that is no operation");
}

static void perform(struct zk_client *client, const struct zk_effect *effect)
{
    if (effect->type == ZK_OPEN) {
        open_session(client, effect);
        return;
    }
    struct session *session = client->session;
    if (session == NULL || session->number != effect->session) {
        return; /* it could not be opened: that was told */
    }
    if (effect->type == ZK_CLOSE) {
        close_session(client);
        return;
    }
    struct call *call = xalloc(sizeof(*call));
    OBJ_INIT(call, CALL_MAGIC);
    call->session = session;
    call->op = effect->op;
    (void)pthread_mutex_lock(&client->mutex);
    list_push_back(&session->calls, &call->link);
    (void)pthread_mutex_unlock(&client->mutex);
    int code = begin(session->handle, effect, call);
    if (code != ZOK) {
        on_void(code, call);
    }
}

/* The next effect, or NULL at the end. */
static struct zk_effect *wait_for_effect(struct zk_client *client)
{
    (void)pthread_mutex_lock(&client->mutex);
    while (!client->ends && list_is_empty(&client->effects)) {
        (void)pthread_cond_wait(&client->more, &client->mutex);
    }
    struct list *link = client->ends ? NULL : list_pop_front(&client->effects);
    (void)pthread_mutex_unlock(&client->mutex);
    return link != NULL ? LIST_ENTRY(link, struct zk_effect, link) : NULL;
}

static void *run(void *arg)
{
    struct zk_client *client = arg;
    struct zk_effect *effect;
    while ((effect = wait_for_effect(client)) != NULL) {
        perform(client, effect);
        zk_effect_free(effect);
    }
    close_session(client);
    return NULL;
}

/* --- the loop's side --- */

struct zk_client *zk_client_new(struct loop *loop, zk_client_fn *fn, void *arg)
{
    struct zk_client *client = xalloc(sizeof(*client));
    client->fn = fn;
    client->arg = arg;
    list_init(&client->effects);
    list_init(&client->events);
    client->waker = loop_waker_new(loop, on_wake, client);
    ASSERT(pthread_mutex_init(&client->mutex, NULL) == 0);
    ASSERT(pthread_cond_init(&client->more, NULL) == 0);
    zoo_set_debug_level(ZOO_LOG_LEVEL_INFO);
    /* Signals are the loop's; libzookeeper's threads inherit this. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    ASSERT(pthread_create(&client->thread, NULL, run, client) == 0);
    ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return client;
}

static void drop_queues(struct zk_client *client)
{
    struct zk_effect *effect;
    struct queued *queued;
    LIST_FOR_EACH (effect, &client->effects, link) {
        zk_effect_free(effect);
    }
    LIST_FOR_EACH (queued, &client->events, link) {
        queued_free(queued);
    }
    list_init(&client->events);
}

struct zk_client *zk_client_free(struct zk_client *client)
{
    if (client == NULL) {
        return NULL;
    }
    struct timespec deadline;
    (void)pthread_mutex_lock(&client->mutex);
    client->ends = true;
    client->waker = loop_waker_free(client->waker);
    (void)pthread_cond_signal(&client->more);
    (void)pthread_mutex_unlock(&client->mutex);
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += END_TIMEOUT_SECS;
    if (pthread_timedjoin_np(client->thread, NULL, &deadline) != 0) {
        /* It hangs in a resolver; the process is about to end, and this with it. */
        LOG_WARNING("ZooKeeper's session is left without being closed");
        (void)pthread_detach(client->thread);
        return NULL;
    }
    drop_queues(client);
    (void)pthread_cond_destroy(&client->more);
    (void)pthread_mutex_destroy(&client->mutex);
    free(client);
    return NULL;
}

void zk_client_perform(struct zk_client *client, struct zk_effects *effects)
{
    struct zk_effect *effect;
    (void)pthread_mutex_lock(&client->mutex);
    while ((effect = zk_effects_pop(effects)) != NULL) {
        list_push_back(&client->effects, &effect->link);
    }
    (void)pthread_cond_signal(&client->more);
    (void)pthread_mutex_unlock(&client->mutex);
}
