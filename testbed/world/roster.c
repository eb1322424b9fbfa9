/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/roster.c - see roster.h.
 */
#include "testbed/world/roster.h"

#include "config/derive/derive.h"
#include "testbed/world/rewrite.h"

static struct roster_entry *add(struct roster *roster, struct arena *arena)
{
    return ARENA_PUSH(arena, roster->items, roster->count, roster->capacity);
}

/* The Deployment that a test's workload means: of its namespace, if it says
 * one, else of any. */
static struct roster_entry *find(struct roster *roster, const struct workload_spec *spec)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        struct roster_entry *entry = &roster->items[i];
        bool is_there = spec->namespace.len == 0 || str_eq(entry->namespace, spec->namespace);
        if (entry->spec == NULL && is_there && str_eq(entry->name, spec->name))
            return entry;
    }
    return NULL;
}

static struct roster_entry *find_object(struct roster *roster, struct str namespace,
                                        struct str name)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        if (str_eq(roster->items[i].name, name) && str_eq(roster->items[i].namespace, namespace))
            return &roster->items[i];
    }
    return NULL;
}

static void add_deployments(struct roster *roster, const struct manifests *manifests,
                            const struct mesh *mesh, struct arena *arena)
{
    for (uint32_t i = 0; i < manifests->count; i++) {
        const struct node *object = manifests->items[i];
        if (!manifest_is_workload(object))
            continue;
        struct str name = manifest_name(object);
        struct str namespace = manifest_namespace(object);
        struct roster_entry *entry = find_object(roster, namespace, name);
        if (entry == NULL)
            entry = add(roster, arena);
        *entry = (struct roster_entry){.name = name, .namespace = namespace, .object = object};
        /* False for what config/resource refused; then it has no labels and
         * no service finds it. */
        entry->replica_count = 1;
        if (!mesh_workload(mesh, namespace, name, &entry->labels, &entry->label_count,
                           &entry->service_account, &entry->replica_count))
            entry->replica_count = 0;
    }
}

/* In its namespace, else in any: tests name services by their short names. */
static const struct service *service_named(const struct mesh *mesh, struct str namespace,
                                           struct str name)
{
    const struct service *found = NULL;
    for (uint32_t i = 0; i < mesh_service_count(mesh); i++) {
        const struct service *service = mesh_service(mesh, i);
        if (!str_eq(service->meta.name, name))
            continue;
        if (found == NULL || str_eq(service->meta.namespace, namespace))
            found = service;
    }
    return found;
}

static void take_labels(struct roster_entry *entry, const struct workload_spec *spec,
                        const struct mesh *mesh)
{
    if (spec->label_count > 0) {
        entry->labels = spec->labels;
        entry->label_count = spec->label_count;
    }
    if (entry->label_count > 0 || spec->service.len == 0)
        return;
    const struct service *service = service_named(mesh, entry->namespace, spec->service);
    if (service != NULL) {
        entry->labels = service->selector;
        entry->label_count = service->selector_count;
    }
}

static void add_spec(struct roster *roster, const struct world_spec *spec,
                     const struct workload_spec *workload, const struct mesh *mesh,
                     struct arena *arena)
{
    struct roster_entry *entry = find(roster, workload);
    if (entry == NULL) {
        entry = add(roster, arena);
        entry->name = workload->name;
        entry->namespace = spec->namespace;
        entry->replica_count = 1;
    }
    entry->spec = workload;
    if (workload->namespace.len > 0)
        entry->namespace = workload->namespace;
    if (workload->service_account.len > 0)
        entry->service_account = workload->service_account;
    if (workload->replicas > 0)
        entry->replica_count = workload->replicas;
    take_labels(entry, workload, mesh);
}

static bool is_injected(const struct roster_entry *entry, const struct mesh *mesh)
{
    return entry->object == NULL ||
           mesh_workload_is_injected(mesh, entry->namespace, manifest_name(entry->object));
}

/* It stands in for a name outside of the mesh. */
static bool is_outside(const struct roster_entry *entry, const struct manifests *manifests)
{
    return entry->spec != NULL && rewrite_is_outside(manifests, entry->spec->service);
}

struct roster roster_of(const struct world_spec *spec, const struct manifests *manifests,
                        const struct mesh *mesh, struct arena *arena)
{
    struct roster roster = {0};
    add_deployments(&roster, manifests, mesh, arena);
    for (uint32_t i = 0; i < spec->workload_count; i++)
        add_spec(&roster, spec, &spec->workloads[i], mesh, arena);
    for (uint32_t i = 0; i < roster.count; i++) {
        struct roster_entry *entry = &roster.items[i];
        bool is_said = entry->spec != NULL && entry->spec->has_sidecar_word;
        entry->has_sidecar = is_said ? entry->spec->has_sidecar
                                     : spec->has_sidecar_default && is_injected(entry, mesh) &&
                                           !is_outside(entry, manifests);
        if (entry->service_account.len == 0)
            entry->service_account = STR("default");
    }
    return roster;
}

struct behaviour roster_behaviour(const struct roster_entry *entry, uint32_t index)
{
    if (entry->spec == NULL)
        return behaviour_default();
    for (uint32_t i = 0; i < entry->spec->pod_count; i++) {
        if (entry->spec->pods[i].index == index)
            return entry->spec->pods[i].behaviour;
    }
    return entry->spec->behaviour;
}

bool roster_is_selected(const struct service *service, struct str namespace,
                        const struct label *labels, uint32_t label_count)
{
    if (service->selector_count == 0 || !str_eq(service->meta.namespace, namespace))
        return false;
    for (uint32_t i = 0; i < service->selector_count; i++) {
        bool is_found = false;
        for (uint32_t j = 0; j < label_count && !is_found; j++)
            is_found = str_eq(labels[j].name, service->selector[i].name) &&
                       str_eq(labels[j].value, service->selector[i].value);
        if (!is_found)
            return false;
    }
    return true;
}
