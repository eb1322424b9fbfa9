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

static struct merged_servers *find(struct merged_gateway *merged, uint32_t port, struct str bind)
{
    for (uint32_t i = 0; i < merged->count; i++) {
        if (merged->items[i].port == port && str_eq(merged->items[i].bind, bind))
            return &merged->items[i];
    }
    return NULL;
}

static bool is_tls_port(const struct merged_gateway *merged, uint32_t port)
{
    for (uint32_t i = 0; i < merged->count; i++) {
        if (merged->items[i].port == port)
            return merged->items[i].is_tls;
    }
    return false;
}

/* Of servers with a tls block, even one that only redirects, each host is
 * there once on a port; a server that repeats one is left out whole. */
static bool repeats_host(struct translation *t, struct merged_gateway *merged, uint32_t port,
                         const struct gateway_server *server)
{
    bool is_repeating = false;

    for (uint32_t i = 0; i < server->host_count; i++) {
        struct str key = arena_format(&t->scratch, "%u %.*s", port, STR_FMT(server->hosts[i].text));
        uint32_t known = map_get(&merged->tls_hosts, key);
        if (known != MAP_NONE && str_eq(merged->tls_binds.items[known], server->bind)) {
            is_repeating = true;
            continue;
        }
        text_list_add(&merged->tls_binds, server->bind, &t->scratch);
        (void)map_set(&merged->tls_hosts, key, merged->tls_binds.count - 1);
    }
    return is_repeating;
}

static void add_server(struct translation *t, struct merged_gateway *merged,
                       const struct gateway *gateway, const struct gateway_server *server)
{
    uint32_t port = resolved_port(t, server->port);
    bool is_http = gateway_server_is_http(server);
    bool is_tls = gateway_server_is_tls(server);
    struct merged_servers *place = find(merged, port, server->bind);

    if (server->has_tls && repeats_host(t, merged, port, server))
        return;
    /* Plain text does not go together with TLS, nor HTTP with other protocols:
     * who came first has the port. */
    if (!is_tls && is_tls_port(merged, port))
        return;
    if (place != NULL && (place->is_http != is_http || !is_http))
        return;
    if (place == NULL) {
        place = ARENA_PUSH(&t->scratch, merged->items, merged->count, merged->capacity);
        *place = (struct merged_servers){
            .port = port, .bind = server->bind, .is_http = is_http, .is_tls = is_tls};
    }
    *ARENA_PUSH(&t->scratch, place->servers, place->server_count, place->server_capacity) =
        (struct gateway_server_place){.server = server, .gateway = gateway};
}

static bool leads_here(const struct translation *t, const struct service *service)
{
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
