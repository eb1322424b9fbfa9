/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_lb.c - ENVOY.md 5.1 to 5.3.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/lb.h"

static struct endpoint healthy(uint32_t weight)
{
    return (struct endpoint){.weight = weight, .health = ENDPOINT_HEALTHY};
}

static void count_picks(struct cluster *cluster, uint32_t turns, uint32_t *counts)
{
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct rng rng = rng_seeded(3, STR("lb"));
    struct lb lb;
    lb_init(&lb, cluster, &rng, &arena);
    for (uint32_t i = 0; i < turns; i++) {
        uint32_t picked = lb_pick(&lb, &rng);
        if (picked != LB_NONE)
            counts[picked]++;
    }
    arena_fini(&arena);
}

static void test_round_robin_takes_turns(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1), healthy(1), healthy(1)};
    struct cluster cluster = {.lb = LB_ROUND_ROBIN, .endpoints = endpoints, .endpoint_count = 3};
    uint32_t counts[3] = {0};
    count_picks(&cluster, 30, counts);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(counts[i], 10);
}

static void test_round_robin_follows_weights(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1), healthy(3)};
    struct cluster cluster = {.lb = LB_ROUND_ROBIN, .endpoints = endpoints, .endpoint_count = 2};
    uint32_t counts[2] = {0};
    count_picks(&cluster, 400, counts);
    assert_in_range(counts[0], 99, 101);
    assert_in_range(counts[1], 299, 301);
}

static void test_only_the_healthy_are_picked(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1), healthy(1), healthy(1)};
    endpoints[1].health = ENDPOINT_UNHEALTHY;
    struct cluster cluster = {.lb = LB_RANDOM,
                              .endpoints = endpoints,
                              .endpoint_count = 3,
                              .has_panic_threshold_zero = true};
    uint32_t counts[3] = {0};
    count_picks(&cluster, 300, counts);
    assert_int_equal(counts[1], 0);
    assert_true(counts[0] > 100 && counts[2] > 100);
}

static void test_nobody_healthy_means_nobody_without_panic(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1)};
    endpoints[0].health = ENDPOINT_UNHEALTHY;
    struct cluster cluster = {.lb = LB_ROUND_ROBIN,
                              .endpoints = endpoints,
                              .endpoint_count = 1,
                              .has_panic_threshold_zero = true};
    uint32_t counts[1] = {0};
    count_picks(&cluster, 10, counts);
    assert_int_equal(counts[0], 0);
    cluster.has_panic_threshold_zero = false;
    count_picks(&cluster, 10, counts);
    assert_int_equal(counts[0], 10);
}

static void test_a_lower_priority_waits(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1), healthy(1)};
    endpoints[0].priority = 1;
    struct cluster cluster = {.lb = LB_ROUND_ROBIN, .endpoints = endpoints, .endpoint_count = 2};
    uint32_t counts[2] = {0};
    count_picks(&cluster, 10, counts);
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 10);
}

/* Half of the first priority's endpoints are healthy: 1.4 times that share. */
static void test_a_weak_priority_shares_with_the_next(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1), healthy(1), healthy(1)};
    endpoints[1].health = ENDPOINT_UNHEALTHY;
    endpoints[2].priority = 1;
    struct cluster cluster = {.lb = LB_ROUND_ROBIN, .endpoints = endpoints, .endpoint_count = 3};
    uint32_t counts[3] = {0};
    count_picks(&cluster, 2000, counts);
    assert_in_range(counts[0], 1300, 1500);
    assert_int_equal(counts[1], 0);
    assert_in_range(counts[2], 500, 700);
}

static void test_an_empty_priority_is_passed_over(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1)};
    endpoints[0].priority = 2;
    struct cluster cluster = {.lb = LB_RANDOM, .endpoints = endpoints, .endpoint_count = 1};
    uint32_t counts[1] = {0};
    count_picks(&cluster, 10, counts);
    assert_int_equal(counts[0], 10);
}

/* 0 of 2 and 1 of 3: both panic, 40 to 60, whatever the endpoints' health. */
static void test_when_all_panic_all_are_picked_from(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1), healthy(1), healthy(1), healthy(1), healthy(1)};
    for (size_t i = 0; i < 4; i++)
        endpoints[i].health = ENDPOINT_UNHEALTHY;
    for (size_t i = 2; i < 5; i++)
        endpoints[i].priority = 1;
    struct cluster cluster = {.lb = LB_ROUND_ROBIN, .endpoints = endpoints, .endpoint_count = 5};
    uint32_t counts[5] = {0};
    count_picks(&cluster, 5000, counts);
    assert_in_range(counts[0] + counts[1], 1850, 2150);
    for (size_t i = 0; i < 5; i++)
        assert_in_range(counts[i], 850, 1150);
}

static void test_least_request_prefers_the_idle(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1), healthy(1)};
    struct cluster cluster = {.lb = LB_LEAST_REQUEST, .endpoints = endpoints, .endpoint_count = 2};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct rng rng = rng_seeded(3, STR("lb"));
    struct lb lb;
    lb_init(&lb, &cluster, &rng, &arena);
    lb_note_begin(&lb, 0);
    uint32_t busy = 0;
    for (int i = 0; i < 1000; i++)
        busy += lb_pick(&lb, &rng) == 0;
    /* Only when both choices fall on the busy one: a quarter. */
    assert_in_range(busy, 200, 300);
    lb_note_end(&lb, 0);
    assert_int_equal(lb.active[0], 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_robin_takes_turns),
        cmocka_unit_test(test_round_robin_follows_weights),
        cmocka_unit_test(test_only_the_healthy_are_picked),
        cmocka_unit_test(test_nobody_healthy_means_nobody_without_panic),
        cmocka_unit_test(test_a_lower_priority_waits),
        cmocka_unit_test(test_a_weak_priority_shares_with_the_next),
        cmocka_unit_test(test_an_empty_priority_is_passed_over),
        cmocka_unit_test(test_when_all_panic_all_are_picked_from),
        cmocka_unit_test(test_least_request_prefers_the_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
