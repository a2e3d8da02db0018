/* The durable registry on a log in memory: what is written, told, refused and found again. */
#include "../unit.h"

#include <errno.h>

#include "common/prng.h"
#include "common/xalloc.h"
#include "registry/registry_codec.h"
#include "registry/registry_log.h"
#include "registry/state_operation.h"
#include "wire/message.h"
#include "wire/pb.h"

#define ENTRIES_MAX 4096
#define ANSWERS_MAX 256

/* --- a log, a worker and a master --- */

struct entry {
    uint64_t position;
    struct blob *bytes; /* NULL: a truncation */
};

struct answer {
    enum registry_op_type type;
    uint64_t token;
    int status;
    bool applied;
    char why[256];
    size_t agents; /* RECOVER: in the registry */
    size_t size;
    int64_t took_ns;
};

struct world {
    /* the log: outlives the machine */
    struct entry entries[ENTRIES_MAX];
    size_t entry_count;
    uint64_t first;
    uint64_t next; /* position of the next entry */
    size_t appends;
    size_t truncates;

    struct registry_log *log;
    int64_t now_ns;
    struct registry_log_job *job; /* submitted, not run */
    struct list requests;         /* not performed */
    struct answer answers[ANSWERS_MAX];
    size_t answer_count;
    char notes[1024];
    struct blob *value; /* of the last READ */
    uint64_t next_token;
    struct blob *master_info;
};

static void step(struct world *w, const struct registry_log_event *event)
{
    struct registry_log_effects effects;
    struct registry_log_answer *answer;
    struct registry_log_request *request;
    struct registry_log_note *note;
    registry_log_effects_init(&effects);
    registry_log_step(w->log, w->now_ns, event, &effects);
    while ((answer = registry_log_pop_answer(&effects)) != NULL) {
        const struct registry_event *told = &answer->event;
        assert_true(w->answer_count < ANSWERS_MAX);
        struct answer *kept = &w->answers[w->answer_count++];
        *kept = (struct answer){.type = told->type,
                                .token = told->token,
                                .status = told->status,
                                .applied = told->applied,
                                .size = told->size,
                                .took_ns = told->took_ns};
        (void)snprintf(kept->why, sizeof(kept->why), "%s", told->why != NULL ? told->why : "");
        assert_true((told->status == 0) == (told->why == NULL));
        if (told->registry != NULL) {
            kept->agents = told->registry->agents.count;
        }
        if (told->type == REGISTRY_READ) {
            blob_unref(w->value);
            w->value = told->value_owner != NULL ? blob_from(told->value) : NULL;
        }
        registry_log_answer_free(answer);
    }
    while ((request = registry_log_pop_request(&effects)) != NULL) {
        list_push_back(&w->requests, &request->link);
    }
    if (effects.job != NULL) {
        assert_null(w->job);
        w->job = effects.job;
    }
    while ((note = registry_log_pop_note(&effects)) != NULL) {
        (void)snprintf(w->notes, sizeof(w->notes), "%s", note->text);
        registry_log_note_free(note);
    }
    registry_log_effects_deinit(&effects);
}

static void start(struct world *w, uint64_t seed)
{
    w->log = registry_log_new(&(struct registry_log_options){
        .fetch_timeout_ns = 60 * NS_PER_SEC, .store_timeout_ns = 20 * NS_PER_SEC, .seed = seed});
}

static void drop_requests(struct world *w)
{
    struct list *link;
    while ((link = list_pop_front(&w->requests)) != NULL) {
        registry_log_request_free(LIST_ENTRY(link, struct registry_log_request, link));
    }
}

static bool work(struct world *w)
{
    struct registry_log_job *job = TAKE_PTR(w->job);
    if (job == NULL) {
        return false;
    }
    registry_log_work(job);
    step(w, &(struct registry_log_event){.type = REGISTRY_LOG_WORKED});
    return true;
}

/* The process ends; the log stays. */
static void stop(struct world *w)
{
    drop_requests(w);
    w->log = registry_log_free(w->log);
    w->job = NULL;
    w->answer_count = 0;
    w->notes[0] = '\0';
}

