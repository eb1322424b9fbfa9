/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_outlier.c - ENVOY.md 7.1 to 7.4, row by row.
 */
#include "tests/proxy/core/outlier_play.h"

static void test_defaults_are_envoys(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        enum outlier_number number;
        uint32_t value;
    } rows[] = {
        {OUTLIER_CONSECUTIVE_5XX, 5},
        {OUTLIER_ENFORCING_CONSECUTIVE_5XX, 100},
        {OUTLIER_CONSECUTIVE_GATEWAY_FAILURE, 5},
        {OUTLIER_ENFORCING_CONSECUTIVE_GATEWAY_FAILURE, 0},
        {OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 5},
        {OUTLIER_ENFORCING_CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 100},
        {OUTLIER_MAX_EJECTION_PERCENT, 10},
        {OUTLIER_SUCCESS_RATE_MINIMUM_HOSTS, 5},
        {OUTLIER_SUCCESS_RATE_REQUEST_VOLUME, 100},
        {OUTLIER_SUCCESS_RATE_STDEV_FACTOR, 1900},
        {OUTLIER_ENFORCING_SUCCESS_RATE, 100},
        {OUTLIER_FAILURE_PERCENTAGE_THRESHOLD, 85},
        {OUTLIER_FAILURE_PERCENTAGE_MINIMUM_HOSTS, 5},
        {OUTLIER_FAILURE_PERCENTAGE_REQUEST_VOLUME, 50},
        {OUTLIER_ENFORCING_FAILURE_PERCENTAGE, 0},
        {OUTLIER_ENFORCING_FAILURE_PERCENTAGE_LOCAL_ORIGIN, 0},
        {OUTLIER_ENFORCING_LOCAL_ORIGIN_SUCCESS_RATE, 100},
    };
    static const struct outlier_detection nothing;
    assert_int_equal(COUNT_OF(rows), OUTLIER_NUMBER_COUNT);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(outlier_number(&nothing, rows[i].number), rows[i].value);
    perform_all(
        (const struct row[]){
            {.what = "30 s of ejection, at ticks of 10 s",
             .host_count = 10,
             .play = "+1000 a500*4 = a500 =a +29000 =a +9000 =a +1000 ="},
            {.what = "no more than 300 s",
             .host_count = 2,
             .base_ms = 200000,
             .said = {ALL},
             .play = "a500*5 +200000 = +10 a500*5 +299000 =a +10990 ="},
            {.what = "but a base that is longer counts",
             .host_count = 2,
             .base_ms = 400000,
             .said = {ALL},
             .play = "a500*5 +399000 =a +1000 ="},
        },
        3);
}

/* 7.2 */
static void test_what_counts_as_what(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "any 5xx", .host_count = 2, .said = {ALL}, .play = "a500*2 a501 a503 a599 =a"},
        {.what = "no other codes",
         .host_count = 2,
         .said = {ALL},
         .play = "a499*9 a404*9 a600*9 ="},
        {.what = "a success ends the row",
         .host_count = 2,
         .said = {ALL},
         .play = "a500*4 a200 a500*4 = a500 =a"},
        {.what = "each host has its own",
         .host_count = 2,
         .said = {ALL},
         .play = "a500*4 b500*4 ="},
        {.what = "failed connections are 503",
         .host_count = 2,
         .said = {ALL, GATEWAY(3)},
         .play = "aF aF = aF =a"},
        {.what = "time that is over is 504",
         .host_count = 2,
         .said = {ALL, GATEWAY(3)},
         .play = "aT aT = aT =a"},
        {.what = "a connection alone is nothing",
         .host_count = 2,
         .said = {ALL, GATEWAY(2)},
         .play = "aF aC aF =a"},
        {.what = "a TCP session's is a success",
         .host_count = 2,
         .said = {ALL, GATEWAY(2)},
         .play = "aF aS aF ="},
        {.what = "gateway failures are 502, 503, 504",
         .host_count = 2,
         .said = {ALL, GATEWAY(3)},
         .play = "a502 a503 a504 =a"},
        {.what = "another 5xx ends their row",
         .host_count = 2,
         .said = {ALL, GATEWAY(2)},
         .play = "a502 a500 a503 a505 ="},
        {.what = "they are off at first",
         .host_count = 2,
         .said = {ALL, SAID(CONSECUTIVE_5XX, 9)},
         .play = "a503*7 = !1"},
        {.what = "0 is never reached",
         .host_count = 2,
         .said = {ALL, SAID(ENFORCING_CONSECUTIVE_5XX, 100), SAID(CONSECUTIVE_5XX, 0)},
         .play = "a500*50 ="},
        {.what = "not enforced: noticed once, and the count begins again",
         .host_count = 2,
         .said = {ALL, SAID(ENFORCING_CONSECUTIVE_5XX, 0)},
         .play = "a500*5 = !1 a500*4 !1 a500 !2"},
    };
    perform_all(rows, COUNT_OF(rows));
}

