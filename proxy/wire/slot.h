/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/slot.h - numbered places for things that come and go.
 *
 * Places are made in chunks and never move; a number that was given back is
 * the next to be taken. A place keeps what its last tenant left there (buffers,
 * arenas), so that the steady state allocates nothing; a new place is zeroed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"

#define SLOT_NONE UINT32_MAX
#define SLOT_CHUNK_ITEMS 64u

struct slots {
    struct arena *memory; /* outlives the slots */
    size_t item_bytes;
    char **chunks;
    uint32_t chunk_count, chunk_capacity;
    uint32_t made_count; /* numbers 0 to made_count - 1 exist */
    uint32_t *free_numbers;
    uint32_t free_count, free_capacity;
};

void slots_init(struct slots *slots, struct arena *memory, size_t item_bytes);
/* A new place, zeroed. */
void *slots_make(struct slots *slots, uint32_t *number);

/* The place of a number that exists, taken or not. */
static inline void *slots_at(const struct slots *slots, uint32_t number)
{
    ASSERT(number < slots->made_count);
    return slots->chunks[number / SLOT_CHUNK_ITEMS] +
           (size_t)(number % SLOT_CHUNK_ITEMS) * slots->item_bytes;
}

/* A place and its number. */
static inline void *slots_take(struct slots *slots, uint32_t *number)
{
    if (slots->free_count == 0)
        return slots_make(slots, number);
    *number = slots->free_numbers[--slots->free_count];
    return slots_at(slots, *number);
}

static inline void slots_give(struct slots *slots, uint32_t number)
{
    ASSERT(number < slots->made_count);
    ASSERT(slots->free_count < slots->made_count);
    *ARENA_PUSH(slots->memory, slots->free_numbers, slots->free_count, slots->free_capacity) =
        number;
}
