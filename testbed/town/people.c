/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/people.c - see people.h.
 */
#include "testbed/town/people.h"

#include "testbed/inspect/asker.h"

#define INJECT_LABEL STR("sidecar.istio.io/inject")

struct crowd {
    const struct people_question *asked;
    const struct mesh *mesh;
    struct arena *arena;
    struct people people;
};

static bool is_there(const struct crowd *crowd, const struct client_spec *spec)
{
    for (uint32_t i = 0; i < crowd->people.count; i++) {
        const struct client_spec *other = &crowd->people.items[i];
        if (str_eq(other->name, spec->name) && str_eq(other->namespace, spec->namespace))
            return true;
    }
    return false;
}

static void add(struct crowd *crowd, struct client_spec spec)
{
    struct people *people = &crowd->people;
    if (spec.namespace.len == 0)
        spec.namespace =
            spec.via == VIA_GATEWAY
                ? world_gateway_home(crowd->mesh, spec.gateway_namespace, spec.gateway_name)
                : crowd->asked->world->spec.namespace;
    if (!is_there(crowd, &spec))
        *ARENA_PUSH(crowd->arena, people->items, people->count, people->capacity) = spec;
}

static const struct client_spec *find_client(const struct crowd *crowd, struct str name)
{
    for (uint32_t i = 0; i < crowd->asked->client_count; i++) {
        const struct client_spec *client = &crowd->asked->clients[i];
        if (client->via == VIA_SIDECAR && str_eq(client->name, name))
            return client;
    }
    return NULL;
}

/* The test file, or a label of the pod, may say that there is none. */
static bool is_without_sidecar(const struct crowd *crowd, const struct world_pod *pod,
                               const struct pod *resource)
{
    const struct world_spec *spec = &crowd->asked->world->spec;
    for (uint32_t i = 0; i < spec->workload_count; i++) {
        const struct workload_spec *workload = &spec->workloads[i];
        if (str_eq(workload->name, pod->workload) && workload->has_sidecar_word)
            return !workload->has_sidecar;
    }
    for (uint32_t i = 0; i < resource->meta.label_count; i++) {
        const struct label *label = &resource->meta.labels[i];
        if (str_eq(label->name, INJECT_LABEL))
            return str_eq(label->value, STR("false"));
    }
    return false;
}

static void add_workloads(struct crowd *crowd)
{
    const struct world *world = crowd->asked->world;
    for (uint32_t i = 0; i < world->pod_count; i++) {
        const struct world_pod *pod = &world->pods[i];
        const struct pod *resource = mesh_pod_find(crowd->mesh, pod->namespace, pod->kube_name);
        if (pod->index != 0 || resource == NULL || is_without_sidecar(crowd, pod, resource))
            continue;
        struct client_spec spec = asker_of_pod(crowd->mesh, resource);
        if (spec.via == VIA_SIDECAR)
            add(crowd, spec);
    }
}

static void add_everybody(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->asked->client_count; i++) {
        if (crowd->asked->clients[i].via == VIA_SIDECAR)
            add(crowd, crowd->asked->clients[i]);
    }
    add_workloads(crowd);
}

static void add_named(struct crowd *crowd, struct str name)
{
    struct str namespace = crowd->asked->world->spec.namespace;
    const struct client_spec *client = find_client(crowd, name);
    const struct pod *pod = asker_pod_named(crowd->mesh, namespace, name);
    if (client != NULL) {
        add(crowd, *client);
    } else if (pod != NULL) {
        struct client_spec spec = asker_of_pod(crowd->mesh, pod);
        spec.via = VIA_SIDECAR;
        add(crowd, spec);
    } else if (crowd->people.unknown.len == 0) {
        crowd->people.unknown = name;
        crowd->people.known = asker_known(crowd->mesh, namespace, crowd->arena);
        for (uint32_t i = 0; i < crowd->asked->client_count; i++)
            crowd->people.known =
                arena_format(crowd->arena, "%.*s, %.*s", STR_FMT(crowd->asked->clients[i].name),
                             STR_FMT(crowd->people.known));
    }
}

