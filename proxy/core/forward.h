/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/forward.h - what a request looks like when it is sent upstream,
 * and a response when it is passed on.
 *
 * The router filter's part of header work, in Envoy's order (ENVOY.md 3.1,
 * 3.2, 17.2): headers that only the router reads are taken off; decorator,
 * expected timeout, attempt count; mutations; host; path.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/core/formatter.h"
#include "proxy/core/trace.h"
#include "proxy/model/listener.h"
#include "proxy/model/message.h"
#include "proxy/model/route.h"

struct forward_question {
    const struct http_connection_manager *http;
    const struct virtual_host *virtual_host;
    const struct route *route;
    const struct weighted_cluster *weighted; /* or NULL */
    int64_t timeout_ns;                      /* 0: none */
    int64_t per_try_timeout_ns;              /* the same */
    int64_t elapsed_ns;                      /* of the timeout, since the request was complete */
    uint32_t attempt_count;
    int64_t now_ns;
};

/* The route's timeout for this request (ENVOY.md 3.2); 0: none. */
int64_t forward_timeout_ns(const struct forward_action *forward, const struct request_head *head,
                           bool is_grpc);

/* The time of one attempt, which the route's timeout makes pointless when it is
 * the shorter one; 0: none. */
int64_t forward_per_try_timeout_ns(const struct forward_action *forward, int64_t timeout_ns);

/* Changes `head`; facts->request is that head. */
void forward_request(const struct forward_question *asked, const struct formatter_facts *facts,
                     struct request_head *head, struct trace *trace);

/* What changes of it in another attempt: its number, the time that is left. */
void forward_request_again(const struct forward_question *asked, struct request_head *head);

/* Route's and weighted cluster's mutations of a response's headers; `route` may
 * be one without a destination. */
void forward_response(const struct route *route, const struct weighted_cluster *weighted,
                      const struct formatter_facts *facts, struct response_head *head,
                      struct trace *trace, int64_t now_ns);
