/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h2_memory.c - see h2_memory.h.
 */
#include "proxy/http/h2_memory.h"

#include <string.h>

#include "base/check.h"

#define BLOCK_BYTES (16u * 1024)
#define CLASS_MIN 5u /* 32 bytes */

/* Before each piece; as large as the strictest alignment. */
union prefix {
    uint32_t class;
    max_align_t align;
};

void h2_memory_init(struct h2_memory *memory)
{
    *memory = (struct h2_memory){.left_count = UINT64_MAX};
    arena_init(&memory->arena, BLOCK_BYTES, 0);
}

static uint32_t class_of(size_t size)
{
    uint32_t class = CLASS_MIN;
    while (((size_t)1 << class) < size)
        class ++;
    ASSERT(class < H2_MEMORY_CLASSES);
    return class;
}

void *h2_memory_take(struct h2_memory *memory, size_t size)
{
    uint32_t class = class_of(size);
    if (memory->left_count == 0)
        return NULL;
    if (memory->left_count != UINT64_MAX)
        memory->left_count--;
    void *piece = memory->free_pieces[class];
    if (piece != NULL) {
        memcpy(&memory->free_pieces[class], piece, sizeof(void *));
        return piece;
    }
    union prefix *fresh = arena_raw(&memory->arena, sizeof(*fresh) + ((size_t)1 << class));
    fresh->class = class;
    return fresh + 1;
}

void h2_memory_give(struct h2_memory *memory, void *piece)
{
    if (piece == NULL)
        return;
    uint32_t class = ((union prefix *)piece - 1)->class;
    memcpy(piece, &memory->free_pieces[class], sizeof(void *));
    memory->free_pieces[class] = piece;
}

void *h2_memory_resize(struct h2_memory *memory, void *piece, size_t size)
{
    if (piece == NULL)
        return h2_memory_take(memory, size);
    size_t old_bytes = (size_t)1 << ((union prefix *)piece - 1)->class;
    if (size <= old_bytes)
        return piece;
    void *larger = h2_memory_take(memory, size);
    if (larger == NULL)
        return NULL;
    memcpy(larger, piece, old_bytes);
    h2_memory_give(memory, piece);
    return larger;
}
