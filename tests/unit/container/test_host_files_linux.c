#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "common/xalloc.h"
#include "container/host_linux.h"

#define LIMIT_SIZE 100

/* Writes in a process whose files cannot grow beyond LIMIT_SIZE: like a disk that fills, the first
 * write takes a part, and what is wrong is told by the next. Prints the error. */
static void write_beyond_the_limit(void)
{
    char bytes[LIMIT_SIZE + 50] = {0};
    struct err err = {""};
    struct rlimit limit = {LIMIT_SIZE, LIMIT_SIZE};
    char path[] = "/tmp/tepui-write-XXXXXX";
    close(mkstemp(path));
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    errno = 0;
    int r = host_write_file(path, slice_make(bytes, sizeof(bytes)), &err);
    int whole = host_write_file(path, slice_make(bytes, LIMIT_SIZE), NULL);
    unlink(path);
    fprintf(stderr, "%d %d %s\n", r, whole, err.text);
}

static void test_a_file_that_is_not_written_whole_is_an_error_with_its_reason(void **state)
{
    (void)state;
    char text[512], begin[64];
    assert_int_equal(unit_run_in_child(write_beyond_the_limit, text, sizeof(text)), 0);
    snprintf(begin, sizeof(begin), "%d 0 Failed to write '", -EFBIG);
    assert_non_null(strstr(text, begin));
    assert_non_null(strstr(text, strerror(EFBIG)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_is_not_written_whole_is_an_error_with_its_reason),
    };
    return cmocka_run_group_tests_name("container/host_files_linux", tests, NULL, NULL);
}
