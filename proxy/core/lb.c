/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb.c - picks, by what lb_refresh.c worked out.
 */
#include "proxy/core/lb.h"

#include "base/check.h"
#include "proxy/core/lb_weight.h"

#define LEAST_REQUEST_CHOICES 2u /* Envoy's choice_count */

static uint32_t pick_due(const struct lb *lb, struct lb_list *list, int64_t now_ns)
{
    uint32_t endpoint = list->endpoints[edf_take(&list->schedule)];
    edf_return(&list->schedule, lb_weight(lb, endpoint, now_ns));
    return endpoint;
}

static inline uint32_t pick_least(const struct lb *lb, const struct lb_list *list, struct rng *rng)
{
    uint32_t choices = lb->cluster->least_request_choices;
    if (choices == 0)
        choices = LEAST_REQUEST_CHOICES;
    uint32_t best = LB_NONE;
    for (uint32_t i = 0; i < choices; i++) {
        uint32_t endpoint = list->endpoints[rng_below(rng, list->count)];
        if (best == LB_NONE || lb->active[endpoint] < lb->active[best])
            best = endpoint;
    }
    return best;
}

/* What is asked, and the value drawn for priorities and random picking. */
struct draw {
    const struct lb_question *asked;
    uint64_t random;
    struct rng *rng;
};

static inline uint32_t pick_from(struct lb *lb, struct lb_priority *priority, struct lb_list *list,
                                 const struct draw *draw)
{
    switch (lb->cluster->lb) {
    case LB_ROUND_ROBIN:
        if (list->has_schedule)
            return pick_due(lb, list, draw->asked->now_ns);
        return list->endpoints[list->next++ % list->count];
    case LB_LEAST_REQUEST:
        if (list->has_schedule)
            return pick_due(lb, list, draw->asked->now_ns);
        return pick_least(lb, list, draw->rng);
    case LB_RANDOM:
        return list->endpoints[draw->random % list->count];
    case LB_RING_HASH:
        return ring_find(&priority->ring, draw->asked->hash, draw->asked->again);
    case LB_MAGLEV:
        return maglev_find(&priority->maglev, draw->asked->hash, draw->asked->again);
    case LB_CLUSTER_PROVIDED:
        return LB_NONE;
    }
    UNREACHABLE("lb_policy");
}

/* Hashes cross all localities: weights are in their tables. */
static inline struct lb_list *list_of(struct lb *lb, struct lb_priority *priority,
                                      bool is_panicking)
{
    if (is_panicking)
        return &priority->all;
    if (priority->locality_schedule.count == 0 || lb_is_hashing(lb->cluster))
        return &priority->healthy;
    uint32_t turn = edf_take(&priority->locality_schedule);
    struct lb_locality *locality = &priority->localities[priority->eligible[turn]];
    edf_return(&priority->locality_schedule, locality->effective_weight);
    return &locality->healthy;
}

static inline void refresh_if_stale(struct lb *lb, int64_t now_ns)
{
    if (lb->is_stale || lb->health_version != health_version(lb->health))
        lb_refresh(lb, now_ns);
}

const struct priority_count *lb_counts(struct lb *lb, int64_t now_ns)
{
    refresh_if_stale(lb, now_ns);
    return lb->counts;
}

struct lb_answer lb_choose(struct lb *lb, const struct lb_question *asked, struct rng *rng)
{
    struct lb_answer answer = {.endpoint_index = LB_NONE};
    struct draw draw = {.asked = asked, .rng = rng};
    refresh_if_stale(lb, asked->now_ns);
    if (lb_is_hashing(lb->cluster))
        draw.random = asked->hash;
    else if (lb->priority_count > 1 || lb->cluster->lb == LB_RANDOM)
        draw.random = rng_next(rng);
    const struct priority_share *shares = asked->shares != NULL ? asked->shares : lb->shares;
    uint32_t index = priority_choose(shares, lb->priority_count, draw.random);
    if (index == UINT32_MAX)
        return answer;
    struct lb_priority *priority = &lb->priorities[index];
    /* Envoy's balancer of original destinations knows no panic. */
    answer.is_panicking =
        lb->shares[index].is_panicking && lb->cluster->type != CLUSTER_ORIGINAL_DST;
    struct lb_list *list = list_of(lb, priority, answer.is_panicking);
    answer.usable_count = list->count;
    if (list->count > 0)
        answer.endpoint_index = pick_from(lb, priority, list, &draw);
    return answer;
}

bool lb_is_hashing(const struct cluster *cluster)
{
    return cluster->lb == LB_RING_HASH || cluster->lb == LB_MAGLEV;
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
