/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/downstream.c - Envoy's connection manager, the connection's half.
 */
#include "proxy/wire/downstream.h"

#include "base/ns.h"
#include "proxy/core/stats.h"
#include "proxy/model/limits.h"
#include "proxy/wire/downstream_h2.h"
#include "proxy/wire/downstream_inside.h"
#include "proxy/wire/facts.h"
#include "proxy/wire/meeting.h"
#include "proxy/wire/response.h"
#include "proxy/wire/stream_body.h"
#include "proxy/wire/tcp.h"
#include "proxy/wire/upstream.h"

/* Envoy's defaults: idle_timeout, drain_timeout. */
#define IDLE_TIMEOUT_NS NS_HOUR
#define DRAIN_TIMEOUT_NS (5 * NS_SECOND)
#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static void count(const struct conn *conn, enum http_stat stat)
{
    conn->tally.http->counters[stat]++;
}

int64_t downstream_idle_timeout_ns(const struct http_connection_manager *http)
{
    return http->idle_timeout_ns > 0 ? http->idle_timeout_ns : IDLE_TIMEOUT_NS;
}

void downstream_set_idle_timer(struct conn *conn)
{
    conn_set_timer(conn, ns_add(conn->wire->now_ns, downstream_idle_timeout_ns(conn->down.http)));
}

/* Into one of the wire's lists of connections without a request. */
void downstream_put(struct conn *conn, struct list *list)
{
    list_remove(&conn->down.ready);
    list_push_back(list, &conn->down.ready);
}

void downstream_linger(struct conn *conn)
{
    int64_t grace_ns = conn->down.http->delayed_close_ns;
    if (grace_ns == NS_NEVER)
        conn_close(conn);
    else
        conn_linger(conn, grace_ns > 0 ? grace_ns : LIMIT_DELAYED_CLOSE_NS);
}

/* Answers say from now on that the connection closes; it does after a while. */
void downstream_begin_drain(struct conn *conn)
{
    int64_t grace_ns = conn->down.http->drain_timeout_ns;
    if (conn->down.request_count == 0) {
        conn_close(conn); /* nobody has spoken: there is nobody to be polite to */
        return;
    }
    conn->down.is_idle_over = true;
    if (conn->h2 != NULL)
        downstream_h2_tell_drain(conn);
    conn_set_timer(conn, ns_add(conn->wire->now_ns, grace_ns > 0 ? grace_ns : DRAIN_TIMEOUT_NS));
}

/* To the front-line proxy, plaintext is plaintext (ENVOY.md 1.2). */
static bool is_edge(const struct conn *conn, const struct http_connection_manager *http)
{
    return http->is_using_remote_address && http->xff_trusted_hops == 0 && !conn->down.peer.is_tls;
}

void downstream_open_http(struct conn *conn, const struct http_connection_manager *http)
{
    ASSERT(conn->parser == NULL);
    conn->speech = SPEECH_HTTP;
    tally_http(conn, http);
    conn->down.http = http;
    downstream_set_idle_timer(conn);
    conn_set_age(conn, http->max_connection_duration_ns);
}

void downstream_open_h1(struct conn *conn)
{
    const struct http_connection_manager *http = conn->down.http;
    ASSERT(conn->h2 == NULL);
    conn->parser = h1_parser_new(H1_REQUESTS, (struct h1_settings){
                                                  .is_accepting_http10 = http->is_accepting_http10,
                                                  .is_refusing_https = is_edge(conn, http),
                                                  .head_bytes_max = LIMIT_REQUEST_HEAD_BYTES,
                                                  .header_count_max = LIMIT_HEADER_COUNT,
                                              });
    tally_codec(conn);
}

/* Envoy's determineNextProtocol (ENVOY.md 0): a preface that came in pieces is none, unless
 * an inspector has waited for it, or TLS has agreed. */
static void choose_codec(struct conn *conn, struct str input)
{
    if (conn->parser != NULL || conn->h2 != NULL || input.len == 0)
        return;
    if (conn->down.is_h2_agreed || str_has_prefix(input, STR(H2_PREFACE))) {
        downstream_h2_open(conn);
        tally_codec(conn);
        count(conn, STAT_HTTP_downstream_cx_http2_total);
    } else {
        downstream_open_h1(conn);
        count(conn, STAT_HTTP_downstream_cx_http1_total);
    }
}

