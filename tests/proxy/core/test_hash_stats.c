/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_hash_stats.c - ENVOY.md 5.4: gauges of hash tables, for those
 * who are there and healthy. Numbers are a real Envoy 1.40's.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/engine.h"

static struct engine *three_of(enum lb_policy policy)
{
    static const char *const addresses[] = {"127.1.2.1", "127.1.2.2", "127.1.2.3"};
    struct snapshot *snapshot = snapshot_new();
    struct endpoint *endpoints =
        ARENA_ARRAY(&snapshot->arena, struct endpoint, COUNT_OF(addresses));
    for (size_t i = 0; i < COUNT_OF(addresses); i++)
        endpoints[i] = (struct endpoint){.address = str_of(addresses[i]), .port = 80, .weight = 1};
    struct cluster *cluster = ARENA_NEW(&snapshot->arena, struct cluster);
    *cluster = (struct cluster){.name = STR("c"),
                                .lb = policy,
                                .endpoints = endpoints,
                                .endpoint_count = COUNT_OF(addresses)};
    snapshot->clusters = cluster;
    snapshot->cluster_count = 1;
    snapshot_index(snapshot);
    struct engine *engine = engine_new(snapshot, 1);
    snapshot_drop(snapshot);
    return engine;
}

static void test_gauges_of_each_table(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        enum lb_policy policy;
        const char *name;
        bool is_there;
        uint64_t of_three, of_two;
    } rows[] = {
        {LB_RING_HASH, "ring_hash_lb.size", true, 1026, 1024},
        {LB_RING_HASH, "ring_hash_lb.min_hashes_per_host", true, 342, 512},
        {LB_RING_HASH, "ring_hash_lb.max_hashes_per_host", true, 342, 512},
        {LB_RING_HASH, "maglev_lb.min_entries_per_host", false, 0, 0},
        {LB_RING_HASH, "ring_hash_lb.sizes", false, 0, 0},
        {LB_MAGLEV, "maglev_lb.min_entries_per_host", true, 21845, 32768},
        {LB_MAGLEV, "maglev_lb.max_entries_per_host", true, 21846, 32769},
        {LB_MAGLEV, "ring_hash_lb.size", false, 0, 0},
        {LB_ROUND_ROBIN, "ring_hash_lb.size", false, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct engine *engine = three_of(rows[i].policy);
        uint64_t value = 0;
        assert_int_equal(engine_stat(engine, STR("c"), str_of(rows[i].name), &value),
                         rows[i].is_there);
        if (rows[i].is_there) {
            assert_int_equal(value, rows[i].of_three);
            engine_set_absent(engine, STR("127.1.2.2"), true, 0);
            assert_true(engine_stat(engine, STR("c"), str_of(rows[i].name), &value));
            assert_int_equal(value, rows[i].of_two);
        }
        engine_free(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gauges_of_each_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
