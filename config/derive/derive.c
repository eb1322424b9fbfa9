/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/derive.c - see derive.h.
 */
#include "config/derive/derive.h"

#include <string.h>

#include "base/sort.h"
#include "config/derive/convert.h"
#include "config/derive/delegate.h"
#include "config/derive/discovery.h"
#include "config/derive/service_entry.h"
#include "config/resource/label.h"
#include "config/resource/meta.h"
#include "config/resource/pod_index.h"

#define BLOCK_SERVICES 64u /* 127.64.0.0/10 */
#define BLOCK_PODS 128u    /* 127.128.0.0/10 */

#define TLS_MODE_LABEL STR("security.istio.io/tlsMode")
#define INJECT_WORD STR("sidecar.istio.io/inject")

/* Throws out what a later object replaced. */
#define COMPACT(mesh, list)                                      \
    do {                                                         \
        uint32_t kept_ = 0;                                      \
        for (uint32_t i_ = 0; i_ < (mesh)->list##_count; i_++) { \
            if (!(mesh)->list[i_].meta.is_replaced)              \
                (mesh)->list[kept_++] = (mesh)->list[i_];        \
        }                                                        \
        (mesh)->list##_count = kept_;                            \
    } while (0)

/* Lists are of items that begin with their metadata, and are read as that. */
static int age_order(const void *a, const void *b)
{
    return meta_order(a, b);
}

static int name_order(const void *a, const void *b)
{
    const struct object_meta *left = a, *right = b;
    int order = str_order(left->namespace, right->namespace);

    return order != 0 ? order : str_order(left->name, right->name);
}

/* Those of files by name; a RouteTest's behind them, in its own order. */
static int pod_order(const void *a, const void *b)
{
    const struct pod *left = a, *right = b;

    if (left->is_added != right->is_added)
        return left->is_added ? 1 : -1;
    return left->is_added ? 0 : name_order(a, b);
}

#define SORT(mesh, list, order)                                                              \
    do {                                                                                     \
        ASSERT((const void *)(mesh)->list == (const void *)&(mesh)->list->meta);             \
        sort_items((mesh)->arena, (mesh)->list, (mesh)->list##_count, sizeof(*(mesh)->list), \
                   (order));                                                                 \
    } while (0)

static struct str full_name(struct arena *arena, const struct object_meta *meta)
{
    return arena_format(arena, "%.*s/%.*s", STR_FMT(meta->namespace), STR_FMT(meta->name));
}

static bool is_true(struct str text)
{
    return str_eq_ci(text, STR("true"));
}

static bool is_namespace_injected(const struct mesh *mesh, struct str namespace)
{
    for (uint32_t i = 0; i < mesh->namespaces_count; i++) {
        const struct object_meta *meta = &mesh->namespaces[i].meta;
        if (!str_eq(meta->name, namespace))
            continue;
        const struct str *word =
            label_find(meta->labels, meta->label_count, STR("istio-injection"));
        return word == NULL || !str_eq(*word, STR("disabled"));
    }
    return true;
}

/* A label outweighs an annotation, and both the namespace's word. */
static bool is_injected(const struct mesh *mesh, struct str namespace,
                        const struct object_meta *meta, bool has_host_network)
{
    const struct str *word = label_find(meta->labels, meta->label_count, INJECT_WORD);

    if (has_host_network)
        return false;
    if (word == NULL)
        word = label_find(meta->annotations, meta->annotation_count, INJECT_WORD);
    return word != NULL ? is_true(*word) : is_namespace_injected(mesh, namespace);
}

bool mesh_workload_is_injected(const struct mesh *mesh, struct str namespace, struct str name)
{
    for (uint32_t i = mesh->workloads_count; i > 0; i--) {
        const struct workload *workload = &mesh->workloads[i - 1];
        if (!workload->meta.is_replaced && str_eq(workload->meta.name, name) &&
            str_eq(workload->meta.namespace, namespace))
            return is_injected(mesh, namespace, &workload->template, workload->has_host_network);
    }
    return true;
}

