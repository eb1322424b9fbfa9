/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/downstream_h2.c - see downstream_h2.h.
 */
#include "proxy/wire/downstream_h2.h"

#include "base/ns.h"
#include "proxy/core/stats.h"
#include "proxy/http/h2.h"
#include "proxy/model/limits.h"
#include "proxy/wire/downstream_inside.h"
#include "proxy/wire/response.h"
#include "proxy/wire/stream_body.h"
#include "proxy/wire/upstream.h"

static void count(const struct conn *conn, enum http_stat stat)
{
    conn->tally.http->counters[stat]++;
}

static bool is_in_use(const struct conn *conn)
{
    return !list_is_empty(&conn->down.streams);
}

void downstream_h2_open(struct conn *conn)
{
    struct h2_settings settings = {
        .side = H2_SERVER,
        .head_bytes_max = LIMIT_REQUEST_HEAD_BYTES,
        .header_count_max = LIMIT_HEADER_COUNT,
        .is_cookie_last = true,
    };
    conn->h2 = h2_new(&settings, &conn->wire->h2_memory);
    ASSERT(conn->h2 != NULL);
}

/* --- streams --------------------------------------------------------------------------- */

/* Its connection is in use. */
static struct stream *start_stream(struct conn *conn, struct h2_stream *h2)
{
    struct stream *stream = stream_take(conn);
    stream->h2 = h2;
    h2_stream_set_owner(h2, stream);
    list_push_back(&conn->down.streams, &stream->lent);
    if (!conn->down.is_idle_over)
        conn_stop_timer(conn);
    stream_start(stream);
    uint32_t most = conn->down.http->requests_per_connection_max;
    if (++conn->down.request_count >= most && most > 0 && !conn->down.is_last) {
        conn->down.is_last = true;
        h2_goaway(conn->h2);
        count(conn, STAT_HTTP_downstream_cx_max_requests_reached);
    }
    return stream;
}

static void take_head(struct conn *conn, const struct h2_event *event)
{
    struct stream *stream = start_stream(conn, event->stream);
    struct request_head *head = ARENA_NEW(&stream->arena, struct request_head);
    request_head_copy(head, event->request, &stream->arena);
    struct h1_event told = {
        .kind = H1_HEAD,
        .request = head,
        .is_end = event->is_end,
        .framing = event->is_end ? BODY_NONE : BODY_CHUNKED,
        .is_keep_alive = true,
    };
    stream_note_head(stream, &told);
}

static void take_data(struct conn *conn, struct stream *stream, const struct h2_event *event)
{
    stream_note_data(stream, event->data);
    /* The stream may be over, and its place taken by another one. */
    if (stream->h2 != event->stream) {
        h2_consume(conn->h2, event->stream, event->data.len);
        return;
    }
    stream->held_bytes += event->data.len;
    downstream_h2_balance(stream);
}

static void take_trailers(struct stream *stream, const struct h2_event *event)
{
    struct header_list *trailers = ARENA_NEW(&stream->arena, struct header_list);
    header_list_copy(trailers, event->trailers, &stream->arena);
    stream->request_trailers = trailers;
    stream_note_end(stream);
}

/* The client reset it, or we did as it broke a rule. */
static void take_closed(struct conn *conn, const struct h2_event *event)
{
    struct stream *stream = event->owner != NULL ? event->owner : start_stream(conn, event->stream);
    struct str details = STR("http2.remote_reset");
    if (event->is_too_big)
        details = STR("http2.too_many_headers");
    else if (event->code == H2_CODE_REFUSED_STREAM)
        details = STR("http2.remote_refuse");
    bool is_ours = event->code == H2_CODE_PROTOCOL && !event->is_remote;
    stream_note_client_gone(stream, is_ours ? STR("DPE") : STR("DR"), details);
}

static void end_all(struct conn *conn, struct str flag, struct str details)
{
    while (is_in_use(conn))
        stream_note_client_gone(LIST_ITEM(list_first(&conn->down.streams), struct stream, lent),
                                flag, details);
}

/* What the codec has written leaves before the end. */
static void take_error(struct conn *conn, const struct h2_event *event)
{
    count(conn, STAT_HTTP_downstream_cx_protocol_error);
    if (event->stream != NULL)
        (void)start_stream(conn, event->stream);
    if (is_in_use(conn)) {
        count(conn, STAT_HTTP_downstream_cx_destroy_active_rq);
        count(conn, STAT_HTTP_downstream_cx_destroy_local_active_rq);
    }
    conn->down.is_last = true;
    end_all(conn, STR("DPE"), event->details.len > 0 ? event->details : STR("http2.remote_reset"));
    downstream_linger(conn);
}

static void take_event(struct conn *conn, const struct h2_event *event)
{
    struct stream *stream = event->owner;
    switch (event->kind) {
    case H2_MORE:
    case H2_GOAWAY: /* Envoy does not mind */
    case H2_PONG:
        return;
    case H2_HEAD:
        take_head(conn, event);
        return;
    case H2_DATA:
        take_data(conn, stream, event);
        return;
    case H2_TRAILERS:
        take_trailers(stream, event);
        return;
    case H2_END:
        stream_note_end(stream);
        return;
    case H2_CLOSED:
        take_closed(conn, event);
        return;
    case H2_ERROR:
        take_error(conn, event);
        return;
    }
    UNREACHABLE("h2_event_kind");
}

