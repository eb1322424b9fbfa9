/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/attempt.c - from the exchange's wish to bytes on a connection.
 */
#include "proxy/wire/attempt.h"

#include "base/ns.h"
#include "proxy/core/lb.h"
#include "proxy/core/pool.h"
#include "proxy/core/stats.h"
#include "proxy/http/h2.h"
#include "proxy/model/limits.h"
#include "proxy/wire/dial.h"
#include "proxy/wire/facts.h"
#include "proxy/wire/known.h"
#include "proxy/wire/stream.h"
#include "proxy/wire/upstream.h"
#include "proxy/wire/upstream_h2.h"

#define ARENA_BLOCK_BYTES (4u * 1024)
#define KEPT_BODY_BYTES_MAX (64u * 1024)

static void make(struct attempt *attempt, struct wire *wire, uint32_t number)
{
    attempt->wire = wire;
    attempt->number = number;
    list_init(&attempt->link);
    list_init(&attempt->failing);
    list_init(&attempt->lent);
    arena_init(&attempt->arena, ARENA_BLOCK_BYTES, 0);
    arena_init(&attempt->reading, ARENA_BLOCK_BYTES, 0);
    buf_init(&attempt->body, STREAM_BODY_BYTES_MAX);
    timer_init(&attempt->timer, TIMER_ATTEMPT);
}

static inline struct attempt *take(struct reign *reign, uint32_t ordinal, uint32_t cluster_index)
{
    struct wire *wire = reign->wire;
    uint32_t number;
    struct attempt *attempt = slots_take(&wire->attempts, &number);
    if (attempt->wire == NULL)
        make(attempt, wire, number);
    ASSERT(attempt->conn == NULL);
    ASSERT(!attempt->is_waiting);
    attempt->reign = reign_hold(reign);
    attempt->stream = NULL;
    attempt->ordinal = ordinal;
    attempt->cluster_index = cluster_index;
    attempt->is_head_sent = attempt->is_end_sent = false;
    attempt->is_response_complete = attempt->is_body_complete = attempt->is_answered = false;
    attempt->is_interim_counted = false;
    attempt->framing = (struct h1_out){0};
    attempt->h2 = NULL;
    attempt->held_bytes = 0;
    return attempt;
}

/* Cuts every road to it. */
static inline void give(struct attempt *attempt)
{
    ASSERT(attempt->conn == NULL);
    ASSERT(attempt->h2 == NULL);
    attempt_note_unqueued(attempt);
    timer_stop(&attempt->timer);
    list_remove(&attempt->link);
    list_remove(&attempt->failing);
    if (attempt->stream != NULL)
        attempt->stream->attempt = NULL;
    attempt->stream = NULL;
    arena_reset(&attempt->arena);
    arena_reset(&attempt->reading);
    buf_clear(&attempt->body);
    if (attempt->body.capacity > KEPT_BODY_BYTES_MAX)
        buf_shrink(&attempt->body);
    reign_drop(attempt->reign);
    attempt->reign = NULL;
    slots_give(&attempt->wire->attempts, attempt->number);
}

/* What a mirror comes to is counted in its cluster, and that is all. */
static void count_mirrored(const struct attempt *attempt, uint32_t status)
{
    struct reign *reign = attempt->reign;
    cluster_stats_note_status(engine_cluster_stats(reign->engine, attempt->cluster_index), status,
                              &reign->memory);
}

/* The exchange tells its own. */
static void note_mirror_result(const struct attempt *attempt, enum outlier_result result,
                               uint32_t code)
{
    (void)engine_note_result(attempt->reign->engine, attempt->cluster_index,
                             attempt->endpoint_index, result, code, attempt->wire->now_ns);
}

void attempt_mirror_answered(struct attempt *attempt, const struct response_head *head)
{
    struct wire *wire = attempt->wire;
    attempt->is_answered = true;
    count_mirrored(attempt, head->status);
    (void)engine_note_response(attempt->reign->engine, attempt->cluster_index,
                               attempt->endpoint_index, head, request_head_is_grpc(attempt->head),
                               wire->now_ns);
}

void attempt_mirror_interim(struct attempt *attempt, uint32_t status)
{
    bool is_known = status == 100 || (status >= 102 && status <= 104);
    if (is_known && !attempt->is_interim_counted)
        count_mirrored(attempt, status);
    attempt->is_interim_counted |= is_known;
}

static void note_queued(struct attempt *attempt)
{
    attempt->is_waiting = true;
    attempt->wire->waiting_count++;
}

