/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/loop.c - see loop.h.
 */
#include "proxy/live/loop.h"

#include "base/check.h"
#include "base/ns.h"

#define MEMORY_BLOCK_BYTES (128u * 1024)

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    loop->is_now_stale = true;
    if (uv_now(&loop->uv) >= loop->awake_from_ms)
        uv_stop(&loop->uv); /* it does not sleep this time */
}

static void on_check(uv_check_t *check)
{
    struct loop *loop = check->data;
    loop->turn_count++;
    loop->is_now_stale = true;
}

static void start_clock(struct loop *loop)
{
    uv_timeval64_t wall;
    int rc = uv_gettimeofday(&wall);
    ASSERT(rc == 0);
    loop->epoch_seconds = wall.tv_sec;
    loop->origin_hr_ns = uv_hrtime() - (uint64_t)wall.tv_usec * (uint64_t)NS_US;
    loop->is_now_stale = true;
}

/* Handles that watch the turns do not keep the loop alive. */
static void make_handles(struct loop *loop)
{
    int rc = uv_prepare_init(&loop->uv, &loop->before_sleep);
    ASSERT(rc == 0);
    loop->before_sleep.data = loop;
    rc = uv_prepare_start(&loop->before_sleep, on_prepare);
    ASSERT(rc == 0);
    uv_unref((uv_handle_t *)&loop->before_sleep);
    rc = uv_check_init(&loop->uv, &loop->after_events);
    ASSERT(rc == 0);
    loop->after_events.data = loop;
    rc = uv_check_start(&loop->after_events, on_check);
    ASSERT(rc == 0);
    uv_unref((uv_handle_t *)&loop->after_events);
    rc = uv_timer_init(&loop->uv, &loop->patience);
    ASSERT(rc == 0);
    loop->patience.data = loop;
}

struct loop *loop_new(void)
{
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct loop *loop = ARENA_NEW(&memory, struct loop);
    if (uv_loop_init(&loop->uv) != 0) {
        arena_fini(&memory);
        return NULL;
    }
    loop->read_bytes = arena_alloc(&memory, LOOP_READ_BYTES);
    loop->memory = memory;
    loop->uv.data = loop;
    loop->awake_from_ms = UINT64_MAX;
    make_handles(loop);
    start_clock(loop);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    uv_close((uv_handle_t *)&loop->before_sleep, NULL);
    uv_close((uv_handle_t *)&loop->after_events, NULL);
    uv_close((uv_handle_t *)&loop->patience, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&loop->uv);
    ASSERT(rc == 0); /* someone left a handle open */
    struct arena memory = loop->memory;
    arena_fini(&memory);
}

int64_t loop_now_ns(struct loop *loop)
{
    if (loop->is_now_stale) {
        int64_t now_ns = (int64_t)(uv_hrtime() - loop->origin_hr_ns);
        ASSERT(now_ns >= loop->now_ns);
        loop->now_ns = now_ns;
        loop->is_now_stale = false;
    }
    return loop->now_ns;
}

void loop_begin_turn(struct loop *loop)
{
    uv_update_time(&loop->uv);
    loop->is_now_stale = true;
}

int64_t loop_wall_ns(void)
{
    uv_timeval64_t wall;
    int rc = uv_gettimeofday(&wall);
    ASSERT(rc == 0);
    return wall.tv_sec * NS_SECOND + wall.tv_usec * NS_US;
}

int64_t loop_epoch_seconds(const struct loop *loop)
{
    return loop->epoch_seconds;
}

void loop_timer_set(struct loop *loop, uv_timer_t *timer, int64_t due_ns, uv_timer_cb callback)
{
    if (due_ns == NS_NEVER) {
        uv_timer_stop(timer);
        return;
    }
    int64_t left_ns = ns_max(due_ns - loop_now_ns(loop), 0);
    /* Rounded up: rounded down, the last millisecond would be spent spinning. */
    uint64_t left_ms = (uint64_t)(left_ns / NS_MS) + (left_ns % NS_MS != 0);
    int rc = uv_timer_start(timer, callback, left_ms, 0);
    ASSERT(rc == 0);
}

void loop_lend_read_bytes(struct loop *loop, uv_buf_t *buf)
{
    *buf = uv_buf_init(loop->read_bytes, LOOP_READ_BYTES);
}

bool loop_turn(struct loop *loop)
{
    /* libuv runs timers before it sleeps, too. A turn in which one of them came
     * is over then: whoever waits for it looks now. */
    int left_ms = uv_backend_timeout(&loop->uv);
    loop->awake_from_ms = left_ms >= 0 ? uv_now(&loop->uv) + (uint64_t)left_ms : UINT64_MAX;
    bool has_handles = uv_run(&loop->uv, UV_RUN_ONCE) != 0;
    loop->awake_from_ms = UINT64_MAX;
    return has_handles;
}

static void on_patience_over(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    loop->is_patience_over = true;
}

bool loop_turn_until(struct loop *loop, bool (*is_done)(void *user), void *user,
                     int64_t patience_ns)
{
    ASSERT(!uv_is_active((uv_handle_t *)&loop->patience)); /* one at a time */
    loop_begin_turn(loop);
    loop->is_patience_over = false;
    int64_t until_ns = ns_add(loop_now_ns(loop), patience_ns);
    loop_timer_set(loop, &loop->patience, until_ns, on_patience_over);
    while (!is_done(user) && !loop->is_patience_over)
        loop_turn(loop);
    uv_timer_stop(&loop->patience);
    return is_done(user);
}
