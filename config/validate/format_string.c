/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/format_string.c - see format_string.h.
 *
 *   text --%--> name --(--> arguments --)--> end --%--> text
 *                 \--%--> text      \--[ "x", "y" ]--> close --)--> end
 */
#include "config/validate/format_string.h"

#include <stdbool.h>

#include "base/check.h"

enum format_state {
    FORMAT_TEXT,
    FORMAT_NAME,
    FORMAT_ARGUMENTS, /* behind "(" */
    FORMAT_ITEM,      /* a quotation mark is wanted */
    FORMAT_STRING,
    FORMAT_AFTER_ITEM, /* , or ] */
    FORMAT_CLOSE,      /* ) */
    FORMAT_END,        /* % */
};

/* One state's step by `c`; its complaint, or DIAG_ID_COUNT. */
static enum diag_id step(enum format_state *state, char c)
{
    bool is_blank = c == ' ';

    switch (*state) {
    case FORMAT_TEXT:
        *state = FORMAT_NAME;
        return DIAG_ID_COUNT;
    case FORMAT_NAME:
        if (c == '%')
            *state = FORMAT_TEXT;
        else if (c == '(')
            *state = FORMAT_ARGUMENTS;
        return DIAG_ID_COUNT;
    case FORMAT_ARGUMENTS:
        if (c == '[')
            *state = FORMAT_ITEM;
        else if (!is_blank)
            *state = FORMAT_STRING;
        return DIAG_ID_COUNT;
    case FORMAT_ITEM:
        if (c == '"')
            *state = FORMAT_STRING;
        return c == '"' || is_blank ? DIAG_ID_COUNT : DIAG_V_FORMAT_QUOTE;
    case FORMAT_STRING:
        if (c == ')')
            *state = FORMAT_END;
        else if (c == '"')
            *state = FORMAT_AFTER_ITEM;
        return DIAG_ID_COUNT;
    case FORMAT_AFTER_ITEM:
        if (c == ',')
            *state = FORMAT_ITEM;
        else if (c == ']')
            *state = FORMAT_CLOSE;
        return c == ',' || c == ']' || is_blank ? DIAG_ID_COUNT : DIAG_V_FORMAT_COMMA;
    case FORMAT_CLOSE:
        if (c == ')')
            *state = FORMAT_END;
        return c == ')' || is_blank ? DIAG_ID_COUNT : DIAG_V_FORMAT_CLOSE;
    case FORMAT_END:
        if (c == '%')
            *state = FORMAT_TEXT;
        return c == '%' || is_blank ? DIAG_ID_COUNT : DIAG_V_FORMAT_PERCENT;
    }
    UNREACHABLE("format state");
}

enum diag_id format_string_check(struct str value)
{
    enum format_state state = FORMAT_TEXT;

    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool is_last = i + 1 == value.len;
        if (state == FORMAT_TEXT) {
            if (c != '%')
                continue;
            if (is_last)
                return DIAG_V_FORMAT_LONE;
            if (value.ptr[i + 1] == '%') {
                i++;
                continue;
            }
        } else if (state == FORMAT_STRING && c == '\\') {
            if (is_last)
                return DIAG_V_FORMAT_BACKSLASH;
            i++;
            continue;
        }
        enum diag_id id = step(&state, c);
        if (id != DIAG_ID_COUNT)
            return id;
    }
    return state == FORMAT_TEXT ? DIAG_ID_COUNT : DIAG_V_FORMAT_OPEN;
}
