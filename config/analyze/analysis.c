/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/analysis.c - see analysis.h: the table, the objects, the order
 * of findings.
 */
#include "config/analyze/analysis.h"

#include "base/check.h"
#include "base/map.h"
#include "config/analyze/context.h"

/* The texts of the webhook are arguments of IST0106 and IST0133. */
static void add_verdict(struct analysis *analysis, const struct object *object,
                        const struct diag *verdict)
{
    struct str text = diag_text(verdict, analysis->arena);
    struct words3 words = {text, STR_EMPTY, STR_EMPTY};
    enum diag_id id = verdict->severity == DIAG_ERROR ? DIAG_A_IST0106 : DIAG_A_IST0133;

    if (verdict->id == DIAG_V_RULE_UNUSED || verdict->id == DIAG_V_MATCH_UNUSED) {
        id = verdict->id == DIAG_V_RULE_UNUSED ? DIAG_A_IST0130 : DIAG_A_IST0131;
        words = (struct words3){verdict->args[0], verdict->args[1], verdict->args[2]};
    }
    report(analysis, object, NULL, id, words);
    struct diag *added = &analysis->findings[analysis->finding_count - 1].diag;
    added->origin = verdict->origin;
    added->path = verdict->path;
}

static void analyze_schema(struct analysis *analysis)
{
    for (uint32_t i = 0; i < analysis->objects.count; i++) {
        const struct object *object = &analysis->objects.items[i];
        struct diag_list diags;
        diag_list_init(&diags, analysis->arena);
        object_judge(object, (struct object_question){.arena = analysis->arena,
                                                      .diags = &diags,
                                                      .namespace = object->namespace});
        for (uint32_t k = 0; k < diags.count; k++)
            add_verdict(analysis, object, &diags.items[k]);
    }
}

