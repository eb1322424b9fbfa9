/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_deploy.c - what istiod deploys for a Gateway of the Gateway
 * API: a Deployment and a Service, unless it names its own.
 */
#include "config/derive/gateway_api.h"

#include "config/resource/host.h"
#include "config/resource/meta.h"

#define STATUS_PORT 15021
#define PORT_NAME_BYTES_MAX 63u

static struct str annotation_or(const struct object_meta *meta, struct str name,
                                struct str otherwise)
{
    const struct str *found = label_find(meta->annotations, meta->annotation_count, name);

    return found != NULL && found->len > 0 ? *found : otherwise;
}

static struct node *name_label(const struct maker *maker, struct str name)
{
    struct node *out = make_map(maker);

    make_put_text(maker, out, API_GATEWAY_LABEL, name);
    return out;
}

static void put_service_port(const struct maker *maker, struct node *ports, struct str name,
                             uint32_t number, struct str protocol)
{
    struct node *port = make_push(maker, ports, make_map(maker));
    char *lower = arena_alloc(maker->arena, protocol.len);

    for (size_t i = 0; i < protocol.len; i++)
        lower[i] = (char)(protocol.ptr[i] | 0x20); /* letters only */
    make_put_text(maker, port, STR("name"), name);
    (void)make_put(maker, port, STR("port"), make_whole(maker, number));
    make_put_text(maker, port, STR("appProtocol"), (struct str){lower, protocol.len});
}

static bool has_port(const struct node *ports, uint32_t number)
{
    for (uint32_t i = 0; i < ports->count; i++) {
        const struct node *port = node_get(ports->items[i], STR("port"));
        if (port != NULL && port->integer == (int64_t)number)
            return true;
    }
    return false;
}

/* A listener's name may have points, a port's may not. */
static struct str port_name(struct str name, struct arena *arena)
{
    char *out = arena_alloc(arena, name.len);

    for (size_t i = 0; i < name.len; i++)
        out[i] = name.ptr[i] == '.' ? '-' : name.ptr[i];
    return str_slice((struct str){out, name.len}, 0, PORT_NAME_BYTES_MAX);
}

static bool has_name(const struct node *ports, struct str name)
{
    for (uint32_t i = 0; i < ports->count; i++) {
        if (str_eq(node_get(ports->items[i], STR("name"))->text, name))
            return true;
    }
    return false;
}

static void put_listener_ports(const struct maker *maker, const struct view *spec,
                               struct node *ports)
{
    struct view listeners = view_list(spec, STR("listeners"));

    for (uint32_t i = 0; i < view_count(&listeners); i++) {
        struct view listener = view_item(&listeners, i);
        uint32_t number = (uint32_t)view_i64(&listener, STR("port"), 0, 65535, 0);
        struct str name =
            port_name(label_text_field(&listener, STR("name"), STR_EMPTY), maker->arena);
        if (number == 0 || has_port(ports, number))
            continue;
        if (has_name(ports, name))
            name = arena_format(maker->arena, "%.*s-%u", STR_FMT(name), number);
        put_service_port(maker, ports, name, number,
                         view_str(&listener, STR("protocol"), STR_EMPTY));
    }
}

static struct node *service_spec(const struct api_gateway *gateway, const struct maker *maker)
{
    struct api_set_list sets = api_listener_sets_of(gateway);
    struct node *out = make_map(maker);
    struct node *ports = make_put_list(maker, out, STR("ports"));

    make_put_text(maker, out, STR("type"), STR("LoadBalancer"));
    (void)make_put(maker, out, STR("selector"), name_label(maker, gateway->entrance->meta.name));
    put_service_port(maker, ports, STR("status-port"), STATUS_PORT, STR_EMPTY);
    put_listener_ports(maker, &gateway->view.spec, ports);
    for (uint32_t i = 0; i < sets.count; i++) {
        struct entrance_view view;
        put_listener_ports(maker, &entrance_view_init(sets.items[i], &view)->spec, ports);
    }
    return out;
}

