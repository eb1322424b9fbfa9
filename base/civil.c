/* SPDX-License-Identifier: Apache-2.0
 *
 * base/civil.c - see civil.h.
 *
 * The calendar repeats every 400 years (146097 days); years are counted from
 * March, so that the leap day is a year's last.
 */
#include "base/civil.h"

#include <stdbool.h>

struct civil civil_of_day(int64_t day_count)
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

int64_t civil_day_of_year(struct civil civil)
{
    static const int16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool is_leap = civil.year % 4 == 0 && (civil.year % 100 != 0 || civil.year % 400 == 0);
    return before[civil.month - 1] + civil.day + (is_leap && civil.month > 2);
}