/* The pool may be a newer configuration's: then so is the connection. */
static void connect_for(struct attempt *attempt, const struct dial_target *asked)
{
    struct endpoint_place place = pool_place(asked->pool);
    struct dial_target target = *asked;
    note_queued(attempt);
    target.reign = reign_of(attempt->wire, place.engine);
    target.cluster_index = place.cluster_index;
    target.endpoint_index = place.endpoint_index;
    struct conn *conn = dial(&target);
    if (conn == NULL) {
        pool_cancel(attempt->pool, attempt->number);
        attempt_fail(attempt, FAILURE_OVERFLOW, STR_EMPTY);
    }
}

static inline void ask(struct attempt *attempt, const struct dial_target *target)
{
    struct pool_answer answer = pool_ask(target->pool, attempt->number);
    switch (answer.verdict) {
    case POOL_REUSE:
        attempt_attach(attempt, slots_at(&attempt->wire->conns, answer.conn), true);
        return;
    case POOL_CONNECT:
        connect_for(attempt, target);
        return;
    case POOL_WAIT:
        note_queued(attempt);
        return;
    case POOL_OVERFLOW:
        attempt_fail(attempt, FAILURE_OVERFLOW, breaker_kind_name(answer.full));
        return;
    }
    UNREACHABLE("pool_verdict");
}

/* What the cluster's options say; one that follows its clients speaks as they do. */
static bool is_h2(const struct attempt *attempt, const struct cluster *cluster)
{
    return cluster->protocol == UPSTREAM_HTTP2 ||
           (cluster->protocol == UPSTREAM_AS_DOWNSTREAM && attempt->head->version == HTTP_2);
}

static struct pool *pool_for(const struct attempt *attempt, const struct dial_target *target)
{
    struct engine *engine = attempt->reign->engine;
    uint32_t cluster_index = target->cluster_index;
    const struct cluster *cluster = &attempt->reign->snapshot->clusters[cluster_index];
    bool is_two = is_h2(attempt, cluster);
    if (target->endpoint_index == LB_NONE)
        return engine_original_pool(engine, cluster_index, target->address, target->port, is_two);
    return is_two ? engine_h2_pool(engine, cluster_index, target->endpoint_index, target->host)
                  : engine_pool(engine, cluster_index, target->endpoint_index, target->host);
}

/* Where it goes is known before there is a connection, and whether or not there will be one. */
static void note_original(struct attempt *attempt, const struct dial_target *target)
{
    const struct cluster *cluster = &attempt->reign->snapshot->clusters[target->cluster_index];
    struct record_upstream *upstream = &attempt->stream->xc.record.upstream;
    uint32_t override = cluster->original_port_override;
    if (upstream->connection_id != 0)
        return;
    upstream->address = arena_str(&attempt->stream->arena, target->address);
    upstream->port = override != 0 ? override : target->port;
}

static inline void ask_for(struct attempt *attempt, uint32_t endpoint_index,
                           const struct conn_downstream *down)
{
    struct dial_target target = {
        .cluster_index = attempt->cluster_index,
        .endpoint_index = endpoint_index,
        .address = down->original_address,
        .port = down->original_port,
        .host = attempt->head->authority,
    };
    attempt->endpoint_index = endpoint_index;
    if (endpoint_index == LB_NONE && attempt->stream != NULL)
        note_original(attempt, &target);
    target.pool = pool_for(attempt, &target);
    attempt->pool = target.pool;
    ask(attempt, &target);
}

static inline void note_attached(struct attempt *attempt, bool is_reused)
{
    if (attempt->stream == NULL) {
        note_mirror_result(attempt, RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS, 0);
        attempt_pump(attempt);
        return;
    }
    stream_note_ready(attempt->stream, is_reused);
}

/* The part of the body that may go out now. A websocket's bytes are held until
 * the upstream has agreed (ENVOY.md 15.1). */
static struct str unsent_body(const struct attempt *attempt)
{
    const struct stream *stream = attempt->stream;
    if (stream == NULL)
        return buf_str(&attempt->body);
    if (stream->is_upgrade && !stream->is_tunnel)
        return STR_EMPTY;
    return str_from(buf_str(&stream->body), stream->body_sent_bytes);
}

static void note_body_sent(struct attempt *attempt, size_t size)
{
    if (attempt->stream != NULL)
        attempt->stream->body_sent_bytes += size;
    else
        buf_consume(&attempt->body, size);
}

static bool is_body_complete(const struct attempt *attempt)
{
    return attempt->stream != NULL ? attempt->stream->is_request_complete
                                   : attempt->is_body_complete;
}

