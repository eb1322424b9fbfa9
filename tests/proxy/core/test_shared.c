/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_shared.c - what workers share, and what a new configuration
 * inherits.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/engine_state.h"
#include "proxy/core/pool.h"
#include "proxy/core/shared.h"
#include "proxy/core/succession.h"

struct wanted {
    uint32_t max_connections;
    uint32_t errors;        /* consecutive_5xx; 0: no outlier detection */
    uint32_t first, count;  /* endpoints 10.0.0.<first> and so on */
    const char *other_name; /* of the cluster; NULL: "c" */
};

static struct snapshot *snapshot_of(struct wanted wanted)
{
    struct snapshot *snapshot = snapshot_new();
    struct arena *arena = &snapshot->arena;
    struct endpoint *endpoints = ARENA_ARRAY(arena, struct endpoint, wanted.count);
    for (uint32_t i = 0; i < wanted.count; i++)
        endpoints[i] = (struct endpoint){
            .address = arena_format(arena, "10.0.0.%u", wanted.first + i), .port = 80, .weight = 1};
    struct outlier_detection *outlier = ARENA_NEW(arena, struct outlier_detection);
    outlier_say(outlier, OUTLIER_CONSECUTIVE_5XX, wanted.errors);
    outlier_say(outlier, OUTLIER_MAX_EJECTION_PERCENT, 100);
    struct cluster *cluster = ARENA_NEW(arena, struct cluster);
    *cluster = (struct cluster){
        .name = wanted.other_name != NULL ? str_of(wanted.other_name) : STR("c"),
        .endpoints = endpoints,
        .endpoint_count = wanted.count,
        .has_panic_threshold_zero = true,
        .breakers = {wanted.max_connections, 9, 9, 9},
        .outlier = wanted.errors > 0 ? outlier : NULL,
    };
    snapshot->clusters = cluster;
    snapshot->cluster_count = 1;
    snapshot_index(snapshot);
    return snapshot;
}

/* The caller's to drop. */
static struct shared *shared_of(struct wanted wanted, const struct shared *before)
{
    struct snapshot *snapshot = snapshot_of(wanted);
    struct shared *shared = shared_new(snapshot, before, 1, NS_SECOND);
    snapshot_drop(snapshot);
    return shared;
}

static uint64_t value_of(const struct engine *engine, const char *name)
{
    uint64_t value = 9999;
    assert_true(engine_stat(engine, STR("c"), str_of(name), &value));
    return value;
}

static void give_errors(struct engine *engine, uint32_t endpoint, int times)
{
    for (; times > 0; times--)
        (void)engine_note_result(engine, 0, endpoint, RESULT_EXT_ORIGIN_REQUEST_FAILED, 500,
                                 NS_SECOND);
}

static uint32_t pick(struct engine *engine, struct arena *arena)
{
    struct rng rng = rng_seeded(1, STR("lb"));
    struct lb lb;
    engine_init_lb(engine, 0, &lb, &rng, arena);
    return lb_choose(&lb, &(struct lb_question){0}, &rng).endpoint_index;
}

static void test_two_workers_eject_together(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct shared *shared = shared_of((struct wanted){9, 4, 1, 2, NULL}, NULL);
    struct engine *one = engine_new_worker(shared, 1), *other = engine_new_worker(shared, 2);
    shared_drop(shared);
    give_errors(one, 0, 2);
    give_errors(other, 0, 1);
    assert_int_equal(value_of(one, "outlier_detection.ejections_active"), 0);
    give_errors(other, 0, 1);
    assert_int_equal(value_of(one, "outlier_detection.ejections_active"), 1);
    assert_int_equal(value_of(other, "outlier_detection.ejections_active"), 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pick(one, &arena), 1);
    /* Whoever looks first sees to it that it comes back. */
    assert_true(engine_wake_ns(one) != NS_NEVER);
    struct outlier_event event;
    assert_false(engine_next_event(one, &event));
    assert_true(engine_next_event(other, &event));
    engine_free(one);
    engine_free(other);
    arena_fini(&arena);
}

