/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_filter.c - the filters of HTTPRoute and GRPCRoute, as
 * fields of a VirtualService's rule.
 */
#include "config/derive/gateway_api.h"

/* Scheme, host, perhaps a port: any Origin that is one (RFC 6454). */
#define ANY_ORIGIN STR("^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\\s?#]+$")

/* A filter on its way into a rule. */
struct filter_place {
    const struct api_route *route; /* NULL: a backend's filter */
    struct maker maker;
    struct view filter;
    struct node *rule;
};

static struct node *field_of(const struct maker *maker, struct node *map, struct str key)
{
    for (uint32_t i = 0; i < map->count; i++) {
        if (str_eq(map->entries[i].key, key))
            return map->entries[i].value;
    }
    return make_put_map(maker, map, key);
}

/* The last one of its name counts. */
static void put_or_replace(const struct maker *maker, struct node *map, struct str key,
                           struct node *value)
{
    for (uint32_t i = 0; i < map->count; i++) {
        if (str_eq(map->entries[i].key, key)) {
            map->entries[i].value = value;
            return;
        }
    }
    (void)make_put(maker, map, key, value);
}

/* Of equal names, capitals or not, the first counts. False: a value that no
 * header may have. */
static bool put_headers(const struct view *modifier, struct str name, struct node *operations)
{
    struct view list = view_list(modifier, name);
    struct maker maker = {.arena = modifier->reading->arena, .origin = view_origin(&list)};

    if (view_count(&list) == 0)
        return true;
    struct node *map = make_put_map(&maker, operations, name);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct str key =
            arena_str_lower(maker.arena, label_text_field(&item, STR("name"), STR_EMPTY));
        struct str value = label_text_field(&item, STR("value"), STR_EMPTY);
        maker.origin = view_origin(&item);
        for (size_t k = 0; k < value.len; k++) {
            unsigned char c = (unsigned char)value.ptr[k];
            if (c == 0x7f || (c < 0x20 && c != '\t')) {
                view_complain(&item, DIAG_API_HEADER_VALUE, key, STR_EMPTY);
                return false;
            }
        }
        if (node_get(map, key) == NULL)
            (void)make_put(&maker, map, key, make_text(&maker, value));
    }
    return true;
}

static bool convert_modifier(struct filter_place *place, struct str field, struct str direction)
{
    struct view modifier = view_map(&place->filter, field);
    struct view remove = view_list(&modifier, STR("remove"));
    struct node *operations = make_map(&place->maker);

    if (!view_is_present(&modifier))
        return true;
    if (!put_headers(&modifier, STR("set"), operations) ||
        !put_headers(&modifier, STR("add"), operations))
        return false;
    if (view_is_present(&remove))
        put_or_replace(&place->maker, operations, STR("remove"),
                       make_copy(&place->maker, remove.node));
    put_or_replace(&place->maker, field_of(&place->maker, place->rule, STR("headers")), direction,
                   operations);
    return true;
}

static void put_path_of_redirect(const struct maker *maker, const struct view *path,
                                 struct node *out)
{
    if (str_eq(view_str(path, STR("type"), STR_EMPTY), STR("ReplaceFullPath")))
        make_put_text(maker, out, STR("uri"), view_str(path, STR("replaceFullPath"), STR_EMPTY));
    else
        make_put_text(maker, out, STR("prefixRewrite"),
                      view_str(path, STR("replacePrefixMatch"), STR_EMPTY));
}

static void convert_redirect(struct filter_place *place)
{
    struct view from = view_map(&place->filter, STR("requestRedirect"));
    struct view path = view_map(&from, STR("path"));
    const struct maker *maker = &place->maker;
    struct node *out = make_map(maker);
    struct str scheme = view_str(&from, STR("scheme"), STR_EMPTY);
    int64_t port = view_i64(&from, STR("port"), 0, 65535, 0);

    (void)make_put(maker, out, STR("redirectCode"),
                   make_whole(maker, view_i64(&from, STR("statusCode"), 300, 399, 302)));
    make_put_text(maker, out, STR("authority"), view_str(&from, STR("hostname"), STR_EMPTY));
    make_put_text(maker, out, STR("scheme"), scheme);
    if (port != 0)
        (void)make_put(maker, out, STR("port"), make_whole(maker, port));
    else
        make_put_text(maker, out, STR("derivePort"),
                      scheme.len > 0 ? STR("FROM_PROTOCOL_DEFAULT") : STR("FROM_REQUEST_PORT"));
    if (view_is_present(&path))
        put_path_of_redirect(maker, &path, out);
    put_or_replace(maker, place->rule, STR("redirect"), out);
}

