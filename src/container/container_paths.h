/*
 * Where a container's things are: below runtime_dir, work_dir and in cgroup hierarchies, with the
 * original's layout (golden/on_disk.md; facts/observed.md, containers 2 and 11).
 */
#ifndef TEPUI_CONTAINER_CONTAINER_PATHS_H
#define TEPUI_CONTAINER_CONTAINER_PATHS_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"
#include "container/container.h"

/* One name of a path: no ".", no "/", not empty, nothing that a folder cannot be called. */
#define CONTAINER_NAME_SIZE_MAX 242

/* Whether a path is "a", "a.b" ... of such names, at most CONTAINER_DEPTH_MAX. */
bool container_paths_valid(const char *path) WARN_UNUSED;
/* "a.b" of "a.b.c" into ret; false for a top-level one. */
bool container_paths_parent(const char *path, char ret[CONTAINER_PATH_SIZE]);
int container_paths_depth(const char *path); /* 1 = top level */
/* Whether `path` is below `above` ("a.b.c" is below "a"). */
bool container_paths_below(const char *path, const char *above);

/* <runtime_dir>/containers/a/containers/b */
void container_paths_runtime(const char *runtime_dir, const char *path, struct buf *out);
/* "a/mesos/b", below the root of a hierarchy */
void container_paths_cgroup(const char *path, struct buf *out);
/* <sandbox of a>/containers/b for "a.b" */
void container_paths_sandbox(const char *top_sandbox, const char *path, struct buf *out);
/* The sandbox of "a" from that of "a.b"; false if that does not end as it would. */
bool container_paths_top_sandbox(const char *sandbox, const char *path, struct buf *out);
/* "a.b" from "a/mesos/b", with or without "/leaf" behind; false if it is none. */
bool container_paths_from_cgroup(struct slice cgroup, char ret[CONTAINER_PATH_SIZE]);

#endif
