/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/engine.c - one worker's knowledge, built upon a snapshot.
 */
#include "proxy/core/engine_state.h"

#include "base/check.h"
#include "base/ns.h"

#define ENGINE_BLOCK_BYTES (64u * 1024)

struct engine *engine_new(struct snapshot *snapshot, uint64_t seed)
{
    struct arena arena;
    arena_init(&arena, ENGINE_BLOCK_BYTES, 0);
    struct engine *engine = ARENA_NEW(&arena, struct engine);
    snapshot_hold(snapshot);
    engine->snapshot = snapshot;
    engine->rng_stream = rng_seeded(seed, STR("stream"));
    engine->rng_uuid = rng_seeded(seed, STR("uuid"));
    engine->rng_lb = rng_seeded(seed, STR("lb"));
    engine->rng_fault = rng_seeded(seed, STR("fault"));
    engine->rng_jitter = rng_seeded(seed, STR("jitter"));
    engine->clusters = ARENA_ARRAY(&arena, struct cluster_state, snapshot->cluster_count);
    engine->routers = ARENA_ARRAY(&arena, struct router *, snapshot->route_config_count);
    engine->arena = arena;
    for (uint32_t i = 0; i < snapshot->cluster_count; i++)
        breaker_init(&engine->clusters[i].breaker, &snapshot->clusters[i].breakers);
    /* Tables keep a pointer to the arena they grow in: its last place. */
    for (uint32_t i = 0; i < snapshot->route_config_count; i++)
        engine->routers[i] = router_new(&snapshot->route_configs[i], &engine->arena);
    return engine;
}

void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    snapshot_drop(engine->snapshot);
    struct arena arena = engine->arena;
    arena_fini(&arena);
}

void engine_start(struct engine *engine, int64_t now_ns)
{
    engine->started_ns = now_ns;
}

const struct snapshot *engine_snapshot(const struct engine *engine)
{
    return engine->snapshot;
}

int64_t engine_wake_ns(const struct engine *engine)
{
    (void)engine;
    return NS_NEVER;
}

void engine_step(struct engine *engine, int64_t now_ns)
{
    (void)engine;
    ASSERT(now_ns >= 0);
}

struct rng *engine_rng_stream(struct engine *engine)
{
    return &engine->rng_stream;
}

struct rng *engine_rng_uuid(struct engine *engine)
{
    return &engine->rng_uuid;
}

struct cluster_stats *engine_cluster_stats(struct engine *engine, uint32_t cluster_index)
{
    ASSERT(cluster_index < engine->snapshot->cluster_count);
    return &engine->clusters[cluster_index].stats;
}

struct http_stats *engine_http_stats(struct engine *engine)
{
    return &engine->http_stats;
}

void engine_inherit(struct engine *heir, const struct engine *from)
{
    engine_stats_inherit(heir, from);
    http_stats_add(&heir->http_stats, &from->http_stats, &heir->arena);
    for (uint32_t i = 0; i < from->snapshot->cluster_count; i++) {
        uint32_t index = engine_cluster_index(heir, from->snapshot->clusters[i].name);
        if (index != MAP_NONE)
            cluster_stats_add(&heir->clusters[index].stats, &from->clusters[i].stats, &heir->arena);
    }
}

uint32_t engine_cluster_index(const struct engine *engine, struct str name)
{
    return map_get(&engine->snapshot->cluster_by_name, name);
}

/* The sum over all connection managers. */
static bool read_http(const struct engine *engine, struct str name, uint64_t *value)
{
    uint64_t one;
    if (!http_stats_read(&engine->http_stats, name, value))
        return false;
    for (uint32_t i = 0; i < engine->named.http_count; i++)
        if (http_stats_read(engine->named.https[i].stats, name, &one))
            *value += one;
    return true;
}

bool engine_stat(const struct engine *engine, struct str cluster, struct str name, uint64_t *value)
{
    if (str_eq(cluster, STR("http")))
        return read_http(engine, name, value);
    uint32_t index = engine_cluster_index(engine, cluster);
    return index != MAP_NONE && (cluster_stats_read(&engine->clusters[index].stats, name, value) ||
                                 breaker_gauge(&engine->clusters[index].breaker, name, value));
}

const struct router *engine_router(const struct engine *engine, const struct route_config *config)
{
    ptrdiff_t index = config - engine->snapshot->route_configs;
    ASSERT(index >= 0 && (uint32_t)index < engine->snapshot->route_config_count);
    return engine->routers[index];
}

struct lb *engine_lb(struct engine *engine, uint32_t cluster_index)
{
    struct cluster_state *state = &engine->clusters[cluster_index];
    if (!state->is_lb_ready) {
        const struct cluster *cluster = &engine->snapshot->clusters[cluster_index];
        lb_init(&state->lb, cluster, NULL, &engine->rng_lb, &engine->arena);
        lb_set_since(&state->lb, engine->started_ns);
        state->is_lb_ready = true;
    }
    return &state->lb;
}
