#include "fixture.h"

#define SCALAR(rest) "{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}" rest "}"
#define DISK(rest) "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}" rest "}"
#define VALUE(name, type, rest) "{\"name\":\"" name "\",\"type\":\"" type "\"" rest "}"
#define STATIC_A "{\"type\":\"STATIC\",\"role\":\"a\"}"
#define DYNAMIC_A "{\"type\":\"DYNAMIC\",\"role\":\"a\"}"
#define DYNAMIC_AB "{\"type\":\"DYNAMIC\",\"role\":\"a/b\"}"

/* What is wrong with each; NULL = nothing. */
static const struct {
    const char *json;
    const char *why;
} cases[] = {
    {SCALAR(""), NULL},
    {VALUE("", "SCALAR", ",\"scalar\":{\"value\":1}"), "Empty resource name"},
    {VALUE("x", "SCALAR", ""), "Invalid scalar resource"},
    {VALUE("x", "SCALAR", ",\"scalar\":{\"value\":1},\"set\":{}"), "Invalid scalar resource"},
    {VALUE("x", "SCALAR", ",\"scalar\":{\"value\":0}"), NULL},
    {VALUE("x", "SCALAR", ",\"scalar\":{\"value\":-0.001}"), "value <= 0"},
    {VALUE("x", "SCALAR", ",\"scalar\":{\"value\":0.0001}"), "value <= 0"},
    {VALUE("x", "SCALAR", ",\"scalar\":{\"value\":9.3e15}"), "too large"},
    {VALUE("x", "SCALAR", ",\"scalar\":{\"value\":9.2e15}"), NULL},
    {VALUE("x", "RANGES", ",\"ranges\":{}"), NULL},
    {VALUE("x", "RANGES", ""), "Invalid ranges resource"},
    {VALUE("x", "RANGES", ",\"ranges\":{},\"scalar\":{\"value\":1}"), "Invalid ranges resource"},
    {VALUE("x", "RANGES", ",\"ranges\":{\"range\":[{\"begin\":2,\"end\":1}]}"), "begin > end"},
    {VALUE("x", "RANGES",
           ",\"ranges\":{\"range\":[{\"begin\":5,\"end\":9},{\"begin\":1,\"end\":5}]}"),
     "overlapping ranges"},
    {VALUE("x", "RANGES",
           ",\"ranges\":{\"range\":[{\"begin\":5,\"end\":9},{\"begin\":1,\"end\":4}]}"),
     NULL},
    {VALUE("x", "SET", ",\"set\":{}"), NULL},
    {VALUE("x", "SET", ""), "Invalid set resource"},
    {VALUE("x", "SET", ",\"set\":{\"item\":[\"a\",\"b\",\"a\"]}"), "duplicated elements"},
    {VALUE("x", "TEXT", ""), "Unsupported resource type"},
    {SCALAR(",\"disk\":{}"), "DiskInfo should not be set for x resource"},
    {DISK(",\"disk\":{}"), NULL},
    {DISK(",\"disk\":{\"source\":{\"type\":\"PATH\"}}"), NULL},
    {DISK(",\"disk\":{\"source\":{\"type\":\"UNKNOWN\"}}"), "Unsupported 'DiskInfo.Source.Type'"},
    {DISK(",\"disk\":{\"source\":{\"type\":\"RAW\",\"mount\":{}}}"),
     "Mount should not be set for RAW disk source"},
    {DISK(",\"disk\":{\"source\":{\"type\":\"BLOCK\",\"path\":{}}}"),
     "Path should not be set for BLOCK disk source"},
    {DISK(",\"disk\":{\"source\":{\"type\":\"RAW\",\"id\":\"i\"}}"), NULL},
    {SCALAR(",\"role\":\"*\""), NULL},
    {SCALAR(",\"role\":\"a\""), NULL},
    {SCALAR(",\"role\":\"a//b\""), "two adjacent slashes"},
    {SCALAR(",\"role\":\"\""), "empty string"},
    {SCALAR(",\"role\":\"a\",\"reservation\":{\"principal\":\"p\"}"), NULL},
    {SCALAR(",\"reservation\":{}"), "role \"*\" cannot be dynamically reserved"},
    {SCALAR(",\"role\":\"a\",\"reservation\":{\"type\":\"STATIC\"}"),
     "'Resource.ReservationInfo.type' must not be set"},
    {SCALAR(",\"role\":\"a\",\"reservation\":{\"role\":\"a\"}"),
     "'Resource.ReservationInfo.role' must not be set"},
    {SCALAR(",\"reservations\":[{\"role\":\"a\"}]"), "type' field must be set"},
    {SCALAR(",\"reservations\":[{\"type\":\"STATIC\"}]"), "role' field must be set"},
    {SCALAR(",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"*\"}]"),
     "role \"*\" cannot be reserved"},
    {SCALAR(",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"-\"}]"), "starts with a dash"},
    {SCALAR(",\"reservations\":[{\"type\":\"UNKNOWN\",\"role\":\"a\"}]"),
     "Unsupported 'Resource.ReservationInfo.Type'"},
    {SCALAR(",\"reservations\":[" STATIC_A "," DYNAMIC_AB "]"), NULL},
    {SCALAR(",\"reservations\":[" STATIC_A "," STATIC_A "]"),
     "A refined reservation cannot be STATIC"},
    {SCALAR(",\"reservations\":[" STATIC_A "," DYNAMIC_A "]"), "'a' is not a refinement of 'a'"},
    {SCALAR(",\"reservations\":[" DYNAMIC_AB "," DYNAMIC_A "]"),
     "'a' is not a refinement of 'a/b'"},
    {SCALAR(",\"role\":\"a\",\"reservations\":[" STATIC_A "]"), NULL},
    {SCALAR(",\"role\":\"b\",\"reservations\":[" STATIC_A "]"), "does not match the role 'a'"},
    {SCALAR(",\"role\":\"a\",\"reservation\":{},\"reservations\":[" STATIC_A "]"),
     "if the single reservation in 'Resource.reservations' is STATIC"},
    {SCALAR(",\"role\":\"a\",\"reservation\":{},\"reservations\":[" DYNAMIC_A "]"), NULL},
    {SCALAR(",\"role\":\"a\",\"reservations\":[" DYNAMIC_A "]"), "both set or both not set"},
    {SCALAR(",\"role\":\"a\",\"reservation\":{\"principal\":\"p\"},\"reservations\":[" DYNAMIC_A
            "]"),
     "does not match the principal ''"},
    {SCALAR(",\"role\":\"a\",\"reservation\":{\"labels\":{\"labels\":[{\"key\":\"k\"}]}},"
            "\"reservations\":[" DYNAMIC_A "]"),
     "does not match the labels"},
    {SCALAR(",\"role\":\"a\",\"reservation\":{\"labels\":{}},\"reservations\":[" DYNAMIC_A "]"),
     NULL},
    {SCALAR(",\"role\":\"a/b\",\"reservations\":[" STATIC_A "," DYNAMIC_AB "]"),
     "'Resource.role' must not be set if there is more than one"},
    {SCALAR(",\"reservation\":{},\"reservations\":[" STATIC_A "," DYNAMIC_AB "]"),
     "'Resource.reservation' must not be set if there is more than one"},
    {SCALAR(",\"shared\":{}"), "Resource x cannot be shared"},
    {DISK(",\"shared\":{}"), "Only persistent volumes can be shared"},
    {DISK(",\"shared\":{},\"role\":\"a\",\"disk\":{\"persistence\":{\"id\":\"i\"}}"), NULL},
};

