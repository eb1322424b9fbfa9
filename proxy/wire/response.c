/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/response.c - the connection manager's encoder.
 */
#include "proxy/wire/response.h"

#include "base/ns.h"
#include "proxy/core/stats.h"
#include "proxy/http/h1_head.h"
#include "proxy/http/h2.h"
#include "proxy/model/limits.h"
#include "proxy/wire/downstream.h"
#include "proxy/wire/downstream_h2.h"

static bool is_writable(const struct stream *stream)
{
    return stream->down != NULL && conn_is_open(stream->down);
}

struct str response_date(struct stream *stream)
{
    struct wire *wire = stream->wire;
    struct str text = date_text(&wire->date, wire->epoch_seconds + wire->now_ns / NS_SECOND);
    return wire->options.is_giving_wholes ? arena_str(&stream->arena, text) : text;
}

static void count(const struct stream *stream, enum http_stat stat)
{
    stream->xc.setup.http_stats->counters[stat]++;
}

static void count_status(const struct stream *stream, uint32_t status)
{
    static const enum http_stat classes[] = {
        STAT_HTTP_downstream_rq_1xx, STAT_HTTP_downstream_rq_2xx, STAT_HTTP_downstream_rq_3xx,
        STAT_HTTP_downstream_rq_4xx, STAT_HTTP_downstream_rq_5xx,
    };
    uint32_t class = status / 100;
    if (class >= 1 && class <= COUNT_OF(classes))
        count(stream, classes[class - 1]);
}

static void count_completed(const struct stream *stream, uint32_t status)
{
    count(stream, STAT_HTTP_downstream_rq_completed);
    count_status(stream, status);
}

/* Will the connection be closed after this response? The reasons are those of
 * Envoy's encodeHeaders: the client wants it, we drain, or the answer comes
 * before the request's end. */
static bool is_last_on_connection(struct stream *stream)
{
    struct conn_downstream *down = &stream->down->down;
    if (!stream->is_request_complete && !stream->is_tunnel) {
        down->is_last |= stream->h2 == NULL;
        count(stream, STAT_HTTP_downstream_rq_response_before_rq_complete);
    }
    if (stream->wire->is_draining && !down->is_last)
        count(stream, STAT_HTTP_downstream_cx_drain_close);
    if (stream->wire->is_draining)
        down->is_last = true;
    return down->is_last || down->is_idle_over;
}

/* To HTTP/1.0 a body without a length ends with the connection. */
static bool is_until_close(const struct stream *stream, const struct response_head *head,
                           bool is_end)
{
    return stream->is_http10 && stream->h2 == NULL && !is_end && head->status >= 200 &&
           head->status != 204 && head->status != 304 &&
           !header_is_present(&head->headers, STR("content-length"));
}

static void write_interim(struct stream *stream, const struct response_head *head)
{
    if (stream->h2 != NULL) {
        downstream_h2_send_head(stream, head, false);
        return;
    }
    struct h1_out framing = {.request_method = stream->method};
    enum rc rc =
        h1_write_response(&stream->down->out, head, false, false, stream->is_http10, &framing);
    ASSERT(rc == RC_OK);
    conn_written(stream->down);
}

void response_send_interim(struct stream *stream, const struct response_head *head)
{
    static const struct str hops[] = {STR_INIT("connection"), STR_INIT("keep-alive"),
                                      STR_INIT("proxy-connection"), STR_INIT("transfer-encoding"),
                                      STR_INIT("upgrade")};
    if (!is_writable(stream))
        return;
    struct response_head out = *head;
    for (size_t i = 0; i < COUNT_OF(hops); i++)
        header_remove(&out.headers, hops[i]);
    write_interim(stream, &out);
    count_completed(stream, head->status);
    stream_note_progress(stream);
}

void response_answer_expectation(struct stream *stream, struct request_head *head)
{
    struct str expect;
    if (stream->xc.setup.http->is_proxying_100_continue ||
        !header_get(&head->headers, STR("expect"), &expect) ||
        !str_eq_ci(expect, STR("100-continue")))
        return;
    header_remove(&head->headers, STR("expect"));
    struct response_head interim = {.status = 100, .version = HTTP_1_1};
    header_list_init(&interim.headers, &stream->arena);
    response_send_interim(stream, &interim);
}

/* Its body comes at once, or it has none. */
static bool is_whole(const struct stream *stream, bool is_end, bool is_last)
{
    return conn_takes_whole(stream->down) && !stream->is_tunnel && !stream->is_http10 &&
           !stream->framing.is_head_answer && !is_last && (is_end || stream->is_read_whole);
}

/* False: it is to be written. */
static bool begin_whole(struct stream *stream, const struct response_head *sent, bool is_end)
{
    struct wire_whole *whole = ARENA_NEW(&stream->arena, struct wire_whole);
    whole->sent =
        (struct h1_sent){.response = sent, .has_body = !is_end, .framing = stream->framing};
    whole->stream = stream;
    whole->sent.size = h1_frame_response(sent, !is_end, false, &whole->sent.framing);
    if (whole->sent.framing.framing == BODY_CHUNKED)
        return false;
    stream->framing = whole->sent.framing;
    if (is_end)
        conn_write_whole(stream->down, whole);
    else
        stream->whole = whole;
    return true;
}

