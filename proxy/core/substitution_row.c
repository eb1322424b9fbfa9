/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/substitution_row.c - substitution.def as a table.
 */
#include "proxy/core/substitution_row.h"

#include "base/check.h"

static const struct substitution_row ROWS[] = {
#define X(name, argument, reader) \
    {STR_INIT(#name), ARGUMENT_##argument, substitution_read_##reader},
#include "proxy/core/substitution.def"
#undef X
};

const struct substitution_row *substitution_row_find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(ROWS); i++)
        if (str_eq(ROWS[i].name, name))
            return &ROWS[i];
    return NULL;
}
