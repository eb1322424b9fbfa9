/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/pool.c - the HTTP connections to one endpoint.
 */
#include "proxy/core/pool.h"

#include <string.h>

#include "base/check.h"
#include "proxy/core/engine_state.h"
#include "proxy/core/pool_inside.h"
#include "proxy/core/succession.h"

/* Envoy's max_concurrent_streams, where the cluster says nothing. */
#define STREAMS_MAX 1024u
/* Envoy's, of a connection that carries many at once. */
#define H2_REQUESTS_MAX (UINT32_C(1) << 29)

static void count(struct pool *pool, enum cluster_stat stat)
{
    pool->stats->counters[stat]++;
}

static inline struct pool_conn *find(const struct pool *pool, uint32_t conn)
{
    for (uint32_t i = pool->conn_count; i-- > 0;)
        if (pool->conns[i].number == conn)
            return &pool->conns[i];
    return NULL;
}

static void forget(struct pool *pool, struct pool_conn *conn)
{
    uint32_t index = (uint32_t)(conn - pool->conns);
    breaker_give(pool->breaker, BREAKER_CONNECTIONS);
    if (conn->state == CONN_CONNECTING)
        pool->connecting_count--;
    for (uint32_t i = index + 1; i < pool->conn_count; i++)
        pool->conns[i - 1] = pool->conns[i];
    pool->conn_count--;
}

/* The breaker has let it in. */
static void push_waiter(struct pool *pool, uint32_t waiter)
{
    if (pool->waiter_count == pool->waiter_capacity) {
        uint32_t capacity = pool->waiter_capacity != 0 ? pool->waiter_capacity * 2 : 8;
        uint32_t *ring = ARENA_ARRAY(&pool->engine->arena, uint32_t, capacity);
        for (uint32_t i = 0; i < pool->waiter_count; i++)
            ring[i] = pool->waiters[(pool->waiter_head + i) % pool->waiter_capacity];
        pool->waiters = ring;
        pool->waiter_head = 0;
        pool->waiter_capacity = capacity;
    }
    pool->waiters[(pool->waiter_head + pool->waiter_count++) % pool->waiter_capacity] = waiter;
}

static uint32_t pop_waiter(struct pool *pool)
{
    if (pool->waiter_count == 0)
        return POOL_NONE;
    uint32_t waiter = pool->waiters[pool->waiter_head];
    pool->waiter_head = (pool->waiter_head + 1) % pool->waiter_capacity;
    pool->waiter_count--;
    breaker_give(pool->breaker, BREAKER_PENDING);
    return waiter;
}

/* Of one connection; 0: any number. */
static uint32_t requests_max(const struct pool *pool)
{
    uint32_t max = pool->cluster->requests_per_connection_max;
    return max == 0 && pool->is_h2 ? H2_REQUESTS_MAX : max;
}

/* The breaker has let it in. */
static inline void begin_request(struct pool *pool, struct pool_conn *conn)
{
    conn->request_count++;
    conn->stream_count++;
    if (!pool->is_h2 || conn->stream_count >= conn->streams_max)
        conn->state = CONN_BUSY;
    if (conn->request_count == requests_max(pool)) {
        count(pool, STAT_CLUSTER_upstream_cx_max_requests);
        if (pool->is_h2)
            conn->state = CONN_DONE;
    }
    count(pool, STAT_CLUSTER_upstream_rq_total);
    if (pool->endpoint_index != LB_NONE)
        lb_note_begin(pool->lb, pool->endpoint_index);
}

static inline void end_request(struct pool *pool, struct pool_conn *conn)
{
    ASSERT(conn->stream_count > 0);
    conn->stream_count--;
    breaker_give(pool->breaker, BREAKER_REQUESTS);
    if (pool->endpoint_index != LB_NONE)
        lb_note_end(pool->lb, pool->endpoint_index);
}

/* No connection of the pool's own is there or coming: then one is opened
 * whatever the limit, as nobody else would ever serve who waits here. */
static bool may_connect(struct pool *pool)
{
    if (breaker_take(pool->breaker, BREAKER_CONNECTIONS))
        return true;
    count(pool, STAT_CLUSTER_upstream_cx_overflow);
    if (pool->conn_count > 0)
        return false;
    breaker_force(pool->breaker, BREAKER_CONNECTIONS);
    return true;
}

/* That one connection is used for, whatever its peer allows. */
static uint32_t streams_max(const struct pool *pool)
{
    return pool->cluster->streams_max != 0 ? pool->cluster->streams_max : STREAMS_MAX;
}

static void refuse_waiting(struct pool *pool)
{
    pool->failed_count = pool->waiter_count;
    pool->is_overflowing = true;
}

