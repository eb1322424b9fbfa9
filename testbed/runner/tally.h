/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/tally.h - many outcomes as counts: what distributions,
 * request counts and pods are judged by, without keeping the outcomes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "testbed/runner/suite.h"
#include "testbed/world/call.h"
#include "testbed/world/world.h"

struct tally_key {
    struct str key;
    uint64_t count;
};

struct tally_counts {
    struct map index;
    struct tally_key *items; /* in order of first appearance */
    uint32_t count, capacity;
};

struct tally {
    struct arena *arena;   /* as long as the case; keys live here */
    struct arena *scratch; /* of one outcome */
    const struct expect *expect;
    const struct world *world;
    uint64_t outcome_count;
    uint64_t sighting_count, mirror_count;
    struct tally_counts *distributions; /* one for each of the expectation's */
    struct tally_counts pods;           /* for samePod and attemptHosts */
    bool is_pod_drawn;                  /* some balancer drew who answers; else all took turns */
};

void tally_init(struct tally *tally, const struct expect *expect, const struct world *world,
                struct arena *arena, struct arena *scratch);
void tally_add(struct tally *tally, const struct outcome *outcome);

/* Is chance at work in who is counted? Who takes turns is where a share says at once. */
bool tally_is_drawn(const struct tally *tally, enum want_by by);

/* Of one of the expectation's distributions. */
uint64_t tally_count_of(const struct tally *tally, uint32_t distribution, struct str key);

/* The key of one outcome; "-" where there is none. */
struct str tally_key_of(const struct want_distribution *by, const struct outcome *outcome,
                        const struct world *world, struct arena *scratch);
/* outbound|PORT|SUBSET|HOST in parts; false for another name. */
bool tally_cluster_parts(struct str cluster, struct str *host, struct str *subset,
                         struct str *port);

/* The G statistic of counts against shares, and the point of the chi-square
 * distribution that it must not pass (Wilson and Hilferty's approximation). */
double tally_g(const uint64_t *counts, const double *shares, uint32_t cell_count, uint64_t total);
double tally_g_limit(uint32_t degrees, double confidence);

/* How far off its share so many draws may leave a count, as a share, at that
 * confidence; and how many it takes for no more than `margin`. */
double tally_margin(double share, uint64_t total, double confidence);
uint64_t tally_needed(double share, double margin, double confidence);
