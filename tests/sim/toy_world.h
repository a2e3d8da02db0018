/* The lease service of toy_lease.h as a world for scenarios. */
#ifndef TEPUI_TESTS_SIM_TOY_WORLD_H
#define TEPUI_TESTS_SIM_TOY_WORLD_H

#include "sim/scenario.h"

extern const struct scenario_world toy_lease_world;

#endif
