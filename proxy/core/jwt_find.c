/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/jwt_find.c - see jwt_find.h.
 *
 * Envoy keeps places sorted by their names, reads them in that order and looks at what it
 * has found from the last one on.
 */
#include "proxy/core/jwt_find.h"

#include "proxy/core/query.h"

struct finding {
    const struct request_head *head;
    struct arena *arena;
    struct jwt_finds finds;
};

static void add(struct finding *f, enum jwt_place place, struct str name, struct str text)
{
    *ARENA_PUSH(f->arena, f->finds.items, f->finds.count, f->finds.capacity) =
        (struct jwt_found){.text = text, .place = place, .name = name};
}

/* --- headers ---------------------------------------------------------------------- */

static bool is_token_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/* From the first letter that a token can have. */
static struct str token_within(struct str text)
{
    size_t from = 0;

    while (from < text.len && !is_token_letter(text.ptr[from]))
        from++;
    return from < text.len ? str_from(text, from) : text;
}

static void add_of_header(struct finding *f, struct str name, struct str prefix, struct str text)
{
    if (prefix.len > 0) {
        size_t at = str_find_str(text, prefix);
        if (at == STR_NONE)
            return;
        text = token_within(str_from(text, at + prefix.len));
    }
    add(f, JWT_IN_HEADER, name, text);
}

/* Each line is one, but Envoy makes a single line of several of Authorization. */
static void find_in_header(struct finding *f, struct str name, struct str prefix)
{
    const struct header_list *list = &f->head->headers;
    bool is_joined = str_eq(name, STR("authorization"));
    struct str text = STR_EMPTY;
    bool is_there = false;

    for (uint32_t at = header_find(list, name, 0); at != UINT32_MAX;
         at = header_find(list, name, at + 1)) {
        struct str line = list->items[at].value;
        if (!is_joined)
            add_of_header(f, name, prefix, line);
        else
            text =
                is_there ? arena_format(f->arena, "%.*s,%.*s", STR_FMT(text), STR_FMT(line)) : line;
        is_there = true;
    }
    if (is_joined && is_there)
        add_of_header(f, name, prefix, text);
}

/* --- parameters, cookies ---------------------------------------------------------- */

static void find_in_query(struct finding *f, struct str name)
{
    struct str value;

    if (query_get(f->head->path, name, f->arena, &value))
        add(f, JWT_IN_PARAM, name, value);
}

/* The first of that name; quotes around the value go. */
static void find_in_cookies(struct finding *f, struct str name)
{
    const struct header_list *list = &f->head->headers;

    for (uint32_t at = header_find(list, STR("cookie"), 0); at != UINT32_MAX;
         at = header_find(list, STR("cookie"), at + 1)) {
        struct str rest = list->items[at].value;
        while (rest.ptr != NULL) {
            struct str value = str_trim(str_cut(&rest, ';'));
            struct str own = str_cut(&value, '=');
            if (value.ptr == NULL || !str_eq(own, name))
                continue;
            if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
                value = str_slice(value, 1, value.len - 1);
            add(f, JWT_IN_COOKIE, name, value);
            return;
        }
    }
}

/* --- in their order --------------------------------------------------------------- */

/* The first name behind `last`, or UINT32_MAX. */
static uint32_t next_of(const struct str *names, uint32_t count, const struct str *last)
{
    uint32_t next = UINT32_MAX;

    for (uint32_t i = 0; i < count; i++) {
        bool is_behind = last == NULL || str_order(names[i], *last) > 0;
        if (is_behind && (next == UINT32_MAX || str_order(names[i], names[next]) < 0))
            next = i;
    }
    return next;
}

static void find_in_each(struct finding *f, const struct str *names, uint32_t count,
                         void (*find)(struct finding *f, struct str name))
{
    const struct str *last = NULL;
    uint32_t i;

    while ((i = next_of(names, count, last)) != UINT32_MAX) {
        find(f, names[i]);
        last = &names[i];
    }
}

/* A place in headers is a name in lower case and a prefix, together. */
static void find_in_headers(struct finding *f, const struct jwt_provider *provider)
{
    struct str *names = ARENA_ARRAY(f->arena, struct str, provider->header_count);
    const struct str *last = NULL;
    uint32_t i;

    for (i = 0; i < provider->header_count; i++)
        names[i] = arena_concat(f->arena, arena_str_lower(f->arena, provider->headers[i].name),
                                provider->headers[i].other);
    while ((i = next_of(names, provider->header_count, last)) != UINT32_MAX) {
        struct str prefix = provider->headers[i].other;
        find_in_header(f, str_slice(names[i], 0, names[i].len - prefix.len), prefix);
        last = &names[i];
    }
}

static void reverse(struct jwt_finds *finds)
{
    for (uint32_t i = 0; i < finds->count / 2; i++) {
        struct jwt_found other = finds->items[i];
        finds->items[i] = finds->items[finds->count - 1 - i];
        finds->items[finds->count - 1 - i] = other;
    }
}

struct jwt_finds jwt_find(const struct jwt_provider *provider, const struct request_head *head,
                          struct arena *arena)
{
    struct finding f = {.head = head, .arena = arena};

    if (provider->header_count + provider->param_count + provider->cookie_count == 0) {
        find_in_header(&f, STR("authorization"), STR("Bearer "));
        find_in_query(&f, STR("access_token"));
    }
    find_in_headers(&f, provider);
    find_in_each(&f, provider->params, provider->param_count, find_in_query);
    find_in_each(&f, provider->cookies, provider->cookie_count, find_in_cookies);
    reverse(&f.finds);
    return f.finds;
}
