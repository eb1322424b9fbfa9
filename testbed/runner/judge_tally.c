/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/judge_tally.c - distributions and counts over many outcomes.
 */
#include <math.h>

#include "base/check.h"
#include "testbed/runner/judge_parts.h"

/* So many standard deviations may a share of requests be off (99.9 %). */
#define SHARE_DEVIATIONS 3.3

static uint64_t count_of(const struct tally_counts *counts, struct str key)
{
    uint32_t index = map_get(&counts->index, key);
    return index == MAP_NONE ? 0 : counts->items[index].count;
}

static struct str counts_words(const struct tally_counts *counts, uint64_t total,
                               struct arena *arena)
{
    struct str out = STR_EMPTY;
    for (uint32_t i = 0; i < counts->count; i++)
        out =
            arena_format(arena, "%.*s%s%.*s: %llu (%.1f%%)", STR_FMT(out), i > 0 ? ", " : "",
                         STR_FMT(counts->items[i].key), (unsigned long long)counts->items[i].count,
                         100.0 * (double)counts->items[i].count / (double)total);
    return out;
}

/* With how far off chance leaves a share of so many at the stated confidence. */
static struct str want_words(const struct want_distribution *want, uint64_t total,
                             struct arena *arena)
{
    struct str out = STR_EMPTY;
    for (uint32_t i = 0; i < want->share_count; i++) {
        const struct want_share *share = &want->shares[i];
        out = arena_format(arena, "%.*s%s%.*s: %s%g%%", STR_FMT(out), i > 0 ? ", " : "",
                           STR_FMT(share->key), want_order_sign(share->order), share->share * 100);
        if (share->order == WANT_EQUAL)
            out = arena_format(arena, "%.*s +-%.1f", STR_FMT(out),
                               100 * (want->has_tolerance
                                          ? want->tolerance
                                          : tally_margin(share->share, total, want->confidence)));
    }
    for (uint32_t i = 0; i < want->count_count; i++)
        out = arena_format(arena, "%.*s%s%.*s: %s%llu", STR_FMT(out),
                           i + want->share_count > 0 ? ", " : "", STR_FMT(want->counts[i].key),
                           want_order_sign(want->counts[i].order),
                           (unsigned long long)want->counts[i].count);
    return out;
}

static bool share_holds(const struct want_share *want, double got)
{
    switch (want->order) {
    case WANT_BELOW:
        return got < want->share;
    case WANT_AT_MOST:
        return got <= want->share;
    case WANT_ABOVE:
        return got > want->share;
    case WANT_AT_LEAST:
        return got >= want->share;
    case WANT_EQUAL:
    case WANT_BETWEEN:
        return true; /* judged together */
    }
    UNREACHABLE("want_order");
}

/* The plain shares and what is left, by the G-test. */
static bool g_holds(const struct want_distribution *want, const struct tally_counts *counts,
                    uint64_t total, struct arena *arena)
{
    uint64_t *seen = ARENA_ARRAY(arena, uint64_t, want->share_count + 1);
    double *shares = ARENA_ARRAY(arena, double, want->share_count + 1);
    uint32_t cells = 0, filled = 0;
    double rest = 1;
    uint64_t left = total;
    for (uint32_t i = 0; i < want->share_count; i++) {
        if (want->shares[i].order != WANT_EQUAL)
            continue;
        seen[cells] = count_of(counts, want->shares[i].key);
        shares[cells] = want->shares[i].share;
        rest -= shares[cells];
        left -= seen[cells];
        filled += shares[cells] > 0;
        cells++;
    }
    if (cells == 0)
        return true;
    if (rest <= 1e-9 && left > 0)
        return false;
    if (rest > 1e-9) {
        seen[cells] = left;
        shares[cells++] = rest;
        filled++;
    }
    return tally_g(seen, shares, cells, total) <=
           tally_g_limit(filled > 1 ? filled - 1 : 1, want->confidence);
}

