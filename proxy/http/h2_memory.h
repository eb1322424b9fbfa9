/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h2_memory.h - where nghttp2's memory comes from: pieces of powers of
 * two out of an arena, which are used again.
 *
 * nghttp2 allocates for each stream, frame and header. From here it takes what
 * earlier ones gave back, so that the steady state does not call malloc; all of it
 * goes at once, when nobody speaks HTTP/2 any more. One for each wire; one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define H2_MEMORY_CLASSES 40u

struct h2_stream;

struct h2_memory {
    struct arena arena;
    void *free_pieces[H2_MEMORY_CLASSES]; /* of 2^n bytes; each begins with the next one */
    struct h2_stream *free_streams;       /* h2.c's; they keep what they have grown */
    void *callbacks;                      /* nghttp2's table of h2.c; NULL: not made yet */
    uint64_t left_count;                  /* so many pieces may still be taken: for tests */
};

void h2_memory_init(struct h2_memory *memory);
/* Every session on it is freed already. (In h2.c, whose callbacks and streams these are.) */
void h2_memory_fini(struct h2_memory *memory);

/* NULL: left_count is used up. As malloc, realloc and free otherwise. */
void *h2_memory_take(struct h2_memory *memory, size_t size);
void *h2_memory_resize(struct h2_memory *memory, void *piece, size_t size);
void h2_memory_give(struct h2_memory *memory, void *piece);
