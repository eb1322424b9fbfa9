/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_listener.c - a Gateway of the Gateway API: each listener
 * becomes a Gateway of Istio's with one server, bound to a Service; the Service
 * and its pod are what istiod would deploy.
 */
#include "config/derive/gateway_api.h"

#define CONTROLLER STR("istio.io/gateway-controller")
#define BIT(kind) (1u << (kind))

/* The controller of a class: its own word, or a class that Istio brings along. */
static struct str controller_of(const struct mesh *mesh, struct str class_name)
{
    static const struct {
        struct str name, controller;
    } BUILTIN[] = {
        {STR_INIT("istio"), STR_INIT("istio.io/gateway-controller")},
        {STR_INIT("istio-remote"), STR_INIT("istio.io/unmanaged-gateway")},
        {STR_INIT("istio-waypoint"), STR_INIT("istio.io/mesh-controller")},
    };

    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        const struct entrance *class = &mesh->entrances[i];
        struct entrance_view view;
        if (class->kind == ENTRANCE_GATEWAY_CLASS && str_eq(class->meta.name, class_name))
            return view_str(&entrance_view_init(class, &view)->spec, STR("controllerName"),
                            STR_EMPTY);
    }
    for (size_t i = 0; i < COUNT_OF(BUILTIN); i++) {
        if (str_eq(BUILTIN[i].name, class_name))
            return BUILTIN[i].controller;
    }
    return STR_EMPTY;
}

/* "ns/host" for each namespace that may attach; "~/host": nobody. */
static struct text_list hosts_of(const struct api_gateway *gateway, const struct view *listener,
                                 struct str hostname)
{
    static const char *const FROM[] = {"Same", "All", "Selector", "None", NULL};
    struct mesh *mesh = gateway->api->mesh;
    struct view allowed = view_map(listener, STR("allowedRoutes"));
    struct view namespaces = view_map(&allowed, STR("namespaces"));
    struct view selector = view_map(&namespaces, STR("selector"));
    struct str host = hostname.len > 0 ? hostname : STR("*");
    struct text_list out = {0}, chosen = {0};

    switch (view_choice(&namespaces, STR("from"), FROM, 0)) {
    case 0:
        text_list_add(&chosen, gateway->owner->meta.namespace, mesh->arena);
        break;
    case 1:
        text_list_add(&chosen, STR("*"), mesh->arena);
        break;
    case 2: {
        struct text_list all = api_namespaces(mesh);
        for (uint32_t i = 0; i < all.count; i++) {
            if (api_namespace_is_selected(mesh, all.items[i], &selector))
                text_list_add(&chosen, all.items[i], mesh->arena);
        }
        break;
    }
    default:
        break;
    }
    if (chosen.count == 0)
        text_list_add(&chosen, STR("~"), mesh->arena);
    for (uint32_t i = 0; i < chosen.count; i++)
        text_list_add(
            &out, arena_format(mesh->arena, "%.*s/%.*s", STR_FMT(chosen.items[i]), STR_FMT(host)),
            mesh->arena);
    return out;
}

static uint32_t supported_kinds(struct str protocol, bool is_terminating)
{
    if (str_eq(protocol, STR("HTTP")) || str_eq(protocol, STR("HTTPS")))
        return BIT(ENTRANCE_HTTP_ROUTE) | BIT(ENTRANCE_GRPC_ROUTE);
    if (str_eq(protocol, STR("TCP")))
        return BIT(ENTRANCE_TCP_ROUTE);
    if (str_eq(protocol, STR("TLS")))
        return BIT(ENTRANCE_TLS_ROUTE) | (is_terminating ? BIT(ENTRANCE_TCP_ROUTE) : 0);
    return 0;
}

static uint32_t allowed_kinds(const struct view *listener, uint32_t supported)
{
    struct view allowed = view_map(listener, STR("allowedRoutes"));
    struct view kinds = view_list(&allowed, STR("kinds"));
    uint32_t out = 0;

    if (view_count(&kinds) == 0)
        return supported;
    for (uint32_t i = 0; i < view_count(&kinds); i++) {
        struct view item = view_item(&kinds, i);
        struct str kind = view_str(&item, STR("kind"), STR_EMPTY);
        if (!str_eq(view_str(&item, STR("group"), API_GROUP), API_GROUP))
            continue;
        for (int k = ENTRANCE_HTTP_ROUTE; k <= ENTRANCE_TLS_ROUTE; k++) {
            if (str_eq(kind, api_kind_name((enum entrance_kind)k)))
                out |= supported & BIT(k);
        }
    }
    return out;
}

