/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/watches.c - the most that there was at once in a cluster: what
 * its pools hold, looked at between turns.
 */
#include "base/check.h"
#include "proxy/core/engine_stats.h"
#include "testbed/world/play.h"

bool watches_add(struct watches *watches, struct str cluster)
{
    if (watches->count == WATCHES_MAX)
        return false;
    watches->items[watches->count].cluster = cluster;
    watches->items[watches->count++].peaks = (struct play_peaks){0};
    return true;
}

static struct play_peaks held(const struct engine *engine, uint32_t cluster_index)
{
    const struct cluster *cluster = &engine_snapshot(engine)->clusters[cluster_index];
    struct play_peaks now = {0};
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        struct pool_gauges gauges = engine_pool_gauges(engine, cluster_index, i);
        now.connections += gauges.connections;
        now.pending += gauges.waiters;
        now.requests += gauges.busy;
    }
    return now;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

void watches_note(struct watches *watches, const struct engine *engine)
{
    for (uint32_t i = 0; i < watches->count; i++) {
        uint32_t index = engine_cluster_index(engine, watches->items[i].cluster);
        if (index == UINT32_MAX)
            continue;
        struct play_peaks now = held(engine, index), *peaks = &watches->items[i].peaks;
        peaks->connections = larger(peaks->connections, now.connections);
        peaks->pending = larger(peaks->pending, now.pending);
        peaks->requests = larger(peaks->requests, now.requests);
    }
}

uint64_t watches_held(const struct engine *engine)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < engine_snapshot(engine)->cluster_count; i++) {
        struct play_peaks now = held(engine, i);
        sum += now.pending + now.requests;
    }
    return sum;
}

bool watches_peaks(const struct watches *watches, struct str cluster, struct play_peaks *peaks)
{
    for (uint32_t i = 0; i < watches->count; i++) {
        if (!str_eq(watches->items[i].cluster, cluster))
            continue;
        *peaks = watches->items[i].peaks;
        return true;
    }
    return false;
}
