/*
 * Tepui's other programs, as found from this one: beside it, in the folder for daemons beside that
 * one, or in PATH.
 */
#ifndef TEPUI_CLI_PROGRAMS_H
#define TEPUI_CLI_PROGRAMS_H

#include "common/arena.h"

/* The path of "tepui-master" and the like; in the arena. NULL if there is none. */
const char *programs_find(const char *name, struct arena *arena);

#endif
