/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/latency.c - see latency.h.
 */
#include "testbed/world/latency.h"

#include "base/check.h"

struct latency latency_constant(int64_t ns)
{
    return (struct latency){.points = {{.ns = ns}}, .count = 1};
}

int64_t latency_draw(const struct latency *latency, struct rng *rng)
{
    ASSERT(latency->count <= LATENCY_POINTS_MAX);
    if (latency->count <= 1)
        return latency->points[0].ns;
    double drawn = rng_unit(rng);
    uint32_t upper = 1;
    while (upper + 1 < latency->count && latency->points[upper].share < drawn)
        upper++;
    const struct latency_point *from = &latency->points[upper - 1], *to = &latency->points[upper];
    double width = to->share - from->share;
    double part = width > 0 ? (drawn - from->share) / width : 1;
    return from->ns + (int64_t)((double)(to->ns - from->ns) * part);
}
