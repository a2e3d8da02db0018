#include "../unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "executor/exec_process.h"

#define STARTS 64

extern char **environ;

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    (void)number;
    handled = 1;
}

struct ended {
    size_t count;
    int status; /* of the last */
};

static void on_ended(void *arg, uint64_t token, int wait_status, struct slice output)
{
    (void)token;
    (void)output;
    struct ended *ended = arg;
    ended->count++;
    ended->status = wait_status;
}

static void reap_one(struct exec_processes *processes, struct ended *ended)
{
    siginfo_t info;
    ended->count = 0;
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    exec_processes_reap(processes, on_ended, ended);
    assert_int_equal(ended->count, 1);
}

/* However early a signal comes, it is the command's, and the executor's handlers see nothing. */
static void test_a_signal_right_after_the_start(void **state)
{
    (void)state;
    struct sigaction before;
    assert_int_equal(sigaction(SIGTERM,
                               &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART},
                               &before),
                     0);
    struct exec_processes *processes = exec_processes_new(environ);
    struct exec_command command = {.shell = true, .value = (char[]){"exec sleep 300"}};
    for (uint64_t token = 1; token <= STARTS; token++) {
        struct ended ended;
        assert_int_equal(exec_processes_spawn(processes, token, &command, EXEC_OUTPUT_INHERIT), 0);
        exec_processes_signal(processes, token, SIGTERM);
        reap_one(processes, &ended);
        assert_true(WIFSIGNALED(ended.status));
        assert_int_equal(WTERMSIG(ended.status), SIGTERM);
    }
    assert_int_equal(handled, 0);
    exec_processes_free(processes);
    sigaction(SIGTERM, &before, NULL);
}

/* What the executor ignores or blocks is as usual for the command. */
static void test_signals_of_the_command(void **state)
{
    (void)state;
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);
    struct exec_processes *processes = exec_processes_new(environ);
    static const char *const commands[] = {"kill -USR1 $$; exit 7", "kill -PIPE $$; exit 7"};
    static const int signals[] = {SIGUSR1, SIGPIPE};
    for (size_t i = 0; i < ELEMENTS(commands); i++) {
        CLEANUP(xfreep) char *value = xstrdup(commands[i]);
        struct exec_command command = {.shell = true, .value = value};
        struct ended ended;
        assert_int_equal(exec_processes_spawn(processes, i, &command, EXEC_OUTPUT_INHERIT), 0);
        reap_one(processes, &ended);
        assert_true(WIFSIGNALED(ended.status));
        assert_int_equal(WTERMSIG(ended.status), signals[i]);
    }
    sigset_t now;
    sigprocmask(SIG_SETMASK, &before, &now);
    assert_true(sigismember(&now, SIGUSR1)); /* ours are as they were */
    exec_processes_free(processes);
    (void)signal(SIGPIPE, pipe_before);
}

/* The executor's stdin is a terminal: the task, in a session of its own, is controlled by it. */
static void test_a_terminal_is_the_tasks(void **state)
{
    (void)state;
    char name[64];
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    assert_int_equal(ptsname_r(terminal, name, sizeof(name)), 0);
    int end = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    int before = dup(STDIN_FILENO);
    assert_true(end >= 0 && before >= 0 && dup2(end, STDIN_FILENO) == STDIN_FILENO);
    struct exec_processes *processes = exec_processes_new(environ);
    struct exec_command command = {.shell = true, .value = (char[]){"echo x > /dev/tty && exit 7"}};
    struct ended ended;
    assert_int_equal(exec_processes_spawn(processes, 1, &command, EXEC_OUTPUT_INHERIT), 0);
    reap_one(processes, &ended);
    assert_int_equal(ended.status, 7 << 8);
    exec_processes_free(processes);
    dup2(before, STDIN_FILENO);
    close(before);
    close(end);
    close(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signal_right_after_the_start),
        cmocka_unit_test(test_signals_of_the_command),
        cmocka_unit_test(test_a_terminal_is_the_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
