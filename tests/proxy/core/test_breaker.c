/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_breaker.c - ENVOY.md 6.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/breaker.h"

#include <string.h>

static void test_each_kind_has_its_limit(void **state)
{
    UNUSED_STATE(state);
    static const struct breaker_limits limits = {
        .max_connections = 1, .max_pending_requests = 2, .max_requests = 3, .max_retries = 4};
    static const struct {
        enum breaker_kind kind;
        uint32_t limit;
        const char *gauge;
    } rows[] = {{BREAKER_CONNECTIONS, 1, "circuit_breakers.default.cx_open"},
                {BREAKER_PENDING, 2, "circuit_breakers.default.rq_pending_open"},
                {BREAKER_REQUESTS, 3, "circuit_breakers.default.rq_open"},
                {BREAKER_RETRIES, 4, "circuit_breakers.default.rq_retry_open"}};
    struct breaker breaker;
    breaker_init(&breaker, &limits, false);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t is_open = 2;
        for (uint32_t taken = 0; taken < rows[i].limit; taken++) {
            assert_true(breaker_admits(&breaker, rows[i].kind));
            assert_true(breaker_take(&breaker, rows[i].kind));
        }
        assert_false(breaker_admits(&breaker, rows[i].kind));
        assert_false(breaker_take(&breaker, rows[i].kind));
        assert_int_equal(breaker_count(&breaker, rows[i].kind), rows[i].limit);
        assert_true(breaker_gauge(&breaker, str_of(rows[i].gauge), &is_open));
        assert_int_equal(is_open, 1);
        breaker_give(&breaker, rows[i].kind);
        assert_true(breaker_admits(&breaker, rows[i].kind));
        assert_true(breaker_gauge(&breaker, str_of(rows[i].gauge), &is_open));
        assert_int_equal(is_open, 0);
    }
}

static void test_zero_admits_nobody_and_unlimited_all(void **state)
{
    UNUSED_STATE(state);
    static const struct breaker_limits limits = {.max_requests = BREAKER_UNLIMITED};
    struct breaker breaker;
    breaker_init(&breaker, &limits, false);
    assert_false(breaker_admits(&breaker, BREAKER_PENDING));
    atomic_store(&breaker.counts[BREAKER_REQUESTS], 1u << 31);
    assert_true(breaker_admits(&breaker, BREAKER_REQUESTS));
}

static void test_a_first_connection_passes_the_limit(void **state)
{
    UNUSED_STATE(state);
    static const struct breaker_limits limits = {.max_connections = 1};
    struct breaker breaker;
    breaker_init(&breaker, &limits, true);
    assert_true(breaker_take(&breaker, BREAKER_CONNECTIONS));
    breaker_force(&breaker, BREAKER_CONNECTIONS);
    assert_int_equal(breaker_count(&breaker, BREAKER_CONNECTIONS), 2);
    breaker_give(&breaker, BREAKER_CONNECTIONS);
    assert_false(breaker_admits(&breaker, BREAKER_CONNECTIONS));
}

/* track_remaining: ENVOY.md 6. */
static void test_what_is_left_is_tracked_if_wanted(void **state)
{
    UNUSED_STATE(state);
    static const struct breaker_limits limits = {3, 3, 3, BREAKER_UNLIMITED};
    static const struct {
        const char *gauge;
        uint64_t tracked;
    } rows[] = {{"circuit_breakers.default.remaining_cx", 1},
                {"circuit_breakers.default.remaining_cx_pools", UINT64_MAX},
                {"circuit_breakers.default.remaining_pending", 3},
                {"circuit_breakers.default.remaining_retries", BREAKER_UNLIMITED},
                {"circuit_breakers.default.remaining_rq", 0},
                {"circuit_breakers.default.cx_pool_open", 0},
                {"circuit_breakers.high.rq_open", 0}};
    for (int is_tracking = 0; is_tracking < 2; is_tracking++) {
        struct breaker breaker;
        breaker_init(&breaker, &limits, is_tracking != 0);
        for (int i = 0; i < 2; i++)
            assert_true(breaker_take(&breaker, BREAKER_CONNECTIONS));
        for (int i = 0; i < 4; i++)
            breaker_force(&breaker, BREAKER_REQUESTS);
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            uint64_t value = 7;
            bool is_there = is_tracking || strstr(rows[i].gauge, "remaining") == NULL;
            assert_int_equal(breaker_gauge(&breaker, str_of(rows[i].gauge), &value), is_there);
            assert_true(!is_there || value == rows[i].tracked);
        }
    }
}

