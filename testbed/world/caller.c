/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/caller.c - see caller.h.
 *
 *   IDLE -> CONNECT -> HEAD -> BODY or TALK -> DONE -> (kept) IDLE
 *                       ^ │
 *                       └─┘ 1xx
 */
#include "testbed/world/caller.h"

#include "base/bytes.h"
#include "base/check.h"
#include "testbed/world/request.h"

static void finish(struct caller *caller, enum call_error error, int64_t now_ns)
{
    caller->outcome->error = error;
    caller->outcome->duration_ns = now_ns - caller->started_ns;
    caller->is_kept = error == CALL_OK && !caller->is_closing;
    caller->state = CALLER_DONE;
    caller->wake_ns = NS_NEVER;
}

/* What of the body was received to its end, or to the peer's. */
static void take_body(struct caller *caller)
{
    caller->outcome->body = arena_str(caller->arena, buf_str(&caller->body));
    caller->outcome->body_size = caller->body_bytes;
}

static void keep_body(struct caller *caller, struct str data)
{
    caller->body_bytes += data.len;
    size_t room_bytes = CALL_BODY_KEPT_MAX - buf_size(&caller->body);
    if (room_bytes > 0)
        ASSERT(buf_append(&caller->body, str_slice(data, 0, room_bytes)) == RC_OK);
}

/* "HTTP/1.1 200 OK" */
static bool read_status(struct str line, struct str *version, uint32_t *status, struct str *reason)
{
    struct str rest = line;
    *version = str_cut(&rest, ' ');
    if (rest.ptr == NULL)
        return false;
    uint64_t number;
    if (!str_to_u64(str_cut(&rest, ' '), 99999, &number))
        return false;
    *status = (uint32_t)number;
    *reason = rest;
    return true;
}

static void note_interim(struct caller *caller, uint32_t status)
{
    struct outcome *outcome = caller->outcome;
    if (outcome->interim_count < COUNT_OF(outcome->interim))
        outcome->interim[outcome->interim_count++] = status;
    if (caller->is_holding && status == 100) {
        caller->is_holding = false;
        caller->flow = caller->late;
    }
    reading_begin(&caller->reading, caller->arena);
}

static bool is_closing(const struct outcome *outcome)
{
    struct str value;
    if (str_eq(outcome->version, STR("HTTP/1.0")))
        return true;
    return reading_header(outcome->headers, outcome->header_count, STR("connection"), &value) &&
           str_eq_ci(value, STR("close"));
}

static void say_next(struct caller *caller, int64_t now_ns)
{
    if (caller->said_count == caller->call->say_count) {
        take_body(caller);
        caller->is_closing = true;
        finish(caller, CALL_OK, now_ns);
        return;
    }
    outflow_init(&caller->flow);
    outflow_add(&caller->flow, caller->call->say[caller->said_count]);
    caller->said_count++;
    caller->wake_ns = ns_add(now_ns, CALLER_SAY_PATIENCE_NS);
}

/* False: a content-length that is none. */
static bool expect_body(struct caller *caller)
{
    const struct outcome *outcome = caller->outcome;
    struct str value;
    uint64_t length_bytes = 0;
    if (str_eq(request_method(caller->call), STR("HEAD")) || outcome->status == 204 ||
        outcome->status == 304) {
        reading_expect(&caller->reading, READING_BODY_NONE, 0);
    } else if (reading_header(outcome->headers, outcome->header_count, STR("transfer-encoding"),
                              &value) &&
               value.len > 0) {
        reading_expect(&caller->reading, READING_BODY_CHUNKED, 0);
    } else if (reading_header(outcome->headers, outcome->header_count, STR("content-length"),
                              &value)) {
        if (!str_to_u64(value, UINT64_MAX, &length_bytes))
            return false;
        reading_expect(&caller->reading, READING_BODY_LENGTH, length_bytes);
    } else {
        caller->is_closing = true;
        reading_expect(&caller->reading, READING_BODY_UNTIL_CLOSE, 0);
    }
    return true;
}

static void take_head(struct caller *caller, const struct reading_event *event, int64_t now_ns)
{
    struct outcome *outcome = caller->outcome;
    struct str version, reason;
    uint32_t status;
    if (!read_status(event->line, &version, &status, &reason)) {
        finish(caller, CALL_INVALID_RESPONSE, now_ns);
        return;
    }
    if (status >= 100 && status < 200 && status != 101) {
        note_interim(caller, status);
        return;
    }
    outcome->has_response = true;
    outcome->version = version;
    outcome->status = status;
    outcome->reason = reason;
    outcome->headers = event->headers;
    outcome->header_count = event->header_count;
    caller->is_closing = is_closing(outcome);
    if (status == 101) {
        caller->state = CALLER_IN_TALK;
        caller->said_count = 0;
        say_next(caller, now_ns);
        return;
    }
    caller->state = CALLER_IN_BODY;
    if (!expect_body(caller))
        finish(caller, CALL_INVALID_RESPONSE, now_ns);
}

