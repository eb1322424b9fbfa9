/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/gateway_listeners.c - see gateway_listeners.h.
 */
#include "config/translate/gateway_listeners.h"

#include "config/resource/host.h"
#include "config/translate/authz.h"
#include "config/translate/downstream_tls.h"
#include "config/translate/gateway_routes.h"
#include "config/translate/gateway_servers.h"
#include "config/translate/listeners.h"
#include "config/translate/selection.h"
#include "config/translate/streams.h"

/* One listener in the making. */
struct gateway_place {
    struct str name, address;
    uint32_t port;
    struct chain_list chains;
    bool has_tls_inspector;
    struct origin origin;
};

struct gateway_maker {
    struct translation *t;
    struct gateway_place *places;
    uint32_t place_count, place_capacity;
    struct route_config *tables; /* room for one of each server */
    uint32_t table_count;
    struct map plain_tables; /* by name, of plain HTTP -> index into tables */
    const struct merged_gateway *merged;
    struct map sni_hosts; /* "PORT HOST" of passthrough chains -> index into sni_binds */
    struct text_list sni_binds;
    struct authz_filters authz;
};

static struct gateway_place *place_of(struct gateway_maker *maker,
                                      const struct merged_servers *servers)
{
    struct translation *t = maker->t;
    struct str address = servers->bind.len > 0 ? servers->bind : context_any_address(t);
    struct str name = arena_format(&t->scratch, "%.*s_%u", STR_FMT(address), servers->port);

    for (uint32_t i = 0; i < maker->place_count; i++) {
        if (str_eq(maker->places[i].name, name))
            return &maker->places[i];
    }
    struct gateway_place *place =
        ARENA_PUSH(&t->scratch, maker->places, maker->place_count, maker->place_capacity);
    *place = (struct gateway_place){
        .name = context_keep(t, name),
        .address = context_keep(t, address),
        .port = servers->port,
        .origin = context_keep_origin(t, servers->servers[0].server->origin),
    };
    return place;
}

static void add_chain(struct gateway_maker *maker, struct gateway_place *place,
                      struct filter_chain chain)
{
    struct chain_list *list = &place->chains;

    chain.transport_connect_timeout_ns = LISTENERS_TRANSPORT_TIMEOUT_NS;
    chain.security = chain.kind == CHAIN_HTTP ? maker->authz.http : maker->authz.tcp;
    *ARENA_PUSH(maker->t->arena, list->items, list->count, list->capacity) = chain;
}

static const struct route_config *add_table(struct gateway_maker *maker,
                                            const struct gateway_server_place *servers,
                                            uint32_t server_count, struct str name)
{
    struct route_config *table = &maker->tables[maker->table_count++];

    *table = gateway_routes_table(maker->t, servers, server_count, name);
    return table;
}

static struct filter_chain http_chain(struct gateway_maker *maker,
                                      const struct gateway_server *first,
                                      const struct route_config *table)
{
    struct translation *t = maker->t;
    struct filter_chain out = {.kind = CHAIN_HTTP,
                               .http = listeners_manager(t, table),
                               .origin = context_keep_origin(t, first->origin)};
    out.http.has_grpc_web = str_eq(first->protocol, STR("GRPC-WEB"));
    return out;
}

static void add_plain_http(struct gateway_maker *maker, struct gateway_place *place,
                           const struct merged_servers *servers)
{
    const char *dot = servers->bind.len > 0 ? "." : "";
    struct str name = arena_format(&maker->t->scratch, "http.%u%s%.*s", servers->port, dot,
                                   STR_FMT(servers->bind));

    uint32_t known = map_get(&maker->plain_tables, name);
    const struct route_config *table = known != MAP_NONE ? &maker->tables[known] : NULL;
    if (table == NULL) {
        const struct table_servers *of = gateway_servers_of_table(maker->t, maker->merged, servers);
        (void)map_set(&maker->plain_tables, name, maker->table_count);
        table = add_table(maker, of->servers, of->server_count, name);
    }
    add_chain(maker, place, http_chain(maker, servers->servers[0].server, table));
}