static struct blob *make_master_info(void)
{
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    Pb__MasterInfo__Capability quota = PB__MASTER_INFO__CAPABILITY__INIT;
    Pb__MasterInfo__Capability *capabilities[] = {&quota};
    quota.has_type = true;
    quota.type = PB__MASTER_INFO__CAPABILITY__TYPE__QUOTA_V2;
    info.id = (char *)(uintptr_t) "the-master";
    info.n_capabilities = 1;
    info.capabilities = capabilities;
    return message_encode_blob(&info.base);
}

static struct world *world_new(void)
{
    struct world *w = xalloc(sizeof(*w));
    list_init(&w->requests);
    w->next = 1; /* position 0 holds nothing, as in a new log */
    w->now_ns = NS_PER_SEC;
    w->next_token = 1;
    w->master_info = make_master_info();
    start(w, 1);
    return w;
}

static void world_free(struct world *w)
{
    stop(w);
    for (size_t i = 0; i < w->entry_count; i++) {
        blob_unref(w->entries[i].bytes);
    }
    blob_unref(w->value);
    blob_unref(w->master_info);
    free(w);
}

static uint64_t put(struct world *w, struct blob *bytes)
{
    assert_true(w->entry_count < ENTRIES_MAX);
    w->entries[w->entry_count++] = (struct entry){w->next, bytes};
    return w->next++;
}

static struct registry_log_request *next_request(struct world *w)
{
    struct list *link = list_pop_front(&w->requests);
    return link != NULL ? LIST_ENTRY(link, struct registry_log_request, link) : NULL;
}

static void perform_read(struct world *w, const struct registry_log_request *request)
{
    assert_int_equal(request->position, w->first);
    assert_int_equal(request->to, w->next - 1);
    for (size_t i = 0; i < w->entry_count; i++) {
        const struct entry *entry = &w->entries[i];
        if (entry->bytes != NULL && entry->position >= w->first) {
            step(w, &(struct registry_log_event){.type = REGISTRY_LOG_ENTRY,
                                                 .position = entry->position,
                                                 .bytes = entry->bytes});
        }
    }
    step(w, &(struct registry_log_event){.type = REGISTRY_LOG_END});
}

/* Performs the oldest request; its type, or -1. */
static int perform(struct world *w)
{
    struct registry_log_request *request = next_request(w);
    if (request == NULL) {
        return -1;
    }
    struct registry_log_event event = {0};
    int type = (int)request->type;
    switch (request->type) {
    case REGISTRY_LOG_ELECT:
        event.type = REGISTRY_LOG_ELECTED;
        event.position = w->next - 1;
        step(w, &event);
        break;
    case REGISTRY_LOG_BOUNDS:
        event.type = REGISTRY_LOG_BOUNDED;
        event.position = w->first;
        step(w, &event);
        break;
    case REGISTRY_LOG_READ:
        perform_read(w, request);
        break;
    case REGISTRY_LOG_APPEND:
        w->appends++;
        event.type = REGISTRY_LOG_WRITTEN;
        event.position = put(w, blob_ref(request->bytes));
        step(w, &event);
        break;
    case REGISTRY_LOG_TRUNCATE:
        w->truncates++;
        (void)put(w, NULL);
        assert_true(request->position > w->first);
        w->first = request->position;
        break;
    }
    registry_log_request_free(request);
    return type;
}

static void settle(struct world *w)
{
    while (work(w) || perform(w) >= 0) {
    }
}

static struct registry_op *op_new(struct world *w, enum registry_op_type type, const char *id,
                                  struct blob *info)
{
    struct registry_ops ops;
    registry_ops_init(&ops);
    registry_ask(&ops, type, w->next_token++, id != NULL ? blob_from(slice_from(id)) : NULL, info);
    struct registry_op *op = registry_ops_pop(&ops);
    op->time_ns = 42;
    return op;
}

static uint64_t ask(struct world *w, enum registry_op_type type, const char *id, struct blob *info)
{
    struct registry_op *op = op_new(w, type, id, info);
    uint64_t token = op->token;
    step(w, &(struct registry_log_event){.type = REGISTRY_LOG_ASK, .op = op});
    return token;
}

static void ask_recover(struct world *w)
{
    ask(w, REGISTRY_RECOVER, NULL, blob_ref(w->master_info));
}

