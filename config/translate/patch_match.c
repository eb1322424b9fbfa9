/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/patch_match.c - see patch_match.h.
 *
 * It reads the messages as they are sent, since patches speak of these: of their
 * names, ports and filters. Source: pilot/pkg/networking/core/envoyfilter:
 * listener_patch.go, cluster_patch.go.
 */
#include "config/translate/patch_match.h"

#include "config/translate/patch_inside.h"

#define HTTP_MANAGER STR("envoy.filters.network.http_connection_manager")

/* A whole listener or cluster is added once, in whichever context. */
static bool is_added(const struct patch_ground *ground, const struct envoy_patch *patch)
{
    return patch_is_in_context(ground, patch, false) || patch_is_in_context(ground, patch, true);
}

/* --- filters ----------------------------------------------------------------------- */

/* Filters of telemetry, which are not printed: each HTTP connection manager has them,
 * and each chain of a sidecar's inbound listener. */
static bool is_unprinted(const struct patch_ground *ground, const struct envoy_patch *patch,
                         struct str name)
{
    bool is_exchange = str_eq(name, STR("istio.metadata_exchange"));

    if (patch->target == PATCH_HTTP_FILTER)
        return is_exchange || str_eq(name, STR("envoy.filters.http.grpc_stats"));
    return patch->target == PATCH_NETWORK_FILTER && is_exchange && !ground->is_gateway &&
           patch->context != CONTEXT_OUTBOUND;
}

/* A filter's place among others of its kind: `name` is what the patch looks for, if it
 * looks for one. */
static bool filter_matches(const struct patch_ground *ground, const struct envoy_patch *patch,
                           const struct json_value *filters, const struct str *name)
{
    bool is_always =
        patch->operation == OPERATION_ADD || patch->operation == OPERATION_INSERT_FIRST;

    if (is_always || (patch_is_insertion(patch) && name == NULL))
        return true;
    bool is_for_any =
        patch_is_merge(patch) && name == NULL && patch->target != PATCH_LISTENER_FILTER;
    if (is_for_any)
        return filters->count > 0;
    if (name == NULL)
        return false;
    if (text_list_has(&ground->added, *name) || is_unprinted(ground, patch, *name))
        return true;
    for (uint32_t i = 0; i < filters->count; i++) {
        bool is_it = str_eq(patch_text(&filters->items[i], STR("name")), *name);
        if (is_it &&
            (!patch_is_merge(patch) || json_get(&filters->items[i], STR("typedConfig")) != NULL))
            return true;
    }
    return false;
}

static bool network_filter_matches(const struct patch_ground *ground,
                                   const struct envoy_patch *patch,
                                   const struct json_value *filters)
{
    const struct listener_wish *wish = patch->listener;
    bool has_name = wish != NULL && wish->has_filter;

    return filter_matches(ground, patch, filters, has_name ? &wish->network_filter : NULL);
}

static bool http_filter_matches(const struct patch_ground *ground, const struct envoy_patch *patch,
                                const struct json_value *filters)
{
    const struct listener_wish *wish = patch->listener;
    bool has_manager_name = wish != NULL && wish->has_filter;
    bool has_name = has_manager_name && wish->has_sub_filter;

    for (uint32_t i = 0; i < filters->count; i++) {
        const struct json_value *filter = &filters->items[i];
        struct str its = patch_text(filter, STR("name"));
        if (!str_eq(its, HTTP_MANAGER) || (has_manager_name && !str_eq(its, wish->network_filter)))
            continue;
        const struct json_value *config = json_get(filter, STR("typedConfig"));
        if (filter_matches(ground, patch, patch_list(config, STR("httpFilters")),
                           has_name ? &wish->http_filter : NULL))
            return true;
    }
    return false;
}

/* --- listeners --------------------------------------------------------------------- */

static bool is_virtual(const struct json_value *listener)
{
    struct str name = patch_text(listener, STR("name"));

    return str_eq(name, STR("virtualInbound")) || str_eq(name, STR("virtualOutbound"));
}

static bool listener_matches(const struct json_value *listener, const struct envoy_patch *patch)
{
    const struct listener_wish *wish = patch->listener;

    if (wish == NULL)
        return true;
    if (wish->name.len > 0 && !str_eq(wish->name, patch_text(listener, STR("name"))))
        return false;
    if (wish->port == 0 || (patch->target != PATCH_LISTENER && is_virtual(listener)))
        return true;
    const struct json_value *address = json_get(listener, STR("address"));
    return patch_number(json_get(address, STR("socketAddress")), STR("portValue")) == wish->port;
}

static bool chain_matches(const struct json_value *listener, const struct json_value *chain,
                          const struct envoy_patch *patch)
{
    const struct listener_wish *wish = patch->listener;
    const struct json_value *match = json_get(chain, STR("filterChainMatch"));

    if (wish == NULL)
        return true;
    uint32_t port = patch_number(match, STR("destinationPort"));
    if (is_virtual(listener) && wish->port > 0 && port != wish->port)
        return false;
    if (!wish->has_chain)
        return true;
    if ((wish->chain.len > 0 && !str_eq(wish->chain, patch_text(chain, STR("name")))) ||
        (wish->sni.len > 0 && !patch_list_has(patch_list(match, STR("serverNames")), wish->sni)) ||
        (wish->transport.len > 0 &&
         !str_eq(wish->transport, patch_text(match, STR("transportProtocol")))) ||
        (wish->chain_port > 0 && wish->chain_port != port))
        return false;
    struct str rest = wish->applications;
    while (rest.len > 0) {
        if (!patch_list_has(patch_list(match, STR("applicationProtocols")), str_cut(&rest, ',')))
            return false;
    }
    return true;
}