/* Somebody waits, and the connection gets the request, or nobody may have it. */
static uint32_t serve_waiter(struct pool *pool, struct pool_conn *conn)
{
    if (pool->waiter_count == 0)
        return POOL_NONE;
    if (!breaker_take(pool->breaker, BREAKER_REQUESTS)) {
        refuse_waiting(pool);
        return POOL_NONE;
    }
    begin_request(pool, conn);
    return pop_waiter(pool);
}

/* The connection becomes busy for a waiter, or idle, as the newest. */
static inline uint32_t serve(struct pool *pool, struct pool_conn *conn)
{
    struct pool_conn moved = *conn;
    uint32_t index = (uint32_t)(conn - pool->conns);
    for (uint32_t i = index + 1; i < pool->conn_count; i++)
        pool->conns[i - 1] = pool->conns[i];
    struct pool_conn *newest = &pool->conns[pool->conn_count - 1];
    *newest = moved;
    newest->state = CONN_IDLE;
    return serve_waiter(pool, newest);
}

static struct pool *new_pool(struct engine *engine, struct pool ***pools, uint32_t cluster_index,
                             uint32_t endpoint_index)
{
    struct cluster_state *state = &engine->clusters[cluster_index];
    struct pool *pool = ARENA_NEW(&engine->arena, struct pool);
    *pool = (struct pool){.engine = engine,
                          .cluster = &engine->snapshot->clusters[cluster_index],
                          .stats = &state->stats,
                          .breaker = state->breaker,
                          .lb = engine_lb(engine, cluster_index),
                          .endpoint_index = endpoint_index,
                          .is_h2 = pools == &state->h2_pools,
                          .next = (*pools)[endpoint_index]};
    (*pools)[endpoint_index] = pool;
    return pool;
}

static bool is_unused(const struct pool *pool)
{
    return pool->conn_count == 0 && pool->waiter_count == 0 && pool->promised_count == 0;
}

/* The pool of this name, or one that may have it. NULL: none of those that there are. */
static struct pool *find_named(struct pool *first, struct str name)
{
    struct pool *unused = NULL;
    for (struct pool *pool = first; pool != NULL; pool = pool->next) {
        if (str_eq(pool->name, name))
            return pool;
        if (is_unused(pool))
            unused = pool;
    }
    return unused;
}

static void set_name(struct pool *pool, struct str name)
{
    if (str_eq(pool->name, name))
        return;
    if (pool->name_text == NULL)
        pool->name_text = arena_alloc(&pool->engine->arena, POOL_NAME_BYTES_MAX);
    if (name.len > 0)
        memcpy(pool->name_text, name.ptr, name.len);
    pool->name = (struct str){pool->name_text, name.len};
}

struct pool *pool_named(struct engine *engine, struct pool ***pools, uint32_t cluster_index,
                        uint32_t endpoint_index, struct str name)
{
    const struct cluster *cluster = &engine->snapshot->clusters[cluster_index];
    ASSERT(endpoint_index < cluster->endpoint_count);
    if (*pools == NULL)
        *pools = ARENA_ARRAY(&engine->arena, struct pool *, cluster->endpoint_count);
    struct pool *pool = (*pools)[endpoint_index];
    if (pool != NULL && cluster->has_auto_sni)
        pool = find_named(pool, name);
    if (pool == NULL)
        pool = new_pool(engine, pools, cluster_index, endpoint_index);
    set_name(pool, name);
    return pool;
}

static struct pool *pool_of(struct engine *engine, const struct endpoint_place *asked,
                            struct str host, bool is_h2)
{
    struct endpoint_place place = engine_place(engine, asked);
    const struct cluster *cluster = &place.engine->snapshot->clusters[place.cluster_index];
    struct cluster_state *state = &place.engine->clusters[place.cluster_index];
    struct str name = STR_EMPTY;
    if (cluster->has_auto_sni)
        name = str_slice(tls_server_name(cluster, host), 0, POOL_NAME_BYTES_MAX);
    return pool_named(place.engine, is_h2 ? &state->h2_pools : &state->pools, place.cluster_index,
                      place.endpoint_index, name);
}

struct pool *engine_pool(struct engine *engine, uint32_t cluster_index, uint32_t endpoint_index,
                         struct str host)
{
    struct endpoint_place asked = {engine, cluster_index, endpoint_index};
    return pool_of(engine, &asked, host, false);
}

struct pool *engine_h2_pool(struct engine *engine, uint32_t cluster_index, uint32_t endpoint_index,
                            struct str host)
{
    struct endpoint_place asked = {engine, cluster_index, endpoint_index};
    return pool_of(engine, &asked, host, true);
}

struct endpoint_place pool_place(const struct pool *pool)
{
    return (struct endpoint_place){.engine = pool->engine,
                                   .cluster_index =
                                       (uint32_t)(pool->cluster - pool->engine->snapshot->clusters),
                                   .endpoint_index = pool->endpoint_index};
}

