/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/lb.h - which endpoint of a cluster?
 *
 * Only usable endpoints of the first priority that has any; when too few are
 * healthy and the cluster has a panic threshold, all of them (ENVOY.md 5.1,
 * 5.2). Round robin starts anywhere; unequal weights are served earliest
 * deadline first, as Envoy's scheduler does (5.3).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "proxy/model/cluster.h"

#define LB_NONE UINT32_MAX

/* What a balancer remembers of one cluster; lives with the engine. */
struct lb {
    const struct cluster *cluster;
    uint32_t *usable; /* indexes of endpoints, in order */
    uint32_t usable_count;
    bool is_panicking;
    bool has_weights;  /* they are not all the same */
    uint64_t next;     /* round robin */
    double *deadlines; /* of each usable one, with weights */
    double now;        /* the scheduler's clock */
    uint32_t *active;  /* requests under way, of each endpoint */
};

/* Draws once from `rng` for the starting point. */
void lb_init(struct lb *lb, const struct cluster *cluster, struct rng *rng, struct arena *arena);

/* Index of the endpoint, or LB_NONE. Draws: round robin none; random one;
 * least request one for each choice (2 by default). */
uint32_t lb_pick(struct lb *lb, struct rng *rng);

/* A request at an endpoint begins and ends. */
void lb_note_begin(struct lb *lb, uint32_t endpoint_index);
void lb_note_end(struct lb *lb, uint32_t endpoint_index);
