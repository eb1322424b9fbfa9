/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/slot.c - chunks of places and a stack of free numbers.
 */
#include "proxy/wire/slot.h"

#include "base/check.h"

void slots_init(struct slots *slots, struct arena *memory, size_t item_bytes)
{
    ASSERT(item_bytes > 0);
    *slots = (struct slots){.memory = memory, .item_bytes = item_bytes};
}

void *slots_make(struct slots *slots, uint32_t *number)
{
    ASSERT(slots->made_count < SLOT_NONE);
    if (slots->made_count == slots->chunk_count * SLOT_CHUNK_ITEMS)
        *ARENA_PUSH(slots->memory, slots->chunks, slots->chunk_count, slots->chunk_capacity) =
            arena_array(slots->memory, SLOT_CHUNK_ITEMS, slots->item_bytes);
    *number = slots->made_count++;
    return slots_at(slots, *number);
}