static struct node *workload_spec(const struct api_gateway *gateway, const struct maker *maker,
                                  struct str account)
{
    struct node *out = make_map(maker);
    struct node *template = make_put_map(maker, out, STR("template"));
    struct node *meta = make_put_map(maker, template, STR("metadata"));
    struct node *labels = name_label(maker, gateway->entrance->meta.name);
    struct node *spec = make_put_map(maker, template, STR("spec"));

    make_put_text(maker, labels, STR("sidecar.istio.io/inject"), STR("true"));
    (void)make_put(maker, meta, STR("labels"), labels);
    make_put_text(maker, spec, STR("serviceAccountName"), account);
    return out;
}

/* A Deployment and a Service of the user's with that name stay. */
static void deploy(const struct api_gateway *gateway, struct str name)
{
    struct mesh *mesh = gateway->api->mesh;
    const struct object_meta *from = &gateway->entrance->meta;
    struct maker maker = {.arena = mesh->arena, .origin = from->origin};
    struct diag_list nowhere;
    struct reading reading = {.arena = mesh->arena, .diags = &nowhere};
    struct label_list labels = {0};
    struct object_meta meta = {.name = name,
                               .namespace = from->namespace,
                               .created_ns = META_CREATED_NS,
                               .origin = from->origin};
    struct label *ignored_labels;
    uint32_t ignored_count, ignored_replicas;
    struct str ignored_account;

    diag_list_init(&nowhere, mesh->arena);
    label_list_set(&labels, API_GATEWAY_LABEL, from->name, mesh->arena);
    meta.labels = labels.items;
    meta.label_count = labels.count;
    if (mesh_service_find(mesh, from->namespace, name) == NULL) {
        struct view spec = view_of(&reading, service_spec(gateway, &maker));
        struct service *service =
            ARENA_PUSH(mesh->arena, mesh->services, mesh->services_count, mesh->services_capacity);
        service->meta = meta;
        service_read(&spec, service);
    }
    if (!mesh_workload(mesh, from->namespace, name, &ignored_labels, &ignored_count,
                       &ignored_account, &ignored_replicas)) {
        struct str account = annotation_or(from, STR("gateway.istio.io/service-account"), name);
        struct view spec = view_of(&reading, workload_spec(gateway, &maker, account));
        struct workload *workload = ARENA_PUSH(mesh->arena, mesh->workloads, mesh->workloads_count,
                                               mesh->workloads_capacity);
        workload->meta = meta;
        workload_read(&spec, workload);
    }
}

/* Without an address, or with one that only says which IP to have. */
static bool is_deployed_for(const struct view *addresses)
{
    if (view_count(addresses) != 1)
        return view_count(addresses) == 0;
    struct view only = view_item(addresses, 0);
    return str_eq(view_str(&only, STR("type"), STR("IPAddress")), STR("IPAddress"));
}

void api_services_find(struct api_gateway *gateway)
{
    struct mesh *mesh = gateway->api->mesh;
    const struct object_meta *meta = &gateway->entrance->meta;
    struct view addresses = view_list(&gateway->view.spec, STR("addresses"));
    struct str class = view_str(&gateway->view.spec, STR("gatewayClassName"), STR_EMPTY);

    gateway->is_managed = is_deployed_for(&addresses);
    if (gateway->is_managed) {
        struct str name = annotation_or(
            meta, STR("gateway.istio.io/name-override"),
            arena_format(mesh->arena, "%.*s-%.*s", STR_FMT(meta->name), STR_FMT(class)));
        text_list_add(&gateway->services, host_of_service(name, meta->namespace, mesh->arena),
                      mesh->arena);
        if (view_count(&addresses) == 0)
            deploy(gateway, name);
        return;
    }
    for (uint32_t i = 0; i < view_count(&addresses); i++) {
        struct view item = view_item(&addresses, i);
        struct str value = view_str(&item, STR("value"), STR_EMPTY);
        if (!str_eq(view_str(&item, STR("type"), STR("Hostname")), STR("Hostname"))) {
            view_complain(&item, DIAG_API_ADDRESS, value, STR_EMPTY);
            continue;
        }
        text_list_add(&gateway->services, host_resolve(value, meta->namespace, mesh->arena),
                      mesh->arena);
    }
}
