/*
 * Random numbers as data: a small state (xoshiro256**), seeded by the host or by the simulator.
 * Not for secrets.
 */
#ifndef TEPUI_COMMON_PRNG_H
#define TEPUI_COMMON_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state[4]; /* never all zero */
};

void prng_seed(struct prng *prng, uint64_t seed);
uint64_t prng_next(struct prng *prng);
/* Even over 0 .. bound-1; bound > 0. */
uint64_t prng_below(struct prng *prng, uint64_t bound);
/* Even over [0, max_ns]. */
int64_t prng_duration_ns(struct prng *prng, int64_t max_ns);

#endif
