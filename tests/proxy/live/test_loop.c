/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_loop.c - one now for each turn, timers by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ns.h"
#include "proxy/live/loop.h"

struct watch {
    struct loop *loop;
    int64_t due_ns, fired_ns;
    uint32_t fired_count;
    int64_t seen_ns[2]; /* by two callbacks of one turn */
    uint32_t seen_count;
};

static void on_due(uv_timer_t *timer)
{
    struct watch *watch = timer->data;
    watch->fired_ns = loop_now_ns(watch->loop);
    watch->fired_count++;
}

static bool has_fired(void *user)
{
    return ((const struct watch *)user)->fired_count > 0;
}

static bool is_never(void *user)
{
    (void)user;
    return false;
}

static void test_a_timer_comes_when_it_is_due(void **state)
{
    (void)state;
    static const int64_t rows[] = {0, 1, NS_MS, 7 * NS_MS + 1, 20 * NS_MS};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct watch watch = {.loop = loop_new()};
        assert_non_null(watch.loop);
        uv_timer_t timer;
        assert_int_equal(uv_timer_init(&watch.loop->uv, &timer), 0);
        timer.data = &watch;
        loop_begin_turn(watch.loop);
        watch.due_ns = loop_now_ns(watch.loop) + rows[i];
        loop_timer_set(watch.loop, &timer, watch.due_ns, on_due);
        assert_true(loop_turn_until(watch.loop, has_fired, &watch, 10 * NS_SECOND));
        assert_true(watch.fired_ns >= watch.due_ns - NS_MS);
        uv_close((uv_handle_t *)&timer, NULL);
        loop_free(watch.loop);
    }
}

static void test_a_timer_that_is_never_due_does_not_come(void **state)
{
    (void)state;
    struct watch watch = {.loop = loop_new()};
    assert_non_null(watch.loop);
    uv_timer_t timer;
    assert_int_equal(uv_timer_init(&watch.loop->uv, &timer), 0);
    timer.data = &watch;
    loop_timer_set(watch.loop, &timer, loop_now_ns(watch.loop), on_due);
    loop_timer_set(watch.loop, &timer, NS_NEVER, on_due);
    assert_false(loop_turn_until(watch.loop, has_fired, &watch, 5 * NS_MS));
    uv_close((uv_handle_t *)&timer, NULL);
    loop_free(watch.loop);
}

static void see(struct watch *watch)
{
    if (watch->seen_count < 2)
        watch->seen_ns[watch->seen_count++] = loop_now_ns(watch->loop);
    /* Work takes time, and the turn's now stands still. */
    uint64_t begun_ns = uv_hrtime();
    while (uv_hrtime() - begun_ns < 2 * (uint64_t)NS_MS)
        continue;
}

static void on_see(uv_timer_t *timer)
{
    see(timer->data);
}

static bool has_seen_both(void *user)
{
    return ((const struct watch *)user)->seen_count == 2;
}

static void test_two_callbacks_of_a_turn_see_one_now(void **state)
{
    (void)state;
    struct watch watch = {.loop = loop_new()};
    assert_non_null(watch.loop);
    uv_timer_t timers[2];
    loop_begin_turn(watch.loop);
    int64_t due_ns = loop_now_ns(watch.loop) + NS_MS;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(uv_timer_init(&watch.loop->uv, &timers[i]), 0);
        timers[i].data = &watch;
        loop_timer_set(watch.loop, &timers[i], due_ns, on_see);
    }
    assert_true(loop_turn_until(watch.loop, has_seen_both, &watch, 10 * NS_SECOND));
    assert_true(watch.seen_ns[0] == watch.seen_ns[1]);
    assert_true(watch.seen_ns[0] >= due_ns - NS_MS);
    loop_begin_turn(watch.loop);
    assert_true(loop_now_ns(watch.loop) > watch.seen_ns[1]);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&timers[i], NULL);
    loop_free(watch.loop);
}

static void test_point_0_is_a_whole_second_of_the_walls_clock(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    assert_non_null(loop);
    uv_timeval64_t before, after;
    assert_int_equal(uv_gettimeofday(&before), 0);
    loop_begin_turn(loop);
    int64_t seconds = loop_epoch_seconds(loop) + loop_now_ns(loop) / NS_SECOND;
    assert_int_equal(uv_gettimeofday(&after), 0);
    assert_in_range(seconds, before.tv_sec, after.tv_sec);
    loop_free(loop);
}

static void test_patience_ends(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    assert_non_null(loop);
    int64_t begun_ns = loop_now_ns(loop);
    assert_false(loop_turn_until(loop, is_never, NULL, 3 * NS_MS));
    assert_true(loop_now_ns(loop) - begun_ns >= 2 * NS_MS);
    loop_free(loop);
}

static void never(uv_async_t *async)
{
    (void)async;
}

/* The timer's callback comes before the turn sleeps, which nothing would end:
 * another handle keeps the loop. */
static void test_patience_that_is_over_at_once_ends_too(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    assert_non_null(loop);
    uv_async_t other;
    assert_int_equal(uv_async_init(&loop->uv, &other, never), 0);
    assert_false(loop_turn_until(loop, is_never, NULL, 0));
    uv_close((uv_handle_t *)&other, NULL);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_timer_comes_when_it_is_due),
        cmocka_unit_test(test_a_timer_that_is_never_due_does_not_come),
        cmocka_unit_test(test_two_callbacks_of_a_turn_see_one_now),
        cmocka_unit_test(test_point_0_is_a_whole_second_of_the_walls_clock),
        cmocka_unit_test(test_patience_ends),
        cmocka_unit_test(test_patience_that_is_over_at_once_ends_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
