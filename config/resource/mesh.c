/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/mesh.c - which kinds there are, and how a document becomes
 * an object of the mesh.
 *
 * Source of kinds and versions: ISTIO.md 1.1.
 */
#include "config/resource/mesh.h"

#include "config/resource/mesh_types.h"
#include "config/resource/meta.h"

#define LIST_DEPTH_MAX 4u /* a List of Lists is legal, and nobody's habit */

/* What is asked of an object's reader. */
struct arriving {
    struct mesh *mesh;
    struct view root, spec;
    struct object_meta meta;
    struct str kind;
};

struct kind_row {
    struct str group; /* empty: core */
    struct str kind;
    const char *const *versions;             /* NULL: any */
    void (*read)(struct arriving *arriving); /* NULL: has no effect yet */
};

static const char *const ISTIO_VERSIONS[] = {"v1", "v1beta1", "v1alpha3", NULL};
static const char *const API_VERSIONS[] = {"v1", "v1beta1", NULL};
static const char *const V1[] = {"v1", NULL};

/* Remembers the newcomer's place; an earlier object of its name is replaced. */
static uint32_t claim(struct arriving *arriving, uint32_t index)
{
    struct mesh *mesh = arriving->mesh;
    struct str key = arena_format(mesh->arena, "%.*s %.*s/%.*s", STR_FMT(arriving->kind),
                                  STR_FMT(arriving->meta.namespace), STR_FMT(arriving->meta.name));

    return map_set(&mesh->object_index, key, index);
}

