#include "master/view_answers.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/master_state.h"
#include "master/reads.h"
#include "master/subscribers.h"
#include "master/view_job.h"

/* What an answer depends on: six tables, and what operators set for roles. */
#define VIEW_VERSIONS 7
/* /tasks for no more than so many is expected to be small, and so large. */
#define FEW_TASKS 1000
#define FEW_TASKS_SIZE ((size_t)1 << 20)

struct view_answer {
    struct list link; /* in its room */
    uint64_t token;   /* of NET_WORK */
    struct buf key;   /* what was asked for, and what only the loop knew then */
    uint64_t versions[VIEW_VERSIONS];
    struct view_hint *hint; /* that it gives; NULL = it is not about everything */
    size_t rows;            /* records in the tables */
    size_t size;            /* counted in the room */
    struct blob *body;      /* NULL = it is being made */
    bool zipped;            /* the body is */
    struct list followers;  /* struct view_wait: who gets it when it is made */
    int64_t used_ns;        /* monotonic: last use that was seen */
    bool was_idle;          /* at the last look */
};

/* A request that is not answered yet. */
struct view_wait {
    struct list link;          /* in a room, or in an answer */
    struct map_link by_handle; /* in the cache, if it is in one of these */
    uint64_t handle;
    struct view_query query; /* texts in `texts` */
    struct buf texts;
    int64_t since_ns; /* monotonic */
    bool subscribes;  /* for the first record of a stream */
};

/* What the loop writes for answers is written once for all who are served together. */
struct view_heads {
    struct buf heads[VIEW_KINDS];
    bool written[VIEW_KINDS];
};

/* --- requests --- */

static struct slice wait_key(const struct map_link *link)
{
    const struct view_wait *wait = CONTAINER_OF(link, struct view_wait, by_handle);
    return slice_make(&wait->handle, sizeof(wait->handle));
}

static struct view_wait *wait_new(const struct master *master, uint64_t handle,
                                  const struct view_query *query)
{
    struct view_wait *wait = xalloc(sizeof(*wait));
    struct slice *texts[] = {&wait->query.jsonp, &wait->query.framework_id, &wait->query.agent_id,
                             &wait->query.task_id};
    size_t size = 1; /* so that empty texts have a place, too */
    wait->handle = handle;
    wait->query = *query;
    wait->since_ns = master->now.mono_ns;
    list_init(&wait->link);
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        size += texts[i]->size;
    }
    (void)buf_reserve(&wait->texts, size); /* from here on it does not move */
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        if (texts[i]->data != NULL) {
            size_t at = wait->texts.size;
            buf_append_slice(&wait->texts, *texts[i]);
            texts[i]->data = wait->texts.data + at;
        }
    }
    return wait;
}

static void wait_free(struct view_cache *cache, struct view_wait *wait)
{
    if (!list_is_empty(&wait->link)) {
        list_remove(&wait->link);
        map_remove(&cache->waits, &wait->by_handle);
    }
    buf_deinit(&wait->texts);
    free(wait);
}

static void park(struct view_cache *cache, struct view_wait *wait, struct list *list)
{
    if (!list_is_empty(&wait->link)) {
        list_remove(&wait->link); /* from a room into an answer */
    } else {
        map_add(&cache->waits, &wait->by_handle);
    }
    list_push_back(list, &wait->link);
}

static struct slice head_of(const struct master *master, enum view_kind kind,
                            struct view_heads *heads)
{
    if (!heads->written[kind]) {
        heads->written[kind] = true;
        master_view_write_head(master, kind, &heads->heads[kind]);
    }
    return buf_slice(&heads->heads[kind]);
}

static void heads_deinit(struct view_heads *heads)
{
    for (size_t i = 0; i < VIEW_KINDS; i++) {
        buf_deinit(&heads->heads[i]);
    }
}

/* Equal keys and versions mean equal answers. */
static void put_key(const struct view_query *query, struct slice head, struct buf *key)
{
    const struct slice texts[] = {query->jsonp, query->framework_id, query->agent_id,
                                  query->task_id};
    uint64_t numbers[] = {query->kind,   query->json,  query->gzip,
                          query->offset, query->limit, query->ascending};
    buf_append(key, numbers, sizeof(numbers));
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        uint64_t size = texts[i].data != NULL ? texts[i].size + 1 : 0;
        buf_append(key, &size, sizeof(size));
        buf_append_slice(key, texts[i]);
    }
    buf_append_slice(key, head);
}

