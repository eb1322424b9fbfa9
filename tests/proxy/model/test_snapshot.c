/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/model/test_snapshot.c - a snapshot lives while somebody holds it,
 * and finds its clusters and listeners.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/model/snapshot.h"

static void test_a_held_snapshot_outlives_its_maker(void **state)
{
    (void)state;
    struct snapshot *snapshot = snapshot_new();
    snapshot->proxy_name = arena_str(&snapshot->arena, STR("reviews-0"));
    snapshot_hold(snapshot);
    snapshot_drop(snapshot);
    assert_true(str_eq(snapshot->proxy_name, STR("reviews-0")));
    snapshot_drop(snapshot);
    snapshot_drop(NULL);
}

static void test_clusters_are_found_by_name(void **state)
{
    (void)state;
    static const struct cluster clusters[] = {{.name = STR_INIT("a")}, {.name = STR_INIT("b")}};
    struct snapshot *snapshot = snapshot_new();
    snapshot->clusters = clusters;
    snapshot->cluster_count = COUNT_OF(clusters);
    snapshot_index(snapshot);
    assert_ptr_equal(snapshot_cluster(snapshot, STR("b")), &clusters[1]);
    assert_null(snapshot_cluster(snapshot, STR("c")));
    snapshot_drop(snapshot);
}

static void test_a_connection_meets_its_address_before_the_wildcard(void **state)
{
    (void)state;
    static const struct listener listeners[] = {
        {.name = STR_INIT("0.0.0.0_80"), .address = STR_INIT("0.0.0.0"), .port = 80},
        {.name = STR_INIT("10.0.0.1_80"), .address = STR_INIT("10.0.0.1"), .port = 80},
        {.name = STR_INIT("10.0.0.1_81"), .address = STR_INIT("10.0.0.1"), .port = 81},
    };
    static const struct {
        const char *address;
        uint32_t port;
        int want; /* -1: none */
    } rows[] = {
        {"10.0.0.1", 80, 1}, {"10.0.0.2", 80, 0}, {"10.0.0.1", 81, 2}, {"10.0.0.2", 81, -1}};
    struct snapshot *snapshot = snapshot_new();
    snapshot->listeners = listeners;
    snapshot->listener_count = COUNT_OF(listeners);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct listener *got =
            snapshot_listener(snapshot, str_of(rows[i].address), rows[i].port);
        assert_ptr_equal(got, rows[i].want < 0 ? NULL : &listeners[rows[i].want]);
    }
    snapshot_drop(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_held_snapshot_outlives_its_maker),
        cmocka_unit_test(test_clusters_are_found_by_name),
        cmocka_unit_test(test_a_connection_meets_its_address_before_the_wildcard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
