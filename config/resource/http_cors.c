/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/http_cors.c - CorsPolicy of a rule.
 *
 * Source: ISTIO.md 2.14, 9.3.
 */
#include "base/ns.h"
#include "config/resource/syntax.h"
#include "config/resource/virtual_service.h"

static const struct field_row CORS_ROWS[] = {
    {"allowOrigin", FIELD_USED},      {"allowOrigins", FIELD_USED},
    {"allowMethods", FIELD_USED},     {"allowHeaders", FIELD_USED},
    {"exposeHeaders", FIELD_USED},    {"maxAge", FIELD_USED},
    {"allowCredentials", FIELD_USED}, {"unmatchedPreflights", FIELD_USED},
};

static const struct str METHODS[] = {
    STR_INIT("GET"),   STR_INIT("HEAD"),   STR_INIT("POST"),    STR_INIT("PUT"),
    STR_INIT("PATCH"), STR_INIT("DELETE"), STR_INIT("CONNECT"), STR_INIT("OPTIONS"),
    STR_INIT("TRACE"), STR_INIT("*"),
};

/* The old list has plain texts, and wins where both are written. */
static void read_origins(const struct view *cors, struct http_cors *out)
{
    struct view old = view_list(cors, STR("allowOrigin"));
    struct view list = view_list(cors, STR("allowOrigins"));
    bool is_old = view_count(&old) > 0;
    const struct view *used = is_old ? &old : &list;

    out->origin_count = view_count(used);
    out->origins = ARENA_ARRAY(cors->reading->arena, struct text_match, out->origin_count);
    for (uint32_t i = 0; i < out->origin_count; i++) {
        struct view item = view_item(used, i);
        out->origins[i] = is_old ? (struct text_match){.is_given = true,
                                                       .kind = TEXT_EXACT,
                                                       .value = view_own_str(&item, STR_EMPTY),
                                                       .origin = view_origin(&item)}
                                 : text_match_own_read(&item);
        if (out->origins[i].value.len == 0)
            view_complain(&item, DIAG_CORS_ORIGIN_EMPTY, STR_EMPTY, STR_EMPTY);
    }
}

static bool is_method(struct str text)
{
    for (size_t i = 0; i < COUNT_OF(METHODS); i++)
        if (str_eq(METHODS[i], text))
            return true;
    return false;
}

static struct text_list read_methods(const struct view *cors)
{
    struct view list = view_list(cors, STR("allowMethods"));
    struct text_list out = text_list_read(&list);

    for (uint32_t i = 0; i < view_count(&list) && i < out.count; i++) {
        struct view item = view_item(&list, i);
        if (!is_method(out.items[i]))
            view_complain(&item, DIAG_CORS_METHOD, out.items[i], STR_EMPTY);
    }
    return out;
}

static struct text_list read_headers(const struct view *cors, struct str name)
{
    struct view list = view_list(cors, name);
    struct text_list out = text_list_read(&list);

    for (uint32_t i = 0; i < view_count(&list) && i < out.count; i++) {
        struct view item = view_item(&list, i);
        if (out.items[i].len == 0)
            view_complain(&item, DIAG_HEADER_NAME_EMPTY, STR_EMPTY, STR_EMPTY);
        else if (!syntax_is_header_name(out.items[i]))
            view_complain(&item, DIAG_HEADER_NAME_BAD, out.items[i], STR_EMPTY);
    }
    return out;
}

static void read_max_age(const struct view *cors, struct http_cors *out)
{
    struct view field = view_field(cors, STR("maxAge"));

    if (!view_is_present(&field))
        return;
    int64_t ns = view_own_duration_ns(&field, 0);
    out->has_max_age = true;
    out->max_age_s = ns / NS_SECOND;
    syntax_check_duration(&field, ns);
    if (ns >= NS_MS && ns % NS_SECOND != 0)
        view_complain(&field, DIAG_CORS_MAX_AGE, STR_EMPTY, STR_EMPTY);
}

const struct http_cors *http_cors_read(const struct view *cors)
{
    static const char *const PREFLIGHTS[] = {"UNSPECIFIED", "FORWARD", "IGNORE", NULL};
    struct http_cors *out = ARENA_NEW(cors->reading->arena, struct http_cors);
    struct view credentials = view_field(cors, STR("allowCredentials"));

    out->origin = view_origin(cors);
    view_check_fields(cors, CORS_ROWS, COUNT_OF(CORS_ROWS));
    read_origins(cors, out);
    out->methods = read_methods(cors);
    out->headers = read_headers(cors, STR("allowHeaders"));
    out->exposed = read_headers(cors, STR("exposeHeaders"));
    read_max_age(cors, out);
    out->has_credentials = view_is_present(&credentials);
    out->is_allowing_credentials = view_own_bool(&credentials, false);
    out->is_ignoring_unmatched = view_choice(cors, STR("unmatchedPreflights"), PREFLIGHTS, 0) == 2;
    return out;
}
