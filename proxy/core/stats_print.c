/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/stats_print.c - a list of statistics as /stats shows it.
 */
#include <math.h>

#include "base/check.h"
#include "base/json.h"
#include "base/sort.h"
#include "proxy/core/stats_list.h"

/* The buffer of a page is as large as the page. */
#define MUST(call) ASSERT((call) == RC_OK)

/* --- text --------------------------------------------------------------------- */

/* "3.05": the shortest that is the same number. */
static void put_double(struct buf *out, double value)
{
    struct json json;
    json_init(&json, out, 0);
    json_double(&json, value);
}

static void put_quantiles(struct buf *out, const struct histogram *histogram)
{
    static const char *const names[] = {"0",  "25", "50",   "75",   "90",
                                        "95", "99", "99.5", "99.9", "100"};
    double last[HISTOGRAM_QUANTILES], ever[HISTOGRAM_QUANTILES];
    bool has_last = histogram_quantiles(histogram, SPAN_LAST, last);
    (void)histogram_quantiles(histogram, SPAN_EVER, ever);
    for (uint32_t i = 0; i < HISTOGRAM_QUANTILES; i++) {
        MUST(buf_format(out, " P%s(", names[i]));
        if (has_last)
            put_double(out, last[i]);
        else
            MUST(buf_append(out, STR("nan")));
        MUST(buf_append(out, STR(",")));
        put_double(out, ever[i]);
        MUST(buf_append(out, STR(")")));
    }
}

void stats_list_text(const struct stats_list *list, const struct stats_filter *filter,
                     struct buf *out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct stat_item *item = &list->items[i];
        if (item->kind != STAT_HISTOGRAM && stats_filter_takes(filter, item))
            MUST(buf_format(out, "%.*s: %llu\n", STR_FMT(item->name),
                            (unsigned long long)item->value));
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const struct stat_item *item = &list->items[i];
        if (item->kind != STAT_HISTOGRAM || !stats_filter_takes(filter, item))
            continue;
        MUST(buf_format(out, "%.*s:", STR_FMT(item->name)));
        if (item->is_used)
            put_quantiles(out, item->histogram);
        else
            MUST(buf_append(out, STR(" No recorded values")));
        MUST(buf_append(out, STR("\n")));
    }
}

/* --- JSON --------------------------------------------------------------------- */

static void json_quantile(struct json *json, const char *key, bool has_value, double value)
{
    json_key(json, str_of(key));
    if (has_value)
        json_double(json, value);
    else
        json_null(json);
}

static void json_histogram(struct json *json, const struct stat_item *item)
{
    double last[HISTOGRAM_QUANTILES], ever[HISTOGRAM_QUANTILES];
    bool has_last = histogram_quantiles(item->histogram, SPAN_LAST, last);
    bool has_ever = histogram_quantiles(item->histogram, SPAN_EVER, ever);
    json_begin_object(json);
    json_key_str(json, STR("name"), item->name);
    json_key(json, STR("values"));
    json_begin_array(json);
    for (uint32_t i = 0; i < HISTOGRAM_QUANTILES; i++) {
        json_begin_object(json);
        json_quantile(json, "cumulative", has_ever, ever[i]);
        json_quantile(json, "interval", has_last, last[i]);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void json_histograms(struct json *json, const struct stats_list *list,
                            const struct stats_filter *filter)
{
    bool is_begun = false;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct stat_item *item = &list->items[i];
        if (item->kind != STAT_HISTOGRAM || !stats_filter_takes(filter, item))
            continue;
        if (!is_begun) {
            json_begin_object(json);
            json_key(json, STR("histograms"));
            json_begin_object(json);
            json_key(json, STR("supported_quantiles"));
            json_begin_array(json);
            for (uint32_t k = 0; k < HISTOGRAM_QUANTILES; k++)
                json_double(json, round(HISTOGRAM_QUANTILE[k] * 1000) / 10);
            json_end_array(json);
            json_key(json, STR("computed_quantiles"));
            json_begin_array(json);
            is_begun = true;
        }
        json_histogram(json, item);
    }
    if (!is_begun)
        return;
    json_end_array(json);
    json_end_object(json);
    json_end_object(json);
}

void stats_list_json(const struct stats_list *list, const struct stats_filter *filter,
                     struct buf *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_begin_object(&json);
    json_key(&json, STR("stats"));
    json_begin_array(&json);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct stat_item *item = &list->items[i];
        if (item->kind == STAT_HISTOGRAM || !stats_filter_takes(filter, item))
            continue;
        json_begin_object(&json);
        json_key_str(&json, STR("name"), item->name);
        json_key(&json, STR("value"));
        json_u64(&json, item->value);
        json_end_object(&json);
    }
    json_histograms(&json, list, filter);
    json_end_array(&json);
    json_end_object(&json);
    ASSERT(!json_is_full(&json));
}

