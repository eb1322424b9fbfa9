/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/tally.c - keys, counts and the G-test.
 */
#include "testbed/runner/tally.h"

#include <math.h>

#include "base/check.h"

static void counts_init(struct tally_counts *counts, struct arena *arena)
{
    *counts = (struct tally_counts){0};
    map_init(&counts->index, arena);
}

static void counts_add(struct tally_counts *counts, struct str key, struct arena *arena)
{
    uint32_t index = map_get(&counts->index, key);
    if (index == MAP_NONE) {
        index = counts->count;
        struct tally_key *fresh = ARENA_PUSH(arena, counts->items, counts->count, counts->capacity);
        *fresh = (struct tally_key){.key = arena_str(arena, key)};
        map_set(&counts->index, fresh->key, index);
    }
    counts->items[index].count++;
}

static struct str pod_name(const struct outcome *outcome, const struct world *world)
{
    return outcome->pod == UINT32_MAX ? STR("-") : world->pods[outcome->pod].name;
}

static struct str header_of(const struct outcome *outcome, struct str name)
{
    for (uint32_t i = 0; i < outcome->header_count; i++)
        if (str_eq_ci(outcome->headers[i].name, name))
            return outcome->headers[i].value;
    return STR("-");
}

bool tally_cluster_parts(struct str cluster, struct str *host, struct str *subset, struct str *port)
{
    struct str rest = cluster;
    if (!str_eq(str_cut(&rest, '|'), STR("outbound")) || rest.ptr == NULL)
        return false;
    *port = str_cut(&rest, '|');
    if (rest.ptr == NULL)
        return false;
    *subset = str_cut(&rest, '|');
    *host = rest;
    return rest.ptr != NULL;
}

struct str tally_key_of(const struct want_distribution *by, const struct outcome *outcome,
                        const struct world *world, struct arena *scratch)
{
    struct str host, subset, port;
    switch (by->by) {
    case BY_SUBSET:
        if (!outcome->has_record ||
            !tally_cluster_parts(outcome->record.cluster_name, &host, &subset, &port))
            return STR("-");
        return subset.len > 0 ? subset : STR("-");
    case BY_WORKLOAD:
        return outcome->pod == UINT32_MAX ? STR("-") : world->pods[outcome->pod].workload;
    case BY_POD:
        return pod_name(outcome, world);
    case BY_STATUS:
        return outcome->has_response ? arena_format(scratch, "%u", outcome->status)
                                     : call_error_name(outcome->error);
    case BY_FLAGS:
        return outcome->has_record ? outcome->flags : STR("-");
    case BY_HEADER:
        return header_of(outcome, by->header);
    }
    UNREACHABLE("want_by");
}

void tally_init(struct tally *tally, const struct expect *expect, const struct world *world,
                struct arena *arena, struct arena *scratch)
{
    *tally = (struct tally){.arena = arena, .scratch = scratch, .expect = expect, .world = world};
    tally->distributions = ARENA_ARRAY(arena, struct tally_counts, expect->distribution_count);
    for (uint32_t i = 0; i < expect->distribution_count; i++)
        counts_init(&tally->distributions[i], arena);
    counts_init(&tally->pods, arena);
}

/* Equal endpoints are drawn, two at a time or one; unequal ones, places and those that
 * warm up are served by a schedule. */
static bool is_drawing(const struct cluster *cluster)
{
    if (cluster == NULL || cluster->slow_start != NULL || cluster->locality_count > 1)
        return false;
    return cluster->lb == LB_RANDOM || cluster->lb == LB_LEAST_REQUEST;
}

void tally_add(struct tally *tally, const struct outcome *outcome)
{
    tally->outcome_count++;
    tally->is_pod_drawn |= outcome->has_record && is_drawing(outcome->record.cluster);
    for (uint32_t i = 0; i < outcome->sighting_count; i++) {
        if (outcome->sightings[i].is_mirror)
            tally->mirror_count++;
        else
            tally->sighting_count++;
    }
    for (uint32_t i = 0; i < tally->expect->distribution_count; i++) {
        struct str key =
            tally_key_of(&tally->expect->distributions[i], outcome, tally->world, tally->scratch);
        counts_add(&tally->distributions[i], key, tally->arena);
    }
    if (tally->expect->has_same_pod)
        counts_add(&tally->pods, pod_name(outcome, tally->world), tally->arena);
}

bool tally_is_drawn(const struct tally *tally, enum want_by by)
{
    switch (by) {
    case BY_SUBSET:
    case BY_STATUS:
    case BY_FLAGS:
    case BY_HEADER:
        return true;
    case BY_WORKLOAD:
    case BY_POD:
        return tally->is_pod_drawn;
    }
    UNREACHABLE("want_by");
}

uint64_t tally_count_of(const struct tally *tally, uint32_t distribution, struct str key)
{
    const struct tally_counts *counts = &tally->distributions[distribution];
    uint32_t index = map_get(&counts->index, key);
    return index == MAP_NONE ? 0 : counts->items[index].count;
}

double tally_g(const uint64_t *counts, const double *shares, uint32_t cell_count, uint64_t total)
{
    double g = 0;
    for (uint32_t i = 0; i < cell_count; i++) {
        double expected = shares[i] * (double)total;
        if (counts[i] > 0 && expected <= 0)
            return INFINITY;
        if (counts[i] > 0)
            g += 2 * (double)counts[i] * log((double)counts[i] / expected);
    }
    return g;
}

/* The normal distribution's point for a probability above one half, found by
 * halving. */
static double normal_point(double p)
{
    double low = 0, high = 10;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2.0)) < p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

double tally_margin(double share, uint64_t total, double confidence)
{
    double z = normal_point(1 - (1 - confidence) / 2);
    return z * sqrt(share * (1 - share) / (double)total);
}

uint64_t tally_needed(double share, double margin, double confidence)
{
    double z = normal_point(1 - (1 - confidence) / 2);
    return (uint64_t)ceil(z * z * share * (1 - share) / (margin * margin));
}

/* How likely chi-square with so many degrees is at most x: the regularized lower incomplete
 * gamma function of k/2 and x/2, by its series. */
static double chi_square_below(double degrees, double x)
{
    double a = degrees / 2, z = x / 2;
    double term = 1 / a, sum = term;
    if (x <= 0)
        return 0;
    for (int n = 1; n < 10000 && term > sum * 1e-16; n++) {
        term *= z / (a + n);
        sum += term;
    }
    return sum * exp(a * log(z) - z - lgamma(a));
}

double tally_g_limit(uint32_t degrees, double confidence)
{
    double k = degrees > 0 ? degrees : 1;
    double low = 0, high = 100 + 10 * k;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (chi_square_below(k, middle) < confidence)
            low = middle;
        else
            high = middle;
    }
    return high;
}