bool pool_is_h2(const struct pool *pool)
{
    return pool->is_h2;
}

const struct pool *pool_next(const struct pool *pool)
{
    return pool->next;
}

struct pool *engine_original_pool(struct engine *asked, uint32_t asked_index, struct str address,
                                  uint32_t port, bool is_h2)
{
    uint32_t cluster_index;
    struct engine *engine = engine_successor(asked, asked_index, &cluster_index);
    struct cluster_state *state = &engine->clusters[cluster_index];
    for (struct original_pool *known = state->originals; known != NULL; known = known->next) {
        if (known->port == port && known->pool->is_h2 == is_h2 && str_eq(known->address, address))
            return known->pool;
    }
    struct original_pool *fresh = ARENA_NEW(&engine->arena, struct original_pool);
    *fresh = (struct original_pool){.next = state->originals,
                                    .address = arena_str(&engine->arena, address),
                                    .port = port,
                                    .pool = ARENA_NEW(&engine->arena, struct pool)};
    *fresh->pool = (struct pool){.engine = engine,
                                 .cluster = &engine->snapshot->clusters[cluster_index],
                                 .stats = &state->stats,
                                 .breaker = state->breaker,
                                 .endpoint_index = LB_NONE,
                                 .is_h2 = is_h2};
    state->originals = fresh;
    return fresh->pool;
}

struct pool_answer pool_ask(struct pool *pool, uint32_t waiter)
{
    struct pool_answer answer = {
        .verdict = POOL_OVERFLOW, .conn = POOL_NONE, .full = BREAKER_REQUESTS};
    for (uint32_t i = pool->conn_count; i-- > 0;) {
        if (pool->conns[i].state != CONN_IDLE)
            continue;
        if (!breaker_take(pool->breaker, BREAKER_REQUESTS)) {
            count(pool, STAT_CLUSTER_upstream_rq_active_overflow);
            return answer;
        }
        begin_request(pool, &pool->conns[i]);
        return (struct pool_answer){.verdict = POOL_REUSE, .conn = pool->conns[i].number};
    }
    if (!breaker_take(pool->breaker, BREAKER_PENDING)) {
        count(pool, STAT_CLUSTER_upstream_rq_pending_overflow);
        answer.full = BREAKER_PENDING;
        return answer;
    }
    count(pool, STAT_CLUSTER_upstream_rq_pending_total);
    push_waiter(pool, waiter);
    answer.verdict = pool_needs_connection(pool) ? POOL_CONNECT : POOL_WAIT;
    return answer;
}

void pool_note_connecting(struct pool *pool, uint32_t conn)
{
    struct pool_conn *fresh =
        ARENA_PUSH(&pool->engine->arena, pool->conns, pool->conn_count, pool->conn_capacity);
    *fresh = (struct pool_conn){
        .number = conn, .state = CONN_CONNECTING, .streams_max = streams_max(pool)};
    pool->connecting_count++;
    ASSERT(pool->promised_count > 0);
    pool->promised_count--;
    count(pool, STAT_CLUSTER_upstream_cx_total);
    count(pool, pool->is_h2 ? STAT_CLUSTER_upstream_cx_http2_total
                            : STAT_CLUSTER_upstream_cx_http1_total);
}

uint32_t pool_next_waiter(struct pool *pool, uint32_t conn)
{
    struct pool_conn *asked = find(pool, conn);
    return asked != NULL && asked->state == CONN_IDLE ? serve_waiter(pool, asked) : POOL_NONE;
}

void pool_note_streams_max(struct pool *pool, uint32_t conn, uint32_t max)
{
    struct pool_conn *told = find(pool, conn);
    ASSERT(told != NULL);
    told->streams_max = max < streams_max(pool) ? max : streams_max(pool);
    if (told->state == CONN_IDLE || told->state == CONN_BUSY)
        told->state = told->stream_count < told->streams_max ? CONN_IDLE : CONN_BUSY;
}

void pool_note_draining(struct pool *pool, uint32_t conn)
{
    struct pool_conn *told = find(pool, conn);
    ASSERT(told != NULL);
    ASSERT(told->state != CONN_CONNECTING);
    told->state = CONN_DONE;
}

uint32_t pool_note_connected(struct pool *pool, uint32_t conn)
{
    struct pool_conn *connected = find(pool, conn);
    ASSERT(connected != NULL);
    ASSERT(connected->state == CONN_CONNECTING);
    pool->connecting_count--;
    return serve(pool, connected);
}

