/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/policy_findings.c - Sidecars, Telemetries and security policies:
 * whom they select, and who selects the same.
 */
#include "base/check.h"
#include "config/analyze/context.h"

#define SECURITY STR("security.istio.io")
#define TELEMETRY_GROUP STR("telemetry.istio.io")
#define NAMES_SHOWN_MAX 5u

/* A kind of which one object at most may select a pod. */
struct selecting_kind {
    struct str group, kind, selector, labels;
    enum diag_id conflict;
    bool has_ambient;
};

static const struct selecting_kind SIDECAR = {STR_INIT("networking.istio.io"),
                                              STR_INIT("Sidecar"),
                                              STR_INIT("workloadSelector"),
                                              STR_INIT("labels"),
                                              DIAG_A_IST0110,
                                              true};
static const struct selecting_kind TELEMETRY = {
    STR_INIT("telemetry.istio.io"), STR_INIT("Telemetry"), STR_INIT("selector"),
    STR_INIT("matchLabels"),        DIAG_A_IST0159,        false};

static const struct node *labels_of(const struct selecting_kind *kind, const struct object *object)
{
    const struct node *labels = node_get(node_get(object->spec, kind->selector), kind->labels);

    return labels != NULL && labels->kind == NODE_MAP && labels->count > 0 ? labels : NULL;
}

static bool selects(const struct selecting_kind *kind, const struct object *object,
                    const struct analysis_pod *pod)
{
    const struct node *labels = labels_of(kind, object);

    return labels != NULL && str_eq(object->namespace, pod->namespace) &&
           context_selects(labels, pod->labels);
}

static struct str bracketed(struct analysis *analysis, struct text_list *list)
{
    context_sort(list);
    return arena_format(analysis->arena, "[%.*s]",
                        STR_FMT(context_listed(analysis, list, STR(" "))));
}

static void check_pods_of(struct analysis *analysis, const struct selecting_kind *kind,
                          const struct object *object)
{
    struct view spec = context_spec(analysis, object);
    struct view selector = view_field(&spec, kind->selector);
    struct view labels = view_field(&selector, kind->labels);

    if (view_count(&labels) == 0)
        return;
    for (uint32_t i = 0; i < analysis->pod_count; i++)
        if (selects(kind, object, &analysis->pods[i]))
            return;
    struct view at = context_first_pair(&labels);
    report(
        analysis, object, &at, DIAG_A_IST0101,
        (struct words3){STR("selector"), context_selector_text(analysis, labels.node), STR_EMPTY});
}

static void check_pod(struct analysis *analysis, const struct selecting_kind *kind,
                      const struct analysis_pod *pod)
{
    struct text_list names = {0};
    const struct object *object;
    bool is_ambient = kind->has_ambient && context_is_ambient(pod);

    for (uint32_t i = 0; (object = context_next(analysis, kind->group, kind->kind, &i));)
        if (selects(kind, object, pod))
            text_list_add(&names, object->name, analysis->arena);
    if (names.count < 2 && !is_ambient)
        return;
    struct str all = bracketed(analysis, &names);
    for (uint32_t i = 0; (object = context_next(analysis, kind->group, kind->kind, &i));) {
        struct view root = context_root(analysis, object);
        struct view metadata = view_field(&root, STR("metadata"));
        struct view at = view_field(&metadata, STR("name"));
        if (!selects(kind, object, pod))
            continue;
        if (is_ambient)
            report(analysis, object, NULL, DIAG_A_IST0167,
                   (struct words3){
                       STR("selected workload is in ambient mode, the policy has no impact"),
                       STR_EMPTY, STR_EMPTY});
        else
            report(analysis, object, &at, kind->conflict,
                   (struct words3){all, pod->namespace, pod->name});
    }
}

static void analyze_selectors(struct analysis *analysis, const struct selecting_kind *kind)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, kind->group, kind->kind, &i));)
        check_pods_of(analysis, kind, object);
    for (uint32_t i = 0; i < analysis->pod_count; i++)
        check_pod(analysis, kind, &analysis->pods[i]);
}

static bool is_ambient_namespace(const struct analysis *analysis, struct str name)
{
    const struct object *object = context_find(analysis, STR(""), STR("Namespace"),
                                               (struct words3){STR_EMPTY, name, STR_EMPTY});

    return object != NULL &&
           !str_eq(context_label(object->labels, STR("istio-injection")), STR("enabled")) &&
           context_label(object->labels, STR("istio.io/rev")).len == 0 &&
           str_eq(context_label(object->labels, STR("istio.io/dataplane-mode")), STR("ambient"));
}

/* Several objects for a whole namespace. */
static void check_default(struct analysis *analysis, const struct selecting_kind *kind,
                          const struct object *object, enum diag_id id)
{
    struct text_list names = {0};
    const struct object *other;

    for (uint32_t i = 0; (other = context_next(analysis, kind->group, kind->kind, &i));) {
        bool has_selector = kind->has_ambient ? labels_of(kind, other) != NULL
                                              : node_get(other->spec, kind->selector) != NULL;
        if (!has_selector && str_eq(other->namespace, object->namespace))
            text_list_add(&names, other->name, analysis->arena);
    }
    if (names.count > 1)
        report(analysis, object, NULL, id,
               (struct words3){bracketed(analysis, &names), object->namespace, STR_EMPTY});
}

