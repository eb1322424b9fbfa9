/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/route_part.c - see route_part.h: matches, headers, CORS,
 * rewrites. What happens to the request is in route_action.c.
 */
#include "config/validate/route_part.h"

#include "base/check.h"
#include "config/resource/syntax.h"
#include "config/validate/field.h"
#include "config/validate/format_string.h"
#include "config/validate/route.h"
#include "config/validate/word.h"

static const struct str PSEUDO_HEADERS[] = {
    STR_INIT(":method"), STR_INIT(":scheme"), STR_INIT(":authority"),
    STR_INIT(":path"),   STR_INIT(":status"),
};

static const struct str CORS_METHODS[] = {
    STR_INIT("GET"),   STR_INIT("HEAD"),   STR_INIT("POST"),    STR_INIT("PUT"),
    STR_INIT("PATCH"), STR_INIT("DELETE"), STR_INIT("CONNECT"), STR_INIT("OPTIONS"),
    STR_INIT("TRACE"), STR_INIT("*"),
};

/* Where an operation on headers stands, and what names it may use. */
static const struct {
    struct str message, operation;
    bool is_authority_fine, is_list;
} OPERATIONS[] = {
    {STR_INIT("request"), STR_INIT("add"), true, false},
    {STR_INIT("request"), STR_INIT("set"), true, false},
    {STR_INIT("request"), STR_INIT("remove"), false, true},
    {STR_INIT("response"), STR_INIT("add"), false, false},
    {STR_INIT("response"), STR_INIT("set"), false, false},
    {STR_INIT("response"), STR_INIT("remove"), false, true},
};

static bool is_one_of(struct str text, const struct str *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(texts[i], text))
            return true;
    return false;
}

static void check_regex_of(const struct view *match, struct str where)
{
    struct view regex = view_field(match, STR("regex"));

    if (!view_is_present(&regex))
        return;
    if (field_own_text(&regex).len == 0)
        say_text(&regex, DIAG_V_REGEX_EMPTY, where);
    else
        word_check_regex(&regex, field_own_text(&regex), where);
}

/* A StringMatch; of a oneof the last field in the message's order counts. */
static void check_string(const struct view *match, struct str where)
{
    struct view prefix = view_field(match, STR("prefix"));

    if (view_is_present(&prefix) && !field_has(match, STR("regex")) &&
        field_own_text(&prefix).len == 0)
        say_text(&prefix, DIAG_V_PREFIX_EMPTY, where);
    check_regex_of(match, where);
}

static void check_match_name(const struct view *entry)
{
    struct str name = entry->key;

    if (name.len == 0)
        say(entry, DIAG_V_HEADER_EMPTY);
    else if (!route_is_claim(name) && !is_one_of(name, PSEUDO_HEADERS, COUNT_OF(PSEUDO_HEADERS)) &&
             !syntax_is_header_name(name))
        say_text(entry, DIAG_V_HEADER_NAME, name);
}

static void check_header_matches(const struct view *match)
{
    struct view headers = view_field(match, STR("headers"));
    struct view without = view_field(match, STR("withoutHeaders"));
    struct view params = view_field(match, STR("queryParams"));

    for (uint32_t i = 0; i < view_count(&headers); i++) {
        struct view entry = view_entry(&headers, i);
        if (!view_is_present(&entry))
            say_text(&entry, DIAG_V_HEADER_NULL, entry.key);
        check_match_name(&entry);
        check_string(&entry, STR("headers"));
    }
    for (uint32_t i = 0; i < view_count(&without); i++) {
        struct view entry = view_entry(&without, i);
        check_match_name(&entry);
        /* "*" is not RE2: it stands for presence. */
        if (!str_eq(field_text(&entry, STR("regex")), STR("*")))
            check_string(&entry, STR("withoutHeaders"));
    }
    for (uint32_t i = 0; i < view_count(&params); i++) {
        struct view entry = view_entry(&params, i);
        check_string(&entry, STR("queryParams"));
    }
}

static void check_strings(const struct view *match)
{
    static const struct str FIELDS[] = {STR_INIT("scheme"), STR_INIT("method"),
                                        STR_INIT("authority")};
    struct view uri = view_field(match, STR("uri"));

    check_regex_of(&uri, STR("uri"));
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
        struct view field = view_field(match, FIELDS[i]);
        check_string(&field, FIELDS[i]);
    }
}

static void check_match_rest(const struct view *match)
{
    struct view port = view_field(match, STR("port"));
    struct view labels = view_field(match, STR("sourceLabels"));
    struct view gateways = view_field(match, STR("gateways"));
    struct view namespace = view_field(match, STR("sourceNamespace"));

    if (field_own_number(&port) != 0)
        word_check_port(&port, field_own_number(&port));
    word_check_labels(&labels);
    uint32_t first = match->reading->diags->count;
    word_check_gateways(&gateways);
    field_lose_warnings(match, first); /* as istiod does */
    if (field_own_text(&namespace).len > 0 && !syntax_is_label(field_own_text(&namespace)))
        say_text(&namespace, DIAG_V_SOURCE_NAMESPACE, field_own_text(&namespace));
}

static bool is_authority(struct str name)
{
    return str_eq_ci(name, STR(":authority")) || str_eq_ci(name, STR("host"));
}

static void check_operation_name(const struct view *view, struct str name, bool is_authority_fine)
{
    if (name.len == 0)
        say(view, DIAG_V_HEADER_EMPTY);
    else if (is_authority_fine && is_authority(name))
        return;
    else if (str_eq_ci(name, STR("host")))
        say_text(view, DIAG_V_HEADER_HOST, field_quoted(view, name));
    else if (name.ptr[0] == ':')
        say_text(view, DIAG_V_HEADER_COLON, field_quoted(view, name));
}

