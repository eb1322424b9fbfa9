/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb.h - which endpoint of a cluster?
 *
 * First a priority (priority.h), then one of its healthy endpoints (health.h), or
 * of all its endpoints when it panics, by the cluster's policy. Round robin starts
 * anywhere; unequal weights are served earliest deadline first, as Envoy's
 * scheduler does. Source: ENVOY.md 5.1 to 5.3.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "proxy/core/health.h"
#include "proxy/core/priority.h"
#include "proxy/model/cluster.h"

#define LB_NONE UINT32_MAX

/* Those of one priority that may be picked, and whose turn it is. */
struct lb_group {
    uint32_t *endpoints; /* indexes, in the cluster's order */
    uint32_t count;
    bool has_weights;  /* they are not all the same */
    uint64_t nexts[2]; /* round robin: among the healthy, among all */
    /* With weights: when each is due, and its place among those due at once. */
    double *deadlines;
    uint64_t *sequences;
    uint64_t next_sequence;
    double now; /* the scheduler's clock */
};

/* What a balancer remembers of one cluster; lives with the engine. */
struct lb {
    const struct cluster *cluster;
    const struct health *health; /* NULL: nobody is ever ejected */
    uint32_t health_version;     /* that the groups were made with */
    uint64_t seed;
    struct lb_group *groups; /* of each priority */
    struct priority_share *shares;
    struct priority_count *counts;
    uint32_t group_count;
    uint32_t *active; /* requests under way, of each endpoint */
};

struct lb_answer {
    uint32_t endpoint_index; /* or LB_NONE */
    uint32_t usable_count;   /* how many it was picked from */
    bool is_panicking;
};

/* Draws once from `rng` for the starting point. `health` (borrowed; may be NULL) is
 * looked at before each choice. */
void lb_init(struct lb *lb, const struct cluster *cluster, const struct health *health,
             struct rng *rng, struct arena *arena);

/* Draws: one for the priority when there are several, which random picking uses
 * as well; least request one for each choice (2 by default); round robin and
 * weighted turns none. */
struct lb_answer lb_choose(struct lb *lb, struct rng *rng);
/* Index of the endpoint, or LB_NONE. */
uint32_t lb_pick(struct lb *lb, struct rng *rng);

/* A request at an endpoint begins (it has a connection) and ends. */
void lb_note_begin(struct lb *lb, uint32_t endpoint_index);
void lb_note_end(struct lb *lb, uint32_t endpoint_index);