/* 7.2, the last column */
static void test_origins_are_split_if_wanted(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "local failures have a row of their own",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 2), SAID(CONSECUTIVE_5XX, 3)},
         .play = "a500*2 aF = aF =a"},
        {.what = "a connection ends it",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 2)},
         .play = "aF aC aF aS aF = aT =a"},
        {.what = "an answer does not",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 2)},
         .play = "aF a200 aF =a"},
        {.what = "answers keep their codes",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, GATEWAY(2), SAID(CONSECUTIVE_5XX, 9)},
         .play = "a500*6 = a503*2 =a"},
        {.what = "resets do not end a row of answers",
         .host_count = 2,
         .is_splitting = true,
         .said = {ALL, SAID(CONSECUTIVE_5XX, 2)},
         .play = "a500 aF a500 =a"},
    };
    perform_all(rows, COUNT_OF(rows));
}

/* 7.3 */
static void test_who_may_be_ejected(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "ten percent of nine are nobody", .host_count = 9, .play = "a500*5 = a500*5 = !0"},
        {.what = "of ten, one", .host_count = 10, .play = "a500*5 b500*5 =a"},
        {.what = "of twenty, two", .host_count = 20, .play = "a500*5 b500*5 c500*5 =ab"},
        {.what = "half of three is one",
         .host_count = 3,
         .said = {SAID(MAX_EJECTION_PERCENT, 50)},
         .play = "a500*5 b500*5 =a"},
        {.what = "more than all is all",
         .host_count = 2,
         .said = {SAID(MAX_EJECTION_PERCENT, 200)},
         .play = "a500*5 b500*5 =ab"},
        {.what = "always one, if it is wanted",
         .host_count = 3,
         .is_always_ejecting_one = true,
         .play = "a500*5 b500*5 =a"},
        {.what = "who is ejected is not ejected again",
         .host_count = 2,
         .said = {ALL},
         .play = "a500*5 a500*20 =a !1"},
        {.what = "both detectors may see one response; the first one ejects",
         .host_count = 2,
         .said = {ALL, GATEWAY(2), SAID(CONSECUTIVE_5XX, 2)},
         .play = "a503*2 =a !1"},
    };
    perform_all(rows, COUNT_OF(rows));
}

/* 7.3, the end: the window is a second of its own from the change that waits. */
static void test_balancers_hear_of_changes_close_together_later(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "the first at once, the next a second later",
         .host_count = 3,
         .said = {ALL},
         .play = "a500*5 =a ~a +500 b500*5 =ab ~a +999 ~a +1 ~ab"},
        {.what = "those that follow come with it",
         .host_count = 4,
         .said = {ALL},
         .play = "a500*5 +500 b500*5 +400 c500*5 ~a +600 ~abc"},
        {.what = "after more than a second it is at once",
         .host_count = 3,
         .said = {ALL},
         .play = "a500*5 +1000 b500*5 ~a +1000 ~ab +1001 c500*5 ~abc"},
        {.what = "one that is late takes along who waits",
         .host_count = 4,
         .said = {ALL},
         .play = "a500*5 +600 b500*5 ~a +401 c500*5 ~abc"},
        {.what = "a return, too",
         .host_count = 3,
         .interval_ms = 1000,
         .base_ms = 1000,
         .said = {ALL},
         .play = "+500 a500*5 +500 b500*5 ~a +1000 = ~ab +999 ~ab +1 ~"},
    };
    perform_all(rows, COUNT_OF(rows));
}

/* 7.4 */
static void test_ejections_end_at_ticks_and_grow(void **state)
{
    UNUSED_STATE(state);
    static const struct row rows[] = {
        {.what = "rounded up to a tick",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 2500,
         .said = {ALL},
         .play = "+100 a500*5 +2899 =a +1 ="},
        {.what = "twice is twice as long",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 2000,
         .said = {ALL},
         .play = "a500*5 +2000 = +10 a500*5 +3990 =a +1000 ="},
        {.what = "an interval without an ejection is forgiven",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 2000,
         .said = {ALL},
         .play = "a500*5 +2000 = +1000 a500*5 +2000 ="},
        {.what = "growing stops at the longest",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 2000,
         .max_ms = 3000,
         .said = {ALL},
         .play = "a500*5 +2000 = +10 a500*5 +3990 = +10 a500*5 +3990 = +10 a500*5 +3990 ="},
        {.what = "rows begin again",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 1000,
         .said = {ALL, GATEWAY(9)},
         .play = "a503*5 =a a503*3 +1000 = a503*4 = a503 =a"},
        {.what = "what was counted while it was out does not eject it",
         .host_count = 2,
         .interval_ms = 1000,
         .base_ms = 1000,
         .said = {ALL},
         .play = "a500*5 a500*4 +1000 = a500*4 ="},
        /* As a real Envoy did it: the second ejection lasts 0.7 s again, as a tick came
         * between; the third 1.4 s. */
        {.what = "a recorded cycle",
         .host_count = 2,
         .interval_ms = 500,
         .base_ms = 700,
         .said = {ALL, SAID(CONSECUTIVE_5XX, 2)},
         .play = "+130 a500*2 =a +870 = +1155 a500*2 =a +845 = +200 a500*2 =a +1300 =a +500 ="},
    };
    perform_all(rows, COUNT_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_envoys),
        cmocka_unit_test(test_what_counts_as_what),
        cmocka_unit_test(test_origins_are_split_if_wanted),
        cmocka_unit_test(test_who_may_be_ejected),
        cmocka_unit_test(test_balancers_hear_of_changes_close_together_later),
        cmocka_unit_test(test_ejections_end_at_ticks_and_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
