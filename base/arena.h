/* SPDX-License-Identifier: Apache-2.0
 *
 * base/arena.h - memory that dies together.
 *
 * Blocks grow geometrically up to a limit given at birth (a limit reached is
 * a mistake of ours: callers check sizes of what strangers send before they
 * allocate). Nothing is freed singly. arena_reset keeps the first block, so a
 * pooled arena does not call malloc in the steady state.
 */
#pragma once

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    char *at, *end;             /* what is left of the newest one, as far as max_bytes allows */
    size_t used_bytes;          /* handed out since init or reset */
    size_t max_bytes;           /* 0: as much as the machine has */
    size_t block_bytes;         /* size of the next block */
};

/* Does not allocate yet. `block_bytes` is the first block's size. */
void arena_init(struct arena *arena, size_t block_bytes, size_t max_bytes);
void arena_fini(struct arena *arena);

/* Forgets everything that was handed out; keeps the oldest block. */
void arena_reset(struct arena *arena);

/* Zeroed memory, aligned for any type. Never NULL; size 0 is allowed. */
void *arena_alloc(struct arena *arena, size_t size);

/* As arena_raw, when the newest block has no room. */
void *arena_raw_new(struct arena *arena, size_t size);

#define ARENA_UNIT 16u /* of sizes: every type's alignment */

/* The same, not zeroed: for what is written at once. Here, because a request's path
 * asks it some thirty times. */
static inline void *arena_raw(struct arena *arena, size_t size)
{
    size_t left_bytes = (size_t)(arena->end - arena->at);
    size_t padding_bytes = (0 - size) & (ARENA_UNIT - 1);
    if (size == 0 || size > left_bytes || padding_bytes > left_bytes - size)
        return arena_raw_new(arena, size);
    size_t wanted_bytes = size + padding_bytes;
    char *memory = arena->at;
    arena->at += wanted_bytes;
    arena->used_bytes += wanted_bytes;
    return memory;
}

/* `count` zeroed elements of `size`; the product must not overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A larger copy of an array (the old one stays, unused, in the arena). */
void *arena_grow(struct arena *arena, const void *old, size_t old_count, size_t new_count,
                 size_t size);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))

/* Adds one zeroed element to a growing array `items` with `count` and
 * `capacity` (both uint32_t) and evaluates to its address. */
#define ARENA_PUSH(arena, items, count, capacity)                                          \
    (((count) == (capacity)                                                                \
          ? (void)((items) = arena_grow((arena), (items), (count),                         \
                                        ((capacity) = (capacity) != 0 ? (capacity)*2 : 8), \
                                        sizeof(*(items))))                                 \
          : (void)0),                                                                      \
     &(items)[(count)++])

/* Copies; the copy ends in a NUL that is not counted. */
struct str arena_str(struct arena *arena, struct str s);
struct str arena_str_lower(struct arena *arena, struct str s);
struct str arena_concat(struct arena *arena, struct str a, struct str b);
/* The number in decimal digits: a request's path writes some, and printf costs ten times as much.
 */
struct str arena_decimal(struct arena *arena, uint64_t number);
struct str arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
struct str arena_format_v(struct arena *arena, const char *format, va_list args) PRINTF_LIKE(2, 0);
