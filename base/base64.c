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
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

bool base64_decode(struct str text, struct arena *arena, struct str *out)
{
    char *bytes = arena_alloc(arena, text.len);
    size_t byte_count = 0;
    uint32_t bits = 0, bit_count = 0;

    for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
        char c = text.ptr[i];
        if (c == '\n' || c == '\r')
            continue;
        int value = value_of(c);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[byte_count++] = (char)(bits >> bit_count & 0xff);
        }
    }
    *out = (struct str){bytes, byte_count};
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Padding makes the last four letters full, or is not there at all. */
bool base64url_decode(struct str text, struct arena *arena, struct str *out)
{
    uint32_t bits = 0, bit_count = 0;
    size_t size = 0, letter_count = 0, padding_count = 0;
    char *bytes = arena_alloc(arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++) {
        bool is_other = text.ptr[i] == '+' || text.ptr[i] == '/';
        int value = is_other ? -1 : value_of(text.ptr[i]);
        if (is_blank(text.ptr[i]))
            continue;
        padding_count += text.ptr[i] == '=';
        if (padding_count > 0 && text.ptr[i] == '=')
            continue;
        if (value < 0 || padding_count > 0)
            return false;
        letter_count++;
        bits = bits << LETTER_BITS | (uint32_t)value;
        bit_count += LETTER_BITS;
        if (bit_count < BYTE_BITS)
            continue;
        bit_count -= BYTE_BITS;
        bytes[size++] = (char)(bits >> bit_count & 0xff);
    }
    *out = (struct str){bytes, size};
    bool is_padding_right =
        padding_count == 0 || (padding_count < 3 && (letter_count + padding_count) % 4 == 0);
    return letter_count % 4 != 1 && is_padding_right;
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
