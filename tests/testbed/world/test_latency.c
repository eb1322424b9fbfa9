/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_latency.c - what is drawn has the distribution that was written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/world/latency.h"

#define DRAWS 20000u

/* The share of draws that are at most so long. */
static double share_up_to(const struct latency *latency, int64_t ns)
{
    struct rng rng = rng_seeded(1, STR("latency"));
    uint32_t count = 0;
    for (uint32_t i = 0; i < DRAWS; i++)
        count += latency_draw(latency, &rng) <= ns;
    return (double)count / DRAWS;
}

static void assert_near(double got, double want)
{
    if (got < want - 0.015 || got > want + 0.015)
        print_message("%f, not %f\n", got, want);
    assert_true(got >= want - 0.015 && got <= want + 0.015);
}

static void test_a_constant_draws_nothing(void **state)
{
    (void)state;
    struct rng rng = rng_seeded(1, STR("x")), same = rng;
    const struct latency latency = latency_constant(7 * NS_MS);
    assert_int_equal(latency_draw(&latency, &rng), 7 * NS_MS);
    assert_memory_equal(&rng, &same, sizeof(rng));
    const struct latency none = {0};
    assert_int_equal(latency_draw(&none, &rng), 0);
}

static void test_uniform_is_a_straight_line(void **state)
{
    (void)state;
    const struct latency latency = {.points = {{0, 10 * NS_MS}, {1, 30 * NS_MS}}, .count = 2};
    assert_near(share_up_to(&latency, 10 * NS_MS), 0);
    assert_near(share_up_to(&latency, 15 * NS_MS), 0.25);
    assert_near(share_up_to(&latency, 20 * NS_MS), 0.5);
    assert_near(share_up_to(&latency, 30 * NS_MS), 1);
}

static void test_percentiles_are_what_they_say(void **state)
{
    (void)state;
    const struct latency latency = {
        .points = {{0, 0}, {0.5, 20 * NS_MS}, {0.9, 50 * NS_MS}, {0.99, NS_SECOND}, {1, NS_SECOND}},
        .count = 5};
    assert_near(share_up_to(&latency, 10 * NS_MS), 0.25);
    assert_near(share_up_to(&latency, 20 * NS_MS), 0.5);
    assert_near(share_up_to(&latency, 50 * NS_MS), 0.9);
    assert_near(share_up_to(&latency, NS_SECOND - 1), 0.99);
    assert_near(share_up_to(&latency, NS_SECOND), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_constant_draws_nothing),
        cmocka_unit_test(test_uniform_is_a_straight_line),
        cmocka_unit_test(test_percentiles_are_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
