/* Quotas: what is refused, what is stored and shown, and whose offers have to go. */
#include "harness.h"

#include "master/quota_config.h"
#include "master/validate.h"

#define AGENT "slave(1)@10.0.0.1:5051"
#define OTHER "slave(1)@10.0.0.2:5051"
#define JSON "Content-Type: application/json"

static struct harness *h;

static int begin(void **state)
{
    (void)state;
    h = harness_new(NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static const char *body_of(uint64_t handle)
{
    struct slice body = harness_body(h, handle);
    return arena_strndup(&h->arena, body.data, body.size);
}

static const char *get(const char *path)
{
    return body_of(harness_request(h, "GET", path, NULL, ""));
}

static uint64_t call(const char *body)
{
    return harness_request(h, "POST", "/master/api/v1", JSON, body);
}

/* `configs` is the list's content, `more` further members: "" or ",...". */
static uint64_t update_with(const char *configs, const char *more)
{
    return call(arena_printf(&h->arena,
                             "{\"type\":\"UPDATE_QUOTA\",\"update_quota\":{\"quota_configs\":[%s]"
                             "%s}}",
                             configs, more));
}

static uint64_t update(const char *configs)
{
    return update_with(configs, "");
}

static void assert_updates(const char *configs)
{
    uint64_t handle = update(configs);
    if (harness_status(h, handle) != 200) {
        fail_msg("%s: %s", configs, body_of(handle));
    }
}

static void assert_refuses(const char *configs, const char *why)
{
    uint64_t handle = update(configs);
    assert_int_equal(harness_status(h, handle), 400);
    assert_has(body_of(handle), why);
    assert_string_equal(get("/master/quota"), "{}");
}

#define FORCED ",\"force\":true"

static void test_quotas_are_set_shown_and_cleared(void **state)
{
    (void)state;
    harness_agent(h, AGENT);
    assert_string_equal(body_of(call("{\"type\":\"GET_QUOTA\"}")),
                        "{\"type\":\"GET_QUOTA\",\"get_quota\":{\"status\":{}}}");
    assert_updates("{\"role\":\"b\",\"limits\":{\"mem\":{\"value\":64},\"cpus\":{\"value\":0}}},"
                   "{\"role\":\"a\",\"guarantees\":{\"mem\":{\"value\":0},"
                   "\"cpus\":{\"value\":1.5}}}");
    static const char shown[] =
        "{\"infos\":[{\"role\":\"a\",\"guarantee\":[{\"name\":\"cpus\",\"type\":\"SCALAR\","
        "\"scalar\":{\"value\":1.5}}]},{\"role\":\"b\"}],"
        "\"configs\":[{\"role\":\"a\",\"guarantees\":{\"cpus\":{\"value\":1.5}}},"
        "{\"role\":\"b\",\"limits\":{\"cpus\":{\"value\":0.0},\"mem\":{\"value\":64.0}}}]}";
    assert_string_equal(get("/master/quota"), shown);
    harness_fail_over(h, NULL);
    assert_string_equal(get("/master/quota"), shown);
    assert_has(get("/master/roles"), "\"quota\":{\"role\":\"b\",\"guarantee\":{},"
                                     "\"limit\":{\"cpus\":0.0,\"mem\":64.0},\"consumed\":{}}");
    const char *metrics = get("/metrics/snapshot");
    assert_has(metrics, "\"allocator/mesos/quota/roles/a/resources/cpus/guarantee\":1.5,"
                        "\"allocator/mesos/quota/roles/a/resources/cpus/offered_or_allocated\":");
    assert_has(metrics, "\"allocator/mesos/quota/roles/b/resources/mem/limit\":64.0");
    assert_has(metrics, "\"allocator/mesos/offer_filters/roles/b/active\":0.0");
    /* Also while the cluster is too small for what is guaranteed. */
    uint64_t handle = update_with("{\"role\":\"a\"},{\"role\":\"b\"}", FORCED);
    assert_int_equal(harness_status(h, handle), 200);
    assert_string_equal(get("/master/quota"), "{}");
    harness_fail_over(h, NULL);
    assert_string_equal(get("/master/quota"), "{}");
}

static void test_what_makes_no_sense_is_refused_whole(void **state)
{
    (void)state;
    assert_refuses("{\"role\":\"fine\",\"limits\":{\"cpus\":{\"value\":1}}},{\"role\":\"a/b\"}",
                   "Updating quota on nested role 'a/b' is not supported yet");
    assert_refuses("{\"role\":\"-a\"}", "Invalid QuotaConfig: Invalid 'QuotaConfig.role'");
    assert_refuses("{\"limits\":{\"cpus\":{\"value\":1}}}", "role");
    assert_refuses("{\"role\":\"a\",\"limits\":{\"cpus\":{\"value\":-1}}}",
                   "Invalid limit configuration {'cpus': -1}: Negative values not supported");
    assert_refuses("{\"role\":\"a\",\"guarantees\":{\"cpus\":{\"value\":2}},"
                   "\"limits\":{\"cpus\":{\"value\":1}}}",
                   "'QuotaConfig.guarantees' cpus:2 is not contained within the "
                   "'QuotaConfig.limits' cpus:1");
    assert_refuses("{\"role\":\"a\",\"guarantees\":{\"cpus\":{\"value\":1}}}",
                   "Invalid QuotaConfig: total quota guarantees 'cpus:1' exceed cluster capacity "
                   "'{}' (use 'force' flag to bypass this check)");
}

static void test_amounts_have_a_largest(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t most;
        const char *why;
    } rows[] = {
        {"mem", QUOTA_MEGABYTES_MAX, "values greater than 1 exabyte (1099511627776)"},
        {"disk", QUOTA_MEGABYTES_MAX, "values greater than 1 exabyte (1099511627776)"},
        {"cpus", QUOTA_OTHERS_MAX, "values greater than 1 trillion (1000000000000)"},
        {"things", QUOTA_OTHERS_MAX, "values greater than 1 trillion (1000000000000)"},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        static const char format[] = "{\"role\":\"a\",\"limits\":{\"%s\":{\"value\":%lld}}}";
        assert_refuses(arena_printf(&h->arena, format, rows[i].name, (long long)rows[i].most + 1),
                       rows[i].why);
        assert_updates(arena_printf(&h->arena, format, rows[i].name, (long long)rows[i].most));
        assert_updates("{\"role\":\"a\"}");
    }
}

static void limits_of(struct buf *out, size_t count)
{
    buf_append_text(out, "{\"role\":\"many\",\"limits\":{");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s\"kind-%zu\":{\"value\":1}", i > 0 ? "," : "", i);
    }
    buf_append_text(out, "}}");
}

