/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/outlier_report.c - what others want to know of a detector.
 */
#include "base/check.h"
#include "proxy/core/outlier_inside.h"

static const struct str STAT_NAMES[] = {
#define OUTLIER(name) STR_INIT(#name),
#include "proxy/core/outlier_stats.def"
#undef OUTLIER
};

struct str ejection_type_word(enum ejection_type type)
{
    static const struct str WORDS[] = {
        [EJECTION_CONSECUTIVE_5XX] = STR_INIT("consecutive_5xx"),
        [EJECTION_CONSECUTIVE_GATEWAY_FAILURE] = STR_INIT("consecutive_gateway_failure"),
        [EJECTION_SUCCESS_RATE] = STR_INIT("success_rate"),
        [EJECTION_CONSECUTIVE_LOCAL_ORIGIN_FAILURE] = STR_INIT("consecutive_local_origin_failure"),
        [EJECTION_SUCCESS_RATE_LOCAL_ORIGIN] = STR_INIT("success_rate_local_origin"),
        [EJECTION_FAILURE_PERCENTAGE] = STR_INIT("failure_percentage"),
        [EJECTION_FAILURE_PERCENTAGE_LOCAL_ORIGIN] = STR_INIT("failure_percentage_local_origin"),
    };
    ASSERT(type < EJECTION_TYPE_COUNT);
    return WORDS[type];
}

struct outlier_host_view outlier_host_view(struct outlier *outlier, const struct outlier_host *host)
{
    outlier_take_lock(outlier);
    struct outlier_host_view view = {
        .is_ejected = host->is_ejected,
        .success_rates = {host->success_rates[0], host->success_rates[1]},
    };
    outlier_give_lock(outlier);
    return view;
}

struct outlier_view outlier_view(struct outlier *outlier)
{
    outlier_take_lock(outlier);
    struct outlier_view view = {.ejected_count = outlier->ejected_count};
    for (uint32_t i = 0; i < ORIGIN_COUNT; i++) {
        view.averages[i] = outlier->averages[i];
        view.thresholds[i] = outlier->thresholds[i];
    }
    for (uint32_t i = 0; i < STAT_OUTLIER_COUNT; i++)
        view.counters[i] = outlier->counters[i];
    outlier_give_lock(outlier);
    return view;
}

void outlier_add_counters(struct outlier *outlier, const struct outlier_view *more)
{
    outlier_take_lock(outlier);
    for (uint32_t i = 0; i < STAT_OUTLIER_COUNT; i++)
        outlier->counters[i] += more->counters[i];
    outlier_give_lock(outlier);
}

void outlier_reset_counters(struct outlier *outlier)
{
    outlier_take_lock(outlier);
    for (uint32_t i = 0; i < STAT_OUTLIER_COUNT; i++)
        outlier->counters[i] = 0;
    outlier_give_lock(outlier);
}

struct str outlier_stat_name(uint32_t nth)
{
    if (nth == 0)
        return STR("ejections_active");
    return nth <= STAT_OUTLIER_COUNT ? STAT_NAMES[nth - 1] : STR_EMPTY;
}

uint64_t outlier_stat_value(const struct outlier_view *view, uint32_t nth)
{
    ASSERT(nth <= STAT_OUTLIER_COUNT);
    return nth == 0 ? view->ejected_count : view->counters[nth - 1];
}

bool outlier_stat(const struct outlier_view *view, struct str name, uint64_t *value)
{
    struct str scope = STR("outlier_detection.");
    if (!str_has_prefix(name, scope))
        return false;
    for (uint32_t i = 0; outlier_stat_name(i).len > 0; i++) {
        if (!str_eq(str_from(name, scope.len), outlier_stat_name(i)))
            continue;
        *value = outlier_stat_value(view, i);
        return true;
    }
    return false;
}
