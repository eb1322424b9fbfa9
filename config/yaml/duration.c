/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/duration.c - Go's time.ParseDuration, so that what Kubernetes
 * takes is taken, and nothing else.
 */
#include "config/yaml/duration.h"

#include "base/check.h"
#include "base/ns.h"

#define SIZE_MAX_NS ((uint64_t)1 << 63) /* of a negative one */

struct unit {
    struct str name;
    int64_t ns;
};

/* A name that begins another stands after it. */
static const struct unit UNITS[] = {
    {STR_INIT("ns"), 1},
    {STR_INIT("us"), NS_US},
    {STR_INIT("\xc2\xb5s"), NS_US}, /* U+00B5, micro sign */
    {STR_INIT("\xce\xbcs"), NS_US}, /* U+03BC, Greek mu */
    {STR_INIT("ms"), NS_MS},
    {STR_INIT("s"), NS_SECOND},
    {STR_INIT("m"), NS_MINUTE},
    {STR_INIT("h"), NS_HOUR},
};

static bool is_digit(struct str s)
{
    return s.len > 0 && s.ptr[0] >= '0' && s.ptr[0] <= '9';
}

/* Takes the digits at the front off; false when the number is above 2^63. */
static bool take_whole(struct str *rest, uint64_t *out)
{
    uint64_t value = 0;
    while (is_digit(*rest)) {
        if (value > SIZE_MAX_NS / 10)
            return false;
        value = value * 10 + (uint64_t)(rest->ptr[0] - '0');
        if (value > SIZE_MAX_NS)
            return false;
        *rest = str_from(*rest, 1);
    }
    *out = value;
    return true;
}

/* Digits behind a point: value / scale; what does not fit is dropped. */
static void take_fraction(struct str *rest, uint64_t *out, double *scale)
{
    uint64_t value = 0;
    bool is_full = false;
    *scale = 1;
    for (; is_digit(*rest); *rest = str_from(*rest, 1)) {
        uint64_t next = value * 10 + (uint64_t)(rest->ptr[0] - '0');
        is_full = is_full || value > (SIZE_MAX_NS - 1) / 10 || next > SIZE_MAX_NS;
        if (is_full)
            continue;
        value = next;
        *scale *= 10;
    }
    *out = value;
}

static const struct unit *take_unit(struct str *rest)
{
    size_t length = 0;
    while (length < rest->len && rest->ptr[length] != '.' && !is_digit(str_from(*rest, length)))
        length++;
    struct str name = str_slice(*rest, 0, length);
    for (size_t i = 0; i < COUNT_OF(UNITS); i++) {
        if (!str_eq(UNITS[i].name, name))
            continue;
        *rest = str_from(*rest, length);
        return &UNITS[i];
    }
    return NULL;
}

/* One number with its unit, added to *sum_ns. */
static bool take_part(struct str *rest, uint64_t *sum_ns)
{
    uint64_t whole;
    uint64_t fraction = 0;
    double scale = 1;
    struct str before = *rest;
    if (!take_whole(rest, &whole))
        return false;
    size_t digit_count = before.len - rest->len;
    if (str_has_prefix(*rest, STR("."))) {
        *rest = str_from(*rest, 1);
        before = *rest;
        take_fraction(rest, &fraction, &scale);
        digit_count += before.len - rest->len;
    }
    const struct unit *unit = take_unit(rest);
    if (digit_count == 0 || unit == NULL)
        return false;
    uint64_t unit_ns = (uint64_t)unit->ns;
    if (whole > SIZE_MAX_NS / unit_ns)
        return false;
    /* Go's own arithmetic: the fraction goes through a double. */
    uint64_t part_ns = whole * unit_ns + (uint64_t)((double)fraction * ((double)unit_ns / scale));
    if (part_ns > SIZE_MAX_NS || *sum_ns > SIZE_MAX_NS - part_ns)
        return false;
    *sum_ns += part_ns;
    return true;
}

bool duration_parse(struct str text, int64_t *out_ns)
{
    bool is_negative = str_has_prefix(text, STR("-"));
    struct str rest = text;
    if (is_negative || str_has_prefix(text, STR("+")))
        rest = str_from(text, 1);
    uint64_t sum_ns = 0;
    if (rest.len == 0)
        return false;
    if (str_eq(rest, STR("0")))
        rest = STR_EMPTY;
    while (rest.len > 0)
        if (!take_part(&rest, &sum_ns))
            return false;
    if (!is_negative && sum_ns > (uint64_t)INT64_MAX)
        return false;
    if (!is_negative)
        *out_ns = (int64_t)sum_ns;
    else
        *out_ns = sum_ns == 0 ? 0 : -(int64_t)(sum_ns - 1) - 1; /* 2^63 fits only as a negative */
    return true;
}

struct str duration_text(int64_t ns, struct arena *arena)
{
    static const struct unit SPOKEN[] = {
        {STR_INIT("s"), NS_SECOND},
        {STR_INIT("ms"), NS_MS},
        {STR_INIT("us"), NS_US},
        {STR_INIT("ns"), 1},
    };
    const char *sign = ns < 0 ? "-" : "";
    uint64_t size_ns = ns < 0 ? (uint64_t)(-(ns + 1)) + 1 : (uint64_t)ns;
    if (size_ns == 0)
        return arena_str(arena, STR("0s"));
    if (size_ns % (uint64_t)NS_HOUR == 0)
        return arena_format(arena, "%s%lluh", sign,
                            (unsigned long long)(size_ns / (uint64_t)NS_HOUR));
    size_t row = 0;
    while (size_ns < (uint64_t)SPOKEN[row].ns)
        row++;
    uint64_t unit_ns = (uint64_t)SPOKEN[row].ns;
    uint64_t fraction = size_ns % unit_ns;
    struct str whole = arena_format(arena, "%s%llu", sign, (unsigned long long)(size_ns / unit_ns));
    if (fraction == 0)
        return arena_concat(arena, whole, SPOKEN[row].name);
    int digit_count = 0;
    for (uint64_t power = 1; power < unit_ns; power *= 10)
        digit_count++;
    for (; fraction % 10 == 0; fraction /= 10)
        digit_count--;
    return arena_format(arena, "%.*s.%0*llu%.*s", STR_FMT(whole), digit_count,
                        (unsigned long long)fraction, STR_FMT(SPOKEN[row].name));
}
