/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/upstream_h2.c - see upstream_h2.h.
 *
 *   codec's event ──> the attempt that owns the stream ──> its exchange
 *
 * An attempt parts from its stream before its exchange hears of the end, so that the next
 * request finds the connection as it will be. What ends by our own sending is told at the
 * end of the turn: whoever sends is amid something.
 */
#include "proxy/wire/upstream_h2.h"

#include "proxy/http/h2.h"
#include "proxy/model/limits.h"
#include "proxy/wire/ping.h"
#include "proxy/wire/stream.h"
#include "proxy/wire/stream_body.h"
#include "proxy/wire/upstream_parts.h"

static bool is_in_use(const struct conn *conn)
{
    return !list_is_empty(&conn->up.attempts);
}

static void count_codec(struct conn *conn)
{
    struct h2_counts counts = h2_take_counts(conn->h2);
    uint64_t *counters =
        engine_cluster_stats(conn->reign->engine, conn->up.cluster_index)->counters;
    counters[STAT_CLUSTER_http2_header_overflow] += counts.header_overflow;
    counters[STAT_CLUSTER_http2_rx_messaging_error] += counts.rx_messaging_error;
    counters[STAT_CLUSTER_http2_rx_reset] += counts.rx_reset;
    counters[STAT_CLUSTER_http2_tx_reset] += counts.tx_reset;
}

static void flush(struct conn *conn)
{
    conn_flush_h2(conn);
    count_codec(conn);
}

/* It has room: who waits goes on. */
static void serve_waiters(struct conn *conn, uint32_t waiter, bool is_reused)
{
    while (waiter != POOL_NONE) {
        attempt_attach(upstream_waiter(conn, waiter), conn, is_reused);
        if (!conn_is_open(conn))
            return;
        is_reused = true;
        waiter = pool_next_waiter(conn->up.pool, conn->number);
    }
    upstream_fail_waiters(conn, FAILURE_OVERFLOW, breaker_kind_name(BREAKER_REQUESTS));
}

/* Nobody may be left on it. */
static void settle_use(struct conn *conn)
{
    if (!conn_is_open(conn) || is_in_use(conn))
        return;
    bool is_kept =
        !conn->wire->is_draining && !conn->up.is_old && pool_may_keep(conn->up.pool, conn->number);
    if (is_kept)
        upstream_rest(conn);
    else
        upstream_close_pooled(conn, POOL_CLOSE_LOCAL);
}

/* Cuts the roads between the two. */
static void leave(struct attempt *attempt)
{
    if (attempt->h2 != NULL)
        h2_stream_set_owner(attempt->h2, NULL);
    attempt->h2 = NULL;
    attempt->conn = NULL;
    attempt->held_bytes = 0;
    list_remove(&attempt->lent);
}

/* The response is complete. One whose request is not is reset, for Envoy too. */
static void part(struct conn *conn, struct attempt *attempt)
{
    if (!attempt->is_end_sent) {
        h2_reset(conn->h2, attempt->h2, H2_CODE_INTERNAL);
        upstream_count(conn, STAT_CLUSTER_upstream_rq_tx_reset);
        flush(conn);
    }
    leave(attempt);
    attempt->is_response_complete = true;
    pool_note_done(conn->up.pool, conn->number);
    serve_waiters(conn, pool_next_waiter(conn->up.pool, conn->number), true);
    settle_use(conn);
}

/* What 101 is to HTTP/1 is 200 here (ENVOY.md 15.1); any other answer is passed on as it is. */
static void switch_head(const struct attempt *attempt, struct response_head *head)
{
    struct str protocol = STR_EMPTY;
    (void)header_get(&attempt->head->headers, STR("upgrade"), &protocol);
    header_set(&head->headers, STR("upgrade"), protocol);
    header_set(&head->headers, STR("connection"), STR("upgrade"));
    head->status = 101;
}

static void take_head(struct conn *conn, struct attempt *attempt, const struct h2_event *event)
{
    struct response_head *head = event->response;
    bool is_upgrade = attempt->stream != NULL && attempt->stream->is_upgrade;
    if (!upstream_is_interim(head->status))
        head = upstream_keep_head(attempt, head);
    if (is_upgrade && head->status == 200 && !event->is_end)
        switch_head(attempt, head);
    if (!event->is_end) {
        upstream_tell_head(attempt, head);
        return;
    }
    part(conn, attempt);
    upstream_tell_only_head(attempt, head);
}