/* retry_budget: ENVOY.md 6. */
static void test_a_budget_is_a_share_of_what_is_under_way(void **state)
{
    UNUSED_STATE(state);
    static const struct breaker_limits limits = {9999, 9999, 9999, 0};
    static const struct {
        struct retry_budget budget;
        uint32_t requests, pending, retries;
    } rows[] = {
        {{20, 3, 0}, 0, 0, 3},    {{20, 3, 0}, 10, 5, 3},    {{20, 3, 0}, 15, 10, 5},
        {{20, 3, 0}, 10, 14, 4},  {{100, 0, 0}, 7, 0, 7},    {{0, 0, 0}, 100, 0, 0},
        {{33.5, 0, 0}, 0, 10, 3}, {{1e12, 1, 0}, 9, 0, 500},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct breaker breaker;
        breaker_init(&breaker, &limits, true);
        breaker_set_retry_budget(&breaker, &rows[i].budget, NULL);
        for (uint32_t k = 0; k < rows[i].requests; k++)
            assert_true(breaker_take(&breaker, BREAKER_REQUESTS));
        for (uint32_t k = 0; k < rows[i].pending; k++)
            assert_true(breaker_take(&breaker, BREAKER_PENDING));
        uint32_t retries = 0;
        while (retries < 500 && breaker_take(&breaker, BREAKER_RETRIES))
            retries++;
        assert_int_equal(retries, rows[i].retries);
        uint64_t value = 1;
        assert_true(
            breaker_gauge(&breaker, STR("circuit_breakers.default.remaining_retries"), &value));
        assert_int_equal(value, 0);
    }
}

/* With budget_interval: of the attempts that began in it, as a real Envoy counts. */
static void test_a_budget_may_be_a_share_of_an_interval(void **state)
{
    UNUSED_STATE(state);
    static const struct breaker_limits limits = {9999, 9999, 9999, 0};
    static const struct retry_budget budget = {10, 1, 10 * NS_SECOND};
    struct arena arena;
    arena_init(&arena, 1024, 0);
    struct breaker breaker;
    breaker_init(&breaker, &limits, false);
    breaker_set_retry_budget(&breaker, &budget, &arena);
    int64_t now_ns = INT64_C(1700000000) * NS_SECOND;
    for (int i = 0; i < 29; i++)
        breaker_note_attempt(&breaker, now_ns);
    breaker_note_attempt(&breaker, now_ns + NS_SECOND);
    static const struct {
        int64_t after_ns;
        uint32_t retries;
    } rows[] = {{2 * NS_SECOND, 3}, {9 * NS_SECOND, 3}, {10 * NS_SECOND, 1}, {NS_HOUR, 1}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t retries = 0;
        while (retries < 50 && breaker_take_retry(&breaker, now_ns + rows[i].after_ns))
            retries++;
        assert_int_equal(retries, rows[i].retries);
        for (; retries > 0; retries--)
            breaker_give(&breaker, BREAKER_RETRIES);
    }
    arena_fini(&arena);
}

static void test_every_gauge_has_its_name(void **state)
{
    UNUSED_STATE(state);
    static const struct breaker_limits limits = {0};
    struct breaker breaker;
    uint64_t value;
    uint32_t count = 0;
    breaker_init(&breaker, &limits, true);
    for (; breaker_gauge_name(count).len > 0; count++)
        assert_true(breaker_gauge(&breaker, breaker_gauge_name(count), &value));
    assert_int_equal(count, 15);
}

static void test_other_names_are_no_gauges(void **state)
{
    UNUSED_STATE(state);
    static const struct breaker_limits limits = {0};
    static const char *const names[] = {"cx_open", "circuit_breakers.high.remaining_cx",
                                        "circuit_breakers.default.", "upstream_rq_total"};
    struct breaker breaker;
    uint64_t value;
    breaker_init(&breaker, &limits, false);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_false(breaker_gauge(&breaker, str_of(names[i]), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_its_limit),
        cmocka_unit_test(test_zero_admits_nobody_and_unlimited_all),
        cmocka_unit_test(test_a_first_connection_passes_the_limit),
        cmocka_unit_test(test_what_is_left_is_tracked_if_wanted),
        cmocka_unit_test(test_a_budget_is_a_share_of_what_is_under_way),
        cmocka_unit_test(test_a_budget_may_be_a_share_of_an_interval),
        cmocka_unit_test(test_every_gauge_has_its_name),
        cmocka_unit_test(test_other_names_are_no_gauges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
