/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/timer.c - see timer.h.
 */
#include "proxy/wire/timer.h"

#include <stddef.h>

#include "base/ns.h"

void timer_init(struct timer *timer, enum timer_owner owner)
{
    heap_node_init(&timer->node);
    timer->due_ns = NS_NEVER;
    timer->owner = owner;
}

void timer_set(struct heap *timers, struct timer *timer, int64_t due_ns)
{
    timer->due_ns = due_ns;
    if (due_ns != NS_NEVER && (timer->node.index == HEAP_OUT || timer->node.due_ns > due_ns))
        heap_put(timers, &timer->node, due_ns);
}

void timer_stop(struct timer *timer)
{
    timer->due_ns = NS_NEVER;
}

void timer_fini(struct heap *timers, struct timer *timer)
{
    timer_stop(timer);
    heap_remove(timers, &timer->node);
}

/* The first one that is where it should be, or NULL. */
static struct timer *first_of(struct heap *timers)
{
    for (;;) {
        struct heap_node *node = heap_first(timers);
        if (node == NULL)
            return NULL;
        struct timer *timer = HEAP_ITEM(node, struct timer, node);
        if (timer->due_ns == node->due_ns)
            return timer;
        if (timer->due_ns == NS_NEVER)
            heap_remove(timers, node);
        else
            heap_put(timers, node, timer->due_ns);
    }
}

int64_t timers_due_ns(struct heap *timers)
{
    const struct timer *timer = first_of(timers);
    return timer != NULL ? timer->due_ns : NS_NEVER;
}

struct timer *timers_take(struct heap *timers, int64_t now_ns, uint64_t sequence_end)
{
    struct timer *timer = first_of(timers);
    if (timer == NULL || timer->due_ns > now_ns || timer->node.sequence >= sequence_end)
        return NULL;
    timer_fini(timers, timer);
    return timer;
}
