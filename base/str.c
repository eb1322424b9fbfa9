/* SPDX-License-Identifier: Apache-2.0
 *
 * base/str.c - slices: comparing, finding, cutting, and numbers in them.
 */
#include "base/str.h"

#include <string.h>

#include "base/check.h"

/* Names longer than this are no typing mistakes of one another. */
#define EDIT_LENGTH_MAX 64

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static uint32_t smaller_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

struct str str_of(const char *text)
{
    return text == NULL ? STR_EMPTY : (struct str){text, strlen(text)};
}

bool str_eq_ci(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (str_lower_char(a.ptr[i]) != str_lower_char(b.ptr[i]))
            return false;
    return true;
}

int str_order(struct str a, struct str b)
{
    size_t common = smaller(a.len, b.len);
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_has_prefix_ci(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq_ci(str_slice(s, 0, prefix.len), prefix);
}

bool str_has_suffix(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_from(s, s.len - suffix.len), suffix);
}

bool str_contains(struct str s, struct str part)
{
    return str_find_str(s, part) != STR_NONE;
}

size_t str_find(struct str s, char c)
{
    if (s.len == 0)
        return STR_NONE;
    const char *found = memchr(s.ptr, c, s.len);
    return found == NULL ? STR_NONE : (size_t)(found - s.ptr);
}

size_t str_find_last(struct str s, char c)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.ptr[i - 1] == c)
            return i - 1;
    return STR_NONE;
}

size_t str_find_str(struct str s, struct str part)
{
    if (part.len == 0)
        return 0;
    size_t from = 0;
    while (s.len - from >= part.len) {
        size_t next = str_find(str_slice(s, from, s.len - part.len + 1), part.ptr[0]);
        if (next == STR_NONE)
            return STR_NONE;
        from += next;
        if (memcmp(s.ptr + from, part.ptr, part.len) == 0)
            return from;
        from++;
    }
    return STR_NONE;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    to = smaller(to, s.len);
    from = smaller(from, to);
    if (s.ptr == NULL)
        return STR_EMPTY;
    return (struct str){s.ptr + from, to - from};
}

struct str str_from(struct str s, size_t from)
{
    return str_slice(s, from, s.len);
}

struct str str_cut(struct str *rest, char separator)
{
    struct str all = *rest;
    size_t at = str_find(all, separator);
    if (at == STR_NONE) {
        *rest = STR_EMPTY;
        return all;
    }
    *rest = str_from(all, at + 1);
    return str_slice(all, 0, at);
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = str_from(s, 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
    if (s.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    bool has_sign = is_negative || (s.len > 0 && s.ptr[0] == '+');
    uint64_t size_max = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t size;
    if (!str_to_u64(str_from(s, has_sign ? 1 : 0), size_max, &size))
        return false;
    int64_t value;
    if (!is_negative)
        value = (int64_t)size; /* size_max fits */
    else
        value = size == 0 ? 0 : -(int64_t)(size - 1) - 1; /* INT64_MIN has no positive twin */
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

uint32_t str_edit_distance(struct str a, struct str b, uint32_t max)
{
    uint32_t far = max == UINT32_MAX ? max : max + 1;
    if (a.len > EDIT_LENGTH_MAX || b.len > EDIT_LENGTH_MAX)
        return far;
    /* Rows of the table for the prefixes of `a` that end here, one and two earlier. */
    uint32_t rows[3][EDIT_LENGTH_MAX + 1];
    uint32_t *two_back = rows[0], *back = rows[1], *here = rows[2];
    for (uint32_t j = 0; j <= b.len; j++)
        back[j] = j;
    for (uint32_t i = 1; i <= a.len; i++) {
        here[0] = i;
        for (uint32_t j = 1; j <= b.len; j++) {
            bool is_same = a.ptr[i - 1] == b.ptr[j - 1];
            uint32_t best = smaller_u32(back[j], here[j - 1]) + 1;
            best = smaller_u32(best, back[j - 1] + (is_same ? 0 : 1));
            bool is_swap = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2];
            if (is_swap && a.ptr[i - 2] == b.ptr[j - 1])
                best = smaller_u32(best, two_back[j - 2] + 1);
            here[j] = best;
        }
        uint32_t *oldest = two_back;
        two_back = back;
        back = here;
        here = oldest;
    }
    return smaller_u32(back[b.len], far);
}