/* Also what is refused is remembered: agents must still be able to bring what nobody knows. */
static void test_names_have_a_largest_number(void **state)
{
    (void)state;
    CLEANUP(buf_deinit) struct buf configs = BUF_INIT;
    limits_of(&configs, QUOTA_NAMES_MAX - RESOURCE_NAMES_COMMON + 1);
    uint64_t refused = update(buf_text(&configs));
    assert_int_equal(harness_status(h, refused), 400);
    assert_has(body_of(refused), "There are 32768 names of resources already");
    buf_clear(&configs);
    limits_of(&configs, QUOTA_NAMES_MAX - RESOURCE_NAMES_COMMON);
    assert_updates(buf_text(&configs)); /* those are known by now */
    harness_message(h, AGENT, "master", "RegisterSlaveMessage",
                    "{\"slave\":{\"hostname\":\"host\",\"resources\":[{\"name\":\"new\","
                    "\"type\":\"SCALAR\",\"scalar\":{\"value\":4}}]},\"version\":\"1.12.0\"}");
    assert_int_equal(h->master->registered_count, 1);
    assert_has(get("/master/slaves"), "\"new\":4.0");
}

static void test_limits_below_what_is_used_need_force(void **state)
{
    (void)state;
    harness_agent(h, AGENT);
    struct scene_framework f = harness_subscribe(
        h, ",\"roles\":[\"busy/below\"],\"capabilities\":[{\"type\":\"MULTI_ROLE\"}]");
    harness_launch(h, &f, "t");
    static const char config[] = "{\"role\":\"busy\",\"limits\":{\"cpus\":{\"value\":0.5}}}";
    assert_refuses(config, "Invalid QuotaConfig: Role 'busy' is already consuming 'cpus:1");
    assert_int_equal(harness_status(h, update_with(config, FORCED)), 200);
    assert_updates("{\"role\":\"busy\",\"limits\":{\"cpus\":{\"value\":1}}}");
}