#define ADD(arriving, list)                                                                      \
    (ARENA_PUSH((arriving)->mesh->arena, (arriving)->mesh->list, (arriving)->mesh->list##_count, \
                (arriving)->mesh->list##_capacity))

#define REPLACE(arriving, list)                                                    \
    do {                                                                           \
        uint32_t earlier_ = claim((arriving), (arriving)->mesh->list##_count - 1); \
        if (earlier_ != MAP_NONE)                                                  \
            (arriving)->mesh->list[earlier_].meta.is_replaced = true;              \
    } while (0)

/* An annotation's value. istiod notes so what it makes of other kinds, and reads
 * it of objects of users, too. */
static struct str noted(const struct object_meta *meta, struct str name)
{
    const struct str *value = label_find(meta->annotations, meta->annotation_count, name);

    return value != NULL ? *value : STR_EMPTY;
}

static void add_virtual_service(struct arriving *arriving)
{
    struct virtual_service *added = ADD(arriving, virtual_services);

    added->meta = arriving->meta;
    virtual_service_read(&arriving->spec, added);
    if (str_eq(noted(&added->meta, STR("internal.istio.io/route-semantics")), STR("gateway")))
        added->semantics = SEMANTICS_GATEWAY_API;
    added->is_of_tls_route =
        str_has_prefix(noted(&added->meta, STR("internal.istio.io/parents")), STR("TLSRoute/"));
    REPLACE(arriving, virtual_services);
}

static void add_destination_rule(struct arriving *arriving)
{
    struct destination_rule *added = ADD(arriving, destination_rules);

    added->meta = arriving->meta;
    destination_rule_read(&arriving->spec, added);
    REPLACE(arriving, destination_rules);
}

static void add_gateway(struct arriving *arriving)
{
    struct gateway *added = ADD(arriving, gateways);

    added->meta = arriving->meta;
    gateway_read(&arriving->spec, added);
    struct str services = noted(&added->meta, STR("internal.istio.io/gateway-service"));
    while (services.len > 0)
        text_list_add(&added->services, str_cut(&services, ','), arriving->mesh->arena);
    added->services_namespace = noted(&added->meta, STR("internal.istio.io/parent-namespace"));
    if (added->services_namespace.len == 0)
        added->services_namespace = added->meta.namespace;
    added->is_of_api =
        str_eq(noted(&added->meta, STR("internal.istio.io/gateway-semantics")), STR("gateway"));
    added->is_managed = noted(&added->meta, STR("internal.istio.io/service-account-name")).len > 0;
    REPLACE(arriving, gateways);
}

static void add_peer_authentication(struct arriving *arriving)
{
    struct peer_authentication *added = ADD(arriving, peer_authentications);

    added->meta = arriving->meta;
    peer_authentication_read(&arriving->spec, added);
    REPLACE(arriving, peer_authentications);
}

/* Istio 1.0's; today's Istio does not know them. */
static void add_authentication_policy(struct arriving *arriving)
{
    struct authentication_policy *added = ADD(arriving, authentication_policies);

    added->meta = arriving->meta;
    added->is_of_mesh = str_eq(arriving->kind, STR("MeshPolicy"));
    authentication_policy_read(&arriving->spec, added);
    view_complain(&arriving->root, DIAG_KIND_OLD, arriving->kind, STR("authentication.istio.io"));
    REPLACE(arriving, authentication_policies);
}

static void add_request_authentication(struct arriving *arriving)
{
    struct request_authentication *added = ADD(arriving, request_authentications);

    added->meta = arriving->meta;
    request_authentication_read(&arriving->spec, added);
    REPLACE(arriving, request_authentications);
}

static void add_authorization_policy(struct arriving *arriving)
{
    struct authorization_policy *added = ADD(arriving, authorization_policies);

    added->meta = arriving->meta;
    authorization_policy_read(&arriving->spec, added);
    if (added->action == AUTHZ_CUSTOM)
        view_complain(&arriving->root, DIAG_NOT_ACTED_ON, STR("the action CUSTOM"), STR_EMPTY);
    REPLACE(arriving, authorization_policies);
}

static void add_service(struct arriving *arriving)
{
    struct service *added = ADD(arriving, services);

    added->meta = arriving->meta;
    service_read(&arriving->spec, added);
    REPLACE(arriving, services);
}

static void add_service_entry(struct arriving *arriving)
{
    struct service_entry *added = ADD(arriving, service_entries);

    added->meta = arriving->meta;
    service_entry_read(&arriving->spec, added);
    service_entry_read_status(&arriving->root, added);
    REPLACE(arriving, service_entries);
}

static void add_workload_entry(struct arriving *arriving)
{
    struct workload_entry *added = ADD(arriving, workload_entries);

    added->meta = arriving->meta;
    workload_entry_read(&arriving->spec, added);
    REPLACE(arriving, workload_entries);
}

static void add_sidecar(struct arriving *arriving)
{
    struct sidecar *added = ADD(arriving, sidecars);

    added->meta = arriving->meta;
    sidecar_read(&arriving->spec, added);
    REPLACE(arriving, sidecars);
}

static void add_workload(struct arriving *arriving)
{
    struct workload *added = ADD(arriving, workloads);

    added->meta = arriving->meta;
    workload_read(&arriving->spec, added);
    istiod_read(&added->meta, &arriving->spec, &arriving->mesh->istiod);
    REPLACE(arriving, workloads);
}

static void add_pod(struct arriving *arriving)
{
    struct pod *added = ADD(arriving, pods);

    added->meta = arriving->meta;
    pod_read(&arriving->root, added);
    REPLACE(arriving, pods);
}

static void add_machine(struct arriving *arriving)
{
    struct machine *added = ADD(arriving, machines);

    added->meta = arriving->meta;
    REPLACE(arriving, machines);
}

static void add_namespace(struct arriving *arriving)
{
    struct namespace *added = ADD(arriving, namespaces);

    added->meta = arriving->meta;
    REPLACE(arriving, namespaces);
}

static void add_endpoint_slice(struct arriving *arriving)
{
    struct endpoint_slice *added = ADD(arriving, slices);

    added->meta = arriving->meta;
    endpoint_slice_read(&arriving->root, added);
    REPLACE(arriving, slices);
}

static void add_endpoints(struct arriving *arriving)
{
    for (uint32_t i = 0; i < endpoints_subset_count(&arriving->root); i++) {
        struct endpoint_slice *added = ADD(arriving, slices);
        added->meta = arriving->meta;
        endpoints_subset_read(&arriving->root, i, added);
    }
}

/* Kinds that are turned into others once everything is there. */
static void add_entrance(struct arriving *arriving, enum entrance_kind kind)
{
    struct mesh *mesh = arriving->mesh;
    struct entrance *added = ADD(arriving, entrances);

    added->meta = arriving->meta;
    added->kind = kind;
    added->root = arriving->root.node;
    added->reading = ARENA_NEW(mesh->arena, struct reading);
    *added->reading = *arriving->root.reading;
    /* The Gateway API's Gateway and Istio's may have one name. */
    if (kind == ENTRANCE_API_GATEWAY)
        arriving->kind = STR("Gateway of the Gateway API");
    REPLACE(arriving, entrances);
}

#define ADD_ENTRANCE(function, kind)                \
    static void function(struct arriving *arriving) \
    {                                               \
        add_entrance(arriving, (kind));             \
    }

ADD_ENTRANCE(add_ingress, ENTRANCE_INGRESS)
ADD_ENTRANCE(add_ingress_class, ENTRANCE_INGRESS_CLASS)
ADD_ENTRANCE(add_gateway_class, ENTRANCE_GATEWAY_CLASS)
ADD_ENTRANCE(add_api_gateway, ENTRANCE_API_GATEWAY)
ADD_ENTRANCE(add_http_route, ENTRANCE_HTTP_ROUTE)
ADD_ENTRANCE(add_grpc_route, ENTRANCE_GRPC_ROUTE)
ADD_ENTRANCE(add_tcp_route, ENTRANCE_TCP_ROUTE)
ADD_ENTRANCE(add_tls_route, ENTRANCE_TLS_ROUTE)
ADD_ENTRANCE(add_reference_grant, ENTRANCE_REFERENCE_GRANT)
ADD_ENTRANCE(add_openshift_route, ENTRANCE_OPENSHIFT_ROUTE)
ADD_ENTRANCE(add_secret, ENTRANCE_SECRET)
ADD_ENTRANCE(add_listener_set, ENTRANCE_LISTENER_SET)
ADD_ENTRANCE(add_backend_tls_policy, ENTRANCE_BACKEND_TLS_POLICY)

static void add_envoy_filter(struct arriving *arriving)
{
    struct envoy_filter *added = ADD(arriving, envoy_filters);

    added->meta = arriving->meta;
    envoy_filter_read(&arriving->spec, added);
    REPLACE(arriving, envoy_filters);
}

static void add_proxy_config(struct arriving *arriving)
{
    struct proxy_config *added = ADD(arriving, proxy_configs);

    added->meta = arriving->meta;
    proxy_config_read(&arriving->spec, added);
    REPLACE(arriving, proxy_configs);
}

static void add_config_map(struct arriving *arriving)
{
    struct mesh *mesh = arriving->mesh;

    if (!str_eq(arriving->meta.name, STR("istio")) ||
        !str_eq(arriving->meta.namespace, STR("istio-system"))) {
        mesh->ignored_count++;
        add_entrance(arriving, ENTRANCE_CONFIG_MAP);
        return;
    }
    mesh_config_default(&mesh->config);
    mesh_config_read_text(&arriving->root, &mesh->config);
}

static const struct kind_row KINDS[] = {
    {STR_INIT("networking.istio.io"), STR_INIT("VirtualService"), ISTIO_VERSIONS,
     add_virtual_service},
    {STR_INIT("networking.istio.io"), STR_INIT("DestinationRule"), ISTIO_VERSIONS,
     add_destination_rule},
    {STR_INIT("networking.istio.io"), STR_INIT("Gateway"), ISTIO_VERSIONS, add_gateway},
    {STR_INIT("networking.istio.io"), STR_INIT("ServiceEntry"), ISTIO_VERSIONS, add_service_entry},
    {STR_INIT("networking.istio.io"), STR_INIT("Sidecar"), ISTIO_VERSIONS, add_sidecar},
    {STR_INIT("networking.istio.io"), STR_INIT("WorkloadEntry"), ISTIO_VERSIONS,
     add_workload_entry},
    {STR_INIT("networking.istio.io"), STR_INIT("WorkloadGroup"), ISTIO_VERSIONS, NULL},
    {STR_INIT("networking.istio.io"), STR_INIT("EnvoyFilter"), NULL, add_envoy_filter},
    {STR_INIT("networking.istio.io"), STR_INIT("ProxyConfig"), NULL, add_proxy_config},
    {STR_INIT("security.istio.io"), STR_INIT("AuthorizationPolicy"), NULL,
     add_authorization_policy},
    {STR_INIT("security.istio.io"), STR_INIT("PeerAuthentication"), NULL, add_peer_authentication},
    {STR_INIT("authentication.istio.io"), STR_INIT("Policy"), NULL, add_authentication_policy},
    {STR_INIT("authentication.istio.io"), STR_INIT("MeshPolicy"), NULL, add_authentication_policy},
    {STR_INIT("security.istio.io"), STR_INIT("RequestAuthentication"), NULL,
     add_request_authentication},
    {STR_INIT("telemetry.istio.io"), STR_INIT("Telemetry"), NULL, NULL},
    {STR_INIT("extensions.istio.io"), STR_INIT("WasmPlugin"), NULL, NULL},
    {STR_INIT("extensions.istio.io"), STR_INIT("TrafficExtension"), NULL, NULL},
    {STR_INIT("install.istio.io"), STR_INIT("IstioOperator"), NULL, NULL},
    {STR_INIT("networking.k8s.io"), STR_INIT("Ingress"), V1, add_ingress},
    {STR_INIT("networking.k8s.io"), STR_INIT("IngressClass"), V1, add_ingress_class},
    {STR_INIT(""), STR_INIT("Secret"), NULL, add_secret},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("GatewayClass"), API_VERSIONS,
     add_gateway_class},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("Gateway"), API_VERSIONS, add_api_gateway},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("HTTPRoute"), API_VERSIONS, add_http_route},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("GRPCRoute"), V1, add_grpc_route},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("TCPRoute"), V1, add_tcp_route},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("TLSRoute"), V1, add_tls_route},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("BackendTLSPolicy"), V1,
     add_backend_tls_policy},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("ListenerSet"), V1, add_listener_set},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("ReferenceGrant"), NULL, add_reference_grant},
    {STR_INIT("route.openshift.io"), STR_INIT("Route"), V1, add_openshift_route},
    {STR_INIT(""), STR_INIT("Service"), NULL, add_service},
    {STR_INIT(""), STR_INIT("Pod"), NULL, add_pod},
    {STR_INIT(""), STR_INIT("Namespace"), NULL, add_namespace},
    {STR_INIT(""), STR_INIT("Node"), NULL, add_machine},
    {STR_INIT(""), STR_INIT("Endpoints"), NULL, add_endpoints},
    {STR_INIT(""), STR_INIT("ConfigMap"), NULL, add_config_map},
    {STR_INIT("discovery.k8s.io"), STR_INIT("EndpointSlice"), NULL, add_endpoint_slice},
    {STR_INIT("apps"), STR_INIT("Deployment"), NULL, add_workload},
    {STR_INIT("apps"), STR_INIT("StatefulSet"), NULL, add_workload},
    {STR_INIT("apps"), STR_INIT("DaemonSet"), NULL, add_workload},
    {STR_INIT("apps"), STR_INIT("ReplicaSet"), NULL, add_workload},
};

