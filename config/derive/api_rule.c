/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_rule.c - the rules of HTTPRoute and GRPCRoute, as rules of
 * a VirtualService: one for each match.
 */
#include "config/derive/gateway_api.h"

static const struct field_row RULE_ROWS[] = {{"name", FIELD_USED},
                                             {"matches", FIELD_USED},
                                             {"filters", FIELD_USED},
                                             {"timeouts", FIELD_USED},
                                             {"backendRefs", FIELD_USED},
                                             {"retry", FIELD_USED},
                                             {"sessionPersistence", FIELD_NO_EFFECT}};
static const struct field_row MATCH_ROWS[] = {{"path", FIELD_USED},
                                              {"headers", FIELD_USED},
                                              {"queryParams", FIELD_USED},
                                              {"method", FIELD_USED}};

/* A rule, and the match of it that becomes a rule of Istio's. */
struct rule_place {
    const struct api_route *route;
    struct view rule;
    uint32_t index;
    struct view match; /* node NULL: the rule has none */
};

static bool is_grpc(const struct rule_place *place)
{
    return place->route->entrance->kind == ENTRANCE_GRPC_ROUTE;
}

static void put_text_match(const struct maker *maker, struct node *match, struct str field,
                           struct str kind, struct str value)
{
    struct node *text = make_put_map(maker, match, field);

    (void)make_put(maker, text, kind, make_text(maker, value));
}

/* A match without path means every path, as the schema fills in. */
static void put_path(const struct rule_place *place, const struct maker *maker, struct node *out)
{
    static const char *const TYPES[] = {"PathPrefix", "Exact", "RegularExpression", NULL};
    static const struct str KINDS[] = {STR_INIT("prefix"), STR_INIT("exact"), STR_INIT("regex")};
    struct view path = view_map(&place->match, STR("path"));
    struct str value = view_str(&path, STR("value"), STR("/"));
    int type = view_choice(&path, STR("type"), TYPES, 0);

    if (type == 0 && value.len > 1 && str_has_suffix(value, STR("/")))
        value = str_slice(value, 0, value.len - 1);
    put_text_match(maker, out, STR("uri"), KINDS[type], value);
}

/* A gRPC method is a path of two segments. */
static void put_grpc_method(const struct rule_place *place, const struct maker *maker,
                            struct node *out)
{
    static const char *const TYPES[] = {"Exact", "RegularExpression", NULL};
    struct view method = view_map(&place->match, STR("method"));
    struct str service = view_str(&method, STR("service"), STR_EMPTY);
    struct str name = view_str(&method, STR("method"), STR_EMPTY);
    struct arena *arena = maker->arena;

    if (!view_is_present(&method) || (service.len == 0 && name.len == 0))
        return;
    bool is_regex = view_choice(&method, STR("type"), TYPES, 0) == 1;
    if (service.len == 0)
        put_text_match(maker, out, STR("uri"), STR("regex"),
                       arena_concat(arena, STR("/[^/]+/"), name));
    else if (name.len == 0 && is_regex)
        put_text_match(maker, out, STR("uri"), STR("regex"),
                       arena_format(arena, "/%.*s/.+", STR_FMT(service)));
    else if (name.len == 0)
        put_text_match(maker, out, STR("uri"), STR("prefix"),
                       arena_format(arena, "/%.*s/", STR_FMT(service)));
    else
        put_text_match(maker, out, STR("uri"), is_regex ? STR("regex") : STR("exact"),
                       arena_format(arena, "/%.*s/%.*s", STR_FMT(service), STR_FMT(name)));
}

/* Of equal names the last one counts. */
static void put_named(const struct rule_place *place, struct str from, struct str to,
                      struct node *out)
{
    static const char *const TYPES[] = {"Exact", "RegularExpression", NULL};
    struct view list = view_list(&place->match, from);
    struct maker maker = {.arena = place->rule.reading->arena, .origin = view_origin(&list)};

    if (view_count(&list) == 0)
        return;
    struct node *map = make_put_map(&maker, out, to);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct str name = label_text_field(&item, STR("name"), STR_EMPTY);
        bool is_regex = view_choice(&item, STR("type"), TYPES, 0) == 1;
        maker.origin = view_origin(&item);
        struct node *text = make_map(&maker);
        (void)make_put(&maker, text, is_regex ? STR("regex") : STR("exact"),
                       make_text(&maker, label_text_field(&item, STR("value"), STR_EMPTY)));
        uint32_t k = 0;
        while (k < map->count && !str_eq(map->entries[k].key, name))
            k++;
        if (k < map->count)
            map->entries[k].value = text;
        else
            (void)make_put(&maker, map, name, text);
    }
}

static void put_match(const struct rule_place *place, struct node *rule)
{
    struct maker maker = {.arena = place->rule.reading->arena};
    uint32_t port = place->route->is_in_mesh ? place->route->port : 0;
    bool has_match = place->match.node != NULL;

    if (!has_match && port == 0)
        return;
    maker.origin = view_origin(has_match ? &place->match : &place->rule);
    struct node *list = make_put_list(&maker, rule, STR("match"));
    struct node *out = make_push(&maker, list, make_map(&maker));
    if (port != 0)
        (void)make_put(&maker, out, STR("port"), make_whole(&maker, port));
    if (!has_match)
        return;
    view_check_fields(&place->match, MATCH_ROWS, COUNT_OF(MATCH_ROWS));
    put_named(place, STR("headers"), STR("headers"), out);
    if (is_grpc(place)) {
        put_grpc_method(place, &maker, out);
        return;
    }
    put_path(place, &maker, out);
    put_named(place, STR("queryParams"), STR("queryParams"), out);
    struct str method = view_str(&place->match, STR("method"), STR_EMPTY);
    if (method.len > 0)
        put_text_match(&maker, out, STR("method"), STR("exact"), method);
}

