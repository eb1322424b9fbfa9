/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/cursor.c - see cursor.h.
 */
#include "config/yaml/cursor.h"

#include <math.h>
#include <string.h>

#include "config/yaml/scalar.h"

char cursor_peek(const struct cursor *in, size_t ahead)
{
    return (size_t)(in->end - in->at) > ahead ? in->at[ahead] : '\n';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n';
}

static bool is_flow_sign(char c)
{
    return c == ',' || c == '[' || c == ']' || c == '{' || c == '}';
}

uint32_t cursor_column(const struct cursor *in)
{
    return (uint32_t)(in->at - in->line);
}

struct origin cursor_origin(const struct cursor *in)
{
    return (struct origin){in->file, in->line_number, cursor_column(in) + 1};
}

void cursor_skip_spaces(struct cursor *in)
{
    while (in->at < in->end && *in->at == ' ')
        in->at++;
}

bool cursor_is_at_comment(const struct cursor *in)
{
    return cursor_peek(in, 0) == '#' && (in->at == in->line || in->at[-1] == ' ');
}

bool cursor_end_line(struct cursor *in)
{
    cursor_skip_spaces(in);
    if (cursor_is_at_comment(in)) {
        const char *next = memchr(in->at, '\n', (size_t)(in->end - in->at));
        in->at = next != NULL ? next : in->end;
    }
    if (cursor_peek(in, 0) != '\n')
        return false;
    if (in->at < in->end) {
        in->line = ++in->at;
        in->line_number++;
    }
    return true;
}

bool cursor_find_line(struct cursor *in)
{
    while (in->at < in->end) {
        if (!cursor_end_line(in))
            return true;
    }
    return false;
}

bool cursor_is_at_marker(const struct cursor *in)
{
    char c = cursor_peek(in, 0);
    return in->at == in->line && (c == '-' || c == '.') && cursor_peek(in, 1) == c &&
           cursor_peek(in, 2) == c && is_blank(cursor_peek(in, 3));
}

bool cursor_is_at_dash(const struct cursor *in)
{
    return cursor_peek(in, 0) == '-' && is_blank(cursor_peek(in, 1));
}

bool cursor_is_at_colon(const struct cursor *in)
{
    return cursor_peek(in, 0) == ':' && is_blank(cursor_peek(in, 1));
}

/* No text begins with it that has no quotes; of `-` may_begin knows more. */
static bool is_indicator(char c)
{
    switch (c) {
    case '?':
    case ':':
    case '#':
    case '&':
    case '*':
    case '!':
    case '|':
    case '>':
    case '\'':
    case '"':
    case '%':
    case '@':
    case '`':
        return true;
    default:
        return is_flow_sign(c);
    }
}

static bool may_begin(const struct cursor *in, bool is_in_flow)
{
    char c = cursor_peek(in, 0);
    char next = cursor_peek(in, 1);
    if (c == '-')
        return !is_blank(next) && !(is_in_flow && is_flow_sign(next));
    return c > ' ' && !is_indicator(c);
}

/* To the end of an unquoted text, which is behind its last letter. */
static bool read_unquoted(struct cursor *in, bool is_in_flow, struct str *out)
{
    const char *begin = in->at;
    const char *last = begin; /* behind it */
    if (!may_begin(in, is_in_flow))
        return false;
    for (; in->at < in->end && *in->at != '\n'; in->at++) {
        char c = *in->at;
        if (c == ' ')
            continue;
        if (c == ':' && is_blank(cursor_peek(in, 1)))
            break;
        if (is_in_flow && is_flow_sign(c))
            break;
        if (is_in_flow && (c == '?' || (c == ':' && is_flow_sign(cursor_peek(in, 1)))))
            return false;
        if (c == '#' && in->at[-1] == ' ')
            break;
        last = in->at + 1;
    }
    in->at = last;
    *out = arena_str(in->arena, (struct str){begin, (size_t)(last - begin)});
    return true;
}

/* What stands behind a backslash; 0: it is none of the simple ones. */
static char escaped(char c)
{
    static const char ESCAPES[] = "\"\"\\\\//n\nt\tr\rb\bf\f";
    for (size_t i = 0; i + 1 < sizeof(ESCAPES); i += 2) {
        if (ESCAPES[i] == c)
            return ESCAPES[i + 1];
    }
    return '\0';
}

static bool is_at_quote(const struct cursor *in)
{
    return cursor_peek(in, 0) == '"' || cursor_peek(in, 0) == '\'';
}

static bool read_escaped(struct cursor *in, char quote, size_t room_bytes, struct str *out)
{
    char *text = arena_alloc(in->arena, room_bytes + 1);
    size_t length = 0;
    for (;; in->at++) {
        char c = cursor_peek(in, 0);
        if (c == '\n')
            return false;
        if (quote == '"' && c == '\\') {
            in->at++;
            c = escaped(cursor_peek(in, 0));
            if (c == '\0')
                return false;
        } else if (c == quote) {
            if (quote == '"' || cursor_peek(in, 1) != quote)
                break;
            in->at++;
        }
        text[length++] = c;
    }
    in->at++;
    *out = (struct str){text, length};
    return true;
}

static bool read_quoted(struct cursor *in, struct str *out)
{
    char quote = *in->at++;
    size_t rest_bytes = (size_t)(in->end - in->at);
    const char *line_end = memchr(in->at, '\n', rest_bytes);
    size_t room_bytes = line_end != NULL ? (size_t)(line_end - in->at) : rest_bytes;
    const char *close = memchr(in->at, quote, room_bytes);
    if (close == NULL)
        return false;
    size_t length = (size_t)(close - in->at);
    bool is_escaped = quote == '"' ? memchr(in->at, '\\', length) != NULL
                                   : length + 1 < room_bytes && close[1] == quote;
    if (is_escaped)
        return read_escaped(in, quote, room_bytes, out);
    *out = arena_str(in->arena, (struct str){in->at, length});
    in->at = close + 1;
    return true;
}

bool cursor_read_scalar(struct cursor *in, bool is_in_flow, struct node *out)
{
    *out = (struct node){
        .kind = NODE_STRING, .origin = cursor_origin(in), .is_quoted = is_at_quote(in)};
    if (out->is_quoted)
        return read_quoted(in, &out->text);
    if (!read_unquoted(in, is_in_flow, &out->text))
        return false;
    scalar_resolve(out, in->arena);
    return out->kind != NODE_FLOAT || isfinite(out->number);
}
