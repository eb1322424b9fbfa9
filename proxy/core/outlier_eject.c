/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/outlier_eject.c - a host goes out and comes back; balancers are told.
 */
#include "base/check.h"
#include "base/ns.h"
#include "proxy/core/outlier_inside.h"

#define INTERVAL_NS (10 * NS_SECOND)
#define BASE_EJECTION_NS (30 * NS_SECOND)
#define MAX_EJECTION_NS (300 * NS_SECOND)
#define MERGE_WINDOW_MS 1000

uint32_t outlier_config_number(const struct outlier *outlier, enum outlier_number which)
{
    return outlier_number(outlier->config, which);
}

int64_t outlier_interval_ns(const struct outlier *outlier)
{
    int64_t said_ns = outlier->config->interval_ns;
    return said_ns > 0 ? said_ns : INTERVAL_NS;
}

static int64_t base_ejection_ns(const struct outlier *outlier)
{
    int64_t said_ns = outlier->config->base_ejection_ns;
    return said_ns > 0 ? said_ns : BASE_EJECTION_NS;
}

static int64_t max_ejection_ns(const struct outlier *outlier)
{
    int64_t said_ns = outlier->config->max_ejection_ns;
    return said_ns > 0 ? said_ns : ns_max(MAX_EJECTION_NS, base_ejection_ns(outlier));
}

void outlier_take_lock(struct outlier *outlier)
{
    while (atomic_flag_test_and_set_explicit(&outlier->lock, memory_order_acquire))
        ;
}

void outlier_give_lock(struct outlier *outlier)
{
    atomic_store_explicit(&outlier->due_ns, ns_min(outlier->sweep_ns, outlier->tell_ns),
                          memory_order_relaxed);
    atomic_flag_clear_explicit(&outlier->lock, memory_order_release);
}

void outlier_tell_balancers(struct outlier *outlier, int64_t now_ns)
{
    outlier->told_ns = now_ns;
    outlier->tell_ns = NS_NEVER;
    for (uint32_t i = 0; i < outlier->host_count; i++)
        atomic_store_explicit(&outlier->hosts[i]->is_told_ejected, outlier->hosts[i]->is_ejected,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&outlier->told_version, 1, memory_order_release);
}

/* Envoy's cluster manager merges updates that come close together. */
static void note_changed(struct outlier *outlier, int64_t now_ns)
{
    if ((now_ns - outlier->told_ns) / NS_MS > MERGE_WINDOW_MS)
        outlier_tell_balancers(outlier, now_ns);
    else if (outlier->tell_ns == NS_NEVER)
        outlier->tell_ns = ns_add(now_ns, MERGE_WINDOW_MS * NS_MS);
}

/* Everything but the numbers of a success rate. */
static struct outlier_event *add_event(struct outlier *outlier, const struct outlier_host *host,
                                       int64_t last_ns, int64_t now_ns,
                                       struct outlier_events *events)
{
    struct outlier_event *event =
        ARENA_PUSH(events->arena, events->items, events->count, events->capacity);
    *event = (struct outlier_event){
        .at_ns = now_ns,
        .since_last_action_ns = last_ns == NS_NEVER ? NS_NEVER : now_ns - last_ns,
        .cluster = outlier->cluster,
        .address = host->address,
        .port = host->port,
        .num_ejections = host->num_ejections,
    };
    return event;
}

/* As Envoy asks its runtime: no luck is used where none is needed. */
static bool is_enforced(struct outlier *outlier, enum ejection_type type)
{
    static const enum outlier_number ENFORCING[] = {
        [EJECTION_CONSECUTIVE_5XX] = OUTLIER_ENFORCING_CONSECUTIVE_5XX,
        [EJECTION_CONSECUTIVE_GATEWAY_FAILURE] = OUTLIER_ENFORCING_CONSECUTIVE_GATEWAY_FAILURE,
        [EJECTION_SUCCESS_RATE] = OUTLIER_ENFORCING_SUCCESS_RATE,
        [EJECTION_CONSECUTIVE_LOCAL_ORIGIN_FAILURE] =
            OUTLIER_ENFORCING_CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
        [EJECTION_SUCCESS_RATE_LOCAL_ORIGIN] = OUTLIER_ENFORCING_LOCAL_ORIGIN_SUCCESS_RATE,
        [EJECTION_FAILURE_PERCENTAGE] = OUTLIER_ENFORCING_FAILURE_PERCENTAGE,
        [EJECTION_FAILURE_PERCENTAGE_LOCAL_ORIGIN] =
            OUTLIER_ENFORCING_FAILURE_PERCENTAGE_LOCAL_ORIGIN,
    };
    uint32_t percent = outlier_config_number(outlier, ENFORCING[type]);
    return percent >= 100 || (percent > 0 && rng_below(&outlier->rng, 100) < percent);
}

static bool has_room(const struct outlier *outlier)
{
    double percent = 100.0 * (outlier->ejected_count + 1) / outlier->present_count;
    uint32_t max = outlier_config_number(outlier, OUTLIER_MAX_EJECTION_PERCENT);
    return percent <= (max < 100 ? max : 100) ||
           (outlier->config->is_always_ejecting_one && outlier->ejected_count == 0);
}

static int64_t ejection_ns(const struct outlier *outlier, const struct outlier_host *host)
{
    return ns_min(base_ejection_ns(outlier) * host->multiplier, max_ejection_ns(outlier)) +
           host->jitter_ns;
}

