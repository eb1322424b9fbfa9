/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h2_send.c - what is sent on an HTTP/2 connection.
 */
#include <string.h>

#include "base/check.h"
#include "proxy/http/h2_inside.h"
#include "proxy/model/limits.h"

#define PSEUDO_MAX 5u
#define STATUS_DIGITS 3u

/* --- heads ------------------------------------------------------------------------------ */

static nghttp2_nv line(struct str name, struct str value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)(name.ptr),
                        .value = (uint8_t *)(uintptr_t)(value.ptr),
                        .namelen = name.len,
                        .valuelen = value.len};
}

/* Of HTTP/1's connections alone (RFC 9113, 8.2.2). */
static bool is_of_connection(struct str name)
{
    return str_eq(name, STR("connection")) || str_eq(name, STR("transfer-encoding")) ||
           str_eq(name, STR("keep-alive")) || str_eq(name, STR("proxy-connection")) ||
           str_eq(name, STR("upgrade"));
}

/* Names are in small letters already. `out` has room for all. */
static size_t put_list(nghttp2_nv *out, const struct header_list *headers)
{
    size_t count = 0;
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct header *header = &headers->items[i];
        if (!is_of_connection(header->name))
            out[count++] = line(header->name, header->value);
    }
    return count;
}

/* Lines of a head that is being sent; nghttp2 copies them. */
static nghttp2_nv *take_lines(struct h2 *h2, const struct header_list *headers)
{
    return h2_memory_take(h2->memory, (headers->count + PSEUDO_MAX) * sizeof(nghttp2_nv));
}

/* --- bodies ------------------------------------------------------------------------------- */

/* Inside of nghttp2's sending. */
static int submit_trailers(struct h2 *h2, struct h2_stream *stream)
{
    nghttp2_nv *lines = take_lines(h2, &stream->trailers);
    if (lines == NULL)
        return NGHTTP2_ERR_NOMEM;
    size_t count = put_list(lines, &stream->trailers);
    int error = nghttp2_submit_trailer(h2->session, stream->id, lines, count);
    h2_memory_give(h2->memory, lines);
    return error;
}

/* nghttp2's question for a body. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct h2 *h2 = user;
    (void)session;
    (void)id;
    struct h2_stream *stream = source->ptr;
    struct str body = buf_str(&stream->body);
    size_t given = body.len < size ? body.len : size;
    if (given == 0 && !stream->is_end_wished) {
        stream->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (given > 0)
        memcpy(out, body.ptr, given);
    buf_consume(&stream->body, given);
    if (given < body.len || !stream->is_end_wished)
        return (ssize_t)given;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->trailers.count == 0)
        return (ssize_t)given;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return submit_trailers(h2, stream) == 0 ? (ssize_t)given : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void resume(struct h2 *h2, struct h2_stream *stream)
{
    if (!stream->is_deferred)
        return;
    stream->is_deferred = false;
    if (nghttp2_session_resume_data(h2->session, stream->id) == NGHTTP2_ERR_NOMEM)
        h2_break(h2);
}

/* --- sending -------------------------------------------------------------------------------- */

/* `protocol` empty: an ordinary request. */
static struct h2_stream *submit(struct h2 *h2, const struct request_head *head, struct str protocol,
                                bool is_end, void *owner)
{
    ASSERT(h2->settings.side == H2_CLIENT);
    nghttp2_nv *lines = h2->is_broken ? NULL : take_lines(h2, &head->headers);
    if (lines == NULL) {
        h2_break(h2);
        return NULL;
    }
    size_t count = 0;
    bool has_place = protocol.len > 0 || !str_eq(head->method, STR("CONNECT"));
    lines[count++] = line(STR(":authority"), head->authority);
    if (has_place)
        lines[count++] = line(STR(":path"), head->path);
    lines[count++] = line(STR(":method"), protocol.len > 0 ? STR("CONNECT") : head->method);
    if (has_place)
        lines[count++] = line(STR(":scheme"), head->scheme.len > 0 ? head->scheme : STR("http"));
    if (protocol.len > 0)
        lines[count++] = line(STR(":protocol"), protocol);
    count += put_list(lines + count, &head->headers);
    struct h2_stream *stream = h2_stream_take(h2, 0, owner);
    nghttp2_data_provider body = {.source.ptr = stream, .read_callback = read_body};
    stream->id =
        nghttp2_submit_request(h2->session, NULL, lines, count, is_end ? NULL : &body, stream);
    h2_memory_give(h2->memory, lines);
    if (stream->id > 0)
        return stream;
    h2_stream_give(h2, stream);
    h2_break(h2);
    return NULL;
}

struct h2_stream *h2_send_request(struct h2 *h2, const struct request_head *head, bool is_end,
                                  void *owner)
{
    return submit(h2, head, STR_EMPTY, is_end, owner);
}

struct h2_stream *h2_send_connect(struct h2 *h2, const struct request_head *head,
                                  struct str protocol, void *owner)
{
    return submit(h2, head, protocol, false, owner);
}

