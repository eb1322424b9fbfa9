/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/rewrite.h - path and host of a request on its way upstream.
 *
 * Source: ENVOY.md 2.9.
 */
#pragma once

#include "base/arena.h"
#include "proxy/core/trace.h"
#include "proxy/model/message.h"
#include "proxy/model/route.h"

/* The path after a prefix rewrite: the matched part of `path` replaced, the
 * rest (with its query) kept. */
struct str rewrite_prefix(const struct path_matcher *match, struct str path, struct str replacement,
                          struct arena *arena);

/* Host, then path, of `head`; sets x-envoy-original-host and -path. `weighted`
 * is the cluster drawn, or NULL. */
void rewrite_request(const struct route *route, const struct weighted_cluster *weighted,
                     struct request_head *head, struct trace *trace, int64_t now_ns);
