/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/stream.h - one request on a downstream connection: tells its
 * exchange what happens and carries out what it answers.
 *
 * The switch over exchange actions is here and nowhere else. Events that arise
 * while a plan is carried out wait until it is done. After XC_FINISH the stream
 * lets go of both connections; it is given back in the turn after its WIRE_DONE
 * was taken.
 *
 * A TCP session is a stream without an exchange: only its record counts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "proxy/core/exchange.h"
#include "proxy/core/memo.h"
#include "proxy/core/session.h"
#include "proxy/http/h1.h"
#include "proxy/model/limits.h"
#include "proxy/wire/attempt.h"
#include "proxy/wire/conn.h"
#include "proxy/wire/deadline.h"
#include "proxy/wire/inside.h"

#define STREAM_EVENTS_MAX 16u
/* Of a request, what may wait here. Above the mark a client of HTTP/2 may still send a
 * window's worth. */
#define STREAM_BODY_BYTES_MAX                                              \
    (LIMIT_CONNECTION_BUFFER_BYTES + LIMIT_CONNECTION_BUFFER_SLACK_BYTES + \
     LIMIT_H2_STREAM_WINDOW_BYTES)

struct h2_stream;

struct stream {
    struct wire *wire;   /* NULL: a place that was never used */
    struct reign *reign; /* held: of its exchange or session */
    uint32_t number;
    struct conn *down;       /* NULL: the client is gone, or was answered */
    uint32_t down_number;    /* the same, for WIRE_DONE: known to the end */
    struct attempt *attempt; /* under way, or NULL */
    struct list mirrors;     /* attempts that want the body too */
    struct list done;        /* in wire->done_streams */
    struct list lent;        /* of HTTP/2: in down's streams */
    struct h2_stream *h2;    /* NULL: HTTP/1, or over */
    size_t held_bytes;       /* of HTTP/2: those of the request that nobody has room for */
    const struct header_list *request_trailers; /* NULL: none */
    struct timer timer;
    struct arena arena, trace_arena;
    struct trace trace;
    struct exchange xc;
    struct deadlines deadlines;
    struct known *known;          /* the request, which came whole; or NULL */
    struct conn *up;              /* of a TCP session */
    struct record session_record; /* the same */
    struct session books;         /* the same */
    int64_t active_ns;            /* the same: when bytes last moved */
    struct xc_event events[STREAM_EVENTS_MAX];
    uint32_t event_first, event_count;
    struct buf body;          /* the request's, from where it is still needed */
    size_t body_sent_bytes;   /* of body: those that the attempt got */
    struct h1_out framing;    /* of the response */
    struct wire_whole *whole; /* the response, whose body is to come; or NULL */
    uint32_t whole_count;     /* of its messages that the carrier still has */
    bool is_given_up;         /* to be given back when it has none */
    bool is_read_whole;       /* the response is here to its end */
    bool is_started;          /* it has an exchange */
    bool is_again;            /* which was begun again */
    bool is_session;          /* TCP */
    struct str method;        /* of the request; empty: no head was read */
    bool has_body;
    bool is_body_lost; /* its beginning is gone: it cannot be sent again */
    bool is_request_complete;
    bool is_http10;
    bool is_upgrade; /* the request asks for an upgrade that is allowed */
    bool is_tunnel;  /* 101 was forwarded: bytes both ways */
    bool is_interim_sent;
    bool is_responding; /* a response's head went downstream */
    bool is_reply;      /* the response is the proxy's own */
    bool is_cut;        /* the response could not be ended */
    bool is_client_gone, is_upgrade_counted;
    bool is_in_head; /* its head is being dealt with: the codec has not seen the end */
    bool is_stepping;
    bool is_finished;
};

/* A stream for `down` that has not begun: its arena takes the head. */
struct stream *stream_take(struct conn *down);
/* Gives back one that never began, or whose WIRE_DONE was taken. */
void stream_give(struct stream *stream);
/* Frees what a place keeps, used or not. */
void stream_fini(struct stream *stream);

/* The first byte of a request. */
void stream_start(struct stream *stream);
/* All of a request that is known, has no body and lets its connection live, at once: as
 * stream_start, stream_note_head and stream_note_end. False: not all of it is known, or luck
 * has other things in mind, and nothing was done. */
bool stream_begin_again(struct stream *stream);
/* A head that the connection manager has seen before, as it made it then (proxy/core/memo.h);
 * else the same as stream_note_head. */
void stream_note_known_head(struct stream *stream, const struct h1_event *event);
/* From the codec: the head, or what is wrong with the request. */
void stream_note_head(struct stream *stream, const struct h1_event *event);
void stream_note_bad(struct stream *stream, const struct h1_event *event);
/* Nobody is to be answered; empty flag and details: its connection went. */
void stream_note_client_gone(struct stream *stream, struct str flag, struct str details);

/* From the attempt under way. */
void stream_tell(struct stream *stream, const struct xc_event *event);
/* It has a connection. */
void stream_note_ready(struct stream *stream, bool is_reused);
/* Sends what may be sent; the exchange hears of the first bytes. */
void stream_pump(struct stream *stream);

/* Bytes moved, either way. */
void stream_note_progress(struct stream *stream);
/* The response's head is on its way. */
void stream_note_responding(struct stream *stream);

void stream_wake(struct stream *stream);

/* Its record is complete: WIRE_DONE, then it is given back. */
void stream_finish(struct stream *stream);
const struct record *stream_record(const struct stream *stream);
