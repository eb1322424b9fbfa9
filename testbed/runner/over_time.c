/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/over_time.c - see over_time.h.
 */
#include "testbed/runner/over_time.h"

#include "base/check.h"
#include "base/ns.h"
#include "config/yaml/duration.h"
#include "testbed/runner/judge_parts.h"

#define STEPS 128u /* buckets from one power of two to the next */
#define STEP_BITS 7
#define BUCKETS (64u * STEPS)

static uint32_t bucket_of(uint64_t ns)
{
    if (ns < STEPS)
        return (uint32_t)ns;
    uint32_t power = 63u - (uint32_t)__builtin_clzll(ns);
    uint32_t shift = power - STEP_BITS;
    return (shift + 1) * STEPS + (uint32_t)((ns >> shift) - STEPS);
}

/* The largest value of a bucket. */
static int64_t bucket_top_ns(uint32_t bucket)
{
    if (bucket < STEPS)
        return bucket;
    uint32_t shift = bucket / STEPS - 1;
    uint64_t first = (uint64_t)(bucket % STEPS + STEPS) << shift;
    return (int64_t)(first + (UINT64_C(1) << shift) - 1);
}

void latency_counts_init(struct latency_counts *counts, struct arena *arena)
{
    *counts = (struct latency_counts){.buckets = ARENA_ARRAY(arena, uint64_t, BUCKETS),
                                      .least_ns = INT64_MAX};
}

void latency_counts_add(struct latency_counts *counts, int64_t ns)
{
    ASSERT(ns >= 0);
    counts->buckets[bucket_of((uint64_t)ns)]++;
    counts->count++;
    counts->least_ns = ns_min(counts->least_ns, ns);
    counts->most_ns = ns_max(counts->most_ns, ns);
    counts->sum_ns += (double)ns;
}

int64_t latency_counts_percentile(const struct latency_counts *counts, double share)
{
    uint64_t seen = 0;
    if (counts->count == 0)
        return 0;
    if (share <= 0)
        return counts->least_ns;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        seen += counts->buckets[i];
        if (seen > 0 && (double)seen >= share * (double)counts->count)
            return ns_min(bucket_top_ns(i), counts->most_ns);
    }
    return counts->most_ns;
}

void over_time_init(struct over_time *over, const struct expect *expect, const struct world *world,
                    struct arena *arena, struct arena *scratch)
{
    *over = (struct over_time){.expect = expect, .first_ns = INT64_MAX};
    over->windows = ARENA_ARRAY(arena, struct window_counts, expect->window_count);
    for (uint32_t i = 0; i < expect->window_count; i++)
        tally_init(&over->windows[i].tally, expect->windows[i].expect, world, arena, scratch);
    latency_counts_init(&over->latencies, arena);
}

static bool is_failure(const struct outcome *outcome)
{
    return outcome->error != CALL_OK || outcome->status >= 500;
}

void over_time_add(struct over_time *over, const struct over_time_item *item,
                   struct complaints *out)
{
    const struct outcome *outcome = item->outcome;
    over->request_count++;
    over->error_count += is_failure(outcome);
    over->first_ns = ns_min(over->first_ns, item->started_ns);
    over->last_ns = ns_max(over->last_ns, item->started_ns + outcome->duration_ns);
    latency_counts_add(&over->latencies, outcome->duration_ns);
    for (uint32_t i = 0; i < over->expect->window_count; i++) {
        const struct want_window *want = &over->expect->windows[i];
        if (item->started_ns < want->from_ns || item->started_ns >= want->to_ns)
            continue;
        over->windows[i].error_count += is_failure(outcome);
        tally_add(&over->windows[i].tally, outcome);
        if (want->expect->response.is_given)
            judge_outcome(want->expect, outcome, item->world, item->is_virtual, out);
    }
}

static struct str window_words(const struct want_window *want, const char *what,
                               struct arena *arena)
{
    return arena_format(arena, "windows %.*s..%.*s%s%s",
                        STR_FMT(duration_text(want->from_ns, arena)),
                        STR_FMT(duration_text(want->to_ns, arena)), what[0] != 0 ? " " : "", what);
}

