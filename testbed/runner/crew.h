/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/crew.h - several tests at once, each on a thread of its own.
 *
 * Tests share nothing that changes: a suite is read-only, a world, a play and a
 * result are the test's. Whoever asks gets results in the order of the tests,
 * the same as from one thread. A crew of one has no thread: a test runs when it is
 * asked for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "testbed/runner/run.h"

#define CREW_MAX 256u

struct crew_item {
    const struct suite *suite;
    const struct suite_test *test;
    /* Filled when it has run. */
    struct test_result result;
    struct diag_list diags;
    int64_t took_ns;
};

struct crew;

/* Begins at once. Items and options are borrowed until crew_free; options.diags is
 * not used: each item has its own. */
struct crew *crew_new(struct crew_item *items, uint32_t item_count,
                      const struct run_options *options, uint32_t worker_count);
/* Waits until item `index` has run. Its result is the caller's to end. */
struct crew_item *crew_take(struct crew *crew, uint32_t index);
/* Ends it; every item was taken. Diagnostics of items are gone. */
void crew_free(struct crew *crew);
