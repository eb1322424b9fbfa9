/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/priority.h - which share of the requests goes to which priority of
 * a cluster, and which priorities panic.
 *
 * Pure. A priority is as available as 1.4 times the share of its endpoints that
 * are healthy; what it cannot take goes to the next. A priority of which too few
 * are healthy panics (all its endpoints are picked from) when the priorities
 * together are not fully available. Source: ENVOY.md 5.1, 5.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Envoy's healthy_panic_threshold. */
#define PRIORITY_PANIC_PERCENT 50u

struct priority_count {
    uint32_t healthy;
    uint32_t counted; /* the healthy and unhealthy ones; not those that drain */
    uint32_t all;
};

struct priority_share {
    uint32_t percent; /* of the requests; together 100, or 0: nobody can be picked */
    bool is_panicking;
};

/* `panic_percent` 0: nobody panics. */
void priority_shares(const struct priority_count *counts, uint32_t count, uint32_t panic_percent,
                     struct priority_share *shares);

/* Shares where some priorities are left out; who panics is not said. False: nobody of the
 * others is available. */
bool priority_shares_without(const struct priority_count *counts, uint32_t count,
                             const bool *is_excluded, struct priority_share *shares);

/* The priority for one random value, or UINT32_MAX when all shares are 0. */
uint32_t priority_choose(const struct priority_share *shares, uint32_t count, uint64_t random);
