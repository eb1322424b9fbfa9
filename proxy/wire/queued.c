/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/queued.c - bytes that must leave.
 */
#include "proxy/wire/queued.h"

static void push(struct queued *queued, size_t size)
{
    if (size > 0 && !queued_is_full(queued))
        queued->left_bytes[queued->count++] = size;
}

void queued_add(struct queued *queued, struct queued_response response)
{
    if (response.is_within_read || response.carrier_bytes > 0) {
        push(queued, response.unsent_bytes + response.is_mark_apart);
        return;
    }
    /* Between an answer that came from elsewhere and the next request Envoy's loop
     * writes, and the kernel takes it: all have left, but for a mark apart. */
    queued->count = 0;
    push(queued, response.is_mark_apart ? response.unsent_bytes + 1 : 0);
}

void queued_note_sent(struct queued *queued, size_t size)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < queued->count; i++)
        if (queued->left_bytes[i] > size)
            queued->left_bytes[kept++] = queued->left_bytes[i] - size;
    queued->count = kept;
}

bool queued_is_full(const struct queued *queued)
{
    return queued->count >= LIMIT_QUEUED_RESPONSES;
}
