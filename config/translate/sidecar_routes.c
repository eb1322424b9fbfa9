/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/sidecar_routes.c - see sidecar_routes.h.
 *
 * For one port: VirtualServices first, in their order; each makes virtual
 * hosts for the services it means (with their short names) and for hosts that
 * no service has. Services that are left get their default route. A name or
 * domain that is taken stays with the first who took it.
 *
 * An HTTP proxy is asked for any port: each HTTP port of each service has its
 * virtual host, and the port belongs to the domains.
 *
 * Source: ISTIO.md 2.3, 2.4.
 */
#include "config/translate/sidecar_routes.h"

#include "config/resource/host.h"
#include "config/resource/service.h"
#include "config/resource/sidecar.h"
#include "config/translate/domains.h"
#include "config/translate/selection.h"

#define MESH_GATEWAY STR("mesh")
#define DIRECT_RESPONSE_BYTES_MAX (1024u * 1024) /* Istio's own */
#define ANY_PORT 0u                              /* of an HTTP proxy */
#define PORT_80 80u /* hosts without a service are reached on this one only */

/* What one egress listener's ports share; made when its first port is asked. */
struct scope_routes {
    const struct scope *scope;
    bool is_made;
    struct selection selection;
    const struct virtual_service **best; /* for each of its services */
};

struct sidecar_routes {
    struct translation *t;
    struct scope_routes *scopes;
};

/* A service that has the port. */
struct candidate {
    const struct service *service;
    uint32_t visible_index;
    bool is_http; /* or sniffed; of an HTTP proxy: one of its ports is */
    bool is_claimed;
};

/* One VirtualService's share of a port. */
struct wrapper {
    uint32_t port;
    struct route_list routes;
    const struct service **services;
    uint32_t service_count;
    struct str *hosts; /* those without a service */
    uint32_t host_count;
};

struct table_maker {
    struct translation *t;
    const struct scope_routes *shared;
    uint32_t port; /* ANY_PORT: an HTTP proxy's table */
    struct candidate *candidates;
    uint32_t candidate_count;
    struct map candidate_by_host;
    struct wrapper *wrappers;
    uint32_t wrapper_count, wrapper_capacity;
    struct map names, domains, full_names;
    struct virtual_host_list out;
};

static bool is_http_port(const struct translation *t, const struct service_port *port)
{
    enum port_protocol protocol = context_protocol(t, port);

    return port_protocol_is_http(protocol) || protocol == PORT_SNIFFED;
}

/* Of several services of one host the last one lends its names. */
static void set_candidate(struct table_maker *maker, const struct service *service,
                          uint32_t visible_index, bool is_http)
{
    uint32_t known = map_get(&maker->candidate_by_host, service->host);
    uint32_t index = known != MAP_NONE ? known : maker->candidate_count++;

    maker->candidates[index] =
        (struct candidate){.service = service, .visible_index = visible_index, .is_http = is_http};
    (void)map_set(&maker->candidate_by_host, service->host, index);
}

static void add_candidate(struct table_maker *maker, const struct service *service,
                          uint32_t visible_index)
{
    bool has_http = false;

    for (uint32_t k = 0; k < service->port_count; k++) {
        const struct service_port *port = &service->ports[k];
        has_http |= is_http_port(maker->t, port);
        if (port->port != maker->port || context_protocol(maker->t, port) == PORT_UDP)
            continue;
        set_candidate(maker, service, visible_index, is_http_port(maker->t, port));
        return;
    }
    if (maker->port == ANY_PORT)
        set_candidate(maker, service, visible_index, has_http);
}

static void find_candidates(struct table_maker *maker)
{
    const struct scope *scope = maker->shared->scope;

    maker->candidates = ARENA_ARRAY(&maker->t->scratch, struct candidate,
                                    scope->service_count + scope->alias_count);
    for (uint32_t i = 0; i < scope->service_count; i++)
        add_candidate(maker, scope->services[i], i);
    for (uint32_t i = 0; i < scope->alias_count; i++)
        add_candidate(maker, scope->aliases[i], scope->service_count + i);
}

/* On other ports than 80 only VirtualServices that mean a service count. */
static bool means_a_candidate(const struct table_maker *maker,
                              const struct virtual_service *service)
{
    for (uint32_t i = 0; i < service->hosts.count; i++) {
        struct str host = service->hosts.items[i];
        if (!host_is_wildcard(host)) {
            if (map_get(&maker->candidate_by_host, host) != MAP_NONE)
                return true;
            continue;
        }
        for (uint32_t k = 0; k < maker->candidate_count; k++) {
            if (host_is_within(maker->candidates[k].service->host, host))
                return true;
        }
    }
    return false;
}

