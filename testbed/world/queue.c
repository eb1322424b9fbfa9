/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/queue.c - see queue.h.
 */
#include "testbed/world/queue.h"

#include "base/check.h"
#include "base/ns.h"

void queue_init(struct queue *queue, uint32_t worker_count, uint32_t waiting_max,
                struct arena *arena)
{
    ASSERT(worker_count <= QUEUE_WORKERS_MAX);
    ASSERT(waiting_max <= QUEUE_WAITING_MAX);
    *queue = (struct queue){.worker_count = worker_count, .waiting_max = waiting_max};
    if (worker_count == 0)
        return;
    queue->ring_size = waiting_max + 1;
    queue->free_ns = ARENA_ARRAY(arena, int64_t, worker_count);
    queue->starts_ns = ARENA_ARRAY(arena, int64_t, queue->ring_size);
}

static void forget_started(struct queue *queue, int64_t now_ns)
{
    while (queue->waiting_count > 0 && queue->starts_ns[queue->first] <= now_ns) {
        queue->first = (queue->first + 1) % queue->ring_size;
        queue->waiting_count--;
    }
}

bool queue_admit(struct queue *queue, int64_t now_ns, int64_t takes_ns, int64_t *done_ns)
{
    *done_ns = ns_add(now_ns, takes_ns);
    if (queue->worker_count == 0)
        return true;
    forget_started(queue, now_ns);
    uint32_t worker = 0;
    for (uint32_t i = 1; i < queue->worker_count; i++) {
        if (queue->free_ns[i] < queue->free_ns[worker])
            worker = i;
    }
    int64_t start_ns = ns_max(now_ns, queue->free_ns[worker]);
    if (start_ns > now_ns) {
        if (queue->waiting_count == queue->waiting_max)
            return false;
        queue->starts_ns[(queue->first + queue->waiting_count++) % queue->ring_size] = start_ns;
    }
    *done_ns = ns_add(start_ns, takes_ns);
    queue->free_ns[worker] = *done_ns;
    return true;
}