static void test_single(UNUSED void **state)
{
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct arena arena;
        struct err err = {{0}};
        arena_init(&arena, 0);
        Pb__Resource *pb = PB_RESOURCE(cases[i].json, &arena);
        int r = resource_validate(pb, &err);
        assert_int_equal(r, cases[i].why != NULL ? RESOURCE_VALIDATE_E : 0);
        if (r != 0 && strstr(err.text, cases[i].why) == NULL) {
            fail_msg("%s: '%s' instead of '%s'", cases[i].json, err.text, cases[i].why);
        }
        /* In a list the error begins with the resource. */
        assert_int_equal(resource_validate_all(&pb, 1, &err), r);
        if (r != 0) {
            assert_non_null(strstr(err.text, "Resource '"));
            assert_non_null(strstr(err.text, "' is invalid: "));
        }
        arena_deinit(&arena);
    }
}

static void test_odd_doubles(UNUSED void **state)
{
    static const double refused[] = {-1, 1e300, -1e300, __builtin_inf(), -__builtin_inf()};
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Resource *pb = PB_RESOURCE(cases[0].json, &arena);
    for (size_t i = 0; i < ELEMENTS(refused); i++) {
        pb->scalar->value = refused[i];
        assert_int_equal(resource_validate_all(&pb, 1, NULL), RESOURCE_VALIDATE_E);
    }
    pb->scalar->value = __builtin_nan("");
    struct err err;
    assert_int_equal(resource_validate_all(&pb, 1, &err), RESOURCE_VALIDATE_E);
    pb->type = (Pb__Value__Type)17;
    assert_int_equal(resource_validate(pb, &err), RESOURCE_VALIDATE_E);
    assert_string_equal(err.text, "Invalid resource type");
    arena_deinit(&arena);
}

