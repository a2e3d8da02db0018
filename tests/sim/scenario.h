/*
 * Scenarios: text files that read as a story. A line "> command words" tells the world what to do;
 * the lines below it, up to the next command or comment, are the trace that it must give. Lines
 * with '#' are for the reader. A run prints the file anew with the trace that it gave; a test
 * compares, and `--update` writes it back.
 */
#ifndef TEPUI_TESTS_SIM_SCENARIO_H
#define TEPUI_TESTS_SIM_SCENARIO_H

#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"

#define SCENARIO_WORDS_MAX 32

/* A kind of world that scenarios play in. `run` appends what happened to `out`, a line each. */
struct scenario_world {
    const char *name; /* the first command of a file is "> world NAME ..." */
    void *(*create)(int argc, char **argv, struct err *err); /* NULL and err if it cannot */
    void (*destroy)(void *world);
    int (*run)(void *world, int argc, char **argv, struct buf *out, struct err *err);
};

/* Plays the text and gives it back with the trace that it gave. 0, or -EINVAL with the line. */
int scenario_play(struct slice text, const struct scenario_world *const *worlds, size_t world_count,
                  struct buf *out, struct err *err) WARN_UNUSED;

/* main() of a test program: plays the files named in argv (with --update writes them), prints a
 * difference for each that fails. Returns the exit status. */
int scenario_main(int argc, char **argv, const struct scenario_world *const *worlds,
                  size_t world_count);

#endif
