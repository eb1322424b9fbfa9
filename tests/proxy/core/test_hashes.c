/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_hashes.c - ENVOY.md 5.4: RING_HASH and MAGLEV choose
 * what a real Envoy 1.40 chose. Rows were recorded from one with the same
 * clusters, request by request.
 */
#include <string.h>

#include "tests/proxy/core/build.h"
#include "base/xxhash.h"
#include "proxy/core/lb.h"
#include "tests/proxy/core/patients.h"

#define ENDPOINTS_MAX 5
#define KEYS 24

#define HEALTHY ENDPOINT_HEALTHY
#define SICK ENDPOINT_UNHEALTHY

struct row {
    const char *rule;
    struct endpoint endpoints[ENDPOINTS_MAX];
    uint32_t count;
    uint64_t ring_size, table_size;
    bool has_panic, has_locality_weights, is_v6;
    const char *want_ring, *want_maglev; /* of key-0 ... key-23: the endpoint's number from 1 */
    uint64_t ring[3];                    /* its size, fewest and most points of an endpoint */
    uint64_t maglev[2];                  /* fewest and most entries */
};

#define OF(weight_, health_)                     \
    {                                            \
        .weight = (weight_), .health = (health_) \
    }
#define AT(priority_, health_)                                    \
    {                                                             \
        .weight = 1, .health = (health_), .priority = (priority_) \
    }
#define IN(region_, share_, health_)                                                 \
    {                                                                                \
        .weight = 1, .health = (health_), .locality_weight = (share_), .locality = { \
            .region = STR_INIT(region_)                                              \
        }                                                                            \
    }

static const struct row ROWS[] = {
    {"three alike",
     {OF(1, HEALTHY), OF(1, HEALTHY), OF(1, HEALTHY)},
     3,
     .want_ring = "113313321312213231332123",
     .want_maglev = "212232311313231321111122",
     .ring = {1026, 342, 342},
     .maglev = {21845, 21846}},
    {"weights 1, 2, 5",
     {OF(1, HEALTHY), OF(2, HEALTHY), OF(5, HEALTHY)},
     3,
     64,
     1009,
     .want_ring = "333223332333133333233333",
     .want_maglev = "223321133333333231313332",
     .ring = {64, 8, 40},
     .maglev = {127, 629}},
    {"few places",
     {OF(1, HEALTHY), OF(1, HEALTHY), OF(1, HEALTHY)},
     3,
     5,
     11,
     .want_ring = "113223131133333133213111",
     .want_maglev = "211311213123331333131313",
     .ring = {6, 2, 2},
     .maglev = {3, 4}},
    {"one of four is sick",
     {OF(1, HEALTHY), OF(1, SICK), OF(1, HEALTHY), OF(1, HEALTHY)},
     4,
     .want_ring = "143414441413344331334144",
     .want_maglev = "411333414413434431111144",
     .ring = {1026, 342, 342},
     .maglev = {21845, 21846}},
    {"panic: health does not matter",
     {OF(1, HEALTHY), OF(1, SICK), OF(1, SICK)},
     3,
     .has_panic = true,
     .want_ring = "113313321312213231332123",
     .want_maglev = "212232311313231321111122",
     .ring = {1026, 342, 342},
     .maglev = {21845, 21846}},
    {"localities with weights, whatever their health",
     {IN("a", 70, HEALTHY), IN("a", 70, HEALTHY), IN("b", 30, HEALTHY), IN("b", 30, SICK)},
     4,
     1024,
     1009,
     .has_locality_weights = true,
     .want_ring = "113313321212213231332122",
     .want_maglev = "223321133311113211213122",
     .ring = {1027, 308, 360},
     .maglev = {303, 353}},
    {"the hash chooses the priority, too",
     {AT(0, HEALTHY), AT(0, SICK), AT(1, HEALTHY), AT(1, HEALTHY)},
     4,
     1024,
     1009,
     .want_ring = "141111111411141141114411",
     .want_maglev = "131111111411131131113311"},
    {"IPv6",
     {OF(1, HEALTHY), OF(1, HEALTHY)},
     2,
     .is_v6 = true,
     .want_ring = "121111212211211121121222",
     .want_maglev = "112121221221212121121222",
     .ring = {1024, 512, 512},
     .maglev = {32768, 32769}},
};

