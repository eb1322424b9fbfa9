/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/reign.h - what a wire has of one configuration: the engine on its snapshot,
 * and what was worked out from it.
 *
 *   wire ──> the current reign <── connections, streams and attempts that began with it
 *     └────> those of before   <── .. that are not over yet
 *
 * Whoever has a pointer into a snapshot holds its reign, so that the snapshot is there as
 * long as its requests. One that is not the current one and that nobody holds ends: the
 * current one inherits its counters. One thread, so holders are a plain number.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/list.h"
#include "proxy/core/engine.h"

struct known;
struct lb;
struct wire;

struct reign {
    struct wire *wire;
    struct engine *engine;
    const struct snapshot *snapshot; /* the engine's */
    struct arena memory;             /* of what is counted, too */
    struct lb **tcp_balancers;       /* of each cluster; made when first used */
    struct known *knowns;            /* of requests that come whole */
    uint32_t known_count;
    uint32_t holder_count;
    struct list link; /* in wire->past_reigns, the newest first */
};

struct reign_options {
    struct snapshot *snapshot; /* held */
    struct shared *shared;     /* of it; held; NULL: with nobody */
    uint64_t seed;
    int64_t started_ns; /* now */
};

/* Nobody holds it. */
struct reign *reign_new(struct wire *wire, const struct reign_options *options);
void reign_free(struct reign *reign);

static inline struct reign *reign_hold(struct reign *reign)
{
    reign->holder_count++;
    return reign;
}

static inline void reign_drop(struct reign *reign)
{
    ASSERT(reign->holder_count > 0);
    reign->holder_count--;
}

/* The wire's reign with that engine. */
struct reign *reign_of(struct wire *wire, const struct engine *engine);
/* 0: the current one, then those of before. */
struct reign *reign_at(const struct wire *wire, uint32_t nth);
/* Those of before that nobody needs any more end. */
void reigns_end(struct wire *wire);
