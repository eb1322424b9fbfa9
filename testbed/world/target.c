/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/target.c - where a call's connection goes first.
 *
 * Names resolve as a pod's DNS and the mesh's redirect would have it: a service
 * to its address, a caller's connection to the listener of its own proxy.
 */
#include "config/resource/host.h"
#include "config/resource/service.h"
#include "testbed/world/call.h"
#include "testbed/world/roster.h"
#include "testbed/world/world.h"

#define DEFAULT_PORT 80u
#define DEFAULT_TLS_PORT 443u
#define DNS_NAME_BYTES_MAX 253 /* RFC 1035 2.3.4, without the root's dot */

/* Splits "host:port"; 0: no port. */
static uint32_t cut_port(struct str *authority)
{
    size_t colon = str_find_last(*authority, ':');
    uint64_t port = 0;
    if (colon == STR_NONE || !str_to_u64(str_from(*authority, colon + 1), UINT16_MAX, &port))
        return 0;
    *authority = str_slice(*authority, 0, colon);
    return (uint32_t)port;
}

static bool is_there(const struct world *world, struct str address)
{
    uint32_t pod = map_get(&world->pod_by_address, address);
    return pod != MAP_NONE && !world->pods[pod].behaviour.is_absent;
}

/* The first endpoint of the service that is a pod of ours; NULL: none. */
static const struct service_endpoint *first_endpoint(const struct world *world,
                                                     const struct service *service)
{
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        const struct service_endpoint *endpoint = &service->endpoints[i];
        if (endpoint->is_ready && is_there(world, endpoint->address))
            return endpoint;
    }
    return NULL;
}

static const struct service_port *port_of(const struct service *service, uint32_t port)
{
    for (uint32_t i = 0; service != NULL && i < service->port_count; i++) {
        if (service->ports[i].port == port)
            return &service->ports[i];
    }
    return NULL;
}

static uint32_t gateway_port(const struct world *world, const struct world_client *client)
{
    for (uint32_t i = 0; i < world->manifests.count; i++) {
        const struct node *object = world->manifests.items[i];
        if (str_eq(manifest_kind(object), STR("Gateway")) &&
            str_eq(manifest_name(object), client->spec.gateway_name) &&
            str_eq(manifest_namespace(object), client->spec.gateway_namespace))
            return manifest_gateway_port(object, client->spec.tls.is_set);
    }
    return 0;
}

/* A gateway's Service may lead its port 80 to the proxy's 8080. */
static uint32_t proxy_port(const struct world *world, const struct world_client *client,
                           uint32_t port)
{
    for (uint32_t i = 0; i < mesh_service_count(world->mesh); i++) {
        const struct service *service = mesh_service(world->mesh, i);
        if (!roster_is_selected(service, client->spec.namespace, client->identity.labels,
                                client->identity.label_count))
            continue;
        const struct service_port *found = port_of(service, port);
        if (found != NULL && found->target_port != 0)
            return found->target_port;
    }
    return port;
}

static struct call_target gateway_target(const struct world *world,
                                         const struct world_client *client, uint32_t port)
{
    if (port == 0)
        port = gateway_port(world, client);
    struct call_target target = {.pod = UINT32_MAX, .address = client->proxy_address};
    target.port = port != 0 ? port : client->spec.tls.is_set ? DEFAULT_TLS_PORT : DEFAULT_PORT;
    target.listener = snapshot_listener(client->snapshot, target.address, target.port);
    if (target.listener == NULL) {
        target.port = proxy_port(world, client, target.port);
        target.listener = snapshot_listener(client->snapshot, target.address, target.port);
    }
    return target;
}

/* Inbound listeners are no outbound call's, whatever their address. */
static const struct listener *outbound_listener(const struct world_client *client,
                                                struct str address, uint32_t port)
{
    const struct listener *listener = snapshot_listener(client->snapshot, address, port);
    bool is_outbound = listener != NULL && listener->direction == TRAFFIC_OUTBOUND;
    return is_outbound ? listener : NULL;
}

static struct call_target original_target(const struct world *world,
                                          const struct world_client *client,
                                          const struct call *call)
{
    struct call_target target = {.pod = UINT32_MAX, .address = call->to, .port = call->port};
    uint32_t pod = world_pod_find(world, call->to);
    if (pod != UINT32_MAX)
        target.address = world->pods[pod].address;
    target.has_original = true;
    target.listener = snapshot_outbound_listener(client->snapshot, target.address, target.port);
    return target;
}

/* The pods of a headless service have names of their own: POD.SERVICE[.NAMESPACE...]. */
static const struct service_endpoint *pod_named(const struct world *world, struct str host)
{
    struct str service_name = host;
    struct str pod = str_cut(&service_name, '.');
    const struct service *service = world_service_of(world, service_name);
    for (uint32_t i = 0;
         service != NULL && service_is_headless(service) && i < service->endpoint_count; i++) {
        const struct service_endpoint *endpoint = &service->endpoints[i];
        if (endpoint->pod != NULL && str_eq_ci(endpoint->pod->meta.name, pod) &&
            is_there(world, endpoint->address))
            return endpoint;
    }
    return NULL;
}