static void take_end(struct caller *caller, const struct reading_event *event, int64_t now_ns)
{
    take_body(caller);
    caller->outcome->trailers = event->trailers;
    caller->outcome->trailer_count = event->trailer_count;
    finish(caller, CALL_OK, now_ns);
}

static void take_bad(struct caller *caller, int64_t now_ns)
{
    if (caller->state == CALLER_IN_HEAD) {
        finish(caller, CALL_INVALID_RESPONSE, now_ns);
        return;
    }
    take_body(caller);
    finish(caller, CALL_INCOMPLETE_RESPONSE, now_ns);
}

static void take_input(struct caller *caller, struct str *input, int64_t now_ns)
{
    while (caller->state == CALLER_IN_HEAD || caller->state == CALLER_IN_BODY) {
        struct reading_event event;
        switch (reading_next(&caller->reading, input, &event)) {
        case READING_MORE:
            return;
        case READING_TLS:
            finish(caller, CALL_INCOMPLETE_RESPONSE, now_ns);
            break;
        case READING_HEAD:
            take_head(caller, &event, now_ns);
            break;
        case READING_DATA:
            keep_body(caller, event.data);
            break;
        case READING_END:
            take_end(caller, &event, now_ns);
            break;
        case READING_BAD:
            take_bad(caller, now_ns);
            break;
        }
    }
    if (caller->state == CALLER_IN_TALK && input->len > 0) {
        keep_body(caller, *input);
        *input = str_from(*input, input->len);
        say_next(caller, now_ns);
    }
}

static bool is_under_way(const struct caller *caller)
{
    switch (caller->state) {
    case CALLER_IN_CONNECT:
    case CALLER_IN_HEAD:
    case CALLER_IN_BODY:
    case CALLER_IN_TALK:
        return true;
    case CALLER_IDLE:
    case CALLER_DONE:
        return false;
    }
    UNREACHABLE("caller_state");
}

void caller_init(struct caller *caller)
{
    *caller = (struct caller){.wake_ns = NS_NEVER};
    reading_init(&caller->reading);
    buf_init(&caller->held, CALLER_OUT_BYTES_MAX);
    buf_init(&caller->out, CALLER_OUT_BYTES_MAX);
    buf_init(&caller->body, CALL_BODY_KEPT_MAX);
    outflow_init(&caller->flow);
}

void caller_fini(struct caller *caller)
{
    reading_fini(&caller->reading);
    buf_fini(&caller->held);
    buf_fini(&caller->out);
    buf_fini(&caller->body);
}

void caller_reset(struct caller *caller)
{
    ASSERT(!is_under_way(caller));
    caller->state = CALLER_IDLE;
    caller->wake_ns = NS_NEVER;
    buf_clear(&caller->held);
    outflow_init(&caller->flow);
}

static void begin(struct caller *caller, const struct call *call, struct outcome *outcome,
                  struct arena *arena, int64_t now_ns)
{
    ASSERT(!is_under_way(caller));
    caller->call = call;
    caller->outcome = outcome;
    caller->arena = arena;
    caller->started_ns = now_ns;
    caller->state = CALLER_IN_CONNECT;
    caller->is_closing = false;
    caller->is_kept = false;
    caller->body_bytes = 0;
    buf_clear(&caller->body);
    buf_clear(&caller->out);
    bytes_clear(outcome, sizeof(*outcome));
    outcome->pod = UINT32_MAX;
    caller->whole = NULL;
    reading_begin(&caller->reading, arena);
    /* The same patience for a connection that is never answered. */
    caller->wake_ns = ns_add(now_ns, CALLER_PATIENCE_NS);
}

void caller_begin(struct caller *caller, const struct call *call, struct outcome *outcome,
                  struct arena *arena, int64_t now_ns)
{
    begin(caller, call, outcome, arena, now_ns);
    caller->is_holding = request_write(call, &caller->out, &caller->flow, &caller->late);
}

void caller_begin_whole(struct caller *caller, const struct call *call, const struct h1_read *whole,
                        struct outcome *outcome, struct arena *arena, int64_t now_ns)
{
    begin(caller, call, outcome, arena, now_ns);
    caller->whole = whole;
    caller->is_holding = false;
    outflow_init(&caller->flow);
}

void caller_connected(struct caller *caller, int64_t now_ns)
{
    ASSERT(caller->state == CALLER_IN_CONNECT);
    caller->state = CALLER_IN_HEAD;
    caller->wake_ns = ns_add(now_ns, caller->call->has_cancel ? caller->call->cancel_after_ns
                                                              : CALLER_PATIENCE_NS);
    if (buf_size(&caller->held) > 0) {
        struct str input = buf_str(&caller->held);
        size_t before_bytes = input.len;
        take_input(caller, &input, now_ns);
        buf_consume(&caller->held, before_bytes - input.len);
    }
}

