#include "../unit.h"

#include "ensemble.h"

#include "common/xalloc.h"
#include "election/leader_info.h"
#include "wire/message.h"
#include "wire/pb.h"

struct node {
    struct list link;
    char *path;
    char *data;
    size_t size;
    const struct session *owner; /* NULL = not ephemeral */
    bool restricted;
};

struct watch {
    struct list link;
    char *path;
    bool of_children;
    bool fired; /* while there was no connection */
};

struct session {
    struct list link;
    struct process *process;
    uint64_t number;
    bool alive;
    bool met; /* has been connected */
    bool connected;
    bool authenticated;
    int64_t expires_ns; /* while not connected */
    struct list watches;
};

struct reply {
    struct list link;
    struct zk_event event;
    char *path, *data;
    char **children;
};

/* --- replies --- */

static struct reply *reply(struct process *process, enum zk_event_type type, uint64_t session)
{
    struct reply *r = xalloc(sizeof(*r));
    r->event.type = type;
    r->event.session = session;
    list_push_back(&process->replies, &r->link);
    return r;
}

static void reply_free(struct reply *r)
{
    list_remove(&r->link);
    for (size_t i = 0; i < r->event.child_count; i++) {
        free(r->children[i]);
    }
    free(r->children);
    free(r->path);
    free(r->data);
    free(r);
}

static void drop_queues(struct process *process)
{
    struct reply *r;
    struct zk_effect *effect;
    LIST_FOR_EACH (r, &process->replies, link) {
        reply_free(r);
    }
    LIST_FOR_EACH (effect, &process->requests, link) {
        zk_effect_free(effect);
    }
}

/* --- nodes --- */

static struct node *find_node(const struct ensemble *ensemble, const char *path)
{
    struct node *node;
    LIST_FOR_EACH (node, &ensemble->nodes, link) {
        if (strcmp(node->path, path) == 0) {
            return node;
        }
    }
    return NULL;
}

static char *parent_of(const char *path)
{
    return xstrndup(path, (size_t)(strrchr(path, '/') - path));
}

static void fire(struct ensemble *ensemble, const char *path, bool of_children)
{
    struct session *session;
    struct watch *watch;
    LIST_FOR_EACH (session, &ensemble->sessions, link) {
        LIST_FOR_EACH (watch, &session->watches, link) {
            if (watch->of_children != of_children || strcmp(watch->path, path) != 0) {
                continue;
            }
            if (!session->connected) {
                watch->fired = true;
                continue;
            }
            reply(session->process, ZK_WATCH, session->number)->path = xstrdup(path);
            list_remove(&watch->link);
            free(watch->path);
            free(watch);
        }
    }
}

static void fire_node(struct ensemble *ensemble, const char *path)
{
    char *parent = parent_of(path);
    fire(ensemble, path, false);
    fire(ensemble, parent, true);
    free(parent);
}

static struct node *add_node(struct ensemble *ensemble, const char *path, struct slice data)
{
    struct node *node = xalloc(sizeof(*node));
    node->path = xstrdup(path);
    node->data = xmemdup(data.size > 0 ? data.data : "", data.size + (data.size == 0));
    node->size = data.size;
    list_push_back(&ensemble->nodes, &node->link);
    fire_node(ensemble, path);
    return node;
}

static void remove_node(struct ensemble *ensemble, struct node *node)
{
    list_remove(&node->link);
    fire_node(ensemble, node->path);
    free(node->path);
    free(node->data);
    free(node);
}

static bool is_child(const struct node *node, const char *parent)
{
    size_t size = strlen(parent);
    return strncmp(node->path, parent, size) == 0 && node->path[size] == '/' &&
           strchr(node->path + size + 1, '/') == NULL;
}

void ensemble_put(struct ensemble *ensemble, const char *path, const char *data)
{
    struct node *node = find_node(ensemble, path);
    if (node != NULL) {
        free(node->data);
        node->data = xstrdup(data);
        node->size = strlen(data);
        fire(ensemble, path, false);
    } else {
        add_node(ensemble, path, slice_from(data));
    }
}

bool ensemble_delete(struct ensemble *ensemble, const char *path)
{
    struct node *node = find_node(ensemble, path);
    if (node != NULL) {
        remove_node(ensemble, node);
    }
    return node != NULL;
}

