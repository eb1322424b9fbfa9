/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/deadline.c - four moments and what is said when they come.
 */
#include "proxy/wire/deadline.h"

#include "base/check.h"
#include "base/ns.h"

static int64_t after(int64_t now_ns, int64_t timeout_ns)
{
    return timeout_ns > 0 ? ns_add(now_ns, timeout_ns) : NS_NEVER;
}

void deadlines_start(struct deadlines *deadlines, const struct http_connection_manager *http,
                     int64_t now_ns)
{
    *deadlines = (struct deadlines){
        .started_ns = now_ns,
        .head_ns = after(now_ns, http->request_headers_timeout_ns),
        .request_ns = after(now_ns, http->request_timeout_ns),
        .idle_ns = after(now_ns, http->stream_idle_timeout_ns),
        .duration_ns = after(now_ns, http->max_stream_duration_ns),
        .idle_timeout_ns = http->stream_idle_timeout_ns,
    };
}

void deadlines_note_head(struct deadlines *deadlines)
{
    deadlines->head_ns = NS_NEVER;
}

void deadlines_note_route(struct deadlines *deadlines, const struct route *route, int64_t now_ns)
{
    if (route == NULL || route->action != ROUTE_FORWARD)
        return;
    if (route->forward.has_idle_timeout) {
        deadlines->idle_timeout_ns = route->forward.idle_timeout_ns;
        deadlines->idle_ns = after(now_ns, deadlines->idle_timeout_ns);
    }
    if (route->forward.has_max_stream_duration)
        deadlines->duration_ns =
            after(deadlines->started_ns, route->forward.max_stream_duration_ns);
}

void deadlines_note_request_over(struct deadlines *deadlines)
{
    deadlines->request_ns = NS_NEVER;
}

void deadlines_note_progress(struct deadlines *deadlines, int64_t now_ns)
{
    deadlines->idle_ns = after(now_ns, deadlines->idle_timeout_ns);
}

int64_t deadlines_next_ns(const struct deadlines *deadlines)
{
    return ns_min(ns_min(deadlines->head_ns, deadlines->request_ns),
                  ns_min(deadlines->idle_ns, deadlines->duration_ns));
}

enum deadline deadlines_due(const struct deadlines *deadlines, int64_t now_ns)
{
    if (deadlines->head_ns <= now_ns)
        return DEADLINE_HEAD;
    if (deadlines->request_ns <= now_ns)
        return DEADLINE_REQUEST;
    if (deadlines->idle_ns <= now_ns)
        return DEADLINE_IDLE;
    return deadlines->duration_ns <= now_ns ? DEADLINE_DURATION : DEADLINE_NONE;
}

struct deadline_reply deadline_reply(enum deadline due, bool is_request_complete)
{
    /* The client is blamed as long as it has not said everything. */
    uint32_t status = is_request_complete ? 504 : 408;
    switch (due) {
    case DEADLINE_NONE:
        break;
    case DEADLINE_HEAD:
        return (struct deadline_reply){408, STR("request_header_timeout"),
                                       STR("request header timeout"), STR_EMPTY,
                                       STAT_HTTP_downstream_rq_header_timeout};
    case DEADLINE_REQUEST:
        return (struct deadline_reply){408, STR("request_overall_timeout"), STR("request timeout"),
                                       STR_EMPTY, STAT_HTTP_downstream_rq_timeout};
    case DEADLINE_IDLE:
        return (struct deadline_reply){status, STR("stream_idle_timeout"), STR("stream timeout"),
                                       STR("SI"), STAT_HTTP_downstream_rq_idle_timeout};
    case DEADLINE_DURATION:
        return (struct deadline_reply){status, STR("max_duration_timeout"),
                                       STR("downstream duration timeout"), STR_EMPTY,
                                       STAT_HTTP_downstream_rq_max_duration_reached};
    }
    UNREACHABLE("deadline");
}
