/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/table.h - columns of text, as wide as their widest cell.
 *
 * As Go's tabwriter does it for istioctl: a cell is padded to its column, the
 * last one is not.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sort.h"

#define TABLE_COLUMNS_MAX 8u

struct table_row {
    struct str cells[TABLE_COLUMNS_MAX];
};

struct table {
    struct arena *arena;
    uint32_t column_count;
    struct table_row *rows; /* the first is the heading */
    uint32_t count, capacity;
};

void table_init(struct table *table, struct arena *arena, uint32_t column_count);
/* A row to be filled; its cells are borrowed. */
struct table_row *table_add(struct table *table);
/* Sorts all rows but the heading; `order` is asked about struct table_row. */
void table_sort(struct table *table, sort_order_fn *order);
enum rc table_print(const struct table *table, uint32_t padding, struct buf *out) MUST_USE;
