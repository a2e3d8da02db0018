#include "master/authenticate.h"

#include <stdio.h>
#include <stdlib.h>

#include "auth/cram_md5.h"
#include "common/xalloc.h"
#include "master/master_state.h"
#include "master/messages.h"
#include "wire/message.h"

#define SESSION_PREFIX "crammd5-authenticator-session("

/* What ends with an address: it is there as long as there is something. */
struct origin {
    struct map_link by_address; /* authenticator->origins */
    struct address address;     /* the key */
    struct list exchanges;      /* struct exchange */
    struct list clients;        /* struct client */
};

/* One exchange, under the pid of the client that it is about. */
struct exchange {
    struct map_link by_client;   /* authenticator->exchanges */
    struct map_link by_session;  /* authenticator->sessions */
    struct list of_origin;       /* origin->exchanges */
    struct origin *origin;       /* where the peer is */
    char client[UPID_TEXT_SIZE]; /* a key: who is to be authenticated */
    struct upid peer;            /* the authenticatee, to whom we speak */
    char session[64];            /* a key: our actor */
    bool started;                /* the challenge is sent */
    char challenge[CRAM_MD5_CHALLENGE_SIZE];
    struct timer timeout;
    /* the registration that waits for the end: the last one counts */
    char waiting_name[64]; /* "" = none */
    struct upid waiting_from;
    struct blob *waiting_body;
};

/* Somebody who has authenticated. */
struct client {
    struct map_link by_pid; /* authenticator->clients */
    struct list of_origin;  /* origin->clients */
    struct origin *origin;
    char pid[UPID_TEXT_SIZE]; /* the key */
    char *principal;
};

struct authenticator {
    struct map exchanges; /* struct exchange, by the client's pid */
    struct map sessions;  /* the same, by our actor */
    struct map clients;   /* struct client, by pid */
    struct map origins;   /* struct origin: what they end with */
    uint64_t next_session;
};

static struct slice exchange_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct exchange, by_client)->client);
}

static struct slice session_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct exchange, by_session)->session);
}

static struct slice client_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct client, by_pid)->pid);
}

static struct slice origin_key(const struct map_link *link)
{
    const struct origin *origin = CONTAINER_OF(link, struct origin, by_address);
    return slice_make(&origin->address, sizeof(origin->address));
}

struct authenticator *master_authenticate_new(uint64_t seed)
{
    struct authenticator *a = xalloc(sizeof(*a));
    map_init(&a->exchanges, exchange_key, seed);
    map_init(&a->sessions, session_key, seed + 1);
    map_init(&a->clients, client_key, seed + 2);
    map_init(&a->origins, origin_key, seed + 3);
    a->next_session = 1;
    return a;
}

static struct origin *origin_find(const struct authenticator *a, const struct address *address)
{
    struct map_link *link = map_find(&a->origins, slice_make(address, sizeof(*address)));
    return link != NULL ? CONTAINER_OF(link, struct origin, by_address) : NULL;
}

static struct origin *origin_of(struct authenticator *a, const struct address *address)
{
    struct origin *origin = origin_find(a, address);
    if (origin == NULL) {
        origin = xalloc(sizeof(*origin));
        origin->address = *address;
        list_init(&origin->exchanges);
        list_init(&origin->clients);
        map_add(&a->origins, &origin->by_address);
    }
    return origin;
}

static void origin_drop_if_empty(struct authenticator *a, struct origin *origin)
{
    if (list_is_empty(&origin->exchanges) && list_is_empty(&origin->clients)) {
        map_remove(&a->origins, &origin->by_address);
        free(origin);
    }
}

static void exchange_free(struct master *master, struct exchange *exchange)
{
    struct authenticator *a = master->authenticator;
    map_remove(&a->exchanges, &exchange->by_client);
    map_remove(&a->sessions, &exchange->by_session);
    list_remove(&exchange->of_origin);
    origin_drop_if_empty(a, exchange->origin);
    timers_cancel(&master->timers, &exchange->timeout);
    blob_unref(exchange->waiting_body);
    free(exchange);
}

static void client_free(struct authenticator *a, struct client *client)
{
    map_remove(&a->clients, &client->by_pid);
    list_remove(&client->of_origin);
    origin_drop_if_empty(a, client->origin);
    free(client->principal);
    free(client);
}

struct authenticator *master_authenticate_free(struct master *master, struct authenticator *a)
{
    struct map_link *link;
    while ((link = map_first(&a->exchanges)) != NULL) {
        exchange_free(master, CONTAINER_OF(link, struct exchange, by_client));
    }
    while ((link = map_first(&a->clients)) != NULL) {
        client_free(a, CONTAINER_OF(link, struct client, by_pid));
    }
    map_deinit(&a->exchanges);
    map_deinit(&a->sessions);
    map_deinit(&a->clients);
    map_deinit(&a->origins);
    free(a);
    return NULL;
}

bool master_authenticate_is_session(struct slice id)
{
    return slice_starts_with(id, SLICE(SESSION_PREFIX));
}