static void send_head(struct attempt *attempt)
{
    /* What follows an upgrade's head is no body, whatever it becomes. */
    bool has_body = attempt->has_body && (attempt->stream == NULL || !attempt->stream->is_upgrade);
    attempt->is_head_sent = true;
    if (attempt->conn->h2 != NULL) {
        upstream_h2_send_head(attempt, has_body);
        return;
    }
    attempt->framing = (struct h1_out){.request_method = attempt->head->method};
    enum rc rc = h1_write_request(&attempt->conn->out, attempt->head, has_body, &attempt->framing);
    ASSERT(rc == RC_OK);
}

/* The request is complete and has no body: it may go as it is. */
static bool send_whole(struct attempt *attempt)
{
    struct stream *stream = attempt->stream;
    if (stream == NULL || attempt->has_body || stream->is_upgrade || !stream->is_request_complete ||
        !conn_takes_whole(attempt->conn))
        return false;
    struct known_frame frame = {0};
    if (stream->is_again && attempt->ordinal == 1)
        frame = known_frame_of(stream, attempt->head);
    else
        frame.size = h1_frame_request(attempt->head, false, &frame.framing);
    struct wire_whole *whole = arena_raw(&stream->arena, sizeof(*whole));
    *whole = (struct wire_whole){
        .sent = {.request = attempt->head, .size = frame.size, .framing = frame.framing},
        .stream = stream,
    };
    attempt->framing = frame.framing;
    attempt->is_head_sent = attempt->is_end_sent = true;
    stream->xc.record.request_sent_ns = record_moment(attempt->wire->now_ns);
    conn_write_whole(attempt->conn, whole);
    return true;
}

static void send_body(struct attempt *attempt)
{
    struct str data = unsent_body(attempt);
    if (data.len == 0)
        return;
    if (attempt->conn->h2 != NULL) {
        upstream_h2_send_data(attempt, data);
        note_body_sent(attempt, data.len);
        return;
    }
    bool is_tunnel = attempt->stream != NULL && attempt->stream->is_tunnel;
    enum rc rc = is_tunnel ? buf_append(&attempt->conn->out, data)
                           : h1_write_data(&attempt->conn->out, &attempt->framing, data);
    ASSERT(rc == RC_OK);
    note_body_sent(attempt, data.len);
}

static void send_end(struct attempt *attempt)
{
    if (attempt->conn->h2 != NULL) {
        if (!attempt->is_end_sent)
            upstream_h2_send_end(attempt);
    } else {
        enum rc rc = h1_write_end(&attempt->conn->out, &attempt->framing, NULL);
        ASSERT(rc == RC_OK);
    }
    attempt->is_end_sent = true;
    if (attempt->stream != NULL)
        attempt->stream->xc.record.request_sent_ns = record_moment(attempt->wire->now_ns);
}

bool attempt_is_full(const struct attempt *attempt)
{
    if (attempt->conn == NULL)
        return false;
    return conn_is_full(attempt->conn) ||
           (attempt->h2 != NULL &&
            h2_stream_waiting_bytes(attempt->h2) >= LIMIT_CONNECTION_BUFFER_BYTES);
}

bool attempt_has_room(const struct attempt *attempt)
{
    if (attempt->conn == NULL)
        return true;
    return conn_has_room(attempt->conn) &&
           (attempt->h2 == NULL ||
            h2_stream_waiting_bytes(attempt->h2) <= LIMIT_CONNECTION_BUFFER_BYTES / 2);
}

void attempt_open(struct stream *stream, const struct xc_action *action)
{
    if (stream->attempt != NULL)
        attempt_done(stream->attempt);
    struct attempt *attempt = take(stream->reign, action->attempt, action->cluster_index);
    attempt->stream = stream;
    attempt->head = action->request;
    attempt->has_body = stream->has_body;
    stream->attempt = attempt;
    stream->body_sent_bytes = 0;
    ASSERT(!stream->is_body_lost);
    ask_for(attempt, action->endpoint_index, &stream->down->down);
}

