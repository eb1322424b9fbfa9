/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/route_findings.c - VirtualServices and what they refer to: hosts,
 * ports, subsets, gateways, each other.
 */
#include "base/check.h"
#include "config/analyze/known.h"
#include "config/resource/host.h"
#include "config/validate/route.h"

#define KIND STR("VirtualService")

/* One destination of a VirtualService, where it stands. */
struct destination {
    struct view host; /* what is blamed */
    struct str name, subset;
    int64_t port;
    bool has_port, is_mirror;
};

struct destination_list {
    struct destination *items;
    uint32_t count, capacity;
};

static void add_destination(struct analysis *analysis, struct destination_list *list,
                            const struct view *owner, bool is_mirror)
{
    struct view *kept = ARENA_NEW(analysis->arena, struct view);
    *kept = *owner;
    struct view port = view_field(kept, STR("port"));

    *ARENA_PUSH(analysis->arena, list->items, list->count, list->capacity) = (struct destination){
        .host = view_field(kept, STR("host")),
        .name = field_text(kept, STR("host")),
        .subset = field_text(kept, STR("subset")),
        .port = field_number(&port, STR("number")),
        .has_port = view_is_present(&port),
        .is_mirror = is_mirror,
    };
}

/* Views of this file are kept by destinations: they live in the arena. */
static struct view *kept(struct analysis *analysis, struct view view)
{
    struct view *copy = ARENA_NEW(analysis->arena, struct view);

    *copy = view;
    return copy;
}

static void add_routes(struct analysis *analysis, struct destination_list *list,
                       const struct view *spec, struct str section)
{
    struct view *rules = kept(analysis, view_field(spec, section));

    for (uint32_t i = 0; i < view_count(rules); i++) {
        struct view *rule = kept(analysis, view_item(rules, i));
        struct view *routes = kept(analysis, view_field(rule, STR("route")));
        for (uint32_t k = 0; k < view_count(routes); k++) {
            struct view *route = kept(analysis, view_item(routes, k));
            struct view destination = view_field(route, STR("destination"));
            add_destination(analysis, list, &destination, false);
        }
    }
}

static void add_mirrors(struct analysis *analysis, struct destination_list *list,
                        const struct view *spec)
{
    struct view *rules = kept(analysis, view_field(spec, STR("http")));

    for (uint32_t i = 0; i < view_count(rules); i++) {
        struct view *rule = kept(analysis, view_item(rules, i));
        struct view mirror = view_field(rule, STR("mirror"));
        struct view *mirrors = kept(analysis, view_field(rule, STR("mirrors")));
        if (view_is_present(&mirror))
            add_destination(analysis, list, &mirror, true);
        for (uint32_t k = 0; k < view_count(mirrors); k++) {
            struct view *item = kept(analysis, view_item(mirrors, k));
            struct view destination = view_field(item, STR("destination"));
            add_destination(analysis, list, &destination, true);
        }
    }
}

static struct destination_list destinations_of(struct analysis *analysis, const struct view *spec)
{
    struct destination_list list = {0};

    add_routes(analysis, &list, spec, STR("tcp"));
    add_routes(analysis, &list, spec, STR("tls"));
    add_routes(analysis, &list, spec, STR("http"));
    add_mirrors(analysis, &list, spec);
    return list;
}

static void check_port(struct analysis *analysis, const struct object *object,
                       const struct destination *to, const struct object *target)
{
    struct text_list ports = known_ports(analysis, target);

    if (!to->has_port) {
        if (ports.count > 1)
            report(
                analysis, object, &to->host, DIAG_A_IST0112,
                (struct words3){to->name,
                                arena_format(analysis->arena, "[%.*s]",
                                             STR_FMT(context_listed(analysis, &ports, STR(" ")))),
                                STR_EMPTY});
        return;
    }
    if (!text_list_has(&ports, field_of_number(&to->host, to->port)))
        report(analysis, object, &to->host, DIAG_A_IST0101,
               (struct words3){STR("host:port"),
                               arena_format(analysis->arena, "%.*s:%lld", STR_FMT(to->name),
                                            (long long)to->port),
                               STR_EMPTY});
}

