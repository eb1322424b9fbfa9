/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_chunk.c - sizes, extensions, data.
 */
#include "proxy/http/h1_chunk.h"

#include "base/check.h"

/* False: no number, or more than there can be. */
static bool take_size(struct h1_chunk *chunk, struct str *input)
{
    for (; input->len > 0; *input = str_from(*input, 1)) {
        int digit = str_hex_digit(input->ptr[0]);
        if (digit < 0) {
            chunk->place = CHUNK_EXTENSION;
            return chunk->has_digit && str_find(STR(" \t;\r\n"), input->ptr[0]) != STR_NONE;
        }
        if (chunk->left_bytes > UINT64_MAX >> 4)
            return false;
        chunk->left_bytes = chunk->left_bytes << 4 | (uint64_t)digit;
        chunk->has_digit = true;
    }
    return true;
}

/* A CR ends the line or is out of place; a LF needs one before it. */
static bool take_extension(struct h1_chunk *chunk, struct str *input)
{
    while (input->len > 0) {
        char c = input->ptr[0];
        *input = str_from(*input, 1);
        if (c == '\n')
            return false;
        if (c == '\r') {
            chunk->place = CHUNK_LINE_END;
            return true;
        }
    }
    return true;
}

static enum h1_chunk_answer take_data(struct h1_chunk *chunk, struct str *input, struct str *data)
{
    size_t size =
        chunk->left_bytes < input->len ? (size_t)chunk->left_bytes /* fits: < len */ : input->len;
    *data = str_slice(*input, 0, size);
    *input = str_from(*input, size);
    chunk->left_bytes -= size;
    if (chunk->left_bytes == 0)
        chunk->place = CHUNK_REST;
    return CHUNK_GAVE;
}

static void skip_rest(struct h1_chunk *chunk, struct str *input)
{
    size_t feed = str_find(*input, '\n');
    *input = str_from(*input, feed == STR_NONE ? input->len : feed + 1);
    if (feed != STR_NONE)
        *chunk = (struct h1_chunk){.place = CHUNK_SIZE};
}

enum h1_chunk_answer h1_chunk_next(struct h1_chunk *chunk, struct str *input, struct str *data)
{
    while (input->len > 0) {
        switch (chunk->place) {
        case CHUNK_SIZE:
            if (!take_size(chunk, input))
                return CHUNK_BAD;
            continue;
        case CHUNK_EXTENSION:
            if (!take_extension(chunk, input))
                return CHUNK_BAD;
            continue;
        case CHUNK_LINE_END:
            if (input->ptr[0] != '\n')
                return CHUNK_BAD;
            *input = str_from(*input, 1);
            if (chunk->left_bytes == 0)
                return CHUNK_LAST;
            chunk->place = CHUNK_DATA;
            continue;
        case CHUNK_DATA:
            return take_data(chunk, input, data);
        case CHUNK_REST:
            skip_rest(chunk, input);
            continue;
        }
        UNREACHABLE("h1_chunk_place");
    }
    return CHUNK_MORE;
}
