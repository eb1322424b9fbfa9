/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/scope.c - see scope.h.
 */
#include "config/translate/scope.h"

#include "config/resource/host.h"
#include "config/resource/label.h"
#include "config/resource/meta.h"
#include "config/resource/service.h"
#include "config/resource/service_entry.h"
#include "config/translate/selection.h"

struct service_list {
    const struct service **items;
    uint32_t count, capacity;
};

/* An egress host: NAMESPACE/NAME, "~" before the namespace takes away. */
struct egress_host {
    struct str namespace, name;
    bool is_excluded;
};

/* --- the Sidecar ------------------------------------------------------------ */

static const struct sidecar *find_in(const struct translation *t, struct str namespace,
                                     bool has_selector)
{
    for (uint32_t i = 0; i < t->mesh->sidecars_count; i++) {
        const struct sidecar *sidecar = &t->mesh->sidecars[i];
        if (!str_eq(sidecar->meta.namespace, namespace) || sidecar->has_selector != has_selector)
            continue;
        if (!has_selector || label_is_subset(sidecar->selector.items, sidecar->selector.count,
                                             t->proxy->labels, t->proxy->label_count))
            return sidecar;
    }
    return NULL;
}

/* The workload's own, the namespace's, the mesh's; the oldest of each. */
static const struct sidecar *find_sidecar(const struct translation *t)
{
    const struct sidecar *found = NULL;

    if (t->proxy->type != PROXY_SIDECAR)
        return NULL;
    found = find_in(t, t->proxy->namespace, true);
    if (found == NULL)
        found = find_in(t, t->proxy->namespace, false);
    return found != NULL ? found : find_in(t, t->mesh->config.root_namespace, false);
}

/* --- what is exported ------------------------------------------------------- */

static struct text_list export_to_of(struct translation *t, const struct service *service)
{
    struct text_list out = {0};

    if (service->entry != NULL)
        return service->entry->export_to;
    const struct str *text = label_find(service->meta.annotations, service->meta.annotation_count,
                                        STR("networking.istio.io/exportTo"));
    if (text == NULL || str_trim(*text).len == 0)
        return out;
    struct str rest = *text;
    while (rest.ptr != NULL)
        text_list_add(&out, str_trim(str_cut(&rest, ',')), &t->scratch);
    return out;
}

static bool is_exported(struct translation *t, const struct service *service)
{
    struct text_list export_to = export_to_of(t, service);

    return context_is_exported(t, &export_to, &t->mesh->config.service_export_to,
                               service->meta.namespace);
}

static bool is_public(struct translation *t, const struct service *service)
{
    struct text_list export_to = export_to_of(t, service);
    const struct text_list *list =
        export_to.count > 0 ? &export_to : &t->mesh->config.service_export_to;

    return list->count == 0 || text_list_has(list, STR("*"));
}

static void push(struct translation *t, struct service_list *list, const struct service *service)
{
    *ARENA_PUSH(&t->scratch, list->items, list->count, list->capacity) = service;
}

/* Services and those of ServiceEntries, in Istio's order. */
static struct service_list all_services(struct translation *t)
{
    const struct mesh *mesh = t->mesh;
    struct service_list out = {0};
    uint32_t i = 0, k = 0;

    while (i < mesh->services_count || k < mesh->entry_services_count) {
        bool is_entry = i == mesh->services_count;
        if (!is_entry && k < mesh->entry_services_count)
            is_entry = meta_order(&mesh->entry_services[k].meta, &mesh->services[i].meta) < 0;
        push(t, &out, is_entry ? &mesh->entry_services[k++] : &mesh->services[i++]);
    }
    return out;
}

/* What is for few comes before what is for all. */
static struct service_list exported_services(struct translation *t, const struct service_list *all)
{
    struct service_list out = {0};

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < all->count; i++) {
            if (is_public(t, all->items[i]) == (pass == 1) && is_exported(t, all->items[i]))
                push(t, &out, all->items[i]);
        }
    }
    return out;
}

/* --- one egress listener ---------------------------------------------------- */

static struct egress_host host_of(const struct translation *t, struct str written)
{
    struct egress_host out = {.name = written};

