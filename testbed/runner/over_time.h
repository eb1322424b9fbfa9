/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/over_time.h - what is said of a load: windows of time, and
 * thresholds over everything.
 *
 * Outcomes are counted as they come and not kept. Latencies go into buckets that
 * are 1/128 of their value wide: a percentile is at most so much too high.
 */
#pragma once

#include "testbed/runner/judge.h"
#include "testbed/runner/tally.h"

struct latency_counts {
    uint64_t *buckets;
    uint64_t count;
    int64_t least_ns, most_ns;
    double sum_ns;
};

struct window_counts {
    struct tally tally;
    uint64_t error_count;
};

struct over_time {
    const struct expect *expect;
    struct window_counts *windows; /* one for each of the expectation's */
    struct latency_counts latencies;
    uint64_t request_count, error_count;
    int64_t first_ns, last_ns; /* beginnings */
};

void over_time_init(struct over_time *over, const struct expect *expect, const struct world *world,
                    struct arena *arena, struct arena *scratch);

/* An outcome of a call that began at `started_ns` since the test did. */
struct over_time_item {
    const struct outcome *outcome;
    const struct world *world;
    int64_t started_ns;
    bool is_virtual;
};
void over_time_add(struct over_time *over, const struct over_time_item *item,
                   struct complaints *out);

/* `tally`: of everything, for shares. */
void over_time_judge(const struct over_time *over, const struct tally *tally,
                     struct complaints *out);

void latency_counts_init(struct latency_counts *counts, struct arena *arena);
void latency_counts_add(struct latency_counts *counts, int64_t ns);
/* What so many of all (0..1) took at most; 0 when there are none. */
int64_t latency_counts_percentile(const struct latency_counts *counts, double share);
