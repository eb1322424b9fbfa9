/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_stream.c - TLSRoute and TCPRoute, as the tls and tcp parts
 * of VirtualServices: one for each parent and host.
 */
#include "config/derive/gateway_api.h"

#include "config/resource/host_list.h"

/* A VirtualService that is made of a route for one parent. */
struct stream {
    const struct api_route *route;
    const struct api_reference *reference;
    struct text_list hosts; /* of the VirtualServices */
    bool is_tls;
};

/* With all weights zero connections go nowhere. */
static struct node *nowhere(const struct maker *maker)
{
    struct node *list = make_list(maker);
    struct node *item = make_push(maker, list, make_map(maker));
    struct node *destination = make_put_map(maker, item, STR("destination"));
    struct node *port = make_put_map(maker, destination, STR("port"));

    make_put_text(maker, destination, STR("host"), STR("internal.cluster.local"));
    make_put_text(maker, destination, STR("subset"), STR("zero-weight"));
    (void)make_put(maker, port, STR("number"), make_whole(maker, 65535));
    return list;
}

/* The more specific of each pair that means the same connections. */
static struct text_list within(const struct text_list *hosts, struct str outer, struct arena *arena)
{
    struct text_list only = {.items = &outer, .count = 1};

    return host_list_common(hosts, &only, arena);
}

static struct text_list hostnames_of(const struct api_route *route)
{
    struct view list = view_list(&route->view.spec, STR("hostnames"));
    struct text_list out = text_list_read(&list);

    if (out.count == 0)
        text_list_add(&out, STR("*"), route->api->mesh->arena);
    return out;
}

/* The server names of a rule. */
static struct text_list server_names(const struct stream *stream)
{
    struct arena *arena = stream->route->api->mesh->arena;
    struct text_list names = hostnames_of(stream->route);
    bool is_any = names.count == 1 && str_eq(names.items[0], STR("*"));

    if (stream->route->is_in_mesh)
        return is_any ? stream->hosts : names;
    struct str hostname = stream->reference->parent->hostname;
    return hostname.len > 0 ? within(&names, hostname, arena) : names;
}

static void put_match(const struct stream *stream, const struct maker *maker, struct node *rule)
{
    uint32_t port = stream->reference->port;

    if (!stream->is_tls && port == 0)
        return;
    struct node *list = make_put_list(maker, rule, STR("match"));
    struct node *match = make_push(maker, list, make_map(maker));
    if (port != 0)
        (void)make_put(maker, match, STR("port"), make_whole(maker, port));
    if (!stream->is_tls)
        return;
    struct text_list names = server_names(stream);
    struct node *hosts = make_put_list(maker, match, STR("sniHosts"));
    for (uint32_t i = 0; i < names.count; i++)
        (void)make_push(maker, hosts, make_text(maker, names.items[i]));
}

/* NULL: istiod drops all of it. */
static struct node *rules_of(const struct stream *stream)
{
    struct view list = view_list(&stream->route->view.spec, STR("rules"));
    struct maker maker = {.arena = stream->route->api->mesh->arena, .origin = view_origin(&list)};
    struct node *out = make_list(&maker);

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view rule = view_item(&list, i);
        struct view backends = view_list(&rule, STR("backendRefs"));
        bool is_fine;
        struct node *routes = api_destinations(stream->route, &backends, &is_fine);
        if (!is_fine)
            return NULL;
        maker.origin = view_origin(&rule);
        struct node *made = make_push(&maker, out, make_map(&maker));
        if (routes != NULL)
            put_match(stream, &maker, made);
        (void)make_put(&maker, made, STR("route"), routes != NULL ? routes : nowhere(&maker));
    }
    return out;
}

static void add_service(const struct stream *stream, struct str host, struct node *rules,
                        uint32_t number)
{
    struct mesh *mesh = stream->route->api->mesh;
    struct object_meta meta = stream->route->entrance->meta;
    struct maker maker = {.arena = mesh->arena, .origin = meta.origin};
    struct node *made = make_map(&maker);
    struct node *hosts = make_put_list(&maker, made, STR("hosts"));
    struct node *gateways = make_put_list(&maker, made, STR("gateways"));

    (void)make_push(&maker, hosts, make_text(&maker, host));
    (void)make_push(&maker, gateways, make_text(&maker, stream->reference->parent->internal_name));
    (void)make_put(&maker, made, stream->is_tls ? STR("tls") : STR("tcp"), rules);
    meta.name = arena_format(mesh->arena, "%.*s~%s~%u~" API_NAME_MIDDLE, STR_FMT(meta.name),
                             stream->is_tls ? "tls" : "tcp", number);
    struct virtual_service *added = entrance_add_virtual_service(mesh, &meta, made);
    added->semantics = SEMANTICS_GATEWAY_API;
    added->is_of_tls_route = stream->is_tls;
}

static struct text_list hosts_of(const struct stream *stream)
{
    struct arena *arena = stream->route->api->mesh->arena;
    struct text_list out = {0};
    struct str hostname = stream->reference->parent->hostname;

    if (stream->route->is_in_mesh) {
        text_list_add(&out, stream->reference->service_host, arena);
        return out;
    }
    if (!stream->is_tls) {
        text_list_add(&out, STR("*"), arena);
        return out;
    }
    out = hostnames_of(stream->route);
    return hostname.len > 0 ? within(&out, hostname, arena) : out;
}

void api_stream_convert(struct api_route *route, const struct api_reference_list *references)
{
    uint32_t number = 0;

    for (uint32_t i = 0; i < references->count; i++) {
        const struct api_reference *reference = &references->items[i];
        route->is_in_mesh = reference->service_host.len > 0;
        struct stream stream = {.route = route,
                                .reference = reference,
                                .is_tls = route->entrance->kind == ENTRANCE_TLS_ROUTE};
        stream.hosts = hosts_of(&stream);
        struct node *rules = rules_of(&stream);
        if (rules == NULL)
            return;
        for (uint32_t k = 0; k < stream.hosts.count; k++)
            add_service(&stream, stream.hosts.items[k], rules, number++);
    }
}
