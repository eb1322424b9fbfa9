/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/workload_findings.c - Deployments, pods and namespaces: their
 * services, users, sidecars.
 */
#include "base/check.h"
#include "base/json.h"
#include "config/analyze/context.h"

#define PROXY_USER 1337

/* A port of a Service that selects the Deployment's pods. */
struct service_port_of {
    struct str service, protocol, target;
    int64_t port;
};

struct port_list {
    struct service_port_of *items;
    uint32_t count, capacity;
};

static struct port_list matching_ports(struct analysis *analysis, const struct object *deployment,
                                       const struct node *labels)
{
    struct port_list list = {0};
    const struct object *service;

    for (uint32_t i = 0; (service = context_next(analysis, STR(""), STR("Service"), &i));) {
        struct view spec = context_spec(analysis, service);
        struct view selector = view_field(&spec, STR("selector"));
        struct view ports = view_field(&spec, STR("ports"));
        if (!str_eq(service->namespace, deployment->namespace) || view_count(&selector) == 0 ||
            !context_selects(selector.node, labels))
            continue;
        for (uint32_t k = 0; k < view_count(&ports); k++) {
            struct view port = view_item(&ports, k);
            struct view target = view_field(&port, STR("targetPort"));
            struct str protocol = field_text(&port, STR("protocol"));
            struct str target_text = node_text(target.node);
            int64_t number = field_number(&port, STR("port"));
            *ARENA_PUSH(analysis->arena, list.items, list.count, list.capacity) =
                (struct service_port_of){
                    .service = context_name(analysis, service),
                    .protocol = protocol.len > 0 ? protocol : STR("TCP"),
                    .target = target_text.len > 0 && !str_eq(target_text, STR("0"))
                                  ? target_text
                                  : field_of_number(&port, number),
                    .port = number,
                };
        }
    }
    return list;
}

static void add_once(struct text_list *list, struct str text, struct arena *arena)
{
    if (!text_list_has(list, text))
        text_list_add(list, text, arena);
}

static struct str bracketed(struct analysis *analysis, struct text_list *list)
{
    context_sort(list);
    return arena_format(analysis->arena, "[%.*s]",
                        STR_FMT(context_listed(analysis, list, STR(" "))));
}

static struct view name_of(struct analysis *analysis, const struct object *object)
{
    struct view *root = ARENA_NEW(analysis->arena, struct view);
    struct view *metadata = ARENA_NEW(analysis->arena, struct view);

    *root = context_root(analysis, object);
    *metadata = view_field(root, STR("metadata"));
    return view_field(metadata, STR("name"));
}

/* One port number with two protocols. */
static void check_protocols(struct analysis *analysis, const struct object *object,
                            const struct port_list *list)
{
    struct text_list seen = {0};

    for (uint32_t i = 0; i < list->count; i++) {
        struct text_list services = {0}, protocols = {0};
        struct view at = name_of(analysis, object);
        struct str number = field_of_number(&at, list->items[i].port);
        if (text_list_has(&seen, number))
            continue;
        text_list_add(&seen, number, analysis->arena);
        for (uint32_t k = i; k < list->count; k++) {
            if (list->items[k].port != list->items[i].port)
                continue;
            text_list_add(&services, list->items[k].service, analysis->arena);
            add_once(&protocols, list->items[k].protocol, analysis->arena);
        }
        if (protocols.count > 1)
            report(analysis, object, &at, DIAG_A_IST0116,
                   (struct words3){object->name, number, bracketed(analysis, &services)});
    }
}

/* One target port behind two service ports. */
static void check_targets(struct analysis *analysis, const struct object *object,
                          const struct port_list *list)
{
    struct text_list seen = {0};

    for (uint32_t i = 0; i < list->count; i++) {
        struct text_list services = {0}, ports = {0};
        struct view at = name_of(analysis, object);
        struct str target = list->items[i].target;
        if (text_list_has(&seen, target))
            continue;
        text_list_add(&seen, target, analysis->arena);
        for (uint32_t k = i; k < list->count; k++) {
            struct str number = field_of_number(&at, list->items[k].port);
            if (!str_eq(list->items[k].target, target) || text_list_has(&ports, number))
                continue;
            text_list_add(&ports, number, analysis->arena);
            text_list_add(&services, list->items[k].service, analysis->arena);
        }
        if (ports.count < 2)
            continue;
        struct str text = arena_format(analysis->arena, "\"%.*s\" but different ports: %.*s",
                                       STR_FMT(target), STR_FMT(bracketed(analysis, &ports)));
        report(analysis, object, &at, DIAG_A_IST0137,
               (struct words3){object->name, bracketed(analysis, &services), text});
    }
}