    out.namespace = str_cut(&out.name, '/');
    out.is_excluded = str_has_prefix(out.namespace, STR("~"));
    if (out.is_excluded)
        out.namespace = str_from(out.namespace, 1);
    if (out.is_excluded && out.namespace.len == 0)
        out.namespace = STR("*");
    if (str_eq(out.namespace, STR(".")))
        out.namespace = t->proxy->namespace;
    return out;
}

static bool is_meant(const struct egress_host *host, struct str namespace)
{
    return str_eq(host->namespace, STR("*")) || str_eq(host->namespace, namespace);
}

static bool has_service(const struct translation *t, const struct sidecar_egress *egress,
                        const struct service *service)
{
    bool is_in = false;

    for (uint32_t i = 0; i < egress->hosts.count; i++) {
        struct egress_host host = host_of(t, egress->hosts.items[i]);
        bool is_matching =
            str_eq(host.name, service->host) ||
            (host_is_wildcard(host.name) && host_is_within(service->host, host.name));
        if (!is_meant(&host, service->meta.namespace) || !is_matching)
            continue;
        if (host.is_excluded)
            return false;
        is_in = true;
    }
    return is_in;
}

/* A copy of the service with the ports that `is_kept` marks. */
static const struct service *with_ports(struct translation *t, const struct service *service,
                                        const bool *is_kept)
{
    struct service *out = ARENA_NEW(&t->scratch, struct service);

    *out = *service;
    out->port_count = 0;
    out->ports = ARENA_ARRAY(&t->scratch, struct service_port, service->port_count);
    out->endpoints = ARENA_ARRAY(&t->scratch, struct service_endpoint, service->endpoint_count);
    for (uint32_t e = 0; e < service->endpoint_count; e++) {
        out->endpoints[e] = service->endpoints[e];
        out->endpoints[e].ports = ARENA_ARRAY(&t->scratch, uint32_t, service->port_count);
    }
    for (uint32_t i = 0; i < service->port_count; i++) {
        if (!is_kept[i])
            continue;
        for (uint32_t e = 0; e < service->endpoint_count; e++)
            out->endpoints[e].ports[out->port_count] = service->endpoints[e].ports[i];
        out->ports[out->port_count++] = service->ports[i];
    }
    return out;
}

/* The service, or a copy with its only port of that number; NULL: it has none. */
static const struct service *with_port(struct translation *t, const struct service *service,
                                       uint32_t port)
{
    bool *is_kept = ARENA_ARRAY(&t->scratch, bool, service->port_count);

    for (uint32_t i = 0; i < service->port_count; i++) {
        if (service->ports[i].port != port)
            continue;
        if (service->port_count == 1)
            return service;
        is_kept[i] = true;
        return with_ports(t, service, is_kept);
    }
    return NULL;
}

static bool is_port_asked(const struct sidecar_egress *egress)
{
    return egress != NULL && egress->port != 0 && !egress->is_http_proxy;
}

/* Of one host's services those of one namespace stay: the proxy's own, else the
 * one with a Kubernetes Service, else the first. */
static struct str namespace_for(const struct translation *t, const struct service_list *list,
                                struct str host)
{
    const struct service *found = NULL;

    for (uint32_t i = 0; i < list->count; i++) {
        const struct service *service = list->items[i];
        if (!str_eq(service->host, host))
            continue;
        if (str_eq(service->meta.namespace, t->proxy->namespace))
            return service->meta.namespace;
        if (found == NULL || (found->entry != NULL && service->entry == NULL))
            found = service;
    }
    return found->meta.namespace;
}

/* Asked once for each host: most have one service. */
static void keep_one_namespace(struct translation *t, struct service_list *list)
{
    struct map seen;
    uint32_t kept = 0;
    const struct service_list whole = *list;
    bool has_twins = false;

    map_init(&seen, &t->scratch);
    for (uint32_t i = 0; i < whole.count; i++)
        has_twins |= map_set(&seen, whole.items[i]->host, i) != MAP_NONE;
    if (!has_twins)
        return;
    const struct service **items = ARENA_ARRAY(&t->scratch, const struct service *, whole.count);
    for (uint32_t i = 0; i < whole.count; i++) {
        const struct service *service = whole.items[i];
        if (str_eq(namespace_for(t, &whole, service->host), service->meta.namespace))
            items[kept++] = service;
    }
    *list = (struct service_list){.items = items, .count = kept, .capacity = whole.count};
}

