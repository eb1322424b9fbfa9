/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/stream.c - events in, plans carried out.
 */
#include "proxy/wire/stream.h"

#include "base/ns.h"
#include "proxy/core/stats.h"
#include "proxy/model/limits.h"
#include "proxy/wire/downstream.h"
#include "proxy/wire/downstream_h2.h"
#include "proxy/wire/facts.h"
#include "proxy/wire/known.h"
#include "proxy/wire/receive.h"
#include "proxy/wire/response.h"

/* The first block holds a usual request's and response's heads. */
#define ARENA_BLOCK_BYTES (8u * 1024)
#define KEPT_BODY_BYTES_MAX (64u * 1024)
#define GRPC_DEADLINE_EXCEEDED 4u

static void make(struct stream *stream, struct wire *wire, uint32_t number)
{
    stream->wire = wire;
    stream->number = number;
    arena_init(&stream->arena, ARENA_BLOCK_BYTES, 0);
    arena_init(&stream->trace_arena, ARENA_BLOCK_BYTES, 0);
    buf_init(&stream->body, STREAM_BODY_BYTES_MAX);
    list_init(&stream->mirrors);
    list_init(&stream->done);
    list_init(&stream->lent);
    timer_init(&stream->timer, TIMER_STREAM);
}

static void count(const struct stream *stream, enum http_stat stat)
{
    stream->xc.setup.http_stats->counters[stat]++;
}

/* Envoy's router passes the first of these on, and no other (ENVOY.md 3.5). */
static void pass_interim(struct stream *stream, const struct response_head *head)
{
    bool is_known = head->status == 100 || (head->status >= 102 && head->status <= 104);
    if (!is_known || stream->is_interim_sent || !stream->xc.setup.http->is_proxying_100_continue)
        return;
    stream->is_interim_sent = true;
    response_send_interim(stream, head);
}

static inline void carry_out(struct stream *stream, const struct xc_action *action)
{
    ASSERT(!stream->is_finished);
    switch (action->kind) {
    case XC_ATTEMPT:
        attempt_open(stream, action);
        return;
    case XC_ABANDON:
        if (stream->attempt != NULL && stream->attempt->ordinal == action->attempt)
            attempt_abandon(stream->attempt);
        return;
    case XC_FORWARD_INTERIM:
        pass_interim(stream, action->response);
        return;
    case XC_FORWARD:
        response_send_head(stream, action->response, action->is_end);
        return;
    case XC_REPLY:
        response_send_reply(stream, action->response, action->body);
        return;
    case XC_CUT:
        stream->is_cut = true;
        /* Envoy counts each reset as one that was received, too. */
        count(stream, STAT_HTTP_downstream_rq_tx_reset);
        return;
    case XC_MIRROR:
        for (uint32_t i = 0; i < action->mirror_count; i++)
            attempt_open_mirror(stream, action->request, action->mirrors[i]);
        return;
    case XC_FINISH:
        stream_finish(stream);
        return;
    }
    UNREACHABLE("xc_action_kind");
}

static void carry_out_all(struct stream *stream, const struct xc_plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++)
        carry_out(stream, &plan->items[i]);
}

static void step(struct stream *stream, const struct xc_event *event)
{
    struct xc_plan plan;
    exchange_step(&stream->xc, event, stream->wire->now_ns, &plan);
    carry_out_all(stream, &plan);
}

/* A tunnel has none of the route's clock any more. */
static inline void set_timer(struct stream *stream)
{
    int64_t wake_ns = stream->is_tunnel ? NS_NEVER : exchange_wake_ns(&stream->xc);
    wake_ns = ns_min(wake_ns, deadlines_next_ns(&stream->deadlines));
    timer_set(&stream->wire->timers, &stream->timer, wake_ns);
}

void stream_pump(struct stream *stream)
{
    if (stream->attempt != NULL && attempt_pump(stream->attempt))
        exchange_note_sent(&stream->xc, stream->attempt->ordinal);
}

static inline void pump_last(struct stream *stream)
{
    if (stream->event_count == 0 && !stream->is_finished)
        stream_pump(stream);
}

/* What arose while a plan was carried out. */
static inline void step_queued(struct stream *stream)
{
    while (stream->event_count > 0 && !stream->is_finished) {
        struct xc_event next = stream->events[stream->event_first];
        stream->event_first = (stream->event_first + 1) % STREAM_EVENTS_MAX;
        stream->event_count--;
        step(stream, &next);
        pump_last(stream);
    }
    stream->is_stepping = false;
    if (!stream->is_finished)
        set_timer(stream);
}

