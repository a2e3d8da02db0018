/* Plays the stories of the cluster: tests/scenario/cluster-*.txt. */
#include "sim/cluster_story.h"

int main(int argc, char **argv)
{
    const struct scenario_world *const worlds[] = {&cluster_story_world};
    return scenario_main(argc, argv, worlds, ELEMENTS(worlds));
}
