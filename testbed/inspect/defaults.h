/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/defaults.h - what a profile's defaults decided, because nobody
 * wrote it: the values that hold, in words.
 *
 * A view of the `defaults` bits that translation leaves on routes, clusters and
 * the snapshot; explain and proxy-config print it.
 */
#pragma once

#include "base/arena.h"
#include "proxy/model/snapshot.h"

/* "retries", "2 (connect-failure,...)"; the name is one of the profile's table
 * (config/profile/profile.c). */
struct default_note {
    struct str name, words;
};

struct default_list {
    struct default_note *items;
    uint32_t count, capacity;
};

/* Each adds to `out`; words in `arena`. */
void defaults_of_route(const struct route *route, struct arena *arena, struct default_list *out);
void defaults_of_cluster(const struct cluster *cluster, struct arena *arena,
                         struct default_list *out);
/* What holds for the whole proxy. */
void defaults_of_snapshot(const struct snapshot *snapshot, struct arena *arena,
                          struct default_list *out);