static void put_out(struct outlier *outlier, struct outlier_host *host, int64_t now_ns)
{
    host->is_ejected = true;
    host->num_ejections++;
    host->ejected_ns = now_ns;
    outlier->ejected_count++;
    int64_t jitter_ms = outlier->config->max_ejection_jitter_ns / NS_MS;
    host->jitter_ns =
        jitter_ms > 0 ? (int64_t)rng_below(&outlier->rng, (uint64_t)jitter_ms + 1) * NS_MS : 0;
    int64_t base_ns = base_ejection_ns(outlier);
    if (base_ns * host->multiplier < ns_add(max_ejection_ns(outlier), base_ns))
        host->multiplier++;
    note_changed(outlier, now_ns);
}

/* What each type's detection and ejection are counted as; NONE: as nothing. */
static const struct {
    enum outlier_stat detected, enforced;
} COUNTED[] = {
    [EJECTION_CONSECUTIVE_5XX] = {STAT_OUTLIER_ejections_detected_consecutive_5xx,
                                  STAT_OUTLIER_ejections_enforced_consecutive_5xx},
    [EJECTION_CONSECUTIVE_GATEWAY_FAILURE] =
        {STAT_OUTLIER_ejections_detected_consecutive_gateway_failure,
         STAT_OUTLIER_ejections_enforced_consecutive_gateway_failure},
    [EJECTION_SUCCESS_RATE] = {STAT_OUTLIER_ejections_detected_success_rate,
                               STAT_OUTLIER_ejections_enforced_success_rate},
    [EJECTION_CONSECUTIVE_LOCAL_ORIGIN_FAILURE] =
        {STAT_OUTLIER_ejections_detected_consecutive_local_origin_failure,
         STAT_OUTLIER_ejections_enforced_consecutive_local_origin_failure},
    [EJECTION_SUCCESS_RATE_LOCAL_ORIGIN] =
        {STAT_OUTLIER_ejections_detected_local_origin_success_rate,
         STAT_OUTLIER_ejections_enforced_local_origin_success_rate},
    [EJECTION_FAILURE_PERCENTAGE] = {STAT_OUTLIER_ejections_detected_failure_percentage,
                                     STAT_OUTLIER_ejections_enforced_failure_percentage},
    [EJECTION_FAILURE_PERCENTAGE_LOCAL_ORIGIN] =
        {STAT_OUTLIER_ejections_detected_local_origin_failure_percentage,
         STAT_OUTLIER_ejections_enforced_local_origin_failure_percentage},
};

static void tell_ejection(struct outlier *outlier, const struct outlier_host *host,
                          enum ejection_type type, int64_t now_ns, struct outlier_events *events)
{
    bool is_local = type == EJECTION_SUCCESS_RATE_LOCAL_ORIGIN ||
                    type == EJECTION_FAILURE_PERCENTAGE_LOCAL_ORIGIN;
    enum outlier_origin origin = is_local ? ORIGIN_LOCAL : ORIGIN_EXTERNAL;
    struct outlier_event *event = add_event(outlier, host, host->unejected_ns, now_ns, events);
    event->type = type;
    event->is_ejection = true;
    event->is_enforced = host->is_ejected;
    event->ejection_ns = host->is_ejected ? ejection_ns(outlier, host) : 0;
    event->host_success_rate = host->success_rates[origin];
    event->average_success_rate = outlier->averages[origin];
    event->success_rate_threshold = outlier->thresholds[origin];
}

/* The host is not ejected yet. */
void outlier_eject(struct outlier *outlier, struct outlier_host *host, enum ejection_type type,
                   int64_t now_ns, struct outlier_events *events)
{
    outlier->counters[COUNTED[type].detected]++;
    if (!has_room(outlier)) {
        outlier->counters[STAT_OUTLIER_ejections_overflow]++;
        return;
    }
    if (type == EJECTION_CONSECUTIVE_5XX || type == EJECTION_SUCCESS_RATE)
        outlier->counters[STAT_OUTLIER_ejections_total]++;
    if (is_enforced(outlier, type)) {
        outlier->counters[STAT_OUTLIER_ejections_enforced_total]++;
        outlier->counters[COUNTED[type].enforced]++;
        put_out(outlier, host, now_ns);
    }
    tell_ejection(outlier, host, type, now_ns, events);
}

void outlier_let_in(struct outlier *outlier, struct outlier_host *host, int64_t now_ns,
                    struct outlier_events *events)
{
    if (ejection_ns(outlier, host) > now_ns - host->ejected_ns)
        return;
    outlier->ejected_count--;
    host->is_ejected = false;
    for (uint32_t i = 0; i < STREAK_COUNT; i++)
        atomic_store_explicit(&host->streaks[i], 0, memory_order_relaxed);
    host->unejected_ns = now_ns;
    note_changed(outlier, now_ns);
    (void)add_event(outlier, host, host->ejected_ns, now_ns, events);
}

/* Something has happened: the interval's end has work. */
void outlier_arm_sweep(struct outlier *outlier, int64_t now_ns)
{
    int64_t step_ns = outlier_interval_ns(outlier);
    int64_t past_ns = ns_max(now_ns - outlier->started_ns, 0);
    if (outlier->sweep_ns == NS_NEVER)
        outlier->sweep_ns = outlier->started_ns + (past_ns / step_ns + 1) * step_ns;
    atomic_store_explicit(&outlier->is_stirred, true, memory_order_relaxed);
}