static void claim(struct table_maker *maker, struct wrapper *wrapper, uint32_t index)
{
    struct candidate *candidate = &maker->candidates[index];

    if (!candidate->is_http)
        return;
    wrapper->services[wrapper->service_count++] = candidate->service;
}

/* The services that a wildcard host means, each only if no other
 * VirtualService means it more exactly. False: it means none. */
static bool claim_wildcard(struct table_maker *maker, struct wrapper *wrapper,
                           const struct virtual_service *service, struct str host)
{
    bool has_match = false;

    for (uint32_t i = 0; i < maker->candidate_count; i++) {
        const struct candidate *candidate = &maker->candidates[i];
        if (!host_is_within(candidate->service->host, host))
            continue;
        has_match = true;
        if (maker->shared->best[candidate->visible_index] == service)
            claim(maker, wrapper, i);
    }
    return has_match;
}

static void split_hosts(struct table_maker *maker, const struct virtual_service *service,
                        struct wrapper *wrapper)
{
    struct arena *scratch = &maker->t->scratch;

    wrapper->hosts = ARENA_ARRAY(scratch, struct str, service->hosts.count);
    /* A wildcard may mean all of them, besides the exact ones. */
    bool has_wildcard = false;
    for (uint32_t i = 0; i < service->hosts.count; i++)
        has_wildcard |= host_is_wildcard(service->hosts.items[i]);
    uint32_t most = service->hosts.count + (has_wildcard ? maker->candidate_count : 0);
    wrapper->services = ARENA_ARRAY(scratch, const struct service *, most);
    for (uint32_t i = 0; i < service->hosts.count; i++) {
        struct str host = service->hosts.items[i];
        if (host_is_wildcard(host))
            continue;
        uint32_t index = map_get(&maker->candidate_by_host, host);
        if (index != MAP_NONE)
            claim(maker, wrapper, index);
        else
            wrapper->hosts[wrapper->host_count++] = host;
    }
    for (uint32_t i = 0; i < service->hosts.count; i++) {
        struct str host = service->hosts.items[i];
        if (host_is_wildcard(host) && !claim_wildcard(maker, wrapper, service, host))
            wrapper->hosts[wrapper->host_count++] = host;
    }
}

static struct wrapper *push_wrapper(struct table_maker *maker)
{
    return ARENA_PUSH(&maker->t->scratch, maker->wrappers, maker->wrapper_count,
                      maker->wrapper_capacity);
}

/* The same rules once for each HTTP port that one of the services has. */
static void wrap_each_port(struct table_maker *maker, const struct wrapper *whole)
{
    uint32_t first = maker->wrapper_count;

    for (uint32_t i = 0; i < whole->service_count; i++) {
        const struct service *service = whole->services[i];
        for (uint32_t k = 0; k < service->port_count; k++) {
            if (!is_http_port(maker->t, &service->ports[k]))
                continue;
            uint32_t at = first;
            while (at < maker->wrapper_count && maker->wrappers[at].port != service->ports[k].port)
                at++;
            if (at == maker->wrapper_count) {
                struct wrapper *made = push_wrapper(maker);
                *made = *whole;
                made->port = service->ports[k].port;
                made->services =
                    ARENA_ARRAY(&maker->t->scratch, const struct service *, whole->service_count);
                made->service_count = 0;
            }
            struct wrapper *wrapper = &maker->wrappers[at];
            wrapper->services[wrapper->service_count++] = service;
        }
    }
}

/* The Gateway API's routes mean their services only, in no other namespace than the
 * caller's or their own. False: none of the port is left. */
static bool keep_heard(const struct table_maker *maker, const struct virtual_service *service,
                       struct wrapper *wrapper)
{
    uint32_t count = 0;

    if (service->semantics != SEMANTICS_GATEWAY_API)
        return true;
    for (uint32_t i = 0; i < wrapper->service_count; i++) {
        struct str namespace = wrapper->services[i]->meta.namespace;
        if (str_eq(namespace, service->meta.namespace) ||
            str_eq(maker->t->proxy->namespace, service->meta.namespace))
            wrapper->services[count++] = wrapper->services[i];
    }
    wrapper->service_count = count;
    return count > 0;
}