static const struct analyzer ANALYZERS[] = {
    {STR_INIT("annotations.K8sAnalyzer"), STR_INIT("misplaced and invalid Istio annotations"), true,
     false, annotation_analyze},
    {STR_INIT("annotations.AlphaAnalyzer"), STR_INIT("annotations of alpha features"), true, true,
     annotation_analyze_alpha},
    {STR_INIT("authn.BlockedCIDRsAnalyzer"), STR_INIT("istiod may fetch any jwksUri"), false, false,
     policy_analyze_jwks},
    {STR_INIT("auth.AuthorizationPoliciesAnalyzer"),
     STR_INIT("policies without workloads, unknown namespaces"), true, false,
     policy_analyze_authorization},
    {STR_INIT("conditions.ConditionAnalyzer"), STR_INIT("negative conditions of status"), true,
     false, cluster_analyze_conditions},
    {STR_INIT("deployment.MultiServiceAnalyzer"), STR_INIT("services that disagree about a pod"),
     true, false, workload_analyze_services},
    {STR_INIT("applicationUID.Analyzer"), STR_INIT("the proxy's user id in an application"), true,
     false, workload_analyze_uid},
    {STR_INIT("destinationrule.CaCertificateAnalyzer"),
     STR_INIT("TLS that does not verify the server"), false, false, subset_analyze_certificates},
    {STR_INIT("destinationrule.SubsetSelectPodAnalyzer"),
     STR_INIT("subsets without pods, unknown hosts"), true, false, subset_analyze_pods},
    {STR_INIT("deprecation.DeprecationAnalyzer"), STR_INIT("deprecated types and fields"), false,
     false, cluster_analyze_deprecations},
    {STR_INIT("envoyfilter.EnvoyPatchAnalyzer"), STR_INIT("patches that cannot be applied"), false,
     false, filter_analyze_patches},
    {STR_INIT("externalcontrolplane.ExternalControlPlaneAnalyzer"),
     STR_INIT("addresses of an external control plane"), false, false, cluster_analyze_external},
    {STR_INIT("gateway.IngressGatewayPortAnalyzer"),
     STR_INIT("ports of gateways that no Service has"), true, false, port_analyze_gateways},
    {STR_INIT("gateway.CertificateAnalyzer"), STR_INIT("one certificate in two gateways"), false,
     false, port_analyze_certificates},
    {STR_INIT("gateway.SecretAnalyzer"), STR_INIT("secrets of gateways"), true, false,
     port_analyze_secrets},
    {STR_INIT("gateway.ConflictingGatewayAnalyzer"), STR_INIT("gateways with one port and host"),
     true, false, port_analyze_conflicts},
    {STR_INIT("injection.Analyzer"), STR_INIT("namespaces and pods without a sidecar"), true, false,
     workload_analyze_injection},
    {STR_INIT("injection.ImageAnalyzer"), STR_INIT("sidecars of another version"), true, false,
     workload_analyze_image},
    {STR_INIT("injection.ImageAutoAnalyzer"), STR_INIT("`image: auto` without injection"), true,
     false, workload_analyze_auto},
    {STR_INIT("k8sgateway.SelectorAnalyzer"), STR_INIT("selectors without effect on gateways"),
     true, false, policy_analyze_gateway_selectors},
    {STR_INIT("k8sgateway.CRDVersionAnalyzer"), STR_INIT("old CRDs of the Gateway API"), false,
     false, cluster_analyze_versions},
    {STR_INIT("service.PortNameAnalyzer"), STR_INIT("names of ports without a protocol"), true,
     false, port_analyze_names},
    {STR_INIT("sidecar.SelectorAnalyzer"), STR_INIT("Sidecars that select nothing, or the same"),
     true, false, policy_analyze_sidecars},
    {STR_INIT("virtualservice.ConflictingMeshGatewayHostsAnalyzer"),
     STR_INIT("VirtualServices with one host"), false, false, route_analyze_conflicts},
    {STR_INIT("virtualservice.DestinationHostAnalyzer"), STR_INIT("unknown hosts and ports"), true,
     false, route_analyze_hosts},
    {STR_INIT("virtualservice.DestinationRuleAnalyzer"), STR_INIT("unknown subsets"), false, false,
     route_analyze_rules},
    {STR_INIT("virtualservice.GatewayAnalyzer"), STR_INIT("unknown gateways and their hosts"),
     false, false, route_analyze_gateways},
    {STR_INIT("virtualservice.JWTClaimRouteAnalyzer"),
     STR_INIT("routing by claims that nobody checks"), true, false, route_analyze_claims},
    {STR_INIT("serviceentry.Analyzer"), STR_INIT("TCP entries without addresses"), false, false,
     entry_analyze_addresses},
    {STR_INIT("serviceentry.ConflictingServiceEntryProtocolAnalyzer"),
     STR_INIT("entries with one host and port, and two protocols"), false, false,
     entry_analyze_protocols},
    {STR_INIT("webhook.Analyzer"), STR_INIT("injection webhooks"), true, false,
     cluster_analyze_webhooks},
    {STR_INIT("telemetry.ProviderAnalyzer"), STR_INIT("access logs without a provider"), false,
     false, policy_analyze_providers},
    {STR_INIT("telemetry.SelectorAnalyzer"),
     STR_INIT("Telemetries that select nothing, or the same"), true, false,
     policy_analyze_telemetry},
    {STR_INIT("telemetry.DefaultSelectorAnalyzer"), STR_INIT("Telemetries for one namespace"),
     false, false, policy_analyze_default_telemetry},
    {STR_INIT("telemetry.LightstepAnalyzer"), STR_INIT("the Lightstep provider"), false, false,
     policy_analyze_lightstep},
    {STR_INIT("schema.ValidationAnalyzer"), STR_INIT("every object by itself, as `validate`"),
     false, false, analyze_schema},
};

static const struct str CODES[DIAG_ID_COUNT] = {
#define X(id, severity, text) [DIAG_##id] = STR_INIT(#id),
#include "config/yaml/diag_analyze.def"
#undef X
};

/* Namespaces of Kubernetes itself, which Istio leaves alone. */
static const struct str IGNORED[] = {
    STR_INIT("kube-system"),
    STR_INIT("kube-public"),
    STR_INIT("kube-node-lease"),
    STR_INIT("local-path-storage"),
};

static bool is_ignored(const struct object *object)
{
    struct str namespace =
        str_eq(object->kind, STR("Namespace")) ? object->name : object->namespace;

    for (size_t i = 0; i < COUNT_OF(IGNORED); i++)
        if (str_eq(IGNORED[i], namespace))
            return true;
    return false;
}

