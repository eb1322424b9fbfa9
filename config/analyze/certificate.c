/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/certificate.c - see certificate.h.
 */
#include "config/analyze/certificate.h"

#include "base/base64.h"
#include "base/civil.h"
#include "base/ns.h"

#define PEM_BEGIN STR("-----BEGIN ")
#define PEM_END STR("-----END ")
#define PEM_DASHES STR("-----")
#define TIME_BYTES 15u       /* YYYYMMDDHHMMSSZ */
#define SHORT_TIME_BYTES 13u /* YYMMDDHHMMSSZ */

/* Tags of DER that stand here (X.690 8.1.2). */
enum der_tag {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_UTC_TIME = 0x17,
    DER_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_VERSION = 0xa0,
};

/* The bytes of the first block, whatever it calls itself. */
static bool read_pem(struct str pem, struct arena *arena, struct str *out)
{
    size_t begin = str_find_str(pem, PEM_BEGIN);

    if (begin == STR_NONE)
        return false;
    struct str rest = str_from(pem, begin + PEM_BEGIN.len);
    size_t dashes = str_find_str(rest, PEM_DASHES);
    if (dashes == STR_NONE)
        return false;
    rest = str_from(rest, dashes + PEM_DASHES.len);
    size_t end = str_find_str(rest, PEM_END);
    return end != STR_NONE && base64_decode(str_slice(rest, 0, end), arena, out);
}

/* Takes the next value off `rest`. Lengths are definite, of at most four bytes. */
static bool take(struct str *rest, uint8_t tag, struct str *out)
{
    if (rest->len < 2 || (uint8_t)rest->ptr[0] != tag)
        return false;
    size_t length = (uint8_t)rest->ptr[1], head = 2;
    if (length >= 0x80) {
        size_t byte_count = length - 0x80;
        if (byte_count == 0 || byte_count > 4 || rest->len < 2 + byte_count)
            return false;
        length = 0;
        for (size_t i = 0; i < byte_count; i++)
            length = length << 8 | (uint8_t)rest->ptr[2 + i];
        head += byte_count;
    }
    if (length > rest->len - head)
        return false;
    *out = str_slice(*rest, head, head + length);
    *rest = str_from(*rest, head + length);
    return true;
}

/* A time as YYYYMMDDHHMMSSZ, whose order is that of its text; of the years 1950 to
 * 2049 it is written without the century (RFC 5280 4.1.2.5). */
static bool take_time(struct str *rest, struct arena *arena, struct str *out)
{
    if (take(rest, DER_UTC_TIME, out) && out->len == SHORT_TIME_BYTES)
        *out = arena_format(arena, "%s%.*s", out->ptr[0] < '5' ? "20" : "19", STR_FMT(*out));
    else if (!take(rest, DER_TIME, out))
        return false;
    return out->len == TIME_BYTES && out->ptr[TIME_BYTES - 1] == 'Z';
}

static struct str time_of(int64_t now_ns, struct arena *arena)
{
    int64_t seconds = now_ns / NS_SECOND;
    struct civil day = civil_of_day(seconds / CIVIL_DAY_SECONDS);
    int64_t of_day = seconds % CIVIL_DAY_SECONDS;

    return arena_format(arena, "%04d%02d%02d%02d%02d%02dZ", (int)day.year, (int)day.month,
                        (int)day.day, (int)(of_day / 3600), (int)(of_day / 60 % 60),
                        (int)(of_day % 60));
}

/* One certificate off `rest`. */
static bool take_valid(struct str *rest, struct str now, struct arena *arena)
{
    struct str whole, signed_part, ignored, validity;
    struct str from, until;

    if (!take(rest, DER_SEQUENCE, &whole) || !take(&whole, DER_SEQUENCE, &signed_part) ||
        !take(&whole, DER_SEQUENCE, &ignored) || !take(&whole, DER_BIT_STRING, &ignored))
        return false;
    (void)take(&signed_part, DER_VERSION, &ignored); /* left out by version 1 */
    return take(&signed_part, DER_INTEGER, &ignored) &&
           take(&signed_part, DER_SEQUENCE, &ignored) && /* the signature's algorithm */
           take(&signed_part, DER_SEQUENCE, &ignored) && /* who issued it */
           take(&signed_part, DER_SEQUENCE, &validity) && take_time(&validity, arena, &from) &&
           take_time(&validity, arena, &until) && str_order(from, now) <= 0 &&
           str_order(now, until) <= 0;
}

bool certificate_is_valid(struct str pem, int64_t now_ns, struct arena *arena)
{
    struct str now = time_of(now_ns, arena);
    struct str rest;

    if (!read_pem(pem, arena, &rest) || rest.len == 0)
        return false;
    while (rest.len > 0) {
        if (!take_valid(&rest, now, arena))
            return false;
    }
    return true;
}
