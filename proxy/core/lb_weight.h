/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb_weight.h - how much an endpoint counts just now: its weight,
 * less for the busy (least request), less for those that warm up.
 *
 * Source: ENVOY.md 5.3, 5.6.
 */
#pragma once

#include <stdint.h>

#include "proxy/core/lb.h"

/* Does somebody warm up? */
bool lb_weight_is_warming(const struct lb *lb, int64_t now_ns);

/* Greater than 0. */
double lb_weight(const struct lb *lb, uint32_t endpoint_index, int64_t now_ns);
