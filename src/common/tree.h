/*
 * A folder with everything in it, as a worker read it at the start: how cores see what is on disk
 * without reading files (store/tree_reader.h fills it; the simulator makes it from its own disks).
 *
 * Depth first: a folder comes before what is in it, siblings come in order of their bytes.
 */
#ifndef TEPUI_COMMON_TREE_H
#define TEPUI_COMMON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/slice.h"

/* Most bytes of one file that are read; what is longer is told as -EFBIG. */
#define TREE_FILE_SIZE_MAX (64u << 20)

enum tree_type { TREE_FOLDER, TREE_FILE, TREE_LINK };

struct tree_entry {
    enum tree_type type;
    const char *path;   /* below the root, without a leading slash; in the tree's arena */
    struct slice bytes; /* FILE: what is in it; LINK: where it points */
    int64_t mtime_ns;   /* since the epoch */
    int status;         /* 0, or -errno if it could not be read */
};

struct tree {
    struct tree_entry *entries;
    size_t count;
    size_t capacity;
    struct arena arena; /* owns all text and bytes */
};

void tree_init(struct tree *tree);
void tree_deinit(struct tree *tree); /* idempotent */
/* Copies what it is given. The caller keeps the order. */
struct tree_entry *tree_add(struct tree *tree, enum tree_type type, const char *path,
                            struct slice bytes);

/* The entry with that path, or NULL. */
const struct tree_entry *tree_find(const struct tree *tree, const char *path);
/* Index behind everything that is in the folder at `index`. */
size_t tree_skip(const struct tree *tree, size_t index);
/* The last part of an entry's path. */
const char *tree_name(const struct tree_entry *entry);

#endif
