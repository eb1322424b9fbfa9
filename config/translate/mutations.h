/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/mutations.h - header operations to Envoy's lists.
 */
#pragma once

#include "config/translate/context.h"

/* Appends to `request` and `response`, which the maker of a route fills from
 * the route's and then from a single destination's operations. Answers the
 * authority that they set; empty: none. */
struct mutation_lists {
    struct header_mutation *add;
    uint32_t add_count, add_capacity;
    struct str *remove, *remove_written;
    uint32_t remove_count, remove_capacity, remove_written_capacity;
};

struct str mutations_add(struct translation *t, const struct header_operations *operations,
                         bool is_request, struct mutation_lists *out);
struct header_mutations mutations_of(const struct mutation_lists *lists);