struct stream *stream_take(struct conn *down)
{
    uint32_t number;
    struct stream *stream = slots_take(&down->wire->streams, &number);
    if (stream->wire == NULL)
        make(stream, down->wire, number);
    ASSERT(!stream->is_started);
    ASSERT(stream->attempt == NULL);
    stream->reign = reign_hold(down->reign);
    stream->down = down;
    stream->down_number = down->number;
    return stream;
}

void stream_give(struct stream *stream)
{
    list_remove(&stream->done);
    stream->is_given_up = stream->whole_count > 0;
    if (stream->is_given_up)
        return;
    ASSERT(!stream->is_started || stream->is_finished);
    ASSERT(stream->attempt == NULL);
    ASSERT(stream->down == NULL);
    ASSERT(list_is_empty(&stream->mirrors));
    arena_reset(&stream->arena);
    arena_reset(&stream->trace_arena);
    buf_clear(&stream->body);
    if (stream->body.capacity > KEPT_BODY_BYTES_MAX)
        buf_shrink(&stream->body);
    stream->event_first = stream->event_count = 0;
    stream->body_sent_bytes = 0;
    stream->method = STR_EMPTY;
    stream->is_started = stream->is_session = stream->is_request_complete = false;
    stream->is_http10 = stream->is_upgrade = stream->is_tunnel = false;
    stream->is_responding = stream->is_reply = stream->is_cut = stream->is_body_lost = false;
    stream->is_client_gone = stream->is_upgrade_counted = false;
    stream->is_interim_sent = stream->is_read_whole = stream->is_again = false;
    stream->whole = NULL;
    stream->known = NULL, stream->request_trailers = NULL;
    stream->is_in_head = false;
    stream->has_body = stream->is_stepping = stream->is_finished = false;
    reign_drop(stream->reign);
    stream->reign = NULL;
    slots_give(&stream->wire->streams, stream->number);
}

void stream_fini(struct stream *stream)
{
    if (stream->wire == NULL)
        return;
    arena_fini(&stream->arena);
    arena_fini(&stream->trace_arena);
    buf_fini(&stream->body);
}

/* A message that is sent whole may outlive the connection. */
static struct str node_address_of(struct stream *stream)
{
    struct str address = stream->down->down.peer.node_address;
    if (stream->known != NULL)
        return stream->known->node_address;
    return stream->wire->options.is_giving_wholes ? arena_str(&stream->arena, address) : address;
}

static inline void note_started(struct stream *stream)
{
    stream->is_started = true;
    stream->wire->exchange_count++;
    count(stream, STAT_HTTP_downstream_rq_total);
    count(stream, stream->h2 != NULL ? STAT_HTTP_downstream_rq_http2_total
                                     : STAT_HTTP_downstream_rq_http1_total);
    count(stream, STAT_HTTP_downstream_rq_active);
}

void stream_start(struct stream *stream)
{
    struct wire *wire = stream->wire;
    const struct conn_downstream *down = &stream->down->down;
    ASSERT(!stream->is_started);
    bool is_traced = wire->options.is_recording_traces;
    if (is_traced)
        trace_init(&stream->trace, &stream->trace_arena, wire->options.trace_items_max);
    struct record_downstream downstream =
        facts_downstream(stream->down, stream->known, &stream->arena);
    struct xc_setup setup = {
        .engine = stream->reign->engine,
        .listener = down->listener,
        .http = down->http,
        .http_stats = stream->down->tally.http,
        .jwt_verify = wire->options.jwt_verify,
        .has_original = down->original_address.len > 0,
        .arena = &stream->arena,
        .trace = is_traced ? &stream->trace : NULL,
        .downstream = &downstream,
        .node_address = node_address_of(stream),
        .memo = is_traced || stream->known == NULL ? NULL : &stream->known->memo,
    };
    exchange_init(&stream->xc, &setup, wire->now_ns);
    note_started(stream);
    deadlines_start(&stream->deadlines, down->http, wire->now_ns);
    set_timer(stream);
}

bool stream_begin_again(struct stream *stream)
{
    struct wire *wire = stream->wire;
    const struct conn_downstream *down = &stream->down->down;
    struct request_memo *memo = &stream->known->memo;
    struct xc_again again;
    struct xc_plan plan;
    if (wire->options.is_recording_traces || down->peer.server_name.len > 0 ||
        down->peer.certificate != NULL || !exchange_recall(stream->reign->engine, memo, &again))
        return false;
    again.request_id = receive_new_id(stream, memo);
    again.arena = &stream->arena;
    again.connection_id = stream->down->id;
    again.remote_port = down->peer.remote_port;
    again.has_original = down->original_address.len > 0;
    stream->is_stepping = stream->is_in_head = true;
    stream->is_request_complete = stream->is_again = true;
    exchange_begin_again(&stream->xc, &again, wire->now_ns, &plan);
    note_started(stream);
    stream->method = stream->xc.record.method;
    deadlines_start(&stream->deadlines, down->http, wire->now_ns);
    deadlines_note_head(&stream->deadlines);
    deadlines_note_request_over(&stream->deadlines);
    deadlines_note_route(&stream->deadlines, memo->route, wire->now_ns);
    carry_out_all(stream, &plan);
    pump_last(stream);
    step_queued(stream);
    stream->is_in_head = false;
    return true;
}

