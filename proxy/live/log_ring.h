/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/log_ring.h - a ring of bytes between one thread that says lines
 * and one that writes them.
 *
 * `said` is where the next line goes, `taken` what the writer is done with;
 * both only grow, and a place is their remainder. A line is in the ring
 * before `said` moves past it, so the writer never sees half of one.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct log_ring {
    char *bytes;
    size_t capacity; /* a power of two */
    atomic_size_t said, taken;
    atomic_uint_fast64_t dropped_lines;
};

/* One whole line. False: it did not fit, and was counted. *is_half_full: the
 * ring has just become so. */
bool log_ring_say(struct log_ring *ring, struct str line, bool *is_half_full);

/* What waits, in one piece as far as the ring's end; and the writer's word that
 * so much of it is written. */
struct str log_ring_peek(const struct log_ring *ring);
void log_ring_take(struct log_ring *ring, size_t size);
