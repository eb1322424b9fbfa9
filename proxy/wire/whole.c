/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/whole.c - see whole.h.
 */
#include "proxy/wire/whole.h"

#include "base/check.h"
#include "proxy/wire/downstream.h"
#include "proxy/wire/known.h"
#include "proxy/wire/receive.h"
#include "proxy/wire/response.h"
#include "proxy/wire/upstream.h"

/* What connection manager and router add. */
#define REQUEST_SPARE_LINES 12u
#define RESPONSE_SPARE_LINES 8u

/* --- requests -------------------------------------------------------------- */

static bool is_request_readable(const struct conn *conn)
{
    return conn->speech == SPEECH_HTTP && conn->h2 == NULL && conn->down.stream == NULL &&
           buf_size(&conn->in) == 0 && !downstream_is_blocked(conn);
}

/* Does the stream want more of its request? */
static bool is_wanting(const struct conn *conn, const struct stream *stream)
{
    return conn_is_open(conn) && conn->down.stream == stream && !downstream_is_blocked(conn);
}

/* One that came before; false: it is told by events. */
static bool is_read_again(struct conn *conn, const struct h1_read *whole)
{
    return conn->down.stream->known != NULL && whole->is_end && whole->is_keep_alive &&
           !whole->is_close_nominated &&
           !header_is_present(&whole->request->headers, STR("expect")) &&
           downstream_begin_again(conn);
}

static void tell_request(struct conn *conn, const struct h1_read *whole)
{
    struct stream *stream = conn->down.stream;
    struct h1_event event = {.kind = H1_STARTED};
    downstream_take_event(conn, &event);
    if (is_wanting(conn, stream)) {
        struct request_head *known = receive_known_head(stream);
        event = (struct h1_event){
            .kind = H1_HEAD,
            .request =
                known != NULL ? known : h1_read_request(whole, &stream->arena, REQUEST_SPARE_LINES),
            .is_end = whole->is_end,
            .framing = whole->is_end ? BODY_NONE : BODY_LENGTH,
            .is_keep_alive = whole->is_keep_alive,
            .is_close_nominated = whole->is_close_nominated,
        };
        if (known != NULL)
            stream_note_known_head(stream, &event);
        else
            downstream_take_event(conn, &event);
    }
    if (!whole->is_end && is_wanting(conn, stream)) {
        event = (struct h1_event){.kind = H1_DATA, .data = whole->body};
        downstream_take_event(conn, &event);
    }
    if (!whole->is_end && is_wanting(conn, stream)) {
        event = (struct h1_event){.kind = H1_END};
        downstream_take_event(conn, &event);
    }
}

static void read_request(struct conn *conn, const struct h1_read *whole)
{
    conn->down.is_feeding = true;
    downstream_begin_stream(conn);
    conn->down.stream->known = known_of(conn, whole);
    if (!is_read_again(conn, whole))
        tell_request(conn, whole);
    conn->down.is_feeding = false;
}

/* --- responses ------------------------------------------------------------- */

static bool is_response_readable(const struct conn *conn)
{
    const struct attempt *attempt = conn->up.attempt;
    return conn->h2 == NULL && attempt != NULL && attempt->stream != NULL &&
           !attempt->stream->is_upgrade && !h1_is_started(conn->parser) &&
           !str_eq(attempt->head->method, STR("HEAD")) &&
           !str_eq(attempt->head->method, STR("CONNECT"));
}

/* One that came before, from its head to the exchange's end; false: it is told by events. */
static bool is_passed_again(struct conn *conn, struct attempt *attempt, const struct h1_read *whole)
{
    struct stream *stream = attempt->stream;
    const struct known_answer *answer = known_answer_of(stream, whole);
    if (answer == NULL || !attempt->is_end_sent || !response_may_pass(stream))
        return false;
    conn->up.is_interim = false;
    conn->up.is_keep_alive = whole->is_keep_alive;
    upstream_part(conn, attempt, false);
    struct wire_whole *passed = known_answer_copy(stream, answer);
    exchange_pass(&stream->xc, passed->sent.response, whole->body.len, conn->wire->now_ns);
    response_pass(stream, passed);
    stream_finish(stream);
    return true;
}

static void tell_response(struct conn *conn, const struct h1_read *whole)
{
    struct attempt *attempt = conn->up.attempt;
    struct stream *stream = attempt->stream;
    struct h1_event event = {
        .kind = H1_HEAD,
        .response = h1_read_response(whole, &stream->arena, RESPONSE_SPARE_LINES),
        .is_end = whole->is_end,
        .framing = whole->is_end ? BODY_NONE : BODY_LENGTH,
        .is_keep_alive = whole->is_keep_alive,
        .is_close_nominated = whole->is_close_nominated,
    };
    if (whole->is_end) {
        upstream_take_only_head(conn, attempt, &event, false);
        return;
    }
    stream->is_read_whole = true;
    upstream_take_event(conn, attempt, &event, false);
    if (conn_is_open(conn) && conn->up.attempt == attempt) {
        event = (struct h1_event){.kind = H1_DATA, .data = whole->body};
        upstream_take_event(conn, attempt, &event, false);
    }
    if (conn_is_open(conn) && conn->up.attempt == attempt) {
        event = (struct h1_event){.kind = H1_END};
        upstream_take_event(conn, attempt, &event, false);
    }
    stream->is_read_whole = false;
}

static void read_response(struct conn *conn, const struct h1_read *whole)
{
    struct attempt *attempt = conn->up.attempt;
    struct stream *stream = attempt->stream;
    const struct conn *down = stream->down;
    if (is_passed_again(conn, attempt, whole))
        return;
    tell_response(conn, whole);
    const struct wire_whole *passed = down != NULL ? down->whole : NULL;
    if (passed != NULL && passed->stream == stream && !stream->is_reply && stream->is_finished)
        known_keep_answer(stream, whole, &passed->sent);
}

/* --- both ------------------------------------------------------------------ */

static bool is_readable(const struct conn *conn)
{
    if (!conn_is_open(conn) || conn->speech == SPEECH_TCP)
        return false;
    return conn->side == CONN_UPSTREAM ? is_response_readable(conn) : is_request_readable(conn);
}

bool whole_read(struct conn *conn, const struct h1_read *whole)
{
    if (!is_readable(conn))
        return false;
    tally_read(&conn->tally, whole->bytes.len);
    if (conn->side == CONN_UPSTREAM)
        read_response(conn, whole);
    else
        read_request(conn, whole);
    return true;
}

void wire_whole_done(const struct wire_whole *whole)
{
    struct stream *stream = whole->stream;
    ASSERT(stream->whole_count > 0);
    if (--stream->whole_count == 0 && stream->is_given_up)
        stream_give(stream);
}