/* A route without a subset, whose host others split by subsets: at a gateway
 * those have no effect. */
static void check_ingress_subsets(struct analysis *analysis, const struct object *object,
                                  const struct view *spec)
{
    const struct object *other;

    if (field_count(spec, STR("gateways")) == 0)
        return;
    struct destination_list own = {0};
    add_routes(analysis, &own, spec, STR("http"));
    for (uint32_t i = 0; (other = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view other_spec = context_spec(analysis, other);
        struct view hosts = view_field(&other_spec, STR("hosts"));
        struct destination_list theirs = {0};
        add_routes(analysis, &theirs, &other_spec, STR("http"));
        for (uint32_t a = 0; a < own.count; a++) {
            for (uint32_t b = 0; b < theirs.count; b++) {
                if (own.items[a].subset.len > 0 || theirs.items[b].subset.len == 0 ||
                    !str_eq(own.items[a].name, theirs.items[b].name))
                    continue;
                for (uint32_t h = 0; h < view_count(&hosts); h++) {
                    struct view host = view_item(&hosts, h);
                    if (str_eq(field_own_text(&host), theirs.items[b].name))
                        report(analysis, object, NULL, DIAG_A_IST0140,
                               (struct words3){context_name(analysis, other),
                                               context_name(analysis, object), STR_EMPTY});
                }
            }
        }
    }
}

void route_analyze_hosts(struct analysis *analysis)
{
    struct known_list known = known_hosts(analysis);
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct destination_list list = destinations_of(analysis, &spec);
        for (uint32_t k = 0; k < list.count; k++) {
            const struct destination *to = &list.items[k];
            const struct object *target = known_find(
                analysis, &known, &spec, (struct words3){object->namespace, to->name, STR_EMPTY});
            if (target == NULL)
                report(analysis, object, &to->host, DIAG_A_IST0101,
                       (struct words3){to->is_mirror ? STR("mirror host") : STR("host"), to->name,
                                       STR_EMPTY});
            else
                check_port(analysis, object, to, target);
        }
        check_ingress_subsets(analysis, object, &spec);
    }
}

/* NAME.NS.svc.cluster.local by parts; another name belongs to `namespace`. */
static struct str host_key(const struct analysis *analysis, struct str namespace, struct str host)
{
    static const struct str SUFFIX = STR_INIT(".svc.cluster.local");
    struct str name = host;

    if (str_has_suffix(host, SUFFIX)) {
        struct str rest = str_slice(host, 0, host.len - SUFFIX.len);
        size_t dot = str_find_last(rest, '.');
        if (dot != STR_NONE && dot > 0 && dot + 1 < rest.len) {
            namespace = str_from(rest, dot + 1);
            name = str_slice(rest, 0, dot);
        }
    }
    return arena_format(analysis->arena, "%.*s/%.*s", STR_FMT(namespace), STR_FMT(name));
}

static bool has_subset(struct analysis *analysis, struct str key, struct str subset)
{
    const struct object *rule;

    for (uint32_t i = 0;
         (rule = context_next(analysis, ISTIO_GROUP, STR("DestinationRule"), &i));) {
        struct view spec = context_spec(analysis, rule);
        struct view subsets = view_field(&spec, STR("subsets"));
        struct str host = field_text(&spec, STR("host"));
        if (!str_eq(host_key(analysis, rule->namespace, host), key))
            continue;
        for (uint32_t k = 0; k < view_count(&subsets); k++) {
            struct view item = view_item(&subsets, k);
            if (str_eq(field_text(&item, STR("name")), subset))
                return true;
        }
    }
    return false;
}

