/* Plays the scenarios of the lease service: tests/scenario/lease-*.txt. */
#include "sim/toy_world.h"

int main(int argc, char **argv)
{
    const struct scenario_world *const worlds[] = {&toy_lease_world};
    return scenario_main(argc, argv, worlds, ELEMENTS(worlds));
}
