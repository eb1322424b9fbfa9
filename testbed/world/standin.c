/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/standin.c - one connection's life as a state machine:
 *
 *   HEAD -> BODY -> LATENCY -> CALLS -> ANSWER <-> PAUSE
 *    ^                                    v
 *    └───────────────────────────────── ENDING -> SILENCE, ECHO, OVER
 *
 * Reading stops while an answer is under way: what comes then is held.
 */
#include "testbed/world/standin_parts.h"

#include "base/bytes.h"
#include "base/check.h"
#include "testbed/world/standin_h2.h"

#define HOP_FAILED_STATUS 502u                     /* whom the application asked did not answer */
#define OUT_BYTES_MAX (STANDIN_HELD_BYTES_MAX * 4) /* a head, or what a websocket echoes */

static const struct world_pod *pod_of(const struct standin *standin)
{
    return &standin->world->pods[standin->pod];
}

static void begin_request(struct standin *standin)
{
    arena_reset(&standin->scratch);
    reading_begin(&standin->reading, &standin->scratch);
    standin->state = STANDIN_IN_HEAD;
    standin->whole = NULL;
    standin->seen = (struct sighting_ref){0};
    standin->body_bytes = 0;
    buf_clear(&standin->body);
}

static void give_up(struct standin *standin)
{
    standin->ending = STANDIN_THEN_CLOSE;
    standin->ending_delay_ns = 0;
    standin->state = STANDIN_IN_ENDING;
    standin->wake_ns = 0;
}

/* False: a length that is none. */
static bool expect_body(struct standin *standin)
{
    struct str value;
    if (standin_head_header(standin, STR("transfer-encoding"), &value) &&
        str_eq_ci(value, STR("chunked"))) {
        reading_expect(&standin->reading, READING_BODY_CHUNKED, 0);
        return true;
    }
    uint64_t length_bytes = 0;
    if (standin->is_stream) {
        reading_expect(&standin->reading, READING_BODY_UNTIL_CLOSE, 0);
        return true;
    }
    if (standin_head_header(standin, STR("content-length"), &value) && value.len > 0 &&
        !str_to_u64(value, UINT64_MAX, &length_bytes))
        return false;
    reading_expect(&standin->reading, READING_BODY_LENGTH, length_bytes);
    return true;
}

static void note_request(struct standin *standin, bool is_mirror)
{
    struct world_pod *pod = &standin->world->pods[standin->pod];
    pod->mirror_count += is_mirror;
    pod->request_count += !is_mirror;
    if (sighting_log_is_open(standin->log))
        standin->seen = sighting_log_note(standin->log, standin->pod, standin->number,
                                          standin->server_name, is_mirror, &standin->head);
    bytes_copy(&standin->answer, world_next_answer(standin->world, standin->pod),
               sizeof(standin->answer));
    standin_put_interim(standin);
}

static void take_head(struct standin *standin, const struct reading_event *event)
{
    standin->head = *event;
    if (str_find(event->line, ' ') == STR_NONE) {
        give_up(standin);
        return;
    }
    note_request(standin, standin_is_mirror(standin));
    standin->state = STANDIN_IN_BODY;
    if (!expect_body(standin))
        give_up(standin);
}

static void take_data(struct standin *standin, struct str data)
{
    standin->body_bytes += data.len;
    bool is_wanted = standin->answer.is_echo || standin->seen.generation != 0;
    size_t room_bytes = CALL_BODY_KEPT_MAX - buf_size(&standin->body);
    if (is_wanted && room_bytes > 0)
        ASSERT(buf_append(&standin->body, str_slice(data, 0, room_bytes)) == RC_OK);
}

/* The request is complete, or as complete as it will ever be. */
static void take_end(struct standin *standin, const struct reading_event *event, int64_t now_ns)
{
    sighting_log_note_end(standin->log, standin->seen, buf_str(&standin->body), standin->body_bytes,
                          event);
    standin->state = STANDIN_IN_LATENCY;
    standin->called_count = 0;
    standin->is_calling = false;
    if (!world_answer_due(standin->world, standin->pod, &standin->answer, now_ns,
                          &standin->wake_ns)) {
        standin->answer = (struct answer){.status = 503};
        standin->wake_ns = now_ns;
    }
}

