/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/retry_headers.h - what a request's own headers say of retries and
 * timeouts.
 *
 * A caller's are gone by then (the connection manager trusts nobody with them);
 * those that the route itself sets are read, after its mutations, and taken off.
 * Too late for it are x-envoy-upstream-rq-timeout-ms and
 * x-envoy-upstream-alt-stat-name, which travel on as they are, and
 * x-envoy-upstream-rq-per-try-timeout-ms and x-envoy-hedge-on-per-try-timeout,
 * which are taken off without a word. So a real Envoy 1.40 does; ENVOY.md 3.1, 3.3.
 */
#pragma once

#include "base/arena.h"
#include "proxy/model/message.h"
#include "proxy/model/policy.h"

/* `own` (may be NULL) and what the headers add to it; `own` itself when they say
 * nothing, NULL when nobody wants retries. A policy of the headers' alone has
 * `origin`. It lives as long as `arena`. */
const struct retry_policy *retry_headers_read(const struct retry_policy *own,
                                              struct header_list *headers,
                                              const struct origin *origin, struct arena *arena);

/* Was x-envoy-upstream-rq-timeout-alt-response there, with whatever value? */
bool retry_headers_take_alt_response(struct header_list *headers);

/* x-envoy-upstream-stream-duration-ms: how long an attempt may live; 0: any. */
int64_t retry_headers_take_stream_duration_ns(struct header_list *headers);