/* The pods that a workload would have, when none of its labels is there. */
static void derive_pod(struct analysis *analysis, const struct object *object)
{
    const struct node *template = node_get(object->spec, STR("template"));
    const struct node *metadata = node_get(template, STR("metadata"));
    const struct node *labels = node_get(metadata, STR("labels"));

    if (labels == NULL)
        return;
    for (uint32_t i = 0; i < analysis->pod_count; i++)
        if (str_eq(analysis->pods[i].namespace, object->namespace) &&
            context_selects(labels, analysis->pods[i].labels))
            return;
    *ARENA_PUSH(analysis->arena, analysis->pods, analysis->pod_count, analysis->pod_capacity) =
        (struct analysis_pod){
            .namespace = object->namespace,
            .name = arena_concat(analysis->arena, object->name, STR("-0")),
            .labels = labels,
            .annotations = node_get(metadata, STR("annotations")),
            .spec = node_get(template, STR("spec")),
            .object = object,
            .is_derived = true,
        };
}

static void collect_pods(struct analysis *analysis)
{
    static const struct str WORKLOADS[] = {STR_INIT("Deployment"), STR_INIT("StatefulSet"),
                                           STR_INIT("DaemonSet"), STR_INIT("ReplicaSet")};

    for (uint32_t i = 0; i < analysis->objects.count; i++) {
        const struct object *object = &analysis->objects.items[i];
        if (!object_is(object, STR(""), STR("Pod")))
            continue;
        *ARENA_PUSH(analysis->arena, analysis->pods, analysis->pod_count, analysis->pod_capacity) =
            (struct analysis_pod){.namespace = object->namespace,
                                  .name = object->name,
                                  .labels = object->labels,
                                  .annotations = object->annotations,
                                  .spec = object->spec,
                                  .object = object};
    }
    for (uint32_t i = 0; i < analysis->objects.count; i++)
        for (size_t k = 0; k < COUNT_OF(WORKLOADS); k++)
            if (object_is(&analysis->objects.items[i], STR("apps"), WORKLOADS[k]))
                derive_pod(analysis, &analysis->objects.items[i]);
}

/* As istioctl has it where there is no cluster. */
static const char DEFAULT_GATEWAY[] =
    "apiVersion: v1\nkind: Pod\n"
    "metadata: {name: istio-ingressgateway-dummypod, namespace: istio-system,\n"
    "  labels: {istio: ingressgateway}}\n"
    "spec: {containers: [{name: istio-proxy}]}\n"
    "---\n"
    "apiVersion: v1\nkind: Service\n"
    "metadata: {name: istio-ingressgateway, namespace: istio-system}\n"
    "spec:\n"
    "  selector: {istio: ingressgateway}\n"
    "  ports:\n"
    "  - {name: http2, port: 80, targetPort: 80, protocol: TCP}\n"
    "  - {name: https, port: 443, targetPort: 443, protocol: TCP}\n"
    "  - {name: tcp, port: 31400, targetPort: 31400, protocol: TCP}\n"
    "  - {name: tls, port: 15443, targetPort: 15443, protocol: TCP}\n";

static void add_default_gateway(struct analysis *analysis)
{
    struct documents documents = {0};
    uint32_t first = analysis->objects.count;

    for (uint32_t i = 0; i < analysis->pod_count; i++)
        if (str_eq(context_label(analysis->pods[i].labels, STR("istio")), STR("ingressgateway")))
            return;
    tree_read(STR("istio's default gateway"), str_of(DEFAULT_GATEWAY), analysis->arena, &documents,
              &analysis->aside);
    for (uint32_t i = 0; i < documents.count; i++)
        object_list_add(&analysis->objects, documents.items[i], analysis->arena, &analysis->aside);
    const struct object *pod = &analysis->objects.items[first];
    *ARENA_PUSH(analysis->arena, analysis->pods, analysis->pod_count, analysis->pod_capacity) =
        (struct analysis_pod){.namespace = pod->namespace,
                              .name = pod->name,
                              .labels = pod->labels,
                              .spec = pod->spec,
                              .object = pod};
}

