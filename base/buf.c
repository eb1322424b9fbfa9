/* SPDX-License-Identifier: Apache-2.0
 *
 * base/buf.c - one block of memory, consumed from the front.
 *
 *   ptr [ consumed | content | free ]
 *       0        start      end   capacity
 *
 * The block is one byte larger than its capacity, for the NUL that vsnprintf
 * insists on.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY_BYTES 256

static void move_to_front(struct buf *buf)
{
    size_t used_bytes = buf_size(buf);
    if (used_bytes > 0 && buf->start > 0)
        memmove(buf->ptr, buf->ptr + buf->start, used_bytes);
    buf->start = 0;
    buf->end = used_bytes;
}

/* A capacity for `needed_bytes`, growing by doubling up to the maximum. */
static size_t grown_capacity(const struct buf *buf, size_t needed_bytes)
{
    size_t capacity = buf->capacity < FIRST_CAPACITY_BYTES ? FIRST_CAPACITY_BYTES
                      : buf->capacity > SIZE_MAX / 2       ? SIZE_MAX - 1
                                                           : buf->capacity * 2;
    if (capacity > buf->max_bytes)
        capacity = buf->max_bytes;
    return capacity < needed_bytes ? needed_bytes : capacity;
}

static void grow(struct buf *buf, size_t needed_bytes)
{
    size_t capacity = grown_capacity(buf, needed_bytes);
    char *ptr = malloc(capacity + 1);
    if (ptr == NULL)
        check_out_of_memory(capacity + 1);
    size_t used_bytes = buf_size(buf);
    if (used_bytes > 0)
        memcpy(ptr, buf->ptr + buf->start, used_bytes);
    free(buf->ptr);
    buf->ptr = ptr;
    buf->start = 0;
    buf->end = used_bytes;
    buf->capacity = capacity;
}

void buf_init(struct buf *buf, size_t max_bytes)
{
    ASSERT(max_bytes < SIZE_MAX);
    *buf = (struct buf){.max_bytes = max_bytes};
}

void buf_fini(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){.max_bytes = buf->max_bytes};
}

struct str buf_str(const struct buf *buf)
{
    if (buf->ptr == NULL)
        return STR_EMPTY;
    return (struct str){buf->ptr + buf->start, buf_size(buf)};
}

enum rc buf_append(struct buf *buf, struct str bytes)
{
    char *room = buf_reserve(buf, bytes.len);
    if (room == NULL)
        return RC_FULL;
    if (bytes.len > 0)
        memcpy(room, bytes.ptr, bytes.len);
    buf_added(buf, bytes.len);
    return RC_OK;
}

enum rc buf_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(length >= 0);
    char *room = buf_reserve(buf, (size_t)length);
    if (room == NULL)
        return RC_FULL;
    va_start(args, format);
    int written = vsnprintf(room, (size_t)length + 1, format, args);
    va_end(args);
    ASSERT(written == length);
    buf_added(buf, (size_t)length);
    return RC_OK;
}

char *buf_reserve(struct buf *buf, size_t size)
{
    size_t used_bytes = buf_size(buf);
    if (size > buf->max_bytes - used_bytes)
        return NULL;
    if (buf->ptr == NULL) {
        grow(buf, size);
        return buf->ptr;
    }
    if (buf->capacity - buf->end >= size)
        return buf->ptr + buf->end;
    /* Moving costs at most what was consumed since the last move, unless the
     * buffer cannot grow any more. */
    bool fits = buf->capacity - used_bytes >= size;
    if (fits && (buf->start >= used_bytes || buf->capacity >= buf->max_bytes))
        move_to_front(buf);
    else
        grow(buf, used_bytes + size);
    return buf->ptr + buf->end;
}

void buf_added(struct buf *buf, size_t size)
{
    ASSERT(size <= buf->capacity - buf->end);
    buf->end += size;
}

void buf_consume(struct buf *buf, size_t size)
{
    ASSERT(size <= buf_size(buf));
    buf->start += size;
    if (buf->start == buf->end)
        buf_clear(buf);
}

void buf_shrink(struct buf *buf)
{
    if (buf_size(buf) == 0)
        buf_fini(buf);
}
