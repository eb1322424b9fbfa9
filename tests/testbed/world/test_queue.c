/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_queue.c - who works when, and who is sent away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/world/queue.h"

struct row {
    int64_t now_ns, takes_ns;
    int64_t done_ns; /* -1: too many wait */
};

static void check(uint32_t worker_count, uint32_t waiting_max, const struct row *rows, size_t count)
{
    struct arena arena;
    struct queue queue;
    arena_init(&arena, 4096, 0);
    queue_init(&queue, worker_count, waiting_max, &arena);
    for (size_t i = 0; i < count; i++) {
        int64_t done_ns = -1;
        bool is_in = queue_admit(&queue, rows[i].now_ns, rows[i].takes_ns, &done_ns);
        assert_int_equal(is_in, rows[i].done_ns >= 0);
        if (is_in)
            assert_int_equal(done_ns, rows[i].done_ns);
    }
    arena_fini(&arena);
}

static void test_without_a_limit_nobody_waits(void **state)
{
    (void)state;
    static const struct row rows[] = {{0, 10, 10}, {0, 10, 10}, {5, 1, 6}};
    check(0, 0, rows, COUNT_OF(rows));
}

static void test_one_worker_takes_them_in_order(void **state)
{
    (void)state;
    static const struct row rows[] = {{0, 10, 10}, {1, 10, 20}, {2, 1, 21}, {50, 10, 60}};
    check(1, 100, rows, COUNT_OF(rows));
}

static void test_the_worker_that_is_free_first_takes_the_next(void **state)
{
    (void)state;
    static const struct row rows[] = {{0, 100, 100}, {0, 10, 10}, {1, 10, 20}, {2, 10, 30}};
    check(2, 100, rows, COUNT_OF(rows));
}

static void test_only_those_who_wait_count(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {0, 10, 10},  {0, 10, 20}, {0, 10, 30}, {0, 10, -1}, {9, 10, -1}, {10, 10, 40},
        {10, 10, -1}, {40, 1, 41}, {40, 1, 42}, {40, 1, 43}, {40, 1, -1},
    };
    check(1, 2, rows, COUNT_OF(rows));
}

static void test_no_place_to_wait_at_all(void **state)
{
    (void)state;
    static const struct row rows[] = {{0, 10, 10}, {5, 10, -1}, {10, 10, 20}};
    check(1, 0, rows, COUNT_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_limit_nobody_waits),
        cmocka_unit_test(test_one_worker_takes_them_in_order),
        cmocka_unit_test(test_the_worker_that_is_free_first_takes_the_next),
        cmocka_unit_test(test_only_those_who_wait_count),
        cmocka_unit_test(test_no_place_to_wait_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
