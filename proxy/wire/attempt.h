/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/attempt.h - one request's way to one endpoint: waits for a
 * connection, sends head and body, and is told how it ended.
 *
 * An attempt belongs to a stream, or is a mirror: a copy that reads its own
 * body's buffer, whose answer is dropped and whose end concerns nobody.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "proxy/core/exchange.h"
#include "proxy/core/pool.h"
#include "proxy/http/h1.h"
#include "proxy/wire/inside.h"

struct conn;
struct h2_stream;
struct stream;

struct attempt {
    struct wire *wire;     /* NULL: a place that was never used */
    struct reign *reign;   /* held: whose indexes it has */
    uint32_t number;       /* the pool's waiter */
    struct stream *stream; /* NULL: a mirror */
    uint32_t ordinal;      /* the exchange's number for it */
    uint32_t cluster_index, endpoint_index;
    struct pool *pool;
    struct conn *conn; /* NULL: waits, or its response is complete */
    const struct request_head *head;
    struct h1_out framing;
    bool has_body;
    bool is_waiting; /* in the pool's queue */
    bool is_head_sent;
    bool is_end_sent;
    bool is_response_complete;
    struct list failing; /* among those whose connect failed */

    /* On a connection of HTTP/2. */
    struct list lent;     /* in conn->up.attempts */
    struct h2_stream *h2; /* NULL: its head is not sent */
    size_t held_bytes;    /* of the response: those that the client has no room for */

    /* Where a mirror's answers are read, and what comes after a 1xx: forgotten
     * before the next one, so that no number of them needs more room. */
    struct arena reading;

    /* Mirrors only. */
    struct list link; /* in stream->mirrors until the body is complete */
    struct arena arena;
    struct request_head copy;
    struct buf body;
    bool is_body_complete;
    bool is_answered;        /* its response has begun */
    bool is_interim_counted; /* a mirror's: its first interim answer was there */
    struct timer timer;
};

/* Carries out XC_ATTEMPT; what comes of it at once is told to the stream. */
void attempt_open(struct stream *stream, const struct xc_action *action);
/* Carries out one of XC_MIRROR's. */
void attempt_open_mirror(struct stream *stream, const struct request_head *request,
                         struct xc_mirror target);

/* Sends what there is to send; true when these were the first bytes. */
bool attempt_pump(struct attempt *attempt);
/* Waits so much of it on the connection that no more of the request should come? */
bool attempt_is_full(const struct attempt *attempt);
bool attempt_has_room(const struct attempt *attempt);
/* One more piece of a mirror's body. */
void attempt_mirror_data(struct attempt *attempt, struct str data);
void attempt_mirror_end(struct attempt *attempt);

/* It is out of the pool's queue. */
void attempt_note_unqueued(struct attempt *attempt);
/* It has a connection now. */
void attempt_attach(struct attempt *attempt, struct conn *conn, bool is_reused);
/* No word from it is wanted any more: reset. Gives it back. */
void attempt_abandon(struct attempt *attempt);
/* It failed and has no connection any more; told to the stream. Gives it back. `text`: the
 * transport's words; of FAILURE_OVERFLOW the limit's name, or empty: there is no room here. */
void attempt_fail(struct attempt *attempt, enum failure failure, struct str text);
/* Its response is complete and was dealt with. Gives it back. */
void attempt_done(struct attempt *attempt);

/* A mirror's interim answer came: the first of those that Envoy knows is counted. */
void attempt_mirror_interim(struct attempt *attempt, uint32_t status);
/* A mirror's response has begun: counted in its cluster, and that is all (ENVOY.md 3.6). */
void attempt_mirror_answered(struct attempt *attempt, const struct response_head *head);
/* A mirror's time is over. */
void attempt_wake(struct attempt *attempt);
void attempt_fini(struct attempt *attempt);
