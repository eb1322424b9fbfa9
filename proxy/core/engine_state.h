/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/engine_state.h - the inside of an engine, for this folder only.
 */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "proxy/core/breaker.h"
#include "proxy/core/engine.h"
#include "proxy/core/engine_stats.h"
#include "proxy/core/jwt.h"
#include "proxy/core/lb.h"
#include "proxy/core/pool.h"
#include "proxy/core/router.h"
#include "proxy/core/shared.h"

/* Of an ORIGINAL_DST cluster: a place that somebody was going to. As many as a
 * laptop's programs dial; they stay as long as the engine. */
struct original_pool {
    struct original_pool *next;
    struct str address;
    uint32_t port;
    struct pool *pool;
};

/* What the engine keeps of one cluster. */
struct cluster_state {
    struct lb lb;
    bool is_lb_ready;
    struct cluster_stats stats;
    struct original_pool *originals;
    struct pool **pools;                   /* of each endpoint; NULL until asked for */
    struct pool **h2_pools;                /* the same */
    struct endpoint_stats *endpoint_stats; /* the same */
    struct breaker *breaker;               /* of all workers */
};

struct named_http {
    struct str prefix;
    struct http_stats *stats;
};

/* See engine_stats.h. */
struct named_stats {
    struct listener_stats **listeners; /* of the snapshot's; NULL until asked for */
    struct named_http *https;
    struct tcp_stats **tcps;
    uint32_t http_count, http_capacity, tcp_count, tcp_capacity;
    uint64_t rbacs[STAT_RBAC_COUNT]; /* of streams */
    /* What is counted for those that are not the snapshot's; nobody reads them. */
    struct listener_stats foreign_listener;
    struct endpoint_stats foreign_endpoint;
};

/* Routes that a listener has for itself: one of an inbound side for each port. */
struct own_router {
    const struct route_config *config;
    struct router *router;
};

struct engine {
    struct snapshot *snapshot;
    struct shared *shared;
    int64_t epoch_ns;    /* since 1970 at time 0 */
    uint32_t *detecting; /* clusters with outlier detection */
    uint32_t detecting_count;
    int64_t detect_ns;            /* when the first of them is due, since 1970; NS_NEVER */
    struct outlier_events events; /* that nobody has taken yet */
    uint32_t events_taken, events_heard;
    struct arena arena;
    int64_t started_ns;
    struct rng rng_stream, rng_uuid, rng_lb, rng_jitter, rng_fault;
    struct http_stats http_stats; /* of connection managers without a prefix */
    struct named_stats named;
    struct cluster_state *clusters;
    struct engine *successor;    /* succession.h; NULL: nobody has taken over */
    uint32_t *successor_indexes; /* of each cluster, there; MAP_NONE: it did not go on */
    struct router **routers;     /* of each route configuration */
    struct jwt_keys *jwt_keys;   /* of providers that were asked */
    struct own_router *own_routers;
    uint32_t own_router_count, own_router_capacity;
};

/* The router of a route configuration of the snapshot. */
const struct router *engine_router(const struct engine *engine, const struct route_config *config);

/* Balancers are made when first used. */
struct lb *engine_lb(struct engine *engine, uint32_t cluster_index);

struct pool_gauges pool_gauges(const struct pool *pool);
/* The endpoint's next one, of another name; NULL: that was the last. */
const struct pool *pool_next(const struct pool *pool);
/* engine_inherit's part of what has a name. */
void engine_stats_inherit(struct engine *heir, const struct engine *from);
