/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/context.c - see context.h.
 *
 * Source: ISTIO.md 1.6, 1.7.
 */
#include "config/translate/context.h"

#include "config/resource/label.h"
#include "config/translate/scope.h"

#define ALIAS_CHAIN_MAX 10u /* Istio follows so many names, then gives up */

struct str context_keep(struct translation *t, struct str text)
{
    if (text.len == 0)
        return (struct str){"", 0};
    uint32_t index = map_get(&t->kept, text);
    if (index != MAP_NONE)
        return t->kept_texts[index];
    struct str copy = arena_str(t->arena, text);
    *ARENA_PUSH(&t->scratch, t->kept_texts, t->kept_count, t->kept_capacity) = copy;
    (void)map_set(&t->kept, copy, t->kept_count - 1);
    return copy;
}

struct origin context_keep_origin(struct translation *t, struct origin origin)
{
    if (origin.file.ptr != t->last_file.ptr || origin.file.len != t->last_file.len) {
        t->last_file = origin.file;
        t->last_file_kept = context_keep(t, origin.file);
    }
    origin.file = t->last_file_kept;
    return origin;
}

bool context_is_exported(const struct translation *t, const struct text_list *export_to,
                         const struct text_list *otherwise, struct str namespace)
{
    const struct text_list *list = export_to->count > 0 ? export_to : otherwise;

    if (list->count == 0 || text_list_has(list, STR("*")))
        return true;
    if (text_list_has(list, STR("~")))
        return false;
    if (text_list_has(list, t->proxy->namespace))
        return true;
    return text_list_has(list, STR(".")) && str_eq(namespace, t->proxy->namespace);
}

const struct str *context_keep_list(struct translation *t, const struct text_list *list)
{
    struct str *out = ARENA_ARRAY(t->arena, struct str, list->count);

    for (uint32_t i = 0; i < list->count; i++)
        out[i] = context_keep(t, list->items[i]);
    return out;
}

bool context_is_ipv6(const struct translation *t)
{
    return str_find(t->proxy->address, ':') != STR_NONE;
}

struct str context_any_address(const struct translation *t)
{
    return context_is_ipv6(t) ? STR("::") : STR("0.0.0.0");
}

struct str context_localhost(const struct translation *t)
{
    return context_is_ipv6(t) ? STR("::1") : STR("127.0.0.1");
}

int64_t context_connect_timeout_ns(const struct translation *t)
{
    int64_t said_ns = t->mesh->config.connect_timeout_ns;

    return said_ns != 0 ? said_ns : t->profile->connect_timeout_ns;
}

enum port_protocol context_protocol(const struct translation *t, const struct service_port *port)
{
    enum port_protocol protocol = service_port_protocol(port);

    return protocol == PORT_SNIFFED && !t->profile->is_sniffing ? PORT_TCP : protocol;
}

/* Istio keeps the names of one service by namespace and name. */
static void find_names(struct translation *t)
{
    const struct mesh *mesh = t->mesh;

    t->names = ARENA_ARRAY(&t->scratch, const struct service *, mesh->services_count);
    map_init(&t->name_by_host, &t->scratch);
    for (uint32_t i = 0; i < mesh->services_count; i++) {
        const struct service *moving = &mesh->services[i];
        if (!service_is_external_name(moving))
            continue;
        uint32_t place = t->name_count++;
        for (; place > 0; place--) {
            const struct object_meta *before = &t->names[place - 1]->meta;
            int order = str_order(before->namespace, moving->meta.namespace);
            if (order == 0)
                order = str_order(before->name, moving->meta.name);
            if (order <= 0)
                break;
            t->names[place] = t->names[place - 1];
        }
        t->names[place] = moving;
    }
    for (uint32_t i = 0; i < t->name_count; i++)
        (void)map_set(&t->name_by_host, t->names[i]->host, i);
}

void context_find_services(struct translation *t)
{
    scope_find(t);
    t->services = t->whole.services;
    t->service_count = t->whole.service_count;
    t->aliases = t->whole.aliases;
    t->alias_count = t->whole.alias_count;
    map_init(&t->service_by_host, &t->scratch);
    map_init(&t->alias_by_host, &t->scratch);
    for (uint32_t i = 0; i < t->service_count; i++)
        (void)map_set(&t->service_by_host, t->services[i]->host, i);
    for (uint32_t i = 0; i < t->alias_count; i++)
        (void)map_set(&t->alias_by_host, t->aliases[i]->host, i);
    find_names(t);
}

const struct service *context_service(const struct translation *t, struct str host)
{
    uint32_t index = map_get(&t->service_by_host, host);

    return index == MAP_NONE ? NULL : t->services[index];
}

struct str context_resolve_alias(const struct translation *t, struct str host)
{
    for (uint32_t i = 0; i < ALIAS_CHAIN_MAX; i++) {
        uint32_t index = map_get(&t->name_by_host, host);
        if (index == MAP_NONE)
            break;
        host = t->names[index]->external_name;
    }
    return host;
}
