#include "common/prng.h"

#include "common/macro.h"

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* splitmix64 spreads one word over the state, as the generator's authors advise. */
void prng_seed(struct prng *prng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        prng->state[i] = z ^ (z >> 31);
    }
}

uint64_t prng_next(struct prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    ASSERT(bound != 0);
    /* The high half of the product; its bias is below 2^-32 for the bounds that are used here. */
    return (uint64_t)(((unsigned __int128)prng_next(prng) * bound) >> 64);
}

int64_t prng_duration_ns(struct prng *prng, int64_t max_ns)
{
    ASSERT(max_ns >= 0);
    return (int64_t)prng_below(prng, (uint64_t)max_ns + 1);
}