void caller_note_tls(struct caller *caller, const struct caller_tls *tls)
{
    if (!is_under_way(caller) || caller->call->is_counted)
        return;
    struct caller_tls *out = &caller->outcome->tls;
    *out = *tls;
    out->cipher = arena_str(caller->arena, tls->cipher);
    out->protocol = arena_str(caller->arena, tls->protocol);
}

void caller_tls_failed(struct caller *caller, int64_t now_ns)
{
    if (caller->state == CALLER_IN_CONNECT)
        finish(caller, CALL_TLS_HANDSHAKE, now_ns);
}

void caller_refused(struct caller *caller, int64_t now_ns)
{
    ASSERT(caller->state == CALLER_IN_CONNECT);
    finish(caller, CALL_CONNECTION_REFUSED, now_ns);
}

void caller_read(struct caller *caller, struct str bytes, int64_t now_ns)
{
    take_input(caller, &bytes, now_ns);
    /* Nobody's answer: it will be taken for the next one's. When there is too
     * much of it, the connection is not worth keeping. */
    if (bytes.len > 0 && buf_append(&caller->held, bytes) != RC_OK)
        caller->is_kept = false;
}

/* So much of its body would be read. */
static uint64_t body_bytes_of(const struct h1_sent *sent)
{
    uint32_t status = sent->response->status;
    return status == 204 || status == 304 || sent->framing.framing != BODY_LENGTH ? 0
                                                                                  : sent->body.len;
}

bool caller_read_whole(struct caller *caller, const struct h1_sent *sent, int64_t now_ns)
{
    const struct response_head *head = sent->response;
    if (caller->state != CALLER_IN_HEAD || !caller->call->is_counted ||
        reading_is_started(&caller->reading) || buf_size(&caller->held) > 0 || head->status < 200 ||
        str_eq(request_method(caller->call), STR("HEAD")))
        return false;
    struct outcome *outcome = caller->outcome;
    struct str said;
    outcome->has_response = true;
    outcome->status = head->status;
    outcome->body_size = caller->body_bytes = body_bytes_of(sent);
    caller->is_closing =
        sent->is_closing ||
        (header_get(&head->headers, STR("connection"), &said) && str_eq_ci(said, STR("close")));
    finish(caller, CALL_OK, now_ns);
    return true;
}

void caller_eof(struct caller *caller, int64_t now_ns)
{
    caller->is_kept = false;
    caller->is_closing = true;
    switch (caller->state) {
    case CALLER_IDLE:
    case CALLER_DONE:
        return;
    case CALLER_IN_CONNECT:
        finish(caller, CALL_CONNECTION_CLOSED, now_ns);
        return;
    case CALLER_IN_HEAD: {
        bool is_started = reading_is_started(&caller->reading);
        finish(caller, is_started ? CALL_INCOMPLETE_RESPONSE : CALL_CONNECTION_CLOSED, now_ns);
        return;
    }
    case CALLER_IN_BODY: {
        bool is_whole = caller->reading.state == READING_IN_REST;
        take_body(caller);
        finish(caller, is_whole ? CALL_OK : CALL_INCOMPLETE_RESPONSE, now_ns);
        return;
    }
    case CALLER_IN_TALK:
        /* Every further answer is empty. */
        take_body(caller);
        finish(caller, CALL_OK, now_ns);
        return;
    }
    UNREACHABLE("caller_state");
}

void caller_broken(struct caller *caller, int64_t now_ns)
{
    caller->is_kept = false;
    caller->is_closing = true;
    if (is_under_way(caller))
        finish(caller, CALL_CONNECTION_RESET, now_ns);
}

int64_t caller_wake_ns(const struct caller *caller)
{
    return caller->wake_ns;
}

void caller_wake(struct caller *caller, int64_t now_ns)
{
    if (now_ns < caller->wake_ns || !is_under_way(caller))
        return;
    finish(caller, caller->call->has_cancel ? CALL_CANCELLED : CALL_NO_RESPONSE, now_ns);
}

bool caller_next(struct caller *caller, struct str *bytes)
{
    if (caller->state != CALLER_IN_HEAD && caller->state != CALLER_IN_BODY &&
        caller->state != CALLER_IN_TALK)
        return false;
    while (outflow_next(&caller->flow, bytes)) {
        if (bytes->len > 0)
            return true;
    }
    return false;
}

const struct h1_read *caller_next_whole(struct caller *caller)
{
    const struct h1_read *whole = caller->state == CALLER_IN_HEAD ? caller->whole : NULL;
    if (whole != NULL)
        caller->whole = NULL;
    return whole;
}

bool caller_is_done(const struct caller *caller)
{
    return caller->state == CALLER_DONE;
}

bool caller_is_abrupt(const struct caller *caller)
{
    return caller->state == CALLER_DONE && caller->outcome->error == CALL_CANCELLED &&
           caller->call->is_cancelling_by_reset;
}

bool caller_may_keep(const struct caller *caller)
{
    return caller->state == CALLER_DONE && caller->is_kept;
}