static void open_chain(struct conn *conn, const struct filter_chain *chain)
{
    conn->down.chain = chain;
    switch (chain->kind) {
    case CHAIN_HTTP:
        downstream_open_http(conn, &chain->http);
        count(conn, STAT_HTTP_downstream_cx_total);
        if (chain->tls != NULL)
            count(conn, STAT_HTTP_downstream_cx_ssl_total);
        return;
    case CHAIN_TCP:
        tcp_start(conn, &chain->tcp);
        return;
    }
    UNREACHABLE("filter_chain_kind");
}

/* Will the next request be served by another configuration? */
static bool is_moving(const struct conn *conn)
{
    return conn_is_of_past(conn) && !conn->down.is_last;
}

/* Must the next bytes wait? Requests are served one at a time, and nobody who
 * does not read answers gets more of them. */
bool downstream_is_blocked(const struct conn *conn)
{
    const struct stream *stream = conn->down.stream;
    if (stream != NULL)
        return stream->is_request_complete;
    return conn_is_full(conn) || is_moving(conn);
}

void downstream_begin_stream(struct conn *conn)
{
    if (conn->parser == NULL) { /* a message that came whole */
        downstream_open_h1(conn);
        count(conn, STAT_HTTP_downstream_cx_http1_total);
    }
    struct stream *stream = stream_take(conn);
    conn->down.stream = stream;
    h1_begin(conn->parser, &stream->arena, STR_EMPTY);
}

static void note_written(struct conn *conn, const struct stream *stream)
{
    size_t ours_bytes = buf_size(&conn->out) - conn->taken_bytes;
    if (conn->whole != NULL)
        ours_bytes += conn->whole->sent.size;
    queued_add(&conn->down.queued,
               (struct queued_response){
                   .unsent_bytes = conn->unsent_bytes,
                   .carrier_bytes = conn->unsent_bytes - ours_bytes,
                   .is_within_read = conn->down.is_feeding,
                   .is_mark_apart = !stream->is_reply && stream->framing.framing == BODY_LENGTH,
               });
}

/* ENVOY.md 1.2: no answer; what was written leaves, then it is closed. */
static void refuse_flood(struct conn *conn)
{
    count(conn, STAT_HTTP_downstream_cx_destroy_active_rq);
    count(conn, STAT_HTTP_downstream_cx_destroy_local_active_rq);
    conn->down.is_last = true;
    stream_note_client_gone(conn->down.stream, STR("DPE"),
                            STR("codec_error:Too_many_responses_queued."));
}

/* The first byte of a request. */
static void start_stream(struct conn *conn)
{
    if (conn->down.stream->is_started)
        return;
    if (!conn->down.is_idle_over)
        conn_stop_timer(conn);
    stream_start(conn->down.stream);
    /* More than the most: there may have been another configuration before. */
    uint32_t most = conn->down.http->requests_per_connection_max;
    if (++conn->down.request_count >= most && most > 0) {
        conn->down.is_last = true;
        count(conn, STAT_HTTP_downstream_cx_max_requests_reached);
    }
}

bool downstream_begin_again(struct conn *conn)
{
    if (conn->down.http->requests_per_connection_max > 0 || queued_is_full(&conn->down.queued))
        return false;
    if (!conn->down.is_idle_over)
        conn_stop_timer(conn);
    if (!stream_begin_again(conn->down.stream))
        return false;
    conn->down.request_count++;
    return true;
}

void downstream_take_event(struct conn *conn, const struct h1_event *event)
{
    struct stream *stream = conn->down.stream;
    switch (event->kind) {
    case H1_MORE:
    case H1_TRAILERS: /* enable_trailers is off: they are dropped */
        return;
    case H1_STARTED:
        start_stream(conn);
        if (queued_is_full(&conn->down.queued))
            refuse_flood(conn);
        return;
    case H1_HEAD:
        stream_note_head(stream, event);
        return;
    case H1_DATA:
        stream_note_data(stream, event->data);
        return;
    case H1_END:
        stream_note_end(stream);
        return;
    case H1_ERROR:
        start_stream(conn);
        count(conn, STAT_HTTP_downstream_cx_protocol_error);
        stream_note_bad(stream, event);
        return;
    }
    UNREACHABLE("h1_event_kind");
}

