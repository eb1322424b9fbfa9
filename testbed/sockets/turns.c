/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/turns.c - turns of a play's loop, and for how long.
 */
#include "base/check.h"
#include "testbed/sockets/inside.h"

/* Turns of the loop in which nothing happens to an end until all is quiet. On
 * loopback what was sent has arrived when the sending call returns. */
#define QUIET_TURNS 8

static void on_time_is_up(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
    uv_stop(timer->loop); /* it may have come before this turn slept */
}

void turns_until_quiet(struct sockets *sockets)
{
    uint32_t quiet_turns = 0;
    while (quiet_turns < QUIET_TURNS) {
        uint64_t before_count = sockets->happened_count;
        sockets->turn_count++;
        uv_run(sockets_uv(sockets), UV_RUN_NOWAIT);
        quiet_turns = before_count == sockets->happened_count ? quiet_turns + 1 : 0;
    }
}

/* A loop that was late finds all that was due meanwhile at once, timers first. What calls
 * of a batch did must have reached everybody before the next one begins. */
static void begin_due(struct sockets *sockets)
{
    while (!list_is_empty(&sockets->due_errands)) {
        turns_until_quiet(sockets);
        struct sockets_errand *errand =
            LIST_ITEM(list_first(&sockets->due_errands), struct sockets_errand, due);
        list_remove(&errand->due);
        sockets_begin_turn(sockets);
        errand_begin(errand);
    }
}

void turns_take(struct sockets *sockets)
{
    sockets->turn_count++;
    uv_run(sockets_uv(sockets), UV_RUN_ONCE);
    begin_due(sockets);
    if (sockets->watches.count > 0)
        hops_watch(sockets);
}

static bool is_there(struct sockets *sockets, enum turns_until what)
{
    switch (what) {
    case TURNS_FOR_TIME:
        return false;
    case TURNS_FOR_RECORDS:
        errands_forget_records(sockets);
        return sockets->batch_recordless_count == 0;
    case TURNS_FOR_OUTCOME:
        return !list_is_empty(&sockets->errands.over);
    }
    UNREACHABLE("turns_until");
}

void turns_for(struct sockets *sockets, uint64_t duration_ms, enum turns_until what)
{
    bool is_up = false;
    uv_timer_t *timer = &sockets->patience;
    timer->data = &is_up;
    uv_timer_start(timer, on_time_is_up, duration_ms, 0);
    while (!is_up && !is_there(sockets, what))
        turns_take(sockets);
    uv_timer_stop(timer);
}
