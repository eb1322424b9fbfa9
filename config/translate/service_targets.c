/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/service_targets.c - see service_targets.h.
 */
#include "config/translate/service_targets.h"

#include "config/resource/label.h"
#include "config/resource/service.h"

/* A proxy that is no pod of the files is known by its labels only. */
static const struct pod *own_pod(const struct translation *t)
{
    uint32_t index = map_get(&t->mesh->pod_by_address, t->proxy->address);

    if (index == MAP_NONE || !str_eq(t->mesh->pods[index].meta.namespace, t->proxy->namespace))
        return NULL;
    return &t->mesh->pods[index];
}

static bool is_selecting(const struct translation *t, const struct service *service,
                         const struct pod *pod)
{
    const struct label *labels = pod != NULL ? pod->meta.labels : t->proxy->labels;
    uint32_t label_count = pod != NULL ? pod->meta.label_count : t->proxy->label_count;

    return service->selector_count > 0 && !service_is_external_name(service) &&
           str_eq(service->meta.namespace, t->proxy->namespace) &&
           label_is_subset(service->selector, service->selector_count, labels, label_count);
}

static uint32_t target_of(const struct service_port *port, const struct pod *pod)
{
    if (port->target_port != 0)
        return port->target_port;
    for (uint32_t i = 0; pod != NULL && i < pod->port_count; i++) {
        if (str_eq(pod->ports[i].name, port->target_port_name) &&
            str_eq(pod->ports[i].protocol, port->protocol))
            return pod->ports[i].port;
    }
    return pod != NULL && pod->is_added ? port->port : 0;
}

/* Two ports of one service that lead to the same one, with the same protocol,
 * are one. */
static bool is_known(const struct translation *t, const struct service_targets *list, uint32_t from,
                     const struct service_port *port, uint32_t target_port)
{
    for (uint32_t i = from; i < list->count; i++) {
        const struct service_target *target = &list->items[i];
        if (target->target_port == target_port &&
            context_protocol(t, &target->service->ports[target->port_index]) ==
                context_protocol(t, port))
            return true;
    }
    return false;
}

static void add_service(struct translation *t, const struct service *service, const struct pod *pod,
                        struct service_targets *out)
{
    uint32_t from = out->count;

    for (uint32_t i = 0; i < service->port_count; i++) {
        uint32_t target_port = target_of(&service->ports[i], pod);
        if (target_port == 0 || is_known(t, out, from, &service->ports[i], target_port))
            continue;
        *ARENA_PUSH(&t->scratch, out->items, out->count, out->capacity) = (struct service_target){
            .service = service, .port_index = i, .target_port = target_port};
    }
}

/* A ServiceEntry's endpoint at the proxy's own address is the proxy, where both
 * are of one namespace; one that another entry of the host lends is that one's. */
static void add_entry(struct translation *t, const struct service *service,
                      struct service_targets *out)
{
    uint32_t from = out->count;

    if (!str_eq(service->meta.namespace, t->proxy->namespace))
        return;
    for (uint32_t e = 0; e < service->endpoint_count; e++) {
        const struct service_endpoint *endpoint = &service->endpoints[e];
        if (endpoint->is_lent || !str_eq(endpoint->address, t->proxy->address))
            continue;
        for (uint32_t i = 0; i < service->port_count; i++) {
            uint32_t target_port = endpoint->ports[i];
            if (target_port == 0 || is_known(t, out, from, &service->ports[i], target_port))
                continue;
            *ARENA_PUSH(&t->scratch, out->items, out->count, out->capacity) =
                (struct service_target){
                    .service = service, .port_index = i, .target_port = target_port};
        }
    }
}

static bool is_before(const struct service *a, const struct service *b)
{
    if (a->meta.created_ns != b->meta.created_ns)
        return a->meta.created_ns < b->meta.created_ns;
    return str_order(a->host, b->host) < 0;
}

/* By insertion: few services have one workload. */
static void sort_targets(struct service_targets *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        struct service_target moving = list->items[i];
        uint32_t place = i;
        for (; place > 0 && is_before(moving.service, list->items[place - 1].service); place--)
            list->items[place] = list->items[place - 1];
        list->items[place] = moving;
    }
}

struct service_targets service_targets_find(struct translation *t)
{
    struct service_targets out = {0};
    const struct pod *pod = own_pod(t);

    for (uint32_t i = 0; i < t->mesh->services_count; i++) {
        const struct service *service = &t->mesh->services[i];
        if (is_selecting(t, service, pod))
            add_service(t, service, pod, &out);
    }
    for (uint32_t i = 0; i < t->mesh->entry_services_count; i++)
        add_entry(t, &t->mesh->entry_services[i], &out);
    sort_targets(&out);
    return out;
}
