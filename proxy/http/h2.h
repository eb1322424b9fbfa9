/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h2.h - one HTTP/2 connection, either side of it, from bytes and to bytes.
 *
 * nghttp2 behind a pull interface, as h1.h: h2_next takes from *input and answers
 * with one event at a time; nothing is called back. What is sent is first noted
 * (h2_send_*, h2_reset) and becomes bytes in h2_flush, as far as the peer's windows
 * allow; h2_next is then asked once more, without input, as streams may have ended
 * by it. Heads and trailers of an event live until the next h2_* call, its data are
 * slices of the input.
 *
 * Settings, windows and what breaks a connection are Envoy's (ENVOY.md 14; it uses
 * nghttp2 as well). An allocation that fails breaks the connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "proxy/http/h2_memory.h"
#include "proxy/model/message.h"

enum h2_side { H2_CLIENT, H2_SERVER };

/* RFC 9113, 7; those that are asked for by name. */
enum h2_code {
    H2_CODE_NONE = 0,
    H2_CODE_PROTOCOL = 1,
    H2_CODE_INTERNAL = 2,
    H2_CODE_REFUSED_STREAM = 7,
    H2_CODE_CONNECT = 10,
};

enum h2_event_kind {
    H2_MORE,     /* the input is used up */
    H2_HEAD,     /* request or response head, 1xx too; is_end: the message is complete */
    H2_DATA,     /* data: give its size back with h2_consume when it may be followed by more */
    H2_TRAILERS, /* trailers; the message is complete */
    H2_END,      /* the message is complete */
    H2_CLOSED,   /* nothing more of this stream, which is freed by the next h2_next; code */
    H2_GOAWAY,   /* the peer takes no more streams */
    H2_PONG,     /* the peer has answered a PING */
    H2_ERROR,    /* the connection is broken: what it wrote is the last word */
};

struct h2_stream;

struct h2_event {
    enum h2_event_kind kind;
    struct h2_stream *stream; /* but for H2_MORE, H2_GOAWAY, H2_PONG */
    void *owner;              /* the stream's; NULL: a request's that is new */
    bool is_end;
    struct request_head *request;   /* H2_HEAD of a server */
    struct response_head *response; /* H2_HEAD of a client */
    const struct header_list *trailers;
    struct str data;
    uint32_t code;   /* H2_CLOSED, H2_GOAWAY: RFC 9113's */
    bool is_remote;  /* H2_CLOSED: the peer reset it, or will not look at it */
    bool is_too_big; /* H2_CLOSED: a head was over the limits below; a server's may have no owner */
    struct str details; /* H2_ERROR: as Envoy words it; `stream` then: whose request's head it
                           was, or NULL */
};

struct h2_settings {
    enum h2_side side;
    uint32_t streams_max; /* told to the peer; 0: Envoy's 1024 */
    uint32_t head_bytes_max, header_count_max;
    bool is_cookie_last; /* a request's cookies stand behind its other headers, as Envoy's */
};

struct h2;

/* As Envoy counts them for a cluster, since they were last taken. */
struct h2_counts {
    uint32_t rx_reset, tx_reset, header_overflow, rx_messaging_error;
};

/* The preface and SETTINGS are what h2_flush gives first. NULL: no memory. */
struct h2 *h2_new(const struct h2_settings *settings, struct h2_memory *memory);
/* Streams too; their owners are not told. NULL is allowed. */
void h2_free(struct h2 *h2);

enum h2_event_kind h2_next(struct h2 *h2, struct str *input, struct h2_event *event);
/* Bytes that may leave are appended to `out`, until it holds size_max or more. */
void h2_flush(struct h2 *h2, struct buf *out, size_t size_max);
bool h2_is_broken(const struct h2 *h2);
/* Is there an event for h2_next without input? */
bool h2_has_news(const struct h2 *h2);

/* A client's: a request, whose stream belongs to `owner`. NULL: the connection is broken. */
struct h2_stream *h2_send_request(struct h2 *h2, const struct request_head *head, bool is_end,
                                  void *owner);
/* The same of an extended CONNECT to `protocol` (RFC 8441), which is what an upgrade of
 * HTTP/1 becomes; its end is not sent. */
struct h2_stream *h2_send_connect(struct h2 *h2, const struct request_head *head,
                                  struct str protocol, void *owner);
/* A server's: 1xx, not is_end, or the final head. */
void h2_send_response(struct h2 *h2, struct h2_stream *stream, const struct response_head *head,
                      bool is_end);
void h2_send_data(struct h2 *h2, struct h2_stream *stream, struct str data);
/* The message is complete; `trailers` may be NULL or empty. */
void h2_send_end(struct h2 *h2, struct h2_stream *stream, const struct header_list *trailers);
/* The server's message is complete or will be, and what else the client sends is not wanted:
 * behind its end goes an RST_STREAM with NO_ERROR, where the request is not complete. */
void h2_send_no_more_wanted(struct h2 *h2, struct h2_stream *stream);
/* RST_STREAM; H2_CLOSED follows, unless nobody owns the stream. */
void h2_reset(struct h2 *h2, struct h2_stream *stream, uint32_t code);
/* PING with that number; H2_PONG follows if somebody is there. */
void h2_ping(struct h2 *h2, uint64_t number);
/* GOAWAY without an error: says that one is to come, or that what is under way is the last. */
void h2_shutdown_notice(struct h2 *h2);
void h2_goaway(struct h2 *h2);

/* Who is told of its events; NULL: nobody any more, and what comes for it is dropped. */
void h2_stream_set_owner(struct h2_stream *stream, void *owner);
/* Of its data: those that the peer's windows hold back. */
size_t h2_stream_waiting_bytes(const struct h2_stream *stream);
/* Its data of that size were dealt with: the peer may send so many more. */
void h2_consume(struct h2 *h2, struct h2_stream *stream, size_t size);

struct h2_counts h2_take_counts(struct h2 *h2);

/* So many streams may be open at once, as the peer says. */
uint32_t h2_peer_streams_max(const struct h2 *h2);
/* Streams that are open. */
uint32_t h2_stream_count(const struct h2 *h2);
