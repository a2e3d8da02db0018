/*
 * The scene of the recordings (tests/data/golden): two agents with attributes and reservations;
 * frameworks of different roles, with labels; a running task with a health check, one that
 * finished, one of a custom executor, and one of a framework that is gone.
 */
#ifndef TEPUI_TESTS_UNIT_MASTER_GOLDEN_SCENE_H
#define TEPUI_TESTS_UNIT_MASTER_GOLDEN_SCENE_H

#include "harness.h"

#define SCENE_ONE "slave(1)@127.0.0.1:42229"
#define SCENE_TWO "slave(1)@127.0.0.1:38851"

struct golden_scene {
    struct harness *h;
    const char *one; /* ids of the agents */
    const char *two;
    struct scene_framework gone;
    struct scene_framework blue;
    struct scene_framework green;
    uint64_t watcher; /* SUBSCRIBE of the operator API, from the beginning */
};

/* `change` may change the options before; NULL = not. */
struct golden_scene golden_scene_new(void (*change)(struct master_options *options));
void golden_scene_free(struct golden_scene *scene);

/* A call of the operator API in JSON; its handle. */
uint64_t scene_operator(struct harness *h, const char *accept, const char *json);
/* The answer to it, in JSON; status 200 is asserted. */
struct slice scene_operator_json(struct harness *h, const char *json);
/* The answer to a GET; status 200 is asserted. */
struct slice scene_get(struct harness *h, const char *path);

#endif
