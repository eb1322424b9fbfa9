/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_table.c - see proxy_table.h.
 */
#include "cli/proxy_table.h"

#include "base/sort.h"
#include "cli/proxy_filter.h"
#include "cli/table.h"

#define PADDING_WIDE 5u
#define PADDING_LISTENERS 1u
#define DOMAINS_SHOWN 2u

static struct str number_text(struct arena *arena, uint32_t number)
{
    return arena_format(arena, "%u", number);
}

static struct str dash_if_empty(struct str text)
{
    return text.len > 0 ? text : STR("-");
}

/* /apis/networking.istio.io/VERSION/namespaces/NS/KIND/NAME as NAME.NS. */
static struct str object_of_path(struct arena *arena, struct str path)
{
    struct str rest = path;
    struct str parts[8] = {STR_EMPTY};
    size_t count = 0;

    if (path.len == 0)
        return STR_EMPTY;
    if (!str_has_prefix(path, STR("/apis/networking.istio.io/")))
        return STR("<unknown>");
    for (; rest.ptr != NULL && count < COUNT_OF(parts); count++)
        parts[count] = str_cut(&rest, '/');
    if (count != COUNT_OF(parts) || rest.ptr != NULL)
        return STR_EMPTY;
    return arena_format(arena, "%.*s.%.*s", STR_FMT(parts[7]), STR_FMT(parts[5]));
}

/* KIND/NAME before the others, where `all` wants it. */
static void add_row(struct table *table, const struct proxy_table_style *style, const char *kind,
                    struct str name, const struct table_row *row)
{
    struct table_row *out = table_add(table);

    *out = *row;
    if (!style->is_named)
        return;
    for (uint32_t i = table->column_count - 1; i > 0; i--)
        out->cells[i] = row->cells[i - 1];
    out->cells[0] = name;
    if (kind != NULL)
        out->cells[0] = arena_format(table->arena, "%s/%.*s", kind, STR_FMT(name));
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

static void add_cluster(struct table *table, const struct proxy_table_style *style,
                        const struct cluster *cluster)
{
    struct cluster_key key = cluster_key_of(cluster->name);
    struct table_row row = {.cells = {cluster->name, STR("-"), STR("-"), STR("-"),
                                      cluster_type_text(cluster->type),
                                      object_of_path(table->arena, cluster->config)}};

    if (key.has_parts) {
        row.cells[0] = key.host;
        row.cells[1] = number_text(table->arena, key.port);
        row.cells[2] = dash_if_empty(key.subset);
        row.cells[3] = key.direction;
    } else if (style->is_named) {
        row.cells[0] = arena_concat(table->arena, STR("cluster/"), cluster->name);
    }
    add_row(table, style, "cluster", cluster->name, &row);
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

/* Istioctl's words for the lists that Istio writes, in this order. */
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
        bool is_it = LISTS[i].count == chain->application_protocol_count;
        for (uint32_t k = 0; is_it && k < LISTS[i].count; k++)
            is_it = str_eq(chain->application_protocols[k], LISTS[i].names[k]);
        if (is_it)
            return LISTS[i].word;
    }
    return joined(arena, chain->application_protocols, chain->application_protocol_count);
}

/* PREFIX/BITS,...:PORT, or *:PORT. */
static struct str destinations_text(struct arena *arena, const struct filter_chain *chain)
{
    struct str out = chain->destination_count > 0 ? STR("") : STR("*");

    for (uint32_t i = 0; i < chain->destination_count; i++)
        out = arena_format(arena, "%.*s%s%.*s/%u", STR_FMT(out), i > 0 ? "," : "",
                           STR_FMT(chain->destinations[i].address),
                           (unsigned)chain->destinations[i].bits);
    return chain->destination_port == 0
               ? out
               : arena_format(arena, "%.*s:%u", STR_FMT(out), chain->destination_port);
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
    if (chain->destination_port != 0 || chain->destination_count > 0)
        add_condition(arena, &out, "Addr: ", destinations_text(arena, chain));
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
    if (chain->kind == CHAIN_TCP && str_eq(cluster, STR("BlackHoleCluster")))
        return STR("Non-HTTP/Non-TCP");
    if (str_contains(cluster, STR("Cluster")))
        return cluster;
    return arena_concat(arena, STR("Cluster: "), cluster);
}

struct listener_row {
    const struct listener *listener;
    struct str match, destination;
};

