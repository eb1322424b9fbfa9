/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/breaker.c - counts against limits.
 */
#include "proxy/core/breaker.h"

#include "base/check.h"

static uint32_t limit_of(const struct breaker *breaker, enum breaker_kind kind)
{
    const struct breaker_limits *limits = breaker->limits;
    switch (kind) {
    case BREAKER_CONNECTIONS:
        return limits->max_connections;
    case BREAKER_PENDING:
        return limits->max_pending_requests;
    case BREAKER_REQUESTS:
        return limits->max_requests;
    case BREAKER_RETRIES:
        return limits->max_retries;
    case BREAKER_KIND_COUNT:
        break;
    }
    UNREACHABLE("breaker_kind");
}

void breaker_init(struct breaker *breaker, const struct breaker_limits *limits)
{
    *breaker = (struct breaker){.limits = limits};
}

bool breaker_admits(const struct breaker *breaker, enum breaker_kind kind)
{
    return breaker->counts[kind] < limit_of(breaker, kind);
}

void breaker_take(struct breaker *breaker, enum breaker_kind kind)
{
    breaker->counts[kind]++;
}

void breaker_give(struct breaker *breaker, enum breaker_kind kind)
{
    ASSERT(breaker->counts[kind] > 0);
    breaker->counts[kind]--;
}

bool breaker_gauge(const struct breaker *breaker, struct str name, uint64_t *value)
{
    static const struct str GAUGES[] = {
        [BREAKER_CONNECTIONS] = STR_INIT("cx_open"),
        [BREAKER_PENDING] = STR_INIT("rq_pending_open"),
        [BREAKER_REQUESTS] = STR_INIT("rq_open"),
        [BREAKER_RETRIES] = STR_INIT("rq_retry_open"),
    };
    struct str prefix = STR("circuit_breakers.default.");
    if (!str_has_prefix(name, prefix))
        return false;
    for (uint32_t i = 0; i < COUNT_OF(GAUGES); i++) {
        if (!str_eq(str_from(name, prefix.len), GAUGES[i]))
            continue;
        *value = !breaker_admits(breaker, (enum breaker_kind)i);
        return true;
    }
    return false;
}
