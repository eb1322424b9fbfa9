/* SPDX-License-Identifier: Apache-2.0
 *
 * base/utf8.c - RFC 3629, section 3.
 */
#include "base/utf8.h"

#include "base/check.h"

struct form {
    uint8_t mask, lead; /* the first byte's fixed bits */
    uint8_t length;
    uint32_t code_min; /* less would be overlong */
};

static const struct form FORMS[] = {
    {.mask = 0x80, .lead = 0x00, .length = 1, .code_min = 0},
    {.mask = 0xe0, .lead = 0xc0, .length = 2, .code_min = 0x80},
    {.mask = 0xf0, .lead = 0xe0, .length = 3, .code_min = 0x800},
    {.mask = 0xf8, .lead = 0xf0, .length = 4, .code_min = 0x10000},
};

static bool is_code_point(uint32_t code)
{
    return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

size_t utf8_decode(struct str s, uint32_t *code)
{
    if (s.len == 0)
        return 0;
    uint8_t first = (uint8_t)s.ptr[0];
    const struct form *form = NULL;
    for (size_t i = 0; i < COUNT_OF(FORMS) && form == NULL; i++)
        if ((first & FORMS[i].mask) == FORMS[i].lead)
            form = &FORMS[i];
    if (form == NULL || s.len < form->length)
        return 0;
    uint32_t value = first & (uint32_t)(uint8_t)~form->mask;
    for (size_t i = 1; i < form->length; i++) {
        uint8_t byte = (uint8_t)s.ptr[i];
        if ((byte & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (byte & 0x3fu);
    }
    if (value < form->code_min || !is_code_point(value))
        return 0;
    *code = value;
    return form->length;
}

size_t utf8_encode(uint32_t code, char out[UTF8_BYTES_MAX])
{
    ASSERT(is_code_point(code));
    size_t row = COUNT_OF(FORMS) - 1;
    while (code < FORMS[row].code_min)
        row--;
    const struct form *form = &FORMS[row];
    for (size_t i = form->length; i > 1; i--) {
        out[i - 1] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(form->lead | code);
    return form->length;
}

size_t utf8_valid_bytes(struct str s)
{
    size_t at = 0;
    uint32_t code;
    while (at < s.len) {
        size_t length = utf8_decode(str_from(s, at), &code);
        if (length == 0)
            return at;
        at += length;
    }
    return at;
}