/* By port and address; within a listener by destination, descending. */
static int row_order(const void *left, const void *right)
{
    const struct listener_row *a = left, *b = right;
    if (a->listener->port != b->listener->port)
        return a->listener->port < b->listener->port ? -1 : 1;
    int order = str_order(a->listener->address, b->listener->address);
    if (order == 0 && a->listener != b->listener)
        order = str_order(proxy_filter_listener_type(a->listener),
                          proxy_filter_listener_type(b->listener));
    if (order == 0 && a->listener != b->listener)
        return a->listener < b->listener ? -1 : 1;
    return order != 0 ? order : str_order(b->destination, a->destination);
}

struct row_list {
    struct listener_row *items;
    uint32_t count, capacity;
};

static void add_chain(struct row_list *list, struct arena *arena, const struct listener *listener,
                      const struct filter_chain *chain)
{
    *ARENA_PUSH(arena, list->items, list->count, list->capacity) =
        (struct listener_row){.listener = listener,
                              .match = chain_match_text(arena, chain),
                              .destination = chain_destination(arena, chain)};
}

static void list_chains(struct row_list *list, struct arena *arena,
                        const struct proxy_table_style *style, const struct listener *listener)
{
    if (style->is_brief) {
        *ARENA_PUSH(arena, list->items, list->count, list->capacity) = (struct listener_row){
            .listener = listener, .match = proxy_filter_listener_type(listener)};
        return;
    }
    for (uint32_t i = 0; i < listener->chain_count; i++)
        add_chain(list, arena, listener, &listener->chains[i]);
    if (listener->default_chain != NULL)
        add_chain(list, arena, listener, listener->default_chain);
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

/* A full name is left out where its shorter form is shown, and what has a port. */
static bool is_redundant(const struct virtual_host *host, struct str domain)
{
    static const struct str TAILS[] = {STR_INIT(".svc.cluster.local"), STR_INIT(".svc")};

    if (str_find(domain, ':') != STR_NONE &&
        (domain.ptr[0] != '[' || domain.ptr[domain.len - 1] != ']'))
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

static struct str route_name(struct arena *arena, const struct proxy_table_style *style,
                             const struct route_config *config)
{
    return style->is_named ? arena_concat(arena, STR("route/"), config->name) : config->name;
}

static void add_host(struct table *table, const struct proxy_table_style *style,
                     const struct route_config *config, const struct virtual_host *host)
{
    struct arena *arena = table->arena;
    struct str domains = domains_text(arena, host);

    struct str name = route_name(arena, style, config);

    if (host->route_count == 0)
        *table_add(table) =
            (struct table_row){.cells = {name, host->name, domains, STR("/*"), STR("404")}};
    for (uint32_t i = 0; i < host->route_count; i++) {
        const struct route *route = &host->routes[i];
        if (str_eq(route->forward.cluster, STR("PassthroughCluster")))
            continue;
        *table_add(table) = (struct table_row){.cells = {name, host->name, domains,
                                                         path_text(arena, &route->match.path),
                                                         object_of_path(arena, route->config)}};
    }
}

static int number_order(struct str a, struct str b)
{
    uint64_t left = 0, right = 0;

    (void)str_to_u64(a, UINT32_MAX, &left);
    (void)str_to_u64(b, UINT32_MAX, &right);
    return left < right ? -1 : left > right;
}

static struct str address_of(struct str place)
{
    size_t colon = str_find_last(place, ':');

    return colon == STR_NONE ? place : str_slice(place, 0, colon);
}

static int endpoint_order(const void *left_row, const void *right_row)
{
    const struct table_row *a = left_row, *b = right_row;
    struct str left = address_of(a->cells[0]), right = address_of(b->cells[0]);
    int order = str_order(left, right);

    if (order == 0 && a->cells[0].len > left.len && b->cells[0].len > right.len)
        order =
            number_order(str_from(a->cells[0], left.len + 1), str_from(b->cells[0], right.len + 1));
    return order != 0 ? order : str_order(a->cells[3], b->cells[3]);
}

/* REGION/ZONE/SUBZONE as far as said. */
static struct str locality_text(struct arena *arena, const struct locality *locality)
{
    if (locality->zone.len == 0)
        return locality->region;
    if (locality->subzone.len == 0)
        return arena_format(arena, "%.*s/%.*s", STR_FMT(locality->region), STR_FMT(locality->zone));
    return arena_format(arena, "%.*s/%.*s/%.*s", STR_FMT(locality->region), STR_FMT(locality->zone),
                        STR_FMT(locality->subzone));
}

static void add_endpoint(struct table *table, const struct proxy_table_style *style,
                         const struct cluster *cluster, const struct endpoint *endpoint)
{
    struct arena *arena = table->arena;
    struct str place = endpoint->address;

    if (endpoint->port != 0)
        place = arena_format(arena, "%.*s:%u", STR_FMT(place), endpoint->port);
    *table_add(table) = (struct table_row){
        .cells = {style->is_named ? arena_concat(arena, STR("endpoint/"), place) : place,
                  endpoint_health_name(endpoint->health),
                  style->is_named ? locality_text(arena, &endpoint->locality) : STR("OK"),
                  cluster->name}};
}

enum rc proxy_table_clusters(const struct snapshot *snapshot, const struct proxy_table_style *style,
                             struct arena *arena, struct buf *out)
{
    struct table table;
    const struct table_row heading = {.cells = {STR("SERVICE FQDN"), STR("PORT"), STR("SUBSET"),
                                                STR("DIRECTION"), STR("TYPE"),
                                                STR("DESTINATION RULE")}};

    table_init(&table, arena, style->is_named ? 7 : 6);
    add_row(&table, style, NULL, STR("NAME"), &heading);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++)
        add_cluster(&table, style, &snapshot->clusters[i]);
    return table_print(&table, PADDING_WIDE, out);
}

enum rc proxy_table_listeners(const struct snapshot *snapshot,
                              const struct proxy_table_style *style, struct arena *arena,
                              struct buf *out)
{
    struct table table;
    struct row_list list = {0};
    const struct table_row heading = {.cells = {STR("ADDRESSES"), STR("PORT"),
                                                style->is_brief ? STR("TYPE") : STR("MATCH"),
                                                STR("DESTINATION")}};

    table_init(&table, arena, (style->is_brief ? 3u : 4u) + (style->is_named ? 1 : 0));
    add_row(&table, style, NULL, STR("NAME"), &heading);
    for (uint32_t i = 0; i < snapshot->listener_count; i++)
        list_chains(&list, arena, style, &snapshot->listeners[i]);
    sort_items(arena, list.items, list.count, sizeof(*list.items), row_order);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct listener *listener = list.items[i].listener;
        struct table_row row = {.cells = {listener->address, number_text(arena, listener->port),
                                          list.items[i].match, list.items[i].destination}};
        add_row(&table, style, "listener", listener->name, &row);
    }
    return table_print(&table, PADDING_LISTENERS, out);
}

