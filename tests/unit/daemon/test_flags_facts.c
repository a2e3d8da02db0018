/* The tables against facts/flags.csv: every flag is there, of the right type, with Mesos' default
 * and old name; and their values as the original shows them in its /flags. */
#include "../unit.h"

#include "daemon/agent_flags.h"
#include "daemon/master_flags.h"

#define COLUMNS 9

enum column { BINARY, NAME, TYPE, DEFAULT, REQUIRED, ALIAS, CONDITION, SOURCE, NOTE };

struct program {
    const char *name;         /* as the column `binary` says */
    const struct flag *table; /* of the flags */
    size_t count;             /* rows of the table */
};

static const struct program *programs(void)
{
    static struct program both[2];
    both[0] = (struct program){"master", master_flags_table, master_flags_count};
    both[1] = (struct program){"agent", agent_flags_table, agent_flags_count};
    return both;
}

static const struct flag *find(const struct program *program, const char *name)
{
    for (size_t i = 0; i < program->count; i++) {
        if (strcmp(program->table[i].name, name) == 0) {
            return &program->table[i];
        }
    }
    return NULL;
}

/* One line of the file in its columns, quotes removed; false at the end. */
static bool read_row(FILE *file, char columns[COLUMNS][512])
{
    char line[2048];
    if (fgets(line, sizeof(line), file) == NULL) {
        return false;
    }
    const char *at = line;
    for (int column = 0; column < COLUMNS; column++) {
        bool quoted = *at == '"';
        at += quoted;
        size_t size = strcspn(at, quoted ? "\"" : ",\n");
        assert_true(size < sizeof(columns[0]));
        memcpy(columns[column], at, size);
        columns[column][size] = '\0';
        at += size + quoted;
        at += *at == ',' || *at == '\n';
    }
    return true;
}

static enum flag_type type_of(const char *type)
{
    static const struct {
        const char *type;
        enum flag_type ours;
    } types[] = {
        {"bool", FLAG_BOOL},
        {"int", FLAG_INT},
        {"size_t", FLAG_INT},
        {"uint16_t", FLAG_INT},
        {"double", FLAG_DOUBLE},
        {"string", FLAG_STRING},
        {"Path", FLAG_PATH},
        {"Bytes", FLAG_BYTES},
        {"Duration", FLAG_DURATION},
        {"set<string>", FLAG_STRING},
        {"vector<unsigned int>", FLAG_STRING},
        {"flags::SecurePathOrValue", FLAG_STRING},
    };
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        if (strcmp(types[i].type, type) == 0) {
            return types[i].ours;
        }
    }
    return FLAG_JSON; /* all others are messages */
}

/* Defaults that the original finds out when it is built or started. */
static const char *expected_default(const char *name, const char *text)
{
    static const struct {
        const char *name;
        const char *ours; /* NULL: found out by the daemon */
    } found_out[] = {
        {"webui_dir", ""}, /* the page that is built in */
        {"launcher", NULL},
        {"launcher_dir", NULL},
        {"runtime_dir", "/var/run/mesos"},
        {"fetcher_cache_dir", "/tmp/mesos/fetch"},
        {"appc_store_dir", "/tmp/mesos/store/appc"},
        {"docker_store_dir", "/tmp/mesos/store/docker"},
        {"frameworks_home", ""}, /* the file cannot tell "" from none */
    };
    for (size_t i = 0; i < ELEMENTS(found_out); i++) {
        if (strcmp(found_out[i].name, name) == 0) {
            return found_out[i].ours;
        }
    }
    return text[0] != '\0' ? text : NULL;
}

static void check_row(const struct program *program, char columns[COLUMNS][512])
{
    const char *name = columns[NAME];
    const struct flag *flag = find(program, name);
    if (flag == NULL) {
        fail_msg("%s: no flag --%s", program->name, name);
        return;
    }
    if (flag->type != type_of(columns[TYPE])) {
        fail_msg("%s: --%s is not of type %s", program->name, name, columns[TYPE]);
    }
    const char *text = expected_default(name, columns[DEFAULT]);
    if ((text == NULL) != (flag->default_text == NULL) ||
        (text != NULL && strcmp(text, flag->default_text) != 0)) {
        fail_msg("%s: --%s has the default '%s', not '%s'", program->name, name, flag->default_text,
                 text);
    }
    const char *alias = flag->alias != NULL ? flag->alias : "";
    if (strcmp(alias, columns[ALIAS]) != 0) {
        fail_msg("%s: --%s has the old name '%s', not '%s'", program->name, name, alias,
                 columns[ALIAS]);
    }
    assert_int_equal(flag->required, columns[REQUIRED][0] == 'y');
}

