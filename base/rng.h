/* SPDX-License-Identifier: Apache-2.0
 *
 * base/rng.h - luck, lent: a seeded generator with named streams.
 *
 * xoshiro256** (Blackman and Vigna, public domain algorithm), seeded by
 * splitmix64 over the seed and FNV-1a of the stream's name. Streams of one
 * seed do not disturb each other: a draw added to one shifts no other.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct rng {
    uint64_t s[4];
};

struct rng rng_seeded(uint64_t seed, struct str stream);

/* A seed for something inside this one (a test inside a file), by name. */
uint64_t rng_derive(uint64_t seed, struct str name);

/* 64 even bits. One draw. */
uint64_t rng_next(struct rng *rng);

/* Even in [0, bound), bound >= 1. Envoy's own way: rng_next() % bound, one
 * draw, its bias included. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* Even in [0, 1) with 53 bits. One draw. */
double rng_unit(struct rng *rng);
