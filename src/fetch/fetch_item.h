/* One item of a FetcherInfo: into the sandbox, past the cache or through it. */
#ifndef TEPUI_FETCH_FETCH_ITEM_H
#define TEPUI_FETCH_FETCH_ITEM_H

#include "common/err.h"
#include "wire/pb.h"

int fetch_item(const Pb__Fetcher__FetcherInfo *info, const Pb__Fetcher__FetcherInfo__Item *item,
               struct err *err) WARN_UNUSED;

#endif