enum rc proxy_table_routes(const struct snapshot *snapshot, const struct proxy_table_style *style,
                           struct arena *arena, struct buf *out)
{
    struct table table;

    table_init(&table, arena, style->is_brief ? 2 : 5);
    *table_add(&table) = (struct table_row){
        .cells = {STR("NAME"), style->is_brief ? STR("VIRTUAL HOSTS") : STR("VHOST NAME"),
                  STR("DOMAINS"), STR("MATCH"), STR("VIRTUAL SERVICE")}};
    for (uint32_t i = 0; i < snapshot->route_config_count; i++) {
        const struct route_config *config = &snapshot->route_configs[i];
        if (style->is_brief)
            *table_add(&table) =
                (struct table_row){.cells = {route_name(arena, style, config),
                                             number_text(arena, config->virtual_host_count)}};
        for (uint32_t k = 0; !style->is_brief && k < config->virtual_host_count; k++)
            add_host(&table, style, config, &config->virtual_hosts[k]);
    }
    return table_print(&table, PADDING_WIDE, out);
}

enum rc proxy_table_endpoints(const struct snapshot *snapshot,
                              const struct proxy_table_style *style, struct arena *arena,
                              struct buf *out)
{
    struct table table;

    table_init(&table, arena, 4);
    *table_add(&table) = (struct table_row){
        .cells = {style->is_named ? STR("NAME") : STR("ENDPOINT"), STR("STATUS"),
                  style->is_named ? STR("LOCALITY") : STR("OUTLIER CHECK"), STR("CLUSTER")}};
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        const struct cluster *cluster = &snapshot->clusters[i];
        for (uint32_t k = 0; k < cluster->endpoint_count; k++)
            add_endpoint(&table, style, cluster, &cluster->endpoints[k]);
    }
    if (!style->is_named)
        table_sort(&table, endpoint_order);
    return table_print(&table, PADDING_WIDE, out);
}
