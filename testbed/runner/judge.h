/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/judge.h - what came, held against what was expected.
 *
 * Pure. An expectation that is not met becomes a complaint with its place in
 * the test file, the words expected and the words that came.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "testbed/runner/suite.h"
#include "testbed/runner/tally.h"
#include "testbed/world/call.h"
#include "testbed/world/world.h"

struct complaint {
    struct origin origin;
    struct str request; /* "GET /x"; empty: it is about many, or none */
    struct str where;   /* "response.status" */
    struct str expected, actual;
    uint64_t times; /* the same was said so often */
};

#define COMPLAINTS_MAX 20u /* of a case; the rest is counted */

struct complaints {
    struct arena *arena;   /* what is kept */
    struct arena *scratch; /* words while judging; may be reset after each outcome */
    struct str request;    /* what new complaints are about */
    struct complaint *items;
    uint32_t count, capacity;
    uint32_t dropped_count;
    uint64_t said_count; /* all of them */
};

void complain(struct complaints *complaints, struct origin origin, struct str where,
              struct str expected, struct str actual);

/* Does a text fulfil it? `got` NULL: there is none. */
bool want_text_holds(const struct want_text *want, const struct str *got);
bool want_number_holds(enum want_order order, uint64_t want, uint64_t got);
/* Of a plain duration: at most so much early or late. */
bool want_duration_holds(const struct want_duration *want, int64_t got_ns, int64_t early_ns,
                         int64_t late_ns);
/* How late a plain one may be: hardly in virtual time. */
int64_t want_duration_slack_ns(const struct want_duration *want, bool is_virtual);
struct str want_duration_words(const struct want_duration *want, struct arena *arena);
/* The words of an expectation, for complaints. */
struct str want_text_words(const struct want_text *want, struct arena *arena);

/* Everything of one outcome. `is_virtual`: durations are exact to 1 ms. */
void judge_outcome(const struct expect *expect, const struct outcome *outcome,
                   const struct world *world, bool is_virtual, struct complaints *out);

/* How its connection to the server came about. */
void judge_caller_tls(const struct want_tls *want, struct world *world, const struct call *call,
                      const struct outcome *outcome, struct complaints *out);
void judge_tls(const struct want_tls *want, struct world *world, const struct call *call,
               const struct outcome *outcome, struct complaints *out);

/* The first mirrored request that an application saw. */
void judge_mirror(const struct expect *expect, const struct outcome *outcome,
                  const struct world *world, struct complaints *out);

/* What proxies did to pods. */
struct event_list {
    const struct play_event *items;
    uint32_t count;
};
void judge_events(const struct want_events *want, const struct event_list *events,
                  const struct world *world, bool is_virtual, struct complaints *out);

/* Shares that are to be proven by the weights of the route that was taken. */
void judge_exact(const struct expect *expect, const struct outcome *outcome,
                 struct complaints *out);

/* What is said of many: distributions, counts, hosts. */
void judge_tally(const struct expect *expect, const struct tally *tally, struct complaints *out);
