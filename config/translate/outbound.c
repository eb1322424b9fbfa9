/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/outbound.c - see outbound.h.
 *
 * Services that want one address and port share a listener where their
 * connections can be told apart; else the older one has it.
 */
#include "config/translate/outbound.h"

#include "config/resource/host.h"
#include "config/resource/service.h"
#include "config/resource/service_entry.h"
#include "config/resource/sidecar.h"
#include "config/translate/clusters.h"
#include "config/translate/outbound_chains.h"
#include "config/translate/routes.h"
#include "config/translate/scope.h"
#include "config/translate/sidecar_routes.h"

#define UNIX_PREFIX STR("unix://")

static const struct str HTTP_PROTOCOLS[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};

/* What a listener is for. HTTP on all addresses is EITHER, as other streams to
 * its port pass through; only on an address of the Sidecar's is it HTTP alone. */
enum entry_kind { ENTRY_STREAM, ENTRY_HTTP, ENTRY_EITHER };

struct entry {
    struct str name, address;
    uint32_t port;
    enum entry_kind kind;
    enum port_protocol protocol; /* of the first who came */
    bool is_bound;
    bool is_locked; /* an egress listener with a port said who is here */
    struct outbound_chain_list chains;
    struct origin origin;
};

struct outbound_maker {
    struct translation *t;
    struct sidecar_routes *routes;
    /* Of the egress listener at hand. */
    struct selection virtual_services;
    struct str bind; /* empty: where the services are */
    bool is_bound;
    struct entry *entries;
    uint32_t entry_count, entry_capacity;
    struct map entry_by_name;
    struct route_config *tables; /* room for one of each service port */
    uint32_t table_count, table_capacity;
    struct map table_by_name; /* a headless port's pods share one */
    /* The virtual hosts of a port, made once. */
    struct virtual_host_list *hosts;
    uint32_t *host_ports;
    uint32_t hosts_count, hosts_capacity, host_ports_capacity;
};

/* --- route tables --------------------------------------------------------------- */

static const struct virtual_host_list *hosts_of_port(struct outbound_maker *maker, uint32_t port)
{
    struct arena *scratch = &maker->t->scratch;

    for (uint32_t i = 0; i < maker->hosts_count; i++) {
        if (maker->host_ports[i] == port)
            return &maker->hosts[i];
    }
    uint32_t index = maker->hosts_count;
    *ARENA_PUSH(scratch, maker->host_ports, index, maker->host_ports_capacity) = port;
    *ARENA_PUSH(scratch, maker->hosts, maker->hosts_count, maker->hosts_capacity) =
        sidecar_routes_hosts(maker->routes, port, STR_EMPTY);
    return &maker->hosts[maker->hosts_count - 1];
}

/* The table "PORT", or that of the Unix domain socket at hand. */
static struct route_config table_of_port(struct outbound_maker *maker, uint32_t port)
{
    struct translation *t = maker->t;

    if (port != 0)
        return sidecar_routes_table(maker->routes, hosts_of_port(maker, port),
                                    arena_format(&t->scratch, "%u", port));
    struct virtual_host_list hosts = sidecar_routes_hosts(maker->routes, 0, maker->bind);
    return sidecar_routes_table(maker->routes, &hosts, maker->bind);
}

static const struct route_config *keep_table(struct outbound_maker *maker,
                                             struct route_config table)
{
    uint32_t known = map_get(&maker->table_by_name, table.name);

    if (known != MAP_NONE)
        return &maker->tables[known];
    ASSERT(maker->table_count < maker->table_capacity);
    (void)map_set(&maker->table_by_name, table.name, maker->table_count);
    maker->tables[maker->table_count] = table;
    return &maker->tables[maker->table_count++];
}

/* --- listeners ------------------------------------------------------------------- */

static struct entry *find_entry(struct outbound_maker *maker, struct str address, uint32_t port,
                                struct str *name)
{
    *name = arena_format(&maker->t->scratch, "%.*s_%u", STR_FMT(address), port);
    uint32_t index = map_get(&maker->entry_by_name, *name);

