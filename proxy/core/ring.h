/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/ring.h - RING_HASH: a ring of points, Envoy's very same ones.
 *
 * Each endpoint has as many points as its weight; a point is the xxHash64 of
 * "<key>_<i>". Memory is given once, for all endpoints; building in it again
 * (after a change of health) takes none. Source: ENVOY.md 5.4.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define RING_SIZE_MIN UINT64_C(1024)    /* Envoy's minimum_ring_size */
#define RING_SIZE_MAX UINT64_C(8388608) /* its maximum_ring_size, and the limit of both */

/* An endpoint that tables are built of. */
struct hash_host {
    struct str key; /* "10.0.0.1:80" */
    double weight;  /* all together 1 */
    uint32_t endpoint;
};

struct ring_point {
    uint64_t hash;
    uint32_t endpoint;
};

struct ring {
    struct ring_point *points, *scratch;
    uint64_t count, capacity;
    uint64_t size_min;
    uint64_t points_min, points_max; /* of a host; for statistics */
};

/* For hosts of which none ever has less than `weight_min`. */
void ring_init(struct ring *ring, double weight_min, uint64_t size_min, struct arena *arena);
void ring_build(struct ring *ring, const struct hash_host *hosts, uint32_t count);

/* The endpoint of the first point at `hash` or after it; `again` further on
 * when others were refused. UINT32_MAX: the ring is empty. */
uint32_t ring_find(const struct ring *ring, uint64_t hash, uint32_t again);
