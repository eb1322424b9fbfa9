/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/substitution.c - commands are parsed and their values written.
 */
#include "proxy/core/substitution.h"

#include <string.h>

#include "base/check.h"
#include "proxy/core/substitution_row.h"

static bool is_name_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* %NAME(ARGUMENT):MAX%, cut into its parts. */
struct parts {
    struct str name, argument, max;
    bool has_argument, has_max;
    size_t size; /* both percent signs included; 0: it is none */
};

static struct parts cut_parts(struct str text)
{
    struct parts parts = {0};
    size_t at = 1;
    while (at < text.len && is_name_char(text.ptr[at]))
        at++;
    parts.name = str_slice(text, 1, at);
    if (at < text.len && text.ptr[at] == '(') {
        size_t close = str_find(str_from(text, at), ')');
        if (close == STR_NONE)
            return parts;
        parts.has_argument = true;
        parts.argument = str_slice(text, at + 1, at + close);
        at += close + 1;
    }
    if (at < text.len && text.ptr[at] == ':') {
        size_t from = ++at;
        while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
            at++;
        parts.has_max = true;
        parts.max = str_slice(text, from, at);
    }
    if (parts.name.len > 0 && at < text.len && text.ptr[at] == '%')
        parts.size = at + 1;
    return parts;
}

/* Empty when all is well. */
static struct str complaint(const struct parts *parts, const struct substitution_row *row,
                            struct arena *arena)
{
    struct str name = parts->name;
    if (row == NULL)
        return arena_format(arena, "%%%.*s%%: no such command", STR_FMT(name));
    if (row->argument == ARGUMENT_NONE && (parts->has_argument || parts->has_max))
        return arena_format(arena, "%%%.*s%% does not take any parameters or length",
                            STR_FMT(name));
    bool is_needed = row->argument == ARGUMENT_NEEDED || row->argument == ARGUMENT_HEADER;
    if (is_needed && parts->argument.len == 0)
        return arena_format(arena, "%%%.*s%% needs parameters in parentheses", STR_FMT(name));
    struct str other = parts->argument;
    (void)str_cut(&other, '?');
    if (row->argument == ARGUMENT_HEADER && other.ptr != NULL && str_find(other, '?') != STR_NONE)
        return arena_format(arena, "%%%.*s(%.*s)%%: more than one alternative header",
                            STR_FMT(name), STR_FMT(parts->argument));
    uint64_t max;
    if (parts->has_max && !str_to_u64(parts->max, UINT32_MAX, &max))
        return arena_format(arena, "%%%.*s%%: the length is no number", STR_FMT(name));
    return STR_EMPTY;
}

size_t substitution_parse(struct str text, struct arena *arena, struct substitution *out,
                          struct str *why)
{
    ASSERT(text.len > 0 && text.ptr[0] == '%');
    struct parts parts = cut_parts(text);
    if (parts.size == 0) {
        *why = STR("no command: %NAME%, %NAME(PARAMETERS)% or %NAME(PARAMETERS):LENGTH%, "
                   "and %% for a percent sign");
        return 0;
    }
    const struct substitution_row *row = substitution_row_find(parts.name);
    *why = complaint(&parts, row, arena);
    if (why->len > 0)
        return 0;
    *out = (struct substitution){.row = row, .argument = parts.argument, .bytes_max = SIZE_MAX};
    uint64_t max;
    if (parts.has_max && str_to_u64(parts.max, UINT32_MAX, &max))
        out->bytes_max = (size_t)max;
    if (row->argument == ARGUMENT_HEADER) {
        out->other = arena_str_lower(arena, parts.argument);
        out->argument = str_cut(&out->other, '?');
    } else {
        out->argument = arena_str(arena, parts.argument);
    }
    return parts.size;
}

void substitution_read(const struct substitution *substitution,
                       const struct substitution_facts *facts, struct substitution_value *value)
{
    value->kind = VALUE_MISSING;
    value->coding = CODING_PLAIN;
    substitution->row->read(&(struct substitution_question){substitution, facts, value});
    if (value->kind == VALUE_TEXT && value->coding != CODING_PERCENT)
        value->text = str_slice(value->text, 0, substitution->bytes_max);
}

static size_t put_number(int64_t number, char *out, size_t capacity)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        digits[--at] = '-';
    size_t size = sizeof(digits) - at;
    if (size > capacity)
        return 0;
    memcpy(out, digits + at, size);
    return size;
}

/* One character of a percent-coded text; the bytes it took. */
static size_t decode(struct str rest, char *c)
{
    *c = rest.ptr[0];
    if (*c != '%' || rest.len < 3)
        return 1;
    int high = str_hex_digit(rest.ptr[1]), low = str_hex_digit(rest.ptr[2]);
    if (high < 0 || low < 0)
        return 1;
    *c = (char)(high * 16 + low);
    return 3;
}

static size_t put_decoded(struct str text, char *out, size_t capacity)
{
    size_t size = 0;
    while (text.len > 0 && size < capacity)
        text = str_from(text, decode(text, &out[size++]));
    return size;
}

static size_t put_word(struct str text, char *out, size_t capacity)
{
    size_t size = text.len < capacity ? text.len : capacity;
    for (size_t i = 0; i < size; i++) {
        char c = text.ptr[i];
        bool is_blank = c == ' ' || (c >= '\t' && c <= '\r');
        out[i] = is_blank ? '_' : c;
    }
    return size;
}

static size_t put_text(const struct substitution *substitution,
                       const struct substitution_value *value, char *out, size_t capacity)
{
    if (capacity > substitution->bytes_max)
        capacity = substitution->bytes_max;
    switch (value->coding) {
    case CODING_PLAIN: {
        struct str text = str_slice(value->text, 0, capacity);
        if (text.len > 0)
            memcpy(out, text.ptr, text.len);
        return text.len;
    }
    case CODING_WORD:
        return put_word(value->text, out, capacity);
    case CODING_PERCENT:
        return put_decoded(value->text, out, capacity);
    }
    UNREACHABLE("substitution_coding");
}

size_t substitution_put(const struct substitution *substitution,
                        const struct substitution_value *value, char *out, size_t capacity)
{
    switch (value->kind) {
    case VALUE_MISSING:
        return 0;
    case VALUE_NUMBER:
        return put_number(value->number, out, capacity);
    case VALUE_TEXT:
        return put_text(substitution, value, out, capacity);
    }
    UNREACHABLE("substitution_value_kind");
}