static struct blob *info_of(const char *id)
{
    Pb__AgentInfo info = PB__AGENT_INFO__INIT;
    Pb__AgentID agent_id = PB__AGENT_ID__INIT;
    agent_id.value = (char *)(uintptr_t)id;
    info.id = &agent_id;
    info.hostname = (char *)(uintptr_t) "h";
    return message_encode_blob(&info.base);
}

static uint64_t admit(struct world *w, const char *id)
{
    return ask(w, REGISTRY_ADMIT_AGENT, id, info_of(id));
}

static void recover(struct world *w)
{
    ask_recover(w);
    settle(w);
    assert_int_equal(w->answers[w->answer_count - 1].type, REGISTRY_RECOVER);
    assert_int_equal(w->answers[w->answer_count - 1].status, 0);
}

static void tick(struct world *w, int64_t now_ns)
{
    w->now_ns = now_ns;
    step(w, &(struct registry_log_event){.type = REGISTRY_LOG_TICK});
}

/* The registry that the log holds now. */
static struct registry *stored(struct world *w)
{
    struct registry *registry = NULL;
    for (size_t i = 0; i < w->entry_count; i++) {
        struct state_operation operation;
        if (w->entries[i].bytes == NULL || w->entries[i].position < w->first) {
            continue;
        }
        assert_int_equal(state_operation_decode(blob_slice(w->entries[i].bytes), &operation, NULL),
                         0);
        registry_free(registry);
        assert_int_equal(registry_decode(operation.value, 1, &registry, NULL), 0);
    }
    return registry;
}

/* An operation of another master's, by hand. */
static struct blob *operation(Pb__Internal__State__Operation__Type type, const char *name,
                              struct slice value)
{
    Pb__Internal__State__Operation pb = PB__INTERNAL__STATE__OPERATION__INIT;
    Pb__Internal__State__Operation__Snapshot snapshot =
        PB__INTERNAL__STATE__OPERATION__SNAPSHOT__INIT;
    Pb__Internal__State__Operation__Diff diff = PB__INTERNAL__STATE__OPERATION__DIFF__INIT;
    Pb__Internal__State__Operation__Expunge expunge = PB__INTERNAL__STATE__OPERATION__EXPUNGE__INIT;
    Pb__Internal__State__Entry entry = PB__INTERNAL__STATE__ENTRY__INIT;
    entry.name = expunge.name = (char *)(uintptr_t)name;
    entry.uuid = message_data(SLICE("0123456789abcdef"));
    entry.value = message_data(value);
    snapshot.entry = diff.entry = &entry;
    pb.type = type;
    switch ((int)type) {
    case PB__INTERNAL__STATE__OPERATION__TYPE__SNAPSHOT:
        pb.snapshot = &snapshot;
        break;
    case PB__INTERNAL__STATE__OPERATION__TYPE__DIFF:
        pb.diff = &diff;
        break;
    default:
        pb.expunge = &expunge;
        break;
    }
    return message_encode_blob(&pb.base);
}
#define SNAPSHOT PB__INTERNAL__STATE__OPERATION__TYPE__SNAPSHOT
#define DIFF PB__INTERNAL__STATE__OPERATION__TYPE__DIFF
#define EXPUNGE PB__INTERNAL__STATE__OPERATION__TYPE__EXPUNGE

static void expect_failure(const struct world *w, size_t index, int status, const char *why)
{
    assert_true(index < w->answer_count);
    assert_int_equal(w->answers[index].status, status);
    if (strstr(w->answers[index].why, why) == NULL) {
        fail_msg("expected '%s', got '%s'", why, w->answers[index].why);
    }
}

/* --- recovering --- */

static void test_a_new_log_gets_who_leads(void **state)
{
    (void)state;
    struct world *w = world_new();
    assert_true(registry_log_deadline(w->log) == TIME_NEVER);
    ask_recover(w);
    assert_int_equal(perform(w), REGISTRY_LOG_ELECT);
    assert_int_equal(perform(w), REGISTRY_LOG_BOUNDS);
    assert_int_equal(perform(w), REGISTRY_LOG_READ);
    assert_true(work(w)); /* decodes */
    assert_true(work(w)); /* applies */
    assert_int_equal(w->answer_count, 0);
    assert_int_equal(perform(w), REGISTRY_LOG_APPEND);
    assert_int_equal(w->answer_count, 1);
    assert_true(w->answers[0].applied);
    assert_int_equal(w->answers[0].agents, 0);
    assert_int_equal(perform(w), REGISTRY_LOG_TRUNCATE);
    assert_int_equal(w->first, 1);
    assert_true(registry_log_deadline(w->log) == TIME_NEVER);
    struct registry *registry = stored(w);
    assert_true(slice_equal(blob_slice(registry->master), blob_slice(w->master_info)));
    registry_free(registry);
    world_free(w);
}

