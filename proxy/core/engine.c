/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/engine.c - one worker's knowledge, built upon a snapshot.
 */
#include "proxy/core/engine_state.h"

#include "base/check.h"
#include "base/ns.h"
#include "proxy/core/hash_stats.h"

#define ENGINE_BLOCK_BYTES (64u * 1024)

/* Clusters with outlier detection, for the sweeps. */
static void find_detecting(struct engine *engine)
{
    const struct snapshot *snapshot = engine->snapshot;
    engine->detecting = ARENA_ARRAY(&engine->arena, uint32_t, snapshot->cluster_count);
    engine->detect_ns = NS_NEVER;
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        const struct outlier *outlier = shared_cluster(engine->shared, i)->outlier;
        if (outlier == NULL)
            continue;
        engine->detecting[engine->detecting_count++] = i;
        engine->detect_ns = ns_min(engine->detect_ns, outlier_due_ns(outlier));
    }
    engine->events.arena = &engine->arena;
}

static bool has_own_router(const struct engine *engine, const struct route_config *config)
{
    for (uint32_t i = 0; i < engine->own_router_count; i++) {
        if (engine->own_routers[i].config == config)
            return true;
    }
    return false;
}

/* Of a port's chains, which have the same. */
static void add_own_routers(struct engine *engine, const struct listener *listener)
{
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        const struct http_connection_manager *http = &listener->chains[i].http;
        if (listener->chains[i].kind != CHAIN_HTTP || !http->has_inline_routes ||
            has_own_router(engine, http->routes))
            continue;
        *ARENA_PUSH(&engine->arena, engine->own_routers, engine->own_router_count,
                    engine->own_router_capacity) = (struct own_router){
            .config = http->routes, .router = router_new(http->routes, &engine->arena)};
    }
}

struct engine *engine_new_worker(struct shared *shared, uint64_t seed)
{
    struct snapshot *snapshot = shared_snapshot(shared);
    struct arena arena;
    arena_init(&arena, ENGINE_BLOCK_BYTES, 0);
    struct engine *engine = ARENA_NEW(&arena, struct engine);
    shared_hold(shared);
    engine->shared = shared;
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
        engine->clusters[i].breaker = shared_cluster(shared, i)->breaker;
    /* Tables keep a pointer to the arena they grow in: its last place. */
    for (uint32_t i = 0; i < snapshot->route_config_count; i++)
        engine->routers[i] = router_new(&snapshot->route_configs[i], &engine->arena);
    for (uint32_t i = 0; i < snapshot->listener_count; i++)
        add_own_routers(engine, &snapshot->listeners[i]);
    find_detecting(engine);
    return engine;
}

struct engine *engine_new(struct snapshot *snapshot, uint64_t seed)
{
    struct shared *shared = shared_new(snapshot, NULL, seed, 0);
    struct engine *engine = engine_new_worker(shared, seed);
    shared_drop(shared);
    return engine;
}

void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    shared_drop(engine->shared);
    snapshot_drop(engine->snapshot);
    struct arena arena = engine->arena;
    arena_fini(&arena);
}

struct shared *engine_shared(const struct engine *engine)
{
    return engine->shared;
}

void engine_set_epoch(struct engine *engine, int64_t seconds)
{
    engine->epoch_ns = seconds * NS_SECOND;
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
    return engine->detect_ns == NS_NEVER ? NS_NEVER
                                         : ns_max(engine->detect_ns - engine->epoch_ns, 0);
}

void engine_step(struct engine *engine, int64_t now_ns)
{
    int64_t at_ns = now_ns + engine->epoch_ns;
    ASSERT(now_ns >= 0);
    if (at_ns < engine->detect_ns)
        return;
    engine->detect_ns = NS_NEVER;
    for (uint32_t i = 0; i < engine->detecting_count; i++) {
        struct outlier *outlier = shared_cluster(engine->shared, engine->detecting[i])->outlier;
        if (outlier_due_ns(outlier) <= at_ns)
            outlier_step(outlier, at_ns, &engine->events);
        engine->detect_ns = ns_min(engine->detect_ns, outlier_due_ns(outlier));
    }
}