void stream_tell(struct stream *stream, const struct xc_event *event)
{
    ASSERT(stream->is_started);
    if (stream->is_finished)
        return;
    if (stream->is_stepping) {
        ASSERT(stream->event_count < STREAM_EVENTS_MAX);
        stream->events[(stream->event_first + stream->event_count++) % STREAM_EVENTS_MAX] = *event;
        return;
    }
    stream->is_stepping = true;
    step(stream, event);
    pump_last(stream);
    step_queued(stream);
}

void stream_note_ready(struct stream *stream, bool is_reused)
{
    if (stream->xc.spoilt.len > 0) {
        stream_tell(stream, &(struct xc_event){.kind = XC_EVENT_ATTEMPT_READY,
                                               .attempt = stream->attempt->ordinal,
                                               .is_reused = is_reused});
        return;
    }
    exchange_note_ready(&stream->xc, stream->attempt->ordinal, is_reused, stream->wire->now_ns);
    /* Whoever carries out a plan pumps, and sets the timer, after it. */
    if (stream->is_stepping)
        return;
    stream_pump(stream);
    set_timer(stream);
}

/* ENVOY.md 1.8: nothing but websocket is ever allowed. */
static bool is_upgrade_allowed(const struct stream *stream, const struct request_head *head)
{
    struct str protocol;
    return stream->xc.setup.http->has_websocket &&
           header_get(&head->headers, STR("upgrade"), &protocol) &&
           str_eq_ci(protocol, STR("websocket"));
}

static void refuse(struct stream *stream, struct request_head *head,
                   const struct pipeline_answer *answer)
{
    if (answer->is_closing && stream->h2 == NULL)
        stream->down->down.is_last = true;
    if (str_eq(answer->details, STR("absolute_path_rejected")))
        count(stream, STAT_HTTP_downstream_rq_non_relative_path);
    if (str_eq(answer->details, STR("path_normalization_failed")))
        count(stream, STAT_HTTP_downstream_rq_failed_path_normalization);
    stream_tell(stream, &(struct xc_event){
                            .kind = XC_EVENT_REQUEST_REFUSED,
                            .request = head,
                            .is_end = stream->is_request_complete,
                            .status = answer->status,
                            .details = answer->details,
                            .body = answer->body,
                            .flag = answer->flag,
                        });
}

/* `is_known`: it is as the pipeline left it. */
static void take_head(struct stream *stream, const struct h1_event *event, bool is_known)
{
    struct conn_downstream *down = &stream->down->down;
    struct request_head *head = event->request;
    deadlines_note_head(&stream->deadlines);
    stream_note_progress(stream);
    stream->is_http10 = head->version == HTTP_1_0;
    stream->method = head->method;
    stream->is_upgrade = event->is_upgrade && is_upgrade_allowed(stream, head);
    /* What follows the head of an upgrade is its body, without an end. */
    bool is_end = event->is_end && !event->is_upgrade;
    stream->has_body = !is_end;
    if (!event->is_keep_alive || event->is_close_nominated)
        down->is_last = true;
    response_answer_expectation(stream, head);
    struct pipeline_answer answer = {0};
    if (!is_known)
        answer = receive_head(stream, event);
    stream->is_request_complete = is_end;
    if (answer.is_refused) {
        refuse(stream, head, &answer);
        return;
    }
    bool is_upgrade_refused = event->is_upgrade && !stream->is_upgrade;
    if (is_end)
        deadlines_note_request_over(&stream->deadlines);
    if (stream->is_upgrade)
        response_count_upgrade(stream);
    stream_tell(stream, &(struct xc_event){
                            .kind = XC_EVENT_REQUEST_HEAD,
                            .request = head,
                            .is_end = is_end,
                            .status = is_upgrade_refused ? 403 : 0,
                            .details = STR("upgrade_failed"),
                        });
    if (is_upgrade_refused && stream->xc.record.route != NULL)
        count(stream, STAT_HTTP_downstream_rq_ws_on_non_ws_route);
    if (stream->is_finished)
        return;
    deadlines_note_route(&stream->deadlines, stream->xc.record.route, stream->wire->now_ns);
    set_timer(stream);
    /* An upgrade's request is complete for the route's clock (ENVOY.md 15.1). */
    if (stream->is_upgrade)
        stream_tell(stream, &(struct xc_event){.kind = XC_EVENT_REQUEST_END});
}

