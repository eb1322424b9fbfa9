/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/breaker.c - counts against limits.
 */
#include "proxy/core/breaker.h"

#include "base/check.h"

static uint32_t retries_max(const struct breaker *breaker)
{
    if (!breaker->has_retry_budget)
        return breaker->limits.max_retries;
    double of = (double)breaker_count(breaker, BREAKER_REQUESTS) +
                (double)breaker_count(breaker, BREAKER_PENDING);
    if (breaker->window != NULL)
        of = (double)budget_window_count(
            breaker->window, atomic_load_explicit(&breaker->seen_ns, memory_order_relaxed));
    double share = breaker->retry_budget.percent / 100.0 * of;
    uint32_t least = breaker->retry_budget.concurrency_min;
    if (share >= (double)UINT32_MAX)
        return UINT32_MAX;
    return share > (double)least ? (uint32_t)share : least;
}

static uint32_t limit_of(const struct breaker *breaker, enum breaker_kind kind)
{
    const struct breaker_limits *limits = &breaker->limits;
    switch (kind) {
    case BREAKER_CONNECTIONS:
        return limits->max_connections;
    case BREAKER_PENDING:
        return limits->max_pending_requests;
    case BREAKER_REQUESTS:
        return limits->max_requests;
    case BREAKER_RETRIES:
        return retries_max(breaker);
    case BREAKER_KIND_COUNT:
        break;
    }
    UNREACHABLE("breaker_kind");
}

struct str breaker_kind_name(enum breaker_kind kind)
{
    switch (kind) {
    case BREAKER_CONNECTIONS:
        return STR("max_connections");
    case BREAKER_PENDING:
        return STR("max_pending_requests");
    case BREAKER_REQUESTS:
        return STR("max_requests");
    case BREAKER_RETRIES:
        return STR("max_retries");
    case BREAKER_KIND_COUNT:
        break;
    }
    UNREACHABLE("breaker_kind");
}

void breaker_init(struct breaker *breaker, const struct breaker_limits *limits,
                  bool is_tracking_remaining)
{
    breaker->limits = *limits;
    breaker->is_tracking_remaining = is_tracking_remaining;
    breaker->has_retry_budget = breaker->is_alone = false;
    breaker->window = NULL;
    atomic_init(&breaker->seen_ns, 0);
    for (uint32_t i = 0; i < BREAKER_KIND_COUNT; i++)
        atomic_init(&breaker->counts[i], 0);
}

void breaker_set_retry_budget(struct breaker *breaker, const struct retry_budget *budget,
                              struct arena *arena)
{
    breaker->has_retry_budget = true;
    breaker->retry_budget = *budget;
    if (budget->interval_ns <= 0)
        return;
    breaker->window = ARENA_NEW(arena, struct budget_window);
    budget_window_init(breaker->window, budget->interval_ns);
}

void breaker_note_attempt(struct breaker *breaker, int64_t now_ns)
{
    if (breaker->window != NULL)
        budget_window_note(breaker->window, now_ns);
}

bool breaker_take_retry(struct breaker *breaker, int64_t now_ns)
{
    if (breaker->window != NULL)
        atomic_store_explicit(&breaker->seen_ns, now_ns, memory_order_relaxed);
    return breaker_take(breaker, BREAKER_RETRIES);
}

static void set_count(struct breaker *breaker, enum breaker_kind kind, unsigned count)
{
    atomic_store_explicit(&breaker->counts[kind], count, memory_order_relaxed);
}