static const struct kind_row *find_kind(struct str group, struct str kind)
{
    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        if (str_eq(KINDS[i].kind, kind) && str_eq(KINDS[i].group, group))
            return &KINDS[i];
    }
    return NULL;
}

static bool has_version(const struct kind_row *row, struct str version)
{
    if (row->versions == NULL)
        return true;
    for (const char *const *known = row->versions; *known != NULL; known++) {
        if (str_eq(version, str_of(*known)))
            return true;
    }
    return false;
}

static void complain_no_effect(const struct arriving *arriving, struct str group)
{
    struct arena *arena = arriving->mesh->arena;
    struct str kind = arriving->kind;
    struct str name = arena_format(arena, "%.*s/%.*s", STR_FMT(arriving->meta.namespace),
                                   STR_FMT(arriving->meta.name));

    if (!str_has_suffix(group, STR(".istio.io")))
        kind = arena_format(arena, "%.*s (%.*s)", STR_FMT(kind), STR_FMT(group));
    view_complain(&arriving->root, DIAG_KIND_NO_EFFECT, kind, name);
}

/* The cluster's leftovers are only counted; Istio's are spoken of, and what the
 * Gateway API has beyond what Istio reads. */
static void add_unknown(struct arriving *arriving, struct str group)
{
    if (str_has_prefix(group, STR("gateway.networking."))) {
        complain_no_effect(arriving, group);
        return;
    }
    if (str_has_suffix(group, STR(".istio.io")))
        view_complain(&arriving->root, DIAG_KIND_REMOVED, arriving->kind, group);
    else
        arriving->mesh->ignored_count++;
}