void pool_note_connect_failed(struct pool *pool, uint32_t conn, enum pool_connect_end why)
{
    struct pool_conn *failed = find(pool, conn);
    ASSERT(failed != NULL);
    ASSERT(failed->state == CONN_CONNECTING);
    forget(pool, failed);
    count(pool, STAT_CLUSTER_upstream_cx_connect_fail);
    if (why == POOL_CONNECT_TIMEOUT)
        count(pool, STAT_CLUSTER_upstream_cx_connect_timeout);
    count(pool, STAT_CLUSTER_upstream_cx_destroy);
    count(pool, why == POOL_CONNECT_REFUSED ? STAT_CLUSTER_upstream_cx_destroy_remote
                                            : STAT_CLUSTER_upstream_cx_destroy_local);
    pool->failed_count = pool->waiter_count;
    pool->is_overflowing = false;
}

uint32_t pool_next_failed(struct pool *pool)
{
    if (pool->failed_count == 0)
        return POOL_NONE;
    pool->failed_count--;
    uint32_t waiter = pop_waiter(pool);
    if (waiter != POOL_NONE)
        count(pool, pool->is_overflowing ? STAT_CLUSTER_upstream_rq_active_overflow
                                         : STAT_CLUSTER_upstream_rq_pending_failure_eject);
    return waiter;
}

void pool_refuse_waiting(struct pool *pool)
{
    refuse_waiting(pool);
}

bool pool_needs_connection(struct pool *pool)
{
    uint64_t coming = (uint64_t)pool->connecting_count * (pool->is_h2 ? streams_max(pool) : 1);
    if (pool->waiter_count <= coming || !may_connect(pool))
        return false;
    pool->promised_count++;
    return true;
}

void pool_note_not_connecting(struct pool *pool)
{
    ASSERT(pool->promised_count > 0);
    pool->promised_count--;
    breaker_give(pool->breaker, BREAKER_CONNECTIONS);
}

void pool_note_done(struct pool *pool, uint32_t conn)
{
    struct pool_conn *done = find(pool, conn);
    ASSERT(done != NULL);
    end_request(pool, done);
    if (!pool->is_h2) {
        ASSERT(done->state == CONN_BUSY);
        done->state = CONN_DONE;
    } else if (done->state == CONN_BUSY && done->stream_count < done->streams_max) {
        done->state = CONN_IDLE;
    }
}

uint32_t pool_note_idle(struct pool *pool, uint32_t conn)
{
    struct pool_conn *idle = find(pool, conn);
    ASSERT(idle != NULL);
    ASSERT(idle->state == CONN_DONE);
    return serve(pool, idle);
}

void pool_cancel(struct pool *pool, uint32_t waiter)
{
    uint32_t kept = 0;
    bool was_there = false;
    for (uint32_t i = 0; i < pool->waiter_count; i++) {
        uint32_t other = pool->waiters[(pool->waiter_head + i) % pool->waiter_capacity];
        if (other == waiter && !was_there) {
            was_there = true;
            if (i < pool->failed_count)
                pool->failed_count--;
            continue;
        }
        pool->waiters[(pool->waiter_head + kept++) % pool->waiter_capacity] = other;
    }
    pool->waiter_count = kept;
    if (!was_there)
        return;
    breaker_give(pool->breaker, BREAKER_PENDING);
    count(pool, STAT_CLUSTER_upstream_rq_cancelled);
}

void pool_note_closed(struct pool *pool, uint32_t conn, enum pool_close by)
{
    struct pool_conn *closed = find(pool, conn);
    ASSERT(closed != NULL);
    bool is_active = closed->stream_count > 0;
    while (closed->stream_count > 0)
        end_request(pool, closed);
    forget(pool, closed);
    bool is_local = by == POOL_CLOSE_LOCAL;
    count(pool, STAT_CLUSTER_upstream_cx_destroy);
    count(pool, is_local ? STAT_CLUSTER_upstream_cx_destroy_local
                         : STAT_CLUSTER_upstream_cx_destroy_remote);
    if (!is_active)
        return;
    count(pool, STAT_CLUSTER_upstream_cx_destroy_with_active_rq);
    count(pool, is_local ? STAT_CLUSTER_upstream_cx_destroy_local_with_active_rq
                         : STAT_CLUSTER_upstream_cx_destroy_remote_with_active_rq);
}

bool pool_may_keep(const struct pool *pool, uint32_t conn)
{
    const struct pool_conn *asked = find(pool, conn);
    ASSERT(asked != NULL);
    uint32_t max = requests_max(pool);
    return !(pool->is_h2 && asked->state == CONN_DONE) && (max == 0 || asked->request_count < max);
}

struct pool_gauges pool_gauges(const struct pool *pool)
{
    struct pool_gauges gauges = {.connections = pool->conn_count, .waiters = pool->waiter_count};
    for (uint32_t i = 0; i < pool->conn_count; i++)
        gauges.busy += pool->conns[i].stream_count;
    return gauges;
}
