/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_timer.c - timers that are moved and stopped fire when they should,
 * though the heap hears of it late.
 */
#include "proxy/wire/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "base/rng.h"

static void test_moved_and_stopped(void **state)
{
    struct heap timers;
    struct timer one, other;
    (void)state;
    heap_init(&timers);
    timer_init(&one, TIMER_CONN);
    timer_init(&other, TIMER_STREAM);
    assert_true(timers_due_ns(&timers) == NS_NEVER);
    timer_set(&timers, &one, 10);
    timer_set(&timers, &other, 20);
    timer_set(&timers, &one, 30); /* later */
    assert_int_equal(timers_due_ns(&timers), 20);
    timer_set(&timers, &one, 5); /* earlier */
    assert_int_equal(timers_due_ns(&timers), 5);
    timer_stop(&one);
    assert_int_equal(timers_due_ns(&timers), 20);
    assert_null(timers_take(&timers, 19, UINT64_MAX));
    assert_ptr_equal(timers_take(&timers, 20, UINT64_MAX), &other);
    assert_null(timers_take(&timers, 100, UINT64_MAX));
    timer_set(&timers, &one, NS_NEVER);
    assert_true(timers_due_ns(&timers) == NS_NEVER);
    assert_int_equal(timers.count, 0);
    heap_fini(&timers);
}

/* What is set while others fire waits for the next time. */
static void test_set_meanwhile(void **state)
{
    struct heap timers;
    struct timer one;
    (void)state;
    heap_init(&timers);
    timer_init(&one, TIMER_CONN);
    uint64_t sequence_end = timers.next_sequence;
    timer_set(&timers, &one, 1);
    assert_null(timers_take(&timers, 1, sequence_end));
    assert_ptr_equal(timers_take(&timers, 1, timers.next_sequence), &one);
    timer_set(&timers, &one, 7);
    timer_fini(&timers, &one);
    assert_int_equal(timers.count, 0);
    heap_fini(&timers);
}

#define TIMERS 8u

/* The same as an array that is searched. */
static void test_against_a_list(void **state)
{
    struct heap timers;
    struct timer all[TIMERS];
    int64_t due_ns[TIMERS];
    struct rng rng = rng_seeded(1, STR("timers"));
    (void)state;
    heap_init(&timers);
    for (uint32_t i = 0; i < TIMERS; i++) {
        timer_init(&all[i], TIMER_ATTEMPT);
        due_ns[i] = NS_NEVER;
    }
    for (int64_t now_ns = 0; now_ns < 5000; now_ns++) {
        uint64_t which = rng_below(&rng, TIMERS);
        bool is_stopped = rng_below(&rng, 3) == 0;
        due_ns[which] = is_stopped ? NS_NEVER : now_ns + 1 + (int64_t)rng_below(&rng, 40);
        timer_set(&timers, &all[which], due_ns[which]);
        uint32_t fired_count = 0, want_count = 0;
        for (uint32_t i = 0; i < TIMERS; i++)
            want_count += due_ns[i] <= now_ns;
        struct timer *fired;
        while ((fired = timers_take(&timers, now_ns, UINT64_MAX)) != NULL) {
            assert_int_equal(due_ns[fired - all], now_ns);
            due_ns[fired - all] = NS_NEVER;
            fired_count++;
        }
        assert_int_equal(fired_count, want_count);
        assert_true(timers.count <= TIMERS);
    }
    heap_fini(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moved_and_stopped),
        cmocka_unit_test(test_set_meanwhile),
        cmocka_unit_test(test_against_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
