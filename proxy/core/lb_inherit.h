/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb_inherit.h - a cluster stays when a configuration is replaced, and so
 * does its balancer: whose turn it is, and since when each endpoint is there.
 *
 * Source: ENVOY.md 5.3, 5.6: the index of round robin outlives changes of the
 * endpoints; schedules begin anew when they change, and a newcomer warms up.
 */
#pragma once

#include "proxy/core/lb.h"

/* Before `heir`'s first choice. Endpoints are known by address and port. */
void lb_inherit(struct lb *heir, const struct lb *old, int64_t now_ns);
