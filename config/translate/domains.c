/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/domains.c - see domains.h.
 */
#include "config/translate/domains.h"

#include "config/resource/host.h"
#include "config/resource/service.h"
#include "config/resource/service_entry.h"

static void add(struct translation *t, struct domain_list *out, struct str domain, bool is_short)
{
    uint32_t before = out->count;

    *ARENA_PUSH(&t->scratch, out->items, out->count, out->capacity) = domain;
    *ARENA_PUSH(&t->scratch, out->is_short, before, out->short_capacity) = is_short;
}

/* Seen from its own namespace a service is NAME, NAME.NS.svc, NAME.NS; from
 * another one only the latter two, the shorter first. */
static void add_names(struct translation *t, const struct service *service, struct domain_list *out)
{
    struct str name = service->meta.name;
    struct str namespace = service->meta.namespace;

    add(t, out, service->host, false);
    add(t, out, arena_concat(&t->scratch, service->host, STR(".")), false);
    /* Another name is a Service's name only if it looks like one. */
    if (service->entry != NULL) {
        struct str rest = service->host;
        if (!str_has_suffix(rest, STR(".svc." HOST_DOMAIN)))
            return;
        name = str_cut(&rest, '.');
        namespace = str_cut(&rest, '.');
    }
    struct str middle = arena_format(&t->scratch, "%.*s.%.*s", STR_FMT(name), STR_FMT(namespace));
    struct str longer = arena_concat(&t->scratch, middle, STR(".svc"));

    if (str_eq(namespace, t->proxy->namespace)) {
        add(t, out, name, true);
        add(t, out, longer, true);
        add(t, out, middle, true);
    } else {
        add(t, out, middle, true);
        add(t, out, longer, true);
    }
}

static bool is_alias_of(const struct translation *t, const struct service *alias,
                        const struct service *service)
{
    return str_eq(context_resolve_alias(t, alias->host), service->host);
}

static void add_ports(struct translation *t, uint32_t port, struct domain_list *out)
{
    struct domain_list bare = *out;

    *out = (struct domain_list){0};
    for (uint32_t i = 0; i < bare.count; i++) {
        add(t, out, bare.items[i], bare.is_short[i]);
        add(t, out, arena_format(&t->scratch, "%.*s:%u", STR_FMT(bare.items[i]), port),
            bare.is_short[i]);
    }
}

void domains_add_aliases(struct translation *t, const struct service *service,
                         struct text_list *out)
{
    struct domain_list names = {0};

    for (uint32_t i = 0; i < t->name_count; i++) {
        if (is_alias_of(t, t->names[i], service))
            add_names(t, t->names[i], &names);
    }
    for (uint32_t i = 0; i < names.count; i++)
        text_list_add(out, names.items[i], &t->scratch);
}

void domains_of_service(struct translation *t, const struct service *service, uint32_t port,
                        struct domain_list *out)
{
    add_names(t, service, out);
    for (uint32_t i = 0; i < t->name_count; i++) {
        if (is_alias_of(t, t->names[i], service))
            add_names(t, t->names[i], out);
    }
    if (service_is_headless(service)) {
        /* Pods of a headless service have names below the service's. */
        uint32_t count = out->count;
        for (uint32_t i = 0; i < count; i++)
            add(t, out, arena_concat(&t->scratch, STR("*."), out->items[i]), out->is_short[i]);
    }
    /* Also a network, which nobody will write as an authority. */
    bool is_ipv6 = str_find(service->cluster_ip, ':') != STR_NONE;
    bool is_reachable = service->entry != NULL || is_ipv6 == context_is_ipv6(t);
    if (service->cluster_ip.len > 0 && !service_is_headless(service) && is_reachable) {
        add(t, out,
            is_ipv6 ? arena_format(&t->scratch, "[%.*s]", STR_FMT(service->cluster_ip))
                    : service->cluster_ip,
            false);
    }
    if (port != 0)
        add_ports(t, port, out);
}