static void test_what_was_stored_is_found_again(void **state)
{
    (void)state;
    struct world *w = world_new();
    recover(w);
    admit(w, "a");
    admit(w, "b");
    admit(w, "c");
    settle(w);
    ask(w, REGISTRY_MARK_UNREACHABLE, "b", NULL);
    ask(w, REGISTRY_MARK_GONE, "c", NULL);
    settle(w);
    stop(w);
    start(w, 2);
    recover(w);
    assert_int_equal(w->answers[0].agents, 3);
    struct registry *registry = stored(w);
    assert_int_equal(registry_find(registry, SLICE("a"))->state, REGISTRY_ADMITTED);
    assert_int_equal(registry_find(registry, SLICE("b"))->state, REGISTRY_UNREACHABLE);
    assert_int_equal(registry_find(registry, SLICE("b"))->time_ns, 42);
    assert_int_equal(registry_find(registry, SLICE("c"))->state, REGISTRY_GONE);
    registry_free(registry);
    assert_non_null(strstr(w->notes, "3 agents"));
    world_free(w);
}

static void test_others_variables_stay_in_the_log(void **state)
{
    (void)state;
    struct world *w = world_new();
    (void)put(w, operation(SNAPSHOT, "registry", SLICE("")));
    (void)put(w, operation(SNAPSHOT, "theirs", SLICE("abc")));
    (void)put(w, operation(DIFF, "theirs", SLICE("SVN")));
    recover(w);
    assert_int_equal(w->first, 2); /* theirs is at 2 */
    admit(w, "a");
    settle(w);
    assert_int_equal(w->first, 2);
    assert_int_equal(w->truncates, 1);
    world_free(w);
}

static void test_an_expunged_registry_is_empty(void **state)
{
    (void)state;
    struct world *w = world_new();
    recover(w);
    admit(w, "a");
    settle(w);
    stop(w);
    (void)put(w, operation(EXPUNGE, "registry", SLICE("")));
    start(w, 2);
    recover(w);
    assert_int_equal(w->answers[0].agents, 0);
    world_free(w);
}

static void test_a_registry_that_ends_with_a_diff_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    (void)put(w, operation(SNAPSHOT, "registry", SLICE("")));
    (void)put(w, operation(DIFF, "registry", SLICE("SVN")));
    ask_recover(w);
    settle(w);
    expect_failure(w, 0, -ENOTSUP, "svndiff format (position 2 of the log)");
    assert_int_equal(w->appends, 0);
    stop(w);

    /* One that was replaced by a whole one is none any more. */
    (void)put(w, operation(SNAPSHOT, "registry", SLICE("")));
    start(w, 2);
    recover(w);
    world_free(w);
}

static void test_damage_ends_it_and_writes_nothing(void **state)
{
    (void)state;
    static const char *const values[] = {"nonsense", "\x12\x02\x0a\x00"};
    for (size_t i = 0; i < ELEMENTS(values); i++) {
        struct world *w = world_new();
        (void)put(w, operation(SNAPSHOT, "registry", slice_from(values[i])));
        ask_recover(w);
        settle(w);
        expect_failure(w, 0, -EBADMSG, "The registry is damaged");
        assert_int_equal(w->appends, 0);
        world_free(w);
    }
    struct world *w = world_new();
    (void)put(w, blob_from(SLICE("nonsense")));
    ask_recover(w);
    settle(w);
    expect_failure(w, 0, -EBADMSG, "The log's position 1 is damaged");
    world_free(w);
}

