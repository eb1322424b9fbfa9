/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/breaker.h - a cluster's circuit breakers: how much of each kind is
 * under way, and may there be one more?
 *
 * One for all workers (shared.h): counts are atomic, and taking asks and counts at
 * once, so that no limit is passed whoever else asks meanwhile. Whoever was admitted
 * gives back when done. Source: ENVOY.md 6.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/core/budget_window.h"
#include "proxy/model/cluster.h"

enum breaker_kind {
    BREAKER_CONNECTIONS, /* open or being opened */
    BREAKER_PENDING,     /* requests that wait for a connection */
    BREAKER_REQUESTS,    /* requests that have one */
    BREAKER_RETRIES,     /* in back-off, or under way without an outcome */
    BREAKER_KIND_COUNT,
};

struct breaker {
    struct breaker_limits limits;
    bool is_tracking_remaining;
    bool has_retry_budget;
    bool is_alone; /* one thread counts: no other one is held off meanwhile */
    struct retry_budget retry_budget;
    struct budget_window *window; /* of a budget with an interval, else NULL */
    atomic_int_least64_t seen_ns; /* the same: when it was last asked, for gauges */
    atomic_uint counts[BREAKER_KIND_COUNT];
};

void breaker_init(struct breaker *breaker, const struct breaker_limits *limits,
                  bool is_tracking_remaining);
/* From now on retries are limited by a share of the requests under way, or, with an
 * interval, of those that began in it; `arena` lives as long. */
void breaker_set_retry_budget(struct breaker *breaker, const struct retry_budget *budget,
                              struct arena *arena);
/* An attempt begins. Times: since 1970. */
void breaker_note_attempt(struct breaker *breaker, int64_t now_ns);
bool breaker_take_retry(struct breaker *breaker, int64_t now_ns);

/* Takes one; false: the limit is reached, and nothing was taken. */
bool breaker_take(struct breaker *breaker, enum breaker_kind kind);
/* Takes one above the limit, if need be: Envoy opens a first connection whatever
 * the limit. */
void breaker_force(struct breaker *breaker, enum breaker_kind kind);
void breaker_give(struct breaker *breaker, enum breaker_kind kind);

/* Envoy's name of the limit: "max_pending_requests". */
struct str breaker_kind_name(enum breaker_kind kind);
/* How many are taken now. */
uint32_t breaker_count(const struct breaker *breaker, enum breaker_kind kind);
/* For reading: is there room at this moment? */
bool breaker_admits(const struct breaker *breaker, enum breaker_kind kind);

/* circuit_breakers.default.<gauge>: cx_open and others are 1 while full, remaining_cx
 * and others what is left, where that is tracked; circuit_breakers.high.* are those of
 * a priority that nothing uses. False: no such gauge. */
bool breaker_gauge(const struct breaker *breaker, struct str name, uint64_t *value);
/* The nth gauge's name, tracked or not; empty: there are no more. */
struct str breaker_gauge_name(uint32_t nth);