/* The smallest cell must be expected five times: the G-test's own rule. */
#define CELL_LEAST 5.0

/* How often a share must be asked for to be told within its tolerance, or at all. */
static uint64_t needed(const struct want_distribution *want, double share, bool is_by_chance)
{
    double least = share < 1 ? share : 1;
    if (!want->has_tolerance)
        return least > 0 ? (uint64_t)ceil(CELL_LEAST / least - 1e-6) : 0;
    if (share <= 0 || share >= 1)
        return 0;
    /* One request more or less must not be the whole tolerance. */
    uint64_t one = (uint64_t)ceil(1 / want->tolerance - 1e-6);
    uint64_t drawn = is_by_chance ? tally_needed(share, want->tolerance, want->confidence) : 0;
    return drawn > one ? drawn : one;
}

/* 0: so many are enough. Else how many would be. */
static uint64_t underpowered(const struct want_distribution *want, const struct tally *tally)
{
    bool is_by_chance = tally_is_drawn(tally, want->by);
    uint64_t most = 0;
    double rest = 1;
    bool is_any = false; /* a share of none says something of the rest */
    for (uint32_t i = 0; i < want->share_count; i++) {
        if (want->shares[i].order != WANT_EQUAL)
            continue;
        is_any = true;
        rest -= want->shares[i].share;
        uint64_t one = needed(want, want->shares[i].share, is_by_chance);
        most = one > most ? one : most;
    }
    if (is_any && rest > 1e-9 && !want->has_tolerance) {
        uint64_t one = needed(want, rest, is_by_chance);
        most = one > most ? one : most;
    }
    return most > tally->outcome_count ? most : 0;
}

static bool tolerance_holds(const struct want_distribution *want, const struct tally_counts *counts,
                            uint64_t total)
{
    for (uint32_t i = 0; i < want->share_count; i++) {
        double got = (double)count_of(counts, want->shares[i].key) / (double)total;
        if (want->shares[i].order == WANT_EQUAL &&
            fabs(got - want->shares[i].share) > want->tolerance)
            return false;
    }
    return true;
}

static bool is_closed_by(const struct want_distribution *want, const struct tally_counts *counts)
{
    for (uint32_t i = 0; i < counts->count; i++) {
        bool is_named = false;
        for (uint32_t k = 0; k < want->share_count; k++)
            is_named |= str_eq(want->shares[k].key, counts->items[i].key);
        for (uint32_t k = 0; k < want->count_count; k++)
            is_named |= str_eq(want->counts[k].key, counts->items[i].key);
        if (!is_named)
            return false;
    }
    return true;
}

static void judge_distribution(const struct want_distribution *want,
                               const struct tally_counts *counts, const struct tally *tally,
                               struct complaints *out)
{
    uint64_t total = tally->outcome_count;
    bool holds = !want->is_closed || is_closed_by(want, counts);
    for (uint32_t i = 0; i < want->count_count; i++)
        holds &= want_number_holds(want->counts[i].order, want->counts[i].count,
                                   count_of(counts, want->counts[i].key));
    for (uint32_t i = 0; i < want->share_count; i++)
        holds &= share_holds(&want->shares[i],
                             (double)count_of(counts, want->shares[i].key) / (double)total);
    if (want->is_exact)
        return; /* judged by the weights */
    if (want->has_tolerance)
        holds &= tolerance_holds(want, counts, total);
    else
        holds &= g_holds(want, counts, total, out->scratch);
    struct str words = want_words(want, total, out->scratch);
    uint64_t enough = underpowered(want, tally);
    if (enough > 0 && (holds || want->has_tolerance))
        complain(out, want->origin, STR("distribution"), words,
                 arena_format(out->scratch,
                              "underpowered: %llu requests cannot tell, %llu can (%.*s)",
                              (unsigned long long)total, (unsigned long long)enough,
                              STR_FMT(counts_words(counts, total, out->scratch))));
    else if (!holds)
        complain(out, want->origin, STR("distribution"), words,
                 counts_words(counts, total, out->scratch));
}