static const char *offered_agent(const struct scene_framework *f)
{
    const char *event = harness_event(h, f->handle, "OFFERS");
    return event != NULL ? harness_text(h, event, "hostname") : NULL;
}

static struct scene_framework framework_of(const char *role)
{
    return harness_subscribe(h, arena_printf(&h->arena,
                                             ",\"roles\":[\"%s\"],"
                                             "\"capabilities\":[{\"type\":\"MULTI_ROLE\"}]",
                                             role));
}

static void test_offers_over_a_limit_are_rescinded(void **state)
{
    (void)state;
    struct scene_framework f = framework_of("r/below");
    struct scene_framework g = framework_of("other");
    harness_agent(h, AGENT);
    harness_agent(h, OTHER);
    assert_non_null(offered_agent(&f));
    assert_non_null(offered_agent(&g));
    assert_updates("{\"role\":\"r\",\"limits\":{\"cpus\":{\"value\":4}}}");
    assert_null(harness_event(h, f.handle, "RESCIND"));
    assert_updates("{\"role\":\"r\",\"limits\":{\"cpus\":{\"value\":3}}}");
    assert_non_null(harness_event(h, f.handle, "RESCIND"));
    assert_null(harness_event(h, g.handle, "RESCIND"));
}

static void test_offers_of_others_are_rescinded_for_a_guarantee(void **state)
{
    (void)state;
    struct scene_framework f = framework_of("r");
    struct scene_framework g = framework_of("other");
    harness_agent(h, AGENT);
    harness_agent(h, OTHER);
    assert_non_null(offered_agent(&f));
    assert_non_null(offered_agent(&g));
    assert_updates("{\"role\":\"r\",\"guarantees\":{\"cpus\":{\"value\":4}}}");
    assert_null(harness_event(h, g.handle, "RESCIND"));
    assert_updates("{\"role\":\"r\",\"guarantees\":{\"cpus\":{\"value\":5}}}");
    assert_non_null(harness_event(h, g.handle, "RESCIND"));
    assert_null(harness_event(h, f.handle, "RESCIND"));
    harness_advance(h, NS_PER_SEC);
    assert_non_null(offered_agent(&f));
}

/* --- the older way --- */

#define ONE_CPU "\"guarantee\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}]"

static uint64_t post(const char *members)
{
    return harness_request(h, "POST", "/master/quota", NULL,
                           arena_printf(&h->arena, "{%s}", members));
}

static void test_a_guarantee_of_old_is_a_limit_too(void **state)
{
    (void)state;
    uint64_t handle = post("\"role\":\"a\"," ONE_CPU);
    assert_int_equal(harness_status(h, handle), 409);
    assert_has(body_of(handle), "(use 'force' to bypass this check)");
    harness_agent(h, AGENT);
    assert_int_equal(harness_status(h, post("\"role\":\"a\"," ONE_CPU)), 200);
    assert_has(get("/master/quota"),
               "\"configs\":[{\"role\":\"a\",\"guarantees\":{\"cpus\":{\"value\":1.0}},"
               "\"limits\":{\"cpus\":{\"value\":1.0}}}]");
    handle = post("\"role\":\"a\"," ONE_CPU);
    assert_int_equal(harness_status(h, handle), 400);
    assert_has(body_of(handle), "Cannot set quota for role 'a' which already has quota");
    handle = harness_request(h, "DELETE", "/master/quota/a", NULL, "");
    assert_int_equal(harness_status(h, handle), 200);
    assert_string_equal(get("/master/quota"), "{}");
    handle = harness_request(h, "DELETE", "/master/quota/a", NULL, "");
    assert_int_equal(harness_status(h, handle), 400);
    handle = harness_request(h, "DELETE", "/master/quota", NULL, "");
    assert_int_equal(harness_status(h, handle), 400);
}

