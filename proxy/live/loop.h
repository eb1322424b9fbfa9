/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/loop.h - libuv's loop, and the one clock of everybody in it.
 *
 * A turn has one `now`: read when it is first asked for after the loop slept,
 * the same for every callback until it sleeps again. Point 0 lies less than a
 * second before the loop was made, on a whole second of the wall's clock, so
 * that seconds since then are seconds of the date.
 *
 * One thread. Nobody else reads a clock, and milliseconds live here only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/arena.h"

#define LOOP_READ_BYTES (64u * 1024) /* libuv's own suggestion */

struct loop {
    struct arena memory; /* as long as the loop */
    uv_loop_t uv;
    uv_prepare_t before_sleep;
    uv_check_t after_events;
    uv_timer_t patience; /* of loop_turn_until */
    bool is_patience_over;
    uint64_t origin_hr_ns; /* uv_hrtime at point 0; wraps like it */
    int64_t epoch_seconds;
    int64_t now_ns;
    bool is_now_stale;
    uint64_t turn_count;    /* times that it has slept, or not slept for want of time */
    uint64_t awake_from_ms; /* of libuv's clock, in a turn: then the first timer comes */
    char *read_bytes;       /* LOOP_READ_BYTES; one read is over before the next */
};

/* NULL: the system has no descriptors left for it. */
struct loop *loop_new(void);
/* Every other handle must be closed or closing; waits for the latter. */
void loop_free(struct loop *loop);

int64_t loop_now_ns(struct loop *loop);
/* Time has passed outside of the loop: the next question looks at the clock. */
void loop_begin_turn(struct loop *loop);
/* The wall's clock, in ns since 1970, for those who have no loop of their own. */
int64_t loop_wall_ns(void);
/* Seconds since 1970 at point 0. */
int64_t loop_epoch_seconds(const struct loop *loop);

/* A timer's callback comes at `due_ns` or less than 2 ms after; early by at
 * most a millisecond, so look at loop_now_ns. NS_NEVER stops it. */
void loop_timer_set(struct loop *loop, uv_timer_t *timer, int64_t due_ns, uv_timer_cb callback);

/* For uv_read_start: everybody reads into the loop's one buffer. */
void loop_lend_read_bytes(struct loop *loop, uv_buf_t *buf);

/* Waits for events and handles them; false: no handle is left to wait for. */
bool loop_turn(struct loop *loop);
/* Turns until `is_done` says so; false: `patience_ns` have passed before. */
bool loop_turn_until(struct loop *loop, bool (*is_done)(void *user), void *user,
                     int64_t patience_ns);
