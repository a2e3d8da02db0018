#include "store/files_unsynced.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"

/* Each sync of a new file or folder costs a flush of the disk's cache (3 to 8 ms), a syncfs one for
 * all; but that writes what others wrote, too, which must take less time than is saved. */
#define SYNCFS_COUNT_MIN 4
#define SYNCFS_DIRTY_EACH (UINT64_C(4) << 20)
#define SYNCFS_DIRTY_MAX (UINT64_C(64) << 20)
/* Else they are synced side by side: the kernel merges flushes that wait at the same time. */
#define HELPERS_MAX 7
#define HELPER_STACK_SIZE 65536

void files_unsynced_init(struct files_unsynced *unsynced)
{
    *unsynced = (struct files_unsynced){0};
}

static void forget(struct files_unsynced *unsynced)
{
    for (size_t i = 0; i < unsynced->fd_count; i++) {
        close(unsynced->fds[i]);
    }
    for (size_t i = 0; i < unsynced->folder_count; i++) {
        free(unsynced->folders[i]);
    }
    unsynced->fd_count = unsynced->folder_count = 0;
}

void files_unsynced_deinit(struct files_unsynced *unsynced)
{
    forget(unsynced);
    free(unsynced->fds);
    free(unsynced->folders);
    *unsynced = (struct files_unsynced){0};
}

void files_unsynced_add_file(struct files_unsynced *unsynced, int fd)
{
    if (unsynced->fd_count == unsynced->fd_capacity) {
        unsynced->fd_capacity = MAX(unsynced->fd_capacity * 2, (size_t)16);
        unsynced->fds = xrealloc(unsynced->fds, unsynced->fd_capacity, sizeof(unsynced->fds[0]));
    }
    unsynced->fds[unsynced->fd_count++] = fd;
}

void files_unsynced_add_folder_of(struct files_unsynced *unsynced, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return;
    }
    if (unsynced->folder_count == unsynced->folder_capacity) {
        unsynced->folder_capacity = MAX(unsynced->folder_capacity * 2, (size_t)16);
        unsynced->folders =
            xrealloc(unsynced->folders, unsynced->folder_capacity, sizeof(unsynced->folders[0]));
    }
    unsynced->folders[unsynced->folder_count++] = xstrndup(path, (size_t)(slash - path));
}

/* --- one by one, side by side --- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno; /* removed since */
    }
    int r = fsync(fd) != 0 ? -errno : 0;
    close(fd);
    return r;
}

/* Files first, then folders, each taken by whoever is free. */
struct round {
    const struct files_unsynced *unsynced; /* folders sorted */
    atomic_size_t next;                    /* the first that nobody has taken */
    atomic_int first;                      /* the first -errno, or 0 */
};

static int sync_one(const struct files_unsynced *unsynced, size_t i)
{
    if (i < unsynced->fd_count) {
        return fdatasync(unsynced->fds[i]) != 0 ? -errno : 0;
    }
    i -= unsynced->fd_count;
    bool is_same = i > 0 && strcmp(unsynced->folders[i], unsynced->folders[i - 1]) == 0;
    return is_same ? 0 : sync_folder(unsynced->folders[i]);
}

static void *sync_some(void *arg)
{
    struct round *round = arg;
    size_t count = round->unsynced->fd_count + round->unsynced->folder_count;
    size_t i;
    while ((i = atomic_fetch_add(&round->next, 1)) < count) {
        int r = sync_one(round->unsynced, i);
        int none = 0;
        if (r != 0) {
            (void)atomic_compare_exchange_strong(&round->first, &none, r);
        }
    }
    return NULL;
}

/* Threads live as long as a round: starting one takes 50 us, a flush a hundred times that. */
static size_t start_helpers(struct round *round, size_t wanted, pthread_t *helpers)
{
    pthread_attr_t attributes;
    size_t count = 0;
    if (wanted == 0 || pthread_attr_init(&attributes) != 0) {
        return 0;
    }
    if (pthread_attr_setstacksize(&attributes, HELPER_STACK_SIZE) == 0) {
        while (count < wanted &&
               pthread_create(&helpers[count], &attributes, sync_some, round) == 0) {
            count++;
        }
    }
    (void)pthread_attr_destroy(&attributes);
    return count;
}

static int sync_each(struct files_unsynced *unsynced)
{
    struct round round = {.unsynced = unsynced};
    pthread_t helpers[HELPERS_MAX];
    size_t count = unsynced->fd_count + unsynced->folder_count;
    if (count == 0) {
        return 0;
    }
    /* Writing begins for all of them, so that one commit of the journal serves all. */
    for (size_t i = 0; i < unsynced->fd_count; i++) {
        (void)sync_file_range(unsynced->fds[i], 0, 0, SYNC_FILE_RANGE_WRITE);
    }
    if (unsynced->folder_count > 1) {
        qsort(unsynced->folders, unsynced->folder_count, sizeof(unsynced->folders[0]),
              compare_paths);
    }
    size_t helper_count = start_helpers(&round, MIN(count - 1, (size_t)HELPERS_MAX), helpers);
    sync_some(&round);
    for (size_t i = 0; i < helper_count; i++) {
        (void)pthread_join(helpers[i], NULL);
    }
    return atomic_load(&round.first);
}

/* --- all at once --- */

/* Bytes of the whole machine that wait to be written: what tasks write counts, too. */
static uint64_t dirty_size(void)
{
    char line[128];
    uint64_t total = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    if (file == NULL) {
        return UINT64_MAX;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long long kib;
        if (sscanf(line, "Dirty: %llu kB", &kib) == 1 ||
            sscanf(line, "Writeback: %llu kB", &kib) == 1) {
            total += kib * 1024;
        }
    }
    fclose(file);
    return total;
}

static bool is_on_one_device(const struct files_unsynced *unsynced)
{
    struct stat first;
    struct stat other;
    if (fstat(unsynced->fds[0], &first) != 0) {
        return false;
    }
    for (size_t i = 1; i < unsynced->fd_count; i++) {
        if (fstat(unsynced->fds[i], &other) != 0 || other.st_dev != first.st_dev) {
            return false;
        }
    }
    for (size_t i = 0; i < unsynced->folder_count; i++) {
        bool found = stat(unsynced->folders[i], &other) == 0;
        if (found ? other.st_dev != first.st_dev : errno != ENOENT) {
            return false;
        }
    }
    return true;
}

int files_unsynced_sync(struct files_unsynced *unsynced)
{
    int r;
    size_t count = unsynced->fd_count + unsynced->folder_count;
    if (unsynced->fd_count != 0 && count >= SYNCFS_COUNT_MIN &&
        dirty_size() <= MIN(count * SYNCFS_DIRTY_EACH, SYNCFS_DIRTY_MAX) &&
        is_on_one_device(unsynced)) {
        /* The first that was opened: it tells of errors since then. */
        r = syncfs(unsynced->fds[0]) != 0 ? -errno : 0;
    } else {
        r = sync_each(unsynced);
    }
    forget(unsynced);
    return r;
}