static bool chain_would_change(const struct patch_ground *ground, const struct envoy_patch *patch,
                               const struct json_value *chain)
{
    const struct json_value *filters = patch_list(chain, STR("filters"));

    if (filters->count == 0)
        return false;
    if (patch->target == PATCH_NETWORK_FILTER)
        return network_filter_matches(ground, patch, filters);
    if (patch->target == PATCH_HTTP_FILTER)
        return http_filter_matches(ground, patch, filters);
    return patch_is_merge(patch) || patch->operation == OPERATION_REMOVE;
}

static bool listener_would_change(const struct patch_ground *ground,
                                  const struct envoy_patch *patch,
                                  const struct json_value *listener)
{
    const struct json_value *chains = patch_list(listener, STR("filterChains"));
    const struct json_value *last = json_get(listener, STR("defaultFilterChain"));
    const struct listener_wish *wish = patch->listener;

    if (patch->target == PATCH_LISTENER)
        return patch_is_merge(patch) || patch->operation == OPERATION_REMOVE;
    if (patch->target == PATCH_LISTENER_FILTER)
        return filter_matches(ground, patch, patch_list(listener, STR("listenerFilters")),
                              wish != NULL && wish->filter.len > 0 ? &wish->filter : NULL);
    if (patch->target == PATCH_FILTER_CHAIN && patch_is_addition(patch))
        return true;
    for (uint32_t i = 0; i < chains->count; i++) {
        if (chain_matches(listener, &chains->items[i], patch) &&
            chain_would_change(ground, patch, &chains->items[i]))
            return true;
    }
    return last != NULL && chain_matches(listener, last, patch) &&
           chain_would_change(ground, patch, last);
}

static bool any_listener(const struct patch_ground *ground, const struct envoy_patch *patch)
{
    const struct json_value *listeners = patch_list(ground->all, STR("listeners"));

    if (patch->target == PATCH_LISTENER && patch_is_addition(patch))
        return is_added(ground, patch);
    for (uint32_t i = 0; i < listeners->count; i++) {
        const struct json_value *listener = &listeners->items[i];
        if (patch_is_in_context(ground, patch, patch_is_inbound(listener)) &&
            listener_matches(listener, patch) && listener_would_change(ground, patch, listener))
            return true;
    }
    return false;
}

/* --- clusters ---------------------------------------------------------------------- */

/* An inbound cluster has the names of its services in its metadata. */
static bool has_service(const struct json_value *cluster, struct str host)
{
    const struct json_value *metadata = json_get(cluster, STR("metadata"));
    const struct json_value *istio =
        json_get(json_get(metadata, STR("filterMetadata")), STR("istio"));
    const struct json_value *services = patch_list(istio, STR("services"));

    for (uint32_t i = 0; i < services->count; i++) {
        if (str_eq(patch_text(&services->items[i], STR("host")), host))
            return true;
    }
    return false;
}

static bool cluster_matches(const struct json_value *cluster, const struct cluster_wish *wish)
{
    struct str name = patch_text(cluster, STR("name"));
    struct subset_key key = patch_key_of(name);

    if (wish == NULL)
        return true;
    if (wish->name.len > 0)
        return str_eq(wish->name, name);
    bool is_of_service =
        wish->service.len == 0 || str_eq(wish->service, key.host) ||
        (str_eq(key.direction, STR("inbound")) && has_service(cluster, wish->service));
    return is_of_service && (wish->subset.len == 0 || str_eq(wish->subset, key.subset)) &&
           (wish->port == 0 || wish->port == key.port);
}

static bool any_cluster(const struct patch_ground *ground, const struct envoy_patch *patch)
{
    const struct json_value *clusters = patch_list(ground->all, STR("clusters"));

    if (patch_is_addition(patch))
        return is_added(ground, patch);
    if (!patch_is_merge(patch) && patch->operation != OPERATION_REMOVE)
        return false;
    for (uint32_t i = 0; i < clusters->count; i++) {
        struct str name = patch_text(&clusters->items[i], STR("name"));
        bool is_its_own =
            str_has_prefix(name, STR("inbound|")) || str_eq(name, STR("InboundPassthroughCluster"));
        if (patch_is_in_context(ground, patch, is_its_own) &&
            cluster_matches(&clusters->items[i], patch->cluster))
            return true;
    }
    return false;
}

bool patch_matches(const struct patch_ground *ground, const struct envoy_patch *patch)
{
    switch (patch->target) {
    case PATCH_INVALID:
        return false;
    case PATCH_LISTENER:
    case PATCH_FILTER_CHAIN:
    case PATCH_NETWORK_FILTER:
    case PATCH_HTTP_FILTER:
    case PATCH_LISTENER_FILTER:
        return any_listener(ground, patch);
    case PATCH_ROUTE_CONFIGURATION:
    case PATCH_VIRTUAL_HOST:
    case PATCH_HTTP_ROUTE:
        return patch_any_routes(ground, patch);
    case PATCH_CLUSTER:
        return any_cluster(ground, patch);
    case PATCH_EXTENSION_CONFIG: /* for a filter that asks for it by name */
        return patch_is_addition(patch);
    case PATCH_BOOTSTRAP: /* when the proxy begins */
        return patch_is_merge(patch);
    }
    return false;
}
