/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/suite_inside.h - what the files that read a RouteTest share.
 */
#pragma once

#include "testbed/runner/want_read.h"

/* One file being read. */
struct suite_reading {
    struct reading reading;
    struct suite *suite;
    struct str base_dir;
    struct call_defaults defaults;
    struct str from;         /* defaults.from */
    uint32_t client;         /* who that is */
    bool has_authority_word; /* defaults.authority, null perhaps */
    const struct node *workloads;
};

/* The client of that name; 0, and a complaint at `from`, when there is none. */
uint32_t suite_find_client(struct suite_reading *in, const struct view *from, struct str name);

/* NULL when the view is absent. */
struct suite_transition *transition_read(struct suite_reading *in, const struct view *view);
/* Its load, which lasts a second in each state where it does not say how long. */
struct view transition_load(struct suite_reading *in, const struct view *transition);

/* One case; `from`: who calls where it does not say. */
void suite_case_read(struct suite_reading *in, const struct view *view, struct str from,
                     struct suite_case *out);
/* All of a test's `cases`, and what its own `expect` says of them together. */
void suite_cases_read(struct suite_reading *in, const struct view *view, const struct view *cases,
                      struct str from, struct suite_test *out);
