/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/gateway_servers.c - see gateway_servers.h.
 */
#include "config/translate/gateway_servers.h"

#include "config/resource/label.h"
#include "config/translate/service_targets.h"

#define NO_PORT_TRANSLATION STR("experimental.istio.io/disable-gateway-port-translation")

struct server_maker {
    struct translation *t;
    struct merged_gateway *merged;
    struct service_targets targets; /* of the proxy's workload */
};

struct port_list {
    uint32_t *items;
    uint32_t count, capacity;
};

static bool is_translating(const struct service *service)
{
    return label_find(service->meta.labels, service->meta.label_count, NO_PORT_TRANSLATION) == NULL;
}

/* The gateway is bound to Services, this among them. */
static bool is_bound_to(const struct gateway *gateway, const struct service *service)
{
    return text_list_has(&gateway->services, service->host) &&
           str_eq(service->meta.namespace, gateway->services_namespace);
}

static void add_port(struct translation *t, struct port_list *list, uint32_t port)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] == port)
            return;
    }
    *ARENA_PUSH(&t->scratch, list->items, list->count, list->capacity) = port;
}

/* The workload's ports for a port of the services that lead to it. Where labels
 * select, the first service that has it decides, and the number is taken as it
 * is when none has; a Gateway that names its services means those alone. */
static struct port_list resolved_ports(const struct server_maker *maker,
                                       const struct gateway *gateway, uint32_t number)
{
    struct port_list out = {0};
    bool is_selecting = gateway->services.count == 0;

    for (uint32_t i = 0; i < maker->targets.count; i++) {
        const struct service_target *target = &maker->targets.items[i];
        const struct service *service = target->service;
        if (service->ports[target->port_index].port != number)
            continue;
        if (is_selecting ? is_translating(service) : is_bound_to(gateway, service))
            add_port(maker->t, &out, target->target_port);
        if (is_selecting && out.count > 0)
            return out;
    }
    if (is_selecting)
        add_port(maker->t, &out, number);
    return out;
}

static uint32_t find(const struct merged_gateway *merged, uint32_t port,
                     const struct gateway_server *server)
{
    for (uint32_t i = 0; i < merged->count; i++) {
        const struct merged_servers *item = &merged->items[i];
        if (item->port == port && str_eq(item->bind, server->bind) &&
            str_eq(item->protocol, server->protocol))
            return i;
    }
    return MAP_NONE;
}

static struct str host_key(struct translation *t, uint32_t port, struct str host)
{
    return arena_format(&t->scratch, "%u %.*s", port, STR_FMT(host));
}

/* Of servers with a tls block, even one that only redirects, each host is
 * there once on a port and address; a server that repeats one is left out whole. */
static bool repeats_host(struct translation *t, struct merged_gateway *merged, uint32_t port,
                         const struct gateway_server *server)
{
    for (uint32_t i = 0; i < server->host_count; i++) {
        uint32_t known = map_get(&merged->tls_hosts, host_key(t, port, server->hosts[i].text));
        if (known != MAP_NONE && str_eq(merged->tls_binds.items[known], server->bind))
            return true;
    }
    for (uint32_t i = 0; i < server->host_count; i++) {
        text_list_add(&merged->tls_binds, server->bind, &t->scratch);
        (void)map_set(&merged->tls_hosts, host_key(t, port, server->hosts[i].text),
                      merged->tls_binds.count - 1);
    }
    return false;
}

static struct str table_key(struct translation *t, uint32_t port, struct str bind)
{
    return arena_format(&t->scratch, "%u %.*s", port, STR_FMT(bind));
}

/* A further place of a port and address (another protocol's, say) begins the
 * table anew, for all of its places. */
static void begin_table(struct translation *t, struct merged_gateway *merged, uint32_t port,
                        struct str bind)
{
    struct str key = table_key(t, port, bind);
    uint32_t index = map_get(&merged->table_index, key);

    if (index != MAP_NONE) {
        merged->tables[index].server_count = 0;
        return;
    }
    (void)map_set(&merged->table_index, key, merged->table_count);
    (void)ARENA_PUSH(&t->scratch, merged->tables, merged->table_count, merged->table_capacity);
}

static void add_to_table(struct translation *t, struct merged_gateway *merged, uint32_t port,
                         struct gateway_server_place server)
{
    uint32_t index = map_get(&merged->table_index, table_key(t, port, server.server->bind));

    ASSERT(index != MAP_NONE);
    struct table_servers *table = &merged->tables[index];
    *ARENA_PUSH(&t->scratch, table->servers, table->server_count, table->server_capacity) = server;
}

static uint32_t add_place(struct translation *t, struct merged_gateway *merged, uint32_t port,
                          const struct gateway_server *server)
{
    struct str key = arena_format(&t->scratch, "%u", port);
    struct merged_servers *place =
        ARENA_PUSH(&t->scratch, merged->items, merged->count, merged->capacity);

    *place = (struct merged_servers){
        .port = port,
        .bind = server->bind,
        .protocol = server->protocol,
        .is_http = gateway_server_is_http(server),
    };
    if (!gateway_server_is_tls(server))
        (void)map_set(&merged->plain_ports, key, merged->count - 1);
    if (place->is_http)
        begin_table(t, merged, port, server->bind);
    return merged->count - 1;
}

