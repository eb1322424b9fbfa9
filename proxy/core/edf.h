/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/edf.h - whose turn is it? Earliest deadline first, as Envoy's
 * scheduler: each entry is due 1/weight after its last turn; of those due at
 * once, the one that had its turn first.
 *
 * Entries are numbers from 0; a heap in memory that is given once. Source:
 * ENVOY.md 5.3.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"

struct edf_entry {
    double deadline;
    uint64_t order;
    uint32_t item;
};

struct edf {
    struct edf_entry *heap;
    uint32_t count, capacity;
    uint64_t next_order;
    double now;
};

/* Room for `capacity` entries. */
void edf_init(struct edf *edf, uint32_t capacity, struct arena *arena);

/* A schedule of the entries 0 to count - 1, in which seed % 429496729 picks have
 * been made already; weights are greater than 0. Nothing is due before. */
void edf_start(struct edf *edf, const double *weights, uint32_t count, uint64_t seed);

/* Who is due; there is somebody. Then edf_return with its weight from now on. */
uint32_t edf_take(struct edf *edf);
void edf_return(struct edf *edf, double weight);
