/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_histogram.c - bins, quantiles and intervals as Envoy
 * shows them (ENVOY.md 12.1).
 */
#include "proxy/core/histogram.h"

#include <math.h>

#include "tests/proxy/core/build.h"

static void assert_near(double got, double want)
{
    if (fabs(got - want) > want * 1e-9)
        fail_msg("got %.12g, want %.12g", got, want);
}

static void test_one_value_fills_its_bin(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        uint64_t value;
        double left, middle, right; /* P0, P50, P100 */
    } rows[] = {
        {0, 0, 0, 0},
        {1, 1, 1.05, 1.1},
        {3, 3, 3.05, 3.1}, /* a real Envoy's words for 3 */
        {9, 9, 9.05, 9.1},
        {10, 10, 10.5, 11},
        {99, 99, 99.5, 100},
        {100, 100, 105, 110},
        {1234, 1200, 1250, 1300},
        {9999999999, 9900000000, 9950000000, 10000000000},
        {UINT64_MAX, 9900000000, 9950000000, 10000000000}, /* counts as the largest */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        struct histogram histogram = {0};
        double values[HISTOGRAM_QUANTILES];
        arena_init(&arena, 1024, 0);
        histogram_note(&histogram, rows[i].value, 0, &arena);
        assert_true(histogram_quantiles(&histogram, SPAN_EVER, values));
        assert_near(values[0], rows[i].left);
        assert_near(values[2], rows[i].middle);
        assert_near(values[9], rows[i].right);
        assert_near(histogram_sum(&histogram), rows[i].middle);
        arena_fini(&arena);
    }
}

static void test_quantiles_lie_between_bins(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    struct histogram histogram = {0};
    double values[HISTOGRAM_QUANTILES];
    arena_init(&arena, 1024, 0);
    for (uint64_t value = 1; value <= 100; value++)
        histogram_note(&histogram, value, 0, &arena);
    assert_true(histogram_quantiles(&histogram, SPAN_EVER, values));
    assert_near(values[1], 26); /* a quarter of them are below */
    assert_near(values[5], 96);
    assert_near(values[9], 110);
    assert_int_equal(histogram_count_below(&histogram, SPAN_EVER, 0.5), 0);
    assert_int_equal(histogram_count_below(&histogram, SPAN_EVER, 10), 9);
    assert_int_equal(histogram_count_below(&histogram, SPAN_EVER, 1e9), 100);
    arena_fini(&arena);
}

static void test_an_interval_is_shown_when_it_is_over(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    struct histogram histogram = {0};
    double values[HISTOGRAM_QUANTILES];
    arena_init(&arena, 1024, 0);
    assert_false(histogram_quantiles(&histogram, SPAN_EVER, values));
    histogram_note(&histogram, 7, NS_SECOND, &arena);
    assert_false(histogram_quantiles(&histogram, SPAN_LAST, values));
    histogram_tick(&histogram, HISTOGRAM_INTERVAL_NS);
    assert_true(histogram_quantiles(&histogram, SPAN_LAST, values));
    assert_near(values[0], 7);
    histogram_tick(&histogram, 2 * HISTOGRAM_INTERVAL_NS);
    assert_false(histogram_quantiles(&histogram, SPAN_LAST, values));
    assert_true(histogram_quantiles(&histogram, SPAN_EVER, values));
    arena_fini(&arena);
}

static void test_workers_are_added_up(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    struct histogram sum = {0}, early = {0}, late = {0};
    double values[HISTOGRAM_QUANTILES];
    arena_init(&arena, 1024, 0);
    histogram_note(&early, 0, 0, &arena);
    histogram_note(&early, 5, 0, &arena);
    histogram_note(&late, 500, HISTOGRAM_INTERVAL_NS, &arena);
    histogram_add(&sum, &late, &arena);
    histogram_add(&sum, &early, &arena); /* its current interval is the last one by now */
    assert_int_equal(sum.counts[SPAN_EVER], 3);
    assert_int_equal(sum.counts[SPAN_CURRENT], 1);
    assert_int_equal(sum.counts[SPAN_LAST], 2);
    assert_true(histogram_quantiles(&sum, SPAN_LAST, values));
    assert_near(values[9], 5.1);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_value_fills_its_bin),
        cmocka_unit_test(test_quantiles_lie_between_bins),
        cmocka_unit_test(test_an_interval_is_shown_when_it_is_over),
        cmocka_unit_test(test_workers_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
