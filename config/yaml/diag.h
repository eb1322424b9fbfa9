/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/diag.h - what the user got wrong: all of it, each with its place.
 *
 * A diagnostic is an identifier with arguments; diag.def is the catalogue of
 * texts (so another language is another column). Lists keep the order in
 * which things were found; diag_list_sort puts them by file and line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/origin.h"
#include "base/rc.h"
#include "base/str.h"

enum diag_severity {
    DIAG_NOTE,
    DIAG_WARNING,
    DIAG_ERROR,
};

enum diag_id {
#define X(id, severity, text) DIAG_##id,
#include "config/yaml/diag.def"
#undef X
    DIAG_ID_COUNT,
};

#define DIAG_ARGS_MAX 3

struct diag {
    enum diag_id id;
    enum diag_severity severity; /* the catalogue's, unless raised by --strict */
    struct origin origin;
    struct str path; /* spec.http[0].match[1].uri; may be empty */
    struct str args[DIAG_ARGS_MAX];
};

struct diag_list {
    struct arena *arena;
    struct diag *items;
    uint32_t count, capacity;
    uint32_t error_count, warning_count;
    uint32_t dropped_count; /* beyond DIAG_COUNT_MAX */
};

#define DIAG_COUNT_MAX 10000 /* more helps nobody; the rest is counted */

void diag_list_init(struct diag_list *list, struct arena *arena);

/* Adds one; arguments and path are copied (arguments over 500 bytes are cut).
 * Unused arguments are empty. Answers the catalogue's severity. */
enum diag_severity diag_add(struct diag_list *list, enum diag_id id, struct origin origin,
                            struct str path, struct str arg0, struct str arg1, struct str arg2);

/* --strict: every warning becomes an error. */
void diag_list_raise_warnings(struct diag_list *list);

/* By file (in order of first appearance), line, column; stable. */
void diag_list_sort(struct diag_list *list);

/* The English text with its arguments filled in, in `arena`. */
struct str diag_text(const struct diag *diag, struct arena *arena);

/* `file:line:col: error: text [path]` and a newline; with colour, ANSI on
 * severity. Without a line only `file: `, without a file neither. Control
 * characters of the user's are shown as \xNN. RC_FULL: then half of it may be
 * in `out`. */
enum rc diag_print(const struct diag *diag, bool has_colour, struct buf *out) MUST_USE;
