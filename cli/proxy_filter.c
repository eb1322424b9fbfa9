/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_filter.c - see proxy_filter.h.
 */
#include "base/sort.h"
#include "cli/proxy_filter.h"

static bool is_wanted(struct str filter, struct str value)
{
    return filter.len == 0 || str_eq_ci(filter, value);
}

struct cluster_key cluster_key_of(struct str name)
{
    struct cluster_key out = {.host = name};
    struct str rest = name, parts[4];
    uint64_t port = 0;

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (rest.ptr == NULL)
            return out;
        parts[i] = str_cut(&rest, '|');
    }
    out = (struct cluster_key){
        .direction = parts[0], .subset = parts[2], .host = parts[3], .has_parts = true};
    if (str_to_u64(parts[1], UINT32_MAX, &port))
        out.port = (uint32_t)port;
    return out;
}

static void count_chain(const struct filter_chain *chain, bool *has_http, bool *has_tcp)
{
    *has_http |= chain->kind == CHAIN_HTTP;
    *has_tcp |= chain->kind == CHAIN_TCP && !str_eq(chain->tcp.cluster, STR("BlackHoleCluster"));
}

struct str proxy_filter_listener_type(const struct listener *listener)
{
    bool has_http = false, has_tcp = false;

    for (uint32_t i = 0; i < listener->chain_count; i++)
        count_chain(&listener->chains[i], &has_http, &has_tcp);
    if (listener->default_chain != NULL)
        count_chain(listener->default_chain, &has_http, &has_tcp);
    if (has_http && has_tcp)
        return STR("HTTP+TCP");
    if (has_http)
        return STR("HTTP");
    return has_tcp ? STR("TCP") : STR("UNKNOWN");
}

static void filter_listeners(const struct proxy_filter *filter, struct arena *arena,
                             struct snapshot *out)
{
    struct listener *kept = ARENA_ARRAY(arena, struct listener, out->listener_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < out->listener_count; i++) {
        const struct listener *listener = &out->listeners[i];
        if (is_wanted(filter->address, listener->address) &&
            (filter->port == 0 || filter->port == listener->port) &&
            is_wanted(filter->type, proxy_filter_listener_type(listener)))
            kept[count++] = *listener;
    }
    out->listeners = kept;
    out->listener_count = count;
}

/* Only two names that are numbers have an order. */
static bool is_number_before(struct str a, struct str b)
{
    uint64_t left, right;

    return str_to_u64(a, UINT32_MAX, &left) && str_to_u64(b, UINT32_MAX, &right) && left < right;
}

static void filter_routes(const struct proxy_filter *filter, struct arena *arena,
                          struct snapshot *out)
{
    struct route_config *kept = ARENA_ARRAY(arena, struct route_config, out->route_config_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < out->route_config_count; i++) {
        const struct route_config *config = &out->route_configs[i];
        uint32_t at = count;
        if (filter->name.len > 0 && !str_eq(filter->name, config->name))
            continue;
        for (; at > 0 && is_number_before(config->name, kept[at - 1].name); at--)
            kept[at] = kept[at - 1];
        kept[at] = *config;
        count++;
    }
    out->route_configs = kept;
    out->route_config_count = count;
}

static int cluster_order(const void *a, const void *b)
{
    const struct cluster *first = a, *second = b;
    struct cluster_key left = cluster_key_of(first->name), right = cluster_key_of(second->name);
    int order = str_order(left.host, right.host);

    if (order == 0)
        order = str_order(left.subset, right.subset);
    if (order == 0 && left.port != right.port)
        order = left.port < right.port ? -1 : 1;
    return order != 0 ? order : str_order(left.direction, right.direction);
}

/* All by parts of the whole name. */
static bool is_cluster_wanted(const struct proxy_filter *filter, const struct cluster *cluster,
                              struct arena *arena)
{
    struct str port = arena_format(arena, "|%u|", filter->port);

    return str_contains(cluster->name, filter->fqdn) &&
           str_contains(cluster->name, filter->direction) &&
           str_contains(cluster->name, filter->subset) &&
           (filter->port == 0 || str_contains(cluster->name, port));
}

static bool is_endpoint_wanted(const struct proxy_filter *filter, const struct endpoint *endpoint,
                               struct arena *arena)
{
    struct str address = endpoint->address;

    if (filter->is_whole_address && filter->address.len > 0)
        address = arena_format(arena, "%.*s:%u", STR_FMT(address), endpoint->port);
    return is_wanted(filter->address, address) &&
           (filter->port == 0 || filter->port == endpoint->port) &&
           is_wanted(filter->status, endpoint_health_name(endpoint->health));
}

/* False: nothing of it is left. */
static bool filter_endpoints(const struct proxy_filter *filter, struct arena *arena,
                             struct cluster *cluster)
{
    bool is_all = filter->address.len == 0 && filter->port == 0 && filter->status.len == 0;
    uint32_t count = 0;

    if (!is_wanted(filter->cluster, cluster->name))
        return false;
    if (is_all)
        return filter->cluster.len == 0 || cluster->endpoint_count > 0;
    struct endpoint *kept = ARENA_ARRAY(arena, struct endpoint, cluster->endpoint_count);
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        if (is_endpoint_wanted(filter, &cluster->endpoints[i], arena))
            kept[count++] = cluster->endpoints[i];
    }
    cluster->endpoints = kept;
    cluster->endpoint_count = count;
    cluster->localities = NULL;
    return count > 0;
}

static void filter_clusters(enum proxy_section section, const struct proxy_filter *filter,
                            struct arena *arena, struct snapshot *out)
{
    struct cluster *kept = ARENA_ARRAY(arena, struct cluster, out->cluster_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < out->cluster_count; i++) {
        kept[count] = out->clusters[i];
        bool is_kept = section == SECTION_ENDPOINT ? filter_endpoints(filter, arena, &kept[count])
                                                   : is_cluster_wanted(filter, &kept[count], arena);
        count += is_kept;
    }
    sort_items(arena, kept, count, sizeof(*kept), cluster_order);
    out->clusters = kept;
    out->cluster_count = count;
}

void proxy_filter_apply(const struct snapshot *snapshot, enum proxy_section section,
                        const struct proxy_filter *filter, struct arena *arena,
                        struct snapshot *out)
{
    *out = *snapshot;
    switch (section) {
    case SECTION_LISTENER:
        filter_listeners(filter, arena, out);
        break;
    case SECTION_ROUTE:
        filter_routes(filter, arena, out);
        break;
    case SECTION_CLUSTER:
    case SECTION_ENDPOINT:
        filter_clusters(section, filter, arena, out);
        break;
    case SECTION_SECRET:
    case SECTION_ALL:
        break;
    }
}
