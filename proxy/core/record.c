/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/record.c - flags of a record.
 */
#include "proxy/core/record.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"

void record_add_flag(struct record *record, struct str flag)
{
    if (flag.len == 0)
        return;
    for (uint32_t i = 0; i < record->flag_count; i++)
        if (str_eq(record->flags[i], flag))
            return;
    ASSERT(record->flag_count < RECORD_FLAGS_MAX);
    record->flags[record->flag_count++] = flag;
}

struct str record_flags(const struct record *record, struct arena *arena)
{
    if (record->flag_count == 0)
        return STR("-");
    if (record->flag_count == 1)
        return record->flags[0];
    size_t size = record->flag_count - 1;
    for (uint32_t i = 0; i < record->flag_count; i++)
        size += record->flags[i].len;
    char *text = arena_alloc(arena, size);
    size_t at = 0;
    for (uint32_t i = 0; i < record->flag_count; i++) {
        if (i != 0)
            text[at++] = ',';
        memcpy(text + at, record->flags[i].ptr, record->flags[i].len);
        at += record->flags[i].len;
    }
    return (struct str){text, size};
}
