/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/variant.h - one test with several sets of manifests: every order
 * of merging (`orderIndependent`), every state on the way of a rollout (`transition`).
 *
 * Merging goes by age: an order is a creationTimestamp for each VirtualService that
 * shares a host with another. A rollout's objects arrive one after the other; what is
 * there in between is a set of them, and every order passes through such sets only.
 */
#pragma once

#include "testbed/runner/suite.h"

#define VARIANT_RULES_MAX 5u   /* in every order: 120 runs */
#define VARIANT_CHANGES_MAX 8u /* every set of them: 256 runs */

struct variant {
    struct str words;           /* "VirtualServices in the order b, a"; empty: nothing special */
    struct documents documents; /* all of the test's manifests, those of `with` too */
};

struct variants {
    struct variant *items;
    uint32_t count; /* at least 1, unless something is wrong */
    struct str why; /* what is wrong */
};

/* Does the test ask for more than its own manifests? */
bool variants_are_wanted(const struct suite_test *test);

/* All of them, in `arena`, which shares nodes with the suite. */
struct variants variants_of(const struct suite *suite, const struct suite_test *test,
                            struct arena *arena);