/* --- what the session says --- */

static void tell(struct master *master, const struct exchange *exchange, const char *name,
                 const ProtobufCMessage *message)
{
    net_send(&master->effects->net, exchange->session, &exchange->peer, name,
             message_encode_blob(message));
}

/* The registration that waited is heard now: it passes, or is refused. */
static void end(struct master *master, struct exchange *exchange)
{
    struct net_event event = {.type = NET_MESSAGE,
                              .from = exchange->waiting_from,
                              .name = SLICE(""),
                              .body = blob_slice(exchange->waiting_body)};
    char name[sizeof(exchange->waiting_name)];
    struct blob *body = TAKE_PTR(exchange->waiting_body);
    memcpy(name, exchange->waiting_name, sizeof(name));
    exchange_free(master, exchange);
    if (name[0] != '\0') {
        memcpy(event.to, master->upid.id, sizeof(event.to));
        event.name = slice_from(name);
        master_message(master, &event);
    }
    blob_unref(body);
}

static void fail(struct master *master, struct exchange *exchange)
{
    Pb__Internal__AuthenticationFailedMessage message =
        PB__INTERNAL__AUTHENTICATION_FAILED_MESSAGE__INIT;
    master_log(master, LOG_LEVEL_WARNING, "Authentication of %s failed", exchange->client);
    tell(master, exchange, "mesos.internal.AuthenticationFailedMessage", &message.base);
    end(master, exchange);
}

static void complain(struct master *master, struct exchange *exchange, const char *why)
{
    Pb__Internal__AuthenticationErrorMessage message =
        PB__INTERNAL__AUTHENTICATION_ERROR_MESSAGE__INIT;
    message.error = (char *)(uintptr_t)why;
    tell(master, exchange, "mesos.internal.AuthenticationErrorMessage", &message.base);
    end(master, exchange);
}

static void complete(struct master *master, struct exchange *exchange, struct slice principal)
{
    struct authenticator *a = master->authenticator;
    struct map_link *link = map_find(&a->clients, slice_from(exchange->client));
    if (link != NULL) {
        client_free(a, CONTAINER_OF(link, struct client, by_pid));
    }
    if (a->clients.count >= AUTHENTICATE_CLIENTS_MAX) {
        complain(master, exchange, "too many clients have authenticated");
        return;
    }
    struct client *client = xalloc(sizeof(*client));
    memcpy(client->pid, exchange->client, sizeof(client->pid));
    client->principal = xstrndup(principal.data, principal.size);
    map_add(&a->clients, &client->by_pid);
    client->origin = exchange->origin;
    list_push_back(&client->origin->clients, &client->of_origin);
    master_log(master, LOG_LEVEL_INFO, "%s has authenticated as '%s'", client->pid,
               client->principal);
    Pb__Internal__AuthenticationCompletedMessage message =
        PB__INTERNAL__AUTHENTICATION_COMPLETED_MESSAGE__INIT;
    tell(master, exchange, "mesos.internal.AuthenticationCompletedMessage", &message.base);
    end(master, exchange);
}

/* --- what it hears --- */

void master_authenticate_begin(struct master *master, const struct upid *from, const char *pid)
{
    struct authenticator *a = master->authenticator;
    struct upid client;
    char key[UPID_TEXT_SIZE]; /* as the pid is written by us: others may write it longer */
    if (!upid_parse(slice_from(pid), &client)) {
        master_log(master, LOG_LEVEL_WARNING, "Dropping an authentication of '%.100s': no pid",
                   pid);
        return;
    }
    upid_format(&client, key);
    struct map_link *link = map_find(&a->exchanges, slice_from(key));
    if (link != NULL) {
        /* The client gave up waiting, and tries again; what it asked meanwhile is asked again, too.
         */
        exchange_free(master, CONTAINER_OF(link, struct exchange, by_client));
    }
    if (a->exchanges.count >= AUTHENTICATE_EXCHANGES_MAX) {
        master_log(master, LOG_LEVEL_WARNING, "Ignoring an authentication: too many are under way");
        return;
    }
    struct exchange *exchange = xalloc(sizeof(*exchange));
    memcpy(exchange->client, key, sizeof(key));
    (void)snprintf(exchange->session, sizeof(exchange->session), SESSION_PREFIX "%llu)",
                   (unsigned long long)a->next_session++);
    exchange->peer = *from;
    map_add(&a->exchanges, &exchange->by_client);
    map_add(&a->sessions, &exchange->by_session);
    exchange->origin = origin_of(a, &from->address);
    list_push_back(&exchange->origin->exchanges, &exchange->of_origin);
    timer_init(&exchange->timeout, TIMER_AUTHENTICATION, exchange);
    timers_set(&master->timers, &exchange->timeout,
               time_add_ns(master->now.mono_ns, master->options.authentication_timeout_ns));
    /* Its end is the end of what it has shown. */
    net_link(&master->effects->net, &from->address);
    char *mechanism = (char[]){CRAM_MD5_MECHANISM};
    Pb__Internal__AuthenticationMechanismsMessage message =
        PB__INTERNAL__AUTHENTICATION_MECHANISMS_MESSAGE__INIT;
    message.mechanisms = &mechanism;
    message.n_mechanisms = 1;
    tell(master, exchange, "mesos.internal.AuthenticationMechanismsMessage", &message.base);
}

