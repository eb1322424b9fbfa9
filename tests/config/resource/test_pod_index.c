/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/resource/test_pod_index.c - the pods with a label, in their order, of
 * one namespace; of several labels the rarest leads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/resource/pod_index.h"

static struct label a1[] = {{STR_INIT("app"), STR_INIT("a")}, {STR_INIT("version"), STR_INIT("1")}};
static struct label a2[] = {{STR_INIT("app"), STR_INIT("a")}, {STR_INIT("version"), STR_INIT("2")}};
static struct label b1[] = {{STR_INIT("app"), STR_INIT("b")}, {STR_INIT("version"), STR_INIT("1")}};

static const struct pod pods[] = {
    {.meta = {.namespace = STR_INIT("x"), .labels = a1, .label_count = 2}},
    {.meta = {.namespace = STR_INIT("y"), .labels = a1, .label_count = 2}},
    {.meta = {.namespace = STR_INIT("x")}},
    {.meta = {.namespace = STR_INIT("x"), .labels = a2, .label_count = 2}},
    {.meta = {.namespace = STR_INIT("x"), .labels = b1, .label_count = 2}},
    {.meta = {.namespace = STR_INIT("x"), .labels = a1, .label_count = 2}},
};

static void test_pods_of_a_selector_come_in_order(void **state)
{
    (void)state;
    static const struct {
        struct str namespace;
        struct label labels[2];
        uint32_t label_count;
        uint32_t want[4], want_count;
    } rows[] = {
        {STR_INIT("x"), {{STR_INIT("app"), STR_INIT("a")}}, 1, {0, 3, 5}, 3},
        {STR_INIT("y"), {{STR_INIT("app"), STR_INIT("a")}}, 1, {1}, 1},
        {STR_INIT("z"), {{STR_INIT("app"), STR_INIT("a")}}, 1, {0}, 0},
        {STR_INIT("x"), {{STR_INIT("app"), STR_INIT("")}}, 1, {0}, 0},
        {STR_INIT("x"),
         {{STR_INIT("app"), STR_INIT("a")}, {STR_INIT("version"), STR_INIT("2")}},
         2,
         {3},
         1},
        {STR_INIT("x"),
         {{STR_INIT("version"), STR_INIT("1")}, {STR_INIT("app"), STR_INIT("b")}},
         2,
         {4},
         1},
        {STR_INIT("x"),
         {{STR_INIT("app"), STR_INIT("a")}, {STR_INIT("tier"), STR_INIT("1")}},
         2,
         {0},
         0},
    };
    struct arena arena;
    struct pod_index index;
    arena_init(&arena, 1024, 0);
    pod_index_init(&index, &arena, pods, COUNT_OF(pods));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t place =
            pod_index_find(&index, rows[i].namespace, rows[i].labels, rows[i].label_count);
        for (uint32_t k = 0; k < rows[i].want_count; k++) {
            assert_int_not_equal(place, MAP_NONE);
            assert_int_equal(index.pods[place], rows[i].want[k]);
            place = index.next[place];
        }
        assert_int_equal(place, MAP_NONE);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pods_of_a_selector_come_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
