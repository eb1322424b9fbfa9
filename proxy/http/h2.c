/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h2.c - a connection's life, and what is read from it.
 *
 * nghttp2 is given one frame at a time, so that a few places are enough for what it
 * says of it; ends of streams, of which a GOAWAY may bring any number, stand in a list.
 */
#include "proxy/http/h2.h"

#include <string.h>

#include "base/check.h"
#include "proxy/http/h2_inside.h"
#include "proxy/model/limits.h"

#define PREFACE_BYTES 24u
#define FRAME_HEAD_BYTES 9u
#define ARENA_BLOCK_BYTES (4u * 1024)
#define KEPT_BODY_BYTES_MAX (64u * 1024)
#define BODY_BYTES_MAX (LIMIT_H2_STREAM_WINDOW_BYTES + 4 * LIMIT_CONNECTION_BUFFER_BYTES)
/* Envoy's hpack_table_size, max_concurrent_streams. */
#define HPACK_TABLE_BYTES 4096u
#define STREAMS_MAX 1024u
#define WINDOW_BYTES_INITIAL 65535 /* RFC 9113, 6.9.2 */
#define OUTBOUND_ACKS_MAX 1000u    /* Envoy's max_outbound_control_frames */

/* --- streams ----------------------------------------------------------------- */

struct h2_stream *h2_stream_take(struct h2 *h2, int32_t id, void *owner)
{
    struct h2_stream *stream = h2->memory->free_streams;
    if (stream != NULL) {
        h2->memory->free_streams = stream->next_free;
    } else {
        stream = ARENA_NEW(&h2->memory->arena, struct h2_stream);
        buf_init(&stream->body, BODY_BYTES_MAX);
        arena_init(&stream->trailers_arena, ARENA_BLOCK_BYTES, 0);
        list_init(&stream->link);
    }
    stream->id = id;
    stream->owner = owner;
    list_push_back(&h2->streams, &stream->link);
    return stream;
}

void h2_stream_give(struct h2 *h2, struct h2_stream *stream)
{
    list_remove(&stream->link);
    buf_clear(&stream->body);
    if (stream->body.capacity > KEPT_BODY_BYTES_MAX)
        buf_shrink(&stream->body);
    arena_reset(&stream->trailers_arena);
    struct buf body = stream->body;
    struct arena arena = stream->trailers_arena;
    *stream = (struct h2_stream){
        .body = body, .trailers_arena = arena, .next_free = h2->memory->free_streams};
    list_init(&stream->link);
    h2->memory->free_streams = stream;
}

void h2_break(struct h2 *h2)
{
    h2->is_broken = true;
}

/* --- memory -------------------------------------------------------------------- */

void h2_memory_fini(struct h2_memory *memory)
{
    for (struct h2_stream *stream = memory->free_streams; stream != NULL;
         stream = stream->next_free) {
        buf_fini(&stream->body);
        arena_fini(&stream->trailers_arena);
    }
    nghttp2_session_callbacks_del(memory->callbacks);
    arena_fini(&memory->arena);
}

/* --- a connection ------------------------------------------------------------------ */

static void *take_piece(size_t size, void *memory)
{
    return h2_memory_take(memory, size);
}

static void give_piece(void *piece, void *memory)
{
    h2_memory_give(memory, piece);
}

static void *take_zeroed(size_t count, size_t size, void *memory)
{
    ASSERT(size == 0 || count <= SIZE_MAX / size);
    void *piece = h2_memory_take(memory, count * size);
    if (piece != NULL)
        memset(piece, 0, count * size);
    return piece;
}

static void *resize_piece(void *piece, size_t size, void *memory)
{
    return h2_memory_resize(memory, piece, size);
}

static int make_session(struct h2 *h2)
{
    nghttp2_session_callbacks *callbacks = h2_callbacks(h2->memory);
    nghttp2_option *option;
    if (callbacks == NULL || nghttp2_option_new(&option) != 0)
        return NGHTTP2_ERR_NOMEM;
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, HPACK_TABLE_BYTES);
    nghttp2_option_set_peer_max_concurrent_streams(option, STREAMS_MAX);
    nghttp2_option_set_max_outbound_ack(option, OUTBOUND_ACKS_MAX);
    nghttp2_mem memory = {.mem_user_data = h2->memory,
                          .malloc = take_piece,
                          .free = give_piece,
                          .calloc = take_zeroed,
                          .realloc = resize_piece};
    int error = h2->settings.side == H2_CLIENT
                    ? nghttp2_session_client_new3(&h2->session, callbacks, h2, option, &memory)
                    : nghttp2_session_server_new3(&h2->session, callbacks, h2, option, &memory);
    nghttp2_option_del(option);
    return error;
}

static int submit_settings(struct h2 *h2)
{
    uint32_t streams_max = h2->settings.streams_max != 0 ? h2->settings.streams_max : STREAMS_MAX;
    nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, HPACK_TABLE_BYTES},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LIMIT_H2_STREAM_WINDOW_BYTES},
    };
    /* A server has nothing to say of pushes. */
    size_t first = h2->settings.side == H2_SERVER ? 1 : 0;
    int error = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, entries + first,
                                        COUNT_OF(entries) - first);
    if (error != 0)
        return error;
    return nghttp2_submit_window_update(h2->session, NGHTTP2_FLAG_NONE, 0,
                                        (int32_t)LIMIT_H2_CONNECTION_WINDOW_BYTES -
                                            WINDOW_BYTES_INITIAL);
}

