/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/match.c - see match.h.
 *
 * Source: ISTIO.md 2.6, 2.7.
 */
#include "config/translate/match.h"

#include "config/resource/label.h"

struct matcher_list {
    struct header_matcher *items;
    uint32_t count, capacity;
};

struct claim_list {
    struct claim_matcher *items;
    uint32_t count, capacity;
};

/* NULL when it does not compile. */
static const struct regex *compiled(struct translation *t, struct str pattern)
{
    struct str why;

    return regex_new(&t->snapshot->regexes, pattern, &t->scratch, &why);
}

bool match_string_translate(struct translation *t, const struct text_match *match,
                            struct string_matcher *out)
{
    *out = (struct string_matcher){.value = context_keep(t, match->value)};
    switch (match->kind) {
    case TEXT_ABSENT:
        out->kind = STRING_PRESENT;
        return true;
    case TEXT_EXACT:
        out->kind = STRING_EXACT;
        return true;
    case TEXT_PREFIX:
        out->kind = STRING_PREFIX;
        return true;
    case TEXT_REGEX:
        out->kind = STRING_REGEX;
        out->regex = compiled(t, match->value);
        return out->regex != NULL;
    }
    UNREACHABLE("text_match_kind");
}

static bool add_header(struct translation *t, struct matcher_list *list, struct str name,
                       const struct text_match *match, bool is_inverted)
{
    struct header_matcher matcher = {
        .name = context_keep(t, arena_str_lower(&t->scratch, name)),
        .written = context_keep(t, name),
        .is_inverted = is_inverted,
        .is_missing_treated_as_empty = is_inverted && match->kind != TEXT_ABSENT,
        .origin = context_keep_origin(t, match->origin),
    };

    if (!match_string_translate(t, match, &matcher.match))
        return false;
    *ARENA_PUSH(t->arena, list->items, list->count, list->capacity) = matcher;
    return true;
}

/* By name as written; equal names keep their order. */
static void sort_headers(struct matcher_list *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        struct header_matcher moving = list->items[i];
        uint32_t place = i;
        for (; place > 0 && str_order(list->items[place - 1].written, moving.written) > 0; place--)
            list->items[place] = list->items[place - 1];
        list->items[place] = moving;
    }
}

/* "@request.auth.claims.a.b" or "...[a][b]": the claim's names; false: no claim. */
static bool claim_path(struct translation *t, struct str name, struct claim_matcher *out)
{
    static const struct str PREFIX = STR_INIT("@request.auth.claims");
    struct str *items = NULL;
    uint32_t capacity = 0;

    if (name.len <= PREFIX.len + 1 || !str_eq_ci(str_slice(name, 0, PREFIX.len), PREFIX))
        return false;
    struct str rest = str_from(name, PREFIX.len + 1);
    bool is_dotted = name.ptr[PREFIX.len] == '.';
    if (!is_dotted &&
        (name.ptr[PREFIX.len] != '[' || !str_has_suffix(rest, STR("]")) || rest.len < 2))
        return false;
    if (!is_dotted)
        rest = str_slice(rest, 0, rest.len - 1);
    while (rest.ptr != NULL) {
        struct str item = str_cut(&rest, is_dotted ? '.' : ']');
        /* Between two names in brackets stands "][". */
        if (!is_dotted && rest.ptr != NULL && str_has_prefix(rest, STR("[")))
            rest = str_from(rest, 1);
        *ARENA_PUSH(t->arena, items, out->path_count, capacity) = context_keep(t, item);
    }
    out->path = items;
    return true;
}

/* True: the name is a claim's, so it is no header. */
static bool is_claim_of(struct translation *t, const struct named_match *named, bool is_inverted,
                        struct claim_list *list)
{
    struct claim_matcher claim = {.is_inverted = is_inverted,
                                  .origin = context_keep_origin(t, named->match.origin)};

    if (!claim_path(t, named->name, &claim))
        return false;
    if (!match_string_translate(t, &named->match, &claim.value))
        claim.value = (struct string_matcher){.kind = STRING_PRESENT};
    *ARENA_PUSH(t->arena, list->items, list->count, list->capacity) = claim;
    return true;
}

static bool translate_headers(struct translation *t, const struct http_match *match,
                              struct route_match *out)
{
    struct matcher_list list = {0};
    struct claim_list claims = {0};
    const struct {
        struct str name;
        const struct text_match *match;
    } pseudo[] = {
        {STR(":method"), &match->method},
        {STR(":authority"), &match->authority},
        {STR(":scheme"), &match->scheme},
    };