    return index == MAP_NONE ? NULL : &maker->entries[index];
}

static struct entry *add_entry(struct outbound_maker *maker, struct str name, struct str address,
                               const struct service_port *port)
{
    struct translation *t = maker->t;

    (void)map_set(&maker->entry_by_name, name, maker->entry_count);
    struct entry *entry =
        ARENA_PUSH(&t->scratch, maker->entries, maker->entry_count, maker->entry_capacity);
    *entry = (struct entry){
        .name = context_keep(t, name),
        .address = context_keep(t, address),
        .port = port->port,
        .protocol = context_protocol(t, port),
        .is_bound = maker->is_bound,
        .origin = context_keep_origin(t, port->origin),
    };
    return entry;
}

/* Those that differ from what is there; who comes first keeps all of its own. */
static void merge_chains(struct outbound_maker *maker, struct entry *entry,
                         const struct outbound_chain_list *incoming)
{
    struct outbound_chain_list *list = &entry->chains;
    bool is_first = list->count == 0;

    for (uint32_t i = 0; i < incoming->count; i++) {
        bool is_conflict = false;
        for (uint32_t k = 0; !is_first && k < list->count; k++)
            is_conflict |= outbound_chains_conflict(&list->items[k], &incoming->items[i]);
        if (!is_conflict)
            *ARENA_PUSH(&maker->t->scratch, list->items, list->count, list->capacity) =
                incoming->items[i];
    }
}

/* Their servers speak first: nobody may wait for bytes of the client. */
static bool is_server_first(enum port_protocol protocol)
{
    return protocol == PORT_MONGO || protocol == PORT_MYSQL;
}

static bool can_share(const struct entry *entry, enum port_protocol protocol)
{
    bool is_delicate = is_server_first(protocol) || is_server_first(entry->protocol);

    return !is_delicate || (entry->kind == ENTRY_STREAM && entry->protocol == protocol);
}

/* A service whose hosts are looked up, if it is the first on its port, keeps them
 * in a place of its own. */
static void set_dns_cache(struct translation *t, const struct service *service,
                          struct http_connection_manager *http)
{
    struct dns_cache cache = cluster_dns_cache(t, service);

    if (cache.name.len == 0)
        return;
    http->dns_caches[http->dns_cache_count++] = http->dns_caches[0];
    http->dns_caches[0] = cache;
}

static struct outbound_chain http_chain(struct translation *t, const struct route_config *routes,
                                        const struct service_port *port, bool is_among_others)
{
    struct outbound_chain out = {.chain = {
                                     .kind = CHAIN_HTTP,
                                     .http = listeners_manager(t, routes),
                                     .transport_connect_timeout_ns = LISTENERS_TRANSPORT_TIMEOUT_NS,
                                     .origin = context_keep_origin(t, port->origin),
                                 }};

    out.chain.http.has_grpc_web = context_protocol(t, port) == PORT_GRPC_WEB;
    if (is_among_others) {
        out.chain.application_protocols = HTTP_PROTOCOLS;
        out.chain.application_protocol_count = COUNT_OF(HTTP_PROTOCOLS);
        out.chain.transport_protocol = STR("raw_buffer");
    }
    return out;
}

/* All HTTP services with this port number share one listener. */
static void add_http_port(struct outbound_maker *maker, const struct service *service,
                          const struct service_port *port)
{
    struct translation *t = maker->t;
    enum port_protocol protocol = context_protocol(t, port);
    struct str address = maker->bind.len > 0 ? maker->bind : context_any_address(t);
    bool is_among_others = str_eq(address, context_any_address(t)) && protocol != PORT_HTTP_PROXY;
    struct str name;
    struct entry *entry = find_entry(maker, address, port->port, &name);

    if (entry != NULL &&
        (entry->is_locked || entry->kind != ENTRY_STREAM || !can_share(entry, protocol)))
        return;
    const struct route_config *routes = keep_table(maker, table_of_port(maker, port->port));
    struct outbound_chain chain = http_chain(t, routes, port, is_among_others);
    set_dns_cache(t, service, &chain.chain.http);
    struct outbound_chain_list list = {&chain, 1, 1};
    bool is_first = entry == NULL;
    if (is_first)
        entry = add_entry(maker, name, address, port);
    entry->kind = is_first && !is_among_others ? ENTRY_HTTP : ENTRY_EITHER;
    merge_chains(maker, entry, &list);
}

