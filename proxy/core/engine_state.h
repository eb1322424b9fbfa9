/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/engine_state.h - the inside of an engine, for this folder only.
 */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "proxy/core/engine.h"
#include "proxy/core/lb.h"
#include "proxy/core/pool.h"
#include "proxy/core/router.h"

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
    struct pool **pools;  /* of each endpoint; NULL until asked for */
    uint32_t retry_count; /* in back-off, or under way without an outcome */
};

struct engine {
    struct snapshot *snapshot;
    struct arena arena;
    struct rng rng_stream, rng_uuid, rng_lb, rng_jitter, rng_fault;
    struct http_stats http_stats;
    struct cluster_state *clusters;
    struct router **routers; /* of each route configuration */
};

/* The router of a route configuration of the snapshot. */
const struct router *engine_router(const struct engine *engine, const struct route_config *config);

/* Balancers are made when first used. */
struct lb *engine_lb(struct engine *engine, uint32_t cluster_index);
