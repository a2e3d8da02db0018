/*
 * Processes of an executor: spawned by token, watched, and signalled with all that descends from
 * them. The executor is a subreaper, so whatever a task leaves behind stays below the executor.
 */
#ifndef TEPUI_EXECUTOR_EXEC_PROCESS_H
#define TEPUI_EXECUTOR_EXEC_PROCESS_H

#include "executor/exec_io.h"

struct exec_processes;

/* Called for each spawned process that has ended; `output` is what it wrote to a captured stdout.
 */
typedef void exec_process_fn(void *arg, uint64_t token, int wait_status, struct slice output);

struct exec_processes *exec_processes_new(char *const *environment) WARN_UNUSED;
struct exec_processes *exec_processes_free(struct exec_processes *processes);

enum exec_output { EXEC_OUTPUT_INHERIT, EXEC_OUTPUT_TO_STDERR, EXEC_OUTPUT_CAPTURE };

/* In a session of its own. A program that cannot be run says so on stderr and exits with 1, as in
 * the reference. -errno if there is no process to be had. */
int exec_processes_spawn(struct exec_processes *processes, uint64_t token,
                         const struct exec_command *command, enum exec_output output) WARN_UNUSED;
/* To the process and all its descendants; SIGKILL until nothing new is found. */
void exec_processes_signal(struct exec_processes *processes, uint64_t token, int signal_number);
/* Kills it; its end is not told. */
void exec_processes_abandon(struct exec_processes *processes, uint64_t token);
/* To be called on SIGCHLD. */
void exec_processes_reap(struct exec_processes *processes, exec_process_fn *fn, void *arg);

#endif
