/* SPDX-License-Identifier: Apache-2.0
 *
 * base/arena.c - blocks in a chain, newest first.
 *
 *   arena.blocks -> [block used|free] -> [block used|rest] -> NULL
 *                               ^ at  ^ end
 *
 * Only the newest block hands out memory; what was left in the one before is
 * given up, which geometric growth keeps below half.
 */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Doubling stops here: larger steps waste more than they save calls. */
#define BLOCK_BYTES_MAX ((size_t)4 << 20)

struct arena_block {
    struct arena_block *next; /* older */
    size_t capacity_bytes;
    alignas(max_align_t) char bytes[];
};

static size_t rounded_up(size_t size)
{
    static_assert(ARENA_UNIT % alignof(max_align_t) == 0, "aligned for any type");
    ASSERT(size <= SIZE_MAX - ARENA_UNIT);
    return (size + ARENA_UNIT - 1) & ~(size_t)(ARENA_UNIT - 1);
}

static void add_block(struct arena *arena, size_t wanted_bytes)
{
    size_t capacity_bytes =
        wanted_bytes > arena->block_bytes ? wanted_bytes : rounded_up(arena->block_bytes);
    ASSERT(capacity_bytes <= SIZE_MAX - sizeof(struct arena_block));
    struct arena_block *block = malloc(sizeof(*block) + capacity_bytes);
    if (block == NULL)
        check_out_of_memory(sizeof(*block) + capacity_bytes);
    block->next = arena->blocks;
    block->capacity_bytes = capacity_bytes;
    arena->blocks = block;
    if (arena->block_bytes < BLOCK_BYTES_MAX)
        arena->block_bytes *= 2;
}

void arena_init(struct arena *arena, size_t block_bytes, size_t max_bytes)
{
    ASSERT(block_bytes >= 1);
    ASSERT(block_bytes <= SIZE_MAX / 4);
    *arena = (struct arena){.block_bytes = block_bytes, .max_bytes = max_bytes};
}

void arena_fini(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->at = arena->end = NULL;
    arena->used_bytes = 0;
}

/* Hands out from `block` on. */
static void begin_block(struct arena *arena, struct arena_block *block)
{
    arena->at = block->bytes;
    arena->end = block->bytes + block->capacity_bytes;
}

/* Not more than max_bytes allows. */
static void limit_block(struct arena *arena)
{
    size_t left_bytes = arena->max_bytes - arena->used_bytes;
    if (arena->max_bytes > 0 && (size_t)(arena->end - arena->at) > left_bytes)
        arena->end = arena->at + left_bytes;
}

void arena_reset(struct arena *arena)
{
    if (arena->used_bytes == 0)
        return;
    struct arena_block *block = arena->blocks;
    while (block != NULL && block->next != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->blocks = block;
    arena->used_bytes = 0;
    if (block == NULL)
        return;
    begin_block(arena, block);
    limit_block(arena);
}

void *arena_raw_new(struct arena *arena, size_t size)
{
    size_t wanted_bytes = rounded_up(size);
    if (size == 0 && arena->at != NULL)
        return arena->at;
    ASSERT(arena->max_bytes == 0 || wanted_bytes <= arena->max_bytes - arena->used_bytes);
    add_block(arena, wanted_bytes);
    begin_block(arena, arena->blocks);
    char *memory = arena->at;
    arena->at += wanted_bytes;
    arena->used_bytes += wanted_bytes;
    limit_block(arena);
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(arena_raw(arena, size), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    ASSERT(size == 0 || count <= SIZE_MAX / size);
    return arena_alloc(arena, count * size);
}

void *arena_grow(struct arena *arena, const void *old, size_t old_count, size_t new_count,
                 size_t size)
{
    ASSERT(new_count >= old_count);
    ASSERT(size == 0 || new_count <= SIZE_MAX / size);
    char *grown = arena_raw(arena, new_count * size);
    if (old_count > 0)
        memcpy(grown, old, old_count * size);
    memset(grown + old_count * size, 0, (new_count - old_count) * size);
    return grown;
}

struct str arena_str(struct arena *arena, struct str s)
{
    ASSERT(s.len < SIZE_MAX);
    char *copy = arena_raw(arena, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return (struct str){copy, s.len};
}

struct str arena_str_lower(struct arena *arena, struct str s)
{
    ASSERT(s.len < SIZE_MAX);
    char *copy = arena_raw(arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = str_lower_char(s.ptr[i]);
    copy[s.len] = 0;
    return (struct str){copy, s.len};
}

struct str arena_concat(struct arena *arena, struct str a, struct str b)
{
    ASSERT(a.len < SIZE_MAX - b.len);
    char *copy = arena_raw(arena, a.len + b.len + 1);
    if (a.len > 0)
        memcpy(copy, a.ptr, a.len);
    if (b.len > 0)
        memcpy(copy + a.len, b.ptr, b.len);
    copy[a.len + b.len] = 0;
    return (struct str){copy, a.len + b.len};
}

struct str arena_decimal(struct arena *arena, uint64_t number)
{
    enum { DIGITS_MAX = 20 };
    static const char SHORT[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";
    if (number < 10)
        return (struct str){SHORT + 2 * number, 1};
    char digits[DIGITS_MAX];
    size_t first = DIGITS_MAX;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return arena_str(arena, (struct str){digits + first, DIGITS_MAX - first});
}

struct str arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = arena_format_v(arena, format, args);
    va_end(args);
    return text;
}

struct str arena_format_v(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    ASSERT(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    int written = vsnprintf(text, (size_t)length + 1, format, again);
    ASSERT(written == length);
    va_end(again);
    return (struct str){text, (size_t)length};
}
