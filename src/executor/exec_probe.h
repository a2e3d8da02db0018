/* A TCP probe: can one connect? (The check of a task's port.) */
#ifndef TEPUI_EXECUTOR_EXEC_PROBE_H
#define TEPUI_EXECUTOR_EXEC_PROBE_H

#include "common/list.h"
#include "net/loop.h"

struct exec_probe;

/* status: 0 = connected, or -errno. The probe is freed by then. */
typedef void exec_probe_fn(void *arg, uint64_t token, int status);

struct exec_probes {
    struct list list; /* of struct exec_probe */
    struct loop *loop;
    exec_probe_fn *fn;
    void *arg;
};

void exec_probes_init(struct exec_probes *probes, struct loop *loop, exec_probe_fn *fn, void *arg);
void exec_probes_deinit(struct exec_probes *probes);
/* target: "tcp://127.0.0.1:80". The end is told from the loop. */
void exec_probe_tcp(struct exec_probes *probes, uint64_t token, const char *target);
void exec_probe_abandon(struct exec_probes *probes, uint64_t token);

#endif
