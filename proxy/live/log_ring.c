/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/log_ring.c - see log_ring.h.
 */
#include "proxy/live/log_ring.h"

#include <string.h>

bool log_ring_say(struct log_ring *ring, struct str line, bool *is_half_full)
{
    size_t said = atomic_load_explicit(&ring->said, memory_order_relaxed);
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
    size_t used = said - taken;
    *is_half_full = false;
    if (line.len > ring->capacity - used) {
        atomic_fetch_add_explicit(&ring->dropped_lines, 1, memory_order_relaxed);
        return false;
    }
    size_t at = said & (ring->capacity - 1);
    size_t first = line.len < ring->capacity - at ? line.len : ring->capacity - at;
    memcpy(ring->bytes + at, line.ptr, first);
    if (line.len > first)
        memcpy(ring->bytes, line.ptr + first, line.len - first);
    atomic_store_explicit(&ring->said, said + line.len, memory_order_release);
    *is_half_full = used < ring->capacity / 2 && used + line.len >= ring->capacity / 2;
    return true;
}

struct str log_ring_peek(const struct log_ring *ring)
{
    size_t said = atomic_load_explicit(&ring->said, memory_order_acquire);
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    size_t at = taken & (ring->capacity - 1);
    size_t size = said - taken;
    return (struct str){ring->bytes + at, size < ring->capacity - at ? size : ring->capacity - at};
}

void log_ring_take(struct log_ring *ring, size_t size)
{
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    atomic_store_explicit(&ring->taken, taken + size, memory_order_release);
}
