/*
 * Who waits for a new leader: questions to a master (COLLEGE_WATCH) whose answers are held back,
 * the oldest first. Internal to src/election.
 */
#ifndef TEPUI_ELECTION_WATCHERS_H
#define TEPUI_ELECTION_WATCHERS_H

#include "common/duration.h"
#include "common/list.h"
#include "common/map.h"

/* Of one master; whoever comes then is answered at once, and asks again after a while. */
#define WATCHERS_MAX 50000

struct watcher {
    struct list link;
    struct map_link map_link;
    uint64_t handle;
    uint64_t number;  /* the highest that it knows */
    uint64_t stamp;   /* of its question */
    int64_t until_ns; /* when it is answered without news; in the order of the list */
};

struct watchers {
    struct list list;
    struct map by_handle;
    size_t count;
};

void watchers_init(struct watchers *watchers, uint64_t seed);
void watchers_deinit(struct watchers *watchers);

/* A copy; no other has its handle, none waits for longer (asserts), and there is room. */
void watchers_add(struct watchers *watchers, const struct watcher *watcher);
struct watcher *watchers_find(const struct watchers *watchers, uint64_t handle);
void watchers_remove(struct watchers *watchers, struct watcher *watcher);
void watchers_forget(struct watchers *watchers, uint64_t handle); /* fine if there is none */
/* When the first has waited for long; TIME_NEVER without any. */
int64_t watchers_deadline(const struct watchers *watchers);

#endif
