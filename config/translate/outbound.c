/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/outbound.c - see outbound.h.
 *
 * Services that want one address and port share a listener where their
 * connections can be told apart; else the older one has it.
 */
#include "config/translate/outbound.h"

#include "config/resource/service.h"
#include "config/translate/outbound_chains.h"
#include "config/translate/routes.h"
#include "config/translate/sidecar_routes.h"

#define ANY_ADDRESS STR("0.0.0.0")

static const struct str HTTP_PROTOCOLS[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};

/* What a listener is for; HTTP on all addresses is EITHER, as other streams to
 * its port pass through. */
enum entry_kind { ENTRY_STREAM, ENTRY_EITHER };

struct entry {
    struct str name, address;
    uint32_t port;
    enum entry_kind kind;
    enum port_protocol protocol; /* of the first who came */
    struct outbound_chain_list chains;
    struct origin origin;
};

struct outbound_maker {
    struct translation *t;
    struct sidecar_routes *routes;
    struct selection virtual_services;
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
        sidecar_routes_hosts(maker->routes, port);
    return &maker->hosts[maker->hosts_count - 1];
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
        .protocol = service_port_protocol(port),
        .origin = context_keep_origin(t, port->origin),
    };
    return entry;
}

/* Those that differ from what is there. */
static void merge_chains(struct outbound_maker *maker, struct entry *entry,
                         const struct outbound_chain_list *incoming)
{
    struct outbound_chain_list *list = &entry->chains;

    for (uint32_t i = 0; i < incoming->count; i++) {
        bool is_conflict = false;
        for (uint32_t k = 0; k < list->count; k++)
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

static struct outbound_chain http_chain(struct translation *t, const struct route_config *routes,
                                        const struct service_port *port)
{
    struct outbound_chain out = {.chain = {
                                     .kind = CHAIN_HTTP,
                                     .http = listeners_manager(t, routes),
                                     .application_protocols = HTTP_PROTOCOLS,
                                     .application_protocol_count = COUNT_OF(HTTP_PROTOCOLS),
                                     .transport_protocol = STR("raw_buffer"),
                                     .transport_connect_timeout_ns = LISTENERS_TRANSPORT_TIMEOUT_NS,
                                     .origin = context_keep_origin(t, port->origin),
                                 }};

    out.chain.http.has_grpc_web = service_port_protocol(port) == PORT_GRPC_WEB;
    return out;
}

/* All HTTP services with this port number share one listener. */
static void add_http_port(struct outbound_maker *maker, const struct service_port *port)
{
    struct translation *t = maker->t;
    struct str name;
    struct entry *entry = find_entry(maker, ANY_ADDRESS, port->port, &name);

    if (entry != NULL && entry->kind == ENTRY_EITHER)
        return;
    if (entry != NULL && !can_share(entry, service_port_protocol(port)))
        return;
    const struct virtual_host_list *hosts = hosts_of_port(maker, port->port);
    const struct route_config *routes =
        keep_table(maker, sidecar_routes_table(maker->routes, hosts, port->port));
    struct outbound_chain chain = http_chain(t, routes, port);
    struct outbound_chain_list list = {&chain, 1, 1};
    if (entry == NULL)
        entry = add_entry(maker, name, ANY_ADDRESS, port);
    entry->kind = ENTRY_EITHER;
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

    if (str_eq(address, ANY_ADDRESS))
        table = sidecar_routes_table(maker->routes, hosts, port->port);
    else if (!sidecar_routes_sniffed_table(maker->routes, hosts, service, port->port, &table))
        return;
    *ARENA_PUSH(&t->scratch, out->items, out->count, out->capacity) =
        http_chain(t, keep_table(maker, table), port);
}

static void add_stream_address(struct outbound_maker *maker, const struct service *service,
                               const struct service_port *port, struct str address,
                               struct text_list subnets)
{
    enum port_protocol protocol = service_port_protocol(port);
    bool is_sniffed = protocol == PORT_SNIFFED;
    struct outbound_chain_list chains = {0};
    struct str name;
    struct entry *entry = find_entry(maker, address, port->port, &name);

    if (entry != NULL &&
        ((is_sniffed && entry->kind == ENTRY_EITHER) || !can_share(entry, protocol)))
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
    if (is_sniffed)
        entry->kind = ENTRY_EITHER;
    merge_chains(maker, entry, &chains);
}

/* A headless service has no address: each of its pods gets a listener, but not
 * the proxy's own, whose connections to itself do not come here. */
static void add_stream_port(struct outbound_maker *maker, const struct service *service,
                            uint32_t port_index)
{
    const struct service_port *port = &service->ports[port_index];
    struct text_list subnets = {0};

    if (service_has_vip(service)) {
        add_stream_address(maker, service, port, service->cluster_ip, subnets);
        return;
    }
    if (!service_is_headless(service)) {
        /* A ServiceEntry's network is a match, no address; without one every
         * address is its. */
        if (service->cluster_ip.len > 0)
            text_list_add(&subnets, context_keep(maker->t, service->cluster_ip), maker->t->arena);
        add_stream_address(maker, service, port, ANY_ADDRESS, subnets);
        return;
    }
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        const struct service_endpoint *endpoint = &service->endpoints[i];
        if (endpoint->ports[port_index] == 0 || str_eq(endpoint->address, maker->t->proxy->address))
            continue;
        add_stream_address(maker, service, port, endpoint->address, subnets);
    }
}

static void add_port(struct outbound_maker *maker, const struct service *service,
                     uint32_t port_index)
{
    enum port_protocol protocol = service_port_protocol(&service->ports[port_index]);

    if (protocol == PORT_UDP)
        return;
    if (port_protocol_is_http(protocol))
        add_http_port(maker, &service->ports[port_index]);
    else
        add_stream_port(maker, service, port_index);
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
        out->tls_inspector.is_there |= chain->has_sni;
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
        .direction = TRAFFIC_OUTBOUND,
        .has_detection_timeout = true,
        .origin = entry->origin,
    };

    set_chains(t, entry, &out);
    return out;
}

static uint32_t table_count_max(const struct translation *t)
{
    uint32_t count = 0;

    for (uint32_t s = 0; s < t->scope_count; s++) {
        for (uint32_t i = 0; i < t->scopes[s].service_count; i++)
            count += 2 * t->scopes[s].services[i]->port_count;
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
    /* What only VirtualServices lead to has no listener. */
    for (uint32_t s = 0; s < t->scope_count; s++) {
        const struct scope *scope = &t->scopes[s];
        for (uint32_t i = 0; i < scope->service_count; i++) {
            for (uint32_t k = 0; k < scope->services[i]->port_count; k++)
                add_port(&maker, scope->services[i], k);
        }
    }
    for (uint32_t i = 0; i < maker.entry_count; i++)
        *ARENA_PUSH(t->arena, out->items, out->count, out->capacity) =
            listener_of(t, &maker.entries[i]);
    t->snapshot->route_configs = maker.tables;
    t->snapshot->route_config_count = maker.table_count;
}
