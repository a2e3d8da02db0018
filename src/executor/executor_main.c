/* tepui-executor: runs one command as a task. Started by an agent. */
#include "executor/command_executor.h"
#include "executor/exec_main.h"

static void *create(const struct exec_options *options)
{
    return command_executor_new(options);
}

static void step(void *core, const struct now *now, const struct exec_event *event,
                 struct exec_effects *effects)
{
    command_executor_step(core, now, event, effects);
}

static int64_t deadline(const void *core)
{
    return command_executor_deadline(core);
}

static void free_core(void *core)
{
    command_executor_free(core);
}

int main(int argc, char **argv)
{
    static const struct exec_core_ops ops = {step, deadline, free_core};
    return exec_main(argc, argv, "tepui-executor", create, &ops);
}
