/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/wish.h - what the carrier is to do, in order.
 *
 * A wish names a connection; one whose connection broke or was given back in
 * the meantime is dropped when its turn comes, so that nobody is asked to act
 * on a number that is gone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "proxy/wire/wire.h"

struct conn;
struct stream;

struct wish {
    enum wire_action_kind kind;
    bool is_abrupt;
    struct conn *conn;     /* all but WIRE_DONE */
    uint32_t generation;   /* of the conn, when wished */
    struct stream *stream; /* WIRE_DONE */
};

struct wishes {
    struct arena *memory;
    struct wish *items;
    uint32_t first, count, capacity; /* items[first] to items[count - 1] wait */
};

void wishes_init(struct wishes *wishes, struct arena *memory);
static inline void wishes_add(struct wishes *wishes, struct wish wish)
{
    *ARENA_PUSH(wishes->memory, wishes->items, wishes->count, wishes->capacity) = wish;
}

static inline bool wishes_take(struct wishes *wishes, struct wish *wish)
{
    if (wishes->first == wishes->count)
        return false;
    *wish = wishes->items[wishes->first++];
    if (wishes->first == wishes->count)
        wishes->first = wishes->count = 0;
    return true;
}

/* Its connection broke, or was given back. Not of WIRE_DONE. */
bool wish_is_for_gone(const struct wish *wish);
