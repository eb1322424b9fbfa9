/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/engine_stats.c - see engine_stats.h.
 */
#include "proxy/core/engine_stats.h"

#include <string.h>

#include "base/check.h"
#include "proxy/core/engine_state.h"

/* Envoy's sanitizing of names in counters: "://", ":/" and ":" become "_". */
struct str listener_stats_name(const struct listener *listener, struct arena *arena)
{
    bool is_v6 = str_find(listener->address, ':') != STR_NONE;
    struct str name = arena_format(arena, is_v6 ? "[%.*s]_%u" : "%.*s_%u",
                                   STR_FMT(listener->address), listener->port);
    char *bytes = arena_alloc(arena, name.len);
    for (size_t i = 0; i < name.len; i++)
        bytes[i] = name.ptr[i] == ':' ? '_' : name.ptr[i];
    return (struct str){bytes, name.len};
}

struct listener_stats *engine_listener_stats(struct engine *engine, const struct listener *listener)
{
    struct named_stats *all = &engine->named;
    ptrdiff_t index = listener - engine->snapshot->listeners;
    bool is_ours = index >= 0 && (uint64_t)index < engine->snapshot->listener_count;
    if (!is_ours)
        return &all->foreign_listener;
    if (all->listeners == NULL)
        all->listeners =
            ARENA_ARRAY(&engine->arena, struct listener_stats *, engine->snapshot->listener_count);
    if (all->listeners[index] == NULL) {
        all->listeners[index] = ARENA_NEW(&engine->arena, struct listener_stats);
        all->listeners[index]->name = listener_stats_name(listener, &engine->arena);
    }
    return all->listeners[index];
}

void engine_note_handshake(struct engine *engine, struct ssl_stats **stats,
                           const struct ssl_handshake *handshake)
{
    ssl_stats_note_handshake(stats, handshake, &engine->arena);
}

void engine_note_tls_failure(struct engine *engine, struct ssl_stats **stats,
                             enum tls_failure failure)
{
    ssl_stats_note_failure(stats, failure, &engine->arena);
}

const struct listener_stats *engine_find_listener_stats(const struct engine *engine,
                                                        struct str name)
{
    for (uint32_t i = 0; engine->named.listeners != NULL && i < engine->snapshot->listener_count;
         i++) {
        const struct listener_stats *stats = engine->named.listeners[i];
        if (stats != NULL && str_eq(stats->name, name))
            return stats;
    }
    return NULL;
}

const struct http_stats *engine_find_http_stats(const struct engine *engine, struct str prefix)
{
    for (uint32_t i = 0; i < engine->named.http_count; i++)
        if (str_eq(engine->named.https[i].prefix, prefix))
            return engine->named.https[i].stats;
    return NULL;
}

struct http_stats *engine_http_stats_of(struct engine *engine, struct str prefix)
{
    struct named_stats *all = &engine->named;
    if (prefix.len == 0)
        return &engine->http_stats;
    for (uint32_t i = 0; i < all->http_count; i++)
        if (str_eq(all->https[i].prefix, prefix))
            return all->https[i].stats;
    struct named_http *place =
        ARENA_PUSH(&engine->arena, all->https, all->http_count, all->http_capacity);
    place->prefix = arena_str(&engine->arena, prefix);
    place->stats = ARENA_NEW(&engine->arena, struct http_stats);
    return place->stats;
}

const struct tcp_stats *engine_find_tcp_stats(const struct engine *engine, struct str prefix)
{
    for (uint32_t i = 0; i < engine->named.tcp_count; i++)
        if (str_eq(engine->named.tcps[i]->prefix, prefix))
            return engine->named.tcps[i];
    return NULL;
}

struct tcp_stats *engine_tcp_stats(struct engine *engine, struct str prefix)
{
    struct named_stats *all = &engine->named;
    for (uint32_t i = 0; i < all->tcp_count; i++)
        if (str_eq(all->tcps[i]->prefix, prefix))
            return all->tcps[i];
    struct tcp_stats *stats = ARENA_NEW(&engine->arena, struct tcp_stats);
    stats->prefix = arena_str(&engine->arena, prefix);
    *ARENA_PUSH(&engine->arena, all->tcps, all->tcp_count, all->tcp_capacity) = stats;
    return stats;
}

