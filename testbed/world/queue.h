/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/queue.h - an application that works on so many requests at
 * once; others wait for their turn, first come, first served.
 *
 * Nothing wakes anybody: how long a request takes is known when it comes, so is
 * the worker that will be free first, so is its end. A caller that goes away
 * does not stop the work, as with most applications.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define QUEUE_WORKERS_MAX 1000u
#define QUEUE_WAITING_MAX 100000u

struct queue {
    uint32_t worker_count; /* 0: no limit, nobody waits */
    uint32_t waiting_max;
    int64_t *free_ns;   /* of each worker: when it has done what it was given */
    int64_t *starts_ns; /* of those that wait, ascending: a ring */
    uint32_t first, waiting_count, ring_size;
};

void queue_init(struct queue *queue, uint32_t worker_count, uint32_t waiting_max,
                struct arena *arena);

/* When a request that comes now and takes so long is done; false: too many wait. */
bool queue_admit(struct queue *queue, int64_t now_ns, int64_t takes_ns, int64_t *done_ns);
