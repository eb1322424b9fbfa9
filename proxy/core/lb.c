/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb.c - groups of endpoints and the policies over them.
 */
#include "proxy/core/lb.h"

#include "base/check.h"

#define LEAST_REQUEST_CHOICES 2u /* Envoy's choice_count */
/* Envoy pretends that so many picks, at most, came before the first. */
#define EARLIER_PICKS_MAX UINT64_C(429496729)

static double weight_of(const struct lb *lb, uint32_t endpoint)
{
    double weight = lb->cluster->endpoints[endpoint].weight;
    /* Least request lowers the weight of the busy (active_request_bias 1). */
    if (lb->cluster->lb == LB_LEAST_REQUEST)
        weight /= (double)(lb->active[endpoint] + 1);
    return weight;
}

/* The one that is due first; of those due at once, the one put in first. */
static uint32_t pick_earliest(const struct lb *lb, struct lb_group *group)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < group->count; i++) {
        double due = group->deadlines[i], best_due = group->deadlines[best];
        if (due < best_due || (due == best_due && group->sequences[i] < group->sequences[best]))
            best = i;
    }
    group->now = group->deadlines[best];
    group->deadlines[best] = group->now + 1.0 / weight_of(lb, group->endpoints[best]);
    group->sequences[best] = group->next_sequence++;
    return group->endpoints[best];
}

static uint32_t pick_least(const struct lb *lb, const struct lb_group *group, struct rng *rng)
{
    uint32_t choices = lb->cluster->least_request_choices;
    if (choices == 0)
        choices = LEAST_REQUEST_CHOICES;
    uint32_t best = LB_NONE;
    for (uint32_t i = 0; i < choices; i++) {
        uint32_t endpoint = group->endpoints[rng_below(rng, group->count)];
        if (best == LB_NONE || lb->active[endpoint] < lb->active[best])
            best = endpoint;
    }
    return best;
}

/* A schedule in which `earlier` picks have been made already (ENVOY.md 5.3):
 * whole turns by arithmetic, the rest one by one. */
static void start_schedule(const struct lb *lb, struct lb_group *group, uint64_t earlier)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < group->count; i++)
        total += lb->cluster->endpoints[group->endpoints[i]].weight;
    uint64_t picked = 0;
    group->next_sequence = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        uint64_t weight = lb->cluster->endpoints[group->endpoints[i]].weight;
        uint64_t turns = earlier * weight / total;
        group->deadlines[i] = (double)(turns + 1) / (double)weight;
        group->sequences[i] = group->next_sequence++;
        picked += turns;
    }
    for (; picked < earlier; picked++)
        (void)pick_earliest(lb, group);
}

static bool is_healthy(const struct lb *lb, uint32_t endpoint)
{
    return lb->cluster->endpoints[endpoint].health == ENDPOINT_HEALTHY &&
           !health_is_ejected(lb->health, endpoint);
}

static bool is_in_group(const struct lb *lb, uint32_t index, uint32_t priority)
{
    const struct endpoint *endpoint = &lb->cluster->endpoints[index];
    return endpoint->priority == priority && endpoint->weight > 0 &&
           (lb->shares[priority].is_panicking || is_healthy(lb, index));
}

static void fill_group(struct lb *lb, uint32_t priority)
{
    const struct cluster *cluster = lb->cluster;
    struct lb_group *group = &lb->groups[priority];
    group->count = 0;
    group->has_weights = false;
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        if (!is_in_group(lb, i, priority))
            continue;
        if (group->count > 0 &&
            cluster->endpoints[i].weight != cluster->endpoints[group->endpoints[0]].weight)
            group->has_weights = true;
        group->endpoints[group->count++] = i;
    }
    if (group->has_weights)
        start_schedule(lb, group, lb->seed % EARLIER_PICKS_MAX);
}

static void count_endpoints(struct lb *lb)
{
    const struct cluster *cluster = lb->cluster;
    for (uint32_t i = 0; i < lb->group_count; i++)
        lb->counts[i] = (struct priority_count){0};
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &cluster->endpoints[i];
        struct priority_count *count = &lb->counts[endpoint->priority];
        count->all++;
        count->counted += endpoint->health != ENDPOINT_DRAINING;
        count->healthy += is_healthy(lb, i);
    }
}

