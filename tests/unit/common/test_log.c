#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <regex.h>

#include "common/log.h"

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/test_log.XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    log_close();
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static void open_log(enum log_level level, bool quiet, int flush_interval_secs)
{
    char dir[128];
    (void)snprintf(dir, sizeof(dir), "%s/a/b", folder);
    struct log_options options = {.program = "thing",
                                  .dir = dir,
                                  .level = level,
                                  .quiet = quiet,
                                  .flush_interval_secs = flush_interval_secs};
    struct err err;
    assert_int_equal(log_open(&options, &err), 0);
}

/* What is in <program>.<level> behind the three lines of its head; "none" if there is no file. */
static const char *content(const char *level)
{
    static char text[1 << 20];
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/a/b/thing.%s", folder, level);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return "none";
    }
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    char *at = text;
    for (int i = 0; i < 3; i++) {
        char *end = strchr(at, '\n');
        if (end == NULL) {
            return "";
        }
        at = end + 1;
    }
    assert_memory_equal(text, "Log file created at: ", 21);
    return at;
}

static size_t lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static void write_each(void)
{
    LOG_DEBUG("a debug line");
    LOG_INFO("an info line %d", 1);
    LOG_WARNING("a warning");
    LOG_ERROR("an error");
}

/* The lines are on stderr too, which is not wanted among a test's output. */
static void write_each_in_child(void)
{
    write_each();
    log_close();
}

static void check_stderr(size_t expected)
{
    char text[4096];
    assert_int_equal(unit_run_in_child(write_each_in_child, text, sizeof(text)), 0);
    assert_int_equal(lines(text), expected);
}