    for (uint32_t i = 0; i < match->headers.count; i++) {
        const struct named_match *named = &match->headers.items[i];
        if (is_claim_of(t, named, false, &claims))
            continue;
        if (!add_header(t, &list, named->name, &named->match, false))
            return false;
    }
    for (uint32_t i = 0; i < match->without_headers.count; i++) {
        const struct named_match *named = &match->without_headers.items[i];
        if (is_claim_of(t, named, true, &claims))
            continue;
        if (!add_header(t, &list, named->name, &named->match, true))
            return false;
    }
    sort_headers(&list);
    for (size_t i = 0; i < COUNT_OF(pseudo); i++) {
        if (pseudo[i].match->is_given &&
            !add_header(t, &list, pseudo[i].name, pseudo[i].match, false))
            return false;
    }
    out->claims = claims.items;
    out->claim_count = claims.count;
    out->headers = list.items;
    out->header_count = list.count;
    return true;
}

static bool translate_queries(struct translation *t, const struct http_match *match,
                              struct route_match *out)
{
    struct query_matcher *items = ARENA_ARRAY(t->arena, struct query_matcher, match->queries.count);

    for (uint32_t i = 0; i < match->queries.count; i++) {
        const struct named_match *named = &match->queries.items[i];
        items[i].name = context_keep(t, named->name);
        items[i].origin = context_keep_origin(t, named->match.origin);
        if (!match_string_translate(t, &named->match, &items[i].match))
            return false;
    }
    out->queries = items;
    out->query_count = match->queries.count;
    return true;
}

/* Of Ingress and the Gateway API a prefix ends where a segment does. */
static void set_prefix(struct translation *t, struct str value, enum route_semantics semantics,
                       struct path_matcher *out)
{
    bool is_whole = semantics == SEMANTICS_ISTIO || str_eq(value, STR("/"));

    out->kind = is_whole ? PATH_PREFIX : PATH_SEPARATED_PREFIX;
    if (!is_whole && str_has_suffix(value, STR("/")))
        value = str_slice(value, 0, value.len - 1);
    out->value = context_keep(t, value);
}

static bool translate_path(struct translation *t, const struct http_match *match,
                           enum route_semantics semantics, struct path_matcher *out)
{
    out->is_ignoring_case = match->is_ignoring_uri_case;
    out->has_case_sensitive = true;
    out->origin = context_keep_origin(t, match->uri.origin);
    switch (match->uri.kind) {
    case TEXT_ABSENT:
        return true;
    case TEXT_EXACT:
        out->kind = PATH_EXACT;
        break;
    case TEXT_PREFIX:
        set_prefix(t, match->uri.value, semantics, out);
        return true;
    case TEXT_REGEX:
        out->kind = PATH_REGEX;
        out->regex = compiled(t, match->uri.value);
        break;
    }
    out->value = context_keep(t, match->uri.value);
    return out->kind != PATH_REGEX || out->regex != NULL;
}

bool match_translate(struct translation *t, const struct http_match *match,
                     enum route_semantics semantics, struct route_match *out)
{
    *out = (struct route_match){.path = {.kind = PATH_PREFIX, .value = STR("/")}};
    if (match == NULL)
        return true;
    return translate_path(t, match, semantics, &out->path) && translate_headers(t, match, out) &&
           translate_queries(t, match, out);
}

bool match_is_catch_all(const struct route_match *match)
{
    if (match->header_count > 0 || match->query_count > 0 || match->claim_count > 0)
        return false;
    switch (match->path.kind) {
    case PATH_PREFIX:
    case PATH_SEPARATED_PREFIX:
        return str_eq(match->path.value, STR("/"));
    case PATH_REGEX:
        return str_eq(match->path.value, STR(".*"));
    case PATH_EXACT:
        return false;
    }
    UNREACHABLE("path_match_kind");
}

bool match_is_for_proxy(const struct translation *t, const struct http_match *match,
                        struct str gateway, uint32_t listen_port)
{
    if (match->port != 0 && match->port != listen_port)
        return false;
    /* Where gateways are named, the other words about the source are not read. */
    if (match->gateways.count > 0)
        return text_list_has(&match->gateways, gateway);
    if (match->source_namespace.len > 0 && !str_eq(match->source_namespace, t->proxy->namespace))
        return false;
    return label_is_subset(match->source_labels.items, match->source_labels.count, t->proxy->labels,
                           t->proxy->label_count);
}
