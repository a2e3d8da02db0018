/* Agents authenticate: exchanges by messages, what waits for their end, and who has authenticated.
 */
#include "harness.h"

#define AGENT "slave(1)@10.0.0.1:5051"
#define NEIGHBOUR "slave(2)@10.0.0.1:5051"
#define STRANGER "slave(1)@10.0.0.2:5051"
#define REGISTRATION "{\"slave\":{\"hostname\":\"host\"},\"version\":\"1.12.0\"}"

/* Nobody has a secret. */
static void required(struct master_options *options)
{
    options->authenticate_agents = true;
}

static void begin_as(struct harness *h, const char *from, const char *pid)
{
    harness_message(h, from, "master", "AuthenticateMessage",
                    arena_printf(&h->arena, "{\"pid\":\"%s\"}", pid));
}

/* The actor that answered, which is the exchange's. */
static const char *session(struct harness *h, const char *to)
{
    assert_non_null(harness_take(h, to, "AuthenticationMechanismsMessage"));
    return arena_strdup(&h->arena, harness_sender(h));
}

static void start(struct harness *h, const char *from, const char *to)
{
    harness_message(h, from, to, "AuthenticationStartMessage", "{\"mechanism\":\"CRAM-MD5\"}");
}

static void refuse(struct harness *h, const char *from, const char *to)
{
    harness_message(h, from, to, "AuthenticationStepMessage", "{\"data\":\"dGltIDAw\"}");
}

static void registers(struct harness *h, const char *from)
{
    harness_message(h, from, "master", "RegisterSlaveMessage", REGISTRATION);
}

static void test_who_does_not_authenticate_is_not_heard(void **state)
{
    (void)state;
    struct harness *h = harness_new(required);
    registers(h, AGENT);
    assert_null(harness_take(h, AGENT, "SlaveRegisteredMessage"));
    assert_has(harness_log(h), "it has not authenticated");
    begin_as(h, AGENT, AGENT);
    const char *actor = session(h, AGENT);
    start(h, AGENT, actor);
    assert_non_null(harness_take(h, AGENT, "AuthenticationStepMessage"));
    refuse(h, AGENT, actor);
    assert_non_null(harness_take(h, AGENT, "AuthenticationFailedMessage"));
    harness_free(h);
}

/* Each exchange is only with whom it was begun, whoever else knows its actor's name. */
static void test_exchanges_are_kept_apart(void **state)
{
    (void)state;
    struct harness *h = harness_new(required);
    begin_as(h, AGENT, AGENT);
    const char *first = session(h, AGENT);
    begin_as(h, NEIGHBOUR, NEIGHBOUR);
    const char *second = session(h, NEIGHBOUR);
    assert_string_not_equal(first, second);
    start(h, NEIGHBOUR, first);
    assert_null(harness_take(h, NEIGHBOUR, "AuthenticationStepMessage"));
    start(h, NEIGHBOUR, second);
    assert_non_null(harness_take(h, NEIGHBOUR, "AuthenticationStepMessage"));
    start(h, AGENT, first);
    assert_non_null(harness_take(h, AGENT, "AuthenticationStepMessage"));
    /* A newer one ends the older one. */
    begin_as(h, AGENT, AGENT);
    const char *third = session(h, AGENT);
    refuse(h, AGENT, first);
    assert_null(harness_take(h, AGENT, "AuthenticationFailedMessage"));
    start(h, AGENT, third);
    assert_non_null(harness_take(h, AGENT, "AuthenticationStepMessage"));
    harness_free(h);
}

/* All that came from an address ends with its connection, and nothing else. */
static void test_exchanges_end_with_their_address(void **state)
{
    (void)state;
    struct harness *h = harness_new(required);
    static const char *const pids[] = {AGENT, NEIGHBOUR, STRANGER};
    const char *actors[ELEMENTS(pids)];
    for (size_t i = 0; i < ELEMENTS(pids); i++) {
        begin_as(h, pids[i], pids[i]);
        actors[i] = session(h, pids[i]);
    }
    harness_exited(h, AGENT);
    for (size_t i = 0; i < ELEMENTS(pids); i++) {
        start(h, pids[i], actors[i]);
        const char *step = harness_take(h, pids[i], "AuthenticationStepMessage");
        assert_int_equal(step != NULL, i == 2);
    }
    harness_exited(h, AGENT); /* nothing of it is left */
    harness_exited(h, STRANGER);
    harness_advance(h, NS_PER_MIN); /* no timeout of what has ended */
    assert_has_not(harness_log(h), "took too long");
    harness_free(h);
}

static void test_an_exchange_has_a_timeout(void **state)
{
    (void)state;
    struct harness *h = harness_new(required);
    begin_as(h, AGENT, AGENT);
    const char *actor = session(h, AGENT);
    registers(h, AGENT); /* waits for the end, and is refused then */
    assert_has_not(harness_log(h), "it has not authenticated");
    harness_advance(h, NS_PER_MIN);
    const char *log = harness_log(h);
    assert_has(log, "took too long");
    assert_has(log, "it has not authenticated");
    start(h, AGENT, actor);
    assert_null(harness_take(h, AGENT, "AuthenticationStepMessage"));
    harness_free(h);
}

/* The same pid may be written in several ways, also in one that is longer than any pid is. */
static void test_a_pid_is_the_same_however_it_is_written(void **state)
{
    (void)state;
    struct harness *h = harness_new(required);
    begin_as(h, AGENT, "slave(1)@10.0.0.1:0005051");
    registers(h, AGENT);
    assert_has_not(harness_log(h), "it has not authenticated"); /* it waits */
    char id[UPID_ID_SIZE_MAX + 1];
    memset(id, 'x', UPID_ID_SIZE_MAX);
    id[UPID_ID_SIZE_MAX] = '\0';
    const char *longest = arena_printf(
        &h->arena, "%s@[1111:2222:3333:4444:5555:6666:123.123.123.123]:%031u", id, 5051u);
    for (size_t i = 0; i < 2; i++) {
        begin_as(h, STRANGER, longest);
        assert_non_null(session(h, STRANGER));
    }
    begin_as(h, STRANGER, "no pid");
    assert_has(harness_log(h), "no pid");
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_does_not_authenticate_is_not_heard),
        cmocka_unit_test(test_exchanges_are_kept_apart),
        cmocka_unit_test(test_exchanges_end_with_their_address),
        cmocka_unit_test(test_an_exchange_has_a_timeout),
        cmocka_unit_test(test_a_pid_is_the_same_however_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
