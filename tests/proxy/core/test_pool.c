/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_pool.c - ENVOY.md 8.2, 8.4.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/engine_state.h"
#include "proxy/core/engine_stats.h"
#include "proxy/core/pool.h"

static struct engine *cluster_of(struct cluster wanted)
{
    struct snapshot *snapshot = snapshot_new();
    struct endpoint *endpoint = ARENA_NEW(&snapshot->arena, struct endpoint);
    *endpoint = (struct endpoint){.address = STR("127.0.0.1"), .port = 1, .weight = 1};
    struct cluster *cluster = ARENA_NEW(&snapshot->arena, struct cluster);
    *cluster = wanted;
    cluster->name = STR("c");
    cluster->endpoints = endpoint;
    cluster->endpoint_count = 1;
    snapshot->clusters = cluster;
    snapshot->cluster_count = 1;
    snapshot_index(snapshot);
    struct engine *engine = engine_new(snapshot, 1);
    snapshot_drop(snapshot);
    return engine;
}

static struct engine *limited(struct breaker_limits limits)
{
    return cluster_of((struct cluster){.breakers = limits});
}

static struct engine *one_endpoint(uint32_t requests_max)
{
    return cluster_of((struct cluster){
        .breakers = {BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED},
        .requests_per_connection_max = requests_max});
}

static uint64_t counter(struct engine *engine, const char *name)
{
    uint64_t value = 99999;
    assert_true(engine_stat(engine, STR("c"), str_of(name), &value));
    return value;
}

static void connect(struct pool *pool, uint32_t waiter, uint32_t conn)
{
    assert_int_equal(pool_ask(pool, waiter).verdict, POOL_CONNECT);
    pool_note_connecting(pool, conn);
    assert_int_equal(pool_note_connected(pool, conn), waiter);
}

static void test_the_newest_idle_connection_goes_first(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = one_endpoint(0);
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    connect(pool, 1, 10);
    connect(pool, 2, 20);
    pool_note_done(pool, 20);
    assert_int_equal(pool_note_idle(pool, 20), POOL_NONE);
    pool_note_done(pool, 10);
    assert_int_equal(pool_note_idle(pool, 10), POOL_NONE);
    struct pool_answer answer = pool_ask(pool, 3);
    assert_int_equal(answer.verdict, POOL_REUSE);
    assert_int_equal(answer.conn, 10);
    assert_int_equal(counter(engine, "upstream_cx_total"), 2);
    engine_free(engine);
}

static void assert_gauges(struct engine *engine, uint64_t cx, uint64_t rq, uint64_t pending)
{
    assert_int_equal(counter(engine, "upstream_cx_active"), cx);
    assert_int_equal(counter(engine, "upstream_rq_active"), rq);
    assert_int_equal(counter(engine, "upstream_rq_pending_active"), pending);
}

/* Of each endpoint's pool, and of places on demand. */
static void test_gauges_are_what_pools_hold_now(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = one_endpoint(0);
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    struct pool *other = engine_original_pool(engine, 0, STR("10.9.9.9"), 80, false);
    assert_gauges(engine, 0, 0, 0);
    assert_int_equal(pool_ask(pool, 1).verdict, POOL_CONNECT);
    assert_gauges(engine, 0, 0, 1);
    pool_note_connecting(pool, 10);
    assert_gauges(engine, 1, 0, 1);
    assert_int_equal(pool_note_connected(pool, 10), 1);
    assert_gauges(engine, 1, 1, 0);
    connect(other, 2, 20);
    assert_gauges(engine, 2, 2, 0);
    pool_note_done(pool, 10);
    assert_int_equal(pool_note_idle(pool, 10), POOL_NONE);
    assert_gauges(engine, 2, 1, 0);
    pool_note_closed(pool, 10, POOL_CLOSE_LOCAL);
    assert_gauges(engine, 1, 1, 0);
    engine_free(engine);
}

static void test_waiters_are_served_in_order(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = one_endpoint(0);
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    assert_int_equal(pool_ask(pool, 1).verdict, POOL_CONNECT);
    pool_note_connecting(pool, 10);
    assert_int_equal(pool_ask(pool, 2).verdict, POOL_CONNECT);
    pool_note_connecting(pool, 20);
    assert_int_equal(pool_note_connected(pool, 20), 1);
    assert_int_equal(pool_note_connected(pool, 10), 2);
    assert_int_equal(counter(engine, "upstream_rq_pending_total"), 2);
    engine_free(engine);
}

