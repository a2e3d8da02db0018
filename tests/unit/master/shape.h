/*
 * The shape of JSON: which keys there are, in which order, and of which types their values are. Our
 * answers must have all that recordings of the reference have (golden/), and may have more.
 */
#ifndef TEPUI_TESTS_UNIT_MASTER_SHAPE_H
#define TEPUI_TESTS_UNIT_MASTER_SHAPE_H

#include "../unit.h"

#include "common/arena.h"
#include "common/slice.h"

/* Fails unless every path of the recording is in the text, with a value of the same type and with
 * the keys of each object in the same order. Elements of arrays count as one. `ignored`: paths,
 * ended by NULL, that are left out with all below them, as "/slaves[]/domain"; may be NULL.
 * `ordered` false: the order of keys is not looked at. */
void shape_assert(struct slice text, const char *golden_name, const char *const *ignored,
                  bool ordered);

/* The recording tests/data/golden/master/<name>.json; in the arena. */
struct slice shape_golden(const char *name, struct arena *arena);

#endif
