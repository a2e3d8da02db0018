#include "sim/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/scenario_diff.h"

#define END_LINES 30

struct play {
    const struct scenario_world *const *worlds;
    size_t world_count;
    const struct scenario_world *world;
    void *state;
};

/* Cuts the line into words, in place; -1 if there are too many. */
static int split_words(char *line, char **words)
{
    int count = 0;
    struct slice rest = slice_from(line);
    struct slice word;
    while (slice_split(&rest, ' ', &word)) {
        if (word.size == 0) {
            continue;
        }
        if (count == SCENARIO_WORDS_MAX) {
            return -1;
        }
        words[count] = line + (word.data - line);
        words[count++][word.size] = '\0';
    }
    return count;
}

static int create_world(struct play *play, int argc, char **argv, struct err *err)
{
    for (size_t i = 0; argc >= 2 && i < play->world_count; i++) {
        if (strcmp(play->worlds[i]->name, argv[1]) == 0) {
            play->world = play->worlds[i];
            play->state = play->world->create(argc - 2, argv + 2, err);
            return play->state != NULL ? 0 : -EINVAL;
        }
    }
    return err_set(err, -EINVAL, "there is no such world");
}

static int run_command(struct play *play, struct slice command, struct buf *out, struct err *err)
{
    CLEANUP(xfreep) char *line = xstrndup(command.data, command.size);
    char *words[SCENARIO_WORDS_MAX];
    int count = split_words(line, words);
    if (count <= 0) {
        return err_set(err, -EINVAL, "a command of 1 to %d words is expected", SCENARIO_WORDS_MAX);
    }
    if (play->world == NULL) {
        if (strcmp(words[0], "world") != 0) {
            return err_set(err, -EINVAL, "the first command must be: world NAME");
        }
        return create_world(play, count, words, err);
    }
    return play->world->run(play->state, count, words, out, err);
}

int scenario_play(struct slice text, const struct scenario_world *const *worlds, size_t world_count,
                  struct buf *out, struct err *err)
{
    struct play play = {.worlds = worlds, .world_count = world_count};
    struct slice line;
    int status = 0;
    bool in_trace = false; /* old trace lines are left out; the run gives new ones */
    for (int number = 1; status == 0 && slice_split(&text, '\n', &line); number++) {
        if (slice_starts_with(line, SLICE(">"))) {
            buf_printf(out, "%.*s\n", SLICE_ARGS(line));
            in_trace = true;
            status = run_command(&play, slice_skip(line, 1), out, err);
            if (status != 0) {
                status = err_wrap(err, status, "line %d", number);
            }
        } else if (line.size == 0 || line.data[0] == '#') {
            in_trace = false;
            if (line.size != 0 || text.data != NULL) {
                buf_printf(out, "%.*s\n", SLICE_ARGS(line));
            }
        } else if (!in_trace) {
            status = err_set(err, -EINVAL, "line %d: neither a command nor a comment", number);
        }
    }
    if (play.state != NULL) {
        play.world->destroy(play.state);
    }
    return status;
}

static int read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return -errno;
    }
    for (;;) {
        size_t n = fread(buf_reserve(out, 4096), 1, 4096, file);
        if (n == 0) {
            break;
        }
        out->size += n;
    }
    fclose(file);
    return 0;
}

/* The end of what was played before something failed. */
static void print_end(struct slice played)
{
    size_t from = played.size;
    for (int lines = 0; from > 0 && lines <= END_LINES; from--) {
        lines += played.data[from - 1] == '\n';
    }
    printf("%.*s", SLICE_ARGS(slice_skip(played, from)));
}

static bool play_file(const char *path, bool update, const struct scenario_world *const *worlds,
                      size_t world_count)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    CLEANUP(buf_deinit) struct buf played = BUF_INIT;
    struct err err = {""};
    if (read_file(path, &text) != 0) {
        printf("FAILED %s: cannot be read\n", path);
        return false;
    }
    if (scenario_play(buf_slice(&text), worlds, world_count, &played, &err) != 0) {
        print_end(buf_slice(&played));
        printf("FAILED %s: %s\n", path, err.text);
        return false;
    }
    if (slice_equal(buf_slice(&text), buf_slice(&played))) {
        return true;
    }
    if (update) {
        FILE *file = fopen(path, "w");
        bool written = file != NULL && fwrite(played.data, 1, played.size, file) == played.size;
        return file != NULL && fclose(file) == 0 && written;
    }
    CLEANUP(buf_deinit) struct buf diff = BUF_INIT;
    scenario_diff(buf_slice(&text), buf_slice(&played), &diff);
    printf("FAILED %s ('-' is written, '+' was played)\n%s", path, buf_text(&diff));
    return false;
}

int scenario_main(int argc, char **argv, const struct scenario_world *const *worlds,
                  size_t world_count)
{
    bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
    int passed = 0;
    int failed = 0;
    for (int i = update ? 2 : 1; i < argc; i++) {
        bool good = play_file(argv[i], update, worlds, world_count);
        passed += good;
        failed += !good;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
