#include "../unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/xalloc.h"
#include "container/host_linux.h"
#include "store/tree_remove.h"

#define PROCESSES 3

static char root[64]; /* stands for a cgroup */
static pid_t pids[PROCESSES];

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/tepui-kill-XXXXXX");
    assert_non_null(mkdtemp(root));
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            pause();
            _exit(0);
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        if (pids[i] != 0) {
            kill(pids[i], SIGKILL);
            waitpid(pids[i], NULL, 0);
        }
    }
    return tree_remove(root);
}

static void make(const char *name)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", root, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void put(const char *name, pid_t pid)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s/cgroup.procs", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%d\n", (int)pid);
    fclose(file);
}

/* What has ended a process; waits for it. */
static int signal_of(int index)
{
    int status = 0;
    assert_int_equal(waitpid(pids[index], &status, 0), pids[index]);
    pids[index] = 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* A task may make cgroups below its own, and put processes there. */
static void test_a_cgroup_is_killed_with_those_below_it(void **state)
{
    (void)state;
    make("leaf");
    make("leaf/made");
    make("leaf/made/deeper");
    put("leaf", pids[0]);
    put("leaf/made/deeper", pids[1]);
    host_kill_cgroup(root, 0);
    assert_int_equal(signal_of(0), SIGKILL);
    assert_int_equal(signal_of(1), SIGKILL);
    assert_int_equal(waitpid(pids[2], NULL, WNOHANG), 0); /* of no business of this */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_cgroup_is_killed_with_those_below_it, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("container/host_kill_linux", tests, NULL, NULL);
}
