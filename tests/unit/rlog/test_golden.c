/*
 * Recorded traffic against our replica: every request gets the answer that was recorded, byte for
 * byte. tests/data/golden/replicated_log.jsonl is of three of the original's masters,
 * mixed_log.jsonl of one of them between two of ours: each kind leads after the other, and catches
 * up from it.
 *
 * What a master tells itself does not pass the network and is not in the recording; but it is what
 * it tells the others at the same time, so each request and each learned message is also given to
 * the sender's own replica. How a replica came to its status is not in it either: the status is
 * read off its answers.
 */
#include "../unit.h"

#define json_string jansson_string
#define json_null jansson_null
#include <jansson.h>
#undef json_string
#undef json_null

#include "fake_store.h"
#include "rlog/replica.h"
#include "wire/base64.h"

#define MASTERS 3
#define PORT_FIRST 5050
#define LINES_MAX 256

struct master {
    uint64_t next_token;
    struct rlog_replica replica;
    struct fake_store store;
    char last_told[64]; /* what its own replica was given last: name and body are those of others */
    struct blob *last_body;
};

struct line {
    const char *name;
    const char *step;
    struct upid from;
    struct upid to;
    struct buf body;
};

struct recording {
    const char *file;
    size_t lines;
    size_t compared; /* requests with an answer */
    size_t learned;
    uint64_t begin; /* of the replicas that have all, at the end */
    uint64_t end;
    size_t complete[2]; /* which these are */
};

static struct master masters[MASTERS];
static struct line lines[LINES_MAX];
static size_t line_count;

static struct master *master_of(const struct upid *upid)
{
    size_t index = (size_t)upid->address.port - PORT_FIRST;
    assert_true(index < MASTERS);
    return &masters[index];
}

/* Performs everything that the replica wants, until it wants nothing more. */
static void settle(struct master *master, struct rlog_store_ops *ops)
{
    for (;;) {
        rlog_replica_flush(&master->replica, ops);
        struct rlog_store_op *op = rlog_store_ops_pop(ops);
        if (op == NULL) {
            return;
        }
        struct fake_done done;
        fake_store_perform(&master->store, op, &done);
        assert_true(rlog_replica_stored(&master->replica, &done.done, ops));
        fake_done_deinit(&done);
    }
}

static void start(struct master *master)
{
    master->next_token = 1;
    rlog_replica_init(&master->replica, 1, &master->next_token);
    struct rlog_store_ops ops;
    rlog_store_ops_init(&ops);
    rlog_replica_restore(&master->replica, &ops);
    settle(master, &ops);
}

static void stop(struct master *master)
{
    rlog_replica_deinit(&master->replica);
    fake_store_deinit(&master->store);
    master->last_body = blob_unref(master->last_body);
    master->last_told[0] = '\0';
}

static void set_status(struct master *master, enum rlog_status status)
{
    if (master->replica.status != status) {
        struct rlog_store_ops ops;
        rlog_store_ops_init(&ops);
        (void)rlog_replica_set_metadata(&master->replica, status, master->replica.promised);
        settle(master, &ops);
    }
}

/* Gives it a request or a learned message; the answer, or NULL. */
static struct rlog_reply *give(struct master *master, const struct line *line)
{
    enum rlog_message_type type;
    struct rlog_message message;
    struct err err = {""};
    struct rlog_store_ops ops;
    rlog_store_ops_init(&ops);
    assert_true(rlog_message_find(slice_from(line->name), &type));
    assert_int_equal(rlog_message_decode(type, buf_slice(&line->body), &message, &err), 0);
    if (type == RLOG_LEARNED) {
        rlog_replica_learn(&master->replica, &message.action);
    } else {
        struct rlog_asker asker = {.upid = line->from};
        rlog_replica_request(&master->replica, &asker, &message, &ops);
    }
    rlog_message_deinit(&message);
    /* Nothing leaves before it is durable. */
    bool is_dirty = master->replica.next != NULL;
    struct rlog_reply *early = rlog_replica_pop_reply(&master->replica);
    assert_true(!is_dirty || early == NULL);
    settle(master, &ops);
    return early != NULL ? early : rlog_replica_pop_reply(&master->replica);
}

/* The same question or news to all: the sender's own replica gets it once. */
static void give_own(const struct line *line)
{
    struct master *own = master_of(&line->from);
    if (strcmp(own->last_told, line->name) == 0 && own->last_body != NULL &&
        slice_equal(blob_slice(own->last_body), buf_slice(&line->body))) {
        return;
    }
    (void)snprintf(own->last_told, sizeof(own->last_told), "%s", line->name);
    blob_unref(own->last_body);
    own->last_body = blob_from(buf_slice(&line->body));
    rlog_reply_free(give(own, line));
}

static const struct line *find_answer(size_t from)
{
    for (size_t i = from + 1; i < line_count; i++) {
        if (upid_equal(&lines[i].to, &lines[from].from) &&
            upid_equal(&lines[i].from, &lines[from].to)) {
            return &lines[i];
        }
    }
    return NULL;
}

static void expect_status(struct master *master, const struct line *answer)
{
    enum rlog_message_type type;
    struct rlog_message message;
    struct err err = {""};
    assert_true(rlog_message_find(slice_from(answer->name), &type));
    assert_int_equal(rlog_message_decode(type, buf_slice(&answer->body), &message, &err), 0);
    bool is_recover = type == RLOG_RECOVER_RESPONSE;
    assert_true(is_recover || message.vote != RLOG_IGNORED);
    set_status(master, is_recover ? message.status : RLOG_VOTING);
    rlog_message_deinit(&message);
}

