/* Brings the bytes: copies a local file, or downloads with libcurl. */
#ifndef TEPUI_FETCH_FETCH_GET_H
#define TEPUI_FETCH_FETCH_GET_H

#include <stdint.h>

#include "common/err.h"

/* Both write to `to` (made with 0644, replaced if there) and remove it when they fail. */
int fetch_copy(const char *from, const char *to, struct err *err) WARN_UNUSED;
/* Only a final 200 (226 for FTP) counts. Gives up when nothing arrives for stall_timeout_ns. */
int fetch_download(const char *uri, const char *to, int64_t stall_timeout_ns,
                   struct err *err) WARN_UNUSED;
/* With the `hadoop` client: "hadoop fs -copyToLocal". */
int fetch_hadoop(const char *uri, const char *to, struct err *err) WARN_UNUSED;

#endif
