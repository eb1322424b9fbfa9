/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/local_reply.h - a response that the proxy makes by itself.
 *
 * Order of headers: what routes and callers added before, then content-length
 * and content-type. date, server and connection are the connection manager's.
 * A gRPC request gets its answer in headers. Source: ENVOY.md 1.11.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "proxy/model/message.h"

struct local_reply {
    uint32_t status;
    struct str body;
    bool is_grpc;
    bool is_head;         /* the request was HEAD: the words that would be the body are not said */
    bool has_grpc_status; /* else made from the HTTP status */
    uint32_t grpc_status;
};

/* Fills status and headers of `head`, which may have headers already; the body
 * to be sent (empty for gRPC) is answered. */
struct str local_reply_finish(const struct local_reply *reply, struct response_head *head);

/* Envoy's httpToGrpcStatus. */
uint32_t local_reply_grpc_status(uint32_t status);