static const char *const ADDRESSES[ENDPOINTS_MAX] = {"127.8.0.1", "127.8.0.2", "127.8.0.3",
                                                     "127.8.0.4", "127.8.0.5"};

static void build(const struct row *row, enum lb_policy policy, struct endpoint *endpoints,
                  struct cluster *cluster)
{
    for (uint32_t i = 0; i < row->count; i++) {
        endpoints[i] = row->endpoints[i];
        endpoints[i].address = row->is_v6 ? STR("::1") : str_of(ADDRESSES[i]);
        endpoints[i].port = row->is_v6 ? 18081 + i : 18080;
    }
    *cluster = (struct cluster){.lb = policy,
                                .endpoints = endpoints,
                                .endpoint_count = row->count,
                                .ring_size_min = row->ring_size,
                                .maglev_table_size = row->table_size,
                                .has_locality_weights = row->has_locality_weights,
                                .has_panic_threshold_zero = !row->has_panic};
}

static void check(const struct row *row, enum lb_policy policy, const char *want)
{
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct endpoint endpoints[ENDPOINTS_MAX];
    struct cluster cluster;
    build(row, policy, endpoints, &cluster);
    struct rng rng = rng_seeded(1, STR("lb"));
    struct lb lb;
    lb_init(&lb, &cluster, NULL, &rng, &arena);
    for (uint32_t i = 0; i < KEYS; i++) {
        struct str key = arena_format(&arena, "key-%u", i);
        struct lb_question asked = {.hash = xxhash64(key, 0)};
        uint32_t got = lb_choose(&lb, &asked, &rng).endpoint_index + 1;
        if (got != (uint32_t)(want[i] - '0'))
            fail_msg("%s, policy %u: key-%u leads to %u, want %c", row->rule, (unsigned)policy, i,
                     got, want[i]);
    }
    const struct ring *ring = &lb.priorities[0].ring;
    if (policy == LB_RING_HASH && row->ring[0] > 0) {
        assert_int_equal(ring->count, row->ring[0]);
        assert_int_equal(ring->points_min, row->ring[1]);
        assert_int_equal(ring->points_max, row->ring[2]);
    }
    const struct maglev *maglev = &lb.priorities[0].maglev;
    if (policy == LB_MAGLEV && row->maglev[0] > 0) {
        assert_int_equal(maglev->entries_min, row->maglev[0]);
        assert_int_equal(maglev->entries_max, row->maglev[1]);
    }
    arena_fini(&arena);
}

static void test_a_key_leads_where_envoy_leads_it(void **state)
{
    UNUSED_STATE(state);
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        check(&ROWS[i], LB_RING_HASH, ROWS[i].want_ring);
        check(&ROWS[i], LB_MAGLEV, ROWS[i].want_maglev);
    }
}

/* Four retries, each of which refuses up to five times who was tried. */
static void check_retries(enum lb_policy policy, uint32_t key, const char *want)
{
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct endpoint endpoints[ENDPOINTS_MAX];
    struct cluster cluster;
    build(&ROWS[0], policy, endpoints, &cluster);
    struct rng rng = rng_seeded(1, STR("lb"));
    struct lb lb;
    lb_init(&lb, &cluster, NULL, &rng, &arena);
    bool was_tried[ENDPOINTS_MAX] = {false};
    struct lb_question asked = {.hash = xxhash64(arena_format(&arena, "key-%u", key), 0)};
    for (size_t i = 0; want[i] != '\0'; i++) {
        uint32_t got = 0;
        for (asked.again = 0; asked.again <= 5; asked.again++) {
            got = lb_choose(&lb, &asked, &rng).endpoint_index;
            if (!was_tried[got])
                break;
        }
        was_tried[got] = true;
        if (got + 1 != (uint32_t)(want[i] - '0'))
            fail_msg("policy %u, key-%u: attempt %zu goes to %u, want %s", (unsigned)policy, key,
                     i + 1, got + 1, want);
    }
    arena_fini(&arena);
}

