/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/standin_parts.c - an answer's beginning, whatever it is, and
 * whom the application asks before.
 */
#include "testbed/world/standin_parts.h"

#include "base/check.h"
#include "testbed/world/answer.h"
#include "testbed/world/answer_shelf.h"

void standin_forget_given(struct standin *standin)
{
    if (standin->is_out_given)
        buf_clear(&standin->out);
    standin->is_out_given = false;
}

void standin_put(struct standin *standin, struct str text)
{
    standin_forget_given(standin);
    /* Words of ours: far below the buffer's limit. */
    ASSERT(buf_append(&standin->out, text) == RC_OK);
}

static const struct world_pod *pod_of(const struct standin *standin)
{
    return &standin->world->pods[standin->pod];
}

bool standin_head_header(const struct standin *standin, struct str name, struct str *value)
{
    return reading_header(standin->head.headers, standin->head.header_count, name, value);
}

bool standin_is_mirror(const struct standin *standin)
{
    struct str value;
    if (standin_head_header(standin, STR("x-envoy-internal"), &value))
        return str_eq(value, STR("true"));
    return standin->world->pods[standin->pod].is_played &&
           standin_head_header(standin, STR("x-forwarded-for"), &value) &&
           world_is_node(standin->world, value);
}

bool standin_is_whole_mirror(const struct standin *standin, const struct header_list *headers)
{
    struct str value;
    if (header_get(headers, STR("x-envoy-internal"), &value))
        return str_eq(value, STR("true"));
    return standin->world->pods[standin->pod].is_played &&
           header_get(headers, STR("x-forwarded-for"), &value) &&
           world_is_node(standin->world, value);
}

static bool head_has(const struct standin *standin, struct str name)
{
    struct str value;
    return standin_head_header(standin, name, &value) && value.len > 0;
}

