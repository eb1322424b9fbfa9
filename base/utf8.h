/* SPDX-License-Identifier: Apache-2.0
 *
 * base/utf8.h - one code point at a time, by RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define UTF8_BYTES_MAX 4

/* The number of bytes of the code point at the start of `s`, and the code
 * point in *code; 0 when `s` is empty or does not start with one. */
size_t utf8_decode(struct str s, uint32_t *code);

/* Writes `code` (at most U+10FFFF, no surrogate) and returns its length. */
size_t utf8_encode(uint32_t code, char out[UTF8_BYTES_MAX]);

/* Index of the first byte that starts no code point; s.len when all is well. */
size_t utf8_valid_bytes(struct str s);