void policy_analyze_sidecars(struct analysis *analysis)
{
    const struct object *object;

    analyze_selectors(analysis, &SIDECAR);
    for (uint32_t i = 0; (object = context_next(analysis, SIDECAR.group, SIDECAR.kind, &i));) {
        if (labels_of(&SIDECAR, object) != NULL)
            continue;
        if (is_ambient_namespace(analysis, object->namespace))
            report(analysis, object, NULL, DIAG_A_IST0167,
                   (struct words3){STR("namespace is in ambient mode, the policy has no impact"),
                                   STR_EMPTY, STR_EMPTY});
        else
            check_default(analysis, &SIDECAR, object, DIAG_A_IST0111);
    }
}

void policy_analyze_telemetry(struct analysis *analysis)
{
    analyze_selectors(analysis, &TELEMETRY);
}

void policy_analyze_default_telemetry(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, TELEMETRY.group, TELEMETRY.kind, &i));)
        if (node_get(object->spec, STR("selector")) == NULL)
            check_default(analysis, &TELEMETRY, object, DIAG_A_IST0160);
}

/* Access logs go to the mesh's default provider, when it names one: Istio's
 * defaults do. */
void policy_analyze_providers(struct analysis *analysis)
{
    const struct node *defaults = node_get(analysis->mesh_config, STR("defaultProviders"));
    const struct node *logging = node_get(defaults, STR("accessLogging"));
    const struct object *object;

    if (logging != NULL && logging->count > 0)
        return;
    for (uint32_t i = 0; (object = context_next(analysis, TELEMETRY.group, TELEMETRY.kind, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view list = view_field(&spec, STR("accessLogging"));
        for (uint32_t k = 0; k < view_count(&list); k++) {
            struct view item = view_item(&list, k);
            if (!field_is_true(&item, STR("disabled")) && field_count(&item, STR("providers")) == 0)
                report(analysis, object, NULL, DIAG_A_IST0157,
                       (struct words3){object->name, object->namespace, STR_EMPTY});
        }
    }
}

static bool is_lightstep(const struct analysis *analysis, struct str name)
{
    const struct node *list = node_get(analysis->mesh_config, STR("extensionProviders"));

    for (uint32_t i = 0; list != NULL && list->kind == NODE_LIST && i < list->count; i++)
        if (str_eq(node_text(node_get(list->items[i], STR("name"))), name) &&
            node_get(list->items[i], STR("lightstep")) != NULL)
            return true;
    return false;
}

void policy_analyze_lightstep(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, TELEMETRY.group, TELEMETRY.kind, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view tracing = view_field(&spec, STR("tracing"));
        for (uint32_t k = 0; k < view_count(&tracing); k++) {
            struct view item = view_item(&tracing, k);
            struct view providers = view_field(&item, STR("providers"));
            for (uint32_t p = 0; p < view_count(&providers); p++) {
                struct view provider = view_item(&providers, p);
                struct str name = field_text(&provider, STR("name"));
                if (is_lightstep(analysis, name))
                    report(analysis, object, NULL, DIAG_A_IST0002,
                           (struct words3){
                               arena_format(analysis->arena,
                                            "The Lightstep provider %.*s is deprecated, please "
                                            "migrate to OpenTelemetry provider.",
                                            STR_FMT(name)),
                               STR_EMPTY, STR_EMPTY});
            }
        }
    }
}

static bool has_member(const struct analysis *analysis, const struct node *labels,
                       struct str namespace)
{
    for (uint32_t i = 0; i < analysis->pod_count; i++) {
        const struct analysis_pod *pod = &analysis->pods[i];
        bool is_here = namespace.len == 0 || str_eq(pod->namespace, namespace);
        if (is_here && context_selects(labels, pod->labels) &&
            (context_is_in_mesh(analysis, pod) || context_is_ambient(pod)))
            return true;
    }
    return false;
}

static bool is_namespace(const struct analysis *analysis, struct str pattern)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, STR(""), STR("Namespace"), &i));) {
        struct str name = object->name;
        bool is_match = str_has_prefix(pattern, STR("*"))
                            ? str_has_suffix(name, str_from(pattern, 1))
                        : str_has_suffix(pattern, STR("*"))
                            ? str_has_prefix(name, str_slice(pattern, 0, pattern.len - 1))
                            : str_eq_ci(name, pattern);
        if (is_match)
            return true;
    }
    return false;
}

