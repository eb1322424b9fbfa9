/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/jwt_claim.c - see jwt_claim.h.
 */
#include "proxy/core/jwt_claim.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/utf8.h"

#define CLAIM_BYTES_MAX (1024u * 1024) /* a head of 60 KiB, each byte written with six letters */
#define UINT64_END 18446744073709551616.0

/* --- JSON as protobuf has it -------------------------------------------------------- */

/* Full: a head has not that many bytes. */
static void put(struct buf *out, struct str text)
{
    enum rc rc = buf_append(out, text);
    ASSERT(rc == RC_OK);
}

/* protobuf's choice: controls, what does not show, and "<" and ">". */
static bool is_escaped(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } RANGES[] = {
        {0x0, 0x1f},      {'"', '"'},         {'<', '<'},         {'>', '>'},
        {'\\', '\\'},     {0x7f, 0x9f},       {0xad, 0xad},       {0x600, 0x603},
        {0x6dd, 0x6dd},   {0x70f, 0x70f},     {0x17b4, 0x17b5},   {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x2064},   {0x206a, 0x206f},   {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
    };

    for (size_t i = 0; i < COUNT_OF(RANGES); i++) {
        if (code >= RANGES[i].first && code <= RANGES[i].last)
            return true;
    }
    return false;
}

static void put_unit(struct buf *out, uint32_t unit)
{
    static const char DIGITS[] = "0123456789abcdef";
    char text[6] = {'\\', 'u'};

    for (int i = 0; i < 4; i++)
        text[2 + i] = DIGITS[unit >> (12 - 4 * i) & 0xf];
    put(out, (struct str){text, sizeof(text)});
}

static void put_escaped(struct buf *out, uint32_t code)
{
    size_t at = code < 0x80 ? str_find(STR("\n\r\t\"\f\b\\"), (char)code) : STR_NONE;

    if (at != STR_NONE && code != 0) {
        char text[2] = {'\\', "nrt\"fb\\"[at]};
        put(out, (struct str){text, 2});
    } else if (code < 0x10000) {
        put_unit(out, code);
    } else {
        put_unit(out, 0xd800 + ((code - 0x10000) >> 10));
        put_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    }
}

static void put_text(struct buf *out, struct str text)
{
    put(out, STR("\""));
    while (text.len > 0) {
        uint32_t code;
        size_t width = utf8_decode(text, &code);
        ASSERT(width > 0); /* the reader took it */
        if (is_escaped(code))
            put_escaped(out, code);
        else
            put(out, str_slice(text, 0, width));
        text = str_from(text, width);
    }
    put(out, STR("\""));
}

/* 15 digits, or 17 where these do not read back the same. */
static void put_number(struct buf *out, double number, struct arena *arena)
{
    struct str text = arena_format(arena, "%.15g", number);

    if (strtod(text.ptr, NULL) != number)
        text = arena_format(arena, "%.17g", number);
    put(out, text);
}

/* As deep as json_read_protobuf allows. */
static void put_value(struct buf *out, const struct json_value *value, struct arena *arena)
{
    bool is_object = value->kind == JSON_OBJECT;

    switch (value->kind) {
    case JSON_NULL:
        put(out, STR("null"));
        return;
    case JSON_BOOL:
        put(out, value->text);
        return;
    case JSON_NUMBER:
        put_number(out, value->number, arena);
        return;
    case JSON_STRING:
        put_text(out, value->text);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        put(out, is_object ? STR("{") : STR("["));
        for (uint32_t i = 0; i < value->count; i++) {
            if (i > 0)
                put(out, STR(","));
            if (is_object) {
                put_text(out, value->keys[i]);
                put(out, STR(":"));
            }
            put_value(out, &value->items[i], arena);
        }
        put(out, is_object ? STR("}") : STR("]"));
        return;
    }
    UNREACHABLE("json_kind");
}

/* --- headers -------------------------------------------------------------------------- */

static struct str number_text(double number, struct arena *arena)
{
    bool is_whole = number >= 0 && number < UINT64_END && (double)(uint64_t)number == number;

    return is_whole ? arena_format(arena, "%llu", (unsigned long long)number)
                    : arena_format(arena, "%f", number);
}

struct str jwt_claim_text(const struct json_value *claim, struct arena *arena)
{
    struct buf out;

    switch (claim->kind) {
    case JSON_NULL:
        return STR_EMPTY;
    case JSON_BOOL:
    case JSON_STRING:
        return claim->text;
    case JSON_NUMBER:
        return number_text(claim->number, arena);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    buf_init(&out, CLAIM_BYTES_MAX);
    put_value(&out, claim, arena);
    struct str text = base64_encode(buf_str(&out), arena);
    buf_fini(&out);
    return text;
}
