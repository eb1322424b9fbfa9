/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/date.h - the date header's text: "Sun, 06 Nov 1994 08:49:37 GMT".
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define DATE_BYTES 29

struct date {
    int64_t seconds; /* since 1970, of `text` */
    char text[DATE_BYTES];
};

void date_init(struct date *date);
/* The text of `seconds` since 1970 (not negative, before the year 10000);
 * written again only when the second changed. Valid until the next call. */
struct str date_text(struct date *date, int64_t seconds);