bool ensemble_is_restricted(const struct ensemble *ensemble, const char *path)
{
    const struct node *node = find_node(ensemble, path);
    return node != NULL && node->restricted;
}

int ensemble_nodes(const struct ensemble *ensemble, const char *parent)
{
    struct node *node;
    int count = 0;
    LIST_FOR_EACH (node, &ensemble->nodes, link) {
        count += is_child(node, parent);
    }
    return count;
}

const char *ensemble_lowest(const struct ensemble *ensemble)
{
    struct node *node;
    const char *lowest = NULL;
    int32_t lowest_number = 0;
    LIST_FOR_EACH (node, &ensemble->nodes, link) {
        enum leader_info_format format;
        int32_t number;
        if (is_child(node, ENSEMBLE_PATH) &&
            leader_info_parse_name(slice_from(strrchr(node->path, '/') + 1), &format, &number) &&
            (lowest == NULL || number < lowest_number)) {
            lowest = node->path;
            lowest_number = number;
        }
    }
    return lowest;
}

/* --- sessions --- */

static struct session *find_session(const struct process *process, uint64_t number)
{
    struct session *session;
    LIST_FOR_EACH (session, &process->ensemble->sessions, link) {
        if (session->process == process && session->number == number) {
            return session;
        }
    }
    return NULL;
}

static void drop_watches(struct session *session)
{
    struct watch *watch;
    LIST_FOR_EACH (watch, &session->watches, link) {
        list_remove(&watch->link);
        free(watch->path);
        free(watch);
    }
}

/* On the servers: the nodes go. */
static void end_session(struct ensemble *ensemble, struct session *session)
{
    struct node *node;
    session->alive = false;
    drop_watches(session);
    LIST_FOR_EACH (node, &ensemble->nodes, link) {
        if (node->owner == session) {
            remove_node(ensemble, node);
        }
    }
}

bool process_owns(const struct process *process, const char *path)
{
    const struct node *node = find_node(process->ensemble, path);
    return node != NULL && node->owner != NULL &&
           node->owner == find_session(process, process->session);
}

static void forget_requests(struct process *process, uint64_t session)
{
    struct zk_effect *effect;
    LIST_FOR_EACH (effect, &process->requests, link) {
        if (effect->session == session && effect->type != ZK_CLOSE) {
            reply(process, ZK_DONE, session)->event.op = effect->op;
            LIST_ENTRY(process->replies.prev, struct reply, link)->event.error = ZK_UNKNOWN;
            zk_effect_free(effect);
        }
    }
}

bool process_break(struct process *process, bool loses_replies)
{
    struct session *session = find_session(process, process->session);
    struct reply *r;
    if (session == NULL || !session->connected) {
        return false;
    }
    session->connected = false;
    session->expires_ns = process->ensemble->now_ns + ENSEMBLE_TIMEOUT_NS;
    LIST_FOR_EACH (r, &process->replies, link) {
        if (loses_replies && r->event.session == session->number && r->event.type == ZK_DONE) {
            r->event.error = ZK_UNKNOWN;
        } else if (loses_replies && r->event.session == session->number &&
                   r->event.type == ZK_WATCH) {
            struct watch *watch = xalloc(sizeof(*watch)); /* the library sets it again */
            watch->path = xstrdup(r->path);
            watch->fired = true;
            list_push_back(&session->watches, &watch->link);
            reply_free(r);
        }
    }
    reply(process, ZK_CONNECTING, session->number);
    forget_requests(process, session->number);
    return true;
}

bool process_reconnect(struct process *process)
{
    struct session *session = find_session(process, process->session);
    struct watch *watch;
    if (session == NULL || session->connected || process->ensemble->is_down) {
        return false;
    }
    if (!session->alive) {
        reply(process, ZK_EXPIRED, session->number);
        session->process = NULL; /* told once */
        return true;
    }
    session->connected = session->met = true;
    reply(process, ZK_CONNECTED, session->number)->event.timeout_ns = ENSEMBLE_TIMEOUT_NS;
    LIST_FOR_EACH (watch, &session->watches, link) {
        if (watch->fired) {
            reply(process, ZK_WATCH, session->number)->path = TAKE_PTR(watch->path);
            list_remove(&watch->link);
            free(watch);
        }
    }
    return true;
}

