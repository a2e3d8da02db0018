/* The difference of a story as it is written and as it was played, for people. */
#ifndef TEPUI_TESTS_SIM_SCENARIO_DIFF_H
#define TEPUI_TESTS_SIM_SCENARIO_DIFF_H

#include "common/buf.h"
#include "common/slice.h"

/* Lines that are only written begin with '-', those that were only played with '+', with two lines
 * around them and, where that is further above, the command that they came from. Nothing if both
 * are equal. */
void scenario_diff(struct slice written, struct slice played, struct buf *out);

#endif
