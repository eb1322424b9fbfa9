/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/histogram.c - see histogram.h.
 */
#include "proxy/core/histogram.h"

#include <string.h>

#include "base/check.h"

const double HISTOGRAM_QUANTILE[HISTOGRAM_QUANTILES] = {0,   .25, .50,  .75,  .90,
                                                        .95, .99, .995, .999, 1};

/* --- recording ------------------------------------------------------------- */

static void forget(struct histogram *histogram, enum histogram_span span)
{
    histogram->zeros[span] = histogram->counts[span] = 0;
    for (uint32_t i = 0; i < HISTOGRAM_DECADES; i++)
        if (histogram->decades[i] != NULL)
            memset(histogram->decades[i]->bins[span], 0, sizeof(histogram->decades[i]->bins[span]));
}

/* The current interval becomes the last one. */
static void turn_over(struct histogram *histogram)
{
    histogram->zeros[SPAN_LAST] = histogram->zeros[SPAN_CURRENT];
    histogram->counts[SPAN_LAST] = histogram->counts[SPAN_CURRENT];
    for (uint32_t i = 0; i < HISTOGRAM_DECADES; i++) {
        struct histogram_decade *decade = histogram->decades[i];
        if (decade != NULL)
            memcpy(decade->bins[SPAN_LAST], decade->bins[SPAN_CURRENT],
                   sizeof(decade->bins[SPAN_LAST]));
    }
    forget(histogram, SPAN_CURRENT);
}

static void set_interval(struct histogram *histogram, int64_t interval)
{
    if (interval <= histogram->interval)
        return;
    bool is_next = interval == histogram->interval + 1;
    turn_over(histogram);
    if (!is_next)
        forget(histogram, SPAN_LAST);
    histogram->interval = interval;
}

static struct histogram_decade *decade_at(struct histogram *histogram, uint32_t index,
                                          struct arena *arena)
{
    if (histogram->decades[index] == NULL)
        histogram->decades[index] = ARENA_NEW(arena, struct histogram_decade);
    return histogram->decades[index];
}

void histogram_note(struct histogram *histogram, uint64_t value, int64_t now_ns,
                    struct arena *arena)
{
    int64_t began_ns = histogram->interval * HISTOGRAM_INTERVAL_NS;
    if (now_ns - began_ns >= HISTOGRAM_INTERVAL_NS)
        set_interval(histogram, now_ns / HISTOGRAM_INTERVAL_NS);
    histogram->counts[SPAN_EVER]++;
    histogram->counts[SPAN_CURRENT]++;
    if (value == 0) {
        histogram->zeros[SPAN_EVER]++;
        histogram->zeros[SPAN_CURRENT]++;
        return;
    }
    uint32_t decade = 0;
    uint64_t unit = 1;
    while (value / unit >= 10 && decade + 1 < HISTOGRAM_DECADES) {
        unit *= 10;
        decade++;
    }
    uint64_t digits = decade == 0 ? value * 10 : value / (unit / 10);
    uint64_t bin = digits - 10 < HISTOGRAM_BINS ? digits - 10 : HISTOGRAM_BINS - 1;
    struct histogram_decade *place = decade_at(histogram, decade, arena);
    place->bins[SPAN_EVER][bin]++;
    place->bins[SPAN_CURRENT][bin]++;
}

static void add_span(struct histogram *histogram, enum histogram_span to,
                     const struct histogram *more, enum histogram_span from)
{
    histogram->zeros[to] += more->zeros[from];
    histogram->counts[to] += more->counts[from];
    for (uint32_t i = 0; i < HISTOGRAM_DECADES; i++)
        for (uint32_t k = 0; more->decades[i] != NULL && k < HISTOGRAM_BINS; k++)
            histogram->decades[i]->bins[to][k] += more->decades[i]->bins[from][k];
}

void histogram_tick(struct histogram *histogram, int64_t now_ns)
{
    set_interval(histogram, now_ns / HISTOGRAM_INTERVAL_NS);
}

void histogram_add(struct histogram *histogram, const struct histogram *more, struct arena *arena)
{
    set_interval(histogram, more->interval);
    for (uint32_t i = 0; i < HISTOGRAM_DECADES; i++)
        if (more->decades[i] != NULL)
            (void)decade_at(histogram, i, arena);
    add_span(histogram, SPAN_EVER, more, SPAN_EVER);
    if (more->interval == histogram->interval) {
        add_span(histogram, SPAN_CURRENT, more, SPAN_CURRENT);
        add_span(histogram, SPAN_LAST, more, SPAN_LAST);
    } else if (more->interval + 1 == histogram->interval) {
        add_span(histogram, SPAN_LAST, more, SPAN_CURRENT);
    }
}

/* --- reading --------------------------------------------------------------- */

struct bin {
    double left, width;
    uint64_t count;
};

struct walk {
    const struct histogram *histogram;
    enum histogram_span span;
    uint32_t decade, index;
    double unit; /* 10 to the decade */
    bool is_begun;
};

/* The next bin that has something; false: there is none. */
static bool next_bin(struct walk *walk, struct bin *bin)
{
    const struct histogram *histogram = walk->histogram;
    if (!walk->is_begun) {
        walk->is_begun = true;
        walk->unit = 1;
        *bin = (struct bin){.count = histogram->zeros[walk->span]};
        if (bin->count > 0)
            return true;
    }
    for (; walk->decade < HISTOGRAM_DECADES; walk->decade++, walk->unit *= 10, walk->index = 0) {
        const struct histogram_decade *decade = histogram->decades[walk->decade];
        for (; decade != NULL && walk->index < HISTOGRAM_BINS; walk->index++) {
            uint32_t count = decade->bins[walk->span][walk->index];
            if (count == 0)
                continue;
            *bin = (struct bin){.left = (walk->index + 10) * walk->unit / 10,
                                .width = walk->unit / 10,
                                .count = count};
            walk->index++;
            return true;
        }
    }
    return false;
}

bool histogram_quantiles(const struct histogram *histogram, enum histogram_span span,
                         double values[HISTOGRAM_QUANTILES])
{
    struct walk walk = {.histogram = histogram, .span = span};
    struct bin bin;
    double total = (double)histogram->counts[span], below = 0;
    if (!next_bin(&walk, &bin))
        return false;
    for (uint32_t i = 0; i < HISTOGRAM_QUANTILES; i++) {
        double wanted = HISTOGRAM_QUANTILE[i] * total;
        struct bin next;
        while (below + (double)bin.count < wanted && next_bin(&walk, &next)) {
            below += (double)bin.count;
            bin = next;
        }
        double share = (wanted - below) / (double)bin.count;
        values[i] = bin.left + (share < 1 ? share : 1) * bin.width;
    }
    return true;
}

uint64_t histogram_count_below(const struct histogram *histogram, enum histogram_span span,
                               double limit)
{
    struct walk walk = {.histogram = histogram, .span = span};
    struct bin bin;
    uint64_t count = 0;
    while (next_bin(&walk, &bin) && bin.left + bin.width <= limit)
        count += bin.count;
    return count;
}

double histogram_sum(const struct histogram *histogram)
{
    struct walk walk = {.histogram = histogram, .span = SPAN_EVER};
    struct bin bin;
    double sum = 0;
    while (next_bin(&walk, &bin))
        sum += (bin.left + bin.width / 2) * (double)bin.count;
    return sum;
}
