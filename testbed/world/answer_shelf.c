/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/answer_shelf.c - see answer_shelf.h.
 */
#include "testbed/world/answer_shelf.h"

#include "base/check.h"
#include "testbed/world/answer.h"

#define BODY_BYTES_MAX 4096u
#define OUT_BYTES_MAX (64u << 20) /* as many headers as a test likes */

static bool is_same_text(struct str a, struct str b)
{
    return a.ptr == b.ptr && a.len == b.len;
}

static bool is_same(const struct answer *a, const struct answer *b)
{
    return a->status == b->status && a->headers == b->headers &&
           a->header_count == b->header_count && is_same_text(a->reason, b->reason) &&
           is_same_text(a->body, b->body) && a->has_body_size == b->has_body_size &&
           a->body_size == b->body_size;
}

/* One write, of bytes that are the same each time. */
static bool is_plain(const struct answer *answer)
{
    uint64_t body_bytes = answer->has_body_size ? answer->body_size : answer->body.len;
    return answer->act == ACT_ANSWER && !answer->has_raw && !answer->is_echo &&
           !answer->is_websocket && answer->framing == FRAMING_LENGTH && !answer->is_closing &&
           answer->trickle_bytes == 0 && answer->body_latency_ns == 0 &&
           answer->trailer_count == 0 && answer->interim_count == 0 && body_bytes <= BODY_BYTES_MAX;
}

static struct answer_shelf_item *add(struct answer_shelf *shelf, const struct answer *answer)
{
    struct answer_shelf_item *item = ARENA_NEW(shelf->arena, struct answer_shelf_item);
    item->answer = *answer;
    struct buf out;
    struct outflow flow;
    struct answer_echo nobody = {0};
    buf_init(&out, OUT_BYTES_MAX);
    answer_write(answer, &nobody, false, &out, &flow);
    struct str bytes = arena_str(shelf->arena, buf_str(&out));
    buf_fini(&out);
    item->is_whole = h1_read_whole(&item->whole, H1_RESPONSES, bytes, shelf->arena);
    shelf->items[shelf->count++] = item;
    return item;
}

void answer_shelf_init(struct answer_shelf *shelf, struct arena *arena)
{
    *shelf = (struct answer_shelf){.arena = arena};
}

const struct h1_read *answer_shelf_find(struct answer_shelf *shelf, const struct answer *answer,
                                        uint32_t *at)
{
    if (!is_plain(answer))
        return NULL;
    struct answer_shelf_item *item = *at < shelf->count ? shelf->items[*at] : NULL;
    if (item == NULL || !is_same(&item->answer, answer)) {
        uint32_t i = 0;
        while (i < shelf->count && !is_same(&shelf->items[i]->answer, answer))
            i++;
        if (i == ANSWER_SHELF_MAX)
            return NULL;
        item = i < shelf->count ? shelf->items[i] : add(shelf, answer);
        *at = i;
    }
    return item->is_whole ? &item->whole : NULL;
}
