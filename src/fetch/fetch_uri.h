/*
 * What a URI of a task means: where it is taken from and under which name it lands in the sandbox
 * (facts/observed.md, tasks 18). Pure.
 */
#ifndef TEPUI_FETCH_FETCH_URI_H
#define TEPUI_FETCH_FETCH_URI_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"

enum fetch_source { FETCH_LOCAL, FETCH_NET, FETCH_HADOOP };

/* Which of the three; for FETCH_LOCAL also the path, with frameworks_home (may be NULL) before a
 * relative one. -EINVAL for an empty URI, one with spaces or quotes, file:// with a host, or a
 * relative path without a home. */
int fetch_uri_source(const char *uri, const char *frameworks_home, enum fetch_source *ret_source,
                     struct buf *ret_path, struct err *err) WARN_UNUSED;

/* The last part of the URI's path; what follows '?' is part of it, as in the reference. -EINVAL if
 * there is none. */
int fetch_uri_basename(const char *uri, struct slice *ret_name, struct err *err) WARN_UNUSED;

/* An output_file must be relative and stay in the sandbox. */
int fetch_uri_check_output(const char *output_file, struct err *err) WARN_UNUSED;

enum fetch_archive { FETCH_NO_ARCHIVE, FETCH_ARCHIVE, FETCH_GZIP };

/* By the name alone. */
enum fetch_archive fetch_uri_archive(struct slice name);

#endif
