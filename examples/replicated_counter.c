/*
 * replicated_counter: a number that survives the loss of all but a quorum of machines, as an
 * example of the replicated log (include/tepui/log.h).
 *
 *     replicated_counter --path DIR --listen IP:PORT --quorum N [--peer IP:PORT]... [--add K]
 *
 * Each of the 2N - 1 machines runs one. The state is the sum of all entries, "+1" each, behind the
 * last snapshot, "=SUM". Without --add it serves as a replica until it is ended. With --add K it
 * becomes the writer, finds out the sum, adds one K times, prints the sum each time, and ends.
 *
 * That is all that a program with a replicated state needs: to become the writer, to replay what
 * was decided, to append each change before it is acted upon, to write a snapshot now and then and
 * truncate what is before it, and to start anew when another has become the writer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tepui/log.h"

#define PEERS_MAX 16
#define TIMEOUT_MS 30000
/* Changes between two snapshots. */
#define SNAPSHOT_EVERY 10

struct counter {
    struct tepui_log *log;
    long sum;
    int since_snapshot;
};

/* One entry of the log, in order. */
static int replay(void *arg, uint64_t position, const void *bytes, size_t size)
{
    struct counter *counter = arg;
    char text[32] = "";
    (void)position;
    memcpy(text, bytes, size < sizeof(text) ? size : sizeof(text) - 1);
    if (text[0] == '=') {
        counter->sum = strtol(text + 1, NULL, 10);
        counter->since_snapshot = 0;
    } else {
        counter->sum += strtol(text, NULL, 10);
        counter->since_snapshot++;
    }
    return 0;
}

/* Becomes the writer; then everything that was decided before is in our own replica. */
static int become_writer(struct counter *counter)
{
    uint64_t begin;
    uint64_t end;
    uint64_t last;
    int status = tepui_log_start(counter->log, TIMEOUT_MS, &last);
    if (status == 0) {
        status = tepui_log_bounds(counter->log, TIMEOUT_MS, &begin, &end);
    }
    if (status == 0) {
        counter->sum = 0;
        counter->since_snapshot = 0;
        status = tepui_log_read(counter->log, begin, last, TIMEOUT_MS, replay, counter);
    }
    return status;
}

/* A snapshot makes all that is before it superfluous. */
static int take_snapshot(struct counter *counter)
{
    char text[32];
    uint64_t position;
    int size = snprintf(text, sizeof(text), "=%ld", counter->sum);
    int status = tepui_log_append(counter->log, text, (size_t)size, TIMEOUT_MS, &position);
    if (status == 0) {
        counter->since_snapshot = 0;
        status = tepui_log_truncate(counter->log, position, TIMEOUT_MS, &position);
    }
    return status;
}

/* First in the log, then in memory. */
static int add_one(struct counter *counter)
{
    int status = tepui_log_append(counter->log, "+1", 2, TIMEOUT_MS, NULL);
    if (status == 0) {
        counter->sum++;
        counter->since_snapshot++;
        printf("%ld\n", counter->sum);
        (void)fflush(stdout);
        if (counter->since_snapshot >= SNAPSHOT_EVERY) {
            status = take_snapshot(counter);
        }
    }
    return status;
}

/* An addition that failed may have been made or not: become_writer() finds out, so that none is
 * made twice. That costs knowing what the sum was to be. */
static int add(struct counter *counter, long count)
{
    int status = become_writer(counter);
    long wanted = counter->sum + count;
    while (status == 0 && counter->sum < wanted) {
        status = add_one(counter);
        if (status == TEPUI_LOG_E_LOST) {
            status = become_writer(counter);
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    const char *peers[PEERS_MAX + 1] = {NULL};
    size_t peer_count = 0;
    long count = -1;
    struct tepui_log_options options = {.quorum = 1, .peers = peers, .auto_initialize = true};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--path") == 0) {
            options.path = argv[i + 1];
        } else if (strcmp(argv[i], "--listen") == 0) {
            options.listen = argv[i + 1];
        } else if (strcmp(argv[i], "--quorum") == 0) {
            options.quorum = (size_t)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--add") == 0) {
            count = strtol(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--peer") == 0 && peer_count < PEERS_MAX) {
            peers[peer_count++] = argv[i + 1];
        }
    }

    struct counter counter = {0};
    char error[256] = "";
    if (tepui_log_open(&options, &counter.log, error, sizeof(error)) != 0) {
        (void)fprintf(stderr, "%s\n", error);
        return EXIT_FAILURE;
    }
    int status = 0;
    if (count < 0) {
        (void)pause();
    } else {
        status = add(&counter, count);
        if (status != 0) {
            (void)fprintf(stderr, "%s\n", tepui_log_error());
        }
    }
    tepui_log_close(counter.log);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
