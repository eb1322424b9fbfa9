/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_chunk.h - a chunked body taken apart, a byte at a time if need
 * be. Trailers are not its business: it ends with the line of the last chunk.
 *
 * Rules: ENVOY.md 1.2. Extensions are skipped whatever they say; what follows a
 * chunk's data up to the line's end is skipped too; the size's line must end in
 * CR LF.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum h1_chunk_place {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_LINE_END, /* CR was seen */
    CHUNK_DATA,
    CHUNK_REST, /* what is left of the data's line */
};

struct h1_chunk {
    enum h1_chunk_place place;
    bool has_digit;
    uint64_t left_bytes; /* of the chunk's data; the size while it is read */
};

enum h1_chunk_answer {
    CHUNK_MORE, /* the input is used up */
    CHUNK_GAVE, /* *data, never empty */
    CHUNK_LAST, /* the last chunk's line was read */
    CHUNK_BAD,
};

/* Takes from *input what it needs for one answer. */
enum h1_chunk_answer h1_chunk_next(struct h1_chunk *chunk, struct str *input, struct str *data);
