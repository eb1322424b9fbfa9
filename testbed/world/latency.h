/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/latency.h - how long an answer takes: always the same, or drawn
 * for each one.
 *
 * What is drawn is given by points of the distribution: "so many of all take at
 * most so long", straight lines between them. Percentiles are therefore exact,
 * and uniform is two points.
 */
#pragma once

#include <stdint.h>

#include "base/rng.h"

#define LATENCY_POINTS_MAX 8u /* more than anybody writes percentiles */

struct latency_point {
    double share; /* in [0, 1], ascending */
    int64_t ns;   /* ascending */
};

struct latency {
    struct latency_point points[LATENCY_POINTS_MAX]; /* the first at 0, the last at 1 */
    uint32_t count;                                  /* 1: always points[0].ns */
};

#define LATENCY_INIT(ns_)                     \
    {                                         \
        .points = {{.ns = (ns_)}}, .count = 1 \
    }

struct latency latency_constant(int64_t ns);

/* One draw, none for a constant. */
int64_t latency_draw(const struct latency *latency, struct rng *rng);
