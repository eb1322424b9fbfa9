/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/answer.c - see answer.h.
 *
 *   flow: [out: head, start of the body][a long body][tail]
 *
 * A short body is copied into `out`, so that an answer is mostly one write.
 */
#include "testbed/world/answer.h"

#include <stdio.h>

#include "base/check.h"

#define COPIED_BODY_BYTES_MAX 4096u
#define ECHO_BODY_BYTES_MAX 2000u
#define ECHO_VALUE_BYTES_MAX 400u /* longer ones are shown cut */
#define ECHO_VALUE_BYTES_SHOWN 20u
#define ECHO_HEADERS_MAX 60u
#define ECHO_HEADERS_SHOWN 10u /* at each end */

static void put(struct buf *out, struct str text)
{
    /* Heads and echoes are small beside any stand-in's buffer. */
    ASSERT(buf_append(out, text) == RC_OK);
}

static void put_number(struct buf *out, const char *format, uint64_t number)
{
    char text[32];
    int length = snprintf(text, sizeof(text), format, (unsigned long long)number);
    ASSERT(length > 0);
    put(out, (struct str){text, (size_t)length});
}

/* The words of Python's http module for what tests mostly use. */
static struct str reason_of(uint32_t status)
{
    static const struct {
        uint32_t status;
        struct str reason;
    } rows[] = {
        {200, STR_INIT("OK")},
        {201, STR_INIT("Created")},
        {204, STR_INIT("No Content")},
        {301, STR_INIT("Moved Permanently")},
        {302, STR_INIT("Found")},
        {304, STR_INIT("Not Modified")},
        {400, STR_INIT("Bad Request")},
        {401, STR_INIT("Unauthorized")},
        {403, STR_INIT("Forbidden")},
        {404, STR_INIT("Not Found")},
        {409, STR_INIT("Conflict")},
        {429, STR_INIT("Too Many Requests")},
        {500, STR_INIT("Internal Server Error")},
        {501, STR_INIT("Not Implemented")},
        {502, STR_INIT("Bad Gateway")},
        {503, STR_INIT("Service Unavailable")},
        {504, STR_INIT("Gateway Timeout")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].status == status)
            return rows[i].reason;
    }
    return STR("Unknown");
}

static void put_headers(struct buf *out, const struct header *headers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put(out, headers[i].name);
        put(out, STR(": "));
        put(out, headers[i].value);
        put(out, STR("\r\n"));
    }
}

/* JSON in ASCII; a byte is a Latin-1 character. */
static void put_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            put(out, STR("\\"));
        if (c == '\n')
            put(out, STR("\\n"));
        else if (c == '\r')
            put(out, STR("\\r"));
        else if (c == '\t')
            put(out, STR("\\t"));
        else if (c == '\b')
            put(out, STR("\\b"));
        else if (c == '\f')
            put(out, STR("\\f"));
        else if (c < 0x20 || c > 0x7f)
            put_number(out, "\\u%04llx", c);
        else
            put(out, str_slice(text, i, i + 1));
    }
}

static void put_echo_header(struct buf *out, const struct header *header)
{
    put(out, STR("[\""));
    put_escaped(out, header->name);
    put(out, STR("\", \""));
    if (header->value.len <= ECHO_VALUE_BYTES_MAX) {
        put_escaped(out, header->value);
    } else {
        put_escaped(out, str_slice(header->value, 0, ECHO_VALUE_BYTES_SHOWN));
        put_number(out, "\\u2026 %llu bytes", header->value.len);
    }
    put(out, STR("\"]"));
}

/* {"pod": "a/0", "line": "GET / HTTP/1.1", "headers": [["host", "a"]], "body": ""} */
static void put_echo(struct buf *out, const struct answer_echo *echo)
{
    put(out, STR("{\"pod\": \""));
    put_escaped(out, echo->pod);
    put(out, STR("\", \"line\": \""));
    put_escaped(out, echo->head->line);
    put(out, STR("\", \"headers\": ["));
    uint32_t count = echo->head->header_count;
    bool is_cut = count > ECHO_HEADERS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (is_cut && i == ECHO_HEADERS_SHOWN) {
            put_number(out, ", [\"\\u2026\", \"%llu headers\"]", count);
            i = count - ECHO_HEADERS_SHOWN;
        }
        if (i > 0)
            put(out, STR(", "));
        put_echo_header(out, &echo->head->headers[i]);
    }
    put(out, STR("], \"body\": \""));
    put_escaped(out, str_slice(echo->body, 0, ECHO_BODY_BYTES_MAX));
    put(out, STR("\"}"));
}

