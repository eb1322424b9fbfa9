/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_lb.c - what one pick costs, policy by policy, in nanoseconds.
 *
 *   bench lb [PICKS [SEED]]
 */
#include "bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/ns.h"
#include "proxy/core/lb.h"

#define PICKS_DEFAULT 2000000u
#define PICKS_MAX UINT64_C(10000000000)
#define ENDPOINTS_MAX 1000u
#define HASH_STEP UINT64_C(0x9E3779B97F4A7C15) /* spreads successive numbers */

struct row {
    const char *name;
    enum lb_policy lb;
    uint32_t endpoint_count;
    bool has_weights, has_localities, has_priorities;
};

static const struct row ROWS[] = {
    {"round robin", LB_ROUND_ROBIN, 10, false, false, false},
    {"round robin, weighted", LB_ROUND_ROBIN, 10, true, false, false},
    {"round robin, weighted", LB_ROUND_ROBIN, 1000, true, false, false},
    {"round robin, 3 localities", LB_ROUND_ROBIN, 10, false, true, false},
    {"round robin, 2 priorities", LB_ROUND_ROBIN, 10, false, false, true},
    {"least request", LB_LEAST_REQUEST, 10, false, false, false},
    {"least request, weighted", LB_LEAST_REQUEST, 10, true, false, false},
    {"least request, weighted", LB_LEAST_REQUEST, 1000, true, false, false},
    {"random", LB_RANDOM, 10, false, false, false},
    {"ring hash", LB_RING_HASH, 10, false, false, false},
    {"ring hash", LB_RING_HASH, 1000, false, false, false},
    {"maglev", LB_MAGLEV, 10, false, false, false},
};

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_SECOND + now.tv_nsec;
}

static void measure(const struct row *row, uint64_t pick_count, uint64_t seed)
{
    static struct endpoint endpoints[ENDPOINTS_MAX];
    static const struct str REGIONS[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c")};
    struct arena arena;
    arena_init(&arena, 65536, 0);
    for (uint32_t i = 0; i < row->endpoint_count; i++)
        endpoints[i] = (struct endpoint){.address = STR("10.0.0.1"),
                                         .port = 1 + i,
                                         .weight = row->has_weights ? 1 + i % 7 : 1,
                                         .priority = row->has_priorities ? i % 2 : 0,
                                         .locality = {.region = REGIONS[i % 3]}};
    struct cluster cluster = {.lb = row->lb,
                              .endpoints = endpoints,
                              .endpoint_count = row->endpoint_count,
                              .has_locality_weights = row->has_localities,
                              .has_panic_threshold_zero = true};
    struct rng rng = rng_seeded(seed, STR("bench"));
    struct lb lb;
    int64_t started_ns = clock_ns();
    lb_init(&lb, &cluster, NULL, &rng, &arena);
    lb_refresh(&lb, 0);
    int64_t built_ns = clock_ns();
    uint64_t sum = 0;
    struct lb_question asked = {0};
    for (uint64_t i = 0; i < pick_count; i++) {
        asked.hash += HASH_STEP;
        sum += lb_choose(&lb, &asked, &rng).endpoint_index;
    }
    int64_t done_ns = clock_ns();
    printf("%-28s %5u endpoints  %7.1f ns a pick, built in %7.1f us (sum %" PRIu64 ")\n", row->name,
           row->endpoint_count, (double)(done_ns - built_ns) / (double)pick_count,
           (double)(built_ns - started_ns) / (double)NS_US, sum);
    arena_fini(&arena);
}

int bench_lb(int argc, char **argv)
{
    uint64_t pick_count = PICKS_DEFAULT, seed = 1;
    if ((argc > 1 && !str_to_u64(str_of(argv[1]), PICKS_MAX, &pick_count)) ||
        (argc > 2 && !str_to_u64(str_of(argv[2]), UINT64_MAX, &seed)) || pick_count == 0) {
        fprintf(stderr, "usage: bench lb [PICKS [SEED]]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
        measure(&ROWS[i], pick_count, seed);
    return 0;
}
