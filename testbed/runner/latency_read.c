/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/latency_read.c - how long an application takes, and what goes
 * wrong on its side: `latency`, `inject`.
 */
#include "testbed/runner/want_read.h"

#include "base/check.h"
#include "base/ns.h"

static struct arena *arena_of(const struct view *view)
{
    return view->reading->arena;
}

static void uniform_read(const struct view *view, struct latency *out)
{
    struct want_duration range = {0};
    want_duration_read(view, &range);
    if (range.order != WANT_BETWEEN || range.from_ns > range.to_ns)
        view_complain(view, DIAG_TEST_BAD_LATENCY, want_scalar(view, STR_EMPTY), STR_EMPTY);
    *out = (struct latency){.points = {{0, range.from_ns}, {1, range.to_ns}}, .count = 2};
}

/* "p99.9" -> 0.999; false: it is none. */
static bool percentile_of(struct str key, const struct view *view, double *share)
{
    if (str_eq(key, STR("min")) || str_eq(key, STR("max"))) {
        *share = str_eq(key, STR("max"));
        return true;
    }
    if (!str_has_prefix(key, STR("p")) || key.len < 2 || key.ptr[1] < '0' || key.ptr[1] > '9')
        return false;
    *share = want_percent(view, str_from(key, 1)) / 100;
    return *share > 0 && *share < 1;
}

static void add_point(struct latency *out, struct latency_point point)
{
    uint32_t at = out->count++;
    while (at > 0 && out->points[at - 1].share > point.share) {
        out->points[at] = out->points[at - 1];
        at--;
    }
    out->points[at] = point;
}

static bool is_ascending(const struct latency *latency)
{
    for (uint32_t i = 1; i < latency->count; i++) {
        if (latency->points[i].ns < latency->points[i - 1].ns ||
            latency->points[i].share <= latency->points[i - 1].share)
            return false;
    }
    return true;
}

/* Without `min` it begins at 0, without `max` the last percentile is the end. */
static void percentiles_read(const struct view *view, struct latency *out)
{
    *out = (struct latency){0};
    bool is_good = view_count(view) > 0 && view_count(view) <= LATENCY_POINTS_MAX - 2;
    for (uint32_t i = 0; is_good && i < view_count(view); i++) {
        struct view entry = view_entry(view, i);
        struct latency_point point = {.ns = view_own_duration_ns(&entry, 0)};
        is_good = percentile_of(entry.key, &entry, &point.share);
        add_point(out, point);
    }
    if (is_good && out->points[0].share > 0)
        add_point(out, (struct latency_point){0, 0});
    if (is_good && out->points[out->count - 1].share < 1)
        add_point(out, (struct latency_point){1, out->points[out->count - 1].ns});
    if (!is_good || !is_ascending(out))
        view_complain(view, DIAG_TEST_BAD_LATENCY, STR("this"), STR_EMPTY);
}

void latency_read(const struct view *view, struct latency *out)
{
    if (view->node->kind != NODE_MAP) {
        *out = latency_constant(view_own_duration_ns(view, 0));
        return;
    }
    struct view uniform = view_field(view, STR("uniform"));
    if (view_is_present(&uniform) && view_count(view) == 1)
        uniform_read(&uniform, out);
    else
        percentiles_read(view, out);
}

/* --- inject ---------------------------------------------------------------- */

static double percentage(const struct view *view)
{
    struct view field = view_field(view, STR("percentage"));
    return view_is_present(&field) ? want_percent(&field, want_scalar(&field, STR("100"))) / 100
                                   : 1;
}

static void abort_read(const struct view *view, struct injection *out)
{
    static const struct field_row ROWS[] = {
        {"status", FIELD_USED}, {"act", FIELD_USED}, {"percentage", FIELD_USED}};
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view act = view_field(view, STR("act"));
    out->has_abort = true;
    out->abort_status = (uint32_t)view_i64(view, STR("status"), 200, 599, 503);
    if (view_is_present(&act))
        act_read(&act, &out->abort_act);
    out->abort_share = percentage(view);
}

static void delay_read(const struct view *view, struct injection *out)
{
    static const struct field_row ROWS[] = {{"fixedDelay", FIELD_USED}, {"percentage", FIELD_USED}};
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->delay_ns = view_duration_ns(view, STR("fixedDelay"), 0);
    out->delay_share = percentage(view);
}

struct inject_item *injects_read(const struct view *view, uint32_t *count)
{
    static const struct field_row ROWS[] = {{"at", FIELD_USED},
                                            {"pod", FIELD_USED},
                                            {"workload", FIELD_USED},
                                            {"abort", FIELD_USED},
                                            {"delay", FIELD_USED}};
    static const char *const PLACES[] = {"server", NULL};
    *count = want_list_count(view);
    struct inject_item *items = ARENA_ARRAY(arena_of(view), struct inject_item, *count);
    for (uint32_t i = 0; i < *count; i++) {
        struct view item = want_list_item(view, i);
        view_check_fields(&item, ROWS, COUNT_OF(ROWS));
        (void)view_choice(&item, STR("at"), PLACES, 0);
        items[i] = (struct inject_item){.pod = view_str(&item, STR("pod"), STR_EMPTY),
                                        .workload = view_str(&item, STR("workload"), STR_EMPTY),
                                        .origin = view_origin(&item)};
        struct view abort = view_map(&item, STR("abort"));
        abort_read(&abort, &items[i].injection);
        struct view delay = view_map(&item, STR("delay"));
        delay_read(&delay, &items[i].injection);
    }
    return items;
}
