/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_session.c - ENVOY.md 6, 15.2: TCP sessions count among
 * the connections of their cluster.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/engine_state.h"
#include "proxy/core/session.h"

static struct engine *limited(struct breaker_limits limits)
{
    struct snapshot *snapshot = snapshot_new();
    struct endpoint *endpoint = ARENA_NEW(&snapshot->arena, struct endpoint);
    *endpoint = (struct endpoint){.address = STR("127.0.0.1"), .port = 1, .weight = 1};
    struct cluster *cluster = ARENA_NEW(&snapshot->arena, struct cluster);
    *cluster = (struct cluster){.name = STR("c"),
                                .breakers = limits,
                                .lb = LB_LEAST_REQUEST,
                                .endpoints = endpoint,
                                .endpoint_count = 1};
    snapshot->clusters = cluster;
    snapshot->cluster_count = 1;
    snapshot_index(snapshot);
    struct engine *engine = engine_new(snapshot, 1);
    snapshot_drop(snapshot);
    return engine;
}

static uint64_t counter(struct engine *engine, const char *name)
{
    uint64_t value = 99999;
    assert_true(engine_stat(engine, STR("c"), str_of(name), &value));
    return value;
}

static void assert_nothing_held(struct engine *engine)
{
    for (uint32_t i = 0; i < BREAKER_KIND_COUNT; i++)
        assert_int_equal(breaker_count(engine->clusters[0].breaker, (enum breaker_kind)i), 0);
    assert_int_equal(counter(engine, "upstream_cx_active"), 0);
    assert_int_equal(counter(engine, "upstream_rq_active"), 0);
    assert_int_equal(counter(engine, "upstream_rq_pending_active"), 0);
}

static void test_sessions_are_connections_of_their_cluster(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine = limited((struct breaker_limits){1, 1, 0, 0});
    struct session one, other;
    assert_true(session_admit(&one, engine, 0));
    assert_true(session_note_connecting(&one, engine_lb(engine, 0), 0));
    assert_false(session_admit(&other, engine, 0));
    assert_int_equal(counter(engine, "upstream_cx_overflow"), 1);
    assert_int_equal(counter(engine, "circuit_breakers.default.cx_open"), 1);
    assert_int_equal(counter(engine, "circuit_breakers.default.rq_pending_open"), 1);
    assert_int_equal(counter(engine, "upstream_rq_pending_active"), 1);
    session_note_connected(&one); /* max_requests 0 does not stop it */
    assert_int_equal(counter(engine, "circuit_breakers.default.rq_pending_open"), 0);
    assert_int_equal(breaker_count(engine->clusters[0].breaker, BREAKER_REQUESTS), 1);
    assert_int_equal(counter(engine, "upstream_rq_active"), 1);
    assert_int_equal(engine_lb(engine, 0)->active[0], 1);
    session_end(&one, SESSION_END_REMOTE);
    assert_int_equal(engine_lb(engine, 0)->active[0], 0);
    assert_true(session_admit(&other, engine, 0));
    session_end(&other, SESSION_END_LOCAL); /* no endpoint for it */
    assert_nothing_held(engine);
    assert_int_equal(counter(engine, "upstream_cx_total"), 1);
    assert_int_equal(counter(engine, "upstream_cx_destroy_remote_with_active_rq"), 1);
    engine_free(engine);
}

static void test_so_many_sessions_wait_for_their_connection(void **state)
{
    UNUSED_STATE(state);
    struct engine *engine =
        limited((struct breaker_limits){BREAKER_UNLIMITED, 1, BREAKER_UNLIMITED, 0});
    struct session one, other;
    assert_true(session_admit(&one, engine, 0));
    assert_true(session_note_connecting(&one, NULL, LB_NONE));
    assert_true(session_admit(&other, engine, 0));
    assert_false(session_note_connecting(&other, NULL, LB_NONE));
    assert_int_equal(counter(engine, "upstream_rq_pending_overflow"), 1);
    assert_int_equal(other.phase, SESSION_OUTSIDE);
    session_note_connect_failed(&one, SESSION_END_TIMEOUT);
    assert_nothing_held(engine);
    assert_int_equal(counter(engine, "upstream_cx_connect_fail"), 1);
    assert_int_equal(counter(engine, "upstream_cx_connect_timeout"), 1);
    assert_int_equal(counter(engine, "upstream_rq_pending_failure_eject"), 1);
    assert_int_equal(counter(engine, "upstream_cx_destroy_local"), 1);
    assert_int_equal(counter(engine, "upstream_cx_destroy_with_active_rq"), 0);
    assert_int_equal(counter(engine, "upstream_rq_total"), 0);
    engine_free(engine);
}

/* A session is the only request of its connection. */
static void test_one_request_for_each_connection_is_the_most(void **state)
{
    UNUSED_STATE(state);
    for (uint32_t max = 0; max < 3; max++) {
        struct engine *engine = limited((struct breaker_limits){9, 9, 9, 0});
        /* The test made the snapshot itself. */
        ((struct cluster *)(uintptr_t)&engine->snapshot->clusters[0])->requests_per_connection_max =
            max;
        struct session session;
        assert_true(session_admit(&session, engine, 0));
        assert_true(session_note_connecting(&session, NULL, LB_NONE));
        assert_int_equal(counter(engine, "upstream_cx_max_requests"), 0);
        session_note_connected(&session);
        assert_int_equal(counter(engine, "upstream_cx_max_requests"), max == 1);
        session_end(&session, SESSION_END_LOCAL);
        engine_free(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_are_connections_of_their_cluster),
        cmocka_unit_test(test_so_many_sessions_wait_for_their_connection),
        cmocka_unit_test(test_one_request_for_each_connection_is_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
