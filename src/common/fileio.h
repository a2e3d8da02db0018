/*
 * The vocabulary between a core and files that people look into (sandboxes, logs): requests go out,
 * results come back as events. A worker performs them (store/file_reader.h), never the loop.
 *
 * A path is given with the root it must stay below once links are resolved: tasks own their
 * sandboxes and may put any link there.
 */
#ifndef TEPUI_COMMON_FILEIO_H
#define TEPUI_COMMON_FILEIO_H

#include <stdint.h>

#include "common/blob.h"
#include "common/list.h"

/* Most bytes of one read, as the reference (16 pages). */
#define FILE_READ_SIZE_MAX (64 * 1024)
/* Most bytes of a file that is downloaded whole. */
#define FILE_DOWNLOAD_SIZE_MAX (256 << 20)
/* Most entries of one listing. */
#define FILE_ENTRIES_MAX 100000

enum file_request_type {
    FILE_LIST,     /* the entries of a folder, by name */
    FILE_READ,     /* a piece of a file, and its size */
    FILE_DOWNLOAD, /* the whole file */
};

struct file_request {
    struct list link;
    enum file_request_type type;
    uint64_t token;   /* comes back in the result */
    char *root;       /* heap; real path that must not be left */
    char *path;       /* heap; root, or something below it */
    int64_t offset;   /* READ; -1 = only the size is asked for */
    int64_t size_max; /* READ: bytes wanted; at most FILE_READ_SIZE_MAX are given */
};

struct file_requests {
    struct list list;
};

struct file_entry {
    char *name;    /* heap; without the folder */
    uint32_t mode; /* as stat has it, with the type */
    uint64_t link_count;
    int64_t size;
    int64_t mtime_ns; /* since the epoch */
    char *user;       /* heap; the number where there is no name */
    char *group;      /* heap; the same */
};

struct file_result {
    uint64_t token;
    int status;         /* 0; -ENOENT; -EISDIR, -ENOTDIR; -EPERM: leaves the root; other -errno */
    int64_t size;       /* READ: of the whole file */
    struct blob *bytes; /* READ, DOWNLOAD */
    struct file_entry *entries; /* LIST: heap, ascending by name */
    size_t entry_count;
};

void file_requests_init(struct file_requests *requests);
void file_requests_deinit(struct file_requests *requests);
/* Takes copies of the paths. */
struct file_request *file_request_add(struct file_requests *requests, enum file_request_type type,
                                      uint64_t token, const char *root, const char *path);
struct file_request *file_request_pop(struct file_requests *requests);
struct file_request *file_request_free(struct file_request *request);

void file_result_deinit(struct file_result *result); /* idempotent */

#endif
