/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/selection.c - see selection.h.
 */
#include "config/translate/selection.h"

#include "config/resource/host.h"

/* The Gateway API's routes of the proxy's own namespace go before others: among those
 * for everybody (BUCKET_CONSUMER), and for a sidecar among its namespace's own, too. */
enum bucket {
    BUCKET_PRIVATE_CONSUMER,
    BUCKET_PRIVATE,
    BUCKET_EXPORTED,
    BUCKET_CONSUMER,
    BUCKET_PUBLIC,
    BUCKET_COUNT
};

static enum bucket bucket_of(const struct translation *t, const struct virtual_service *service,
                             bool is_for_mesh)
{
    const struct text_list *list = service->export_to.count > 0
                                       ? &service->export_to
                                       : &t->mesh->config.virtual_service_export_to;

    bool is_own = str_eq(service->meta.namespace, t->proxy->namespace);
    bool is_consumer = is_own && service->semantics == SEMANTICS_GATEWAY_API;
    if (list->count == 0 || text_list_has(list, STR("*")))
        return is_consumer ? BUCKET_CONSUMER : BUCKET_PUBLIC;
    if (is_own)
        return is_consumer && is_for_mesh ? BUCKET_PRIVATE_CONSUMER : BUCKET_PRIVATE;
    return BUCKET_EXPORTED;
}

/* The VirtualService of an exact host, and the wildcards with theirs. */
struct host_index {
    struct map by_host;
    struct str *wildcards;
    const struct virtual_service **owners;
    uint32_t count;
};

static void index_hosts(struct translation *t, const struct selection *selection,
                        struct host_index *out)
{
    uint32_t host_count = 0;

    for (uint32_t i = 0; i < selection->count; i++)
        host_count += selection->items[i]->hosts.count;
    map_init(&out->by_host, &t->scratch);
    out->wildcards = ARENA_ARRAY(&t->scratch, struct str, host_count);
    out->owners = ARENA_ARRAY(&t->scratch, const struct virtual_service *, host_count);
    for (uint32_t i = 0; i < selection->count; i++) {
        const struct virtual_service *service = selection->items[i];
        /* As written: istiod's index knows capitals from small letters. */
        for (uint32_t k = 0; k < service->cased_hosts.count; k++) {
            struct str host = service->cased_hosts.items[k];
            if (map_get(&out->by_host, host) != MAP_NONE)
                continue;
            (void)map_set(&out->by_host, host, i);
            if (!host_is_wildcard(host))
                continue;
            out->wildcards[out->count] = host;
            out->owners[out->count++] = service;
        }
    }
}

static const struct virtual_service *best_for(const struct selection *selection,
                                              const struct host_index *index, struct str host)
{
    const struct virtual_service *found = NULL;
    struct str found_host = STR_EMPTY;
    uint32_t exact = map_get(&index->by_host, host);

    if (exact != MAP_NONE)
        return selection->items[exact];
    for (uint32_t i = 0; i < index->count; i++) {
        if (!host_is_within(host, index->wildcards[i]))
            continue;
        if (found == NULL || host_order(index->wildcards[i], found_host) < 0) {
            found = index->owners[i];
            found_host = index->wildcards[i];
        }
    }
    return found;
}

struct selection selection_for(struct translation *t, struct str gateway)
{
    struct selection out = {0};
    bool is_for_mesh = str_eq(gateway, STR("mesh"));

    for (int bucket = 0; bucket < BUCKET_COUNT; bucket++) {
        for (uint32_t i = 0; i < t->mesh->virtual_services_count; i++) {
            const struct virtual_service *service = &t->mesh->virtual_services[i];
            if ((int)bucket_of(t, service, is_for_mesh) != bucket)
                continue;
            if (!text_list_has(&service->gateways, gateway))
                continue;
            if (!context_is_exported(t, &service->export_to,
                                     &t->mesh->config.virtual_service_export_to,
                                     service->meta.namespace))
                continue;
            *ARENA_PUSH(&t->scratch, out.items, out.count, out.capacity) = service;
        }
    }
    return out;
}

struct selection selection_for_scope(struct translation *t, const struct scope *scope)
{
    struct selection all = selection_for(t, STR("mesh"));
    struct selection out = {0};

    for (uint32_t i = 0; i < all.count; i++) {
        if (scope_has_virtual_service(t, scope, all.items[i]))
            *ARENA_PUSH(&t->scratch, out.items, out.count, out.capacity) = all.items[i];
    }
    return out;
}

const struct virtual_service **selection_best(struct translation *t, const struct scope *scope,
                                              const struct selection *selection)
{
    struct host_index index = {0};
    const struct virtual_service **out = ARENA_ARRAY(&t->scratch, const struct virtual_service *,
                                                     scope->service_count + scope->alias_count);

    index_hosts(t, selection, &index);
    for (uint32_t i = 0; i < scope->service_count; i++)
        out[i] = best_for(selection, &index, scope->services[i]->host);
    for (uint32_t i = 0; i < scope->alias_count; i++)
        out[scope->service_count + i] = best_for(selection, &index, scope->aliases[i]->host);
    return out;
}