static struct exchange *find_session(struct authenticator *a, const struct net_event *event)
{
    struct map_link *link = map_find(&a->sessions, slice_from(event->to));
    if (link == NULL) {
        return NULL;
    }
    struct exchange *exchange = CONTAINER_OF(link, struct exchange, by_session);
    return upid_equal(&exchange->peer, &event->from) ? exchange : NULL;
}

static void on_start(struct master *master, struct exchange *exchange, const char *mechanism)
{
    if (exchange->started || strcmp(mechanism, CRAM_MD5_MECHANISM) != 0) {
        complain(master, exchange,
                 exchange->started ? "Unexpected authentication 'start' received"
                                   : "Unsupported mechanism");
        return;
    }
    exchange->started = true;
    cram_md5_challenge(&master->prng, master->now.wall_ns, master->options.hostname,
                       exchange->challenge);
    Pb__Internal__AuthenticationStepMessage message =
        PB__INTERNAL__AUTHENTICATION_STEP_MESSAGE__INIT;
    message.data = message_data(slice_from(exchange->challenge));
    tell(master, exchange, "mesos.internal.AuthenticationStepMessage", &message.base);
}

static void on_step(struct master *master, struct exchange *exchange, struct slice answer)
{
    struct slice principal;
    if (!exchange->started) {
        complain(master, exchange, "Unexpected authentication 'step' received");
    } else if (cram_md5_check(&master->options.credentials, exchange->challenge, answer,
                              &principal)) {
        complete(master, exchange, principal);
    } else {
        fail(master, exchange);
    }
}

void master_authenticate_message(struct master *master, const struct net_event *event)
{
    struct exchange *exchange = find_session(master->authenticator, event);
    struct err err;
    if (exchange == NULL) {
        return; /* of an exchange that has ended, or not of the peer that it is with */
    }
    if (slice_is(event->name, "mesos.internal.AuthenticationStartMessage")) {
        Pb__Internal__AuthenticationStartMessage *message;
        if (MESSAGE_DECODE(Pb__Internal__AuthenticationStartMessage,
                           pb__internal__authentication_start_message, event->body, &master->input,
                           &message, &err) == 0) {
            on_start(master, exchange, message->mechanism);
        }
    } else if (slice_is(event->name, "mesos.internal.AuthenticationStepMessage")) {
        Pb__Internal__AuthenticationStepMessage *message;
        if (MESSAGE_DECODE(Pb__Internal__AuthenticationStepMessage,
                           pb__internal__authentication_step_message, event->body, &master->input,
                           &message, &err) == 0) {
            on_step(master, exchange, message_bytes(message->data));
        }
    }
}

void master_authenticate_timeout(struct master *master, struct timer *timer)
{
    struct exchange *exchange = CONTAINER_OF(timer, struct exchange, timeout);
    master_log(master, LOG_LEVEL_WARNING, "Authentication of %s took too long", exchange->client);
    end(master, exchange);
}

void master_authenticate_exited(struct master *master, const struct address *address)
{
    struct authenticator *a = master->authenticator;
    struct origin *origin;
    /* It goes with the last of what it has. */
    while ((origin = origin_find(a, address)) != NULL) {
        if (!list_is_empty(&origin->exchanges)) {
            exchange_free(master, LIST_ENTRY(origin->exchanges.next, struct exchange, of_origin));
        } else {
            client_free(a, LIST_ENTRY(origin->clients.next, struct client, of_origin));
        }
    }
}

enum authenticate_gate master_authenticate_agent(struct master *master,
                                                 const struct net_event *event)
{
    struct authenticator *a = master->authenticator;
    char pid[UPID_TEXT_SIZE];
    upid_format(&event->from, pid);
    struct map_link *link = map_find(&a->exchanges, slice_from(pid));
    if (link != NULL && event->name.size < sizeof(((struct exchange *)0)->waiting_name)) {
        struct exchange *exchange = CONTAINER_OF(link, struct exchange, by_client);
        memcpy(exchange->waiting_name, event->name.data, event->name.size);
        exchange->waiting_name[event->name.size] = '\0';
        exchange->waiting_from = event->from;
        blob_unref(exchange->waiting_body);
        exchange->waiting_body = blob_from(event->body);
        return AUTHENTICATE_WAIT;
    }
    if (!master->options.authenticate_agents || map_find(&a->clients, slice_from(pid)) != NULL) {
        return AUTHENTICATE_PASS;
    }
    master_log(master, LOG_LEVEL_WARNING, "Refusing agent %s: it has not authenticated", pid);
    return AUTHENTICATE_REFUSE;
}
