/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/authz_provider.c - see authz_provider.h.
 */
#include "config/translate/authz_provider.h"

#include "base/ns.h"
#include "config/resource/authz_provider.h"
#include "config/translate/clusters.h"

#define TIMEOUT_NS (600 * NS_SECOND) /* Istio's own */

/* The service of that host: a Kubernetes one, or one that a ServiceEntry made; a second one
 * of another namespace is told by `is_unclear`. */
static const struct service *find_among(const struct service *services, uint32_t count,
                                        struct str host, struct str namespace,
                                        const struct service *known, bool *is_unclear)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct service *service = &services[i];
        if (!str_eq(service->host, host) ||
            (namespace.ptr != NULL && !str_eq(service->meta.namespace, namespace)))
            continue;
        *is_unclear |= known != NULL && !str_eq(known->meta.namespace, service->meta.namespace);
        known = known != NULL ? known : service;
    }
    return known;
}

/* "ns/host" or a host that only one namespace has. NULL: nobody. */
static const struct service *find_service(const struct translation *t, struct str name)
{
    const struct mesh *mesh = t->mesh;
    bool is_unclear = false;
    struct str host = name;
    struct str namespace = str_cut(&host, '/');

    if (host.ptr == NULL) {
        host = name;
        namespace = (struct str){0};
    }
    const struct service *found =
        find_among(mesh->services, mesh->services_count, host, namespace, NULL, &is_unclear);
    found = find_among(mesh->entry_services, mesh->entry_services_count, host, namespace, found,
                       &is_unclear);
    return is_unclear ? NULL : found;
}

/* A list of headers, with stars; any case. */
static const struct string_matcher *patterns(struct translation *t, const struct text_list *list)
{
    struct string_matcher *out = ARENA_ARRAY(t->arena, struct string_matcher, list->count);

    for (uint32_t i = 0; i < list->count; i++) {
        struct str text = list->items[i];
        enum string_match_kind kind = STRING_EXACT;
        if (str_has_prefix(text, STR("*"))) {
            kind = STRING_SUFFIX;
            text = str_from(text, 1);
        } else if (str_has_suffix(text, STR("*"))) {
            kind = STRING_PREFIX;
            text = str_slice(text, 0, text.len - 1);
        }
        out[i] = (struct string_matcher){
            .kind = kind, .value = context_keep(t, text), .is_ignoring_case = true};
    }
    return out;
}

static void set_http(struct translation *t, const struct authz_provider *from,
                     struct ext_authz *out)
{
    struct header_mutation *added =
        ARENA_ARRAY(t->arena, struct header_mutation, from->added.count);

    out->uri = context_keep(t, arena_concat(&t->scratch, STR("http://"), out->host));
    out->path_prefix = context_keep(t, from->path_prefix);
    out->asked = patterns(t, &from->asked);
    out->asked_count = from->asked.count;
    out->to_upstream = patterns(t, &from->to_upstream);
    out->to_upstream_count = from->to_upstream.count;
    out->to_client_denied = patterns(t, &from->to_client_denied);
    out->to_client_denied_count = from->to_client_denied.count;
    out->to_client_allowed = patterns(t, &from->to_client_allowed);
    out->to_client_allowed_count = from->to_client_allowed.count;
    for (uint32_t i = 0; i < from->added.count; i++)
        added[i] = (struct header_mutation){.name = context_keep(t, from->added.items[i].name),
                                            .value = context_keep(t, from->added.items[i].value)};
    out->added = added;
    out->added_count = from->added.count;
}

static bool has_star(const struct text_list *list)
{
    return text_list_has(list, STR("*"));
}

static bool is_usable(const struct authz_provider *from)
{
    bool is_path_fine = from->path_prefix.len == 0 || str_has_prefix(from->path_prefix, STR("/"));

    return from->port != 0 && is_path_fine && !has_star(&from->asked) &&
           !has_star(&from->to_upstream) && !has_star(&from->to_client_denied) &&
           !has_star(&from->to_client_allowed);
}

static const struct ext_authz *translate(struct translation *t, const struct authz_provider *from)
{
    const struct service *service = find_service(t, from->service);

    if (service == NULL || !is_usable(from))
        return NULL;
    struct ext_authz *out = ARENA_NEW(t->arena, struct ext_authz);
    *out = (struct ext_authz){
        .is_grpc = from->is_grpc,
        .cluster = cluster_name(t, from->port, STR_EMPTY, service->host),
        .host = context_keep(t, service->host),
        .timeout_ns = from->timeout_ns != 0 ? from->timeout_ns : TIMEOUT_NS,
        .is_failing_open = from->is_failing_open,
        .error_status = from->error_status,
        .has_body = from->has_body,
        .body_bytes_max = from->body_bytes_max,
        .is_body_partial = from->is_body_partial,
        .is_body_bytes = from->is_body_bytes,
        .filter_prefix =
            context_keep(t, arena_format(&t->scratch, "istio-ext-authz-%.*s", STR_FMT(from->name))),
    };
    if (!from->is_grpc)
        set_http(t, from, out);
    return out;
}

const struct ext_authz *authz_provider_find(struct translation *t, struct str name)
{
    const struct authz_provider_list *list = &t->mesh->config.authz_providers;

    for (uint32_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i].name, name))
            return translate(t, &list->items[i]);
    }
    return NULL;
}
