/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/split.h - which of several weighted clusters?
 *
 * Pure. Source: ENVOY.md 2.5: the stream's one random value modulo the sum of
 * weights, over consecutive intervals in the listed order.
 */
#pragma once

#include <stdint.h>

#include "proxy/model/route.h"

struct split_answer {
    uint32_t index;  /* into weighted */
    uint64_t number; /* the draw, in [0, weight_total) */
};

/* The total must not be 0. */
struct split_answer split_choose(const struct forward_action *forward, uint64_t stream_random);