static void test_a_registry_that_needs_more_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    /* minimum_capabilities { capability: "AGENT_DRAINING" } */
    (void)put(w, operation(SNAPSHOT, "registry",
                           SLICE("\x52\x10\x0a\x0e"
                                 "AGENT_DRAINING")));
    ask_recover(w);
    settle(w);
    expect_failure(w, 0, -EBADMSG, "does not have: AGENT_DRAINING.");
    assert_int_equal(w->appends, 0);
    world_free(w);
}

/* --- writing --- */

static void test_what_comes_during_a_write_goes_into_the_next(void **state)
{
    (void)state;
    struct world *w = world_new();
    recover(w);
    size_t before = w->appends;
    w->answer_count = 0;
    uint64_t first = admit(w, "a");
    assert_true(work(w));
    /* The write is under way. */
    uint64_t second = admit(w, "b");
    uint64_t third = admit(w, "b");
    uint64_t fourth = ask(w, REGISTRY_MARK_UNREACHABLE, "a", NULL);
    assert_null(w->job);
    assert_int_equal(w->answer_count, 0);
    w->now_ns += 5 * NS_PER_MS;
    assert_int_equal(perform(w), REGISTRY_LOG_APPEND);
    assert_int_equal(w->answer_count, 1);
    assert_int_equal(w->answers[0].token, first);
    assert_true(w->answers[0].took_ns == 5 * NS_PER_MS);
    settle(w);
    assert_int_equal(w->appends - before, 2);
    assert_int_equal(w->truncates, w->appends);
    assert_int_equal(w->answer_count, 4);
    assert_int_equal(w->answers[1].token, second);
    assert_true(w->answers[1].applied && w->answers[1].took_ns >= 0 && w->answers[1].size > 0);
    assert_int_equal(w->answers[2].token, third);
    assert_false(w->answers[2].applied);
    assert_true(w->answers[2].took_ns == -1);
    assert_int_equal(w->answers[3].token, fourth);
    assert_true(w->answers[3].applied);
    /* Only the newest entry is left, and the truncation behind it. */
    assert_int_equal(w->first, w->next - 2);
    world_free(w);
}

/* Its answer is as true as the master's memory, until a write tells that nobody else has written.
 */
static void test_what_changes_nothing_is_written_all_the_same(void **state)
{
    (void)state;
    struct world *w = world_new();
    recover(w);
    admit(w, "a");
    settle(w);
    size_t before = w->appends;
    w->answer_count = 0;
    ask(w, REGISTRY_UPDATE_AGENT, "a", info_of("a"));
    ask(w, REGISTRY_MARK_REACHABLE, "a", info_of("a"));
    admit(w, "a");
    assert_true(work(w));
    assert_int_equal(w->answer_count, 0);
    settle(w);
    assert_int_equal(w->appends, before + 2); /* the first operation, and what came behind it */
    assert_int_equal(w->answer_count, 3);
    assert_true(w->answers[0].applied && w->answers[1].applied);
    assert_false(w->answers[2].applied);
    assert_true(w->answers[0].took_ns >= 0);
    assert_true(registry_log_deadline(w->log) == TIME_NEVER);
    world_free(w);
}

/* Another master has led since, and may have changed what this one remembers. */
static void test_what_changes_nothing_is_not_answered_by_who_was_replaced(void **state)
{
    (void)state;
    static const enum registry_op_type types[] = {REGISTRY_UPDATE_AGENT, REGISTRY_ADMIT_AGENT};
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        struct world *w = world_new();
        recover(w);
        admit(w, "a");
        settle(w);
        w->answer_count = 0;
        ask(w, types[i], "a", info_of("a"));
        assert_true(work(w));
        step(w, &(struct registry_log_event){
                    .type = REGISTRY_LOG_WRITTEN, .status = 1, .why = "another master writes"});
        expect_failure(w, 0, -EIO, "could not be stored: another master writes");
        drop_requests(w);
        world_free(w);
    }
}

