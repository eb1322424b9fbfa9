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
    lb_init(&lb, cluster, NULL, &rng, &arena);
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
    lb_init(&lb, &cluster, NULL, &rng, &arena);
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

/* Two endpoints whose health moves. */
struct patients {
    atomic_uint version;
    atomic_bool ejected[2];
    const atomic_bool *is_ejected[2];
    struct health health;
};

static void make_patients(struct patients *patients)
{
    atomic_init(&patients->version, 1);
    for (int i = 0; i < 2; i++) {
        atomic_init(&patients->ejected[i], false);
        patients->is_ejected[i] = &patients->ejected[i];
    }
    patients->health =
        (struct health){.version = &patients->version, .is_ejected = patients->is_ejected};
}

static void eject(struct patients *patients, uint32_t index, bool is_ejected)
{
    atomic_store(&patients->ejected[index], is_ejected);
    atomic_fetch_add(&patients->version, 1);
}

static void test_who_is_ejected_is_left_out_until_he_is_back(void **state)
{
    UNUSED_STATE(state);
    static const uint32_t weights[] = {1, 3}; /* turns, then a schedule */
    for (size_t row = 0; row < COUNT_OF(weights); row++) {
        struct endpoint endpoints[] = {healthy(1), healthy(weights[row])};
        struct cluster cluster = {.lb = LB_ROUND_ROBIN,
                                  .endpoints = endpoints,
                                  .endpoint_count = 2,
                                  .has_panic_threshold_zero = true};
        struct patients patients;
        make_patients(&patients);
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct rng rng = rng_seeded(3, STR("lb"));
        struct lb lb;
        lb_init(&lb, &cluster, &patients.health, &rng, &arena);
        eject(&patients, 0, true);
        for (int i = 0; i < 10; i++)
            assert_int_equal(lb_pick(&lb, &rng), 1);
        eject(&patients, 1, true);
        assert_int_equal(lb_pick(&lb, &rng), LB_NONE);
        eject(&patients, 0, false);
        assert_int_equal(lb_pick(&lb, &rng), 0);
        eject(&patients, 1, false);
        uint32_t counts[2] = {0};
        for (uint32_t i = 0; i < 4 * (1 + weights[row]); i++)
            counts[lb_pick(&lb, &rng)]++;
        assert_int_equal(counts[0], 4);
        arena_fini(&arena);
    }
}

/* minHealthPercent 60: one of two is below it, and both are picked from. */
static void test_a_threshold_of_its_own_decides_about_panic(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        double percent;
        bool is_panicking;
    } rows[] = {{60, true}, {50.4, false}, {50.5, true}, {50, false}, {1, false}};
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct endpoint endpoints[] = {healthy(1), healthy(1)};
        struct cluster cluster = {.lb = LB_ROUND_ROBIN,
                                  .endpoints = endpoints,
                                  .endpoint_count = 2,
                                  .panic_threshold_percent = rows[row].percent};
        struct patients patients;
        make_patients(&patients);
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct rng rng = rng_seeded(3, STR("lb"));
        struct lb lb;
        lb_init(&lb, &cluster, &patients.health, &rng, &arena);
        eject(&patients, 0, true);
        struct lb_answer answer = lb_choose(&lb, &rng);
        assert_int_equal(answer.is_panicking, rows[row].is_panicking);
        assert_int_equal(answer.usable_count, rows[row].is_panicking ? 2 : 1);
        arena_fini(&arena);
    }
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
        cmocka_unit_test(test_who_is_ejected_is_left_out_until_he_is_back),
        cmocka_unit_test(test_a_threshold_of_its_own_decides_about_panic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