static struct service_list services_of(struct translation *t, const struct service_list *exported,
                                       const struct sidecar_egress *egress)
{
    struct service_list out = {0};

    for (uint32_t i = 0; i < exported->count; i++) {
        const struct service *service = exported->items[i];
        if (egress != NULL && !has_service(t, egress, service))
            continue;
        if (is_port_asked(egress))
            service = with_port(t, service, egress->port);
        if (service != NULL)
            push(t, &out, service);
    }
    keep_one_namespace(t, &out);
    return out;
}

/* --- all of them together --------------------------------------------------- */

struct union_maker {
    struct translation *t;
    struct service_list list;
    struct map by_host;
    const struct service_list *all, *exported;
    struct map all_by_host; /* the first of each host in `all` */
};

static bool has_same_labels(const struct service *a, const struct service *b)
{
    const struct object_meta *left = &a->entry->meta, *right = &b->entry->meta;

    return left->label_count == right->label_count &&
           label_is_subset(left->labels, left->label_count, right->labels, right->label_count) &&
           a->entry->selector.count == b->entry->selector.count &&
           label_is_subset(a->entry->selector.items, a->entry->selector.count,
                           b->entry->selector.items, b->entry->selector.count);
}

static bool has_same_export(const struct service *a, const struct service *b)
{
    const struct text_list *left = &a->entry->export_to, *right = &b->entry->export_to;

    for (uint32_t i = 0; i < left->count; i++) {
        if (!text_list_has(right, left->items[i]))
            return false;
    }
    return left->count == right->count;
}

static bool may_merge(const struct service *a, const struct service *b)
{
    if (!str_eq(a->meta.namespace, b->meta.namespace))
        return false;
    if (a->entry == NULL || b->entry == NULL)
        return a->entry == NULL && b->entry == NULL;
    return a->resolution == b->resolution && has_same_labels(a, b) && has_same_export(a, b);
}

static bool has_port(const struct service *service, uint32_t port)
{
    for (uint32_t i = 0; i < service->port_count; i++) {
        if (service->ports[i].port == port)
            return true;
    }
    return false;
}

static uint32_t endpoint_port(const struct service *service, const struct service_endpoint *of,
                              struct str name)
{
    for (uint32_t e = 0; e < service->endpoint_count; e++) {
        const struct service_endpoint *endpoint = &service->endpoints[e];
        bool is_it = str_eq(endpoint->address, of->address) && endpoint->pod == of->pod &&
                     endpoint->entry == of->entry;
        for (uint32_t i = 0; is_it && i < service->port_count; i++) {
            if (str_eq(service->ports[i].name, name))
                return endpoint->ports[i];
        }
    }
    return 0;
}

/* `a` with the ports that only `b` has. */
static const struct service *merge(struct translation *t, const struct service *a,
                                   const struct service *b)
{
    uint32_t most = a->port_count + b->port_count;
    struct service *out = ARENA_NEW(&t->scratch, struct service);

    *out = *a;
    out->ports = ARENA_ARRAY(&t->scratch, struct service_port, most);
    for (uint32_t i = 0; i < a->port_count; i++)
        out->ports[i] = a->ports[i];
    for (uint32_t i = 0; i < b->port_count; i++) {
        if (!has_port(out, b->ports[i].port))
            out->ports[out->port_count++] = b->ports[i];
    }
    out->endpoints = ARENA_ARRAY(&t->scratch, struct service_endpoint, a->endpoint_count);
    for (uint32_t e = 0; e < a->endpoint_count; e++) {
        out->endpoints[e] = a->endpoints[e];
        out->endpoints[e].ports = ARENA_ARRAY(&t->scratch, uint32_t, most);
        for (uint32_t i = 0; i < out->port_count; i++)
            out->endpoints[e].ports[i] =
                i < a->port_count ? a->endpoints[e].ports[i]
                                  : endpoint_port(b, &a->endpoints[e], out->ports[i].name);
    }
    return out;
}

