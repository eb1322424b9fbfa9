/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/service_union.c - see service_union.h.
 */
#include "config/translate/service_union.h"

#include "config/resource/label.h"
#include "config/resource/service_entry.h"
#include "config/resource/sidecar.h"
#include "config/resource/stream_rule.h"
#include "config/translate/selection.h"

void service_list_add(struct service_list *list, const struct service *service,
                      struct translation *t)
{
    *ARENA_PUSH(&t->scratch, list->items, list->count, list->capacity) = service;
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
const struct service *service_with_port(struct translation *t, const struct service *service,
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

bool service_is_port_asked(const struct sidecar_egress *egress)
{
    return egress != NULL && egress->port != 0 && !egress->is_http_proxy;
}

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
        if (has_port(out, b->ports[i].port))
            continue;
        struct service_port *added = &out->ports[out->port_count++];
        *added = b->ports[i];
        /* Where no endpoint has a say, other ports are those of the first one. */
        if (a->resolution == RESOLUTION_NONE)
            added->target_port = 0;
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

void service_union_add(struct service_union *maker, const struct service *service)
{
    uint32_t known = map_get(&maker->by_host, service->host);

    if (known == MAP_NONE) {
        (void)map_set(&maker->by_host, service->host, maker->list.count);
        service_list_add(&maker->list, service, maker->t);
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
static const struct service *destination_service(struct service_union *maker, struct str host)
{
    const struct service *found = NULL;
    const struct service_chains *all = &maker->all, *exported = &maker->exported;

    for (uint32_t i = map_get(&all->first, host); i != MAP_NONE; i = all->next[i]) {
        const struct service *service = all->list->items[i];
        if (str_eq(service->meta.namespace, maker->t->proxy->namespace) &&
            (found == NULL || !str_eq(found->meta.namespace, service->meta.namespace) ||
             service->entry == NULL))
            found = service;
    }
    if (found != NULL)
        return found;
    for (uint32_t i = map_get(&exported->first, host); i != MAP_NONE; i = exported->next[i]) {
        const struct service *service = exported->list->items[i];
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

/* Istio goes by the first match that names the namespace, else by the last that
 * names another. */
static bool is_for_namespace(const struct translation *t, const struct http_rule *rule)
{
    bool is_meant = true;

    for (uint32_t i = 0; i < rule->match_count; i++) {
        struct str namespace = rule->matches[i].source_namespace;
        if (namespace.len == 0)
            continue;
        if (str_eq(namespace, t->proxy->namespace))
            return true;
        is_meant = false;
    }
    return is_meant;
}

static void want_rule(struct translation *t, struct wanted_list *list, const struct http_rule *rule)
{
    if (!is_for_namespace(t, rule))
        return;
    for (uint32_t r = 0; r < rule->route_count; r++)
        want(t, list, &rule->routes[r].destination);
    for (uint32_t m = 0; m < rule->mirrors.count; m++)
        want(t, list, &rule->mirrors.items[m].destination);
}

static void want_streams(struct translation *t, struct wanted_list *list,
                         const struct stream_rule *rules, uint32_t rule_count)
{
    for (uint32_t i = 0; i < rule_count; i++) {
        for (uint32_t r = 0; r < rules[i].route_count; r++)
            want(t, list, &rules[i].routes[r].destination);
    }
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

void service_union_add_destinations(struct service_union *maker, const struct scope *scope)
{
    struct translation *t = maker->t;
    struct selection selection = selection_for_scope(t, scope);
    struct wanted_list list = {0};

    map_init(&list.by_host, &t->scratch);
    for (uint32_t i = 0; i < selection.count; i++) {
        for (uint32_t k = 0; k < selection.items[i]->rule_count; k++)
            want_rule(t, &list, &selection.items[i]->rules[k]);
        want_streams(t, &list, selection.items[i]->tcp_rules, selection.items[i]->tcp_rule_count);
        want_streams(t, &list, selection.items[i]->tls_rules, selection.items[i]->tls_rule_count);
    }
    for (uint32_t i = 0; i < list.count; i++) {
        const struct service *service = destination_service(maker, list.items[i].host);
        if (service == NULL)
            continue;
        service = service_is_port_asked(scope->egress)
                      ? service_with_port(t, service, scope->egress->port)
                      : with_wanted_ports(t, service, &list.items[i]);
        if (service != NULL)
            service_union_add(maker, service);
    }
}

static struct service_chains chains_of(struct translation *t, const struct service_list *list)
{
    struct service_chains out = {.list = list,
                                 .next = ARENA_ARRAY(&t->scratch, uint32_t, list->count)};

    map_init(&out.first, &t->scratch);
    for (uint32_t i = list->count; i > 0; i--)
        out.next[i - 1] = map_set(&out.first, list->items[i - 1]->host, i - 1);
    return out;
}

void service_union_init(struct service_union *out, struct translation *t,
                        const struct service_list *all, const struct service_list *exported)
{
    *out = (struct service_union){
        .t = t, .all = chains_of(t, all), .exported = chains_of(t, exported)};
    map_init(&out->by_host, &t->scratch);
}