void route_analyze_rules(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct destination_list list = destinations_of(analysis, &spec);
        for (uint32_t k = 0; k < list.count; k++) {
            const struct destination *to = &list.items[k];
            struct str key = host_key(analysis, object->namespace, to->name);
            if (to->subset.len == 0 || has_subset(analysis, key, to->subset))
                continue;
            report(analysis, object, &to->host, DIAG_A_IST0101,
                   (struct words3){to->is_mirror ? STR("mirror+subset in destinationrule")
                                                 : STR("host+subset in destinationrule"),
                                   arena_format(analysis->arena, "%.*s+%.*s", STR_FMT(to->name),
                                                STR_FMT(to->subset)),
                                   STR_EMPTY});
        }
    }
}

/* A server's host as a VirtualService of `namespace` sees it; empty: not. */
static struct str visible_host(struct str host, struct words3 gateway_and_own_namespace)
{
    size_t slash = str_find(host, '/');

    if (slash == STR_NONE)
        return host;
    struct str scope = str_slice(host, 0, slash);
    if (str_eq(scope, STR(".")))
        scope = gateway_and_own_namespace.a;
    bool is_seen = str_eq(scope, STR("*")) || str_eq(scope, gateway_and_own_namespace.b);
    return is_seen ? str_from(host, slash + 1) : STR_EMPTY;
}

static bool has_host_within(const struct view *hosts, struct str seen)
{
    for (uint32_t i = 0; seen.len > 0 && i < view_count(hosts); i++) {
        struct view host = view_item(hosts, i);
        if (host_matches(seen, field_own_text(&host)))
            return true;
    }
    return false;
}

/* A Gateway of the Gateway API: a listener without a hostname takes all. */
static bool has_common_listener(struct analysis *analysis, const struct object *gateway,
                                const struct view *hosts)
{
    struct view spec = context_spec(analysis, gateway);
    struct view listeners = view_field(&spec, STR("listeners"));

    for (uint32_t i = 0; i < view_count(&listeners); i++) {
        struct view listener = view_item(&listeners, i);
        struct str name = field_text(&listener, STR("hostname"));
        if (has_host_within(hosts, name.len > 0 ? name : STR("*")))
            return true;
    }
    return false;
}

static bool has_common_host(struct analysis *analysis, const struct object *gateway,
                            const struct view *spec, struct str namespace)
{
    struct view hosts = view_field(spec, STR("hosts"));

    if (gateway == NULL)
        return false;
    if (!str_eq(gateway->group, ISTIO_GROUP))
        return has_common_listener(analysis, gateway, &hosts);
    struct view gateway_spec = context_spec(analysis, gateway);
    struct view servers = view_field(&gateway_spec, STR("servers"));
    for (uint32_t i = 0; i < view_count(&servers); i++) {
        struct view server = view_item(&servers, i);
        struct view server_hosts = view_field(&server, STR("hosts"));
        for (uint32_t k = 0; k < view_count(&server_hosts); k++) {
            struct view item = view_item(&server_hosts, k);
            struct str seen = visible_host(
                field_own_text(&item), (struct words3){gateway->namespace, namespace, STR_EMPTY});
            if (has_host_within(&hosts, seen))
                return true;
        }
    }
    return false;
}

static struct str list_text(struct analysis *analysis, const struct view *list)
{
    struct text_list texts = {0};

    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        text_list_add(&texts, field_own_text(&item), analysis->arena);
    }
    return arena_format(analysis->arena, "[%.*s]",
                        STR_FMT(context_listed(analysis, &texts, STR(" "))));
}