/* A headless service's name leads to its pods. Istio's cluster for it goes on to where the
 * connection was going. */
static struct call_target headless_target(const struct world_client *client,
                                          const struct service_endpoint *endpoint, uint32_t port)
{
    struct call_target target = {.pod = UINT32_MAX, .address = endpoint->address, .port = port};
    target.has_original = true;
    target.listener = snapshot_outbound_listener(client->snapshot, target.address, port);
    return target;
}

static struct str service_address(const struct world *world, const struct service *service,
                                  struct str otherwise)
{
    if (service == NULL)
        return otherwise;
    /* A ServiceEntry's name leads to its address, where it has one. */
    if (service->entry != NULL)
        return host_is_ip(service->cluster_ip) ? service->cluster_ip : otherwise;
    if (service->cluster_ip.len > 0 && !service_is_headless(service))
        return service->cluster_ip;
    const struct service_endpoint *endpoint = first_endpoint(world, service);
    return endpoint != NULL ? endpoint->address : otherwise;
}

static struct call_target pod_target(const struct world *world, const struct service *service,
                                     struct str host, uint32_t port)
{
    struct call_target target = {.pod = UINT32_MAX, .port = port};
    const struct service_endpoint *endpoint =
        service != NULL ? first_endpoint(world, service) : pod_named(world, host);
    if (endpoint == NULL)
        return target;
    /* Nothing stands before a headless service's pods that would lead to another port. */
    const struct service_port *found =
        service == NULL || service_is_headless(service) ? NULL : port_of(service, port);
    if (found != NULL)
        target.port = endpoint->ports[found - service->ports];
    target.address = endpoint->address;
    target.pod = world_pod_at(world, target.address, target.port);
    return target;
}

const struct service *world_service_of(const struct world *world, struct str authority)
{
    char lower[DNS_NAME_BYTES_MAX];
    struct str host = authority;
    (void)cut_port(&host);
    if (host.len > sizeof(lower))
        return NULL;
    for (size_t i = 0; i < host.len; i++)
        lower[i] = str_lower_char(host.ptr[i]);
    struct str rest = {lower, host.len};
    struct str name = str_cut(&rest, '.');
    struct str namespace = rest.len > 0 ? str_cut(&rest, '.') : world->spec.namespace;
    const struct service *found = mesh_service_find(world->mesh, namespace, name);
    return found != NULL ? found : mesh_entry_service(world->mesh, (struct str){lower, host.len});
}

uint32_t world_pod_meant(const struct world *world, const struct call *call,
                         const struct cluster *cluster, uint32_t *port)
{
    struct call_target target = world_target(world, call);
    uint32_t override = cluster->original_port_override;
    if (cluster->type != CLUSTER_ORIGINAL_DST || !target.has_original)
        return UINT32_MAX;
    *port = override != 0 ? override : target.port;
    return world_pod_at(world, target.address, *port);
}

struct call_target world_target(const struct world *world, const struct call *call)
{
    ASSERT(call->client < world->client_count);
    const struct world_client *client = &world->clients[call->client];
    if (client->spec.via == VIA_GATEWAY)
        return gateway_target(world, client, call->port);
    if (call->to.len > 0 && client->spec.via == VIA_SIDECAR)
        return original_target(world, client, call);
    struct str host = call->has_authority ? call->authority : STR_EMPTY;
    const struct service *service = world_service_of(world, host);
    uint32_t port = call->port != 0 ? call->port : cut_port(&host);
    if (port == 0)
        port = service != NULL && service->port_count > 0 ? service->ports[0].port : DEFAULT_PORT;
    uint32_t pod = call->to.len > 0 ? world_pod_find(world, call->to) : UINT32_MAX;
    if (client->spec.via == VIA_NONE && pod != UINT32_MAX)
        return (struct call_target){.address = world->pods[pod].address,
                                    .port = port,
                                    .pod = world_pod_at(world, world->pods[pod].address, port)};
    if (client->spec.via == VIA_NONE)
        return pod_target(world, service, host, port);
    bool is_headless = service != NULL && service_is_headless(service);
    const struct service_endpoint *endpoint = is_headless       ? first_endpoint(world, service)
                                              : service == NULL ? pod_named(world, host)
                                                                : NULL;
    if (endpoint != NULL)
        return headless_target(client, endpoint, port);
    struct call_target target = {.pod = UINT32_MAX, .port = port};
    target.address = service_address(world, service, client->proxy_address);
    target.listener = outbound_listener(client, target.address, port);
    return target;
}
