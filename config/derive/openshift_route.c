/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/openshift_route.c - OpenShift's Route: what its router does,
 * as Gateways and VirtualServices of a gateway of its own.
 *
 * istiod does not read Routes; the cluster's router is one more proxy in front. Here it
 * is a gateway with the router's label: a plain port and one of TLS. Source: ISTIO.md 8.4.
 */
#include "config/derive/gateway_api.h"
#include "config/derive/openshift_backend.h"

#include "config/resource/host.h"

#define ROUTER_NAMESPACE STR("openshift-ingress")
#define ROUTER_LABEL STR("ingresscontroller.operator.openshift.io/deployment-ingresscontroller")
#define ROUTER_NAME "router-default"
#define ANNOTATIONS "haproxy.router.openshift.io/"
#define TIMEOUT "30s" /* the router's own, where nothing is said */

enum termination {
    TERMINATION_NONE,
    TERMINATION_EDGE,
    TERMINATION_PASSTHROUGH,
    TERMINATION_REENCRYPT
};
enum insecure { INSECURE_NONE, INSECURE_ALLOW, INSECURE_REDIRECT };

/* A Route that is admitted. */
struct admitted {
    const struct entrance *entrance;
    struct entrance_view view;
    struct str host; /* as VirtualServices write it: *.x for a wildcard */
    struct str path; /* "/" where none is said */
    enum termination termination;
    enum insecure insecure;
};

struct router {
    struct mesh *mesh;
    struct admitted **items;
    uint32_t count, capacity;
    struct map claims; /* "host path" and "host" -> index of who has it */
    struct openshift_backends backends;
};

static const struct field_row SPEC_ROWS[] = {{"host", FIELD_USED},
                                             {"path", FIELD_USED},
                                             {"to", FIELD_USED},
                                             {"alternateBackends", FIELD_USED},
                                             {"port", FIELD_USED},
                                             {"tls", FIELD_USED},
                                             {"wildcardPolicy", FIELD_USED},
                                             {"subdomain", FIELD_NO_EFFECT},
                                             {"httpHeaders", FIELD_NO_EFFECT}};
static const struct field_row TLS_ROWS[] = {{"termination", FIELD_USED},
                                            {"insecureEdgeTerminationPolicy", FIELD_USED},
                                            {"certificate", FIELD_USED},
                                            {"key", FIELD_USED},
                                            {"caCertificate", FIELD_USED},
                                            {"externalCertificate", FIELD_USED},
                                            {"destinationCACertificate", FIELD_USED}};

static struct str annotation(const struct object_meta *meta, const char *name)
{
    for (uint32_t i = 0; i < meta->annotation_count; i++) {
        const struct label *label = &meta->annotations[i];
        if (str_has_prefix(label->name, STR(ANNOTATIONS)) &&
            str_eq(str_from(label->name, sizeof(ANNOTATIONS) - 1), str_of(name)))
            return label->value;
    }
    return STR_EMPTY;
}

/* The host of the Route, or the one that a cluster gave it. */
static struct str host_of(const struct admitted *route)
{
    struct str host = label_text_field(&route->view.spec, STR("host"), STR_EMPTY);

    if (host.len > 0)
        return host;
    struct view status = view_map(&route->view.root, STR("status"));
    struct view ingress = view_list(&status, STR("ingress"));
    if (view_count(&ingress) == 0)
        return STR_EMPTY;
    struct view first = view_item(&ingress, 0);
    return label_text_field(&first, STR("host"), STR_EMPTY);
}

static void read_tls(struct admitted *route)
{
    static const char *const TERMINATIONS[] = {"edge", "passthrough", "reencrypt", NULL};
    static const char *const POLICIES[] = {"None", "Allow", "Redirect", NULL};
    struct view tls = view_map(&route->view.spec, STR("tls"));

    if (!view_is_present(&tls))
        return;
    view_check_fields(&tls, TLS_ROWS, COUNT_OF(TLS_ROWS));
    route->termination =
        (enum termination)(view_choice(&tls, STR("termination"), TERMINATIONS, 0) + 1);
    route->insecure =
        (enum insecure)view_choice(&tls, STR("insecureEdgeTerminationPolicy"), POLICIES, 0);
    if (route->termination == TERMINATION_PASSTHROUGH && route->insecure == INSECURE_ALLOW)
        route->insecure = INSECURE_NONE;
}

