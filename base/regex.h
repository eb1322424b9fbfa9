/* SPDX-License-Identifier: Apache-2.0
 *
 * base/regex.h - RE2 behind a C face; regex.cc is the house's one C++ file.
 *
 * Compiled once when a snapshot is made, read-only afterwards (any thread).
 * An expression belongs to the arena-like owner list it was made with:
 * regex_set_free frees all of a set, in any order.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct regex;

/* Owns compiled expressions; one for each snapshot. */
struct regex_set {
    struct regex *first;
};

/* Compiles with RE2's defaults (as Envoy does), in UTF-8... or NULL, and then
 * *why is RE2's explanation, in `arena`. */
struct regex *regex_new(struct regex_set *set, struct str pattern, struct arena *arena,
                        struct str *why);
void regex_set_free(struct regex_set *set);

/* The whole text matches. */
bool regex_matches_whole(const struct regex *regex, struct str text);
/* Some part of the text matches. */
bool regex_matches_part(const struct regex *regex, struct str text);
/* The expression that means the text itself, as Go's regexp.QuoteMeta writes it. */
struct str regex_quoted(struct str text, struct arena *arena);
/* RE2::GlobalReplace with \0..\9 in `replacement`; the text itself when
 * nothing matched. The result is in `arena`. */
struct str regex_replace_all(const struct regex *regex, struct str text, struct str replacement,
                             struct arena *arena);
