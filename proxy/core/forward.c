/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/forward.c - heads on their way through the router.
 */
#include "proxy/core/forward.h"

#include "base/check.h"
#include "base/ns.h"
#include "proxy/core/mutate.h"
#include "proxy/core/rewrite.h"

/* ENVOY.md 3.1: read by the router, never forwarded. */
static const struct str CONSUMED[] = {
    STR_INIT("x-envoy-upstream-rq-timeout-ms"),
    STR_INIT("x-envoy-upstream-rq-per-try-timeout-ms"),
    STR_INIT("x-envoy-upstream-rq-timeout-alt-response"),
    STR_INIT("x-envoy-upstream-stream-duration-ms"),
    STR_INIT("x-envoy-retry-on"),
    STR_INIT("x-envoy-retry-grpc-on"),
    STR_INIT("x-envoy-max-retries"),
    STR_INIT("x-envoy-hedge-on-per-try-timeout"),
    STR_INIT("x-envoy-retriable-header-names"),
    STR_INIT("x-envoy-retriable-status-codes"),
    STR_INIT("x-envoy-upstream-alt-stat-name"),
};

/* grpc-timeout: up to eight digits and a unit; 0 when it is none. */
static int64_t grpc_timeout_ns(struct str text)
{
    if (text.len < 2 || text.len > 9)
        return 0;
    uint64_t amount;
    if (!str_to_u64(str_slice(text, 0, text.len - 1), 99999999, &amount))
        return 0;
    int64_t unit;
    switch (text.ptr[text.len - 1]) {
    case 'H':
        unit = NS_HOUR;
        break;
    case 'M':
        unit = NS_MINUTE;
        break;
    case 'S':
        unit = NS_SECOND;
        break;
    case 'm':
        unit = NS_MS;
        break;
    case 'u':
        unit = NS_US;
        break;
    case 'n':
        unit = 1;
        break;
    default:
        return 0;
    }
    return (int64_t)amount > NS_NEVER / unit ? NS_NEVER : (int64_t)amount * unit;
}

static void consume(struct header_list *headers)
{
    bool any = false;
    for (uint32_t i = 0; i < headers->count && !any; i++)
        any = str_has_prefix(headers->items[i].name, STR("x-envoy-"));
    if (!any)
        return;
    for (size_t i = 0; i < COUNT_OF(CONSUMED); i++)
        header_remove(headers, CONSUMED[i]);
}

int64_t forward_timeout_ns(const struct forward_action *forward, const struct request_head *head,
                           bool is_grpc)
{
    /* Envoy's "new timeouts": the life of the stream has its own clock, and no other. */
    if (forward->has_max_stream_duration)
        return 0;
    if (!is_grpc || !forward->has_max_grpc_timeout)
        return forward->has_timeout ? forward->timeout_ns : 15 * NS_SECOND;
    struct str text;
    int64_t asked_ns = 0;
    if (header_get(&head->headers, STR("grpc-timeout"), &text))
        asked_ns = grpc_timeout_ns(text);
    int64_t max_ns = forward->max_grpc_timeout_ns;
    if (max_ns == 0 || (asked_ns != 0 && asked_ns < max_ns))
        return asked_ns;
    return max_ns;
}

int64_t forward_per_try_timeout_ns(const struct forward_action *forward, int64_t timeout_ns)
{
    int64_t per_try_ns = forward->retry != NULL ? forward->retry->per_try_timeout_ns : 0;
    return timeout_ns > 0 && per_try_ns >= timeout_ns ? 0 : per_try_ns;
}

/* How long the other side has: what one attempt may take, but no more than is
 * left of the whole. */
static int64_t expected_timeout_ns(const struct forward_question *asked)
{
    int64_t ns = asked->per_try_timeout_ns > 0 ? asked->per_try_timeout_ns : asked->timeout_ns;
    if (asked->timeout_ns > 0)
        ns = ns_min(ns, ns_max(asked->timeout_ns - asked->elapsed_ns, NS_MS));
    return ns;
}

static void set_timeout_headers(const struct forward_question *asked, struct request_head *head)
{
    struct header_list *headers = &head->headers;
    int64_t ns = expected_timeout_ns(asked);
    if (ns <= 0)
        return;
    struct str ms = arena_decimal(headers->arena, (uint64_t)ns_max(ns / NS_MS, 1));
    header_set(headers, STR("x-envoy-expected-rq-timeout-ms"), ms);
    if (asked->route->forward.has_max_grpc_timeout && request_head_is_grpc(head))
        header_set(headers, STR("grpc-timeout"), arena_concat(headers->arena, ms, STR("m")));
}

static void set_attempt_count(const struct forward_question *asked, struct request_head *head)
{
    if (asked->virtual_host->has_attempt_count)
        header_set(&head->headers, STR("x-envoy-attempt-count"),
                   arena_decimal(head->headers.arena, asked->attempt_count));
}

void forward_request(const struct forward_question *asked, const struct formatter_facts *facts,
                     struct request_head *head, struct trace *trace)
{
    struct header_list *headers = &head->headers;
    const struct route *route = asked->route;
    consume(headers);
    if (asked->http->is_tracing_egress && route->decorator.len > 0)
        header_set(headers, STR("x-envoy-decorator-operation"), route->decorator);
    set_timeout_headers(asked, head);
    set_attempt_count(asked, head);
    if (asked->weighted != NULL)
        mutate_headers(&asked->weighted->request_headers, MUTATE_REQUEST, facts, headers, trace,
                       asked->now_ns);
    mutate_headers(&route->request_headers, MUTATE_REQUEST, facts, headers, trace, asked->now_ns);
    rewrite_request(route, asked->weighted, head, trace, asked->now_ns);
}

void forward_request_again(const struct forward_question *asked, struct request_head *head)
{
    set_timeout_headers(asked, head);
    set_attempt_count(asked, head);
}

void forward_response(const struct route *route, const struct weighted_cluster *weighted,
                      const struct formatter_facts *facts, struct response_head *head,
                      struct trace *trace, int64_t now_ns)
{
    if (weighted != NULL)
        mutate_headers(&weighted->response_headers, MUTATE_RESPONSE, facts, &head->headers, trace,
                       now_ns);
    mutate_headers(&route->response_headers, MUTATE_RESPONSE, facts, &head->headers, trace, now_ns);
}