static void judge_count(const struct want_count *want, const char *where, uint64_t got,
                        struct complaints *out)
{
    if (!want->is_given)
        return;
    struct str actual = arena_format(out->scratch, "%llu", (unsigned long long)got);
    if (!want->is_share) {
        if (got != want->value)
            complain(out, want->origin, str_of(where),
                     arena_format(out->scratch, "%llu", (unsigned long long)want->value), actual);
        return;
    }
    double expected = (double)want->of * want->share;
    double rarer = want->share < 0.5 ? want->share : 1 - want->share;
    if (rarer > 0 && rarer * (double)want->of < CELL_LEAST) {
        complain(out, want->origin, str_of(where),
                 arena_format(out->scratch, "%g%% of %llu", want->share * 100,
                              (unsigned long long)want->of),
                 arena_format(out->scratch, "underpowered: so few cannot tell (%llu)",
                              (unsigned long long)got));
        return;
    }
    double allowed = SHARE_DEVIATIONS * sqrt(expected * (1 - want->share)) + 0.5;
    if (fabs((double)got - expected) > allowed)
        complain(out, want->origin, str_of(where),
                 arena_format(out->scratch, "%g%% of %llu", want->share * 100,
                              (unsigned long long)want->of),
                 actual);
}

static bool is_of_subset(struct str cluster, struct str subset)
{
    struct str host, name, port;
    return tally_cluster_parts(cluster, &host, &name, &port) &&
           str_eq(name.len > 0 ? name : STR("-"), subset);
}

/* What the weights of the route give a subset; a route to one cluster gives it all. */
static double weight_share(const struct route *route, struct str subset)
{
    const struct forward_action *forward = &route->forward;
    uint64_t sum = 0, own = 0;
    for (uint32_t i = 0; i < forward->weighted_count; i++) {
        sum += forward->weighted[i].weight;
        if (is_of_subset(forward->weighted[i].cluster, subset))
            own += forward->weighted[i].weight;
    }
    return sum > 0 ? (double)own / (double)sum : is_of_subset(forward->cluster, subset);
}

void judge_exact(const struct expect *expect, const struct outcome *outcome, struct complaints *out)
{
    const struct route *route = outcome->has_record ? outcome->record.route : NULL;
    for (uint32_t i = 0; i < expect->distribution_count; i++) {
        const struct want_distribution *want = &expect->distributions[i];
        for (uint32_t k = 0; want->is_exact && k < want->share_count; k++) {
            const struct want_share *share = &want->shares[k];
            double got = route != NULL ? weight_share(route, share->key) : 0;
            bool holds = share->order == WANT_EQUAL ? fabs(got - share->share) < 1e-9
                                                    : share_holds(share, got);
            if (!holds)
                complain(out, share->origin, STR("distribution, by the weights"),
                         arena_format(out->scratch, "%.*s: %s%g%%", STR_FMT(share->key),
                                      want_order_sign(share->order), share->share * 100),
                         arena_format(out->scratch, "%g%%", got * 100));
        }
    }
}

void judge_tally(const struct expect *expect, const struct tally *tally, struct complaints *out)
{
    for (uint32_t i = 0; i < expect->distribution_count; i++)
        judge_distribution(&expect->distributions[i], &tally->distributions[i], tally, out);
    judge_count(&expect->upstream.requests, "upstream.requests", tally->sighting_count, out);
    judge_count(&expect->mirror.requests, "mirror.count", tally->mirror_count, out);
    if (expect->has_same_pod && (tally->pods.count == 1) != expect->same_pod)
        complain(out, expect->origin, STR("samePod"),
                 expect->same_pod ? STR("one pod") : STR("several pods"),
                 counts_words(&tally->pods, tally->outcome_count, out->scratch));
}