static struct analysis_pod template_of(const struct object *object)
{
    const struct node *template = node_get(object->spec, STR("template"));
    const struct node *metadata = node_get(template, STR("metadata"));

    return (struct analysis_pod){.namespace = object->namespace,
                                 .name = object->name,
                                 .labels = node_get(metadata, STR("labels")),
                                 .annotations = node_get(metadata, STR("annotations")),
                                 .spec = node_get(template, STR("spec")),
                                 .object = object};
}

void workload_analyze_services(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, STR("apps"), STR("Deployment"), &i));) {
        struct analysis_pod pod = template_of(object);
        bool is_waypoint = str_eq(context_label(object->labels, STR("gateway.istio.io/managed")),
                                  STR("istio.io-mesh-controller"));
        if (is_waypoint || !context_is_in_mesh(analysis, &pod))
            continue;
        struct port_list list = matching_ports(analysis, object, pod.labels);
        check_protocols(analysis, object, &list);
        check_targets(analysis, object, &list);
    }
}

static bool is_proxy_user(const struct node *owner)
{
    const struct node *user = node_get(node_get(owner, STR("securityContext")), STR("runAsUser"));

    return user != NULL && user->kind == NODE_INT && user->integer == PROXY_USER;
}

static void check_uid(struct analysis *analysis, const struct object *object,
                      const struct node *spec)
{
    const struct node *containers = node_get(spec, STR("containers"));

    if (context_is_control_plane(object))
        return;
    if (is_proxy_user(spec))
        report(analysis, object, NULL, DIAG_A_IST0144, (struct words3){0});
    for (uint32_t i = 0;
         containers != NULL && containers->kind == NODE_LIST && i < containers->count; i++) {
        struct str name = node_text(node_get(containers->items[i], STR("name")));
        if (!str_eq(name, STR("istio-proxy")) && !str_eq(name, STR("istio-operator")) &&
            is_proxy_user(containers->items[i]))
            report(analysis, object, NULL, DIAG_A_IST0144, (struct words3){0});
    }
}

void workload_analyze_uid(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, STR(""), STR("Pod"), &i));)
        check_uid(analysis, object, object->spec);
    for (uint32_t i = 0; (object = context_next(analysis, STR("apps"), STR("Deployment"), &i));)
        check_uid(analysis, object, template_of(object).spec);
}

/* The JSON `values` of an injector's ConfigMap. */
static bool injector_values(struct analysis *analysis, const struct object *config,
                            struct json_value *out)
{
    struct str text = node_text(node_get(node_get(config->root, STR("data")), STR("values")));
    size_t where;

    return text.len > 0 && json_read(text, analysis->arena, out, &where) == RC_OK &&
           out->kind == JSON_OBJECT;
}

static struct str injector_name(struct analysis *analysis, struct str revision)
{
    if (revision.len == 0 || str_eq(revision, STR("default")))
        return STR("istio-sidecar-injector");
    return arena_concat(analysis->arena, STR("istio-sidecar-injector-"), revision);
}

static bool is_enabled_by_default(struct analysis *analysis, struct str revision)
{
    struct str name = injector_name(analysis, revision);
    const struct object *config;
    struct json_value values;

    for (uint32_t i = 0; (config = context_next(analysis, STR(""), STR("ConfigMap"), &i));) {
        if (!str_eq(config->name, name) || !injector_values(analysis, config, &values))
            continue;
        const struct json_value *webhook = json_get(&values, STR("sidecarInjectorWebhook"));
        const struct json_value *flag =
            webhook == NULL ? NULL : json_get(webhook, STR("enableNamespacesByDefault"));
        return flag != NULL && flag->kind == JSON_BOOL && str_eq(flag->text, STR("true"));
    }
    return false;
}

static void check_labels(struct analysis *analysis, const struct object *object)
{
    static const struct str OTHERS[] = {STR_INIT("istio.io/rev"),
                                        STR_INIT("istio.io/dataplane-mode")};
    const struct node *injection = node_get(object->labels, STR("istio-injection"));
    struct text_list labels = {0};

    if (injection != NULL)
        text_list_add(&labels,
                      arena_concat(analysis->arena, STR("istio-injection="), node_text(injection)),
                      analysis->arena);
    for (size_t i = 0; i < COUNT_OF(OTHERS); i++) {
        const struct node *label = node_get(object->labels, OTHERS[i]);
        if (label != NULL && (injection == NULL || str_eq(node_text(injection), STR("enabled"))))
            text_list_add(&labels,
                          arena_format(analysis->arena, "%.*s=%.*s", STR_FMT(OTHERS[i]),
                                       STR_FMT(node_text(label))),
                          analysis->arena);
    }
    if (labels.count > 1)
        report(analysis, object, NULL, DIAG_A_IST0123,
               (struct words3){arena_format(analysis->arena, "[%.*s]",
                                            STR_FMT(context_listed(analysis, &labels, STR(" ")))),
                               STR_EMPTY, STR_EMPTY});
}

