/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/stats.h - counters, one set for each worker, merged when read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/core/histogram.h"
#include "proxy/core/ssl_stats.h"

enum cluster_stat {
#define CLUSTER(name) STAT_CLUSTER_##name,
#define HTTP(name)
#include "proxy/core/stats.def"
#undef CLUSTER
#undef HTTP
    STAT_CLUSTER_COUNT,
};

enum http_stat {
#define CLUSTER(name)
#define HTTP(name) STAT_HTTP_##name,
#include "proxy/core/stats.def"
#undef CLUSTER
#undef HTTP
    STAT_HTTP_COUNT,
};

/* Those of HTTP stand side by side, from STAT_HTTP_rbac_allowed on. */
enum rbac_stat {
#define X(id, name) STAT_RBAC_##id,
#include "proxy/core/rbac_stats.def"
#undef X
    STAT_RBAC_COUNT,
};

#define STAT_STATUS_MIN 100u
#define STAT_STATUS_MAX 599u

struct cluster_stats {
    uint64_t counters[STAT_CLUSTER_COUNT];
    uint32_t *statuses;         /* upstream_rq_<code>, allocated when one moves; NULL before */
    uint32_t *retried_statuses; /* retry.upstream_rq_<code>, the same */
    uint64_t retried_completed; /* retry.upstream_rq_completed */
    struct ssl_stats *ssl;      /* NULL: nobody has spoken TLS */
    struct histogram connect_ms, length_ms, rq_time; /* upstream_cx_connect_ms, ... */
};

struct http_stats {
    uint64_t counters[STAT_HTTP_COUNT];
    struct histogram length_ms, rq_time; /* downstream_cx_length_ms, downstream_rq_time */
};

/* upstream_rq_<code>, upstream_rq_<n>xx (made when read) and upstream_rq_completed
 * of a response that goes downstream, or under "retry." of one that does not. */
void cluster_stats_note_status(struct cluster_stats *stats, uint32_t status, struct arena *arena);
void cluster_stats_note_retried(struct cluster_stats *stats, uint32_t status, struct arena *arena);

/* What is counted of each status begins anew, as Envoy's does when CDS changes a cluster: its
 * other counters go on. */
void cluster_stats_forget_statuses(struct cluster_stats *stats);
/* Adds another set's values; statuses and histograms grow in `arena`. */
void cluster_stats_add(struct cluster_stats *stats, const struct cluster_stats *more,
                       struct arena *arena);
void http_stats_add(struct http_stats *stats, const struct http_stats *more, struct arena *arena);

/* Envoy's name of a row. */
struct str stat_cluster_name(uint32_t stat);
struct str stat_http_name(uint32_t stat);
struct str stat_rbac_name(uint32_t stat);

/* By Envoy's name ("upstream_rq_503", "upstream_rq_5xx", ...). False when
 * there is no counter of that name. */
bool cluster_stats_read(const struct cluster_stats *stats, struct str name, uint64_t *value);
bool http_stats_read(const struct http_stats *stats, struct str name, uint64_t *value);
