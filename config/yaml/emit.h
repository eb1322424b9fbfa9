/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/emit.h - one text as a YAML scalar, in the form go-yaml gives it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct emitter {
    struct buf *out;
    struct arena *arena; /* for scratch */
    uint32_t column;     /* in code points, from 0 */
    bool is_full;
};

void emit(struct emitter *emitter, struct str text);

/* A line's end and `indent` blanks. */
void emit_line(struct emitter *emitter, uint32_t indent);

/* A text; its further lines, if it has such, begin at `indent`. */
void emit_text(struct emitter *emitter, struct str text, uint32_t indent);

/* May it be a key on the line of its value? Else it stands behind a `?`. */
bool emit_is_simple_key(struct str text);
/* One that is; it is never folded. */
void emit_simple_key(struct emitter *emitter, struct str text);
