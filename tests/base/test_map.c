/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_map.c - names to numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"

static void test_an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct arena arena;
    struct map map;
    arena_init(&arena, 64, 0);
    map_init(&map, &arena);
    assert_int_equal(map_get(&map, STR("a")), MAP_NONE);
    assert_int_equal(map_get(&map, STR_EMPTY), MAP_NONE);
    assert_int_equal(arena.used_bytes, 0);
    arena_fini(&arena);
}

static void test_setting_again_answers_what_stood_there(void **state)
{
    (void)state;
    struct arena arena;
    struct map map;
    arena_init(&arena, 64, 0);
    map_init(&map, &arena);
    assert_int_equal(map_set(&map, STR("a"), 1), MAP_NONE);
    assert_int_equal(map_set(&map, STR(""), 0), MAP_NONE);
    assert_int_equal(map_set(&map, STR("a"), 2), 1);
    assert_int_equal(map_set(&map, STR_EMPTY, 3), 0);
    assert_int_equal(map_get(&map, STR("a")), 2);
    assert_int_equal(map_get(&map, STR_EMPTY), 3);
    assert_int_equal(map_get(&map, STR("b")), MAP_NONE);
    assert_int_equal(map.count, 2);
    arena_fini(&arena);
}

static void test_many_names_are_all_found_and_no_others(void **state)
{
    (void)state;
    enum { NAMES = 5000 };
    struct arena arena;
    struct map map;
    arena_init(&arena, 4096, 0);
    map_init(&map, &arena);
    for (uint32_t i = 0; i < NAMES; i++)
        assert_int_equal(map_set(&map, arena_format(&arena, "name-%u", i), i), MAP_NONE);
    for (uint32_t i = 0; i < NAMES; i++) {
        assert_int_equal(map_get(&map, arena_format(&arena, "name-%u", i)), i);
        assert_int_equal(map_get(&map, arena_format(&arena, "other-%u", i)), MAP_NONE);
    }
    assert_int_equal(map.count, NAMES);
    assert_true(map.capacity >= NAMES);
    assert_int_equal(map.capacity & (map.capacity - 1), 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_map_has_nothing),
        cmocka_unit_test(test_setting_again_answers_what_stood_there),
        cmocka_unit_test(test_many_names_are_all_found_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