/* False: an older Route has the host (of another namespace) or host and path. */
static bool claim(struct router *router, const struct admitted *route)
{
    struct arena *arena = router->mesh->arena;
    struct str place = arena_format(arena, "%.*s %.*s", STR_FMT(route->host), STR_FMT(route->path));
    uint32_t owner = map_get(&router->claims, route->host);
    uint32_t same = map_get(&router->claims, place);
    struct str own = route->entrance->meta.namespace;

    if (owner != MAP_NONE && !str_eq(router->items[owner]->entrance->meta.namespace, own))
        same = owner;
    if (same != MAP_NONE) {
        const struct object_meta *other = &router->items[same]->entrance->meta;
        view_complain(
            &route->view.root, DIAG_ROUTE_CLAIMED,
            arena_format(arena, "%.*s/%.*s", STR_FMT(other->namespace), STR_FMT(other->name)),
            route->host);
        return false;
    }
    (void)map_set(&router->claims, place, router->count);
    if (owner == MAP_NONE)
        (void)map_set(&router->claims, route->host, router->count);
    return true;
}

static void admit(struct router *router, const struct entrance *entrance)
{
    static const char *const POLICIES[] = {"None", "Subdomain", NULL};
    struct arena *arena = router->mesh->arena;
    struct admitted *route = ARENA_NEW(arena, struct admitted);

    route->entrance = entrance;
    struct view *spec = &entrance_view_init(entrance, &route->view)->spec;
    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    route->host = host_of(route);
    if (route->host.len == 0) {
        view_complain(spec, DIAG_ROUTE_NO_HOST, STR_EMPTY, STR_EMPTY);
        return;
    }
    size_t dot = str_find(route->host, '.');
    if (view_choice(spec, STR("wildcardPolicy"), POLICIES, 0) == 1 && dot != STR_NONE)
        route->host = arena_concat(arena, STR("*"), str_from(route->host, dot));
    route->path = view_str(spec, STR("path"), STR("/"));
    read_tls(route);
    if (claim(router, route))
        *ARENA_PUSH(arena, router->items, router->count, router->capacity) = route;
}

/* The Service's port whose target the Route means; 0: not to be found. */
static uint32_t service_port(const struct admitted *route, const struct service *service)
{
    struct view port = view_map(&route->view.spec, STR("port"));
    struct view target = view_field(&port, STR("targetPort"));

    if (service == NULL || service->port_count == 0)
        return 0;
    if (!view_is_present(&target))
        return service->ports[0].port;
    bool is_number = target.node->kind == NODE_INT;
    for (uint32_t i = 0; i < service->port_count; i++) {
        const struct service_port *candidate = &service->ports[i];
        bool is_meant = is_number ? candidate->target_port == (uint64_t)target.node->integer ||
                                        (candidate->target_port == 0 &&
                                         candidate->port == (uint64_t)target.node->integer)
                                  : str_eq(candidate->name, target.node->text) ||
                                        str_eq(candidate->target_port_name, target.node->text);
        if (is_meant)
            return candidate->port;
    }
    return 0;
}

/* Adds a weighted destination; nothing when its weight is 0. */
static void add_backend(struct router *router, const struct admitted *route,
                        const struct view *backend, struct node *list)
{
    struct mesh *mesh = router->mesh;
    struct maker maker = {.arena = mesh->arena, .origin = view_origin(backend)};
    struct str namespace = route->entrance->meta.namespace;
    struct str name = label_text_field(backend, STR("name"), STR_EMPTY);
    int64_t weight = view_i64(backend, STR("weight"), 0, 256, 100);
    const struct service *service = mesh_service_find(mesh, namespace, name);
    uint32_t port = service_port(route, service);

    if (port == 0)
        view_complain(backend, service == NULL ? DIAG_ROUTE_NO_SERVICE : DIAG_ROUTE_NO_PORT, name,
                      STR_EMPTY);
    if (weight == 0)
        return;
    struct node *item = make_push(&maker, list, make_map(&maker));
    struct node *destination = make_put_map(&maker, item, STR("destination"));
    make_put_text(&maker, destination, STR("host"), host_of_service(name, namespace, mesh->arena));
    bool is_plain = route->termination != TERMINATION_REENCRYPT;
    struct str subset = openshift_backend_note(&router->backends, namespace, name,
                                               is_plain ? STR_EMPTY : route->entrance->meta.name);
    if (subset.len > 0)
        make_put_text(&maker, destination, STR("subset"), subset);
    if (port != 0) {
        struct node *number = make_put_map(&maker, destination, STR("port"));
        (void)make_put(&maker, number, STR("number"), make_whole(&maker, port));
    }
    (void)make_put(&maker, item, STR("weight"), make_whole(&maker, weight));
}

