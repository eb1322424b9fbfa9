/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_table.c - see proxy_table.h.
 */
#include "cli/proxy_table.h"

#include "cli/table.h"

#define PADDING_WIDE 5u
#define PADDING_LISTENERS 1u
#define DOMAINS_SHOWN 2u

static bool is_wanted(struct str filter, struct str value)
{
    return filter.len == 0 || str_eq(filter, value);
}

static struct str number_text(struct arena *arena, uint32_t number)
{
    return arena_format(arena, "%u", number);
}

static uint32_t number_of(struct str text)
{
    uint64_t number;

    return str_to_u64(text, UINT32_MAX, &number) ? (uint32_t)number : 0;
}

static int number_order(struct str a, struct str b)
{
    uint32_t left = number_of(a), right = number_of(b);

    return left < right ? -1 : left > right;
}

static struct str dash_if_empty(struct str text)
{
    return text.len > 0 ? text : STR("-");
}

/* The last two parts of .../namespaces/NS/KIND/NAME, as NAME.NS. */
static struct str object_of_path(struct arena *arena, struct str path)
{
    struct str rest = path;
    struct str parts[3] = {STR_EMPTY, STR_EMPTY, STR_EMPTY};

    if (path.len == 0)
        return STR_EMPTY;
    while (rest.ptr != NULL) {
        parts[0] = parts[1];
        parts[1] = parts[2];
        parts[2] = str_cut(&rest, '/');
    }
    return arena_format(arena, "%.*s.%.*s", STR_FMT(parts[2]), STR_FMT(parts[0]));
}

static int cluster_order(const struct table_row *a, const struct table_row *b)
{
    int order = str_order(a->cells[0], b->cells[0]);

    if (order == 0)
        order = str_order(a->cells[2], b->cells[2]);
    if (order == 0)
        order = number_order(a->cells[1], b->cells[1]);
    return order != 0 ? order : str_order(a->cells[3], b->cells[3]);
}

static struct str cluster_type_text(enum cluster_type type)
{
    switch (type) {
    case CLUSTER_EDS:
        return STR("EDS");
    case CLUSTER_STATIC:
        return STR("STATIC");
    case CLUSTER_STRICT_DNS:
        return STR("STRICT_DNS");
    case CLUSTER_LOGICAL_DNS:
        return STR("LOGICAL_DNS");
    case CLUSTER_ORIGINAL_DST:
        return STR("ORIGINAL_DST");
    case CLUSTER_DYNAMIC_DNS:
        return STR("STATIC"); /* istioctl reads a type that is not there as its zero */
    }
    UNREACHABLE("cluster_type");
}

static void add_cluster(struct table *table, const struct cluster *cluster,
                        const struct proxy_filter *filter)
{
    struct table_row row = {.cells = {cluster->name, STR("-"), STR("-"), STR("-"),
                                      cluster_type_text(cluster->type),
                                      object_of_path(table->arena, cluster->config)}};

    if (cluster->service_host.len > 0) {
        row.cells[0] = cluster->service_host;
        row.cells[1] = number_text(table->arena, cluster->service_port);
        row.cells[2] = dash_if_empty(cluster->subset);
        row.cells[3] = STR("outbound");
    }
    if (!is_wanted(filter->fqdn, row.cells[0]) || !is_wanted(filter->subset, row.cells[2]) ||
        !is_wanted(filter->direction, row.cells[3]))
        return;
    if (filter->port != 0 && filter->port != cluster->service_port)
        return;
    *table_add(table) = row;
}

static struct str joined(struct arena *arena, const struct str *items, uint32_t count)
{
    struct str out = count > 0 ? items[0] : STR_EMPTY;

    for (uint32_t i = 1; i < count; i++)
        out = arena_format(arena, "%.*s,%.*s", STR_FMT(out), STR_FMT(items[i]));
    return out;
}

static void add_condition(struct arena *arena, struct str *out, const char *word, struct str text)
{
    *out = arena_format(arena, "%.*s%s%s%.*s", STR_FMT(*out), out->len > 0 ? "; " : "", word,
                        STR_FMT(text));
}