static void check_namespace(struct analysis *analysis, const struct object *object)
{
    struct str injection = context_label(object->labels, STR("istio-injection"));
    const struct node *revision = node_get(object->labels, STR("istio.io/rev"));

    check_labels(analysis, object);
    if (str_eq(context_label(object->labels, STR("istio.io/dataplane-mode")), STR("ambient")) ||
        injection.len > 0 || revision != NULL)
        return;
    if (is_enabled_by_default(analysis, node_text(revision))) {
        report(analysis, object, NULL, DIAG_A_IST0148, (struct words3){0});
        return;
    }
    struct view at = name_of(analysis, object);
    report(analysis, object, &at, DIAG_A_IST0102,
           (struct words3){object->name, STR_EMPTY, STR_EMPTY});
}

static struct str proxy_image(const struct analysis_pod *pod)
{
    static const struct str LISTS[] = {STR_INIT("containers"), STR_INIT("initContainers")};

    for (size_t i = 0; i < COUNT_OF(LISTS); i++) {
        const struct node *list = node_get(pod->spec, LISTS[i]);
        for (uint32_t k = 0; list != NULL && list->kind == NODE_LIST && k < list->count; k++)
            if (str_eq(node_text(node_get(list->items[k], STR("name"))), STR("istio-proxy")))
                return node_text(node_get(list->items[k], STR("image")));
    }
    return STR_EMPTY;
}

static void check_sidecar(struct analysis *analysis, const struct analysis_pod *pod)
{
    static const struct str INJECT = STR_INIT("sidecar.istio.io/inject");
    const struct node *host_network = node_get(pod->spec, STR("hostNetwork"));
    const struct node *label = node_get(pod->labels, INJECT);
    const struct object *namespace = context_find(
        analysis, STR(""), STR("Namespace"), (struct words3){STR_EMPTY, pod->namespace, STR_EMPTY});
    struct str inject = label != NULL ? node_text(label) : context_label(pod->annotations, INJECT);

    if (namespace == NULL || str_eq(namespace->name, STR("istio-system")) ||
        !str_eq(context_label(namespace->labels, STR("istio-injection")), STR("enabled")) ||
        str_eq(context_label(namespace->labels, STR("istio.io/dataplane-mode")), STR("ambient")))
        return;
    if (str_eq_ci(inject, STR("false")) || (host_network != NULL && host_network->boolean))
        return;
    if (proxy_image(pod).len == 0)
        report(analysis, pod->object, NULL, DIAG_A_IST0103,
               (struct words3){context_name(analysis, pod->object), STR_EMPTY, STR_EMPTY});
}

void workload_analyze_injection(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, STR(""), STR("Namespace"), &i));)
        if (!str_eq(object->name, STR("istio-system")))
            check_namespace(analysis, object);
    /* A pod that a workload will have gets its sidecar when it is made. */
    for (uint32_t i = 0; i < analysis->pod_count; i++)
        if (!analysis->pods[i].is_derived)
            check_sidecar(analysis, &analysis->pods[i]);
}

static struct str json_text(const struct json_value *object, struct str key)
{
    const struct json_value *value = object == NULL ? NULL : json_get(object, key);

    return value != NULL && value->kind == JSON_STRING ? value->text : STR_EMPTY;
}

/* The image that the injector of a namespace's revision gives; empty: none. */
static struct str injected_image(struct analysis *analysis, const struct object *namespace)
{
    const struct node *revision = node_get(namespace->labels, STR("istio.io/rev"));
    struct str name = injector_name(analysis, node_text(revision));
    const struct object *config;
    struct json_value values;

    if (revision == NULL &&
        !str_eq(context_label(namespace->labels, STR("istio-injection")), STR("enabled")))
        return STR_EMPTY;
    for (uint32_t i = 0; (config = context_next(analysis, STR(""), STR("ConfigMap"), &i));) {
        if (!str_eq(config->name, name) || !injector_values(analysis, config, &values))
            continue;
        const struct json_value *global = json_get(&values, STR("global"));
        const struct json_value *proxy = global == NULL ? NULL : json_get(global, STR("proxy"));
        struct str image = json_text(proxy, STR("image"));
        if (str_find(image, '/') != STR_NONE)
            return image;
        return arena_format(analysis->arena, "%.*s/%.*s:%.*s",
                            STR_FMT(json_text(global, STR("hub"))), STR_FMT(image),
                            STR_FMT(json_text(global, STR("tag"))));
    }
    return STR_EMPTY;
}

