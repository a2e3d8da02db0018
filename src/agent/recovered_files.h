/*
 * Files of the meta folder, out of the tree that a worker read: finding them, their framing (each
 * message after its size in four bytes, the lowest first), and what damage means (--strict).
 */
#ifndef TEPUI_AGENT_RECOVERED_FILES_H
#define TEPUI_AGENT_RECOVERED_FILES_H

#include <protobuf-c/protobuf-c.h>

#include "common/tree.h"

struct agent;

/* The entry `name` (a path) in the folder, or NULL. */
const struct tree_entry *recovered_files_find(const struct tree *tree,
                                              const struct tree_entry *folder, const char *name);
/* The file's path on disk, in the step's arena. */
const char *recovered_files_path(struct agent *agent, const struct tree_entry *file);

/* The next message's bytes; false at the end, and at one that is not whole. */
bool recovered_files_next(struct slice *rest, struct slice *ret_record);

/* The one message of a file. 0 with NULL if there is no file, or it is empty or damaged and that is
 * only counted; -1 when damage ends the recovery. */
int recovered_files_read(struct agent *agent, const struct tree_entry *file,
                         const ProtobufCMessageDescriptor *desc,
                         ProtobufCMessage **ret_message) WARN_UNUSED;

/* Counts the damage and returns 0, or with --strict asks for the process's end and returns -1. */
int recovered_files_damaged(struct agent *agent, const struct tree_entry *file, const char *why);

#endif
