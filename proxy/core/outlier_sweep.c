/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/outlier_sweep.c - the end of an interval: who comes back, and who was
 * worse than the others in it.
 */
#include <math.h>

#include "base/check.h"
#include "base/ns.h"
#include "proxy/core/outlier_inside.h"

/* A host that may be judged, by what it did in the interval. */
struct judged {
    uint32_t volume;
    double success_rate;
};

static struct judged judge(const struct outlier *outlier, const struct outlier_host *host,
                           enum outlier_origin origin)
{
    unsigned closed = 1 - atomic_load_explicit(&outlier->bucket, memory_order_relaxed);
    uint32_t total = atomic_load_explicit(&host->totals[closed][origin], memory_order_relaxed);
    uint32_t good = atomic_load_explicit(&host->successes[closed][origin], memory_order_relaxed);
    bool is_eligible = host->is_there && !host->is_ejected && total > 0;
    return (struct judged){.volume = is_eligible ? total : 0,
                           .success_rate = is_eligible ? 100.0 * good / total : 0};
}

/* Those of at least `volume` (and one) requests. */
static uint32_t count_eligible(const struct outlier *outlier, enum outlier_origin origin,
                               uint32_t volume, double *sum)
{
    uint32_t count = 0;
    *sum = 0;
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        struct judged judged = judge(outlier, outlier->hosts[i], origin);
        if (judged.volume == 0 || judged.volume < volume)
            continue;
        count++;
        *sum += judged.success_rate;
    }
    return count;
}

static double deviation(const struct outlier *outlier, enum outlier_origin origin, uint32_t volume,
                        uint32_t count, double average)
{
    double variance = 0;
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        struct judged judged = judge(outlier, outlier->hosts[i], origin);
        if (judged.volume == 0 || judged.volume < volume)
            continue;
        variance += (judged.success_rate - average) * (judged.success_rate - average);
    }
    return sqrt(variance / count);
}

static void eject_by_rate(struct outlier *outlier, enum outlier_origin origin, int64_t now_ns,
                          struct outlier_events *events)
{
    uint32_t volume = outlier_config_number(outlier, OUTLIER_SUCCESS_RATE_REQUEST_VOLUME);
    double sum;
    uint32_t count = count_eligible(outlier, origin, volume, &sum);
    if (count == 0 || count < outlier_config_number(outlier, OUTLIER_SUCCESS_RATE_MINIMUM_HOSTS))
        return;
    double average = sum / count;
    double factor = outlier_config_number(outlier, OUTLIER_SUCCESS_RATE_STDEV_FACTOR) / 1000.0;
    outlier->averages[origin] = average;
    outlier->thresholds[origin] =
        average - factor * deviation(outlier, origin, volume, count, average);
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        struct judged judged = judge(outlier, outlier->hosts[i], origin);
        if (judged.volume == 0 || judged.volume < volume ||
            judged.success_rate >= outlier->thresholds[origin])
            continue;
        outlier->counters[STAT_OUTLIER_ejections_success_rate]++;
        outlier_eject(outlier, outlier->hosts[i],
                      origin == ORIGIN_LOCAL ? EJECTION_SUCCESS_RATE_LOCAL_ORIGIN
                                             : EJECTION_SUCCESS_RATE,
                      now_ns, events);
    }
}

static void eject_by_percentage(struct outlier *outlier, enum outlier_origin origin, int64_t now_ns,
                                struct outlier_events *events)
{
    uint32_t volume = outlier_config_number(outlier, OUTLIER_FAILURE_PERCENTAGE_REQUEST_VOLUME);
    double threshold = outlier_config_number(outlier, OUTLIER_FAILURE_PERCENTAGE_THRESHOLD);
    double sum;
    uint32_t count = count_eligible(outlier, origin, volume, &sum);
    if (count == 0 ||
        count < outlier_config_number(outlier, OUTLIER_FAILURE_PERCENTAGE_MINIMUM_HOSTS))
        return;
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        struct judged judged = judge(outlier, outlier->hosts[i], origin);
        if (judged.volume == 0 || judged.volume < volume || 100.0 - judged.success_rate < threshold)
            continue;
        outlier_eject(outlier, outlier->hosts[i],
                      origin == ORIGIN_LOCAL ? EJECTION_FAILURE_PERCENTAGE_LOCAL_ORIGIN
                                             : EJECTION_FAILURE_PERCENTAGE,
                      now_ns, events);
    }
}

