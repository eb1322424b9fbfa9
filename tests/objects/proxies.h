/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/objects/proxies.h - every proxy that a mesh gives reason to ask for.
 *
 * One for each pod, one for each Gateway (the pod that its selector means, or a
 * stand-in with just those labels), and a sidecar that no file declares in the
 * namespace default.
 */
#pragma once

#include "base/arena.h"
#include "config/translate/translate.h"

struct proxies {
    struct proxy_identity *items;
    uint32_t count, capacity;
};

static inline bool proxies_have(const struct proxies *proxies, const struct proxy_identity *one)
{
    for (uint32_t i = 0; i < proxies->count; i++) {
        const struct proxy_identity *other = &proxies->items[i];
        if (other->type == one->type && str_eq(other->name, one->name) &&
            str_eq(other->namespace, one->namespace))
            return true;
    }
    return false;
}

static inline void proxies_add(struct proxies *proxies, struct arena *arena,
                               struct proxy_identity one)
{
    if (!proxies_have(proxies, &one))
        *ARENA_PUSH(arena, proxies->items, proxies->count, proxies->capacity) = one;
}

static inline bool proxies_pod_has(const struct pod *pod, const struct label *label)
{
    for (uint32_t i = 0; i < pod->meta.label_count; i++)
        if (str_eq(pod->meta.labels[i].name, label->name) &&
            str_eq(pod->meta.labels[i].value, label->value))
            return true;
    return false;
}

static inline const struct pod *proxies_pod_with(const struct mesh *mesh,
                                                 const struct label *labels, uint32_t count)
{
    for (uint32_t i = 0; count > 0 && i < mesh_pod_count(mesh); i++) {
        const struct pod *pod = mesh_pod(mesh, i);
        uint32_t had = 0;
        while (had < count && proxies_pod_has(pod, &labels[had]))
            had++;
        if (had == count)
            return pod;
    }
    return NULL;
}

static inline struct proxy_identity proxies_of_pod(const struct pod *pod, enum proxy_type type)
{
    return (struct proxy_identity){.type = type,
                                   .name = pod->meta.name,
                                   .namespace = pod->meta.namespace,
                                   .labels = pod->meta.labels,
                                   .label_count = pod->meta.label_count,
                                   .address = pod->address,
                                   .service_account = pod->service_account};
}

static inline void proxies_add_gateway(struct proxies *proxies, const struct mesh *mesh,
                                       uint32_t index, struct arena *arena)
{
    struct str namespace, name;
    struct label *labels;
    uint32_t label_count;

    mesh_gateway_at(mesh, index, &namespace, &name);
    if (!mesh_gateway_selector(mesh, namespace, name, &labels, &label_count))
        return;
    const struct pod *pod = proxies_pod_with(mesh, labels, label_count);
    if (pod != NULL)
        proxies_add(proxies, arena, proxies_of_pod(pod, PROXY_ROUTER));
    else
        proxies_add(proxies, arena,
                    (struct proxy_identity){.type = PROXY_ROUTER,
                                            .name = name,
                                            .namespace = namespace,
                                            .labels = labels,
                                            .label_count = label_count,
                                            .address = STR("127.192.0.1"),
                                            .service_account = STR("default")});
}

/* Of a complete mesh; lives in `arena`. Gateways' stand-ins live where their
 * Gateway does, as those of the Gateway API; a pod is a router and a sidecar when
 * a Gateway means it. */
static inline struct proxies proxies_of(const struct mesh *mesh, struct arena *arena)
{
    struct proxies proxies = {0};

    for (uint32_t i = 0; i < mesh_gateway_count(mesh); i++)
        proxies_add_gateway(&proxies, mesh, i, arena);
    for (uint32_t i = 0; i < mesh_pod_count(mesh); i++)
        proxies_add(&proxies, arena, proxies_of_pod(mesh_pod(mesh, i), PROXY_SIDECAR));
    proxies_add(&proxies, arena,
                (struct proxy_identity){.type = PROXY_SIDECAR,
                                        .name = STR("stranger"),
                                        .namespace = STR("default"),
                                        .address = STR("127.192.0.2"),
                                        .service_account = STR("default")});
    return proxies;
}
