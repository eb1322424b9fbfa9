/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb_weight.c - see lb_weight.h.
 */
#include "proxy/core/lb_weight.h"

#include <math.h>

#include "base/ns.h"

#define WEIGHT_PERCENT_MIN 10.0 /* Envoy's min_weight_percent */

bool lb_weight_is_warming(const struct lb *lb, int64_t now_ns)
{
    return lb->cluster->slow_start != NULL && now_ns <= lb->warm_ns;
}

/* The share of its weight that it has while it warms up; whole milliseconds. */
static double warmth(const struct slow_start *slow_start, int64_t age_ns)
{
    if (age_ns >= slow_start->window_ns)
        return 1;
    double age_ms = fmax(1, (double)(age_ns / NS_MS));
    double window_ms = fmax(1, (double)(slow_start->window_ns / NS_MS));
    double share = age_ms / window_ms, least = WEIGHT_PERCENT_MIN;
    double aggression = 1;
    if (slow_start->has_shape) {
        aggression = slow_start->aggression;
        least = slow_start->weight_percent_min;
    }
    if (aggression > 0 && aggression != 1)
        share = pow(share, 1 / aggression);
    return fmax(share, least / 100);
}

double lb_weight(const struct lb *lb, uint32_t endpoint_index, int64_t now_ns)
{
    const struct cluster *cluster = lb->cluster;
    double weight = cluster->endpoints[endpoint_index].weight;
    if (cluster->lb == LB_LEAST_REQUEST) {
        double busy = (double)lb->active[endpoint_index] + 1;
        weight /= cluster->has_request_bias ? pow(busy, cluster->request_bias) : busy;
    }
    if (lb_weight_is_warming(lb, now_ns))
        weight *= warmth(cluster->slow_start, now_ns - lb->hosts[endpoint_index].since_ns);
    return weight;
}