void engine_set_absent(struct engine *engine, struct str address, bool is_absent, int64_t now_ns)
{
    for (uint32_t i = 0; i < engine->snapshot->cluster_count; i++) {
        const struct cluster *cluster = &engine->snapshot->clusters[i];
        for (uint32_t k = 0; k < cluster->endpoint_count; k++)
            if (str_eq(cluster->endpoints[k].address, address)) {
                lb_set_absent(engine_lb(engine, i), k, is_absent, now_ns);
                shared_set_absent(engine->shared, i, k, is_absent, now_ns + engine->epoch_ns);
            }
    }
}

void engine_init_lb(const struct engine *engine, uint32_t cluster_index, struct lb *lb,
                    struct rng *rng, struct arena *arena)
{
    lb_init(lb, &engine->snapshot->clusters[cluster_index],
            shared_cluster(engine->shared, cluster_index)->health, rng, arena);
    lb_set_since(lb, engine->started_ns);
}

const struct outlier_event *engine_note_result(struct engine *engine, uint32_t cluster_index,
                                               uint32_t endpoint_index, enum outlier_result result,
                                               uint32_t code, int64_t now_ns)
{
    const struct shared_cluster *cluster = shared_cluster(engine->shared, cluster_index);
    if (cluster->outlier == NULL || endpoint_index == LB_NONE)
        return NULL;
    uint32_t before_count = engine->events.count;
    outlier_note_result(cluster->outlier, cluster->hosts[endpoint_index], result, code,
                        now_ns + engine->epoch_ns, &engine->events);
    engine->detect_ns = ns_min(engine->detect_ns, outlier_due_ns(cluster->outlier));
    return engine->events.count > before_count ? &engine->events.items[engine->events.count - 1]
                                               : NULL;
}

uint32_t engine_code_of_grpc(struct str said)
{
    static const uint32_t CODES[] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                     400, 409, 400, 501, 500, 503, 500, 401};
    uint64_t status;
    return str_to_u64(said, COUNT_OF(CODES) - 1, &status) ? CODES[status] : 500;
}

uint32_t engine_code_of(const struct response_head *head, bool is_grpc)
{
    struct str said;
    uint64_t status;
    if (!is_grpc || !header_get(&head->headers, STR("grpc-status"), &said) ||
        !str_to_u64(said, UINT32_MAX, &status))
        return head->status;
    return engine_code_of_grpc(said);
}

const struct outlier_event *engine_note_response(struct engine *engine, uint32_t cluster_index,
                                                 uint32_t endpoint_index,
                                                 const struct response_head *head, bool is_grpc,
                                                 int64_t now_ns)
{
    uint32_t code = engine_code_of(head, is_grpc);
    return engine_note_result(engine, cluster_index, endpoint_index,
                              code >= 500 ? RESULT_EXT_ORIGIN_REQUEST_FAILED
                                          : RESULT_EXT_ORIGIN_REQUEST_SUCCESS,
                              code, now_ns);
}

uint32_t engine_ejected_count(const struct engine *engine, uint32_t cluster_index)
{
    struct outlier *outlier = shared_cluster(engine->shared, cluster_index)->outlier;
    return outlier != NULL ? outlier_view(outlier).ejected_count : 0;
}

bool engine_is_ejected(const struct engine *engine, uint32_t cluster_index, uint32_t endpoint_index)
{
    const struct shared_cluster *own = shared_cluster(engine->shared, cluster_index);
    return own->outlier != NULL &&
           outlier_host_view(own->outlier, own->hosts[endpoint_index]).is_ejected;
}

bool engine_has_event(const struct engine *engine)
{
    return engine->events.count > 0;
}

bool engine_hear_event(struct engine *engine, struct outlier_event *event)
{
    if (engine->events_heard == engine->events.count)
        return false;
    *event = engine->events.items[engine->events_heard++];
    return true;
}