static void check_operation_value(const struct view *view)
{
    struct str value = field_own_text(view);

    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            say_text(view, DIAG_V_HEADER_VALUE, value);
            return;
        }
    }
    enum diag_id id = format_string_check(value);
    if (id != DIAG_ID_COUNT)
        say_text(view, id, value);
}

static void check_operation(const struct view *list, bool is_authority_fine)
{
    bool is_map = list->node != NULL && list->node->kind == NODE_MAP;

    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = is_map ? view_entry(list, i) : view_item(list, i);
        check_operation_name(&item, is_map ? item.key : field_own_text(&item), is_authority_fine);
        if (is_map)
            check_operation_value(&item);
    }
}

static void check_cors_header(const struct view *list)
{
    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        struct str name = field_own_text(&item);
        if (name.len == 0)
            say(&item, DIAG_V_HEADER_EMPTY);
        else if (!str_eq(name, STR("*")) && !syntax_is_header_name(name))
            say_text(&item, DIAG_V_HEADER_NAME, name);
    }
}

static void check_cors_origins(const struct view *origins)
{
    for (uint32_t i = 0; i < view_count(origins); i++) {
        struct view item = view_item(origins, i);
        struct str text = field_text(&item, STR("regex"));
        if (text.len == 0)
            text = field_text(&item, STR("prefix"));
        if (text.len == 0)
            text = field_text(&item, STR("exact"));
        if (text.len == 0)
            say(&item, DIAG_V_CORS_ORIGIN);
        else
            check_regex_of(&item, STR("corsPolicy.allowOrigins"));
    }
}

/* The authority that a set or add gives; says when it is the second one. */
static bool check_authority_of(const struct view *map, struct str *current)
{
    for (uint32_t i = 0; i < view_count(map); i++) {
        struct view entry = view_entry(map, i);
        if (!is_authority(entry.key))
            continue;
        if (current->len > 0) {
            view_complain(&entry, DIAG_V_AUTHORITY_TWICE, field_quoted(&entry, *current),
                          field_quoted(&entry, field_own_text(&entry)));
            return false;
        }
        *current = field_own_text(&entry);
    }
    return true;
}

static void check_uri_rewrite(const struct view *rewrite)
{
    struct view regex = view_field(rewrite, STR("uriRegexRewrite"));
    struct str uri = field_text(rewrite, STR("uri"));

    if (uri.len > 0 && view_is_present(&regex)) {
        say(rewrite, DIAG_V_REWRITE_TWICE);
        return;
    }
    if (uri.len == 0 && !view_is_present(&regex) &&
        field_text(rewrite, STR("authority")).len == 0) {
        say(rewrite, DIAG_V_REWRITE_EMPTY);
        return;
    }
    if (!view_is_present(&regex))
        return;
    if (field_text(&regex, STR("match")).len == 0 || field_text(&regex, STR("rewrite")).len == 0)
        say(&regex, DIAG_V_REWRITE_REGEX);
    else
        word_check_regex(&regex, field_text(&regex, STR("match")),
                         STR("HTTPRewrite.UriRegexRewrite.Match"));
}

void route_part_check_matches(const struct view *route)
{
    struct view matches = view_field(route, STR("match"));

    for (uint32_t i = 0; i < view_count(&matches); i++) {
        struct view match = view_item(&matches, i);
        check_header_matches(&match);
        check_strings(&match);
        check_match_rest(&match);
    }
}

void route_part_check_headers(const struct view *route)
{
    struct view headers = view_field(route, STR("headers"));

    for (size_t i = 0; i < COUNT_OF(OPERATIONS); i++) {
        struct view message = view_field(&headers, OPERATIONS[i].message);
        struct view operation = view_field(&message, OPERATIONS[i].operation);
        check_operation(&operation, OPERATIONS[i].is_authority_fine);
    }
}

void route_part_check_cors(const struct view *route)
{
    struct view cors = view_field(route, STR("corsPolicy"));
    struct view origins = view_field(&cors, STR("allowOrigins"));
    struct view methods = view_field(&cors, STR("allowMethods"));
    struct view allowed = view_field(&cors, STR("allowHeaders"));
    struct view exposed = view_field(&cors, STR("exposeHeaders"));

    check_cors_origins(&origins);
    for (uint32_t i = 0; i < view_count(&methods); i++) {
        struct view item = view_item(&methods, i);
        if (!is_one_of(field_own_text(&item), CORS_METHODS, COUNT_OF(CORS_METHODS)))
            say_text(&item, DIAG_V_CORS_METHOD, field_quoted(&item, field_own_text(&item)));
    }
    check_cors_header(&allowed);
    check_cors_header(&exposed);
    word_check_duration(&cors, STR("maxAge"));
    if (word_duration_ns(&cors, STR("maxAge")) % 1000000000 > 0)
        say(&cors, DIAG_V_CORS_AGE);
}

void route_part_check_rewrite(const struct view *route)
{
    struct view rewrite = view_field(route, STR("rewrite"));
    struct view headers = view_field(route, STR("headers"));
    struct view request = view_field(&headers, STR("request"));
    struct view set = view_field(&request, STR("set"));
    struct view add = view_field(&request, STR("add"));
    struct str current = field_text(&rewrite, STR("authority"));

    if (view_is_present(&rewrite))
        check_uri_rewrite(&rewrite);
    if (check_authority_of(&set, &current))
        (void)check_authority_of(&add, &current);
}