static void test_limits(UNUSED void **state)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Resource *pb = PB_RESOURCE(cases[0].json, &arena);
    size_t count = RESOURCE_VALIDATE_COUNT_MAX + 1;
    Pb__Resource **items = arena_alloc_array(&arena, count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        items[i] = pb;
    }
    assert_int_equal(resource_validate_all(items, count - 1, NULL), 0);
    assert_int_equal(resource_validate_all(items, count, NULL), RESOURCE_VALIDATE_E);

    Pb__Resource *ports = PB_RESOURCE(VALUE("x", "RANGES", ",\"ranges\":{}"), &arena);
    Pb__Value__Range *range = MESSAGE_NEW(Pb__Value__Range, pb__value__range, &arena);
    for (size_t i = 0; i <= RANGES_COUNT_MAX; i++) {
        Pb__Value__Range *one = MESSAGE_CLONE(range, &arena);
        one->begin = one->end = i;
        MESSAGE_APPEND(&arena, ports->ranges->n_range, ports->ranges->range, one);
    }
    assert_int_equal(resource_validate(ports, NULL), RESOURCE_VALIDATE_E);
    ports->ranges->n_range--;
    assert_int_equal(resource_validate(ports, NULL), 0);

    Pb__Resource *set = PB_RESOURCE(VALUE("x", "SET", ",\"set\":{}"), &arena);
    for (size_t i = 0; i <= ITEM_SET_COUNT_MAX; i++) {
        MESSAGE_APPEND(&arena, set->set->n_item, set->set->item, arena_printf(&arena, "%zu", i));
    }
    assert_int_equal(resource_validate(set, NULL), RESOURCE_VALIDATE_E);
    set->set->n_item--;
    assert_int_equal(resource_validate(set, NULL), 0);
    arena_deinit(&arena);
}

static void test_ids(UNUSED void **state)
{
    char longest[RESOURCE_VALIDATE_ID_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(resource_validate_id(slice_make(longest, sizeof(longest) - 1), NULL), 0);
    assert_int_equal(resource_validate_id(slice_make(longest, sizeof(longest)), NULL),
                     RESOURCE_VALIDATE_E);
    static const char *const good[] = {"a", "a b", "...", "\xc3\xa9", "a.b-c_d:e"};
    static const char *const bad[] = {"", ".", "..", "a/b", "a\\b", "a\nb", "\x7f", "\x01"};
    for (size_t i = 0; i < ELEMENTS(good); i++) {
        assert_int_equal(resource_validate_id(slice_from(good[i]), NULL), 0);
    }
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        assert_int_equal(resource_validate_id(slice_from(bad[i]), NULL), RESOURCE_VALIDATE_E);
    }
}

static void test_amounts(UNUSED void **state)
{
    assert_int_equal(resource_validate_amount(0, NULL), 0);
    assert_int_equal(resource_validate_amount(1.5, NULL), 0);
    static const struct {
        double amount;
        const char *why;
    } bad[] = {
        {-1, "Negative values not supported"},
        {__builtin_inf(), "Infinite values not supported"},
        {__builtin_nan(""), "NaN not supported"},
        {7.6e-313, "Subnormal values not supported"},
    };
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        struct err err;
        assert_int_equal(resource_validate_amount(bad[i].amount, &err), RESOURCE_VALIDATE_E);
        assert_string_equal(err.text, bad[i].why);
    }
}

#define VOLUME(rest) ",\"volume\":{\"container_path\":\"c\",\"mode\":\"RW\"" rest "}"
#define RESERVED ",\"reservations\":[" DYNAMIC_A "]"

