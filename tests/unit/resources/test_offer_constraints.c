#include "fixture.h"

#include "resources/offer_constraints.h"

static const struct pattern_limits usual = {4096, 100};

/* An agent with an attribute of each kind. */
static void set_up_agent(struct agent_traits *ret_traits)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    agent_traits_init(ret_traits,
                      (Pb__AgentInfo *)pb_from_json(
                          &pb__agent_info__descriptor,
                          "{\"hostname\":\"host1\",\"attributes\":["
                          "{\"name\":\"rack\",\"type\":\"TEXT\",\"text\":{\"value\":\"left\"}},"
                          "{\"name\":\"rack\",\"type\":\"TEXT\",\"text\":{\"value\":\"second\"}},"
                          "{\"name\":\"level\",\"type\":\"SCALAR\",\"scalar\":{\"value\":7}}],"
                          "\"domain\":{\"fault_domain\":{\"region\":{\"name\":\"here\"},"
                          "\"zone\":{\"name\":\"z1\"}}}}",
                          &arena));
}

static int make(const char *json, struct offer_constraints **ret, struct err *err)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    return offer_constraints_new((Pb__Scheduler__OfferConstraints *)pb_from_json(
                                     &pb__scheduler__offer_constraints__descriptor, json, &arena),
                                 &usual, ret, err);
}

#define GROUPS(text) "{\"role_constraints\":{\"r\":{\"groups\":[" text "]}}}"
#define GROUP(text) "{\"attribute_constraints\":[" text "]}"
#define NAMED(name, predicate) \
    "{\"selector\":{\"attribute_name\":\"" name "\"},\"predicate\":{" predicate "}}"
#define PSEUDO(type, predicate) \
    "{\"selector\":{\"pseudoattribute_type\":\"" type "\"},\"predicate\":{" predicate "}}"
#define EXISTS "\"exists\":{}"
#define NOT_EXISTS "\"not_exists\":{}"
#define EQUALS(text) "\"text_equals\":{\"value\":\"" text "\"}"
#define NOT_EQUALS(text) "\"text_not_equals\":{\"value\":\"" text "\"}"
#define MATCHES(text) "\"text_matches\":{\"regex\":\"" text "\"}"
#define NOT_MATCHES(text) "\"text_not_matches\":{\"regex\":\"" text "\"}"

static bool admits(const char *json, const char *role)
{
    CLEANUP(offer_constraints_unrefp) struct offer_constraints *constraints = NULL;
    CLEANUP(agent_traits_deinit) struct agent_traits agent;
    struct err err;
    set_up_agent(&agent);
    if (make(json, &constraints, &err) != 0) {
        fail_msg("%s: %s", json, err.text);
    }
    return offer_constraints_admit(constraints, role, &agent);
}

static void test_every_predicate_of_every_subject(UNUSED void **state)
{
    static const struct {
        const char *one;
        bool holds;
    } cases[] = {
        {NAMED("rack", EXISTS), true},
        {NAMED("rack", NOT_EXISTS), false},
        {NAMED("rack", EQUALS("left")), true},
        {NAMED("rack", EQUALS("second")), false}, /* the first of the name counts */
        {NAMED("rack", NOT_EQUALS("left")), false},
        {NAMED("rack", MATCHES("l.*")), true},
        {NAMED("rack", MATCHES("lef")), false},
        {NAMED("rack", NOT_MATCHES("r.*")), true},
        {NAMED("rack", NOT_MATCHES("l.*")), false},
        /* what is no text: the text predicates hold, and so do their negations */
        {NAMED("level", EXISTS), true},
        {NAMED("level", NOT_EXISTS), false},
        {NAMED("level", EQUALS("x")), true},
        {NAMED("level", NOT_EQUALS("7")), true},
        {NAMED("level", MATCHES("x")), true},
        {NAMED("level", NOT_MATCHES(".*")), true},
        /* what is not there */
        {NAMED("shelf", EXISTS), false},
        {NAMED("shelf", NOT_EXISTS), true},
        {NAMED("shelf", EQUALS("")), false},
        {NAMED("shelf", NOT_EQUALS("")), true},
        {NAMED("shelf", MATCHES(".*")), false},
        {NAMED("shelf", NOT_MATCHES(".*")), true},
        {PSEUDO("HOSTNAME", EQUALS("host1")), true},
        {PSEUDO("HOSTNAME", NOT_EXISTS), false},
        {PSEUDO("REGION", EQUALS("here")), true},
        {PSEUDO("ZONE", MATCHES("z[12]")), true},
        {PSEUDO("ZONE", MATCHES("z")), false},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP(buf_deinit) struct buf json = BUF_INIT;
        buf_printf(&json, GROUPS(GROUP("%s")), cases[i].one);
        if (admits(buf_text(&json), "r") != cases[i].holds) {
            fail_msg("%s", cases[i].one);
        }
    }
}