static void take_events(struct conn *conn, struct str bytes)
{
    struct h2_event event;
    while (conn_is_open(conn) && h2_next(conn->h2, &bytes, &event) != H2_MORE)
        take_event(conn, &event);
}

/* --- the connection ------------------------------------------------------------------------ */

/* Nobody needs it now. */
static void settle_use(struct conn *conn)
{
    if (!conn_is_open(conn) || is_in_use(conn))
        return;
    if (conn->down.is_last || conn->wire->is_draining)
        downstream_linger(conn);
    else if (!conn->down.is_idle_over)
        downstream_set_idle_timer(conn);
}

/* Who reads again gets more. */
static void feed_streams(struct conn *conn)
{
    struct list *next;
    for (struct list *link = conn->down.streams.next; link != &conn->down.streams; link = next) {
        next = link->next;
        struct stream *stream = LIST_ITEM(link, struct stream, lent);
        if (stream->attempt != NULL && stream->attempt->conn != NULL && response_has_room(stream))
            upstream_resume(stream->attempt);
    }
}

void downstream_h2_read(struct conn *conn, struct str bytes)
{
    take_events(conn, bytes);
    conn_flush_h2(conn);
    if (conn_is_open(conn))
        feed_streams(conn);
}

void downstream_h2_settle(struct conn *conn)
{
    take_events(conn, STR_EMPTY);
}

void downstream_h2_note_end(struct conn *conn)
{
    if (conn->unsent_bytes > 0)
        conn_abort(conn);
    else
        conn_close(conn);
    if (!is_in_use(conn))
        return;
    count(conn, STAT_HTTP_downstream_cx_destroy_active_rq);
    count(conn, STAT_HTTP_downstream_cx_destroy_remote_active_rq);
    end_all(conn, STR_EMPTY, STR_EMPTY);
}

void downstream_h2_note_sent(struct conn *conn)
{
    conn_flush_h2(conn);
    if (conn_is_open(conn))
        feed_streams(conn);
}

/* It was idle, or the time of draining is over. */
void downstream_h2_wake(struct conn *conn)
{
    if (conn->down.is_idle_over) {
        downstream_h2_drain(conn);
        return;
    }
    count(conn, STAT_HTTP_downstream_cx_idle_timeout);
    downstream_begin_drain(conn);
}

void downstream_h2_tell_drain(struct conn *conn)
{
    h2_shutdown_notice(conn->h2);
    conn_flush_h2(conn);
}

void downstream_h2_drain(struct conn *conn)
{
    if (!conn_is_open(conn) || conn->down.is_last)
        return;
    conn->down.is_last = true;
    h2_goaway(conn->h2);
    conn_flush_h2(conn);
    settle_use(conn);
}

void downstream_h2_note_finished(struct conn *conn, struct stream *stream)
{
    struct h2_stream *h2 = stream->h2;
    size_t held_bytes = stream->held_bytes;
    stream->h2 = NULL;
    stream->held_bytes = 0;
    list_remove(&stream->lent);
    h2_stream_set_owner(h2, NULL);
    if (!conn_is_open(conn))
        return;
    bool is_whole = stream->is_responding && !stream->is_cut;
    response_count_reset(stream, !stream->is_responding || !stream->is_request_complete);
    if (is_whole)
        h2_send_no_more_wanted(conn->h2, h2);
    else
        h2_reset(conn->h2, h2, H2_CODE_INTERNAL);
    h2_consume(conn->h2, h2, held_bytes);
    conn_flush_h2(conn);
    settle_use(conn);
}

void downstream_h2_balance(struct stream *stream)
{
    size_t waiting_bytes = buf_size(&stream->body) - stream->body_sent_bytes;
    bool has_room = waiting_bytes < LIMIT_CONNECTION_BUFFER_BYTES &&
                    (stream->attempt == NULL || !attempt_is_full(stream->attempt));
    if (!has_room || stream->held_bytes == 0 || stream->h2 == NULL)
        return;
    h2_consume(stream->down->h2, stream->h2, stream->held_bytes);
    stream->held_bytes = 0;
    conn_flush_h2(stream->down);
}

/* --- responses ------------------------------------------------------------------------------- */

void downstream_h2_send_head(struct stream *stream, const struct response_head *head, bool is_end)
{
    h2_send_response(stream->down->h2, stream->h2, head, is_end);
    conn_flush_h2(stream->down);
}

void downstream_h2_send_data(struct stream *stream, struct str data)
{
    h2_send_data(stream->down->h2, stream->h2, data);
    conn_flush_h2(stream->down);
}

void downstream_h2_send_end(struct stream *stream, const struct header_list *trailers)
{
    h2_send_end(stream->down->h2, stream->h2, trailers);
    conn_flush_h2(stream->down);
}