/* Istioctl's words for the lists that Istio writes; order does not matter. */
static struct str protocols_text(struct arena *arena, const struct filter_chain *chain)
{
    static const struct {
        struct str word;
        struct str names[6];
        uint32_t count;
    } LISTS[] = {
        {STR_INIT("HTTP"), {STR_INIT("http/1.0"), STR_INIT("http/1.1"), STR_INIT("h2c")}, 3},
        {STR_INIT("HTTP TLS"),
         {STR_INIT("http/1.0"), STR_INIT("http/1.1"), STR_INIT("h2c"), STR_INIT("istio-http/1.0"),
          STR_INIT("istio-http/1.1"), STR_INIT("istio-h2")},
         6},
        {STR_INIT("Istio HTTP Plain"),
         {STR_INIT("istio"), STR_INIT("istio-http/1.0"), STR_INIT("istio-http/1.1"),
          STR_INIT("istio-h2")},
         4},
        {STR_INIT("TCP TLS"), {STR_INIT("istio-peer-exchange"), STR_INIT("istio")}, 2},
    };

    for (size_t i = 0; i < COUNT_OF(LISTS); i++) {
        uint32_t found = 0;
        for (uint32_t k = 0; k < LISTS[i].count; k++) {
            for (uint32_t p = 0; p < chain->application_protocol_count; p++)
                found += str_eq(chain->application_protocols[p], LISTS[i].names[k]) ? 1 : 0;
        }
        if (found == LISTS[i].count && found == chain->application_protocol_count)
            return LISTS[i].word;
    }
    return joined(arena, chain->application_protocols, chain->application_protocol_count);
}

static struct str chain_match_text(struct arena *arena, const struct filter_chain *chain)
{
    struct str out = STR("");

    if (chain->server_name_count > 0)
        add_condition(arena, &out,
                      "SNI: ", joined(arena, chain->server_names, chain->server_name_count));
    if (chain->transport_protocol.len > 0)
        add_condition(arena, &out, "Trans: ", chain->transport_protocol);
    if (chain->application_protocol_count > 0)
        add_condition(arena, &out, "App: ", protocols_text(arena, chain));
    if (chain->destination_port != 0)
        add_condition(arena, &out, "Addr: *:", number_text(arena, chain->destination_port));
    return out.len > 0 ? out : STR("ALL");
}

/* The cluster of a table that sends everything to one, as inbound ones do. */
static struct str only_cluster(const struct http_connection_manager *http)
{
    const struct virtual_host *host = http->routes->virtual_hosts;

    ASSERT(http->routes->virtual_host_count == 1 && host->route_count == 1);
    return host->routes[0].forward.cluster;
}

static struct str chain_destination(struct arena *arena, const struct filter_chain *chain)
{
    struct str cluster = chain->tcp.cluster;

    if (chain->kind == CHAIN_HTTP && !chain->http.has_inline_routes)
        return arena_concat(arena, STR("Route: "), chain->http.routes->name);
    if (chain->kind == CHAIN_HTTP)
        cluster = only_cluster(&chain->http);
    if (str_eq(cluster, STR("BlackHoleCluster")))
        return STR("Non-HTTP/Non-TCP");
    if (str_contains(cluster, STR("Cluster")) && str_find(cluster, '|') == STR_NONE)
        return cluster;
    return arena_concat(arena, STR("Cluster: "), cluster);
}

static struct str listener_type(const struct listener *listener)
{
    bool has_http = false, has_tcp = false;

    for (uint32_t i = 0; i < listener->chain_count; i++) {
        has_http |= listener->chains[i].kind == CHAIN_HTTP;
        has_tcp |= listener->chains[i].kind == CHAIN_TCP;
    }
    if (listener->default_chain != NULL)
        has_tcp |= listener->default_chain->kind == CHAIN_TCP;
    if (has_http && has_tcp)
        return STR("HTTP+TCP");
    if (has_http)
        return STR("HTTP");
    return has_tcp ? STR("TCP") : STR("UNKNOWN");
}

/* By port and address; within a listener by destination, descending. */
static int listener_order(const struct table_row *a, const struct table_row *b)
{
    int order = number_order(a->cells[1], b->cells[1]);

    if (order == 0)
        order = str_order(a->cells[0], b->cells[0]);
    return order != 0 ? order : str_order(b->cells[3], a->cells[3]);
}

static void add_chain(struct table *table, const struct listener *listener,
                      const struct filter_chain *chain)
{
    *table_add(table) = (struct table_row){
        .cells = {listener->address, number_text(table->arena, listener->port),
                  chain_match_text(table->arena, chain), chain_destination(table->arena, chain)}};
}

