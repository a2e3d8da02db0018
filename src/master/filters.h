/*
 * Filters of ACCEPT and DECLINE: for how long refused resources stay away.
 */
#ifndef TEPUI_MASTER_FILTERS_H
#define TEPUI_MASTER_FILTERS_H

#include "tepui/allocator.h"
#include "wire/pb.h"

/* 5 s by default and for what is negative or no number, 365 days at most (facts/state_machines.md
 * 1). */
struct allocator_refusal master_filters_refusal(const Pb__Filters *filters);

#endif