static void test_every_flag_of_the_facts(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_DATA_DIR "/facts/flags.csv", "r");
    assert_non_null(file);
    char columns[COLUMNS][512];
    assert_true(read_row(file, columns));
    assert_string_equal(columns[NOTE], "note");
    size_t seen[2] = {0};
    while (read_row(file, columns)) {
        for (int i = 0; i < 2; i++) {
            const struct program *program = &programs()[i];
            if (strcmp(columns[BINARY], "both") == 0 ||
                strcmp(columns[BINARY], program->name) == 0) {
                check_row(program, columns);
                seen[i]++;
            }
        }
    }
    fclose(file);
    /* And none besides, but for our own. */
    const char *const own[] = {"peers", "peers_lease"};
    for (size_t i = 0; i < ELEMENTS(own); i++) {
        assert_non_null(find(&programs()[0], own[i]));
    }
    assert_int_equal(seen[0] + ELEMENTS(own), master_flags_count);
    assert_int_equal(seen[1], agent_flags_count);
}

static void test_rows_make_sense(void **state)
{
    (void)state;
    for (int p = 0; p < 2; p++) {
        const struct program *program = &programs()[p];
        for (size_t i = 0; i < program->count; i++) {
            const struct flag *flag = &program->table[i];
            for (size_t j = 0; j < i; j++) {
                assert_string_not_equal(flag->name, program->table[j].name);
                assert_int_not_equal(flag->offset, program->table[j].offset);
            }
            size_t size = strlen(flag->help);
            if (size == 0 || flag->help[size - 1] != '.') {
                fail_msg("--%s: a sentence is expected: %s", flag->name, flag->help);
            }
            /* What was not built yet has a value that leaves it off. */
            assert_false(flag->support == FLAG_OFF_ONLY && flag->required);
            assert_false(flag->off_text != NULL && flag->support != FLAG_OFF_ONLY);
        }
    }
}

/* The value of "name": "..." in a file of JSON with one on each line. */
static bool golden_value(const char *text, const char *name, char *ret_value, size_t size)
{
    char key[128];
    (void)snprintf(key, sizeof(key), "\"%s\": \"", name);
    const char *at = strstr(text, key);
    if (at == NULL) {
        return false;
    }
    at += strlen(key);
    size_t value_size = strcspn(at, "\"");
    assert_true(value_size < size);
    memcpy(ret_value, at, value_size);
    ret_value[value_size] = '\0';
    return true;
}

/* Flags that were given when the recording was made, or that name places there. */
static bool was_given(const char *name)
{
    static const char *const names[] = {"allocation_interval",
                                        "appc_store_dir",
                                        "attributes",
                                        "cluster",
                                        "docker_store_dir",
                                        "executor_registration_timeout",
                                        "external_log_file",
                                        "fetcher_cache_dir",
                                        "hostname",
                                        "ip",
                                        "launcher",
                                        "launcher_dir",
                                        "master",
                                        "port",
                                        "registration_backoff_factor",
                                        "registry",
                                        "resources",
                                        "runtime_dir",
                                        "systemd_enable_support",
                                        "webui_dir",
                                        "work_dir"};
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_shown(const struct program *program, void *values, const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';

    struct arena arena;
    arena_init(&arena, 0);
    struct flags flags = {program->table, program->count, values, NULL, NULL, &arena};
    char *argv[] = {(char *)(uintptr_t) "program", (char *)(uintptr_t) "--help", NULL};
    struct flags_source source = {.argc = 2, .argv = argv};
    struct err err;
    assert_int_equal(flags_parse(&flags, &source, NULL, &err), 0);

    size_t compared = 0;
    CLEANUP(buf_deinit) struct buf shown = BUF_INIT;
    for (size_t i = 0; i < program->count; i++) {
        const char *name = program->table[i].name;
        char golden[512];
        if (was_given(name) || strcmp(name, "help") == 0 ||
            !golden_value(text, name, golden, sizeof(golden))) {
            continue;
        }
        buf_clear(&shown);
        assert_true(flags_format(&flags, i, &shown));
        if (strcmp(buf_text(&shown), golden) != 0) {
            fail_msg("--%s is shown as '%s', not '%s'", name, buf_text(&shown), golden);
        }
        compared++;
    }
    assert_true(compared > 40);
    arena_deinit(&arena);
}

static void test_defaults_are_shown_as_the_original_does(void **state)
{
    (void)state;
    struct master_flags master;
    check_shown(&programs()[0], &master, TEST_DATA_DIR "/facts/flags_master.json");
    struct agent_flags agent;
    check_shown(&programs()[1], &agent, TEST_DATA_DIR "/facts/flags_agent.json");
}

static void test_usage_shows_each_flag(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    for (int p = 0; p < 2; p++) {
        const struct program *program = &programs()[p];
        struct flags flags = {.table = program->table, .count = program->count, .arena = &arena};
        CLEANUP(buf_deinit) struct buf usage = BUF_INIT;
        flags_usage(&flags, "tepui", "About.", &usage);
        for (size_t i = 0; i < program->count; i++) {
            char line[128];
            (void)snprintf(line, sizeof(line),
                           program->table[i].type == FLAG_BOOL ? "\n  --[no-]%s\n"
                                                               : "\n  --%s=VALUE\n",
                           program->table[i].name);
            assert_non_null(strstr(buf_text(&usage), line));
        }
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_flag_of_the_facts),
        cmocka_unit_test(test_rows_make_sense),
        cmocka_unit_test(test_defaults_are_shown_as_the_original_does),
        cmocka_unit_test(test_usage_shows_each_flag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
