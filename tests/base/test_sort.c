/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_sort.c - against the definition: in order, stable, nothing lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "base/sort.h"

/* Odd in size, so that a wrong step shows. */
struct item {
    uint32_t key, place;
    char padding[5];
};

static int by_key(const void *a, const void *b)
{
    uint32_t left = ((const struct item *)a)->key, right = ((const struct item *)b)->key;
    return left < right ? -1 : left > right;
}

static void make_up(struct item *items, uint32_t count, uint32_t key_count, struct rng *rng)
{
    for (uint32_t i = 0; i < count; i++)
        items[i] = (struct item){.key = (uint32_t)(rng_next(rng) % key_count), .place = i};
}

static void check(const struct item *items, uint32_t count)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < count; i++) {
        sum += items[i].place;
        if (i == 0)
            continue;
        assert_true(items[i - 1].key <= items[i].key);
        if (items[i - 1].key == items[i].key)
            assert_true(items[i - 1].place < items[i].place);
    }
    assert_int_equal(sum, (uint64_t)count * (count > 0 ? count - 1 : 0) / 2);
}

/* Every count up to some, from all keys alike to all of them different. */
static void test_equal_ones_stay_as_they_stood(void **state)
{
    (void)state;
    static const uint32_t key_counts[] = {1, 2, 3, 10, 1000000};
    struct rng rng = rng_seeded(1, STR("sort"));

    for (size_t k = 0; k < sizeof(key_counts) / sizeof(*key_counts); k++) {
        for (uint32_t count = 0; count <= 70; count++) {
            struct arena arena;
            struct item items[70];
            arena_init(&arena, 4096, 0);
            make_up(items, count, key_counts[k], &rng);
            sort_items(&arena, items, count, sizeof(*items), by_key);
            check(items, count);
            arena_fini(&arena);
        }
    }
}

static void test_indexes_leave_the_items_alone(void **state)
{
    (void)state;
    struct item items[] = {{.key = 3}, {.key = 1}, {.key = 2}, {.key = 1}};
    static const uint32_t want[] = {1, 3, 2, 0};
    struct arena arena;

    arena_init(&arena, 4096, 0);
    assert_memory_equal(sort_indexes(&arena, items, 4, sizeof(*items), by_key), want, sizeof(want));
    assert_int_equal(items[0].key, 3);
    arena_fini(&arena);
}

/* Statistics are thousands of names, nearly all in order: nothing is copied then. */
static void test_what_is_in_order_needs_no_memory(void **state)
{
    (void)state;
    struct item items[] = {{.key = 1}, {.key = 1}, {.key = 2}};
    struct arena arena;

    arena_init(&arena, 4096, 0);
    sort_items(&arena, items, 3, sizeof(*items), by_key);
    assert_int_equal(arena.used_bytes, 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_ones_stay_as_they_stood),
        cmocka_unit_test(test_indexes_leave_the_items_alone),
        cmocka_unit_test(test_what_is_in_order_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
