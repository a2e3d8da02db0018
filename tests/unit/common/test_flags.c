#include "../unit.h"

#include <errno.h>

#include "common/duration.h"
#include "common/flags.h"
#include "common/flags_env.h"

struct values {
    bool help;
    bool on;
    bool off;
    int64_t count;
    double factor;
    const char *name;
    const char *empty;
    const char *path;
    int64_t timeout_ns;
    int64_t size_bytes;
    const char *json;
    const char *must;
    bool unbuilt;
    const char *unbuilt_text;
    const char *unbuilt_json;
    int64_t unbuilt_count;
};

#define AT(member) offsetof(struct values, member)

static const struct flag table[] = {
    {.name = "help", .default_text = "false", .help = "Shows this.", .offset = AT(help)},
    {.name = "on", .default_text = "true", .help = "On.", .offset = AT(on)},
    {.name = "off", .default_text = "false", .help = "Off.", .offset = AT(off)},
    {.name = "count",
     .alias = "old_count",
     .default_text = "5",
     .help = "How many.",
     .offset = AT(count),
     .type = FLAG_INT},
    {.name = "factor",
     .default_text = "0.80",
     .help = "How much.",
     .offset = AT(factor),
     .type = FLAG_DOUBLE},
    {.name = "name", .help = "Who.", .offset = AT(name), .type = FLAG_STRING},
    {.name = "empty",
     .default_text = "",
     .help = "Nothing.",
     .offset = AT(empty),
     .type = FLAG_STRING},
    {.name = "path", .help = "Where.", .offset = AT(path), .type = FLAG_PATH},
    {.name = "timeout",
     .default_text = "60secs",
     .help = "How long.",
     .offset = AT(timeout_ns),
     .type = FLAG_DURATION},
    {.name = "size",
     .default_text = "4096B",
     .help = "How large.",
     .offset = AT(size_bytes),
     .type = FLAG_BYTES},
    {.name = "json", .help = "What.", .offset = AT(json), .type = FLAG_JSON},
    {.name = "must",
     .help = "Has to be.",
     .offset = AT(must),
     .type = FLAG_STRING,
     .required = true},
    {.name = "unbuilt",
     .default_text = "false",
     .help = "Later.",
     .offset = AT(unbuilt),
     .support = FLAG_OFF_ONLY},
    {.name = "unbuilt_text",
     .default_text = "local",
     .off_text = "none",
     .help = "Later.",
     .offset = AT(unbuilt_text),
     .type = FLAG_STRING,
     .support = FLAG_OFF_ONLY},
    {.name = "unbuilt_json",
     .help = "Later.",
     .offset = AT(unbuilt_json),
     .type = FLAG_JSON,
     .support = FLAG_OFF_ONLY},
    {.name = "unbuilt_count",
     .default_text = "1",
     .off_text = "0",
     .help = "Later.",
     .offset = AT(unbuilt_count),
     .type = FLAG_INT,
     .support = FLAG_OFF_ONLY},
};

static struct arena arena;
static struct values values;
static struct flags flags;
static struct buf warnings;
static struct err err;
static char folder[64];

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    flags = (struct flags){table, ELEMENTS(table), &values, NULL, NULL, &arena};
    warnings = BUF_INIT;
    (void)snprintf(folder, sizeof(folder), "/tmp/test_flags.XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    CLEANUP(buf_deinit) struct buf command = BUF_INIT;
    buf_printf(&command, "rm -rf %s", folder);
    int r = system(buf_text(&command));
    buf_deinit(&warnings);
    arena_deinit(&arena);
    return r;
}

#define ARGS(...) ((char **)(const char *[]){"program", __VA_ARGS__, NULL})
#define ENV(...) ((char **)(const char *[]){__VA_ARGS__, NULL})

static int parse(char **argv, char **envp)
{
    memset(&values, 0xee, sizeof(values));
    memset(&err, 0, sizeof(err));
    buf_clear(&warnings);
    struct flags_source source = {.argv = argv, .envp = envp, .prefix = "MESOS_"};
    while (argv[source.argc] != NULL) {
        source.argc++;
    }
    return flags_parse(&flags, &source, &warnings, &err);
}