/* The injector's mark, unless the pod says otherwise itself. */
static void mark_injected(struct mesh *mesh, struct pod *pod)
{
    struct label_list labels = {pod->meta.labels, pod->meta.label_count, pod->meta.label_count};

    if (!pod->is_added)
        pod->is_injected =
            is_injected(mesh, pod->meta.namespace, &pod->meta, pod->has_host_network);
    if (label_find(labels.items, labels.count, TLS_MODE_LABEL) == NULL && pod->is_injected)
        label_list_set(&labels, TLS_MODE_LABEL, STR("istio"), mesh->arena);
    pod->meta.labels = labels.items;
    pod->meta.label_count = labels.count;
    const struct str *mode = label_find(labels.items, labels.count, TLS_MODE_LABEL);
    pod->is_injected = mode != NULL && str_eq(*mode, STR("istio"));
}

static void derive_pods(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->workloads_count && !mesh->is_skipping_derived_pods; i++) {
        const struct workload *workload = &mesh->workloads[i];
        for (uint32_t k = 0; k < workload->replica_count; k++) {
            struct pod *pod =
                ARENA_PUSH(mesh->arena, mesh->pods, mesh->pods_count, mesh->pods_capacity);
            pod->meta = workload->template;
            pod->meta.name = arena_format(mesh->arena, "%.*s-%u", STR_FMT(workload->meta.name), k);
            pod->meta.namespace = workload->meta.namespace;
            pod->meta.origin = (struct origin){.file = workload->meta.origin.file};
            pod->workload = workload->meta.name;
            pod->service_account = workload->service_account;
            pod->ports = workload->ports;
            pod->port_count = workload->port_count;
            pod->has_host_network = workload->has_host_network;
            pod->node = workload->node;
            pod->is_ready = true;
        }
    }
}

static void give_service_addresses(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->services_count; i++) {
        struct service *service = &mesh->services[i];
        if (service_is_external_name(service) || service->cluster_ip.len > 0)
            continue;
        struct str name = full_name(mesh->arena, &service->meta);
        service->cluster_ip =
            mesh_address(mesh, BLOCK_SERVICES, arena_concat(mesh->arena, STR("svc/"), name));
    }
}

/* Where the pod's machine stands, and its name, count among the pod's labels; a
 * label of the pod's own about its place goes before. Who says no machine stands on
 * "node-0". */
static void mark_place(struct mesh *mesh, struct pod *pod)
{
    static const struct {
        struct str name, old;
    } TOPOLOGY[] = {
        {STR_INIT("topology.kubernetes.io/region"),
         STR_INIT("failure-domain.beta.kubernetes.io/region")},
        {STR_INIT("topology.kubernetes.io/zone"),
         STR_INIT("failure-domain.beta.kubernetes.io/zone")},
        {STR_INIT("topology.istio.io/subzone"), STR_INIT("topology.istio.io/subzone")},
    };
    struct label_list labels = {pod->meta.labels, pod->meta.label_count, pod->meta.label_count};
    const struct machine *machine = NULL;
    struct str node = pod->node.len > 0 ? pod->node : STR("node-0");

    for (uint32_t i = 0; i < mesh->machines_count; i++) {
        if (!mesh->machines[i].meta.is_replaced && str_eq(mesh->machines[i].meta.name, node))
            machine = &mesh->machines[i];
    }
    if (pod->node.len > 0)
        label_list_set(&labels, STR("kubernetes.io/hostname"), pod->node, mesh->arena);
    bool is_placed = label_find(labels.items, labels.count, STR("istio-locality")) != NULL;
    for (size_t i = 0; machine != NULL && !is_placed && i < COUNT_OF(TOPOLOGY); i++) {
        const struct object_meta *meta = &machine->meta;
        const struct str *value = label_find(meta->labels, meta->label_count, TOPOLOGY[i].name);
        if (value == NULL)
            value = label_find(meta->labels, meta->label_count, TOPOLOGY[i].old);
        if (value != NULL)
            label_list_set(&labels, TOPOLOGY[i].name, *value, mesh->arena);
    }
    pod->meta.labels = labels.items;
    pod->meta.label_count = labels.count;
}

