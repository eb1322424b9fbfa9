/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/substitution.h - one substitution command: %REQ(NAME?OTHER):MAX%,
 * %RESPONSE_CODE%, ... (substitution.def), as access logs and header values use it.
 *
 * Parsed once into a struct; its value is then found without asking for memory.
 *
 * Source: ENVOY.md 11.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/core/record.h"

/* What values are made of. */
struct substitution_facts {
    const struct request_head *request;   /* NULL: none */
    const struct response_head *response; /* NULL: none yet */
    const struct record *record;
    int64_t epoch_seconds; /* since 1970 at the driver's time 0 */
    struct str hostname;
    bool is_over; /* the record is complete: there is a duration */
};

enum substitution_value_kind { VALUE_MISSING, VALUE_TEXT, VALUE_NUMBER };

/* How a text is written. */
enum substitution_coding {
    CODING_PLAIN,
    CODING_WORD,    /* blanks become "_" */
    CODING_PERCENT, /* %20 becomes a blank */
};

#define SUBSTITUTION_SCRATCH_BYTES                                \
    512 /* the longest composed text: a time in the user's format \
         */

struct substitution_value {
    enum substitution_value_kind kind;
    enum substitution_coding coding;
    struct str text; /* of the facts, or in `scratch` */
    int64_t number;
    char scratch[SUBSTITUTION_SCRATCH_BYTES];
};

struct substitution_row;

struct substitution {
    const struct substitution_row *row;
    struct str argument, other; /* headers: lower case */
    size_t bytes_max;           /* of ":MAX"; SIZE_MAX: none */
};

/* `text` begins with a percent sign. The bytes the command takes, both signs
 * included; 0: it is none, and *why, in `arena`, says what is wrong. */
size_t substitution_parse(struct str text, struct arena *arena, struct substitution *out,
                          struct str *why);

void substitution_read(const struct substitution *substitution,
                       const struct substitution_facts *facts, struct substitution_value *value);

/* The value as text; what does not fit is left out. Bytes written. Missing
 * values write nothing. */
size_t substitution_put(const struct substitution *substitution,
                        const struct substitution_value *value, char *out, size_t capacity);
