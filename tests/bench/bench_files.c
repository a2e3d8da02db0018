/*
 * What a durable record costs when many come together: rounds of small new files, one completion
 * each.
 *
 *   bench_files [folder]
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "store/files.h"

#define ROUNDS 10

static double now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void measure(struct files *files, const char *root, size_t count)
{
    double total = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct store_ops ops;
        store_ops_init(&ops);
        for (size_t i = 0; i < count; i++) {
            char *path = xasprintf("%s/%zu/%zu/%zu/record", root, count, round, i);
            static const char record[200];
            store_replace(&ops, i + 1, path, blob_new(record, sizeof(record)));
            free(path);
        }
        double begun = now_ms();
        files_submit(files, &ops);
        for (size_t told = 0; told < count;) {
            struct store_done done;
            struct pollfd poll_fd = {.fd = files_fd(files), .events = POLLIN};
            (void)poll(&poll_fd, 1, -1);
            while (files_take(files, &done)) {
                if (done.status != 0) {
                    fprintf(stderr, "operation %d: %d\n", (int)done.token, done.status);
                    exit(1);
                }
                told++;
            }
        }
        total += now_ms() - begun;
    }
    printf("%4zu records together: %.2f ms, %.3f ms each\n", count, total / ROUNDS,
           total / ROUNDS / (double)count);
}

int main(int argc, char **argv)
{
    char *root = xasprintf("%s/tepui-bench-files-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (mkdtemp(root) == NULL) {
        perror(root);
        return 1;
    }
    char *trash = xasprintf("%s/trash", root);
    struct files *files;
    struct err err;
    if (files_start(trash, &files, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (size_t count = 1; count <= 512; count *= 8) {
        measure(files, root, count);
    }
    files_free(files);
    char *command = xasprintf("rm -rf %s", root);
    int status = system(command);
    free(command);
    free(trash);
    free(root);
    return status;
}