static void accepts(char **argv, char **envp)
{
    if (parse(argv, envp) != 0) {
        fail_msg("refused: %s", err.text);
    }
}

/* Refused with a text that holds `what`. */
static void refuses(char **argv, char **envp, const char *what)
{
    int r = parse(argv, envp);
    if (r >= 0 || strstr(err.text, what) == NULL) {
        fail_msg("expected a refusal with '%s', got %d and '%s'", what, r, err.text);
    }
}

static const char *file(const char *name, const char *content)
{
    char *path = arena_printf(&arena, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
    return path;
}

static char *text(const char *fmt, const char *value)
{
    CLEANUP(buf_deinit) struct buf buf = BUF_INIT;
    const char *place = strchr(fmt, '@');
    buf_append(&buf, fmt, (size_t)(place - fmt));
    buf_append_text(&buf, value);
    buf_append_text(&buf, place + 1);
    return arena_strdup(&arena, buf_text(&buf));
}

static void test_defaults(void **state)
{
    (void)state;
    accepts(ARGS("--must=x"), NULL);
    assert_false(values.help);
    assert_true(values.on);
    assert_false(values.off);
    assert_int_equal(values.count, 5);
    assert_true(values.factor == 0.8);
    assert_null(values.name);
    assert_string_equal(values.empty, "");
    assert_null(values.path);
    assert_int_equal(values.timeout_ns, 60 * NS_PER_SEC);
    assert_int_equal(values.size_bytes, 4096);
    assert_null(values.json);
    assert_string_equal(values.must, "x");
    assert_true(flags_given(&flags, "must"));
    assert_false(flags_given(&flags, "count"));
    assert_null(flags.texts[flags_find(&flags, "name")]);
    assert_string_equal(flags.texts[flags_find(&flags, "timeout")], "60secs");
}

static void test_values_on_the_command_line(void **state)
{
    (void)state;
    accepts(ARGS("--must=", "--count=-7", "--factor=1e3", "--name=a=b c", "--empty=", "--path=/x",
                 "--timeout=1.5hrs", "--size=2GB", "--json={\"a\": [1]}"),
            NULL);
    assert_string_equal(values.must, "");
    assert_int_equal(values.count, -7);
    assert_true(values.factor == 1000);
    assert_string_equal(values.name, "a=b c");
    assert_string_equal(values.empty, "");
    assert_string_equal(values.path, "/x");
    assert_int_equal(values.timeout_ns, 90 * NS_PER_MIN);
    assert_int_equal(values.size_bytes, INT64_C(2) << 30);
    assert_string_equal(values.json, "{\"a\": [1]}");
    assert_true(flags_given(&flags, "empty"));
}

static void test_spellings_of_what_is_on_or_off(void **state)
{
    (void)state;
    static const struct {
        const char *argument;
        bool on;
    } cases[] = {{"--on", true},    {"--on=", true},    {"--on=true", true}, {"--on=1", true},
                 {"--ON=1", true},  {"--no-on", false}, {"--no-on=", false}, {"--on=false", false},
                 {"--on=0", false}, {"--No-On", false}, {" --on=0 ", false}};
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        accepts(ARGS("--must=x", cases[i].argument), NULL);
        assert_int_equal(values.on, cases[i].on);
    }
    refuses(ARGS("--must=x", "--on=yes"), NULL, "--on: 'yes' is not true");
    refuses(ARGS("--must=x", "--on=TRUE"), NULL, "is not true");
    refuses(ARGS("--must=x", "--no-on=true"), NULL, "--no-on takes no value");
    refuses(ARGS("--must=x", "--no-name=x"), NULL, "--no-name");
    refuses(ARGS("--must=x", "--no-count"), NULL, "--no-count");
}

