/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_text.h - the text of a head: where it ends, its first line, its
 * fields.
 *
 * Pure; slices in, slices of the same bytes out. What is lenient here is what
 * Envoy's parser forgives (ENVOY.md 1.2): a bare LF ends a line, blanks may be
 * many, a line that begins with a blank continues the one before it, a CR inside
 * of a value is dropped. Whatever was forgiven is gone when it is written again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* The end of a head is LF, LF or LF, CR, LF. Where in it the last bytes were;
 * zeroed at the beginning of a first line, LF when an empty head may follow. */
enum h1_mark { H1_MARK_NONE, H1_MARK_LF, H1_MARK_CR };

/* Looks for the end in `text`, which goes on where the last one stopped. True:
 * the head ends after *size bytes of it. */
bool h1_text_find_end(enum h1_mark *mark, struct str text, size_t *size);

/* No control characters but tab, CR and LF. */
bool h1_text_is_clean(struct str text);

/* Three words with blanks between them; the third goes on to the line's end. */
struct h1_first_line {
    struct str first, second, third;
};
struct h1_first_line h1_text_first_line(struct str line);

/* Takes one field, with its continuations, off `rest`. False when there is none
 * that is legal: *rest is empty at the end of the head, else it is malformed. */
struct h1_field {
    struct str name;
    struct str raw; /* the value as it stood, trimmed */
    bool is_legal;  /* false: letters beyond ASCII in the name, which Envoy refuses in their turn */
};
bool h1_text_next_field(struct str *rest, struct h1_field *field);

/* In place: a name in small letters; a value without what folding leaves in it,
 * CR and LF. */
struct str h1_text_lower(char *text, size_t size);
struct str h1_text_unfold(char *text, size_t size);

bool h1_text_is_token(struct str text);
/* "HTTP/1.1" and the like: one digit, a dot, one digit. */
bool h1_text_is_version(struct str text);
/* What a request line may ask for. */
bool h1_text_is_target(struct str target, bool is_connect);
