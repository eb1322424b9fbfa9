/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_fault.c - ENVOY.md 4: shares of delays and aborts.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/fault.h"

#define DRAWS 100000

static void test_delays_and_aborts_come_in_their_shares(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        struct fraction share;
        uint32_t least, most; /* of DRAWS */
    } rows[] = {
        {{0, 100}, 0, 0},
        {{100, 100}, DRAWS, DRAWS},
        {{1000000, 1000000}, DRAWS, DRAWS},
        {{500000, 1000000}, 49000, 51000},
        {{25, 100}, 24200, 25800},
        {{100, 1000000}, 1, 30}, /* 0.01 % */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fault_policy policy = {.has_delay = true,
                                      .delay_ns = 7,
                                      .delay_share = rows[i].share,
                                      .has_abort = true,
                                      .has_abort_share = true,
                                      .abort_share = rows[i].share};
        struct rng rng = rng_seeded(5, STR("fault"));
        uint32_t delays = 0, aborts = 0;
        for (uint32_t draw = 0; draw < DRAWS; draw++) {
            int64_t delay_ns = fault_delay_ns(&policy, &rng);
            assert_true(delay_ns == 0 || delay_ns == 7);
            delays += delay_ns == 7;
            aborts += fault_is_aborted(&policy, &rng);
        }
        assert_in_range(delays, rows[i].least, rows[i].most);
        assert_in_range(aborts, rows[i].least, rows[i].most);
    }
}

static void test_what_is_not_said_is_not_drawn(void **state)
{
    UNUSED_STATE(state);
    static const struct fault_policy rows[] = {
        {0},
        {.has_abort = true, .abort_status = 500, .abort_share = {100, 100}}, /* no percentage */
        {.has_delay = true, .delay_share = {100, 100}},                      /* no length */
    };
    struct rng rng = rng_seeded(1, STR("fault")), untouched = rng;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(fault_delay_ns(&rows[i], &rng), 0);
        assert_false(fault_is_aborted(&rows[i], &rng));
    }
    assert_int_equal(fault_delay_ns(NULL, &rng), 0);
    assert_false(fault_is_aborted(NULL, &rng));
    assert_memory_equal(&rng, &untouched, sizeof(rng));
}

static void test_grpc_statuses_are_told_with_200(void **state)
{
    UNUSED_STATE(state);
    assert_int_equal(fault_abort_status(&(struct fault_policy){.abort_status = 503}), 503);
    assert_int_equal(
        fault_abort_status(&(struct fault_policy){.has_grpc_status = true, .grpc_status = 14}),
        200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delays_and_aborts_come_in_their_shares),
        cmocka_unit_test(test_what_is_not_said_is_not_drawn),
        cmocka_unit_test(test_grpc_statuses_are_told_with_200),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
