/* SPDX-License-Identifier: Apache-2.0
 *
 * base/ns.h - nanoseconds: the house's one unit of time.
 *
 * A point in time is int64_t nanoseconds on the clock of whoever drives
 * (virtual, or the loop's monotonic one). NS_NEVER is later than everything.
 */
#pragma once

#include <stdint.h>

#define NS_NEVER INT64_MAX
#define NS_US INT64_C(1000)
#define NS_MS INT64_C(1000000)
#define NS_SECOND INT64_C(1000000000)
#define NS_MINUTE (60 * NS_SECOND)
#define NS_HOUR (60 * NS_MINUTE)

/* a + b, at most NS_NEVER. Neither may be negative. */
static inline int64_t ns_add(int64_t a, int64_t b)
{
    return a > NS_NEVER - b ? NS_NEVER : a + b;
}

static inline int64_t ns_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t ns_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