static void test_a_line_looks_as_those_of_glog(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(unit_run_in_child(write_each, text, sizeof(text)), 0);
    regex_t pattern;
    assert_int_equal(regcomp(&pattern,
                             "^I[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6} +[0-9]+ "
                             "test_log\\.c:[0-9]+\\] an info line 1\n"
                             "W[^\n]*\\] a warning\nE[^\n]*\\] an error\n$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    if (regexec(&pattern, text, 0, NULL, 0) != 0) {
        fail_msg("not as expected: %s", text);
    }
    regfree(&pattern);
}

static void test_each_level_has_a_file_with_what_is_above(void **state)
{
    (void)state;
    open_log(LOG_LEVEL_INFO, false, 0);
    assert_string_equal(content("INFO"), "");
    assert_string_equal(content("WARNING"), "none");
    check_stderr(3);
    assert_int_equal(lines(content("INFO")), 3);
    assert_int_equal(lines(content("WARNING")), 2);
    assert_int_equal(lines(content("ERROR")), 1);
    assert_string_equal(content("FATAL"), "none");
    assert_non_null(strstr(content("ERROR"), "] an error\n"));
}

static void test_the_link_names_a_file_of_this_process(void **state)
{
    (void)state;
    open_log(LOG_LEVEL_INFO, true, 0);
    char path[256];
    char target[256] = "";
    (void)snprintf(path, sizeof(path), "%s/a/b/thing.INFO", folder);
    assert_true(readlink(path, target, sizeof(target) - 1) > 0);
    assert_memory_equal(target, "thing.", 6);
    assert_non_null(strstr(target, ".log.INFO."));
    char pid[32];
    (void)snprintf(pid, sizeof(pid), ".%d", (int)getpid());
    assert_string_equal(strrchr(target, '.'), pid);
}

static void test_levels_below_are_left_out(void **state)
{
    (void)state;
    open_log(LOG_LEVEL_WARNING, false, 0);
    assert_true(log_is_on(LOG_LEVEL_WARNING));
    assert_false(log_is_on(LOG_LEVEL_INFO));
    check_stderr(2);
    assert_string_equal(content("INFO"), "none");
    assert_int_equal(lines(content("WARNING")), 2);
}

static void test_quiet_leaves_errors_on_stderr(void **state)
{
    (void)state;
    open_log(LOG_LEVEL_INFO, true, 0);
    check_stderr(1);
    assert_int_equal(lines(content("INFO")), 3);
}

static void test_a_raised_verbosity_lets_all_through(void **state)
{
    (void)state;
    open_log(LOG_LEVEL_ERROR, false, 0);
    assert_int_equal(log_verbosity(), 0);
    assert_false(log_is_on(LOG_LEVEL_DEBUG));
    log_set_verbosity(1);
    assert_int_equal(log_verbosity(), 1);
    assert_true(log_is_on(LOG_LEVEL_DEBUG));
    check_stderr(4);
    assert_int_equal(lines(content("INFO")), 3);
    assert_int_equal(lines(content("ERROR")), 1);
    log_set_verbosity(0);
    assert_false(log_is_on(LOG_LEVEL_WARNING));
}

static void write_to_buffer(void)
{
    LOG_INFO("waits");
    size_t before = lines(content("INFO"));
    LOG_WARNING("does not");
    size_t after = lines(content("INFO"));
    LOG_INFO("waits");
    size_t waiting = lines(content("INFO"));
    log_flush();
    fprintf(stderr, "%zu %zu %zu %zu", before, after, waiting, lines(content("INFO")));
}

static void test_lines_may_wait_in_memory(void **state)
{
    (void)state;
    open_log(LOG_LEVEL_INFO, true, 3600);
    log_flush();
    char text[4096];
    assert_int_equal(unit_run_in_child(write_to_buffer, text, sizeof(text)), 0);
    assert_string_equal(text, "0 2 2 3");
}

static void write_odd(void)
{
    LOG_INFO("one\ntwo\r\x1b[0m\t\x7f %s", "\xc3\xa9");
    char longer[2 * LOG_LINE_SIZE_MAX];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    LOG_INFO("%s", longer);
    memset(longer, '\n', sizeof(longer) - 1);
    LOG_INFO("%s", longer);
}

static void test_a_line_stays_one_line(void **state)
{
    (void)state;
    open_log(LOG_LEVEL_INFO, true, 0);
    char text[4096];
    assert_int_equal(unit_run_in_child(write_odd, text, sizeof(text)), 0);
    const char *got = content("INFO");
    assert_int_equal(lines(got), 3);
    assert_non_null(strstr(got, "] one\\ntwo\\x0d\\x1b[0m\t\\x7f \xc3\xa9\n"));
    assert_true(strlen(got) <= 3 * LOG_LINE_SIZE_MAX);
    assert_true(strlen(got) > 2 * (LOG_LINE_SIZE_MAX - 2));
}

static void write_fatal(void)
{
    LOG_FATAL("the end");
    fprintf(stderr, "still here");
}

static void test_a_fatal_line_ends_the_process(void **state)
{
    (void)state;
    open_log(LOG_LEVEL_ERROR, true, 3600);
    char text[4096];
    int status = unit_run_in_child(write_fatal, text, sizeof(text));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_int_equal(text[0], 'F');
    assert_non_null(strstr(text, "] the end\n"));
    assert_null(strstr(text, "still here"));
    assert_non_null(strstr(content("FATAL"), "the end"));
    assert_non_null(strstr(content("ERROR"), "the end"));
}

static void test_a_folder_that_cannot_be_made(void **state)
{
    (void)state;
    struct log_options options = {.program = "thing", .dir = "/proc/none/x"};
    struct err err;
    assert_int_equal(log_open(&options, &err), -ENOENT);
    assert_memory_equal(err.text, "log directory '/proc/none/x': ", 30);
    options.dir = "/dev/null/x";
    assert_int_equal(log_open(&options, &err), -ENOTDIR);
    /* It may be tried again. */
    open_log(LOG_LEVEL_INFO, true, 0);
}

static void test_names_of_levels(void **state)
{
    (void)state;
    enum log_level level = LOG_LEVEL_FATAL;
    assert_false(log_level_parse("LOUD", &level));
    assert_false(log_level_parse("info", &level));
    assert_false(log_level_parse("DEBUG", &level));
    assert_false(log_level_parse("FATAL", &level));
    assert_int_equal(level, LOG_LEVEL_FATAL);
    assert_true(log_level_parse("INFO", &level));
    assert_int_equal(level, LOG_LEVEL_INFO);
    assert_true(log_level_parse("WARNING", &level));
    assert_int_equal(level, LOG_LEVEL_WARNING);
    assert_true(log_level_parse("ERROR", &level));
    assert_int_equal(level, LOG_LEVEL_ERROR);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 200; i++) {
        LOG_INFO("thread %s line %d", (const char *)arg, i);
    }
    return NULL;
}

static void test_threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    open_log(LOG_LEVEL_INFO, true, 0);
    pthread_t threads[3];
    static char names[3][2] = {"a", "b", "c"};
    for (size_t i = 0; i < ELEMENTS(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, names[i]), 0);
    }
    for (size_t i = 0; i < ELEMENTS(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    struct slice rest = slice_trim(slice_from(content("INFO")));
    struct slice line;
    size_t count = 0;
    while (slice_split(&rest, '\n', &line)) {
        assert_int_equal(line.data[0], 'I');
        assert_true(slice_find(line, ']') > 0);
        count++;
    }
    assert_int_equal(count, 600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_line_looks_as_those_of_glog),
        TEST(test_each_level_has_a_file_with_what_is_above),
        TEST(test_the_link_names_a_file_of_this_process),
        TEST(test_levels_below_are_left_out),
        TEST(test_quiet_leaves_errors_on_stderr),
        TEST(test_a_raised_verbosity_lets_all_through),
        TEST(test_lines_may_wait_in_memory),
        TEST(test_a_line_stays_one_line),
        TEST(test_a_fatal_line_ends_the_process),
        TEST(test_a_folder_that_cannot_be_made),
        TEST(test_names_of_levels),
        TEST(test_threads_do_not_mix_their_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
