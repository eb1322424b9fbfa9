/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/h2_peer.h - a client or server of tests/proxy/wire/peers.h that speaks
 * HTTP/2; what it hears is kept as a line of words.
 */
#pragma once

#include "proxy/http/h2.h"

#include "tests/proxy/wire/peers.h"

#define H2_PEER_NOTES_MAX 4096u
#define H2_PEER_STREAMS_MAX 64u

struct h2_peer {
    struct peers *peers;
    uint32_t peer;
    struct h2_memory memory;
    struct arena arena;
    struct h2 *h2;
    struct buf out;
    char notes[H2_PEER_NOTES_MAX];
    size_t note_bytes;
    struct h2_stream *streams[H2_PEER_STREAMS_MAX]; /* of heads, in order */
    uint32_t stream_count;
    uint64_t data_bytes;
    bool is_keeping; /* gives no window back */
};

static inline void h2_peer_note(struct h2_peer *peer, const char *format, ...) PRINTF_LIKE(2, 3);
static inline void h2_peer_note(struct h2_peer *peer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(peer->notes + peer->note_bytes, H2_PEER_NOTES_MAX - peer->note_bytes,
                         format, args);
    va_end(args);
    assert_true(size > 0);
    peer->note_bytes += (size_t)size;
    assert_true(peer->note_bytes < H2_PEER_NOTES_MAX);
}

static inline void h2_peer_take(struct h2_peer *peer, const struct h2_event *event)
{
    struct str value;
    switch (event->kind) {
    case H2_MORE:
        return;
    case H2_HEAD:
        if (event->request != NULL) {
            h2_peer_note(peer, "%.*s %.*s ", STR_FMT(event->request->method),
                         STR_FMT(event->request->path));
            h2_stream_set_owner(event->stream, peer);
            assert_true(peer->stream_count < H2_PEER_STREAMS_MAX);
            peer->streams[peer->stream_count++] = event->stream;
        } else {
            h2_peer_note(peer, "%u ", event->response->status);
        }
        if (event->is_end)
            h2_peer_note(peer, "end ");
        return;
    case H2_DATA:
        peer->data_bytes += event->data.len;
        if (!peer->is_keeping)
            h2_consume(peer->h2, event->stream, event->data.len);
        return;
    case H2_TRAILERS:
        h2_peer_note(peer, "trailers ");
        if (header_get(event->trailers, STR("grpc-status"), &value))
            h2_peer_note(peer, "%.*s ", STR_FMT(value));
        return;
    case H2_END:
        h2_peer_note(peer, "end ");
        return;
    case H2_CLOSED:
        h2_peer_note(peer, "closed%u ", event->code);
        return;
    case H2_GOAWAY:
        h2_peer_note(peer, "goaway%u ", event->code);
        return;
    case H2_PONG:
        return;
    case H2_ERROR:
        h2_peer_note(peer, "error ");
        return;
    }
}

/* Says what there is to say. */
static inline void h2_peer_say(struct h2_peer *peer)
{
    struct str none = STR_EMPTY;
    struct h2_event event;
    h2_flush(peer->h2, &peer->out, 16u << 20);
    while (h2_next(peer->h2, &none, &event) != H2_MORE)
        h2_peer_take(peer, &event);
    struct str bytes = buf_str(&peer->out);
    if (bytes.len > 0)
        peers_say_bytes(peer->peers, peer->peer, bytes);
    buf_clear(&peer->out);
}

/* Hears what the wire has written, and answers what the protocol asks for. */
static inline void h2_peer_hear(struct h2_peer *peer)
{
    struct h2_event event;
    for (int rounds = 0; buf_size(&peer->peers->items[peer->peer].heard) > 0; rounds++) {
        assert_true(rounds < 1000);
        struct str bytes = peers_heard(peer->peers, peer->peer);
        while (h2_next(peer->h2, &bytes, &event) != H2_MORE)
            h2_peer_take(peer, &event);
        h2_peer_say(peer);
    }
}

static inline struct h2_peer *h2_peer_new(struct peers *peers, uint32_t index, enum h2_side side)
{
    struct h2_peer *peer = calloc(1, sizeof(*peer));
    assert_non_null(peer);
    peer->peers = peers;
    peer->peer = index;
    h2_memory_init(&peer->memory);
    arena_init(&peer->arena, 4096, 0);
    struct h2_settings settings = {
        .side = side, .head_bytes_max = LIMIT_REQUEST_HEAD_BYTES, .header_count_max = 100};
    peer->h2 = h2_new(&settings, &peer->memory);
    assert_non_null(peer->h2);
    buf_init(&peer->out, 64u << 20);
    return peer;
}

static inline void h2_peer_free(struct h2_peer *peer)
{
    h2_free(peer->h2);
    h2_memory_fini(&peer->memory);
    arena_fini(&peer->arena);
    buf_fini(&peer->out);
    free(peer);
}

static inline void h2_peer_expect(struct h2_peer *peer, const char *notes)
{
    assert_string_equal(peer->notes, notes);
    peer->note_bytes = 0;
    peer->notes[0] = '\0';
}

/* A server's: to its `nth` request from 0. `status` 0: the head was sent already. */
static inline void h2_peer_answer(struct h2_peer *peer, uint32_t nth, uint32_t status,
                                  const char *body, const char *grpc_status)
{
    struct h2_stream *stream = peer->streams[nth];
    struct response_head head = {.status = status};
    struct header_list trailers;
    header_list_init(&head.headers, &peer->arena);
    header_list_init(&trailers, &peer->arena);
    if (grpc_status != NULL)
        header_append_line(&trailers, STR("grpc-status"), str_of(grpc_status));
    bool is_end = body[0] == '\0' && grpc_status == NULL;
    h2_send_response(peer->h2, stream, &head, is_end);
    if (!is_end) {
        h2_send_data(peer->h2, stream, str_of(body));
        h2_send_end(peer->h2, stream, &trailers);
    }
    h2_peer_say(peer);
}

/* A client's. */
static inline struct h2_stream *h2_peer_ask(struct h2_peer *peer, const char *method,
                                            const char *path, bool is_end)
{
    struct request_head head = {.method = str_of(method),
                                .path = str_of(path),
                                .authority = STR("a"),
                                .has_authority = true,
                                .scheme = STR("http")};
    header_list_init(&head.headers, &peer->arena);
    struct h2_stream *stream = h2_send_request(peer->h2, &head, is_end, peer);
    h2_peer_say(peer);
    return stream;
}
