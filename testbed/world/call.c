/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/call.c - names of what a caller's socket says.
 */
#include "testbed/world/call.h"

#include "base/check.h"

struct str call_error_name(enum call_error error)
{
    static const struct str names[] = {
        [CALL_OK] = STR_INIT(""),
        [CALL_CONNECTION_CLOSED] = STR_INIT("connection_closed"),
        [CALL_CONNECTION_RESET] = STR_INIT("connection_reset"),
        [CALL_CONNECTION_REFUSED] = STR_INIT("connection_refused"),
        [CALL_INCOMPLETE_RESPONSE] = STR_INIT("incomplete_response"),
        [CALL_NO_RESPONSE] = STR_INIT("no_response"),
        [CALL_CANCELLED] = STR_INIT("cancelled"),
        [CALL_TLS_HANDSHAKE] = STR_INIT("tls_handshake"),
        [CALL_INVALID_RESPONSE] = STR_INIT("invalid_response"),
    };
    ASSERT((size_t)error < COUNT_OF(names));
    return names[error];
}

static struct header *headers_copy(const struct header *headers, uint32_t count,
                                   struct arena *arena)
{
    struct header *copy = ARENA_ARRAY(arena, struct header, count);
    for (uint32_t i = 0; i < count; i++)
        copy[i] =
            (struct header){arena_str(arena, headers[i].name), arena_str(arena, headers[i].value)};
    return copy;
}

struct call call_copy(const struct call *call, struct arena *arena)
{
    struct call copy = *call;
    copy.authority = arena_str(arena, call->authority);
    copy.method = arena_str(arena, call->method);
    copy.uri = arena_str(arena, call->uri);
    copy.headers = headers_copy(call->headers, call->header_count, arena);
    return copy;
}