bool process_expire(struct process *process)
{
    struct session *session = find_session(process, process->session);
    if (session == NULL || !session->alive) {
        return false;
    }
    (void)process_break(process, true);
    end_session(process->ensemble, session);
    return true;
}

/* --- what the servers do --- */

static void set_watch(struct session *session, const struct zk_effect *effect)
{
    if (effect->watch) {
        struct watch *watch = xalloc(sizeof(*watch));
        watch->path = xstrdup(effect->text);
        watch->of_children = effect->type == ZK_GET_CHILDREN;
        list_push_back(&session->watches, &watch->link);
    }
}

static enum zk_error create(struct ensemble *ensemble, struct session *session,
                            const struct zk_effect *effect, struct reply *r)
{
    char *parent = parent_of(effect->text);
    bool has_parent = parent[0] == '\0' || find_node(ensemble, parent) != NULL;
    free(parent);
    if (!has_parent) {
        return ZK_NO_NODE;
    }
    assert_true(!effect->restricted || session->authenticated);
    r->path = effect->ephemeral ? xasprintf("%s%010d", effect->text, (int)ensemble->next_number++)
                                : xstrdup(effect->text);
    if (find_node(ensemble, r->path) != NULL) {
        return ZK_NODE_EXISTS;
    }
    struct node *node = add_node(ensemble, r->path, blob_slice(effect->data));
    node->restricted = effect->restricted;
    node->owner = effect->ephemeral ? session : NULL;
    return ZK_OK;
}

static void list_children(struct ensemble *ensemble, const char *path, struct reply *r)
{
    struct node *node;
    r->children = xcalloc((size_t)ensemble_nodes(ensemble, path) + 1, sizeof(char *));
    LIST_FOR_EACH (node, &ensemble->nodes, link) {
        if (is_child(node, path)) {
            r->children[r->event.child_count++] = xstrdup(strrchr(node->path, '/') + 1);
        }
    }
    r->event.children = (const char *const *)r->children;
}

static enum zk_error serve(struct ensemble *ensemble, struct session *session,
                           const struct zk_effect *effect, struct reply *r)
{
    struct node *node = find_node(ensemble, effect->text);
    if (effect->type == ZK_CREATE) {
        return create(ensemble, session, effect, r);
    }
    if (effect->type == ZK_ADD_AUTH) {
        session->authenticated = true;
        return ZK_OK;
    }
    if (node == NULL) {
        return ZK_NO_NODE;
    }
    set_watch(session, effect);
    if (effect->type == ZK_GET_CHILDREN) {
        list_children(ensemble, effect->text, r);
    } else if (effect->type == ZK_GET_DATA) {
        r->data = xmemdup(node->data, node->size + (node->size == 0));
        r->event.data = slice_make(r->data, node->size);
    }
    return ZK_OK;
}

static enum zk_error error_of(enum trouble trouble)
{
    switch (trouble) {
    case TROUBLE_NO_NODE:
        return ZK_NO_NODE;
    case TROUBLE_EXISTS:
        return ZK_NODE_EXISTS;
    case TROUBLE_NO_AUTH:
        return ZK_NO_AUTH;
    case TROUBLE_REFUSED:
        return ZK_REFUSED;
    case TROUBLE_NONE:
    case TROUBLE_UNDONE:
    case TROUBLE_DONE:
    case TROUBLE_BREAK_UNDONE:
    case TROUBLE_BREAK_DONE:
    case TROUBLE_COUNT:
        return ZK_UNKNOWN;
    }
    WRONG("a trouble that is none");
}