/* The server's hosts without their namespaces, as SNI. */
static void set_server_names(struct translation *t, const struct gateway_server *server,
                             struct filter_chain *chain)
{
    struct text_list names = {0};

    for (uint32_t i = 0; i < server->host_count; i++) {
        if (!text_list_has(&names, server->hosts[i].host))
            text_list_add(&names, server->hosts[i].host, &t->scratch);
    }
    streams_set_names(t, &names, chain);
}

static void end_tls(struct gateway_maker *maker, struct gateway_place *place,
                    const struct gateway_server *server, struct filter_chain *chain)
{
    struct translation *t = maker->t;

    set_server_names(t, server, chain);
    chain->origin = context_keep_origin(t, server->origin);
    chain->is_tls = true;
    chain->tls = downstream_tls_translate(t, server->tls, chain->kind == CHAIN_TCP);
    place->has_tls_inspector = true;
}

static void add_https(struct gateway_maker *maker, struct gateway_place *place,
                      const struct gateway_server_place *from)
{
    const struct gateway_server *server = from->server;
    const struct object_meta *meta = &from->gateway->meta;
    const char *dot = server->bind.len > 0 ? "." : "";
    struct str name = arena_format(&maker->t->scratch, "https.%u.%.*s.%.*s.%.*s%s%.*s",
                                   server->port, STR_FMT(server->port_name), STR_FMT(meta->name),
                                   STR_FMT(meta->namespace), dot, STR_FMT(server->bind));
    struct filter_chain chain = http_chain(maker, server, add_table(maker, from, 1, name));

    end_tls(maker, place, server, &chain);
    add_chain(maker, place, chain);
}

/* --- streams ---------------------------------------------------------------- */

static enum port_protocol protocol_of(const struct gateway_server *server)
{
    return str_eq(server->protocol, STR("MONGO")) ? PORT_MONGO : PORT_TCP;
}

static struct str gateway_name(struct translation *t, const struct gateway *gateway)
{
    return arena_format(&t->scratch, "%.*s/%.*s", STR_FMT(gateway->meta.namespace),
                        STR_FMT(gateway->meta.name));
}

/* Do the two share a host, whichever is the wider? */
static bool has_host(const struct gateway_server *server, const struct virtual_service *service)
{
    for (uint32_t i = 0; i < server->host_count; i++) {
        const struct gateway_host *host = &server->hosts[i];
        if (host->namespace.len > 0 && !str_eq(host->namespace, service->meta.namespace))
            continue;
        for (uint32_t k = 0; k < service->cased_hosts.count; k++) {
            if (host_matches(host->host, service->cased_hosts.items[k]))
                return true;
        }
    }
    return false;
}

static bool is_meant(const struct translation *t, const struct stream_rule *rule,
                     const struct gateway_server *server, struct str gateway)
{
    for (uint32_t i = 0; i < rule->match_count; i++) {
        if (streams_match_is_for_proxy(t, &rule->matches[i], gateway, server->port))
            return true;
    }
    return rule->match_count == 0;
}

static const struct stream_rule *rule_for(const struct translation *t,
                                          const struct gateway_server_place *place,
                                          struct str gateway, const struct stream_rule *rules,
                                          uint32_t rule_count)
{
    for (uint32_t i = 0; i < rule_count; i++) {
        if (rules[i].route_count > 0 && is_meant(t, &rules[i], place->server, gateway))
            return &rules[i];
    }
    return NULL;
}

/* The first tcp rule of the first VirtualService that has one for the server; a
 * TLSRoute's rules are tls ones also where TLS ends here. */
static bool find_tcp_rule(struct translation *t, const struct gateway_server_place *place,
                          struct stream_question *out)
{
    struct str gateway = gateway_name(t, place->gateway);
    struct selection selection = selection_for(t, gateway);

