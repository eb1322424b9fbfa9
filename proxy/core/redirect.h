/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/redirect.h - the Location of a redirect. Source: ENVOY.md 2.6.
 */
#pragma once

#include "base/arena.h"
#include "proxy/model/message.h"
#include "proxy/model/route.h"

/* scheme://host[:port]path, in `arena`. */
struct str redirect_location(const struct route *route, const struct request_head *head,
                             struct arena *arena);

/* The same address by https, for require_tls (ENVOY.md 2.1). */
struct str redirect_to_tls(const struct request_head *head, struct arena *arena);