static void test_a_coming_connection_is_not_opened_twice(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = one_endpoint(0);
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    assert_int_equal(pool_ask(pool, 1).verdict, POOL_CONNECT);
    pool_note_connecting(pool, 10);
    pool_cancel(pool, 1);
    assert_int_equal(counter(engine, "upstream_rq_cancelled"), 1);
    assert_int_equal(pool_ask(pool, 2).verdict, POOL_WAIT);
    assert_int_equal(pool_note_connected(pool, 10), 2);
    engine_free(engine);
}

static void test_a_failed_connect_fails_all_who_wait(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = one_endpoint(0);
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    for (uint32_t waiter = 1; waiter <= 3; waiter++) {
        assert_int_equal(pool_ask(pool, waiter).verdict, POOL_CONNECT);
        pool_note_connecting(pool, waiter * 10);
    }
    pool_note_connect_failed(pool, 20, false);
    for (uint32_t waiter = 1; waiter <= 3; waiter++)
        assert_int_equal(pool_next_failed(pool), waiter);
    assert_int_equal(pool_next_failed(pool), POOL_NONE);
    assert_int_equal(counter(engine, "upstream_rq_pending_failure_eject"), 3);
    assert_int_equal(counter(engine, "upstream_cx_connect_fail"), 1);
    engine_free(engine);
}

static void test_closing_counts_who_closed_and_what_was_active(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = one_endpoint(0);
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    connect(pool, 1, 10);
    pool_note_closed(pool, 10, POOL_CLOSE_LOCAL);
    connect(pool, 2, 20);
    pool_note_done(pool, 20);
    pool_note_closed(pool, 20, POOL_CLOSE_REMOTE);
    assert_int_equal(counter(engine, "upstream_cx_destroy"), 2);
    assert_int_equal(counter(engine, "upstream_cx_destroy_local"), 1);
    assert_int_equal(counter(engine, "upstream_cx_destroy_remote"), 1);
    assert_int_equal(counter(engine, "upstream_cx_destroy_with_active_rq"), 1);
    assert_int_equal(counter(engine, "upstream_cx_destroy_local_with_active_rq"), 1);
    engine_free(engine);
}

static void test_a_connection_takes_no_more_than_its_requests(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = one_endpoint(2);
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    connect(pool, 1, 10);
    assert_true(pool_may_keep(pool, 10));
    pool_note_done(pool, 10);
    (void)pool_note_idle(pool, 10);
    assert_int_equal(pool_ask(pool, 2).conn, 10);
    assert_false(pool_may_keep(pool, 10));
    assert_int_equal(counter(engine, "upstream_cx_max_requests"), 1);
    engine_free(engine);
}

/* ENVOY.md 6, row by row. */
static void test_so_many_may_wait(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = limited((struct breaker_limits){9, 1, 9, 9});
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    assert_int_equal(pool_ask(pool, 1).verdict, POOL_CONNECT);
    pool_note_connecting(pool, 10);
    assert_int_equal(counter(engine, "circuit_breakers.default.rq_pending_open"), 1);
    assert_int_equal(pool_ask(pool, 2).verdict, POOL_OVERFLOW);
    assert_int_equal(counter(engine, "upstream_rq_pending_overflow"), 1);
    assert_int_equal(counter(engine, "upstream_rq_pending_total"), 1);
    assert_int_equal(pool_note_connected(pool, 10), 1);
    assert_int_equal(pool_ask(pool, 3).verdict, POOL_CONNECT);
    pool_cancel(pool, 3);
    assert_int_equal(counter(engine, "circuit_breakers.default.rq_pending_open"), 0);
    engine_free(engine);
}

static void test_beyond_the_connections_requests_wait(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = limited((struct breaker_limits){1, 9, 9, 9});
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    connect(pool, 1, 10);
    assert_int_equal(counter(engine, "circuit_breakers.default.cx_open"), 1);
    assert_int_equal(pool_ask(pool, 2).verdict, POOL_WAIT);
    assert_int_equal(counter(engine, "upstream_cx_overflow"), 1);
    /* The one there is goes: another may come for who waits. */
    pool_note_closed(pool, 10, POOL_CLOSE_REMOTE);
    assert_true(pool_needs_connection(pool));
    pool_note_connecting(pool, 20);
    assert_false(pool_needs_connection(pool));
    assert_int_equal(pool_note_connected(pool, 20), 2);
    engine_free(engine);
}

