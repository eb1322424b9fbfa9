/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/outflow.c - see outflow.h.
 */
#include "testbed/world/outflow.h"

#include "base/check.h"

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X500 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50

/* As long as C17 lets a literal be. */
static const struct str FILL = STR_INIT(X500 X500 X500 X500 X500 X500 X500 X500);

static uint64_t piece_bytes(const struct outflow_piece *piece)
{
    return piece->fill_bytes > 0 ? piece->fill_bytes : piece->bytes.len;
}

static void skip_sent(struct outflow *flow)
{
    while (flow->at < flow->count && flow->at_bytes == piece_bytes(&flow->pieces[flow->at])) {
        flow->at++;
        flow->at_bytes = 0;
    }
}

static struct outflow_piece *add(struct outflow *flow)
{
    ASSERT(flow->count < OUTFLOW_PIECES_MAX);
    return &flow->pieces[flow->count++];
}

void outflow_init(struct outflow *flow)
{
    flow->count = 0;
    flow->at = 0;
    flow->at_bytes = 0;
    flow->sent_bytes = 0;
    flow->pause_at_bytes = UINT64_MAX;
    flow->pause_every_bytes = 0;
}

void outflow_add(struct outflow *flow, struct str bytes)
{
    *add(flow) = (struct outflow_piece){.bytes = bytes};
}

void outflow_add_fill(struct outflow *flow, uint64_t fill_bytes)
{
    *add(flow) = (struct outflow_piece){.fill_bytes = fill_bytes};
}

void outflow_pause_at(struct outflow *flow, uint64_t at_bytes)
{
    flow->pause_at_bytes = at_bytes;
}

static uint64_t bytes_left(const struct outflow *flow)
{
    uint64_t bytes = 0;
    for (uint32_t i = flow->at; i < flow->count; i++)
        bytes += piece_bytes(&flow->pieces[i]);
    return bytes - flow->at_bytes;
}

void outflow_pause_every(struct outflow *flow, uint64_t at_bytes, uint64_t every_bytes)
{
    ASSERT(every_bytes > 0);
    if (bytes_left(flow) <= at_bytes)
        return;
    flow->pause_at_bytes = at_bytes;
    flow->pause_every_bytes = every_bytes;
}

bool outflow_next(struct outflow *flow, struct str *bytes)
{
    skip_sent(flow);
    if (outflow_is_paused(flow) || flow->at == flow->count)
        return false;
    const struct outflow_piece *piece = &flow->pieces[flow->at];
    uint64_t size = piece_bytes(piece) - flow->at_bytes;
    if (size > flow->pause_at_bytes - flow->sent_bytes)
        size = flow->pause_at_bytes - flow->sent_bytes;
    if (piece->fill_bytes > 0) {
        size = size < FILL.len ? size : FILL.len;
        *bytes = str_slice(FILL, 0, (size_t)size);
    } else {
        size_t from = (size_t)flow->at_bytes; /* below bytes.len */
        *bytes = str_slice(piece->bytes, from, from + (size_t)size);
    }
    flow->at_bytes += size;
    flow->sent_bytes += size;
    return true;
}

bool outflow_is_paused(const struct outflow *flow)
{
    return flow->sent_bytes == flow->pause_at_bytes;
}

void outflow_go_on(struct outflow *flow)
{
    bool is_again = flow->pause_every_bytes > 0 && bytes_left(flow) > flow->pause_every_bytes;
    flow->pause_at_bytes = is_again ? flow->sent_bytes + flow->pause_every_bytes : UINT64_MAX;
}
