/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb.c - usable endpoints and the policies over them.
 */
#include "proxy/core/lb.h"

#include "base/check.h"

#define LEAST_REQUEST_CHOICES 2u /* Envoy's choice_count */

static uint32_t first_priority(const struct cluster *cluster)
{
    uint32_t best = UINT32_MAX;
    uint32_t any = UINT32_MAX;
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &cluster->endpoints[i];
        if (endpoint->priority < any)
            any = endpoint->priority;
        if (endpoint->health == ENDPOINT_HEALTHY && endpoint->priority < best)
            best = endpoint->priority;
    }
    return best != UINT32_MAX ? best : any;
}

/* Envoy panics when less than half of a priority is healthy, unless the
 * threshold is 0, as Istio sets it (ENVOY.md 5.2). */
static bool is_panicking(const struct cluster *cluster, uint32_t priority)
{
    if (cluster->has_panic_threshold_zero)
        return false;
    uint32_t healthy = 0, all = 0;
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        if (cluster->endpoints[i].priority != priority)
            continue;
        all++;
        healthy += cluster->endpoints[i].health == ENDPOINT_HEALTHY;
    }
    return all > 0 && healthy * 2 < all;
}

/* The usable one with the earliest deadline; */
static uint32_t pick_earliest(struct lb *lb)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < lb->usable_count; i++)
        if (lb->deadlines[i] < lb->deadlines[best])
            best = i;
    uint32_t endpoint = lb->usable[best];
    double weight = lb->cluster->endpoints[endpoint].weight;
    /* Least request lowers the weight of the busy (active_request_bias 1). */
    if (lb->cluster->lb == LB_LEAST_REQUEST)
        weight /= (double)(lb->active[endpoint] + 1);
    lb->now = lb->deadlines[best];
    lb->deadlines[best] = lb->now + 1.0 / weight;
    return endpoint;
}

static uint32_t pick_least(const struct lb *lb, struct rng *rng)
{
    uint32_t choices = lb->cluster->least_request_choices;
    if (choices == 0)
        choices = LEAST_REQUEST_CHOICES;
    uint32_t best = LB_NONE;
    for (uint32_t i = 0; i < choices; i++) {
        uint32_t endpoint = lb->usable[rng_below(rng, lb->usable_count)];
        if (best == LB_NONE || lb->active[endpoint] < lb->active[best])
            best = endpoint;
    }
    return best;
}

void lb_init(struct lb *lb, const struct cluster *cluster, struct rng *rng, struct arena *arena)
{
    *lb = (struct lb){.cluster = cluster, .next = rng_next(rng)};
    lb->usable = ARENA_ARRAY(arena, uint32_t, cluster->endpoint_count);
    lb->active = ARENA_ARRAY(arena, uint32_t, cluster->endpoint_count);
    uint32_t priority = first_priority(cluster);
    lb->is_panicking = is_panicking(cluster, priority);
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &cluster->endpoints[i];
        if (endpoint->priority != priority || endpoint->weight == 0)
            continue;
        if (endpoint->health != ENDPOINT_HEALTHY && !lb->is_panicking)
            continue;
        if (lb->usable_count > 0 && endpoint->weight != cluster->endpoints[lb->usable[0]].weight)
            lb->has_weights = true;
        lb->usable[lb->usable_count++] = i;
    }
    if (!lb->has_weights)
        return;
    lb->deadlines = ARENA_ARRAY(arena, double, lb->usable_count);
    for (uint32_t i = 0; i < lb->usable_count; i++)
        lb->deadlines[i] = 1.0 / cluster->endpoints[lb->usable[i]].weight;
    /* Envoy starts anywhere in the schedule here as well. */
    uint64_t skip = lb->next % lb->usable_count;
    for (uint64_t i = 0; i < skip; i++)
        (void)pick_earliest(lb);
}

uint32_t lb_pick(struct lb *lb, struct rng *rng)
{
    if (lb->usable_count == 0)
        return LB_NONE;
    switch (lb->cluster->lb) {
    case LB_ROUND_ROBIN:
    case LB_RING_HASH:
    case LB_MAGLEV:
        if (lb->has_weights)
            return pick_earliest(lb);
        return lb->usable[lb->next++ % lb->usable_count];
    case LB_LEAST_REQUEST:
        return lb->has_weights ? pick_earliest(lb) : pick_least(lb, rng);
    case LB_RANDOM:
        return lb->usable[rng_below(rng, lb->usable_count)];
    case LB_CLUSTER_PROVIDED:
        return LB_NONE;
    }
    UNREACHABLE("lb_policy");
}

void lb_note_begin(struct lb *lb, uint32_t endpoint_index)
{
    ASSERT(endpoint_index < lb->cluster->endpoint_count);
    lb->active[endpoint_index]++;
}

void lb_note_end(struct lb *lb, uint32_t endpoint_index)
{
    ASSERT(endpoint_index < lb->cluster->endpoint_count);
    ASSERT(lb->active[endpoint_index] > 0);
    lb->active[endpoint_index]--;
}