static void finish_pods(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->pods_count; i++) {
        struct pod *pod = &mesh->pods[i];
        struct str name = full_name(mesh->arena, &pod->meta);
        if (pod->address.len == 0)
            pod->address =
                mesh_address(mesh, BLOCK_PODS, arena_concat(mesh->arena, STR("pod/"), name));
        mark_injected(mesh, pod);
        mark_place(mesh, pod);
        (void)map_set(&mesh->pod_index, name, i);
        if (map_get(&mesh->pod_by_address, pod->address) == MAP_NONE)
            (void)map_set(&mesh->pod_by_address, pod->address, i);
    }
}

/* The number of a port in one pod; 0 when the pod has no port of that name. A
 * pod that no file declares listens where the service says. */
static uint32_t target_of(const struct service_port *port, const struct pod *pod)
{
    if (port->target_port != 0)
        return port->target_port;
    for (uint32_t i = 0; i < pod->port_count; i++) {
        if (str_eq(pod->ports[i].name, port->target_port_name) &&
            str_eq(pod->ports[i].protocol, port->protocol))
            return pod->ports[i].port;
    }
    return pod->is_added ? port->port : 0;
}

static struct service_endpoint *add_endpoint(struct mesh *mesh, struct service *service,
                                             struct str address)
{
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        if (str_eq(service->endpoints[i].address, address))
            return &service->endpoints[i];
    }
    struct service_endpoint *endpoint = ARENA_PUSH(
        mesh->arena, service->endpoints, service->endpoint_count, service->endpoint_capacity);
    endpoint->address = address;
    endpoint->ports = ARENA_ARRAY(mesh->arena, uint32_t, service->port_count);
    return endpoint;
}

static void add_slice(struct mesh *mesh, const struct endpoint_slice *slice)
{
    struct str name = arena_format(mesh->arena, "%.*s/%.*s", STR_FMT(slice->meta.namespace),
                                   STR_FMT(slice->service));
    uint32_t index = map_get(&mesh->service_index, name);

    if (index == MAP_NONE)
        return;
    struct service *service = &mesh->services[index];
    for (uint32_t i = 0; i < slice->endpoint_count; i++) {
        const struct slice_endpoint *from = &slice->endpoints[i];
        struct service_endpoint *endpoint = add_endpoint(mesh, service, from->address);
        uint32_t pod = map_get(&mesh->pod_by_address, from->address);
        endpoint->pod = pod == MAP_NONE ? NULL : &mesh->pods[pod];
        endpoint->is_ready = from->is_ready;
        endpoint->origin = from->origin;
        for (uint32_t k = 0; k < service->port_count; k++) {
            for (uint32_t p = 0; p < slice->port_count; p++) {
                if (str_eq(slice->ports[p].name, service->ports[k].name))
                    endpoint->ports[k] = slice->ports[p].port;
            }
        }
    }
}

static void add_selected_pod(struct mesh *mesh, struct service *service, const struct pod *pod)
{
    /* Addresses of pods differ, and slices came first. */
    if (map_get(&mesh->pod_by_address, pod->address) == MAP_NONE)
        return;
    struct service_endpoint *endpoint = add_endpoint(mesh, service, pod->address);
    if (endpoint->pod != NULL)
        return;
    endpoint->pod = pod;
    endpoint->is_ready = pod->is_ready || service->is_publishing_not_ready;
    endpoint->origin = pod->meta.origin;
    for (uint32_t k = 0; k < service->port_count; k++)
        endpoint->ports[k] = target_of(&service->ports[k], pod);
}

static void select_pods(struct mesh *mesh, struct service *service, const struct pod_index *index)
{
    if (service->selector_count == 0 || service_is_external_name(service))
        return;
    uint32_t place =
        pod_index_find(index, service->meta.namespace, service->selector, service->selector_count);
    for (; place != MAP_NONE; place = index->next[place]) {
        const struct pod *pod = &mesh->pods[index->pods[place]];
        if (!pod->is_over && label_is_subset(service->selector, service->selector_count,
                                             pod->meta.labels, pod->meta.label_count))
            add_selected_pod(mesh, service, pod);
    }
}

static void derive_endpoints(struct mesh *mesh)
{
    struct pod_index index;

    pod_index_init(&index, mesh->arena, mesh->pods, mesh->pods_count);
    for (uint32_t i = 0; i < mesh->slices_count; i++)
        add_slice(mesh, &mesh->slices[i]);
    for (uint32_t i = 0; i < mesh->services_count; i++)
        select_pods(mesh, &mesh->services[i], &index);
}