static bool is_bodyless(const struct answer *answer, bool is_head_method)
{
    return is_head_method || answer->status == 204 || answer->status == 304;
}

static bool is_chunked(const struct answer *answer)
{
    return answer->framing == FRAMING_CHUNKED || answer->trailer_count > 0;
}

static void put_head(struct buf *out, const struct answer *answer, uint64_t body_bytes)
{
    put_number(out, "HTTP/1.1 %llu ", answer->status);
    put(out, answer->reason.len > 0 ? answer->reason : reason_of(answer->status));
    put(out, STR("\r\n"));
    put_headers(out, answer->headers, answer->header_count);
    if (is_chunked(answer))
        put(out, STR("transfer-encoding: chunked\r\n"));
    else if (answer->framing == FRAMING_LENGTH && answer->status != 204 && answer->status != 304)
        put_number(out, "content-length: %llu\r\n", body_bytes);
    if (answer->is_closing)
        put(out, STR("connection: close\r\n"));
    put(out, STR("\r\n"));
}

static void put_tail(struct buf *out, const struct answer *answer, uint64_t body_bytes)
{
    if (!is_chunked(answer))
        return;
    put(out, body_bytes > 0 ? STR("\r\n0\r\n") : STR("0\r\n"));
    put_headers(out, answer->trailers, answer->trailer_count);
    put(out, STR("\r\n"));
}

/* A body that is short, or made here: everything in `out`. */
static void write_whole(const struct answer *answer, const struct answer_echo *echo,
                        uint64_t body_bytes, struct buf *out)
{
    if (answer->is_echo && !answer->has_body_size) {
        put_echo(out, echo);
        return;
    }
    if (!answer->has_body_size) {
        put(out, answer->body);
        return;
    }
    for (uint64_t i = 0; i < body_bytes; i++)
        put(out, STR("x"));
}

/* How long the echo is: it is written once to be measured. */
static uint64_t echo_bytes(const struct answer_echo *echo, struct buf *out)
{
    size_t before_bytes = buf_size(out);
    put_echo(out, echo);
    size_t bytes = buf_size(out) - before_bytes;
    out->end -= bytes;
    return bytes;
}

static uint64_t body_size(const struct answer *answer, const struct answer_echo *echo,
                          struct buf *out)
{
    if (answer->has_body_size)
        return answer->body_size;
    return answer->is_echo ? echo_bytes(echo, out) : answer->body.len;
}

/* Head, long body and tail as three pieces; the tail stands behind the head in
 * `out`. */
static void flow_in_pieces(const struct answer *answer, uint64_t body_bytes, struct buf *out,
                           struct outflow *flow)
{
    size_t front_bytes = buf_size(out);
    put_tail(out, answer, body_bytes);
    outflow_add(flow, str_slice(buf_str(out), 0, front_bytes));
    if (answer->has_body_size)
        outflow_add_fill(flow, body_bytes);
    else
        outflow_add(flow, answer->body);
    outflow_add(flow, str_from(buf_str(out), front_bytes));
}

void answer_write(const struct answer *answer, const struct answer_echo *echo, bool is_head_method,
                  struct buf *out, struct outflow *flow)
{
    uint64_t body_bytes = body_size(answer, echo, out);
    put_head(out, answer, body_bytes);
    size_t head_bytes = buf_size(out);
    outflow_init(flow);
    if (is_bodyless(answer, is_head_method)) {
        outflow_add(flow, buf_str(out));
        return;
    }
    if (is_chunked(answer) && body_bytes > 0)
        put_number(out, "%llx\r\n", body_bytes);
    bool is_echoing = answer->is_echo && !answer->has_body_size;
    size_t front_bytes = buf_size(out);
    if (body_bytes <= COPIED_BODY_BYTES_MAX || is_echoing) {
        write_whole(answer, echo, body_bytes, out);
        put_tail(out, answer, body_bytes);
        outflow_add(flow, buf_str(out));
        body_bytes = buf_size(out) - head_bytes;
    } else {
        flow_in_pieces(answer, body_bytes, out, flow);
        body_bytes += front_bytes - head_bytes + flow->pieces[2].bytes.len;
    }
    if (answer->trickle_bytes > 0)
        outflow_pause_every(flow, head_bytes, answer->trickle_bytes);
    else if (answer->body_latency_ns > 0)
        outflow_pause_at(flow, head_bytes + body_bytes / 2);
}

bool answer_is_closing(const struct answer *answer)
{
    return answer->framing == FRAMING_CLOSE || answer->is_closing;
}