static void versions_of(const struct master *master, uint64_t versions[VIEW_VERSIONS])
{
    versions[0] = master->framework_records.version;
    versions[1] = master->agent_records.version;
    versions[2] = master->task_records.version;
    versions[3] = master->executor_records.version;
    versions[4] = master->offer_records.version;
    versions[5] = master->roles.version;
    versions[6] = master->operation_records.version;
}

/* --- rooms --- */

static size_t rows_of(const struct master *master)
{
    return master->framework_records.count + master->agent_records.count +
           master->task_records.count + master->executor_records.count +
           master->offer_records.count + master->operation_records.count;
}

static bool is_narrowed(const struct view_query *query)
{
    return query->kind == VIEW_TASKS || query->framework_id.data != NULL ||
           query->agent_id.data != NULL;
}

/* Bytes that it will take, or more; SIZE_MAX if nobody knows. */
static size_t expect_size(const struct master *master, const struct view_query *query)
{
    const struct view_hint *hint = &master->reads->views.hints[query->kind][query->json];
    if (query->kind == VIEW_TASKS) {
        return query->limit <= FEW_TASKS ? FEW_TASKS_SIZE : SIZE_MAX;
    }
    if (hint->size == 0) {
        return rows_of(master) == 0 ? FEW_TASKS_SIZE : SIZE_MAX;
    }
    return hint->size / (hint->rows + 1) * (rows_of(master) + 1) + hint->size % (hint->rows + 1);
}

static struct view_room *room_for(struct view_cache *cache, size_t expected_size)
{
    return &cache->rooms[expected_size <= VIEW_SMALL_SIZE ? VIEW_ROOM_SMALL : VIEW_ROOM_LARGE];
}

static bool is_large_room(const struct view_cache *cache, const struct view_room *room)
{
    return room == &cache->rooms[VIEW_ROOM_LARGE];
}

/* Made, and with nobody. */
static bool is_idle(const struct view_answer *answer)
{
    return answer->body != NULL && blob_is_single(answer->body);
}

static void drop(struct view_room *room, struct view_answer *answer)
{
    list_remove(&answer->link);
    room->count--;
    room->size -= answer->size;
    blob_unref(answer->body);
    buf_deinit(&answer->key);
    free(answer);
}

static bool drop_idle(struct view_room *room)
{
    struct view_answer *answer;
    LIST_FOR_EACH (answer, &room->answers, link) {
        if (is_idle(answer)) {
            drop(room, answer);
            return true;
        }
    }
    return false;
}

static bool has_room(const struct view_cache *cache, struct view_room *room, size_t size)
{
    size_t limit = is_large_room(cache, room) ? VIEW_LARGE_ROOM_SIZE : VIEW_SMALL_ROOM_SIZE;
    bool fits;
    do {
        fits = room->count < VIEW_ANSWERS_MAX && size <= limit && room->size <= limit - size;
    } while (!fits && drop_idle(room));
    return fits || room->count < VIEW_ANSWERS_MIN;
}

static struct view_answer *find_answer(struct view_cache *cache, struct slice key,
                                       const uint64_t versions[VIEW_VERSIONS])
{
    for (size_t i = 0; i < VIEW_ROOMS; i++) {
        struct view_answer *answer;
        LIST_FOR_EACH (answer, &cache->rooms[i].answers, link) {
            if (!slice_equal(buf_slice(&answer->key), key)) {
                continue;
            }
            if (memcmp(answer->versions, versions, sizeof(answer->versions)) == 0) {
                return answer;
            }
            if (is_idle(answer)) {
                drop(&cache->rooms[i], answer); /* out of date */
            }
        }
    }
    return NULL;
}

/* --- serving --- */

static const char *content_type(const struct view_query *query)
{
    if (query->jsonp.data != NULL) {
        return HTTP_JAVASCRIPT;
    }
    return query->kind <= VIEW_ROLES || query->json ? HTTP_JSON : HTTP_PROTOBUF;
}

/* Answers the request, which ends here. */
static void give(struct master *master, struct view_wait *wait, const struct view_answer *answer)
{
    struct net_effects *net = &master->effects->net;
    if (wait->subscribes) {
        net_stream_first(net, wait->handle, blob_ref(answer->body));
    } else {
        struct net_effect *effect =
            net_respond(net, wait->handle, 200, content_type(&wait->query), blob_ref(answer->body));
        effect->lent = true;
        if (answer->zipped) {
            net_add_header(effect, "Content-Encoding", "gzip");
        }
    }
    wait_free(&master->reads->views, wait);
}