static void operate(struct process *process, struct session *session,
                    const struct zk_effect *effect)
{
    struct ensemble *ensemble = process->ensemble;
    bool in_trouble = ++ensemble->op_count == ensemble->trouble_at;
    enum trouble trouble = in_trouble ? ensemble->trouble : TROUBLE_NONE;
    bool done = trouble == TROUBLE_NONE || trouble == TROUBLE_DONE || trouble == TROUBLE_BREAK_DONE;
    struct reply *r = xalloc(sizeof(*r));
    list_init(&r->link);
    r->event.type = ZK_DONE;
    r->event.session = session->number;
    r->event.op = effect->op;
    r->event.error = done ? serve(ensemble, session, effect, r) : error_of(trouble);
    if (trouble == TROUBLE_DONE || trouble == TROUBLE_BREAK_DONE) {
        r->event.error = ZK_UNKNOWN;
    }
    if (trouble == TROUBLE_BREAK_DONE || trouble == TROUBLE_BREAK_UNDONE) {
        (void)process_break(process, true);
    }
    r->event.path = r->path;
    /* Watches that this fired are told in front of the answer. */
    list_push_back(&process->replies, &r->link);
}

bool process_serve(struct process *process)
{
    struct list *link = process->requests.next;
    if (link == &process->requests) {
        return false;
    }
    struct ensemble *ensemble = process->ensemble;
    struct zk_effect *effect = LIST_ENTRY(link, struct zk_effect, link);
    struct session *session = find_session(process, effect->session);
    list_remove(&effect->link);
    if (effect->type == ZK_OPEN) {
        assert_int_equal(effect->session, process->session + 1);
        process->session = effect->session;
        ensemble->open_count++;
        session = xalloc(sizeof(*session));
        list_init(&session->watches);
        session->process = process;
        session->number = effect->session;
        session->alive = true;
        session->expires_ns = TIME_NEVER;
        if (ensemble->hosts_unknown) {
            reply(process, ZK_OPEN_FAILED, session->number);
            free(session);
        } else {
            list_push_back(&ensemble->sessions, &session->link);
        }
    } else if (effect->type == ZK_CLOSE) {
        if (session != NULL && session->connected) {
            end_session(ensemble, session);
        }
        if (session != NULL) {
            session->connected = false;
            session->process = NULL;
        }
    } else if (session != NULL && session->connected) {
        operate(process, session, effect);
    } else {
        struct reply *r = reply(process, ZK_DONE, effect->session);
        r->event.op = effect->op;
        r->event.error = ZK_UNKNOWN;
    }
    zk_effect_free(effect);
    return true;
}

/* --- what the processes do --- */

static void take_output(struct process *process, struct election_output *output)
{
    assert_false(process->lost || process->failed); /* those are last words */
    switch (output->type) {
    case ELECTION_LEADER:
        blob_unref(process->leader);
        process->leader = TAKE_PTR(output->info);
        process->leader_count++;
        break;
    case ELECTION_ELECTED: {
        const char *lowest = ensemble_lowest(process->ensemble);
        struct session *session = find_session(process, process->session);
        bool alive = session != NULL && session->alive && session->connected;
        bool knows = list_is_empty(&process->replies);
        assert_true(!alive || !knows || (lowest != NULL && process_owns(process, lowest)));
        assert_false(process->elected);
        assert_non_null(process->leader);
        assert_true(slice_equal(blob_slice(process->leader), blob_slice(process->info)));
        process->elected = true;
        process->elected_count++;
        break;
    }
    case ELECTION_LOST:
        assert_true(process->elected);
        process->elected = false;
        process->lost = true;
        process->why = TAKE_PTR(output->text);
        break;
    case ELECTION_FAILED:
        process->elected = false;
        process->failed = true;
        process->why = TAKE_PTR(output->text);
        break;
    case ELECTION_MEMBERS:
        free(process->members);
        process->members = TAKE_PTR(output->members);
        process->member_count = output->member_count;
        process->members_count++;
        break;
    case ELECTION_LOG:
        assert_non_null(output->text);
        process->error_count += output->level == LOG_LEVEL_ERROR;
        break;
    }
}

void process_event(struct process *process, const struct zk_event *event)
{
    struct election_effects effects;
    struct election_output *output;
    struct zk_effect *effect;
    election_effects_init(&effects);
    election_step(process->election, (struct now){.mono_ns = process->ensemble->now_ns}, event,
                  &effects);
    while ((effect = zk_effects_pop(&effects.zk)) != NULL) {
        list_push_back(&process->requests, &effect->link);
    }
    while ((output = election_output_pop(&effects)) != NULL) {
        take_output(process, output);
        election_output_free(output);
    }
    assert_true(election_is_over(process->election) == (process->lost || process->failed));
    election_effects_deinit(&effects);
}