static void add_object(struct arriving *arriving, struct str api_version)
{
    struct str rest = api_version;
    struct str group = str_cut(&rest, '/');
    struct str version = rest.ptr != NULL ? rest : group;

    if (rest.ptr == NULL)
        group = STR_EMPTY;
    const struct kind_row *row = find_kind(group, arriving->kind);
    if (row == NULL) {
        add_unknown(arriving, group);
        return;
    }
    if (!has_version(row, version)) {
        view_complain(&arriving->root, DIAG_KIND_VERSION, arriving->kind, version);
        return;
    }
    if (row->read == NULL) {
        complain_no_effect(arriving, group);
        return;
    }
    if (arriving->meta.name.len == 0)
        view_complain(&arriving->root, DIAG_OBJECT_NO_NAME, STR_EMPTY, STR_EMPTY);
    row->read(arriving);
}

static void add_node(struct mesh *mesh, const struct node *node, uint32_t depth)
{
    struct reading reading = {
        .arena = mesh->arena, .diags = mesh->diags, .unknown_field = UNKNOWN_WARN};
    struct arriving arriving = {.mesh = mesh, .root = view_of(&reading, node)};
    const struct node *kind_node = node_get(node, STR("kind"));
    const struct node *version_node = node_get(node, STR("apiVersion"));

    if (kind_node == NULL || version_node == NULL || kind_node->kind != NODE_STRING ||
        version_node->kind != NODE_STRING) {
        view_complain(&arriving.root, DIAG_OBJECT_NO_KIND, STR_EMPTY, STR_EMPTY);
        return;
    }
    arriving.kind = kind_node->text;
    const struct node *items = node_get(node, STR("items"));
    if (str_has_suffix(arriving.kind, STR("List")) && items != NULL && items->kind == NODE_LIST &&
        depth < LIST_DEPTH_MAX) {
        for (uint32_t i = 0; i < items->count; i++)
            add_node(mesh, items->items[i], depth + 1);
        return;
    }
    /* A test file's words are the runner's; a mesh folder may hold tests. */
    if (str_has_prefix(version_node->text, STR("pocketmesh/")))
        return;
    meta_read(&arriving.root, &arriving.meta);
    reading.object = arena_format(mesh->arena, "%.*s %.*s/%.*s", STR_FMT(arriving.kind),
                                  STR_FMT(arriving.meta.namespace), STR_FMT(arriving.meta.name));
    arriving.spec = view_map(&arriving.root, STR("spec"));
    add_object(&arriving, version_node->text);
}

struct mesh *mesh_new(struct arena *arena, struct diag_list *diags)
{
    struct mesh *mesh = ARENA_NEW(arena, struct mesh);

    mesh->arena = arena;
    mesh->diags = diags;
    mesh_config_default(&mesh->config);
    map_init(&mesh->object_index, arena);
    map_init(&mesh->service_index, arena);
    map_init(&mesh->pod_index, arena);
    map_init(&mesh->pod_by_address, arena);
    map_init(&mesh->used_addresses, arena);
    return mesh;
}

void mesh_add_document(struct mesh *mesh, const struct node *document)
{
    ASSERT(!mesh->is_complete);
    add_node(mesh, document, 0);
}