static struct view_answer *make_answer(struct master *master, struct view_room *room,
                                       const struct view_query *query, struct slice head,
                                       size_t expected_size)
{
    struct view_answer *answer = xalloc(sizeof(*answer));
    answer->token = ++master->reads->views.next_token;
    answer->rows = rows_of(master);
    answer->size =
        MIN(expected_size, is_large_room(&master->reads->views, room) ? VIEW_LARGE_ROOM_SIZE
                                                                      : VIEW_SMALL_ROOM_SIZE);
    answer->hint =
        is_narrowed(query) ? NULL : &master->reads->views.hints[query->kind][query->json];
    list_init(&answer->followers);
    list_push_back(&room->answers, &answer->link);
    room->count++;
    room->size += answer->size;
    size_t spare_size = expected_size != SIZE_MAX ? expected_size : 0;
    net_work(&master->effects->net, answer->token,
             master_view_job(master, query, head, spare_size));
    return answer;
}

/* False if there is no room; else the request is answered, or waits for its answer. */
static bool serve(struct master *master, struct view_room *room, struct view_wait *wait,
                  struct view_heads *heads, bool may_make)
{
    struct view_cache *cache = &master->reads->views;
    CLEANUP(buf_deinit) struct buf key = BUF_INIT;
    uint64_t versions[VIEW_VERSIONS];
    struct slice head = head_of(master, wait->query.kind, heads);
    put_key(&wait->query, head, &key);
    versions_of(master, versions);
    struct view_answer *answer = find_answer(cache, buf_slice(&key), versions);
    if (answer != NULL) {
        master_count(master, COUNTER_HTTP_CACHE_HITS);
    } else {
        size_t expected_size = expect_size(master, &wait->query);
        if (!may_make || !has_room(cache, room, expected_size)) {
            return false;
        }
        answer = make_answer(master, room, &wait->query, head, expected_size);
        answer->key = key;
        key = BUF_INIT;
        memcpy(answer->versions, versions, sizeof(versions));
    }
    answer->used_ns = master->now.mono_ns;
    answer->was_idle = false;
    if (wait->subscribes) {
        master_subscribers_open(master, wait->handle, wait->query.json);
    }
    if (answer->body != NULL) {
        give(master, wait, answer);
    } else {
        park(cache, wait, &answer->followers);
    }
    return true;
}

/* Those for whom there is room, oldest first, and behind them all who can share what they get. */
static void serve_room(struct master *master, struct view_room *room, struct view_heads *heads)
{
    struct view_wait *wait;
    bool may_make = true;
    bool none = true;
    LIST_FOR_EACH (wait, &room->waiting, link) {
        if (serve(master, room, wait, heads, may_make)) {
            none = false;
        } else if (none) {
            return; /* there is nothing new to share either */
        } else {
            may_make = false;
        }
    }
}

static void serve_waiting(struct master *master)
{
    struct view_heads heads = {0};
    for (size_t i = 0; i < VIEW_ROOMS; i++) {
        serve_room(master, &master->reads->views.rooms[i], &heads);
    }
    heads_deinit(&heads);
}

/* When to look again. */
static void schedule(struct master *master)
{
    struct view_cache *cache = &master->reads->views;
    int64_t next_ns = TIME_NEVER;
    for (size_t i = 0; i < VIEW_ROOMS; i++) {
        const struct view_room *room = &cache->rooms[i];
        int64_t kept_ns = is_large_room(cache, room) ? VIEW_LARGE_KEPT_NS : VIEW_KEPT_NS;
        const struct view_answer *answer;
        LIST_FOR_EACH (answer, &room->answers, link) {
            if (answer->body != NULL) {
                next_ns = MIN(next_ns, time_add_ns(answer->used_ns, kept_ns));
            }
        }
        if (!list_is_empty(&room->waiting)) {
            next_ns = MIN(next_ns, time_add_ns(master->now.mono_ns, VIEW_LOOK_NS));
        }
    }
    timers_set(&master->timers, &master->reads->views_timer, next_ns);
}

static void begin(struct master *master, struct view_wait *wait)
{
    struct view_cache *cache = &master->reads->views;
    struct view_room *room = room_for(cache, expect_size(master, &wait->query));
    struct view_heads heads = {0};
    if (!serve(master, room, wait, &heads, list_is_empty(&room->waiting))) {
        park(cache, wait, &room->waiting);
    }
    heads_deinit(&heads);
    schedule(master);
}

/* --- public --- */

void master_view_respond(struct master *master, uint64_t handle, const struct view_query *query)
{
    begin(master, wait_new(master, handle, query));
}

void master_view_subscribe(struct master *master, uint64_t handle, bool json)
{
    struct view_query query = {.kind = VIEW_SUBSCRIBED, .json = json};
    struct view_wait *wait = wait_new(master, handle, &query);
    wait->subscribes = true;
    begin(master, wait);
}

