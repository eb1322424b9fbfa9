/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/stats_totals.h - the sums behind a stats_list; for this folder.
 */
#pragma once

#include "proxy/core/engine_stats.h"
#include "proxy/core/shared.h"
#include "proxy/core/hash_stats.h"
#include "proxy/core/stats_list.h"

struct worker_connections {
    uint64_t total, active;
};

struct total_listener {
    struct listener_stats stats;
    struct str http_prefix; /* of its connection manager; empty: none */
    struct worker_connections *workers;
};

struct total_cluster {
    struct cluster_stats stats;
    struct pool_gauges gauges; /* of all its pools */
    struct stats_endpoint *endpoints;
    /* What is shared by the workers: looked at, not summed. NULL: nobody was asked. */
    const struct shared_cluster *shared;
    struct outlier_view outlier; /* with shared->outlier */
    struct hash_gauge hash_gauges[HASH_GAUGES_MAX];
    uint32_t hash_gauge_count;
};

struct total_http {
    struct str prefix;
    struct http_stats stats;
};

struct stats_totals {
    struct total_cluster *clusters;
    struct total_listener *listeners;
    struct total_http *https;
    struct tcp_stats *tcps;
    uint32_t http_count, http_capacity, tcp_count, tcp_capacity;
    struct shared_changes changes;
    uint64_t rbacs[STAT_RBAC_COUNT]; /* of streams */
    bool has_rbacs;                  /* somebody has such filters */
    int64_t now_ns;
};