static bool is_other_image(const struct analysis_pod *pod, struct str image)
{
    struct str own = proxy_image(pod);

    if (own.len == 0 || str_eq(own, image) ||
        context_label(pod->annotations, STR("sidecar.istio.io/proxyImage")).len > 0)
        return false;
    /* A variant of the same version: -distroless, -debug. */
    struct str rest = str_has_prefix(own, image) ? str_from(own, image.len) : STR_EMPTY;
    return !str_eq(rest, STR("-distroless")) && !str_eq(rest, STR("-debug"));
}

void workload_analyze_image(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, STR(""), STR("Namespace"), &i));) {
        struct str image = injected_image(analysis, object);
        struct text_list names = {0};
        for (uint32_t p = 0; image.len > 0 && p < analysis->pod_count; p++)
            if (!analysis->pods[p].is_derived &&
                str_eq(analysis->pods[p].namespace, object->name) &&
                is_other_image(&analysis->pods[p], image))
                text_list_add(&names, analysis->pods[p].name, analysis->arena);
        if (names.count > 0)
            report(analysis, object, NULL, DIAG_A_IST0158,
                   (struct words3){bracketed(analysis, &names), STR_EMPTY, STR_EMPTY});
    }
}

/* matchLabels and matchExpressions. */
static bool matches_selector(const struct node *selector, const struct node *labels)
{
    const struct node *expressions = node_get(selector, STR("matchExpressions"));

    if (!context_selects(node_get(selector, STR("matchLabels")), labels))
        return false;
    for (uint32_t i = 0;
         expressions != NULL && expressions->kind == NODE_LIST && i < expressions->count; i++) {
        const struct node *item = expressions->items[i];
        const struct node *label = node_get(labels, node_text(node_get(item, STR("key"))));
        const struct node *values = node_get(item, STR("values"));
        struct str operator= node_text(node_get(item, STR("operator")));
        bool is_listed = false;
        for (uint32_t k = 0; label != NULL && values != NULL && k < values->count; k++)
            is_listed |= str_eq(node_text(values->items[k]), node_text(label));
        bool is_fine = str_eq(operator, STR("In"))       ? is_listed
                       : str_eq(operator, STR("NotIn"))  ? !is_listed
                       : str_eq(operator, STR("Exists")) ? label != NULL
                                                         : label == NULL;
        if (!is_fine)
            return false;
    }
    return true;
}

static bool is_injected(const struct analysis *analysis, const struct analysis_pod *pod)
{
    struct str name = pod->namespace.len > 0 ? pod->namespace : STR("default");
    const struct object *namespace = context_find(analysis, STR(""), STR("Namespace"),
                                                  (struct words3){STR_EMPTY, name, STR_EMPTY});
    const struct object *config;

    for (uint32_t i = 0; (config = context_next(analysis, STR("admissionregistration.k8s.io"),
                                                STR("MutatingWebhookConfiguration"), &i));) {
        const struct node *webhooks = node_get(config->root, STR("webhooks"));
        for (uint32_t k = 0; webhooks != NULL && webhooks->kind == NODE_LIST && k < webhooks->count;
             k++) {
            const struct node *webhook = webhooks->items[k];
            if (str_has_suffix(node_text(node_get(webhook, STR("name"))), STR("istio.io")) &&
                matches_selector(node_get(webhook, STR("namespaceSelector")),
                                 namespace == NULL ? NULL : namespace->labels) &&
                matches_selector(node_get(webhook, STR("objectSelector")), pod->labels))
                return true;
        }
    }
    return false;
}

void workload_analyze_auto(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; i < analysis->pod_count; i++) {
        const struct analysis_pod *pod = &analysis->pods[i];
        if (!pod->is_derived && str_eq(proxy_image(pod), STR("auto")))
            report(analysis, pod->object, NULL, DIAG_A_IST0147,
                   (struct words3){STR("Pod"), pod->name, STR_EMPTY});
    }
    for (uint32_t i = 0; (object = context_next(analysis, STR("apps"), STR("Deployment"), &i));) {
        struct analysis_pod pod = template_of(object);
        if (str_eq(proxy_image(&pod), STR("auto")) && !is_injected(analysis, &pod))
            report(analysis, object, NULL, DIAG_A_IST0146,
                   (struct words3){STR("Deployment"), object->name, STR_EMPTY});
    }
}
