/* What the main programs of the executors have in common. */
#ifndef TEPUI_EXECUTOR_EXEC_MAIN_H
#define TEPUI_EXECUTOR_EXEC_MAIN_H

#include "executor/exec_host.h"

/* Makes the core from the options that the environment gives, and runs it. Returns the status. */
int exec_main(int argc, char **argv, const char *program,
              void *(*create)(const struct exec_options *options), const struct exec_core_ops *ops);

#endif
