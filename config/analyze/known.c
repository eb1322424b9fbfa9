/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/known.c - see known.h.
 */
#include "config/analyze/known.h"

#include "config/resource/host.h"

static void add(struct analysis *analysis, struct known_list *known, struct words3 words,
                const struct object *object)
{
    *ARENA_PUSH(analysis->arena, known->items, known->count, known->capacity) = (struct known_host){
        .scope = words.a,
        .fqdn = context_fqdn(analysis, words.b, words.c),
        .object = object,
    };
}

static void add_entries(struct analysis *analysis, struct known_list *known)
{
    const struct object *entry;

    for (uint32_t i = 0; (entry = context_next(analysis, ISTIO_GROUP, STR("ServiceEntry"), &i));) {
        struct view spec = context_spec(analysis, entry);
        struct view hosts = view_field(&spec, STR("hosts"));
        struct text_list scopes = context_scopes(analysis, &spec, entry->namespace);
        for (uint32_t k = 0; k < view_count(&hosts); k++) {
            struct view item = view_item(&hosts, k);
            for (uint32_t s = 0; s < scopes.count; s++)
                add(analysis, known,
                    (struct words3){scopes.items[s], entry->namespace, field_own_text(&item)},
                    entry);
        }
    }
}

static void add_services(struct analysis *analysis, struct known_list *known)
{
    const struct object *service;

    for (uint32_t i = 0; (service = context_next(analysis, STR(""), STR("Service"), &i));) {
        struct str rest = context_label(service->annotations, STR("networking.istio.io/exportTo"));
        if (rest.len == 0)
            rest = STR("*");
        while (rest.ptr != NULL) {
            struct str scope = str_trim(str_cut(&rest, ','));
            if (str_eq(scope, STR(".")))
                scope = service->namespace;
            add(analysis, known, (struct words3){scope, service->namespace, service->name},
                service);
        }
    }
}

static const struct object *find_exact(const struct known_list *known, struct str scope,
                                       struct str fqdn)
{
    for (uint32_t i = known->count; i > 0; i--)
        if (str_eq(known->items[i - 1].scope, scope) && str_eq(known->items[i - 1].fqdn, fqdn))
            return known->items[i - 1].object;
    return NULL;
}

struct known_list known_hosts(struct analysis *analysis)
{
    struct known_list known = {0};

    add_entries(analysis, &known);
    add_services(analysis, &known);
    return known;
}

const struct object *known_find(const struct analysis *analysis, const struct known_list *known,
                                const struct view *spec, struct words3 namespace_and_host)
{
    struct str namespace = namespace_and_host.a;
    struct str host = namespace_and_host.b;
    struct str fqdn = context_fqdn(analysis, namespace, host);
    struct view export_to = view_field(spec, STR("exportTo"));
    const struct object *found = find_exact(known, STR("*"), fqdn);

    if (found == NULL && view_count(&export_to) == 0)
        found = find_exact(known, namespace, fqdn);
    for (uint32_t i = 0; found == NULL && i < view_count(&export_to); i++) {
        struct view item = view_item(&export_to, i);
        struct str scope = field_own_text(&item);
        found = find_exact(known, str_eq(scope, STR(".")) ? namespace : scope, fqdn);
    }
    struct str suffix = str_from(host, host_is_wildcard(host) ? 1 : 0);
    for (uint32_t i = 0; found == NULL && i < known->count; i++) {
        const struct known_host *other = &known->items[i];
        bool is_visible = str_eq(other->scope, STR("*")) || str_eq(other->scope, namespace);
        if (is_visible && host_is_wildcard(other->fqdn) &&
            str_has_suffix(suffix, str_from(other->fqdn, 1)))
            found = other->object;
    }
    return found;
}

struct text_list known_ports(struct analysis *analysis, const struct object *object)
{
    struct view spec = context_spec(analysis, object);
    struct view ports = view_field(&spec, STR("ports"));
    bool is_service = str_eq(object->kind, STR("Service"));
    struct text_list list = {0};

    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view port = view_item(&ports, i);
        int64_t number = field_number(&port, is_service ? STR("port") : STR("number"));
        text_list_add(&list, field_of_number(&port, number), analysis->arena);
    }
    return list;
}
