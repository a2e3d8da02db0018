/*
 * What the fetcher is told: a mesos.fetcher.FetcherInfo in JSON, handed over in its environment as
 * the original does.
 */
#ifndef TEPUI_CONTAINER_FETCH_PLAN_H
#define TEPUI_CONTAINER_FETCH_PLAN_H

#include <stdbool.h>

#include "common/blob.h"
#include "container/containerizer_options.h"

/* Whether the CommandInfo (or NULL) names anything to fetch. */
bool fetch_plan_is_needed(const struct blob *command);

/* The JSON, owned by the caller. `user` NULL = as the agent. Equal URIs are fetched once. */
char *fetch_plan(const struct containerizer_options *options, const struct blob *command,
                 const char *sandbox, const char *user);

#endif
