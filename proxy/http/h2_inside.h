/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h2_inside.h - what h2.c (reading) and h2_send.c (sending) share.
 */
#pragma once

#include <nghttp2/nghttp2.h>

#include "base/arena.h"
#include "base/list.h"
#include "proxy/http/h2.h"

#define H2_QUEUE_MAX 4u /* events that one frame can mean, H2_CLOSED apart */

struct h2_stream {
    struct h2_stream *next_free;
    struct list link; /* in h2->streams, or h2->closed */
    int32_t id;
    void *owner;
    bool is_head_read;  /* the final one */
    bool is_end_read;   /* the peer's message is complete */
    bool is_end_wished; /* ours is, behind what `body` holds */
    bool is_deferred;   /* nghttp2 asked for data, and there were none */
    bool is_reset_by_peer, is_too_big;
    bool is_end_sent;
    bool is_rest_unwanted; /* behind our end the peer is told to stop */
    bool is_reset;         /* by us: nothing that comes counts */
    bool is_closed;
    uint32_t code;
    struct buf body; /* to be sent */
    struct arena trailers_arena;
    struct header_list trailers; /* to be sent */
};

struct h2 {
    nghttp2_session *session;
    struct h2_memory *memory;
    struct h2_settings settings;
    struct list streams, closed;
    struct h2_stream *told; /* whose H2_CLOSED was given: freed by the next h2_next */
    struct h2_event queue[H2_QUEUE_MAX];
    uint32_t queue_first, queue_count;
    bool is_broken, is_error_told;
    struct h2_counts counts;
    struct str details; /* of what broke it */
    bool is_in_block;   /* block_stream's is not complete */

    /* The frame that is being read: one at a time is given to nghttp2. */
    uint8_t frame_head[9];
    uint32_t frame_head_bytes;
    size_t frame_left_bytes, preface_left_bytes;

    /* The header block that is being read. */
    struct arena reading;
    struct h2_stream *block_stream;
    struct header_list block;
    struct request_head request;
    struct response_head response;
    size_t block_bytes;
    uint32_t block_count;
};

struct h2_stream *h2_stream_take(struct h2 *h2, int32_t id, void *owner);
void h2_stream_give(struct h2 *h2, struct h2_stream *stream);
void h2_break(struct h2 *h2);

/* h2_hear.c's, made once; NULL: no memory. */
nghttp2_session_callbacks *h2_callbacks(struct h2_memory *memory);
