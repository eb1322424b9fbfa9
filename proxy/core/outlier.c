/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/outlier.c - a detector's life, and what it does with every request:
 * results are counted, without a lock.
 */
#include "base/check.h"
#include "base/ns.h"
#include "proxy/core/outlier_inside.h"

#define ARENA_BLOCK_BYTES 512u
#define LONG_AGO_NS (-NS_HOUR)

/* A counter has reached its threshold, on whichever worker. */
static void note_streak(struct outlier *outlier, struct outlier_host *host,
                        enum outlier_streak streak, int64_t now_ns, struct outlier_events *events)
{
    static const enum ejection_type TYPES[] = {
        [STREAK_5XX] = EJECTION_CONSECUTIVE_5XX,
        [STREAK_GATEWAY_FAILURE] = EJECTION_CONSECUTIVE_GATEWAY_FAILURE,
        [STREAK_LOCAL_ORIGIN] = EJECTION_CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
    };
    outlier_take_lock(outlier);
    if (host->is_there && !host->is_ejected) {
        if (streak == STREAK_5XX)
            outlier->counters[STAT_OUTLIER_ejections_consecutive_5xx]++;
        outlier_eject(outlier, host, TYPES[streak], now_ns, events);
        atomic_store_explicit(&host->streaks[streak], 0, memory_order_relaxed);
    }
    outlier_give_lock(outlier);
}

/* One more of a kind in a row. Equality, so that it is noticed once. */
static void lengthen(struct outlier *outlier, struct outlier_host *host, enum outlier_streak streak,
                     enum outlier_number threshold, int64_t now_ns, struct outlier_events *events)
{
    unsigned length =
        atomic_fetch_add_explicit(&host->streaks[streak], 1, memory_order_relaxed) + 1;
    if (length == outlier_config_number(outlier, threshold))
        note_streak(outlier, host, streak, now_ns, events);
}

/* Written only if it says something new: workers do not fight about it. */
static void end_streak(struct outlier_host *host, enum outlier_streak streak)
{
    if (atomic_load_explicit(&host->streaks[streak], memory_order_relaxed) != 0)
        atomic_store_explicit(&host->streaks[streak], 0, memory_order_relaxed);
}

static void count_result(struct outlier *outlier, struct outlier_host *host,
                         enum outlier_origin origin, bool is_success)
{
    unsigned bucket = atomic_load_explicit(&outlier->bucket, memory_order_relaxed);
    atomic_fetch_add_explicit(&host->totals[bucket][origin], 1, memory_order_relaxed);
    if (is_success)
        atomic_fetch_add_explicit(&host->successes[bucket][origin], 1, memory_order_relaxed);
}

static void note_code(struct outlier *outlier, struct outlier_host *host, uint32_t code,
                      int64_t now_ns, struct outlier_events *events)
{
    bool is_5xx = code >= 500 && code <= 599;
    count_result(outlier, host, ORIGIN_EXTERNAL, !is_5xx);
    if (is_5xx && code >= 502 && code <= 504)
        lengthen(outlier, host, STREAK_GATEWAY_FAILURE, OUTLIER_CONSECUTIVE_GATEWAY_FAILURE, now_ns,
                 events);
    else
        end_streak(host, STREAK_GATEWAY_FAILURE);
    if (is_5xx)
        lengthen(outlier, host, STREAK_5XX, OUTLIER_CONSECUTIVE_5XX, now_ns, events);
    else
        end_streak(host, STREAK_5XX);
}

static void note_local(struct outlier *outlier, struct outlier_host *host, bool is_success,
                       int64_t now_ns, struct outlier_events *events)
{
    count_result(outlier, host, ORIGIN_LOCAL, is_success);
    if (is_success)
        end_streak(host, STREAK_LOCAL_ORIGIN);
    else
        lengthen(outlier, host, STREAK_LOCAL_ORIGIN, OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
                 now_ns, events);
}

/* What a result is as a code, without a code of its own; 0: nothing. */
static uint32_t code_of(enum outlier_result result)
{
    switch (result) {
    case RESULT_EXT_ORIGIN_REQUEST_SUCCESS:
    case RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS_FINAL:
        return 200;
    case RESULT_EXT_ORIGIN_REQUEST_FAILED:
        return 500;
    case RESULT_LOCAL_ORIGIN_TIMEOUT:
        return 504;
    case RESULT_LOCAL_ORIGIN_CONNECT_FAILED:
        return 503;
    case RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS:
        return 0;
    }
    UNREACHABLE("outlier_result");
}

void outlier_note_result(struct outlier *outlier, struct outlier_host *host,
                         enum outlier_result result, uint32_t code, int64_t now_ns,
                         struct outlier_events *events)
{
    bool is_external =
        result == RESULT_EXT_ORIGIN_REQUEST_SUCCESS || result == RESULT_EXT_ORIGIN_REQUEST_FAILED;
    if (code == 0)
        code = code_of(result);
    if (code == 0 && !outlier->config->is_splitting_origins)
        return;
    if (!atomic_load_explicit(&outlier->is_stirred, memory_order_relaxed)) {
        outlier_take_lock(outlier);
        outlier_arm_sweep(outlier, now_ns);
        outlier_give_lock(outlier);
    }
    if (is_external || !outlier->config->is_splitting_origins)
        note_code(outlier, host, code, now_ns, events);
    else
        note_local(outlier, host,
                   result == RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS ||
                       result == RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS_FINAL,
                   now_ns, events);
}

