/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_backend.c - where a route of the Gateway API leads, and
 * whether it may.
 */
#include "config/derive/gateway_api.h"

#include "config/resource/host.h"

static const struct field_row REFERENCE_ROWS[] = {{"group", FIELD_USED},  {"kind", FIELD_USED},
                                                  {"name", FIELD_USED},   {"namespace", FIELD_USED},
                                                  {"port", FIELD_USED},   {"weight", FIELD_USED},
                                                  {"filters", FIELD_USED}};

static bool list_grants(const struct view *list, struct str kind, struct str group,
                        struct str field, struct str wanted)
{
    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        struct str said = label_text_field(&item, field, STR_EMPTY);
        bool is_any = str_eq(field, STR("name")) && said.len == 0;
        if (str_eq(view_str(&item, STR("kind"), STR_EMPTY), kind) &&
            str_eq(view_str(&item, STR("group"), STR_EMPTY), group) &&
            (is_any || str_eq(said, wanted)))
            return true;
    }
    return false;
}

bool api_is_granted(const struct mesh *mesh, struct str kind, struct str from, struct str to_kind,
                    struct str to_namespace, struct str to_name)
{
    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        const struct entrance *grant = &mesh->entrances[i];
        struct entrance_view view;
        if (grant->kind != ENTRANCE_REFERENCE_GRANT || !str_eq(grant->meta.namespace, to_namespace))
            continue;
        struct view *spec = &entrance_view_init(grant, &view)->spec;
        struct view sources = view_list(spec, STR("from"));
        struct view targets = view_list(spec, STR("to"));
        if (list_grants(&sources, kind, API_GROUP, STR("namespace"), from) &&
            list_grants(&targets, to_kind, STR_EMPTY, STR("name"), to_name))
            return true;
    }
    return false;
}

struct str api_kind_name(enum entrance_kind kind)
{
    switch (kind) {
    case ENTRANCE_HTTP_ROUTE:
        return STR("HTTPRoute");
    case ENTRANCE_GRPC_ROUTE:
        return STR("GRPCRoute");
    case ENTRANCE_TCP_ROUTE:
        return STR("TCPRoute");
    case ENTRANCE_TLS_ROUTE:
        return STR("TLSRoute");
    case ENTRANCE_API_GATEWAY:
        return STR("Gateway");
    case ENTRANCE_LISTENER_SET:
        return STR("ListenerSet");
    case ENTRANCE_INGRESS:
    case ENTRANCE_INGRESS_CLASS:
    case ENTRANCE_GATEWAY_CLASS:
    case ENTRANCE_REFERENCE_GRANT:
    case ENTRANCE_OPENSHIFT_ROUTE:
    case ENTRANCE_SECRET:
    case ENTRANCE_BACKEND_TLS_POLICY:
    case ENTRANCE_CONFIG_MAP:
        break;
    }
    UNREACHABLE("entrance_kind of a route");
}

/* What a reference means, before anything is made of it. */
struct backend {
    struct str group, kind, name, namespace;
    bool has_namespace;
    int64_t port; /* 0: not said */
};

static struct backend read_backend(const struct api_route *route, const struct view *view)
{
    struct view namespace = view_field(view, STR("namespace"));

    view_check_fields(view, REFERENCE_ROWS, COUNT_OF(REFERENCE_ROWS));
    return (struct backend){
        .group = view_str(view, STR("group"), STR_EMPTY),
        .kind = view_str(view, STR("kind"), STR("Service")),
        .name = label_text_field(view, STR("name"), STR_EMPTY),
        .namespace = label_text_field(view, STR("namespace"), route->entrance->meta.namespace),
        .has_namespace = view_is_present(&namespace),
        .port = view_i64(view, STR("port"), 0, 65535, 0),
    };
}

static struct node *destination_node(const struct api_route *route, const struct view *view,
                                     struct str host, int64_t port)
{
    struct maker maker = {.arena = route->api->mesh->arena, .origin = view_origin(view)};
    struct node *out = make_map(&maker);

    (void)make_put(&maker, out, STR("host"), make_text(&maker, host));
    if (port != 0) {
        struct node *node = make_put_map(&maker, out, STR("port"));
        (void)make_put(&maker, node, STR("number"), make_whole(&maker, port));
    }
    return out;
}

