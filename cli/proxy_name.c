/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_name.c - see proxy_name.h.
 */
#include "cli/proxy_name.h"

#include <stdio.h>

#include "config/resource/label.h"

#define BLOCK_STRANGERS 192u /* 127.192.0.0/10 */

static const struct str *find_label(const struct label *labels, uint32_t count, struct str name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq(labels[i].name, name))
            return &labels[i].value;
    }
    return NULL;
}

static bool has_labels(const struct pod *pod, const struct label *labels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct str *value =
            find_label(pod->meta.labels, pod->meta.label_count, labels[i].name);
        if (value == NULL || !str_eq(*value, labels[i].value))
            return false;
    }
    return count > 0;
}

static const struct pod *first_with(const struct mesh *mesh, struct str namespace,
                                    const struct label *labels, uint32_t count)
{
    for (uint32_t i = 0; i < mesh_pod_count(mesh); i++) {
        const struct pod *pod = mesh_pod(mesh, i);
        bool is_here = namespace.len == 0 || str_eq(pod->meta.namespace, namespace);
        if (is_here && has_labels(pod, labels, count))
            return pod;
    }
    return NULL;
}

/* A pod, the first of a workload, or the first behind a service. */
static const struct pod *find_pod(const struct mesh *mesh, struct str namespace, struct str name)
{
    const struct pod *found = mesh_pod_find(mesh, namespace, name);
    const struct service *service = mesh_service_find(mesh, namespace, name);

    if (found != NULL)
        return found;
    for (uint32_t i = 0; i < mesh_pod_count(mesh); i++) {
        const struct pod *pod = mesh_pod(mesh, i);
        if (str_eq(pod->workload, name) && str_eq(pod->meta.namespace, namespace))
            return pod;
    }
    if (service == NULL)
        return NULL;
    return first_with(mesh, namespace, service->selector, service->selector_count);
}

static bool is_gateway(const struct pod *pod, const struct label *labels, uint32_t count)
{
    static const struct str WORDS[] = {STR_INIT("ingressgateway"), STR_INIT("egressgateway"),
                                       STR_INIT("ingress"), STR_INIT("egress")};
    static const struct str TEMPLATES = STR_INIT("inject.istio.io/templates");
    const struct str *istio = find_label(labels, count, STR("istio"));
    const struct str *template = find_label(labels, count, TEMPLATES);

    if (template == NULL && pod != NULL)
        template = find_label(pod->meta.annotations, pod->meta.annotation_count, TEMPLATES);
    if (template != NULL && str_eq(*template, STR("gateway")))
        return true;
    if (find_label(labels, count, STR("gateway.networking.k8s.io/gateway-name")) != NULL)
        return true;
    for (size_t i = 0; istio != NULL && i < COUNT_OF(WORDS); i++) {
        if (str_eq(*istio, WORDS[i]))
            return true;
    }
    return false;
}

/* The proxy that a Gateway's selector means: a pod, or a stand-in with just the
 * selector's labels. */
static bool resolve_gateway(struct mesh *mesh, struct str namespace, struct str name,
                            struct arena *arena, struct proxy_identity *out)
{
    struct label *labels;
    uint32_t label_count;

    if (!mesh_gateway_selector(mesh, namespace, name, &labels, &label_count))
        return false;
    const struct pod *pod = first_with(mesh, STR_EMPTY, labels, label_count);
    *out = (struct proxy_identity){.type = PROXY_ROUTER,
                                   .name = name,
                                   .namespace = STR("istio-system"),
                                   .labels = labels,
                                   .label_count = label_count,
                                   .service_account = STR("default")};
    if (pod != NULL) {
        out->name = pod->meta.name;
        out->namespace = pod->meta.namespace;
        out->labels = pod->meta.labels;
        out->label_count = pod->meta.label_count;
        out->address = pod->address;
        out->service_account = pod->service_account;
        return true;
    }
    struct str key = arena_format(arena, "proxy/istio-system/%.*s", STR_FMT(name));
    out->address = mesh_address(mesh, BLOCK_STRANGERS, key);
    return true;
}

/* NAME or NAME.NAMESPACE, which are then told apart. A workload's name may have dots
 * itself, so the whole is tried first. */
static const struct pod *find_named(const struct mesh *mesh, struct str *namespace,
                                    struct str *name)
{
    const struct pod *pod = find_pod(mesh, *namespace, *name);
    size_t dot = str_find_last(*name, '.');