static struct node *backends_of(struct router *router, const struct admitted *route)
{
    struct maker maker = {.arena = router->mesh->arena, .origin = route->entrance->meta.origin};
    struct view to = view_map(&route->view.spec, STR("to"));
    struct view others = view_list(&route->view.spec, STR("alternateBackends"));
    struct node *list = make_list(&maker);

    if (view_is_present(&to))
        add_backend(router, route, &to, list);
    for (uint32_t i = 0; i < view_count(&others); i++) {
        struct view other = view_item(&others, i);
        add_backend(router, route, &other, list);
    }
    return list;
}

static void put_unavailable(const struct maker *maker, struct node *rule)
{
    struct node *direct = make_put_map(maker, rule, STR("directResponse"));

    (void)make_put(maker, direct, STR("status"), make_whole(maker, 503));
}

static void put_match(const struct maker *maker, const struct admitted *route, struct node *rule)
{
    struct node *list = make_put_list(maker, rule, STR("match"));
    struct node *match = make_push(maker, list, make_map(maker));
    struct node *uri = make_put_map(maker, match, STR("uri"));

    make_put_text(maker, uri, STR("prefix"), route->path);
}

/* What the router tells the application about the request. */
static void put_headers(const struct maker *maker, bool is_secure, struct node *rule)
{
    struct node *headers = make_put_map(maker, rule, STR("headers"));
    struct node *request = make_put_map(maker, headers, STR("request"));
    struct node *set = make_put_map(maker, request, STR("set"));

    make_put_text(maker, set, STR("x-forwarded-host"), STR("%REQ(:AUTHORITY)%"));
    make_put_text(maker, set, STR("x-forwarded-port"), is_secure ? STR("443") : STR("80"));
}

/* rewrite-target takes the place of the Route's path. */
static void put_rewrite(const struct maker *maker, const struct admitted *route, struct node *rule)
{
    struct str target = annotation(&route->entrance->meta, "rewrite-target");
    struct str path = str_eq(route->path, STR("/")) ? STR_EMPTY : route->path;

    if (target.len == 0)
        return;
    struct node *rewrite = make_put_map(maker, rule, STR("rewrite"));
    struct node *regex = make_put_map(maker, rewrite, STR("uriRegexRewrite"));
    bool is_root = str_eq(target, STR("/"));
    make_put_text(maker, regex, STR("match"),
                  arena_format(maker->arena, is_root ? "^\\Q%.*s\\E/?(.*)$" : "^\\Q%.*s\\E(.*)$",
                               STR_FMT(path)));
    make_put_text(maker, regex, STR("rewrite"), arena_concat(maker->arena, target, STR("\\1")));
}

static void put_timeout(const struct maker *maker, const struct admitted *route, struct node *rule)
{
    struct str said = annotation(&route->entrance->meta, "timeout");

    make_put_text(maker, rule, STR("timeout"), said.len > 0 ? said : STR(TIMEOUT));
}

static void add_rule(struct router *router, const struct admitted *route, bool is_secure,
                     struct node *rules, struct text_list *paths)
{
    struct maker maker = {.arena = router->mesh->arena, .origin = route->entrance->meta.origin};
    struct node *rule = make_push(&maker, rules, make_map(&maker));
    bool is_hidden =
        !is_secure && route->termination != TERMINATION_NONE && route->insecure == INSECURE_NONE;

    text_list_add(paths, STR("spec"), maker.arena);
    put_match(&maker, route, rule);
    if (!is_secure && route->insecure == INSECURE_REDIRECT) {
        struct node *redirect = make_put_map(&maker, rule, STR("redirect"));
        make_put_text(&maker, redirect, STR("scheme"), STR("https"));
        (void)make_put(&maker, redirect, STR("redirectCode"), make_whole(&maker, 302));
        return;
    }
    struct node *backends = is_hidden ? NULL : backends_of(router, route);
    if (is_hidden || backends->count == 0) {
        put_unavailable(&maker, rule);
        return;
    }
    put_headers(&maker, is_secure, rule);
    put_rewrite(&maker, route, rule);
    put_timeout(&maker, route, rule);
    (void)make_put(&maker, rule, STR("route"), backends);
}