/* --- life ------------------------------------------------------------------- */

void outlier_init(struct outlier *outlier, const struct cluster *cluster, uint64_t seed,
                  int64_t started_ns)
{
    *outlier = (struct outlier){.started_ns = started_ns,
                                .sweep_ns = NS_NEVER,
                                .tell_ns = NS_NEVER,
                                .told_ns = started_ns + LONG_AGO_NS};
    atomic_init(&outlier->due_ns, NS_NEVER);
    atomic_flag_clear(&outlier->lock);
    arena_init(&outlier->arena, ARENA_BLOCK_BYTES, 0);
    struct outlier_detection *config = ARENA_NEW(&outlier->arena, struct outlier_detection);
    *config = *cluster->outlier;
    config->origin = (struct origin){0};
    outlier->config = config;
    outlier->cluster = arena_str(&outlier->arena, cluster->name);
    outlier->rng = rng_seeded(rng_derive(seed, cluster->name), STR("outlier"));
    map_init(&outlier->by_name, &outlier->arena);
    for (uint32_t i = 0; i < ORIGIN_COUNT; i++)
        outlier->averages[i] = outlier->thresholds[i] = -1;
}

void outlier_fini(struct outlier *outlier)
{
    arena_fini(&outlier->arena);
}

/* A host of whom nothing is known. */
static void begin_host(struct outlier_host *host)
{
    for (uint32_t i = 0; i < STREAK_COUNT; i++)
        atomic_store_explicit(&host->streaks[i], 0, memory_order_relaxed);
    for (uint32_t i = 0; i < 2 * ORIGIN_COUNT; i++) {
        atomic_store_explicit(&host->totals[i / 2][i % 2], 0, memory_order_relaxed);
        atomic_store_explicit(&host->successes[i / 2][i % 2], 0, memory_order_relaxed);
    }
    host->is_ejected = false;
    host->num_ejections = host->multiplier = 0;
    host->jitter_ns = 0;
    host->ejected_ns = host->unejected_ns = NS_NEVER;
    host->success_rates[ORIGIN_EXTERNAL] = host->success_rates[ORIGIN_LOCAL] = -1;
}

static struct outlier_host *host_of(struct outlier *outlier, const struct endpoint *endpoint,
                                    struct arena *scratch)
{
    struct str name = arena_format(scratch, "%.*s:%u", STR_FMT(endpoint->address), endpoint->port);
    uint32_t index = map_get(&outlier->by_name, name);
    if (index != MAP_NONE)
        return outlier->hosts[index];
    struct outlier_host *host = ARENA_NEW(&outlier->arena, struct outlier_host);
    host->address = arena_str(&outlier->arena, endpoint->address);
    host->port = endpoint->port;
    begin_host(host);
    (void)map_set(&outlier->by_name, arena_str(&outlier->arena, name), outlier->host_count);
    *ARENA_PUSH(&outlier->arena, outlier->hosts, outlier->host_count, outlier->host_capacity) =
        host;
    return host;
}

/* Which of the known are still there; true: not the same as before. */
static bool note_present(struct outlier *outlier, const struct cluster *cluster,
                         struct outlier_host **endpoints)
{
    bool is_changed = false;
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        outlier->hosts[i]->was_there = outlier->hosts[i]->is_there;
        outlier->hosts[i]->is_there = false;
    }
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        endpoints[i]->is_there = !cluster->endpoints[i].is_absent;
    outlier->present_count = outlier->ejected_count = 0;
    for (uint32_t i = 0; i < outlier->host_count; i++) {
        struct outlier_host *host = outlier->hosts[i];
        if (host->is_there != host->was_there) {
            begin_host(host);
            is_changed = true;
        }
        outlier->present_count += host->is_there;
        outlier->ejected_count += host->is_ejected;
    }
    return is_changed;
}

void outlier_set_hosts(struct outlier *outlier, const struct cluster *cluster, int64_t now_ns,
                       struct outlier_host **out)
{
    struct arena scratch;
    arena_init(&scratch, ARENA_BLOCK_BYTES, 0);
    outlier_take_lock(outlier);
    bool is_first = outlier->host_count == 0;
    for (uint32_t i = 0; i < cluster->endpoint_count; i++)
        out[i] = host_of(outlier, &cluster->endpoints[i], &scratch);
    /* Who comes or goes is told at once, with all there is to tell. */
    if (note_present(outlier, cluster, out) && !is_first)
        outlier_tell_balancers(outlier, now_ns);
    outlier_give_lock(outlier);
    arena_fini(&scratch);
}

void outlier_set_absent(struct outlier *outlier, struct outlier_host *host, bool is_absent,
                        int64_t now_ns)
{
    outlier_take_lock(outlier);
    if (host->is_there == is_absent) {
        outlier->ejected_count -= host->is_ejected;
        begin_host(host);
        host->is_there = !is_absent;
        outlier->present_count += host->is_there ? 1 : UINT32_MAX;
        outlier_tell_balancers(outlier, now_ns);
    }
    outlier_give_lock(outlier);
}
