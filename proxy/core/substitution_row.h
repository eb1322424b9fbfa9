/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/substitution_row.h - substitution.def as a table, and what its readers
 * (substitution_head.c, _record.c, _ends.c) share.
 */
#pragma once

#include "proxy/core/substitution.h"

enum substitution_argument {
    ARGUMENT_NONE,
    ARGUMENT_OPTIONAL,
    ARGUMENT_NEEDED,
    ARGUMENT_HEADER, /* NAME?OTHER */
};

/* One question: the value begins as missing. */
struct substitution_question {
    const struct substitution *substitution;
    const struct substitution_facts *facts;
    struct substitution_value *value;
};

struct substitution_row {
    struct str name;
    enum substitution_argument argument;
    void (*read)(const struct substitution_question *q);
};

static inline void substitution_text(const struct substitution_question *q, struct str value)
{
    q->value->kind = VALUE_TEXT;
    q->value->text = value;
}

/* Nothing is empty: then it is missing. */
static inline void substitution_word(const struct substitution_question *q, struct str value)
{
    if (value.len == 0)
        return;
    substitution_text(q, value);
    q->value->coding = CODING_WORD;
}

static inline void substitution_text_unless_empty(const struct substitution_question *q,
                                                  struct str value)
{
    if (value.len > 0)
        substitution_text(q, value);
}

static inline void substitution_number(const struct substitution_question *q, int64_t value)
{
    q->value->kind = VALUE_NUMBER;
    q->value->number = value;
}

static inline const struct record *substitution_record(const struct substitution_question *q)
{
    return q->facts->record;
}

#define X(name, argument, reader) \
    void substitution_read_##reader(const struct substitution_question *q);
#include "proxy/core/substitution.def"
#undef X

/* NULL: no such command. */
const struct substitution_row *substitution_row_find(struct str name);
