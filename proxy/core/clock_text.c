/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/clock_text.c - see clock_text.h.
 */
#include "proxy/core/clock_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/civil.h"
#include "base/ns.h"

static const char DAYS[][10] = {"Thursday", "Friday",  "Saturday", "Sunday",
                                "Monday",   "Tuesday", "Wednesday"}; /* 1970 began so */
static const char MONTHS[][10] = {"January",   "February", "March",    "April",
                                  "May",       "June",     "July",     "August",
                                  "September", "October",  "November", "December"};

struct clock {
    struct civil civil;
    int64_t day_count, seconds, nanos;
    int64_t hour, minute, second;
    char *out;
    size_t len, capacity;
};

static void put(struct clock *clock, struct str text)
{
    text = str_slice(text, 0, clock->capacity - clock->len);
    if (text.len > 0)
        memcpy(clock->out + clock->len, text.ptr, text.len);
    clock->len += text.len;
}

/* At least `width` wide, filled up with `fill`. */
static void put_number(struct clock *clock, int64_t value, size_t width, char fill)
{
    char digits[24];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (sizeof(digits) - at < width)
        digits[--at] = fill;
    put(clock, (struct str){digits + at, sizeof(digits) - at});
}

static void put_fraction(struct clock *clock, size_t digit_count)
{
    int64_t value = clock->nanos;
    for (size_t i = digit_count; i < 9; i++)
        value /= 10;
    put_number(clock, value, digit_count, '0');
}

/* %E*S: as many digits as there are. */
static size_t significant_digits(int64_t nanos)
{
    size_t digits = 9;
    while (digits > 0 && nanos % 10 == 0) {
        nanos /= 10;
        digits--;
    }
    return digits;
}

static int64_t hour_of_twelve(const struct clock *clock)
{
    return (clock->hour + 11) % 12 + 1;
}

static bool put_time(struct clock *clock, char what)
{
    if (what == 'H')
        put_number(clock, clock->hour, 2, '0');
    else if (what == 'k')
        put_number(clock, clock->hour, 2, ' ');
    else if (what == 'I')
        put_number(clock, hour_of_twelve(clock), 2, '0');
    else if (what == 'l')
        put_number(clock, hour_of_twelve(clock), 2, ' ');
    else if (what == 'M')
        put_number(clock, clock->minute, 2, '0');
    else if (what == 'S')
        put_number(clock, clock->second, 2, '0');
    else if (what == 'p')
        put(clock, clock->hour < 12 ? STR("AM") : STR("PM"));
    else if (what == 's')
        put_number(clock, clock->seconds, 1, '0');
    else if (what == 'f')
        put_fraction(clock, 9);
    else if (what == 'z')
        put(clock, STR("+0000"));
    else if (what == 'Z')
        put(clock, STR("UTC"));
    else
        return false;
    return true;
}

/* ISO 8601's week: the one with its year's first Thursday is the first. */
static void put_iso(struct clock *clock, char what)
{
    int64_t thursday = clock->day_count - (clock->day_count + 3) % 7 + 3;
    struct civil civil = civil_of_day(thursday);
    if (what == 'G')
        put_number(clock, civil.year, 4, '0');
    else if (what == 'g')
        put_number(clock, civil.year % 100, 2, '0');
    else
        put_number(clock, (civil_day_of_year(civil) - 1) / 7 + 1, 2, '0');
}

