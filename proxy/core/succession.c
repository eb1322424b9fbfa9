/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/succession.c - see succession.h.
 */
#include "proxy/core/succession.h"

#include "base/check.h"
#include "proxy/core/engine_state.h"
#include "proxy/core/lb_inherit.h"
#include "proxy/core/pool_inside.h"

/* All of `from`'s connections and waiters; `heir` has none yet. */
static void move(struct pool *heir, struct pool *from)
{
    struct arena *arena = &heir->engine->arena;
    ASSERT(heir->conn_count == 0 && heir->waiter_count == 0);
    ASSERT(from->promised_count == 0 && from->failed_count == 0);
    for (uint32_t i = 0; i < from->conn_count; i++)
        *ARENA_PUSH(arena, heir->conns, heir->conn_count, heir->conn_capacity) = from->conns[i];
    heir->connecting_count = from->connecting_count;
    if (from->waiter_count > 0)
        heir->waiters = ARENA_ARRAY(arena, uint32_t, from->waiter_count);
    heir->waiter_capacity = heir->waiter_count = from->waiter_count;
    heir->waiter_head = 0;
    for (uint32_t i = 0; i < from->waiter_count; i++)
        heir->waiters[i] = from->waiters[(from->waiter_head + i) % from->waiter_capacity];
    from->conn_count = from->connecting_count = from->waiter_count = 0;
    from->heir = heir;
}

static bool is_used(const struct pool *pool)
{
    return pool->conn_count > 0 || pool->waiter_count > 0;
}

/* One kind's pools of a cluster, endpoint by endpoint. */
static void move_all(struct engine *heir, struct pool ***heirs, uint32_t heir_index,
                     const struct lb *from, struct pool **pools)
{
    const struct cluster *cluster = &heir->snapshot->clusters[heir_index];
    for (uint32_t i = 0; pools != NULL && i < from->cluster->endpoint_count; i++) {
        if (pools[i] == NULL)
            continue;
        uint32_t index = lb_find_host(cluster, &from->cluster->endpoints[i], i);
        for (struct pool *pool = pools[i]; index != LB_NONE && pool != NULL; pool = pool->next)
            if (is_used(pool))
                move(pool_named(heir, heirs, heir_index, index, pool->name), pool);
    }
}

static void take_over_cluster(struct engine *heir, uint32_t heir_index, struct engine *from,
                              uint32_t index, int64_t now_ns)
{
    struct cluster_state *old = &from->clusters[index];
    struct cluster_state *state = &heir->clusters[heir_index];
    /* Who never chose has no turns, but knows since when endpoints are there. */
    if (!old->is_lb_ready && heir->snapshot->clusters[heir_index].slow_start == NULL &&
        old->originals == NULL)
        return;
    const struct lb *lb = engine_lb(from, index);
    lb_inherit(engine_lb(heir, heir_index), lb, now_ns);
    move_all(heir, &state->pools, heir_index, lb, old->pools);
    move_all(heir, &state->h2_pools, heir_index, lb, old->h2_pools);
    for (struct original_pool *at = old->originals; at != NULL; at = at->next)
        if (is_used(at->pool))
            move(engine_original_pool(heir, heir_index, at->address, at->port, at->pool->is_h2),
                 at->pool);
}

void engine_take_over(struct engine *heir, struct engine *from, int64_t now_ns)
{
    const struct snapshot *snapshot = from->snapshot;
    ASSERT(from->successor == NULL);
    from->successor = heir;
    from->successor_indexes = ARENA_ARRAY(&from->arena, uint32_t, snapshot->cluster_count);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        uint32_t index = engine_cluster_index(heir, snapshot->clusters[i].name);
        bool is_kept = index != MAP_NONE && shared_cluster(heir->shared, index)->is_kept;
        from->successor_indexes[i] = is_kept ? index : MAP_NONE;
        if (is_kept)
            take_over_cluster(heir, index, from, i, now_ns);
        else
            cluster_stats_forget_statuses(&from->clusters[i].stats);
    }
}

void engine_follow(struct engine *older, const struct engine *from, struct engine *heir)
{
    ASSERT(older->successor == from);
    older->successor = heir;
    for (uint32_t i = 0; i < older->snapshot->cluster_count; i++) {
        uint32_t index = older->successor_indexes[i];
        if (index != MAP_NONE)
            older->successor_indexes[i] = from->successor_indexes[index];
    }
}

struct pool *pool_heir(const struct pool *pool)
{
    return pool->heir;
}

bool engine_has_gone_on(const struct engine *engine, uint32_t cluster_index)
{
    return engine->successor != NULL && engine->successor_indexes[cluster_index] != MAP_NONE;
}

struct engine *engine_successor(struct engine *engine, uint32_t cluster_index,
                                uint32_t *successor_index)
{
    *successor_index = cluster_index;
    if (!engine_has_gone_on(engine, cluster_index))
        return engine;
    *successor_index = engine->successor_indexes[cluster_index];
    return engine->successor;
}

struct endpoint_place engine_place(struct engine *engine, const struct endpoint_place *asked)
{
    struct endpoint_place place = *asked;
    place.engine = engine_successor(engine, asked->cluster_index, &place.cluster_index);
    if (place.engine == engine)
        return place;
    place.endpoint_index = lb_find_host(
        &place.engine->snapshot->clusters[place.cluster_index],
        &engine->snapshot->clusters[asked->cluster_index].endpoints[asked->endpoint_index],
        asked->endpoint_index);
    return place.endpoint_index != LB_NONE ? place : *asked;
}

static void inherit_endpoints(struct engine *heir, struct engine *from, uint32_t cluster_index)
{
    const struct endpoint_stats *old = from->clusters[cluster_index].endpoint_stats;
    uint32_t count = old != NULL ? from->snapshot->clusters[cluster_index].endpoint_count : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct endpoint_place asked = {from, cluster_index, i};
        struct endpoint_place place = engine_place(from, &asked);
        if (place.engine != heir)
            continue;
        struct endpoint_stats *stats =
            engine_endpoint_stats(heir, place.cluster_index, place.endpoint_index);
        for (uint32_t k = 0; k < STAT_ENDPOINT_COUNT; k++)
            stats->counters[k] += old[i].counters[k];
    }
}

void engine_inherit(struct engine *heir, struct engine *from)
{
    engine_stats_inherit(heir, from);
    http_stats_add(&heir->http_stats, &from->http_stats, &heir->arena);
    for (uint32_t i = 0; i < from->snapshot->cluster_count; i++) {
        uint32_t index = engine_cluster_index(heir, from->snapshot->clusters[i].name);
        if (index == MAP_NONE)
            continue;
        cluster_stats_add(&heir->clusters[index].stats, &from->clusters[i].stats, &heir->arena);
        inherit_endpoints(heir, from, i);
    }
}