/* HTTP that is found out from the first bytes has a table of its own, but on
 * all addresses the port's. */
static void add_sniffed_chain(struct outbound_maker *maker, const struct service *service,
                              const struct service_port *port, struct str address,
                              struct outbound_chain_list *out)
{
    struct translation *t = maker->t;
    const struct virtual_host_list *hosts = hosts_of_port(maker, port->port);
    struct route_config table;

    if (str_eq(address, context_any_address(t)))
        table = table_of_port(maker, port->port);
    else if (!sidecar_routes_sniffed_table(maker->routes, hosts, service, port->port, &table))
        return;
    *ARENA_PUSH(&t->scratch, out->items, out->count, out->capacity) =
        http_chain(t, keep_table(maker, table), port, true);
}

static void add_stream_address(struct outbound_maker *maker, const struct service *service,
                               const struct service_port *port, struct str address,
                               struct text_list subnets)
{
    enum port_protocol protocol = context_protocol(maker->t, port);
    bool is_sniffed = protocol == PORT_SNIFFED;
    struct outbound_chain_list chains = {0};
    struct str name;
    struct entry *entry = find_entry(maker, address, port->port, &name);

    if (entry != NULL && (entry->is_locked || (is_sniffed && entry->kind == ENTRY_EITHER) ||
                          !can_share(entry, protocol)))
        return;
    outbound_chains(maker->t,
                    &(struct outbound_question){.service = service,
                                                .listen_port = port->port,
                                                .protocol = protocol,
                                                .bind = address,
                                                .subnets = subnets,
                                                .virtual_services = &maker->virtual_services},
                    &chains);
    if (is_sniffed)
        add_sniffed_chain(maker, service, port, address, &chains);
    if (entry == NULL)
        entry = add_entry(maker, name, address, port);
    else if (is_sniffed && entry->kind == ENTRY_HTTP)
        entry->chains.count = 0; /* it finds HTTP by itself */
    if (is_sniffed || entry->kind == ENTRY_HTTP)
        entry->kind = ENTRY_EITHER;
    merge_chains(maker, entry, &chains);
}

/* Its address; where a subnet is one, all addresses and the subnet to match. */
static void add_stream_service(struct outbound_maker *maker, const struct service *service,
                               const struct service_port *port)
{
    struct text_list subnets = {0};
    struct str address = maker->bind;

    if (address.len == 0 && !service_is_headless(service))
        address = service->cluster_ip;
    if (maker->bind.len == 0 && str_find(address, '/') != STR_NONE) {
        text_list_add(&subnets, address, &maker->t->scratch);
        address = STR_EMPTY;
    }
    add_stream_address(maker, service, port,
                       address.len > 0 ? address : context_any_address(maker->t), subnets);
}

/* Where a service has no address, each of its endpoints gets a listener, but
 * not the proxy's own, whose connections to itself do not come here. A
 * ServiceEntry that knows of no endpoint for the port takes all addresses. */
