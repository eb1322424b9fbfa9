/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/upstream.c - Envoy's HTTP/1 client: one request at a time.
 *
 * A response that is complete gives the connection back at once when nobody
 * waits for one; otherwise it rests until the next wake, so that a close which
 * arrives together with the response is seen before a waiter gets it.
 */
#include "proxy/wire/upstream.h"

#include "base/ns.h"
#include "proxy/core/stats.h"
#include "proxy/model/limits.h"
#include "proxy/wire/response.h"
#include "proxy/wire/stream.h"
#include "proxy/wire/stream_body.h"
#include "proxy/wire/tcp.h"
#include "proxy/wire/upstream_h2.h"
#include "proxy/wire/upstream_parts.h"

/* Offers it to whoever waits, else it is idle. */
static inline void offer(struct conn *conn)
{
    conn->up.is_resting = false;
    uint32_t waiter = pool_note_idle(conn->up.pool, conn->number);
    if (waiter != POOL_NONE) {
        attempt_attach(upstream_waiter(conn, waiter), conn, true);
        upstream_replace(conn);
        return;
    }
    upstream_rest(conn);
    upstream_fail_waiters(conn, FAILURE_OVERFLOW, breaker_kind_name(BREAKER_REQUESTS));
}

static inline bool may_be_kept(struct conn *conn, const struct attempt *attempt, bool has_surplus)
{
    if (has_surplus) {
        upstream_count(conn, STAT_CLUSTER_upstream_cx_protocol_error);
        return false;
    }
    if (!conn->up.is_keep_alive) {
        upstream_count(conn, STAT_CLUSTER_upstream_cx_close_notify);
        return false;
    }
    return attempt->is_end_sent && !conn->wire->is_draining && !conn->up.is_old &&
           pool_may_keep(conn->up.pool, conn->number);
}

void upstream_part(struct conn *conn, struct attempt *attempt, bool has_surplus)
{
    bool is_kept = conn_is_open(conn) && may_be_kept(conn, attempt, has_surplus);
    /* Before the request's end it is one that is under way when it is closed. */
    if (attempt->is_end_sent)
        pool_note_done(conn->up.pool, conn->number);
    conn->up.attempt = NULL;
    attempt->conn = NULL;
    attempt->is_response_complete = true;
    conn_resume(conn);
    if (!is_kept) {
        upstream_close_pooled(conn, POOL_CLOSE_LOCAL);
    } else if (conn->wire->waiting_count > 0) {
        conn->up.is_resting = true;
        conn_set_timer(conn, conn->wire->now_ns);
    } else {
        offer(conn);
    }
}

/* The attempt loses its connection, which is closed or broken already. */
static void fail_attempt(struct conn *conn, enum failure failure)
{
    struct attempt *attempt = conn->up.attempt;
    conn->up.attempt = NULL;
    attempt->conn = NULL;
    attempt_fail(attempt, failure, STR_EMPTY);
}

static void fail_protocol(struct conn *conn)
{
    upstream_count(conn, STAT_CLUSTER_upstream_cx_protocol_error);
    upstream_close_pooled(conn, POOL_CLOSE_LOCAL);
    fail_attempt(conn, FAILURE_PROTOCOL_ERROR);
}

static void begin_message(struct conn *conn, struct attempt *attempt)
{
    conn->up.is_interim = false;
    h1_begin(conn->parser, attempt->stream != NULL ? &attempt->stream->arena : &attempt->reading,
             attempt->head->method);
}

static void begin_message_after_interim(struct conn *conn, struct attempt *attempt)
{
    arena_reset(&attempt->reading);
    conn->up.is_interim = false;
    h1_begin(conn->parser, &attempt->reading, attempt->head->method);
}

static void take_head(struct conn *conn, struct attempt *attempt, const struct h1_event *event)
{
    conn->up.is_interim = upstream_is_interim(event->response->status);
    conn->up.is_keep_alive = event->is_keep_alive;
    upstream_tell_head(attempt, event->response);
}

