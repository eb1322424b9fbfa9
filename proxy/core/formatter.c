/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/formatter.c - substitution commands in header values.
 */
#include "proxy/core/formatter.h"

#include <string.h>

#include "proxy/core/substitution.h"

/* Longest text that a single header value may grow to. */
#define RENDERED_BYTES_MAX (64u * 1024)

struct out {
    char *ptr;
    size_t len, capacity;
    struct arena *arena;
};

/* Room for at least so many bytes more, or for what is left. */
static size_t make_room(struct out *out, size_t size)
{
    if (size > RENDERED_BYTES_MAX - out->len)
        size = RENDERED_BYTES_MAX - out->len;
    if (out->len + size > out->capacity) {
        size_t capacity = (out->len + size) * 2;
        out->ptr = arena_grow(out->arena, out->ptr, out->len, capacity, 1);
        out->capacity = capacity;
    }
    return size;
}

static void put(struct out *out, struct str text)
{
    size_t size = make_room(out, text.len);
    if (size > 0)
        memcpy(out->ptr + out->len, text.ptr, size);
    out->len += size;
}

static void put_command(struct out *out, const struct substitution *substitution,
                        const struct formatter_facts *facts)
{
    struct substitution_facts known = {
        .request = facts->request, .response = facts->response, .record = facts->record};
    struct substitution_value value;
    substitution_read(substitution, &known, &value);
    size_t size = make_room(out, value.kind == VALUE_TEXT ? value.text.len : 24);
    out->len += substitution_put(substitution, &value, out->ptr + out->len, size);
}

/* What begins with a percent sign; the bytes taken. */
static size_t put_percent(struct out *out, struct str rest, const struct formatter_facts *facts)
{
    if (rest.len > 1 && rest.ptr[1] == '%') {
        put(out, STR("%"));
        return 2;
    }
    struct substitution substitution;
    struct str why;
    size_t size = substitution_parse(rest, out->arena, &substitution, &why);
    if (size > 0) {
        put_command(out, &substitution, facts);
        return size;
    }
    size_t end = str_find(str_from(rest, 1), '%');
    if (end != STR_NONE)
        return end + 2;
    put(out, STR("%"));
    return 1;
}

struct str formatter_render(struct str format, const struct formatter_facts *facts,
                            struct arena *arena)
{
    if (str_find(format, '%') == STR_NONE)
        return format;
    struct out out = {.arena = arena};
    struct str rest = format;
    while (rest.len > 0) {
        size_t percent = str_find(rest, '%');
        put(&out, str_slice(rest, 0, percent));
        rest = str_from(rest, percent);
        if (rest.len > 0)
            rest = str_from(rest, put_percent(&out, rest, facts));
    }
    return (struct str){out.ptr, out.len};
}
