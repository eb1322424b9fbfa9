/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h2_hear.c - what nghttp2 calls back with, as events for h2_next.
 */
#include "base/check.h"
#include "proxy/http/h2_inside.h"
#include "proxy/model/limits.h"

static struct h2_stream *stream_at(struct h2 *h2, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h2->session, id);
}

static struct h2_event *push(struct h2 *h2, enum h2_event_kind kind, struct h2_stream *stream)
{
    ASSERT(h2->queue_count < H2_QUEUE_MAX);
    uint32_t at = (h2->queue_first + h2->queue_count++) % H2_QUEUE_MAX;
    h2->queue[at] = (struct h2_event){.kind = kind, .stream = stream};
    return &h2->queue[at];
}

static void begin_block(struct h2 *h2, struct h2_stream *stream)
{
    arena_reset(&h2->reading);
    h2->block_stream = stream;
    h2->is_in_block = true;
    h2->block_bytes = 0;
    h2->block_count = 0;
    header_list_init(&h2->block, &h2->reading);
    h2->block.is_response = h2->settings.side == H2_CLIENT;
    h2->request = (struct request_head){.version = HTTP_2};
    h2->response = (struct response_head){.version = HTTP_2};
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    struct h2_stream *stream = stream_at(h2, frame->hd.stream_id);
    if (stream == NULL) {
        ASSERT(h2->settings.side == H2_SERVER);
        stream = h2_stream_take(h2, frame->hd.stream_id, NULL);
        (void)nghttp2_session_set_stream_user_data(session, stream->id, stream);
    }
    begin_block(h2, stream);
    return 0;
}

/* Crumbs of a cookie are one line to HTTP/1 (RFC 9113, 8.2.3). */
static void add_cookie(struct h2 *h2, struct str value)
{
    uint32_t at = header_find(&h2->block, STR("cookie"), 0);
    if (at == UINT32_MAX) {
        header_append_line(&h2->block, STR("cookie"), value);
        return;
    }
    struct header *line = &h2->block.items[at];
    line->value =
        arena_concat(&h2->reading, arena_concat(&h2->reading, line->value, STR("; ")), value);
}

