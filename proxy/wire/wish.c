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

bool wish_is_for_gone(const struct wish *wish)
{
    const struct conn *conn = wish->conn;
    return wish->generation != conn->generation || conn->state == CONN_BROKEN ||
           conn->state == CONN_FREE;
}
