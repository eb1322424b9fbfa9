/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/distribution_read.c - expect.distribution: what is judged over many
 * outcomes, and whether it can be.
 */
#include "testbed/runner/want_read.h"

#include "base/check.h"

#define USUAL_CONFIDENCE 0.999
#define SHARES_SUM_MAX 1.01 /* each may be rounded up */

static struct arena *arena_of(const struct view *view)
{
    return view->reading->arena;
}

enum want_by want_by_read(const struct view *view, struct str text, struct str *header)
{
    static const char *const NAMES[] = {"subset", "workload", "pod", "status", "flags"};
    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        if (str_eq(text, str_of(NAMES[i])))
            return (enum want_by)i;
    if (str_has_prefix(text, STR("header:"))) {
        *header = arena_str_lower(arena_of(view), str_from(text, STR("header:").len));
        return BY_HEADER;
    }
    view_complain(view, DIAG_TEST_BAD_BY, text, STR_EMPTY);
    return BY_STATUS;
}

static struct want_share *shares_read(const struct view *view, bool is_count, bool *is_closed,
                                      uint32_t *count)
{
    *count = 0;
    if (!view_is_present(view))
        return NULL;
    struct view map = *view;
    struct view exactly = view_field(view, STR("exactly"));
    if (view_is_present(&exactly)) {
        *is_closed = true;
        map = exactly;
    }
    *count = view_count(&map);
    struct want_share *out = ARENA_ARRAY(arena_of(view), struct want_share, *count);
    for (uint32_t i = 0; i < *count; i++) {
        struct view entry = view_entry(&map, i);
        struct str text = want_scalar(&entry, STR("0"));
        out[i].key = entry.key;
        out[i].origin = view_origin(&entry);
        if (is_count) {
            struct want_number number;
            want_number_read(&entry, &number);
            out[i].order = number.order;
            out[i].count = number.value;
        } else {
            out[i].order = want_order_cut(&text);
            out[i].share = want_percent(&entry, text);
        }
    }
    return out;
}

/* Of what can be judged at all. */
static void check_shares(const struct view *view, const struct want_distribution *distribution)
{
    double sum = 0, most = 0;
    for (uint32_t i = 0; i < distribution->share_count; i++) {
        const struct want_share *share = &distribution->shares[i];
        sum += share->order == WANT_EQUAL ? share->share : 0;
        most = share->share > most ? share->share : most;
    }
    sum = sum > most ? sum : most;
    if (distribution->share_count + distribution->count_count == 0)
        view_complain(view, DIAG_TEST_NO_SHARES, STR_EMPTY, STR_EMPTY);
    else if (sum > SHARES_SUM_MAX)
        view_complain(view, DIAG_TEST_BAD_SHARES, arena_format(arena_of(view), "%g", 100 * sum),
                      STR_EMPTY);
}

static double confidence_read(const struct view *view)
{
    struct view confidence = view_field(view, STR("confidence"));
    if (!view_is_present(&confidence))
        return USUAL_CONFIDENCE;
    struct str text = want_scalar(&confidence, STR_EMPTY);
    double value = want_percent(&confidence, text);
    if (value > 0 && value < 1)
        return value;
    view_complain(&confidence, DIAG_TEST_BAD_CONFIDENCE, text, STR_EMPTY);
    return USUAL_CONFIDENCE;
}

static double tolerance_read(const struct view *tolerance)
{
    struct str text = want_scalar(tolerance, STR("0%"));
    double value = want_percent(tolerance, text);
    if (value >= 1)
        view_complain(tolerance, DIAG_TEST_BAD_TOLERANCE, text, STR_EMPTY);
    return value;
}

void distribution_read(const struct view *view, struct want_distribution *out)
{
    static const struct field_row ROWS[] = {
        {"by", FIELD_USED},        {"shares", FIELD_USED},     {"counts", FIELD_USED},
        {"tolerance", FIELD_USED}, {"confidence", FIELD_USED}, {"exact", FIELD_USED},
    };
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->origin = view_origin(view);
    struct view by = view_field(view, STR("by"));
    if (!view_is_present(&by))
        view_complain(view, DIAG_MISSING_FIELD, STR("by"), STR_EMPTY);
    else
        out->by = want_by_read(&by, want_scalar(&by, STR_EMPTY), &out->header);
    struct view shares = view_field(view, STR("shares"));
    out->shares = shares_read(&shares, false, &out->is_closed, &out->share_count);
    struct view counts = view_field(view, STR("counts"));
    out->counts = shares_read(&counts, true, &out->is_closed, &out->count_count);
    struct view tolerance = view_field(view, STR("tolerance"));
    out->has_tolerance = view_is_present(&tolerance);
    if (out->has_tolerance)
        out->tolerance = tolerance_read(&tolerance);
    out->is_exact = view_bool(view, STR("exact"), false);
    if (out->is_exact && (out->by != BY_SUBSET || out->count_count > 0))
        view_complain(view, DIAG_TEST_BAD_EXACT, STR_EMPTY, STR_EMPTY);
    out->confidence = confidence_read(view);
    check_shares(view, out);
}