    if (pod != NULL || dot == STR_NONE)
        return pod;
    *namespace = str_from(*name, dot + 1);
    *name = str_slice(*name, 0, dot);
    return find_pod(mesh, *namespace, *name);
}

static struct proxy_identity resolve_pod(struct mesh *mesh, struct str namespace, struct str name,
                                         struct arena *arena)
{
    const struct pod *pod = find_named(mesh, &namespace, &name);

    if (pod == NULL) {
        struct str key = arena_format(arena, "proxy/%.*s/%.*s", STR_FMT(namespace), STR_FMT(name));
        return (struct proxy_identity){.type = PROXY_SIDECAR,
                                       .name = name,
                                       .namespace = namespace,
                                       .address = mesh_address(mesh, BLOCK_STRANGERS, key),
                                       .service_account = STR("default")};
    }
    bool is_router = is_gateway(pod, pod->meta.labels, pod->meta.label_count);
    return (struct proxy_identity){.type = is_router ? PROXY_ROUTER : PROXY_SIDECAR,
                                   .name = pod->meta.name,
                                   .namespace = pod->meta.namespace,
                                   .labels = pod->meta.labels,
                                   .label_count = pod->meta.label_count,
                                   .address = pod->address,
                                   .service_account = pod->service_account};
}

/* KIND/NAME: the kind only tells people apart. */
static bool is_kind(struct str word)
{
    static const struct str KINDS[] = {
        STR_INIT("pod"),         STR_INIT("po"),  STR_INIT("deployment"), STR_INIT("deploy"),
        STR_INIT("statefulset"), STR_INIT("sts"), STR_INIT("daemonset"),  STR_INIT("ds"),
        STR_INIT("replicaset"),  STR_INIT("rs"),  STR_INIT("service"),    STR_INIT("svc"),
    };

    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        if (str_eq_ci(word, KINDS[i]))
            return true;
    }
    return false;
}

/* KIND/NAME and NAMESPACE/GATEWAY; false: there is no slash. */
static bool cut_at_slash(struct str word, struct str *before, struct str *name)
{
    size_t slash = str_find(word, '/');

    *before = slash != STR_NONE ? str_slice(word, 0, slash) : STR_EMPTY;
    *name = slash != STR_NONE ? str_from(word, slash + 1) : word;
    return slash != STR_NONE;
}

struct proxy_identity proxy_name_resolve(struct mesh *mesh, const struct proxy_wish *wish,
                                         struct arena *arena)
{
    struct proxy_identity out;
    struct str before, name;
    bool is_found = cut_at_slash(wish->name, &before, &name) && !is_kind(before) &&
                    resolve_gateway(mesh, before, name, arena, &out);

    if (!is_found)
        out = resolve_pod(mesh, wish->namespace, name, arena);
    if (wish->label_count > 0) {
        /* Over those of its pod: where that stands is a label, too. */
        struct label_list labels = {0};
        for (uint32_t i = 0; i < out.label_count; i++)
            label_list_set(&labels, out.labels[i].name, out.labels[i].value, arena);
        for (uint32_t i = 0; i < wish->label_count; i++)
            label_list_set(&labels, wish->labels[i].name, wish->labels[i].value, arena);
        out.labels = labels.items;
        out.label_count = labels.count;
        if (is_gateway(NULL, out.labels, out.label_count))
            out.type = PROXY_ROUTER;
    }
    if (str_eq(wish->type, STR("router")))
        out.type = PROXY_ROUTER;
    if (str_eq(wish->type, STR("sidecar")))
        out.type = PROXY_SIDECAR;
    if (wish->address.len > 0)
        out.address = wish->address;
    if (wish->service_account.len > 0)
        out.service_account = wish->service_account;
    return out;
}

void proxy_name_doubt(const struct mesh *mesh, const struct proxy_wish *wish,
                      const struct words *words)
{
    struct str before, name, namespace = wish->namespace;
    struct label *labels;
    uint32_t label_count;
    bool is_gateway_named = cut_at_slash(wish->name, &before, &name) && !is_kind(before) &&
                            mesh_gateway_selector(mesh, before, name, &labels, &label_count);
    bool is_described = wish->type.len > 0 || wish->address.len > 0 ||
                        wish->service_account.len > 0 || wish->label_count > 0;

    if (!is_described && !is_gateway_named && !words->is_quiet &&
        find_named(mesh, &namespace, &name) == NULL)
        fprintf(stderr,
                "pocketmesh %s: nobody in the files is called \"%.*s\"; this is what a pod without "
                "labels gets. `pocketmesh proxy-status` names those there are\n",
                words->command, STR_FMT(wish->name));
}