void attempt_open_mirror(struct stream *stream, const struct request_head *request,
                         struct xc_mirror target)
{
    struct wire *wire = stream->wire;
    struct attempt *attempt = take(stream->reign, 0, target.cluster_index);
    request_head_copy(&attempt->copy, request, &attempt->arena);
    attempt->head = &attempt->copy;
    attempt->has_body = stream->has_body;
    attempt->is_body_complete = stream->is_request_complete;
    if (!attempt->is_body_complete)
        list_push_back(&stream->mirrors, &attempt->link);
    if (attempt->has_body) {
        enum rc rc = buf_append(&attempt->body, buf_str(&stream->body));
        ASSERT(rc == RC_OK);
    }
    if (stream->xc.timeout_ns > 0)
        timer_set(&wire->timers, &attempt->timer, ns_add(wire->now_ns, stream->xc.timeout_ns));
    ask_for(attempt, target.endpoint_index, &stream->down->down);
}

bool attempt_pump(struct attempt *attempt)
{
    struct conn *conn = attempt->conn;
    if (conn == NULL || !conn_is_open(conn) || attempt->is_end_sent)
        return false;
    bool is_first = !attempt->is_head_sent;
    if (is_first && attempt->stream != NULL && attempt->stream->xc.spoilt.len > 0)
        return false; /* the exchange will give it up */
    if (is_first && send_whole(attempt))
        return true;
    if (is_first)
        send_head(attempt);
    if (attempt->has_body)
        send_body(attempt);
    if (is_body_complete(attempt))
        send_end(attempt);
    if (conn->h2 != NULL)
        conn_flush_h2(conn);
    else
        conn_written(conn);
    return is_first;
}

void attempt_mirror_data(struct attempt *attempt, struct str data)
{
    /* A mirror that cannot keep up is not waited for. */
    size_t waiting_bytes = buf_size(&attempt->body);
    if (waiting_bytes + data.len > LIMIT_CONNECTION_BUFFER_BYTES || attempt_is_full(attempt)) {
        attempt_abandon(attempt);
        return;
    }
    enum rc rc = buf_append(&attempt->body, data);
    ASSERT(rc == RC_OK);
    attempt_pump(attempt);
}

void attempt_mirror_end(struct attempt *attempt)
{
    list_remove(&attempt->link);
    attempt->is_body_complete = true;
    attempt_pump(attempt);
}

void attempt_note_unqueued(struct attempt *attempt)
{
    if (!attempt->is_waiting)
        return;
    attempt->is_waiting = false;
    attempt->wire->waiting_count--;
}

void attempt_attach(struct attempt *attempt, struct conn *conn, bool is_reused)
{
    ASSERT(attempt->conn == NULL);
    attempt_note_unqueued(attempt);
    attempt->conn = conn;
    if (attempt->stream != NULL)
        attempt->stream->xc.record.upstream = facts_upstream(conn, attempt->stream);
    upstream_lend(conn, attempt);
    note_attached(attempt, is_reused);
}

void attempt_abandon(struct attempt *attempt)
{
    struct conn *conn = attempt->conn;
    if (conn != NULL) {
        attempt->conn = NULL;
        upstream_reset(conn, attempt);
    } else if (attempt->is_waiting) {
        pool_cancel(attempt->pool, attempt->number);
    }
    give(attempt);
}

void attempt_fail(struct attempt *attempt, enum failure failure, struct str text)
{
    struct stream *stream = attempt->stream;
    uint32_t ordinal = attempt->ordinal;
    if (stream == NULL)
        count_mirrored(attempt, failure_row(failure)->status);
    if (stream == NULL && failure != FAILURE_OVERFLOW)
        note_mirror_result(attempt, RESULT_LOCAL_ORIGIN_CONNECT_FAILED, 0);
    give(attempt);
    if (stream == NULL)
        return;
    stream_tell(stream, &(struct xc_event){
                            .kind = XC_EVENT_ATTEMPT_FAILED,
                            .attempt = ordinal,
                            .failure = failure,
                            .text = arena_str(&stream->arena, text),
                        });
}

void attempt_done(struct attempt *attempt)
{
    ASSERT(attempt->is_response_complete);
    give(attempt);
}

void attempt_wake(struct attempt *attempt)
{
    ASSERT(attempt->stream == NULL);
    engine_cluster_stats(attempt->reign->engine, attempt->cluster_index)
        ->counters[STAT_CLUSTER_upstream_rq_timeout]++;
    count_mirrored(attempt, 504);
    if (attempt->conn != NULL && !attempt->is_answered)
        note_mirror_result(attempt, RESULT_LOCAL_ORIGIN_TIMEOUT, 504);
    attempt_abandon(attempt);
}

void attempt_fini(struct attempt *attempt)
{
    if (attempt->wire == NULL)
        return;
    arena_fini(&attempt->arena);
    arena_fini(&attempt->reading);
    buf_fini(&attempt->body);
}