/* Longer paths first; the same length as admitted. */
static void sort_rules(struct virtual_service *service)
{
    for (uint32_t i = 1; i < service->rule_count; i++) {
        struct http_rule moving = service->rules[i];
        uint32_t place = i;
        for (; place > 0 &&
               service->rules[place - 1].matches[0].uri.value.len < moving.matches[0].uri.value.len;
             place--)
            service->rules[place] = service->rules[place - 1];
        service->rules[place] = moving;
    }
}

static struct str gateway_name(bool is_secure)
{
    return is_secure ? STR(ROUTER_NAME "-https") : STR(ROUTER_NAME "-http");
}

static struct node *service_node(const struct maker *maker, struct str host, bool is_secure)
{
    struct node *made = make_map(maker);
    struct node *hosts = make_put_list(maker, made, STR("hosts"));
    struct node *gateways = make_put_list(maker, made, STR("gateways"));

    (void)make_push(maker, hosts, make_text(maker, host));
    (void)make_push(
        maker, gateways,
        make_text(maker, arena_format(maker->arena, "%.*s/%.*s", STR_FMT(ROUTER_NAMESPACE),
                                      STR_FMT(gateway_name(is_secure)))));
    return made;
}

/* One VirtualService for a host and a port of the router. */
static void convert_host(struct router *router, uint32_t first, bool is_secure)
{
    struct mesh *mesh = router->mesh;
    const struct admitted *route = router->items[first];
    struct object_meta meta = route->entrance->meta;
    struct maker maker = {.arena = mesh->arena, .origin = meta.origin};
    struct node *rules = make_list(&maker);
    struct text_list paths = {0};

    for (uint32_t i = first; i < router->count; i++) {
        const struct admitted *other = router->items[i];
        bool is_http = !is_secure || other->termination == TERMINATION_EDGE ||
                       other->termination == TERMINATION_REENCRYPT;
        if (is_http && str_eq(other->host, route->host))
            add_rule(router, other, is_secure, rules, &paths);
    }
    if (rules->count == 0)
        return;
    struct node *made = service_node(&maker, route->host, is_secure);
    (void)make_put(&maker, made, STR("http"), rules);
    meta.name = arena_format(mesh->arena, "%.*s~openshift-route~%s", STR_FMT(meta.name),
                             is_secure ? "https" : "http");
    struct virtual_service *added = entrance_add_virtual_service(mesh, &meta, made);
    added->semantics = SEMANTICS_INGRESS;
    for (uint32_t i = 0; i < added->rule_count; i++)
        entrance_set_path(&added->rules[i], paths.items[i]);
    sort_rules(added);
}

static void convert_passthrough(struct router *router, const struct admitted *route)
{
    struct mesh *mesh = router->mesh;
    struct object_meta meta = route->entrance->meta;
    struct maker maker = {.arena = mesh->arena, .origin = meta.origin};
    struct node *made = service_node(&maker, route->host, true);
    struct node *list = make_put_list(&maker, made, STR("tls"));
    struct node *rule = make_push(&maker, list, make_map(&maker));
    struct node *matches = make_put_list(&maker, rule, STR("match"));
    struct node *match = make_push(&maker, matches, make_map(&maker));
    struct node *names = make_put_list(&maker, match, STR("sniHosts"));
    struct node *backends = backends_of(router, route);

    if (backends->count == 0)
        return;
    (void)make_push(&maker, names, make_text(&maker, route->host));
    (void)make_put(&maker, rule, STR("route"), backends);
    meta.name = arena_format(mesh->arena, "%.*s~openshift-route~tls", STR_FMT(meta.name));
    (void)entrance_add_virtual_service(mesh, &meta, made);
}

static struct node *add_server(const struct maker *maker, struct node *servers, uint32_t number,
                               struct str protocol, struct str host)
{
    struct node *server = make_push(maker, servers, make_map(maker));
    struct node *port = make_put_map(maker, server, STR("port"));
    struct node *hosts = make_put_list(maker, server, STR("hosts"));

    (void)make_put(maker, port, STR("number"), make_whole(maker, number));
    make_put_text(maker, port, STR("protocol"), protocol);
    make_put_text(maker, port, STR("name"),
                  arena_format(maker->arena, "%.*s-%u", STR_FMT(protocol), servers->count));
    (void)make_push(maker, hosts, make_text(maker, host));
    return server;
}