static void take_tls(struct standin *standin)
{
    standin_put(standin,
                STR("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
    give_up(standin);
}

/* Reads until the answer is due or the input is used up. */
static void take_input(struct standin *standin, struct str *input, int64_t now_ns)
{
    while (standin->state == STANDIN_IN_HEAD || standin->state == STANDIN_IN_BODY) {
        struct reading_event event;
        switch (reading_next(&standin->reading, input, &event)) {
        case READING_MORE:
            return;
        case READING_TLS:
            take_tls(standin);
            break;
        case READING_HEAD:
            take_head(standin, &event);
            break;
        case READING_DATA:
            take_data(standin, event.data);
            break;
        case READING_END:
            take_end(standin, &event, now_ns);
            break;
        case READING_BAD:
            if (standin->state == STANDIN_IN_HEAD)
                give_up(standin);
            else
                take_end(standin, &event, now_ns);
            break;
        }
    }
}

static void echo(struct standin *standin, struct str bytes)
{
    standin_forget_given(standin);
    if (buf_append(&standin->out, bytes) != RC_OK)
        give_up(standin); /* a peer that sends and does not read */
}

/* What was held while the answer was under way. */
static void take_held(struct standin *standin, int64_t now_ns)
{
    struct str input = buf_str(&standin->held);
    size_t before_bytes = input.len;
    if (standin->state == STANDIN_IN_ECHO) {
        echo(standin, input);
        input.len = 0;
    } else if (input.len > 0) {
        take_input(standin, &input, now_ns);
    }
    buf_consume(&standin->held, before_bytes - input.len);
    if (standin->has_eof && standin->state == STANDIN_IN_HEAD)
        give_up(standin);
    if (standin->has_eof && standin->state == STANDIN_IN_BODY)
        take_end(standin, &(struct reading_event){0}, now_ns);
}

static bool finish(struct standin *standin, struct standin_action *action,
                   enum standin_action_kind kind)
{
    standin->state = STANDIN_OVER;
    action->kind = kind;
    action->bytes = STR_EMPTY;
    return true;
}

/* Everything is written and the time has come; true: an action. */
static bool end_answer(struct standin *standin, int64_t now_ns, struct standin_action *action)
{
    switch (standin->ending) {
    case STANDIN_THEN_KEEP:
        begin_request(standin);
        take_held(standin, now_ns);
        return false;
    case STANDIN_THEN_CLOSE:
        return finish(standin, action, STANDIN_CLOSE);
    case STANDIN_THEN_RESET:
        return finish(standin, action, STANDIN_RESET);
    case STANDIN_THEN_SILENCE:
        standin->state = STANDIN_IN_SILENCE;
        if (standin->has_eof || buf_size(&standin->held) > 0)
            give_up(standin);
        return false;
    case STANDIN_THEN_ECHO:
        standin->state = STANDIN_IN_ECHO;
        take_held(standin, now_ns);
        return false;
    }
    UNREACHABLE("standin_ending");
}

/* Bytes that stand in `out` and belong to no flow. */
static bool give_out(struct standin *standin, struct standin_action *action)
{
    if (standin->is_out_given || buf_size(&standin->out) == 0)
        return false;
    standin->is_out_given = true;
    *action = (struct standin_action){.kind = STANDIN_WRITE, .bytes = buf_str(&standin->out)};
    return true;
}

static bool is_waiting(const struct standin *standin, int64_t now_ns)
{
    return now_ns < standin->wake_ns;
}

static bool give_whole(struct standin *standin, struct standin_action *action)
{
    if (standin->whole == NULL)
        return false;
    *action = (struct standin_action){.kind = STANDIN_WHOLE, .whole = standin->whole};
    standin->whole = NULL;
    if (standin_is_at_rest_then(standin)) {
        standin->is_out_given = true;
        begin_request(standin);
    }
    return true;
}

static bool give_flow(struct standin *standin, int64_t now_ns, struct standin_action *action)
{
    struct str bytes;
    while (outflow_next(&standin->flow, &bytes)) {
        if (bytes.len > 0) {
            *action = (struct standin_action){.kind = STANDIN_WRITE, .bytes = bytes};
            return true;
        }
    }
    bool is_paused = outflow_is_paused(&standin->flow);
    standin->state = is_paused ? STANDIN_IN_PAUSE : STANDIN_IN_ENDING;
    int64_t pause_ns = standin->answer.trickle_bytes > 0 ? standin->answer.trickle_every_ns
                                                         : standin->answer.body_latency_ns;
    int64_t delay_ns = is_paused ? pause_ns : standin->ending_delay_ns;
    standin->wake_ns = ns_add(now_ns, delay_ns);
    if (!is_paused)
        standin->is_out_given = true;
    return false;
}

void standin_init(struct standin *standin, struct world *world, struct sighting_log *log)
{
    *standin = (struct standin){.world = world, .log = log, .state = STANDIN_OVER};
    reading_init(&standin->reading);
    arena_init(&standin->scratch, 1024, 0);
    buf_init(&standin->held, STANDIN_HELD_BYTES_MAX);
    buf_init(&standin->out, OUT_BYTES_MAX);
    buf_init(&standin->body, CALL_BODY_KEPT_MAX);
}

void standin_fini(struct standin *standin)
{
    reading_fini(&standin->reading);
    arena_fini(&standin->scratch);
    buf_fini(&standin->held);
    buf_fini(&standin->out);
    buf_fini(&standin->body);
    standin_h2_fini(standin);
}

void standin_begin(struct standin *standin, uint32_t pod, uint32_t number)
{
    ASSERT(pod < standin->world->pod_count);
    standin->pod = pod;
    standin->number = number;
    standin->has_eof = false;
    standin->is_stream = standin->is_spoken_to = false;
    standin_h2_end(standin);
    standin->server_name = STR_EMPTY;
    standin->wake_ns = 0;
    standin->is_out_given = false;
    buf_clear(&standin->held);
    buf_clear(&standin->out);
    begin_request(standin);
    enum answer_act act = pod_of(standin)->behaviour.answer.act;
    if (act == ACT_ACCEPT_CLOSE || act == ACT_ACCEPT_RESET) {
        give_up(standin);
        standin->ending = act == ACT_ACCEPT_CLOSE ? STANDIN_THEN_CLOSE : STANDIN_THEN_RESET;
    }
}

void standin_secured(struct standin *standin, struct str server_name)
{
    struct str kept = str_slice(server_name, 0, sizeof(standin->server_name_text));
    if (kept.len > 0)
        memcpy(standin->server_name_text, kept.ptr, kept.len);
    standin->server_name = (struct str){standin->server_name_text, kept.len};
}

void standin_read(struct standin *standin, struct str bytes, int64_t now_ns)
{
    bool is_more = false;
    if (standin->state == STANDIN_OVER || standin_h2_read(standin, bytes, now_ns, &is_more))
        return;
    if (is_more) {
        take_held(standin, now_ns);
        return;
    }
    if (standin->state == STANDIN_IN_SILENCE) {
        give_up(standin);
        return;
    }
    if (buf_size(&standin->held) == 0)
        take_input(standin, &bytes, now_ns);
    if (standin->state == STANDIN_IN_ECHO)
        echo(standin, bytes);
    else if (bytes.len > 0 && buf_append(&standin->held, bytes) != RC_OK)
        give_up(standin);
}

/* Nothing of the head is wanted but what is asked here. */
static bool takes_whole(const struct standin *standin, const struct h1_sent *sent)
{
    return standin->state == STANDIN_IN_HEAD && !world_pod_is_http2(pod_of(standin)) &&
           !reading_is_started(&standin->reading) && buf_size(&standin->held) == 0 &&
           !sighting_log_is_open(standin->log) && !pod_of(standin)->is_reading_heads &&
           !sent->has_body && !str_eq(sent->request->method, STR("HEAD")) &&
           !header_is_present(&sent->request->headers, STR("expect")) &&
           !header_is_present(&sent->request->headers, STR("connection"));
}

bool standin_read_whole(struct standin *standin, const struct h1_sent *sent, int64_t now_ns)
{
    if (!takes_whole(standin, sent))
        return false;
    standin->head = (struct reading_event){0};
    note_request(standin, standin_is_whole_mirror(standin, &sent->request->headers));
    take_end(standin, &standin->head, now_ns);
    return true;
}

void standin_eof(struct standin *standin, int64_t now_ns)
{
    standin->has_eof = !standin->is_stream; /* there it ends the request alone */
    if (standin->is_stream && standin->state == STANDIN_IN_BODY)
        take_end(standin, &(struct reading_event){0}, now_ns);
    if (standin->is_stream)
        return;
    if (standin->state == STANDIN_IN_STREAMS)
        give_up(standin);
    if (standin->state == STANDIN_IN_HEAD || standin->state == STANDIN_IN_BODY)
        take_held(standin, now_ns);
    else if (standin->state == STANDIN_IN_SILENCE)
        give_up(standin);
}

void standin_broken(struct standin *standin)
{
    standin->state = STANDIN_OVER;
}

void standin_called(struct standin *standin, uint32_t number, const struct outcome *outcome)
{
    if (standin->number == number && standin->state == STANDIN_IN_STREAMS) {
        standin_h2_called(standin, outcome);
        return;
    }
    if (standin->number != number || standin->state != STANDIN_IN_CALLS || !standin->is_calling)
        return;
    standin->is_calling = false;
    bool is_failure = outcome->error != CALL_OK || outcome->status >= 500;
    bool is_ignored = standin->answer.calls[standin->called_count].is_ignoring_errors;
    standin->called_count++;
    if (!is_failure || is_ignored)
        return;
    uint32_t status = outcome->error == CALL_OK ? outcome->status : HOP_FAILED_STATUS;
    standin->answer = (struct answer){.status = status};
    standin->called_count = 0;
}

int64_t standin_wake_ns(const struct standin *standin)
{
    if (standin->state == STANDIN_IN_STREAMS)
        return standin_h2_wake_ns(standin);
    bool is_timed = standin->state == STANDIN_IN_LATENCY || standin->state == STANDIN_IN_PAUSE ||
                    standin->state == STANDIN_IN_ENDING;
    return is_timed ? standin->wake_ns : NS_NEVER;
}

void standin_wake(struct standin *standin, int64_t now_ns)
{
    if (is_waiting(standin, now_ns))
        return;
    if (standin->state == STANDIN_IN_LATENCY) {
        standin->state = STANDIN_IN_CALLS;
    } else if (standin->state == STANDIN_IN_PAUSE) {
        outflow_go_on(&standin->flow);
        standin->state = STANDIN_IN_ANSWER;
    }
}

bool standin_next(struct standin *standin, int64_t now_ns, struct standin_action *action)
{
    for (;;) {
        switch (standin->state) {
        case STANDIN_IN_HEAD:
        case STANDIN_IN_BODY:
        case STANDIN_IN_SILENCE:
            return give_out(standin, action);
        case STANDIN_IN_LATENCY:
        case STANDIN_IN_PAUSE:
            if (is_waiting(standin, now_ns))
                return standin->state == STANDIN_IN_LATENCY && give_out(standin, action);
            standin_wake(standin, now_ns);
            break;
        case STANDIN_IN_CALLS:
            if (standin_ask_next(standin, action))
                return true;
            if (standin->state == STANDIN_IN_CALLS)
                return give_out(standin, action);
            break;
        case STANDIN_IN_ANSWER:
            if (give_whole(standin, action) || give_flow(standin, now_ns, action))
                return true;
            break;
        case STANDIN_IN_ENDING:
            if (give_out(standin, action))
                return true;
            if (is_waiting(standin, now_ns))
                return false;
            if (end_answer(standin, now_ns, action))
                return true;
            break;
        case STANDIN_IN_ECHO:
            if (give_out(standin, action))
                return true;
            return standin->has_eof && finish(standin, action, STANDIN_CLOSE);
        case STANDIN_IN_STREAMS:
            return standin_h2_next(standin, now_ns, action);
        case STANDIN_OVER:
            return false;
        }
    }
}

bool standin_is_over(const struct standin *standin)
{
    return standin->state == STANDIN_OVER;
}