/* Parses until the input is used up or the rest must wait. */
static void parse(struct conn *conn, struct str *input)
{
    while (conn_is_open(conn) && !downstream_is_blocked(conn)) {
        struct stream *stream = conn->down.stream;
        if (stream == NULL) {
            if (input->len == 0)
                return;
            downstream_begin_stream(conn);
        } else if (stream->is_upgrade) {
            stream_note_data(stream, *input);
            *input = STR_EMPTY;
            return;
        }
        struct h1_event event;
        if (h1_next(conn->parser, input, &event) == H1_MORE)
            return;
        downstream_take_event(conn, &event);
    }
}

static void feed(struct conn *conn, struct str *input)
{
    choose_codec(conn, *input);
    if (conn->h2 != NULL) {
        downstream_h2_read(conn, *input);
        *input = STR_EMPTY;
        return;
    }
    conn->down.is_feeding = true;
    parse(conn, input);
    conn->down.is_feeding = false;
}

/* Reads on when nothing hinders. */
static void resume(struct conn *conn)
{
    if (conn->down.stream != NULL)
        stream_balance(conn->down.stream);
    else if (buf_size(&conn->in) < LIMIT_READ_BYTES)
        conn_resume(conn);
}

static void feed_kept(struct conn *conn)
{
    struct str input = buf_str(&conn->in);
    size_t size = input.len;
    feed(conn, &input);
    buf_consume(&conn->in, size - input.len);
    if (conn_is_open(conn))
        resume(conn);
}

void downstream_start(struct conn *conn)
{
    const struct filter_chain *chain = meeting_chain(conn);
    if (chain == NULL)
        return;
    tally_accepted(conn);
    open_chain(conn, chain);
    if (conn->speech == SPEECH_HTTP && !conn->down.is_securing)
        feed_kept(conn);
}

struct conn *downstream_take(struct wire *wire, const struct wire_accept *accept)
{
    struct conn *conn = conn_take(wire->reign, CONN_DOWNSTREAM);
    if (conn == NULL)
        return NULL;
    struct arena *arena = &conn->facts;
    struct conn_downstream *down = &conn->down;
    down->listener = accept->listener;
    down->peer = facts_peer(&accept->peer, arena);
    down->original_address = arena_str(arena, accept->original_address);
    down->original_port = accept->original_port;
    return conn;
}

void downstream_note_secured(struct conn *conn, struct str protocol)
{
    meeting_note_secured(conn);
    conn->down.is_h2_agreed = str_eq(protocol, STR("h2"));
    if (conn_is_of_past(conn))
        downstream_retire(conn);
}

void downstream_read(struct conn *conn, struct str bytes)
{
    if (!conn_is_open(conn))
        return;
    if (conn->speech == SPEECH_UNKNOWN) {
        conn_keep_input(conn, bytes);
        downstream_start(conn);
        return;
    }
    if (buf_size(&conn->in) == 0) {
        feed(conn, &bytes);
        if (conn_is_open(conn))
            conn_keep_input(conn, bytes);
        return;
    }
    conn_keep_input(conn, bytes);
    feed_kept(conn);
}

void downstream_note_end(struct conn *conn)
{
    struct stream *stream = conn->down.stream;
    conn->tally.is_remote_end = true;
    if (conn->h2 != NULL) {
        downstream_h2_note_end(conn);
        return;
    }
    if (conn->speech == SPEECH_UNKNOWN)
        meeting_note_end(conn);
    else if (conn->unsent_bytes > 0)
        conn_abort(conn);
    else
        conn_close(conn);
    if (stream == NULL)
        return;
    count(conn, STAT_HTTP_downstream_cx_destroy_active_rq);
    count(conn, STAT_HTTP_downstream_cx_destroy_remote_active_rq);
    stream_note_client_gone(stream, STR_EMPTY, STR_EMPTY);
}

