/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/local_reply.c - status, headers and body of a local reply.
 */
#include "proxy/core/local_reply.h"

uint32_t local_reply_grpc_status(uint32_t status)
{
    switch (status) {
    case 400:
        return 13;
    case 401:
        return 16;
    case 403:
        return 7;
    case 404:
        return 12;
    case 429:
    case 502:
    case 503:
    case 504:
        return 14;
    default:
        return 2;
    }
}

/* gRPC's percent-encoding of messages: all but printable ASCII without "%". */
static struct str grpc_message(struct str text, struct arena *arena)
{
    static const char HEX[] = "0123456789ABCDEF";
    char *out = arena_alloc(arena, text.len * 3);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c <= 0x7e && c != '%') {
            out[len++] = (char)c;
            continue;
        }
        out[len++] = '%';
        out[len++] = HEX[c >> 4];
        out[len++] = HEX[c & 15];
    }
    return (struct str){out, len};
}

struct str local_reply_finish(const struct local_reply *reply, struct response_head *head)
{
    struct arena *arena = head->headers.arena;
    head->version = HTTP_1_1;
    head->status = reply->status;
    if (reply->is_grpc) {
        head->status = 200;
        header_set(&head->headers, STR("content-type"), STR("application/grpc"));
        uint32_t status =
            reply->has_grpc_status ? reply->grpc_status : local_reply_grpc_status(reply->status);
        header_set(&head->headers, STR("grpc-status"), arena_decimal(arena, status));
        if (reply->body.len > 0 && !reply->is_head)
            header_set(&head->headers, STR("grpc-message"), grpc_message(reply->body, arena));
        return STR_EMPTY;
    }
    if (reply->body.len == 0)
        return STR_EMPTY;
    header_set(&head->headers, STR("content-length"), arena_decimal(arena, reply->body.len));
    if (!header_is_present(&head->headers, STR("content-type")))
        header_set(&head->headers, STR("content-type"), STR("text/plain"));
    return reply->body;
}