static void append(struct union_maker *maker, const struct service *service)
{
    uint32_t known = map_get(&maker->by_host, service->host);

    if (known == MAP_NONE) {
        (void)map_set(&maker->by_host, service->host, maker->list.count);
        push(maker->t, &maker->list, service);
        return;
    }
    const struct service *existing = maker->list.items[known];
    if (existing == service || (existing->entry == NULL && service->entry != NULL))
        return;
    if (existing->entry != NULL && service->entry == NULL)
        maker->list.items[known] = service;
    else if (may_merge(existing, service))
        maker->list.items[known] = merge(maker->t, existing, service);
}

/* The service that a destination means: the proxy's namespace's, whoever it is
 * exported to; else a visible one, Kubernetes' first, then the oldest. */
static const struct service *destination_service(struct union_maker *maker, struct str host)
{
    const struct service *found = NULL;
    uint32_t first = map_get(&maker->all_by_host, host);

    for (uint32_t i = first; first != MAP_NONE && i < maker->all->count; i++) {
        const struct service *service = maker->all->items[i];
        if (!str_eq(service->host, host))
            continue;
        if (str_eq(service->meta.namespace, maker->t->proxy->namespace) &&
            (found == NULL || !str_eq(found->meta.namespace, service->meta.namespace) ||
             service->entry == NULL))
            found = service;
    }
    if (found != NULL || first == MAP_NONE)
        return found;
    for (uint32_t i = 0; i < maker->exported->count; i++) {
        const struct service *service = maker->exported->items[i];
        if (!str_eq(service->host, host))
            continue;
        if (found == NULL || (found->entry != NULL && service->entry == NULL))
            found = service;
    }
    return found;
}

/* Ports of one host that VirtualServices lead to; 0: all. */
struct wanted {
    struct str host;
    uint32_t *ports;
    uint32_t count, capacity;
};

struct wanted_list {
    struct wanted *items;
    uint32_t count, capacity;
    struct map by_host;
};

static void want(struct translation *t, struct wanted_list *list, const struct destination *to)
{
    uint32_t index = map_get(&list->by_host, to->host);

    if (index == MAP_NONE) {
        index = list->count;
        *ARENA_PUSH(&t->scratch, list->items, list->count, list->capacity) =
            (struct wanted){.host = to->host};
        (void)map_set(&list->by_host, to->host, index);
    }
    struct wanted *wanted = &list->items[index];
    *ARENA_PUSH(&t->scratch, wanted->ports, wanted->count, wanted->capacity) = to->port;
}

static void want_rule(struct translation *t, struct wanted_list *list, const struct http_rule *rule)
{
    for (uint32_t r = 0; r < rule->route_count; r++)
        want(t, list, &rule->routes[r].destination);
    for (uint32_t m = 0; m < rule->mirrors.count; m++)
        want(t, list, &rule->mirrors.items[m].destination);
}

/* NULL: the service has none of the ports. */
static const struct service *with_wanted_ports(struct translation *t, const struct service *service,
                                               const struct wanted *wanted)
{
    bool *is_kept = ARENA_ARRAY(&t->scratch, bool, service->port_count);
    uint32_t kept_count = 0;

    for (uint32_t i = 0; i < service->port_count; i++) {
        for (uint32_t k = 0; k < wanted->count && !is_kept[i]; k++)
            is_kept[i] = wanted->ports[k] == 0 || wanted->ports[k] == service->ports[i].port;
        kept_count += is_kept[i];
    }
    if (kept_count == service->port_count)
        return service;
    return kept_count > 0 ? with_ports(t, service, is_kept) : NULL;
}