static void add_line(struct h2 *h2, struct str name, struct str value)
{
    struct request_head *request = &h2->request;
    uint64_t status = 0;
    if (str_eq(name, STR(":method"))) {
        request->method = value;
    } else if (str_eq(name, STR(":path"))) {
        request->path = value;
    } else if (str_eq(name, STR(":scheme"))) {
        request->scheme = value;
    } else if (str_eq(name, STR(":authority"))) {
        request->authority = value;
        request->has_authority = true;
    } else if (str_eq(name, STR(":status"))) {
        (void)str_to_u64(value, LIMIT_STATUS, &status);
        h2->response.status = (uint32_t)status;
    } else if (str_eq(name, STR("host")) && h2->settings.side == H2_SERVER) {
        if (!request->has_authority)
            request->authority = value;
        request->has_authority = true;
    } else if (str_eq(name, STR("cookie")) && h2->settings.side == H2_SERVER) {
        add_cookie(h2, value);
    } else {
        header_add(&h2->block, name, value);
    }
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct h2 *h2 = user;
    (void)session;
    (void)frame;
    (void)flags;
    h2->block_bytes += name_len + value_len;
    h2->block_count++;
    if (h2->block_bytes > h2->settings.head_bytes_max ||
        h2->block_count > h2->settings.header_count_max) {
        h2->block_stream->is_too_big = true;
        h2->counts.header_overflow++;
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    add_line(h2, arena_str(&h2->reading, (struct str){(const char *)name, name_len}),
             arena_str(&h2->reading, (struct str){(const char *)value, value_len}));
    return 0;
}

static void note_end(struct h2 *h2, struct h2_stream *stream)
{
    stream->is_end_read = true;
    (void)push(h2, H2_END, stream);
}

static void put_cookie_last(struct h2 *h2)
{
    uint32_t at = header_find(&h2->block, STR("cookie"), 0);
    if (at == UINT32_MAX || at + 1 == h2->block.count)
        return;
    struct str value = h2->block.items[at].value;
    header_remove(&h2->block, STR("cookie"));
    header_append_line(&h2->block, STR("cookie"), value);
}

/* A whole block: a head, or trailers. */
static void note_block(struct h2 *h2, struct h2_stream *stream, bool is_end)
{
    if (h2->settings.is_cookie_last)
        put_cookie_last(h2);
    h2->is_in_block = false;
    if (stream->is_head_read) {
        stream->is_end_read = true;
        struct h2_event *event = push(h2, H2_TRAILERS, stream);
        event->trailers = &h2->block;
        event->is_end = true;
        return;
    }
    stream->is_head_read = h2->settings.side == H2_SERVER || h2->response.status / 100 != 1;
    stream->is_end_read = is_end;
    struct h2_event *event = push(h2, H2_HEAD, stream);
    event->is_end = is_end;
    if (h2->settings.side == H2_SERVER) {
        h2->request.headers = h2->block;
        event->request = &h2->request;
    } else {
        h2->response.headers = h2->block;
        event->response = &h2->response;
    }
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    (void)session;
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct h2_stream *stream = frame->hd.stream_id != 0 ? stream_at(h2, frame->hd.stream_id) : NULL;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (stream != NULL)
            note_block(h2, stream, is_end);
        return 0;
    case NGHTTP2_DATA:
        if (stream != NULL && is_end)
            note_end(h2, stream);
        return 0;
    case NGHTTP2_RST_STREAM:
        h2->counts.rx_reset++;
        if (stream != NULL)
            stream->is_reset_by_peer = true;
        return 0;
    case NGHTTP2_GOAWAY:
        push(h2, H2_GOAWAY, NULL)->code = frame->goaway.error_code;
        return 0;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
            (void)push(h2, H2_PONG, NULL);
        return 0;
    default:
        return 0;
    }
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t size, void *user)
{
    struct h2 *h2 = user;
    (void)flags;
    struct h2_stream *stream = stream_at(h2, id);
    /* The connection's window is for all; a stream's own holds it back. */
    if (nghttp2_session_consume_connection(session, size) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (stream == NULL)
        return 0;
    push(h2, H2_DATA, stream)->data = (struct str){(const char *)data, size};
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct h2 *h2 = user;
    (void)session;
    struct h2_stream *stream = stream_at(h2, id);
    if (stream == NULL)
        return 0;
    if (h2->block_stream == stream)
        h2->is_in_block = false;
    stream->code = code;
    stream->is_closed = true;
    list_remove(&stream->link);
    list_push_back(&h2->closed, &stream->link);
    return 0;
}

/* A head or a message that is against the rules breaks the connection, as
 * override_stream_error_on_invalid_http_message is false (ENVOY.md 14.1). */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *user)
{
    (void)session;
    (void)frame;
    struct h2 *h2 = user;
    if (error == NGHTTP2_ERR_REFUSED_STREAM)
        return 0;
    h2_break(h2);
    h2->counts.rx_messaging_error +=
        error == NGHTTP2_ERR_HTTP_HEADER || error == NGHTTP2_ERR_HTTP_MESSAGING;
    if (error == NGHTTP2_ERR_HTTP_HEADER)
        h2->details = STR("http2.invalid.header.field");
    if (error == NGHTTP2_ERR_HTTP_MESSAGING)
        h2->details = STR("http2.violation.of.messaging.rule");
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Envoy: who has to say why it goes, has gone. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        h2_break(h2);
    h2->counts.tx_reset += frame->hd.type == NGHTTP2_RST_STREAM;
    bool is_end = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                  (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct h2_stream *stream = is_end ? stream_at(h2, frame->hd.stream_id) : NULL;
    if (stream == NULL)
        return 0;
    stream->is_end_sent = true;
    if (!stream->is_rest_unwanted || stream->is_end_read)
        return 0;
    stream->is_reset = true;
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR) == 0
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

nghttp2_session_callbacks *h2_callbacks(struct h2_memory *memory)
{
    if (memory->callbacks != NULL)
        return memory->callbacks;
    nghttp2_session_callbacks *callbacks;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    memory->callbacks = callbacks;
    return callbacks;
}
