/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/gateway_servers.c - see gateway_servers.h.
 */
#include "config/translate/gateway_servers.h"

#include "config/resource/label.h"

#define NO_PORT_TRANSLATION STR("experimental.istio.io/disable-gateway-port-translation")

/* The pod's port for a port of a Service that leads here; the first that says
 * so counts, and without one the number is taken as it is. */
static uint32_t resolved_port(const struct translation *t, uint32_t number)
{
    for (uint32_t i = 0; i < t->mesh->services_count; i++) {
        const struct service *service = &t->mesh->services[i];
        const struct str *off =
            label_find(service->meta.labels, service->meta.label_count, NO_PORT_TRANSLATION);
        if (off != NULL && str_eq(*off, STR("true")))
            continue;
        for (uint32_t k = 0; k < service->endpoint_count; k++) {
            if (!str_eq(service->endpoints[k].address, t->proxy->address))
                continue;
            for (uint32_t p = 0; p < service->port_count; p++) {
                if (service->ports[p].port == number && service->endpoints[k].ports[p] != 0)
                    return service->endpoints[k].ports[p];
            }
        }
    }
    return number;
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

static void add_server(struct translation *t, struct merged_gateway *merged,
                       const struct gateway *gateway, const struct gateway_server *server)
{
    uint32_t port = resolved_port(t, server->port);

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
}

/* A stand-in for a gateway's pod, which no Service knows, goes by its labels. */
static bool leads_here(const struct translation *t, const struct service *service)
{
    if (map_get(&t->mesh->pod_by_address, t->proxy->address) == MAP_NONE &&
        label_is_subset(service->selector, service->selector_count, t->proxy->labels,
                        t->proxy->label_count))
        return service->selector_count > 0;
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        if (str_eq(service->endpoints[i].address, t->proxy->address))
            return true;
    }
    return false;
}

/* Istio's Gateway selects by labels; one of the Gateway API means the pods of
 * its Services. */
static bool is_for_proxy(const struct translation *t, const struct gateway *gateway)
{
    if (gateway->services.count == 0)
        return label_is_subset(gateway->selector.items, gateway->selector.count, t->proxy->labels,
                               t->proxy->label_count);
    for (uint32_t i = 0; i < t->mesh->services_count; i++) {
        const struct service *service = &t->mesh->services[i];
        if (text_list_has(&gateway->services, service->host) &&
            str_eq(service->meta.namespace, gateway->meta.namespace) && leads_here(t, service))
            return true;
    }
    return false;
}

struct merged_gateway gateway_servers_merge(struct translation *t)
{
    struct merged_gateway merged = {0};

    map_init(&merged.plain_ports, &t->scratch);
    map_init(&merged.tls_hosts, &t->scratch);
    for (uint32_t i = 0; i < t->mesh->gateways_count; i++) {
        const struct gateway *gateway = &t->mesh->gateways[i];
        if (!is_for_proxy(t, gateway))
            continue;
        for (uint32_t k = 0; k < gateway->server_count; k++)
            add_server(t, &merged, gateway, &gateway->servers[k]);
    }
    return merged;
}