/* All of those that are wanted; an empty selector wants none. */
static bool has_labels(const struct label *labels, uint32_t count, const struct label *wanted,
                       uint32_t wanted_count)
{
    for (uint32_t i = 0; i < wanted_count; i++) {
        bool is_found = false;
        for (uint32_t k = 0; k < count && !is_found; k++)
            is_found =
                str_eq(labels[k].name, wanted[i].name) && str_eq(labels[k].value, wanted[i].value);
        if (!is_found)
            return false;
    }
    return true;
}

static const struct pod *find_selected(const struct crowd *crowd, const struct label *labels,
                                       uint32_t label_count)
{
    for (uint32_t i = 0; i < mesh_pod_count(crowd->mesh); i++) {
        if (asker_is_selected(mesh_pod(crowd->mesh, i), labels, label_count))
            return mesh_pod(crowd->mesh, i);
    }
    return NULL;
}

/* Somebody among those from `first` on serves it already. */
static bool is_served(const struct crowd *crowd, uint32_t first, const struct label *selector,
                      uint32_t selector_count)
{
    for (uint32_t i = first; i < crowd->people.count; i++) {
        const struct client_spec *gateway = &crowd->people.items[i];
        struct label *own = NULL;
        uint32_t own_count = 0;
        (void)mesh_gateway_selector(crowd->mesh, gateway->gateway_namespace, gateway->gateway_name,
                                    &own, &own_count);
        if (has_labels(own, own_count, selector, selector_count) ||
            has_labels(gateway->labels, gateway->label_count, selector, selector_count))
            return true;
    }
    return false;
}

static void add_gateways(struct crowd *crowd)
{
    uint32_t first = crowd->people.count;
    for (uint32_t i = 0; i < mesh_gateway_count(crowd->mesh); i++) {
        struct client_spec spec = {.via = VIA_GATEWAY};
        struct label *selector = NULL;
        uint32_t selector_count = 0;
        mesh_gateway_at(crowd->mesh, i, &spec.gateway_namespace, &spec.gateway_name);
        (void)mesh_gateway_selector(crowd->mesh, spec.gateway_namespace, spec.gateway_name,
                                    &selector, &selector_count);
        if (is_served(crowd, first, selector, selector_count))
            continue;
        const struct pod *pod = find_selected(crowd, selector, selector_count);
        spec.name = spec.gateway_name;
        if (pod != NULL)
            spec = asker_of_pod(crowd->mesh, pod);
        add(crowd, spec);
    }
}

struct people people_of(const struct people_question *asked, struct arena *arena)
{
    struct crowd crowd = {.asked = asked, .mesh = asked->world->mesh, .arena = arena};
    for (uint32_t i = 0; i < asked->from_count; i++)
        add_named(&crowd, asked->from[i]);
    if (asked->from_count == 0)
        add_everybody(&crowd);
    add_gateways(&crowd);
    return crowd.people;
}

bool people_is_gateway(const struct world *world, const struct world_client *client,
                       struct str name)
{
    if (client->spec.via != VIA_GATEWAY)
        return false;
    if (str_eq(client->spec.name, name))
        return true;
    size_t slash = str_find(name, '/');
    struct str last = slash == STR_NONE ? name : str_from(name, slash + 1);
    for (uint32_t i = 0; i < mesh_gateway_count(world->mesh); i++) {
        struct str gateway_namespace, gateway_name;
        struct label *selector = NULL;
        uint32_t selector_count = 0;
        mesh_gateway_at(world->mesh, i, &gateway_namespace, &gateway_name);
        if (!str_eq(gateway_name, last) ||
            (slash != STR_NONE && !str_eq(gateway_namespace, str_slice(name, 0, slash))))
            continue;
        (void)mesh_gateway_selector(world->mesh, gateway_namespace, gateway_name, &selector,
                                    &selector_count);
        if (has_labels(client->identity.labels, client->identity.label_count, selector,
                       selector_count))
            return true;
    }
    return false;
}
