/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/stats_list.c - the numbers of all workers are summed.
 */
#include "proxy/core/stats_list.h"

#include "base/check.h"
#include "base/map.h"
#include "proxy/core/engine_state.h"
#include "proxy/core/lb_inherit.h"
#include "proxy/core/stats_totals.h"
#include "proxy/core/succession.h"

/* --- who is there ------------------------------------------------------------ */

static void know_http(struct stats_list *list, struct str prefix)
{
    struct stats_totals *totals = list->totals;
    for (uint32_t i = 0; i < totals->http_count; i++)
        if (str_eq(totals->https[i].prefix, prefix))
            return;
    struct total_http *http =
        ARENA_PUSH(list->arena, totals->https, totals->http_count, totals->http_capacity);
    http->prefix = prefix;
}

static void know_tcp(struct stats_list *list, struct str prefix)
{
    struct stats_totals *totals = list->totals;
    for (uint32_t i = 0; i < totals->tcp_count; i++)
        if (str_eq(totals->tcps[i].prefix, prefix))
            return;
    struct tcp_stats *tcp =
        ARENA_PUSH(list->arena, totals->tcps, totals->tcp_count, totals->tcp_capacity);
    tcp->prefix = prefix;
}

static void know_chain(struct stats_list *list, struct total_listener *listener,
                       const struct filter_chain *chain)
{
    switch (chain->kind) {
    case CHAIN_HTTP:
        know_http(list, chain->http.stat_prefix);
        listener->http_prefix = chain->http.stat_prefix;
        return;
    case CHAIN_TCP:
        know_tcp(list, chain->tcp.stat_prefix);
        list->totals->has_rbacs |= chain->security != NULL;
        return;
    }
    UNREACHABLE("filter_chain_kind");
}

static void know_listener(struct stats_list *list, uint32_t index)
{
    const struct listener *from = &list->snapshot->listeners[index];
    struct total_listener *listener = &list->totals->listeners[index];
    listener->stats.name = listener_stats_name(from, list->arena);
    listener->workers = ARENA_ARRAY(list->arena, struct worker_connections, list->worker_count);
    for (uint32_t i = 0; i < from->chain_count; i++)
        know_chain(list, listener, &from->chains[i]);
    if (from->default_chain != NULL)
        know_chain(list, listener, from->default_chain);
}

static struct stats_endpoint *new_endpoints(const struct cluster *cluster, struct arena *arena)
{
    struct stats_endpoint *all = ARENA_ARRAY(arena, struct stats_endpoint, cluster->endpoint_count);
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        all[i].health.success_rates[ORIGIN_EXTERNAL] = all[i].health.success_rates[ORIGIN_LOCAL] =
            -1;
    return all;
}

struct stats_list *stats_list_new(const struct snapshot *snapshot, uint32_t worker_count,
                                  struct arena *arena)
{
    struct stats_list *list = ARENA_NEW(arena, struct stats_list);
    *list = (struct stats_list){.arena = arena, .snapshot = snapshot, .worker_count = worker_count};
    list->totals = ARENA_NEW(arena, struct stats_totals);
    list->totals->clusters = ARENA_ARRAY(arena, struct total_cluster, snapshot->cluster_count);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++)
        list->totals->clusters[i].endpoints = new_endpoints(&snapshot->clusters[i], arena);
    list->totals->listeners = ARENA_ARRAY(arena, struct total_listener, snapshot->listener_count);
    for (uint32_t i = 0; i < snapshot->listener_count; i++)
        know_listener(list, i);
    return list;
}

/* --- gathering ---------------------------------------------------------------- */

/* Of the engine's cluster `from_index`, whose endpoints another snapshot's cluster knows if
 * it goes on there. */
static void gather_endpoints(struct stats_list *list, const struct engine *engine,
                             uint32_t from_index, uint32_t index)
{
    const struct cluster *from = &engine->snapshot->clusters[from_index];
    const struct cluster *cluster = &list->snapshot->clusters[index];
    struct total_cluster *total = &list->totals->clusters[index];
    for (uint32_t i = 0; i < from->endpoint_count; i++) {
        uint32_t place = from == cluster ? i : lb_find_host(cluster, &from->endpoints[i], i);
        if (place == LB_NONE)
            continue;
        struct stats_endpoint *endpoint = &total->endpoints[place];
        struct pool_gauges gauges = engine_pool_gauges(engine, from_index, i);
        const struct endpoint_stats *stats = engine_find_endpoint_stats(engine, from_index, i);
        endpoint->gauges.connections += gauges.connections;
        endpoint->gauges.waiters += gauges.waiters;
        endpoint->gauges.busy += gauges.busy;
        for (uint32_t k = 0; stats != NULL && k < STAT_ENDPOINT_COUNT; k++)
            endpoint->counters[k] += stats->counters[k];
    }
}

