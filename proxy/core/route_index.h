/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/route_index.h - routes of one virtual host by their paths.
 *
 * Three kinds of lists, each in the table's order: routes with the same exact
 * path, routes with the same prefix (one hash look-up for each length of
 * prefix that occurs), and the rest, which has to be asked one by one.
 * Walking them merged, smallest index first, keeps first-match order exactly.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "proxy/model/route.h"

/* More lengths of prefixes than this go to "the rest". */
#define ROUTE_INDEX_LENGTHS_MAX 48u

struct route_index {
    const struct virtual_host *host;
    struct map exact, prefix; /* path -> first route of its list */
    uint32_t *next;           /* of each route: the next of its list, or MAP_NONE */
    uint32_t lengths[ROUTE_INDEX_LENGTHS_MAX];
    uint32_t length_count;
    uint32_t rest; /* first of the rest, or MAP_NONE */
};

struct route_walk {
    const struct route_index *index;
    uint32_t heads[ROUTE_INDEX_LENGTHS_MAX + 2];
    uint32_t count;
};

void route_index_init(struct route_index *index, const struct virtual_host *host,
                      struct arena *arena);

/* Begins a walk over the routes whose path may match `path` (bare). */
void route_walk_init(struct route_walk *walk, const struct route_index *index, struct str path);
/* The next candidate, in the table's order; MAP_NONE at the end. */
uint32_t route_walk_next(struct route_walk *walk);