static void append_destinations(struct union_maker *maker, const struct scope *scope)
{
    struct translation *t = maker->t;
    struct selection selection = selection_for_scope(t, scope);
    struct wanted_list list = {0};

    map_init(&list.by_host, &t->scratch);
    for (uint32_t i = 0; i < selection.count; i++) {
        for (uint32_t k = 0; k < selection.items[i]->rule_count; k++)
            want_rule(t, &list, &selection.items[i]->rules[k]);
    }
    for (uint32_t i = 0; i < list.count; i++) {
        const struct service *service = destination_service(maker, list.items[i].host);
        if (service == NULL)
            continue;
        service = is_port_asked(scope->egress) ? with_port(t, service, scope->egress->port)
                                               : with_wanted_ports(t, service, &list.items[i]);
        if (service != NULL)
            append(maker, service);
    }
}

static void split_aliases(struct translation *t, const struct service_list *list,
                          struct scope *scope)
{
    scope->services = ARENA_ARRAY(&t->scratch, const struct service *, list->count);
    scope->aliases = ARENA_ARRAY(&t->scratch, const struct service *, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        if (service_is_external_name(list->items[i]))
            scope->aliases[scope->alias_count++] = list->items[i];
        else
            scope->services[scope->service_count++] = list->items[i];
    }
}

static void index_all(struct union_maker *maker)
{
    map_init(&maker->all_by_host, &maker->t->scratch);
    for (uint32_t i = maker->all->count; i > 0; i--)
        (void)map_set(&maker->all_by_host, maker->all->items[i - 1]->host, i - 1);
}

void scope_find(struct translation *t)
{
    struct service_list all = all_services(t);
    struct service_list exported = exported_services(t, &all);
    struct union_maker maker = {.t = t, .all = &all, .exported = &exported};

    t->sidecar = find_sidecar(t);
    t->outbound = t->sidecar != NULL && t->sidecar->outbound != OUTBOUND_UNSET
                      ? t->sidecar->outbound
                      : t->mesh->config.outbound;
    t->scope_count =
        t->sidecar != NULL && t->sidecar->egress_count > 0 ? t->sidecar->egress_count : 1;
    t->scopes = ARENA_ARRAY(&t->scratch, struct scope, t->scope_count);
    map_init(&maker.by_host, &t->scratch);
    index_all(&maker);
    for (uint32_t i = 0; i < t->scope_count; i++) {
        struct scope *scope = &t->scopes[i];
        if (t->sidecar != NULL && t->sidecar->egress_count > 0)
            scope->egress = &t->sidecar->egress[i];
        struct service_list list = services_of(t, &exported, scope->egress);
        split_aliases(t, &list, scope);
        for (uint32_t k = 0; k < list.count; k++)
            append(&maker, list.items[k]);
        if (t->proxy->type == PROXY_SIDECAR)
            append_destinations(&maker, scope);
    }
    split_aliases(t, &maker.list, &t->whole);
}

const struct scope *scope_of_port(const struct translation *t, uint32_t port)
{
    for (uint32_t i = 0; i < t->scope_count; i++) {
        const struct sidecar_egress *egress = t->scopes[i].egress;
        if (egress == NULL || egress->port == 0 || egress->port == port)
            return &t->scopes[i];
    }
    return NULL;
}

static bool names_meet(struct str name, struct str host)
{
    bool is_wild = host_is_wildcard(name) || host_is_wildcard(host);

    return str_eq(name, host) || (is_wild && host_matches(name, host));
}

static bool is_host_in(const struct translation *t, const struct sidecar_egress *egress,
                       struct str namespace, struct str host)
{
    bool is_in = false;

    for (uint32_t i = 0; i < egress->hosts.count; i++) {
        struct egress_host allowed = host_of(t, egress->hosts.items[i]);
        if (!is_meant(&allowed, namespace))
            continue;
        if (allowed.is_excluded && host_is_within(host, allowed.name))
            return false;
        is_in |= !allowed.is_excluded && names_meet(allowed.name, host);
    }
    return is_in;
}

bool scope_has_virtual_service(const struct translation *t, const struct scope *scope,
                               const struct virtual_service *service)
{
    if (scope->egress == NULL)
        return true;
    for (uint32_t i = 0; i < service->hosts.count; i++) {
        if (is_host_in(t, scope->egress, service->meta.namespace, service->hosts.items[i]))
            return true;
    }
    return false;
}
