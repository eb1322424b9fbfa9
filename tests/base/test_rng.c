/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_rng.c - luck that repeats itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#include "base/check.h"

/* The published generator from the state 1, 2, 3, 4. */
static void test_the_generator_is_xoshiro256_starstar(void **state)
{
    (void)state;
    static const uint64_t want[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
    };
    struct rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_true(rng_next(&rng) == want[i]);
}

static void test_streams_of_one_seed_go_their_own_ways(void **state)
{
    (void)state;
    struct rng a = rng_seeded(7, STR("split"));
    struct rng b = rng_seeded(7, STR("jitter"));
    struct rng c = rng_seeded(8, STR("split"));
    struct rng again = rng_seeded(7, STR("split"));
    uint64_t first = rng_next(&a);
    assert_true(first == rng_next(&again));
    assert_true(first != rng_next(&b));
    assert_true(first != rng_next(&c));
}

static void test_seed_zero_is_a_seed_like_others(void **state)
{
    (void)state;
    struct rng rng = rng_seeded(0, STR_EMPTY);
    assert_true((rng.s[0] | rng.s[1] | rng.s[2] | rng.s[3]) != 0);
    assert_true(rng_next(&rng) != rng_next(&rng));
}

static void test_derived_seeds_depend_on_seed_and_name(void **state)
{
    (void)state;
    uint64_t seed = rng_derive(1, STR("a"));
    assert_true(seed == rng_derive(1, STR("a")));
    assert_true(seed != rng_derive(1, STR("b")));
    assert_true(seed != rng_derive(2, STR("a")));
    assert_true(seed != rng_seeded(1, STR("a")).s[0]);
}

static void test_below_is_the_remainder_of_one_draw(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 2, 100, 1000000, UINT64_MAX};
    struct rng a = rng_seeded(3, STR("x"));
    struct rng b = rng_seeded(3, STR("x"));
    for (int i = 0; i < 100; i++)
        for (size_t j = 0; j < COUNT_OF(bounds); j++)
            assert_true(rng_below(&a, bounds[j]) == rng_next(&b) % bounds[j]);
}

static void test_unit_draws_are_even_and_below_one(void **state)
{
    (void)state;
    enum { DRAWS = 100000, BOXES = 10 };
    int boxes[BOXES] = {0};
    struct rng rng = rng_seeded(5, STR("unit"));
    for (int i = 0; i < DRAWS; i++) {
        double draw = rng_unit(&rng);
        assert_true(draw >= 0 && draw < 1);
        boxes[(int)(draw * BOXES)]++;
    }
    for (int i = 0; i < BOXES; i++)
        assert_in_range(boxes[i], DRAWS / BOXES - 500, DRAWS / BOXES + 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_generator_is_xoshiro256_starstar),
        cmocka_unit_test(test_streams_of_one_seed_go_their_own_ways),
        cmocka_unit_test(test_seed_zero_is_a_seed_like_others),
        cmocka_unit_test(test_derived_seeds_depend_on_seed_and_name),
        cmocka_unit_test(test_below_is_the_remainder_of_one_draw),
        cmocka_unit_test(test_unit_draws_are_even_and_below_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
