/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/wish.c - an array that empties from the front and starts over.
 */
#include "proxy/wire/wish.h"

#include "proxy/wire/conn.h"

void wishes_init(struct wishes *wishes, struct arena *memory)
{
    *wishes = (struct wishes){.memory = memory};
}

void wishes_add(struct wishes *wishes, struct wish wish)
{
    *ARENA_PUSH(wishes->memory, wishes->items, wishes->count, wishes->capacity) = wish;
}

bool wishes_take(struct wishes *wishes, struct wish *wish)
{
    if (wishes->first == wishes->count)
        return false;
    *wish = wishes->items[wishes->first++];
    if (wishes->first == wishes->count)
        wishes->first = wishes->count = 0;
    return true;
}

bool wish_is_for_gone(const struct wish *wish)
{
    const struct conn *conn = wish->conn;
    return wish->generation != conn->generation || conn->state == CONN_BROKEN ||
           conn->state == CONN_FREE;
}