void downstream_note_sent(struct conn *conn, size_t size)
{
    queued_note_sent(&conn->down.queued, size);
    if (conn->state == CONN_LINGERING)
        conn_set_timer(conn, ns_add(conn->wire->now_ns, conn->down.grace_ns));
    if (!conn_is_open(conn) || !conn_has_room(conn))
        return;
    if (conn->h2 != NULL) {
        downstream_h2_note_sent(conn);
        return;
    }
    const struct stream *stream = conn->down.stream;
    if (stream == NULL)
        downstream_settle(conn);
    else if (stream->attempt != NULL && stream->attempt->conn != NULL)
        upstream_resume(stream->attempt);
}

void downstream_wake(struct conn *conn)
{
    if (conn->state == CONN_LINGERING) {
        count(conn, STAT_HTTP_downstream_cx_delayed_close_timeout);
        if (conn->unsent_bytes > 0)
            conn_abort(conn);
        else
            conn_close(conn);
    } else if (conn->h2 != NULL) {
        downstream_h2_wake(conn);
    } else if (conn->down.is_idle_over && conn->down.stream != NULL) {
        conn->down.is_last = true;
    } else if (conn->down.is_idle_over) {
        downstream_linger(conn);
    } else {
        count(conn, STAT_HTTP_downstream_cx_idle_timeout);
        downstream_begin_drain(conn);
    }
}

void downstream_note_old(struct conn *conn)
{
    if (conn->state != CONN_OPEN || conn->down.is_idle_over)
        return;
    count(conn, STAT_HTTP_downstream_cx_max_duration_reached);
    downstream_begin_drain(conn);
}

void downstream_note_finished(struct conn *conn, struct stream *stream)
{
    if (conn->h2 != NULL) {
        downstream_h2_note_finished(conn, stream);
        return;
    }
    ASSERT(conn->down.stream == stream);
    conn->down.stream = NULL;
    if (!conn_is_open(conn))
        return;
    bool is_early = !stream->is_responding || !stream->is_request_complete;
    bool is_last = conn->down.is_last || conn->wire->is_draining;
    if (!stream->is_cut)
        note_written(conn, stream);
    response_count_reset(stream, is_early);
    /* An answer from within the head is early to Envoy: the close is delayed. So it is for one
     * that was cut, but where it had said that it is the last. */
    if (is_early || (stream->is_cut && !is_last) ||
        (is_last && (stream->is_in_head || conn->down.is_idle_over))) {
        downstream_linger(conn);
    } else if (is_last) {
        conn_close(conn);
    } else {
        if (!conn->down.is_idle_over)
            downstream_set_idle_timer(conn);
        downstream_put(conn,
                       is_moving(conn) ? &conn->wire->resting_conns : &conn->wire->ready_conns);
    }
}

void downstream_settle(struct conn *conn)
{
    if (!conn_is_open(conn) || conn->speech != SPEECH_HTTP)
        return;
    if (buf_size(&conn->in) > 0)
        feed_kept(conn);
    else
        resume(conn);
    /* Of one that is drained, what it sent is served by now. */
    if (conn_is_open(conn) && conn->down.stream == NULL && conn->down.is_last &&
        buf_size(&conn->in) == 0)
        conn_close(conn);
}

void downstream_drain(struct conn *conn)
{
    if (!conn_is_open(conn) || conn->speech == SPEECH_TCP)
        return;
    if (conn->h2 != NULL) {
        downstream_h2_drain(conn);
        return;
    }
    conn->down.is_last = true;
    if (conn->down.stream != NULL)
        return;
    if (conn->speech == SPEECH_HTTP && buf_size(&conn->in) > 0)
        downstream_put(conn, &conn->wire->ready_conns);
    else
        conn_close(conn);
}

void downstream_retire(struct conn *conn)
{
    if (conn_is_open(conn) && conn->speech != SPEECH_TCP && conn->down.stream == NULL &&
        !conn->down.is_securing && is_moving(conn))
        downstream_put(conn, &conn->wire->resting_conns);
}
