/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/known.h - memos of requests that came whole, for those that are the same to
 * the connection manager: one message, from one address, to one of its configurations.
 *
 * They are as long as the reign, with the texts of who it is from, as what exchanges make
 * of them may outlive a connection.
 */
#pragma once

#include "proxy/core/memo.h"
#include "proxy/http/h1_whole.h"
#include "proxy/wire/conn.h"

/* A response that came whole to such a request, as it was passed on. */
struct known_answer {
    const struct h1_read *message;
    const struct weighted_cluster *weighted; /* by way of which it came, or NULL */
    struct h1_sent sent;                     /* its head's list is the reign's.. */
    uint32_t date_at, time_at;               /* ..but for these lines; UINT32_MAX: none */
};

/* Further ones are passed on event by event. */
#define KNOWN_ANSWERS_MAX 16u

/* How a request without a body is framed that goes on as it did before. */
struct known_frame {
    struct h1_out framing;
    size_t size; /* 0: not known */
};

struct known {
    struct known *next;
    struct request_memo memo;
    const void *message;
    const struct http_connection_manager *http;
    struct str remote_address, local_address, node_address;
    struct known_answer *answers[KNOWN_ANSWERS_MAX];
    uint32_t answer_count;
    struct known_frame frames[MEMO_FORWARDED_MAX]; /* as memo.forwarded */
};

/* NULL: there are too many already, or the client spoke TLS, or the listener
 * asks who it is. `message` is never another one at the
 * same place. */
struct known *known_of(struct conn *conn, const void *message);

/* How the head of a stream that was begun again is framed. */
struct known_frame known_frame_of(struct stream *stream, const struct request_head *head);

/* How `message` is passed on to the stream's client; NULL: it is not known, or this stream
 * wants more than that. */
const struct known_answer *known_answer_of(const struct stream *stream,
                                           const struct h1_read *message);

/* `message` was passed on as `sent` to the stream, which is over: kept where all that was
 * done to it would be done again. */
void known_keep_answer(struct stream *stream, const struct h1_read *message,
                       const struct h1_sent *sent);

/* A copy in the stream's arena, of this moment. */
struct wire_whole *known_answer_copy(struct stream *stream, const struct known_answer *answer);