static void test_a_pool_without_a_connection_always_gets_one(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = limited((struct breaker_limits){0, 9, 9, 9});
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    connect(pool, 1, 10);
    assert_int_equal(counter(engine, "upstream_cx_overflow"), 1);
    assert_int_equal(pool_ask(pool, 2).verdict, POOL_WAIT);
    engine_free(engine);
}

static void test_so_many_requests_are_active(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = limited((struct breaker_limits){9, 9, 1, 9});
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    connect(pool, 1, 10);
    assert_int_equal(counter(engine, "circuit_breakers.default.rq_open"), 1);
    /* A connection comes, but nobody may use it; it stays. */
    assert_int_equal(pool_ask(pool, 2).verdict, POOL_CONNECT);
    pool_note_connecting(pool, 20);
    assert_int_equal(pool_note_connected(pool, 20), POOL_NONE);
    assert_int_equal(pool_next_failed(pool), 2);
    assert_int_equal(pool_next_failed(pool), POOL_NONE);
    assert_int_equal(pool_ask(pool, 3).verdict, POOL_OVERFLOW);
    assert_int_equal(counter(engine, "upstream_rq_active_overflow"), 2);
    assert_int_equal(counter(engine, "upstream_rq_pending_failure_eject"), 0);
    assert_int_equal(counter(engine, "upstream_rq_total"), 1);
    pool_note_done(pool, 10);
    assert_int_equal(pool_ask(pool, 4).conn, 20);
    /* A connection that breaks ends its request, too. */
    pool_note_closed(pool, 20, POOL_CLOSE_REMOTE);
    assert_int_equal(counter(engine, "circuit_breakers.default.rq_open"), 0);
    engine_free(engine);
}

static void test_who_waits_for_nothing_is_refused(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = one_endpoint(0);
    struct pool *pool = engine_pool(engine, 0, 0, STR_EMPTY);
    assert_int_equal(pool_ask(pool, 1).verdict, POOL_CONNECT);
    pool_refuse_waiting(pool);
    assert_int_equal(pool_next_failed(pool), 1);
    assert_int_equal(pool_next_failed(pool), POOL_NONE);
    engine_free(engine);
}

static void test_each_name_has_a_pool_and_one_that_is_not_used_is_given_away(void **state)
{
    UNUSED_STATE(state);
    static const struct upstream_tls tls;
    struct engine *engine = cluster_of((struct cluster){
        .breakers = {BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED},
        .has_auto_sni = true,
        .tls = &tls});
    struct pool *a = engine_pool(engine, 0, 0, STR("a.example.com:443"));
    connect(a, 1, 10);
    struct pool *b = engine_pool(engine, 0, 0, STR("b.example.com"));
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(engine_pool(engine, 0, 0, STR("a.example.com")), a);
    connect(b, 2, 20);
    struct pool *nameless = engine_pool(engine, 0, 0, STR("10.1.2.3"));
    assert_ptr_not_equal(nameless, a);
    assert_ptr_not_equal(nameless, b);
    assert_int_equal(engine_pool_gauges(engine, 0, 0).connections, 2);
    pool_note_done(a, 10);
    pool_note_closed(a, 10, POOL_CLOSE_REMOTE);
    struct pool *c = engine_pool(engine, 0, 0, STR("c.example.com"));
    assert_true(c == a || c == nameless);
    assert_int_equal(pool_ask(c, 3).verdict, POOL_CONNECT);
    engine_free(engine);
}

/* --- HTTP/2: ENVOY.md 8.3 ------------------------------------------------------ */

static struct engine *streams(uint32_t streams_max, uint32_t requests_max)
{
    return cluster_of((struct cluster){
        .breakers = {BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED},
        .streams_max = streams_max,
        .requests_per_connection_max = requests_max});
}

