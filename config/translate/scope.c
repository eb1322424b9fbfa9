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
#include "config/translate/service_union.h"

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

bool scope_is_untold(struct translation *t, const struct service *service)
{
    struct text_list export_to = export_to_of(t, service);

    return service->entry == NULL && text_list_has(&export_to, STR("~"));
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

/* As the proxy sees it: where it answers DNS itself, Istio's own address counts. */
static const struct service *entry_service(struct translation *t, uint32_t index)
{
    const struct service *from = &t->mesh->entry_services[index];

    if (!t->settings.has_dns_capture || from->auto_address.len == 0)
        return from;
    struct service *out = ARENA_NEW(&t->scratch, struct service);
    *out = *from;
    out->cluster_ip = from->auto_address;
    return out;
}

/* Of addresses of both families a proxy knows the one of its own. */
static const struct service *with_reachable_address(struct translation *t,
                                                    const struct service *service)
{
    for (uint32_t i = 0; i < service->cluster_ip_count; i++) {
        struct str address = service->cluster_ips[i];
        bool is_ipv6 = str_find(address, ':') != STR_NONE;
        if (is_ipv6 != context_is_ipv6(t))
            continue;
        if (str_eq(address, service->cluster_ip) || service_is_headless(service))
            return service;
        struct service *out = ARENA_NEW(&t->scratch, struct service);
        *out = *service;
        out->cluster_ip = address;
        return out;
    }
    return service;
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
        service_list_add(&out, is_entry ? entry_service(t, k++) : &mesh->services[i++], t);
    }
    for (uint32_t n = 0; n < out.count; n++)
        out.items[n] = with_reachable_address(t, out.items[n]);
    return out;
}

/* What is for few comes before what is for all. */
static struct service_list exported_services(struct translation *t, const struct service_list *all)
{
    struct service_list out = {0};

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < all->count; i++) {
            if (is_public(t, all->items[i]) == (pass == 1) && is_exported(t, all->items[i]))
                service_list_add(&out, all->items[i], t);
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
        if (service_is_port_asked(egress))
            service = service_with_port(t, service, egress->port);
        if (service != NULL)
            service_list_add(&out, service, t);
    }
    /* A gateway takes the first, whoever it belongs to. */
    if (t->proxy->type == PROXY_SIDECAR)
        keep_one_namespace(t, &out);
    return out;
}

/* --- all of them together --------------------------------------------------- */

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

void scope_find(struct translation *t)
{
    struct service_list *all = ARENA_NEW(&t->scratch, struct service_list);
    struct service_chains *chains = ARENA_NEW(&t->scratch, struct service_chains);
    *all = all_services(t);
    struct service_list exported = exported_services(t, all);
    struct service_union maker;

    t->sidecar = find_sidecar(t);
    t->outbound = t->sidecar != NULL && t->sidecar->outbound != OUTBOUND_UNSET
                      ? t->sidecar->outbound
                      : t->mesh->config.outbound;
    t->scope_count =
        t->sidecar != NULL && t->sidecar->egress_count > 0 ? t->sidecar->egress_count : 1;
    t->scopes = ARENA_ARRAY(&t->scratch, struct scope, t->scope_count);
    service_union_init(&maker, t, all, &exported);
    *chains = maker.all;
    t->by_host = chains;
    for (uint32_t i = 0; i < t->scope_count; i++) {
        struct scope *scope = &t->scopes[i];
        if (t->sidecar != NULL && t->sidecar->egress_count > 0)
            scope->egress = &t->sidecar->egress[i];
        struct service_list list = services_of(t, &exported, scope->egress);
        split_aliases(t, &list, scope);
        for (uint32_t k = 0; k < list.count; k++)
            service_union_add(&maker, list.items[k]);
        if (t->proxy->type == PROXY_SIDECAR)
            service_union_add_destinations(&maker, scope);
    }
    split_aliases(t, &maker.list, &t->whole);
}

const struct scope *scope_of_port(const struct translation *t, uint32_t port, struct str bind)
{
    for (uint32_t i = 0; i < t->scope_count; i++) {
        const struct sidecar_egress *egress = t->scopes[i].egress;
        bool is_for_port = egress != NULL && egress->port == port;
        if (egress == NULL || !egress->has_port ||
            (is_for_port && (port != 0 || str_eq(egress->bind, bind))))
            return &t->scopes[i];
    }
    return NULL;
}

uint32_t scope_indexed_port(const struct service_endpoint *endpoint, uint32_t port_index)
{
    return endpoint->indexed_ports != NULL ? endpoint->indexed_ports[port_index]
                                           : endpoint->ports[port_index];
}

static bool has_indexed(const struct service *service, uint32_t number, uint32_t *port_index)
{
    for (uint32_t k = 0; k < service->port_count; k++) {
        if (service->ports[k].port != number)
            continue;
        for (uint32_t e = 0; e < service->endpoint_count; e++) {
            if (scope_indexed_port(&service->endpoints[e], k) != 0) {
                *port_index = k;
                return true;
            }
        }
    }
    return false;
}

const struct service *scope_indexed(const struct translation *t, const struct service *service,
                                    uint32_t *port_index)
{
    const struct service_chains *all = t->by_host;
    uint32_t number = service->ports[*port_index].port;
    const struct service *found = NULL;

    for (uint32_t i = map_get(&all->first, service->host); i != MAP_NONE; i = all->next[i]) {
        const struct service *candidate = all->list->items[i];
        if (str_eq(candidate->meta.namespace, service->meta.namespace) &&
            has_indexed(candidate, number, port_index))
            found = candidate;
    }
    return found;
}

const struct service *scope_service_of_namespace(struct translation *t, struct str host,
                                                 struct str namespace)
{
    const struct service_chains *all = t->by_host;
    const struct service *found = NULL;

    for (uint32_t i = map_get(&all->first, host); i != MAP_NONE; i = all->next[i]) {
        const struct service *service = all->list->items[i];
        if (str_eq(service->meta.namespace, namespace) &&
            (found == NULL || (found->entry != NULL && service->entry == NULL)))
            found = service;
    }
    return found != NULL && is_exported(t, found) ? found : NULL;
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
