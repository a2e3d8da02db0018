/* Unpacks archives with libarchive. */
#ifndef TEPUI_FETCH_FETCH_EXTRACT_H
#define TEPUI_FETCH_FETCH_EXTRACT_H

#include "common/err.h"

/* tar and zip, compressed or not, into the folder; nothing may leave it. */
int fetch_extract(const char *archive, const char *folder, struct err *err) WARN_UNUSED;
/* One gzipped file. */
int fetch_gunzip(const char *from, const char *to, struct err *err) WARN_UNUSED;

#endif