/* --- listeners ---------------------------------------------------------- */

static bool is_known_protocol(struct str protocol)
{
    return str_eq(protocol, STR("HTTP")) || str_eq(protocol, STR("HTTPS")) ||
           str_eq(protocol, STR("TLS")) || str_eq(protocol, STR("TCP"));
}

static bool is_tls(struct str protocol)
{
    return str_eq(protocol, STR("HTTPS")) || str_eq(protocol, STR("TLS"));
}

static bool is_stream(struct str protocol)
{
    return str_eq(protocol, STR("TCP")) || str_eq(protocol, STR("UDP"));
}

/* Two listeners that cannot stand beside each other: the later one is out. */
static bool conflicts(const struct api_parent *a, const struct api_parent *b)
{
    if (a->port != b->port)
        return false;
    if (is_stream(a->protocol) || is_stream(b->protocol))
        return true;
    struct str a_host = a->hostname.len > 0 ? a->hostname : STR("*");
    struct str b_host = b->hostname.len > 0 ? b->hostname : STR("*");
    return str_eq(a_host, b_host);
}

static bool is_taken(const struct api_gateway *gateway, const struct api_parent *parent)
{
    for (uint32_t i = 0; i < gateway->api->parent_count; i++) {
        const struct api_parent *other = &gateway->api->parents[i];
        if (other->gateway == parent->gateway && conflicts(other, parent))
            return true;
    }
    return false;
}

static void add_istio_gateway(const struct api_gateway *gateway, const struct api_parent *parent,
                              const struct view *listener)
{
    struct mesh *mesh = gateway->api->mesh;
    struct maker maker = {.arena = mesh->arena, .origin = view_origin(listener)};
    struct node *made = make_map(&maker);
    struct node *selector = make_put_map(&maker, made, STR("selector"));
    struct node *servers = make_put_list(&maker, made, STR("servers"));
    struct node *server = make_push(&maker, servers, make_map(&maker));
    struct node *port = make_put_map(&maker, server, STR("port"));
    struct node *hosts = make_put_list(&maker, server, STR("hosts"));
    struct object_meta meta = gateway->owner->meta;
    struct str name = parent->internal_name;

    make_put_text(&maker, selector, API_GATEWAY_LABEL, gateway->entrance->meta.name);
    (void)make_put(&maker, port, STR("number"), make_whole(&maker, parent->port));
    make_put_text(&maker, port, STR("protocol"), parent->protocol);
    make_put_text(&maker, port, STR("name"), STR("default"));
    for (uint32_t i = 0; i < parent->hosts.count; i++)
        (void)make_push(&maker, hosts, make_text(&maker, parent->hosts.items[i]));
    if (!api_tls_convert(gateway, &maker, listener, server, parent->port))
        return;
    (void)str_cut(&name, '/');
    meta.name = name;
    meta.origin = maker.origin;
    struct gateway *added = entrance_add_gateway(mesh, &meta, made);
    added->services = gateway->services;
    added->services_namespace = gateway->entrance->meta.namespace;
    added->is_of_api = true;
    added->is_managed = gateway->is_managed;
    added->written_namespace = gateway->entrance->meta.namespace;
    added->written_name = gateway->entrance->meta.name;
}

static const struct field_row LISTENER_ROWS[] = {
    {"name", FIELD_USED},     {"hostname", FIELD_USED}, {"port", FIELD_USED},
    {"protocol", FIELD_USED}, {"tls", FIELD_USED},      {"allowedRoutes", FIELD_USED}};