static void test_a_retry_goes_on_from_there(void **state)
{
    UNUSED_STATE(state);
    static const char *const RING[] = {"12222", "13333", "32133", "32222",
                                       "13211", "32111", "32222", "23111"};
    static const char *const MAGLEV[] = {"23122", "12111", "21111", "23122",
                                         "31211", "21311", "32122", "13233"};
    for (uint32_t i = 0; i < COUNT_OF(RING); i++) {
        check_retries(LB_RING_HASH, i, RING[i]);
        check_retries(LB_MAGLEV, i, MAGLEV[i]);
    }
}

/* The keys of the one that goes move, and come back with it. Of the others few
 * do: those who stay get more points, to fill the ring. */
static void test_an_ejection_moves_few_other_keys(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct endpoint endpoints[ENDPOINTS_MAX];
    struct cluster cluster;
    build(&ROWS[0], LB_RING_HASH, endpoints, &cluster);
    struct rng rng = rng_seeded(1, STR("lb"));
    struct lb lb;
    struct patients *patients = patients_new(&arena, 3);
    lb_init(&lb, &cluster, &patients->health, &rng, &arena);
    uint32_t before[300], others_moved = 0, its_count = 0, back_count = 0;
    struct lb_question asked[300];
    for (uint32_t i = 0; i < 300; i++) {
        asked[i] = (struct lb_question){.hash = xxhash64(arena_format(&arena, "%u", i), 0)};
        before[i] = lb_choose(&lb, &asked[i], &rng).endpoint_index;
        its_count += before[i] == 1;
    }
    patients_eject(patients, 1, true);
    lb_refresh(&lb, 0);
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t now = lb_choose(&lb, &asked[i], &rng).endpoint_index;
        assert_int_not_equal(now, 1);
        others_moved += before[i] != 1 && now != before[i];
    }
    patients_eject(patients, 1, false);
    lb_refresh(&lb, 0);
    for (uint32_t i = 0; i < 300; i++)
        back_count += lb_choose(&lb, &asked[i], &rng).endpoint_index == before[i];
    assert_in_range(its_count, 60, 140);
    assert_in_range(others_moved, 1, 50);
    assert_int_equal(back_count, 300);
    arena_fini(&arena);
}

/* Of 1024 endpoints a ring of 1024 has one point each; of 1000 it needs two
 * each, which is more. */
static void test_a_ring_of_fewer_may_be_bigger(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct endpoint *endpoints = ARENA_ARRAY(&arena, struct endpoint, 1024);
    for (uint32_t i = 0; i < 1024; i++)
        endpoints[i] = (struct endpoint){
            .address = STR("10.0.0.1"), .port = 1 + i, .weight = 1, .health = HEALTHY};
    struct cluster cluster = {.lb = LB_RING_HASH,
                              .endpoints = endpoints,
                              .endpoint_count = 1024,
                              .has_panic_threshold_zero = true};
    struct rng rng = rng_seeded(1, STR("lb"));
    struct lb lb;
    struct patients *patients = patients_new(&arena, 1024);
    lb_init(&lb, &cluster, &patients->health, &rng, &arena);
    lb_refresh(&lb, 0);
    assert_int_equal(lb.priorities[0].ring.count, 1024);
    for (uint32_t i = 0; i < 24; i++)
        patients_eject(patients, i, true);
    lb_refresh(&lb, 0);
    assert_int_equal(lb.priorities[0].ring.count, 2000);
    for (uint32_t i = 24; i < 1024; i++)
        patients_eject(patients, i, true);
    lb_refresh(&lb, 0);
    assert_int_equal(lb_choose(&lb, &(struct lb_question){.hash = 1}, &rng).endpoint_index,
                     LB_NONE);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_leads_where_envoy_leads_it),
        cmocka_unit_test(test_a_retry_goes_on_from_there),
        cmocka_unit_test(test_an_ejection_moves_few_other_keys),
        cmocka_unit_test(test_a_ring_of_fewer_may_be_bigger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