static void wrap_virtual_service(struct table_maker *maker, const struct virtual_service *service)
{
    struct route_question question = {
        .service = service, .gateway = MESH_GATEWAY, .listen_port = maker->port};
    struct wrapper wrapper = {.port = maker->port};

    if (maker->port != PORT_80 && !means_a_candidate(maker, service))
        return;
    routes_of_virtual_service(maker->t, &question, &wrapper.routes);
    if (wrapper.routes.count == 0)
        return;
    split_hosts(maker, service, &wrapper);
    if (!keep_heard(maker, service, &wrapper) ||
        (wrapper.service_count == 0 && maker->port != PORT_80))
        return;
    for (uint32_t i = 0; i < wrapper.service_count; i++) {
        uint32_t index = map_get(&maker->candidate_by_host, wrapper.services[i]->host);
        maker->candidates[index].is_claimed = true;
    }
    if (maker->port == ANY_PORT)
        wrap_each_port(maker, &wrapper);
    else
        *push_wrapper(maker) = wrapper;
}

static void wrap_default_port(struct table_maker *maker, const struct service *service,
                              uint32_t port)
{
    struct wrapper *wrapper = push_wrapper(maker);

    wrapper->port = port;
    wrapper->services = ARENA_ARRAY(&maker->t->scratch, const struct service *, 1);
    wrapper->services[0] = service;
    wrapper->service_count = 1;
    routes_default(maker->t, service, port, &wrapper->routes);
}

static void wrap_default(struct table_maker *maker, const struct service *service)
{
    if (maker->port != ANY_PORT) {
        wrap_default_port(maker, service, maker->port);
        return;
    }
    for (uint32_t i = 0; i < service->port_count; i++) {
        if (is_http_port(maker->t, &service->ports[i]))
            wrap_default_port(maker, service, service->ports[i].port);
    }
}

/* Takes the domains that nobody has yet; a shortened name gives way to a
 * service that is really called so. */
static void take_domains(struct table_maker *maker, const struct domain_list *from, uint32_t port,
                         struct virtual_host *out)
{
    struct translation *t = maker->t;
    struct str *items = ARENA_ARRAY(t->arena, struct str, from->count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < from->count; i++) {
        struct str lower = arena_str_lower(&t->scratch, from->items[i]);
        if (map_get(&maker->domains, lower) != MAP_NONE)
            continue;
        if (from->is_short[i] && map_get(&maker->full_names, from->items[i]) != MAP_NONE)
            continue;
        (void)map_set(&maker->domains, lower, 1);
        /* A name without a port means port 80 to an HTTP proxy. */
        bool is_bare = str_find(from->items[i], ':') == STR_NONE;
        if (maker->port == ANY_PORT && port != PORT_80 && is_bare)
            continue;
        items[count++] = context_keep(t, from->items[i]);
    }
    out->domains = items;
    out->domain_count = count;
}

static void add_host(struct table_maker *maker, const struct wrapper *wrapper, struct str host,
                     const struct service *service)
{
    struct translation *t = maker->t;
    struct str name = arena_format(&t->scratch, "%.*s:%u", STR_FMT(host), wrapper->port);
    struct domain_list domains = {0};
    bool is_long = false;

    if (map_set(&maker->names, name, 1) != MAP_NONE)
        return;
    if (service != NULL)
        domains_of_service(t, service, maker->port == ANY_PORT ? wrapper->port : 0, &domains);
    else
        domains = (struct domain_list){.items = &host, .is_short = &is_long, .count = 1};
    struct virtual_host made = virtual_host_of(t, name, &wrapper->routes);
    take_domains(maker, &domains, wrapper->port, &made);
    if (made.domain_count > 0)
        *ARENA_PUSH(t->arena, maker->out.items, maker->out.count, maker->out.capacity) = made;
}

static void add_wrapper(struct table_maker *maker, const struct wrapper *wrapper)
{
    for (uint32_t i = 0; i < wrapper->host_count; i++)
        add_host(maker, wrapper, wrapper->hosts[i], NULL);
    for (uint32_t i = 0; i < wrapper->service_count; i++)
        add_host(maker, wrapper, wrapper->services[i]->host, wrapper->services[i]);
}