bool engine_next_event(struct engine *engine, struct outlier_event *event)
{
    struct outlier_events *events = &engine->events;
    if (engine->events_taken == events->count && engine->events_heard == events->count) {
        events->count = engine->events_taken = engine->events_heard = 0;
        return false;
    }
    if (engine->events_taken == events->count) {
        return false;
    }
    *event = events->items[engine->events_taken++];
    return true;
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

bool engine_is_kept(const struct engine *engine, uint32_t cluster_index)
{
    return shared_cluster(engine->shared, cluster_index)->is_kept;
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

/* The sum over all listeners. */
static bool read_listeners(const struct engine *engine, struct str name, uint64_t *value)
{
    struct listener_stats *const *all = engine->named.listeners;
    uint64_t one;
    if (!ssl_stats_read(NULL, name, value))
        return false;
    for (uint32_t i = 0; all != NULL && i < engine->snapshot->listener_count; i++)
        if (all[i] != NULL && ssl_stats_read(all[i]->ssl, name, &one))
            *value += one;
    return true;
}

static bool read_shared(const struct engine *engine, uint32_t index, struct str name,
                        uint64_t *value)
{
    const struct shared_cluster *own = shared_cluster(engine->shared, index);
    static const struct outlier_view nothing;
    if (str_eq(name, STR("membership_total"))) {
        *value = shared_member_count(engine->shared, index);
        return true;
    }
    if (str_eq(name, STR("membership_change"))) {
        *value = atomic_load_explicit(&own->change_count, memory_order_relaxed);
        return true;
    }
    if (str_eq(name, STR("membership_healthy"))) {
        *value = shared_healthy_count(engine->shared, index);
        return true;
    }
    if (own->outlier == NULL)
        return outlier_stat(&nothing, name, value) || breaker_gauge(own->breaker, name, value);
    struct outlier_view view = outlier_view(own->outlier);
    return outlier_stat(&view, name, value) || breaker_gauge(own->breaker, name, value);
}

/* The sum over all TCP proxies; "rbac." is that of their filters. */
static bool read_tcp(const struct engine *engine, struct str name, uint64_t *value)
{
    struct str tail = str_has_prefix(name, STR("rbac.")) ? str_from(name, 5) : STR_EMPTY;
    uint64_t one;
    bool is_known = false;
    *value = 0;
    for (uint32_t i = 0; i < STAT_RBAC_COUNT; i++) {
        if (!str_eq(tail, stat_rbac_name(i)))
            continue;
        *value = engine->named.rbacs[i];
        return true;
    }
    for (uint32_t i = 0; i < engine->named.tcp_count; i++) {
        if (!tcp_stats_read(engine->named.tcps[i], name, &one))
            continue;
        *value += one;
        is_known = true;
    }
    return is_known || tcp_stats_read(&(struct tcp_stats){0}, name, value);
}

bool engine_stat(const struct engine *engine, struct str cluster, struct str name, uint64_t *value)
{
    if (str_eq(cluster, STR("http")))
        return read_http(engine, name, value);
    if (str_eq(cluster, STR("listener")))
        return read_listeners(engine, name, value);
    if (str_eq(cluster, STR("tcp")))
        return read_tcp(engine, name, value);
    uint32_t index = engine_cluster_index(engine, cluster);
    if (index == MAP_NONE)
        return false;
    if (!cluster_stats_read(&engine->clusters[index].stats, name, value))
        return read_shared(engine, index, name, value) ||
               hash_gauge_read(engine, index, name, value);
    if (stat_is_gauge(name)) {
        struct pool_gauges gauges = engine_cluster_gauges(engine, index);
        pool_gauges_add(&gauges, name, value);
    }
    return true;
}

bool stat_is_shared(struct str name)
{
    return str_has_prefix(name, STR("outlier_detection.")) ||
           str_has_prefix(name, STR("circuit_breakers.")) ||
           str_has_prefix(name, STR("ring_hash_lb.")) || str_has_prefix(name, STR("maglev_lb.")) ||
           str_has_prefix(name, STR("membership_"));
}

const struct router *engine_router(const struct engine *engine, const struct route_config *config)
{
    /* Of two arrays, so no pointers' difference. */
    size_t index =
        ((uintptr_t)config - (uintptr_t)engine->snapshot->route_configs) / sizeof(*config);
    if (index < engine->snapshot->route_config_count)
        return engine->routers[index];
    for (uint32_t i = 0; i < engine->own_router_count; i++) {
        if (engine->own_routers[i].config == config)
            return engine->own_routers[i].router;
    }
    UNREACHABLE("routes that are no listener's");
}

struct lb *engine_lb(struct engine *engine, uint32_t cluster_index)
{
    struct cluster_state *state = &engine->clusters[cluster_index];
    const struct outlier *outlier = shared_cluster(engine->shared, cluster_index)->outlier;
    /* Whoever sends requests sees to it that the intervals end. */
    if (outlier != NULL)
        engine->detect_ns = ns_min(engine->detect_ns, outlier_due_ns(outlier));
    if (!state->is_lb_ready) {
        engine_init_lb(engine, cluster_index, &state->lb, &engine->rng_lb, &engine->arena);
        state->is_lb_ready = true;
    }
    return &state->lb;
}