static void add_tls_server(const struct router *router, const struct admitted *route,
                           struct node *servers)
{
    struct maker maker = {.arena = router->mesh->arena, .origin = route->entrance->meta.origin};
    const struct object_meta *meta = &route->entrance->meta;
    bool is_passthrough = route->termination == TERMINATION_PASSTHROUGH;
    struct node *server =
        add_server(&maker, servers, 443, is_passthrough ? STR("TLS") : STR("HTTPS"), route->host);
    struct node *tls = make_put_map(&maker, server, STR("tls"));

    make_put_text(&maker, tls, STR("mode"), is_passthrough ? STR("PASSTHROUGH") : STR("SIMPLE"));
    if (!is_passthrough)
        make_put_text(&maker, tls, STR("credentialName"),
                      arena_format(maker.arena, "route-%.*s-%.*s", STR_FMT(meta->namespace),
                                   STR_FMT(meta->name)));
}

static void add_gateway(struct router *router, bool is_secure, struct node *servers)
{
    struct mesh *mesh = router->mesh;
    const struct entrance *first = router->items[0]->entrance;
    struct maker maker = {.arena = mesh->arena, .origin = first->meta.origin};
    struct node *made = make_map(&maker);
    struct node *selector = make_put_map(&maker, made, STR("selector"));
    struct object_meta meta = {.name = gateway_name(is_secure),
                               .namespace = ROUTER_NAMESPACE,
                               .origin = first->meta.origin};

    make_put_text(&maker, selector, ROUTER_LABEL, STR("default"));
    (void)make_put(&maker, made, STR("servers"), servers);
    struct gateway *added = entrance_add_gateway(mesh, &meta, made);
    added->written_name = STR(ROUTER_NAME);
    added->written_namespace = ROUTER_NAMESPACE;
}

/* Nobody's host: 503, as the router answers it (its page is not there). */
static void add_otherwise(struct router *router)
{
    struct mesh *mesh = router->mesh;
    struct maker maker = {.arena = mesh->arena, .origin = router->items[0]->entrance->meta.origin};
    struct node *made = service_node(&maker, STR("*"), false);
    struct node *rules = make_put_list(&maker, made, STR("http"));
    struct object_meta meta = {.name = STR(ROUTER_NAME "-otherwise"),
                               .namespace = ROUTER_NAMESPACE,
                               .origin = maker.origin};

    put_unavailable(&maker, make_push(&maker, rules, make_map(&maker)));
    (void)entrance_add_virtual_service(mesh, &meta, made);
}

static bool is_first_of_host(const struct router *router, uint32_t index, bool is_secure)
{
    for (uint32_t i = 0; i < index; i++) {
        bool is_there = !is_secure || router->items[i]->termination != TERMINATION_NONE;
        if (is_there && str_eq(router->items[i]->host, router->items[index]->host))
            return false;
    }
    return true;
}

static void convert(struct router *router)
{
    struct maker maker = {.arena = router->mesh->arena,
                          .origin = router->items[0]->entrance->meta.origin};
    struct node *plain = make_list(&maker), *secure = make_list(&maker);

    (void)add_server(&maker, plain, 80, STR("HTTP"), STR("*"));
    for (uint32_t i = 0; i < router->count; i++) {
        const struct admitted *route = router->items[i];
        if (is_first_of_host(router, i, false))
            convert_host(router, i, false);
        if (route->termination == TERMINATION_NONE || !is_first_of_host(router, i, true))
            continue;
        add_tls_server(router, route, secure);
        if (route->termination == TERMINATION_PASSTHROUGH)
            convert_passthrough(router, route);
        else
            convert_host(router, i, true);
    }
    add_otherwise(router);
    openshift_backends_convert(&router->backends, ROUTER_NAMESPACE, maker.origin);
    add_gateway(router, false, plain);
    if (secure->count > 0)
        add_gateway(router, true, secure);
}

void openshift_routes_convert(struct mesh *mesh)
{
    struct router router = {.mesh = mesh, .backends = {.mesh = mesh}};

    map_init(&router.claims, mesh->arena);
    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        if (mesh->entrances[i].kind == ENTRANCE_OPENSHIFT_ROUTE)
            admit(&router, &mesh->entrances[i]);
    }
    if (router.count > 0)
        convert(&router);
}
