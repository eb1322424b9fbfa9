/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/cursor.h - a place in plain YAML: signs, ends of lines, texts that
 * stand on one line. Behind the end of the text there is the end of a line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/origin.h"
#include "config/yaml/tree.h"

struct cursor {
    const char *at, *end, *line; /* line: where the line begins */
    uint32_t line_number;
    struct str file;
    struct arena *arena; /* of texts */
};

char cursor_peek(const struct cursor *in, size_t ahead);
/* From 0. */
uint32_t cursor_column(const struct cursor *in);
struct origin cursor_origin(const struct cursor *in);

/* `- ` of a list; `---` and `...` in the first column, which end a document; the
 * `: ` behind a key; a `#` that begins a comment. */
bool cursor_is_at_dash(const struct cursor *in);
bool cursor_is_at_marker(const struct cursor *in);
bool cursor_is_at_colon(const struct cursor *in);
bool cursor_is_at_comment(const struct cursor *in);

void cursor_skip_spaces(struct cursor *in);
/* Over blanks, a comment and the line's end; false: something else is there. */
bool cursor_end_line(struct cursor *in);
/* To the next line with something on it; false: there is none. */
bool cursor_find_line(struct cursor *in);

/* A text with or without quotation marks; `out` gets its place, kind and text.
 * False: it is not plain. Source: libyaml 0.2.5, scanner.c. */
bool cursor_read_scalar(struct cursor *in, bool is_in_flow, struct node *out);
