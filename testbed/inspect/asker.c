/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/asker.c - see asker.h.
 */
#include "testbed/inspect/asker.h"

#include "config/derive/derive.h"
#include "config/resource/mesh.h"

/* More names do not help who mistyped one. */
#define KNOWN_MAX 20u

static bool has_label(const struct pod *pod, const struct label *label)
{
    for (uint32_t i = 0; i < pod->meta.label_count; i++)
        if (str_eq(pod->meta.labels[i].name, label->name) &&
            str_eq(pod->meta.labels[i].value, label->value))
            return true;
    return false;
}

static bool is_selected(const struct pod *pod, const struct label *labels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!has_label(pod, &labels[i]))
            return false;
    return count > 0;
}

/* A pod that a Gateway's selector finds calls as that gateway. */
static void become_gateway(const struct mesh *mesh, const struct pod *pod,
                           struct client_spec *client)
{
    for (uint32_t i = 0; i < mesh_gateway_count(mesh); i++) {
        struct str namespace, name;
        struct label *labels;
        uint32_t label_count;
        mesh_gateway_at(mesh, i, &namespace, &name);
        if (!mesh_gateway_selector(mesh, namespace, name, &labels, &label_count) ||
            !is_selected(pod, labels, label_count))
            continue;
        client->via = VIA_GATEWAY;
        client->gateway_namespace = namespace;
        client->gateway_name = name;
        return;
    }
}

static const struct pod *find_pod(const struct mesh *mesh, struct str namespace, struct str name)
{
    for (uint32_t i = 0; i < mesh_pod_count(mesh); i++) {
        const struct pod *pod = mesh_pod(mesh, i);
        if (str_eq(pod->meta.namespace, namespace) &&
            (str_eq(pod->meta.name, name) || str_eq(pod->workload, name)))
            return pod;
    }
    return NULL;
}

/* NAME, or NAME.NAMESPACE; a workload's name may have dots itself. */
static const struct pod *find_named(const struct mesh *mesh, struct str namespace, struct str name)
{
    const struct pod *pod = find_pod(mesh, namespace, name);
    size_t dot = str_find_last(name, '.');
    if (pod != NULL || dot == STR_NONE)
        return pod;
    return find_pod(mesh, str_from(name, dot + 1), str_slice(name, 0, dot));
}

static bool find_gateway(const struct mesh *mesh, struct str namespace, struct str name,
                         struct client_spec *client)
{
    struct label *labels;
    uint32_t label_count;
    if (!mesh_gateway_selector(mesh, namespace, name, &labels, &label_count))
        return false;
    client->via = VIA_GATEWAY;
    client->name = name;
    client->gateway_namespace = namespace;
    client->gateway_name = name;
    return true;
}

static void add_known(struct str *known, struct str name, uint32_t *count, struct arena *arena)
{
    if (++*count > KNOWN_MAX)
        return;
    *known = arena_format(arena, "%.*s%s%.*s", STR_FMT(*known), *count > 1 ? ", " : "",
                          STR_FMT(*count == KNOWN_MAX ? STR("...") : name));
}

static struct str known_names(const struct mesh *mesh, struct str namespace, struct arena *arena)
{
    struct str known = STR_EMPTY;
    uint32_t count = 0;
    for (uint32_t i = 0; i < mesh_pod_count(mesh); i++) {
        const struct pod *pod = mesh_pod(mesh, i);
        bool is_first = find_pod(mesh, pod->meta.namespace, pod->workload) == pod;
        if (!is_first)
            continue;
        struct str name = pod->workload;
        if (!str_eq(pod->meta.namespace, namespace))
            name = arena_format(arena, "%.*s.%.*s", STR_FMT(name), STR_FMT(pod->meta.namespace));
        add_known(&known, name, &count, arena);
    }
    for (uint32_t i = 0; i < mesh_gateway_count(mesh); i++) {
        struct str gateway_namespace, name;
        mesh_gateway_at(mesh, i, &gateway_namespace, &name);
        add_known(&known,
                  arena_format(arena, "%.*s/%.*s", STR_FMT(gateway_namespace), STR_FMT(name)),
                  &count, arena);
    }
    return count == 0 ? STR("nobody") : known;
}

static void be_pod(const struct mesh *mesh, const struct pod *pod, struct client_spec *client)
{
    client->name = pod->workload.len > 0 ? pod->workload : pod->meta.name;
    client->namespace = pod->meta.namespace;
    client->labels = pod->meta.labels;
    client->label_count = pod->meta.label_count;
    client->service_account = pod->service_account;
    client->origin = pod->meta.origin;
    become_gateway(mesh, pod, client);
}

struct client_spec asker_of_pod(const struct mesh *mesh, const struct pod *pod)
{
    struct client_spec client = {0};
    be_pod(mesh, pod, &client);
    client.name = pod->meta.name;
    return client;
}

const struct pod *asker_pod_named(const struct mesh *mesh, struct str namespace, struct str name)
{
    size_t slash = str_find(name, '/');
    return find_named(mesh, namespace, slash == STR_NONE ? name : str_from(name, slash + 1));
}

bool asker_is_selected(const struct pod *pod, const struct label *labels, uint32_t label_count)
{
    return is_selected(pod, labels, label_count);
}

struct str asker_known(const struct mesh *mesh, struct str namespace, struct arena *arena)
{
    return known_names(mesh, namespace, arena);
}

struct asker asker_find(const struct documents *documents, struct str name, struct str namespace,
                        struct arena *arena)
{
    struct asker out = {.is_found = true,
                        .client = {.name = STR("client"), .namespace = namespace}};
    if (name.len == 0)
        return out;
    /* The world's own mesh comes later, with this client in it; what is wrong
     * with the manifests is said then. */
    struct diag_list unheard;
    diag_list_init(&unheard, arena);
    struct mesh *mesh = mesh_new(arena, &unheard);
    for (uint32_t i = 0; i < documents->count; i++)
        mesh_add_document(mesh, documents->items[i]);
    mesh_complete(mesh);
    size_t slash = str_find(name, '/');
    struct str last = slash == STR_NONE ? name : str_from(name, slash + 1);
    if (slash != STR_NONE && find_gateway(mesh, str_slice(name, 0, slash), last, &out.client)) {
        out.client.namespace = STR_EMPTY;
        return out;
    }
    const struct pod *pod = find_named(mesh, namespace, last);
    out.is_found = pod != NULL;
    if (pod != NULL) {
        out.client.via = pod->is_injected ? VIA_SIDECAR : VIA_NONE;
        be_pod(mesh, pod, &out.client);
    } else
        out.known = known_names(mesh, namespace, arena);
    return out;
}
