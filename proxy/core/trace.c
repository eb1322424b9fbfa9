/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/trace.c - a list of trace events, and their names.
 */
#include "proxy/core/trace.h"

#include "base/check.h"

static const struct str NAMES[] = {
    [TRACE_REQUEST] = STR_INIT("request"),
    [TRACE_NORMALIZED] = STR_INIT("normalized"),
    [TRACE_VIRTUAL_HOST] = STR_INIT("virtual_host"),
    [TRACE_NO_VIRTUAL_HOST] = STR_INIT("no_virtual_host"),
    [TRACE_ROUTE_REJECTED] = STR_INIT("route_rejected"),
    [TRACE_ROUTE_CHOSEN] = STR_INIT("route_chosen"),
    [TRACE_NO_ROUTE] = STR_INIT("no_route"),
    [TRACE_CLUSTER_CHOSEN] = STR_INIT("cluster_chosen"),
    [TRACE_CLUSTER_MISSING] = STR_INIT("cluster_missing"),
    [TRACE_HEADER_MUTATED] = STR_INIT("header_mutated"),
    [TRACE_PATH_REWRITTEN] = STR_INIT("path_rewritten"),
    [TRACE_HOST_REWRITTEN] = STR_INIT("host_rewritten"),
    [TRACE_REDIRECTED] = STR_INIT("redirected"),
    [TRACE_ANSWERED_DIRECTLY] = STR_INIT("answered_directly"),
    [TRACE_FAULT_DELAYED] = STR_INIT("fault_delayed"),
    [TRACE_FAULT_ABORTED] = STR_INIT("fault_aborted"),
    [TRACE_FAULT_MISSED] = STR_INIT("fault_missed"),
    [TRACE_TOKEN] = STR_INIT("token"),
    [TRACE_ACCESS] = STR_INIT("access"),
    [TRACE_ACCESS_SHADOW] = STR_INIT("access_shadow"),
    [TRACE_ACCESS_UNASKED] = STR_INIT("access_unasked"),
    [TRACE_CORS] = STR_INIT("cors"),
    [TRACE_MIRRORED] = STR_INIT("mirrored"),
    [TRACE_MIRROR_MISSED] = STR_INIT("mirror_missed"),
    [TRACE_TIMEOUT_ARMED] = STR_INIT("timeout_armed"),
    [TRACE_ENDPOINT_PICKED] = STR_INIT("endpoint_picked"),
    [TRACE_NO_ENDPOINT] = STR_INIT("no_endpoint"),
    [TRACE_ATTEMPT_OPENED] = STR_INIT("attempt_opened"),
    [TRACE_ATTEMPT_CONNECTED] = STR_INIT("attempt_connected"),
    [TRACE_TRY_TIMEOUT_ARMED] = STR_INIT("try_timeout_armed"),
    [TRACE_ATTEMPT_FAILED] = STR_INIT("attempt_failed"),
    [TRACE_RESPONSE] = STR_INIT("response"),
    [TRACE_EJECTED] = STR_INIT("ejected"),
    [TRACE_RETRY_LATER] = STR_INIT("retry_later"),
    [TRACE_RETRY_REFUSED] = STR_INIT("retry_refused"),
    [TRACE_TRY_TIMEOUT_FIRED] = STR_INIT("try_timeout_fired"),
    [TRACE_TIMEOUT_FIRED] = STR_INIT("timeout_fired"),
    [TRACE_LOCAL_REPLY] = STR_INIT("local_reply"),
    [TRACE_CUT] = STR_INIT("cut"),
    [TRACE_CLIENT_GONE] = STR_INIT("client_gone"),
    [TRACE_FINISHED] = STR_INIT("finished"),
};

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
    ASSERT((size_t)kind < COUNT_OF(NAMES));
    return NAMES[kind];
}