uint64_t *engine_rbac_stats(struct engine *engine)
{
    return engine->named.rbacs;
}

struct endpoint_stats *engine_endpoint_stats(struct engine *engine, uint32_t cluster_index,
                                             uint32_t endpoint_index)
{
    const struct cluster *cluster = &engine->snapshot->clusters[cluster_index];
    struct cluster_state *state = &engine->clusters[cluster_index];
    if (endpoint_index >= cluster->endpoint_count)
        return &engine->named.foreign_endpoint;
    if (state->endpoint_stats == NULL)
        state->endpoint_stats =
            ARENA_ARRAY(&engine->arena, struct endpoint_stats, cluster->endpoint_count);
    return &state->endpoint_stats[endpoint_index];
}

const struct endpoint_stats *engine_find_endpoint_stats(const struct engine *engine,
                                                        uint32_t cluster_index,
                                                        uint32_t endpoint_index)
{
    const struct cluster_state *state = &engine->clusters[cluster_index];
    return state->endpoint_stats != NULL ? &state->endpoint_stats[endpoint_index] : NULL;
}

struct pool_gauges engine_pool_gauges(const struct engine *engine, uint32_t cluster_index,
                                      uint32_t endpoint_index)
{
    const struct cluster_state *state = &engine->clusters[cluster_index];
    struct pool_gauges sum = {0};
    struct pool **const kinds[] = {state->pools, state->h2_pools};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const struct pool *pool = kinds[i] != NULL ? kinds[i][endpoint_index] : NULL;
        for (; pool != NULL; pool = pool_next(pool)) {
            struct pool_gauges one = pool_gauges(pool);
            sum.connections += one.connections;
            sum.waiters += one.waiters;
            sum.busy += one.busy;
        }
    }
    return sum;
}

static void add_gauges(const struct pool_gauges *more, struct pool_gauges *sum)
{
    sum->connections += more->connections;
    sum->waiters += more->waiters;
    sum->busy += more->busy;
}

struct pool_gauges engine_cluster_gauges(const struct engine *engine, uint32_t cluster_index)
{
    const struct cluster_state *state = &engine->clusters[cluster_index];
    struct pool_gauges sum = {0}, one;
    for (uint32_t i = 0; i < engine->snapshot->clusters[cluster_index].endpoint_count; i++) {
        one = engine_pool_gauges(engine, cluster_index, i);
        add_gauges(&one, &sum);
    }
    for (const struct original_pool *at = state->originals; at != NULL; at = at->next) {
        one = pool_gauges(at->pool);
        add_gauges(&one, &sum);
    }
    return sum;
}

void pool_gauges_add(const struct pool_gauges *gauges, struct str name, uint64_t *value)
{
    if (str_eq(name, STR("upstream_cx_active")))
        *value += gauges->connections;
    else if (str_eq(name, STR("upstream_rq_active")))
        *value += gauges->busy;
    else if (str_eq(name, STR("upstream_rq_pending_active")))
        *value += gauges->waiters;
}

bool stat_is_gauge(struct str name)
{
    static const struct str others[] = {
        STR_INIT("version"),
        STR_INIT("warming_state"),
        STR_INIT("max_host_weight"),
        STR_INIT("membership_total"),
        STR_INIT("membership_healthy"),
        STR_INIT("membership_degraded"),
        STR_INIT("membership_excluded"),
        STR_INIT("downstream_cx_http1_soft_drain"),
        STR_INIT("size"),
        STR_INIT("min_hashes_per_host"),
        STR_INIT("max_hashes_per_host"),
        STR_INIT("min_entries_per_host"),
        STR_INIT("max_entries_per_host"),
    };
    if (str_has_suffix(name, STR("_active")) || str_has_suffix(name, STR("_buffered")) ||
        str_has_suffix(name, STR("_open")) || str_has_prefix(name, STR("remaining_")))
        return true;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (str_eq(others[i], name))
            return true;
    return false;
}

