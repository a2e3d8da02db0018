/*
 * Reads a folder with what is in it into memory (common/tree.h). Blocks: for a worker, or the
 * start.
 */
#ifndef TEPUI_STORE_TREE_READER_H
#define TEPUI_STORE_TREE_READER_H

#include "common/err.h"
#include "common/tree.h"

struct tree_reader_options {
    int depth_max;    /* levels below the root; 0 = all */
    bool names_only;  /* files are not read */
    const char *skip; /* name of folders that are not entered; NULL = none */
};

/* 0, also when there is no such folder: the tree is empty. -errno if a folder cannot be read; what
 * a single file has is told in its entry. */
int tree_reader_read(const char *root, const struct tree_reader_options *options, struct tree *tree,
                     struct err *err) WARN_UNUSED;

#endif