void standin_put_interim(struct standin *standin)
{
    for (uint32_t i = 0; i < standin->answer.interim_count; i++) {
        char text[] = "HTTP/1.1 100 Interim\r\n\r\n";
        uint32_t status = standin->answer.interim[i] % 1000;
        text[9] = (char)('0' + status / 100);
        text[10] = (char)('0' + status / 10 % 10);
        text[11] = (char)('0' + status % 10);
        standin_put(standin, (struct str){text, sizeof(text) - 3});
        for (uint32_t k = 0; k < standin->answer.interim_header_count; k++) {
            standin_put(standin, standin->answer.interim_headers[k].name);
            standin_put(standin, STR(": "));
            standin_put(standin, standin->answer.interim_headers[k].value);
            standin_put(standin, STR("\r\n"));
        }
        standin_put(standin, STR("\r\n"));
    }
    if (standin->answer.interim_count == 0 && head_has(standin, STR("expect")))
        standin_put(standin, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

bool standin_is_at_rest_then(const struct standin *standin)
{
    return standin->ending == STANDIN_THEN_KEEP && standin->ending_delay_ns == 0 &&
           buf_size(&standin->held) == 0 && !standin->has_eof;
}

static void end_with(struct standin *standin, enum standin_ending ending, int64_t delay_ns)
{
    standin->ending = ending;
    standin->ending_delay_ns = delay_ns;
}

static void begin_act(struct standin *standin)
{
    switch (standin->answer.act) {
    case ACT_ANSWER:
        UNREACHABLE("ordinary answers are begun elsewhere");
    case ACT_CLOSE_BEFORE_HEADERS:
    case ACT_ACCEPT_CLOSE:
        end_with(standin, STANDIN_THEN_CLOSE, 0);
        return;
    case ACT_RESET_BEFORE_HEADERS:
    case ACT_ACCEPT_RESET:
        end_with(standin, STANDIN_THEN_RESET, 0);
        return;
    case ACT_CLOSE_IN_HEADERS:
        standin_put(standin, STR("HTTP/1.1 200 OK\r\ncontent-le"));
        end_with(standin, STANDIN_THEN_CLOSE, 0);
        return;
    case ACT_CLOSE_MID_BODY:
    case ACT_RESET_MID_BODY:
        standin_put(standin, STR("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
                                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
        end_with(standin,
                 standin->answer.act == ACT_CLOSE_MID_BODY ? STANDIN_THEN_CLOSE
                                                           : STANDIN_THEN_RESET,
                 STANDIN_CUT_NS);
        return;
    case ACT_GARBAGE:
        standin_put(standin, STR("garbage\r\n\r\n"));
        end_with(standin, STANDIN_THEN_CLOSE, 0);
        return;
    case ACT_NEVER:
        end_with(standin, STANDIN_THEN_SILENCE, 0);
        return;
    }
    UNREACHABLE("answer_act");
}

static void begin_raw(struct standin *standin)
{
    outflow_add(&standin->flow, standin->answer.raw);
    switch (standin->answer.then) {
    case RAW_KEEP:
        end_with(standin, STANDIN_THEN_KEEP, 0);
        return;
    case RAW_CLOSE:
        end_with(standin, STANDIN_THEN_CLOSE, 0);
        return;
    case RAW_RESET:
        end_with(standin, STANDIN_THEN_RESET, STANDIN_RAW_RESET_NS);
        return;
    }
    UNREACHABLE("raw_then");
}

/* RFC 9112 9.3: who speaks HTTP/1.0 asks for a connection to be kept. */
static bool is_last_request(const struct standin *standin)
{
    if (standin->head.line.len == 0) /* it came whole, and says nothing of the kind */
        return false;
    struct str wish = STR_EMPTY;
    (void)standin_head_header(standin, STR("connection"), &wish);
    return str_eq(reading_word(standin->head.line, 2), STR("HTTP/1.0"))
               ? !str_eq_ci(wish, STR("keep-alive"))
               : str_eq_ci(wish, STR("close"));
}

/* Interim answers that are not sent yet go first: they stand in `out`. */
static void standin_begin_answer(struct standin *standin)
{
    const struct answer *answer = &standin->answer;
    standin_forget_given(standin);
    outflow_init(&standin->flow);
    standin->state = STANDIN_IN_ANSWER;
    if (answer->act != ACT_ANSWER) {
        begin_act(standin);
        outflow_add(&standin->flow, buf_str(&standin->out));
        return;
    }
    if (answer->has_raw) {
        outflow_add(&standin->flow, buf_str(&standin->out));
        begin_raw(standin);
        return;
    }
    if (answer->is_websocket && head_has(standin, STR("upgrade"))) {
        standin_put(standin, STR("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n"
                                 "upgrade: websocket\r\n\r\n"));
        outflow_add(&standin->flow, buf_str(&standin->out));
        end_with(standin, STANDIN_THEN_ECHO, 0);
        return;
    }
    end_with(standin,
             answer_is_closing(answer) || is_last_request(standin) ? STANDIN_THEN_CLOSE
                                                                   : STANDIN_THEN_KEEP,
             0);
    bool is_head_method =
        standin->head.line.len > 0 && str_eq(reading_word(standin->head.line, 0), STR("HEAD"));
    if (standin->shelf != NULL && !is_head_method && buf_size(&standin->out) == 0)
        standin->whole = answer_shelf_find(standin->shelf, answer, &standin->shelf_at);
    if (standin->whole != NULL)
        return;
    struct answer_echo told = {pod_of(standin)->name, &standin->head, buf_str(&standin->body)};
    answer_write(answer, &told, is_head_method, &standin->out, &standin->flow);
}

/* The next call, with those headers of the request that go on. */
static void compose_call(struct standin *standin)
{
    const struct answer *answer = &standin->answer;
    const struct call *said = &answer->calls[standin->called_count].call;
    uint32_t count = said->header_count;
    struct header *headers =
        ARENA_ARRAY(&standin->scratch, struct header, count + standin->head.header_count);
    for (uint32_t i = 0; i < count; i++)
        headers[i] = said->headers[i];
    for (uint32_t i = 0; i < standin->head.header_count; i++) {
        const struct header *header = &standin->head.headers[i];
        for (uint32_t k = 0; k < answer->propagate_count; k++) {
            if (str_eq_ci(header->name, answer->propagates[k]))
                headers[count++] = *header;
        }
    }
    standin->call = *said;
    standin->call.client = pod_of(standin)->client;
    standin->call.headers = headers;
    standin->call.header_count = count;
}

/* Another call (true), or everybody has answered. */
bool standin_ask_next(struct standin *standin, struct standin_action *action)
{
    if (standin->is_calling)
        return false;
    if (standin->called_count == standin->answer.call_count || !pod_of(standin)->may_ask) {
        standin_begin_answer(standin);
        return false;
    }
    compose_call(standin);
    standin->is_calling = true;
    *action = (struct standin_action){.kind = STANDIN_CALL, .call = &standin->call};
    return true;
}