/* What neither a service nor a ServiceEntry says of trafficDistribution their namespace may. */
static void give_distribution(const struct mesh *mesh, struct service *service)
{
    bool is_said = service->is_distribution_said;

    if (service->entry != NULL)
        is_said = service_distribution_note(&service->entry->meta, &service->distribution);
    for (uint32_t i = 0; i < mesh->namespaces_count && !is_said; i++) {
        const struct object_meta *meta = &mesh->namespaces[i].meta;
        if (str_eq(meta->name, service->meta.namespace))
            is_said = service_distribution_note(meta, &service->distribution);
    }
}

static void give_distributions(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->services_count; i++)
        give_distribution(mesh, &mesh->services[i]);
    for (uint32_t i = 0; i < mesh->entry_services_count; i++)
        give_distribution(mesh, &mesh->entry_services[i]);
}

static void index_services(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->services_count; i++)
        (void)map_set(&mesh->service_index, full_name(mesh->arena, &mesh->services[i].meta), i);
}

/* istiod reads over it, unless its environment says otherwise. */
static void complain_of_ingress_tls(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->sidecars_count; i++) {
        const struct sidecar *sidecar = &mesh->sidecars[i];
        for (uint32_t k = 0; k < sidecar->ingress_count; k++) {
            const struct sidecar_ingress *ingress = &sidecar->ingress[k];
            struct str path = arena_format(mesh->arena, "spec.ingress[%u].tls", (unsigned)k);
            if (ingress->tls != NULL)
                (void)diag_add(mesh->diags,
                               mesh->istiod.is_ending_sidecar_tls ? DIAG_NOT_ACTED_ON
                                                                  : DIAG_SIDECAR_TLS,
                               ingress->tls_origin, path, STR("tls"), STR_EMPTY, STR_EMPTY);
        }
    }
}

void mesh_complete(struct mesh *mesh)
{
    ASSERT(!mesh->is_complete);
    discovery_filter(mesh);
    COMPACT(mesh, entrances);
    SORT(mesh, entrances, age_order);
    entrances_convert(mesh);
    delegates_merge(mesh);
    COMPACT(mesh, virtual_services);
    COMPACT(mesh, destination_rules);
    COMPACT(mesh, gateways);
    COMPACT(mesh, peer_authentications);
    COMPACT(mesh, authentication_policies);
    COMPACT(mesh, request_authentications);
    COMPACT(mesh, authorization_policies);
    COMPACT(mesh, services);
    COMPACT(mesh, service_entries);
    COMPACT(mesh, workload_entries);
    COMPACT(mesh, sidecars);
    COMPACT(mesh, envoy_filters);
    COMPACT(mesh, proxy_configs);
    COMPACT(mesh, workloads);
    COMPACT(mesh, pods);
    COMPACT(mesh, slices);
    COMPACT(mesh, namespaces);
    COMPACT(mesh, machines);
    /* Addresses are given in the order of namespace and name. */
    SORT(mesh, services, name_order);
    give_service_addresses(mesh);
    SORT(mesh, services, age_order);
    SORT(mesh, virtual_services, age_order);
    SORT(mesh, destination_rules, age_order);
    SORT(mesh, gateways, age_order);
    SORT(mesh, peer_authentications, age_order);
    SORT(mesh, authentication_policies, age_order);
    SORT(mesh, request_authentications, age_order);
    SORT(mesh, authorization_policies, age_order);
    /* Endpoints come in the order of pods, and files have no order. */
    SORT(mesh, pods, pod_order);
    SORT(mesh, workloads, name_order);
    SORT(mesh, slices, name_order);
    derive_pods(mesh);
    index_services(mesh);
    finish_pods(mesh);
    derive_endpoints(mesh);
    SORT(mesh, sidecars, age_order);
    SORT(mesh, envoy_filters, age_order);
    SORT(mesh, proxy_configs, age_order);
    complain_of_ingress_tls(mesh);
    SORT(mesh, workload_entries, name_order);
    SORT(mesh, service_entries, age_order);
    service_entry_derive(mesh);
    SORT(mesh, entry_services, age_order);
    give_distributions(mesh);
    mesh->is_complete = true;
}
