/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/mesh_text.h - manifests of a row: a text with the row's words.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define MESH_TEXT_BYTES_MAX 16384u /* twice the longest that a row makes */

/* The words put into `format`, as printf does. What comes back is there until
 * the next call, so it must outlive neither its row nor what is read from it. */
__attribute__((format(printf, 1, 2))) static inline const char *mesh_text(const char *format, ...)
{
    static char text[MESH_TEXT_BYTES_MAX];
    va_list words;

    va_start(words, format);
    int length = vsnprintf(text, sizeof(text), format, words);
    va_end(words);
    assert_in_range(length, 0, sizeof(text) - 1);
    return text;
}
