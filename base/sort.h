/* SPDX-License-Identifier: Apache-2.0
 *
 * base/sort.h - the order of a list, where equal ones stay as they stood.
 *
 * By merging, so the same list gives the same order everywhere; what stands in
 * order already costs one look at each pair of neighbours.
 */
#pragma once

#include "base/arena.h"

/* Less than 0: a stands before b; 0: they stay as they are. */
typedef int sort_order_fn(const void *a, const void *b);

/* `items` are `count` elements of `size` bytes. They stay where they are; the answer
 * has their indexes in order, and lives in the arena. */
uint32_t *sort_indexes(struct arena *arena, const void *items, uint32_t count, size_t size,
                       sort_order_fn *order);

/* The same in place; what it needs meanwhile is the arena's. */
void sort_items(struct arena *arena, void *items, uint32_t count, size_t size,
                sort_order_fn *order);