static void convert_rewrite(struct filter_place *place)
{
    struct view from = view_map(&place->filter, STR("urlRewrite"));
    struct view path = view_map(&from, STR("path"));
    const struct maker *maker = &place->maker;
    struct node *out = make_map(maker);

    if (view_is_present(&path) &&
        str_eq(view_str(&path, STR("type"), STR_EMPTY), STR("ReplaceFullPath"))) {
        struct node *regex = make_put_map(maker, out, STR("uriRegexRewrite"));
        make_put_text(maker, regex, STR("match"), STR("/.*"));
        (void)make_put(maker, regex, STR("rewrite"),
                       make_text(maker, view_str(&path, STR("replaceFullPath"), STR_EMPTY)));
    } else if (view_is_present(&path)) {
        struct str prefix = view_str(&path, STR("replacePrefixMatch"), STR_EMPTY);
        if (str_has_suffix(prefix, STR("/")))
            prefix = str_slice(prefix, 0, prefix.len - 1);
        make_put_text(maker, out, STR("uri"), prefix.len > 0 ? prefix : STR("/"));
    }
    make_put_text(maker, out, STR("authority"), view_str(&from, STR("hostname"), STR_EMPTY));
    if (out->count > 0)
        put_or_replace(maker, place->rule, STR("rewrite"), out);
}

static double percent_of(const struct view *mirror, bool *is_said)
{
    struct view fraction = view_map(mirror, STR("fraction"));
    struct view percent = view_field(mirror, STR("percent"));

    *is_said = view_is_present(&fraction) || view_is_present(&percent);
    if (!view_is_present(&fraction))
        return view_own_number(&percent, 100);
    double of = view_number(&fraction, STR("denominator"), 100);
    return of > 0 ? 100 * view_number(&fraction, STR("numerator"), 0) / of : 0;
}

/* A mirror that cannot be is left out; of a GRPCRoute it spoils all. */
static bool convert_mirror(struct filter_place *place)
{
    struct view from = view_map(&place->filter, STR("requestMirror"));
    struct view backend = view_map(&from, STR("backendRef"));
    const struct maker *maker = &place->maker;
    struct node *destination = api_destination(place->route, &backend);
    bool is_said;
    double percent = percent_of(&from, &is_said);

    if (destination == NULL || node_get(destination, STR("host"))->text.len == 0)
        return place->route->entrance->kind == ENTRANCE_HTTP_ROUTE;
    struct node *list = NULL;
    for (uint32_t i = 0; i < place->rule->count; i++) {
        if (str_eq(place->rule->entries[i].key, STR("mirrors")))
            list = place->rule->entries[i].value;
    }
    if (list == NULL)
        list = make_put_list(maker, place->rule, STR("mirrors"));
    struct node *mirror = make_push(maker, list, make_map(maker));
    (void)make_put(maker, mirror, STR("destination"), destination);
    if (is_said) {
        struct node *share = make_put_map(maker, mirror, STR("percentage"));
        (void)make_put(maker, share, STR("value"), make_number(maker, percent));
    }
    return true;
}

/* As Go's regexp.QuoteMeta writes it, but a star stands for anything. */
static struct str pattern_of(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.len * 2 + 2);
    size_t len = 0;

    out[len++] = '^';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '*')
            out[len++] = '.';
        else if (str_find(STR("\\.+?()|[]{}^$"), c) != STR_NONE)
            out[len++] = '\\';
        out[len++] = c;
    }
    out[len++] = '$';
    return (struct str){out, len};
}

static void put_origin(const struct maker *maker, struct node *list, struct str text)
{
    size_t star = str_find(text, '*');
    struct str kind = STR("exact");

    if (str_eq(text, STR("*"))) {
        kind = STR("regex");
        text = ANY_ORIGIN;
    } else if (star == text.len - 1) {
        kind = STR("prefix");
        text = str_slice(text, 0, star);
    } else if (star != STR_NONE) {
        kind = STR("regex");
        text = pattern_of(maker->arena, text);
    }
    struct node *match = make_push(maker, list, make_map(maker));
    (void)make_put(maker, match, kind, make_text(maker, text));
}

