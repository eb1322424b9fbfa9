/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/run.h - a suite's tests on an engine: verdicts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "proxy/core/access_log.h"
#include "testbed/runner/judge.h"
#include "testbed/runner/suite.h"
#include "testbed/world/play.h"

/* RUN_ENVOY: sockets as with RUN_LIVE, and real Envoys for proxies. */
enum run_engine { RUN_SIM, RUN_LIVE, RUN_ENVOY };

struct run_options {
    enum run_engine engine;
    struct diag_list *diags;             /* warnings of the manifests, errors of worlds */
    const struct access_log_format *log; /* NULL: no log lines are kept */
    const char *envoy;                   /* RUN_ENVOY: the program's path */
};

/* TEST_UNSEEN: nothing failed, but something asserted could not be observed. */
enum test_status { TEST_PASSED, TEST_FAILED, TEST_BROKEN, TEST_UNSEEN };

/* What the caller's proxy would log of a request. */
struct log_line {
    uint32_t case_index;
    struct str text; /* without its newline; empty: the proxy has finished no exchange */
};

struct test_result {
    const struct suite_test *test;
    enum test_status status;
    struct complaints complaints;
    struct str why_broken;
    struct str variant; /* with which manifests, of several (variant.h) */
    struct str unseen;  /* what the engine cannot observe, or play: "events; ..." */
    uint64_t request_count;
    uint64_t seed;
    struct log_line *log; /* of every request, in order; run_options.log */
    uint32_t log_count, log_capacity;
    /* Of the first failing request, when there was a trace. */
    bool has_story;
    struct outcome story; /* with its trace */
    struct world *world;  /* for names; gone after test_result_fini */
    struct arena arena;   /* holds all of the above */
    bool has_variants;
    struct arena variants; /* manifests that the world is made of */
};

/* Runs one test on fresh proxies. */
void test_result_of(const struct suite *suite, const struct suite_test *test,
                    const struct run_options *options, struct test_result *out);
void test_result_fini(struct test_result *result);

/* Is the name of the test one that the expression of --filter finds? */
bool run_is_wanted(const struct suite_test *test, const struct regex *filter);
