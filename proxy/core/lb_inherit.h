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

/* Index of the endpoint in `cluster`, or LB_NONE: the same address and port, in the same
 * locality (to Envoy one that has moved to another is a new host). `guess`: where it was. */
uint32_t lb_find_host(const struct cluster *cluster, const struct endpoint *endpoint,
                      uint32_t guess);
/* Before `heir`'s first choice. Requests under way are counted on, as whoever ends them
 * tells the heir. */
void lb_inherit(struct lb *heir, const struct lb *old, int64_t now_ns);