    for (uint32_t i = 0; i < selection.count; i++) {
        const struct virtual_service *service = selection.items[i];
        if (!has_host(place->server, service))
            continue;
        const struct stream_rule *rule =
            rule_for(t, place, gateway, service->tcp_rules, service->tcp_rule_count);
        if (rule == NULL && service->is_of_tls_route)
            rule = rule_for(t, place, gateway, service->tls_rules, service->tls_rule_count);
        if (rule == NULL)
            continue;
        *out = (struct stream_question){service, rule, place->server->port,
                                        protocol_of(place->server)};
        return true;
    }
    return false;
}

static void add_tcp(struct gateway_maker *maker, struct gateway_place *place,
                    const struct gateway_server_place *from)
{
    struct stream_question question;

    if (!find_tcp_rule(maker->t, from, &question))
        return;
    struct filter_chain chain = streams_chain(maker->t, &question);
    if (from->server->tls != NULL)
        end_tls(maker, place, from->server, &chain);
    add_chain(maker, place, chain);
}

/* Two chains must not have one SNI; the first has it. */
static bool claims_names(struct gateway_maker *maker, uint32_t port, struct str bind,
                         const struct text_list *names)
{
    struct arena *scratch = &maker->t->scratch;

    for (uint32_t i = 0; i < names->count; i++) {
        struct str key = arena_format(scratch, "%u %.*s", port, STR_FMT(names->items[i]));
        uint32_t known = map_get(&maker->sni_hosts, key);
        if (known != MAP_NONE && str_eq(maker->sni_binds.items[known], bind))
            return false;
    }
    for (uint32_t i = 0; i < names->count; i++) {
        text_list_add(&maker->sni_binds, bind, scratch);
        (void)map_set(&maker->sni_hosts,
                      arena_format(scratch, "%u %.*s", port, STR_FMT(names->items[i])),
                      maker->sni_binds.count - 1);
    }
    return true;
}

static void add_tls_rule(struct gateway_maker *maker, struct gateway_place *place,
                         const struct gateway_server_place *from, struct stream_question question)
{
    struct translation *t = maker->t;
    const struct gateway_server *server = from->server;
    struct str gateway = gateway_name(t, from->gateway);

    for (uint32_t i = 0; i < question.rule->match_count; i++) {
        const struct stream_match *match = &question.rule->matches[i];
        if (!streams_match_is_for_proxy(t, match, gateway, server->port) ||
            !claims_names(maker, place->port, server->bind, &match->sni_hosts))
            continue;
        struct filter_chain chain = streams_chain(t, &question);
        streams_set_names(t, &match->sni_hosts, &chain);
        chain.origin = context_keep_origin(t, match->origin);
        place->has_tls_inspector |= match->sni_hosts.count > 0;
        add_chain(maker, place, chain);
    }
}

/* TLS is not ended: who is called stands in its greeting. */
static void add_passthrough(struct gateway_maker *maker, struct gateway_place *place,
                            const struct gateway_server_place *from)
{
    struct translation *t = maker->t;
    struct selection selection = selection_for(t, gateway_name(t, from->gateway));

    for (uint32_t i = 0; i < selection.count; i++) {
        const struct virtual_service *service = selection.items[i];
        if (!has_host(from->server, service))
            continue;
        for (uint32_t k = 0; k < service->tls_rule_count; k++) {
            if (service->tls_rules[k].route_count > 0)
                add_tls_rule(maker, place, from,
                             (struct stream_question){service, &service->tls_rules[k],
                                                      from->server->port,
                                                      protocol_of(from->server)});
        }
    }
}

/* Every service of the server's hosts, by the SNI that sidecars send. */
static void add_auto_passthrough(struct gateway_maker *maker, struct gateway_place *place,
                                 const struct gateway_server *server)
{
    struct translation *t = maker->t;
    struct chain_list *list = &place->chains;

    for (uint32_t i = 0; i < t->service_count; i++) {
        const struct service *service = t->services[i];
        bool is_wanted = false;
        for (uint32_t k = 0; k < server->host_count; k++)
            is_wanted |= host_is_within(service->host, server->hosts[k].host);
        if (!is_wanted || service_is_external(service))
            continue;
        uint32_t count = list->count;
        for (uint32_t k = 0; k < service->port_count; k++)
            streams_add_sni_chains(t, service, &service->ports[k], list);
        place->has_tls_inspector |= list->count > count;
    }
}

