/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/breaker.h - a cluster's circuit breakers: how much of each kind is
 * under way, and may there be one more?
 *
 * Pure. A limit is full when the count has reached it; whoever is admitted takes,
 * and gives back when done. Source: ENVOY.md 6.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/model/policy.h"

enum breaker_kind {
    BREAKER_CONNECTIONS, /* open or being opened */
    BREAKER_PENDING,     /* requests that wait for a connection */
    BREAKER_REQUESTS,    /* requests that have one */
    BREAKER_RETRIES,     /* in back-off, or under way without an outcome */
    BREAKER_KIND_COUNT,
};

struct breaker {
    const struct breaker_limits *limits;
    uint32_t counts[BREAKER_KIND_COUNT];
};

void breaker_init(struct breaker *breaker, const struct breaker_limits *limits);

bool breaker_admits(const struct breaker *breaker, enum breaker_kind kind);
/* May go above the limit: Envoy opens a first connection whatever the limit. */
void breaker_take(struct breaker *breaker, enum breaker_kind kind);
void breaker_give(struct breaker *breaker, enum breaker_kind kind);

/* circuit_breakers.default.<gauge>: 1 while full. False: no such gauge. */
bool breaker_gauge(const struct breaker *breaker, struct str name, uint64_t *value);
