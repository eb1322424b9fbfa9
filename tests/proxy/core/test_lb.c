/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_lb.c - ENVOY.md 5.1 to 5.3, 5.5, 5.6.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/lb.h"
#include "tests/proxy/core/patients.h"

static struct endpoint healthy(uint32_t weight)
{
    return (struct endpoint){.weight = weight, .health = ENDPOINT_HEALTHY};
}

static uint32_t pick(struct lb *lb, int64_t now_ns, struct rng *rng)
{
    struct lb_question asked = {.now_ns = now_ns};
    return lb_choose(lb, &asked, rng).endpoint_index;
}

/* A balancer with its memory, for those who ask it. */
struct fixture {
    struct arena arena;
    struct patients *patients;
    struct rng rng;
    struct lb lb;
};

static void begin(struct fixture *fixture, const struct cluster *cluster)
{
    arena_init(&fixture->arena, 4096, 0);
    fixture->patients = patients_new(&fixture->arena, cluster->endpoint_count);
    fixture->rng = rng_seeded(3, STR("lb"));
    lb_init(&fixture->lb, cluster, &fixture->patients->health, &fixture->rng, &fixture->arena);
}

static void picks(struct fixture *fixture, uint32_t turns, int64_t now_ns, uint32_t *counts,
                  uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        counts[i] = 0;
    for (uint32_t i = 0; i < turns; i++) {
        uint32_t picked = pick(&fixture->lb, now_ns, &fixture->rng);
        if (picked != LB_NONE)
            counts[picked]++;
    }
}

static void count_picks(struct cluster *cluster, uint32_t turns, uint32_t *counts)
{
    struct fixture fixture;
    begin(&fixture, cluster);
    picks(&fixture, turns, 0, counts, cluster->endpoint_count);
    arena_fini(&fixture.arena);
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

/* The counter of panics moves with an empty cluster, too, but not with one that has its
 * endpoints on demand. */
static void test_only_a_balancer_panics(void **state)
{
    UNUSED_STATE(state);
    for (int is_on_demand = 0; is_on_demand < 2; is_on_demand++) {
        struct cluster cluster = {.lb = LB_RANDOM,
                                  .type = is_on_demand ? CLUSTER_ORIGINAL_DST : CLUSTER_EDS};
        struct fixture fixture;
        begin(&fixture, &cluster);
        struct lb_question asked = {0};
        struct lb_answer answer = lb_choose(&fixture.lb, &asked, &fixture.rng);
        assert_int_equal(answer.endpoint_index, LB_NONE);
        assert_int_equal(answer.is_panicking, !is_on_demand);
        arena_fini(&fixture.arena);
    }
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
    struct fixture fixture;
    uint32_t counts[2];
    begin(&fixture, &cluster);
    lb_note_begin(&fixture.lb, 0);
    picks(&fixture, 1000, 0, counts, 2);
    /* Only when both choices fall on the busy one: a quarter. */
    assert_in_range(counts[0], 200, 300);
    lb_note_end(&fixture.lb, 0);
    assert_int_equal(fixture.lb.active[0], 0);
    arena_fini(&fixture.arena);
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
        struct fixture fixture;
        uint32_t counts[2];
        begin(&fixture, &cluster);
        patients_eject(fixture.patients, 0, true);
        picks(&fixture, 10, 0, counts, 2);
        assert_int_equal(counts[1], 10);
        patients_eject(fixture.patients, 1, true);
        assert_int_equal(pick(&fixture.lb, 0, &fixture.rng), LB_NONE);
        patients_eject(fixture.patients, 0, false);
        assert_int_equal(pick(&fixture.lb, 0, &fixture.rng), 0);
        patients_eject(fixture.patients, 1, false);
        picks(&fixture, 4 * (1 + weights[row]), 0, counts, 2);
        assert_int_equal(counts[0], 4);
        arena_fini(&fixture.arena);
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
        struct fixture fixture;
        begin(&fixture, &cluster);
        patients_eject(fixture.patients, 0, true);
        struct lb_answer answer = lb_choose(&fixture.lb, &(struct lb_question){0}, &fixture.rng);
        assert_int_equal(answer.is_panicking, rows[row].is_panicking);
        assert_int_equal(answer.usable_count, rows[row].is_panicking ? 2 : 1);
        arena_fini(&fixture.arena);
    }
}

