/* SPDX-License-Identifier: Apache-2.0
 *
 * base/rng.c - xoshiro256** and splitmix64, both by Sebastiano Vigna (and
 * David Blackman), who dedicated them to the public domain: prng.di.unimi.it.
 */
#include "base/rng.h"

#include "base/check.h"
#include "base/hash.h"

/* Keeps a derived seed apart from the first word of a stream of that name. */
#define DERIVE_SALT UINT64_C(0x6d657368736565d5)

static uint64_t rotated_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static uint64_t splitmix_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t named_state(uint64_t seed, struct str name)
{
    uint64_t state = seed;
    return splitmix_next(&state) ^ hash_fnv64(name);
}

struct rng rng_seeded(uint64_t seed, struct str stream)
{
    uint64_t state = named_state(seed, stream);
    struct rng rng;
    for (size_t i = 0; i < COUNT_OF(rng.s); i++)
        rng.s[i] = splitmix_next(&state); /* four in a row are never all zero */
    return rng;
}

uint64_t rng_derive(uint64_t seed, struct str name)
{
    uint64_t state = named_state(seed, name) ^ DERIVE_SALT;
    return splitmix_next(&state);
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotated_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated_left(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    ASSERT(bound >= 1);
    uint64_t drawn = rng_next(rng);
    /* The same without a division, where it can be had. */
    return (bound & (bound - 1)) == 0 ? drawn & (bound - 1) : drawn % bound;
}

double rng_unit(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1.0p-53;
}
