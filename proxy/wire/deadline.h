/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/deadline.h - how long a stream may take before the connection
 * manager answers for it: its head, its request, its silence, its whole life.
 *
 * Pure; the stream tells what happened and asks what is due. The route's timeout
 * is not here: that is the exchange's.
 *
 * Source: ENVOY.md 1.9.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/core/stats.h"
#include "proxy/model/listener.h"
#include "proxy/model/route.h"

enum deadline {
    DEADLINE_NONE,
    DEADLINE_HEAD,     /* request_headers_timeout */
    DEADLINE_REQUEST,  /* request_timeout */
    DEADLINE_IDLE,     /* stream_idle_timeout, or the route's idle_timeout */
    DEADLINE_DURATION, /* max_stream_duration, or the route's */
};

/* When each is due; NS_NEVER: not at all. */
struct deadlines {
    int64_t started_ns;
    int64_t head_ns, request_ns, idle_ns, duration_ns;
    int64_t idle_timeout_ns; /* 0: none */
};

/* A stream begins. */
void deadlines_start(struct deadlines *deadlines, const struct http_connection_manager *http,
                     int64_t now_ns);
void deadlines_note_head(struct deadlines *deadlines);
/* What the route says outranks the connection manager. */
void deadlines_note_route(struct deadlines *deadlines, const struct route *route, int64_t now_ns);
/* The request is complete, or the response has begun. */
void deadlines_note_request_over(struct deadlines *deadlines);
/* Something moved, either way. */
void deadlines_note_progress(struct deadlines *deadlines, int64_t now_ns);

int64_t deadlines_next_ns(const struct deadlines *deadlines);
enum deadline deadlines_due(const struct deadlines *deadlines, int64_t now_ns);

/* What is answered when nothing was yet. */
struct deadline_reply {
    uint32_t status;
    struct str details, body, flag;
    enum http_stat stat;
};
struct deadline_reply deadline_reply(enum deadline due, bool is_request_complete);
