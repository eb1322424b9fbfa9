/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/listeners.c - see listeners.h.
 *
 * Source: ISTIO.md 5.1, 5.2, 5.4, 5.7.
 */
#include "config/translate/listeners.h"

#include "config/resource/service.h"
#include "config/translate/clusters.h"
#include "config/translate/inbound.h"
#include "config/translate/routes.h"
#include "config/translate/sidecar_routes.h"
#include "proxy/model/limits.h"

#define VIRTUAL_OUTBOUND_PORT 15001u
#define ANY_ADDRESS STR("0.0.0.0")
#define PASSTHROUGH_CLUSTER STR("PassthroughCluster")
#define BLACK_HOLE_CLUSTER STR("BlackHoleCluster")

struct sidecar_maker {
    struct translation *t;
    struct sidecar_routes *routes;
    struct listener_list listeners;
    struct map listener_by_name;
    struct route_config *tables; /* room for one of each service port */
    uint32_t table_count, table_capacity;
    struct map table_by_name; /* a headless port's pods share one */
    /* The virtual hosts of a port, made once. */
    struct virtual_host_list *hosts;
    uint32_t *host_ports;
    uint32_t hosts_count, hosts_capacity, host_ports_capacity;
};

static const struct str HTTP_PROTOCOLS[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};

struct http_connection_manager listeners_manager(const struct translation *t,
                                                 const struct route_config *routes)
{
    bool is_gateway = t->proxy->type == PROXY_ROUTER;
    enum path_normalization paths = t->mesh->config.paths;

    return (struct http_connection_manager){
        .routes = routes,
        .is_using_remote_address = is_gateway,
        .is_normalizing_path = paths != PATHS_NONE,
        .is_merging_slashes = paths == PATHS_MERGE_SLASHES || paths == PATHS_DECODE,
        .is_unescaping_slashes = paths == PATHS_DECODE,
        .is_proxying_100_continue = true,
        .has_websocket = true,
        .is_tracing_egress = true,
        .delayed_close_ns = LIMIT_DELAYED_CLOSE_NS,
        .cert_details = is_gateway ? CERT_SANITIZE_SET : CERT_SANITIZE,
        .server_name = is_gateway ? STR("istio-envoy") : STR("envoy"),
    };
}

static struct filter_chain tcp_chain(struct str name, struct str cluster)
{
    return (struct filter_chain){
        .name = name,
        .kind = CHAIN_TCP,
        .tcp = {.stat_prefix = cluster, .cluster = cluster},
    };
}

static struct filter_chain *chain_copy(struct translation *t, struct filter_chain chain)
{
    struct filter_chain *out = ARENA_NEW(t->arena, struct filter_chain);

    *out = chain;
    return out;
}

static struct str unknown_cluster(const struct translation *t)
{
    return routes_is_passing_unknown(t) ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER;
}

/* A new listener ADDRESS_PORT; NULL when there is one already. */
static struct listener *add_listener(struct sidecar_maker *maker, struct str address, uint32_t port,
                                     struct origin origin)
{
    struct translation *t = maker->t;
    struct str name = context_keep(t, arena_format(&t->scratch, "%.*s_%u", STR_FMT(address), port));

    if (map_get(&maker->listener_by_name, name) != MAP_NONE)
        return NULL;
    (void)map_set(&maker->listener_by_name, name, maker->listeners.count);
    struct listener *listener = ARENA_PUSH(t->arena, maker->listeners.items, maker->listeners.count,
                                           maker->listeners.capacity);
    *listener = (struct listener){
        .name = name,
        .address = context_keep(t, address),
        .port = port,
        .direction = TRAFFIC_OUTBOUND,
        .has_detection_timeout = true,
        .origin = context_keep_origin(t, origin),
    };
    return listener;
}

/* Only who looks at the first bytes stops looking after a while. */
static void inspect_http(const struct translation *t, struct listener *listener)
{
    listener->http_inspector.is_there = true;
    listener->detection_timeout_ns = t->mesh->config.detection_timeout_ns;
}

static const struct virtual_host_list *hosts_of_port(struct sidecar_maker *maker, uint32_t port)
{
    struct arena *scratch = &maker->t->scratch;

    for (uint32_t i = 0; i < maker->hosts_count; i++) {
        if (maker->host_ports[i] == port)
            return &maker->hosts[i];
    }
    uint32_t index = maker->hosts_count;
    *ARENA_PUSH(scratch, maker->host_ports, index, maker->host_ports_capacity) = port;
    *ARENA_PUSH(scratch, maker->hosts, maker->hosts_count, maker->hosts_capacity) =
        sidecar_routes_hosts(maker->routes, port);
    return &maker->hosts[maker->hosts_count - 1];
}

static const struct route_config *keep_table(struct sidecar_maker *maker, struct route_config table)
{
    uint32_t known = map_get(&maker->table_by_name, table.name);

    if (known != MAP_NONE)
        return &maker->tables[known];
    ASSERT(maker->table_count < maker->table_capacity);
    (void)map_set(&maker->table_by_name, table.name, maker->table_count);
    maker->tables[maker->table_count] = table;
    return &maker->tables[maker->table_count++];
}

static struct filter_chain http_chain(const struct translation *t,
                                      const struct route_config *routes, struct origin origin)
{
    return (struct filter_chain){
        .kind = CHAIN_HTTP,
        .http = listeners_manager(t, routes),
        .application_protocols = HTTP_PROTOCOLS,
        .application_protocol_count = COUNT_OF(HTTP_PROTOCOLS),
        .transport_protocol = STR("raw_buffer"),
        .transport_connect_timeout_ns = LISTENERS_TRANSPORT_TIMEOUT_NS,
        .origin = origin,
    };
}