/* Empty: of a kind that istiod does not know. */
static struct str host_of(const struct api_route *route, const struct view *view,
                          const struct backend *backend)
{
    struct mesh *mesh = route->api->mesh;
    bool is_service = backend->group.len == 0 && str_eq(backend->kind, STR("Service"));
    bool is_import = str_eq(backend->group, STR("multicluster.x-k8s.io")) &&
                     str_eq(backend->kind, STR("ServiceImport"));

    if (is_service || is_import) {
        struct str host = host_of_service(backend->name, backend->namespace, mesh->arena);
        if (mesh_service_find(mesh, backend->namespace, backend->name) == NULL)
            view_complain(view, DIAG_API_BACKEND_MISSING, host, STR_EMPTY);
        return host;
    }
    if (str_eq(backend->group, STR("networking.istio.io")) &&
        str_eq(backend->kind, STR("Hostname")))
        return backend->name;
    view_complain(view, DIAG_API_BACKEND_KIND, backend->kind, STR_EMPTY);
    return STR_EMPTY;
}

struct node *api_destination(const struct api_route *route, const struct view *view)
{
    const struct mesh *mesh = route->api->mesh;
    struct str own = route->entrance->meta.namespace;
    struct backend backend = read_backend(route, view);
    bool is_hostname = str_eq(backend.kind, STR("Hostname"));

    if (!route->is_in_mesh && backend.has_namespace && !str_eq(backend.namespace, own) &&
        !api_is_granted(mesh, api_kind_name(route->entrance->kind), own, backend.kind,
                        backend.namespace, backend.name)) {
        view_complain(view, DIAG_API_NOT_GRANTED,
                      arena_format(mesh->arena, "%.*s/%.*s", STR_FMT(backend.namespace),
                                   STR_FMT(backend.name)),
                      own);
        return destination_node(route, view, STR_EMPTY, 0);
    }
    if (!is_hostname && str_find(backend.name, '.') != STR_NONE) {
        view_complain(view, DIAG_API_BACKEND_HOST, backend.name, STR_EMPTY);
        return NULL;
    }
    if (is_hostname && backend.has_namespace) {
        view_complain(view, DIAG_API_BACKEND_HOSTNAME, STR_EMPTY, STR_EMPTY);
        return NULL;
    }
    struct str host = host_of(route, view, &backend);
    if (host.len == 0)
        return destination_node(route, view, STR_EMPTY, 0);
    if (backend.port == 0) {
        view_complain(view, DIAG_API_BACKEND_PORT, STR_EMPTY, STR_EMPTY);
        return NULL;
    }
    return destination_node(route, view, host, backend.port);
}

static int64_t weight_of(const struct view *backend)
{
    return view_i64(backend, STR("weight"), 0, 1000000, 1);
}

static uint32_t weighted_count(const struct view *backends)
{
    uint32_t out = 0;

    for (uint32_t i = 0; i < view_count(backends); i++) {
        struct view backend = view_item(backends, i);
        out += weight_of(&backend) > 0;
    }
    return out;
}

struct node *api_destinations(const struct api_route *route, const struct view *backends,
                              bool *is_fine)
{
    struct maker maker = {.arena = route->api->mesh->arena, .origin = view_origin(backends)};
    uint32_t count = weighted_count(backends);
    struct node *out = make_list(&maker);

    *is_fine = true;
    if (count == 0)
        return NULL;
    for (uint32_t i = 0; i < view_count(backends); i++) {
        struct view backend = view_item(backends, i);
        struct view filters = view_list(&backend, STR("filters"));
        if (weight_of(&backend) == 0)
            continue;
        struct node *destination = api_destination(route, &backend);
        maker.origin = view_origin(&backend);
        struct node *item = make_push(&maker, out, make_map(&maker));
        *is_fine = destination != NULL && api_backend_filters_convert(&filters, item);
        if (!*is_fine)
            return NULL;
        (void)make_put(&maker, item, STR("destination"), destination);
        (void)make_put(&maker, item, STR("weight"),
                       make_whole(&maker, count == 1 ? 0 : weight_of(&backend)));
    }
    return out;
}