static void test_values_that_make_no_sense(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "--count=few",     "--count=",        "--count=1.5", "--factor=much", "--timeout=10",
        "--timeout=often", "--size=12",       "--size=-1B",  "--json={",      "--json=text",
        "--json=",         "--json=\"text\"", "--count",     "--name",        "--timeout"};
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const char *name = arena_strndup(&arena, cases[i], strcspn(cases[i], "="));
        refuses(ARGS("--must=x", cases[i]), NULL, name);
    }
}

static void test_unknown_and_repeated_flags(void **state)
{
    (void)state;
    refuses(ARGS("--must=x", "--no_such_flag=1"), NULL, "--no_such_flag");
    refuses(ARGS("--must=x", "--no-such"), NULL, "--no-such");
    refuses(ARGS("--must=x", "--=1"), NULL, "no flag");
    refuses(ARGS("--must=x", "--must=y"), NULL, "--must is given more than once");
    refuses(ARGS("--must=x", "--on", "--no-on"), NULL, "more than once");
    refuses(ARGS("--must=x", "--count=1", "--old_count=1"), NULL,
            "--count is given more than once");
}

static void test_what_is_required(void **state)
{
    (void)state;
    refuses(ARGS("--count=1"), NULL, "--must is required");
    accepts(ARGS("--count=1"), ENV("MESOS_MUST=env"));
    assert_string_equal(values.must, "env");
    accepts(ARGS("--help"), NULL);
    assert_true(values.help);
}

static void test_the_environment(void **state)
{
    (void)state;
    char **env = ENV("MESOS_MUST=env", "MESOS_COUNT=9", "MESOS_on=0", "MESOS_NO_SUCH_FLAG=1",
                     "MESOS_", "NAME=other", "MESOS_NO-OFF=", "odd", "MESOS_NAME=a=b");
    accepts(ARGS("--timeout=1secs"), env);
    assert_string_equal(values.must, "env");
    assert_int_equal(values.count, 9);
    assert_false(values.on);
    assert_string_equal(values.name, "a=b");
    assert_true(flags_given(&flags, "count"));
    refuses(ARGS("--must=x"), ENV("MESOS_TIMEOUT=often"), "--timeout");
    refuses(ARGS("--must=x"), ENV("MESOS_COUNT=1", "MESOS_OLD_COUNT=2"), "more than once");
}

static void test_the_command_line_wins(void **state)
{
    (void)state;
    char **env = ENV("MESOS_MUST=env", "MESOS_COUNT=few", "MESOS_ON=1");
    accepts(ARGS("--must=line", "--old_count=3", "--no-on"), env);
    assert_string_equal(values.must, "line");
    assert_int_equal(values.count, 3);
    assert_false(values.on);
}

static void test_old_names(void **state)
{
    (void)state;
    accepts(ARGS("--must=x", "--old_count=8"), NULL);
    assert_int_equal(values.count, 8);
    assert_string_equal(buf_text(&warnings), "--old_count is an old name: use --count\n");
    assert_true(flags_given(&flags, "count"));
    accepts(ARGS("--must=x"), ENV("MESOS_OLD_COUNT=4"));
    assert_int_equal(values.count, 4);
    assert_true(warnings.size > 0);
    accepts(ARGS("--must=x", "--count=8"), NULL);
    assert_int_equal(warnings.size, 0);
}

static void test_values_in_files(void **state)
{
    (void)state;
    accepts(ARGS("--must=x", text("--name=file://@", file("name", "from a file\n")),
                 text("--count=file://@", file("count", " 12 \n")),
                 text("--on=file://@", file("on", "false\n")),
                 text("--timeout=file://@", file("timeout", "2mins")),
                 text("--json=file://@", file("json", "\n{\"a\":1}\n"))),
            NULL);
    assert_string_equal(values.name, "from a file");
    assert_int_equal(values.count, 12);
    assert_false(values.on);
    assert_int_equal(values.timeout_ns, 2 * NS_PER_MIN);
    assert_string_equal(values.json, "\n{\"a\":1}");
    /* What is told of it is where it came from. */
    assert_memory_equal(flags.texts[flags_find(&flags, "name")], "file://", 7);

    accepts(ARGS("--must=x", "--path=file:///no/such/file", text("--json=@", file("json2", "[]"))),
            NULL);
    assert_string_equal(values.path, "/no/such/file");
    assert_string_equal(values.json, "[]");
    assert_non_null(strstr(buf_text(&warnings), "--json"));
}