static void add_stream_port(struct outbound_maker *maker, const struct service *service,
                            const struct service_port *port, uint32_t port_index)
{
    bool has_own_address =
        maker->bind.len > 0 || (service->cluster_ip.len > 0 && !service_is_headless(service));
    const struct service_entry *entry = service->entry;
    struct text_list none = {0};

    if (has_own_address || !service_is_passthrough(service)) {
        add_stream_service(maker, service, port);
        return;
    }
    const struct service *known = scope_indexed(maker->t, service, &port_index);
    if (known == NULL && entry != NULL && !entry->has_selector)
        add_stream_service(maker, service, port);
    for (uint32_t i = 0; known != NULL && i < known->endpoint_count; i++) {
        const struct service_endpoint *endpoint = &known->endpoints[i];
        if (scope_indexed_port(endpoint, port_index) == 0 || !host_is_ip(endpoint->address) ||
            str_eq(endpoint->address, maker->t->proxy->address))
            continue;
        add_stream_address(maker, service, port, endpoint->address, none);
    }
}

static void add_port(struct outbound_maker *maker, const struct service *service,
                     uint32_t port_index)
{
    const struct service_port *port = &service->ports[port_index];
    enum port_protocol protocol = context_protocol(maker->t, port);

    if (protocol == PORT_UDP)
        return;
    if (port_protocol_is_http(protocol))
        add_http_port(maker, service, port);
    else
        add_stream_port(maker, service, port, port_index);
}

/* --- egress listeners ------------------------------------------------------------ */

static void set_place(struct outbound_maker *maker, const struct sidecar_egress *egress)
{
    maker->bind = STR_EMPTY;
    maker->is_bound = false;
    if (egress == NULL)
        return;
    maker->is_bound = egress->capture == CAPTURE_NONE || str_has_prefix(egress->bind, UNIX_PREFIX);
    maker->bind = egress->bind;
    if (maker->bind.len == 0 && maker->is_bound)
        maker->bind = context_localhost(maker->t);
}

/* One port of the Sidecar's own for all services of the scope. */
static void add_egress_port(struct outbound_maker *maker, const struct scope *scope)
{
    const struct sidecar_egress *egress = scope->egress;
    struct service_port port = {.port = egress->port,
                                .protocol = STR("TCP"),
                                .app_protocol = egress->protocol,
                                .is_protocol_said = true,
                                .origin = egress->origin};
    enum port_protocol protocol =
        egress->is_http_proxy ? PORT_HTTP_PROXY : context_protocol(maker->t, &port);

    /* Each service makes an HTTP proxy's listener anew: the last one's stays. */
    uint32_t first =
        protocol == PORT_HTTP_PROXY && scope->service_count > 0 ? scope->service_count - 1 : 0;
    for (uint32_t i = first; i < scope->service_count && protocol != PORT_UDP; i++) {
        if (port_protocol_is_http(protocol))
            add_http_port(maker, scope->services[i], &port);
        else
            add_stream_service(maker, scope->services[i], &port);
    }
}

/* What earlier egress listeners placed stays theirs. */
static void add_all_ports(struct outbound_maker *maker, const struct scope *scope)
{
    for (uint32_t i = 0; i < maker->entry_count; i++)
        maker->entries[i].is_locked = true;
    for (uint32_t i = 0; i < scope->service_count; i++) {
        for (uint32_t k = 0; k < scope->services[i]->port_count; k++)
            add_port(maker, scope->services[i], k);
    }
}

static void add_scope(struct outbound_maker *maker, const struct scope *scope)
{
    set_place(maker, scope->egress);
    maker->virtual_services = selection_for_scope(maker->t, scope);
    if (scope->egress != NULL && scope->egress->has_port)
        add_egress_port(maker, scope);
    else
        add_all_ports(maker, scope);
}

/* A listener of its own, where the mesh has one for requests to any service
 * (ISTIO.md 5.4). */