static void add_listener(struct table *table, const struct listener *listener,
                         const struct proxy_filter *filter)
{
    struct str type = listener_type(listener);

    if (!is_wanted(filter->address, listener->address) || !is_wanted(filter->type, type))
        return;
    if (filter->port != 0 && filter->port != listener->port)
        return;
    if (filter->is_brief) {
        *table_add(table) = (struct table_row){
            .cells = {listener->address, number_text(table->arena, listener->port), type}};
        return;
    }
    for (uint32_t i = 0; i < listener->chain_count; i++)
        add_chain(table, listener, &listener->chains[i]);
    if (listener->default_chain != NULL)
        add_chain(table, listener, listener->default_chain);
}

static struct str path_text(struct arena *arena, const struct path_matcher *path)
{
    switch (path->kind) {
    case PATH_PREFIX:
        return arena_concat(arena, path->value, STR("*"));
    case PATH_EXACT:
        return path->value;
    case PATH_SEPARATED_PREFIX:
        return arena_concat(arena, STR("PathPrefix:"), path->value);
    case PATH_REGEX:
        return arena_concat(arena, STR("regex "), path->value);
    }
    UNREACHABLE("path_match_kind");
}

static bool has_domain(const struct virtual_host *host, struct str domain)
{
    for (uint32_t i = 0; i < host->domain_count; i++) {
        if (str_eq(host->domains[i], domain))
            return true;
    }
    return false;
}

/* A full name is left out where its shorter form is shown. */
static bool is_redundant(const struct virtual_host *host, struct str domain)
{
    static const struct str TAILS[] = {STR_INIT(".svc.cluster.local"), STR_INIT(".svc")};

    if (str_find(domain, ':') != STR_NONE && domain.ptr[0] != '[')
        return true;
    for (size_t i = 0; i < COUNT_OF(TAILS); i++) {
        if (str_has_suffix(domain, TAILS[i]) &&
            has_domain(host, str_slice(domain, 0, domain.len - TAILS[i].len)))
            return true;
    }
    return false;
}

static struct str domains_text(struct arena *arena, const struct virtual_host *host)
{
    struct str out = STR("");
    uint32_t count = 0;

    if (host->domain_count == 1)
        return host->domains[0];
    for (uint32_t i = 0; i < host->domain_count; i++) {
        if (is_redundant(host, host->domains[i]))
            continue;
        if (count < DOMAINS_SHOWN)
            out = arena_format(arena, "%.*s%s%.*s", STR_FMT(out), count > 0 ? ", " : "",
                               STR_FMT(host->domains[i]));
        count++;
    }
    if (count <= DOMAINS_SHOWN)
        return out;
    return arena_format(arena, "%.*s + %u more...", STR_FMT(out), count - DOMAINS_SHOWN);
}

static void add_host(struct table *table, const struct route_config *config,
                     const struct virtual_host *host)
{
    struct arena *arena = table->arena;
    struct str domains = domains_text(arena, host);

    if (host->route_count == 0)
        *table_add(table) =
            (struct table_row){.cells = {config->name, host->name, domains, STR("/*"), STR("404")}};
    for (uint32_t i = 0; i < host->route_count; i++) {
        const struct route *route = &host->routes[i];
        if (str_eq(route->forward.cluster, STR("PassthroughCluster")))
            continue;
        *table_add(table) = (struct table_row){.cells = {config->name, host->name, domains,
                                                         path_text(arena, &route->match.path),
                                                         object_of_path(arena, route->config)}};
    }
}

/* Only names that are numbers have an order. */
static int route_order(const struct table_row *a, const struct table_row *b)
{
    uint32_t left = number_of(a->cells[0]), right = number_of(b->cells[0]);

    if (left == 0 || right == 0)
        return 0;
    return left < right ? -1 : left > right;
}

static struct str health_text(enum endpoint_health health)
{
    switch (health) {
    case ENDPOINT_HEALTHY:
        return STR("HEALTHY");
    case ENDPOINT_UNHEALTHY:
        return STR("UNHEALTHY");
    case ENDPOINT_DRAINING:
        return STR("DRAINING");
    }
    UNREACHABLE("endpoint_health");
}

