/*
 * What every unit test begins with: cmocka and what it wants included before, a check that a piece
 * of code ends the process by an assertion, and a way to say what this machine cannot show.
 */
#ifndef TEPUI_TESTS_UNIT_UNIT_H
#define TEPUI_TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/buf.h"

/* Runs the function in a child with its stderr caught in `ret_text`; returns the wait status. */
static inline int unit_run_in_child(void (*fn)(void), char *ret_text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        fn();
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t got;
    while (used + 1 < size && (got = read(ends[0], ret_text + used, size - used - 1)) > 0) {
        used += (size_t)got;
    }
    ret_text[used] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* The function aborts and says `what` on stderr. */
static inline void unit_assert_aborts(void (*fn)(void), const char *what)
{
    char text[4096];
    int status = unit_run_in_child(fn, text, sizeof(text));
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strstr(text, what) == NULL) {
        fail_msg("expected an abort with '%s', got status %d and '%s'", what, status, text);
    }
}

/* --- what this machine cannot show --- */

/* ctest takes this exit code for a test that was skipped, not for one that passed. */
#define UNIT_SKIPPED 77

static bool unit_has_skipped UNUSED;

/* Ends the test of one thing; main() has to return unit_status(). */
#define unit_skip(why)                            \
    do {                                          \
        unit_has_skipped = true;                  \
        print_message("not tested: %s\n", (why)); \
        skip();                                   \
    } while (0)

/* The program's exit code, of what cmocka_run_group_tests() returned. */
static inline int unit_status(int failed)
{
    return failed != 0 ? 1 : unit_has_skipped ? UNIT_SKIPPED : 0;
}

/* The slice holds just this text. */
#define assert_slice(s, text)                                                \
    do {                                                                     \
        struct slice got_ = (s);                                             \
        if (!slice_is(got_, (text))) {                                       \
            fail_msg("expected '%s', got '%.*s'", (text), SLICE_ARGS(got_)); \
        }                                                                    \
    } while (0)

#endif