/* All HTTP services with this port number share one listener. */
static void add_http_port(struct sidecar_maker *maker, const struct service_port *port)
{
    struct translation *t = maker->t;
    struct listener *listener = add_listener(maker, ANY_ADDRESS, port->port, port->origin);

    if (listener == NULL)
        return;
    const struct virtual_host_list *hosts = hosts_of_port(maker, port->port);
    const struct route_config *routes =
        keep_table(maker, sidecar_routes_table(maker->routes, hosts, port->port));
    listener->chains = chain_copy(t, http_chain(t, routes, listener->origin));
    listener->chain_count = 1;
    /* TLS and HTTP/1.0 to a port number of HTTP go past all routing. */
    listener->default_chain =
        chain_copy(t, tcp_chain(STR("PassthroughFilterChain"), unknown_cluster(t)));
    inspect_http(t, listener);
}

static void add_tcp_address(struct sidecar_maker *maker, const struct service *service,
                            const struct service_port *port, struct str address)
{
    struct translation *t = maker->t;
    struct listener *listener = add_listener(maker, address, port->port, port->origin);

    if (listener == NULL)
        return;
    struct filter_chain chain =
        tcp_chain(STR_EMPTY, cluster_name(t, port->port, STR_EMPTY, service->host));
    chain.transport_connect_timeout_ns = LISTENERS_TRANSPORT_TIMEOUT_NS;
    chain.origin = listener->origin;
    if (service_port_protocol(port) != PORT_SNIFFED) {
        listener->chains = chain_copy(t, chain);
        listener->chain_count = 1;
        return;
    }
    struct route_config table;
    const struct virtual_host_list *hosts = hosts_of_port(maker, port->port);
    listener->default_chain = chain_copy(t, chain);
    inspect_http(t, listener);
    if (!sidecar_routes_sniffed_table(maker->routes, hosts, service, port->port, &table))
        return;
    listener->chains = chain_copy(t, http_chain(t, keep_table(maker, table), listener->origin));
    listener->chain_count = 1;
}

/* A headless service has no address: each of its pods gets a listener, but not
 * the proxy's own, whose connections to itself do not come here. */
static void add_tcp_port(struct sidecar_maker *maker, const struct service *service,
                         uint32_t port_index)
{
    const struct service_port *port = &service->ports[port_index];

    if (!service_is_headless(service)) {
        add_tcp_address(maker, service, port, service->cluster_ip);
        return;
    }
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        const struct service_endpoint *endpoint = &service->endpoints[i];
        if (endpoint->ports[port_index] == 0 || str_eq(endpoint->address, maker->t->proxy->address))
            continue;
        add_tcp_address(maker, service, port, endpoint->address);
    }
}

static void add_port(struct sidecar_maker *maker, const struct service *service,
                     uint32_t port_index)
{
    enum port_protocol protocol = service_port_protocol(&service->ports[port_index]);

    if (protocol == PORT_UDP)
        return;
    if (port_protocol_is_http(protocol))
        add_http_port(maker, &service->ports[port_index]);
    else
        add_tcp_port(maker, service, port_index);
}

/* Where redirected connections arrive that no listener is for. */
static void add_virtual_outbound(struct sidecar_maker *maker)
{
    struct translation *t = maker->t;
    struct listener *listener = ARENA_PUSH(t->arena, maker->listeners.items, maker->listeners.count,
                                           maker->listeners.capacity);
    struct filter_chain *chains = ARENA_ARRAY(t->arena, struct filter_chain, 2);

    chains[0] = tcp_chain(STR("virtualOutbound-blackhole"), BLACK_HOLE_CLUSTER);
    chains[0].destination_port = VIRTUAL_OUTBOUND_PORT;
    chains[1] = tcp_chain(STR("virtualOutbound-catchall-tcp"), unknown_cluster(t));
    *listener = (struct listener){
        .name = STR("virtualOutbound"),
        .address = ANY_ADDRESS,
        .port = VIRTUAL_OUTBOUND_PORT,
        .is_bound = true,
        .is_using_original_dst = true,
        .direction = TRAFFIC_OUTBOUND,
        .chains = chains,
        .chain_count = 2,
    };
}

static uint32_t table_count_max(const struct translation *t)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < t->service_count; i++)
        count += t->services[i]->port_count;
    return count;
}

void listeners_of_sidecar(struct translation *t)
{
    struct sidecar_maker maker = {.t = t, .routes = sidecar_routes_new(t)};

    map_init(&maker.listener_by_name, &t->scratch);
    map_init(&maker.table_by_name, &t->scratch);
    maker.table_capacity = table_count_max(t);
    maker.tables = ARENA_ARRAY(t->arena, struct route_config, maker.table_capacity);
    for (uint32_t i = 0; i < t->service_count; i++) {
        for (uint32_t k = 0; k < t->services[i]->port_count; k++)
            add_port(&maker, t->services[i], k);
    }
    add_virtual_outbound(&maker);
    inbound_listeners(t, &maker.listeners);
    t->snapshot->listeners = maker.listeners.items;
    t->snapshot->listener_count = maker.listeners.count;
    t->snapshot->route_configs = maker.tables;
    t->snapshot->route_config_count = maker.table_count;
}