static void load(const char *name)
{
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    char *text = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&text, &capacity, file)) > 0) {
        json_error_t error;
        json_t *value = json_loadb(text, (size_t)size, 0, &error);
        assert_non_null(value);
        assert_true(line_count < LINES_MAX);
        struct line *line = &lines[line_count++];
        line->name = strdup(json_string_value(json_object_get(value, "name")));
        line->step = strdup(json_string_value(json_object_get(value, "step")));
        const char *from = json_string_value(json_object_get(value, "from"));
        const char *to = json_string_value(json_object_get(value, "to"));
        const char *body = json_string_value(json_object_get(value, "body"));
        assert_true(upid_parse(slice_from(from), &line->from));
        assert_true(upid_parse(slice_from(to), &line->to));
        assert_true(base64_decode(slice_from(body), &line->body));
        json_decref(value);
    }
    free(text);
    (void)fclose(file);
}

/* Who loses its disk comes back with nothing: "master 3 (Tepui) lost its disk ...", or else the
 * second. */
static void lose_disks(const char *step, const char *before)
{
    if (strcmp(step, before) != 0 && strstr(step, "lost its disk") != NULL) {
        size_t index = 1;
        if (slice_starts_with(slice_from(step), SLICE("master "))) {
            index = (size_t)(step[strlen("master ")] - '1');
            assert_true(index < MASTERS);
        }
        stop(&masters[index]);
        start(&masters[index]);
        set_status(&masters[index], RLOG_RECOVERING);
    }
}

static void answers_are_the_recorded_ones(void **state)
{
    const struct recording *recording = *state;
    assert_int_equal(line_count, recording->lines);
    size_t compared = 0;
    size_t learned = 0;
    for (size_t i = 0; i < line_count; i++) {
        const struct line *line = &lines[i];
        lose_disks(line->step, i > 0 ? lines[i - 1].step : line->step);
        if (strcmp(line->to.id, "log-replica(1)") != 0) {
            continue;
        }
        struct master *master = master_of(&line->to);
        const struct line *answer = find_answer(i);
        bool is_learned = strcmp(line->name, "mesos.internal.log.LearnedMessage") == 0;
        assert_true((answer == NULL) == is_learned);
        if (answer != NULL) {
            expect_status(master, answer);
        }
        struct rlog_reply *reply = give(master, line);
        if (answer != NULL) {
            assert_non_null(reply);
            assert_string_equal(rlog_message_name(reply->message.type), answer->name);
            struct blob *bytes = rlog_message_encode(&reply->message);
            if (!slice_equal(blob_slice(bytes), buf_slice(&answer->body))) {
                fail_msg("line %zu: another answer than %s", i + 1, answer->name);
            }
            blob_unref(bytes);
            compared++;
        } else {
            assert_null(reply);
            learned++;
        }
        rlog_reply_free(reply);
        give_own(line);
    }
    assert_int_equal(compared, recording->compared);
    assert_int_equal(learned, recording->learned);
    /* At the end the replicas that live hold the last snapshot and the TRUNCATE behind it. */
    for (size_t i = 0; i < ELEMENTS(recording->complete); i++) {
        const struct master *master = &masters[recording->complete[i]];
        assert_int_equal(master->replica.begin, recording->begin);
        assert_int_equal(master->replica.end, recording->end);
        assert_int_equal(master->store.count, 3);
    }
}

/* Each message that was recorded is encoded by us to the same bytes. */
static void messages_are_encoded_as_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < line_count; i++) {
        enum rlog_message_type type;
        struct rlog_message message;
        struct err err = {""};
        assert_true(rlog_message_find(slice_from(lines[i].name), &type));
        assert_int_equal(rlog_message_decode(type, buf_slice(&lines[i].body), &message, &err), 0);
        struct blob *bytes = rlog_message_encode(&message);
        assert_true(slice_equal(blob_slice(bytes), buf_slice(&lines[i].body)));
        blob_unref(bytes);
        rlog_message_deinit(&message);
    }
}

static const struct recording original = {
    .file = TEST_DATA_DIR "/golden/replicated_log.jsonl",
    .lines = 134,
    .compared = 57,
    .learned = 20,
    .begin = 7,
    .end = 8,
    .complete = {1, 2},
};

static const struct recording mixed = {
    .file = TEST_DATA_DIR "/golden/mixed_log.jsonl",
    .lines = 190,
    .compared = 80,
    .learned = 30,
    .begin = 15,
    .end = 16,
    .complete = {0, 2},
};

static int set_up(void **state)
{
    const struct recording *recording = *state;
    load(recording->file);
    for (size_t i = 0; i < MASTERS; i++) {
        start(&masters[i]);
    }
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < MASTERS; i++) {
        stop(&masters[i]);
    }
    for (size_t i = 0; i < line_count; i++) {
        free((void *)(uintptr_t)lines[i].name);
        free((void *)(uintptr_t)lines[i].step);
        buf_deinit(&lines[i].body);
    }
    memset(masters, 0, sizeof(masters));
    memset(lines, 0, sizeof(lines));
    line_count = 0;
    return 0;
}

#define TEST(name, recording)                                                                \
    {                                                                                        \
#name " (" #recording ")", name, set_up, clean_up, (void *)(uintptr_t) & (recording) \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_are_the_recorded_ones, original),
        TEST(messages_are_encoded_as_recorded, original),
        TEST(answers_are_the_recorded_ones, mixed),
        TEST(messages_are_encoded_as_recorded, mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