static void judge_window(const struct want_window *want, const struct window_counts *got,
                         struct complaints *out)
{
    judge_numbers(&want->errors, window_words(want, "errors", out->scratch), true, got->error_count,
                  out);
    judge_numbers(&want->requests, window_words(want, "requests", out->scratch), true,
                  got->tally.outcome_count, out);
    if (got->tally.outcome_count > 0)
        judge_tally(want->expect, &got->tally, out);
    else if (want->requests.count == 0)
        complain(out, want->origin, window_words(want, "", out->scratch),
                 STR("requests that begin in it"), STR("none"));
}

/* --- thresholds ------------------------------------------------------------ */

static double measured(const struct over_time *over, const struct tally *tally,
                       const struct want_threshold *want)
{
    double count = (double)over->request_count;
    switch (want->quantity) {
    case QUANTITY_LATENCY:
        if (want->percentile < 0)
            return count > 0 ? over->latencies.sum_ns / count : 0;
        return (double)latency_counts_percentile(&over->latencies, want->percentile);
    case QUANTITY_ERROR_RATE:
        return count > 0 ? (double)over->error_count / count : 0;
    case QUANTITY_ERRORS:
        return (double)over->error_count;
    case QUANTITY_REQUESTS:
        return count;
    case QUANTITY_RATE:
        return over->last_ns > over->first_ns
                   ? count * (double)NS_SECOND / (double)(over->last_ns - over->first_ns)
                   : 0;
    case QUANTITY_SHARE:
        return count > 0 ? (double)tally_count_of(tally, want->distribution, want->key) / count : 0;
    }
    UNREACHABLE("want_quantity");
}

static struct str measured_words(const struct want_threshold *want, double got, struct arena *arena)
{
    switch (want->quantity) {
    case QUANTITY_LATENCY:
        return duration_text((int64_t)got / NS_US * NS_US, arena);
    case QUANTITY_ERROR_RATE:
    case QUANTITY_SHARE:
        return arena_format(arena, "%.3f%%", got * 100);
    case QUANTITY_ERRORS:
    case QUANTITY_REQUESTS:
    case QUANTITY_RATE:
        return arena_format(arena, "%g", got);
    }
    UNREACHABLE("want_quantity");
}

static bool threshold_holds(const struct want_threshold *want, double got)
{
    switch (want->order) {
    case WANT_EQUAL:
        return got >= want->value && got <= want->value;
    case WANT_BELOW:
        return got < want->value;
    case WANT_AT_MOST:
        return got <= want->value;
    case WANT_ABOVE:
        return got > want->value;
    case WANT_AT_LEAST:
        return got >= want->value;
    case WANT_BETWEEN:
        return got >= want->value - want->margin && got <= want->value + want->margin;
    }
    UNREACHABLE("want_order");
}

#define SHARE_CONFIDENCE 0.999

/* How many requests it takes to tell a share within its margin; 0: there are enough. */
static uint64_t lacking(const struct over_time *over, const struct tally *tally,
                        const struct want_threshold *want)
{
    if (want->quantity != QUANTITY_SHARE || want->order != WANT_BETWEEN || want->margin <= 0 ||
        !tally_is_drawn(tally, over->expect->distributions[want->distribution].by))
        return 0;
    uint64_t enough = tally_needed(want->value, want->margin, SHARE_CONFIDENCE);
    return enough > over->request_count ? enough : 0;
}

void over_time_judge(const struct over_time *over, const struct tally *tally,
                     struct complaints *out)
{
    for (uint32_t i = 0; i < over->expect->window_count; i++)
        judge_window(&over->expect->windows[i], &over->windows[i], out);
    for (uint32_t i = 0; i < over->expect->threshold_count; i++) {
        const struct want_threshold *want = &over->expect->thresholds[i];
        double got = measured(over, tally, want);
        uint64_t enough = lacking(over, tally, want);
        if (enough > 0) {
            complain(out, want->origin, STR("thresholds"), want->text,
                     arena_format(out->scratch, "underpowered: %llu requests cannot tell, %llu can",
                                  (unsigned long long)over->request_count,
                                  (unsigned long long)enough));
            continue;
        }
        if (over->request_count == 0 || !threshold_holds(want, got))
            complain(out, want->origin, STR("thresholds"), want->text,
                     measured_words(want, got, out->scratch));
    }
}