static void test_files_that_cannot_be_read(void **state)
{
    (void)state;
    refuses(ARGS("--must=file:///no/such/file"), NULL, "--must: '/no/such/file': No such");
    refuses(ARGS("--must=x", "--json=/no/such/file"), NULL, "--json");
    refuses(ARGS(text("--must=file://@", folder)), NULL, "Is a directory");
    refuses(ARGS("--must=x", text("--json=file://@", file("bad", "{"))), NULL, "--json");

    const char *zero = arena_printf(&arena, "%s/zero", folder);
    FILE *f = fopen(zero, "w");
    assert_int_equal(fwrite("a\0b", 1, 3, f), 3);
    fclose(f);
    refuses(ARGS(text("--must=file://@", zero)), NULL, "is not text");
}

static void test_a_file_may_have_so_many_bytes(void **state)
{
    (void)state;
    const char *path = file("large", "");
    FILE *f = fopen(path, "w");
    char block[65536];
    memset(block, 'x', sizeof(block));
    for (size_t i = 0; i < FLAGS_FILE_SIZE_MAX / sizeof(block); i++) {
        assert_int_equal(fwrite(block, 1, sizeof(block), f), sizeof(block));
    }
    fflush(f);
    accepts(ARGS(text("--must=file://@", path)), NULL);
    assert_int_equal(strlen(values.must), FLAGS_FILE_SIZE_MAX);
    fputc('x', f);
    fclose(f);
    refuses(ARGS(text("--must=file://@", path)), NULL, "File too large");
}

static void test_what_is_not_built_yet(void **state)
{
    (void)state;
    accepts(ARGS("--must=x", "--unbuilt=false", "--unbuilt_text=local", "--unbuilt_count=1"), NULL);
    accepts(ARGS("--must=x", "--no-unbuilt", "--unbuilt_text=none", "--unbuilt_count=0"), NULL);
    refuses(ARGS("--must=x", "--unbuilt"), NULL, "not supported yet: --unbuilt");
    refuses(ARGS("--must=x", "--unbuilt_text=ours"), NULL, "not supported yet: --unbuilt_text");
    refuses(ARGS("--must=x", "--unbuilt_json={}"), NULL, "not supported yet: --unbuilt_json");
    refuses(ARGS("--must=x", "--unbuilt_count=2"), NULL, "not supported yet: --unbuilt_count");
    refuses(ARGS("--must=x"), ENV("MESOS_UNBUILT=1"), "not supported yet: --unbuilt");
    accepts(ARGS("--help", "--unbuilt"), NULL);
}

static void test_positional_arguments(void **state)
{
    (void)state;
    refuses(ARGS("--must=x", "start"), NULL, "'start' is not a flag");
    refuses(ARGS("-h"), NULL, "'-h' is not a flag");

    static const struct {
        const char *argv[6];
        int rest;
    } cases[] = {
        {{"p", "--must=x", "start", "--count=7"}, 2},
        {{"p", "--must=x", "--", "--count=7"}, 3},
        {{"p", "--must=x"}, 2},
        {{"p", "--must=x", "--"}, 3},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        int rest = -1;
        struct flags_source source = {.argv = (char **)cases[i].argv, .ret_rest = &rest};
        while (source.argv[source.argc] != NULL) {
            source.argc++;
        }
        assert_int_equal(flags_parse(&flags, &source, NULL, &err), 0);
        assert_int_equal(rest, cases[i].rest);
        assert_int_equal(values.count, 5);
    }
}

