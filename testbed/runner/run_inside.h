/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/run_inside.h - what the files that run a test share.
 */
#pragma once

#include "testbed/runner/run.h"
#include "testbed/runner/tally.h"

struct run {
    const struct suite *suite;
    const struct suite_test *test;
    const struct run_options *options;
    struct test_result *result;
    struct arena *arena;  /* the result's */
    struct arena scratch; /* of one outcome */
    struct world *world;
    struct play *play;
    struct str request_words;      /* of the call that is judged next; empty: not made yet */
    const struct node **pod_nodes; /* each pod's behaviour as YAML, for `set` */
};

/* A `set`: pods behave otherwise from now on. */
void run_sets(struct run *run, const struct suite_case *step);
/* What the test injects, before it begins. */
void run_injects(struct run *run);

/* Whose proxies are Envoys from the beginning. */
void run_envoy_callers(struct run *run, struct play_options *options);
/* Notes what Envoys do not show of all that the test asserts. */
void run_envoy_look(struct run *run);

/* A call as complaints name it. */
struct str run_request_words(const struct call *call, struct arena *arena);
/* Judges one outcome and counts it. */
void run_take_outcome(struct run *run, const struct suite_case *step, struct tally *tally,
                      const struct call *call, const struct outcome *outcome);

/* Everything that happens over time, and what is said of it. */
void run_timeline(struct run *run, const struct suite_case *step);

/* Limits that were met so far. */
void judge_breaker(struct run *run, const struct want_breaker *want);
/* The engine is to watch what the test says of limits. */
void run_watch_breakers(struct run *run);
