/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/query.c - see query.h.
 */
#include "proxy/core/query.h"

#include <stdint.h>

struct param {
    struct str name, value;
};

struct param_list {
    struct param *items;
    uint32_t count, capacity;
};

struct str query_decoded(struct str text, struct arena *arena)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t size = 0;

    for (size_t i = 0; i < text.len; i++) {
        int high = -1, low = -1;
        if (text.ptr[i] == '%' && i + 2 < text.len) {
            high = str_hex_digit(text.ptr[i + 1]);
            low = str_hex_digit(text.ptr[i + 2]);
        }
        bool is_code = high >= 0 && low >= 0;
        out[size++] = (char)(is_code ? high << 4 | low : text.ptr[i]);
        i += is_code ? 2 : 0;
    }
    return (struct str){out, size};
}

/* Sorted by name; of one name in the order of the text. */
static struct param_list read_params(struct str path, struct arena *arena)
{
    struct param_list out = {0};
    struct str rest = path;

    (void)str_cut(&rest, '?');
    while (rest.ptr != NULL) {
        struct str value = str_cut(&rest, '&');
        struct str name = str_cut(&value, '=');
        struct param param = {query_decoded(name, arena), query_decoded(value, arena)};
        uint32_t place = out.count;
        (void)ARENA_PUSH(arena, out.items, out.count, out.capacity);
        for (; place > 0 && str_order(out.items[place - 1].name, param.name) > 0; place--)
            out.items[place] = out.items[place - 1];
        out.items[place] = param;
    }
    return out;
}

bool query_get(struct str path, struct str name, struct arena *arena, struct str *value)
{
    struct param_list params = read_params(path, arena);

    for (uint32_t i = 0; i < params.count; i++) {
        if (!str_eq(params.items[i].name, name))
            continue;
        *value = params.items[i].value;
        return true;
    }
    return false;
}

struct str query_without(struct str path, struct str name, struct arena *arena)
{
    struct param_list params = read_params(path, arena);
    struct str rest = path;
    struct str out = str_cut(&rest, '?');
    char mark = '?';

    for (uint32_t i = 0; i < params.count; i++) {
        const struct param *param = &params.items[i];
        if (str_eq(param->name, name))
            continue;
        out = arena_format(arena, "%.*s%c%.*s=%.*s", STR_FMT(out), mark, STR_FMT(param->name),
                           STR_FMT(param->value));
        mark = '&';
    }
    return out;
}
