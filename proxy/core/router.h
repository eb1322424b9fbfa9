/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/router.h - which virtual host, which route?
 *
 * First match wins, always. Tables with many routes get an index (exact paths
 * and prefixes by hash) that visits only routes whose path may match, in the
 * table's order, so that ten thousand rules cost about what ten do; with a
 * trace the plain walk is taken, to tell why each earlier route said no.
 *
 * Source: ENVOY.md 2.1, 2.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "proxy/core/trace.h"
#include "proxy/model/message.h"
#include "proxy/model/route.h"

struct router; /* one route configuration, compiled */

/* Compiles into `arena`; borrows the configuration. */
struct router *router_new(const struct route_config *config, struct arena *arena);

/* `authority` as in the request; `scratch` holds its lower-case copy. NULL when
 * there is none. *domain is the domain that matched, as it is written; `domain` may be NULL. */
const struct virtual_host *router_virtual_host(const struct router *router, struct str authority,
                                               struct arena *scratch, struct str *domain);

/* Does the route depend on nothing that is drawn for each request (x-request-id)? */
bool router_is_steady(const struct router *router);

/* The first route that matches, or NULL. `claims` are the token's (proxy/core/jwt.h; NULL: there
 * is none), `trace` may be NULL. */
const struct route *router_match(const struct router *router, const struct virtual_host *host,
                                 const struct request_head *head, const struct json_value *claims,
                                 struct trace *trace, int64_t now_ns);

/* The same by walking every route; for tests and traces. */
const struct route *router_match_plain(const struct virtual_host *host,
                                       const struct request_head *head,
                                       const struct json_value *claims, struct trace *trace,
                                       int64_t now_ns);
