/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_write.c - heads and bodies to bytes, as Envoy's codec frames
 * them (ENVOY.md 1.2, 17.2).
 */
#include <string.h>

#include "base/check.h"
#include "proxy/http/h1.h"
#include "proxy/http/h1_head.h"
#include "proxy/model/limits.h"

/* Longest chunk line: sixteen hexadecimal digits and CRLF. */
#define CHUNK_LINE_BYTES 18u

static char *put(char *out, struct str text)
{
    if (text.len > 0)
        memcpy(out, text.ptr, text.len);
    return out + text.len;
}

static char *put_line(char *out, struct str name, struct str value)
{
    out = put(out, name);
    out = put(out, STR(": "));
    out = put(out, value);
    return put(out, STR("\r\n"));
}

/* Any number, as it was written: Envoy passes them on. */
static char *put_status(char *out, uint32_t status)
{
    ASSERT(status <= LIMIT_STATUS);
    uint32_t unit = 1000;
    while (unit > 1 && status < unit)
        unit /= 10;
    for (; unit > 0; unit /= 10)
        *out++ = (char)('0' + status / unit % 10);
    return out;
}

static size_t list_bytes(const struct header_list *headers)
{
    size_t size = 0;
    for (uint32_t i = 0; i < headers->count; i++)
        size += headers->items[i].name.len + headers->items[i].value.len + 4;
    return size;
}

/* These have no body by nature, so no length is said of none. */
static bool is_bodiless(struct str method)
{
    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD")) ||
           str_eq(method, STR("DELETE")) || str_eq(method, STR("TRACE")) ||
           str_eq(method, STR("CONNECT"));
}

static char *put_list(char *out, const struct header_list *headers)
{
    for (uint32_t i = 0; i < headers->count; i++)
        out = put_line(out, headers->items[i].name, headers->items[i].value);
    return out;
}

/* How a request is framed, and which line says so; empty: none. */
static struct header frame_request(const struct request_head *head, bool has_body,
                                   struct h1_out *framing)
{
    bool has_length = header_is_present(&head->headers, STR("content-length"));
    framing->request_method = head->method;
    framing->framing = has_length && has_body ? BODY_LENGTH : has_body ? BODY_CHUNKED : BODY_NONE;
    if (framing->framing == BODY_CHUNKED &&
        !header_is_present(&head->headers, STR("transfer-encoding")))
        return (struct header){STR("transfer-encoding"), STR("chunked")};
    if (!has_body && !has_length && !is_bodiless(head->method) &&
        !h1_head_is_upgrade(&head->headers))
        return (struct header){STR("content-length"), STR("0")};
    return (struct header){STR_EMPTY, STR_EMPTY};
}

static struct str target_of(const struct request_head *head)
{
    return head->path.len > 0 ? head->path : head->authority;
}

#define LINE_EXTRA_BYTES 4u /* ": " and CRLF */

size_t h1_frame_request(const struct request_head *head, bool has_body, struct h1_out *framing)
{
    struct header line = frame_request(head, has_body, framing);
    size_t size = head->method.len + 1 + target_of(head).len + STR(" HTTP/1.1\r\n").len;
    if (head->has_authority)
        size += STR("host").len + head->authority.len + LINE_EXTRA_BYTES;
    size += list_bytes(&head->headers);
    if (line.name.len > 0)
        size += line.name.len + line.value.len + LINE_EXTRA_BYTES;
    return size + STR("\r\n").len;
}

enum rc h1_write_request(struct buf *out, const struct request_head *head, bool has_body,
                         struct h1_out *framing)
{
    struct str target = target_of(head);
    size_t size =
        head->method.len + target.len + head->authority.len + list_bytes(&head->headers) + 128;
    char *start = buf_reserve(out, size);
    if (start == NULL)
        return RC_FULL;
    char *at = put(start, head->method);
    at = put(at, STR(" "));
    at = put(at, target);
    at = put(at, STR(" HTTP/1.1\r\n"));
    if (head->has_authority)
        at = put_line(at, STR("host"), head->authority);
    at = put_list(at, &head->headers);
    struct header line = frame_request(head, has_body, framing);
    if (line.name.len > 0)
        at = put_line(at, line.name, line.value);
    at = put(at, STR("\r\n"));
    ASSERT((size_t)(at - start) <= size);
    buf_added(out, (size_t)(at - start));
    return RC_OK;
}

/* How a response is framed, and which line says so. */
struct response_framing {
    enum body_framing framing;
    struct str name, value; /* the line to add; empty: none */
    bool is_length_dropped;
};

