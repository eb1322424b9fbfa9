/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/gateway_routes.c - see gateway_routes.h.
 *
 * A host meant by several VirtualServices gets the routes of all, one after
 * the other, catch-alls last. Hosts with the very same routes become one
 * virtual host. Source: ISTIO.md 2.18.
 */
#include "config/translate/gateway_routes.h"

#include "base/sort.h"
#include "config/resource/host.h"
#include "config/resource/host_list.h"
#include "config/translate/match.h"
#include "config/translate/routes.h"
#include "config/translate/selection.h"
#include "config/translate/virtual_hosts.h"

#define DIRECT_RESPONSE_BYTES_MAX (1024u * 1024) /* Istio's own */

/* A VirtualService's routes for one Gateway, made once. */
struct part {
    struct route_list routes;
};

struct gateway_host_entry {
    struct str host;
    uint32_t port;
    uint32_t *parts; /* indexes */
    uint32_t part_count, part_capacity;
    bool is_requiring_tls;
    struct origin origin;
    struct text_list more_hosts; /* with the same routes */
    bool is_collapsed;           /* into an earlier one */
};

struct gateway_table {
    struct translation *t;
    struct part *parts;
    uint32_t part_count, part_capacity;
    struct map part_index; /* "gateway vs" */
    struct gateway_host_entry *hosts;
    uint32_t host_count, host_capacity;
    struct map host_index;
};

static struct str gateway_name(struct translation *t, const struct gateway *gateway)
{
    return arena_format(&t->scratch, "%.*s/%.*s", STR_FMT(gateway->meta.namespace),
                        STR_FMT(gateway->meta.name));
}

/* The routes are those for the first server that had some of them. */
static uint32_t part_of(struct gateway_table *table, struct str gateway,
                        const struct virtual_service *service, const struct gateway_server *server)
{
    struct translation *t = table->t;
    struct str key = arena_format(&t->scratch, "%.*s %.*s/%.*s", STR_FMT(gateway),
                                  STR_FMT(service->meta.namespace), STR_FMT(service->meta.name));
    uint32_t index = map_get(&table->part_index, key);

    if (index != MAP_NONE && table->parts[index].routes.count > 0)
        return index;
    struct route_question question = {.service = service,
                                      .gateway = gateway,
                                      .listen_port = server->port,
                                      .is_tls = server->tls != NULL};
    struct part part = {0};
    routes_of_virtual_service(t, &question, &part.routes);
    *ARENA_PUSH(&t->scratch, table->parts, table->part_count, table->part_capacity) = part;
    (void)map_set(&table->part_index, key, table->part_count - 1);
    return table->part_count - 1;
}

static struct gateway_host_entry *entry_of(struct gateway_table *table, struct str host,
                                           const struct gateway_server *server)
{
    struct translation *t = table->t;
    uint32_t index = map_get(&table->host_index, host);

    if (index != MAP_NONE)
        return &table->hosts[index];
    struct gateway_host_entry *added =
        ARENA_PUSH(&t->scratch, table->hosts, table->host_count, table->host_capacity);
    *added =
        (struct gateway_host_entry){.host = host, .port = server->port, .origin = server->origin};
    (void)map_set(&table->host_index, host, table->host_count - 1);
    return added;
}

/* The more specific of each pair that means the same requests. */
static struct text_list intersection(struct translation *t, const struct gateway_server *server,
                                     const struct virtual_service *service)
{
    struct text_list all = {0};

    for (uint32_t i = 0; i < server->host_count; i++)
        text_list_add(&all, server->hosts[i].text, &t->scratch);
    struct text_list own = host_list_for_namespace(&all, service->meta.namespace, &t->scratch);
    return host_list_common(&own, &service->cased_hosts, &t->scratch);
}

static void add_virtual_service(struct gateway_table *table,
                                const struct gateway_server_place *place, struct str gateway,
                                const struct virtual_service *service)
{
    struct translation *t = table->t;
    struct text_list hosts = intersection(t, place->server, service);

    if (hosts.count == 0)
        return;
    uint32_t part = part_of(table, gateway, service, place->server);
    if (table->parts[part].routes.count == 0)
        return;
    for (uint32_t i = 0; i < hosts.count; i++) {
        struct str host = arena_str_lower(&t->scratch, hosts.items[i]);
        struct gateway_host_entry *entry = entry_of(table, host, place->server);
        *ARENA_PUSH(&t->scratch, entry->parts, entry->part_count, entry->part_capacity) = part;
        entry->is_requiring_tls |= place->server->is_redirecting_to_https;
    }
}

static void add_server(struct gateway_table *table, const struct gateway_server_place *place)
{
    struct translation *t = table->t;
    struct str gateway = gateway_name(t, place->gateway);
    struct selection selection = selection_for(t, gateway);

    for (uint32_t i = 0; i < selection.count; i++)
        add_virtual_service(table, place, gateway, selection.items[i]);
    if (!place->server->is_redirecting_to_https)
        return;
    for (uint32_t i = 0; i < place->server->host_count; i++)
        entry_of(table, place->server->hosts[i].text, place->server)->is_requiring_tls = true;
}

