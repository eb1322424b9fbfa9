/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/date.c - days to a civil date, without libc's clock and zones.
 *
 * The calendar repeats every 400 years (146097 days); years are counted from
 * March, so that the leap day is a year's last.
 */
#include "proxy/wire/date.h"

#include <string.h>

#include "base/check.h"

#define DAY_SECONDS 86400
#define SECONDS_MAX INT64_C(253402300799) /* the end of 9999 */

struct civil {
    int64_t year;
    int64_t month; /* 1 to 12 */
    int64_t day;
};

static struct civil civil_of_day(int64_t day_count)
{
    int64_t shifted = day_count + 719468; /* days since 1 March of year 0 */
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct civil){
        .year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
}

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
    int64_t day_count = seconds / DAY_SECONDS;
    int64_t second_of_day = seconds % DAY_SECONDS;
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
