/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/patch_route.c - patches of route tables, virtual hosts and routes.
 *
 * Source: pilot/pkg/networking/core/envoyfilter/rc_patch.go.
 */
#include "config/translate/patch_inside.h"

/* `http.8080`, or `https.443.NAME.GATEWAY.NS`. */
struct gateway_table {
    uint32_t port;
    struct str port_name, gateway;
};

static struct gateway_table table_of(struct str name, struct arena *arena)
{
    struct gateway_table out = {0};
    struct str rest = name;
    uint64_t port;

    (void)str_cut(&rest, '.');
    if (str_to_u64(str_cut(&rest, '.'), UINT16_MAX, &port))
        out.port = (uint32_t)port;
    if (!str_has_prefix(name, STR("https.")))
        return out;
    out.port_name = str_cut(&rest, '.');
    struct str gateway = str_cut(&rest, '.');
    out.gateway = arena_format(arena, "%.*s/%.*s", STR_FMT(rest), STR_FMT(gateway));
    return out;
}

/* Virtual hosts of a gateway are named by their server's port: the Service's, while the
 * table is named by the pod's. */
static bool has_server_port(const struct json_value *table, uint32_t port, struct arena *arena)
{
    const struct json_value *hosts = patch_list(table, STR("virtualHosts"));
    struct str end = arena_format(arena, ":%u", port);

    for (uint32_t i = 0; i < hosts->count; i++) {
        if (str_has_suffix(patch_text(&hosts->items[i], STR("name")), end))
            return true;
    }
    return false;
}

static bool table_matches(const struct patch_ground *ground, const struct json_value *table,
                          const struct route_wish *wish)
{
    struct str name = patch_text(table, STR("name"));
    uint64_t port = 0;

    if (wish == NULL)
        return true;
    if (wish->name.len > 0 && !str_eq(wish->name, name))
        return false;
    if (!ground->is_gateway) {
        if (str_has_prefix(name, STR("inbound")))
            port = patch_key_of(name).port;
        else if (!str_to_u64(name, UINT16_MAX, &port))
            port = 0;
        return wish->port == 0 || wish->port == port;
    }
    struct gateway_table its = table_of(name, ground->arena);
    return (wish->port_name.len == 0 || str_eq(wish->port_name, its.port_name)) &&
           (wish->gateway.len == 0 || str_eq(wish->gateway, its.gateway)) &&
           (wish->port == 0 || has_server_port(table, wish->port, ground->arena));
}

static bool host_matches(const struct json_value *host, const struct route_wish *wish)
{
    return wish == NULL || !wish->has_host ||
           ((wish->host.len == 0 || str_eq(wish->host, patch_text(host, STR("name")))) &&
            (wish->domain.len == 0 ||
             patch_list_has(patch_list(host, STR("domains")), wish->domain)));
}

static bool route_matches(const struct json_value *route, const struct route_wish *wish)
{
    static const struct str ACTIONS[] = {
        [ROUTE_ACTION_ROUTE] = STR_INIT("route"),
        [ROUTE_ACTION_REDIRECT] = STR_INIT("redirect"),
        [ROUTE_ACTION_DIRECT_RESPONSE] = STR_INIT("directResponse"),
    };

    if (wish == NULL || !wish->has_route)
        return true;
    return (wish->route.len == 0 || str_eq(wish->route, patch_text(route, STR("name")))) &&
           (wish->action == ROUTE_ACTION_ANY || json_get(route, ACTIONS[wish->action]) != NULL);
}

static bool host_would_change(const struct envoy_patch *patch, const struct json_value *host)
{
    const struct json_value *routes = patch_list(host, STR("routes"));
    bool has_route = patch->routes != NULL && patch->routes->has_route;

    if (patch->target == PATCH_VIRTUAL_HOST)
        return patch_is_merge(patch) || patch->operation == OPERATION_REMOVE ||
               patch->operation == OPERATION_REPLACE;
    if (patch->operation == OPERATION_ADD || (patch_is_insertion(patch) && !has_route))
        return true;
    if (!patch_is_merge(patch) && !patch_is_insertion(patch) &&
        patch->operation != OPERATION_REMOVE)
        return false;
    for (uint32_t i = 0; i < routes->count; i++) {
        if (route_matches(&routes->items[i], patch->routes))
            return true;
    }
    return false;
}

static bool table_would_change(const struct patch_ground *ground, const struct json_value *table,
                               const struct envoy_patch *patch)
{
    const struct json_value *hosts = patch_list(table, STR("virtualHosts"));

    if (!table_matches(ground, table, patch->routes))
        return false;
    if (patch->target == PATCH_ROUTE_CONFIGURATION)
        return patch_is_merge(patch);
    if (patch->target == PATCH_VIRTUAL_HOST && patch_is_addition(patch))
        return true;
    for (uint32_t i = 0; i < hosts->count; i++) {
        if (host_matches(&hosts->items[i], patch->routes) &&
            host_would_change(patch, &hosts->items[i]))
            return true;
    }
    return false;
}

/* The routes that stand in a chain's connection manager. */
static bool chain_routes_would_change(const struct patch_ground *ground,
                                      const struct json_value *chain,
                                      const struct envoy_patch *patch)
{
    const struct json_value *filters = patch_list(chain, STR("filters"));

    for (uint32_t i = 0; i < filters->count; i++) {
        const struct json_value *config = json_get(&filters->items[i], STR("typedConfig"));
        const struct json_value *table = json_get(config, STR("routeConfig"));
        if (table != NULL && table_would_change(ground, table, patch))
            return true;
    }
    return false;
}

static bool any_inbound_routes(const struct patch_ground *ground, const struct envoy_patch *patch)
{
    const struct json_value *listeners = patch_list(ground->all, STR("listeners"));

    for (uint32_t i = 0; i < listeners->count; i++) {
        const struct json_value *chains = patch_list(&listeners->items[i], STR("filterChains"));
        if (!patch_is_inbound(&listeners->items[i]))
            continue;
        for (uint32_t k = 0; k < chains->count; k++) {
            if (chain_routes_would_change(ground, &chains->items[k], patch))
                return true;
        }
    }
    return false;
}

bool patch_any_routes(const struct patch_ground *ground, const struct envoy_patch *patch)
{
    const struct json_value *tables = patch_list(ground->all, STR("routes"));

    if (!ground->is_gateway && patch_is_in_context(ground, patch, true) &&
        any_inbound_routes(ground, patch))
        return true;
    for (uint32_t i = 0; patch_is_in_context(ground, patch, false) && i < tables->count; i++) {
        if (table_would_change(ground, &tables->items[i], patch))
            return true;
    }
    return false;
}