/* --- all of it -------------------------------------------------------------- */

/* For reports: whose these chains are, and in what mode. */
static void note_server(struct translation *t, const struct gateway_server_place *from,
                        struct filter_chain *chains, uint32_t count)
{
    const struct gateway_server *server = from->server;
    const struct gateway *gateway = from->gateway;
    bool is_made = gateway->written_name.len > 0;
    struct str kind = gateway->written_kind.len > 0 ? gateway->written_kind : STR("Gateway");
    struct str name = is_made ? gateway->written_name : gateway->meta.name;
    struct str namespace = is_made ? gateway->written_namespace : gateway->meta.namespace;
    bool is_tls = server->tls != NULL && !gateway_server_is_http(server);
    struct tls_word word = {.mode = is_tls ? server_tls_mode_name(server->tls->mode) : STR("none")};

    if (server->is_redirecting_to_https)
        word.mode = STR("httpsRedirect");
    word.origin =
        context_keep_origin(t, server->tls != NULL ? server->tls->origin : server->origin);
    word.by = context_keep(t, arena_format(&t->scratch, "%.*s/%.*s.%.*s", STR_FMT(kind),
                                           STR_FMT(name), STR_FMT(namespace)));
    for (uint32_t i = 0; i < count; i++)
        chains[i].server = word;
}

static void add_server(struct gateway_maker *maker, struct gateway_place *place,
                       const struct gateway_server_place *from)
{
    const struct gateway_server *server = from->server;

    if (gateway_server_is_https_ended(server))
        add_https(maker, place, from);
    else if (server->tls == NULL || !server_tls_is_passthrough(server->tls))
        add_tcp(maker, place, from);
    else if (server->tls->mode == SERVER_TLS_AUTO_PASSTHROUGH)
        add_auto_passthrough(maker, place, server);
    else
        add_passthrough(maker, place, from);
}

static void add_servers(struct gateway_maker *maker, const struct merged_servers *servers)
{
    struct gateway_place *place = place_of(maker, servers);

    uint32_t server_count = servers->is_http ? 1 : servers->server_count; /* one chain for all */
    for (uint32_t i = 0; i < server_count; i++) {
        uint32_t before = place->chains.count;
        if (servers->is_http)
            add_plain_http(maker, place, servers);
        else
            add_server(maker, place, &servers->servers[i]);
        note_server(maker->t, &servers->servers[i], place->chains.items + before,
                    place->chains.count - before);
    }
}

static struct listener listener_of(const struct gateway_place *place)
{
    return (struct listener){
        .name = place->name,
        .address = place->address,
        .port = place->port,
        .is_bound = true,
        .direction = TRAFFIC_OUTBOUND,
        .chains = place->chains.items,
        .chain_count = place->chains.count,
        .tls_inspector = {.is_there = place->has_tls_inspector},
        .origin = place->origin,
    };
}

void gateway_listeners(struct translation *t)
{
    struct merged_gateway merged = gateway_servers_merge(t);
    struct gateway_maker maker = {.t = t, .merged = &merged, .authz = authz_translate(t)};
    uint32_t server_count = 0;

    t->has_auto_passthrough = merged.has_auto_passthrough;
    map_init(&maker.plain_tables, &t->scratch);
    map_init(&maker.sni_hosts, &t->scratch);
    for (uint32_t i = 0; i < merged.count; i++)
        server_count += merged.items[i].server_count;
    maker.tables = ARENA_ARRAY(t->arena, struct route_config, server_count);
    for (uint32_t i = 0; i < merged.count; i++)
        add_servers(&maker, &merged.items[i]);
    struct listener *listeners = ARENA_ARRAY(t->arena, struct listener, maker.place_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < maker.place_count; i++) {
        if (maker.places[i].chains.count > 0)
            listeners[count++] = listener_of(&maker.places[i]);
    }
    t->snapshot->listeners = listeners;
    t->snapshot->listener_count = count;
    t->snapshot->route_configs = maker.tables;
    t->snapshot->route_config_count = maker.table_count;
}
