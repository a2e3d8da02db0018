/* Unpacks archives with libarchive. */
#ifndef TEPUI_FETCH_FETCH_EXTRACT_H
#define TEPUI_FETCH_FETCH_EXTRACT_H

#include "common/err.h"

/* tar and zip, compressed or not, into the folder, where the process is meanwhile. Nothing is
 * written outside of it: -EIO for ".." and for what lies behind a symbolic link of the archive's.
 */
int fetch_extract(const char *archive, const char *folder, struct err *err) WARN_UNUSED;
/* One gzipped file; -EINVAL if it is none, or not all of one. */
int fetch_gunzip(const char *from, const char *to, struct err *err) WARN_UNUSED;

#endif