static struct str retry_on_of(const struct maker *maker, const struct view *retry)
{
    struct view codes = view_list(retry, STR("codes"));
    struct str out = STR("connect-failure,refused-stream,unavailable,cancelled");

    for (uint32_t i = 0; i < view_count(&codes); i++) {
        struct view item = view_item(&codes, i);
        out = arena_format(maker->arena, "%.*s,%lld", STR_FMT(out),
                           (long long)view_own_i64(&item, 0, 999, 0));
    }
    return out;
}

/* The node of retries, or NULL. */
static struct node *put_retry(const struct maker *maker, const struct view *rule, struct node *out)
{
    struct view retry = view_map(rule, STR("retry"));
    int64_t attempts = view_i64(&retry, STR("attempts"), 0, INT32_MAX, 2);

    if (!view_is_present(&retry))
        return NULL;
    struct node *made = make_put_map(maker, out, STR("retries"));
    (void)make_put(maker, made, STR("attempts"), make_whole(maker, attempts));
    if (attempts > 0)
        make_put_text(maker, made, STR("retryOn"), retry_on_of(maker, &retry));
    make_put_text(maker, made, STR("backoff"), view_str(&retry, STR("backoff"), STR_EMPTY));
    return made;
}

static void put_times(const struct maker *maker, const struct view *rule, struct node *out)
{
    struct view timeouts = view_map(rule, STR("timeouts"));
    struct view request = view_field(&timeouts, STR("request"));
    struct view backend = view_field(&timeouts, STR("backendRequest"));
    struct node *retries = put_retry(maker, rule, out);
    struct node *timeout = NULL;

    if (view_is_present(&request) && view_own_duration_ns(&request, 0) > 0)
        timeout = make_copy(maker, request.node);
    if (view_is_present(&backend) && view_own_duration_ns(&backend, 0) > 0) {
        /* For each try where there are several; else it outweighs the other. */
        if (retries != NULL)
            (void)make_put(maker, retries, STR("perTryTimeout"), make_copy(maker, backend.node));
        else
            timeout = make_copy(maker, backend.node);
    }
    if (timeout != NULL)
        (void)make_put(maker, out, STR("timeout"), timeout);
}

static bool put_destinations(const struct rule_place *place, const struct maker *maker,
                             struct node *out)
{
    struct view backends = view_list(&place->rule, STR("backendRefs"));
    bool is_fine;
    struct node *routes = api_destinations(place->route, &backends, &is_fine);

    if (!is_fine)
        return false;
    if (routes != NULL) {
        (void)make_put(maker, out, STR("route"), routes);
    } else if (node_get(out, STR("redirect")) == NULL) {
        struct node *direct = make_put_map(maker, out, STR("directResponse"));
        (void)make_put(maker, direct, STR("status"), make_whole(maker, 500));
    }
    return true;
}

/* NULL: all of the object is dropped. */
static struct node *convert(const struct rule_place *place)
{
    const struct view *rule = &place->rule;
    const struct object_meta *meta = &place->route->entrance->meta;
    struct maker maker = {.arena = rule->reading->arena, .origin = view_origin(rule)};
    struct view filters = view_list(rule, STR("filters"));
    struct node *out = make_map(&maker);
    struct str name = label_text_field(rule, STR("name"), STR_EMPTY);

    if (name.len == 0)
        name = arena_format(maker.arena, "%.*s.%.*s.%u", STR_FMT(meta->namespace),
                            STR_FMT(meta->name), place->index);
    make_put_text(&maker, out, STR("name"), name);
    put_match(place, out);
    if (!api_filters_convert(place->route, &filters, out))
        return NULL;
    if (!is_grpc(place))
        put_times(&maker, rule, out);
    return put_destinations(place, &maker, out) ? out : NULL;
}

/* The schema fills in one match of everything where an HTTPRoute's rule has no
 * word about it; an empty list stays empty. */
static uint32_t match_count(const struct rule_place *place, const struct view *matches)
{
    return view_count(matches) > 0 || is_grpc(place) || view_is_present(matches)
               ? view_count(matches)
               : 1;
}

static bool convert_rule(struct rule_place *place, struct node *rules, struct text_list *paths)
{
    static const struct node NO_WORD = {.kind = NODE_MAP};
    struct view matches = view_list(&place->rule, STR("matches"));
    uint32_t count = match_count(place, &matches);
    struct maker maker = {.arena = place->rule.reading->arena, .origin = view_origin(&place->rule)};

    view_check_fields(&place->rule, RULE_ROWS, COUNT_OF(RULE_ROWS));
    for (uint32_t i = 0; i < (count > 0 ? count : 1); i++) {
        bool is_written = i < view_count(&matches);
        place->match = (struct view){0};
        if (is_written) {
            place->match = view_item(&matches, i);
        } else if (count > 0) {
            place->match = place->rule;
            place->match.node = &NO_WORD;
        }
        struct node *made = convert(place);
        if (made == NULL)
            return false;
        (void)make_push(&maker, rules, made);
        text_list_add(paths, view_path(is_written ? &place->match : &place->rule), maker.arena);
    }
    return true;
}

bool api_rules_convert(const struct api_route *route, struct node *rules, struct text_list *paths)
{
    struct view list = view_list(&route->view.spec, STR("rules"));

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct rule_place place = {.route = route, .rule = view_item(&list, i), .index = i};
        if (!convert_rule(&place, rules, paths))
            return false;
    }
    return true;
}