static void take_data(struct conn *conn, struct attempt *attempt, const struct h2_event *event)
{
    struct h2_stream *stream = event->stream;
    if (upstream_tell_data(attempt, event->data) && attempt->h2 == stream)
        attempt->held_bytes += event->data.len;
    else
        h2_consume(conn->h2, stream, event->data.len);
}

static void take_trailers(struct conn *conn, struct attempt *attempt, const struct h2_event *event)
{
    struct header_list *trailers = NULL;
    if (attempt->stream != NULL) {
        trailers = ARENA_NEW(&attempt->stream->arena, struct header_list);
        header_list_copy(trailers, event->trailers, &attempt->stream->arena);
    }
    part(conn, attempt);
    upstream_tell_end(attempt, trailers);
}

/* ENVOY.md 14.3; which side ended the stream makes no difference. */
static enum failure failure_of(uint32_t code)
{
    if (code == H2_CODE_REFUSED_STREAM)
        return FAILURE_REMOTE_REFUSED_STREAM;
    if (code == H2_CODE_PROTOCOL)
        return FAILURE_PROTOCOL_ERROR;
    return code == H2_CODE_CONNECT ? FAILURE_CONNECT_ERROR : FAILURE_REMOTE_RESET;
}

static void count_reset(struct conn *conn, enum failure failure)
{
    if (failure == FAILURE_PROTOCOL_ERROR)
        upstream_count(conn, STAT_CLUSTER_upstream_rq_tx_reset);
    else if (failure == FAILURE_REMOTE_RESET)
        upstream_count(conn, STAT_CLUSTER_upstream_rq_rx_reset);
    else if (failure == FAILURE_CONNECTION_TERMINATION)
        upstream_count(conn, STAT_CLUSTER_upstream_rq_pending_failure_eject);
}

/* The stream is over without a whole response. */
static void take_closed(struct conn *conn, struct attempt *attempt, const struct h2_event *event)
{
    enum failure failure = failure_of(event->code);
    count_reset(conn, failure);
    leave(attempt);
    pool_note_done(conn->up.pool, conn->number);
    serve_waiters(conn, pool_next_waiter(conn->up.pool, conn->number), true);
    settle_use(conn);
    attempt_fail(attempt, failure, STR_EMPTY);
}

static void take_goaway(struct conn *conn)
{
    upstream_count(conn, STAT_CLUSTER_upstream_cx_close_notify);
    pool_note_draining(conn->up.pool, conn->number);
    settle_use(conn);
}

/* The connection is gone for all. They are collected first, as upstream_fail_waiters does. */
static void fail_all(struct list *attempts, enum failure failure)
{
    while (!list_is_empty(attempts)) {
        struct attempt *attempt = LIST_ITEM(list_first(attempts), struct attempt, lent);
        list_remove(&attempt->lent);
        attempt_fail(attempt, failure, STR_EMPTY);
    }
}

/* To Envoy a codec's error ends the streams first, then the connection. */
static void end_all(struct conn *conn, enum failure failure, enum pool_close by)
{
    struct list failed;
    list_init(&failed);
    bool is_protocol = failure == FAILURE_PROTOCOL_ERROR;
    count_codec(conn);
    while (is_in_use(conn)) {
        struct attempt *attempt = LIST_ITEM(list_first(&conn->up.attempts), struct attempt, lent);
        count_reset(conn, failure);
        leave(attempt);
        if (is_protocol)
            pool_note_done(conn->up.pool, conn->number);
        list_push_back(&failed, &attempt->lent);
    }
    upstream_close_pooled(conn, by);
    fail_all(&failed, failure);
}

static void take_error(struct conn *conn)
{
    upstream_count(conn, STAT_CLUSTER_upstream_cx_protocol_error);
    end_all(conn, FAILURE_PROTOCOL_ERROR, POOL_CLOSE_LOCAL);
}

void upstream_h2_give_up(struct conn *conn)
{
    if (conn->unsent_bytes > 0)
        conn_abort(conn); /* who does not read either is not waited for */
    end_all(conn, FAILURE_CONNECTION_TERMINATION, POOL_CLOSE_LOCAL);
}

