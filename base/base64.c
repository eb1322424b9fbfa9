/* SPDX-License-Identifier: Apache-2.0
 *
 * base/base64.c - see base64.h.
 */
#include "base/base64.h"

#include <stdint.h>

#define LETTER_BITS 6u
#define BYTE_BITS 8u

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Padding makes the last four letters full, or is not there at all. */
static bool cut_padding(struct str *text)
{
    size_t size = text->len;

    while (text->len > 0 && text->ptr[text->len - 1] == '=')
        text->len--;
    return size == text->len || (size % 4 == 0 && size - text->len < 3);
}

bool base64url_decode(struct str text, struct arena *arena, struct str *out)
{
    uint32_t bits = 0, bit_count = 0;
    size_t size = 0;

    if (!cut_padding(&text) || text.len % 4 == 1)
        return false;
    char *bytes = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i]);
        if (value < 0)
            return false;
        bits = bits << LETTER_BITS | (uint32_t)value;
        bit_count += LETTER_BITS;
        if (bit_count < BYTE_BITS)
            continue;
        bit_count -= BYTE_BITS;
        bytes[size++] = (char)(bits >> bit_count & 0xff);
    }
    *out = (struct str){bytes, size};
    return true;
}

struct str base64_encode(struct str bytes, struct arena *arena)
{
    char *out = arena_alloc(arena, (bytes.len + 2) / 3 * 4);
    size_t len = 0;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t three = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
        if (left > 1)
            three |= (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8;
        if (left > 2)
            three |= (unsigned char)bytes.ptr[i + 2];
        out[len++] = LETTERS[three >> 18];
        out[len++] = LETTERS[three >> 12 & 63];
        out[len++] = left > 1 ? LETTERS[three >> 6 & 63] : '=';
        out[len++] = left > 2 ? LETTERS[three & 63] : '=';
    }
    return (struct str){out, len};
}