static void test_one_connection_is_for_all(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = streams(0, 0);
    struct pool *pool = engine_h2_pool(engine, 0, 0, STR_EMPTY);
    assert_true(pool_is_h2(pool));
    assert_ptr_not_equal(pool, engine_pool(engine, 0, 0, STR_EMPTY));
    assert_int_equal(pool_ask(pool, 1).verdict, POOL_CONNECT);
    pool_note_connecting(pool, 10);
    assert_int_equal(pool_ask(pool, 2).verdict, POOL_WAIT);
    assert_int_equal(pool_note_connected(pool, 10), 1);
    assert_int_equal(pool_next_waiter(pool, 10), 2);
    assert_int_equal(pool_next_waiter(pool, 10), POOL_NONE);
    assert_int_equal(pool_ask(pool, 3).verdict, POOL_REUSE);
    assert_int_equal(counter(engine, "upstream_cx_http2_total"), 1);
    assert_int_equal(counter(engine, "upstream_rq_total"), 3);
    assert_int_equal(engine_pool_gauges(engine, 0, 0).busy, 3);
    for (int i = 0; i < 3; i++)
        pool_note_done(pool, 10);
    assert_int_equal(engine_pool_gauges(engine, 0, 0).busy, 0);
    pool_note_closed(pool, 10, POOL_CLOSE_LOCAL);
    assert_int_equal(counter(engine, "upstream_cx_destroy_with_active_rq"), 0);
    engine_free(engine);
}

static void test_a_full_connection_makes_room_or_gets_company(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = streams(2, 0);
    struct pool *pool = engine_h2_pool(engine, 0, 0, STR_EMPTY);
    connect(pool, 1, 10);
    assert_int_equal(pool_ask(pool, 2).verdict, POOL_REUSE);
    assert_int_equal(pool_ask(pool, 3).verdict, POOL_CONNECT);
    pool_note_connecting(pool, 20);
    pool_note_done(pool, 10);
    assert_int_equal(pool_next_waiter(pool, 10), 3);
    assert_int_equal(pool_note_connected(pool, 20), POOL_NONE);
    pool_note_streams_max(pool, 20, 0);
    pool_note_streams_max(pool, 10, 9); /* the cluster's own limit stays */
    assert_int_equal(pool_ask(pool, 4).verdict, POOL_CONNECT);
    pool_note_connecting(pool, 30);
    pool_note_streams_max(pool, 20, 1);
    assert_int_equal(pool_next_waiter(pool, 20), 4);
    engine_free(engine);
}

static void test_a_draining_connection_takes_no_more(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = streams(0, 2);
    struct pool *pool = engine_h2_pool(engine, 0, 0, STR_EMPTY);
    connect(pool, 1, 10);
    assert_true(pool_may_keep(pool, 10));
    assert_int_equal(pool_ask(pool, 2).verdict, POOL_REUSE);
    assert_false(pool_may_keep(pool, 10)); /* it has had its two */
    assert_int_equal(counter(engine, "upstream_cx_max_requests"), 1);
    connect(pool, 3, 20);
    pool_note_draining(pool, 20);
    assert_false(pool_may_keep(pool, 20));
    assert_int_equal(pool_ask(pool, 4).verdict, POOL_CONNECT);
    pool_note_connecting(pool, 30);
    pool_note_closed(pool, 10, POOL_CLOSE_REMOTE);
    assert_int_equal(counter(engine, "upstream_cx_destroy_remote_with_active_rq"), 1);
    engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_idle_connection_goes_first),
        cmocka_unit_test(test_gauges_are_what_pools_hold_now),
        cmocka_unit_test(test_waiters_are_served_in_order),
        cmocka_unit_test(test_a_coming_connection_is_not_opened_twice),
        cmocka_unit_test(test_a_failed_connect_fails_all_who_wait),
        cmocka_unit_test(test_closing_counts_who_closed_and_what_was_active),
        cmocka_unit_test(test_a_connection_takes_no_more_than_its_requests),
        cmocka_unit_test(test_so_many_may_wait),
        cmocka_unit_test(test_beyond_the_connections_requests_wait),
        cmocka_unit_test(test_a_pool_without_a_connection_always_gets_one),
        cmocka_unit_test(test_so_many_requests_are_active),
        cmocka_unit_test(test_who_waits_for_nothing_is_refused),
        cmocka_unit_test(test_each_name_has_a_pool_and_one_that_is_not_used_is_given_away),
        cmocka_unit_test(test_one_connection_is_for_all),
        cmocka_unit_test(test_a_full_connection_makes_room_or_gets_company),
        cmocka_unit_test(test_a_draining_connection_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
