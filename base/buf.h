/* SPDX-License-Identifier: Apache-2.0
 *
 * base/buf.h - a queue of bytes with a maximum told at birth.
 *
 * Bytes are appended at the end and consumed from the front; the content is
 * always one contiguous slice. An empty buffer keeps its memory until
 * buf_fini or buf_shrink.
 */
#pragma once

#include <stddef.h>

#include "base/check.h"
#include "base/rc.h"
#include "base/str.h"

struct buf {
    char *ptr;
    size_t start; /* first byte that is not consumed */
    size_t end;
    size_t capacity;
    size_t max_bytes;
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_fini(struct buf *buf);

static inline size_t buf_size(const struct buf *buf)
{
    return buf->end - buf->start;
}

struct str buf_str(const struct buf *buf);

/* RC_FULL when the content would exceed max_bytes; then nothing was added. */
enum rc buf_append(struct buf *buf, struct str bytes) MUST_USE;
enum rc buf_format(struct buf *buf, const char *format, ...) MUST_USE PRINTF_LIKE(2, 3);

/* Room for at least `size` more bytes at the end, to be written there and
 * then counted with buf_added; NULL when max_bytes forbids it. */
char *buf_reserve(struct buf *buf, size_t size);
void buf_added(struct buf *buf, size_t size);

/* Drops `size` bytes from the front; there must be so many. */
void buf_consume(struct buf *buf, size_t size);
static inline void buf_clear(struct buf *buf)
{
    buf->start = 0;
    buf->end = 0;
}

/* Gives the memory back when the buffer is empty. */
void buf_shrink(struct buf *buf);
