/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/spread.h - how many requests of one kind were spread: over
 * clusters, pods and answers.
 *
 * Counts only; the outcomes need not be kept. Keys live in the arena that it
 * was made with and stand in order of first appearance.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "testbed/world/call.h"
#include "testbed/world/world.h"

enum spread_by { SPREAD_CLUSTER, SPREAD_POD, SPREAD_ANSWER };
#define SPREAD_BY_COUNT 3

struct spread_key {
    struct str key;
    uint64_t count;
};

struct spread_keys {
    struct spread_key *items;
    uint32_t count, capacity;
};

struct spread {
    struct arena *arena;
    uint64_t outcome_count;
    struct spread_keys by[SPREAD_BY_COUNT];
};

void spread_init(struct spread *spread, struct arena *arena);
void spread_add(struct spread *spread, const struct outcome *outcome, const struct world *world);

struct spread_style {
    bool has_colour;
    struct str indent;
};

enum rc spread_write(const struct spread *spread, const struct spread_style *style,
                     struct buf *out) MUST_USE;
/* An object: {"requests": N, "cluster": {...}, "pod": {...}, "answer": {...}}. */
void spread_write_json(const struct spread *spread, struct json *json);