static void test_reading_does_not_wait(void **state)
{
    (void)state;
    struct world *w = world_new();
    ask(w, REGISTRY_READ, NULL, NULL);
    assert_int_equal(w->answer_count, 1);
    assert_null(w->value);
    assert_true(list_is_empty(&w->requests)); /* it recovers nothing */
    recover(w);
    admit(w, "a");
    assert_true(work(w));
    ask(w, REGISTRY_READ, NULL, NULL);
    struct registry *registry;
    assert_int_equal(registry_decode(blob_slice(w->value), 1, &registry, NULL), 0);
    assert_int_equal(registry->agents.count, 0); /* what is stored, not what will be */
    registry_free(registry);
    settle(w);
    ask(w, REGISTRY_READ, NULL, NULL);
    assert_int_equal(registry_decode(blob_slice(w->value), 1, &registry, NULL), 0);
    assert_int_equal(registry->agents.count, 1);
    assert_int_equal(w->answers[w->answer_count - 1].size, w->value->size);
    registry_free(registry);
    world_free(w);
}

/* --- failing --- */

/* After `steps` steps of what a recovery takes, time is over. */
static void test_reading_has_a_limit(void **state)
{
    (void)state;
    for (int steps = 0; steps < 4; steps++) {
        struct world *w = world_new();
        ask_recover(w);
        for (int i = 0; i < steps; i++) {
            assert_true(perform(w) >= 0);
        }
        int64_t deadline_ns = registry_log_deadline(w->log);
        assert_true(deadline_ns == w->now_ns + 60 * NS_PER_SEC);
        tick(w, deadline_ns - 1);
        assert_int_equal(w->answer_count, 0);
        tick(w, deadline_ns);
        expect_failure(w, 0, -ETIMEDOUT, "read within 1mins (--registry_fetch_timeout");
        settle(w);
        assert_int_equal(w->answer_count, 1);
        assert_int_equal(w->appends, 0);
        world_free(w);
    }
}

static void test_writing_has_a_limit(void **state)
{
    (void)state;
    for (int steps = 0; steps < 2; steps++) {
        struct world *w = world_new();
        recover(w);
        w->answer_count = 0;
        admit(w, "a");
        if (steps > 0) {
            assert_true(work(w));
        }
        admit(w, "b");
        int64_t deadline_ns = registry_log_deadline(w->log);
        assert_true(deadline_ns == w->now_ns + 20 * NS_PER_SEC);
        tick(w, deadline_ns);
        assert_int_equal(w->answer_count, 2);
        expect_failure(w, 0, -ETIMEDOUT,
                       "could not be stored within 20secs (--registry_store_timeout");
        expect_failure(w, 1, -ETIMEDOUT, "could not be stored");
        assert_true(registry_log_deadline(w->log) == TIME_NEVER);
        /* What comes later of the worker or the log changes nothing; nor is more written. */
        settle(w);
        admit(w, "c");
        expect_failure(w, 2, -ETIMEDOUT, "could not be stored");
        settle(w);
        assert_int_equal(w->answer_count, 3);
        assert_int_equal(w->appends, steps > 0 ? 2 : 1);
        world_free(w);
    }
}

static void test_a_lost_write_fails_everything(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *why;
        int expected;
        const char *text;
    } rows[] = {
        {1, "another master writes the log", -EIO, "stored: another master writes the log"},
        {-EMSGSIZE, NULL, -EMSGSIZE, "stored: the log failed"},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        struct world *w = world_new();
        recover(w);
        w->answer_count = 0;
        admit(w, "a");
        assert_true(work(w));
        admit(w, "b");
        step(w, &(struct registry_log_event){
                    .type = REGISTRY_LOG_WRITTEN, .status = rows[i].status, .why = rows[i].why});
        assert_int_equal(w->answer_count, 2);
        expect_failure(w, 0, rows[i].expected, rows[i].text);
        expect_failure(w, 1, rows[i].expected, rows[i].text);
        /* The log may be read all the same. */
        ask(w, REGISTRY_READ, NULL, NULL);
        assert_int_equal(w->answers[2].status, 0);
        assert_non_null(w->value);
        world_free(w);
    }
}

static void test_each_step_of_recovering_may_fail(void **state)
{
    (void)state;
    static const enum registry_log_event_type answers[] = {REGISTRY_LOG_ELECTED,
                                                           REGISTRY_LOG_BOUNDED, REGISTRY_LOG_END};
    for (size_t i = 0; i < ELEMENTS(answers); i++) {
        struct world *w = world_new();
        ask_recover(w);
        for (size_t n = 0; n < i; n++) {
            assert_true(perform(w) >= 0);
        }
        step(w, &(struct registry_log_event){.type = answers[i], .status = -EIO, .why = "no"});
        expect_failure(w, 0, -EIO, "could not be read: no");
        world_free(w);
    }
}

