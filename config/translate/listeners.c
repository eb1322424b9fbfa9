/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/listeners.c - see listeners.h.
 *
 * Source: ISTIO.md 5.1, 5.4.
 */
#include "config/translate/listeners.h"

#include "config/translate/inbound.h"
#include "config/translate/outbound.h"
#include "config/translate/routes.h"
#include "proxy/model/limits.h"

#define VIRTUAL_OUTBOUND_PORT 15001u
#define PASSTHROUGH_CLUSTER STR("PassthroughCluster")
#define BLACK_HOLE_CLUSTER STR("BlackHoleCluster")

struct http_connection_manager listeners_manager(const struct translation *t,
                                                 const struct route_config *routes)
{
    bool is_gateway = t->proxy->type == PROXY_ROUTER;
    enum path_normalization paths = t->mesh->config.paths;

    if (paths == PATHS_UNSET)
        paths = t->profile->is_normalizing_path ? PATHS_BASE : PATHS_NONE;
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

struct filter_chain listeners_unknown_chain(const struct translation *t, struct str name)
{
    return tcp_chain(name, routes_is_passing_unknown(t) ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER);
}

/* Where redirected connections arrive that no listener is for. */
static void add_virtual_outbound(struct translation *t, struct listener_list *out)
{
    struct filter_chain *chains = ARENA_ARRAY(t->arena, struct filter_chain, 2);

    chains[0] = tcp_chain(STR("virtualOutbound-blackhole"), BLACK_HOLE_CLUSTER);
    chains[0].destination_port = VIRTUAL_OUTBOUND_PORT;
    chains[1] = listeners_unknown_chain(t, STR("virtualOutbound-catchall-tcp"));
    *ARENA_PUSH(t->arena, out->items, out->count, out->capacity) = (struct listener){
        .name = STR("virtualOutbound"),
        .address = STR("0.0.0.0"),
        .port = VIRTUAL_OUTBOUND_PORT,
        .is_bound = true,
        .is_using_original_dst = true,
        .direction = TRAFFIC_OUTBOUND,
        .chains = chains,
        .chain_count = 2,
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
