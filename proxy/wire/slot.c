/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/slot.c - chunks of places and a stack of free numbers.
 */
#include "proxy/wire/slot.h"

#include "base/check.h"

#define CHUNK_ITEMS 64u

void slots_init(struct slots *slots, struct arena *memory, size_t item_bytes)
{
    ASSERT(item_bytes > 0);
    *slots = (struct slots){.memory = memory, .item_bytes = item_bytes};
}

void *slots_take(struct slots *slots, uint32_t *number)
{
    if (slots->free_count > 0) {
        *number = slots->free_numbers[--slots->free_count];
        return slots_at(slots, *number);
    }
    ASSERT(slots->made_count < SLOT_NONE);
    if (slots->made_count == slots->chunk_count * CHUNK_ITEMS)
        *ARENA_PUSH(slots->memory, slots->chunks, slots->chunk_count, slots->chunk_capacity) =
            arena_array(slots->memory, CHUNK_ITEMS, slots->item_bytes);
    *number = slots->made_count++;
    return slots_at(slots, *number);
}

void slots_give(struct slots *slots, uint32_t number)
{
    ASSERT(number < slots->made_count);
    ASSERT(slots->free_count < slots->made_count);
    *ARENA_PUSH(slots->memory, slots->free_numbers, slots->free_count, slots->free_capacity) =
        number;
}

void *slots_at(const struct slots *slots, uint32_t number)
{
    ASSERT(number < slots->made_count);
    return slots->chunks[number / CHUNK_ITEMS] + (size_t)(number % CHUNK_ITEMS) * slots->item_bytes;
}
