/* SPDX-License-Identifier: Apache-2.0
 *
 * base/str.h - a slice of bytes: pointer and length, by value.
 *
 * Never assumed to end in NUL; owns nothing. The bytes live where they were
 * made (a literal, an arena, a buffer of this turn). An empty slice may have
 * a NULL pointer. "ci" compares ASCII letters without regard to case.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)               \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
#define STR_EMPTY ((struct str){0})

/* For "%.*s". */
#define STR_FMT(s) (int)(s).len, (s).ptr

#define STR_NONE SIZE_MAX /* "not found" of the finding functions */

/* A slice over a C string; NULL gives the empty slice. */
struct str str_of(const char *text);

/* Here, because a request's path asks it some hundred times and mostly the
 * length has the answer. */
static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
bool str_eq_ci(struct str a, struct str b);

/* Byte order, shorter first on a common prefix: <0, 0, >0. */
int str_order(struct str a, struct str b);

static inline bool str_has_prefix(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}
bool str_has_prefix_ci(struct str s, struct str prefix);
bool str_has_suffix(struct str s, struct str suffix);
bool str_contains(struct str s, struct str part);

/* Index of the first (last) `c`, or STR_NONE. */
size_t str_find(struct str s, char c);
size_t str_find_last(struct str s, char c);
/* Index of the first `part`, or STR_NONE. */
size_t str_find_str(struct str s, struct str part);

/* Bytes [from, to); both are clamped to the length, from to `to`. */
struct str str_slice(struct str s, size_t from, size_t to);
struct str str_from(struct str s, size_t from);

/* Takes the part before the first `separator` off `rest` and returns it; the
 * separator is dropped. Without one, takes all and leaves `rest` with a NULL
 * pointer, so that `while (rest.ptr != NULL)` visits every part once. */
struct str str_cut(struct str *rest, char separator);

/* Without blanks and tabs (trim) at both ends. */
struct str str_trim(struct str s);

/* Whole slice is a decimal number in [0, max] (u64) or [min, max] (i64, with
 * an optional sign). False, and *out untouched, when it is not. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);
bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *out);

static inline char str_lower_char(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The value of a hexadecimal digit, of either case; -1: it is none. */
static inline int str_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower_char(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Levenshtein distance with neighbours swapped counted as one; a distance
 * above `max` is answered as max + 1. Slices over 64 bytes are "far". */
uint32_t str_edit_distance(struct str a, struct str b, uint32_t max);