/* --- what was answered is there, whatever happens --- */

static const char *const ids[] = {"a", "b", "c", "d", "e"};

/* What the operation leaves an agent as: -1 = nothing. */
static int outcome(enum registry_op_type type)
{
    switch ((int)type) {
    case REGISTRY_ADMIT_AGENT:
    case REGISTRY_MARK_REACHABLE:
        return REGISTRY_ADMITTED;
    case REGISTRY_MARK_UNREACHABLE:
        return REGISTRY_UNREACHABLE;
    case REGISTRY_MARK_GONE:
        return REGISTRY_GONE;
    default:
        return -1;
    }
}

static void test_what_was_answered_outlives_crashes(void **state)
{
    (void)state;
    static const enum registry_op_type types[] = {REGISTRY_ADMIT_AGENT, REGISTRY_MARK_UNREACHABLE,
                                                  REGISTRY_MARK_REACHABLE, REGISTRY_REMOVE_AGENT,
                                                  REGISTRY_MARK_GONE};
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct world *w = world_new();
        struct prng prng;
        enum registry_op_type asked[ANSWERS_MAX];
        size_t subject[ANSWERS_MAX];
        prng_seed(&prng, seed);
        recover(w);
        uint64_t base = w->next_token;
        w->answer_count = 0;
        /* Gone is for ever, so it is rare. */
        for (size_t i = 0; i < 40; i++) {
            size_t kind = prng_below(&prng, 30) == 0 ? 4 : (size_t)prng_below(&prng, 4);
            asked[i] = types[kind];
            subject[i] = (size_t)prng_below(&prng, ELEMENTS(ids));
            bool has_info = kind == 0 || kind == 2;
            ask(w, types[kind], ids[subject[i]], has_info ? info_of(ids[subject[i]]) : NULL);
            while (prng_below(&prng, 3) == 0 && (work(w) || perform(w) >= 0)) {
            }
        }
        /* The crash. The oldest request may have reached the log, though nobody was told. */
        int expected[ELEMENTS(ids)] = {-1, -1, -1, -1, -1};
        for (size_t i = 0; i < w->answer_count; i++) {
            assert_int_equal(w->answers[i].token, base + i); /* in order */
            if (w->answers[i].applied) {
                expected[subject[i]] = outcome(asked[i]);
            }
        }
        size_t answered = w->answer_count;
        bool reached = prng_below(&prng, 2) == 0;
        if (reached) {
            (void)perform(w);
            for (size_t i = answered; i < w->answer_count; i++) {
                if (w->answers[i].applied) {
                    expected[subject[i]] = outcome(asked[i]);
                }
            }
        }
        stop(w);
        start(w, seed + 1000);
        recover(w);
        struct registry *registry = stored(w);
        for (size_t i = 0; i < ELEMENTS(ids); i++) {
            struct registry_agent *agent = registry_find(registry, slice_from(ids[i]));
            assert_int_equal(agent != NULL ? (int)agent->state : -1, expected[i]);
        }
        registry_free(registry);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_log_gets_who_leads),
        cmocka_unit_test(test_what_was_stored_is_found_again),
        cmocka_unit_test(test_others_variables_stay_in_the_log),
        cmocka_unit_test(test_an_expunged_registry_is_empty),
        cmocka_unit_test(test_a_registry_that_ends_with_a_diff_is_refused),
        cmocka_unit_test(test_damage_ends_it_and_writes_nothing),
        cmocka_unit_test(test_a_registry_that_needs_more_is_refused),
        cmocka_unit_test(test_what_comes_during_a_write_goes_into_the_next),
        cmocka_unit_test(test_what_changes_nothing_is_written_all_the_same),
        cmocka_unit_test(test_what_changes_nothing_is_not_answered_by_who_was_replaced),
        cmocka_unit_test(test_reading_does_not_wait),
        cmocka_unit_test(test_reading_has_a_limit),
        cmocka_unit_test(test_writing_has_a_limit),
        cmocka_unit_test(test_a_lost_write_fails_everything),
        cmocka_unit_test(test_each_step_of_recovering_may_fail),
        cmocka_unit_test(test_what_was_answered_outlives_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