/* The whole response came with its head. The connection goes first, so that
 * the next request finds it. */
void upstream_take_only_head(struct conn *conn, struct attempt *attempt,
                             const struct h1_event *event, bool has_surplus)
{
    conn->up.is_keep_alive = event->is_keep_alive;
    upstream_part(conn, attempt, has_surplus);
    upstream_tell_only_head(attempt, event->response);
}

static void take_data(struct attempt *attempt, struct str data)
{
    struct conn *conn = attempt->conn;
    if (upstream_tell_data(attempt, data))
        conn_pause(conn);
}

static void take_end(struct conn *conn, struct attempt *attempt, bool has_surplus)
{
    if (conn->up.is_interim) {
        begin_message_after_interim(conn, attempt);
        return;
    }
    upstream_part(conn, attempt, has_surplus);
    upstream_tell_end(attempt, NULL);
}

/* The peer's close ends the response, or a tunnel. */
static void take_last_end(struct conn *conn, struct attempt *attempt)
{
    conn->up.attempt = NULL;
    attempt->conn = NULL;
    attempt->is_response_complete = true;
    pool_note_done(conn->up.pool, conn->number);
    upstream_close_pooled(conn, POOL_CLOSE_REMOTE);
    upstream_tell_end(attempt, NULL);
}

/* Bytes that nobody asked for. A 408 is how servers say that they are tired of
 * waiting: no mistake. */
static void refuse_unsolicited(struct conn *conn, struct str bytes)
{
    if (!str_has_prefix(bytes, STR("HTTP/1.1 408")) && !str_has_prefix(bytes, STR("HTTP/1.0 408")))
        upstream_count(conn, STAT_CLUSTER_upstream_cx_protocol_error);
    upstream_close_pooled(conn, POOL_CLOSE_LOCAL);
}

/* A websocket's server that answers with neither 101 nor an error: its headers
 * with its status, no body (ENVOY.md 15.1). */
static bool is_declined(const struct attempt *attempt, uint32_t status)
{
    return attempt->stream != NULL && attempt->stream->is_upgrade && status >= 200 && status < 400;
}

static void decline(struct stream *stream, struct response_head *head)
{
    static const struct str dropped[] = {STR_INIT("connection"), STR_INIT("upgrade"),
                                         STR_INIT("content-length"), STR_INIT("transfer-encoding")};
    for (size_t i = 0; i < COUNT_OF(dropped); i++)
        header_remove(&head->headers, dropped[i]);
    stream_tell(stream, &(struct xc_event){
                            .kind = XC_EVENT_REQUEST_REFUSED,
                            .response = head,
                            .status = head->status,
                            .details = STR("websocket_handshake_unsuccessful"),
                        });
}

/* The agreement to an upgrade that was asked for. Any other 101 is a response
 * without a body, and that is all. */
static bool is_switch(const struct attempt *attempt, const struct h1_event *event)
{
    return event->response->status == 101 && event->is_upgrade && attempt->stream != NULL &&
           attempt->stream->is_upgrade;
}

void upstream_take_event(struct conn *conn, struct attempt *attempt, const struct h1_event *event,
                         bool has_surplus)
{
    switch (event->kind) {
    case H1_MORE:
    case H1_STARTED:
    case H1_TRAILERS: /* enable_trailers is off: they are dropped */
        return;
    case H1_HEAD:
        if (is_declined(attempt, event->response->status))
            decline(attempt->stream, event->response);
        else
            take_head(conn, attempt, event);
        return;
    case H1_DATA:
        take_data(attempt, event->data);
        return;
    case H1_END:
        take_end(conn, attempt, has_surplus);
        return;
    case H1_ERROR:
        fail_protocol(conn);
        return;
    }
    UNREACHABLE("h1_event_kind");
}

