/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/maglev.h - MAGLEV: Envoy's very same table.
 *
 * Hosts in the order of their keys fill the table in turns, each along its own
 * permutation; a heavier one is more often its turn. Memory is given once.
 * Source: ENVOY.md 5.4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "proxy/core/ring.h"

#define MAGLEV_TABLE_SIZE UINT64_C(65537)       /* Envoy's table_size */
#define MAGLEV_TABLE_SIZE_MAX UINT64_C(5000011) /* its limit */

struct maglev_turn {
    uint64_t offset, skip, next, count;
    double weight, target;
    uint32_t endpoint;
};

struct maglev {
    uint32_t *table; /* endpoints; UINT32_MAX while it is filled */
    uint64_t size;   /* a prime number */
    bool is_empty;
    struct maglev_turn *turns;
    uint64_t entries_min, entries_max; /* of a host; for statistics */
};

void maglev_init(struct maglev *maglev, uint64_t size, uint32_t host_count_max,
                 struct arena *arena);
/* Sorts `hosts`. */
void maglev_build(struct maglev *maglev, struct hash_host *hosts, uint32_t count);

/* UINT32_MAX: the table is empty. */
uint32_t maglev_find(const struct maglev *maglev, uint64_t hash, uint32_t again);
