/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/answer_shelf.h - answers of stand-ins that are given again and again,
 * written and read once.
 *
 * Two answers are the same when they say the same with the same slices, so what answers
 * point to must live as long as the shelf.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "proxy/http/h1_whole.h"
#include "testbed/world/behaviour.h"

#define ANSWER_SHELF_MAX 64u /* a test that has more kinds of answers has them written */

struct answer_shelf_item {
    struct answer answer;
    struct h1_read whole;
    bool is_whole;
};

struct answer_shelf {
    struct arena *arena;
    struct answer_shelf_item *items[ANSWER_SHELF_MAX];
    uint32_t count;
};

void answer_shelf_init(struct answer_shelf *shelf, struct arena *arena);

/* What a proxy reads of the answer to a request that is no HEAD; NULL: it is not plain, or
 * the shelf is full. *at is where the last one stood, and is set. */
const struct h1_read *answer_shelf_find(struct answer_shelf *shelf, const struct answer *answer,
                                        uint32_t *at);
