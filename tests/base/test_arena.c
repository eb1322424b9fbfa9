/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_arena.c - memory that dies together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"

static void test_memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 64, 1000, 100000};
    struct arena arena;
    arena_init(&arena, 64, 0);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            char *memory = arena_alloc(&arena, sizes[i]);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
            for (size_t j = 0; j < sizes[i]; j++)
                assert_int_equal(memory[j], 0);
            if (sizes[i] > 0)
                memset(memory, 0xff, sizes[i]);
        }
        arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
    arena_fini(&arena);
}

static void test_reset_keeps_the_first_block(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 256, 0);
    void *first = arena_alloc(&arena, 100);
    for (int i = 0; i < 100; i++)
        (void)arena_alloc(&arena, 100);
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 100), first);
    arena_fini(&arena);
}

static void test_reset_and_fini_of_an_unused_arena_do_no_harm(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1, 0);
    arena_reset(&arena);
    arena_fini(&arena);
    arena_fini(&arena);
    assert_null(arena.blocks);
}

static void test_the_limit_may_be_reached_exactly(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 16, 1024);
    for (int i = 0; i < 64; i++)
        (void)arena_alloc(&arena, 16);
    assert_int_equal(arena.used_bytes, 1024);
    arena_reset(&arena);
    (void)arena_alloc(&arena, 1024);
    arena_fini(&arena);
}

static void test_a_growing_array_keeps_what_was_in_it(void **state)
{
    (void)state;
    struct arena arena;
    uint32_t *items = NULL;
    uint32_t count = 0, capacity = 0;
    arena_init(&arena, 64, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t *item = ARENA_PUSH(&arena, items, count, capacity);
        assert_int_equal(*item, 0);
        *item = i;
    }
    assert_int_equal(count, 1000);
    assert_true(capacity >= count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(items[i], i);
    arena_fini(&arena);
}

static void test_copies_end_in_a_nul_that_is_not_counted(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64, 0);
    const struct str copies[] = {
        arena_str(&arena, STR("Abc")),
        arena_concat(&arena, STR("A"), STR("bc")),
        arena_concat(&arena, STR("Abc"), STR_EMPTY),
        arena_concat(&arena, STR_EMPTY, STR("Abc")),
        arena_format(&arena, "%s%c", "Ab", 'c'),
    };
    for (size_t i = 0; i < COUNT_OF(copies); i++) {
        assert_int_equal(copies[i].len, 3);
        assert_string_equal(copies[i].ptr, "Abc");
    }
    assert_string_equal(arena_str_lower(&arena, STR("X-Y_Z\xc4")).ptr, "x-y_z\xc4");
    assert_string_equal(arena_str(&arena, STR_EMPTY).ptr, "");
    assert_string_equal(arena_str_lower(&arena, STR_EMPTY).ptr, "");
    arena_fini(&arena);
}

static void test_format_has_no_length_limit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64, 0);
    struct str text = arena_format(&arena, "%5000d|", 7);
    assert_int_equal(text.len, 5001);
    assert_int_equal(text.ptr[4999], '7');
    arena_fini(&arena);
}

static void test_decimal_writes_what_printf_would(void **state)
{
    (void)state;
    const uint64_t numbers[] = {0, 9, 10, 14999, UINT32_MAX, UINT64_MAX};
    struct arena arena;
    arena_init(&arena, 64, 0);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct str wanted = arena_format(&arena, "%llu", (unsigned long long)numbers[i]);
        struct str text = arena_decimal(&arena, numbers[i]);
        assert_int_equal(text.len, wanted.len);
        assert_string_equal(text.ptr, wanted.ptr);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(test_reset_keeps_the_first_block),
        cmocka_unit_test(test_reset_and_fini_of_an_unused_arena_do_no_harm),
        cmocka_unit_test(test_the_limit_may_be_reached_exactly),
        cmocka_unit_test(test_a_growing_array_keeps_what_was_in_it),
        cmocka_unit_test(test_copies_end_in_a_nul_that_is_not_counted),
        cmocka_unit_test(test_format_has_no_length_limit),
        cmocka_unit_test(test_decimal_writes_what_printf_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
