/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1.h - HTTP/1.x messages from bytes and to bytes, both ways.
 *
 * Reading is a pull: h1_next takes from *input and answers with one event at a
 * time; bytes that belong to the next message stay in *input. What is accepted
 * and what is refused, with which status, details and body, is Envoy's choice
 * (ENVOY.md 1.2, 8.2). Heads are copied into the arena given to h1_begin; data are slices of
 * the input, valid until the caller reuses it. One parser for each direction
 * of a connection; h1_begin starts the next message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "proxy/model/listener.h"
#include "proxy/model/message.h"

enum h1_side { H1_REQUESTS, H1_RESPONSES };

enum h1_event_kind {
    H1_MORE,     /* the input is used up */
    H1_STARTED,  /* the first byte of a message: a stream begins */
    H1_HEAD,     /* request or response head; is_end: no body follows */
    H1_DATA,     /* data */
    H1_TRAILERS, /* trailers were read (headers in `trailers`); H1_END follows */
    H1_END,      /* the message is complete */
    H1_ERROR, /* status, details, body: what Envoy answers (requests); protocol error (responses) */
};

enum body_framing { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };

struct h1_event {
    enum h1_event_kind kind;
    bool is_end;
    struct request_head *request;   /* H1_HEAD of H1_REQUESTS */
    struct response_head *response; /* H1_HEAD of H1_RESPONSES */
    enum body_framing framing;
    bool is_keep_alive;      /* H1_HEAD: the message allows another one after it */
    bool is_upgrade;         /* Connection: upgrade with an Upgrade header; or a 101 */
    bool is_close_nominated; /* Connection (or Proxy-Connection) has the token close */
    struct str data;
    const struct header_list *trailers;
    uint32_t status; /* H1_ERROR */
    struct str details, body;
};

/* Settings of the connection manager that reading depends on. */
struct h1_settings {
    bool is_accepting_http10;
    bool is_refusing_https; /* at the edge, without TLS: https:// in the target */
    uint32_t head_bytes_max;
    uint32_t header_count_max;
};

struct h1_parser;

/* Owned by the caller's pool of connections; about 1 KB plus what the longest
 * head needed. */
struct h1_parser *h1_parser_new(enum h1_side side, struct h1_settings settings);
void h1_parser_free(struct h1_parser *parser);

/* The next message; its head goes to `arena`. For responses: the method of the
 * request that is answered (HEAD and CONNECT decide about the body). */
void h1_begin(struct h1_parser *parser, struct arena *arena, struct str request_method);

enum h1_event_kind h1_next(struct h1_parser *parser, struct str *input, struct h1_event *event);

/* The peer closed its side. H1_END when that ends a message well (a response
 * until close, or between messages), else H1_ERROR. */
enum h1_event_kind h1_eof(struct h1_parser *parser, struct h1_event *event);

/* Has any byte of the current message been seen? */
bool h1_is_started(const struct h1_parser *parser);

/* How the message will be framed on the wire, by Envoy's rules (ENVOY.md 1.2
 * "Response framing", 17.2). `has_body` false: header-only. The functions add
 * content-length: 0 or transfer-encoding themselves where Envoy's codec does. */
struct h1_out {
    enum body_framing framing;
    bool is_head_answer;       /* a response to HEAD: headers as if, no body */
    struct str request_method; /* of the request being answered or sent */
};

/* How many bytes the functions below would write of the head, and its framing; a
 * response's to HTTP/1.1. */
size_t h1_frame_request(const struct request_head *head, bool has_body, struct h1_out *framing);
size_t h1_frame_response(const struct response_head *head, bool has_body, bool is_closing,
                         struct h1_out *framing);

/* Request line, host first, then the list in order. RC_FULL: buffer full. */
enum rc h1_write_request(struct buf *out, const struct request_head *head, bool has_body,
                         struct h1_out *framing) MUST_USE;
/* `is_closing` adds connection: close; is_http10: the peer speaks 1.0 and is told
 * when the connection is kept. */
enum rc h1_write_response(struct buf *out, const struct response_head *head, bool has_body,
                          bool is_closing, bool is_http10, struct h1_out *framing) MUST_USE;
/* Body bytes framed as `framing` says. */
enum rc h1_write_data(struct buf *out, const struct h1_out *framing, struct str data) MUST_USE;
/* The end: last chunk (with trailers if any), or nothing. */
enum rc h1_write_end(struct buf *out, const struct h1_out *framing,
                     const struct header_list *trailers) MUST_USE;