static struct response_framing frame_response(const struct response_head *head, bool has_body,
                                              bool is_http10, bool is_head_answer)
{
    struct response_framing out = {.framing = BODY_NONE};
    uint32_t status = head->status;
    if (status < 200 || status == 204) {
        out.is_length_dropped = true;
        return out;
    }
    bool has_length = header_is_present(&head->headers, STR("content-length"));
    if (has_length || status == 304) {
        out.framing = has_body && !is_head_answer && status != 304 ? BODY_LENGTH : BODY_NONE;
        return out;
    }
    if (!has_body && !is_head_answer) {
        out.name = STR("content-length");
        out.value = STR("0");
        return out;
    }
    if (is_http10) {
        out.framing = is_head_answer ? BODY_NONE : BODY_UNTIL_CLOSE;
        return out;
    }
    out.name = STR("transfer-encoding");
    out.value = STR("chunked");
    out.framing = is_head_answer ? BODY_NONE : BODY_CHUNKED;
    return out;
}

static size_t digit_count(uint32_t status)
{
    return status >= 1000 ? 4 : status >= 100 ? 3 : status >= 10 ? 2 : 1;
}

size_t h1_frame_response(const struct response_head *head, bool has_body, bool is_closing,
                         struct h1_out *framing)
{
    struct str reason = head->reason.len > 0 ? head->reason : status_reason(head->status);
    struct response_framing frame = frame_response(head, has_body, false, framing->is_head_answer);
    size_t size = STR("HTTP/1.1 ").len + digit_count(head->status) + 1 + reason.len +
                  STR("\r\n").len + list_bytes(&head->headers);
    for (uint32_t i = 0; frame.is_length_dropped && i < head->headers.count; i++) {
        const struct header *line = &head->headers.items[i];
        if (str_eq(line->name, STR("content-length")))
            size -= line->name.len + line->value.len + LINE_EXTRA_BYTES;
    }
    if (is_closing)
        size += STR("connection: close\r\n").len;
    if (frame.name.len > 0)
        size += frame.name.len + frame.value.len + LINE_EXTRA_BYTES;
    framing->framing = frame.framing;
    return size + STR("\r\n").len;
}

enum rc h1_write_response(struct buf *out, const struct response_head *head, bool has_body,
                          bool is_closing, bool is_http10, struct h1_out *framing)
{
    struct str reason = head->reason.len > 0 ? head->reason : status_reason(head->status);
    struct response_framing frame =
        frame_response(head, has_body, is_http10, framing->is_head_answer);
    size_t size = reason.len + list_bytes(&head->headers) + 160;
    char *start = buf_reserve(out, size);
    if (start == NULL)
        return RC_FULL;
    char *at = put(start, is_http10 ? STR("HTTP/1.0 ") : STR("HTTP/1.1 "));
    at = put_status(at, head->status);
    at = put(at, STR(" "));
    at = put(at, reason);
    at = put(at, STR("\r\n"));
    for (uint32_t i = 0; i < head->headers.count; i++) {
        const struct header *line = &head->headers.items[i];
        if (!frame.is_length_dropped || !str_eq(line->name, STR("content-length")))
            at = put_line(at, line->name, line->value);
    }
    /* The connection manager's header stands before what the codec adds. */
    if (is_closing)
        at = put_line(at, STR("connection"), STR("close"));
    else if (is_http10 && head->status >= 200)
        at = put_line(at, STR("connection"), STR("keep-alive"));
    if (frame.name.len > 0)
        at = put_line(at, frame.name, frame.value);
    at = put(at, STR("\r\n"));
    ASSERT((size_t)(at - start) <= size);
    framing->framing = frame.framing;
    buf_added(out, (size_t)(at - start));
    return RC_OK;
}

static size_t chunk_line(char *out, size_t size)
{
    static const char HEX[] = "0123456789abcdef";
    char digits[16];
    size_t count = 0;
    do {
        digits[count++] = HEX[size & 15];
        size >>= 4;
    } while (size > 0);
    for (size_t i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    out[count] = '\r';
    out[count + 1] = '\n';
    return count + 2;
}

enum rc h1_write_data(struct buf *out, const struct h1_out *framing, struct str data)
{
    if (data.len == 0 || framing->framing == BODY_NONE)
        return RC_OK;
    if (framing->framing != BODY_CHUNKED)
        return buf_append(out, data);
    char *start = buf_reserve(out, data.len + CHUNK_LINE_BYTES + 2);
    if (start == NULL)
        return RC_FULL;
    size_t line = chunk_line(start, data.len);
    (void)put(put(start + line, data), STR("\r\n"));
    buf_added(out, line + data.len + 2);
    return RC_OK;
}

enum rc h1_write_end(struct buf *out, const struct h1_out *framing,
                     const struct header_list *trailers)
{
    if (framing->framing != BODY_CHUNKED)
        return RC_OK;
    size_t size = 5 + (trailers != NULL ? list_bytes(trailers) : 0);
    char *start = buf_reserve(out, size);
    if (start == NULL)
        return RC_FULL;
    char *at = put(start, STR("0\r\n"));
    if (trailers != NULL)
        at = put_list(at, trailers);
    at = put(at, STR("\r\n"));
    buf_added(out, (size_t)(at - start));
    return RC_OK;
}