static void check_gateway(struct analysis *analysis, const struct object *object,
                          const struct view *spec, const struct view *item)
{
    struct str name = field_own_text(item);
    struct words3 key = context_gateway_key(name, object->namespace);
    struct view hosts = view_field(spec, STR("hosts"));
    struct str vs_name = context_name(analysis, object);

    if (str_eq(name, STR("mesh")))
        return;
    if (str_find_str(name, STR("~istio-autogenerated-k8s-gateway~")) != STR_NONE) {
        report(analysis, object, item, DIAG_A_IST0165, (struct words3){vs_name, name, STR_EMPTY});
        return;
    }
    const struct object *gateway = context_find(analysis, ISTIO_GROUP, STR("Gateway"), key);
    if (gateway == NULL)
        gateway = context_find(analysis, STR("gateway.networking.k8s.io"), STR("Gateway"), key);
    if (gateway == NULL)
        report(analysis, object, item, DIAG_A_IST0101,
               (struct words3){STR("gateway"), name, STR_EMPTY});
    struct str full =
        key.a.len == 0 ? key.b
                       : arena_format(analysis->arena, "%.*s/%.*s", STR_FMT(key.a), STR_FMT(key.b));
    if (!has_common_host(analysis, gateway, spec, object->namespace))
        report(analysis, object, item, DIAG_A_IST0132,
               (struct words3){list_text(analysis, &hosts), vs_name, full});
}

void route_analyze_gateways(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view gateways = view_field(&spec, STR("gateways"));
        for (uint32_t k = 0; k < view_count(&gateways); k++) {
            struct view item = view_item(&gateways, k);
            check_gateway(analysis, object, &spec, &item);
        }
    }
}

/* A host of a VirtualService that the mesh's sidecars see. */
struct mesh_host {
    struct str scope, fqdn;
    const struct object *object;
};

struct mesh_host_list {
    struct mesh_host *items;
    uint32_t count, capacity;
};

static struct mesh_host_list mesh_hosts(struct analysis *analysis)
{
    struct mesh_host_list list = {0};
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view hosts = view_field(&spec, STR("hosts"));
        struct text_list scopes = context_scopes(analysis, &spec, object->namespace);
        if (route_is_for_gateways(&spec))
            continue;
        for (uint32_t s = 0; s < scopes.count; s++) {
            for (uint32_t k = 0; k < view_count(&hosts); k++) {
                struct view item = view_item(&hosts, k);
                *ARENA_PUSH(analysis->arena, list.items, list.count, list.capacity) =
                    (struct mesh_host){
                        scopes.items[s],
                        context_fqdn(analysis, object->namespace, field_own_text(&item)), object};
            }
        }
    }
    return list;
}

/* Both are meant: the same host in the same scope, or `b` is for all. */
static bool is_with(const struct mesh_host *a, const struct mesh_host *b)
{
    if (str_eq(a->scope, b->scope) && str_eq(a->fqdn, b->fqdn))
        return true;
    return !str_eq(a->scope, STR("*")) && str_eq(b->scope, STR("*")) &&
           host_matches(a->fqdn, b->fqdn);
}

void route_analyze_conflicts(struct analysis *analysis)
{
    struct mesh_host_list list = mesh_hosts(analysis);
    struct text_list reported = {0};

    for (uint32_t i = 0; i < list.count; i++) {
        struct text_list names = {0};
        for (uint32_t k = 0; k < list.count; k++)
            if (is_with(&list.items[i], &list.items[k]))
                text_list_add(&names, context_name(analysis, list.items[k].object),
                              analysis->arena);
        if (names.count < 2)
            continue;
        context_sort(&names);
        struct str all = context_listed(analysis, &names, STR(","));
        struct str host = arena_format(analysis->arena, "%.*s/%.*s", STR_FMT(list.items[i].scope),
                                       STR_FMT(list.items[i].fqdn));
        for (uint32_t k = 0; k < list.count; k++) {
            const struct object *object = list.items[k].object;
            struct str name = context_name(analysis, object);
            if (!is_with(&list.items[i], &list.items[k]) || text_list_has(&reported, name))
                continue;
            text_list_add(&reported, name, analysis->arena);
            struct view root = context_root(analysis, object);
            struct view metadata = view_field(&root, STR("metadata"));
            struct view at = view_field(&metadata, STR("name"));
            report(analysis, object, &at, DIAG_A_IST0109, (struct words3){all, host, STR_EMPTY});
        }
    }
}