void response_send_head(struct stream *stream, const struct response_head *head, bool is_end)
{
    if (!is_writable(stream))
        return;
    struct conn *down = stream->down;
    struct response_head out = *head;
    stream->is_tunnel =
        stream->is_upgrade && head->status == 101 && h1_head_is_upgrade(&head->headers);
    /* To Envoy an upgrade's request never completes, so there is no time to tell. */
    if (stream->is_upgrade)
        header_remove(&out.headers, STR("x-envoy-upstream-service-time"));
    pipeline_response(stream->xc.setup.http, response_date(stream), stream->is_tunnel, &out);
    if (stream->xc.decorator.len > 0)
        header_set(&out.headers, STR("x-envoy-decorator-operation"), stream->xc.decorator);
    if (is_until_close(stream, &out, is_end))
        down->down.is_last = true;
    bool is_last = is_last_on_connection(stream);
    stream->framing = (struct h1_out){.is_head_answer = str_eq(stream->method, STR("HEAD")),
                                      .request_method = stream->method};
    struct response_head *sent = ARENA_NEW(&stream->arena, struct response_head);
    *sent = out;
    if (stream->h2 != NULL) {
        downstream_h2_send_head(stream, sent, is_end);
    } else if (!is_whole(stream, is_end, is_last) || !begin_whole(stream, sent, is_end)) {
        enum rc rc = h1_write_response(&down->out, &out, !is_end, is_last && !stream->is_tunnel,
                                       stream->is_http10, &stream->framing);
        ASSERT(rc == RC_OK);
    }
    stream->xc.record.response = sent;
    stream->is_responding = true;
    stream_note_responding(stream);
    count_completed(stream, head->status);
    if (stream->h2 == NULL)
        conn_written(down);
}

bool response_may_pass(const struct stream *stream)
{
    const struct conn *down = stream->down;
    return is_writable(stream) && conn_takes_whole(down) && !conn_is_full(down) &&
           !stream->is_http10 && !stream->is_upgrade && !stream->is_responding &&
           stream->is_request_complete && !down->down.is_last && !down->down.is_idle_over &&
           !stream->wire->is_draining;
}

void response_pass(struct stream *stream, struct wire_whole *whole)
{
    stream->framing = whole->sent.framing;
    stream->xc.record.response = whole->sent.response;
    stream->is_responding = true;
    count_completed(stream, whole->sent.response->status);
    conn_write_whole(stream->down, whole);
}

void response_send_data(struct stream *stream, struct str data)
{
    if (!is_writable(stream) || !stream->is_responding)
        return;
    stream_note_progress(stream);
    if (stream->h2 != NULL) {
        downstream_h2_send_data(stream, data);
        return;
    }
    if (stream->is_tunnel) {
        conn_write(stream->down, data);
        return;
    }
    if (stream->whole != NULL) {
        ASSERT(stream->whole->sent.body.len == 0);
        stream->whole->sent.body = data;
        return;
    }
    enum rc rc = h1_write_data(&stream->down->out, &stream->framing, data);
    ASSERT(rc == RC_OK);
    conn_written(stream->down);
}

/* Its body is there. Of an answer that must have none (304) nothing of it counts. */
static void send_whole(struct stream *stream)
{
    struct h1_sent *sent = &stream->whole->sent;
    if (sent->framing.framing == BODY_NONE)
        sent->body = STR_EMPTY;
    sent->size += sent->body.len;
    conn_write_whole(stream->down, stream->whole);
    stream->whole = NULL;
}

bool response_is_full(const struct stream *stream)
{
    return stream->down != NULL && (conn_is_full(stream->down) ||
                                    (stream->h2 != NULL && h2_stream_waiting_bytes(stream->h2) >=
                                                               LIMIT_CONNECTION_BUFFER_BYTES));
}

bool response_has_room(const struct stream *stream)
{
    return stream->down == NULL || (conn_has_room(stream->down) &&
                                    (stream->h2 == NULL || h2_stream_waiting_bytes(stream->h2) <=
                                                               LIMIT_CONNECTION_BUFFER_BYTES / 2));
}

void response_send_end(struct stream *stream, const struct header_list *trailers)
{
    if (!is_writable(stream) || !stream->is_responding || stream->is_tunnel)
        return;
    if (stream->h2 != NULL) {
        downstream_h2_send_end(stream, trailers);
        return;
    }
    if (stream->whole != NULL) {
        send_whole(stream);
        return;
    }
    enum rc rc = h1_write_end(&stream->down->out, &stream->framing, NULL);
    ASSERT(rc == RC_OK);
    conn_written(stream->down);
}

void response_send_reply(struct stream *stream, const struct response_head *head, struct str body)
{
    bool is_head_alone = body.len == 0;
    stream->is_reply = true;
    stream->is_read_whole = true; /* it is here to its end */
    response_send_head(stream, head, is_head_alone);
    if (!is_head_alone)
        response_send_data(stream, body);
    if (!is_head_alone || stream->h2 == NULL)
        response_send_end(stream, NULL);
}

void response_count_reset(const struct stream *stream, bool is_early)
{
    if ((is_early || stream->is_cut) && !stream->is_client_gone)
        count(stream, STAT_HTTP_downstream_rq_rx_reset);
}

void response_count_upgrade(struct stream *stream)
{
    count(stream, STAT_HTTP_downstream_cx_upgrades_total);
    count(stream, STAT_HTTP_downstream_cx_upgrades_active);
    stream->is_upgrade_counted = true;
}