/* The list is sorted by name. */
static const struct virtual_host *find_by_name(const struct virtual_host_list *hosts,
                                               struct str name)
{
    uint32_t low = 0, high = hosts->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = str_order(name, hosts->items[middle].name);
        if (order == 0)
            return &hosts->items[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct sidecar_routes *sidecar_routes_new(struct translation *t)
{
    struct sidecar_routes *out = ARENA_NEW(&t->scratch, struct sidecar_routes);

    out->t = t;
    out->scopes = ARENA_ARRAY(&t->scratch, struct scope_routes, t->scope_count);
    return out;
}

/* NULL: no egress listener is for the port. */
static const struct scope_routes *routes_of_port(struct sidecar_routes *routes, uint32_t port,
                                                 struct str bind)
{
    struct translation *t = routes->t;
    const struct scope *scope = scope_of_port(t, port, bind);

    if (scope == NULL)
        return NULL;
    struct scope_routes *out = &routes->scopes[scope - t->scopes];
    if (out->is_made)
        return out;
    out->is_made = true;
    out->scope = scope;
    out->selection = selection_for_scope(t, scope);
    out->best = selection_best(t, scope, &out->selection);
    return out;
}

static void note_full_names(struct table_maker *maker)
{
    for (uint32_t i = 0; i < maker->wrapper_count; i++) {
        const struct wrapper *wrapper = &maker->wrappers[i];
        for (uint32_t k = 0; k < wrapper->service_count; k++) {
            struct str host = wrapper->services[k]->host;
            (void)map_set(&maker->full_names, host, 1);
            if (maker->port == ANY_PORT)
                (void)map_set(
                    &maker->full_names,
                    arena_format(&maker->t->scratch, "%.*s:%u", STR_FMT(host), wrapper->port), 1);
        }
    }
}

struct virtual_host_list sidecar_routes_hosts(struct sidecar_routes *routes, uint32_t port,
                                              struct str bind)
{
    struct translation *t = routes->t;
    struct table_maker maker = {.t = t, .shared = routes_of_port(routes, port, bind), .port = port};

    if (maker.shared == NULL)
        return maker.out;
    if (maker.shared->scope->egress != NULL && maker.shared->scope->egress->is_http_proxy)
        maker.port = ANY_PORT;
    map_init(&maker.candidate_by_host, &t->scratch);
    map_init(&maker.names, &t->scratch);
    map_init(&maker.domains, &t->scratch);
    map_init(&maker.full_names, &t->scratch);
    find_candidates(&maker);
    for (uint32_t i = 0; i < maker.shared->selection.count; i++)
        wrap_virtual_service(&maker, maker.shared->selection.items[i]);
    for (uint32_t i = 0; i < maker.candidate_count; i++) {
        const struct candidate *candidate = &maker.candidates[i];
        /* An alias is a name of another service, not a place of its own. */
        bool is_own = !service_is_external_name(candidate->service);
        if (!candidate->is_claimed && candidate->is_http && is_own)
            wrap_default(&maker, candidate->service);
    }
    note_full_names(&maker);
    for (uint32_t i = 0; i < maker.wrapper_count; i++)
        add_wrapper(&maker, &maker.wrappers[i]);
    virtual_host_list_sort(t, &maker.out);
    return maker.out;
}

struct route_config sidecar_routes_table(struct sidecar_routes *routes,
                                         const struct virtual_host_list *hosts, struct str name)
{
    struct translation *t = routes->t;
    struct virtual_host *items = ARENA_ARRAY(t->arena, struct virtual_host, hosts->count + 1);
    uint32_t count = hosts->count;

    for (uint32_t i = 0; i < count; i++)
        items[i] = hosts->items[i];
    if (virtual_host_catch_all(t, &items[count]))
        count++;
    return (struct route_config){
        .name = context_keep(t, name),
        .virtual_hosts = items,
        .virtual_host_count = count,
        .is_port_ignored = true,
        .direct_response_bytes_max = DIRECT_RESPONSE_BYTES_MAX,
    };
}

bool sidecar_routes_sniffed_table(struct sidecar_routes *routes,
                                  const struct virtual_host_list *hosts,
                                  const struct service *service, uint32_t port,
                                  struct route_config *out)
{
    struct translation *t = routes->t;
    struct str name = arena_format(&t->scratch, "%.*s:%u", STR_FMT(service->host), port);
    const struct virtual_host *found = find_by_name(hosts, name);

    if (found == NULL)
        return false;
    struct virtual_host *only = ARENA_NEW(t->arena, struct virtual_host);
    struct str *star = ARENA_ARRAY(t->arena, struct str, 1);
    star[0] = STR("*");
    *only = *found;
    only->domains = star;
    only->domain_count = 1;
    *out = (struct route_config){
        .name = context_keep(t, name),
        .virtual_hosts = only,
        .virtual_host_count = 1,
        .is_port_ignored = true,
        .direct_response_bytes_max = DIRECT_RESPONSE_BYTES_MAX,
    };
    return true;
}
