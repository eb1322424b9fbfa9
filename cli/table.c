/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/table.c - see table.h.
 */
#include "cli/table.h"

void table_init(struct table *table, struct arena *arena, uint32_t column_count)
{
    ASSERT(column_count >= 1);
    ASSERT(column_count <= TABLE_COLUMNS_MAX);
    *table = (struct table){.arena = arena, .column_count = column_count};
}

struct table_row *table_add(struct table *table)
{
    return ARENA_PUSH(table->arena, table->rows, table->count, table->capacity);
}

void table_sort(struct table *table, sort_order_fn *order)
{
    if (table->count > 1)
        sort_items(table->arena, table->rows + 1, table->count - 1, sizeof(*table->rows), order);
}

enum rc table_print(const struct table *table, uint32_t padding, struct buf *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};

    for (uint32_t i = 0; i < table->count; i++) {
        for (uint32_t k = 0; k < table->column_count; k++) {
            size_t length = table->rows[i].cells[k].len;
            widths[k] = length > widths[k] ? length : widths[k];
        }
    }
    for (uint32_t i = 0; i < table->count; i++) {
        for (uint32_t k = 0; k < table->column_count; k++) {
            struct str cell = table->rows[i].cells[k];
            bool is_last = k + 1 == table->column_count;
            int width = is_last ? 0 : (int)(widths[k] + padding);
            enum rc rc =
                buf_format(out, "%.*s%*s", STR_FMT(cell), is_last ? 0 : width - (int)cell.len, "");
            if (rc != RC_OK)
                return rc;
        }
        enum rc rc = buf_append(out, STR("\n"));
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}
