/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/duration.h - durations as Go writes them, in nanoseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* "1.5s", "100ms", "1h2m", "-3us", "0" -> ns, by the rules of Go's
 * time.ParseDuration, its rounding of fractions included. False, and *out_ns
 * untouched, when it is none or does not fit. May be negative. */
bool duration_parse(struct str text, int64_t *out_ns);

/* In the largest of h (whole hours only), s, ms, us and ns that it fills: 1h,
 * 15s, 90s, 1.5s, 500ms, 0s. duration_parse reads it back unchanged when it is
 * below 2^53 ns (104 days). */
struct str duration_text(int64_t ns, struct arena *arena);
