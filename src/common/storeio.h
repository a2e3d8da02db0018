/*
 * The vocabulary between a core and its files: operations that go out, completions that come back.
 *
 * Operations are performed in order by a worker, many under one sync (design.md: a synced write is
 * about 7 ms). A completion says that this operation and all before it are durable; cores hold what
 * depends on it behind that gate.
 */
#ifndef TEPUI_COMMON_STOREIO_H
#define TEPUI_COMMON_STOREIO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/list.h"

enum store_op_type {
    STORE_REPLACE,  /* write to a temporary name, sync, rename; parents are made */
    STORE_APPEND,   /* append, made if missing; parents are made */
    STORE_TRUNCATE, /* cut the file to `size` bytes */
    STORE_MKDIR,    /* with parents; mode */
    STORE_SYMLINK,  /* `target`; replaces an older link atomically */
    STORE_REMOVE,   /* a file or a whole tree; fine if missing */
    STORE_RENAME,   /* to `target` */
    STORE_CHOWN,    /* the tree at path to uid, gid */
};

struct store_op {
    struct list link;
    enum store_op_type type;
    uint64_t token;     /* comes back in the completion; 0 = none wanted */
    char *path;         /* heap, absolute */
    char *target;       /* heap */
    char *root;         /* MKDIR, REMOVE: below this folder, which begins the path, folders are a
                         * user's: no link is followed there. Heap; NULL = none is */
    struct blob *bytes; /* REPLACE, APPEND */
    uint64_t size;      /* TRUNCATE */
    uint32_t mode;      /* MKDIR, REPLACE, APPEND: permissions; 0 = usual */
    uint32_t uid, gid;  /* CHOWN, and MKDIR with `owned` */
    bool owned;         /* MKDIR: chown what is made */
    bool durable;       /* sync before completing; false = in order, but no sync of its own */
    bool chained;       /* performed only if the one before it was; else its status is ECANCELED */
    bool after_sync;    /* performed only when everything before it is durable */
    bool keeps_folder;  /* REMOVE: only what is in the folder, as of a mount point */
};

struct store_ops {
    struct list list;
};

void store_ops_init(struct store_ops *ops);
void store_ops_deinit(struct store_ops *ops);
/* All take a copy of the path; `bytes` (a reference) is taken over. */
struct store_op *store_replace(struct store_ops *ops, uint64_t token, const char *path,
                               struct blob *bytes);
struct store_op *store_append(struct store_ops *ops, uint64_t token, const char *path,
                              struct blob *bytes);
struct store_op *store_truncate(struct store_ops *ops, uint64_t token, const char *path,
                                uint64_t size);
struct store_op *store_mkdir(struct store_ops *ops, uint64_t token, const char *path,
                             uint32_t mode);
struct store_op *store_symlink(struct store_ops *ops, uint64_t token, const char *path,
                               const char *target);
struct store_op *store_remove(struct store_ops *ops, uint64_t token, const char *path);
struct store_op *store_rename(struct store_ops *ops, uint64_t token, const char *path,
                              const char *target);
struct store_op *store_op_pop(struct store_ops *ops);
struct store_op *store_op_free(struct store_op *op);

struct store_done {
    uint64_t token; /* 0 = one without a token that was to be durable has failed */
    int status;     /* 0 or -errno */
};

#endif