void stream_note_head(struct stream *stream, const struct h1_event *event)
{
    stream->is_in_head = true;
    take_head(stream, event, false);
    stream->is_in_head = false;
}

void stream_note_known_head(struct stream *stream, const struct h1_event *event)
{
    stream->is_in_head = true;
    take_head(stream, event, true);
    stream->is_in_head = false;
}

void stream_note_bad(struct stream *stream, const struct h1_event *event)
{
    stream->down->down.is_last = true;
    stream_tell(stream, &(struct xc_event){
                            .kind = XC_EVENT_REQUEST_REFUSED,
                            .status = event->status,
                            .details = event->details,
                            .body = event->body,
                            .flag = STR("DPE"),
                        });
}

void stream_note_client_gone(struct stream *stream, struct str flag, struct str details)
{
    count(stream, STAT_HTTP_downstream_rq_rx_reset);
    stream->is_client_gone = true;
    stream_tell(stream,
                &(struct xc_event){.kind = XC_EVENT_CLIENT_GONE, .flag = flag, .details = details});
    ASSERT(stream->is_finished);
}

void stream_note_progress(struct stream *stream)
{
    deadlines_note_progress(&stream->deadlines, stream->wire->now_ns);
}

void stream_note_responding(struct stream *stream)
{
    deadlines_note_request_over(&stream->deadlines);
    stream_note_progress(stream);
}

/* Begun responses are cut, the others answered. */
static void expire(struct stream *stream, enum deadline due)
{
    struct deadline_reply reply = deadline_reply(due, stream->is_request_complete);
    count(stream, reply.stat);
    stream_tell(stream, &(struct xc_event){
                            .kind = XC_EVENT_REQUEST_REFUSED,
                            .is_end = stream->is_request_complete,
                            .status = reply.status,
                            .grpc_status = due == DEADLINE_DURATION ? GRPC_DEADLINE_EXCEEDED : 0,
                            .details = reply.details,
                            .body = reply.body,
                            .flag = reply.flag,
                        });
}

void stream_wake(struct stream *stream)
{
    enum deadline due = deadlines_due(&stream->deadlines, stream->wire->now_ns);
    if (due != DEADLINE_NONE)
        expire(stream, due);
    else if (stream->is_tunnel) /* the route's clock, set before */
        set_timer(stream);
    else
        stream_tell(stream, &(struct xc_event){.kind = XC_EVENT_WAKE});
}

/* Mirrors outlive the stream when they have the whole request (ENVOY.md 3.6). */
static void let_mirrors_go(struct stream *stream)
{
    while (!list_is_empty(&stream->mirrors)) {
        struct attempt *mirror = LIST_ITEM(list_first(&stream->mirrors), struct attempt, link);
        list_remove(&mirror->link);
        attempt_abandon(mirror);
    }
}

/* Counted when it is over; its time when the client got the whole response. */
static inline void tally_stream(struct stream *stream)
{
    struct http_stats *stats = stream->xc.setup.http_stats;
    const struct record *record = &stream->xc.record;
    stats->counters[STAT_HTTP_downstream_rq_active]--;
    if (stream->is_upgrade_counted)
        stats->counters[STAT_HTTP_downstream_cx_upgrades_active]--;
    if (stream->is_responding && !stream->is_cut && stream->down != NULL)
        histogram_note(&stats->rq_time,
                       (uint64_t)((stream->wire->now_ns - record->started_ns) / NS_MS),
                       stream->wire->now_ns, &stream->reign->memory);
}

void stream_finish(struct stream *stream)
{
    struct wire *wire = stream->wire;
    ASSERT(!stream->is_finished);
    stream->is_finished = true;
    timer_stop(&stream->timer);
    if (stream->attempt != NULL)
        attempt_abandon(stream->attempt);
    let_mirrors_go(stream);
    if (stream->is_started || stream->is_session)
        wire->exchange_count--;
    if (stream->is_started)
        tally_stream(stream);
    wishes_add(&wire->wishes, (struct wish){.kind = WIRE_DONE, .stream = stream});
    struct conn *down = stream->down;
    stream->down = NULL;
    if (down != NULL && !stream->is_session)
        downstream_note_finished(down, stream);
}

const struct record *stream_record(const struct stream *stream)
{
    return stream->is_session ? &stream->session_record : &stream->xc.record;
}
