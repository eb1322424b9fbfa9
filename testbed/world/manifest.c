/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/manifest.c - see manifest.h.
 */
#include "testbed/world/manifest.h"

static void add_object(struct manifests *all, const struct node *object, struct arena *arena)
{
    const struct node **place = ARENA_PUSH(arena, all->items, all->count, all->capacity);
    *place = object;
}

static void add_document(struct manifests *all, const struct node *document, struct arena *arena)
{
    const struct node *items = node_get(document, STR("items"));
    if (!str_eq(manifest_kind(document), STR("List")) || items == NULL ||
        items->kind != NODE_LIST) {
        add_object(all, document, arena);
        return;
    }
    for (uint32_t i = 0; i < items->count; i++)
        add_object(all, items->items[i], arena);
}

static const struct node *list_at(const struct node *map, struct str key)
{
    const struct node *list = node_get(map, key);
    return list != NULL && list->kind == NODE_LIST ? list : NULL;
}

static const struct node *containers_of(const struct node *workload)
{
    const struct node *pod = node_get(node_get(workload, STR("spec")), STR("template"));
    if (str_eq(manifest_kind(workload), STR("Pod")))
        pod = workload;
    return list_at(node_get(pod, STR("spec")), STR("containers"));
}

struct manifests manifests_of(const struct documents *documents, struct arena *arena)
{
    struct manifests all = {0};
    for (uint32_t i = 0; i < documents->count; i++)
        add_document(&all, documents->items[i], arena);
    return all;
}

struct str manifest_kind(const struct node *object)
{
    return manifest_text(object, STR("kind"));
}

struct str manifest_name(const struct node *object)
{
    return manifest_text(node_get(object, STR("metadata")), STR("name"));
}

struct str manifest_namespace(const struct node *object)
{
    struct str namespace = manifest_text(node_get(object, STR("metadata")), STR("namespace"));
    return namespace.len > 0 ? namespace : STR("default");
}

bool manifest_is_workload(const struct node *object)
{
    static const struct str kinds[] = {STR_INIT("Deployment"), STR_INIT("StatefulSet"),
                                       STR_INIT("DaemonSet"), STR_INIT("ReplicaSet")};
    struct str kind = manifest_kind(object);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (str_eq(kind, kinds[i]))
            return manifest_name(object).len > 0;
    }
    return false;
}

struct str manifest_text(const struct node *map, struct str key)
{
    const struct node *node = node_get(map, key);
    if (node == NULL || node->kind == NODE_LIST || node->kind == NODE_MAP ||
        node->kind == NODE_NULL)
        return STR_EMPTY;
    return node->text;
}

uint32_t manifest_number(const struct node *map, struct str key)
{
    const struct node *node = node_get(map, key);
    bool is_number =
        node != NULL && node->kind == NODE_INT && node->integer > 0 && node->integer <= UINT32_MAX;
    return is_number ? (uint32_t)node->integer : 0;
}

uint32_t manifest_container_port(const struct node *workload, struct str name)
{
    const struct node *containers = containers_of(workload);
    for (uint32_t i = 0; containers != NULL && i < containers->count; i++) {
        const struct node *ports = list_at(containers->items[i], STR("ports"));
        for (uint32_t j = 0; ports != NULL && j < ports->count; j++) {
            if (str_eq(manifest_text(ports->items[j], STR("name")), name))
                return manifest_number(ports->items[j], STR("containerPort"));
        }
    }
    return 0;
}

uint32_t manifest_container_ports(const struct node *workload, uint32_t *ports, uint32_t max)
{
    uint32_t count = 0;
    const struct node *containers = containers_of(workload);
    for (uint32_t i = 0; containers != NULL && i < containers->count; i++) {
        const struct node *list = list_at(containers->items[i], STR("ports"));
        for (uint32_t j = 0; list != NULL && j < list->count && count < max; j++) {
            uint32_t port = manifest_number(list->items[j], STR("containerPort"));
            if (port != 0)
                ports[count++] = port;
        }
    }
    return count;
}

static bool is_tls_word(struct str protocol)
{
    return str_eq_ci(protocol, STR("HTTPS")) || str_eq_ci(protocol, STR("TLS"));
}

uint32_t manifest_gateway_port(const struct node *gateway, bool is_tls)
{
    const struct node *spec = node_get(gateway, STR("spec"));
    const struct node *servers = list_at(spec, STR("servers"));
    for (uint32_t i = 0; servers != NULL && i < servers->count; i++) {
        const struct node *port = node_get(servers->items[i], STR("port"));
        struct str protocol = manifest_text(port, STR("protocol"));
        if (is_tls_word(protocol) == is_tls)
            return manifest_number(port, STR("number"));
    }
    const struct node *listeners = list_at(spec, STR("listeners"));
    for (uint32_t i = 0; listeners != NULL && i < listeners->count; i++) {
        struct str protocol = manifest_text(listeners->items[i], STR("protocol"));
        if (is_tls ? is_tls_word(protocol) : str_eq_ci(protocol, STR("HTTP")))
            return manifest_number(listeners->items[i], STR("port"));
    }
    return 0;
}