bool process_deliver(struct process *process)
{
    struct list *link = process->replies.next;
    if (link == &process->replies || process->election == NULL) {
        return false;
    }
    struct reply *r = LIST_ENTRY(link, struct reply, link);
    list_remove(link);
    r->event.path = r->path;
    process_event(process, &r->event);
    reply_free(r);
    return true;
}

static struct blob *make_info(int id)
{
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    Pb__Address address = PB__ADDRESS__INIT;
    char text[32], pid[64];
    (void)snprintf(text, sizeof(text), "master-%d", id);
    (void)snprintf(pid, sizeof(pid), "master@10.0.0.%d:5050", id + 1);
    info.id = text;
    info.pid = pid;
    info.ip = 1;
    info.port = 5050;
    info.hostname = text;
    address.port = 5050;
    info.address = &address;
    return message_encode_blob(&info.base);
}

static void forget_told(struct process *process)
{
    process->leader = blob_unref(process->leader);
    free(process->members);
    process->members = NULL;
    process->member_count = 0;
    free(process->why);
    process->why = NULL;
    process->elected = process->lost = process->failed = false;
}

void process_start(struct process *process)
{
    struct arena arena;
    struct zk_url url;
    char text[128], replica[64];
    arena_init(&arena, 0);
    (void)snprintf(text, sizeof(text), "zk://%s%sone:1,two:2" ENSEMBLE_PATH,
                   process->options.credentials != NULL ? process->options.credentials : "",
                   process->options.credentials != NULL ? "@" : "");
    assert_int_equal(zk_url_parse(slice_from(text), &arena, &url, NULL), 0);
    (void)snprintf(replica, sizeof(replica), "log-replica(1)@10.0.0.%d:5050",
                   process->options.id + 1);
    process->session = 0;
    process->election = election_new(&(struct election_options){
        .url = &url,
        .session_timeout_ns = ENSEMBLE_TIMEOUT_NS,
        .seed = prng_next(&process->ensemble->prng),
        .info = process->options.contends ? process->info : NULL,
        .replica = process->options.joins ? replica : NULL,
    });
    arena_deinit(&arena);
    assert_true(election_deadline(process->election) <= process->ensemble->now_ns);
    process_event(process, &(struct zk_event){.type = ZK_TICK});
}

void process_kill(struct process *process)
{
    struct session *session;
    (void)process_break(process, true);
    LIST_FOR_EACH (session, &process->ensemble->sessions, link) {
        if (session->process == process) {
            session->process = NULL; /* nobody comes back to it */
        }
    }
    drop_queues(process);
    process->election = election_free(process->election);
    forget_told(process);
}

void process_stop(struct process *process)
{
    struct session *session = find_session(process, process->session);
    if (session != NULL && session->connected) {
        session->connected = false;
        end_session(process->ensemble, session);
    }
    process_kill(process);
}

struct process *ensemble_add(struct ensemble *ensemble, const struct process_options *options)
{
    assert_true(ensemble->count < ENSEMBLE_PROCESSES_MAX);
    struct process *process = &ensemble->processes[ensemble->count++];
    *process = (struct process){.ensemble = ensemble, .options = *options};
    list_init(&process->requests);
    list_init(&process->replies);
    process->info = make_info(options->id);
    process_start(process);
    return process;
}

void ensemble_init(struct ensemble *ensemble, uint64_t seed)
{
    *ensemble = (struct ensemble){.now_ns = 1000 * NS_PER_SEC};
    list_init(&ensemble->nodes);
    list_init(&ensemble->sessions);
    prng_seed(&ensemble->prng, seed);
}

void ensemble_deinit(struct ensemble *ensemble)
{
    struct node *node;
    struct session *session;
    for (int i = 0; i < ensemble->count; i++) {
        process_kill(&ensemble->processes[i]);
        blob_unref(ensemble->processes[i].info);
    }
    LIST_FOR_EACH (session, &ensemble->sessions, link) {
        drop_watches(session);
        free(session);
    }
    LIST_FOR_EACH (node, &ensemble->nodes, link) {
        free(node->path);
        free(node->data);
        free(node);
    }
}

