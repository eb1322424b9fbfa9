/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/timer.h - the timers of a wire.
 *
 * Each request stops and sets those of two connections and one of its own, and next to
 * none of them ever fires. So a timer that is moved on or stopped stays where it is in the
 * heap, and the heap hears of it when it comes first (timers_due_ns).
 */
#pragma once

#include <stdint.h>

#include "base/heap.h"

enum timer_owner {
    TIMER_CONN,
    TIMER_CONN_AGE,
    TIMER_CONN_MEETING,
    TIMER_CONN_PING,
    TIMER_STREAM,
    TIMER_ATTEMPT
};

struct timer {
    struct heap_node node;  /* in the heap: not later than due_ns */
    int64_t due_ns;         /* NS_NEVER: it is stopped */
    enum timer_owner owner; /* of which struct it is the member `timer` */
};

void timer_init(struct timer *timer, enum timer_owner owner);
/* NS_NEVER stops it. */
void timer_set(struct heap *timers, struct timer *timer, int64_t due_ns);
void timer_stop(struct timer *timer);
/* Stops it and takes it out of the heap: its place may go. */
void timer_fini(struct heap *timers, struct timer *timer);

/* When the first one is due; NS_NEVER: none is. */
int64_t timers_due_ns(struct heap *timers);
/* Takes out the first one that is due at `now_ns` and was set before `sequence_end`
 * (heap.next_sequence of then), or NULL. */
struct timer *timers_take(struct heap *timers, int64_t now_ns, uint64_t sequence_end);