/* Where the server belongs; MAP_NONE: its port is somebody else's. Plain text
 * that came first shares its port and address with plain HTTP only; TLS does
 * with other TLS, which names tell apart. */
static uint32_t choose_place(struct translation *t, struct merged_gateway *merged, uint32_t port,
                             const struct gateway_server *server)
{
    struct str key = arena_format(&t->scratch, "%u", port);
    uint32_t same = find(merged, port, server);
    uint32_t plain = map_get(&merged->plain_ports, key);

    if (plain == MAP_NONE) {
        bool is_new = same == MAP_NONE || !gateway_server_is_tls(server);
        return is_new ? add_place(t, merged, port, server) : same;
    }
    if (!str_eq(merged->items[plain].bind, server->bind))
        return same != MAP_NONE ? same : add_place(t, merged, port, server);
    return merged->items[plain].is_http && gateway_server_is_http(server) ? plain : MAP_NONE;
}

static void add_server(struct server_maker *maker, const struct gateway *gateway,
                       const struct gateway_server *server, uint32_t port)
{
    struct translation *t = maker->t;
    struct merged_gateway *merged = maker->merged;

    if (server->tls != NULL && repeats_host(t, merged, port, server))
        return;
    if (server->tls != NULL && server->tls->mode == SERVER_TLS_AUTO_PASSTHROUGH)
        merged->has_auto_passthrough = true;
    uint32_t index = choose_place(t, merged, port, server);
    if (index == MAP_NONE)
        return;
    struct merged_servers *place = &merged->items[index];
    *ARENA_PUSH(&t->scratch, place->servers, place->server_count, place->server_capacity) =
        (struct gateway_server_place){.server = server, .gateway = gateway};
    if (place->is_http)
        add_to_table(t, merged, port, place->servers[place->server_count - 1]);
}

/* Istio's Gateway selects by labels, without any everyone; one that names its
 * services means who stands behind one of them. */
static bool is_for_proxy(const struct server_maker *maker, const struct gateway *gateway)
{
    const struct proxy_identity *proxy = maker->t->proxy;

    if (gateway->services.count == 0)
        return label_is_subset(gateway->selector.items, gateway->selector.count, proxy->labels,
                               proxy->label_count);
    for (uint32_t i = 0; i < maker->targets.count; i++) {
        if (is_bound_to(gateway, maker->targets.items[i].service))
            return true;
    }
    return false;
}

static void add_gateway(struct server_maker *maker, const struct gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->server_count; i++) {
        const struct gateway_server *server = &gateway->servers[i];
        struct port_list ports = resolved_ports(maker, gateway, server->port);
        for (uint32_t k = 0; k < ports.count; k++)
            add_server(maker, gateway, server, ports.items[k]);
    }
}

struct gateway_list {
    const struct gateway **items;
    uint32_t count, capacity;
};

static struct gateway_list find_gateways(const struct server_maker *maker)
{
    struct translation *t = maker->t;
    struct gateway_list out = {0};

    for (uint32_t i = 0; i < t->mesh->gateways_count; i++) {
        if (is_for_proxy(maker, &t->mesh->gateways[i]))
            *ARENA_PUSH(&t->scratch, out.items, out.count, out.capacity) = &t->mesh->gateways[i];
    }
    return out;
}

/* Where istiod has deployed the proxy for a Gateway of the Gateway API, Istio's own
 * Gateways count only from the namespace of such a one. */
static bool is_beside_managed(const struct gateway_list *list, const struct gateway *gateway)
{
    bool has_managed = false;

    if (gateway->is_of_api)
        return true;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct gateway *other = list->items[i];
        if (!other->is_of_api || !other->is_managed)
            continue;
        if (str_eq(other->meta.namespace, gateway->meta.namespace))
            return true;
        has_managed = true;
    }
    return !has_managed;
}

struct merged_gateway gateway_servers_merge(struct translation *t)
{
    struct merged_gateway merged = {0};
    struct server_maker maker = {.t = t, .merged = &merged, .targets = service_targets_find(t)};

    map_init(&merged.plain_ports, &t->scratch);
    map_init(&merged.tls_hosts, &t->scratch);
    map_init(&merged.table_index, &t->scratch);
    struct gateway_list list = find_gateways(&maker);
    for (uint32_t i = 0; i < list.count; i++) {
        if (is_beside_managed(&list, list.items[i]))
            add_gateway(&maker, list.items[i]);
    }
    return merged;
}

const struct table_servers *gateway_servers_of_table(struct translation *t,
                                                     const struct merged_gateway *merged,
                                                     const struct merged_servers *place)
{
    uint32_t index = map_get(&merged->table_index, table_key(t, place->port, place->bind));

    ASSERT(index != MAP_NONE);
    return &merged->tables[index];
}
