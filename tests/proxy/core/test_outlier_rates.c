/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_outlier_rates.c - ENVOY.md 7.5: success rates and failure percentages.
 */
#include "tests/proxy/core/outlier_play.h"

/* 7.5 */
static void test_the_worst_of_an_interval_are_ejected(void **state)
{
    UNUSED_STATE(state);
#define RATE(n) SAID(CONSECUTIVE_5XX, 0), SAID(SUCCESS_RATE_REQUEST_VOLUME, n)
#define SHARE(n)                                                          \
    SAID(CONSECUTIVE_5XX, 0), SAID(FAILURE_PERCENTAGE_REQUEST_VOLUME, n), \
        SAID(ENFORCING_FAILURE_PERCENTAGE, 100), SAID(ENFORCING_SUCCESS_RATE, 0)
    static const struct row rows[] = {
        {.what = "50 of 100 among the spotless is below 52",
         .host_count = 5,
         .said = {ALL, RATE(10)},
         .play = "a500*5 a200*5 b200*10 c200*10 d200*10 e200*10 +9999 = +1 =a"},
        {.what = "too few hosts",
         .host_count = 4,
         .said = {ALL, RATE(10)},
         .play = "a500*10 b200*10 c200*10 d200*10 +10000 ="},
        {.what = "too few of them with enough requests",
         .host_count = 5,
         .said = {ALL, RATE(10)},
         .play = "a500*10 b200*9 c200*10 d200*10 e200*10 +10000 ="},
        {.what = "an interval does not add to the next",
         .host_count = 5,
         .said = {ALL, RATE(10)},
         .play = "a500*5 b200*5 c200*5 d200*5 e200*5 +10000 a500*5 b200*5 c200*5 d200*5 e200*5 "
                 "+10000 ="},
        {.what = "all alike",
         .host_count = 5,
         .said = {ALL, RATE(10)},
         .play = "a500*10 b500*10 c500*10 d500*10 e500*10 +10000 ="},
        {.what = "a share of failures",
         .host_count = 5,
         .said = {ALL, SHARE(10)},
         .play = "a500*9 a200*1 b500*8 b200*2 c200*10 d200*10 e200*10 +10000 =a"},
        {.what = "exactly the threshold",
         .host_count = 5,
         .said = {ALL, SHARE(20)},
         .play = "a500*17 a200*3 b200*20 c200*20 d200*20 e200*20 +10000 =a"},
        {.what = "local failures are not the server's",
         .host_count = 5,
         .is_splitting = true,
         .said = {ALL, RATE(10), SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 0),
                  SAID(ENFORCING_LOCAL_ORIGIN_SUCCESS_RATE, 0)},
         .play = "aF*10 bC*10 cC*10 dC*10 eC*10 +10000 = !1"},
        {.what = "and have a rate of their own",
         .host_count = 5,
         .is_splitting = true,
         .said = {ALL, RATE(10), SAID(CONSECUTIVE_LOCAL_ORIGIN_FAILURE, 0)},
         .play = "aF*10 bC*10 cC*10 dC*10 eC*10 +10000 =a"},
    };
    perform_all(rows, COUNT_OF(rows));
}

static void test_rates_are_to_be_seen(void **state)
{
    UNUSED_STATE(state);
    static const struct row row = {
        .what = "{50, 100, 100, 100, 100}: 52", .host_count = 5, .said = {ALL, RATE(10)}};
    struct play play;
    begin(&play, &row);
    struct outlier_view view = outlier_view(&play.outlier);
    assert_true(view.averages[ORIGIN_EXTERNAL] == -1 && view.thresholds[ORIGIN_EXTERNAL] == -1);
    perform(&play, "a500*5 a200*5 b200*10 c200*10 d200*10 e200*10 +10000");
    view = outlier_view(&play.outlier);
    assert_true(view.averages[ORIGIN_EXTERNAL] == 90);
    assert_true(view.thresholds[ORIGIN_EXTERNAL] > 51.9 && view.thresholds[ORIGIN_EXTERNAL] < 52.1);
    assert_true(view.averages[ORIGIN_LOCAL] == -1);
    assert_true(outlier_host_view(&play.outlier, play.hosts[0]).success_rates[0] == 50);
    assert_true(outlier_host_view(&play.outlier, play.hosts[1]).success_rates[0] == 100);
    assert_true(outlier_host_view(&play.outlier, play.hosts[1]).success_rates[1] == -1);
    perform(&play, "+10000");
    assert_true(outlier_host_view(&play.outlier, play.hosts[1]).success_rates[0] == -1);
    /* Nothing is left to do but to wait for the one who is out. */
    perform(&play, "+60000 =");
    assert_true(outlier_due_ns(&play.outlier) == NS_NEVER);
    end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worst_of_an_interval_are_ejected),
        cmocka_unit_test(test_rates_are_to_be_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
