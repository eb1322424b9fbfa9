/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/route_part.h - the parts of a VirtualService's rule that a
 * testCases file writes down, as trees: are they spelt right, are they the same,
 * and how do they read in one line?
 *
 * Trees are compared as the messages they stand for: a number, text or bool that
 * is 0, empty or false is as good as absent, an empty list too; the order of keys
 * does not matter, nor whether they are written fixedDelay or fixed_delay.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "config/yaml/tree.h"
#include "config/yaml/view.h"

enum route_part {
    PART_ROUTE,
    PART_REDIRECT,
    PART_REWRITE,
    PART_FAULT,
    PART_HEADERS,
    PART_DELEGATE,
    PART_COUNT,
};

struct str route_part_name(enum route_part part);

/* Complains of keys that Istio does not have there. */
void route_part_check(enum route_part part, const struct view *view);

/* NULL: absent. */
bool route_part_is_same(const struct node *a, const struct node *b);

/* One line of JSON in `arena`; "none" of NULL. */
struct str route_part_words(const struct node *node, struct arena *arena);
