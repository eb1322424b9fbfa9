/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/receive.c - see receive.h.
 */
#include "proxy/wire/receive.h"

#include "proxy/http/remote.h"

#define SPARE_LINES 12u /* what connection manager and router add */

static void note_normalized(struct stream *stream, struct str before, struct str after)
{
    if (stream->xc.setup.trace == NULL || str_eq(before, after))
        return;
    struct trace_event *event = trace_add(&stream->trace, TRACE_NORMALIZED, stream->wire->now_ns);
    event->text = arena_str(&stream->trace_arena, before);
    event->other = arena_str(&stream->trace_arena, after);
}

/* What came before comes out as before, unless somebody wrote who it is from. */
struct pipeline_answer receive_head(struct stream *stream, const struct h1_event *event)
{
    const struct conn_downstream *down = &stream->down->down;
    struct request_head *head = event->request;
    bool is_id_drawn = pipeline_draws_id(down->http, &head->headers);
    bool is_kept = stream->xc.setup.memo != NULL && stream->xc.setup.memo->received.head == NULL &&
                   !header_is_present(&head->headers, STR("x-forwarded-for"));
    struct str path = head->path;
    struct record_downstream *facts = &stream->xc.record.downstream;
    /* The connection's own text may be gone before the record, or what is sent. */
    struct peer_facts peer = down->peer;
    peer.remote_address = facts->direct_address;
    peer.node_address = stream->xc.setup.node_address;
    facts->remote_address = remote_address(down->http, &peer, head, &facts->remote_port);
    struct pipeline_answer answer =
        pipeline_request(down->http, &peer, event->is_upgrade, head,
                         engine_rng_uuid(stream->reign->engine), &stream->arena);
    note_normalized(stream, path, head->path);
    if (is_kept && !answer.is_refused)
        memo_keep(stream->xc.setup.memo, &stream->xc.setup.memo->received, head, is_id_drawn);
    return answer;
}

struct str receive_new_id(struct stream *stream, const struct request_memo *memo)
{
    return memo->received.id_at != UINT32_MAX
               ? pipeline_new_id(engine_rng_uuid(stream->reign->engine), &stream->arena)
               : STR_EMPTY;
}

struct request_head *receive_known_head(struct stream *stream)
{
    const struct request_memo *memo = stream->xc.setup.memo;
    if (memo == NULL || memo->received.head == NULL)
        return NULL;
    const struct memo_head *received = &memo->received;
    struct request_head *head = arena_raw(&stream->arena, sizeof(*head));
    memo_take(received, receive_new_id(stream, memo), SPARE_LINES, &stream->arena, head);
    return head;
}