/* --- Prometheus ---------------------------------------------------------------- */

static void put_label_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\n')
            MUST(buf_append(out, STR("\\n")));
        else if (c == '\\' || c == '"')
            MUST(buf_format(out, "\\%c", c));
        else
            MUST(buf_append(out, str_slice(value, i, i + 1)));
    }
}

/* name="value",... without braces. */
static void put_labels(struct buf *out, const struct stat_item *item)
{
    for (uint32_t i = 0; i < item->label_count; i++) {
        MUST(buf_format(out, "%s%.*s=\"", i > 0 ? "," : "", STR_FMT(item->labels[i].name)));
        put_label_value(out, item->labels[i].value);
        MUST(buf_append(out, STR("\"")));
    }
}

static void put_buckets(struct buf *out, const struct stat_item *item)
{
    static const double limits[] = {0.5,   1,      5,      10,      25,     50,    100,
                                    250,   500,    1000,   2500,    5000,   10000, 30000,
                                    60000, 300000, 600000, 1800000, 3600000};
    uint64_t total = item->histogram->counts[SPAN_EVER];
    for (size_t i = 0; i <= COUNT_OF(limits); i++) {
        bool is_last = i == COUNT_OF(limits);
        MUST(buf_format(out, "envoy_%.*s_bucket{", STR_FMT(item->family)));
        put_labels(out, item);
        MUST(buf_format(out, "%sle=\"", item->label_count > 0 ? "," : ""));
        if (is_last)
            MUST(buf_append(out, STR("+Inf")));
        else
            put_double(out, limits[i]);
        uint64_t count =
            is_last ? total : histogram_count_below(item->histogram, SPAN_EVER, limits[i]);
        MUST(buf_format(out, "\"} %llu\n", (unsigned long long)count));
    }
    MUST(buf_format(out, "envoy_%.*s_sum{", STR_FMT(item->family)));
    put_labels(out, item);
    MUST(buf_append(out, STR("} ")));
    put_double(out, histogram_sum(item->histogram));
    MUST(buf_format(out, "\nenvoy_%.*s_count{", STR_FMT(item->family)));
    put_labels(out, item);
    MUST(buf_format(out, "} %llu\n", (unsigned long long)total));
}

static void put_sample(struct buf *out, const struct stat_item *item)
{
    if (item->kind == STAT_HISTOGRAM) {
        put_buckets(out, item);
        return;
    }
    MUST(buf_format(out, "envoy_%.*s{", STR_FMT(item->family)));
    put_labels(out, item);
    MUST(buf_format(out, "} %llu\n", (unsigned long long)item->value));
}

static int family_order(const void *a, const void *b)
{
    const struct stat_item *const *left = a, *const *right = b;
    return str_order((*left)->family, (*right)->family);
}

/* The items of one kind that are wanted, by family, then by name. */
static uint32_t pick(const struct stats_list *list, const struct stats_filter *filter,
                     enum stat_kind kind, const struct stat_item **picked)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].kind == kind && stats_filter_takes(filter, &list->items[i]))
            picked[count++] = &list->items[i];
    sort_items(list->arena, picked, count, sizeof(*picked), family_order);
    return count;
}

static void put_kind(const struct stats_list *list, const struct stats_filter *filter,
                     enum stat_kind kind, struct buf *out)
{
    static const char *const names[] = {"counter", "gauge", "histogram"};
    const struct stat_item **picked =
        ARENA_ARRAY(list->arena, const struct stat_item *, list->count);
    uint32_t count = pick(list, filter, kind, picked);
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || !str_eq(picked[i]->family, picked[i - 1]->family))
            MUST(
                buf_format(out, "# TYPE envoy_%.*s %s\n", STR_FMT(picked[i]->family), names[kind]));
        put_sample(out, picked[i]);
    }
}

void stats_list_prometheus(const struct stats_list *list, const struct stats_filter *filter,
                           struct buf *out)
{
    put_kind(list, filter, STAT_COUNTER, out);
    put_kind(list, filter, STAT_GAUGE, out);
    put_kind(list, filter, STAT_HISTOGRAM, out);
}