static void test_values_as_they_are_shown(void **state)
{
    (void)state;
    accepts(ARGS("--must=x", "--on=1", "--timeout=600secs",
                 text("--json=file://@", file("secret", "{\"secret\":1}"))),
            NULL);
    static const struct {
        const char *name;
        const char *shown; /* NULL = not shown */
    } cases[] = {{"on", "true"},        {"off", "false"}, {"count", "5"},
                 {"factor", "0.8"},     {"name", NULL},   {"empty", ""},
                 {"timeout", "10mins"}, {"size", "4KB"},  {"must", "x"}};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        buf_clear(&out);
        bool has = flags_format(&flags, (size_t)flags_find(&flags, cases[i].name), &out);
        assert_int_equal(has, cases[i].shown != NULL);
        assert_string_equal(buf_text(&out), has ? cases[i].shown : "");
    }
    buf_clear(&out);
    assert_true(flags_format(&flags, (size_t)flags_find(&flags, "json"), &out));
    assert_null(strstr(buf_text(&out), "{"));
    assert_int_equal(flags_find(&flags, "old_count"), -1);
}

static void test_usage(void **state)
{
    (void)state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    flags_usage(&flags, "tepui-thing", "Does things.", &out);
    const char *usage = buf_text(&out);
    assert_memory_equal(usage, "Usage: tepui-thing [options]\n\nDoes things.\n\n", 44);
    assert_non_null(
        strstr(usage, "  --count=VALUE\n      How many. Default: 5. Old name: --old_count."));
    assert_non_null(strstr(usage, "  --[no-]on\n      On. Default: true."));
    assert_non_null(strstr(usage, "  --must=VALUE\n      Has to be. Required."));
    assert_non_null(strstr(usage, "  --unbuilt_json=VALUE\n      Later. Not supported yet."));
    const char *last = usage;
    for (size_t i = 0; i < ELEMENTS(table); i++) {
        static const char *const order[] = {
            "count",   "empty",         "factor",       "help",        "json", "must",
            "name",    "off",           "on",           "path",        "size", "timeout",
            "unbuilt", "unbuilt_count", "unbuilt_json", "unbuilt_text"};
        last = strstr(last,
                      text(table[flags_find(&flags, order[i])].type == FLAG_BOOL ? "  --[no-]@\n"
                                                                                 : "  --@=VALUE\n",
                           order[i]));
        assert_non_null(last);
    }
}

static void test_usage_is_80_columns_wide(void **state)
{
    (void)state;
    static const struct flag wordy[] = {
        {.name = "wordy",
         .help =
             "Of this flag much can be told, and all of it is told here at such length that it "
             "takes more than one line, or even two of them, as one sees when one reads on to "
             "aWordThatIsLongerThanAllOfTheLineItselfWouldEverBeAndIsLeftAsItIsBecauseNobodyCuts."},
    };
    bool wordy_value = false;
    struct flags one = {wordy, 1, &wordy_value, NULL, NULL, &arena};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    flags_usage(&one, "p", "About.", &out);
    struct slice rest = buf_slice(&out);
    struct slice line;
    size_t longest = 0;
    size_t lines = 0;
    while (slice_split(&rest, '\n', &line)) {
        if (slice_find(line, 'W') < 0) {
            longest = MAX(longest, line.size);
        }
        lines++;
    }
    assert_in_range(longest, 70, 80);
    assert_in_range(lines, 8, 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_values_on_the_command_line),
        TEST(test_spellings_of_what_is_on_or_off),
        TEST(test_values_that_make_no_sense),
        TEST(test_unknown_and_repeated_flags),
        TEST(test_what_is_required),
        TEST(test_the_environment),
        TEST(test_the_command_line_wins),
        TEST(test_old_names),
        TEST(test_values_in_files),
        TEST(test_files_that_cannot_be_read),
        TEST(test_a_file_may_have_so_many_bytes),
        TEST(test_what_is_not_built_yet),
        TEST(test_positional_arguments),
        TEST(test_values_as_they_are_shown),
        TEST(test_usage),
        TEST(test_usage_is_80_columns_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