static int endpoint_order(const struct table_row *a, const struct table_row *b)
{
    struct str a_rest = a->cells[0], b_rest = b->cells[0];
    int order = str_order(str_cut(&a_rest, ':'), str_cut(&b_rest, ':'));

    if (order == 0)
        order = number_order(a_rest, b_rest);
    return order != 0 ? order : str_order(a->cells[3], b->cells[3]);
}

static void add_endpoint(struct table *table, const struct cluster *cluster,
                         const struct endpoint *endpoint, const struct proxy_filter *filter)
{
    struct str status = health_text(endpoint->health);

    if (!is_wanted(filter->address, endpoint->address) ||
        !is_wanted(filter->cluster, cluster->name))
        return;
    if (filter->status.len > 0 && !str_eq_ci(filter->status, status))
        return;
    if (filter->port != 0 && filter->port != endpoint->port)
        return;
    *table_add(table) = (struct table_row){
        .cells = {arena_format(table->arena, "%.*s:%u", STR_FMT(endpoint->address), endpoint->port),
                  status, STR("OK"), cluster->name}};
}

enum rc proxy_table_clusters(const struct snapshot *snapshot, const struct proxy_filter *filter,
                             struct arena *arena, struct buf *out)
{
    struct table table;

    table_init(&table, arena, 6);
    *table_add(&table) =
        (struct table_row){.cells = {STR("SERVICE FQDN"), STR("PORT"), STR("SUBSET"),
                                     STR("DIRECTION"), STR("TYPE"), STR("DESTINATION RULE")}};
    for (uint32_t i = 0; i < snapshot->cluster_count; i++)
        add_cluster(&table, &snapshot->clusters[i], filter);
    table_sort(&table, cluster_order);
    return table_print(&table, PADDING_WIDE, out);
}

enum rc proxy_table_listeners(const struct snapshot *snapshot, const struct proxy_filter *filter,
                              struct arena *arena, struct buf *out)
{
    struct table table;

    table_init(&table, arena, filter->is_brief ? 3 : 4);
    *table_add(&table) = (struct table_row){.cells = {STR("ADDRESSES"), STR("PORT"),
                                                      filter->is_brief ? STR("TYPE") : STR("MATCH"),
                                                      STR("DESTINATION")}};
    for (uint32_t i = 0; i < snapshot->listener_count; i++)
        add_listener(&table, &snapshot->listeners[i], filter);
    table_sort(&table, listener_order);
    return table_print(&table, PADDING_LISTENERS, out);
}

enum rc proxy_table_routes(const struct snapshot *snapshot, const struct proxy_filter *filter,
                           struct arena *arena, struct buf *out)
{
    struct table table;

    table_init(&table, arena, filter->is_brief ? 2 : 5);
    *table_add(&table) = (struct table_row){
        .cells = {STR("NAME"), filter->is_brief ? STR("VIRTUAL HOSTS") : STR("VHOST NAME"),
                  STR("DOMAINS"), STR("MATCH"), STR("VIRTUAL SERVICE")}};
    for (uint32_t i = 0; i < snapshot->route_config_count; i++) {
        const struct route_config *config = &snapshot->route_configs[i];
        if (!is_wanted(filter->name, config->name))
            continue;
        if (filter->is_brief)
            *table_add(&table) = (struct table_row){
                .cells = {config->name, number_text(arena, config->virtual_host_count)}};
        for (uint32_t k = 0; !filter->is_brief && k < config->virtual_host_count; k++)
            add_host(&table, config, &config->virtual_hosts[k]);
    }
    table_sort(&table, route_order);
    return table_print(&table, PADDING_WIDE, out);
}

enum rc proxy_table_endpoints(const struct snapshot *snapshot, const struct proxy_filter *filter,
                              struct arena *arena, struct buf *out)
{
    struct table table;

    table_init(&table, arena, 4);
    *table_add(&table) = (struct table_row){
        .cells = {STR("ENDPOINT"), STR("STATUS"), STR("OUTLIER CHECK"), STR("CLUSTER")}};
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        const struct cluster *cluster = &snapshot->clusters[i];
        for (uint32_t k = 0; k < cluster->endpoint_count; k++)
            add_endpoint(&table, cluster, &cluster->endpoints[k], filter);
    }
    table_sort(&table, endpoint_order);
    return table_print(&table, PADDING_WIDE, out);
}