/* --- time --- */

void ensemble_down(struct ensemble *ensemble)
{
    ensemble->is_down = true;
    for (int i = 0; i < ensemble->count; i++) {
        (void)process_break(&ensemble->processes[i], true);
    }
}

/* Servers that start give all sessions their whole timeout. */
void ensemble_up(struct ensemble *ensemble)
{
    struct session *session;
    ensemble->is_down = false;
    LIST_FOR_EACH (session, &ensemble->sessions, link) {
        if (session->alive && session->met && !session->connected) {
            session->expires_ns = ensemble->now_ns + ENSEMBLE_TIMEOUT_NS;
        }
    }
}

/* On to the next moment at which anything is to happen; false if that is behind end_ns. */
static bool pass(struct ensemble *ensemble, int64_t end_ns)
{
    struct session *session;
    int64_t next_ns = TIME_NEVER;
    for (int i = 0; i < ensemble->count; i++) {
        if (ensemble->processes[i].election != NULL) {
            next_ns = MIN(next_ns, election_deadline(ensemble->processes[i].election));
        }
    }
    LIST_FOR_EACH (session, &ensemble->sessions, link) {
        if (session->alive && session->met && !session->connected && !ensemble->is_down) {
            next_ns = MIN(next_ns, session->expires_ns);
        }
    }
    if (next_ns > end_ns) {
        return false;
    }
    ensemble->now_ns = MAX(ensemble->now_ns, next_ns);
    LIST_FOR_EACH (session, &ensemble->sessions, link) {
        if (session->alive && session->met && !session->connected && !ensemble->is_down &&
            session->expires_ns <= ensemble->now_ns) {
            end_session(ensemble, session);
        }
    }
    for (int i = 0; i < ensemble->count; i++) {
        struct process *process = &ensemble->processes[i];
        if (process->election != NULL && election_deadline(process->election) <= ensemble->now_ns) {
            process_event(process, &(struct zk_event){.type = ZK_TICK});
            assert_true(election_deadline(process->election) > ensemble->now_ns);
        }
    }
    return true;
}

void ensemble_settle(struct ensemble *ensemble)
{
    int idle = 0;
    while (idle < 200) {
        uint64_t drawn = prng_next(&ensemble->prng);
        struct process *process = &ensemble->processes[drawn % (unsigned)ensemble->count];
        bool moved = false;
        switch ((drawn >> 32) % 3) {
        case 0:
            moved = process_serve(process);
            break;
        case 1:
            moved = process_deliver(process);
            break;
        case 2:
            moved = process->election != NULL && process_reconnect(process);
            break;
        }
        idle = moved ? 0 : idle + 1;
    }
}

void ensemble_run(struct ensemble *ensemble, int64_t duration_ns)
{
    int64_t end_ns = ensemble->now_ns + duration_ns;
    ensemble_settle(ensemble);
    for (int rounds = 0; pass(ensemble, end_ns); rounds++) {
        assert_true(rounds < 10000);
        ensemble_settle(ensemble);
    }
    ensemble->now_ns = MAX(ensemble->now_ns, end_ns);
}

/* --- how it stands --- */

void ensemble_assert_well(struct ensemble *ensemble)
{
    const struct process *leader = NULL;
    size_t joined = 0;
    for (int i = 0; i < ensemble->count; i++) {
        const struct process *process = &ensemble->processes[i];
        if (process->election != NULL && !process->lost && !process->failed) {
            joined += process->options.joins;
            if (process->elected) {
                assert_null(leader);
                leader = process;
            }
        }
    }
    assert_non_null(leader);
    assert_true(process_owns(leader, ensemble_lowest(ensemble)));
    for (int i = 0; i < ensemble->count; i++) {
        const struct process *process = &ensemble->processes[i];
        if (process->election == NULL || process->lost || process->failed) {
            continue;
        }
        assert_non_null(process->leader);
        assert_true(slice_equal(blob_slice(process->leader), blob_slice(leader->info)));
        if (process->options.joins) {
            assert_int_equal(process->member_count, joined);
        }
    }
}
