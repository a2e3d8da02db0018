/*
 * The framework that tepui-execute is: subscribes, launches its task or group on the first offer
 * that is large enough, prints and acknowledges what happens, and ends with the last task. A pure
 * core.
 */
#ifndef TEPUI_CLI_EXECUTE_SCHEDULER_H
#define TEPUI_CLI_EXECUTE_SCHEDULER_H

#include "cli/execute_task.h"
#include "common/duration.h"

struct execute_scheduler;

/* What is to be done behind a step; calls are in order. */
struct execute_actions {
    Pb__Scheduler__Call **calls; /* in the step's arena */
    size_t count;
    struct buf text; /* to be printed */
    bool done;       /* all tasks have ended */
    bool failed;     /* the master said ERROR: printed in `text` */
};

struct execute_scheduler *execute_scheduler_new(const struct execute_task *task,
                                                const char *networks,
                                                int64_t kill_after_ns) WARN_UNUSED;
struct execute_scheduler *execute_scheduler_free(struct execute_scheduler *scheduler);

/* The SUBSCRIBE to begin a stream with. */
Pb__Scheduler__Call *execute_scheduler_subscribe(struct execute_scheduler *scheduler,
                                                 struct arena *arena);
void execute_scheduler_event(struct execute_scheduler *scheduler, int64_t now_ns,
                             const Pb__Scheduler__Event *event, struct arena *arena,
                             struct execute_actions *actions);
/* When --kill_after is over, or TIME_NEVER. */
int64_t execute_scheduler_deadline(const struct execute_scheduler *scheduler);
void execute_scheduler_tick(struct execute_scheduler *scheduler, int64_t now_ns,
                            struct arena *arena, struct execute_actions *actions);

#endif