static void test_breakers_count_for_all_workers(void **state)
{
    UNUSED_STATE(state);
    struct shared *shared = shared_of((struct wanted){2, 0, 1, 1, NULL}, NULL);
    struct engine *engines[] = {engine_new_worker(shared, 1), engine_new_worker(shared, 2)};
    shared_drop(shared);
    struct pool *pools[] = {engine_pool(engines[0], 0, 0, STR_EMPTY),
                            engine_pool(engines[1], 0, 0, STR_EMPTY)};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(pool_ask(pools[i], 1).verdict, POOL_CONNECT);
        pool_note_connecting(pools[i], 10);
        assert_int_equal(pool_note_connected(pools[i], 10), 1);
    }
    assert_int_equal(pool_ask(pools[0], 2).verdict, POOL_WAIT);
    assert_int_equal(value_of(engines[1], "circuit_breakers.default.cx_open"), 1);
    pool_note_closed(pools[1], 10, POOL_CLOSE_REMOTE);
    assert_true(pool_needs_connection(pools[0]));
    pool_note_not_connecting(pools[0]);
    assert_int_equal(value_of(engines[1], "circuit_breakers.default.cx_open"), 0);
    for (uint32_t i = 0; i < 2; i++)
        engine_free(engines[i]);
}

/* One pod is ejected and one connection is lent; then a configuration takes over. */
static void test_what_a_new_configuration_inherits(void **state)
{
    UNUSED_STATE(state);
    static const struct wanted before = {1, 2, 1, 2, NULL};
    static const struct {
        const char *what;
        struct wanted wanted;
        uint64_t active, enforced, open;
    } rows[] = {
        {"the same", {1, 2, 1, 2, NULL}, 1, 1, 1},
        {"more pods", {1, 2, 1, 3, NULL}, 1, 1, 1},
        {"the pod is gone", {1, 2, 2, 2, NULL}, 0, 1, 1},
        {"another threshold", {1, 3, 1, 2, NULL}, 0, 1, 0},
        {"another limit", {2, 2, 1, 2, NULL}, 0, 1, 0},
        {"no detection", {1, 0, 1, 2, NULL}, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct shared *old = shared_of(before, NULL);
        struct engine *engine = engine_new_worker(old, 1);
        give_errors(engine, 0, 2);
        struct pool *pool = engine_pool(engine, 0, 1, STR_EMPTY);
        assert_int_equal(pool_ask(pool, 1).verdict, POOL_CONNECT);
        pool_note_connecting(pool, 10);
        struct shared *shared = shared_of(rows[i].wanted, old);
        shared_drop(old);
        struct engine *heir = engine_new_worker(shared, 2);
        shared_drop(shared);
        if (value_of(heir, "outlier_detection.ejections_active") != rows[i].active ||
            value_of(heir, "outlier_detection.ejections_enforced_total") != rows[i].enforced ||
            value_of(heir, "circuit_breakers.default.cx_open") != rows[i].open)
            fail_msg(
                "%s: %llu %llu %llu", rows[i].what,
                (unsigned long long)value_of(heir, "outlier_detection.ejections_active"),
                (unsigned long long)value_of(heir, "outlier_detection.ejections_enforced_total"),
                (unsigned long long)value_of(heir, "circuit_breakers.default.cx_open"));
        /* What is under way on the old one is given back to what it was taken from. */
        pool_note_connect_failed(pool, 10, false);
        assert_int_equal(pool_next_failed(pool), 1);
        assert_int_equal(value_of(heir, "circuit_breakers.default.cx_open"), 0);
        engine_free(engine);
        engine_free(heir);
    }
}

static void test_another_cluster_inherits_nothing(void **state)
{
    UNUSED_STATE(state);
    struct shared *old = shared_of((struct wanted){1, 2, 1, 2, NULL}, NULL);
    struct shared *shared = shared_of((struct wanted){1, 2, 1, 2, "d"}, old);
    assert_ptr_not_equal(shared_cluster(shared, 0)->breaker, shared_cluster(old, 0)->breaker);
    shared_drop(old);
    assert_int_equal(shared_healthy_count(shared, 0), 2);
    shared_drop(shared);
}

/* A pod that is not there yet is no member, and none of those of whom a share may be
 * ejected. */
static void test_endpoints_come_and_go(void **state)
{
    UNUSED_STATE(state);
    struct shared *shared = shared_of((struct wanted){9, 2, 1, 3, NULL}, NULL);
    struct engine *engine = engine_new_worker(shared, 1);
    engine_set_absent(engine, STR("10.0.0.3"), true, 0);
    engine_set_absent(engine, STR("10.0.0.3"), true, 0);
    assert_int_equal(value_of(engine, "membership_total"), 2);
    assert_int_equal(value_of(engine, "membership_healthy"), 2);
    assert_int_equal(value_of(engine, "membership_change"), 2);
    assert_int_equal(shared_cluster(shared, 0)->outlier->present_count, 2);
    give_errors(engine, 0, 2);
    assert_int_equal(value_of(engine, "membership_healthy"), 1);
    /* Who goes takes his ejection along; who comes is new. */
    engine_set_absent(engine, STR("10.0.0.1"), true, 0);
    assert_int_equal(engine_ejected_count(engine, 0), 0);
    assert_int_equal(value_of(engine, "membership_total"), 1);
    engine_set_absent(engine, STR("10.0.0.1"), false, 0);
    engine_set_absent(engine, STR("10.0.0.3"), false, 0);
    assert_int_equal(value_of(engine, "membership_healthy"), 3);
    assert_int_equal(shared_cluster(shared, 0)->outlier->present_count, 3);
    engine_free(engine);
    shared_drop(shared);
}

/* Round robin goes on where the configuration before it was, if the cluster stays. */
static void test_turns_go_on_with_a_kept_cluster(void **state)
{
    UNUSED_STATE(state);
    for (uint32_t errors = 3; errors <= 4; errors++) {
        struct shared *before = shared_of((struct wanted){9, 3, 1, 3, NULL}, NULL);
        struct engine *old = engine_new_worker(before, 1);
        struct rng rng = rng_seeded(1, STR("lb"));
        uint32_t last = 0;
        for (int i = 0; i < 5; i++)
            last = lb_choose(engine_lb(old, 0), &(struct lb_question){0}, &rng).endpoint_index;
        struct shared *shared = shared_of((struct wanted){9, errors, 1, 3, NULL}, before);
        struct engine *heir = engine_new_worker(shared, 2);
        assert_int_equal(engine_is_kept(heir, 0), errors == 3);
        engine_take_over(heir, old, 0);
        uint32_t next =
            lb_choose(engine_lb(heir, 0), &(struct lb_question){0}, &rng).endpoint_index;
        if (errors == 3)
            assert_int_equal(next, (last + 1) % 3);
        engine_free(old);
        engine_free(heir);
        shared_drop(before);
        shared_drop(shared);
    }
}

/* What a real Envoy counts for the same changes. */
static void test_changes_of_clusters_are_counted(void **state)
{
    (void)state;
    static const struct {
        struct wanted now;
        struct shared_changes changes;
        uint64_t membership;
    } rows[] = {
        {{1, 0, 1, 2, NULL}, {1, 0, 0, 0}, 1}, {{1, 0, 1, 2, NULL}, {1, 0, 0, 0}, 1},
        {{1, 0, 2, 1, NULL}, {1, 0, 0, 1}, 2}, {{2, 0, 2, 1, NULL}, {1, 1, 0, 1}, 3},
        {{2, 0, 2, 1, "d"}, {2, 1, 1, 1}, 1},  {{2, 0, 2, 0, "d"}, {2, 1, 1, 2}, 2},
        {{3, 0, 2, 0, "d"}, {2, 2, 1, 2}, 2},
    };
    struct shared *before = NULL;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct shared *shared = shared_of(rows[i].now, before);
        struct shared_changes changes = shared_changes(shared);
        assert_memory_equal(&changes, &rows[i].changes, sizeof(changes));
        assert_int_equal(atomic_load(&shared_cluster(shared, 0)->change_count), rows[i].membership);
        shared_drop(before);
        before = shared;
    }
    shared_drop(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_of_clusters_are_counted),
        cmocka_unit_test(test_two_workers_eject_together),
        cmocka_unit_test(test_breakers_count_for_all_workers),
        cmocka_unit_test(test_endpoints_come_and_go),
        cmocka_unit_test(test_what_a_new_configuration_inherits),
        cmocka_unit_test(test_turns_go_on_with_a_kept_cluster),
        cmocka_unit_test(test_another_cluster_inherits_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