/* The turn goes on where it was; an equal number each before and after. */
static void test_an_ejection_does_not_restart_the_turns(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {healthy(1), healthy(1), healthy(1)};
    struct cluster cluster = {.lb = LB_ROUND_ROBIN,
                              .endpoints = endpoints,
                              .endpoint_count = 3,
                              .has_panic_threshold_zero = true};
    struct fixture fixture;
    uint32_t counts[3];
    begin(&fixture, &cluster);
    uint64_t next = fixture.lb.priorities[0].healthy.next;
    picks(&fixture, 4, 0, counts, 3);
    patients_eject(fixture.patients, 1, true);
    picks(&fixture, 2, 0, counts, 3);
    assert_true(fixture.lb.priorities[0].healthy.next == next + 6);
    picks(&fixture, 10, 0, counts, 3);
    assert_int_equal(counts[0], 5);
    assert_int_equal(counts[1], 0);
    assert_int_equal(counts[2], 5);
    arena_fini(&fixture.arena);
}

/* Three requests are under way at the one of weight 2: 2 / 4^bias against 4. */
static void test_least_request_weighs_the_busy_by_bias(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        bool has_bias;
        double bias, weight;
    } rows[] = {{false, 0, 0.5}, {true, 0, 2}, {true, 0.5, 1}, {true, 2, 0.125}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct endpoint endpoints[] = {healthy(2), healthy(4)};
        struct cluster cluster = {.lb = LB_LEAST_REQUEST,
                                  .endpoints = endpoints,
                                  .endpoint_count = 2,
                                  .has_request_bias = rows[i].has_bias,
                                  .request_bias = rows[i].bias};
        struct fixture fixture;
        uint32_t counts[2];
        begin(&fixture, &cluster);
        for (uint32_t k = 0; k < 3; k++)
            lb_note_begin(&fixture.lb, 0);
        picks(&fixture, 100, 0, counts, 2); /* older deadlines run out */
        picks(&fixture, 900, 0, counts, 2);
        uint32_t want = (uint32_t)(900 * rows[i].weight / (rows[i].weight + 4));
        assert_in_range(counts[0], want - 2, want + 2);
        arena_fini(&fixture.arena);
    }
}

static struct endpoint in_locality(const char *region, uint32_t share)
{
    return (struct endpoint){.weight = 1,
                             .health = ENDPOINT_HEALTHY,
                             .locality = {.region = str_of(region)},
                             .locality_weight = share};
}

static void test_localities_get_their_shares(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {in_locality("us", 75), in_locality("us", 75),
                                   in_locality("eu", 25), in_locality("ap", 0)};
    endpoints[3].weight = 0; /* a locality without a share has no endpoints */
    struct cluster cluster = {.lb = LB_ROUND_ROBIN,
                              .endpoints = endpoints,
                              .endpoint_count = 4,
                              .has_locality_weights = true,
                              .has_panic_threshold_zero = true};
    struct fixture fixture;
    uint32_t counts[4];
    begin(&fixture, &cluster);
    picks(&fixture, 400, 0, counts, 4);
    assert_in_range(counts[0], 149, 151);
    assert_in_range(counts[1], 149, 151);
    assert_in_range(counts[2], 99, 101);
    /* Half of us is gone: 75 * 1.4 / 2 to 25. */
    patients_eject(fixture.patients, 1, true);
    picks(&fixture, 3100, 0, counts, 4);
    assert_in_range(counts[0], 2098, 2102);
    assert_in_range(counts[2], 998, 1002);
    /* All of it is gone: the other takes everything. */
    patients_eject(fixture.patients, 0, true);
    picks(&fixture, 100, 0, counts, 4);
    assert_int_equal(counts[2], 100);
    /* Nobody is left; who has no share does not help. */
    patients_eject(fixture.patients, 2, true);
    assert_int_equal(pick(&fixture.lb, 0, &fixture.rng), LB_NONE);
    arena_fini(&fixture.arena);
}

/* Schedules within localities do not disturb the one over them. */
static void test_localities_and_weights_go_together(void **state)
{
    UNUSED_STATE(state);
    struct endpoint endpoints[] = {in_locality("eu", 25), in_locality("us", 75),
                                   in_locality("us", 75)};
    endpoints[2].weight = 2;
    struct cluster cluster = {.lb = LB_ROUND_ROBIN,
                              .endpoints = endpoints,
                              .endpoint_count = 3,
                              .has_locality_weights = true,
                              .has_panic_threshold_zero = true};
    struct fixture fixture;
    uint32_t counts[3];
    begin(&fixture, &cluster);
    picks(&fixture, 400, 0, counts, 3);
    assert_in_range(counts[0], 99, 101);
    assert_in_range(counts[1], 99, 101);
    assert_in_range(counts[2], 199, 201);
    arena_fini(&fixture.arena);
}

