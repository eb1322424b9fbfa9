/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/gateway_api.c - the Gateway API's routes, gathered by listener
 * and host.
 */
#include "config/derive/gateway_api.h"

static const struct field_row ROUTE_ROWS[] = {{"parentRefs", FIELD_USED},
                                              {"hostnames", FIELD_USED},
                                              {"rules", FIELD_USED},
                                              {"useDefaultGateways", FIELD_NO_EFFECT}};

static struct api_bundle *bundle_of(const struct api_route *route,
                                    const struct api_reference *reference, struct str host)
{
    struct gateway_api *api = route->api;
    struct arena *arena = api->mesh->arena;
    const struct object_meta *meta = &route->entrance->meta;
    struct maker maker = {.arena = arena, .origin = meta->origin};
    struct str key = reference->parent->internal_name;

    if (route->is_in_mesh)
        key = reference->port == 0
                  ? meta->namespace
                  : arena_format(arena, "%.*s/%u", STR_FMT(meta->namespace), reference->port);
    key = arena_format(arena, "%.*s/%.*s", STR_FMT(key), STR_FMT(host));
    uint32_t known = map_get(&api->bundle_index, key);
    if (known != MAP_NONE)
        return &api->bundles[known];
    struct api_bundle *added =
        ARENA_PUSH(arena, api->bundles, api->bundle_count, api->bundle_capacity);
    *added = (struct api_bundle){.meta = *meta,
                                 .host = host,
                                 .gateway = reference->parent->internal_name,
                                 .http = make_list(&maker)};
    char *name = arena_alloc(arena, key.len);
    for (size_t i = 0; i < key.len; i++)
        name[i] = key.ptr[i] == '/' ? '~' : key.ptr[i];
    added->meta.name = (struct str){name, key.len};
    (void)map_set(&api->bundle_index, key, api->bundle_count - 1);
    return added;
}

static void add_rules(const struct api_route *route, const struct api_reference *reference,
                      struct str host, const struct node *rules, const struct text_list *paths)
{
    struct arena *arena = route->api->mesh->arena;
    struct maker maker = {.arena = arena, .origin = route->entrance->meta.origin};

    if (api_is_isolated(route->api, reference->parent, host))
        return;
    struct api_bundle *bundle = bundle_of(route, reference, host);
    for (uint32_t i = 0; i < rules->count; i++) {
        (void)make_push(&maker, bundle->http, rules->items[i]);
        text_list_add(&bundle->paths, paths->items[i], arena);
    }
}

static void convert_for(struct api_route *route, const struct api_reference *reference)
{
    struct maker maker = {.arena = route->api->mesh->arena, .origin = route->entrance->meta.origin};
    struct view hostnames = view_list(&route->view.spec, STR("hostnames"));
    struct node *rules = make_list(&maker);
    struct text_list paths = {0};

    route->is_in_mesh = reference->service_host.len > 0;
    route->port = reference->port;
    if (!api_rules_convert(route, rules, &paths) || rules->count == 0)
        return;
    if (route->is_in_mesh) {
        add_rules(route, reference, reference->service_host, rules, &paths);
        return;
    }
    if (view_count(&hostnames) == 0)
        add_rules(route, reference, STR("*"), rules, &paths);
    for (uint32_t i = 0; i < view_count(&hostnames); i++) {
        struct view item = view_item(&hostnames, i);
        add_rules(route, reference, view_own_str(&item, STR_EMPTY), rules, &paths);
    }
}

static void convert_route(struct gateway_api *api, const struct entrance *entrance)
{
    struct api_route route = {.api = api, .entrance = entrance};

    view_check_fields(&entrance_view_init(entrance, &route.view)->spec, ROUTE_ROWS,
                      COUNT_OF(ROUTE_ROWS));
    struct api_reference_list references = api_references_of(&route);
    if (entrance->kind == ENTRANCE_TCP_ROUTE || entrance->kind == ENTRANCE_TLS_ROUTE) {
        api_stream_convert(&route, &references);
        return;
    }
    for (uint32_t i = 0; i < references.count; i++)
        convert_for(&route, &references.items[i]);
}