/* A response without a body: its head and its end are told as one. */
static bool take_whole(struct conn *conn, struct attempt *attempt, const struct h1_event *event,
                       struct str *input)
{
    if (event->kind != H1_HEAD || !event->is_end)
        return false;
    uint32_t status = event->response->status;
    if (upstream_is_interim(status) || is_switch(attempt, event) || is_declined(attempt, status))
        return false;
    struct h1_event end;
    enum h1_event_kind kind = h1_next(conn->parser, input, &end);
    ASSERT(kind == H1_END);
    upstream_take_only_head(conn, attempt, event, input->len > 0);
    return true;
}

static bool is_tunnel(const struct attempt *attempt)
{
    return attempt->stream != NULL && attempt->stream->is_tunnel;
}

void upstream_note_connected(struct conn *conn)
{
    conn_set_age(conn, conn->up.cluster->max_connection_duration_ns);
    if (conn->h2 != NULL) {
        upstream_h2_note_connected(conn);
        return;
    }
    uint32_t waiter = pool_note_connected(conn->up.pool, conn->number);
    if (waiter != POOL_NONE) {
        attempt_attach(upstream_waiter(conn, waiter), conn, false);
        upstream_replace(conn);
        return;
    }
    upstream_rest(conn);
    upstream_fail_waiters(conn, FAILURE_OVERFLOW, breaker_kind_name(BREAKER_REQUESTS));
}

void upstream_note_connect_failed(struct conn *conn, struct str why)
{
    tally_connect_failed(conn);
    pool_note_connect_failed(conn->up.pool, conn->number, POOL_CONNECT_REFUSED);
    upstream_fail_waiters(conn, FAILURE_REMOTE_CONNECTION_FAILURE, why);
}

void upstream_read(struct conn *conn, struct str bytes)
{
    if (!conn_is_open(conn) || bytes.len == 0)
        return;
    if (conn->h2 != NULL) {
        upstream_h2_read(conn, bytes);
        return;
    }
    struct attempt *attempt = conn->up.attempt;
    if (attempt == NULL) {
        refuse_unsolicited(conn, bytes);
        return;
    }
    while (conn_is_open(conn) && conn->up.attempt == attempt) {
        if (is_tunnel(attempt)) {
            take_data(attempt, bytes);
            return;
        }
        struct h1_event event;
        enum h1_event_kind kind = h1_next(conn->parser, &bytes, &event);
        if (kind == H1_MORE)
            return;
        if (kind == H1_HEAD && (event.response->status >= 200 || event.response->status == 101))
            event.response = upstream_keep_head(attempt, event.response);
        if (!take_whole(conn, attempt, &event, &bytes))
            upstream_take_event(conn, attempt, &event, bytes.len > 0);
    }
}

void upstream_note_end(struct conn *conn)
{
    struct attempt *attempt = conn->up.attempt;
    bool is_counted = conn->state == CONN_OPEN || conn->state == CONN_BROKEN;
    if (!is_counted)
        return;
    if (conn->h2 != NULL) {
        upstream_h2_note_end(conn);
        return;
    }
    if (attempt == NULL) {
        upstream_close_pooled(conn, POOL_CLOSE_REMOTE);
        return;
    }
    struct h1_event event;
    if (is_tunnel(attempt) ||
        (h1_is_started(conn->parser) && h1_eof(conn->parser, &event) == H1_END)) {
        conn->up.is_keep_alive = false;
        take_last_end(conn, attempt);
        return;
    }
    bool is_started = h1_is_started(conn->parser);
    if (is_started)
        upstream_count(conn, STAT_CLUSTER_upstream_cx_protocol_error);
    upstream_close_pooled(conn, POOL_CLOSE_REMOTE);
    fail_attempt(conn, is_started ? FAILURE_PROTOCOL_ERROR : FAILURE_CONNECTION_TERMINATION);
}

