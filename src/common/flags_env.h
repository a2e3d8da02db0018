/*
 * What of reading flags touches the system: the files that values name. A file of its own, so that
 * the rest of src/common is seen to be pure.
 */
#ifndef TEPUI_COMMON_FLAGS_ENV_H
#define TEPUI_COMMON_FLAGS_ENV_H

#include "common/arena.h"
#include "common/err.h"

/* Bytes of a file that a flag names; larger ones are refused. */
#define FLAGS_FILE_SIZE_MAX (16 * 1024 * 1024)

/* The whole file as text in the arena, without line ends behind the last line: 0, or -errno
 * (-EFBIG above the limit, -EINVAL if it holds a zero byte). */
int flags_env_read(const char *path, struct arena *arena, const char **ret_text,
                   struct err *err) WARN_UNUSED;

#endif