/* A newcomer among two old ones: its weight grows with its age. */
static void test_a_newcomer_warms_up(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        bool has_shape;
        double aggression, percent;
        int64_t age_ms;
        double want; /* its weight, of 1 */
    } rows[] = {
        {true, 1, 25, 0, 0.25},   {true, 1, 25, 500, 0.25},  {true, 1, 25, 2000, 0.5},
        {true, 1, 25, 3000, .75}, {true, 1, 25, 4000, 1},    {true, 1, 25, 9000, 1},
        {true, 2, 10, 1000, 0.5}, {true, .5, 10, 2000, .25}, {false, 0, 0, 100, 0.1},
        {false, 0, 0, 1000, .25},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct slow_start slow_start = {.window_ns = 4 * NS_SECOND,
                                        .has_shape = rows[i].has_shape,
                                        .aggression = rows[i].aggression,
                                        .weight_percent_min = rows[i].percent};
        struct endpoint endpoints[] = {healthy(1), healthy(1), healthy(1)};
        struct cluster cluster = {.lb = LB_ROUND_ROBIN,
                                  .endpoints = endpoints,
                                  .endpoint_count = 3,
                                  .slow_start = &slow_start};
        struct fixture fixture;
        uint32_t counts[3];
        begin(&fixture, &cluster);
        lb_set_absent(&fixture.lb, 2, true, 0);
        int64_t came_ns = 10 * NS_SECOND, now_ns = came_ns + rows[i].age_ms * NS_MS;
        picks(&fixture, 10, came_ns, counts, 3);
        assert_int_equal(counts[2], 0);
        lb_set_absent(&fixture.lb, 2, false, came_ns);
        picks(&fixture, 200, now_ns, counts, 3); /* older deadlines run out */
        picks(&fixture, 2000, now_ns, counts, 3);
        uint32_t want = (uint32_t)(2000 * rows[i].want / (2 + rows[i].want) + 0.5);
        if (counts[2] + 3 < want || counts[2] > want + 3)
            fail_msg("row %zu: the newcomer gets %u of 2000, want %u", i, counts[2], want);
        arena_fini(&fixture.arena);
    }
}

static void test_who_comes_together_is_alike(void **state)
{
    UNUSED_STATE(state);
    struct slow_start slow_start = {.window_ns = 4 * NS_SECOND};
    struct endpoint endpoints[] = {healthy(1), healthy(1)};
    struct cluster cluster = {.lb = LB_ROUND_ROBIN,
                              .endpoints = endpoints,
                              .endpoint_count = 2,
                              .slow_start = &slow_start};
    struct fixture fixture;
    uint32_t counts[2];
    begin(&fixture, &cluster);
    picks(&fixture, 100, 0, counts, 2);
    assert_int_equal(counts[0], 50);
    arena_fini(&fixture.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_robin_takes_turns),
        cmocka_unit_test(test_round_robin_follows_weights),
        cmocka_unit_test(test_only_the_healthy_are_picked),
        cmocka_unit_test(test_nobody_healthy_means_nobody_without_panic),
        cmocka_unit_test(test_only_a_balancer_panics),
        cmocka_unit_test(test_a_lower_priority_waits),
        cmocka_unit_test(test_a_weak_priority_shares_with_the_next),
        cmocka_unit_test(test_an_empty_priority_is_passed_over),
        cmocka_unit_test(test_when_all_panic_all_are_picked_from),
        cmocka_unit_test(test_least_request_prefers_the_idle),
        cmocka_unit_test(test_an_ejection_does_not_restart_the_turns),
        cmocka_unit_test(test_least_request_weighs_the_busy_by_bias),
        cmocka_unit_test(test_localities_get_their_shares),
        cmocka_unit_test(test_who_is_ejected_is_left_out_until_he_is_back),
        cmocka_unit_test(test_a_threshold_of_its_own_decides_about_panic),
        cmocka_unit_test(test_localities_and_weights_go_together),
        cmocka_unit_test(test_a_newcomer_warms_up),
        cmocka_unit_test(test_who_comes_together_is_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
