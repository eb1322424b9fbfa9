/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/clock_text.h - a moment in Envoy's time formats, always UTC.
 *
 * strftime's conversions, and Envoy's own: %s seconds since 1970; %3f %6f %9f
 * and other digits, %f as nine: the fraction of the second; %E3S (also %E*S):
 * seconds with a fraction.
 *
 * Source: ENVOY.md 11.2, START_TIME.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define CLOCK_TEXT_DEFAULT STR("%Y-%m-%dT%H:%M:%E3SZ")

/* Writes at most `capacity` bytes; the length. `epoch_ns`: since 1970, not
 * negative. Conversions nobody knows stand for themselves. */
size_t clock_text(struct str format, int64_t epoch_ns, char *out, size_t capacity);