bool breaker_take(struct breaker *breaker, enum breaker_kind kind)
{
    uint32_t limit = limit_of(breaker, kind);
    unsigned count = breaker_count(breaker, kind);
    if (breaker->is_alone) {
        if (count < limit)
            set_count(breaker, kind, count + 1);
        return count < limit;
    }
    do {
        if (count >= limit)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&breaker->counts[kind], &count, count + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void breaker_force(struct breaker *breaker, enum breaker_kind kind)
{
    atomic_fetch_add_explicit(&breaker->counts[kind], 1, memory_order_relaxed);
}

void breaker_give(struct breaker *breaker, enum breaker_kind kind)
{
    if (breaker->is_alone) {
        unsigned count = breaker_count(breaker, kind);
        ASSERT(count > 0);
        set_count(breaker, kind, count - 1);
        return;
    }
    unsigned before = atomic_fetch_sub_explicit(&breaker->counts[kind], 1, memory_order_relaxed);
    ASSERT(before > 0);
}

uint32_t breaker_count(const struct breaker *breaker, enum breaker_kind kind)
{
    return atomic_load_explicit(&breaker->counts[kind], memory_order_relaxed);
}

bool breaker_admits(const struct breaker *breaker, enum breaker_kind kind)
{
    return breaker_count(breaker, kind) < limit_of(breaker, kind);
}

/* --- gauges ----------------------------------------------------------------- */

#define POOLS_UNLIMITED UINT64_MAX /* max_connection_pools, which nobody sets */

enum gauge_kind {
    GAUGE_OPEN,
    GAUGE_REMAINING,
    GAUGE_POOLS_OPEN,
    GAUGE_POOLS_REMAINING,
    GAUGE_HIGH
};

static const struct {
    struct str name; /* without "circuit_breakers." */
    enum gauge_kind gauge;
    enum breaker_kind kind;
} GAUGES[] = {
    {STR_INIT("circuit_breakers.default.cx_open"), GAUGE_OPEN, BREAKER_CONNECTIONS},
    {STR_INIT("circuit_breakers.default.cx_pool_open"), GAUGE_POOLS_OPEN, BREAKER_CONNECTIONS},
    {STR_INIT("circuit_breakers.default.remaining_cx"), GAUGE_REMAINING, BREAKER_CONNECTIONS},
    {STR_INIT("circuit_breakers.default.remaining_cx_pools"), GAUGE_POOLS_REMAINING,
     BREAKER_CONNECTIONS},
    {STR_INIT("circuit_breakers.default.remaining_pending"), GAUGE_REMAINING, BREAKER_PENDING},
    {STR_INIT("circuit_breakers.default.remaining_retries"), GAUGE_REMAINING, BREAKER_RETRIES},
    {STR_INIT("circuit_breakers.default.remaining_rq"), GAUGE_REMAINING, BREAKER_REQUESTS},
    {STR_INIT("circuit_breakers.default.rq_open"), GAUGE_OPEN, BREAKER_REQUESTS},
    {STR_INIT("circuit_breakers.default.rq_pending_open"), GAUGE_OPEN, BREAKER_PENDING},
    {STR_INIT("circuit_breakers.default.rq_retry_open"), GAUGE_OPEN, BREAKER_RETRIES},
    {STR_INIT("circuit_breakers.high.cx_open"), GAUGE_HIGH, BREAKER_CONNECTIONS},
    {STR_INIT("circuit_breakers.high.cx_pool_open"), GAUGE_HIGH, BREAKER_CONNECTIONS},
    {STR_INIT("circuit_breakers.high.rq_open"), GAUGE_HIGH, BREAKER_REQUESTS},
    {STR_INIT("circuit_breakers.high.rq_pending_open"), GAUGE_HIGH, BREAKER_PENDING},
    {STR_INIT("circuit_breakers.high.rq_retry_open"), GAUGE_HIGH, BREAKER_RETRIES},
};

static uint64_t remaining(const struct breaker *breaker, enum breaker_kind kind)
{
    /* Envoy does not say what is left of a budget. */
    if (kind == BREAKER_RETRIES && breaker->has_retry_budget)
        return 0;
    uint32_t limit = limit_of(breaker, kind);
    uint32_t count = breaker_count(breaker, kind);
    return count < limit ? limit - count : 0;
}

bool breaker_gauge(const struct breaker *breaker, struct str name, uint64_t *value)
{
    for (size_t i = 0; i < COUNT_OF(GAUGES); i++) {
        if (!str_eq(name, GAUGES[i].name))
            continue;
        switch (GAUGES[i].gauge) {
        case GAUGE_OPEN:
            *value = !breaker_admits(breaker, GAUGES[i].kind);
            return true;
        case GAUGE_REMAINING:
            *value = remaining(breaker, GAUGES[i].kind);
            return breaker->is_tracking_remaining;
        case GAUGE_POOLS_REMAINING:
            *value = POOLS_UNLIMITED;
            return breaker->is_tracking_remaining;
        case GAUGE_POOLS_OPEN:
        case GAUGE_HIGH:
            *value = 0;
            return true;
        }
        UNREACHABLE("gauge_kind");
    }
    return false;
}

struct str breaker_gauge_name(uint32_t nth)
{
    return nth < COUNT_OF(GAUGES) ? GAUGES[nth].name : STR_EMPTY;
}
