/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/http_match.c - HTTPMatchRequest: which requests a rule means.
 *
 * Source: ISTIO.md 2.7, 9.3.
 */
#include "config/resource/syntax.h"
#include "config/resource/virtual_service.h"

static const struct field_row TEXT_ROWS[] = {
    {"exact", FIELD_USED}, {"prefix", FIELD_USED}, {"regex", FIELD_USED}};

static const struct field_row MATCH_ROWS[] = {
    {"name", FIELD_USED},
    {"uri", FIELD_USED},
    {"scheme", FIELD_USED},
    {"method", FIELD_USED},
    {"authority", FIELD_USED},
    {"headers", FIELD_USED},
    {"port", FIELD_USED},
    {"sourceLabels", FIELD_USED},
    {"gateways", FIELD_USED},
    {"queryParams", FIELD_USED},
    {"ignoreUriCase", FIELD_USED},
    {"withoutHeaders", FIELD_USED},
    {"sourceNamespace", FIELD_USED},
    {"statPrefix", FIELD_USED},
};

enum match_place { PLACE_URI, PLACE_FIELD, PLACE_HEADER, PLACE_WITHOUT_HEADER };

static struct text_match text_of(const struct view *view, enum match_place place)
{
    static const struct {
        struct str name;
        enum text_match_kind kind;
    } KINDS[] = {{STR_INIT("exact"), TEXT_EXACT},
                 {STR_INIT("prefix"), TEXT_PREFIX},
                 {STR_INIT("regex"), TEXT_REGEX}};
    struct text_match out = {.is_given = true, .origin = view_origin(view)};

    view_check_fields(view, TEXT_ROWS, COUNT_OF(TEXT_ROWS));
    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        struct view field = view_field(view, KINDS[i].name);
        if (!view_is_present(&field))
            continue;
        if (out.kind != TEXT_ABSENT)
            view_complain(&field, DIAG_MATCH_ONE_KIND, STR_EMPTY, STR_EMPTY);
        out.kind = KINDS[i].kind;
        out.value = view_own_str(&field, STR_EMPTY);
        out.origin = view_origin(&field);
        bool is_star = place == PLACE_WITHOUT_HEADER && str_eq(out.value, STR("*"));
        if (out.kind == TEXT_REGEX && !is_star)
            syntax_check_regex(&field, out.value);
        if (out.kind == TEXT_PREFIX && out.value.len == 0 && place != PLACE_URI)
            view_complain(&field, DIAG_PREFIX_EMPTY, STR_EMPTY, STR_EMPTY);
    }
    /* Istio takes the regex "*" for "any value". */
    if (out.kind == TEXT_REGEX && str_eq(out.value, STR("*")))
        out.kind = TEXT_ABSENT;
    return out;
}

static bool is_claim(struct str name)
{
    return str_has_prefix_ci(name, STR("@request.auth.claims"));
}

static void check_header_name(const struct view *entry)
{
    struct str name = entry->key;

    if (name.len == 0)
        view_complain(entry, DIAG_HEADER_NAME_EMPTY, STR_EMPTY, STR_EMPTY);
    else if (!is_claim(name) && !syntax_is_header_name(str_from(name, name.ptr[0] == ':' ? 1 : 0)))
        view_complain(entry, DIAG_HEADER_NAME_BAD, name, STR_EMPTY);
}

static struct named_match_list named_of(const struct view *match, struct str field,
                                        enum match_place place)
{
    struct named_match_list out = {0};
    struct view map = view_map(match, field);

    for (uint32_t i = 0; i < view_count(&map); i++) {
        struct view entry = view_entry(&map, i);
        if (place == PLACE_HEADER || place == PLACE_WITHOUT_HEADER)
            check_header_name(&entry);
        if (!view_is_present(&entry) && place == PLACE_HEADER)
            view_complain(&entry, DIAG_HEADER_MATCH_NULL, entry.key, STR_EMPTY);
        struct named_match *named =
            ARENA_PUSH(match->reading->arena, out.items, out.count, out.capacity);
        named->name = entry.key;
        named->match.origin = view_origin(&entry);
        if (view_is_present(&entry))
            named->match = text_of(&entry, place);
        if (is_claim(entry.key) && named->match.kind == TEXT_ABSENT)
            view_complain(&entry, DIAG_CLAIM_ANY, entry.key, STR_EMPTY);
    }
    return out;
}

static void read_gateways(const struct view *match, struct str namespace, struct text_list *out)
{
    struct view list = view_list(match, STR("gateways"));
    struct arena *arena = match->reading->arena;

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct str name = view_own_str(&item, STR_EMPTY);
        text_list_add(out, gateway_name_resolve(name, namespace, arena), arena);
    }
}

static struct text_match text_match_read(const struct view *parent, struct str name)
{
    struct view field = view_map(parent, name);

    if (!view_is_present(&field))
        return (struct text_match){.origin = view_origin(parent)};
    return text_of(&field, str_eq(name, STR("uri")) ? PLACE_URI : PLACE_FIELD);
}

struct text_match text_match_own_read(const struct view *view)
{
    return text_of(view, PLACE_URI);
}

void http_match_read(const struct view *match, struct str namespace, struct http_match *out)
{
    *out = (struct http_match){.origin = view_origin(match), .path = view_path(match)};
    view_check_fields(match, MATCH_ROWS, COUNT_OF(MATCH_ROWS));
    out->name = view_str(match, STR("name"), STR_EMPTY);
    out->stat_prefix = view_str(match, STR("statPrefix"), STR_EMPTY);
    out->uri = text_match_read(match, STR("uri"));
    out->scheme = text_match_read(match, STR("scheme"));
    out->method = text_match_read(match, STR("method"));
    out->authority = text_match_read(match, STR("authority"));
    out->is_ignoring_uri_case = view_bool(match, STR("ignoreUriCase"), false);
    out->headers = named_of(match, STR("headers"), PLACE_HEADER);
    out->without_headers = named_of(match, STR("withoutHeaders"), PLACE_WITHOUT_HEADER);
    out->queries = named_of(match, STR("queryParams"), PLACE_FIELD);

    struct view port = view_field(match, STR("port"));
    int64_t number = view_i64(match, STR("port"), INT64_MIN, INT64_MAX, 0);
    if (number != 0)
        syntax_check_port(&port, number);
    out->port = number > 0 && number <= 65535 ? (uint32_t)number : 0;

    struct view labels = view_map(match, STR("sourceLabels"));
    out->source_labels = label_list_read(&labels);
    syntax_check_labels(&labels, &out->source_labels);
    struct view source = view_field(match, STR("sourceNamespace"));
    out->source_namespace = view_str(match, STR("sourceNamespace"), STR_EMPTY);
    if (out->source_namespace.len > 0)
        syntax_check_name(&source, out->source_namespace, STR("sourceNamespace"));
    read_gateways(match, namespace, &out->gateways);
}