/* What the master asks beyond. */
static void test_input(UNUSED void **state)
{
    static const struct {
        const char *json;
        const char *why;
    } inputs[] = {
        {SCALAR(""), NULL},
        {VALUE("gpus", "SCALAR", ",\"scalar\":{\"value\":2}"), NULL},
        {VALUE("gpus", "SCALAR", ",\"scalar\":{\"value\":0.5}"),
         "Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"},
        {DISK(RESERVED ",\"disk\":{\"persistence\":{\"id\":\"i\"}" VOLUME("") "}"), NULL},
        {DISK(",\"role\":\"a\",\"disk\":{\"persistence\":{\"id\":\"i\"}" VOLUME("") "}"), NULL},
        {DISK(",\"disk\":{\"persistence\":{\"id\":\"i\"}" VOLUME("") "}"),
         "Invalid DiskInfo: Persistent volumes cannot be created from unreserved resources"},
        {DISK(",\"revocable\":{},\"disk\":{\"persistence\":{\"id\":\"i\"}" VOLUME("") "}"),
         "Persistent volumes cannot be created from revocable resources"},
        {DISK(RESERVED ",\"disk\":{\"persistence\":{\"id\":\"i\"}}"),
         "Expecting 'volume' to be set for persistent volume"},
        {DISK(RESERVED
              ",\"disk\":{\"persistence\":{\"id\":\"i\"}" VOLUME(",\"host_path\":\"h\"") "}"),
         "Expecting 'host_path' to be unset for persistent volume"},
        {DISK(RESERVED ",\"disk\":{\"persistence\":{\"id\":\"../x\"}" VOLUME("") "}"),
         "Invalid persistence ID for persistent volume: '../x' contains invalid characters"},
        {DISK(",\"disk\":{\"source\":{\"type\":\"PATH\"}" VOLUME("") "}"),
         "Non-persistent volume not supported"},
        {DISK(",\"disk\":{}"), "DiskInfo is set but empty"},
        {SCALAR(",\"revocable\":{}" RESERVED), "cannot be created from revocable resources"},
        {SCALAR(",\"revocable\":{},\"role\":\"a\",\"reservation\":{}"),
         "Invalid ReservationInfo: Dynamically reserved resource"},
        {SCALAR(",\"revocable\":{},\"role\":\"a\""), NULL},
        {VALUE("x", "SCALAR", ",\"scalar\":{\"value\":-1}"), "Invalid resources: Resource 'x:-1'"},
    };
    for (size_t i = 0; i < ELEMENTS(inputs); i++) {
        struct arena arena;
        struct err err = {{0}};
        arena_init(&arena, 0);
        Pb__Resource *pb = PB_RESOURCE(inputs[i].json, &arena);
        int r = resource_validate_input(&pb, 1, &err);
        if ((r != 0) != (inputs[i].why != NULL) ||
            (r != 0 && strstr(err.text, inputs[i].why) == NULL)) {
            fail_msg("%s: '%s'", inputs[i].json, err.text);
        }
        arena_deinit(&arena);
    }
    assert_int_equal(resource_validate_input(NULL, 0, NULL), 0);
}

static void test_persistent_volumes(UNUSED void **state)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    Pb__Resource *good = PB_RESOURCE(
        DISK(RESERVED ",\"disk\":{\"persistence\":{\"id\":\"i\"}" VOLUME("") "}"), &arena);
    Pb__Resource *plain = PB_RESOURCE(SCALAR(""), &arena);
    Pb__Resource *items[] = {good, plain};
    assert_int_equal(resource_validate_persistent_volumes(items, 1, &err), 0);
    assert_int_equal(resource_validate_persistent_volumes(items, 2, &err), RESOURCE_VALIDATE_E);
    assert_string_equal(err.text, "Resource x:1 does not have DiskInfo");
    good->disk->volume->mode = PB__VOLUME__MODE__RO;
    assert_int_equal(resource_validate_persistent_volumes(items, 1, &err), RESOURCE_VALIDATE_E);
    assert_string_equal(err.text, "Read-only persistent volume not supported");
    good->disk->volume = NULL;
    assert_int_equal(resource_validate_persistent_volumes(items, 1, &err), RESOURCE_VALIDATE_E);
    good->disk->persistence = NULL;
    assert_int_equal(resource_validate_persistent_volumes(items, 1, &err), RESOURCE_VALIDATE_E);
    assert_string_equal(err.text, "'persistence' is not set in DiskInfo");
    arena_deinit(&arena);
}

static void test_single_provider(UNUSED void **state)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    Pb__Resource *own = PB_RESOURCE(SCALAR(""), &arena);
    Pb__Resource *one = PB_RESOURCE(SCALAR(",\"provider_id\":{\"value\":\"1\"}"), &arena);
    Pb__Resource *two = PB_RESOURCE(SCALAR(",\"provider_id\":{\"value\":\"2\"}"), &arena);
    Pb__Resource *same[] = {one, one, one};
    Pb__Resource *none[] = {own, own};
    Pb__Resource *mixed[] = {own, one};
    Pb__Resource *many[] = {one, two};
    assert_int_equal(resource_validate_single_provider(same, 3, &err), 0);
    assert_int_equal(resource_validate_single_provider(none, 2, &err), 0);
    assert_int_equal(resource_validate_single_provider(mixed, 2, &err), RESOURCE_VALIDATE_E);
    assert_string_equal(err.text, "Some resources have a resource provider and some do not");
    assert_int_equal(resource_validate_single_provider(many, 2, &err), RESOURCE_VALIDATE_E);
    assert_string_equal(err.text, "The resources have multiple resource providers: 1, 2");
    assert_int_equal(resource_validate_single_provider(many, 0, &err), RESOURCE_VALIDATE_E);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_odd_doubles),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_persistent_volumes),
        cmocka_unit_test(test_single_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
