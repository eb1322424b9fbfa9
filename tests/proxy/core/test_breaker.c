/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_breaker.c - ENVOY.md 6.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/breaker.h"

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
    breaker_init(&breaker, &limits);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t is_open = 2;
        for (uint32_t taken = 0; taken < rows[i].limit; taken++) {
            assert_true(breaker_admits(&breaker, rows[i].kind));
            breaker_take(&breaker, rows[i].kind);
        }
        assert_false(breaker_admits(&breaker, rows[i].kind));
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
    breaker_init(&breaker, &limits);
    assert_false(breaker_admits(&breaker, BREAKER_PENDING));
    breaker.counts[BREAKER_REQUESTS] = 1u << 31;
    assert_true(breaker_admits(&breaker, BREAKER_REQUESTS));
}

static void test_other_names_are_no_gauges(void **state)
{
    UNUSED_STATE(state);
    static const struct breaker_limits limits = {0};
    static const char *const names[] = {"cx_open", "circuit_breakers.high.cx_open",
                                        "circuit_breakers.default.", "upstream_rq_total"};
    struct breaker breaker;
    uint64_t value;
    breaker_init(&breaker, &limits);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_false(breaker_gauge(&breaker, str_of(names[i]), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_its_limit),
        cmocka_unit_test(test_zero_admits_nobody_and_unlimited_all),
        cmocka_unit_test(test_other_names_are_no_gauges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