static void reset(uint64_t *counters, uint32_t count, struct str (*name)(uint32_t))
{
    for (uint32_t i = 0; i < count; i++)
        if (!stat_is_gauge(name(i)))
            counters[i] = 0;
}

static void reset_cluster(struct engine *engine, uint32_t index)
{
    struct cluster_state *state = &engine->clusters[index];
    struct cluster_stats *stats = &state->stats;
    size_t status_bytes = (STAT_STATUS_MAX - STAT_STATUS_MIN + 1) * sizeof(uint32_t);
    reset(stats->counters, STAT_CLUSTER_COUNT, stat_cluster_name);
    stats->retried_completed = 0;
    ssl_stats_reset(stats->ssl);
    if (stats->statuses != NULL)
        memset(stats->statuses, 0, status_bytes);
    if (stats->retried_statuses != NULL)
        memset(stats->retried_statuses, 0, status_bytes);
    uint32_t count =
        state->endpoint_stats != NULL ? engine->snapshot->clusters[index].endpoint_count : 0;
    for (uint32_t i = 0; i < count; i++)
        state->endpoint_stats[i] = (struct endpoint_stats){0};
    if (shared_cluster(engine->shared, index)->outlier != NULL)
        outlier_reset_counters(shared_cluster(engine->shared, index)->outlier);
}

static void reset_listener(struct listener_stats *stats)
{
    for (uint32_t i = 0; stats != NULL && i < STAT_LISTENER_COUNT; i++)
        if (i != STAT_LISTENER_downstream_cx_active)
            stats->counters[i] = 0;
    if (stats != NULL)
        ssl_stats_reset(stats->ssl);
}

void engine_reset_counters(struct engine *engine)
{
    struct named_stats *all = &engine->named;
    reset(engine->http_stats.counters, STAT_HTTP_COUNT, stat_http_name);
    for (uint32_t i = 0; i < all->http_count; i++)
        reset(all->https[i].stats->counters, STAT_HTTP_COUNT, stat_http_name);
    for (uint32_t i = 0; i < engine->snapshot->cluster_count; i++)
        reset_cluster(engine, i);
    for (uint32_t i = 0; all->listeners != NULL && i < engine->snapshot->listener_count; i++)
        reset_listener(all->listeners[i]);
    for (uint32_t i = 0; i < all->tcp_count; i++)
        memset(all->tcps[i]->counters, 0, sizeof(all->tcps[i]->counters));
    memset(all->rbacs, 0, sizeof(all->rbacs));
}

static void inherit_listeners(struct engine *heir, const struct engine *from)
{
    for (uint32_t i = 0; i < heir->snapshot->listener_count; i++) {
        struct listener_stats *stats = engine_listener_stats(heir, &heir->snapshot->listeners[i]);
        const struct listener_stats *old = engine_find_listener_stats(from, stats->name);
        if (old == NULL)
            continue;
        for (uint32_t k = 0; k < STAT_LISTENER_COUNT; k++)
            stats->counters[k] += old->counters[k];
        histogram_add(&stats->length_ms, &old->length_ms, &heir->arena);
        ssl_stats_add(&stats->ssl, old->ssl, &heir->arena);
    }
}

void engine_stats_inherit(struct engine *heir, const struct engine *from)
{
    const struct named_stats *old = &from->named;
    for (uint32_t i = 0; i < old->http_count; i++)
        http_stats_add(engine_http_stats_of(heir, old->https[i].prefix), old->https[i].stats,
                       &heir->arena);
    for (uint32_t i = 0; i < old->tcp_count; i++) {
        struct tcp_stats *stats = engine_tcp_stats(heir, old->tcps[i]->prefix);
        for (uint32_t k = 0; k < STAT_TCP_COUNT; k++)
            stats->counters[k] += old->tcps[i]->counters[k];
    }
    for (uint32_t k = 0; k < STAT_RBAC_COUNT; k++)
        heir->named.rbacs[k] += old->rbacs[k];
    if (old->listeners != NULL)
        inherit_listeners(heir, from);
}
