/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/stats_list.h - every counter, gauge and histogram of one proxy by
 * Envoy's names: gathered from the workers' engines, then printed.
 *
 * A statistic's name is made of scopes: "cluster.NAME.", "http.PREFIX.",
 * "listener.ADDRESS.", "tcp.PREFIX." and what follows. Prometheus makes labels
 * of the names in them.
 *
 *     list = stats_list_new(snapshot, worker_count, &arena);
 *     stats_list_gather(list, engine, worker, now_ns)    for each engine, on its thread
 *     stats_list_finish(list)
 *     stats_list_text / _json / _prometheus
 *
 * Source: ENVOY.md 12.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/regex.h"
#include "proxy/core/engine_stats.h"
#include "proxy/core/outlier.h"
#include "proxy/model/snapshot.h"

enum stat_kind { STAT_COUNTER, STAT_GAUGE, STAT_HISTOGRAM };

#define STAT_LABELS_MAX 2u

struct stat_label {
    struct str name, value;
};

struct stat_item {
    struct str name;   /* cluster.x.upstream_rq_503 */
    struct str family; /* cluster_upstream_rq, for Prometheus, without "envoy_" */
    struct stat_label labels[STAT_LABELS_MAX + 1]; /* the response code's goes first */
    uint32_t label_count;
    enum stat_kind kind;
    uint64_t value;
    const struct histogram *histogram;
    bool is_used; /* it has moved */
};

struct stats_list {
    struct arena *arena;
    const struct snapshot *snapshot;
    uint32_t worker_count;
    struct stats_totals *totals;
    struct stat_item *items; /* after stats_list_finish: sorted by name */
    uint32_t count, capacity;
};

struct stats_list *stats_list_new(const struct snapshot *snapshot, uint32_t worker_count,
                                  struct arena *arena);
/* Adds what one engine counted. Engines of other snapshots are matched by name. */
void stats_list_gather(struct stats_list *list, const struct engine *engine, uint32_t worker,
                       int64_t now_ns);
/* A counter or gauge of the process: server.uptime. */
void stats_list_put(struct stats_list *list, struct str name, enum stat_kind kind, uint64_t value);
void stats_list_finish(struct stats_list *list);

/* What of it is wanted. */
struct stats_filter {
    bool is_used_only;
    const struct regex *regex; /* NULL: all; a part of the name must match */
    bool is_inverted;
    bool has_kind;
    enum stat_kind kind;
};

bool stats_filter_takes(const struct stats_filter *filter, const struct stat_item *item);

/* The formats of /stats, whole. */
void stats_list_text(const struct stats_list *list, const struct stats_filter *filter,
                     struct buf *out);
void stats_list_json(const struct stats_list *list, const struct stats_filter *filter,
                     struct buf *out);
void stats_list_prometheus(const struct stats_list *list, const struct stats_filter *filter,
                           struct buf *out);

/* Gathered numbers of a cluster's endpoint, for /clusters. */
struct stats_endpoint {
    uint64_t counters[STAT_ENDPOINT_COUNT];
    struct pool_gauges gauges;
    struct outlier_host_view health;
};
/* NULL: the cluster ejects nobody. */
const struct outlier_view *stats_list_outlier(const struct stats_list *list,
                                              uint32_t cluster_index);
const struct stats_endpoint *stats_list_endpoint(const struct stats_list *list,
                                                 uint32_t cluster_index, uint32_t endpoint_index);