static bool put_day(struct clock *clock, char what)
{
    const struct civil *civil = &clock->civil;
    int64_t from_sunday = (clock->day_count + 4) % 7;
    const char *day = DAYS[clock->day_count % 7];
    const char *month = MONTHS[civil->month - 1];
    if (what == 'Y')
        put_number(clock, civil->year, 4, '0');
    else if (what == 'C')
        put_number(clock, civil->year / 100, 2, '0');
    else if (what == 'y')
        put_number(clock, civil->year % 100, 2, '0');
    else if (what == 'm')
        put_number(clock, civil->month, 2, '0');
    else if (what == 'd')
        put_number(clock, civil->day, 2, '0');
    else if (what == 'e')
        put_number(clock, civil->day, 2, ' ');
    else if (what == 'j')
        put_number(clock, civil_day_of_year(*civil), 3, '0');
    else if (what == 'a')
        put(clock, str_slice(str_of(day), 0, 3));
    else if (what == 'A')
        put(clock, str_of(day));
    else if (what == 'b' || what == 'h')
        put(clock, str_slice(str_of(month), 0, 3));
    else if (what == 'B')
        put(clock, str_of(month));
    else if (what == 'u')
        put_number(clock, from_sunday == 0 ? 7 : from_sunday, 1, '0');
    else if (what == 'w')
        put_number(clock, from_sunday, 1, '0');
    else if (what == 'U')
        put_number(clock, (civil_day_of_year(*civil) + 6 - from_sunday) / 7, 2, '0');
    else if (what == 'W')
        put_number(clock, (civil_day_of_year(*civil) + 6 - (from_sunday + 6) % 7) / 7, 2, '0');
    else if (what == 'G' || what == 'g' || what == 'V')
        put_iso(clock, what);
    else
        return false;
    return true;
}

static void put_format(struct clock *clock, struct str format);

/* Conversions that are other conversions. */
static bool put_whole(struct clock *clock, char what)
{
    static const struct {
        char what;
        struct str means;
    } wholes[] = {
        {'T', STR_INIT("%H:%M:%S")},    {'R', STR_INIT("%H:%M")},
        {'F', STR_INIT("%Y-%m-%d")},    {'D', STR_INIT("%m/%d/%y")},
        {'x', STR_INIT("%m/%d/%y")},    {'X', STR_INIT("%H:%M:%S")},
        {'r', STR_INIT("%I:%M:%S %p")}, {'c', STR_INIT("%a %b %e %H:%M:%S %Y")},
        {'n', STR_INIT("\n")},          {'t', STR_INIT("\t")},
    };
    if (what == '%') {
        put(clock, STR("%"));
        return true;
    }
    for (size_t i = 0; i < sizeof(wholes) / sizeof(wholes[0]); i++) {
        if (wholes[i].what == what) {
            put_format(clock, wholes[i].means);
            return true;
        }
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '1' && c <= '9';
}

/* %3f, %E3S, %E*S; the bytes taken, 0: it is none of them. */
static size_t put_extended(struct clock *clock, struct str rest)
{
    if (rest.len >= 3 && is_digit(rest.ptr[1]) && rest.ptr[2] == 'f') {
        put_fraction(clock, (size_t)(rest.ptr[1] - '0'));
        return 3;
    }
    if (rest.len < 4 || rest.ptr[1] != 'E' || rest.ptr[3] != 'S' ||
        (rest.ptr[2] != '*' && !is_digit(rest.ptr[2])))
        return 0;
    size_t digits =
        rest.ptr[2] == '*' ? significant_digits(clock->nanos) : (size_t)(rest.ptr[2] - '0');
    put_number(clock, clock->second, 2, '0');
    if (digits > 0) {
        put(clock, STR("."));
        put_fraction(clock, digits);
    }
    return 4;
}

static void put_format(struct clock *clock, struct str format)
{
    while (format.len > 0) {
        size_t percent = str_find(format, '%');
        put(clock, str_slice(format, 0, percent == STR_NONE ? format.len : percent));
        if (percent == STR_NONE)
            return;
        format = str_from(format, percent);
        size_t taken = put_extended(clock, format);
        if (taken == 0) {
            taken = format.len < 2 ? 1 : 2;
            char what = taken == 2 ? format.ptr[1] : '\0';
            if (!put_time(clock, what) && !put_day(clock, what) && !put_whole(clock, what))
                put(clock, str_slice(format, 0, taken));
        }
        format = str_from(format, taken);
    }
}

size_t clock_text(struct str format, int64_t epoch_ns, char *out, size_t capacity)
{
    struct clock clock = {.seconds = epoch_ns / NS_SECOND,
                          .nanos = epoch_ns % NS_SECOND,
                          .out = out,
                          .capacity = capacity};
    int64_t of_day = clock.seconds % CIVIL_DAY_SECONDS;
    clock.day_count = clock.seconds / CIVIL_DAY_SECONDS;
    clock.civil = civil_of_day(clock.day_count);
    clock.hour = of_day / 3600;
    clock.minute = of_day / 60 % 60;
    clock.second = of_day % 60;
    put_format(&clock, format);
    return clock.len;
}
