/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/trace.c - a list of trace events, and their names.
 */
#include "proxy/core/trace.h"

#include "base/check.h"

void trace_init(struct trace *trace, struct arena *arena, uint32_t items_max)
{
    *trace = (struct trace){.arena = arena, .items_max = items_max};
}

struct trace_event *trace_add(struct trace *trace, enum trace_kind kind, int64_t now_ns)
{
    struct trace_event *event;
    if (trace->items_max != 0 && trace->count >= trace->items_max) {
        trace->dropped_count++;
        event = ARENA_NEW(trace->arena, struct trace_event);
    } else {
        event = ARENA_PUSH(trace->arena, trace->items, trace->count, trace->capacity);
    }
    event->kind = kind;
    event->at_ns = now_ns;
    return event;
}

struct str trace_kind_name(enum trace_kind kind)
{
    switch (kind) {
    case TRACE_REQUEST:
        return STR("request");
    case TRACE_NORMALIZED:
        return STR("normalized");
    case TRACE_VIRTUAL_HOST:
        return STR("virtual_host");
    case TRACE_NO_VIRTUAL_HOST:
        return STR("no_virtual_host");
    case TRACE_ROUTE_REJECTED:
        return STR("route_rejected");
    case TRACE_ROUTE_CHOSEN:
        return STR("route_chosen");
    case TRACE_NO_ROUTE:
        return STR("no_route");
    case TRACE_CLUSTER_CHOSEN:
        return STR("cluster_chosen");
    case TRACE_CLUSTER_MISSING:
        return STR("cluster_missing");
    case TRACE_HEADER_MUTATED:
        return STR("header_mutated");
    case TRACE_PATH_REWRITTEN:
        return STR("path_rewritten");
    case TRACE_HOST_REWRITTEN:
        return STR("host_rewritten");
    case TRACE_REDIRECTED:
        return STR("redirected");
    case TRACE_ANSWERED_DIRECTLY:
        return STR("answered_directly");
    case TRACE_TIMEOUT_ARMED:
        return STR("timeout_armed");
    case TRACE_ENDPOINT_PICKED:
        return STR("endpoint_picked");
    case TRACE_NO_ENDPOINT:
        return STR("no_endpoint");
    case TRACE_ATTEMPT_OPENED:
        return STR("attempt_opened");
    case TRACE_ATTEMPT_CONNECTED:
        return STR("attempt_connected");
    case TRACE_ATTEMPT_FAILED:
        return STR("attempt_failed");
    case TRACE_RESPONSE:
        return STR("response");
    case TRACE_TIMEOUT_FIRED:
        return STR("timeout_fired");
    case TRACE_LOCAL_REPLY:
        return STR("local_reply");
    case TRACE_CUT:
        return STR("cut");
    case TRACE_CLIENT_GONE:
        return STR("client_gone");
    case TRACE_FINISHED:
        return STR("finished");
    }
    UNREACHABLE("trace_kind");
}
