/*
 * The parts of tepui-containerizer: the first process of a container (init_main.c), and the child
 * of it that becomes the command (command.c).
 */
#ifndef TEPUI_CONTAINER_INIT_INIT_H
#define TEPUI_CONTAINER_INIT_INIT_H

#include "container/apply_linux.h"
#include "container/plan.h"

/* Does the steps from `first` on, the last of which is EXEC. Returns only if one fails: -errno. */
int command_run(struct apply *apply, const struct plan *plan, size_t first, struct err *err);

#endif