void upstream_note_sent(struct conn *conn)
{
    const struct attempt *attempt = conn->up.attempt;
    if (conn->h2 != NULL)
        upstream_h2_note_sent(conn);
    else if (attempt != NULL && attempt->stream != NULL && conn_has_room(conn))
        stream_balance(attempt->stream);
}

void upstream_wake(struct conn *conn)
{
    if (conn->state == CONN_CONNECTING) {
        conn_abort(conn);
        tally_connect_failed(conn);
        pool_note_connect_failed(conn->up.pool, conn->number, POOL_CONNECT_TIMEOUT);
        upstream_fail_waiters(conn, FAILURE_CONNECTION_TIMEOUT, STR_EMPTY);
    } else if (conn->up.is_resting) {
        offer(conn);
    } else {
        upstream_count(conn, STAT_CLUSTER_upstream_cx_idle_timeout);
        upstream_close_pooled(conn, POOL_CLOSE_LOCAL);
    }
}

static bool is_in_use(const struct conn *conn)
{
    return conn->up.attempt != NULL || !list_is_empty(&conn->up.attempts);
}

/* It serves nobody after those whom it serves now. */
static void note_old(struct conn *conn)
{
    conn->up.is_old = true;
    if (!is_in_use(conn))
        upstream_close_pooled(conn, POOL_CLOSE_LOCAL);
    else if (conn->h2 != NULL)
        pool_note_draining(conn->up.pool, conn->number);
}

void upstream_note_old(struct conn *conn)
{
    upstream_count(conn, STAT_CLUSTER_upstream_cx_max_duration_reached);
    note_old(conn);
}

void upstream_note_ejected(struct conn *conn)
{
    note_old(conn);
}
void upstream_lend(struct conn *conn, struct attempt *attempt)
{
    ASSERT(conn_is_open(conn));
    ASSERT(conn->up.attempt == NULL);
    conn_stop_timer(conn);
    if (conn->h2 != NULL) {
        list_push_back(&conn->up.attempts, &attempt->lent);
        return;
    }
    conn->up.attempt = attempt;
    begin_message(conn, attempt);
}

void upstream_reset(struct conn *conn, struct attempt *attempt)
{
    if (conn->h2 != NULL) {
        upstream_h2_reset(conn, attempt);
        return;
    }
    ASSERT(conn->up.attempt == attempt);
    conn->up.attempt = NULL;
    if (conn->unsent_bytes > 0)
        conn_abort(conn);
    else
        conn_close(conn);
    pool_note_closed(conn->up.pool, conn->number, POOL_CLOSE_LOCAL);
    upstream_replace(conn);
}

void upstream_resume(struct attempt *attempt)
{
    if (attempt->conn->h2 != NULL)
        upstream_h2_resume(attempt);
    else
        conn_resume(attempt->conn);
}

void upstream_close_idle(struct conn *conn)
{
    bool is_idle = !is_in_use(conn) && !conn->up.is_resting;
    if (conn_is_open(conn) && conn->up.pool != NULL && is_idle)
        upstream_close_pooled(conn, POOL_CLOSE_LOCAL);
}

static bool is_there(const struct conn *conn)
{
    return (conn->state == CONN_CONNECTING || conn_is_open(conn)) && conn->up.pool != NULL;
}

void upstream_follow(struct conn *conn)
{
    struct conn_upstream *up = &conn->up;
    struct pool *pool = is_there(conn) ? pool_heir(up->pool) : NULL;
    if (pool == NULL) {
        upstream_close_idle(conn);
        return;
    }
    struct endpoint_place place = pool_place(pool);
    conn_set_reign(conn, reign_of(conn->wire, place.engine));
    up->pool = pool;
    up->cluster_index = place.cluster_index;
    up->cluster = &conn->reign->snapshot->clusters[place.cluster_index];
    up->endpoint_index = place.endpoint_index;
    if (up->endpoint != NULL) {
        up->endpoint = &up->cluster->endpoints[place.endpoint_index];
        up->address = up->endpoint->address;
    }
    tally_follow(conn);
}