static void take_event(struct conn *conn, const struct h2_event *event)
{
    struct attempt *attempt = event->owner;
    switch (event->kind) {
    case H2_MORE:
        return;
    case H2_HEAD:
        take_head(conn, attempt, event);
        return;
    case H2_DATA:
        take_data(conn, attempt, event);
        return;
    case H2_TRAILERS:
        take_trailers(conn, attempt, event);
        return;
    case H2_END:
        part(conn, attempt);
        upstream_tell_end(attempt, NULL);
        return;
    case H2_CLOSED:
        take_closed(conn, attempt, event);
        return;
    case H2_GOAWAY:
        take_goaway(conn);
        return;
    case H2_PONG:
        ping_arm(conn);
        return;
    case H2_ERROR:
        take_error(conn);
        return;
    }
    UNREACHABLE("h2_event_kind");
}

static void take_events(struct conn *conn, struct str bytes)
{
    struct h2_event event;
    while (conn_is_open(conn) && h2_next(conn->h2, &bytes, &event) != H2_MORE)
        take_event(conn, &event);
}

/* SETTINGS may allow more, or less. */
static void note_streams_max(struct conn *conn)
{
    uint32_t streams_max = h2_peer_streams_max(conn->h2);
    if (streams_max == conn->up.streams_max)
        return;
    conn->up.streams_max = streams_max;
    pool_note_streams_max(conn->up.pool, conn->number, streams_max);
    serve_waiters(conn, pool_next_waiter(conn->up.pool, conn->number), true);
    upstream_replace(conn);
}

void upstream_h2_settle(struct conn *conn)
{
    take_events(conn, STR_EMPTY);
}

void upstream_h2_note_connected(struct conn *conn)
{
    flush(conn);
    conn->up.streams_max = h2_peer_streams_max(conn->h2);
    serve_waiters(conn, pool_note_connected(conn->up.pool, conn->number), false);
    if (!conn_is_open(conn))
        return;
    upstream_replace(conn);
    if (!is_in_use(conn))
        upstream_rest(conn);
}

void upstream_h2_read(struct conn *conn, struct str bytes)
{
    take_events(conn, bytes);
    flush(conn);
    if (conn_is_open(conn))
        note_streams_max(conn);
}

void upstream_h2_note_end(struct conn *conn)
{
    end_all(conn, FAILURE_CONNECTION_TERMINATION, POOL_CLOSE_REMOTE);
}

void upstream_h2_note_sent(struct conn *conn)
{
    if (!conn_is_open(conn) || !conn_has_room(conn))
        return;
    flush(conn);
    struct list *next;
    for (struct list *link = conn->up.attempts.next; link != &conn->up.attempts; link = next) {
        next = link->next;
        const struct attempt *attempt = LIST_ITEM(link, struct attempt, lent);
        if (attempt->stream != NULL)
            stream_balance(attempt->stream);
    }
}

void upstream_h2_send_head(struct attempt *attempt, bool has_body)
{
    struct conn *conn = attempt->conn;
    struct str protocol;
    if (attempt->stream != NULL && attempt->stream->is_upgrade &&
        header_get(&attempt->head->headers, STR("upgrade"), &protocol)) {
        attempt->h2 = h2_send_connect(conn->h2, attempt->head, protocol, attempt);
        return;
    }
    attempt->h2 = h2_send_request(conn->h2, attempt->head, !has_body, attempt);
    /* Without an end to come when the head is all. */
    attempt->is_end_sent = !has_body;
}

void upstream_h2_send_data(struct attempt *attempt, struct str data)
{
    if (attempt->h2 != NULL)
        h2_send_data(attempt->conn->h2, attempt->h2, data);
}

void upstream_h2_send_end(struct attempt *attempt)
{
    if (attempt->h2 != NULL)
        h2_send_end(attempt->conn->h2, attempt->h2,
                    attempt->stream != NULL ? attempt->stream->request_trailers : NULL);
}

void upstream_h2_resume(struct attempt *attempt)
{
    size_t held_bytes = attempt->held_bytes;
    if (held_bytes == 0 || attempt->h2 == NULL)
        return;
    attempt->held_bytes = 0;
    h2_consume(attempt->conn->h2, attempt->h2, held_bytes);
    flush(attempt->conn);
}

void upstream_h2_reset(struct conn *conn, struct attempt *attempt)
{
    struct h2_stream *stream = attempt->h2;
    leave(attempt);
    upstream_count(conn, STAT_CLUSTER_upstream_rq_tx_reset);
    pool_note_done(conn->up.pool, conn->number);
    if (!conn_is_open(conn))
        return;
    if (stream != NULL)
        h2_reset(conn->h2, stream, H2_CODE_INTERNAL);
    flush(conn);
    serve_waiters(conn, pool_next_waiter(conn->up.pool, conn->number), true);
    settle_use(conn);
}
