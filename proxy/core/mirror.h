/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/mirror.h - is this request copied to a mirror, and what does the
 * copy look like?
 *
 * Pure. The draw is the stream's one random number, so that a mirror of 25 %
 * and a split see the same luck, as in Envoy. Source: ENVOY.md 0.3, 3.6.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/model/message.h"
#include "proxy/model/policy.h"

bool mirror_is_drawn(const struct mirror_policy *policy, uint64_t stream_random);

/* The head of the copies, in `arena`: the request as it goes upstream, marked as
 * the proxy's own. `node_address` may be empty. */
const struct request_head *mirror_request(const struct request_head *request,
                                          struct str node_address, bool has_host_suffix,
                                          struct arena *arena);
