/*
 * What the fetcher is told: a mesos.fetcher.FetcherInfo in JSON, handed over in its environment as
 * the original does.
 */
#ifndef TEPUI_CONTAINER_FETCH_PLAN_H
#define TEPUI_CONTAINER_FETCH_PLAN_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/blob.h"
#include "container/containerizer_options.h"
#include "container/fetch_cache.h"
#include "wire/pb.h"

/* Whether the CommandInfo (or NULL) names anything to fetch. */
bool fetch_plan_is_needed(const struct blob *command);
/* The CommandInfo, which was decoded before; equal URIs are in it once (facts/observed.md, tasks
 * 18). */
Pb__CommandInfo *fetch_plan_decode(const struct blob *command, struct arena *arena);

/* How one URI is fetched: past the cache (NULL), or from or into an entry. */
struct fetch_choice {
    const struct fetch_entry *entry;
    bool download; /* into it */
};

/* The JSON, owned by the caller. `choices` has one item for each URI; `user` NULL = as the
 * agent. */
char *fetch_plan(const struct containerizer_options *options, const Pb__CommandInfo *command,
                 const struct fetch_choice *choices, const char *cache_directory,
                 const char *sandbox, const char *user, struct arena *arena);

#endif
