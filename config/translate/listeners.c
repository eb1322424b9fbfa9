/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/listeners.c - see listeners.h.
 *
 * Source: ISTIO.md 5.1, 5.4.
 */
#include "config/translate/listeners.h"

#include "config/translate/clusters.h"
#include "config/translate/inbound.h"
#include "config/translate/outbound.h"
#include "config/translate/routes.h"
#include "config/translate/virtual_hosts.h"
#include "proxy/model/limits.h"

#define DIRECT_RESPONSE_BYTES_MAX (1024u * 1024) /* Istio's own */
#define BLACK_HOLE_CLUSTER STR("BlackHoleCluster")

struct http_connection_manager listeners_manager(struct translation *t,
                                                 const struct route_config *routes)
{
    bool is_gateway = t->proxy->type == PROXY_ROUTER;
    enum path_normalization paths = t->mesh->config.paths;

    if (paths == PATHS_UNSET)
        paths = t->profile->is_normalizing_path ? PATHS_BASE : PATHS_NONE;
    struct http_connection_manager out = {
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
        .xff_trusted_hops = is_gateway ? t->settings.xff_trusted_hops : 0,
        .server_name = is_gateway ? STR("istio-envoy") : STR("envoy"),
    };
    if (t->settings.server_name.len > 0)
        out.server_name = context_keep(t, t->settings.server_name);
    if (routes_is_looking_names_up(t))
        out.dns_caches[out.dns_cache_count++] = cluster_unknown_dns_cache();
    return out;
}

static struct filter_chain tcp_chain(struct str name, struct str cluster)
{
    return (struct filter_chain){
        .name = name,
        .kind = CHAIN_TCP,
        .tcp = {.stat_prefix = cluster, .cluster = cluster},
    };
}

struct filter_chain listeners_unknown_chain(struct translation *t, struct str name)
{
    return tcp_chain(name,
                     routes_is_passing_unknown(t) ? routes_unknown_cluster(t) : BLACK_HOLE_CLUSTER);
}

/* Plain HTTP to hosts that nobody knows, whatever the port, is led by the name
 * that it says. */
static struct filter_chain unknown_http_chain(struct translation *t)
{
    static const struct str HTTP_PROTOCOLS[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};
    struct route_config *table = ARENA_NEW(t->arena, struct route_config);
    struct virtual_host *host = ARENA_NEW(t->arena, struct virtual_host);

    *table = (struct route_config){
        .name = STR("allow_any_dynamic_dns"),
        .virtual_hosts = host,
        .virtual_host_count = virtual_host_catch_all(t, host) ? 1 : 0,
        .is_port_ignored = true,
        .direct_response_bytes_max = DIRECT_RESPONSE_BYTES_MAX,
    };
    struct filter_chain out = {
        .name = STR("virtualOutbound-catchall-tcp-http"),
        .kind = CHAIN_HTTP,
        .application_protocols = HTTP_PROTOCOLS,
        .application_protocol_count = COUNT_OF(HTTP_PROTOCOLS),
        .http = listeners_manager(t, table),
    };
    out.http.has_inline_routes = true;
    out.http.stat_prefix = STR("outbound_virtualOutbound_allow_any_dynamic_dns;");
    return out;
}

/* Where redirected connections arrive that no listener is for. */
static void add_virtual_outbound(struct translation *t, struct listener_list *out)
{
    struct filter_chain *chains = ARENA_ARRAY(t->arena, struct filter_chain, 3);
    bool is_looking_up = routes_is_looking_names_up(t);
    uint32_t count = 1;

    chains[0] = tcp_chain(STR("virtualOutbound-blackhole"), BLACK_HOLE_CLUSTER);
    chains[0].destination_port = t->mesh->config.listen_port;
    if (is_looking_up)
        chains[count++] = unknown_http_chain(t);
    chains[count++] = listeners_unknown_chain(t, STR("virtualOutbound-catchall-tcp"));
    *ARENA_PUSH(t->arena, out->items, out->count, out->capacity) = (struct listener){
        .name = STR("virtualOutbound"),
        .address = context_any_address(t),
        .port = t->mesh->config.listen_port,
        .is_bound = true,
        .is_using_original_dst = true,
        .direction = TRAFFIC_OUTBOUND,
        .chains = chains,
        .chain_count = count,
        .http_inspector = {.is_there = is_looking_up},
    };
}

void listeners_of_sidecar(struct translation *t)
{
    struct listener_list list = {0};

    outbound_listeners(t, &list);
    add_virtual_outbound(t, &list);
    inbound_listeners(t, &list);
    t->snapshot->listeners = list.items;
    t->snapshot->listener_count = list.count;
}