static void note_result(struct h2 *h2, int error)
{
    if (error != 0)
        h2_break(h2);
}

void h2_send_response(struct h2 *h2, struct h2_stream *stream, const struct response_head *head,
                      bool is_end)
{
    ASSERT(h2->settings.side == H2_SERVER);
    if (h2->is_broken || stream->is_closed || stream->is_reset)
        return;
    nghttp2_nv *lines = take_lines(h2, &head->headers);
    if (lines == NULL) {
        h2_break(h2);
        return;
    }
    char digits[STATUS_DIGITS];
    digits[0] = (char)('0' + head->status / 100 % 10);
    digits[1] = (char)('0' + head->status / 10 % 10);
    digits[2] = (char)('0' + head->status % 10);
    size_t count = 0;
    lines[count++] = line(STR(":status"), (struct str){digits, STATUS_DIGITS});
    count += put_list(lines + count, &head->headers);
    nghttp2_data_provider body = {.source.ptr = stream, .read_callback = read_body};
    bool is_interim = head->status / 100 == 1;
    note_result(h2, is_interim ? nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                                        NULL, lines, count, NULL)
                               : nghttp2_submit_response(h2->session, stream->id, lines, count,
                                                         is_end ? NULL : &body));
    h2_memory_give(h2->memory, lines);
}

void h2_send_data(struct h2 *h2, struct h2_stream *stream, struct str data)
{
    if (h2->is_broken || stream->is_closed || stream->is_reset || data.len == 0)
        return;
    ASSERT(!stream->is_end_wished);
    ASSERT(buf_append(&stream->body, data) == RC_OK);
    resume(h2, stream);
}

void h2_send_end(struct h2 *h2, struct h2_stream *stream, const struct header_list *trailers)
{
    if (h2->is_broken || stream->is_closed || stream->is_reset)
        return;
    ASSERT(!stream->is_end_wished);
    stream->is_end_wished = true;
    if (trailers != NULL)
        header_list_copy(&stream->trailers, trailers, &stream->trailers_arena);
    resume(h2, stream);
}

void h2_reset(struct h2 *h2, struct h2_stream *stream, uint32_t code)
{
    if (h2->is_broken || stream->is_closed || stream->is_reset)
        return;
    stream->is_reset = true;
    note_result(h2, nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id, code));
}

void h2_send_no_more_wanted(struct h2 *h2, struct h2_stream *stream)
{
    if (h2->is_broken || stream->is_closed || stream->is_end_read)
        return;
    stream->is_rest_unwanted = true;
    if (stream->is_end_sent)
        h2_reset(h2, stream, H2_CODE_NONE);
}

void h2_ping(struct h2 *h2, uint64_t number)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(number >> (8 * (sizeof(bytes) - 1 - i)));
    if (nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, bytes) != 0)
        h2_break(h2);
}

void h2_shutdown_notice(struct h2 *h2)
{
    if (!h2->is_broken)
        note_result(h2, nghttp2_submit_shutdown_notice(h2->session));
}

void h2_goaway(struct h2 *h2)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(h2->session);
    if (!h2->is_broken)
        note_result(h2, nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, last,
                                              NGHTTP2_NO_ERROR, NULL, 0));
}

void h2_flush(struct h2 *h2, struct buf *out, size_t size_max)
{
    while (!h2->is_broken && buf_size(out) < size_max) {
        const uint8_t *bytes;
        ssize_t size = nghttp2_session_mem_send(h2->session, &bytes);
        if (size < 0)
            h2_break(h2);
        if (size <= 0)
            return;
        ASSERT(buf_append(out, (struct str){(const char *)bytes, (size_t)size}) == RC_OK);
    }
}

bool h2_is_broken(const struct h2 *h2)
{
    return h2->is_broken;
}

/* --- streams -------------------------------------------------------------------------------- */

void h2_stream_set_owner(struct h2_stream *stream, void *owner)
{
    stream->owner = owner;
}

size_t h2_stream_waiting_bytes(const struct h2_stream *stream)
{
    return buf_size(&stream->body);
}

void h2_consume(struct h2 *h2, struct h2_stream *stream, size_t size)
{
    if (h2->is_broken || stream->is_closed || size == 0)
        return;
    if (nghttp2_session_consume_stream(h2->session, stream->id, size) == NGHTTP2_ERR_NOMEM)
        h2_break(h2);
}

struct h2_counts h2_take_counts(struct h2 *h2)
{
    struct h2_counts counts = h2->counts;
    h2->counts = (struct h2_counts){0};
    return counts;
}

uint32_t h2_peer_streams_max(const struct h2 *h2)
{
    return nghttp2_session_get_remote_settings(h2->session,
                                               NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

uint32_t h2_stream_count(const struct h2 *h2)
{
    uint32_t count = 0;
    for (const struct list *link = h2->streams.next; link != &h2->streams; link = link->next)
        count++;
    return count;
}