static struct view_answer *find_token(struct view_cache *cache, uint64_t token,
                                      struct view_room **ret_room)
{
    for (size_t i = 0; i < VIEW_ROOMS; i++) {
        struct view_answer *answer;
        LIST_FOR_EACH (answer, &cache->rooms[i].answers, link) {
            if (answer->token == token) {
                *ret_room = &cache->rooms[i];
                return answer;
            }
        }
    }
    return NULL;
}

void master_view_answers_made(struct master *master, uint64_t token, struct buf *made,
                              size_t unzipped_size)
{
    struct view_cache *cache = &master->reads->views;
    struct view_room *room;
    struct view_answer *answer = find_token(cache, token, &room);
    if (answer == NULL) {
        return;
    }
    answer->body = blob_end(made);
    answer->zipped = unzipped_size > 0;
    answer->used_ns = master->now.mono_ns;
    room->size -= answer->size;
    answer->size = answer->body->size;
    room->size += answer->size;
    if (answer->hint != NULL) {
        *answer->hint = (struct view_hint){
            .size = answer->zipped ? unzipped_size : answer->size,
            .rows = answer->rows,
        };
    }
    while (!list_is_empty(&answer->followers)) {
        give(master, LIST_ENTRY(answer->followers.next, struct view_wait, link), answer);
    }
    serve_waiting(master);
    schedule(master);
}

void master_view_answers_gone(struct master *master, uint64_t handle)
{
    struct view_cache *cache = &master->reads->views;
    struct map_link *link = map_find(&cache->waits, slice_make(&handle, sizeof(handle)));
    if (link != NULL) {
        wait_free(cache, CONTAINER_OF(link, struct view_wait, by_handle));
    }
}

/* Cuts slow clients off if somebody has waited for long. */
static void hurry(struct master *master)
{
    struct view_cache *cache = &master->reads->views;
    int64_t now_ns = master->now.mono_ns;
    bool late = false;
    for (size_t i = 0; i < VIEW_ROOMS; i++) {
        const struct list *waiting = &cache->rooms[i].waiting;
        late = late || (!list_is_empty(waiting) &&
                        now_ns - LIST_ENTRY(waiting->next, struct view_wait, link)->since_ns >=
                            VIEW_PATIENCE_NS);
    }
    if (late && now_ns - cache->hurried_ns >= VIEW_HURRY_NS) {
        cache->hurried_ns = now_ns;
        net_hurry(&master->effects->net);
    }
}

static void drop_old(struct master *master, struct view_room *room)
{
    int64_t now_ns = master->now.mono_ns;
    bool is_large = is_large_room(&master->reads->views, room);
    int64_t kept_ns = is_large ? VIEW_LARGE_KEPT_NS : VIEW_KEPT_NS;
    uint64_t versions[VIEW_VERSIONS];
    versions_of(master, versions);
    struct view_answer *answer;
    LIST_FOR_EACH (answer, &room->answers, link) {
        bool was_idle = answer->was_idle;
        answer->was_idle = is_idle(answer);
        if (!was_idle) {
            answer->used_ns = now_ns; /* it may have been in use until now */
        }
        if (answer->was_idle && (memcmp(answer->versions, versions, sizeof(versions)) != 0 ||
                                 time_add_ns(answer->used_ns, kept_ns) <= now_ns)) {
            drop(room, answer);
        }
    }
}

void master_view_answers_look(struct master *master)
{
    struct view_cache *cache = &master->reads->views;
    for (size_t i = 0; i < VIEW_ROOMS; i++) {
        drop_old(master, &cache->rooms[i]);
    }
    serve_waiting(master);
    hurry(master);
    schedule(master);
}

void master_view_answers_init(struct view_cache *cache, uint64_t seed)
{
    *cache = (struct view_cache){0};
    map_init(&cache->waits, wait_key, seed);
    for (size_t i = 0; i < VIEW_ROOMS; i++) {
        list_init(&cache->rooms[i].answers);
        list_init(&cache->rooms[i].waiting);
    }
}

static void drop_waits(struct view_cache *cache, struct list *waits)
{
    while (!list_is_empty(waits)) {
        wait_free(cache, LIST_ENTRY(waits->next, struct view_wait, link));
    }
}

void master_view_answers_deinit(struct view_cache *cache)
{
    for (size_t i = 0; i < VIEW_ROOMS; i++) {
        struct view_room *room = &cache->rooms[i];
        struct view_answer *answer;
        LIST_FOR_EACH (answer, &room->answers, link) {
            drop_waits(cache, &answer->followers);
            drop(room, answer);
        }
        drop_waits(cache, &room->waiting);
    }
    map_deinit(&cache->waits);
}