static void convert_listener(const struct api_gateway *gateway, const struct view *listener)
{
    struct gateway_api *api = gateway->api;
    const struct object_meta *meta = &gateway->owner->meta;
    struct view tls = view_map(listener, STR("tls"));
    bool is_terminating = str_eq(view_str(&tls, STR("mode"), STR("Terminate")), STR("Terminate"));
    struct api_parent parent = {
        .kind = gateway->owner->kind,
        .namespace = meta->namespace,
        .name = meta->name,
        .gateway = gateway->entrance,
        .section = label_text_field(listener, STR("name"), STR_EMPTY),
        .hostname = label_text_field(listener, STR("hostname"), STR_EMPTY),
        .protocol = view_str(listener, STR("protocol"), STR_EMPTY),
        .port = (uint32_t)view_i64(listener, STR("port"), 0, 65535, 0),
    };

    view_check_fields(listener, LISTENER_ROWS, COUNT_OF(LISTENER_ROWS));
    parent.internal_name =
        arena_format(api->mesh->arena, "%.*s/%.*s~" API_NAME_MIDDLE "~%.*s",
                     STR_FMT(meta->namespace), STR_FMT(meta->name), STR_FMT(parent.section));
    if (!is_known_protocol(parent.protocol)) {
        view_complain(listener, DIAG_API_PROTOCOL, parent.protocol, STR_EMPTY);
        return;
    }
    if (is_taken(gateway, &parent)) {
        view_complain(listener, DIAG_API_LISTENER_CONFLICT, parent.section, STR_EMPTY);
        return;
    }
    if (!view_is_present(&tls) && is_tls(parent.protocol)) {
        view_complain(listener, DIAG_API_TLS_MISSING, parent.protocol, STR_EMPTY);
        return;
    }
    parent.hosts = hosts_of(gateway, listener, parent.hostname);
    parent.allowed = allowed_kinds(
        listener, supported_kinds(parent.protocol, view_is_present(&tls) && is_terminating));
    *ARENA_PUSH(api->mesh->arena, api->parents, api->parent_count, api->parent_capacity) = parent;
    add_istio_gateway(gateway, &parent, listener);
}

static const struct field_row GATEWAY_ROWS[] = {
    {"gatewayClassName", FIELD_USED},  {"listeners", FIELD_USED},        {"addresses", FIELD_USED},
    {"infrastructure", FIELD_IGNORED}, {"allowedListeners", FIELD_USED}, {"tls", FIELD_USED},
    {"defaultScope", FIELD_NO_EFFECT}};

static const struct field_row SET_ROWS[] = {{"parentRef", FIELD_USED}, {"listeners", FIELD_USED}};

/* Their listeners stand behind the Gateway's own. */
static void convert_sets(struct api_gateway *gateway)
{
    struct api_set_list sets = api_listener_sets_of(gateway);

    for (uint32_t i = 0; i < sets.count; i++) {
        struct entrance_view view;
        struct view *spec = &entrance_view_init(sets.items[i], &view)->spec;
        struct view listeners = view_list(spec, STR("listeners"));
        view_check_fields(spec, SET_ROWS, COUNT_OF(SET_ROWS));
        gateway->owner = sets.items[i];
        for (uint32_t k = 0; k < view_count(&listeners); k++) {
            struct view listener = view_item(&listeners, k);
            convert_listener(gateway, &listener);
        }
    }
}

static void convert_gateway(struct gateway_api *api, const struct entrance *entrance)
{
    struct api_gateway gateway = {.api = api, .entrance = entrance, .owner = entrance};
    struct view *spec = &entrance_view_init(entrance, &gateway.view)->spec;
    struct str class = view_str(spec, STR("gatewayClassName"), STR_EMPTY);
    struct view listeners = view_list(spec, STR("listeners"));

    view_check_fields(spec, GATEWAY_ROWS, COUNT_OF(GATEWAY_ROWS));
    if (!str_eq(controller_of(api->mesh, class), CONTROLLER)) {
        view_complain(&gateway.view.root, DIAG_API_CLASS, class, STR_EMPTY);
        return;
    }
    api_services_find(&gateway);
    for (uint32_t i = 0; i < view_count(&listeners) && gateway.services.count > 0; i++) {
        struct view listener = view_item(&listeners, i);
        convert_listener(&gateway, &listener);
    }
    if (gateway.services.count > 0)
        convert_sets(&gateway);
}

void api_listeners_convert(struct gateway_api *api)
{
    struct mesh *mesh = api->mesh;

    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        if (mesh->entrances[i].kind == ENTRANCE_API_GATEWAY)
            convert_gateway(api, &mesh->entrances[i]);
    }
    api_listener_sets_check(api);
}
