/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/envoy_stats.h - all counters and gauges of an Envoy, as they were at one
 * moment: hundreds of questions, one answer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"

struct envoy_stat_line {
    struct str name; /* "cluster.NAME.COUNTER" */
    uint64_t value;
};

struct envoy_stats {
    struct arena arena;
    struct envoy_stat_line *items;
    uint32_t count, capacity;
    struct map by_name;
    uint64_t moment; /* the asker's own; 0: nothing was read */
};

/* Reads them anew unless they are of this moment (1 or more). `admin`: "127.0.0.1:PORT". */
void envoy_stats_keep(struct envoy_stats *stats, struct str admin, uint64_t moment);
/* Of a cluster by its name; "http", "tcp" and "listener" are the sum over all connection
 * managers, over all TCP proxies and their filters, over all listeners. False: there is no such
 * counter. */
bool envoy_stats_find(struct envoy_stats *stats, struct str owner, struct str name,
                      uint64_t *value);
void envoy_stats_fini(struct envoy_stats *stats);