/* Envoy reads a percentage of its configuration as a whole number. */
static uint32_t panic_percent(const struct cluster *cluster)
{
    if (cluster->has_panic_threshold_zero)
        return 0;
    if (cluster->panic_threshold_percent > 0)
        return (uint32_t)(cluster->panic_threshold_percent + 0.5);
    return PRIORITY_PANIC_PERCENT;
}

/* Who is healthy has changed: turns go on where they stood, schedules begin anew
 * from the balancer's seed, as Envoy's do. */
static void refresh(struct lb *lb, uint32_t version)
{
    lb->health_version = version;
    count_endpoints(lb);
    priority_shares(lb->counts, lb->group_count, panic_percent(lb->cluster), lb->shares);
    for (uint32_t i = 0; i < lb->group_count; i++)
        fill_group(lb, i);
}

static void make_group(struct lb *lb, struct lb_group *group, struct arena *arena)
{
    uint32_t count = lb->cluster->endpoint_count;
    group->endpoints = ARENA_ARRAY(arena, uint32_t, count);
    group->deadlines = ARENA_ARRAY(arena, double, count);
    group->sequences = ARENA_ARRAY(arena, uint64_t, count);
    group->nexts[0] = group->nexts[1] = lb->seed;
}

void lb_init(struct lb *lb, const struct cluster *cluster, const struct health *health,
             struct rng *rng, struct arena *arena)
{
    *lb =
        (struct lb){.cluster = cluster, .health = health, .group_count = 1, .seed = rng_next(rng)};
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        if (cluster->endpoints[i].priority >= lb->group_count)
            lb->group_count = cluster->endpoints[i].priority + 1;
    lb->groups = ARENA_ARRAY(arena, struct lb_group, lb->group_count);
    lb->shares = ARENA_ARRAY(arena, struct priority_share, lb->group_count);
    lb->counts = ARENA_ARRAY(arena, struct priority_count, lb->group_count);
    lb->active = ARENA_ARRAY(arena, uint32_t, cluster->endpoint_count);
    for (uint32_t i = 0; i < lb->group_count; i++)
        make_group(lb, &lb->groups[i], arena);
    refresh(lb, health_version(health));
}

static uint32_t pick_from(struct lb *lb, uint32_t priority, uint64_t random, struct rng *rng)
{
    struct lb_group *group = &lb->groups[priority];
    switch (lb->cluster->lb) {
    case LB_ROUND_ROBIN:
    case LB_RING_HASH:
    case LB_MAGLEV:
        if (group->has_weights)
            return pick_earliest(lb, group);
        return group->endpoints[group->nexts[lb->shares[priority].is_panicking]++ % group->count];
    case LB_LEAST_REQUEST:
        return group->has_weights ? pick_earliest(lb, group) : pick_least(lb, group, rng);
    case LB_RANDOM:
        return group->endpoints[random % group->count];
    case LB_CLUSTER_PROVIDED:
        return LB_NONE;
    }
    UNREACHABLE("lb_policy");
}

struct lb_answer lb_choose(struct lb *lb, struct rng *rng)
{
    struct lb_answer answer = {.endpoint_index = LB_NONE};
    uint64_t random = 0;
    uint32_t version = health_version(lb->health);
    if (version != lb->health_version)
        refresh(lb, version);
    if (lb->group_count > 1 || lb->cluster->lb == LB_RANDOM)
        random = rng_next(rng);
    uint32_t priority = priority_choose(lb->shares, lb->group_count, random);
    if (priority == UINT32_MAX)
        return answer;
    struct lb_group *group = &lb->groups[priority];
    answer.usable_count = group->count;
    answer.is_panicking = lb->shares[priority].is_panicking;
    if (group->count > 0)
        answer.endpoint_index = pick_from(lb, priority, random, rng);
    return answer;
}

uint32_t lb_pick(struct lb *lb, struct rng *rng)
{
    return lb_choose(lb, rng).endpoint_index;
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
