/* SPDX-License-Identifier: Apache-2.0
 *
 * base/civil.h - days since 1970 to a civil date, without libc's clock and
 * zones.
 */
#pragma once

#include <stdint.h>

#define CIVIL_DAY_SECONDS 86400

struct civil {
    int64_t year;
    int64_t month; /* 1 to 12 */
    int64_t day;   /* 1 to 31 */
};

/* `day_count` may not be before year 0. */
struct civil civil_of_day(int64_t day_count);
/* From 1: the day's number in its year. */
int64_t civil_day_of_year(struct civil civil);