static void convert_cors(struct filter_place *place)
{
    static const struct str LISTS[] = {STR_INIT("allowMethods"), STR_INIT("allowHeaders"),
                                       STR_INIT("exposeHeaders")};
    struct view from = view_map(&place->filter, STR("cors"));
    struct view origins = view_list(&from, STR("allowOrigins"));
    const struct maker *maker = &place->maker;
    struct node *out = make_map(maker);
    struct node *list = make_put_list(maker, out, STR("allowOrigins"));
    int64_t age_s = view_i64(&from, STR("maxAge"), 0, INT32_MAX, 5);

    for (uint32_t i = 0; i < view_count(&origins); i++) {
        struct view item = view_item(&origins, i);
        struct str text = view_own_str(&item, STR_EMPTY);
        if (text.len > 0)
            put_origin(maker, list, text);
    }
    for (size_t i = 0; i < COUNT_OF(LISTS); i++) {
        struct view names = view_list(&from, LISTS[i]);
        if (view_is_present(&names))
            (void)make_put(maker, out, LISTS[i], make_copy(maker, names.node));
    }
    if (view_bool(&from, STR("allowCredentials"), false))
        (void)make_put(maker, out, STR("allowCredentials"), make_bool(maker, true));
    if (age_s > 0)
        make_put_text(maker, out, STR("maxAge"),
                      arena_format(maker->arena, "%llds", (long long)age_s));
    make_put_text(maker, out, STR("unmatchedPreflights"), STR("IGNORE"));
    put_or_replace(maker, place->rule, STR("corsPolicy"), out);
}

enum filter_type {
    FILTER_REQUEST_HEADERS,
    FILTER_RESPONSE_HEADERS,
    FILTER_MIRROR,
    FILTER_REDIRECT,
    FILTER_REWRITE,
    FILTER_CORS,
    FILTER_UNKNOWN,
};

/* GRPCRoutes know the first three, backends the first two. */
static enum filter_type type_of(const struct filter_place *place)
{
    static const struct str NAMES[] = {STR_INIT("RequestHeaderModifier"),
                                       STR_INIT("ResponseHeaderModifier"),
                                       STR_INIT("RequestMirror"),
                                       STR_INIT("RequestRedirect"),
                                       STR_INIT("URLRewrite"),
                                       STR_INIT("CORS")};
    struct str name = view_str(&place->filter, STR("type"), STR_EMPTY);
    size_t known = COUNT_OF(NAMES);

    if (place->route == NULL)
        known = FILTER_MIRROR;
    else if (place->route->entrance->kind == ENTRANCE_GRPC_ROUTE)
        known = FILTER_REDIRECT;
    for (size_t i = 0; i < known; i++) {
        if (str_eq(name, NAMES[i]))
            return (enum filter_type)i;
    }
    return FILTER_UNKNOWN;
}

static bool convert(struct filter_place *place)
{
    switch (type_of(place)) {
    case FILTER_REQUEST_HEADERS:
        return convert_modifier(place, STR("requestHeaderModifier"), STR("request"));
    case FILTER_RESPONSE_HEADERS:
        return convert_modifier(place, STR("responseHeaderModifier"), STR("response"));
    case FILTER_MIRROR:
        return convert_mirror(place);
    case FILTER_REDIRECT:
        convert_redirect(place);
        return true;
    case FILTER_REWRITE:
        convert_rewrite(place);
        return true;
    case FILTER_CORS:
        convert_cors(place);
        return true;
    case FILTER_UNKNOWN:
        view_complain(&place->filter, DIAG_API_FILTER,
                      view_str(&place->filter, STR("type"), STR_EMPTY), STR_EMPTY);
        return false;
    }
    UNREACHABLE("filter_type");
}

static bool convert_all(const struct api_route *route, const struct view *filters,
                        struct node *rule)
{
    for (uint32_t i = 0; i < view_count(filters); i++) {
        struct filter_place place = {.route = route, .filter = view_item(filters, i), .rule = rule};
        place.maker =
            (struct maker){.arena = filters->reading->arena, .origin = view_origin(&place.filter)};
        if (!convert(&place))
            return false;
    }
    return true;
}

bool api_filters_convert(const struct api_route *route, const struct view *filters,
                         struct node *rule)
{
    return convert_all(route, filters, rule);
}

bool api_backend_filters_convert(const struct view *filters, struct node *destination)
{
    return convert_all(NULL, filters, destination);
}