/* Older routes first; of one age by namespace and name. */
static int route_order(const struct object_meta *a, const struct object_meta *b)
{
    if (a->created_ns != b->created_ns)
        return a->created_ns < b->created_ns ? -1 : 1;
    int order = str_order(a->namespace, b->namespace);
    return order != 0 ? order : str_order(a->name, b->name);
}

static void convert_routes(struct gateway_api *api)
{
    struct mesh *mesh = api->mesh;
    const struct entrance **routes =
        ARENA_ARRAY(mesh->arena, const struct entrance *, mesh->entrances_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        const struct entrance *moving = &mesh->entrances[i];
        if (moving->kind < ENTRANCE_HTTP_ROUTE || moving->kind > ENTRANCE_TLS_ROUTE)
            continue;
        uint32_t place = count++;
        for (; place > 0 && route_order(&routes[place - 1]->meta, &moving->meta) > 0; place--)
            routes[place] = routes[place - 1];
        routes[place] = moving;
    }
    for (uint32_t i = 0; i < count; i++)
        convert_route(api, routes[i]);
}

/* What the Gateway API puts first: an exact path before a prefix before a regex
 * before none, the longer one, one with a method, more headers, more queries. */
static int rule_order(const struct http_rule *a, const struct http_rule *b)
{
    static const int RANKS[] = {
        [TEXT_ABSENT] = -1, [TEXT_EXACT] = 3, [TEXT_PREFIX] = 2, [TEXT_REGEX] = 1};

    if (a->match_count == 0 || b->match_count == 0)
        return (a->match_count == 0) - (b->match_count == 0);
    const struct http_match *one = &a->matches[0], *other = &b->matches[0];
    if (one->uri.kind != other->uri.kind)
        return RANKS[one->uri.kind] > RANKS[other->uri.kind] ? -1 : 1;
    if (one->uri.value.len != other->uri.value.len)
        return one->uri.value.len > other->uri.value.len ? -1 : 1;
    if (one->method.is_given != other->method.is_given)
        return one->method.is_given ? -1 : 1;
    if (one->headers.count != other->headers.count)
        return one->headers.count > other->headers.count ? -1 : 1;
    if (one->queries.count != other->queries.count)
        return one->queries.count > other->queries.count ? -1 : 1;
    return 0;
}

static void sort_rules(struct virtual_service *service)
{
    for (uint32_t i = 1; i < service->rule_count; i++) {
        struct http_rule moving = service->rules[i];
        uint32_t place = i;
        for (; place > 0 && rule_order(&service->rules[place - 1], &moving) > 0; place--)
            service->rules[place] = service->rules[place - 1];
        service->rules[place] = moving;
    }
}

static void convert_bundle(struct mesh *mesh, const struct api_bundle *bundle)
{
    struct maker maker = {.arena = mesh->arena, .origin = bundle->meta.origin};
    struct node *made = make_map(&maker);
    struct node *hosts = make_put_list(&maker, made, STR("hosts"));
    struct node *gateways = make_put_list(&maker, made, STR("gateways"));

    (void)make_push(&maker, hosts, make_text(&maker, bundle->host));
    (void)make_push(&maker, gateways, make_text(&maker, bundle->gateway));
    (void)make_put(&maker, made, STR("http"), bundle->http);
    struct virtual_service *added = entrance_add_virtual_service(mesh, &bundle->meta, made);
    added->semantics = SEMANTICS_GATEWAY_API;
    /* A name of one label is a whole name here. */
    added->hosts.items[0] = arena_str_lower(mesh->arena, bundle->host);
    added->cased_hosts.items[0] = bundle->host;
    for (uint32_t i = 0; i < added->rule_count; i++)
        entrance_set_path(&added->rules[i], bundle->paths.items[i]);
    sort_rules(added);
}

void gateway_api_convert(struct mesh *mesh)
{
    struct gateway_api api = {.mesh = mesh};

    map_init(&api.bundle_index, mesh->arena);
    api_listeners_convert(&api);
    convert_routes(&api);
    for (uint32_t i = 0; i < api.bundle_count; i++)
        convert_bundle(mesh, &api.bundles[i]);
}