static int order_of(const struct finding *a, const struct finding *b, struct arena *arena)
{
    if (a->diag.severity != b->diag.severity)
        return a->diag.severity > b->diag.severity ? -1 : 1;
    if (a->diag.id != b->diag.id)
        return str_order(CODES[a->diag.id], CODES[b->diag.id]);
    int order = str_order(a->object->kind, b->object->kind);
    if (order == 0)
        order = str_order(a->object->name, b->object->name);
    if (order == 0)
        order = str_order(a->object->namespace, b->object->namespace);
    if (order != 0)
        return order;
    struct str a_text =
        arena_format(arena, "%u %.*s", a->line, STR_FMT(diag_text(&a->diag, arena)));
    struct str b_text =
        arena_format(arena, "%u %.*s", b->line, STR_FMT(diag_text(&b->diag, arena)));
    return str_order(a_text, b_text);
}

const struct analyzer *analysis_at(uint32_t index)
{
    return index < COUNT_OF(ANALYZERS) ? &ANALYZERS[index] : NULL;
}

const struct analyzer *analysis_find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(ANALYZERS); i++)
        if (str_eq(ANALYZERS[i].name, name))
            return &ANALYZERS[i];
    return NULL;
}

void analysis_init(struct analysis *analysis, struct arena *arena, const struct object_list *all)
{
    struct map seen;

    *analysis = (struct analysis){.arena = arena};
    diag_list_init(&analysis->aside, arena);
    analysis->reading = (struct reading){.arena = arena, .diags = &analysis->aside};
    map_init(&seen, arena);
    for (uint32_t i = 0; i < all->count; i++) {
        const struct object *object = &all->items[i];
        struct str key =
            arena_format(arena, "%.*s/%.*s %.*s/%.*s", STR_FMT(object->group),
                         STR_FMT(object->kind), STR_FMT(object->namespace), STR_FMT(object->name));
        uint32_t earlier = map_get(&seen, key);
        if (is_ignored(object))
            continue;
        analysis->unreadable_count += object_is_readable(object, arena) ? 0 : 1;
        if (earlier != MAP_NONE) {
            analysis->objects.items[earlier] = *object;
            continue;
        }
        (void)map_set(&seen, key, analysis->objects.count);
        *ARENA_PUSH(arena, analysis->objects.items, analysis->objects.count,
                    analysis->objects.capacity) = *object;
    }
    collect_pods(analysis);
    add_default_gateway(analysis);
}

void analysis_run(struct analysis *analysis, const struct analyzer *analyzer)
{
    if (!analysis->is_files_only || !analyzer->needs_cluster)
        analyzer->run(analysis);
}

void analysis_sort(struct analysis *analysis)
{
    struct finding *items = analysis->findings;
    uint32_t kept_count = 0;

    /* Insertion: few findings, and most of them in order already. */
    for (uint32_t i = 1; i < analysis->finding_count; i++) {
        struct finding moved = items[i];
        uint32_t at = i;
        for (; at > 0 && order_of(&moved, &items[at - 1], analysis->arena) < 0; at--)
            items[at] = items[at - 1];
        items[at] = moved;
    }
    for (uint32_t i = 0; i < analysis->finding_count; i++)
        if (kept_count == 0 || order_of(&items[i], &items[kept_count - 1], analysis->arena) != 0)
            items[kept_count++] = items[i];
    analysis->finding_count = kept_count;
}

struct str finding_code(const struct finding *finding)
{
    return str_from(CODES[finding->diag.id], STR("A_").len);
}

struct str finding_level(const struct finding *finding)
{
    switch (finding->diag.severity) {
    case DIAG_NOTE:
        return STR("Info");
    case DIAG_WARNING:
        return STR("Warning");
    case DIAG_ERROR:
        return STR("Error");
    }
    UNREACHABLE("severity");
}

struct str finding_origin(const struct finding *finding, struct arena *arena)
{
    const struct object *object = finding->object;

    if (object->namespace.len == 0)
        return arena_format(arena, "%.*s %.*s", STR_FMT(object->kind), STR_FMT(object->name));
    return arena_format(arena, "%.*s %.*s/%.*s", STR_FMT(object->kind), STR_FMT(object->namespace),
                        STR_FMT(object->name));
}