static void test_of_two_guarantees_of_old_the_first_counts(void **state)
{
    (void)state;
    harness_agent(h, AGENT);
    h->registry_is_held = true;
    uint64_t first = post("\"role\":\"a\"," ONE_CPU);
    uint64_t second = post("\"role\":\"a\"," ONE_CPU);
    uint64_t other = post("\"role\":\"b\"," ONE_CPU);
    harness_registry(h);
    assert_int_equal(harness_status(h, first), 200);
    assert_int_equal(harness_status(h, second), 400);
    assert_int_equal(harness_status(h, other), 200);
}

static void test_bad_guarantees_of_old(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        const char *why;
    } rows[] = {
        {ONE_CPU, "QuotaInfo must specify a role"},
        {"\"role\":\"a\"", "QuotaInfo with empty 'guarantee'"},
        {"\"role\":\"a/b\"," ONE_CPU, "nested role 'a/b' is not supported yet"},
        {"\"role\":\".\"," ONE_CPU, "QuotaInfo with invalid role"},
        {"\"role\":\"a\",\"guarantee\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":"
         "{\"value\":1}},{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}]",
         "duplicate resource name 'cpus'"},
        {"\"role\":\"a\",\"guarantee\":[{\"name\":\"p\",\"type\":\"SET\",\"set\":{\"item\":"
         "[\"x\"]}}]",
         "non-scalar"},
        {"\"role\":\"a\",\"guarantee\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":"
         "{\"value\":-1}}]",
         "invalid resource"},
        {"\"role\":\"a\",\"force\":true,\"guarantee\":[{\"name\":\"cpus\",\"type\":\"SCALAR\","
         "\"scalar\":{\"value\":2e12}}]",
         "1 trillion"},
        {"\"role\":5", "a string"},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        uint64_t handle = post(rows[i].members);
        assert_int_equal(harness_status(h, handle), 400);
        assert_has(body_of(handle), i + 1 < ELEMENTS(rows) ? rows[i].why : "role");
    }
    assert_string_equal(get("/master/quota"), "{}");
}

/* --- quotas of nested roles: masters of old may have stored them --- */

static struct quota quota_of(const char *role, int64_t cpus)
{
    struct quota quota = {.role = role};
    resource_limits_init(&quota.limits);
    quantities_set(&quota.guarantees, RESOURCE_NAME_CPUS, cpus * SCALAR_ONE);
    return quota;
}

static void test_children_have_to_fit_into_their_parent(void **state)
{
    (void)state;
    struct err err;
    struct quota quotas[] = {quota_of("a", 4), quota_of("a/b", 2), quota_of("a/c", 2),
                             quota_of("d", 1)};
    struct quantities total = QUANTITIES_INIT;
    struct resource_names *names = &h->master->names;
    assert_int_equal(master_quota_config_validate_tree(quotas, 4, names, &err), 0);
    master_quota_config_total(quotas, 4, &total);
    assert_int_equal(quantities_get(&total, RESOURCE_NAME_CPUS), 5 * SCALAR_ONE);
    quantities_set(&quotas[2].guarantees, RESOURCE_NAME_CPUS, 3 * SCALAR_ONE);
    assert_int_equal(master_quota_config_validate_tree(quotas, 4, names, &err), VALIDATE_E);
    assert_string_equal(err.text,
                        "Invalid quota configuration. Parent role 'a' with guarantees (cpus:4) "
                        "does not contain the sum of its children's guarantees (cpus:5)");
    /* A parent without any guarantees nothing. */
    assert_int_equal(master_quota_config_validate_tree(&quotas[1], 1, names, &err), VALIDATE_E);
    quantities_deinit(&total);
    for (size_t i = 0; i < ELEMENTS(quotas); i++) {
        master_quota_config_deinit(&quotas[i]);
    }
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(test_quotas_are_set_shown_and_cleared),
        ONE(test_what_makes_no_sense_is_refused_whole),
        ONE(test_amounts_have_a_largest),
        ONE(test_names_have_a_largest_number),
        ONE(test_limits_below_what_is_used_need_force),
        ONE(test_offers_over_a_limit_are_rescinded),
        ONE(test_offers_of_others_are_rescinded_for_a_guarantee),
        ONE(test_a_guarantee_of_old_is_a_limit_too),
        ONE(test_of_two_guarantees_of_old_the_first_counts),
        ONE(test_bad_guarantees_of_old),
        ONE(test_children_have_to_fit_into_their_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
