/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/stream_body.c - see stream_body.h.
 */
#include "proxy/wire/stream_body.h"

#include "proxy/model/limits.h"
#include "proxy/wire/deadline.h"
#include "proxy/wire/downstream_h2.h"

/* A body that may have to be sent again is kept from its first byte. */
static void keep_or_forget_body(struct stream *stream)
{
    if (exchange_may_retry(&stream->xc) || stream->body_sent_bytes == 0)
        return;
    stream->is_body_lost = true;
    buf_consume(&stream->body, stream->body_sent_bytes);
    stream->body_sent_bytes = 0;
}

void stream_note_data(struct stream *stream, struct str data)
{
    if (data.len == 0 || stream->is_finished)
        return;
    stream_note_progress(stream);
    stream_tell(stream, &(struct xc_event){.kind = XC_EVENT_REQUEST_DATA, .size = data.len});
    if (stream->is_finished)
        return;
    struct list *next;
    for (struct list *link = stream->mirrors.next; link != &stream->mirrors; link = next) {
        next = link->next;
        attempt_mirror_data(LIST_ITEM(link, struct attempt, link), data);
    }
    enum rc rc = buf_append(&stream->body, data);
    ASSERT(rc == RC_OK);
    stream_pump(stream);
    keep_or_forget_body(stream);
    stream_balance(stream);
}

void stream_note_end(struct stream *stream)
{
    if (stream->is_request_complete)
        return;
    stream->is_request_complete = true;
    stream_note_progress(stream);
    deadlines_note_request_over(&stream->deadlines);
    while (!list_is_empty(&stream->mirrors))
        attempt_mirror_end(LIST_ITEM(list_first(&stream->mirrors), struct attempt, link));
    stream_tell(stream, &(struct xc_event){.kind = XC_EVENT_REQUEST_END});
    if (!stream->is_finished)
        stream_pump(stream);
}

void stream_balance(struct stream *stream)
{
    struct conn *down = stream->down;
    if (down == NULL || stream->is_finished)
        return;
    if (stream->h2 != NULL) {
        downstream_h2_balance(stream);
        return;
    }
    const struct attempt *attempt = stream->attempt;
    size_t waiting_bytes = buf_size(&stream->body) - stream->body_sent_bytes;
    if (waiting_bytes >= LIMIT_CONNECTION_BUFFER_BYTES ||
        (attempt != NULL && attempt_is_full(attempt)))
        conn_pause(down);
    else if (waiting_bytes <= LIMIT_CONNECTION_BUFFER_BYTES / 2 &&
             (attempt == NULL || attempt_has_room(attempt)) &&
             buf_size(&down->in) < LIMIT_READ_BYTES)
        conn_resume(down);
}
