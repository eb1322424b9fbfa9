/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/histogram.h - Envoy's histograms: log-linear, two digits exact.
 *
 * A value falls into the bin of its first two decimal digits: [3.0, 3.1),
 * [42, 43), [130, 140). Each power of ten has 90 bins, made when first used.
 * What was recorded in the last whole flush interval (5 s of the clock that is
 * told) is kept apart: Envoy shows it first.
 *
 * Source: ENVOY.md 12.1; quantiles are interpolated as in Envoy's library.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ns.h"

#define HISTOGRAM_DECADES 10u /* 1 to 9.9e9; larger values count as the largest */
#define HISTOGRAM_BINS 90u
#define HISTOGRAM_INTERVAL_NS (5 * NS_SECOND)
#define HISTOGRAM_QUANTILES 10u

enum histogram_span {
    SPAN_EVER,
    SPAN_CURRENT, /* the interval that is not over */
    SPAN_LAST,    /* the one before */
    SPAN_COUNT,
};

struct histogram_decade {
    uint32_t bins[SPAN_COUNT][HISTOGRAM_BINS];
};

struct histogram {
    struct histogram_decade *decades[HISTOGRAM_DECADES];
    uint64_t zeros[SPAN_COUNT];
    uint64_t counts[SPAN_COUNT];
    int64_t interval; /* number of the current one */
};

void histogram_note(struct histogram *histogram, uint64_t value, int64_t now_ns,
                    struct arena *arena);
/* Adds another's values. */
void histogram_add(struct histogram *histogram, const struct histogram *more, struct arena *arena);
/* Time has passed: intervals that are over are over. */
void histogram_tick(struct histogram *histogram, int64_t now_ns);

/* 0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100. */
extern const double HISTOGRAM_QUANTILE[HISTOGRAM_QUANTILES];
/* The value at each quantile; false: nothing was recorded in that span. */
bool histogram_quantiles(const struct histogram *histogram, enum histogram_span span,
                         double values[HISTOGRAM_QUANTILES]);
/* How many values are not above `limit`, by whole bins. */
uint64_t histogram_count_below(const struct histogram *histogram, enum histogram_span span,
                               double limit);
/* The sum, by the middle of each bin. */
double histogram_sum(const struct histogram *histogram);