static void add_mesh_proxy(struct outbound_maker *maker)
{
    struct translation *t = maker->t;
    struct service_port port = {.port = t->mesh->config.http_proxy_port,
                                .protocol = STR("TCP"),
                                .is_protocol_said = true,
                                .app_protocol = STR("HTTP_PROXY"),
                                .origin = t->mesh->config.http_proxy_origin};
    struct str name;

    if (port.port == 0 || find_entry(maker, context_localhost(t), port.port, &name) != NULL)
        return;
    const struct virtual_host_list *hosts = hosts_of_port(maker, 0);
    const struct route_config *routes =
        keep_table(maker, sidecar_routes_table(maker->routes, hosts, STR("http_proxy")));
    struct outbound_chain chain = http_chain(t, routes, &port, false);
    struct outbound_chain_list list = {&chain, 1, 1};
    chain.chain.http.is_absolute_url_said = true;
    maker->is_bound = true;
    struct entry *entry = add_entry(maker, name, context_localhost(t), &port);
    entry->kind = ENTRY_HTTP;
    merge_chains(maker, entry, &list);
}

/* --- all of it ------------------------------------------------------------------- */

static const struct filter_chain *copy_of(struct translation *t, struct filter_chain chain)
{
    struct filter_chain *out = ARENA_NEW(t->arena, struct filter_chain);

    *out = chain;
    return out;
}

/* Who matches none of several chains gets the one that takes all, else goes
 * where everything unknown goes. */
static void set_chains(struct translation *t, const struct entry *entry, struct listener *out)
{
    struct filter_chain *chains = ARENA_ARRAY(t->arena, struct filter_chain, entry->chains.count);
    const struct filter_chain *default_chain = NULL;

    for (uint32_t i = 0; i < entry->chains.count; i++) {
        const struct outbound_chain *chain = &entry->chains.items[i];
        out->tls_inspector.is_there |= chain->has_sni || chain->chain.tcp.sni_cache.name.len > 0;
        out->http_inspector.is_there |= chain->chain.application_protocol_count > 0;
        if (outbound_chain_is_match_all(chain))
            default_chain = copy_of(t, chain->chain);
        else
            chains[out->chain_count++] = chain->chain;
    }
    out->chains = chains;
    out->default_chain = default_chain;
    if (out->chain_count == 0) {
        out->chains = default_chain;
        out->chain_count = 1;
        out->default_chain = NULL;
    } else if (default_chain == NULL) {
        out->default_chain = copy_of(t, listeners_unknown_chain(t, STR("PassthroughFilterChain")));
    }
    /* Only who looks at the first bytes stops looking after a while. */
    if (out->http_inspector.is_there)
        out->detection_timeout_ns = t->mesh->config.detection_timeout_ns;
}

static struct listener listener_of(struct translation *t, const struct entry *entry)
{
    struct listener out = {
        .name = entry->name,
        .address = entry->address,
        .port = entry->port,
        .is_bound = entry->is_bound,
        .direction = TRAFFIC_OUTBOUND,
        .has_detection_timeout = true,
        .origin = entry->origin,
    };

    set_chains(t, entry, &out);
    return out;
}

static uint32_t table_count_max(const struct translation *t)
{
    uint32_t count = t->scope_count + 1; /* and the mesh's HTTP proxy */

    for (uint32_t i = 0; i < t->scope_count; i++) {
        for (uint32_t k = 0; k < t->scopes[i].service_count; k++)
            count += 2 * t->scopes[i].services[k]->port_count;
    }
    return count;
}

void outbound_listeners(struct translation *t, struct listener_list *out)
{
    struct outbound_maker maker = {
        .t = t, .routes = sidecar_routes_new(t), .virtual_services = selection_for(t, STR("mesh"))};

    map_init(&maker.entry_by_name, &t->scratch);
    map_init(&maker.table_by_name, &t->scratch);
    maker.table_capacity = table_count_max(t);
    maker.tables = ARENA_ARRAY(t->arena, struct route_config, maker.table_capacity);
    for (uint32_t i = 0; i < t->scope_count; i++)
        add_scope(&maker, &t->scopes[i]);
    add_mesh_proxy(&maker);
    for (uint32_t i = 0; i < maker.entry_count; i++)
        *ARENA_PUSH(t->arena, out->items, out->count, out->capacity) =
            listener_of(t, &maker.entries[i]);
    t->snapshot->route_configs = maker.tables;
    t->snapshot->route_config_count = maker.table_count;
}