/* The rates that /clusters shows. */
static void note_rates(struct outlier *outlier, enum outlier_origin origin)
{
    uint32_t by_rate = outlier_config_number(outlier, OUTLIER_SUCCESS_RATE_REQUEST_VOLUME);
    uint32_t by_percentage =
        outlier_config_number(outlier, OUTLIER_FAILURE_PERCENTAGE_REQUEST_VOLUME);
    uint32_t volume = by_rate < by_percentage ? by_rate : by_percentage;
    uint32_t few = outlier_config_number(outlier, OUTLIER_SUCCESS_RATE_MINIMUM_HOSTS);
    uint32_t others = outlier_config_number(outlier, OUTLIER_FAILURE_PERCENTAGE_MINIMUM_HOSTS);
    bool is_enough = outlier->present_count >= (few < others ? few : others);
    outlier->averages[origin] = outlier->thresholds[origin] = -1;
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        struct judged judged = judge(outlier, outlier->hosts[i], origin);
        bool is_known = is_enough && judged.volume > 0 && judged.volume >= volume;
        outlier->hosts[i]->success_rates[origin] = is_known ? judged.success_rate : -1;
    }
}

/* The bucket that was counted in is closed; the other one begins at 0. */
static void turn_bucket(struct outlier *outlier)
{
    unsigned next = 1 - atomic_load_explicit(&outlier->bucket, memory_order_relaxed);
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        for (uint32_t origin = 0; origin < ORIGIN_COUNT; origin++) {
            atomic_store_explicit(&outlier->hosts[i]->totals[next][origin], 0,
                                  memory_order_relaxed);
            atomic_store_explicit(&outlier->hosts[i]->successes[next][origin], 0,
                                  memory_order_relaxed);
        }
    }
    atomic_store_explicit(&outlier->bucket, next, memory_order_relaxed);
}

/* Who has behaved for an interval since he came back is ejected for less the next
 * time. */
static void forgive(struct outlier *outlier, int64_t now_ns)
{
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        struct outlier_host *host = outlier->hosts[i];
        if (!host->is_ejected && host->multiplier > 0 && host->unejected_ns != NS_NEVER &&
            now_ns - host->unejected_ns >= outlier_interval_ns(outlier))
            host->multiplier--;
    }
}

/* Will the next interval's end find anything to do, or to take back? */
static bool has_work(const struct outlier *outlier)
{
    unsigned closed = 1 - atomic_load_explicit(&outlier->bucket, memory_order_relaxed);
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        const struct outlier_host *host = outlier->hosts[i];
        if (host->is_there && (host->is_ejected || host->multiplier > 0))
            return true;
        for (uint32_t origin = 0; origin < ORIGIN_COUNT; origin++)
            if (atomic_load_explicit(&host->totals[closed][origin], memory_order_relaxed) > 0)
                return true;
    }
    return false;
}

static void sweep(struct outlier *outlier, int64_t now_ns, struct outlier_events *events)
{
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        if (outlier->hosts[i]->is_ejected)
            outlier_let_in(outlier, outlier->hosts[i], now_ns, events);
    }
    turn_bucket(outlier);
    for (uint32_t i = 0; i < ORIGIN_COUNT; i++)
        note_rates(outlier, (enum outlier_origin)i);
    for (uint32_t i = 0; i < ORIGIN_COUNT; i++) {
        eject_by_rate(outlier, (enum outlier_origin)i, now_ns, events);
        eject_by_percentage(outlier, (enum outlier_origin)i, now_ns, events);
    }
    forgive(outlier, now_ns);
    outlier->sweep_ns = NS_NEVER;
    if (has_work(outlier))
        outlier_arm_sweep(outlier, now_ns);
    else
        atomic_store_explicit(&outlier->is_stirred, false, memory_order_relaxed);
}

int64_t outlier_due_ns(const struct outlier *outlier)
{
    return atomic_load_explicit(&outlier->due_ns, memory_order_relaxed);
}

void outlier_step(struct outlier *outlier, int64_t now_ns, struct outlier_events *events)
{
    outlier_take_lock(outlier);
    if (outlier->tell_ns <= now_ns)
        outlier_tell_balancers(outlier, now_ns);
    if (outlier->sweep_ns <= now_ns)
        sweep(outlier, now_ns, events);
    outlier_give_lock(outlier);
}