/* Once, from whoever is asked first. */
static void gather_shared(struct stats_list *list, const struct engine *engine, uint32_t index)
{
    struct total_cluster *total = &list->totals->clusters[index];
    total->shared = shared_cluster(engine->shared, index);
    total->hash_gauge_count = hash_gauges(engine, index, list->arena, total->hash_gauges);
    if (total->shared->outlier == NULL)
        return;
    total->outlier = outlier_view(total->shared->outlier);
    for (uint32_t i = 0; i < list->snapshot->clusters[index].endpoint_count; i++)
        total->endpoints[i].health =
            outlier_host_view(total->shared->outlier, total->shared->hosts[i]);
}

static void gather_clusters(struct stats_list *list, const struct engine *engine)
{
    const struct snapshot *from = engine->snapshot;
    for (uint32_t i = 0; i < from->cluster_count; i++) {
        uint32_t index = map_get(&list->snapshot->cluster_by_name, from->clusters[i].name);
        if (index == MAP_NONE)
            continue;
        cluster_stats_add(&list->totals->clusters[index].stats, &engine->clusters[i].stats,
                          list->arena);
        struct pool_gauges gauges = engine_cluster_gauges(engine, i);
        list->totals->clusters[index].gauges.connections += gauges.connections;
        list->totals->clusters[index].gauges.waiters += gauges.waiters;
        list->totals->clusters[index].gauges.busy += gauges.busy;
        bool is_current = from == list->snapshot;
        if (is_current || engine_has_gone_on(engine, i))
            gather_endpoints(list, engine, i, index);
        if (is_current && list->totals->clusters[index].shared == NULL)
            gather_shared(list, engine, index);
    }
}

static void gather_listeners(struct stats_list *list, const struct engine *engine, uint32_t worker)
{
    for (uint32_t i = 0; i < list->snapshot->listener_count; i++) {
        struct total_listener *total = &list->totals->listeners[i];
        const struct listener_stats *stats = engine_find_listener_stats(engine, total->stats.name);
        if (stats == NULL)
            continue;
        for (uint32_t k = 0; k < STAT_LISTENER_COUNT; k++)
            total->stats.counters[k] += stats->counters[k];
        histogram_add(&total->stats.length_ms, &stats->length_ms, list->arena);
        ssl_stats_add(&total->stats.ssl, stats->ssl, list->arena);
        total->workers[worker].total += stats->counters[STAT_LISTENER_downstream_cx_total];
        total->workers[worker].active += stats->counters[STAT_LISTENER_downstream_cx_active];
    }
}

void stats_list_gather(struct stats_list *list, const struct engine *engine, uint32_t worker,
                       int64_t now_ns)
{
    struct stats_totals *totals = list->totals;
    ASSERT(worker < list->worker_count);
    if (now_ns > totals->now_ns)
        totals->now_ns = now_ns;
    if (engine->snapshot == list->snapshot)
        totals->changes = shared_changes(engine->shared);
    gather_clusters(list, engine);
    gather_listeners(list, engine, worker);
    for (uint32_t i = 0; i < totals->http_count; i++) {
        struct str prefix = totals->https[i].prefix;
        const struct http_stats *stats =
            prefix.len == 0 ? &engine->http_stats : engine_find_http_stats(engine, prefix);
        if (stats != NULL)
            http_stats_add(&totals->https[i].stats, stats, list->arena);
    }
    for (uint32_t i = 0; i < totals->tcp_count; i++) {
        const struct tcp_stats *stats = engine_find_tcp_stats(engine, totals->tcps[i].prefix);
        for (uint32_t k = 0; stats != NULL && k < STAT_TCP_COUNT; k++)
            totals->tcps[i].counters[k] += stats->counters[k];
    }
    for (uint32_t k = 0; k < STAT_RBAC_COUNT; k++)
        totals->rbacs[k] += engine->named.rbacs[k];
}

const struct outlier_view *stats_list_outlier(const struct stats_list *list, uint32_t cluster_index)
{
    const struct total_cluster *total = &list->totals->clusters[cluster_index];
    return total->shared != NULL && total->shared->outlier != NULL ? &total->outlier : NULL;
}

const struct stats_endpoint *stats_list_endpoint(const struct stats_list *list,
                                                 uint32_t cluster_index, uint32_t endpoint_index)
{
    return &list->totals->clusters[cluster_index].endpoints[endpoint_index];
}