static void check_namespaces(struct analysis *analysis, const struct object *object,
                             const struct view *source)
{
    static const struct str FIELDS[] = {STR_INIT("namespaces"), STR_INIT("notNamespaces")};

    for (size_t f = 0; f < COUNT_OF(FIELDS); f++) {
        struct view list = view_field(source, FIELDS[f]);
        for (uint32_t i = 0; i < view_count(&list); i++) {
            struct view item = view_item(&list, i);
            if (!is_namespace(analysis, field_own_text(&item)))
                report(analysis, object, &item, DIAG_A_IST0101,
                       (struct words3){STR("namespace"), field_own_text(&item), STR_EMPTY});
        }
    }
}

void policy_analyze_authorization(struct analysis *analysis)
{
    struct str root = node_text(node_get(analysis->mesh_config, STR("rootNamespace")));
    const struct object *object;

    if (root.len == 0)
        root = STR("istio-system");
    for (uint32_t i = 0;
         (object = context_next(analysis, SECURITY, STR("AuthorizationPolicy"), &i));) {
        struct view spec = context_spec(analysis, object);
        struct view selector = view_field(&spec, STR("selector"));
        struct view labels = view_field(&selector, STR("matchLabels"));
        struct view rules = view_field(&spec, STR("rules"));
        bool is_mesh_wide = str_eq(object->namespace, root);
        struct str where = is_mesh_wide ? STR_EMPTY : object->namespace;
        if ((view_is_present(&selector) || !is_mesh_wide) &&
            !has_member(analysis, labels.node, where))
            report(analysis, object, NULL, DIAG_A_IST0127,
                   (struct words3){context_selector_text(analysis, labels.node), STR_EMPTY,
                                   STR_EMPTY});
        for (uint32_t k = 0; k < view_count(&rules); k++) {
            struct view rule = view_item(&rules, k);
            struct view froms = view_field(&rule, STR("from"));
            for (uint32_t f = 0; f < view_count(&froms); f++) {
                struct view from = view_item(&froms, f);
                struct view source = view_field(&from, STR("source"));
                check_namespaces(analysis, object, &source);
            }
        }
    }
}

void policy_analyze_gateway_selectors(struct analysis *analysis)
{
    static const struct str GATEWAY = STR_INIT("gateway.networking.k8s.io/gateway-name");

    for (uint32_t i = 0; i < analysis->objects.count; i++) {
        const struct object *object = &analysis->objects.items[i];
        const struct node *selector = node_get(object->spec, STR("selector"));
        bool is_policy = object_is(object, SECURITY, STR("AuthorizationPolicy")) ||
                         object_is(object, SECURITY, STR("RequestAuthentication")) ||
                         object_is(object, TELEMETRY_GROUP, STR("Telemetry")) ||
                         object_is(object, STR("extensions.istio.io"), STR("WasmPlugin"));
        if (!is_policy || selector == NULL || node_get(object->spec, STR("targetRef")) != NULL)
            continue;
        for (uint32_t p = 0; p < analysis->pod_count; p++) {
            const struct analysis_pod *pod = &analysis->pods[p];
            struct str gateway = context_label(pod->labels, GATEWAY);
            if (gateway.len > 0 && str_eq(pod->namespace, object->namespace) &&
                context_selects(node_get(selector, STR("matchLabels")), pod->labels))
                report(analysis, object, NULL, DIAG_A_IST0166,
                       (struct words3){gateway, STR_EMPTY, STR_EMPTY});
        }
    }
}

static bool has_blocked_ranges(const struct object *deployment)
{
    const struct node *template = node_get(deployment->spec, STR("template"));
    const struct node *containers = node_get(node_get(template, STR("spec")), STR("containers"));

    for (uint32_t i = 0;
         containers != NULL && containers->kind == NODE_LIST && i < containers->count; i++) {
        const struct node *env = node_get(containers->items[i], STR("env"));
        for (uint32_t k = 0; env != NULL && env->kind == NODE_LIST && k < env->count; k++)
            if (str_eq(node_text(node_get(env->items[k], STR("name"))),
                       STR("BLOCKED_CIDRS_IN_JWKS_URIS")) &&
                node_text(node_get(env->items[k], STR("value"))).len > 0)
                return true;
    }
    return false;
}

void policy_analyze_jwks(struct analysis *analysis)
{
    struct text_list names = {0};
    const struct object *object;
    uint32_t count = 0;

    for (uint32_t i = 0;
         (object = context_next(analysis, SECURITY, STR("RequestAuthentication"), &i)); count++)
        if (count < NAMES_SHOWN_MAX)
            text_list_add(&names, context_name(analysis, object), analysis->arena);
    struct str text = context_listed(analysis, &names, STR(", "));
    if (count > NAMES_SHOWN_MAX)
        text = arena_format(analysis->arena, "%.*s, and %u more", STR_FMT(text),
                            count - NAMES_SHOWN_MAX);
    for (uint32_t i = 0;
         count > 0 && (object = context_next(analysis, STR("apps"), STR("Deployment"), &i));)
        if (str_eq(context_label(object->labels, STR("app")), STR("istiod")) &&
            !has_blocked_ranges(object))
            report(analysis, object, NULL, DIAG_A_IST0175,
                   (struct words3){arena_format(analysis->arena, "%u", count), text, STR_EMPTY});
}