struct h2 *h2_new(const struct h2_settings *settings, struct h2_memory *memory)
{
    struct h2 *h2 = h2_memory_take(memory, sizeof(*h2));
    if (h2 == NULL)
        return NULL;
    *h2 = (struct h2){.memory = memory, .settings = *settings};
    list_init(&h2->streams);
    list_init(&h2->closed);
    arena_init(&h2->reading, ARENA_BLOCK_BYTES, 0);
    h2->preface_left_bytes = settings->side == H2_SERVER ? PREFACE_BYTES : 0;
    if (make_session(h2) != 0 || submit_settings(h2) != 0) {
        h2_free(h2);
        return NULL;
    }
    return h2;
}

void h2_free(struct h2 *h2)
{
    if (h2 == NULL)
        return;
    if (h2->session != NULL)
        nghttp2_session_del(h2->session);
    while (!list_is_empty(&h2->streams))
        h2_stream_give(h2, LIST_ITEM(list_first(&h2->streams), struct h2_stream, link));
    while (!list_is_empty(&h2->closed))
        h2_stream_give(h2, LIST_ITEM(list_first(&h2->closed), struct h2_stream, link));
    if (h2->told != NULL)
        h2_stream_give(h2, h2->told);
    arena_fini(&h2->reading);
    h2_memory_give(h2->memory, h2);
}

/* --- reading ------------------------------------------------------------------------ */

/* So many of the input belong to the frame that is under way. */
static size_t frame_part(struct h2 *h2, struct str input)
{
    if (h2->preface_left_bytes > 0) {
        size_t size = input.len < h2->preface_left_bytes ? input.len : h2->preface_left_bytes;
        h2->preface_left_bytes -= size;
        return size;
    }
    size_t taken = 0;
    if (h2->frame_left_bytes == 0) {
        while (h2->frame_head_bytes < FRAME_HEAD_BYTES && taken < input.len)
            h2->frame_head[h2->frame_head_bytes++] = (uint8_t)input.ptr[taken++];
        if (h2->frame_head_bytes < FRAME_HEAD_BYTES)
            return taken;
        h2->frame_left_bytes =
            (size_t)h2->frame_head[0] << 16 | (size_t)h2->frame_head[1] << 8 | h2->frame_head[2];
        h2->frame_head_bytes = 0;
    }
    size_t rest = input.len - taken;
    size_t size = rest < h2->frame_left_bytes ? rest : h2->frame_left_bytes;
    h2->frame_left_bytes -= size;
    return taken + size;
}

static void feed(struct h2 *h2, struct str *input)
{
    size_t size = frame_part(h2, *input);
    ssize_t taken = nghttp2_session_mem_recv(h2->session, (const uint8_t *)input->ptr, size);
    if (taken < 0 || (size_t)taken != size)
        h2_break(h2);
    *input = str_from(*input, size);
}

/* Nobody is told of it. */
static bool is_dropped(struct h2 *h2, const struct h2_event *event)
{
    struct h2_stream *stream = event->stream;
    if (stream == NULL)
        return false;
    bool is_new_request = event->kind == H2_HEAD && h2->settings.side == H2_SERVER;
    bool is_wanted = !stream->is_reset && (stream->owner != NULL || is_new_request);
    if (!is_wanted && event->kind == H2_DATA)
        h2_consume(h2, stream, event->data.len);
    return !is_wanted;
}

static bool take_queued(struct h2 *h2, struct h2_event *event)
{
    while (h2->queue_count > 0) {
        *event = h2->queue[h2->queue_first];
        h2->queue_first = (h2->queue_first + 1) % H2_QUEUE_MAX;
        h2->queue_count--;
        if (is_dropped(h2, event))
            continue;
        if (event->stream != NULL)
            event->owner = event->stream->owner;
        return true;
    }
    return false;
}

static bool take_closed(struct h2 *h2, struct h2_event *event)
{
    while (!list_is_empty(&h2->closed)) {
        struct h2_stream *stream = LIST_ITEM(list_first(&h2->closed), struct h2_stream, link);
        list_remove(&stream->link);
        bool is_unknown =
            h2->settings.side == H2_SERVER && stream->is_too_big && !stream->is_head_read;
        if (stream->owner == NULL && !is_unknown) {
            h2_stream_give(h2, stream);
            continue;
        }
        h2->told = stream;
        *event = (struct h2_event){
            .kind = H2_CLOSED,
            .stream = stream,
            .owner = stream->owner,
            .code = stream->code,
            /* REFUSED_STREAM without an RST_STREAM: a GOAWAY left it out. */
            .is_remote = stream->is_reset_by_peer ||
                         (stream->code == H2_CODE_REFUSED_STREAM && !stream->is_reset),
            .is_too_big = stream->is_too_big,
        };
        return true;
    }
    return false;
}

bool h2_has_news(const struct h2 *h2)
{
    return h2->queue_count > 0 || !list_is_empty(&h2->closed) ||
           (h2->is_broken && !h2->is_error_told);
}

enum h2_event_kind h2_next(struct h2 *h2, struct str *input, struct h2_event *event)
{
    if (h2->told != NULL)
        h2_stream_give(h2, h2->told);
    h2->told = NULL;
    while (!take_queued(h2, event) && !take_closed(h2, event)) {
        if (h2->is_broken || input->len == 0) {
            bool is_error = h2->is_broken && !h2->is_error_told;
            h2->is_error_told |= is_error;
            *event = (struct h2_event){.kind = is_error ? H2_ERROR : H2_MORE};
            if (is_error && h2->is_in_block && h2->settings.side == H2_SERVER)
                event->stream = h2->block_stream;
            event->details = h2->details;
            return event->kind;
        }
        feed(h2, input);
    }
    return event->kind;
}
