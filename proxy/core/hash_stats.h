/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/hash_stats.h - how a cluster's hash table is dealt out among its
 * endpoints: cluster.<name>.ring_hash_lb.* and maglev_lb.*.
 *
 * Worked out when they are read, for who is there and healthy at that moment: tables
 * of workers are made when first used. With several priorities it is the last one
 * with endpoints, as Envoy writes one over the other. Source: ENVOY.md 5.4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "proxy/core/engine.h"

#define HASH_GAUGES_MAX 3u

struct hash_gauge {
    struct str scope, name; /* "ring_hash_lb.", "size" */
    uint64_t value;
};

/* How many there are: none when the cluster does not hash. */
uint32_t hash_gauges(const struct engine *engine, uint32_t cluster_index, struct arena *arena,
                     struct hash_gauge out[HASH_GAUGES_MAX]);
/* By the whole name behind the cluster's; false: no such one. */
bool hash_gauge_read(const struct engine *engine, uint32_t cluster_index, struct str name,
                     uint64_t *value);
