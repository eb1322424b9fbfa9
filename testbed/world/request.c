/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/request.c - see request.h.
 */
#include "testbed/world/request.h"

#include <stdio.h>

#include "base/check.h"
#include "testbed/world/reading.h"

static void put(struct buf *out, struct str text)
{
    ASSERT(buf_append(out, text) == RC_OK);
}

static void put_number(struct buf *out, const char *format, uint64_t number)
{
    char text[48];
    int length = snprintf(text, sizeof(text), format, (unsigned long long)number);
    ASSERT(length > 0);
    put(out, (struct str){text, (size_t)length});
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

static bool has_header(const struct call *call, struct str name)
{
    struct str value;
    return reading_header(call->headers, call->header_count, name, &value);
}

static bool is_chunked(const struct call *call)
{
    return call->is_chunked || call->trailer_count > 0;
}

static uint64_t body_size(const struct call *call)
{
    return call->has_body_size ? call->body_size : call->body.len;
}

static void put_head(const struct call *call, struct buf *out)
{
    put(out, call->method.len > 0 ? call->method : STR("GET"));
    put(out, STR(" "));
    if (call->scheme.len > 0) {
        put(out, call->scheme);
        put(out, STR("://"));
        put(out, call->authority);
    }
    put(out, call->uri.len > 0 ? call->uri : STR("/"));
    put(out, call->is_http10 ? STR(" HTTP/1.0\r\n") : STR(" HTTP/1.1\r\n"));
    if (call->has_authority) {
        put(out, STR("host: "));
        put(out, call->authority);
        put(out, STR("\r\n"));
    }
    put_headers(out, call->headers, call->header_count);
    if (is_chunked(call))
        put(out, STR("transfer-encoding: chunked\r\n"));
    else if (body_size(call) > 0 && !has_header(call, STR("content-length")))
        put_number(out, "content-length: %llu\r\n", body_size(call));
    put(out, STR("\r\n"));
}

static void add_body(const struct call *call, struct outflow *flow)
{
    if (call->has_body_size)
        outflow_add_fill(flow, call->body_size);
    else
        outflow_add(flow, call->body);
}

bool request_write(const struct call *call, struct buf *out, struct outflow *flow,
                   struct outflow *late)
{
    outflow_init(flow);
    outflow_init(late);
    if (call->has_raw) {
        outflow_add(flow, call->raw);
        return false;
    }
    put_head(call, out);
    size_t head_bytes = buf_size(out);
    bool has_chunk = is_chunked(call) && body_size(call) > 0;
    if (has_chunk)
        put_number(out, "%llx\r\n", body_size(call));
    size_t front_bytes = buf_size(out);
    if (is_chunked(call)) {
        put(out, has_chunk ? STR("\r\n0\r\n") : STR("0\r\n"));
        put_headers(out, call->trailers, call->trailer_count);
        put(out, STR("\r\n"));
    }
    bool is_holding = has_header(call, STR("expect"));
    struct outflow *body = is_holding ? late : flow;
    outflow_add(flow, str_slice(buf_str(out), 0, is_holding ? head_bytes : front_bytes));
    if (is_holding)
        outflow_add(late, str_slice(buf_str(out), head_bytes, front_bytes));
    add_body(call, body);
    outflow_add(body, str_from(buf_str(out), front_bytes));
    return is_holding;
}

struct str request_method(const struct call *call)
{
    if (call->has_raw) {
        struct str rest = call->raw;
        return str_cut(&rest, ' ');
    }
    return call->method.len > 0 ? call->method : STR("GET");
}
