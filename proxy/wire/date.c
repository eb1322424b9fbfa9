/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/date.c - see date.h.
 */
#include "proxy/wire/date.h"

#include <string.h>

#include "base/check.h"
#include "base/civil.h"

#define SECONDS_MAX INT64_C(253402300799) /* the end of 9999 */

static void put_digits(char *at, int64_t value, int digit_count)
{
    for (int i = digit_count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

static void write_text(char *text, int64_t seconds)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began on a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t day_count = seconds / CIVIL_DAY_SECONDS;
    int64_t second_of_day = seconds % CIVIL_DAY_SECONDS;
    struct civil civil = civil_of_day(day_count);
    memcpy(text, "xxx, 00 xxx 0000 00:00:00 GMT", DATE_BYTES);
    memcpy(text, days + day_count % 7 * 3, 3);
    put_digits(text + 5, civil.day, 2);
    memcpy(text + 8, months + (civil.month - 1) * 3, 3);
    put_digits(text + 12, civil.year, 4);
    put_digits(text + 17, second_of_day / 3600, 2);
    put_digits(text + 20, second_of_day / 60 % 60, 2);
    put_digits(text + 23, second_of_day % 60, 2);
}

void date_init(struct date *date)
{
    date->seconds = 0;
    write_text(date->text, 0);
}

struct str date_text(struct date *date, int64_t seconds)
{
    ASSERT(seconds >= 0);
    ASSERT(seconds <= SECONDS_MAX);
    if (seconds != date->seconds) {
        date->seconds = seconds;
        write_text(date->text, seconds);
    }
    return (struct str){date->text, DATE_BYTES};
}
