/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/waterfall.h - a trace as a time line: attempts, waits and timers
 * as spans; draws, breakers that are full and ejections as moments, one below the other.
 *
 * A view, as the story is; times are those since the request came.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "proxy/core/trace.h"
#include "testbed/world/world.h"

enum span_kind {
    SPAN_ATTEMPT,
    SPAN_WAIT,  /* a delay fault, a back-off */
    SPAN_TIMER, /* armed; to_ns: when it fires, which may be after the end */
    SPAN_MOMENT,
};

struct span {
    enum span_kind kind;
    struct str name, words;
    int64_t from_ns, to_ns;
    bool is_bad;
    const struct trace_event *event; /* the first that it is made of */
};

struct waterfall {
    struct span *items;
    uint32_t count, capacity;
    int64_t total_ns;
    uint32_t attempt_count;
};

/* `world` for the names of pods; NULL: addresses. Lives in `arena`. */
struct waterfall waterfall_of(const struct trace *trace, const struct world *world,
                              struct arena *arena);

/* Is there more to see than one quick attempt? */
bool waterfall_is_worth(const struct waterfall *waterfall);

enum rc waterfall_write(const struct waterfall *waterfall, bool has_colour, struct arena *scratch,
                        struct buf *out) MUST_USE;
/* An array of {kind, name, event, fromNs, toNs, words, isFailure} and, by what it is, the
 * facts: pod, draw, breaker, ejection. `world` as above. */
void waterfall_write_json(const struct waterfall *waterfall, const struct world *world,
                          struct arena *scratch, struct json *json);
