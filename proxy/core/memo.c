/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/memo.c - see memo.h.
 */
#include "proxy/core/memo.h"

#include <string.h>

#include "base/check.h"

void memo_keep(struct request_memo *memo, struct memo_head *place, const struct request_head *head,
               bool is_id_drawn)
{
    ASSERT(place->head == NULL);
    struct request_head *copy = ARENA_NEW(memo->arena, struct request_head);
    request_head_copy(copy, head, memo->arena);
    place->id_at = is_id_drawn ? header_find(&copy->headers, STR("x-request-id"), 0) : UINT32_MAX;
    place->head = copy;
}

void memo_take(const struct memo_head *place, struct str id, uint32_t spare, struct arena *arena,
               struct request_head *out)
{
    const struct header_list *from = &place->head->headers;
    *out = *place->head;
    out->headers.arena = arena;
    out->headers.capacity = from->count + spare;
    out->headers.items = arena_raw(arena, out->headers.capacity * sizeof(*out->headers.items));
    if (from->count > 0)
        memcpy(out->headers.items, from->items, from->count * sizeof(*from->items));
    if (place->id_at != UINT32_MAX)
        out->headers.items[place->id_at].value = id;
}