/* The most specific host first. */
static int entry_order(const void *a, const void *b)
{
    const struct gateway_host_entry *left = a, *right = b;
    return host_order(left->host, right->host);
}

/* What two entries must share to become one virtual host, besides TLS. */
static struct str collapse_key(struct translation *t, const struct gateway_host_entry *entry)
{
    struct str key = STR("parts");

    for (uint32_t i = 0; i < entry->part_count; i++)
        key = arena_format(&t->scratch, "%.*s,%u", STR_FMT(key), entry->parts[i]);
    return key;
}

static void collapse(struct gateway_table *table, const uint32_t *order)
{
    struct translation *t = table->t;
    struct map known;

    map_init(&known, &t->scratch);
    for (uint32_t i = 0; i < table->host_count; i++) {
        struct gateway_host_entry *entry = &table->hosts[order[i]];
        struct str key = collapse_key(t, entry);
        uint32_t earlier = map_get(&known, key);
        /* Only the latest of its kind takes others in, as in istiod. */
        if (earlier == MAP_NONE ||
            table->hosts[earlier].is_requiring_tls != entry->is_requiring_tls) {
            (void)map_set(&known, key, order[i]);
            continue;
        }
        text_list_add(&table->hosts[earlier].more_hosts, entry->host, &t->scratch);
        entry->is_collapsed = true;
    }
}

/* All parts' routes, those that take everything last. */
static struct route_list joined_routes(const struct gateway_table *table,
                                       const struct gateway_host_entry *entry)
{
    struct route_list out = {0};

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < entry->part_count; i++) {
            const struct route_list *routes = &table->parts[entry->parts[i]].routes;
            for (uint32_t k = 0; k < routes->count; k++) {
                bool is_last = match_is_catch_all(&routes->items[k].match);
                if (is_last != (pass == 1))
                    continue;
                struct route *route =
                    ARENA_PUSH(table->t->arena, out.items, out.count, out.capacity);
                *route = routes->items[k];
                route->index = out.count - 1;
            }
        }
    }
    return out;
}

static struct virtual_host virtual_host_of_entry(const struct gateway_table *table,
                                                 const struct gateway_host_entry *entry)
{
    struct translation *t = table->t;
    struct route_list routes = joined_routes(table, entry);
    struct str name = arena_format(&t->scratch, "%.*s:%u", STR_FMT(entry->host), entry->port);
    struct virtual_host out = virtual_host_of(t, name, &routes);
    struct str *domains = ARENA_ARRAY(t->arena, struct str, entry->more_hosts.count + 1);

    domains[0] = context_keep(t, entry->host);
    for (uint32_t i = 0; i < entry->more_hosts.count; i++)
        domains[i + 1] = context_keep(t, entry->more_hosts.items[i]);
    out.domains = domains;
    out.domain_count = entry->more_hosts.count + 1;
    out.require_tls = entry->is_requiring_tls ? REQUIRE_TLS_ALL : REQUIRE_TLS_NONE;
    if (routes.count == 0)
        out.origin = context_keep_origin(t, entry->origin);
    return out;
}

/* No VirtualService at all: everything is answered with 404. */
static struct virtual_host black_hole(struct translation *t, const struct gateway_server *server)
{
    struct route_list none = {0};
    struct virtual_host out =
        virtual_host_of(t, arena_format(&t->scratch, "blackhole:%u", server->port), &none);
    struct str *star = ARENA_ARRAY(t->arena, struct str, 1);

    star[0] = STR("*");
    out.domains = star;
    out.domain_count = 1;
    out.has_attempt_count = false;
    out.origin = context_keep_origin(t, server->origin);
    return out;
}

struct route_config gateway_routes_table(struct translation *t,
                                         const struct gateway_server_place *servers,
                                         uint32_t server_count, struct str name)
{
    struct gateway_table table = {.t = t};
    struct virtual_host_list list = {0};

    map_init(&table.part_index, &t->scratch);
    map_init(&table.host_index, &t->scratch);
    for (uint32_t i = 0; i < server_count; i++)
        add_server(&table, &servers[i]);
    uint32_t *order =
        sort_indexes(&t->scratch, table.hosts, table.host_count, sizeof(*table.hosts), entry_order);
    collapse(&table, order);
    for (uint32_t i = 0; i < table.host_count; i++) {
        const struct gateway_host_entry *entry = &table.hosts[order[i]];
        if (!entry->is_collapsed)
            *ARENA_PUSH(t->arena, list.items, list.count, list.capacity) =
                virtual_host_of_entry(&table, entry);
    }
    if (list.count == 0)
        *ARENA_PUSH(t->arena, list.items, list.count, list.capacity) =
            black_hole(t, servers[0].server);
    virtual_host_list_sort(t, &list);
    return (struct route_config){
        .name = context_keep(t, name),
        .virtual_hosts = list.items,
        .virtual_host_count = list.count,
        .is_port_ignored = true,
        .direct_response_bytes_max = DIRECT_RESPONSE_BYTES_MAX,
    };
}
