/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/endpoints.c - see endpoints.h.
 *
 * Source: ISTIO.md 4.5.
 */
#include "config/translate/endpoints.h"

#include "config/resource/host.h"
#include "config/resource/label.h"
#include "config/translate/locality.h"

static struct str first_label(const struct pod *pod, const struct str *names, size_t name_count,
                              struct str otherwise)
{
    for (size_t i = 0; i < name_count; i++) {
        const struct str *value = label_find(pod->meta.labels, pod->meta.label_count, names[i]);
        if (value != NULL && value->len > 0)
            return *value;
    }
    return otherwise;
}

/* "name;namespace;canonical name;canonical revision;cluster" */
static struct str workload_text(struct translation *t, const struct pod *pod)
{
    static const struct str NAMES[] = {
        STR_INIT("service.istio.io/canonical-name"),
        STR_INIT("app.kubernetes.io/name"),
        STR_INIT("app"),
    };
    static const struct str REVISIONS[] = {
        STR_INIT("service.istio.io/canonical-revision"),
        STR_INIT("app.kubernetes.io/version"),
        STR_INIT("version"),
    };
    struct str name = first_label(pod, NAMES, COUNT_OF(NAMES), pod->workload);
    struct str revision = first_label(pod, REVISIONS, COUNT_OF(REVISIONS), STR_EMPTY);

    return arena_format(&t->scratch, "%.*s;%.*s;%.*s;%.*s;Kubernetes", STR_FMT(pod->workload),
                        STR_FMT(pod->meta.namespace), STR_FMT(name), STR_FMT(revision));
}

static void fill_endpoint(struct translation *t, const struct service_endpoint *from, uint32_t port,
                          struct endpoint *out)
{
    *out = (struct endpoint){
        .address = context_keep(t, from->address),
        .port = port,
        .weight = 1,
        .health = from->is_ready ? ENDPOINT_HEALTHY : ENDPOINT_UNHEALTHY,
        .origin = context_keep_origin(t, from->origin),
    };
    if (from->pod == NULL) {
        out->workload = STR(";;;;Kubernetes");
        return;
    }
    out->locality = locality_of_labels(t, from->pod->meta.labels, from->pod->meta.label_count);
    out->is_tls_mode_istio = from->pod->is_injected && t->profile->has_auto_mtls;
    out->workload = context_keep(t, workload_text(t, from->pod));
    out->pod = context_keep(t, arena_format(&t->scratch, "%.*s.%.*s", STR_FMT(from->pod->meta.name),
                                            STR_FMT(from->pod->meta.namespace)));
}

/* A pod that has none of the service's ports is no endpoint. */
static bool serves_something(const struct service *service, const struct service_endpoint *endpoint)
{
    for (uint32_t i = 0; i < service->port_count; i++) {
        if (endpoint->ports[i] != 0)
            return true;
    }
    return false;
}

static bool is_selected(const struct service_endpoint *endpoint, const struct label_list *subset)
{
    if (subset == NULL || subset->count == 0)
        return true;
    return endpoint->pod != NULL &&
           label_is_subset(subset->items, subset->count, endpoint->pod->meta.labels,
                           endpoint->pod->meta.label_count);
}

void endpoints_translate(struct translation *t, const struct service *service, uint32_t port_index,
                         const struct label_list *subset, struct cluster *out)
{
    uint32_t count = 0;

    ASSERT(port_index < service->port_count);
    struct endpoint *items = ARENA_ARRAY(t->arena, struct endpoint, service->endpoint_count);
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        const struct service_endpoint *from = &service->endpoints[i];
        uint32_t port = from->ports[port_index];
        if (port != 0 && is_selected(from, subset))
            fill_endpoint(t, from, port, &items[count++]);
    }
    locality_sort(items, count);
    out->endpoints = items;
    out->endpoint_count = count;
}

const struct str *endpoints_identities(struct translation *t, const struct service *service,
                                       uint32_t *count)
{
    struct text_list list = {0};

    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        const struct pod *pod = service->endpoints[i].pod;
        if (pod == NULL || !serves_something(service, &service->endpoints[i]))
            continue;
        struct str name = context_keep(
            t, arena_format(&t->scratch, "spiffe://" HOST_DOMAIN "/ns/%.*s/sa/%.*s",
                            STR_FMT(pod->meta.namespace), STR_FMT(pod->service_account)));
        if (text_list_has(&list, name))
            continue;
        text_list_add(&list, name, t->arena);
        for (uint32_t k = list.count - 1; k > 0; k--) {
            if (str_order(list.items[k - 1], name) <= 0)
                break;
            list.items[k] = list.items[k - 1];
            list.items[k - 1] = name;
        }
    }
    *count = list.count;
    return list.items;
}

bool endpoints_are_injected(const struct service *service, uint32_t port_index)
{
    bool has_endpoint = false;

    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        const struct pod *pod = service->endpoints[i].pod;
        if (service->endpoints[i].ports[port_index] == 0)
            continue;
        if (pod == NULL || !pod->is_injected)
            return false;
        has_endpoint = true;
    }
    return has_endpoint;
}