static void test_without_a_domain_the_negations_hold(UNUSED void **state)
{
    static const struct {
        const char *one;
        bool holds;
    } cases[] = {
        {PSEUDO("REGION", EXISTS), false},
        {PSEUDO("ZONE", NOT_EXISTS), true},
        {PSEUDO("REGION", NOT_EQUALS("here")), true},
        {PSEUDO("ZONE", MATCHES(".*")), false},
    };
    CLEANUP(agent_traits_deinit) struct agent_traits agent;
    Pb__AgentInfo info = PB__AGENT_INFO__INIT;
    info.hostname = (char *)(uintptr_t) "h";
    agent_traits_init(&agent, &info);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP(buf_deinit) struct buf json = BUF_INIT;
        CLEANUP(offer_constraints_unrefp) struct offer_constraints *constraints = NULL;
        buf_printf(&json, GROUPS(GROUP("%s")), cases[i].one);
        assert_int_equal(make(buf_text(&json), &constraints, NULL), 0);
        assert_int_equal(offer_constraints_admit(constraints, "r", &agent), cases[i].holds);
    }
}

static void test_all_of_a_group_and_one_of_the_groups(UNUSED void **state)
{
    assert_true(admits(GROUPS(GROUP(NAMED("rack", EXISTS) "," NAMED("level", EXISTS))), "r"));
    assert_false(admits(GROUPS(GROUP(NAMED("rack", EXISTS) "," NAMED("shelf", EXISTS))), "r"));
    assert_true(
        admits(GROUPS(GROUP(NAMED("shelf", EXISTS)) "," GROUP(NAMED("rack", EXISTS))), "r"));
    assert_true(admits(GROUPS(GROUP(NAMED("shelf", EXISTS))), "another"));
}

static void test_none_is_no_constraint(UNUSED void **state)
{
    struct offer_constraints *constraints = NULL;
    assert_int_equal(make("{}", &constraints, NULL), 0);
    assert_null(constraints);
    assert_int_equal(offer_constraints_new(NULL, &usual, &constraints, NULL), 0);
    assert_null(constraints);
}

static void test_what_is_refused(UNUSED void **state)
{
    static const struct {
        const char *json;
        const char *why;
    } cases[] = {
        {"{\"role_constraints\":{\"r\":{}}}", "an empty 'RoleConstraints::groups' for role r"},
        {"{\"role_constraints\":{\"r\":{\"groups\":[{}]}}}", "empty RoleConstraints::Group"},
        {GROUPS(GROUP("{\"selector\":{},\"predicate\":{" EXISTS "}}")), "must be set"},
        {GROUPS(GROUP(PSEUDO("UNKNOWN", EXISTS))), "Unknown pseudoattribute type"},
        {GROUPS(GROUP(NAMED("a", ""))), "Unknown predicate type"},
        {GROUPS(GROUP(NAMED("a", MATCHES("(")))), "Failed to construct regex from pattern '('"},
        {GROUPS(GROUP(NAMED("a", NOT_MATCHES("a{100}")))), "too complex"},
        {GROUPS(GROUP(NAMED("a", EXISTS) "," NAMED("a", MATCHES("(?=a)")))), "(?=a)"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct offer_constraints *constraints = NULL;
        struct err err = {{0}};
        assert_int_equal(make(cases[i].json, &constraints, &err), OFFER_CONSTRAINTS_E);
        if (strstr(err.text, cases[i].why) == NULL) {
            fail_msg("%s: %s", cases[i].json, err.text);
        }
        assert_null(constraints);
    }
}

static int make_many(size_t count)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT;
    struct offer_constraints *constraints = NULL;
    buf_append_text(&json,
                    "{\"role_constraints\":{\"r\":{\"groups\":[{\"attribute_constraints\":[");
    for (size_t i = 0; i < count; i++) {
        buf_append_text(&json, i > 0 ? "," NAMED("a", EXISTS) : NAMED("a", EXISTS));
    }
    buf_append_text(&json, "]}]}}}");
    int r = make(buf_text(&json), &constraints, NULL);
    offer_constraints_unref(constraints);
    return r;
}

static void test_the_most_constraints(UNUSED void **state)
{
    assert_int_equal(make_many(OFFER_CONSTRAINTS_MAX), 0);
    assert_int_equal(make_many(OFFER_CONSTRAINTS_MAX + 1), OFFER_CONSTRAINTS_E);
}

static void test_the_message_is_kept(UNUSED void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    struct offer_constraints *constraints = NULL;
    struct json_writer w;
    assert_int_equal(make(GROUPS(GROUP(NAMED("rack", EXISTS))), &constraints, NULL), 0);
    struct offer_constraints *again = offer_constraints_ref(constraints);
    offer_constraints_unref(constraints);
    json_writer_init(&w, &text);
    json_message_bytes(&w, &pb__scheduler__offer_constraints__descriptor,
                       offer_constraints_bytes(again), JSON_V0);
    assert_string_equal(buf_text(&text), GROUPS(GROUP(NAMED("rack", EXISTS))));
    offer_constraints_unref(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_predicate_of_every_subject),
        cmocka_unit_test(test_without_a_domain_the_negations_hold),
        cmocka_unit_test(test_all_of_a_group_and_one_of_the_groups),
        cmocka_unit_test(test_none_is_no_constraint),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_the_most_constraints),
        cmocka_unit_test(test_the_message_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
